// What the customer wrote and the server has not confirmed yet: kept in this browser, sent one by one in order, each
// under a UUID of its own, so that sending again is never saying twice.

import { store } from "./client.js";

const KEPT = "firstline.outgoing";
const LONGEST_PAUSE_MS = 30_000;

export class Outgoing {
  sending = null;
  tries = 0;

  constructor(client, { onSent, onRefused, onHeld, onGone }) {
    Object.assign(this, { client, onSent, onRefused, onHeld, onGone });
    window.addEventListener("online", () => {
      this.tries = 0;
      this.wake?.();
      this.flush();
    });
  }

  get held() {
    return store.get(KEPT) ?? [];
  }

  add(text, payload = null, attachments = []) {
    const entry = { client_id: crypto.randomUUID?.() ?? uuid(), text, payload, attachments };
    store.set(KEPT, [...this.held, entry]);
    this.flush();
    return entry;
  }

  clear() {
    store.set(KEPT, null);
  }

  flush() {
    this.sending ??= this.inTurn(() => this.sendAll()).finally(() => {
      this.sending = null;
      if (this.held.length) this.flush();
    });
    return this.sending;
  }

  /** One tab of a browser sends at a time, so that two tabs do not mix the order. */
  inTurn(work) {
    return navigator.locks ? navigator.locks.request("firstline:outgoing", work) : work();
  }

  async sendAll() {
    for (let [entry] = this.held; entry; [entry] = this.held) {
      const receipt = await this.send(entry);
      if (receipt === undefined) continue;
      store.set(KEPT, this.held.filter((each) => each.client_id !== entry.client_id));
      this.tries = 0;
      if (receipt.refused) this.onRefused(entry, receipt.refused);
      else this.onSent(entry, receipt.seq);
    }
  }

  /** The receipt of an entry, or nothing after a pause when it has to be tried again. */
  async send(entry) {
    const body = { client_id: entry.client_id, text: entry.text };
    if (entry.payload) body.payload = entry.payload;
    if (entry.attachments?.length) body.attachments = entry.attachments.map(({ id }) => id);
    try {
      return await this.client.post("/messages", body);
    } catch (error) {
      if (error.gone && this.tries < 2) {
        this.tries += 1;
        this.onGone();
        return undefined;
      }
      if (!error.passing) return { refused: error };
      this.tries += 1;
      this.onHeld(error);
      await this.pause(error.retryAfterS);
      return undefined;
    }
  }

  pause(leastS) {
    const wait = Math.max(leastS * 1_000, Math.min(1_000 * 2 ** Math.min(this.tries, 5), LONGEST_PAUSE_MS));
    return new Promise((resume) => {
      const timer = setTimeout(resume, wait * (0.75 + Math.random() / 2));
      this.wake = () => {
        clearTimeout(timer);
        resume();
      };
    });
  }
}

/** A version 4 UUID where the page is not a secure context and `crypto.randomUUID` is missing. */
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}
