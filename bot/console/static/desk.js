// The desk: the queue, the open conversation, its facts, the keyboard, and live updates.

import { wireAttaching } from "./attaching.js";
import { ask, liveUpdates } from "./line.js";
import { factsOf } from "./facts.js";
import { wireHanding } from "./handing.js";
import { maySend, messageNode } from "./log.js";
import { marksOf } from "./marks.js";
import { drawQueue, shownIn } from "./queue.js";

const $ = (id) => document.getElementById(id);
const main = $("main");
const { me } = main.dataset;
const mayWrite = main.dataset.writes !== "no";
const TICK_MS = 15_000;
const SINGLE_KEYS = "firstline.desk.single-keys";
const DRAFTS = "firstline.desk.drafts";

let all = [];
let filter = "open";
let current = null;
let seen = 0;
let asNote = false;
let loading = null;
let epoch = 0;
let draft = null;

/* Queue */

async function readQueue() {
  const search = $("search").value.trim();
  try {
    const { conversations, present } = await ask(`/queue?search=${encodeURIComponent(search)}`);
    if (search !== $("search").value.trim()) return;
    all = conversations;
    drawPresent(present);
    draw();
  } catch (error) {
    if (!all.length) drawQueue($("list"), { failed: error.message, retry: readQueue });
  }
}

function draw() {
  const searching = Boolean($("search").value.trim());
  drawQueue($("list"), { rows: shown(), current: current?.id, filter, searching });
  $("count-waiting").textContent = all.filter((each) => each.owner === "waiting" && !each.snoozed_until).length || "";
  $("count-later").textContent = all.filter((each) => each.snoozed_until).length || "";
  $("count-mine").textContent = all.filter((each) => each.owner === "agent" && each.agent === me).length || "";
}

function shown() {
  return $("search").value.trim() ? all : shownIn(all, filter, me);
}

function drawPresent(names) {
  $("present").replaceChildren(
    ...names.map((name) => {
      const face = document.createElement("span");
      face.className = "face";
      face.title = name;
      face.textContent = name.slice(0, 1);
      face.setAttribute("role", "img");
      face.setAttribute("aria-label", name);
      return face;
    }),
  );
}

/* One conversation */

async function open(id, { push = true } = {}) {
  keepDraft();
  current = { id };
  attaching.turnTo(id);
  seen = 0;
  draft = null;
  $("log").replaceChildren();
  $("nothing").hidden = true;
  $("open").hidden = false;
  document.body.classList.add("reading");
  if (push) history.pushState({ id }, "", `/desk/conversations/${id}`);
  draw();
  await read({ first: true });
  readCanned(id);
  $("text").value = drafts()[id] ?? "";
}

function leave() {
  keepDraft();
  current = null;
  document.body.classList.remove("reading");
  $("open").hidden = true;
  $("nothing").hidden = false;
  $("facts").replaceChildren();
  history.pushState({}, "", "/desk/");
  draw();
}

/** Read what is new in the open conversation; calls while one runs share it. */
function read({ first = false } = {}) {
  if (!current) return Promise.resolve();
  if (loading?.id === current.id && loading.epoch === epoch) return loading.promise;
  const { id } = current;
  const promise = readAll(id, first).finally(() => {
    if (loading?.promise === promise) loading = null;
  });
  loading = { id, epoch, promise };
  return promise;
}

/** What was asked for before somebody acted here is out of date when it comes, and is dropped. */
async function readAll(id, first) {
  const asked = epoch;
  try {
    for (let more = true; more; ) {
      const page = await ask(`/conversations/${id}?after=${first ? 0 : Math.max(0, seen - 1)}`);
      if (current?.id !== id || epoch !== asked) return;
      show(page);
      ({ more } = page);
      first = false;
    }
  } catch (error) {
    toast(error.message);
    if (error.status === 404) leave();
  }
}

function show({ conversation, messages }) {
  const scroller = $("scroller");
  const follow = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 160 || !seen;
  for (const message of messages) {
    const node = messageNode(message, { useDraft, audience: conversation.audience, conversation: conversation.id });
    if (message.turn) draft = message.turn.draft && maySend(message.turn, conversation.audience) ? message.turn.draft : null;
    if (message.participant === "agent" && message.kind === "text") draft = null;
    const shownAlready = $("log").querySelector(`[data-seq="${message.seq}"]`);
    if (!shownAlready) $("log").append(node);
    else if (message.turn && !shownAlready.querySelector(".record")) shownAlready.replaceWith(node);
    seen = Math.max(seen, message.seq);
  }
  current = conversation;
  drawStanding();
  $("facts").replaceChildren(...factsOf(conversation), ...[$("around")].filter(Boolean));
  document.dispatchEvent(new CustomEvent("desk:shown", { detail: { conversation } }));
  if (follow) scroller.scrollTo({ top: scroller.scrollHeight });
}

const STANDING = {
  bot: () => "The bot is answering",
  waiting: (each) => (each.snoozed_until ? `Put off until ${each.snoozed}: ${each.reason}` : `Waiting: ${each.reason}`),
  agent: (each) => (each.agent === me ? "You are answering; the bot is silent" : `${each.agent} is answering; the bot is silent`),
  closed: () => "Closed",
};

function drawStanding() {
  const mine = current.owner === "agent" && current.agent === me;
  const free = current.owner !== "agent";
  $("name").textContent = current.name;
  $("standing").textContent = STANDING[current.owner](current);
  $("talk").dataset.owner = current.owner;
  $("marks").replaceChildren(...marksOf(current));
  $("take").hidden = !free || !mayWrite;
  $("hand-back").hidden = !mine;
  for (const id of ["pass-on", "snooze", "close"]) $(id).hidden = !mayWrite || !(mine || current.owner === "waiting");
  $("draft").hidden = !(mine && draft);
  $("draft-text").textContent = draft ?? "";
  write(asNote);
}

/* Acting */

/** An act on the conversation as it is shown: its token goes with it, and a page that is behind is refused. */
async function move(verb, body = {}) {
  const { conversation } = await ask(`/conversations/${current.id}/${verb}`, { ...body, token: current.token });
  epoch += 1;
  current = conversation;
  drawStanding();
  await read();
}

async function act(verb) {
  if (!current) return;
  try {
    await move(verb);
    if (verb === "take") write(false, { focus: true });
  } catch (error) {
    toast(error.message);
    await read();
  }
}

const attaching = wireAttaching({ open: () => current });
const { passOn, putOff } = wireHanding({ open: () => current, act: move });

async function send(event) {
  event?.preventDefault();
  const text = $("text").value.trim();
  if (!current || $("send").disabled) return;
  if (!asNote && attaching.busy) return attaching.whenDone(send);
  if (!text && (asNote || !attaching.ready.length)) return;
  $("send").disabled = true;
  const { id } = current;
  const files = asNote ? [] : attaching.take();
  const attachments = files.map((file) => file.id);
  try {
    await ask(`/conversations/${id}/${asNote ? "note" : "reply"}`, { text, attachments, token: current.token });
    $("text").value = "";
    keepDraft();
    await read();
    $("scroller").scrollTo({ top: $("scroller").scrollHeight });
  } catch (error) {
    if (current?.id === id) attaching.restore(files);
    toast(error.message);
    await read();
  } finally {
    drawStanding();
  }
}

/** What the bot would have answered to the newest message, said as it is. */
async function sendDraft() {
  if (!draft) return toast("The bot has no draft for the last message.");
  if (current.owner !== "agent" || current.agent !== me) return toast("Take the conversation over first, then send the draft.");
  if ($("text").value.trim()) return toast("There is something in the box already; send or empty it first.");
  write(false);
  $("text").value = draft;
  return send();
}

/** Switch the box between a reply to the customer and a note for colleagues. */
function write(note, { focus = false } = {}) {
  asNote = note;
  const mine = current?.owner === "agent" && current.agent === me;
  $("as-reply").setAttribute("aria-pressed", String(!note));
  $("as-note").setAttribute("aria-pressed", String(note));
  $("answer").classList.toggle("note", note);
  $("text-label").textContent = note ? "Note for colleagues" : "Reply to the customer";
  $("text").placeholder = note ? "Only colleagues see this" : mine ? "Write a reply" : "Take the conversation over to reply";
  $("text").disabled = !note && !mine;
  $("send").disabled = !note && !mine;
  $("canned").disabled = note || !mine;
  $("attach").disabled = note || !mine || current.channel !== "web";
  $("text-hint").textContent = note || mine ? "" : "You can read and leave notes without taking it.";
  if (focus && !$("text").disabled) $("text").focus();
}

function useDraft(text) {
  if (current.owner !== "agent" || current.agent !== me) {
    toast("Take the conversation over first, then use the draft.");
    return;
  }
  write(false);
  $("text").value = text;
  $("text").focus();
}

async function readCanned(id) {
  const { replies } = await ask(`/canned/${id}`).catch(() => ({ replies: [] }));
  if (current?.id !== id) return;
  const options = replies.map(({ title, text }) => new Option(title, text));
  $("canned").replaceChildren(new Option("Canned replies", ""), ...options);
}

function drafts() {
  return JSON.parse(sessionStorage.getItem(DRAFTS) ?? "{}");
}

function keepDraft() {
  if (current) sessionStorage.setItem(DRAFTS, JSON.stringify({ ...drafts(), [current.id]: $("text").value }));
}

let toastTimer = 0;

function toast(text) {
  clearTimeout(toastTimer);
  $("toast").textContent = text;
  toastTimer = setTimeout(() => {
    $("toast").textContent = "";
  }, 6_000);
}

/* Keyboard */

function step(by) {
  const rows = shown();
  if (!rows.length) return;
  const at = rows.findIndex((each) => each.id === current?.id);
  const next = rows[Math.min(Math.max(at + by, 0), rows.length - 1)];
  if (next.id !== current?.id) open(next.id);
}

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  t: () => !$("take").hidden && act("take"),
  r: () => write(false, { focus: true }),
  n: () => write(true, { focus: true }),
  b: () => !$("hand-back").hidden && act("hand-back"),
  e: () => !$("close").hidden && act("close"),
  p: () => !$("pass-on").hidden && passOn(),
  z: () => !$("snooze").hidden && putOff(),
  d: () => sendDraft(),
  "/": () => $("search").focus(),
  "?": () => $("help").showModal(),
};
const NEEDS_OPEN = new Set(["t", "r", "n", "b", "e", "p", "z", "d"]);

function onKey(event) {
  if (event.isComposing || document.querySelector("dialog[open]")) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target === $("text")) {
    send(event);
    return;
  }
  const typing = event.target.closest("input, textarea, select");
  if (event.key === "Escape" && typing) {
    typing.blur();
    $("scroller").focus();
    return;
  }
  if (typing || event.ctrlKey || event.metaKey || event.altKey || !$("single-keys").checked) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (!KEYS[key] || (NEEDS_OPEN.has(key) && !current)) return;
  event.preventDefault();
  KEYS[key]();
}

/* Wiring */

let searchTimer = 0;

$("search").addEventListener("input", () => {
  clearTimeout(searchTimer);
  searchTimer = setTimeout(readQueue, 180);
});
document.querySelector(".filters").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  filter = button.value;
  for (const each of document.querySelectorAll(".filters button")) each.setAttribute("aria-pressed", String(each === button));
  draw();
});
$("list").addEventListener("click", (event) => {
  const link = event.target.closest("a[data-id]");
  if (!link || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  open(link.dataset.id);
});
$("take").addEventListener("click", () => act("take"));
$("hand-back").addEventListener("click", () => act("hand-back"));
$("close").addEventListener("click", () => act("close"));
$("pass-on").addEventListener("click", passOn);
$("snooze").addEventListener("click", putOff);
$("send-draft").addEventListener("click", sendDraft);
$("as-reply").addEventListener("click", () => write(false, { focus: true }));
$("as-note").addEventListener("click", () => write(true, { focus: true }));
$("answer").addEventListener("submit", send);
$("to-queue").addEventListener("click", leave);
$("keys").addEventListener("click", () => $("help").showModal());
$("canned").addEventListener("change", (event) => {
  $("text").value = event.target.value || $("text").value;
  event.target.value = "";
  $("text").focus();
});
$("single-keys").checked = localStorage.getItem(SINGLE_KEYS) !== "off";
$("single-keys").addEventListener("change", (event) => localStorage.setItem(SINGLE_KEYS, event.target.checked ? "on" : "off"));
document.addEventListener("keydown", onKey);
window.addEventListener("popstate", () => {
  const id = location.pathname.split("/conversations/")[1];
  if (id) open(id, { push: false });
});
window.addEventListener("pagehide", keepDraft);
setInterval(draw, TICK_MS);
liveUpdates({
  onMoved: () => {
    document.dispatchEvent(new CustomEvent("desk:moved"));
    readQueue();
    read();
  },
  onLink: (good) => {
    $("lost").hidden = good;
  },
});
readQueue();
if (main.dataset.conversation) open(main.dataset.conversation, { push: false });
