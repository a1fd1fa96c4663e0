// The desk's line to the server: JSON with the form token, and events that say when to look again.

const { csrf } = document.getElementById("main").dataset;
const QUIET_MS = 120;
const POLL_MS = 5_000;

/** GET without a body, POST with one. A refusal becomes an Error with the server's sentence and its status. */
export async function ask(path, body) {
  const options =
    body === undefined
      ? {}
      : { method: "POST", headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf }, body: JSON.stringify(body) };
  let answer;
  try {
    answer = await fetch(`/desk/api${path}`, options);
  } catch {
    throw Object.assign(new Error("The server cannot be reached just now."), { status: 0 });
  }
  if (answer.status === 401) location.assign(`/desk/sign-in?next=${encodeURIComponent(location.pathname)}`);
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(told.error?.message ?? "That did not work."), { status: answer.status });
  return told;
}

/** Call `onMoved` when something changed, at most once in a short while; poll while no events come. */
export function liveUpdates({ onMoved, onLink }) {
  let timer = 0;
  let polling = 0;
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(onMoved, QUIET_MS);
  };
  const connect = () => {
    const source = new EventSource("/desk/api/events");
    source.addEventListener("moved", () => {
      clearInterval(polling);
      polling = 0;
      onLink(true);
      soon();
    });
    source.addEventListener("typing", ({ data }) => {
      document.dispatchEvent(new CustomEvent("desk:typing", { detail: JSON.parse(data) }));
    });
    source.addEventListener("error", () => {
      onLink(source.readyState === EventSource.CONNECTING && navigator.onLine && polling === 0);
      polling ||= setInterval(soon, POLL_MS);
      if (source.readyState === EventSource.CLOSED) setTimeout(connect, POLL_MS * (0.5 + Math.random()));
    });
    window.addEventListener("pagehide", () => source.close(), { once: true });
  };
  connect();
}
