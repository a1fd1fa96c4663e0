// Files on their way: chosen by button, pasted or dropped, uploaded at once under an id of their own, and listed with
// their progress until the message goes out with them. Shared by the chat and the desk.

import { spokenSize } from "./files.js";
import { element, icon } from "./transcript.js";

const MOST = 5;

export class Attaching {
  items = [];
  elsewhere = new Map();
  place = "";
  waiting = null;

  /** `upload(file, key, onProgress)` promises the server's record; `say` announces; `onChange` follows every change. */
  constructor({ button, input, list, error, box, area, largest }, { upload, say, onChange }) {
    Object.assign(this, { button, input, list, error, largest, upload, say, onChange });
    button.addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      this.add(input.files);
      input.value = "";
    });
    box.addEventListener("paste", (event) => {
      const { files, types } = event.clipboardData;
      if (!files.length || types.includes("text/plain")) return;
      event.preventDefault();
      this.add(files);
    });
    this.takeDrops(area);
  }

  takeDrops(area) {
    const mark = (on) => area.classList.toggle("dropping", on && !this.button.disabled);
    area.addEventListener("dragover", (event) => {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      mark(true);
    });
    area.addEventListener("dragleave", (event) => area.contains(event.relatedTarget) || mark(false));
    area.addEventListener("drop", (event) => {
      if (!event.dataTransfer.files.length) return;
      event.preventDefault();
      mark(false);
      this.add(event.dataTransfer.files);
    });
  }

  /** Records of what has been uploaded. */
  get ready() {
    return this.items.filter((item) => item.record).map((item) => item.record);
  }

  get busy() {
    return this.items.some((item) => item.uploading);
  }

  add(files) {
    if (this.button.disabled) return;
    this.error.textContent = "";
    for (const file of files) {
      if (this.items.length >= MOST) this.refuse(`A message takes ${MOST} files. Send these first, then the others.`);
      else if (file.size > this.largest) this.refuse(`${file.name} has ${spokenSize(file.size)}, at most ${spokenSize(this.largest)} are taken. Send a smaller one.`);
      else this.start({ key: uuid(), file, name: file.name, size: file.size, record: null });
    }
  }

  start(item) {
    if (!this.items.includes(item)) this.items.push(item);
    Object.assign(item, { uploading: true, failure: "", share: 0 });
    this.draw();
    const progress = (share) => {
      item.share = share;
      if (item.bar) item.bar.value = share;
    };
    this.upload(item.file, item.key, progress).then(
      (record) => {
        Object.assign(item, { record, name: record.name, size: record.size });
        this.done(item, `${record.name} is attached.`);
      },
      (error) => {
        item.failure = error.message;
        this.refuse(`${item.name}: ${error.message}`);
        this.done(item, "");
      },
    );
  }

  done(item, said) {
    item.uploading = false;
    if (said && this.items.includes(item)) this.say(said);
    this.draw();
    if (this.busy || !this.waiting) return;
    const next = this.waiting;
    this.waiting = null;
    if (!this.items.some((each) => each.failure)) next();
  }

  /** Call `next` once nothing is on its way any more; where something failed, it is for the person to decide. */
  whenDone(next) {
    this.waiting = next;
    this.say("It goes out as soon as the files are uploaded.");
  }

  remove(item) {
    this.items = this.items.filter((each) => each !== item);
    this.error.textContent = "";
    this.draw();
    this.button.focus();
  }

  /** The records to send, which leave the list. */
  take() {
    const { ready } = this;
    this.items = this.items.filter((item) => !item.record);
    this.draw();
    return ready;
  }

  /** Put back what could not be sent. */
  restore(records) {
    for (const record of records) this.items.push({ key: record.id, record, name: record.name, size: record.size });
    this.draw();
  }

  /** Show the list that belongs to another conversation; this one's is kept for when it is opened again. */
  turnTo(place) {
    if (place === this.place) return;
    this.elsewhere.set(this.place, this.items);
    this.items = this.elsewhere.get(place) ?? [];
    this.place = place;
    this.waiting = null;
    this.error.textContent = "";
    this.draw();
  }

  refuse(why) {
    this.error.textContent = why;
  }

  draw() {
    this.list.hidden = !this.items.length;
    this.list.replaceChildren(...this.items.map((item) => this.row(item)));
    this.onChange();
  }

  row(item) {
    const state = item.failure ? "not sent" : spokenSize(item.size);
    item.bar = item.uploading ? element("progress", { max: 1, value: item.share, ariaLabel: `Uploading ${item.name}` }) : null;
    const again = item.failure && element("button", { type: "button", className: "text-button", textContent: "Try again", onclick: () => this.start(item) });
    const remove = element("button", { type: "button", className: "remove", ariaLabel: `Remove ${item.name}`, onclick: () => this.remove(item) }, icon("close"));
    return element(
      "li",
      { className: item.failure ? "failed" : "" },
      icon("file"),
      element("span", { className: "file-name", textContent: item.name }),
      item.bar ?? element("span", { className: "file-size", textContent: state }),
      again || null,
      remove,
    );
  }
}

/** A version 4 UUID, also where the page is not a secure context and `crypto.randomUUID` is missing. */
function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const address = URL.createObjectURL(new Blob());
  URL.revokeObjectURL(address);
  return address.slice(-36);
}
