// What stands around the open conversation: the customer's page and past, what they thought, the transcript, FAQ rows
// from replies, canned replies and mentions in the composer, who is writing, and notes that name whoever is here.
// The desk itself tells of what it shows with the event "desk:shown", and of news with "desk:moved" and "desk:typing".

import { ask } from "./line.js";
import { element, moment } from "./dom.js";
import { Suggest } from "./suggest.js";

const $ = (id) => document.getElementById(id);
const { me } = $("main").dataset;
const mayWrite = $("main").dataset.writes === "yes";
const TYPING_EVERY_MS = 3_000;
const CHANNELS = { web: "Website", slack: "Slack", webhook: "Webhook", rest: "REST" };
const HELD_BY = { bot: "with the bot", waiting: "waiting", agent: "with an agent", closed: "closed" };

let conversation = null;
let colleagues = null;
let typedAt = 0;
let fades = 0;

/* The conversation's surroundings */

document.addEventListener("desk:shown", ({ detail }) => {
  const another = conversation?.id !== detail.conversation.id;
  conversation = detail.conversation;
  if (another) {
    canned = null;
    $("around")?.remove();
    $("writing").hidden = true;
    showFacts(false);
    checkUnfilled();
  }
  offerRows();
  readAround(conversation.id);
  if (another && mayWrite && named.some((each) => each.conversation === conversation.id)) seen(conversation.id);
});

async function readAround(id) {
  const around = await ask(`/conversations/${id}/around`).catch(() => null);
  if (!around || conversation?.id !== id) return;
  drawAverage(around.average);
  const parts = [pageOf(around.page), thoughtOf(around.satisfaction), pastOf(around.past), takeAway(id, around.mail)];
  $("around")?.remove();
  $("facts").append(element("div", { id: "around" }, ...parts.filter(Boolean)));
}

function section(title, ...content) {
  return element("section", {}, element("h2", { textContent: title }), ...content);
}

function pageOf(page) {
  if (!page) return null;
  const shown = page.title || new URL(page.url).pathname;
  const link = element("a", { href: page.url, target: "_blank", rel: "noopener noreferrer", textContent: shown });
  return section("Page they are on", element("p", {}, link), element("p", { className: "hint", textContent: `since ${moment(page.at)}` }));
}

function thoughtOf(thought) {
  if (!thought) return null;
  if (!thought.answered_at) return section("Satisfaction", element("p", { textContent: "Asked, not answered yet" }));
  if (!thought.score) return section("Satisfaction", element("p", { textContent: "Rather not said" }));
  const stars = element("p", { className: "score", role: "img", textContent: "★".repeat(thought.score) + "☆".repeat(5 - thought.score) });
  stars.setAttribute("aria-label", `${thought.score} of 5`);
  const comment = thought.comment ? element("blockquote", { className: "quoted", textContent: thought.comment }) : null;
  return section("Satisfaction", stars, comment, element("p", { className: "hint", textContent: `with ${thought.agent}, ${moment(thought.answered_at)}` }));
}

function pastOf(past) {
  if (!past.length) return null;
  const rows = past.map((each) => {
    const same = each.same === "e-mail" ? ", same e-mail address (not verified)" : "";
    const line = `${CHANNELS[each.channel] ?? each.channel}, ${HELD_BY[each.owner] ?? each.owner}${same}`;
    const link = element("a", { href: `/desk/conversations/${each.id}` }, moment(each.changed_at), element("span", { textContent: each.reason || line }));
    return element("li", {}, link);
  });
  return section(`Past conversations (${past.length})`, element("ul", { className: "past" }, ...rows));
}

function takeAway(id, mail) {
  const base = `/desk/api/conversations/${id}/transcript`;
  const links = [
    element("a", { href: `${base}?format=text&notes=yes`, textContent: "Text, with notes" }),
    element("a", { href: `${base}?format=text`, textContent: "Text" }),
    element("a", { href: `${base}?format=json`, textContent: "JSON" }),
  ];
  for (const link of links) link.setAttribute("download", "");
  if (mail && mayWrite) links.push(element("button", { type: "button", textContent: "E-mail it to the customer", onclick: (event) => sendTranscript(id, event.target) }));
  return section("Transcript", element("div", { className: "links" }, ...links));
}

async function sendTranscript(id, button) {
  button.disabled = true;
  try {
    await ask(`/conversations/${id}/transcript/mail`, {});
    button.textContent = "Sent";
  } catch (error) {
    button.textContent = error.message;
  }
}

function drawAverage({ mean, count }) {
  $("average").textContent = count ? `★ ${mean.toFixed(1)} of 5 (${count})` : "";
  $("average").title = count ? `Satisfaction over 30 days, ${count} answers` : "";
}

/** Under each thing an agent said: the first of two clicks that make it a FAQ row. */
function offerRows() {
  if (!mayWrite) return;
  for (const node of document.querySelectorAll("#log .message.agent.text:has(> .bubble)")) {
    if (node.querySelector(".as-row")) continue;
    const query = new URLSearchParams({ conversation: conversation.id, seq: node.dataset.seq });
    node.append(element("a", { className: "as-row", href: `/desk/suggestions/review?${query}`, textContent: "Make a FAQ row" }));
  }
}

/** Where there is no room beside the conversation, its facts lie over it, on request. */
function showFacts(wanted) {
  document.body.classList.toggle("with-facts", wanted);
  $("details").setAttribute("aria-expanded", String(wanted));
}

$("details").addEventListener("click", () => showFacts(!document.body.classList.contains("with-facts")));
$("facts").addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  showFacts(false);
  $("details").focus();
});

/* The composer */

let canned = null;

async function cannedReplies() {
  const { id } = conversation;
  canned ??= ask(`/canned/${id}`).then(({ replies }) => replies);
  return canned.catch(() => []);
}

async function others() {
  colleagues ??= ask("/colleagues").then((told) => told.colleagues.map(({ name }) => ({ title: name, text: `@${name} ` })));
  return colleagues.catch(() => []);
}

const isNote = () => $("as-note").getAttribute("aria-pressed") === "true";
const suggest = new Suggest($("text"), {
  isNote,
  options: (note) => (note ? others() : conversation ? cannedReplies() : Promise.resolve([])),
  onInsert: () => checkUnfilled(),
});

const VARIABLE = /\{(customer|agent|order_number|company)\}/u;

/** A variable without a value is shown before sending, and stops it; the first one is selected, to be typed over. */
function checkUnfilled({ select = true } = {}) {
  const found = isNote() ? null : VARIABLE.exec($("text").value);
  const line = $("unfilled");
  line.hidden = !found;
  line.textContent = found ? `${found[0]} is not known here. Write it in before you send this.` : "";
  if (found && select && document.activeElement === $("text")) $("text").setSelectionRange(found.index, found.index + found[0].length);
  return Boolean(found);
}

$("text").addEventListener("input", () => {
  checkUnfilled({ select: false });
  if (!conversation || isNote() || conversation.owner !== "agent" || conversation.agent !== me || !$("text").value) return;
  if (Date.now() - typedAt < TYPING_EVERY_MS) return;
  typedAt = Date.now();
  ask(`/conversations/${conversation.id}/typing`, {}).catch(() => {});
});
$("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && checkUnfilled()) {
    event.preventDefault();
    event.stopPropagation();
  }
});
$("answer").addEventListener(
  "submit",
  (event) => {
    suggest.close();
    if (!checkUnfilled()) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    $("text").focus();
  },
  { capture: true },
);
$("canned").addEventListener("change", () => setTimeout(checkUnfilled));

/* Who is writing */

document.addEventListener("desk:typing", ({ detail }) => {
  if (detail.conversation !== conversation?.id) return;
  clearTimeout(fades);
  $("writing").hidden = false;
  fades = setTimeout(() => {
    $("writing").hidden = true;
  }, detail.fades_s * 1_000);
});

/* Notes that name whoever is here */

let named = [];

async function readNamed() {
  if (!mayWrite) return;
  const told = await ask("/mentions").catch(() => null);
  if (!told) return;
  named = told.mentions;
  const rows = new Map(named.map((each) => [each.conversation, each]));
  if (conversation && rows.delete(conversation.id)) seen(conversation.id);
  $("named").replaceChildren(
    ...[...rows.values()].map((each) => {
      const link = element("a", { href: `/desk/conversations/${each.conversation}`, textContent: `${each.by} named you, ${moment(each.at)}` });
      return element("li", {}, link);
    }),
  );
}

async function seen(id) {
  named = named.filter((each) => each.conversation !== id);
  await ask(`/conversations/${id}/mentions-seen`, {}).catch(() => {});
}

document.addEventListener("desk:moved", readNamed);
readNamed();
