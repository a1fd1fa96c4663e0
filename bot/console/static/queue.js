// The queue: who waits and since when, who is served, and the rest.

import { element, icon, since } from "./dom.js";
import { marksOf } from "./marks.js";

const LONG_MS = 5 * 60_000;

export function shownIn(rows, filter, me) {
  if (filter === "mine") return rows.filter((each) => each.owner === "agent" && each.agent === me);
  if (filter === "open") return rows.filter((each) => (each.owner === "waiting" && !each.snoozed_until) || each.owner === "agent");
  if (filter === "later") return rows.filter((each) => each.snoozed_until);
  return rows;
}

const EMPTY = {
  open: ["Nobody is waiting", "Whoever needs a person appears here, the most pressing first."],
  mine: ["You hold no conversation", "Take one over and it stands here until you hand it back."],
  later: ["Nothing is put off", "What you snooze stands here until its time is up; then it is back at the top of the queue."],
  all: ["No conversations yet", "They appear as soon as a customer writes."],
  search: ["Nothing found", "No text, name or address holds that."],
};

/** Draw the list, or what stands in its place: nothing there, or a failure with a way to try again. */
export function drawQueue(list, { rows = [], current, filter, searching = false, failed, retry }) {
  if (failed) {
    const again = element("button", { className: "text-button", type: "button", textContent: "Try again", onclick: retry });
    list.replaceChildren(element("div", { className: "empty" }, icon("warning"), element("p", { textContent: failed }), again));
    return;
  }
  if (!rows.length) {
    const [title, text] = EMPTY[searching ? "search" : filter];
    list.replaceChildren(element("div", { className: "empty" }, icon("check"), element("h2", { textContent: title }), element("p", { textContent: text })));
    return;
  }
  const focused = document.activeElement?.dataset?.id;
  list.replaceChildren(element("ul", {}, ...rows.map((each) => row(each, each.id === current))));
  if (focused) list.querySelector(`[data-id="${focused}"]`)?.focus();
}

function row(each, open) {
  const waiting = each.owner === "waiting";
  const long = waiting && Date.now() - new Date(each.waiting_since) > LONG_MS;
  const time = element("span", { className: `since${long ? " long" : ""}`, textContent: since(each.waiting_since ?? each.changed_at) });
  const marks = marksOf(each);
  const link = element(
    "a",
    { href: `/desk/conversations/${each.id}`, className: each.owner },
    element("span", { className: "line" }, element("strong", { textContent: each.name }), time),
    element("span", { className: "why", textContent: why(each) }),
    marks.length ? element("span", { className: "marks" }, ...marks) : null,
    element("span", { className: "snippet", textContent: each.snippet }),
  );
  link.dataset.id = each.id;
  if (open) link.setAttribute("aria-current", "true");
  return element("li", {}, link);
}

function why(each) {
  if (each.owner === "waiting") return each.reason || "Asked for a person";
  if (each.owner === "agent") return `With ${each.agent}`;
  return each.owner === "closed" ? "Closed" : "With the bot";
}
