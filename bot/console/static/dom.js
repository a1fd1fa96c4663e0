// Making elements: text goes in as text.

export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `/widget/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

const MINUTE = 60_000;

/** How long ago, in as few characters as say it: 40 s, 5 min, 3 h, 2 d. */
export function since(moment) {
  const passed = Math.max(0, Date.now() - new Date(moment));
  if (passed < MINUTE) return "now";
  if (passed < 60 * MINUTE) return `${Math.floor(passed / MINUTE)} min`;
  if (passed < 24 * 60 * MINUTE) return `${Math.floor(passed / (60 * MINUTE))} h`;
  return `${Math.floor(passed / (24 * 60 * MINUTE))} d`;
}

const MOMENT = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

export function moment(at) {
  const date = new Date(at);
  return date.toDateString() === new Date().toDateString() ? TIME.format(date) : MOMENT.format(date);
}

export function percent(share) {
  return `${Math.round(share * 100)} %`;
}
