// Elements and numbers. Every text gets into the page as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

/** An element with attributes and children, which are elements or texts. */
export function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** The same within a picture. */
export function drawn(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Sets a text if it is another one, so that nothing is laid out or read out again. */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

/** `12,345` */
export const count = (number) => whole.format(number);

/** `12.3k`: for axes and narrow places. */
export function short(number) {
  if (number >= 1e9) return `${tenths.format(number / 1e9)}G`;
  if (number >= 1e6) return `${tenths.format(number / 1e6)}M`;
  if (number >= 1e4) return `${tenths.format(number / 1e3)}k`;
  return number >= 10 || Number.isInteger(number) ? whole.format(number) : tenths.format(number);
}

/** `1.5 MiB` */
export function bytes(number) {
  let unit = 0;
  while (number >= 1024 && unit < 4) {
    number /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? whole.format(number) : tenths.format(number)} ${["B", "KiB", "MiB", "GiB", "TiB"][unit]}`;
}

/** Microseconds as `230 µs`, `1.2 ms`, `3 s`. */
export function micros(us) {
  if (us === 0) return "0";
  if (us < 1000) return `${whole.format(us)} µs`;
  if (us < 1e6) return `${(us < 1e4 ? tenths : whole).format(us / 1000)} ms`;
  return `${tenths.format(us / 1e6)} s`;
}

/** Milliseconds as `2 d 3 h`, `5 min 2 s`, `300 ms`. */
export function span(ms) {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 1) return `${whole.format(ms)} ms`;
  if (seconds < 60) return `${seconds} s`;
  const parts = (large, one, small, other) => small > 0 ? `${large} ${one} ${small} ${other}` : `${large} ${one}`;
  if (seconds < 3600) return parts(Math.floor(seconds / 60), "min", seconds % 60, "s");
  if (seconds < 86400) return parts(Math.floor(seconds / 3600), "h", Math.floor(seconds / 60) % 60, "min");
  return parts(Math.floor(seconds / 86400), "d", Math.floor(seconds / 3600) % 24, "h");
}

/** The time of day here. */
export const timeOfDay = (ms) => clock.format(new Date(ms));
/** With the day. */
export const dateAndTime = (ms) => day.format(new Date(ms));

/** One form of a noun: `1 entry`, `2 entries`. */
export const plural = (number, one, many) => `${count(number)} ${number === 1 ? one : many}`;

/** A number of a message, which JSON writes as a text if it has 64 bits. */
export const numeric = (value) => Number(value || 0);

/** A bar that is filled by a share between 0 and 1. */
export function bar(share, kind = "") {
  const width = Math.max(0, Math.min(1, share)) * 100;
  return drawn("svg", { viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" },
    drawn("rect", { class: "bar-ground", width: 100, height: 6 }),
    drawn("rect", { class: `bar-fill ${kind}`, width, height: 6 }));
}

/** The other address of the same kind of page. */
export const pageAt = (address) => `${location.protocol}//${address}/`;
