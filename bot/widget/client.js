// The conversation's HTTP door: keeps its token in this browser, opens a conversation when one is needed.

import { sendFile } from "./upload.js";

const BASE = "/api/v1/widget/conversations";
const KEPT = "firstline.conversation";

/** What the server or the line refused: `status` 0 means that no answer came. */
export class Trouble extends Error {
  constructor(status, code, message, retryAfterS = 0) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterS = retryAfterS;
  }

  get passing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }

  get gone() {
    return this.status === 401 || this.status === 404;
  }
}

/** localStorage where the browser grants it, else a map that lasts as long as the page. */
export const store = {
  memory: new Map(),
  get(key) {
    try {
      return JSON.parse(localStorage.getItem(key));
    } catch {
      return this.memory.get(key) ?? null;
    }
  },
  set(key, value) {
    this.memory.set(key, value);
    try {
      if (value === null) localStorage.removeItem(key);
      else localStorage.setItem(key, JSON.stringify(value));
    } catch {
      // Private windows and blocked storage: the page's own memory has it.
    }
  },
};

export class Client {
  customer = null;
  opening = null;

  get kept() {
    return store.get(KEPT);
  }

  forget() {
    store.set(KEPT, null);
  }

  /** The conversation of this browser, opened at the first need, once however many ask. */
  conversation() {
    if (this.kept) return Promise.resolve(this.kept);
    this.opening ??= this.open().finally(() => {
      this.opening = null;
    });
    return this.opening;
  }

  async open() {
    const body = this.customer ? { customer: this.customer } : {};
    const answer = await ask(BASE, { method: "POST", body: JSON.stringify(body), headers: JSON_BODY });
    const { conversation: id, token } = await answer.json();
    const kept = { id, token };
    store.set(KEPT, kept);
    return kept;
  }

  async get(path, signal) {
    return (await this.request(path, { signal })).json();
  }

  async post(path, body) {
    const answer = await this.request(path, { method: "POST", body: JSON.stringify(body), headers: JSON_BODY });
    return answer.status === 204 ? null : answer.json();
  }

  /** Put a file beside the conversation; the server's record of it. */
  async put(path, file, onProgress) {
    const { id, token } = await this.conversation();
    try {
      return await sendFile(`${BASE}/${id}${path}`, file, { Authorization: `Bearer ${token}` }, onProgress);
    } catch (error) {
      throw new Trouble(error.status, error.code, error.message);
    }
  }

  async request(path, options = {}) {
    const { id, token } = await this.conversation();
    const headers = { ...options.headers, Authorization: `Bearer ${token}` };
    return ask(`${BASE}/${id}${path}`, { ...options, headers });
  }
}

const JSON_BODY = { "Content-Type": "application/json" };

async function ask(url, options) {
  let answer;
  try {
    answer = await fetch(url, { cache: "no-store", credentials: "omit", ...options });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Trouble(0, "unreachable", "We can’t be reached just now.");
  }
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => ({}));
  const after = Number(answer.headers.get("Retry-After")) || 0;
  throw new Trouble(answer.status, told.error?.code ?? "error", told.error?.message ?? "Something went wrong.", after);
}
