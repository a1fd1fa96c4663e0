// The chat in its frame: wires the conversation, the log, the composer and the page around it.

import { Attaching } from "./attach.js";
import { Client, store } from "./client.js";
import { Ended } from "./ended.js";
import { Feed } from "./feed.js";
import { FetchedFiles, fileList } from "./files.js";
import { Outgoing } from "./outgoing.js";
import { Standing } from "./standing.js";
import { element, icon, Transcript } from "./transcript.js";

const STARTERS = ["Where is my order?", "How long does delivery take?", "I want to send something back", "When will I get my refund?"];
const READ = "firstline.read";
const COUNT_FROM = 3_500;
const MOST = 4_000;
const TYPING_EVERY_MS = 3_000;

const $ = (id) => document.getElementById(id);
const host = new URLSearchParams(location.search).get("host") ?? location.origin;
const framed = window.parent !== window;
const { company } = $("chat").dataset;

const client = new Client();
const standing = new Standing(company);
const fetched = new FetchedFiles(client);
const filesOf = (attachments) => fileList(attachments, fetched);
const transcript = new Transcript($("log"), $("scroller"), { company, onChoice: say, onRating: rate, filesOf });
const outgoing = new Outgoing(client, { onSent, onRefused, onHeld: () => link(false), onGone: anew });
const feed = new Feed(client, { onMessage, onState, onTyping, onLink: link, onGone: startAgain });
const ended = new Ended(client, { say: (text) => standing.say(text), onTrouble: (text) => trouble(text, null) });

const attaching = new Attaching(
  {
    button: $("attach"),
    input: $("attach-input"),
    list: $("attached"),
    error: $("attach-error"),
    box: $("text"),
    area: $("chat"),
    largest: Number($("composer").dataset.largest),
  },
  { upload, say: (text) => standing.say(text), onChange: fit },
);

let open = !framed;
let state = null;
let resuming = false;
let page = null;
let typedAt = 0;

function toHost(message) {
  if (framed) window.parent.postMessage(message, host);
}

const heard = {
  "firstline:hello"({ customer, starters, theme, page: where }) {
    client.customer = customer ?? null;
    page = where ?? null;
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
    begin(Array.isArray(starters) ? starters : STARTERS);
  },
  "firstline:opened"({ text }) {
    open = true;
    if (text) prefill(text);
    markRead();
    refresh();
    $("text").focus();
  },
  "firstline:closed"() {
    open = false;
    refresh();
  },
};

window.addEventListener("message", (event) => {
  if (event.origin !== host || event.source !== window.parent) return;
  heard[event.data?.type]?.(event.data);
});

/* Beginning and resuming */

function begin(starters) {
  $("starters").replaceChildren(
    ...starters.map((text) => {
      const button = element("button", { type: "button", onclick: () => say(text) }, element("span", { textContent: text }), icon("right"));
      return element("li", {}, button);
    }),
  );
  if (client.kept) resume();
  else welcome();
}

function welcome() {
  $("skeleton").hidden = true;
  $("trouble").hidden = true;
  $("welcome").hidden = false;
  standing.welcome();
  for (const entry of outgoing.held) transcript.showPending(entry);
  if (outgoing.held.length) {
    $("welcome").hidden = true;
    outgoing.flush();
  }
}

/** Read the whole log once, then follow it. */
async function resume() {
  if (resuming) return;
  resuming = true;
  $("trouble").hidden = true;
  $("welcome").hidden = true;
  $("skeleton").hidden = false;
  try {
    for (let page = await client.get("/messages?after=0"); ; page = await client.get(`/messages?after=${feed.after}`)) {
      for (const message of page.messages) {
        feed.after = message.seq;
        transcript.show(message, { fresh: false });
      }
      onState(page.state);
      if (page.messages.length < 200) break;
    }
    $("skeleton").hidden = true;
    for (const entry of outgoing.held) transcript.showPending(entry);
    if (!feed.after && !outgoing.held.length) $("welcome").hidden = false;
    toHost({ type: "firstline:active", active: true });
    tellPage();
    transcript.toEnd();
    countUnread();
    if (outgoing.held.length) outgoing.flush();
    refresh();
  } catch (error) {
    $("skeleton").hidden = true;
    if (error.gone) startAgain();
    else trouble("Your conversation could not be loaded. It is safe with us.", resume);
  } finally {
    resuming = false;
  }
}

function startAgain() {
  anew();
  outgoing.clear();
  transcript.clear();
  welcome();
  $("text").focus();
}

/** Forget the conversation but keep what is waiting to be sent: it opens the next one. */
function anew() {
  feed.stop();
  feed.after = 0;
  state = null;
  client.forget();
  transcript.keepPending();
  store.set(READ, null);
  standing.clear();
  toHost({ type: "firstline:active", active: false });
}

/* Saying */

function say(text, payload = null, attachments = []) {
  $("welcome").hidden = true;
  $("trouble").hidden = true;
  transcript.showPending(outgoing.add(text, payload, attachments));
  if (navigator.onLine) standing.typing(state === null || state.owner === "bot" || state.owner === "closed");
}

function onSent(entry, seq) {
  transcript.sent(entry.client_id, seq);
  toHost({ type: "firstline:active", active: true });
  link(true);
  feed.start();
  tellPage();
}

/** The page the chat stands on, once for each conversation of this page view; a copy that does not arrive is no loss. */
function tellPage() {
  if (!page || page.told === client.kept?.id) return;
  page.told = client.kept?.id;
  client.post("/page", { url: page.url, title: page.title }).catch(() => {});
}

/** A person is answering: tell them that something is being written, once every few seconds. */
function tellTyping() {
  if (state?.owner !== "agent" || Date.now() - typedAt < TYPING_EVERY_MS || !$("text").value.trim()) return;
  typedAt = Date.now();
  client.post("/typing", {}).catch(() => {});
}

function onRefused(entry, error) {
  transcript.drop(entry.client_id);
  standing.typing(false);
  if (!$("text").value) prefill(entry.text);
  if (error.code !== "unknown_file") attaching.restore(entry.attachments ?? []);
  trouble(error.message, null);
}

/** Take a file in for the next message; where the conversation is gone, for that of a new one. */
async function upload(file, key, onProgress) {
  const put = () => client.put(`/attachments/${key}`, file, onProgress);
  try {
    return await put();
  } catch (error) {
    if (!error.gone) throw error;
    anew();
    return put();
  }
}

async function askForHuman() {
  if ($("human").getAttribute("aria-disabled") === "true") return;
  $("welcome").hidden = true;
  try {
    await client.post("/human", {});
    toHost({ type: "firstline:active", active: true });
    feed.start();
  } catch (error) {
    if (error.gone) anew();
    trouble("We could not reach the queue.", askForHuman);
  }
}

async function rate(seq, rating) {
  await client.post("/feedback", { seq, rating });
  standing.say("Thank you for telling us.");
}

async function leaveEmail(event) {
  event.preventDefault();
  const email = $("address").value.trim();
  try {
    await client.post("/email", { email });
    $("email-error").textContent = "";
    onState({ ...state, email_left: true });
    standing.say("Your e-mail address is kept.");
  } catch (error) {
    $("email-error").textContent = error.status === 400 ? "That does not look like an e-mail address." : error.message;
    $("address").setAttribute("aria-invalid", "true");
    $("address").focus();
  }
}

/* Hearing */

function onMessage(message) {
  if (message.participant !== "customer") standing.writing("", 0);
  if (message.participant === "bot" || message.kind === "event") standing.typing(false);
  transcript.show(message);
  if (open) markRead();
  else countUnread();
}

function onTyping({ agent, fades_s: seconds }) {
  standing.writing(agent, seconds);
}

function onState(next) {
  state = next;
  standing.show(next);
  ended.show(next);
  refresh();
}

function link(good) {
  $("offline").hidden = good && navigator.onLine;
  if (!good) standing.typing(false);
}

/** Follow the log while somebody looks, or while something can still arrive. */
function refresh() {
  if (!client.kept || resuming) return;
  const expected = state && (state.answering || state.owner === "waiting" || state.owner === "agent");
  if (open || expected || outgoing.held.length) feed.start();
  else feed.stop();
}

function markRead() {
  store.set(READ, feed.after);
  toHost({ type: "firstline:unread", count: 0 });
}

function countUnread() {
  const read = store.get(READ) ?? 0;
  const unread = [...$("log").children].filter((node) => Number(node.dataset.seq) > read && !node.matches(".customer"));
  toHost({ type: "firstline:unread", count: unread.length });
  if (open) markRead();
}

function trouble(text, again) {
  $("trouble-text").textContent = text;
  $("trouble").hidden = false;
  $("retry").hidden = again === null;
  $("retry").onclick = () => {
    $("trouble").hidden = true;
    again?.();
  };
  standing.say(text);
  transcript.toEnd();
}

/* Composer */

function fit() {
  const box = $("text");
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight, 132)}px`;
  $("send").setAttribute("aria-disabled", String(!box.value.trim() && !attaching.items.some((item) => item.record)));
  const length = box.value.length;
  $("count").textContent = length > COUNT_FROM ? `${length.toLocaleString()} of ${MOST.toLocaleString()}` : "";
}

function prefill(text) {
  $("text").value = text;
  fit();
}

function submit(event) {
  event?.preventDefault();
  const text = $("text").value.trim();
  if (attaching.busy) return attaching.whenDone(submit);
  if (!text && !attaching.ready.length) return;
  prefill("");
  say(text, null, attaching.take());
}

$("composer").addEventListener("submit", submit);
$("text").addEventListener("input", () => {
  fit();
  tellTyping();
});
$("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
});
$("human").addEventListener("click", askForHuman);
$("email").addEventListener("submit", leaveEmail);
$("again").addEventListener("click", startAgain);
$("close").addEventListener("click", () => toHost({ type: "firstline:close" }));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.isComposing) toHost({ type: "firstline:close" });
});
window.addEventListener("online", () => link(true));
window.addEventListener("offline", () => link(false));

$("close").hidden = !framed;
fit();
link(true);
if (framed) toHost({ type: "firstline:ready" });
else begin(STARTERS);
