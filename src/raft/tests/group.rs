//! A whole group on one thread. The test controls time, messages and disks.
//!
//! A node is a core and a disk. Messages wait in one queue, in the order of sending, until the test
//! delivers them. This file does the shell's part of the contract, and checks the [`Invariants`]
//! after every step.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::disk::Disk;
use super::invariants::Invariants;
use super::transcript;
use crate::raft::rules::Rule;
use crate::raft::{
    Config, Entry, HardState, Index, Message, NodeId, Payload, ProposeError, Raft, ReadGrant,
    ReadId, Ready, Recovered, SnapshotMark, SnapshotPiece, Term, Trace, WriteId,
};

pub const MS: Duration = Duration::from_millis(1);

/// A write of a `Ready` that is not done yet.
struct Write {
    id: Option<WriteId>,
    hard_state: Option<HardState>,
    entries: Vec<Entry>,
    pieces: Vec<SnapshotPiece>,
    then: Vec<(NodeId, Message)>,
}

pub struct Node {
    /// `None` while it is down.
    pub raft: Option<Raft>,
    pub disk: Disk,
    pub applied: Index,
    /// The rate of its clock: seconds of the clock per second of true time.
    pub rate: f64,
    /// Writes wait while this is set.
    pub is_disk_held: bool,
    /// It receives nothing and does nothing.
    pub is_paused: bool,
    /// The shell breaks rule 2: it sends before it writes.
    pub sends_early: bool,
    writes: VecDeque<Write>,
    pub reads: BTreeMap<ReadId, Result<Index, ()>>,
}

/// A message in flight.
#[derive(Clone, Debug)]
pub struct SentMessage {
    pub from: NodeId,
    pub to: NodeId,
    pub message: Message,
}

pub struct Group {
    pub nodes: BTreeMap<NodeId, Node>,
    pub time: Duration,
    pub in_flight: VecDeque<SentMessage>,
    /// Links that are cut: sender and receiver.
    pub cut: BTreeSet<(NodeId, NodeId)>,
    pub invariants: Invariants,
    pub without: Option<Rule>,
    pub config: Config,
    transcript: String,
    is_recording: bool,
}

impl Group {
    /// A group of `n` that has just been started for the first time.
    pub fn new(n: u64) -> Group {
        Group::with(n, |_| ())
    }

    /// The same with another configuration.
    pub fn with(n: u64, set_up: impl FnOnce(&mut Config)) -> Group {
        let mut config = lan(n);
        set_up(&mut config);
        Group::build(config, None)
    }

    /// The same, with a rule taken out.
    pub fn without(n: u64, rule: Option<Rule>) -> Group {
        Group::build(lan(n), rule)
    }

    fn build(config: Config, without: Option<Rule>) -> Group {
        let n = config.voters.len() as u64;
        let mut group = Group {
            nodes: BTreeMap::new(),
            time: Duration::from_secs(1000),
            in_flight: VecDeque::new(),
            cut: BTreeSet::new(),
            invariants: Invariants::default(),
            without,
            config,
            transcript: String::new(),
            is_recording: false,
        };
        for id in 0..n {
            let node = Node {
                raft: None,
                disk: Disk::default(),
                applied: 0,
                rate: 1.0,
                is_disk_held: false,
                is_paused: false,
                sends_early: false,
                writes: VecDeque::new(),
                reads: BTreeMap::new(),
            };
            group.nodes.insert(id, node);
            group.start(id);
        }
        group
    }

    /// The time by this node's clock.
    pub fn clock(&self, id: NodeId) -> Duration {
        self.time.mul_f64(self.nodes[&id].rate)
    }

    pub fn raft(&self, id: NodeId) -> &Raft {
        self.nodes[&id].raft.as_ref().expect("the node is up")
    }

    pub fn node_mut(&mut self, id: NodeId) -> &mut Node {
        self.nodes.get_mut(&id).expect("there is such a node")
    }

    pub fn raft_mut(&mut self, id: NodeId) -> &mut Raft {
        self.node_mut(id).raft.as_mut().expect("the node is up")
    }

    /// Starts a node from its disk.
    pub fn start(&mut self, id: NodeId) {
        let now = self.clock(id);
        let config = Config { id, seed: id + 1, ..self.config.clone() };
        let without = self.without;
        let node = self.node_mut(id);
        let disk = node.disk.clone();
        let recovered = Recovered {
            hard_state: disk.hard_state,
            snapshot: disk.snapshot,
            log_before: disk.log_before,
            entries: disk.log,
            commit_index: disk.snapshot.index,
            at_ms: 0,
        };
        let mut raft = Raft::new(config, recovered, now);
        raft.node.without = without;
        node.applied = raft.node.dispatched_index;
        node.raft = Some(raft);
    }

    /// Stops a node between two steps. Open writes are lost.
    pub fn crash(&mut self, id: NodeId) {
        let node = self.node_mut(id);
        node.raft = None;
        node.writes.clear();
        node.reads.clear();
        self.invariants.crashed(id);
    }

    /// Restarts a node with a log of these terms on its disk.
    pub fn load(&mut self, id: NodeId, log: &str, current_term: Term) {
        let entry = |(term, index): (&str, Index)| {
            let term = term.parse().expect("a term");
            Entry { term, index, at_ms: 0, payload: Payload::NoOp }
        };
        let log = log.split(' ').zip(1..).map(entry).collect();
        let hard_state = HardState { current_term, ..HardState::default() };
        self.node_mut(id).disk = Disk { hard_state, log, ..Disk::default() };
        self.restart(id);
    }

    pub fn restart(&mut self, id: NodeId) {
        self.crash(id);
        self.start(id);
    }

    /// Cuts all links of `id`.
    pub fn isolate(&mut self, id: NodeId) {
        let ids: Vec<_> = self.nodes.keys().copied().collect();
        for other in ids {
            self.cut.extend([(id, other), (other, id)]);
        }
    }

    pub fn heal(&mut self) {
        self.cut.clear();
    }

    /// Expires this node's election timer now.
    pub fn time_out(&mut self, id: NodeId) {
        let now = self.clock(id);
        let raft = self.raft_mut(id);
        raft.node.election_due = now;
        raft.tick(now);
        self.pump(id);
    }

    /// Lets a node stand for election, after all others have forgotten the old leader's heartbeats.
    /// It may lose.
    pub fn elect(&mut self, id: NodeId) {
        self.forget_leaders();
        self.time_out(id);
        self.settle();
    }

    /// Lets a node stand for election until it wins; its messages as leader stay in flight. A node
    /// with an old term is refused at first.
    pub fn elect_only(&mut self, id: NodeId) {
        for _ in 0..3 {
            self.forget_leaders();
            self.time_out(id);
            while let Some(sent) = self.in_flight.pop_front() {
                self.deliver(sent);
                if self.raft(id).is_leader() {
                    return;
                }
            }
        }
        panic!("node {id} does not win the election");
    }

    fn forget_leaders(&mut self) {
        let ids: Vec<_> = self.nodes.keys().copied().collect();
        for other in ids {
            if let Some(raft) = &mut self.node_mut(other).raft
                && !raft.is_leader()
            {
                raft.node.leader_contact_at = None;
            }
        }
    }

    /// Delivers all messages until nothing is left to do.
    pub fn settle(&mut self) {
        for _ in 0..10_000 {
            self.pump_all();
            let Some(sent) = self.in_flight.pop_front() else { return };
            self.deliver(sent);
        }
        panic!("the group does not settle");
    }

    /// Delivers a message, unless the link is cut or the receiver is down or paused.
    pub fn deliver(&mut self, sent: SentMessage) {
        let SentMessage { from, to, message } = sent;
        if self.cut.contains(&(from, to)) || self.nodes[&to].is_paused {
            return;
        }
        let now = self.clock(to);
        if let Some(raft) = &mut self.node_mut(to).raft {
            raft.step(now, from, message);
            self.pump(to);
        }
    }

    /// Takes messages out of the queue, to be delivered later or never.
    pub fn take(&mut self, wanted: impl Fn(&SentMessage) -> bool) -> Vec<SentMessage> {
        let (taken, left): (Vec<_>, Vec<_>) =
            self.in_flight.drain(..).partition(|sent| wanted(sent));
        self.in_flight = left.into();
        taken
    }

    /// Time passes; timers expire when they are due, and messages arrive at once.
    pub fn pass(&mut self, span: Duration) {
        let until = self.time + span;
        self.settle();
        while self.time < until {
            let due =
                self.nodes.iter().filter(|(_, node)| !node.is_paused).filter_map(|(_, node)| {
                    let due = node.raft.as_ref()?.next_timeout();
                    Some(due.min(Duration::from_secs(1_000_000)).div_f64(node.rate))
                });
            let due = due.min().unwrap_or(until);
            // Rounding must not stop time.
            self.time = due.max(self.time + Duration::from_micros(1)).min(until);
            self.tick_all();
            self.settle();
        }
    }

    /// Time passes, and no timer expires.
    pub fn pass_quietly(&mut self, span: Duration) {
        self.time += span;
    }

    pub fn tick_all(&mut self) {
        let ids: Vec<_> = self.nodes.keys().copied().collect();
        for id in ids {
            self.tick(id);
        }
    }

    pub fn tick(&mut self, id: NodeId) {
        let now = self.clock(id);
        if self.nodes[&id].is_paused {
            return;
        }
        if let Some(raft) = &mut self.node_mut(id).raft {
            raft.tick(now);
            self.pump(id);
        }
    }

    fn pump_all(&mut self) {
        let ids: Vec<_> = self.nodes.keys().copied().collect();
        for id in ids {
            if !self.nodes[&id].is_paused {
                self.pump(id);
            }
        }
    }

    /// Does the work of a node until there is no more.
    pub fn pump(&mut self, id: NodeId) {
        loop {
            let Some(raft) = &mut self.node_mut(id).raft else { return };
            let ready = raft.ready();
            let is_idle = ready.is_empty() && ready.write.is_none();
            if !is_idle {
                self.do_ready(id, ready);
            }
            let has_written = self.write(id);
            self.check(id);
            if is_idle && !has_written {
                return;
            }
        }
    }

    fn do_ready(&mut self, id: NodeId, ready: Ready) {
        for trace in &ready.trace {
            self.record_trace(id, trace);
        }
        for (to, message) in ready.messages {
            self.post(id, to, message);
        }
        if let Some(contradiction) = ready.contradiction {
            panic!("node {id} stops: {contradiction}");
        }
        let early = self.nodes[&id].sends_early;
        let (now, then) = if early {
            (ready.messages_after, Vec::new())
        } else {
            (Vec::new(), ready.messages_after)
        };
        for (to, message) in now {
            self.post(id, to, message);
        }
        let write = Write {
            id: ready.write,
            hard_state: ready.hard_state,
            entries: ready.entries,
            pieces: ready.snapshot,
            then,
        };
        assert!(write.id.is_some() || write.then.is_empty());
        let node = self.node_mut(id);
        node.writes.push_back(write);
        for entry in &ready.committed {
            node.applied += 1;
            assert_eq!(entry.index, node.applied, "applied in order, once");
        }
        for (read, granted) in ready.reads {
            node.reads.insert(read, granted.map_err(drop));
        }
        self.invariants.applied(id, &ready.committed);
        for read in ready.snapshot_reads {
            // The content of a snapshot is its index and term: enough to check that it arrives
            // completely.
            let snapshot = self.nodes[&id].disk.snapshot;
            let bytes = format!("{} {}", snapshot.index, snapshot.term).into_bytes();
            let from = (read.offset as usize).min(bytes.len());
            let to = (from + 2).min(bytes.len());
            let piece = SnapshotPiece {
                snapshot,
                offset: from as u64,
                data: bytes[from..to].into(),
                is_last: to == bytes.len(),
            };
            let now = self.clock(id);
            self.raft_mut(id).snapshot_piece(now, read.to, piece);
        }
    }

    fn post(&mut self, from: NodeId, to: NodeId, message: Message) {
        if self.is_recording {
            self.transcript.push_str(&transcript::message(from, to, &message));
        }
        self.in_flight.push_back(SentMessage { from, to, message });
    }

    /// Does one write of a node whose disk is held.
    pub fn write_one(&mut self, id: NodeId) {
        self.node_mut(id).writes.retain(|write| write.id.is_some());
        assert!(self.do_write(id), "there is nothing to write");
        self.pump(id);
    }

    /// Does the writes of a node, unless its disk is held.
    fn write(&mut self, id: NodeId) -> bool {
        let mut has_written = false;
        while !self.nodes[&id].is_disk_held && self.do_write(id) {
            has_written = true;
        }
        has_written
    }

    fn do_write(&mut self, id: NodeId) -> bool {
        let now = self.clock(id);
        let node = self.node_mut(id);
        let Some(write) = node.writes.pop_front() else { return false };
        node.disk.keep(write.hard_state, &write.entries);
        let Some(raft) = &mut node.raft else { return false };
        let installed = write.pieces.iter().find(|piece| piece.is_last);
        if let Some(SnapshotPiece { snapshot, .. }) = installed {
            node.disk.install(*snapshot);
            node.applied = snapshot.index;
            raft.snapshot_installed(now, *snapshot, Some(0));
        }
        if let Some(write) = write.id {
            raft.persisted(now, write);
        }
        if let Some(SnapshotPiece { snapshot, .. }) = installed {
            self.invariants.installed(id, *snapshot);
        }
        for (to, message) in write.then {
            self.post(id, to, message);
        }
        true
    }

    /// Takes a snapshot of the applied state of a node.
    pub fn snapshot(&mut self, id: NodeId) {
        let index = self.nodes[&id].applied;
        let raft = self.raft_mut(id);
        let term = raft.term_at(index).expect("it was applied");
        raft.snapshot_taken(SnapshotMark { index, term });
        let (first, before) = (raft.first_index(), raft.node.log.before());
        let disk = &mut self.node_mut(id).disk;
        disk.snapshot = SnapshotMark { index, term };
        disk.log.retain(|entry| entry.index >= first);
        disk.log_before = before;
    }

    /// Sets a key, at a node that must lead. The value is the index.
    pub fn set(&mut self, id: NodeId, key: &str) -> Index {
        let index = self.propose(id, key).expect("the node leads and has room");
        self.pump(id);
        index
    }

    pub fn propose(&mut self, id: NodeId, key: &str) -> Result<Index, ProposeError> {
        let now = self.clock(id);
        let payload = Payload::Command { origin: None, command: key.as_bytes().into() };
        self.raft_mut(id).propose(now, 0, payload)
    }

    /// Whether a write is acknowledged to its client.
    pub fn is_acknowledged(&mut self, id: NodeId, index: Index) -> bool {
        let is_done = self.nodes[&id].applied >= index;
        if is_done {
            self.invariants.acknowledged(index);
        }
        is_done
    }

    /// Reads a key under the lease. Returns the index of the write that it sees, 0 for none; `None`
    /// if the lease does not cover the read.
    pub fn read(&mut self, id: NodeId, key: &str) -> Option<Index> {
        let now = self.clock(id);
        self.read_at(id, key, now)
    }

    /// The same with an earlier clock reading.
    pub fn read_at(&mut self, id: NodeId, key: &str, now: Duration) -> Option<Index> {
        let applied = self.nodes[&id].applied;
        match self.raft_mut(id).read(now, |command| command == key.as_bytes()) {
            Ok(ReadGrant::Now(index)) => {
                assert!(applied >= index, "what is committed is applied by then");
                Some(self.invariants.read(key, applied))
            }
            Ok(ReadGrant::Later(_)) | Err(_) => None,
        }
    }

    /// Reads a key by a read-index round, which must not be over yet.
    pub fn read_later(&mut self, id: NodeId) -> ReadId {
        let now = self.clock(id);
        let granted = self.raft_mut(id).read(now, |_| true);
        let Ok(ReadGrant::Later(read)) = granted else { panic!("{granted:?}") };
        self.pump(id);
        read
    }

    /// Completes an earlier read, if it was granted.
    pub fn finish_read(&mut self, id: NodeId, read: ReadId, key: &str) {
        let node = &self.nodes[&id];
        if let Some(Ok(index)) = node.reads.get(&read)
            && node.applied >= *index
        {
            let applied = node.applied;
            self.invariants.read(key, applied);
        }
    }

    /// The terms of a node's log, the part in the snapshot in brackets.
    pub fn log(&self, id: NodeId) -> String {
        let log = &self.raft(id).node.log;
        let terms = log.range(log.before().index + 1, log.last_index());
        let terms: Vec<_> = terms.map(|entry| entry.term.to_string()).collect();
        match log.before().index {
            0 => terms.join(" "),
            index => format!("[{index}] {}", terms.join(" ")).trim_end().to_owned(),
        }
    }

    pub fn leaders(&self) -> Vec<NodeId> {
        let leads = |node: &Node| node.raft.as_ref().is_some_and(Raft::is_leader);
        self.nodes.iter().filter(|(_, node)| leads(node)).map(|(id, _)| *id).collect()
    }

    fn check(&mut self, id: NodeId) {
        let clocks: BTreeMap<_, _> = self.nodes.keys().map(|id| (*id, self.clock(*id))).collect();
        let rafts = self.nodes.iter().filter_map(|(id, node)| Some((*id, node.raft.as_ref()?)));
        self.invariants.check(id, &rafts.collect(), &clocks);
    }

    /// Starts to record messages and events.
    pub fn record_transcript(&mut self) {
        self.is_recording = true;
    }

    fn record_trace(&mut self, id: NodeId, trace: &Trace) {
        if self.is_recording {
            self.transcript.push_str(&transcript::trace(id, trace));
        }
    }

    /// Takes the transcript since the last call.
    pub fn take_transcript(&mut self) -> String {
        std::mem::take(&mut self.transcript)
    }

    /// Keeps only the events of this node in the transcript.
    pub fn keep_transcript_of(&mut self, id: NodeId) {
        let mine = format!("{id} :");
        let told = self.take_transcript();
        let lines = told.split_inclusive('\n').filter(|line| line.starts_with(&mine));
        self.transcript = lines.collect();
    }

    /// As [`assert_transcript`](Self::assert_transcript), for the first lines.
    pub fn assert_transcript_begins(&mut self, lines: usize, expected: &str) {
        let told = self.take_transcript();
        self.transcript = told.split_inclusive('\n').take(lines).collect();
        self.assert_transcript(expected);
    }

    /// Compares the transcript since the last call with the expected one.
    pub fn assert_transcript(&mut self, expected: &str) {
        let told = self.take_transcript();
        let lines = |text: &str| -> Vec<String> {
            text.lines()
                .map(|line| line.trim().to_owned())
                .filter(|line| !line.is_empty())
                .collect()
        };
        assert_eq!(lines(&told), lines(expected), "transcript:\n{told}");
    }
}

/// Without the pause between batches: a scenario decides what happens at the same time.
fn lan(n: u64) -> Config {
    Config { batch_pause: Duration::ZERO, ..Config::lan(0, (0..n).collect()) }
}
