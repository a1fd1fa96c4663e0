// How the conversation stands: who is there, who types, the queue, the end. Announced politely, drawn quietly.

const $ = (id) => document.getElementById(id);

export class Standing {
  shown = "";

  constructor(company) {
    this.company = company;
    const { inHours, nextOpen } = $("chat").dataset;
    this.inHours = inHours === "yes";
    this.nextOpen = nextOpen;
  }

  welcome() {
    const people = this.inHours ? "People are here too, if you would rather ask one." : `Our people are back ${this.nextOpen}.`;
    $("promise").textContent = `I answer from our help pages and show you where it says so. ${people}`;
    this.presence(null);
  }

  clear() {
    for (const id of ["waiting", "ended", "typing", "thoughts", "thanked"]) $(id).hidden = true;
    this.shown = "";
    this.human(false);
    this.presence(null);
  }

  show(state) {
    this.inHours = state.in_hours;
    this.nextOpen = state.next_open;
    if (!this.written) this.typing(state.answering);
    this.presence(state);
    this.waiting(state);
    this.human(state.owner === "waiting" || state.owner === "agent");
    $("ended").hidden = state.owner !== "closed";
    const told = announcement(state);
    if (told && told !== this.shown) this.say(told);
    this.shown = told;
  }

  presence(state) {
    const agent = state?.owner === "agent" ? state.agent : "";
    $("name").textContent = agent || this.company;
    $("avatar").textContent = (agent || this.company).slice(0, 1);
    $("avatar").classList.toggle("person", Boolean(agent));
    $("presence").textContent = agent ? `From ${this.company}` : `Automatic assistant · ${this.hours()}`;
  }

  hours() {
    return this.inHours ? "people on hand" : `people back ${this.nextOpen}`;
  }

  waiting(state) {
    const waiting = state.owner === "waiting";
    $("waiting").hidden = !waiting;
    if (!waiting) return;
    $("waiting-title").textContent = state.in_hours && !state.later ? "Waiting for a person" : "We’ll get back to you";
    $("waiting-text").textContent = place(state);
    $("email").hidden = state.in_hours || state.email_left;
    $("email-done").hidden = !state.email_left;
  }

  human(asked) {
    $("human").setAttribute("aria-disabled", String(asked));
    $("human").querySelector("span").textContent = asked ? "A human has been asked" : "Talk to a human";
  }

  typing(on, who = this.company) {
    if ($("typing").hidden === !on) return;
    $("typing").hidden = !on;
    if (!on) return;
    this.say(`${who} is writing`);
    $("scroller").scrollTo({ top: $("scroller").scrollHeight });
  }

  /** A person is writing: shown until `seconds` are over or their message is there. */
  writing(agent, seconds) {
    clearTimeout(this.fading);
    if (!seconds) {
      if (this.written) this.typing(false);
      this.written = false;
      return;
    }
    this.written = true;
    this.typing(true, agent);
    this.fading = setTimeout(() => this.writing("", 0), seconds * 1_000);
  }

  say(text) {
    $("status").textContent = text;
  }
}

function place({ place: at, later, in_hours: inHours, next_open: nextOpen }) {
  if (later) return `We come back to you ${later}. Write before, and you are back in line at once.`;
  const ahead = (at ?? 1) === 1 ? "You are next in line." : `${at - 1} ${at === 2 ? "person is" : "people are"} ahead of you.`;
  return inHours ? `${ahead} You can close this; we keep your place.` : `People are back ${nextOpen}. Your place in line is kept.`;
}

function announcement(state) {
  if (state.owner === "waiting") return `Waiting for a person. ${place(state)}`;
  if (state.owner === "agent") return `You are talking with ${state.agent}.`;
  return state.owner === "closed" ? "This conversation is closed." : "";
}
