//! The core: its inputs, and how a [`Ready`] is made.

use std::mem;
use std::time::Duration;

use super::config::Config;
use super::entry::{Entry, Index, NodeId, Term};
use super::message::{Body, Message, SnapshotMark};
use super::node::NodeState;
use super::ready::{HardState, NotLeader, Ready, SnapshotPiece, WriteId};
use super::role::{LeaderState, Role};
use super::trace::Trace;

/// What a node finds on its disk when it starts; all empty for a new node.
#[derive(Clone, Debug, Default)]
pub struct Recovered {
    /// The last durable one.
    pub hard_state: HardState,
    /// The snapshot that the state machine was restored from.
    pub snapshot: SnapshotMark,
    /// The position right before the first of the entries, at or before the snapshot.
    pub log_before: SnapshotMark,
    /// The log behind `log_before`, without gaps.
    pub entries: Vec<Entry>,
    /// Known to be committed; at least the snapshot.
    pub commit_index: Index,
    /// The time of the state that was restored from the snapshot, see [`Entry::at_ms`].
    pub at_ms: u64,
}

/// One node of a group, as a value (sans-IO). See [`Ready`] for what to do with its output.
///
/// Every input takes `now`, the time of a clock that runs on while the machine is suspended, read
/// after the bytes that led to the call. Time that goes backwards is taken to stand still.
#[derive(Debug)]
pub struct Raft {
    pub(super) node: NodeState,
    pub(super) role: Role,
}

/// The most that one `Ready` hands to the state machine: some milliseconds of work, so that a node that
/// is far behind still answers calls and heartbeats in between.
const MAX_COMMITTED_BYTES: usize = 512 * 1024;

impl Raft {
    /// A node that starts, for the first time or again. `config.voters` must contain `config.id`, see
    /// [`Config::check`].
    pub fn new(config: Config, recovered: Recovered, now: Duration) -> Raft {
        Raft { node: NodeState::new(config, recovered, now), role: Role::Follower }
    }

    /// The leader's state beside the node's, if this node leads.
    pub(super) fn as_leader(&mut self) -> Option<(&mut LeaderState, &mut NodeState)> {
        match &mut self.role {
            Role::Leader(leader) => Some((leader, &mut self.node)),
            Role::Follower | Role::PreCandidate(_) | Role::Candidate(_) => None,
        }
    }

    /// The entries behind an index, committed or not.
    pub fn entries_after(&self, index: Index) -> impl Iterator<Item = &Entry> {
        self.node.log.range(index + 1, self.node.log.last_index())
    }

    /// Takes a message of another node. A message that breaks the protocol is ignored.
    pub fn step(&mut self, now: Duration, from: NodeId, message: Message) {
        self.node.advance_clock(now);
        let is_expected =
            self.node.others.contains(&from) && self.node.accepts_from(from, &message.body);
        if !is_expected || !self.admits(now, from, &message) {
            return;
        }
        let Message { term, body } = message;
        if term > self.node.term() && !self.observe_newer_term(from, term, &body) {
            return;
        }
        match body {
            Body::PreVote { last_log_index, last_log_term } => {
                self.handle_pre_vote(from, term, last_log_index, last_log_term);
            }
            Body::PreVoteReply { granted } => self.handle_pre_vote_reply(from, term, granted),
            Body::AppendEntries { .. } | Body::InstallSnapshot { .. }
                if term < self.node.term() =>
            {
                self.node.reject_stale_leader(from, &body);
            }
            Body::AppendEntries { .. } => self.handle_append_entries(from, body),
            Body::InstallSnapshot { snapshot, offset, data, is_last, sent_at, lease } => {
                if self.accept_leader(from, lease) {
                    let piece = SnapshotPiece { snapshot, offset, data, is_last };
                    self.node.handle_install_snapshot(from, piece, sent_at);
                }
            }
            Body::RequestVote { last_log_index, last_log_term, lease, released } => {
                let last = SnapshotMark { index: last_log_index, term: last_log_term };
                self.handle_request_vote(from, term, last, lease, released);
            }
            // From here on replies, and TimeoutNow: those of another term mean nothing now.
            _ if !self.node.is_current_term(term) => (),
            Body::RequestVoteReply { granted, remaining } => {
                self.handle_vote_reply(from, granted, &remaining);
            }
            Body::AppendEntriesReply { outcome, sent_at, read_round } => {
                if let Some(took) = self.node.now.checked_sub(sent_at) {
                    self.node.round_trips.record(from, took);
                }
                if let Some((leader, node)) = self.as_leader() {
                    leader.handle_append_reply(node, from, outcome, sent_at, read_round);
                }
            }
            Body::InstallSnapshotReply { snapshot, next_offset, is_installed, sent_at } => {
                if let Some((leader, node)) = self.as_leader() {
                    let next = (next_offset, is_installed);
                    leader.handle_snapshot_reply(node, from, snapshot, next, sent_at);
                }
            }
            Body::TimeoutNow => self.handle_timeout_now(from),
        }
    }

    /// A message has a newer term. Returns whether the message is to be handled.
    fn observe_newer_term(&mut self, from: NodeId, term: Term, body: &Body) -> bool {
        let leader = match body {
            // The term of a pre-vote is that of an election which has not begun.
            Body::PreVote { .. } | Body::PreVoteReply { granted: true } => return true,
            // Rule 12: a candidate does not disturb an active leader.
            // Only that leader can have released the voters.
            Body::RequestVote { released, .. }
                if self.has_active_leader()
                    && !released.is_some_and(|leader| self.node.may_release(leader)) =>
            {
                self.node.pending_ready.trace.push(Trace::VoteDenied { candidate: from, term });
                return false;
            }
            Body::AppendEntries { .. } | Body::InstallSnapshot { .. } => Some(from),
            _ => None,
        };
        self.become_follower(term, leader);
        true
    }

    /// Sets the wall clock, in milliseconds since 1970: the first entry of a term has this time. A
    /// leader does not need it any more.
    pub fn set_wall_clock(&mut self, wall_ms: u64) {
        self.node.wall_ms = wall_ms;
    }

    /// Time has passed: does what is due.
    pub fn tick(&mut self, now: Duration) {
        self.node.advance_clock(now);
        self.node.lower_longest_lease();
        match &mut self.role {
            Role::Leader(leader) if self.node.must_step_down(leader) => {
                self.node.pending_ready.trace.push(Trace::LeaseRenewalFailed);
                self.become_follower(self.node.term(), None);
            }
            Role::Leader(leader) => leader.tick(&mut self.node),
            _ if self.node.now >= self.node.election_due => self.start_election(),
            _ => (),
        }
    }

    /// When [`tick`](Self::tick) is due.
    pub fn next_timeout(&self) -> Duration {
        match &self.role {
            Role::Leader(leader) => leader.next_timeout(&self.node),
            _ => self.node.election_due,
        }
    }

    /// The write of a [`Ready`], and all before it, are durable.
    pub fn persisted(&mut self, now: Duration, write: WriteId) {
        self.node.advance_clock(now);
        self.node.writes.finish(self.node.now, write);
        self.count_votes();
        if let Some((leader, node)) = self.as_leader() {
            leader.advance_commit(node);
        }
    }

    /// The hard states of a [`Ready`], and of all before it, are durable. Their entries are not yet:
    /// the disk has no space for them.
    pub fn hard_state_persisted(&mut self, now: Duration, write: WriteId) {
        self.node.advance_clock(now);
        self.node.writes.finish_hard_state(write);
        self.count_votes();
    }

    /// Says whether entries wait for space on the disk. A node without space refuses commands, stands
    /// for election later than others, and leadership should not be transferred to it. Its reads,
    /// votes and promises go on.
    pub fn set_full(&mut self, now: Duration, is_full: bool) {
        self.node.advance_clock(now);
        self.node.is_full = is_full;
    }

    /// Whether it waits for space, see [`set_full`](Self::set_full).
    pub fn is_full(&self) -> bool {
        self.node.is_full
    }

    /// The work to do now. Call it after one or several inputs: commands that were proposed
    /// in between are sent and written together.
    pub fn ready(&mut self) -> Ready {
        if let Some((leader, node)) = self.as_leader() {
            leader.prepare_output(node);
        }
        let released = self.released();
        let node = &mut self.node;
        let mut ready = mem::take(&mut node.pending_ready);
        ready.hard_state = mem::take(&mut node.is_hard_state_new).then_some(node.hard_state);
        // After the last piece of a snapshot comes nothing else: then all entries go at once.
        let max_bytes = match ready.snapshot.is_empty() {
            true => node.config.max_write_bytes,
            false => usize::MAX,
        };
        ready.entries = node.log.take_unwritten(released, max_bytes);
        if node.log.has_unwritten(released) {
            // These messages say that entries are durable which are not written yet.
            node.pending_ready.messages_after = mem::take(&mut ready.messages_after);
        }
        let is_requested = mem::take(&mut node.is_write_requested);
        let is_writing = ready.hard_state.is_some()
            || !ready.entries.is_empty()
            || !ready.snapshot.is_empty()
            || is_requested;
        if is_writing || !(node.writes.are_durable() || ready.messages_after.is_empty()) {
            let last_index = ready.entries.last().map_or(0, |entry| entry.index);
            let has_hard_state = ready.hard_state.is_some();
            ready.write = Some(node.writes.begin(node.now, last_index, has_hard_state));
        } else {
            ready.messages.append(&mut ready.messages_after);
        }
        ready.committed = self.take_committed();
        ready
    }

    /// Some of the committed entries that the state machine has not got yet: for a node that applies
    /// its log before it takes part in the group. Otherwise a [`Ready`] contains them.
    pub fn take_committed(&mut self) -> Vec<Entry> {
        let node = &mut self.node;
        if node.installing.is_some() {
            return Vec::new();
        }
        let (from, to) = (node.dispatched_index + 1, node.commit_index);
        let committed = node.log.slice_up_to_bytes(from, to, MAX_COMMITTED_BYTES);
        node.dispatched_index += committed.len() as Index;
        committed
    }

    /// A node that starts takes part in elections from now on; its recovery has taken some time.
    pub fn start_participating(&mut self, now: Duration) {
        self.node.advance_clock(now);
        if !self.node.others.is_empty() {
            self.node.restart_election_timer();
        }
    }

    /// The last index that may be written now: all entries, except those that a leader holds back for
    /// the next batch.
    fn released(&self) -> Index {
        match &self.role {
            Role::Leader(leader) => leader.batches.released(),
            _ => self.node.log.last_index(),
        }
    }

    /// Whether there is more to write than one `Ready` contains.
    pub(super) fn has_unwritten(&self) -> bool {
        self.node.log.has_unwritten(self.released())
    }

    /// Becomes a follower, of `leader` if it is known. The vote is cleared with the term, not before:
    /// a node that steps down within a term must not vote again.
    pub(super) fn become_follower(&mut self, term: Term, leader: Option<NodeId>) {
        let node = &mut self.node;
        if term > node.term() {
            node.hard_state.current_term = term;
            node.hard_state.voted_for = None;
            node.is_hard_state_new = true;
        }
        node.leader = leader;
        node.has_more_to_send = false;
        match mem::replace(&mut self.role, Role::Follower) {
            Role::Follower => return,
            Role::PreCandidate(_) => (),
            Role::Candidate(_) => node.pending_ready.trace.push(Trace::SteppedDown),
            Role::Leader(old) => {
                node.pending_ready.trace.push(Trace::SteppedDown);
                let refused = |read| (read, Err(NotLeader { leader }));
                node.pending_ready.reads.extend(old.reads.into_unanswered().map(refused));
            }
        }
        node.restart_election_timer();
    }

    /// Whether there is a leader that need not be replaced, as far as this node can tell: a leader's
    /// message arrived less than the minimum election timeout ago.
    pub(super) fn has_active_leader(&self) -> bool {
        let node = &self.node;
        match &self.role {
            Role::Leader(leader) => node.now < leader.lease_until(node),
            _ => {
                let until = |at: Duration| at.saturating_add(node.config.election_timeout);
                let is_recent = |at| node.now < until(at);
                node.leader.is_some() && node.leader_contact_at.is_some_and(is_recent)
            }
        }
    }
}
