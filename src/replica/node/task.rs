//! A node as an event-loop task: passes input to the engine, and executes the engine's output on
//! peers, disk and callers.
//!
//! ```text
//!   call handlers     --+                                 +--> peers      (before the disk write)
//!   peers' messages   --+--> engine ---- one output ------+--> disk thread
//!   disk completions  --+                                 +--> answers
//! ```

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::apply_guard;
use super::disk::{DiskCompletion, DiskThread};
use super::event_logger::EventLogger;
use super::events::Events;
use super::health::HealthReport;
use super::metrics::NodeMetrics;
use super::service::Service;
use super::shared::{Node, Request, Shared};
use super::shutdown_reason::{NodeError, ShutdownReason};
use crate::raft::{Index, Raft};
use crate::replica::clock::wall_ms;
use crate::replica::dump::{Dump, Event, Level};
use crate::replica::engine::{Output, WriteJob};
use crate::replica::storage::StorageError;
use crate::replica::transport::{Incoming, PeerEvent, Transport};
use crate::replica::view;
use crate::rpc::{EventLoopTask, PeerStreamEvent, PeerStreamId, Reactor, ServerHandle};

/// Engine outputs per poll, so that calls are served in between.
const MAX_OUTPUTS: usize = 4;
/// The interval at which buffered lines of `dump.txt` are written.
const DUMP_INTERVAL: Duration = Duration::from_millis(200);

/// The event-loop task of a node.
pub(super) struct NodeTask<S: Service> {
    pub(super) node: Node<S>,
    pub(super) transport: Transport,
    pub(super) disk: DiskThread<S::Machine>,
    pub(super) dump: Dump,
    pub(super) dump_due: Duration,
    pub(super) server: ServerHandle,
    pub(super) shutdown_reason: ShutdownReason,
    /// The directory of its files, if it has any.
    pub(super) directory: Option<PathBuf>,
    pub(super) completions: Vec<DiskCompletion<S::Machine>>,
    /// Whether the node led at the last poll.
    pub(super) was_leader: bool,
    /// The last commit index that was passed to the disk thread.
    pub(super) noted_commit: Index,
    /// Outputs from before the node was attached.
    pub(super) early_outputs: Vec<Output<S::Ticket>>,
    pub(super) stage: Stage,
    /// When the transport has something to do.
    pub(super) transport_due: Option<Instant>,
    /// Something was written during this poll, so disk completions are available at once.
    pub(super) has_written: bool,
    pub(super) disk_space: DiskSpace,
    pub(super) event_logger: EventLogger,
    /// The health report, if the server's health follows the node's.
    pub(super) health: Option<HealthReport>,
    pub(super) metrics: Arc<NodeMetrics>,
    /// When the snapshot was begun that is being written.
    pub(super) snapshot_began: Option<Duration>,
}

/// What a node does while its disk is full.
#[derive(Debug, Default)]
pub(super) struct DiskSpace {
    is_full: bool,
    snapshot_due: Duration,
    hand_over_due: Duration,
}

/// The interval between attempts to take a snapshot that shortens the log.
const SNAPSHOT_INTERVAL: Duration = Duration::from_secs(1);
/// The interval between attempts of a leader with a full disk to hand over.
const HAND_OVER_INTERVAL: Duration = Duration::from_secs(5);

/// The phases of a node's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Running,
    /// Waits for another node to lead, until this time at the latest.
    HandingOver(Duration),
    /// The files are being closed.
    Closing,
    /// Nothing more is written.
    Closed,
}

/// How long a node that is shutting down waits for another leader.
const HAND_OVER_TIMEOUT: Duration = Duration::from_secs(1);

impl<S: Service> EventLoopTask for NodeTask<S> {
    fn poll(&mut self, reactor: &mut Reactor<'_>) -> Option<Instant> {
        let node = self.node.clone();
        let mut node = node.lock();
        let now = node.clock.now();
        if !node.raft().is_leader() {
            // The timestamp of the first entry of its term, should it be elected during this poll.
            node.engine.set_wall_clock(wall_ms());
        }
        self.process_peer_input(&mut node, now, reactor);
        self.process_disk_completions(&mut node, now);
        let next = match self.stage {
            Stage::Running => self.run(&mut node, now, reactor),
            Stage::HandingOver(until) => {
                let next = self.run(&mut node, now, reactor);
                let is_over = has_handed_over(node.raft()) || now >= until;
                if is_over && !self.is_ending() {
                    self.close(&mut node, reactor);
                }
                next.min(until)
            }
            Stage::Closing | Stage::Closed => {
                self.fail_pending_calls(&mut node, reactor);
                return None;
            }
        };
        if let Some(health) = &mut self.health {
            let applied = node.state().applied_index();
            let is_full = self.disk_space.is_full;
            if let Some(reasons) = health.update(node.raft(), applied, is_full, node.refused()) {
                node.view.not_ready = reasons;
            }
        }
        self.event_logger.check_slow_answers(now, node.raft());
        if now >= self.dump_due {
            self.dump.flush();
            self.dump_due = now.saturating_add(DUMP_INTERVAL);
            self.note_commit(&node);
            self.event_logger.check_quota(node.quota_use());
            self.free_disk_space(&mut node, now);
            S::tick(&mut node);
            view::tick(&mut node);
        }
        let wait = next.min(self.dump_due).saturating_sub(now);
        reactor.now().checked_add(wait).into_iter().chain(self.transport_due).min()
    }

    fn handle_stream_event(&mut self, stream: PeerStreamId, event: PeerStreamEvent<'_>) {
        self.transport.handle_stream_event(stream, event);
    }

    /// A leader hands over before it stops, so that the group needs no election timeout.
    fn shut_down(&mut self, reactor: &mut Reactor<'_>) {
        if self.stage != Stage::Running {
            return;
        }
        let node = self.node.clone();
        let mut node = node.lock();
        let now = node.clock.now();
        let (term, index) = (node.raft().current_term(), node.raft().last_index());
        let text = format!("the node is shutting down: term {term}, its log ends at {index}");
        self.events().info(&[("term", term.into()), ("index", index.into())], &text);
        match node.engine.hand_over(now) {
            true => self.stage = Stage::HandingOver(now.saturating_add(HAND_OVER_TIMEOUT)),
            false => self.close(&mut node, reactor),
        }
    }

    fn is_finished(&self) -> bool {
        self.stage == Stage::Closed
    }
}

/// Whether another node leads, or every attempt to transfer leadership has failed. A node that has
/// stepped down stays until then: its successor may need its vote.
fn has_handed_over(raft: &Raft) -> bool {
    match raft.is_leader() {
        true => !raft.is_handing_over(),
        false => raft.leader().is_some(),
    }
}

impl<S: Service> NodeTask<S> {
    fn events(&self) -> &Events {
        self.event_logger.events()
    }

    fn process_peer_input(
        &mut self,
        node: &mut Shared<S>,
        now: Duration,
        reactor: &mut Reactor<'_>,
    ) {
        self.transport_due = self.transport.poll(reactor.peer_streams());
        for (from, incoming) in self.transport.take_incoming() {
            match incoming {
                Incoming::Introduction(introduction) => {
                    node.engine.receive_introduction(from, introduction)
                }
                Incoming::Message(incarnation, message) => {
                    node.engine.deliver(now, from, incarnation, message)
                }
            }
        }
        for event in self.transport.take_events() {
            self.event_logger.log_peer_event(now, &event);
            match event {
                PeerEvent::Up(peer) => {
                    node.view.peer_found(peer);
                }
                PeerEvent::Down(peer, reason) => {
                    self.dump.record(wall_ms(), Event::Unreachable(peer));
                    node.view.peer_lost(peer, &reason, now);
                }
            }
        }
    }

    /// Advances the engine, and returns when it has to be polled next.
    fn run(&mut self, node: &mut Shared<S>, now: Duration, reactor: &mut Reactor<'_>) -> Duration {
        for output in std::mem::take(&mut self.early_outputs) {
            self.execute(node, output, reactor);
        }
        for _ in 0..MAX_OUTPUTS {
            let output = apply_guard::advance(&mut node.engine, now);
            let next = output.next;
            self.execute(node, output, reactor);
            if self.is_ending() {
                break;
            }
            if std::mem::take(&mut self.has_written) {
                self.process_disk_completions(node, now);
            } else if next > now {
                return next;
            }
        }
        now
    }

    fn process_disk_completions(&mut self, node: &mut Shared<S>, now: Duration) {
        let mut all = std::mem::take(&mut self.completions);
        self.disk.take_completions(&mut all);
        for completion in all.drain(..) {
            match completion {
                DiskCompletion::Persisted(write) => node.engine.persisted(now, write),
                DiskCompletion::HardStatePersisted(write) => {
                    node.engine.hard_state_persisted(now, write)
                }
                DiskCompletion::Full(why) => {
                    node.engine.set_full(now, true);
                    node.full = Some(why);
                    self.disk_space = DiskSpace { is_full: true, ..DiskSpace::default() };
                    self.dump_due = now;
                }
                DiskCompletion::SpaceAvailable => {
                    node.engine.set_full(now, false);
                    (node.full, self.disk_space.is_full) = (None, false);
                }
                DiskCompletion::LowOnSpace(is_short) => node.engine.set_low_on_space(is_short),
                DiskCompletion::SnapshotLost => node.engine.snapshot_lost(now),
                DiskCompletion::SnapshotTaken(mark, bytes) => {
                    let began = self.snapshot_began.take().unwrap_or(now);
                    self.metrics.snapshot_taken(now.saturating_sub(began));
                    let compacted = node.engine.snapshot_taken(mark, bytes);
                    self.disk.compact(compacted.first);
                    self.disk.discard(Box::new(compacted.dropped));
                }
                DiskCompletion::SnapshotFailed => node.engine.snapshot_failed(),
                DiskCompletion::Installed(mark, state) => {
                    let state = state.map(|state| *state);
                    let superseded = node.engine.snapshot_installed(now, mark, state);
                    self.disk.discard(Box::new(superseded));
                }
                DiskCompletion::Piece(to, piece) => node.engine.snapshot_piece(now, to, piece),
                DiskCompletion::Closed => self.stage = Stage::Closed,
                DiskCompletion::Failed(error) => self.fail(error),
            }
        }
        self.completions = all;
    }

    /// While the disk is full: a snapshot shortens the log, and a leader hands over to a node that
    /// may have space.
    fn free_disk_space(&mut self, node: &mut Shared<S>, now: Duration) {
        if !self.disk_space.is_full || self.stage != Stage::Running {
            return;
        }
        if now >= self.disk_space.snapshot_due {
            self.disk_space.snapshot_due = now.saturating_add(SNAPSHOT_INTERVAL);
            if let Some((mark, frozen)) = node.engine.snapshot_now(now) {
                self.snapshot_began = Some(now);
                self.disk.snapshot(mark, frozen);
            }
        }
        if node.raft().is_leader() && now >= self.disk_space.hand_over_due {
            self.disk_space.hand_over_due = now.saturating_add(HAND_OVER_INTERVAL);
            if node.engine.hand_over(now) {
                let term = node.raft().current_term();
                let text =
                    format!("handing over to a node that may have disk space, in term {term}");
                self.events().warn(&[("term", term.into())], &text);
            }
        }
    }

    /// Executes an output. Messages are queued first: they are sent at the end of this poll, while
    /// the disk thread already works.
    fn execute(
        &mut self,
        node: &mut Shared<S>,
        mut output: Output<S::Ticket>,
        reactor: &mut Reactor<'_>,
    ) {
        let id = node.raft().id();
        let contradiction = output.contradiction.map(|what| {
            let directory = self.directory.clone();
            NodeError::Contradiction { node: id, directory, what }
        });
        let used_up = output.used_up.map(|what| NodeError::UsedUp { node: id, what });
        if let Some(error) = contradiction.or(used_up) {
            for (ticket, answer) in output.answers.drain(..) {
                S::answer(node, ticket, answer, reactor);
            }
            return self.stop(node, error, reactor);
        }
        if let Some(write) = output.write.take() {
            self.write(node, write);
        }
        if !output.introductions.is_empty() {
            // For peers that connect later.
            self.transport.update_introduction(reactor.peer_streams(), &node.engine.introduction());
        }
        for (to, introduction) in output.introductions.drain(..) {
            // An unreachable peer gets the introduction when it connects.
            let _ = self.transport.send_introduction(reactor.peer_streams(), to, &introduction);
        }
        for notice in output.notices.drain(..) {
            let level = if notice.is_error() { log::Level::Error } else { log::Level::Info };
            self.events().write(level, &[], &notice.to_string());
        }
        for (to, message) in output.messages.drain(..) {
            // An unsent message is lost, which Raft tolerates: it repeats itself.
            if self.transport.send(reactor.peer_streams(), to, &message).is_err() {
                self.dump.record(wall_ms(), Event::NotSent(to));
            }
        }
        if let Some((mark, frozen)) = output.snapshot.take() {
            self.snapshot_began = Some(node.clock.now());
            self.disk.snapshot(mark, frozen);
        }
        for read in output.snapshot_reads.drain(..) {
            self.disk.read_piece(read);
        }
        let now = node.clock.now();
        output.trace.iter().for_each(|trace| self.event_logger.log_trace(now, node.raft(), trace));
        output.trace.iter().for_each(|trace| self.metrics.note(trace));
        self.write_dump(node, &output);
        let has_applied = output.has_applied;
        for (ticket, answer) in output.answers.drain(..) {
            S::answer(node, ticket, answer, reactor);
        }
        if has_applied {
            S::applied(node);
        }
        let leads = node.raft().is_leader();
        if std::mem::replace(&mut self.was_leader, leads) != leads {
            S::leadership_changed(node);
        }
    }

    /// In a group of one, a single command is written on this thread: it delays other calls by one
    /// sync at most, and its client does not wait for two thread wake-ups.
    fn write(&mut self, node: &Shared<S>, job: WriteJob) {
        let is_alone = node.peers.len() == 1;
        let rest = match job.entries.len() {
            1 if is_alone => self.disk.write_now(job),
            _ => Err(job),
        };
        match rest {
            Ok(()) => self.has_written = true,
            Err(job) => self.disk.write(job),
        }
    }

    /// Records commits that came after the last write.
    fn note_commit(&mut self, node: &Shared<S>) {
        let commit_index = node.raft().commit_index();
        if self.noted_commit < commit_index {
            self.noted_commit = commit_index;
            self.disk.note_commit(commit_index, node.engine.membership().record());
        }
    }

    /// Writes the events of an output to `dump.txt`.
    fn write_dump(&mut self, node: &mut Shared<S>, output: &Output<S::Ticket>) {
        let requests = node.requests.as_mut().map(std::mem::take).unwrap_or_default();
        if self.dump.level() == Level::None {
            return;
        }
        let at_ms = wall_ms();
        for request in &requests {
            match request {
                Request::Write(command) => self.dump.record(at_ms, Event::Proposed(command)),
                Request::Read(words) => {
                    let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
                    self.dump.record(at_ms, Event::Received(&words));
                }
            }
        }
        for trace in &output.trace {
            self.dump.record(at_ms, Event::Core(trace));
        }
        for applied in &output.applied {
            let (entry, is_leader) = (&applied.entry, applied.is_leader);
            self.dump.record(at_ms, Event::Applied { entry, is_leader });
        }
    }

    /// Stops after a disk failure. Writes that are not durable were never acknowledged, so the
    /// process may exit.
    fn fail(&mut self, error: StorageError) {
        self.shutdown_reason.note(NodeError::Storage(error));
        self.stage = Stage::Closed;
        self.transport.close();
        self.server.shut_down();
    }

    /// Stops after a contradiction, or because no number is left. This node cannot know which of two
    /// nodes is right: it sends nothing more, keeps its files, and ends.
    fn stop(&mut self, node: &mut Shared<S>, error: NodeError, reactor: &mut Reactor<'_>) {
        self.shutdown_reason.note(error);
        self.close(node, reactor);
        self.server.shut_down();
    }

    /// Whether the node has stopped sending and answering.
    fn is_ending(&self) -> bool {
        matches!(self.stage, Stage::Closing | Stage::Closed)
    }

    fn close(&mut self, node: &mut Shared<S>, reactor: &mut Reactor<'_>) {
        self.stage = Stage::Closing;
        self.dump.flush();
        self.fail_pending_calls(node, reactor);
        self.transport.close();
        self.disk.note_commit(node.raft().commit_index(), node.engine.membership().record());
        self.disk.close();
    }

    /// Answers all pending calls with a failure.
    fn fail_pending_calls(&mut self, node: &mut Shared<S>, reactor: &mut Reactor<'_>) {
        for (ticket, answer) in node.engine.end() {
            S::answer(node, ticket, answer, reactor);
        }
    }
}
