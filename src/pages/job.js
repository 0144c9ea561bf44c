// The page of a MapReduce job.

import { bar, byId, bytes, count, dateAndTime, drawn, element, micros, numeric, plural, setText, span } from "/dom.js";
import { followJob, isOver, labels, pairs, phaseOf } from "/job_data.js";
import { ErrorChart, Scatter, brief } from "/job_clusters.js";

const STATES = {
  JOB_STATE_STARTING: ["starting", ""],
  JOB_STATE_RUNNING: ["running", "good"],
  JOB_STATE_DONE: ["done", "good"],
  JOB_STATE_FAILED: ["failed", "bad"],
};
const LETTERS = {
  ".": ["", "waiting"],
  r: ["running", "running"],
  b: ["backup", "running, with a backup"],
  f: ["failed", "again after a failure"],
  d: ["done", "done"],
};

let last = null;
let connection = "connecting";
let scatter = null;
let chart = null;
let heldPoints = null;

function show(job) {
  last = job;
  document.body.classList.remove("stale", "waiting");
  const title = job.name || "a job";
  setText(byId("name"), title);
  byId("name").title = title;
  document.title = `${STATES[job.state]?.[0] || "job"}: ${title}`;
  const started = dateAndTime(numeric(job.startedUnixMs));
  setText(byId("about"), job.id ? `job ${job.id}, started ${started}` : "waiting for the master");
  setText(byId("version"), `Agora ${job.version || ""}`);
  showState();
  showTiles(job);
  showProgress(job);
  showWorkers(job);
  showTasks(job);
  showOutput(job.output);
  showEvents(job);
  showCounters(job.counters || []);
  showClustering(job.clustering);
}

function showState() {
  const pill = byId("state");
  const [words, kind] = last ? STATES[last.state] || ["unknown", ""] : ["connecting", ""];
  const isCut = ["gone", "refused", "broken"].includes(connection);
  setText(pill, isCut ? "not connected" : connection === "polling" ? `${words}, by polling` : words);
  pill.className = `pill ${isCut ? "warn" : kind} ${last && isOver(last) ? "quiet" : ""}`;
}

function tell(state, error) {
  connection = state;
  showState();
  const isCut = ["gone", "refused", "broken"].includes(state);
  document.body.classList.toggle("stale", isCut && last !== null);
  if (state === "broken") return banner("bad", "This page has stopped", `Load it again. The reason: ${error.message}`);
  if (state === "refused") {
    return banner("warn", "The master shows the job only to clients with a certificate",
      `It says: ${error.message}. Make a certificate for a person with agora cert client NAME, import it into the browser as a PKCS#12 file (the guide to certificates has the command), and load the page again.`);
  }
  if (state === "gone") {
    const words = last ? "This is the last state that it sent. The job may be over, or the master was stopped. It is asked again every few seconds."
      : `It is asked again every few seconds: ${error.message}.`;
    return banner("warn", "The master does not answer", words);
  }
  if (last && last.state === "JOB_STATE_FAILED") return banner("bad", "The job has failed", last.failure || "");
  if (state === "over") return banner("good", "The job is over", "This is its last state; nothing changes any more.");
  byId("banner").hidden = true;
}

function banner(kind, head, text) {
  const place = byId("banner");
  place.className = `banner ${kind}`;
  place.hidden = false;
  setText(byId("banner-head"), head);
  setText(byId("banner-text"), text);
}

function tiles(place, entries, wrap) {
  const key = entries.map(([name]) => name).join("|");
  if (place.dataset.key !== key) {
    place.dataset.key = key;
    place.replaceChildren(...entries.map(([name]) => wrap(element("dt", {}, name), element("dd", {}))));
  }
  const values = place.querySelectorAll("dd");
  entries.forEach(([, text, note], at) => {
    const words = note ? `${text} ${note}` : text;
    if (values[at].dataset.words === words) return;
    values[at].dataset.words = words;
    values[at].title = words;
    values[at].replaceChildren(text, ...(note ? [" ", element("small", {}, note)] : []));
  });
}

function showTiles(job) {
  const attempts = job.attempts || {};
  const failed = numeric(attempts.failed);
  const ready = (job.workers || []).filter((worker) => worker.state === "WORKER_STATE_READY").length;
  const clustering = job.clustering;
  tiles(byId("tiles"), [
    ["Elapsed", span(numeric(job.elapsedMs))],
    clustering && numeric(clustering.start)
      ? ["Iteration", count(numeric(clustering.iteration)), numeric(clustering.starts) > 1 ? `of start ${count(numeric(clustering.start))}` : ""]
      : ["Round", job.round || "–", ""],
    ["Rounds begun", count(numeric(job.roundNumber))],
    ["Workers ready", `${count(ready)}`, `of ${count(numeric(job.workerCount))}`],
    ["Attempts", count(numeric(attempts.begun)), failed ? `${count(failed)} failed` : "none failed"],
    ["Input", bytes(numeric(job.inputBytes))],
  ], (...children) => element("div", { class: "tile" }, ...children));
}

/** The phases of the round: bars, and a cell for each task. */
function showProgress(job) {
  const [map, reduce] = [phaseOf(job.map), phaseOf(job.reduce)];
  const [out, fetched] = [numeric(job.mapOutputBytes), numeric(job.shuffledBytes)];
  const times = job.times || {};
  const took = ["mapUs", "shuffleUs", "reduceUs"].map((name) => numeric(times[name]));
  setText(byId("progress-note"), numeric(job.roundNumber) ? `${job.round || "the round"}, ${span(numeric(job.roundElapsedMs))}` : "no round has begun");
  const isDone = map.tasks > 0 && map.done === map.tasks && reduce.done === reduce.tasks;
  const shuffled = isDone ? 1 : out > 0 ? fetched / out : 0;
  const phases = [
    phase("Map", map.tasks ? map.done / map.tasks : 0, [`${count(map.done)}`, ` of ${plural(map.tasks, "task", "tasks")}, ${bytes(map.inputBytes)} read${inAll(took[0])}`], map),
  ];
  if (reduce.tasks > 0) {
    phases.push(
      phase("Shuffle", shuffled, [bytes(fetched), ` of ${bytes(out)} fetched${inAll(took[1])}`], null),
      phase("Reduce", reduce.done / reduce.tasks, [`${count(reduce.done)}`, ` of ${plural(reduce.tasks, "task", "tasks")}${inAll(took[2])}`], reduce));
  }
  byId("phases").replaceChildren(...(numeric(job.roundNumber) ? phases : [element("p", { class: "empty" }, "tasks are shown here when the first round begins")]));
  showKey(map.states + reduce.states);
}

/** The time of a phase, as far as rounds have ended. */
const inAll = (us) => us > 0 ? `; ${micros(us)} in ended rounds` : "";

function phase(name, share, [strong, rest], tasks) {
  const cells = tasks && tasks.tasks > 0 ? cellsOf(name, tasks) : null;
  return element("div", { class: "phase" },
    element("h3", {}, name),
    element("p", { class: "value" }, element("b", {}, strong), rest),
    element("div", { class: "bar" }, bar(share, share >= 1 ? "good" : "")),
    cells);
}

const CELL = 16;

/** One square for each letter, in rows as wide as the place. */
function cellsOf(name, { states, perLetter, tasks, done, failed }) {
  const width = Math.max(200, byId("phases").clientWidth);
  const pitch = states.length > 400 ? 9 : CELL + 3;
  const side = pitch - 3;
  const perRow = Math.max(1, Math.floor((width + 3) / pitch));
  const rows = Math.ceil(states.length / perRow);
  const words = `${name} tasks: ${done} of ${tasks} done, ${failed} with failures`;
  const cells = [...states].map((letter, at) => {
    const group = cell(letter, (at % perRow) * pitch, Math.floor(at / perRow) * pitch, side);
    const from = at * perLetter + 1;
    const which = perLetter > 1 ? `tasks ${from} to ${Math.min(tasks, from + perLetter - 1)}` : `task ${from}`;
    group.append(drawn("title", {}, `${which}: ${LETTERS[letter]?.[1] || letter}`));
    return group;
  });
  return drawn("svg", { class: "cells", role: "img", "aria-label": words, viewBox: `0 0 ${width} ${rows * pitch}`, height: rows * pitch }, ...cells);
}

/** A square whose sign tells the state without colours. */
function cell(letter, x, y, side) {
  const [kind] = LETTERS[letter] || [""];
  const group = drawn("g", {}, drawn("rect", { class: `cell ${kind}`, x: x + 0.5, y: y + 0.5, width: side - 1, height: side - 1, rx: 3 }));
  const [left, right, top, low, middle] = [x + side * 0.3, x + side * 0.7, y + side * 0.3, y + side * 0.7, y + side / 2];
  const sign = { f: `M${left},${top}L${right},${low}M${right},${top}L${left},${low}`, r: `M${left},${middle}H${right}` }[letter];
  if (sign && side > 8) group.append(drawn("path", { class: `sign ${letter === "r" ? "running" : ""}`, d: sign }));
  return group;
}

function showKey(states) {
  const present = Object.keys(LETTERS).filter((letter) => states.includes(letter));
  const place = byId("key");
  if (place.dataset.key === present.join("")) return;
  place.dataset.key = present.join("");
  place.replaceChildren(...present.map((letter) => element("li", {},
    drawn("svg", { viewBox: `0 0 ${CELL} ${CELL}`, "aria-hidden": "true" }, cell(letter, 0, 0, CELL)), LETTERS[letter][1])));
}

/** A table that is only built again when something in it has changed. */
function table(place, heads, rows, empty) {
  const key = JSON.stringify([heads, rows.map((row) => row.map((value) => value.key ?? value))]);
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  if (rows.length === 0) return place.replaceChildren(element("p", { class: "empty" }, empty));
  const isNumber = (head) => head.startsWith("#");
  const classOf = (head, value) => isNumber(head) ? "number" : (value.key ?? value) === "–" ? "none" : null;
  const head = element("tr", {}, ...heads.map((name) => element("th", { scope: "col", class: isNumber(name) ? "number" : null }, name.replace("#", ""))));
  const body = rows.map((row) => element("tr", {}, ...row.map((value, at) => at === 0
    ? element("th", { scope: "row" }, value)
    : element("td", { "data-head": heads[at].replace("#", ""), class: classOf(heads[at], value) }, value.make ? value.make() : value))));
  place.replaceChildren(element("table", { class: "stacked" }, element("thead", {}, head), element("tbody", {}, ...body)));
}

const tag = (words, kind) => ({ key: words, make: () => element("span", { class: `tag ${kind}` }, words) });
const inside = (kind) => (words) => ({ key: words || "–", make: () => element("span", { class: kind }, words || "–") });
const reason = inside("reason");
const code = inside("code");

const WORKER_STATES = {
  WORKER_STATE_READY: ["ready", "good"],
  WORKER_STATE_SILENT: ["silent", "warn"],
  WORKER_STATE_GONE: ["gone", "bad"],
};

function showWorkers(job) {
  const workers = job.workers || [];
  const all = numeric(job.workerCount);
  const isCut = workers.length > 0 && all > workers.length;
  setText(byId("workers-note"), isCut ? `the first ${count(workers.length)} of ${count(all)}` : plural(all, "worker", "workers"));
  const isEnded = isOver(job);
  // Who is missing is seen first.
  const rank = ({ state }) => ({ WORKER_STATE_GONE: 0, WORKER_STATE_SILENT: 1 })[state] ?? 2;
  const rows = [...workers].sort((one, other) => rank(one) - rank(other)).map((worker) => {
    const [words, kind] = WORKER_STATES[worker.state] || ["unknown", ""];
    const running = numeric(worker.running);
    const tasks = (worker.tasks || []).join(", ");
    const more = running > (worker.tasks || []).length ? " …" : "";
    const seen = numeric(worker.seenMs);
    return [
      worker.name || "",
      tag(isEnded && words === "ready" ? "finished" : words, isEnded && words === "ready" ? "" : kind),
      code(worker.address),
      `${tasks}${more}` || "–",
      count(numeric(worker.done)),
      count(numeric(worker.failed)),
      isEnded ? "–" : seen < 2000 ? "now" : `${span(seen)} ago`,
      worker.version || "–",
      reason(worker.error),
    ];
  });
  table(byId("workers"), ["Name", "State", "Address", "Runs", "#Done", "#Failed", "Seen", "Version", "Last error"], rows, "no worker has joined yet");
}

function showTasks(job) {
  const rows = (job.tasks || []).map((task) => [
    task.name || "",
    tag(LETTERS[task.state]?.[1] || "", { d: "good", f: "warn" }[task.state] || "accent"),
    task.worker || "–",
    count(numeric(task.attempts)),
    count(numeric(task.failures)),
    span(numeric(task.tookMs)),
    reason(task.error),
  ]);
  byId("tasks-card").hidden = rows.length === 0;
  table(byId("tasks"), ["Task", "State", "Worker", "#Attempts", "#Failures", "#Time", "Last error"], rows, "");
}

function showOutput(output) {
  byId("output-card").hidden = !output;
  if (!output) return;
  setText(byId("output-note"), `${output.path}, ${bytes(numeric(output.bytes))}`);
  const head = output.head || "";
  const isCut = numeric(output.bytes) > new TextEncoder().encode(head).length;
  byId("output").hidden = head === "";
  setText(byId("output"), isCut ? `${head}…` : head);
}

const sinceStart = (ms) => ms < 100_000 ? `+${(ms / 1000).toFixed(2)} s` : `+${span(ms)}`;

const SEVERITIES = { SEVERITY_WARNING: "warning", SEVERITY_ERROR: "error" };

function showEvents(job) {
  const events = [...(job.events || [])].reverse();
  const all = numeric(job.eventCount);
  setText(byId("events-note"), all > events.length ? `the last ${count(events.length)} of ${count(all)}` : plural(all, "event", "events"));
  const place = byId("events");
  if (place.dataset.key === String(all)) return;
  place.dataset.key = String(all);
  byId("no-events").hidden = events.length > 0;
  place.replaceChildren(...events.map((event) => element("li", { class: SEVERITIES[event.severity] || "" },
    element("time", {}, sinceStart(numeric(event.atMs))), element("p", {}, event.text || ""))));
}

function showCounters(counters) {
  const rows = counters.map(({ group, name, count: value }) => [name || "", group || "", count(numeric(value))]);
  table(byId("counters"), ["Counter", "Group", "#Count"], rows, "nothing is counted yet");
}

function showClustering(clustering) {
  byId("clustering").hidden = !clustering;
  if (!clustering) return;
  scatter ||= new Scatter({ canvas: byId("scatter"), words: byId("scatter-words"), spoken: byId("scatter-spoken"), pause: byId("pause") });
  chart ||= new ErrorChart(byId("error-chart"));
  if (clustering.points) heldPoints = pairs(clustering.points);
  const [start, starts] = [numeric(clustering.start), numeric(clustering.starts)];
  const iteration = numeric(clustering.iteration);
  const all = numeric(clustering.pointsInAll);
  scatter.show({
    points: clustering.points ? heldPoints : null,
    labels: labels(clustering.labels),
    centroids: pairs(clustering.centroids),
    axes: clustering.axes || ["", ""],
    start,
    iteration,
  });
  const drawnPoints = heldPoints ? heldPoints.length : 0;
  const ofAll = all > drawnPoints ? `${count(drawnPoints)} of ${count(all)} points` : plural(drawnPoints, "point", "points");
  setText(byId("points-note"), `${ofAll}, ${plural(numeric(clustering.clusters), "cluster", "clusters")}`);
  const errors = (clustering.errors || []).map((error) => ({
    iteration: numeric(error.iteration),
    error: numeric(error.squaredError),
    moved: numeric(error.moved),
    shift: numeric(error.shift),
  }));
  chart.show(errors);
  const of = starts > 1 ? `start ${count(start)} of ${count(starts)}, ` : "";
  setText(byId("error-note"), start === 0 ? "the input is read" : `${of}iteration ${count(iteration)} of at most ${count(numeric(clustering.maxIterations))}`);
  const newest = errors[errors.length - 1];
  tiles(byId("error-facts"), [
    ["Error now", newest ? brief(newest.error) : "–"],
    ["Points moved", newest ? count(newest.moved) : "–"],
    ["Largest shift", newest ? brief(newest.shift) : "–"],
    ["Best start so far", numeric(clustering.endedStarts) ? brief(numeric(clustering.bestError)) : "–"],
  ], (...children) => element("div", {}, ...children));
}

followJob(show, tell).catch((error) => {
  tell("broken", error);
  throw error;
});
