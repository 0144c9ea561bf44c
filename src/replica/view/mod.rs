//! What a node shows of itself and its group: `agora.node.v1.NodeService`, the numbers of its page.
//!
//! - `contents`: what the state machine holds, in parts
//! - `load`: the calls between two samples, from the metrics of the server
//! - `samples`: the load of the last minutes
//! - `wire`: the messages
//!
//! Everything is read on the server's thread when it is asked for. Kept are only ten minutes of
//! samples, the last log lines, and for two seconds what the state machine holds. A watch holds the
//! numbers of the sample and the event that were sent last; a client that reads slowly gets fewer and
//! newer responses.

mod contents;
mod load;
mod samples;
mod wire;

pub use contents::{Contents, Part};

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use load::Load;
use samples::{SAMPLE_INTERVAL, Sample, Samples};

use crate::call::{Code, Status};
use crate::raft::{NodeId, Raft};
use crate::replica::clock::wall_ms;
use crate::replica::engine::QuotaUse;
use crate::replica::node::{EventLine, Node, Service, Shared};
use crate::replica::service::WatchHub;
use crate::rpc::{CallHandler, Responder, ServerMetrics, Services, Shape};
use crate::text::printable;

/// The full name of the service.
pub const SERVICE: &str = "agora.node.v1.NodeService";
const DESCRIBE: &str = "/agora.node.v1.NodeService/Describe";
const WATCH: &str = "/agora.node.v1.NodeService/Watch";

/// Watches of a node at once.
pub const MAX_WATCHES: usize = 64;
/// The time between two responses of a watch.
const WATCH_INTERVAL: Duration = Duration::from_millis(500);
/// What the state machine holds is counted at most so often.
const CONTENTS_INTERVAL: Duration = Duration::from_secs(2);
/// Of a longer reason why a peer cannot be reached the beginning is shown.
const MAX_REASON_BYTES: usize = 1_000;

/// The samples and events that a client has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Position {
    sample: u64,
    event: u64,
}

/// What a watch has sent.
#[derive(Clone, Copy, Debug)]
struct Sent {
    position: Position,
    /// The number of the contents.
    contents: u64,
}

/// What a node keeps to show.
pub struct View {
    group: String,
    machine: String,
    started: Duration,
    watches: WatchHub<(), Sent>,
    watch_due: Duration,
    samples: Samples,
    sampled_at: Duration,
    load: Option<Load>,
    /// The contents, when they were counted, at which index, and how often they have changed.
    contents: Option<Contents>,
    counted_at: Duration,
    counted_index: u64,
    contents_number: u64,
    /// Why the node is not ready.
    pub(super) not_ready: Vec<String>,
    /// The nodes to which there is no connection, and why.
    unreachable: BTreeMap<NodeId, Unreachable>,
}

/// Why there is no connection to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Unreachable {
    reason: String,
    since: Duration,
}

/// What one response shows.
struct Shown<'s> {
    raft: &'s Raft,
    nodes: &'s [(NodeId, String)],
    group: &'s str,
    machine: &'s str,
    now: Duration,
    wall_ms: u64,
    uptime: Duration,
    applied_index: u64,
    quota: QuotaUse,
    not_ready: &'s [String],
    unreachable: &'s BTreeMap<NodeId, Unreachable>,
    contents: Option<&'s Contents>,
    samples: Vec<&'s Sample>,
    events: &'s [EventLine],
}

impl View {
    /// Of a node that starts now; `others` are not connected yet.
    pub(super) fn new(
        group: &str,
        machine: &str,
        now: Duration,
        others: impl Iterator<Item = NodeId>,
    ) -> View {
        let unreached = |_| Unreachable { reason: "it is being called".to_owned(), since: now };
        View {
            group: group.to_owned(),
            machine: machine.to_owned(),
            started: now,
            watches: WatchHub::default(),
            watch_due: now,
            samples: Samples::default(),
            sampled_at: now,
            load: None,
            contents: None,
            counted_at: now,
            counted_index: 0,
            contents_number: 0,
            not_ready: vec!["the node is starting".into()],
            unreachable: others.map(|node| (node, unreached(node))).collect(),
        }
    }

    /// There is a connection to a node.
    pub(super) fn peer_found(&mut self, node: NodeId) {
        self.unreachable.remove(&node);
    }

    /// There is none; the newest reason is kept, and the time of the first. A reason may be a text of
    /// whoever answers at the peer's address.
    pub(super) fn peer_lost(&mut self, node: NodeId, reason: &str, now: Duration) {
        let cut = reason.floor_char_boundary(MAX_REASON_BYTES);
        let reason = printable(reason.get(..cut).unwrap_or_default()).into_owned();
        let since = self.unreachable.get(&node).map_or(now, |known| known.since);
        self.unreachable.insert(node, Unreachable { reason, since });
    }

    /// What a client has. Numbers that this node has not reached are those of its life before: it was
    /// started again, and the client gets everything.
    fn known(&self, position: Position, last_event: u64) -> Position {
        let has = position.sample <= self.samples.last_number() && position.event <= last_event;
        if has { position } else { Position::default() }
    }
}

/// Registers the service. It shows the load that `metrics` count, those of the node's server.
pub fn register<S: Service>(
    services: &mut Services,
    node: &Node<S>,
    metrics: Option<Arc<ServerMetrics>>,
) {
    node.lock().view.load = metrics.map(Load::new);
    services.unary(DESCRIBE, {
        let node = node.clone();
        move |_, message, response| {
            let position = wire::parse_describe(message)?;
            let mut node = node.lock();
            let position = node.view.known(position, node.events().last_number());
            count_contents(&mut node);
            let events = node.events().after(position.event);
            wire::append_description(&shown(&node, position, true, &events), response);
            Ok(())
        }
    });
    services.streaming(WATCH, Shape::ServerStreaming, {
        let node = node.clone();
        move |_, responder| Ok(Box::new(WatchCall { node: node.clone(), responder, number: None }))
    });
    let node = node.clone();
    services.on_shutdown(move || {
        let status = Status::new(Code::Unavailable, "the node shuts down");
        node.lock().view.watches.shut_down(&status);
    });
}

/// Takes samples and updates the watches when it is time. To be called several times a second.
pub(super) fn tick<S: Service>(node: &mut Shared<S>) {
    let now = node.clock.now();
    let interval = now.saturating_sub(node.view.sampled_at);
    if interval >= SAMPLE_INTERVAL {
        let view = &mut node.view;
        if let Some(load) = &mut view.load {
            let (reads, writes) = load.take(S::READS, S::WRITES);
            view.samples.push(wall_ms(), interval, reads, writes);
        }
        view.sampled_at = now;
    }
    if node.view.watches.is_empty() || now < node.view.watch_due {
        return;
    }
    node.view.watch_due = now.saturating_add(WATCH_INTERVAL);
    count_contents(node);
    let mut watches = std::mem::take(&mut node.view.watches);
    watches.update((), |watch| {
        let (response, sent) = next_response(node, watch.cursor);
        watch.cursor = sent;
        watch.send([response]);
        true
    });
    node.view.watches = watches;
}

/// Counts what the state machine holds, unless it was counted a moment ago.
fn count_contents<S: Service>(node: &mut Shared<S>) {
    let (now, index) = (node.clock.now(), node.state().applied_index());
    let view = &node.view;
    let is_fresh =
        view.counted_index == index || now < view.counted_at.saturating_add(CONTENTS_INTERVAL);
    if view.contents.is_some() && is_fresh {
        return;
    }
    let contents = S::contents(node);
    let view = &mut node.view;
    if view.contents.as_ref() != Some(&contents) {
        view.contents_number += 1;
    }
    view.contents = Some(contents);
    (view.counted_at, view.counted_index) = (now, index);
}

/// The next response of a watch, and what the watch has sent then.
fn next_response<S: Service>(node: &Shared<S>, sent: Sent) -> (Vec<u8>, Sent) {
    let events = node.events().after(sent.position.event);
    let is_new = sent.contents != node.view.contents_number;
    let response = wire::watch_response(&shown(node, sent.position, is_new, &events));
    let position = Position {
        sample: node.view.samples.last_number().max(sent.position.sample),
        event: events.last().map_or(sent.position.event, |event| event.number),
    };
    (response, Sent { position, contents: node.view.contents_number })
}

/// What is shown behind a position.
fn shown<'s, S: Service>(
    node: &'s Shared<S>,
    position: Position,
    with_contents: bool,
    events: &'s [EventLine],
) -> Shown<'s> {
    let (view, now) = (&node.view, node.clock.now());
    Shown {
        raft: node.raft(),
        nodes: node.peers(),
        group: &view.group,
        machine: &view.machine,
        now,
        wall_ms: wall_ms(),
        uptime: now.saturating_sub(view.started),
        applied_index: node.state().applied_index(),
        quota: node.quota_use(),
        not_ready: &view.not_ready,
        unreachable: &view.unreachable,
        contents: view.contents.as_ref().filter(|_| with_contents),
        samples: view.samples.after(position.sample).collect(),
        events,
    }
}

/// The handler of a call of Watch.
struct WatchCall<S: Service> {
    node: Node<S>,
    responder: Responder,
    number: Option<u64>,
}

impl<S: Service> WatchCall<S> {
    fn open(&mut self, message: &[u8]) -> Result<(), Status> {
        let position = wire::parse_watch(message)?;
        let mut node = self.node.lock();
        let watches = &mut node.view.watches;
        if watches.is_shut_down() {
            return Err(Status::new(Code::Unavailable, "the node shuts down"));
        }
        if watches.count(&()) >= MAX_WATCHES {
            let reason = format!("{MAX_WATCHES} watches of this node are open");
            return Err(Status::new(Code::ResourceExhausted, reason));
        }
        let number = watches.reserve();
        let position = node.view.known(position, node.events().last_number());
        count_contents(&mut node);
        let (response, sent) = next_response(&node, Sent { position, contents: 0 });
        node.view.watches.begin(number, (), self.responder.clone(), sent, |watch| {
            watch.send([response]);
            true
        });
        self.number = Some(number);
        Ok(())
    }
}

impl<S: Service> CallHandler for WatchCall<S> {
    fn message(&mut self, message: &[u8]) {
        if let Err(status) = self.open(message) {
            self.responder.finish(status);
        }
    }

    fn cancelled(&mut self, _: &Status) {}

    fn writable(&mut self) {
        if let Some(number) = self.number {
            // The next response is as new as possible.
            self.node.lock().view.watches.drained(number, |(), _| true);
        }
    }
}

impl<S: Service> Drop for WatchCall<S> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.node.lock().view.watches.remove(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view() -> View {
        View::new("agora", "kv", Duration::ZERO, [2, 3].into_iter())
    }

    #[test]
    fn a_node_is_gone_since_the_first_failure_for_the_last_reason() {
        let mut view = view();
        let s = Duration::from_secs;
        view.peer_lost(2, "refused", s(1));
        assert_eq!(view.unreachable[&2], Unreachable { reason: "refused".into(), since: s(0) });
        view.peer_found(2);
        assert!(!view.unreachable.contains_key(&2));
        view.peer_lost(2, "refused", s(5));
        view.peer_lost(2, "silent", s(9));
        assert_eq!(view.unreachable[&2], Unreachable { reason: "silent".into(), since: s(5) });
        let reason = format!("\u{202e}\u{1b}[2J{}", "é".repeat(5_000));
        view.peer_lost(2, &reason, s(9));
        let shown = &view.unreachable[&2].reason;
        assert!(!shown.contains(['\u{202e}', '\u{1b}']) && shown.len() < 1_100, "{shown}");
    }

    #[test]
    fn who_knows_more_than_the_node_knows_its_life_before() {
        let mut view = view();
        let calls = Default::default();
        view.samples.push(0, SAMPLE_INTERVAL, calls, calls);
        let known = |sample, event| {
            let known = view.known(Position { sample, event }, 7);
            (known.sample, known.event)
        };
        assert_eq!(known(1, 7), (1, 7));
        assert_eq!(known(2, 3), (0, 0));
        assert_eq!(known(1, 8), (0, 0));
    }
}
