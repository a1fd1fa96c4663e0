// Puts the chat on a page: <script src="https://support.example/widget/loader.js"></script>
//
// Optional attributes of the script tag: data-theme (light or dark), data-starters (questions, separated by |),
// data-customer-id, -name, -email and -signature of a signed-in customer. An element of the page with
// data-firstline-say opens the chat with that text in the box.
(() => {
  const FACTS = __FACTS__;
  const script = document.currentScript;
  const home = new URL(script.src).origin;
  const given = script.dataset;
  const KNOWN = "firstline.active";

  const STYLE = `
    :host { all: initial; }
    button { position: fixed; z-index: 2147483000; right: max(20px, env(safe-area-inset-right));
      bottom: max(20px, env(safe-area-inset-bottom)); display: grid; place-items: center; width: 60px; height: 60px;
      padding: 0; border: 0; border-radius: 50%; color: ${FACTS.ink}; background: ${FACTS.fill}; cursor: pointer;
      box-shadow: 0 6px 24px rgb(20 28 24 / 24%), 0 1px 4px rgb(20 28 24 / 16%); transition: background 120ms, transform 120ms; }
    button:hover { background: ${FACTS.hover}; }
    button:active { transform: scale(0.96); }
    button:focus-visible { outline: 3px solid ${FACTS.fill}; outline-offset: 3px; box-shadow: 0 0 0 3px ${FACTS.ink}; }
    svg { width: 27px; height: 27px; fill: none; stroke: currentcolor; stroke-width: 1.75; stroke-linecap: round; stroke-linejoin: round; }
    button[aria-expanded="true"] .chat, button[aria-expanded="false"] .down { display: none; }
    .badge { position: absolute; top: -3px; right: -3px; min-width: 22px; height: 22px; padding: 0 6px; border: 2px solid #fff;
      border-radius: 11px; color: #fff; background: #b3261e; font: 600 12px/18px system-ui, sans-serif; box-sizing: border-box; text-align: center; }
    .badge:empty { display: none; }
    .panel { position: fixed; z-index: 2147483000; right: max(20px, env(safe-area-inset-right)); bottom: 94px;
      width: min(404px, calc(100vw - 40px)); height: min(680px, calc(100dvh - 116px)); overflow: hidden; border-radius: 16px;
      background: Canvas; box-shadow: 0 18px 48px rgb(20 28 24 / 22%), 0 2px 8px rgb(20 28 24 / 10%); transform-origin: bottom right;
      transition: opacity 180ms, transform 180ms cubic-bezier(0.2, 0, 0, 1), visibility 180ms; }
    .panel:not(.open) { visibility: hidden; opacity: 0; transform: translateY(10px) scale(0.985); }
    iframe { display: block; width: 100%; height: 100%; border: 0; }
    @media (max-width: 480px), (max-height: 460px) {
      .panel { inset: 0; width: 100%; height: 100dvh; border-radius: 0; }
      .panel.open + button { visibility: hidden; }
    }
    @media (prefers-reduced-motion: reduce) { .panel, button { transition: none; } }`;

  const host = document.createElement("div");
  host.id = "firstline";
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  root.adoptedStyleSheets = [sheet];
  root.innerHTML = `<div class="panel"></div>
    <button type="button" aria-expanded="false">
      <svg class="chat" viewBox="0 0 24 24" aria-hidden="true"><path d="M20 12a7.5 7 0 0 1-7.5 7c-1.2 0-2.4-.3-3.4-.7L4 20l1.4-4A6.7 6.7 0 0 1 5 12a7.5 7 0 0 1 15 0Z"/><path d="M9.5 10.5h6M9.5 13.5h3.5"/></svg>
      <svg class="down" viewBox="0 0 24 24" aria-hidden="true"><path d="m6 9.5 6 6 6-6"/></svg>
      <span class="badge" aria-hidden="true"></span>
    </button>`;
  const panel = root.querySelector(".panel");
  const launcher = root.querySelector("button");
  const badge = root.querySelector(".badge");

  let frame = null;
  let ready = false;
  let open = false;
  let unread = 0;
  let waiting = [];

  function tell(message) {
    if (ready) frame.contentWindow.postMessage(message, home);
    else waiting.push(message);
  }

  function load() {
    if (frame) return;
    frame = document.createElement("iframe");
    frame.title = `Chat with ${FACTS.company}`;
    frame.src = `${home}/widget/frame?host=${encodeURIComponent(location.origin)}`;
    panel.append(frame);
  }

  function greeting() {
    const { customerId: id, customerName: name, customerEmail: email, customerSignature: signature } = given;
    const customer = id ? Object.fromEntries(Object.entries({ id, name, email, signature }).filter(([, value]) => value)) : null;
    const starters = given.starters ? given.starters.split("|").map((each) => each.trim()).filter(Boolean).slice(0, 4) : null;
    const page = { url: location.origin + location.pathname, title: document.title };
    return { type: "firstline:hello", customer, starters, theme: given.theme ?? "", page };
  }

  function show(wanted, text) {
    open = wanted;
    load();
    panel.classList.toggle("open", open);
    launcher.setAttribute("aria-expanded", String(open));
    if (open) unread = 0;
    label();
    tell({ type: open ? "firstline:opened" : "firstline:closed", text: text ?? "" });
    if (open) frame.focus();
    else launcher.focus();
  }

  function label() {
    const news = unread === 0 ? "" : `, ${unread} new ${unread === 1 ? "message" : "messages"}`;
    launcher.setAttribute("aria-label", open ? "Close chat" : `Chat with ${FACTS.company}${news}`);
    badge.textContent = unread ? String(Math.min(unread, 99)) : "";
  }

  function remember(active) {
    try {
      if (active) localStorage.setItem(KNOWN, "1");
      else localStorage.removeItem(KNOWN);
    } catch {
      // A page without storage still has a chat; it is only not resumed before it is opened.
    }
  }

  function known() {
    try {
      return localStorage.getItem(KNOWN) === "1";
    } catch {
      return false;
    }
  }

  const heard = {
    "firstline:ready"() {
      ready = true;
      const held = [greeting(), ...waiting];
      waiting = [];
      held.forEach(tell);
    },
    "firstline:close"() {
      if (open) show(false);
    },
    "firstline:active"({ active }) {
      remember(active === true);
    },
    "firstline:unread"({ count }) {
      unread = open || !Number.isInteger(count) ? 0 : Math.max(0, count);
      label();
    },
  };

  window.addEventListener("message", (event) => {
    if (event.origin !== home || !frame || event.source !== frame.contentWindow) return;
    heard[event.data?.type]?.(event.data);
  });
  launcher.addEventListener("click", () => show(!open));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && open) show(false);
  });
  document.addEventListener("click", (event) => {
    const asks = event.target instanceof Element && event.target.closest("[data-firstline-say]");
    if (asks) show(true, asks.dataset.firstlineSay);
  });

  label();
  const begin = () => {
    document.body.append(host);
    if (known()) load();
  };
  if (document.body) begin();
  else document.addEventListener("DOMContentLoaded", begin);
})();
