// A list over the composer that is worked by keyboard: "/" in an empty reply offers canned replies, "@" in a note
// colleagues. The box keeps the focus; the list's current option is its active descendant (WAI-ARIA 1.2, listbox).

import { element } from "./dom.js";

/** Where a trigger begins that the caret stands behind, and what was typed after it; null where none does. */
export function trigger(text, caret, note) {
  const before = text.slice(0, caret);
  const found = note ? /(?:^|\s)@([^\n@]{0,40})$/u.exec(before) : /^\/([^\n]{0,40})$/u.exec(before);
  return found ? { start: caret - found[1].length - 1, typed: found[1] } : null;
}

export function matching(options, typed) {
  const wanted = typed.trim().toLocaleLowerCase();
  const starts = options.filter((each) => each.title.toLocaleLowerCase().startsWith(wanted));
  const holds = options.filter((each) => !starts.includes(each) && each.title.toLocaleLowerCase().includes(wanted));
  return [...starts, ...holds];
}

export class Suggest {
  /** `options(note)` gives [{title, text}] for a reply or a note; `onInsert` is told what was put in. */
  constructor(box, { isNote, options, onInsert }) {
    Object.assign(this, { box, isNote, options, onInsert });
    this.list = element("ul", { className: "suggest", id: "suggest", role: "listbox", tabIndex: 0, hidden: true });
    this.list.setAttribute("aria-label", "Insert");
    this.said = element("p", { className: "visually-hidden", role: "status" });
    box.before(this.list, this.said);
    box.setAttribute("aria-autocomplete", "list");
    box.setAttribute("aria-controls", "suggest");
    box.addEventListener("input", () => this.look());
    box.addEventListener("click", () => this.look());
    box.addEventListener("keydown", (event) => this.key(event));
    box.addEventListener("blur", () => setTimeout(() => document.activeElement === box || this.close(), 150));
    this.list.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      const at = [...this.list.children].indexOf(event.target.closest("li"));
      if (at >= 0) this.insert(at);
    });
  }

  async look() {
    const found = trigger(this.box.value, this.box.selectionStart, this.isNote());
    if (!found) return this.close();
    const note = this.isNote();
    const options = await this.options(note);
    const still = trigger(this.box.value, this.box.selectionStart, this.isNote());
    if (!still) return this.close();
    this.found = still;
    this.shown = matching(options, still.typed).slice(0, 8);
    if (!this.shown.length) return this.close();
    this.list.replaceChildren(
      ...this.shown.map((each, at) => {
        const text = note ? null : element("span", { textContent: each.text });
        const option = element("li", { id: `suggest-${at}`, role: "option" }, element("strong", { textContent: each.title }), text);
        return option;
      }),
    );
    if (this.list.hidden) this.said.textContent = `${this.shown.length} to insert; arrow keys choose, Enter inserts`;
    this.list.hidden = false;
    this.choose(0);
  }

  choose(at) {
    this.at = (at + this.shown.length) % this.shown.length;
    for (const [number, option] of [...this.list.children].entries()) option.setAttribute("aria-selected", String(number === this.at));
    this.box.setAttribute("aria-activedescendant", `suggest-${this.at}`);
    this.list.children[this.at].scrollIntoView({ block: "nearest" });
  }

  close() {
    this.list.hidden = true;
    this.said.textContent = "";
    this.box.removeAttribute("aria-activedescendant");
  }

  insert(at) {
    const chosen = this.shown[at];
    const { start } = this.found;
    this.box.setRangeText(chosen.text, start, this.box.selectionStart, "end");
    this.close();
    this.box.focus();
    this.onInsert(chosen);
  }

  key(event) {
    if (this.list.hidden || event.isComposing) return;
    const acts = {
      ArrowDown: () => this.choose(this.at + 1),
      ArrowUp: () => this.choose(this.at - 1),
      Enter: () => this.insert(this.at),
      Tab: () => this.insert(this.at),
      Escape: () => this.close(),
    };
    if (!acts[event.key] || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation();
    acts[event.key]();
  }
}
