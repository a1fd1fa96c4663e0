// Passing a conversation on and putting it off: two dialogs that are filled when they open and act once.

import { ask } from "./line.js";
import { element } from "./dom.js";

const $ = (id) => document.getElementById(id);
const { me } = $("main").dataset;

/** `act(verb, body)` moves the open conversation and throws with the server's sentence where it is refused. */
export function wireHanding({ open, act }) {
  const closeDialog = (event) => event.target.closest("dialog").close();
  for (const button of document.querySelectorAll("dialog [data-cancel]")) button.addEventListener("click", closeDialog);
  $("pass-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const chosen = $("pass-to").selectedOptions[0];
    if (!chosen?.value) return;
    const { kind, name } = chosen.dataset;
    const to = kind === "team" ? { team: name } : { to: name };
    attempt("pass", () => act(kind === "team" ? "refer" : "assign", { ...to, note: $("pass-note").value.trim() }));
  });
  $("pass-note").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) $("pass-form").requestSubmit();
  });
  $("snooze-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const until = new Date($("snooze-until").value);
    if (!Number.isNaN(until.getTime())) snooze(until.toISOString());
  });
  $("snooze-dialog").addEventListener("keydown", (event) => {
    if (event.target.matches("input") || event.ctrlKey || event.metaKey || event.altKey) return;
    $("snoozes").querySelectorAll("button")[Number(event.key) - 1]?.click();
  });
  const snooze = (until) => attempt("snooze", () => act("snooze", { until }));

  async function passOn() {
    if (!open()) return;
    prepare("pass");
    $("pass-note").value = "";
    const known = await ways("pass");
    if (!known) return;
    const holder = open()?.owner === "agent" ? open().agent : "";
    const colleagues = known.colleagues.filter((each) => each.name !== me && each.name !== holder);
    const groups = [
      group("Colleagues", colleagues.map(colleagueOption)),
      group("Teams", [option("Anybody", "team", ""), ...known.teams.map((each) => option(each.title, "team", each.id))]),
    ];
    $("pass-to").replaceChildren(...groups.filter(Boolean));
    $("pass").showModal();
    $("pass-to").focus();
  }

  async function putOff() {
    if (!open()) return;
    prepare("snooze");
    const known = await ways("snooze");
    if (!known) return;
    const choices = known.snoozes.map(({ until, label }, at) =>
      element(
        "button",
        { type: "button", className: "choice", onclick: () => snooze(until) },
        element("span", { textContent: label }),
        element("kbd", { textContent: String(at + 1) }),
      ),
    );
    $("snoozes").replaceChildren(...choices);
    $("snooze-dialog").showModal();
    choices[0]?.focus();
  }

  return { passOn, putOff };
}

function prepare(name) {
  $(`${name}-error`).hidden = true;
}

async function ways(name) {
  try {
    return await ask("/ways");
  } catch (error) {
    $("toast").textContent = error.message;
    return prepare(name);
  }
}

async function attempt(name, work) {
  try {
    await work();
    $(name === "pass" ? "pass" : "snooze-dialog").close();
  } catch (error) {
    $(`${name}-error`).textContent = error.message;
    $(`${name}-error`).hidden = false;
  }
}

function colleagueOption(each) {
  const where = each.present ? "at the desk" : "away";
  const made = option(`${each.name}, ${where}, holds ${each.holds} of ${each.capacity}`, "colleague", each.name);
  made.disabled = each.holds >= each.capacity;
  return made;
}

function option(text, kind, name) {
  const made = new Option(text, `${kind}:${name}`);
  Object.assign(made.dataset, { kind, name });
  return made;
}

function group(label, options) {
  return options.length ? element("optgroup", { label }, ...options) : null;
}
