// How a conversation stands in the queue, as small marks: priority, team, the clock of the first answer, a snooze.

import { element } from "./dom.js";

const MINUTE = 60_000;
const PRIORITY = { urgent: ["bad", "Urgent"], high: ["warn", "High"], low: ["", "Low"] };

/** The marks of a conversation, the most pressing first; none where there is nothing to say. */
export function marksOf(each) {
  const open = each.owner === "waiting" || each.owner === "agent";
  const priority = open && PRIORITY[each.priority];
  return [
    priority && mark(...priority),
    clock(each),
    each.snoozed_until && mark("", `Back ${each.snoozed}`),
    each.returned && each.owner === "waiting" && mark("warn", "Back from snooze"),
    open && each.team && mark("", each.team),
  ].filter(Boolean);
}

function clock({ clock: state, due_at: due }) {
  const left = new Date(due) - Date.now();
  if (state === "late") return mark("bad", `Late by ${span(-left)}`);
  if (state === "soon") return mark("warn", `Due in ${span(left)}`);
  if (state === "running") return mark("", `Due in ${span(left)}`);
  return state === "missed" ? mark("bad", "Answered late") : null;
}

/** A length of time in as few characters as say it. */
function span(ms) {
  const minutes = Math.max(0, Math.round(ms / MINUTE));
  if (minutes < 1) return "under a minute";
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} d`;
}

function mark(tone, text) {
  return element("span", { className: `tag ${tone}`.trim(), textContent: text });
}
