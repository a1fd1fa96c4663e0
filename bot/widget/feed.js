// Reading the log: server-sent events over fetch (so that the token stays out of addresses), resumed by the last seq,
// with jittered reconnects and a long poll where no stream can be had. One stream a browser: the tab that holds the
// lock reads, the others hear it on a channel.

const SILENT_MS = 35_000;
const TRIES_BEFORE_POLLING = 3;
const POLLING_MS = 120_000;
const LONGEST_PAUSE_MS = 20_000;

/** Splits the text of an event stream into events; keeps what is not complete yet. */
export function* events(buffer) {
  let end;
  while ((end = buffer.text.indexOf("\n\n")) >= 0) {
    const block = buffer.text.slice(0, end);
    buffer.text = buffer.text.slice(end + 2);
    const event = { name: "message", data: "" };
    for (const line of block.split("\n")) {
      if (line.startsWith("event:")) event.name = line.slice(6).trim();
      else if (line.startsWith("data:")) event.data += line.slice(5).trim();
    }
    if (event.data) yield event;
  }
}

export class Feed {
  running = null;
  after = 0;
  failures = 0;

  constructor(client, { onMessage, onState, onTyping, onLink, onGone }) {
    Object.assign(this, { client, onMessage, onState, onTyping, onLink, onGone });
    window.addEventListener("online", () => this.wake?.());
  }

  start() {
    if (this.running) return;
    this.running = new AbortController();
    const { signal } = this.running;
    this.lead(signal).catch(() => {
      if (signal.aborted) return;
      this.running = null;
      this.onLink(false);
    });
  }

  stop() {
    this.running?.abort();
    this.running = null;
    this.wake?.();
  }

  /** Wait for the browser's one stream, then follow; meanwhile hear what the leading tab reads. */
  async lead(signal) {
    const { id } = await this.client.conversation();
    const name = `firstline:${id}`;
    this.channel = "BroadcastChannel" in window ? new BroadcastChannel(name) : null;
    if (this.channel) this.channel.onmessage = ({ data }) => this.hear(data, signal);
    signal.addEventListener("abort", () => this.channel?.close(), { once: true });
    if (!navigator.locks) return this.follow(signal);
    return navigator.locks.request(name, { signal }, () => this.follow(signal));
  }

  async hear({ name, data }, signal) {
    if (name === "message") await this.take(data, signal).catch(() => {});
    else if (name === "typing") this.onTyping(data);
    else this.onState(data);
  }

  async follow(signal) {
    let pollUntil = 0;
    while (!signal.aborted) {
      try {
        if (Date.now() < pollUntil) await this.poll(signal);
        else await this.stream(signal);
        continue;
      } catch (error) {
        if (signal.aborted) return;
        if (error.gone) return this.onGone();
        this.failures += 1;
        this.onLink(error.status === 503);
        if (error.status === 503 || this.failures >= TRIES_BEFORE_POLLING) pollUntil = Date.now() + POLLING_MS;
      }
      await this.pause();
    }
  }

  /** Read one event stream to its end, which the server brings about every few minutes. */
  async stream(signal) {
    const one = new AbortController();
    const end = () => one.abort();
    signal.addEventListener("abort", end, { once: true });
    let silence = setTimeout(end, SILENT_MS);
    try {
      const answer = await this.client.request(`/events?after=${this.after}`, { signal: one.signal });
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      const buffer = { text: "" };
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        clearTimeout(silence);
        silence = setTimeout(end, SILENT_MS);
        this.linked();
        buffer.text += part.value;
        for (const event of events(buffer)) await this.pass(event.name, JSON.parse(event.data), signal);
      }
      await this.pause(1_000);
    } finally {
      clearTimeout(silence);
      signal.removeEventListener("abort", end);
    }
  }

  async poll(signal) {
    const began = Date.now();
    const { messages, state } = await this.client.get(`/messages?after=${this.after}&wait=20`, signal);
    this.linked();
    for (const message of messages) await this.pass("message", message, signal);
    await this.pass("state", state, signal);
    if (!messages.length && Date.now() - began < 2_000) await this.pause(3_000);
  }

  async pass(name, data, signal) {
    this.channel?.postMessage({ name, data });
    if (name === "message") await this.take(data, signal);
    else if (name === "state") this.onState(data);
    else if (name === "typing") this.onTyping(data);
  }

  /** Give a message on if it is new; where numbers are missing before it, fetch what lies between first. */
  async take(message, signal) {
    if (message.seq <= this.after) return;
    if (message.seq > this.after + 1) {
      const { messages } = await this.client.get(`/messages?after=${this.after}`, signal);
      for (const each of messages) this.give(each);
    }
    this.give(message);
  }

  give(message) {
    if (message.seq <= this.after) return;
    this.after = message.seq;
    this.onMessage(message);
  }

  linked() {
    this.failures = 0;
    this.onLink(true);
  }

  /** A pause that grows with failures, differs from browser to browser, and ends when the line is back. */
  pause(base = Math.min(1_000 * 2 ** Math.min(this.failures, 6), LONGEST_PAUSE_MS)) {
    return new Promise((resume) => {
      const timer = setTimeout(resume, base * (0.5 + Math.random()));
      this.wake = () => {
        clearTimeout(timer);
        resume();
      };
    });
  }
}
