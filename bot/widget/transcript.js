// The messages on the screen. Text of people goes in as text; only `html`, which the server made safe, as markup.

const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const SOON_MS = 4 * 60_000;

export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `/widget/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

export class Transcript {
  /** `company` speaks for the bot; `onChoice` and `onRating` are told what was tapped; `filesOf` makes a list of files. */
  constructor(log, scroller, { company, onChoice, onRating, filesOf }) {
    Object.assign(this, { log, scroller, company, onChoice, onRating, filesOf });
    this.last = null;
    scroller.addEventListener("keydown", (event) => hushPreview(event));
  }

  clear() {
    this.log.replaceChildren();
    this.last = null;
  }

  /** Leave only what no server has seen: it belongs to the next conversation. */
  keepPending() {
    for (const node of [...this.log.children]) if (!node.matches(".pending")) node.remove();
  }

  /** Show a message of the log; one of this browser's that was shown before it was confirmed keeps its place. */
  show(message, { fresh = true } = {}) {
    if (this.log.querySelector(`[data-seq="${message.seq}"]`)) return;
    const waiting = this.own(message.client_id);
    if (waiting) {
      this.confirm(waiting, message.seq);
      return;
    }
    const follow = this.nearEnd();
    if (message.participant !== "customer") this.closeChoices();
    const node = message.kind === "event" ? this.event(message) : this.message(message);
    node.dataset.seq = message.seq;
    if (message.client_id) node.dataset.client = message.client_id;
    node.classList.toggle("fresh", fresh);
    this.log.insertBefore(node, this.log.querySelector(".pending"));
    if (follow || message.participant === "customer") this.toEnd();
  }

  /** Show what the customer has just written, before the server has it or has said so. */
  showPending({ client_id: id, text, attachments }) {
    if (this.own(id)) return;
    this.closeChoices();
    const at = new Date().toISOString();
    const node = this.message({ participant: "customer", author: "", at, text, html: null, attachments });
    node.classList.add("pending", "fresh");
    node.dataset.client = id;
    this.log.append(node);
    this.toEnd();
  }

  /** The message that this browser sent under an id, whether the log has it or not. */
  own(id) {
    return id ? this.log.querySelector(`[data-client="${id}"]`) : null;
  }

  sent(id, seq) {
    const node = this.own(id);
    if (node && !node.dataset.seq) this.confirm(node, seq);
  }

  confirm(node, seq) {
    node.dataset.seq = seq;
    node.classList.remove("pending");
  }

  drop(id) {
    this.own(id)?.remove();
  }

  event(message) {
    this.last = null;
    return element("div", { className: "event" }, element("div", { textContent: message.text }));
  }

  message(message) {
    const at = new Date(message.at);
    const who = message.participant + message.author;
    const soon = this.last && at - this.last.at < SOON_MS;
    const follows = soon && this.last.who === who;
    const line = this.byline(message, at, soon, follows);
    this.last = { who, at };
    const bubble = element("div", { className: "bubble" });
    if (message.html === null) bubble.append(element("p", { textContent: message.text }));
    else bubble.innerHTML = message.html;
    return element(
      "div",
      { className: `message ${message.participant}${follows ? " follows" : ""}` },
      element("p", { className: "visually-hidden", textContent: `${this.speaker(message)}, ${TIME.format(at)}:` }),
      line ? element("p", { className: "meta", ariaHidden: "true", textContent: line }) : null,
      message.text ? bubble : null,
      message.attachments?.length ? this.filesOf(message.attachments) : null,
      message.citations?.length ? sources(message) : null,
      message.quick_replies?.length ? this.choices(message.quick_replies) : null,
      message.citations?.length ? this.rating(message) : null,
    );
  }

  speaker({ participant, author }) {
    if (participant === "customer") return "You";
    return participant === "agent" ? author : `${this.company} assistant`;
  }

  /** The small line above a message: who, where a person begins to speak, and when, where time has passed. */
  byline({ participant, author }, at, soon, follows) {
    const name = participant === "agent" && !follows ? author : "";
    return [name, soon ? "" : TIME.format(at)].filter(Boolean).join(" · ");
  }

  choices(replies) {
    const buttons = replies.map(({ title, payload }) =>
      element("button", { type: "button", textContent: title, onclick: () => this.onChoice(title, payload) }),
    );
    return element("div", { className: "choices", role: "group", ariaLabel: "Suggested replies" }, ...buttons);
  }

  /** Choices belong to the newest message; older ones stay readable but cannot be tapped any more. */
  closeChoices() {
    for (const button of this.log.querySelectorAll(".choices button:enabled")) button.disabled = true;
  }

  rating({ seq, rating }) {
    const row = element("div", { className: "rating", role: "group", ariaLabel: "Was this helpful?" });
    const choose = (value) => {
      for (const button of row.querySelectorAll("button")) {
        button.setAttribute("aria-pressed", String(button.value === value));
      }
    };
    for (const [value, name, label] of [["up", "up", "Helpful"], ["down", "thumb-down", "Not helpful"]]) {
      const rate = () => this.onRating(seq, value).then(() => choose(value));
      row.append(element("button", { type: "button", value, ariaLabel: label, onclick: rate }, icon(name)));
    }
    choose(rating);
    return row;
  }

  nearEnd() {
    return this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight < 120;
  }

  toEnd() {
    requestAnimationFrame(() => this.scroller.scrollTo({ top: this.scroller.scrollHeight }));
  }
}

/** Numbered sources under an answer, each with a preview of its quote. */
function sources({ seq, citations }) {
  const items = citations.map((citation, at) => {
    const id = `quote-${seq}-${at + 1}`;
    const link = element(
      "a",
      { className: "source", href: citation.url, target: "_blank", rel: "noopener" },
      element("span", { className: "number", textContent: String(at + 1) }),
      element("span", { textContent: citation.heading }),
    );
    link.setAttribute("aria-describedby", id);
    const heading = element("b", { textContent: citation.heading });
    const preview = element("div", { className: "preview", role: "tooltip", id }, heading, `“${shortened(citation.quote)}”`);
    return element("li", {}, link, preview);
  });
  const list = element("ol", { className: "sources", ariaLabel: "Sources" }, ...items);
  list.addEventListener("pointerenter", () => list.classList.remove("quiet"));
  list.addEventListener("focusin", () => list.classList.remove("quiet"));
  return list;
}

/** Escape hides a preview first (WCAG 1.4.13); a second one closes the chat. */
function hushPreview(event) {
  const list = event.key === "Escape" && event.target.closest?.(".sources:not(.quiet)");
  if (!list) return;
  list.classList.add("quiet");
  event.stopPropagation();
}

function shortened(quote) {
  return quote.length > 280 ? `${quote.slice(0, 279).trimEnd()}…` : quote;
}
