// A message on the desk, and under a customer's message the record of its turn: what was understood, found and
// decided, and the answer that was held back.

import { fileList } from "/widget/files.js";
import { element, moment, percent } from "./dom.js";

/** `audience` is for whom answers to this customer may be: what is for others is shown, and not to be sent. */
export function maySend(turn, audience) {
  return turn.draft_audience === "public" || turn.draft_audience === audience;
}

export function messageNode(message, { useDraft, audience, conversation }) {
  const node = element("div", { className: `message ${message.kind === "note" ? "note" : message.participant} ${message.kind}` });
  node.dataset.seq = message.seq;
  if (message.kind === "event") {
    node.append(element("p", { textContent: message.text }), element("time", { textContent: moment(message.at) }));
    return node;
  }
  const bubble = element("div", { className: "bubble", innerHTML: message.html });
  const rating = message.rating && element("span", { className: `tag ${message.rating === "up" ? "good" : "bad"}`, textContent: message.rating === "up" ? "Helpful" : "Not helpful" });
  node.append(element("p", { className: "by" }, speaker(message), element("time", { textContent: moment(message.at) }), rating));
  if (message.text) node.append(bubble);
  if (message.attachments.length) {
    node.append(fileList(message.attachments, { address: ({ id }) => `/desk/api/conversations/${conversation}/attachments/${id}` }));
  }
  if (message.citations.length) node.append(citations(message.citations));
  if (message.quick_replies.length) node.append(element("p", { className: "offered", textContent: `Offered: ${message.quick_replies.map((each) => each.title).join(" · ")}` }));
  if (message.turn) node.append(record(message.turn, { useDraft, audience }));
  return node;
}

function speaker({ participant, author, kind }) {
  if (kind === "note") return `${author}, note for colleagues`;
  return { customer: "Customer", bot: "Bot", agent: author }[participant] ?? participant;
}

function citations(list) {
  return element("ol", { className: "cited" }, ...list.map((each, at) => element("li", {}, passage(`${at + 1}  ${each.heading}`, each.url))));
}

function passage(text, url) {
  return element("a", { href: url, target: "_blank", rel: "noopener", textContent: text });
}

const ROUTES = {
  flow: "Started a flow",
  answer: "Answered with a quote",
  clarify: "Asked back",
  large_model: "Asked the large model",
  human: "Handed over",
  smalltalk: "Small talk",
};

function record(turn, { useDraft, audience }) {
  const summary = element(
    "summary",
    {},
    element("span", { className: "why", textContent: "Why" }),
    element("span", { className: `route to-${turn.route}`, textContent: ROUTES[turn.route] ?? turn.route }),
    element("span", { className: "because", textContent: turn.reason }),
  );
  const rows = [
    ["Understood", ranking(turn)],
    turn.nearest.length ? ["Sounds like", nearest(turn)] : null,
    ["Decided by", element("span", {}, element("code", { textContent: turn.rule }), ` in release ${turn.release}, ${Math.round(turn.took_ms)} ms`)],
    turn.entities.length ? ["Took from it", turn.entities.map((each) => `${each.name} ${each.value}`).join(", ")] : null,
    ["Found", found(turn)],
    turn.large_model ? ["Large model", turn.large_model] : null,
    turn.draft ? ["Held back", draft(turn, useDraft, audience)] : null,
  ].filter(Boolean);
  const list = element("dl", {}, ...rows.map(([term, value]) => element("div", {}, element("dt", { textContent: term }), element("dd", {}, value))));
  return element("details", { className: "record" }, summary, list);
}

function ranking({ ranking: ranked, intent, confidence, out_of_scope: outside }) {
  const likely = ranked.length ? ranked : [[intent, confidence]];
  const bars = likely.map(([name, share]) => {
    const bar = element("meter", { min: 0, max: 1, value: share, ariaLabel: `${name} ${percent(share)}` });
    return element("li", {}, element("code", { textContent: name }), bar, element("span", { textContent: percent(share) }));
  });
  const lead = likely.length > 1 && element("li", { className: "scope" }, `ahead of the runner-up by ${Math.round(100 * (likely[0][1] - likely[1][1]))} points`);
  const scope = element("li", { className: "scope" }, `outside what it knows: ${percent(outside)}`);
  return element("ul", { className: "ranking" }, ...bars, lead || "", scope);
}

function nearest({ nearest: rows }) {
  const items = rows.map((row) => element("li", {}, `“${row.text}” `, element("code", { textContent: row.intent }), ` cosine ${row.cosine.toFixed(2)}`));
  return element("ul", { className: "nearest" }, ...items);
}

function found({ found: passages, answer_confidence: confidence }) {
  if (!passages.length) return "Nothing";
  const items = passages.map((each) => element("li", {}, passage(each.document, each.url)));
  return element("div", {}, element("ol", { className: "found" }, ...items), `sure of the answer: ${percent(confidence)}`);
}

function draft(turn, useDraft, audience) {
  if (!maySend(turn, audience)) {
    const marked = element("p", { className: "internal", textContent: `Internal, for ${turn.draft_audience}: not to be sent as it is` });
    return element("div", { className: "draft" }, marked, element("p", { textContent: turn.draft }));
  }
  const use = element("button", { type: "button", className: "text-button", textContent: "Use as reply", onclick: () => useDraft(turn.draft) });
  return element("div", { className: "draft" }, element("p", { textContent: turn.draft }), use);
}
