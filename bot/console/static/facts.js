// What is known of the customer and of the conversation.

import { element, moment } from "./dom.js";

const CHANNELS = { web: "Chat on the website", slack: "Slack", webhook: "Webhook", rest: "REST" };

export function factsOf(conversation) {
  const customer = [
    ["Name", conversation.attributes.name],
    ["E-mail", conversation.email],
    ["Known as", conversation.customer],
    ...Object.entries(conversation.attributes).filter(([key]) => key !== "name" && key !== "email"),
  ];
  const talk = [
    ["Channel", CHANNELS[conversation.channel] ?? conversation.channel],
    ["Began", moment(conversation.opened_at)],
    ["Waiting since", conversation.waiting_since && moment(conversation.waiting_since)],
    ["Why a person", conversation.reason],
    ["Flow", conversation.form && `${conversation.form}, asking for ${conversation.slot || "nothing"}`],
  ];
  return [section("Customer", customer), section("Conversation", talk)];
}

function section(title, rows) {
  const known = rows.filter(([, value]) => value);
  const list = known.map(([term, value]) => element("div", {}, element("dt", { textContent: term }), element("dd", { textContent: value })));
  return element("section", {}, element("h2", { textContent: title }), element("dl", {}, ...list));
}
