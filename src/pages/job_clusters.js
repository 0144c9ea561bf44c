// A clustering as it moves: points in the colours of their clusters, centroids with the paths that
// they took, and the error of each iteration.

import { count, drawn, element, setText } from "/dom.js";

const MOVE_MS = 420;
const TRAIL = 40;
const PAD = { left: 46, right: 12, top: 24, bottom: 34 };

/** Colours that stay apart; beyond these hues are spread by the golden angle. */
const LIGHT = ["#1f6fd0", "#d9730d", "#1d8a4b", "#c2307a", "#7a4fd0", "#0f8f9c", "#a8790a", "#d0402f", "#5b6b7a", "#5f8f12", "#b05fc4", "#8a5a3c"];
const DARK = ["#6aa9ff", "#ffa657", "#5fd38c", "#ff7fb5", "#b79bff", "#4fd3e0", "#e6c04a", "#ff8478", "#a7b5c4", "#a8d84f", "#e29bf2", "#d6a382"];

function colours(isDark) {
  const known = isDark ? DARK : LIGHT;
  return (cluster) => {
    if (cluster < known.length) return known[cluster];
    const hue = (cluster * 137.508) % 360;
    const light = (isDark ? 62 : 42) + ((cluster >> 2) % 3) * 7;
    return `hsl(${hue.toFixed(1)} 62% ${light}%)`;
  };
}

const compact = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 4 });
/** A number of any size in a few characters. */
export function brief(x) {
  if (!Number.isFinite(x)) return x > 0 ? "∞" : "–";
  const size = Math.abs(x);
  if (size !== 0 && (size < 1e-3 || size >= 1e15)) return x.toExponential(2);
  return compact.format(x);
}

const still = matchMedia("(prefers-reduced-motion: reduce)");
const dark = matchMedia("(prefers-color-scheme: dark)");

export class Scatter {
  constructor({ canvas, words, spoken, pause }) {
    Object.assign(this, { canvas, words, spoken, pause });
    Object.assign(this, { points: [], labels: [], before: [], changed: [], from: [], to: [], trails: [] });
    this.axes = ["", ""];
    this.chosen = null;
    this.startedAt = 0;
    this.moves = true;
    pause.addEventListener("click", () => this.setPaused(this.moves));
    canvas.addEventListener("keydown", (event) => this.step(event));
    canvas.addEventListener("blur", () => this.choose(null));
    canvas.addEventListener("pointermove", (event) => this.point(event));
    canvas.addEventListener("pointerleave", () => this.choose(null));
    new ResizeObserver(() => this.draw(performance.now())).observe(canvas);
    dark.addEventListener("change", () => this.draw(performance.now()));
  }

  setPaused(paused) {
    this.moves = !paused;
    this.pause.setAttribute("aria-pressed", String(paused));
    setText(this.pause, paused ? "Go on" : "Pause");
    if (!paused && this.held) this.show(this.held);
  }

  /** Shows a clustering: `points` may be missing while they are the same. */
  show(clustering) {
    if (!this.moves) {
      this.held = { ...clustering, points: clustering.points || (this.held && this.held.points) };
      return;
    }
    this.held = null;
    if (clustering.points) this.setPoints(clustering.points);
    this.axes = clustering.axes;
    const isNewStart = clustering.start !== this.start || clustering.centroids.length !== this.to.length;
    const isSame = !isNewStart && clustering.iteration === this.iteration;
    [this.start, this.iteration] = [clustering.start, clustering.iteration];
    if (isSame && clustering.labels.length === this.labels.length) return;
    const now = performance.now();
    this.from = isNewStart ? clustering.centroids : this.present(now);
    this.to = clustering.centroids;
    this.trails = this.to.map((at, cluster) => isNewStart ? [at] : [...this.trails[cluster], at].slice(-TRAIL));
    this.before = this.labels.length === clustering.labels.length ? this.labels : clustering.labels;
    this.labels = clustering.labels;
    this.changed = this.labels.map((label, place) => label !== this.before[place]);
    this.sizes = new Array(this.to.length).fill(0);
    for (const label of this.labels) if (label < this.sizes.length) this.sizes[label] += 1;
    this.startedAt = now;
    this.tellSizes();
    this.animate();
  }

  setPoints(points) {
    this.points = points;
    const range = (axis) => {
      const values = points.map((point) => point[axis]);
      return values.length === 0 ? [0, 1] : [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
    };
    this.ranges = [range(0), range(1)].map(([low, high]) => low < high ? [low, high] : [low - 1, high + 1]);
  }

  tellSizes() {
    const moved = this.changed.filter(Boolean).length;
    const words = this.labels.length === 0 ? "" : `${count(moved)} of ${count(this.labels.length)} drawn points changed their cluster`;
    setText(this.words, words);
  }

  /** How far the movement is, from 0 to 1. */
  progress(now) {
    if (still.matches) return 1;
    // A frame may have begun before the state arrived.
    const share = Math.min(1, Math.max(0, (now - this.startedAt) / MOVE_MS));
    return 1 - (1 - share) ** 3;
  }

  present(now) {
    const share = this.progress(now);
    return this.to.map((at, cluster) => {
      const from = this.from[cluster] || at;
      return [from[0] + (at[0] - from[0]) * share, from[1] + (at[1] - from[1]) * share];
    });
  }

  animate() {
    if (this.frame) return;
    const turn = (now) => {
      this.draw(now);
      this.frame = this.progress(now) < 1 ? requestAnimationFrame(turn) : null;
    };
    this.frame = requestAnimationFrame(turn);
  }

  /** Prepares the canvas; the scale is the same in both directions unless the ranges differ much. */
  layOut() {
    const ratio = devicePixelRatio || 1;
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      [this.canvas.width, this.canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    }
    const room = [width - PAD.left - PAD.right, height - PAD.top - PAD.bottom];
    const [x, y] = this.ranges || [[0, 1], [0, 1]];
    const spread = [(x[1] - x[0]) * 1.06, (y[1] - y[0]) * 1.06];
    let scales = [room[0] / spread[0], room[1] / spread[1]];
    const differ = Math.max(...scales) / Math.min(...scales);
    if (differ < 1.6) scales = [Math.min(...scales), Math.min(...scales)];
    const middle = [(x[0] + x[1]) / 2, (y[0] + y[1]) / 2];
    this.size = [width, height];
    this.place = ([px, py]) => [
      PAD.left + room[0] / 2 + (px - middle[0]) * scales[0],
      PAD.top + room[1] / 2 - (py - middle[1]) * scales[1],
    ];
    this.shown = [0, 1].map((axis) => [middle[axis] - room[axis] / 2 / scales[axis], middle[axis] + room[axis] / 2 / scales[axis]]);
    const pen = this.canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    return pen;
  }

  draw(now) {
    if (this.canvas.clientWidth === 0) return;
    const pen = this.layOut();
    const style = getComputedStyle(document.documentElement);
    const theme = (name) => style.getPropertyValue(name).trim();
    const colour = colours(dark.matches);
    this.drawAxes(pen, theme);
    const share = this.progress(now);
    this.drawPoints(pen, colour, share, theme);
    const present = this.present(now);
    this.drawTrails(pen, colour, present);
    this.drawCentroids(pen, colour, present, theme);
  }

  drawAxes(pen, theme) {
    const [width, height] = this.size;
    pen.font = `11.5px ${getComputedStyle(document.documentElement).fontFamily}`;
    pen.lineWidth = 1;
    pen.strokeStyle = theme("--line");
    pen.fillStyle = theme("--muted");
    const line = (from, to) => {
      pen.beginPath();
      pen.moveTo(...from);
      pen.lineTo(...to);
      pen.stroke();
    };
    pen.textAlign = "center";
    for (const value of ticks(this.shown[0], Math.max(3, width / 110))) {
      const x = Math.round(this.place([value, 0])[0]) + 0.5;
      line([x, PAD.top], [x, height - PAD.bottom]);
      pen.fillText(brief(value), x, height - PAD.bottom + 14);
    }
    pen.textAlign = "right";
    const hasHeight = this.axes[1] !== "" || this.axes[0] === "";
    if (hasHeight) {
      for (const value of ticks(this.shown[1], Math.max(3, height / 80))) {
        const y = Math.round(this.place([0, value])[1]) + 0.5;
        line([PAD.left, y], [width - PAD.right, y]);
        pen.fillText(brief(value), PAD.left - 6, y + 4);
      }
    }
    pen.textAlign = "right";
    pen.fillText(this.axes[0], width - PAD.right, height - 4);
    pen.textAlign = "left";
    pen.fillText(this.axes[1], PAD.left - 40, 12);
  }

  drawPoints(pen, colour, share, theme) {
    const radius = this.points.length > 600 ? 2.1 : 3;
    this.points.forEach((point, place) => {
      const label = this.labels[place];
      const isFar = this.chosen !== null && label !== this.chosen;
      const [x, y] = this.place(point);
      const isChanging = this.changed[place] && share < 1;
      pen.globalAlpha = isFar ? 0.12 : 0.8;
      pen.fillStyle = label === undefined ? theme("--muted") : colour(isChanging && share < 0.5 ? this.before[place] : label);
      pen.beginPath();
      pen.arc(x, y, isChanging ? radius + 3 * Math.sin(share * Math.PI) : radius, 0, 2 * Math.PI);
      pen.fill();
    });
    pen.globalAlpha = 1;
  }

  drawTrails(pen, colour, present) {
    pen.lineWidth = 1.75;
    pen.lineJoin = "round";
    this.trails.forEach((trail, cluster) => {
      if (this.chosen !== null && this.chosen !== cluster) return;
      const path = [...trail.slice(0, -1), present[cluster]].map((at) => this.place(at));
      pen.strokeStyle = colour(cluster);
      for (let step = 1; step < path.length; step += 1) {
        pen.globalAlpha = 0.15 + 0.75 * (step / path.length);
        pen.beginPath();
        pen.moveTo(...path[step - 1]);
        pen.lineTo(...path[step]);
        pen.stroke();
      }
    });
    pen.globalAlpha = 1;
  }

  drawCentroids(pen, colour, present, theme) {
    const isNumbered = present.length <= this.size[0] / 14;
    const radius = isNumbered ? 9 : 4;
    pen.textAlign = "center";
    pen.font = `600 10.5px ${getComputedStyle(document.documentElement).fontFamily}`;
    present.forEach((at, cluster) => {
      const [x, y] = this.place(at);
      pen.globalAlpha = this.chosen !== null && this.chosen !== cluster ? 0.3 : 1;
      pen.beginPath();
      pen.arc(x, y, this.chosen === cluster ? radius + 3 : radius, 0, 2 * Math.PI);
      pen.fillStyle = theme("--surface");
      pen.fill();
      pen.lineWidth = 2.5;
      pen.strokeStyle = colour(cluster);
      pen.stroke();
      if (isNumbered) {
        pen.fillStyle = theme("--text");
        pen.fillText(String(cluster + 1), x, y + 3.7);
      }
    });
    pen.globalAlpha = 1;
  }

  choose(cluster) {
    if (cluster === this.chosen) return;
    this.chosen = cluster;
    if (cluster === null) this.tellSizes();
    else setText(this.words, this.describe(cluster));
    this.draw(performance.now());
  }

  describe(cluster) {
    const at = this.to[cluster].map(brief).join(", ");
    const share = this.labels.length === 0 ? 0 : this.sizes[cluster] / this.labels.length;
    return `cluster ${cluster + 1}: ${(100 * share).toFixed(1)} % of the drawn points, centroid at (${at})`;
  }

  step(event) {
    if (event.key === "Escape") this.choose(null);
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step === undefined || this.to.length === 0) return;
    event.preventDefault();
    const from = this.chosen === null ? (step > 0 ? -1 : 0) : this.chosen;
    this.choose((from + step + this.to.length) % this.to.length);
    setText(this.spoken, this.describe(this.chosen));
  }

  point(event) {
    if (!this.place || this.to.length === 0) return;
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    let [nearest, distance] = [null, 26];
    this.present(performance.now()).forEach((at, cluster) => {
      const [cx, cy] = this.place(at);
      const away = Math.hypot(cx - x, cy - y);
      if (away < distance) [nearest, distance] = [cluster, away];
    });
    this.choose(nearest);
  }
}

/** Round numbers in a range, about so many. */
function ticks([low, high], wanted) {
  const step = niceStep((high - low) / wanted);
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high && found.length < 40; value += step) {
    found.push(Math.abs(value) < step / 1e6 ? 0 : value);
  }
  return found;
}

/** A step of 1, 2 or 5 times a power of ten that is not below `least`. */
function niceStep(least) {
  if (!(least > 0) || !Number.isFinite(least)) return 1;
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least * 0.999);
}

/** As long as the style says nothing. */
const HEIGHT = 320;
const LEFT = 58;
const RIGHT = 10;
const TOP = 10;
const BOTTOM = 28;

/** The error of each iteration: a line that the pointer or the arrow keys read. */
export class ErrorChart {
  constructor(place) {
    Object.assign(this, { place, errors: [], chosen: null, isLog: false, height: HEIGHT });
    this.svg = drawn("svg", { role: "img", tabindex: 0, "aria-label": "Squared error by iteration; the arrow keys read it" });
    this.spoken = element("p", { class: "unseen", "aria-live": "polite" });
    this.empty = element("p", { class: "empty" }, "the first iteration is not over yet");
    this.words = element("p", { class: "legend" });
    place.append(this.words, this.svg, this.empty, this.spoken);
    this.svg.addEventListener("pointermove", (event) => this.point(event));
    this.svg.addEventListener("pointerleave", () => this.choose(null));
    this.svg.addEventListener("blur", () => this.choose(null));
    this.svg.addEventListener("keydown", (event) => this.step(event));
    new ResizeObserver(() => this.draw()).observe(place);
  }

  /** `errors` are `{iteration, error, moved, shift}`, oldest first. */
  show(errors) {
    this.errors = errors.filter(({ error }) => Number.isFinite(error));
    if (this.chosen !== null && this.chosen >= this.errors.length) this.chosen = null;
    this.draw();
  }

  draw() {
    const isEmpty = this.errors.length === 0;
    this.svg.toggleAttribute("hidden", isEmpty);
    this.empty.hidden = !isEmpty;
    if (isEmpty) return setText(this.words, "");
    const width = Math.max(240, this.place.clientWidth);
    // A picture that is as high as its place is not scaled, and its texts keep their size.
    this.height = this.svg.clientHeight || HEIGHT;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${this.height}`);
    const values = this.errors.map(({ error }) => error);
    const [least, most] = [Math.min(...values), Math.max(...values)];
    this.isLog = least > 0 && most / least > 30;
    const at = (error) => this.isLog ? Math.log10(error) : error;
    const span = at(most) - at(least) || Math.abs(at(most)) || 1;
    const [low, high] = [at(least) - span * 0.06, at(most) + span * 0.06];
    const first = this.errors[0].iteration;
    const last = Math.max(first + 1, this.errors[this.errors.length - 1].iteration);
    this.x = (iteration) => LEFT + (width - LEFT - RIGHT) * ((iteration - first) / (last - first));
    this.y = (error) => TOP + (this.height - TOP - BOTTOM) * (1 - (at(error) - low) / (high - low));
    const line = this.errors.map(({ iteration, error }) => `${this.x(iteration).toFixed(1)},${this.y(error).toFixed(1)}`).join("L");
    const floor = this.height - BOTTOM;
    const dots = this.errors.length > 40 ? [] : this.errors.map(({ iteration, error }) =>
      drawn("circle", { class: "spot first", cx: this.x(iteration), cy: this.y(error), r: 3 }));
    const area = `M${this.x(first)},${floor}L${line}L${this.x(this.errors[this.errors.length - 1].iteration)},${floor}Z`;
    this.svg.replaceChildren(
      ...this.grid(width, low, high),
      ...this.iterations(width, first, last),
      drawn("path", { class: "area first", d: area }),
      drawn("path", { class: "curve first", d: `M${line}${this.errors.length === 1 ? "h0.1" : ""}` }),
      ...dots,
      ...this.cross());
    this.write();
  }

  grid(width, low, high) {
    return ticks([low, high], 4).flatMap((value) => {
      const y = TOP + (this.height - TOP - BOTTOM) * (1 - (value - low) / (high - low));
      const words = brief(this.isLog ? 10 ** value : value);
      return [drawn("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y, y2: y }),
        drawn("text", { x: LEFT - 8, y: y + 4, "text-anchor": "end" }, words)];
    });
  }

  iterations(width, first, last) {
    const texts = ticks([first, last], Math.max(3, width / 90)).filter(Number.isInteger).map((value) =>
      drawn("text", { x: this.x(value), y: this.height - 8, "text-anchor": value === last ? "end" : "middle" }, count(value)));
    const base = drawn("line", { class: "axis", x1: LEFT, x2: width - RIGHT, y1: this.height - BOTTOM, y2: this.height - BOTTOM });
    return [base, ...texts];
  }

  cross() {
    if (this.chosen === null) return [];
    const { iteration, error } = this.errors[this.chosen];
    const x = this.x(iteration);
    return [drawn("line", { class: "cross", x1: x, x2: x, y1: TOP, y2: this.height - BOTTOM }),
      drawn("circle", { class: "spot first", cx: x, cy: this.y(error), r: 5 })];
  }

  describe(place) {
    const { iteration, error, moved } = this.errors[place];
    return `iteration ${count(iteration)}: ${brief(error)}, ${count(moved)} points moved`;
  }

  write() {
    const place = this.chosen === null ? this.errors.length - 1 : this.chosen;
    setText(this.words, this.describe(place));
  }

  choose(place) {
    if (place === this.chosen) return;
    this.chosen = place;
    this.draw();
  }

  point(event) {
    const box = this.svg.getBoundingClientRect();
    const x = (event.clientX - box.left) * (this.svg.viewBox.baseVal.width / box.width);
    let nearest = null;
    this.errors.forEach(({ iteration }, place) => {
      if (nearest === null || Math.abs(this.x(iteration) - x) < Math.abs(this.x(this.errors[nearest].iteration) - x)) nearest = place;
    });
    this.choose(nearest);
  }

  step(event) {
    if (event.key === "Escape") this.choose(null);
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined || this.errors.length === 0) return;
    event.preventDefault();
    const last = this.errors.length - 1;
    const from = this.chosen === null ? last + 1 : this.chosen;
    this.choose(Math.max(0, Math.min(last, from + step)));
    setText(this.spoken, this.describe(this.chosen));
  }
}
