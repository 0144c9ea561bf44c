// The page of a node: its own state, its group, its load and its last events, as its NodeService tells.

import { follow } from "/connect.js";
import { Chart } from "/chart.js";
import { GroupPicture, behind, healthOf, nodesOf, stateOf } from "/group.js";
import { bar, byId, bytes, count, dateAndTime, element, micros, numeric, pageAt, plural, setText, short, span, timeOfDay } from "/dom.js";

const SERVICE = "/agora.node.v1.NodeService";
const WATCH = `${SERVICE}/Watch`;
const SPAN_MS = 10 * 60 * 1000;
const KEPT_EVENTS = 100;

const samples = new Map();
const events = new Map();
let last = null;
let started = null;
let goneSince = null;

const picture = new GroupPicture(byId("picture"));
const words = "No calls in the last ten minutes.";
const pair = [{ name: "median", kind: "first" }, { name: "99 % within", kind: "second" }];
const rate = new Chart(byId("rate"), {
  label: "Calls a second, over ten minutes", unit: short, spanMs: SPAN_MS, words,
  curves: [{ name: "reads", kind: "first", filled: true }, { name: "writes", kind: "second", filled: true }],
});
const readTime = new Chart(byId("read-time"), {
  label: "Time of a read, over ten minutes", unit: micros, spanMs: SPAN_MS, curves: pair, words: "No reads in the last ten minutes.",
});
const writeTime = new Chart(byId("write-time"), {
  label: "Time of a write, over ten minutes", unit: micros, spanMs: SPAN_MS, curves: pair, words: "No writes in the last ten minutes.",
});

const lastOf = (kept) => Math.max(0, ...kept.keys());

/** The numbers of a message as numbers. */
function read(view) {
  const node = (address) => address && { node: numeric(address.node), address: address.address || "" };
  return {
    ...view,
    self: node(view.self) || { node: 0, address: "" },
    leader: node(view.leader),
    term: numeric(view.term),
    leaseLeftMs: numeric(view.leaseLeftMs),
    leaseMs: numeric(view.leaseMs),
    heartbeatMs: numeric(view.heartbeatMs),
    notReady: view.notReady || [],
    peers: (view.peers || []).map((peer) => ({
      ...node(peer.peer),
      isReachable: Boolean(peer.isReachable),
      whyUnreachable: peer.whyUnreachable || "",
      unreachableMs: numeric(peer.unreachableMs),
      isVoter: Boolean(peer.isVoter),
      progress: peer.progress && { lag: numeric(peer.progress.lag), roundTripUs: numeric(peer.progress.roundTripUs),
        lastAnswerMs: peer.progress.lastAnswer ? numeric(peer.progress.lastAnswer.agoMs) : null },
    })),
  };
}

function show(view) {
  restartIfNew(view);
  document.body.classList.remove("waiting");
  last = view;
  keep(samples, view.samples, 300);
  keep(events, view.events, KEPT_EVENTS);
  joinCounts();
  showHead(view);
  showTiles(view);
  picture.show(view);
  showNodes(view);
  showCharts(view);
  if (view.contents) showContents(view.contents);
  if ((view.events || []).length > 0) showEvents();
  showTrouble(view);
  showConnection(shownConnection);
}

/** A node that was started again counts its samples and events from 1 again. */
function restartIfNew(view) {
  const since = numeric(view.nowMs) - numeric(view.uptimeMs);
  if (started !== null && Math.abs(since - started) > 1500) {
    samples.clear();
    events.clear();
  }
  started = since;
}

function keep(kept, added, most) {
  for (const one of added || []) kept.set(numeric(one.number), one);
  for (const number of [...kept.keys()].sort((a, b) => a - b).slice(0, -most)) kept.delete(number);
}

/** Of the counts of one kind of refusals, one a minute while they last, the newest is shown. */
function joinCounts() {
  const newest = new Map();
  for (const [number, event] of [...events].sort(([a], [b]) => a - b)) {
    const count = /^\d+ more (.* were refused.*)$/.exec(event.text);
    if (!count) continue;
    if (newest.has(count[1])) events.delete(newest.get(count[1]));
    newest.set(count[1], number);
  }
}

const kindOf = (machine) => ({ kv: "key-value store", market: "market" })[machine] || machine;

function showHead(view) {
  const name = `Node ${view.self.node} of ${view.group}`;
  setText(byId("title"), name);
  document.title = view.notReady.length > 0 ? `not ready: ${name}` : `${name} – Agora`;
  setText(byId("subtitle"), `${kindOf(view.machine)} at ${view.self.address}, up for ${span(numeric(view.uptimeMs))}`);
  setText(byId("about"), `Agora ${view.version}, group ${view.group}`);
}

function showTiles(view) {
  const role = { ROLE_LEADER: "leader", ROLE_FOLLOWER: "follower", ROLE_CANDIDATE: "candidate" }[view.role] || "–";
  const [end, commit, applied] = [view.lastIndex, view.commitIndex, view.appliedIndex].map(numeric);
  const [health, kind] = healthOf(view);
  byId("health").className = `${kind}-text`;
  for (const [id, text] of Object.entries({
    health, role, term: count(view.term), commit: count(commit), applied: count(applied),
    leader: view.leader ? `node ${view.leader.node}` : "none",
    uncommitted: end > commit ? `of ${count(end)}` : "",
    unapplied: commit > applied ? `${short(commit - applied)} to go` : "",
    snapshot: numeric(view.snapshotIndex) ? count(numeric(view.snapshotIndex)) : "none",
  })) setText(byId(id), text);
}

let shownNodes = "";
let rows = [];

/** Rows are made again only if more than their numbers changes, so that a link keeps the focus. */
function showNodes(view) {
  const nodes = nodesOf(view);
  const shape = JSON.stringify([view.leader, view.role, view.term,
    nodes.map((node) => [node.node, node.address, stateOf(node), node.whyUnreachable])]);
  if (shape !== shownNodes) {
    shownNodes = shape;
    rows = nodes.map(rowOf);
    byId("nodes").replaceChildren(...rows.flatMap(({ row, why }) => why ? [row, why] : [row]));
    showNote(view);
  }
  nodes.forEach((node, place) => {
    const known = node.progress;
    const { why, lag, trip, answer } = rows[place];
    if (why) setText(why.firstChild, `for ${span(node.unreachableMs)}: ${node.whyUnreachable}`);
    setNumber(lag, node.isLeader ? "–" : behind(node) || "–");
    setNumber(trip, known && known.roundTripUs ? micros(known.roundTripUs) : "–");
    setNumber(answer, known && known.lastAnswerMs !== null ? `${span(known.lastAnswerMs)} ago` : "–");
  });
}

function rowOf(node) {
  const [state, kind] = stateOf(node);
  const [lag, trip, answer] = ["Behind", "Round trip", "Last answer"].map((head) => element("td", { "data-head": head }));
  const name = node.isSelf || !node.address ? `Node ${node.node}` : element("a", { href: pageAt(node.address) }, `Node ${node.node}`);
  const row = element("tr", { class: node.isReachable ? "" : "explained" },
    element("th", { scope: "row" }, name, node.isSelf ? " " : null, node.isSelf ? element("span", { class: "tag" }, "this node") : null),
    element("td", { "data-head": "State" }, element("span", { class: `tag ${kind}` }, state)), lag, trip, answer);
  const why = node.isReachable ? null
    : element("tr", { class: "why" }, element("td", { colspan: 5, class: "bad-text" }));
  return { row, why, lag, trip, answer };
}

function setNumber(target, text) {
  setText(target, text);
  target.className = text === "–" ? "number none" : "number";
}

function showNote(view) {
  const note = byId("group-note");
  if (view.role === "ROLE_LEADER" || !view.leader) {
    setText(note, view.leader ? `node ${view.leader.node} leads in term ${count(view.term)}` : `no leader in term ${count(view.term)}`);
  } else {
    note.replaceChildren("only the leader knows how far the others are: ",
      element("a", { href: pageAt(view.leader.address) }, `node ${view.leader.node}`));
  }
}

function showCharts(view) {
  const until = numeric(view.nowMs);
  const kept = [...samples.entries()].sort(([a], [b]) => a - b).map(([, sample]) => sample);
  const points = (values) => kept.map((sample) => ({ at: numeric(sample.atMs), values: values(sample) }));
  const each = (sample, number) => (numeric(number) * 1000) / Math.max(1, numeric(sample.intervalMs));
  const times = (calls, half, most) => numeric(calls) ? [numeric(half), numeric(most)] : [null, null];
  const isBusy = kept.some((sample) => numeric(sample.reads) || numeric(sample.writes));
  rate.show(isBusy ? points((sample) => [each(sample, sample.reads), each(sample, sample.writes)]) : [], until);
  readTime.show(points((sample) => times(sample.reads, sample.readP50Us, sample.readP99Us)), until);
  writeTime.show(points((sample) => times(sample.writes, sample.writeP50Us, sample.writeP99Us)), until);
}

function showContents(contents) {
  const all = numeric(contents.count);
  const quota = numeric(contents.quotaBytes);
  setText(byId("contents-title"), { "keys by prefix": "Keys by prefix", "what the market has": "What the market has" }[contents.what] || "Contents");
  const limit = quota ? ` of ${bytes(quota)}` : "";
  const total = contents.what === "keys by prefix" ? `${plural(all, "key", "keys")}, ` : "";
  setText(byId("contents-note"), `${total}${bytes(numeric(contents.bytes))}${limit}`);
  const parts = (contents.parts || []).map((part) => [part.name, numeric(part.count), numeric(part.aboutBytes)]);
  if (numeric(contents.restCount)) parts.push(["others", numeric(contents.restCount), 0]);
  const most = Math.max(1, ...parts.map(([, number]) => number));
  byId("contents").replaceChildren(all === 0
    ? element("p", { class: "empty" }, contents.what === "keys by prefix" ? "The store is empty." : "Nothing is here yet.")
    : element("ul", { class: "bars" }, ...parts.map(([name, number, size]) => element("li", { class: "row" },
      element("span", { class: "name", title: name }, name),
      element("span", { class: "value" }, element("b", {}, count(number)), size ? `  about ${bytes(size)}` : ""),
      bar(number / most)))));
}

function showEvents() {
  const newest = [...events.entries()].sort(([a], [b]) => b - a).map(([, event]) => event);
  const kinds = { SEVERITY_WARNING: "warning", SEVERITY_ERROR: "error" };
  byId("no-events").hidden = newest.length > 0;
  byId("events").replaceChildren(...newest.map((event) => element("li", { class: kinds[event.severity] || "" },
    element("time", { datetime: new Date(numeric(event.atMs)).toISOString(), title: dateAndTime(numeric(event.atMs)) }, timeOfDay(numeric(event.atMs))),
    element("p", {}, event.text))));
}

function showTrouble(view) {
  const lines = view.notReady.map((reason) => element("p", {}, reason));
  banner(lines.length > 0 ? [element("strong", {}, "This node is not ready."), ...lines] : [], false);
}

let shownBanner = "";

function banner(parts, isBad) {
  const place = byId("banner");
  const text = parts.map((part) => part.textContent).join("\n");
  // What is said already is not said again.
  if (text === shownBanner) return;
  shownBanner = text;
  place.replaceChildren(...parts);
  place.hidden = parts.length === 0;
  place.classList.toggle("bad", isBad);
}

let shownConnection = "connecting";

/** A green word means that the node is there and ready. */
function showConnection(state) {
  shownConnection = state;
  const isReady = !last || last.notReady.length === 0;
  const words = { live: "live", polling: "live, by asking", gone: "no answer", refused: "refused", broken: "stopped" };
  const kinds = { live: "good", polling: "good", gone: "bad", refused: "warn", broken: "bad" };
  const isLive = state === "live" || state === "polling";
  const pill = byId("connection");
  setText(pill, isLive && !isReady ? "not ready" : words[state]);
  pill.className = `pill ${isLive && !isReady ? "warn" : kinds[state]}`;
}

/** How the page is connected, in words. */
function tell(state, error) {
  showConnection(state);
  document.body.classList.toggle("stale", ["gone", "broken"].includes(state) && last !== null);
  if (state === "gone") {
    goneSince = goneSince || Date.now();
    banner([element("strong", {}, `This node has not answered since ${timeOfDay(goneSince)}: ${error.message}.`),
      element("p", {}, last ? "What follows is old. The page goes on trying. " : "The page goes on trying. ", ...elsewhere())], true);
  } else if (state === "refused") {
    banner([element("strong", {}, "This node shows its state only to clients with a certificate of its group."),
      element("p", {}, `It says: ${error.message}. Make a certificate for a person with `, element("code", {}, "agora cert client NAME"),
        ", import it into the browser as a PKCS#12 file (the guide to certificates has the command), and load the page again.")], false);
  } else if (state === "broken") {
    banner([element("strong", {}, "This page has stopped."), element("p", {}, `Load it again. The reason: ${error.message}`)], true);
  } else {
    goneSince = null;
  }
}

/** Links to the nodes that may know more. */
function elsewhere() {
  const others = last ? last.peers.filter((peer) => peer.address) : [];
  if (others.length === 0) return [];
  return ["The others may know more: ", ...others.flatMap((peer, at) => [at > 0 ? ", " : null, element("a", { href: pageAt(peer.address) }, `node ${peer.node}`)]).filter((part) => part !== null), "."];
}

follow({
  watch: WATCH,
  poll: `${SERVICE}/Describe`,
  // A new watch begins with all that the node keeps: it may have been started again, and counts anew.
  request: (path) => path === WATCH ? {} : { afterSample: String(lastOf(samples)), afterEvent: String(lastOf(events)) },
  show: (response) => show(read(response.view || {})),
  tell,
}).catch((error) => {
  tell("broken", error);
  throw error;
});
