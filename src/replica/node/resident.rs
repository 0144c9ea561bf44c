//! A node on its server's thread: carries what comes to the engine, and what the engine wants to
//! peers, disk and callers.
//!
//! ```text
//!   handlers (calls)  --+                                 +--> peers      (before the disk has begun)
//!   peers' messages   --+--> engine ---- one turn --------+--> disk thread
//!   disk's news       --+                                 +--> answers
//! ```

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::applying;
use super::disk::{DiskThread, News};
use super::ending::{Ending, NodeError};
use super::health::HealthReport;
use super::journal::Journal;
use super::service::Service;
use super::shared::{Node, Request, Shared};
use crate::raft::{Contradiction, Index, Raft};
use crate::replica::clock::wall_ms;
use crate::replica::dump::{Dump, Event, Level};
use crate::replica::engine::{Turn, WriteJob};
use crate::replica::storage::StorageError;
use crate::replica::transport::{Heard, PeerEvent, Transport};
use crate::rpc::{EventLoopTask, PeerStreamEvent, PeerStreamId, Reactor, ServerHandle};

/// Turns of the engine in one turn of the server, so that calls are served in between.
const MAX_TURNS: usize = 4;
/// How often lines of `dump.txt` are written.
const DUMP_INTERVAL: Duration = Duration::from_millis(200);

/// What lives on the server's thread.
pub(super) struct NodeResident<S: Service> {
    pub(super) node: Node<S>,
    pub(super) transport: Transport,
    pub(super) disk: DiskThread<S::Machine>,
    pub(super) dump: Dump,
    pub(super) dump_due: Duration,
    pub(super) server: ServerHandle,
    pub(super) ending: Ending,
    /// Where its files are, if it has any.
    pub(super) directory: Option<PathBuf>,
    pub(super) news: Vec<News<S::Machine>>,
    /// Whether the node led when it was last looked at.
    pub(super) leads: bool,
    /// The last commit index that the disk was told.
    pub(super) noted_commit: Index,
    /// What the node wanted done before it was here.
    pub(super) early_turns: Vec<Turn<S::Ticket>>,
    pub(super) stage: Stage,
    /// The disk has news already: something was written in this turn.
    pub(super) has_written: bool,
    pub(super) room: Room,
    pub(super) journal: Journal,
    /// If a server's health follows the node's.
    pub(super) health: Option<HealthReport>,
}

/// What a node does while its writes wait for room.
#[derive(Debug, Default)]
pub(super) struct Room {
    is_full: bool,
    snapshot_due: Duration,
    hand_over_due: Duration,
}

/// How often a snapshot is tried by which the log may become shorter.
const SNAPSHOT_INTERVAL: Duration = Duration::from_secs(1);
/// How often a leader without room tries to hand over.
const HAND_OVER_INTERVAL: Duration = Duration::from_secs(5);

/// How far a node is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Running,
    /// Another node is to lead, by then at the latest.
    HandingOver(Duration),
    /// The files are being closed.
    Closing,
    /// Nothing more will be written.
    Closed,
}

/// How long a node that is asked to end waits for another one to lead.
const HAND_OVER_PATIENCE: Duration = Duration::from_secs(1);

impl<S: Service> EventLoopTask for NodeResident<S> {
    fn poll(&mut self, reactor: &mut Reactor<'_>) -> Option<Instant> {
        let node = self.node.clone();
        let mut node = node.lock();
        let now = node.clock.now();
        if !node.raft().is_leader() {
            // For the first entry of its term, should it be elected in this turn.
            node.engine.tell_time(wall_ms());
        }
        self.hear_peers(&mut node, now, reactor);
        self.hear_disk(&mut node, now);
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
                self.give_up_callers(&mut node, reactor);
                return None;
            }
        };
        if let Some(health) = &mut self.health {
            let serves = !self.room.is_full && node.refused().is_none();
            health.look(node.raft(), node.state().applied_index(), serves);
        }
        self.journal.look(now, node.raft());
        if now >= self.dump_due {
            self.dump.flush();
            self.dump_due = now.saturating_add(DUMP_INTERVAL);
            self.note_commit(&node);
            self.make_room(&mut node, now);
        }
        let wait = next.min(self.dump_due).saturating_sub(now);
        reactor.now().checked_add(wait)
    }

    fn handle_stream_event(&mut self, stream: PeerStreamId, event: PeerStreamEvent<'_>) {
        self.transport.handle_stream_event(stream, event);
    }

    /// A leader hands over before it goes, so that the group need not find out by itself.
    fn shut_down(&mut self, reactor: &mut Reactor<'_>) {
        if self.stage != Stage::Running {
            return;
        }
        log::info!("the node is asked to end");
        let node = self.node.clone();
        let mut node = node.lock();
        let now = node.clock.now();
        match node.engine.hand_over(now) {
            true => self.stage = Stage::HandingOver(now.saturating_add(HAND_OVER_PATIENCE)),
            false => self.close(&mut node, reactor),
        }
    }

    fn is_finished(&self) -> bool {
        self.stage == Stage::Closed
    }
}

/// Whether another node leads, or none will in spite of all that was tried. Until then a node that has
/// stepped down stays: its vote may be the one that its successor needs.
fn has_handed_over(raft: &Raft) -> bool {
    match raft.is_leader() {
        true => !raft.is_handing_over(),
        false => raft.leader().is_some(),
    }
}

impl<S: Service> NodeResident<S> {
    fn hear_peers(&mut self, node: &mut Shared<S>, now: Duration, reactor: &mut Reactor<'_>) {
        self.transport.turn(reactor.peer_streams());
        for (from, heard) in self.transport.drain() {
            match heard {
                Heard::Introduction(introduction) => node.engine.meet(from, introduction),
                Heard::Message(life, message) => node.engine.deliver(now, from, life, message),
            }
        }
        for event in self.transport.events() {
            self.journal.hear_peer(now, &event);
            if let PeerEvent::Down(peer, _) = event {
                self.dump.tell(wall_ms(), Event::Unreachable(peer));
            }
        }
    }

    /// Lets the engine do what is due, and says when it wants to be asked again.
    fn run(&mut self, node: &mut Shared<S>, now: Duration, reactor: &mut Reactor<'_>) -> Duration {
        for turn in std::mem::take(&mut self.early_turns) {
            self.carry_out(node, turn, reactor);
        }
        for _ in 0..MAX_TURNS {
            let turn = applying::turn(&mut node.engine, now);
            let next = turn.next;
            self.carry_out(node, turn, reactor);
            if self.is_ending() {
                break;
            }
            if std::mem::take(&mut self.has_written) {
                self.hear_disk(node, now);
            } else if next > now {
                return next;
            }
        }
        now
    }

    fn hear_disk(&mut self, node: &mut Shared<S>, now: Duration) {
        let mut all = std::mem::take(&mut self.news);
        self.disk.take_news(&mut all);
        for news in all.drain(..) {
            match news {
                News::Persisted(write) => node.engine.persisted(now, write),
                News::HardStatePersisted(write) => node.engine.hard_state_persisted(now, write),
                News::Full(why) => {
                    node.engine.set_full(now, true);
                    node.full = Some(why);
                    self.room = Room { is_full: true, ..Room::default() };
                    self.dump_due = now;
                }
                News::HasRoom => {
                    node.engine.set_full(now, false);
                    (node.full, self.room.is_full) = (None, false);
                }
                News::ShortOfRoom(is_short) => node.engine.set_short_of_room(is_short),
                News::SnapshotLost => node.engine.snapshot_lost(now),
                News::SnapshotTaken(mark, bytes) => {
                    let index = mark.index;
                    log::info!("a snapshot of {bytes} bytes is in place, up to index {index}");
                    let compacted = node.engine.snapshot_taken(mark, bytes);
                    self.disk.compact(compacted.first);
                    self.disk.discard(Box::new(compacted.dropped));
                }
                News::SnapshotFailed => node.engine.snapshot_failed(),
                News::Installed(mark, state) => {
                    let state = state.map(|state| *state);
                    let outdated = node.engine.snapshot_installed(now, mark, state);
                    self.disk.discard(Box::new(outdated));
                }
                News::Piece(to, piece) => node.engine.snapshot_piece(now, to, piece),
                News::Closed => self.stage = Stage::Closed,
                News::Failed(error) => self.fail(error),
            }
        }
        self.news = all;
    }

    /// While writes wait for room: a snapshot lets the log become shorter, and a node that has room
    /// may lead.
    fn make_room(&mut self, node: &mut Shared<S>, now: Duration) {
        if !self.room.is_full || self.stage != Stage::Running {
            return;
        }
        if now >= self.room.snapshot_due {
            self.room.snapshot_due = now.saturating_add(SNAPSHOT_INTERVAL);
            if let Some((mark, frozen)) = node.engine.snapshot_now(now) {
                self.disk.snapshot(mark, frozen);
            }
        }
        if node.raft().is_leader() && now >= self.room.hand_over_due {
            self.room.hand_over_due = now.saturating_add(HAND_OVER_INTERVAL);
            if node.engine.hand_over(now) {
                log::warn!("handing over to a node that may have room");
            }
        }
    }

    /// What a turn wants. Messages go to the links first: they leave when this turn of the server
    /// ends, while the disk already works.
    fn carry_out(
        &mut self,
        node: &mut Shared<S>,
        mut turn: Turn<S::Ticket>,
        reactor: &mut Reactor<'_>,
    ) {
        if let Some(contradiction) = turn.contradiction {
            for (ticket, answer) in turn.answers.drain(..) {
                S::answer(node, ticket, answer, reactor);
            }
            return self.stop(node, contradiction, reactor);
        }
        if let Some(write) = turn.write.take() {
            self.write(node, write);
        }
        if !turn.introductions.is_empty() {
            // For those who call later.
            self.transport.introduce(reactor.peer_streams(), &node.engine.introduction());
        }
        for (to, introduction) in turn.introductions.drain(..) {
            // Who cannot be reached is told when it calls.
            let _ = self.transport.tell(reactor.peer_streams(), to, &introduction);
        }
        for notice in turn.notices.drain(..) {
            match notice.is_trouble() {
                true => log::error!("{notice}"),
                false => log::info!("{notice}"),
            }
        }
        for (to, message) in turn.messages.drain(..) {
            // What is not sent is lost, as messages may be: Raft repeats itself.
            if self.transport.send(reactor.peer_streams(), to, &message).is_err() {
                self.dump.tell(wall_ms(), Event::NotSent(to));
            }
        }
        if let Some((mark, frozen)) = turn.snapshot.take() {
            self.disk.snapshot(mark, frozen);
        }
        for read in turn.snapshot_reads.drain(..) {
            self.disk.read_piece(read);
        }
        let now = node.clock.now();
        turn.trace.iter().for_each(|trace| self.journal.hear(now, node.raft(), trace));
        self.tell(node, &turn);
        let has_applied = turn.has_applied;
        for (ticket, answer) in turn.answers.drain(..) {
            S::answer(node, ticket, answer, reactor);
        }
        if has_applied {
            S::applied(node);
        }
        let leads = node.raft().is_leader();
        if std::mem::replace(&mut self.leads, leads) != leads {
            S::leadership_changed(node);
        }
    }

    /// One command that only the disk has to confirm is written here: nobody else is kept waiting by
    /// more than one sync, and its client does not wait for two threads to wake each other.
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

    /// What was committed behind the last write is noted too.
    fn note_commit(&mut self, node: &Shared<S>) {
        let commit_index = node.raft().commit_index();
        if self.noted_commit < commit_index {
            self.noted_commit = commit_index;
            self.disk.note_commit(commit_index, node.engine.roster().record());
        }
    }

    /// Tells people what happened.
    fn tell(&mut self, node: &mut Shared<S>, turn: &Turn<S::Ticket>) {
        let requests = node.requests.as_mut().map(std::mem::take).unwrap_or_default();
        if self.dump.level() == Level::None {
            return;
        }
        let at_ms = wall_ms();
        for request in &requests {
            match request {
                Request::Write(command) => self.dump.tell(at_ms, Event::Proposed(command)),
                Request::Read(words) => {
                    let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
                    self.dump.tell(at_ms, Event::Received(&words));
                }
            }
        }
        for trace in &turn.trace {
            self.dump.tell(at_ms, Event::Core(trace));
        }
        for applied in &turn.applied {
            let (entry, is_leader) = (&applied.entry, applied.is_leader);
            self.dump.tell(at_ms, Event::Applied { entry, is_leader });
        }
    }

    /// Nothing can be written any more. What was not durable was not acknowledged: the process may
    /// end.
    fn fail(&mut self, error: StorageError) {
        self.ending.note(NodeError::Storage(error));
        self.stage = Stage::Closed;
        self.transport.close();
        self.server.shut_down();
    }

    /// Another node and this one cannot both be right, and nobody here knows which is: it says nothing
    /// more, keeps what it has, and ends.
    fn stop(&mut self, node: &mut Shared<S>, what: Contradiction, reactor: &mut Reactor<'_>) {
        let (id, directory) = (node.raft().id(), self.directory.clone());
        self.ending.note(NodeError::Contradiction { node: id, directory, what });
        self.close(node, reactor);
        self.server.shut_down();
    }

    /// Whether the node says nothing more.
    fn is_ending(&self) -> bool {
        matches!(self.stage, Stage::Closing | Stage::Closed)
    }

    fn close(&mut self, node: &mut Shared<S>, reactor: &mut Reactor<'_>) {
        self.stage = Stage::Closing;
        self.dump.flush();
        self.give_up_callers(node, reactor);
        self.transport.close();
        self.disk.note_commit(node.raft().commit_index(), node.engine.roster().record());
        self.disk.close();
    }

    /// Those who wait are not answered any more.
    fn give_up_callers(&mut self, node: &mut Shared<S>, reactor: &mut Reactor<'_>) {
        for (ticket, answer) in node.engine.end() {
            S::answer(node, ticket, answer, reactor);
        }
    }
}
