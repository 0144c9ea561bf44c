// A chart of some curves over time: axes with units, a legend with the present values, and a line that
// the pointer or the arrow keys move to read the values of a moment.

import { drawn, element, setText, timeOfDay } from "/dom.js";

const HEIGHT = 190;
const LEFT = 52;
const RIGHT = 8;
const TOP = 10;
const BOTTOM = 26;
/** The shortest time that is shown, and the steps of the axis of time in seconds. */
const SHORTEST_MS = 60_000;
const TICKS_S = [20, 60, 120, 300];

/**
 * Draws into `place`. `curves` are `{name, kind, dashed, filled}`, `unit` writes a value, `unitName`
 * names the axis, `words` are shown while there is nothing to see.
 */
export class Chart {
  constructor(place, { curves, unit, label, spanMs, words }) {
    Object.assign(this, { place, curves, unit, label, spanMs, words, points: [], until: 0, at: null, span: spanMs });
    this.legend = element("ul", { class: "legend" });
    this.values = curves.map((curve) => this.addToLegend(curve));
    this.moment = element("p", { class: "moment" });
    this.svg = drawn("svg", { role: "img", tabindex: 0, "aria-label": label });
    this.spoken = element("p", { class: "unseen", "aria-live": "polite" });
    this.empty = element("p", { class: "empty" }, words);
    place.append(this.moment, this.legend, this.svg, this.empty, this.spoken);
    this.svg.addEventListener("pointermove", (event) => this.point(event));
    this.svg.addEventListener("pointerleave", () => this.choose(null));
    this.svg.addEventListener("blur", () => this.choose(null));
    this.svg.addEventListener("keydown", (event) => this.step(event));
    new ResizeObserver(() => this.draw()).observe(place);
  }

  addToLegend({ name, kind, dashed }) {
    const value = element("b", {}, "–");
    this.legend.append(element("li", { class: `${kind} ${dashed ? "dashed" : ""}` },
      drawn("svg", { viewBox: "0 0 18 8", "aria-hidden": "true" }, drawn("line", { x1: 1, x2: 17, y1: 4, y2: 4 })),
      name, value));
    return value;
  }

  /** Shows these points, `{at, values}` in the order of time; `null` is no value. */
  show(points, until) {
    [this.points, this.until] = [points, until];
    // What is known of a short time fills the width.
    const known = points.length > 0 ? until - points[0].at : 0;
    this.span = Math.min(this.spanMs, Math.max(SHORTEST_MS, Math.ceil(known / 60000) * 60000));
    this.draw();
  }

  x(at) {
    return LEFT + (this.width - LEFT - RIGHT) * (1 - (this.until - at) / this.span);
  }

  y(value) {
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / this.top);
  }

  draw() {
    const isEmpty = !this.points.some((point) => point.values.some((value) => value !== null));
    this.svg.toggleAttribute("hidden", isEmpty);
    this.empty.hidden = !isEmpty;
    this.width = Math.max(240, this.place.clientWidth);
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${HEIGHT}`);
    const most = Math.max(...this.points.flatMap((point) => point.values).filter((value) => value !== null), 0);
    const step = niceStep(most / 4);
    this.top = step * Math.max(1, Math.ceil(most / step));
    const parts = [...this.grid(step), ...this.times()];
    this.curves.forEach((curve, place) => parts.push(...this.curve(curve, place)));
    this.svg.replaceChildren(...parts, ...this.cross());
    this.write();
  }

  grid(step) {
    const lines = [];
    for (let value = 0; value <= this.top * 1.0001; value += step) {
      const y = this.y(value);
      lines.push(
        drawn("line", { class: value === 0 ? "axis" : "grid", x1: LEFT, x2: this.width - RIGHT, y1: y, y2: y }),
        drawn("text", { x: LEFT - 8, y: y + 4, "text-anchor": "end" }, this.unit(value)));
    }
    return lines;
  }

  times() {
    const most = this.width < 420 ? 2 : 5;
    const every = TICKS_S.find((seconds) => this.span / 1000 / seconds <= most) || TICKS_S[TICKS_S.length - 1];
    const texts = [];
    for (let ago = 0; ago * 1000 <= this.span; ago += every) {
      const words = ago === 0 ? "now" : ago % 60 === 0 ? `−${ago / 60} min` : `−${ago} s`;
      const anchor = ago === 0 ? "end" : "middle";
      texts.push(drawn("text", { x: this.x(this.until - ago * 1000), y: HEIGHT - 6, "text-anchor": anchor }, words));
    }
    return texts;
  }

  /** Its runs of known values, each a line. */
  curve({ kind, dashed, filled }, place) {
    const runs = [[]];
    for (const point of this.points) {
      if (point.at < this.until - this.span) continue;
      const value = point.values[place];
      if (value === null) runs.push([]);
      else runs[runs.length - 1].push([this.x(point.at).toFixed(1), this.y(value).toFixed(1)]);
    }
    const parts = [];
    for (const run of runs.filter((run) => run.length > 0)) {
      if (run.length === 1) {
        parts.push(drawn("circle", { class: `spot ${kind}`, cx: run[0][0], cy: run[0][1], r: 3.5 }));
        continue;
      }
      const line = `M${run.join("L")}`;
      if (filled) {
        const area = `${line}L${run[run.length - 1][0]},${this.y(0)}L${run[0][0]},${this.y(0)}Z`;
        parts.push(drawn("path", { class: `area ${kind}`, d: area }));
      }
      parts.push(drawn("path", { class: `curve ${kind} ${dashed ? "dashed" : ""}`, d: line }));
    }
    return parts;
  }

  cross() {
    const chosen = this.chosen();
    if (!chosen) return [];
    const x = this.x(chosen.at);
    const spots = this.curves.map(({ kind }, place) => chosen.values[place] === null ? null
      : drawn("circle", { class: `spot ${kind}`, cx: x, cy: this.y(chosen.values[place]), r: 4 }));
    return [drawn("line", { class: "cross", x1: x, x2: x, y1: TOP, y2: HEIGHT - BOTTOM }),
      ...spots.filter((spot) => spot !== null)];
  }

  chosen() {
    return this.at === null ? null : this.points.find((point) => point.at === this.at) || null;
  }

  /** The values of the chosen moment, or of the last one. */
  write() {
    const chosen = this.chosen();
    const shown = chosen || this.points[this.points.length - 1];
    this.values.forEach((target, place) => {
      const value = shown ? shown.values[place] : null;
      setText(target, value === null || value === undefined ? "–" : this.unit(value));
    });
    setText(this.moment, chosen ? `at ${timeOfDay(chosen.at)}` : "");
  }

  choose(at) {
    if (this.at === at) return;
    this.at = at;
    this.draw();
  }

  point(event) {
    const box = this.svg.getBoundingClientRect();
    const x = (event.clientX - box.left) * (this.width / box.width);
    let nearest = null;
    for (const point of this.points) {
      if (nearest === null || Math.abs(this.x(point.at) - x) < Math.abs(this.x(nearest.at) - x)) nearest = point;
    }
    this.choose(nearest ? nearest.at : null);
  }

  step(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (event.key === "Escape") this.choose(null);
    if (step === undefined || this.points.length === 0) return;
    event.preventDefault();
    const last = this.points.length - 1;
    const from = this.at === null ? last + 1 : this.points.findIndex((point) => point.at === this.at);
    this.choose(this.points[Math.max(0, Math.min(last, from + step))].at);
    const { values, at } = this.chosen();
    const said = this.curves.map(({ name }, place) => values[place] === null ? null : `${name} ${this.unit(values[place])}`);
    setText(this.spoken, `${timeOfDay(at)}: ${said.filter((text) => text !== null).join(", ") || "nothing"}`);
  }
}

/** A step of 1, 2 or 5 times a power of ten that is not below `least`. */
function niceStep(least) {
  if (!(least > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least * 0.999);
}
