// Documents one file at a time, so that each has its progress and its row; without script the form sends them at once.

import { element } from "./dom.js";

const OUTCOMES = {
  added: ["good", "Added"],
  updated: ["good", "Updated"],
  unchanged: ["", "Unchanged"],
  failed: ["bad", "Not taken"],
};

const form = document.getElementById("documents-upload");
const status = document.getElementById("upload-status");
const bar = document.getElementById("upload-bar");
const rows = document.getElementById("upload-rows");
const result = document.getElementById("result") ?? document.getElementById("upload-result");

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const files = [...form.elements.files.files];
  const button = form.querySelector("button");
  button.disabled = true;
  document.getElementById("upload-progress").hidden = false;
  result.querySelectorAll(".notice, .hint").forEach((each) => each.remove());
  rows.replaceChildren();
  result.hidden = false;
  rows.closest(".table").hidden = false;
  const counts = { added: 0, updated: 0, unchanged: 0, failed: 0 };
  for (const [number, file] of files.entries()) {
    status.textContent = `Reading ${file.name}, ${number + 1} of ${files.length}`;
    Object.assign(bar, { max: files.length + 1, value: number });
    for (const each of await sent(file)) {
      counts[each.outcome] += 1;
      rows.append(row(each));
    }
  }
  const inUse = counts.added + counts.updated + counts.unchanged > 0;
  status.textContent = inUse ? "Publishing" : "";
  bar.value = files.length;
  const live = inUse ? await publish() : "";
  bar.value = files.length + 1;
  status.textContent =
    `${counts.added} added, ${counts.updated} updated, ${counts.unchanged} unchanged, ${counts.failed} not taken. ${live}`;
  result.append(element("p", { className: "hint" }, element("a", { href: "/desk/knowledge/" }, "Show them in the list")));
  button.disabled = false;
  result.focus();
});

async function sent(file) {
  const failed = (reason) => [{ name: file.name, outcome: "failed", document: "", reason, notes: [], held: [] }];
  const largest = Number(form.dataset.largest);
  if (file.size > largest) return failed(`has ${file.size.toLocaleString()} bytes, the limit is ${largest.toLocaleString()}`);
  const body = new FormData();
  body.append("csrf", form.elements.csrf.value);
  body.append("publish", "later");
  body.append("files", file);
  const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } }).catch(() => null);
  if (!answer) return failed("did not reach the server; try again");
  if (answer.status === 413) return failed("is larger than the server takes");
  const told = await answer.json().catch(() => null);
  return told?.sources ?? failed(`was refused (${answer.status}); reload the page and try again`);
}

async function publish() {
  const body = new FormData();
  body.append("csrf", form.elements.csrf.value);
  const answer = await fetch("/desk/knowledge/publish", { method: "POST", body }).catch(() => null);
  if (answer?.ok) return "They are live.";
  return answer?.status === 404
    ? "They go live with the first training."
    : "They are stored but not live yet; press “Publish now” after a reload.";
}

function row(each) {
  const [tone, word] = OUTCOMES[each.outcome];
  const notes = [each.reason, ...each.notes, ...each.held.map((text) => `held for review: ${text}`)].filter(Boolean);
  return element(
    "tr",
    {},
    element("td", {}, each.name),
    element("td", { className: "number" }, each.document ? String(each.passages) : ""),
    element("td", {}, element("span", { className: `tag ${tone}` }, word)),
    element("td", {}, ...notes.map((note) => element("p", {}, note))),
  );
}
