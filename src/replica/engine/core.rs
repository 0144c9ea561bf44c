//! The engine: the Raft core, the replicated state, and the pending calls.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use super::output::{
    Answer, Applied, AwaitedRead, Compacted, Output, PendingRead, ReadAccess, Superseded,
    TransferFailure, WriteJob,
};
use super::quota::{Admission, Quota, QuotaUse, max_growth};
use super::schedule::{SnapshotPolicy, SnapshotSchedule};
use crate::raft::{
    AppendOutcome, Body, Config, Entry, Frozen, Index, Message, NodeId, NotLeader, Origin, Payload,
    ProposeError, Raft, ReadGrant, ReadId, Ready, Recovered, SnapshotMark, SnapshotPiece,
    StateMachine, Term, Trace, TransferError, WriteId,
};
use crate::replica::membership::{Introduction, Membership, Record};
use crate::replica::state::{Outcome, Refusal, Replicated};

/// A node without I/O (sans-IO).
pub struct Engine<M, T> {
    raft: Raft,
    membership: Membership,
    /// The peers that do not count, as last passed to the core.
    uncounted: BTreeSet<NodeId>,
    /// Membership records that are being written.
    records: VecDeque<(WriteId, Record)>,
    /// The interval between introductions to peers that have not confirmed theirs.
    introduction_interval: Duration,
    state: Replicated<M>,
    /// Messages that may be sent when a write is durable.
    held: VecDeque<(WriteId, Vec<(NodeId, Message)>)>,
    /// Messages whose write is durable.
    released: Vec<(NodeId, Message)>,
    /// Pending commands of the current leadership, in log order.
    writes: VecDeque<(Index, T)>,
    writes_term: Term,
    /// Reads that wait for a round of heartbeats (read-index).
    rounds: BTreeMap<ReadId, T>,
    /// Reads that wait until the state has applied an index.
    reads: Vec<(Index, T)>,
    transfer: Option<Transfer<T>>,
    answers: Vec<(T, Answer)>,
    /// The index of the entry that is being applied.
    applying: Option<Index>,
    /// The answer of the last entry; a reused buffer.
    answer: Vec<u8>,
    snapshots: SnapshotSchedule,
    quota: Quota,
    reports_applied: bool,
}

struct Transfer<T> {
    to: NodeId,
    ticket: T,
    until: Duration,
}

impl<M: StateMachine, T> Engine<M, T> {
    /// Starts with recovered data. `state` was restored from the snapshot.
    pub fn new(
        config: Config,
        mut recovered: Recovered,
        state: Replicated<M>,
        policy: SnapshotPolicy,
        membership: Membership,
        now: Duration,
    ) -> Engine<M, T> {
        recovered.at_ms = state.clock_ms();
        let place = config.voters.iter().filter(|voter| **voter < config.id).count();
        let introduction_interval = config.heartbeat_interval.saturating_mul(3);
        let mut raft = Raft::new(config, recovered, now);
        let uncounted = membership.uncounted();
        raft.set_voters(membership.may_vote(), uncounted.clone());
        Engine {
            raft,
            membership,
            uncounted,
            records: VecDeque::new(),
            introduction_interval,
            state,
            held: VecDeque::new(),
            released: Vec::new(),
            writes: VecDeque::new(),
            writes_term: 0,
            rounds: BTreeMap::new(),
            reads: Vec::new(),
            transfer: None,
            answers: Vec::new(),
            applying: None,
            answer: Vec::new(),
            snapshots: SnapshotSchedule::new(policy, place),
            quota: Quota::default(),
            reports_applied: false,
        }
    }

    /// Makes every output include the entries that were applied.
    pub fn report_applied(&mut self) {
        self.reports_applied = true;
    }

    /// Limits the size of the state; 0: no limit. Only a leader applies it.
    pub fn set_quota(&mut self, max_bytes: u64) {
        self.quota.max_bytes = max_bytes;
    }

    /// How much of its quota the state uses.
    pub fn quota_use(&self) -> QuotaUse {
        self.quota.usage(&self.state)
    }

    /// The Raft core, read-only.
    pub fn raft(&self) -> &Raft {
        &self.raft
    }

    /// The membership, read-only.
    pub fn membership(&self) -> &Membership {
        &self.membership
    }

    /// The introduction of this node to its peers.
    pub fn introduction(&mut self) -> Introduction {
        self.membership.introduction()
    }

    /// The replicated state, read-only.
    pub fn state(&self) -> &Replicated<M> {
        &self.state
    }

    /// The entry that was being applied when a call panicked. It may be applied in part, so the
    /// engine must not be used any more.
    pub fn applying(&self) -> Option<Index> {
        self.applying
    }

    /// Proposes a command, with or without a session.
    pub fn write(
        &mut self,
        now: Duration,
        at_ms: u64,
        origin: Option<Origin>,
        command: Arc<[u8]>,
        ticket: T,
    ) {
        if self.raft.is_leader()
            && let Some(refusal) = self.refusal(at_ms, origin, &command)
        {
            return self.answers.push((ticket, refusal));
        }
        let payload = Payload::Command { origin, command };
        self.propose(now, at_ms, payload, ticket);
    }

    /// Why a leader proposes a command no further, if it does not.
    fn refusal(&mut self, at_ms: u64, origin: Option<Origin>, command: &[u8]) -> Option<Answer> {
        let may_keep = |origin| self.state.may_keep_answer(origin, self.unapplied_entries(), at_ms);
        if !origin.is_none_or(may_keep) {
            return Some(Answer::Refused(Refusal::NoRoomForAnswers));
        }
        self.note_leadership();
        match self.quota.admit(&self.raft, &self.state, origin, command) {
            Admission::Admitted => None,
            Admission::OverQuota(usage) => Some(Answer::OverQuota(usage)),
            Admission::Busy => Some(Answer::Busy),
        }
    }

    /// Proposes a new session.
    pub fn open_session(&mut self, now: Duration, at_ms: u64, ticket: T) {
        if self.raft.is_leader() && !self.state.may_open_session(self.unapplied_entries(), at_ms) {
            return self.answers.push((ticket, Answer::Refused(Refusal::NoMoreSessions)));
        }
        self.propose(now, at_ms, Payload::OpenSession, ticket);
    }

    /// The number of entries that are not applied yet, from any leader.
    fn unapplied_entries(&self) -> u64 {
        self.raft.last_index().saturating_sub(self.state.applied_index())
    }

    fn propose(&mut self, now: Duration, at_ms: u64, payload: Payload, ticket: T) {
        let growth = max_growth::<M>(&payload);
        match self.raft.propose(now, at_ms, payload) {
            Ok(index) => {
                self.note_leadership();
                self.quota.proposed(growth);
                self.writes.push_back((index, ticket));
            }
            Err(ProposeError::NotLeader(not)) => {
                self.answers.push((ticket, Answer::NotLeader(not)));
            }
            Err(ProposeError::Busy) => self.answers.push((ticket, Answer::Busy)),
            Err(ProposeError::Full) => self.answers.push((ticket, Answer::Full)),
        }
    }

    /// Asks for a linearizable read. `conflicts` says whether a command would change what is read,
    /// see [`StateMachine::conflicts`]; it is rarely called.
    pub fn read(&mut self, now: Duration, conflicts: impl FnMut(&[u8]) -> bool) -> ReadAccess {
        match self.raft.read(now, conflicts) {
            Ok(ReadGrant::Now(index)) if index <= self.state.applied_index() => ReadAccess::Now,
            Ok(ReadGrant::Now(index)) => ReadAccess::Wait(PendingRead(AwaitedRead::Applied(index))),
            Ok(ReadGrant::Later(read)) => ReadAccess::Wait(PendingRead(AwaitedRead::Round(read))),
            Err(not) => ReadAccess::NotLeader(not),
        }
    }

    /// Answers a read in a later [`Output`].
    pub fn queue_read(&mut self, waiting: PendingRead, ticket: T) {
        match waiting.0 {
            AwaitedRead::Round(read) => drop(self.rounds.insert(read, ticket)),
            AwaitedRead::Applied(index) => self.reads.push((index, ticket)),
        }
    }

    /// Commands of callers that wait for their answers.
    pub fn pending_writes(&self) -> usize {
        self.writes.len()
    }

    /// Reads of callers that wait for their answers.
    pub fn pending_reads(&self) -> usize {
        self.rounds.len() + self.reads.len()
    }

    /// Transfers leadership to another node.
    pub fn transfer(&mut self, now: Duration, to: NodeId, timeout: Duration, ticket: T) {
        let answer = match self.raft.transfer(now, to) {
            Ok(()) if to == self.raft.id() => Answer::Transferred,
            Ok(()) => {
                self.transfer = Some(Transfer { to, ticket, until: now.saturating_add(timeout) });
                return;
            }
            Err(TransferError::NotLeader(not)) => Answer::NotLeader(not),
            Err(TransferError::UnknownNode) => Answer::NotTransferred(TransferFailure::UnknownNode),
            Err(TransferError::NoVoter) => Answer::NotTransferred(TransferFailure::NoVoter),
            Err(TransferError::InProgress) => Answer::NotTransferred(TransferFailure::InProgress),
        };
        self.answers.push((ticket, answer));
    }

    /// Starts to hand over leadership before this node ends. False if there is nothing to hand
    /// over.
    pub fn hand_over(&mut self, now: Duration) -> bool {
        self.raft.hand_over(now).is_ok()
    }

    /// Receives the introduction of a peer.
    pub fn receive_introduction(&mut self, from: NodeId, introduction: Introduction) {
        self.raft.peer_has_reached(from, introduction.term);
        if self.membership.receive_introduction(from, introduction) {
            self.raft.follower_restarted(from);
        }
        self.count_voters();
    }

    /// Receives a message from a process of a peer. Messages of any process but the one that
    /// introduced itself last are dropped.
    pub fn deliver(&mut self, now: Duration, from: NodeId, incarnation: u64, message: Message) {
        if !self.membership.is_current(from, incarnation) {
            return self.membership.confirm_again(from);
        }
        if !self.raft.admits(now, from, &message) {
            return;
        }
        self.record_acknowledgement(from, &message);
        self.raft.step(now, from, message);
    }

    /// Records what a voter acknowledged as durable. A voter that comes back with less is refused.
    fn record_acknowledgement(&mut self, from: NodeId, message: &Message) {
        let (term, last) = (self.raft.current_term(), self.raft.last_index());
        let index = match message.body {
            // A candidate or leader has voted for itself.
            Body::RequestVote { .. }
            | Body::AppendEntries { .. }
            | Body::InstallSnapshot { .. } => {
                return self.membership.acknowledged(from, message.term, 0);
            }
            Body::RequestVoteReply { granted: true, .. } => 0,
            Body::AppendEntriesReply {
                outcome: AppendOutcome::Matched { match_index }, ..
            } if self.raft.is_leader() && match_index <= last => match_index,
            _ => return,
        };
        if message.term == term {
            self.membership.acknowledged(from, term, index);
        }
    }

    /// Membership records are durable together with the hard state.
    fn note_records(&mut self, write: WriteId) {
        let mut is_changed = false;
        while let Some((id, _)) = self.records.front()
            && *id <= write
            && let Some((_, record)) = self.records.pop_front()
        {
            self.membership.persisted(record);
            is_changed = true;
        }
        if is_changed {
            self.count_voters();
        }
    }

    fn count_voters(&mut self) {
        let before = (self.raft.is_voter(), self.uncounted.clone());
        let after = (self.membership.may_vote(), self.membership.uncounted());
        if before != after {
            self.uncounted.clone_from(&after.1);
            self.raft.set_voters(after.0, after.1);
        }
    }

    /// This write, and all before it, are durable.
    pub fn persisted(&mut self, now: Duration, write: WriteId) {
        while let Some((id, _)) = self.held.front()
            && *id <= write
            && let Some((_, messages)) = self.held.pop_front()
        {
            self.released.extend(messages);
        }
        self.note_records(write);
        self.raft.persisted(now, write);
    }

    /// The hard states of this write, and of all before it, are durable, while their entries wait
    /// for disk space. Messages that depend on no entry are released.
    pub fn hard_state_persisted(&mut self, now: Duration, write: WriteId) {
        self.note_records(write);
        self.raft.hard_state_persisted(now, write);
        let durable = self.raft.durable_index();
        for (_, messages) in self.held.iter_mut().take_while(|(id, _)| *id <= write) {
            let may_go =
                |held: &mut (NodeId, Message)| held.1.body.requires_entries_to() <= durable;
            self.released.extend(messages.extract_if(.., may_go));
        }
    }

    /// Whether writes wait for disk space, see [`Raft::set_full`].
    pub fn set_full(&mut self, now: Duration, is_full: bool) {
        self.raft.set_full(now, is_full);
    }

    /// Whether the disk may soon lack space for a snapshot. A snapshot is taken while there is
    /// space.
    pub fn set_low_on_space(&mut self, is_short: bool) {
        self.snapshots.set_low_on_space(is_short);
    }

    /// There was no space for a snapshot from the leader; its received pieces are discarded.
    pub fn snapshot_lost(&mut self, now: Duration) {
        self.raft.snapshot_lost(now);
    }

    /// A snapshot of `bytes` bytes is durable.
    pub fn snapshot_taken(&mut self, mark: SnapshotMark, bytes: u64) -> Compacted {
        self.snapshots.end(Some(bytes));
        let dropped = self.raft.snapshot_taken(mark);
        Compacted { first: self.raft.first_index(), dropped }
    }

    /// A snapshot could not be written. The next one is tried after the same amount of log.
    pub fn snapshot_failed(&mut self) {
        self.snapshots.end(None);
    }

    /// A piece that an output asked for.
    pub fn snapshot_piece(&mut self, now: Duration, to: NodeId, piece: SnapshotPiece) {
        self.raft.snapshot_piece(now, to, piece);
    }

    /// The leader's snapshot is durable and `state` is its state; `None` if the snapshot was
    /// invalid.
    pub fn snapshot_installed(
        &mut self,
        now: Duration,
        mark: SnapshotMark,
        state: Option<Replicated<M>>,
    ) -> Superseded<M> {
        let at_ms = state.as_ref().map(Replicated::clock_ms);
        let dropped = self.raft.snapshot_installed(now, mark, at_ms);
        let state = state.map(|state| {
            self.snapshots.installed();
            mem::replace(&mut self.state, state)
        });
        Superseded { state, dropped }
    }

    /// Applies some of the known committed entries, before the node participates. Returns false
    /// when there are no more. `on_applied` gets the entries if the engine reports them.
    pub fn replay(&mut self, on_applied: &mut dyn FnMut(Vec<Applied>)) -> bool {
        let committed = self.raft.take_committed();
        let is_some = !committed.is_empty();
        let applied = self.apply(committed);
        if !applied.is_empty() {
            on_applied(applied);
        }
        is_some
    }

    /// The node participates in the group from now on.
    pub fn take_part(&mut self, now: Duration) {
        self.raft.start_participating(now);
        self.membership.take_part(now);
    }

    /// Sets the wall clock, in milliseconds since 1970.
    pub fn set_wall_clock(&mut self, wall_ms: u64) {
        self.raft.set_wall_clock(wall_ms);
    }

    /// Handles everything that is due, and returns what has to be done outside.
    pub fn advance(&mut self, now: Duration) -> Output<T> {
        if self.membership.tick(now) {
            self.count_voters();
        }
        self.raft.tick(now);
        if self.raft.is_leader() {
            self.membership.found_group();
        }
        if self.membership.has_record() {
            self.raft.request_write();
        }
        let mut ready = self.raft.ready();
        let has_applied = !ready.committed.is_empty();
        let applied = self.apply(mem::take(&mut ready.committed));
        self.complete_reads(mem::take(&mut ready.reads));
        self.complete_transfer(now, &ready.trace);
        self.note_leadership();
        let mut messages = mem::take(&mut self.released);
        messages.append(&mut ready.messages);
        let write = self.write_job(&mut ready);
        let snapshot = self.begin_snapshot(now);
        let introductions = self.membership.take_introductions(now, self.introduction_interval);
        let next = if self.raft.has_more() { now } else { self.next_timeout() };
        Output {
            contradiction: ready.contradiction,
            used_up: ready.used_up,
            introductions,
            notices: self.membership.take_notices(),
            messages,
            write,
            snapshot,
            snapshot_reads: ready.snapshot_reads,
            answers: mem::take(&mut self.answers),
            has_applied,
            applied,
            trace: ready.trace,
            next,
        }
    }

    /// Ends the node: returns all pending calls, answered with an unknown outcome or a refusal.
    pub fn end(&mut self) -> Vec<(T, Answer)> {
        let lost = Answer::Lost(NotLeader { leader: None });
        let not_leader = Answer::NotLeader(NotLeader { leader: None });
        let writes = self.writes.drain(..).map(|(_, ticket)| (ticket, lost.clone()));
        let mut answers: Vec<_> = mem::take(&mut self.answers).into_iter().chain(writes).collect();
        let rounds = mem::take(&mut self.rounds).into_values();
        let reads = self.reads.drain(..).map(|(_, ticket)| ticket);
        let transfer = self.transfer.take().map(|transfer| transfer.ticket);
        let unanswered = rounds.chain(reads).chain(transfer);
        answers.extend(unanswered.map(|ticket| (ticket, not_leader.clone())));
        answers
    }

    fn write_job(&mut self, ready: &mut Ready) -> Option<WriteJob> {
        let id = ready.write?;
        let held = mem::take(&mut ready.messages_after);
        if !held.is_empty() {
            self.held.push_back((id, held));
        }
        let record = self.membership.take_record();
        self.records.extend(record.clone().map(|record| (id, record)));
        Some(WriteJob {
            id,
            record: record.map(Box::new),
            hard_state: ready.hard_state,
            entries: mem::take(&mut ready.entries),
            pieces: mem::take(&mut ready.snapshot),
            commit_index: self.raft.commit_index(),
        })
    }

    /// Applies committed entries, and answers the calls that waited for them.
    fn apply(&mut self, committed: Vec<Entry>) -> Vec<Applied> {
        let is_leader = self.raft.is_leader();
        for entry in &committed {
            self.applying = Some(entry.index);
            let outcome = self.state.apply(entry, &mut self.answer);
            self.snapshots.applied(entry.size_bytes());
            self.quota.applied::<M>(entry);
            if let Some((index, _)) = self.writes.front()
                && *index == entry.index
                && entry.term == self.writes_term
                && let Some((_, ticket)) = self.writes.pop_front()
            {
                let answer = match outcome {
                    Outcome::Answered => Answer::Done(self.answer.clone()),
                    Outcome::Opened => Answer::Opened(entry.index),
                    Outcome::Refused(refusal) => Answer::Refused(refusal),
                    Outcome::Nothing => continue,
                };
                self.answers.push((ticket, answer));
            }
        }
        if !committed.is_empty() {
            self.state.settle();
        }
        self.applying = None;
        if !self.reports_applied {
            return Vec::new();
        }
        committed.into_iter().map(|entry| Applied { entry, is_leader }).collect()
    }

    /// Commands of a lost leadership have an unknown outcome.
    fn note_leadership(&mut self) {
        let (term, leads) = (self.raft.current_term(), self.raft.is_leader());
        if leads && term == self.writes_term {
            return;
        }
        let lost = Answer::Lost(NotLeader { leader: self.raft.leader() });
        self.answers.extend(self.writes.drain(..).map(|(_, ticket)| (ticket, lost.clone())));
        if leads {
            self.writes_term = term;
            self.quota.lead(&self.raft, &self.state);
        }
    }

    fn complete_reads(&mut self, settled: Vec<(ReadId, Result<Index, NotLeader>)>) {
        for (read, granted) in settled {
            let Some(ticket) = self.rounds.remove(&read) else { continue };
            match granted {
                Ok(index) => self.reads.push((index, ticket)),
                Err(not) => self.answers.push((ticket, Answer::NotLeader(not))),
            }
        }
        if self.reads.is_empty() {
            return;
        }
        let applied = self.state.applied_index();
        for (index, ticket) in mem::take(&mut self.reads) {
            if index <= applied {
                self.answers.push((ticket, Answer::Read));
            } else {
                self.reads.push((index, ticket));
            }
        }
    }

    fn complete_transfer(&mut self, now: Duration, trace: &[Trace]) {
        let is_aborted = trace.contains(&Trace::TransferAborted);
        let leader = self.raft.leader();
        let is_settled = |transfer: &mut Transfer<T>| {
            let is_over = leader != Some(self.raft.id()) && leader.is_some();
            is_over || is_aborted || now >= transfer.until
        };
        if let Some(Transfer { to, ticket, .. }) = self.transfer.take_if(is_settled) {
            let answer = match leader == Some(to) {
                true => Answer::Transferred,
                false => Answer::NotTransferred(TransferFailure::TimedOut),
            };
            self.answers.push((ticket, answer));
        }
    }

    fn begin_snapshot(&mut self, now: Duration) -> Option<(SnapshotMark, Box<dyn Frozen>)> {
        if self.snapshots.is_due(now) { self.snapshot_now(now) } else { None }
    }

    /// Begins a snapshot of everything that is applied, unless one is being taken.
    pub fn snapshot_now(&mut self, now: Duration) -> Option<(SnapshotMark, Box<dyn Frozen>)> {
        let index = self.state.applied_index();
        let term = self.raft.term_at(index)?;
        if self.snapshots.is_under_way() || index <= self.raft.snapshot().index {
            return None;
        }
        self.snapshots.begin(now);
        Some((SnapshotMark { index, term }, self.state.freeze()))
    }

    fn next_timeout(&self) -> Duration {
        let transfer = self.transfer.as_ref().map_or(Duration::MAX, |transfer| transfer.until);
        self.raft.next_timeout().min(transfer).min(self.membership.next_timeout())
    }
}
