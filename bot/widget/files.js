// Files of messages as they are shown: pictures small and opened by a click, everything else by name, to be saved.
// Shared by the chat, which fetches a file with its token, and the desk, whose session opens addresses.

import { element, icon } from "./transcript.js";

/** Bytes as one says them, as the server does. */
export function spokenSize(size) {
  if (size < 1_024) return `${size} bytes`;
  return size < 1_000 * 1_024 ? `${Math.round(size / 1_024)} kB` : `${(size / 2 ** 20).toFixed(1)} MB`;
}

/** The files of a message. `source` has `address(file)`, or `fetch(file)` which promises one. */
export function fileList(files, source) {
  const items = files.map((file) => element("li", {}, file.picture ? picture(file, source) : named(file, source)));
  return element("ul", { className: "files", ariaLabel: "Files" }, ...items);
}

function picture(file, source) {
  const said = `${file.name}, ${spokenSize(file.size)}`;
  const link = element("a", { className: "file picture", target: "_blank", rel: "noopener", title: said }, ...label(file));
  const show = (address) => {
    link.href = address;
    link.setAttribute("aria-label", `Open the picture ${said}`);
    const image = element("img", { alt: "", loading: "lazy", src: address });
    image.addEventListener("error", () => link.replaceChildren(...label(file)));
    link.replaceChildren(image);
  };
  if (source.address) show(source.address(file));
  else whenSeen(link, () => source.fetch(file).then(show, () => link.append(" could not be loaded")));
  return link;
}

function named(file, source) {
  if (source.address) return element("a", { className: "file", href: source.address(file), download: file.name }, ...label(file));
  const button = element("button", { type: "button", className: "file" }, ...label(file));
  button.setAttribute("aria-label", `Save ${file.name}, ${spokenSize(file.size)}`);
  button.addEventListener("click", async () => {
    const address = await source.fetch(file).catch(() => null);
    if (address) element("a", { href: address, download: file.name }).click();
    else button.append(" could not be loaded");
  });
  return button;
}

function label(file) {
  const size = element("span", { className: "file-size", textContent: spokenSize(file.size) });
  return [icon("file"), element("span", { className: "file-name", textContent: file.name }), size];
}

/** Do something once when a node comes near to what is seen, so that a long conversation does not load at once. */
function whenSeen(node, work) {
  const observer = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    work();
  });
  observer.observe(node);
}

/** Fetches files with the conversation's token, each once, and keeps them for as long as the page is open. */
export class FetchedFiles {
  kept = new Map();

  constructor(client) {
    this.client = client;
  }

  fetch({ id }) {
    if (!this.kept.has(id)) {
      const address = this.client.request(`/attachments/${id}`).then(async (answer) => URL.createObjectURL(await answer.blob()));
      address.catch(() => this.kept.delete(id));
      this.kept.set(id, address);
    }
    return this.kept.get(id);
  }
}
