// The group as a picture: who leads, how long its lease lasts, how far the others are, and who cannot be
// reached. A node is a link to its own page.

import { count, drawn, pageAt, plural, setText, short } from "/dom.js";

const WIDEST = 440;
const NARROWEST = 300;
const RADIUS = 30;
/** Of many nodes. */
const SMALL_RADIUS = 23;
const MOST_WITH_ROOM = 4;
const LEASE_WIDTH = 84;
/** Shorter heartbeats would make the bar flicker. */
const SHORT_BEAT_MS = 200;
const stillness = window.matchMedia("(prefers-reduced-motion: reduce)");

/** One node as the picture and the table show it. */
export function nodesOf(view) {
  const leader = view.leader ? view.leader.node : null;
  const self = {
    ...view.self, isSelf: true, isLeader: leader === view.self.node, isReachable: true, isVoter: true,
    isCandidate: view.role === "ROLE_CANDIDATE", progress: null,
  };
  const others = view.peers.map((peer) => ({ ...peer, isSelf: false, isLeader: peer.node === leader }));
  return [self, ...others].sort((one, other) => one.node - other.node);
}

/** How far a follower is, in words. */
export function behind(node) {
  if (!node.progress) return null;
  if (node.progress.lag === 0) return "in step";
  return `${plural(node.progress.lag, "entry", "entries")} behind`;
}

/** Whether the group does its work, as far as this node can tell, in a few words. */
export function healthOf(view) {
  const nodes = nodesOf(view);
  if (!view.leader) return ["no leader", "bad"];
  if (nodes.length === 1) return ["one node", "plain"];
  const there = nodes.filter((node) => node.isReachable && node.isVoter).length;
  if (there === nodes.length) return ["healthy", "good"];
  return [`${there} of ${nodes.length} there`, 2 * there > nodes.length ? "warn" : "bad"];
}

export class GroupPicture {
  constructor(place) {
    this.place = place;
    this.width = Math.max(NARROWEST, Math.min(WIDEST, place.clientWidth || WIDEST));
    this.lease = null;
    this.shape = "";
    this.animate();
    new ResizeObserver(() => this.fit()).observe(place);
  }

  /** Texts keep their size: it is the picture that becomes narrower. */
  fit() {
    const width = Math.max(NARROWEST, Math.min(WIDEST, this.place.clientWidth || WIDEST));
    if (width === this.width) return;
    [this.width, this.shape] = [width, ""];
    if (this.view) this.show(this.view);
  }

  show(view) {
    this.view = view;
    const nodes = nodesOf(view);
    const isLeader = view.role === "ROLE_LEADER";
    this.lease = isLeader && view.peers.length > 0
      ? { left: view.leaseLeftMs, of: view.leaseMs, beat: view.heartbeatMs, seen: performance.now() } : null;
    // The picture is made again only if it changes, so that the focus stays where it is.
    const shape = JSON.stringify([view.term, view.role, nodes, view.leader]);
    if (shape !== this.shape) {
      const focused = this.place.contains(document.activeElement) ? document.activeElement.dataset.node : null;
      this.shape = shape;
      this.draw(view, nodes);
      if (focused) this.place.querySelector(`a[data-node="${CSS.escape(focused)}"]`)?.focus();
    }
    this.showLease();
  }

  draw(view, nodes) {
    // Without a leader this node is in the middle of what it knows.
    const above = nodes.find((node) => node.isLeader) || nodes.find((node) => node.isSelf);
    const places = arrange(nodes, above, this.width);
    const height = Math.max(...places.map((place) => place.y)) + RADIUS + 34;
    const center = places[nodes.indexOf(above)];
    const links = nodes.map((node, at) => link(node, places[at], center, view)).filter((made) => made);
    const shapes = nodes.map((node, at) => this.node(node, places[at], view));
    const svg = drawn("svg", { viewBox: `0 0 ${this.width} ${height}`, role: "group", "aria-label": described(view, nodes) },
      ...links, ...shapes);
    this.place.replaceChildren(svg);
  }

  node(node, { x, y, r }, view) {
    const isGone = !node.isReachable;
    const parts = [
      drawn("circle", { class: "halo", cx: x, cy: y, r: r + 9 }),
      drawn("circle", { class: "body", cx: x, cy: y, r }),
      drawn("text", { class: r < RADIUS ? "number small" : "number", x, y: y + 7 }, String(node.node)),
    ];
    if (node.isSelf) parts.push(drawn("circle", { class: "self", cx: x, cy: y, r: r + 4.5 }));
    if (node.isLeader) parts.push(drawn("text", { class: "crown", x, y: y - RADIUS - 12 }, `leader of term ${count(view.term)}`));
    if (node.isLeader && node.isSelf && view.peers.length > 0) parts.push(...this.leaseAt(x + RADIUS + 22, y));
    else if (node.isSelf && !view.leader) parts.push(drawn("text", { class: "muted", x, y: y - RADIUS - 12 }, "this node"));
    parts.push(...words(node, x, y + r + (r < RADIUS ? 17 : 20), view));
    const name = `Node ${node.node}, ${stateOf(node)[0]}`;
    const kind = `node ${node.isLeader ? "leader" : ""} ${isGone ? "gone" : ""}`;
    if (node.isSelf || !node.address) return drawn("g", { class: kind }, drawn("title", {}, name), ...parts);
    return drawn("a", { class: kind, href: pageAt(node.address), "data-node": node.node, "aria-label": `${name}: its page` }, ...parts);
  }

  /** Beside the leader, where no line passes. */
  leaseAt(x, y) {
    const at = { x, y: y + 8, height: 6, rx: 3 };
    this.bar = drawn("rect", { class: "lease", ...at, width: LEASE_WIDTH });
    this.left = drawn("text", { class: "muted left", x, y: y - 1 }, "");
    return [drawn("rect", { class: "lease-ground", ...at, width: LEASE_WIDTH }), this.bar, this.left];
  }

  animate() {
    this.showLease();
    requestAnimationFrame(() => this.animate());
  }

  /**
   * Between two views the lease shrinks by the clock of the browser. While heartbeats renew it, it is full
   * again after each; a lease that was not renewed in time goes on shrinking.
   */
  showLease() {
    if (!this.lease || !this.bar) return;
    const { left, of, beat, seen } = this.lease;
    const since = performance.now() - seen;
    const isRenewed = of - left < 2 * beat;
    let now = left - since;
    if (isRenewed) now = beat < SHORT_BEAT_MS || stillness.matches ? left : of - ((of - left + since) % beat);
    now = Math.max(0, Math.min(of, now));
    this.bar.setAttribute("width", (LEASE_WIDTH * (of ? now / of : 0)).toFixed(1));
    this.bar.classList.toggle("short", now < of / 3);
    setText(this.left, `lease ${count(Math.round(now / 10) * 10)} ms`);
  }
}

/** What is written under a node. */
function words(node, x, y, view) {
  const hasRoom = view.peers.length <= MOST_WITH_ROOM;
  if (!node.isReachable) return [drawn("text", { class: "bad", x, y }, hasRoom ? "not reached" : "gone")];
  const lag = node.progress ? node.progress.lag : 0;
  // A leader has a ring around it, and lines go from it.
  const text = (lag > 0 ? `−${short(lag)}` : behind(node)) || (node.isSelf && view.leader && !node.isLeader ? "this node" : "");
  return [drawn("text", { class: "muted", x, y }, text)];
}

/** One node above, the others on an arc below it, which are smaller if there are many. */
function arrange(nodes, center, width) {
  const middle = width / 2;
  const others = nodes.filter((node) => node !== center);
  const top = RADIUS + 34;
  return nodes.map((node) => {
    if (node === center) return { x: middle, y: top, r: RADIUS };
    const at = others.indexOf(node);
    const share = others.length === 1 ? 0.5 : at / (others.length - 1);
    if (others.length > MOST_WITH_ROOM) {
      const room = (width - 2 * SMALL_RADIUS - 12) / (others.length - 1);
      const y = top + 84 + Math.sin(Math.PI * share) * 70;
      return { x: middle + (at - (others.length - 1) / 2) * room, y, r: Math.min(SMALL_RADIUS, room / 2 - 3) };
    }
    const angle = Math.PI * (0.14 + 0.72 * share);
    const spread = Math.min(others.length > 2 ? 168 : 124, width / 2 - RADIUS - 14);
    const y = top + 74 + Math.sin(angle) * (others.length === 1 ? 70 : 92);
    return { x: middle - Math.cos(angle) * spread, y, r: RADIUS };
  });
}

function link(node, place, center, view) {
  if (place === center) return null;
  const [dx, dy] = [place.x - center.x, place.y - center.y];
  const length = Math.hypot(dx, dy) || 1;
  const [from, to] = [(center.r + 12) / length, 1 - (place.r + 7) / length];
  // Only what this node knows is drawn as known: its own connections, and its leader.
  const isKnown = node.progress || node.isSelf;
  const kind = !node.isReachable ? "bad" : isKnown ? "good" : view.leader ? "unknown" : "";
  return drawn("line", {
    class: `link ${kind}`, x1: center.x + dx * from, y1: center.y + dy * from, x2: center.x + dx * to, y2: center.y + dy * to,
  });
}

/** The state of a node in a word, and its kind. */
export function stateOf(node) {
  if (!node.isReachable) return ["not reached", "bad"];
  if (!node.isVoter) return ["no voter", "bad"];
  if (node.isLeader) return ["leader", "accent"];
  if (node.isCandidate) return ["candidate", "warn"];
  return node.isSelf || node.progress ? ["follower", "good"] : ["reached", "good"];
}

function described(view, nodes) {
  const gone = nodes.filter((node) => !node.isReachable).map((node) => node.node);
  const leads = view.leader ? `node ${view.leader.node} leads in term ${view.term}` : `no leader is known in term ${view.term}`;
  const lost = gone.length > 0 ? `; not reached: ${gone.join(", ")}` : "";
  return `${plural(nodes.length, "node", "nodes")}: ${leads}${lost}`;
}
