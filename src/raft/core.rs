//! The core: its state, its inputs, and how a [`Ready`] is made.

use std::collections::BTreeSet;
use std::mem;
use std::time::Duration;

use super::config::Config;
use super::entry::{Entry, Index, NodeId, Term};
use super::lease::{Promises, Rule, usable};
use super::log::Log;
use super::message::{Body, Message, SnapshotMark};
use super::open_leases::OpenLeases;
use super::quorum::Quorum;
use super::random::Random;
use super::ready::{HardState, NotLeader, ReadId, Ready, WriteId};
use super::role::{LeaderState, Role};
use super::round_trips::RoundTrips;
use super::snapshot::{Installing, Receiving};
use super::trace::Trace;
use super::writes::Writes;

/// What a node has kept over a restart; all empty for a new one.
#[derive(Clone, Debug, Default)]
pub struct Recovered {
    /// As it was last made durable.
    pub hard_state: HardState,
    /// The snapshot that the state machine was restored from.
    pub snapshot: SnapshotMark,
    /// The place right before the first of the entries, at or before the snapshot.
    pub log_before: SnapshotMark,
    /// What is behind `log_before`, without gaps.
    pub entries: Vec<Entry>,
    /// What is known to be committed; at least the snapshot.
    pub commit_index: Index,
    /// The time of the state that was restored from the snapshot, see [`Entry::at_ms`].
    pub at_ms: u64,
}

/// One node of a group, as a value. See [`Ready`] for what is to be done with its output.
///
/// Every input takes `now`, the time by a clock that runs on while the machine is suspended, read
/// after the bytes that led to the call. Time that goes backwards is taken to stand still.
#[derive(Debug)]
pub struct Raft {
    pub(super) config: Config,
    /// The voters but for this node.
    pub(super) others: Vec<NodeId>,
    pub(super) quorum: Quorum,
    /// Whether this node may vote and lead.
    pub(super) is_voter: bool,
    /// Others whose votes and answers count for nothing.
    pub(super) non_voters: BTreeSet<NodeId>,
    pub(super) now: Duration,
    pub(super) hard_state: HardState,
    pub(super) is_hard_state_new: bool,
    pub(super) log: Log,
    pub(super) writes: Writes,
    /// The newest one that is durable.
    pub(super) snapshot: SnapshotMark,
    pub(super) commit_index: Index,
    /// Up to here entries were given out to be applied.
    pub(super) dispatched_index: Index,
    pub(super) role: Role,
    pub(super) leader: Option<NodeId>,
    /// The leader that was last told of, and its term; this node itself if it was elected.
    pub(super) last_reported_leader: Option<(NodeId, Term)>,
    /// When a leader was last heard of.
    pub(super) leader_contact_at: Option<Duration>,
    pub(super) promises: Promises,
    pub(super) open_leases: OpenLeases,
    pub(super) round_trips: RoundTrips,
    /// The last promise that was refused, and to whom: that is told once.
    pub(super) refused_lease: Option<(NodeId, Duration)>,
    pub(super) election_due: Duration,
    pub(super) random: Random,
    pub(super) receiving: Option<Receiving>,
    pub(super) installing: Option<Installing>,
    /// A leader's followers have room for more than the last `Ready` sent them.
    pub(super) has_more_to_send: bool,
    pub(super) newest_read: ReadId,
    /// Nothing can be added to the log at present, and that is known to be all that is wrong.
    pub(super) is_full: bool,
    /// A snapshot that could not be kept is not taken again before this time.
    pub(super) no_snapshot_until: Duration,
    /// The wall clock, in milliseconds since 1970, as it was last told.
    pub(super) wall_ms: u64,
    /// The next `Ready` is to have a write, whatever is in it.
    pub(super) is_write_requested: bool,
    /// What the next `Ready` will have.
    pub(super) pending_ready: Ready,
    #[cfg(test)]
    pub(super) without: Option<Rule>,
}

/// What one `Ready` gives out to be applied, so that a node that is far behind still answers calls and
/// heartbeats in between: some milliseconds of work.
const MAX_COMMITTED_BYTES: usize = 512 * 1024;

impl Raft {
    /// A node that starts, or starts again. `config.voters` must have `config.id`, see
    /// [`Config::check`].
    pub fn new(config: Config, recovered: Recovered, now: Duration) -> Raft {
        let Recovered { hard_state, snapshot, log_before, entries, commit_index, at_ms } =
            recovered;
        let mut log = Log::new(log_before, entries);
        log.advance_clock(at_ms);
        if log.term_at(snapshot.index) != Some(snapshot.term) {
            // The log ends before the snapshot, or differs from it: a crash came before the cut.
            log.install(snapshot);
        }
        let others: Vec<NodeId> =
            config.voters.iter().copied().filter(|voter| *voter != config.id).collect();
        let mut promises = Promises::default();
        let mut open_leases = OpenLeases::default();
        if hard_state.current_term > 0 {
            // Rule 10: what it had promised is not on disk, but that it lasts no longer than this.
            let until = now.saturating_add(hard_state.longest_lease);
            open_leases.promise(hard_state.longest_lease, until);
            for other in &others {
                promises.extend(*other, until);
            }
        }
        let mut random = Random::new(config.seed);
        let election_due = match others.len() {
            0 => now,
            _ => now.saturating_add(random.span(config.election_timeout, config.election_spread)),
        };
        Raft {
            quorum: Quorum::of(others.len() + 1),
            is_voter: true,
            non_voters: BTreeSet::new(),
            writes: Writes::new(log.last_index()),
            commit_index: commit_index.min(log.last_index()).max(snapshot.index),
            dispatched_index: snapshot.index,
            config,
            others,
            now,
            hard_state,
            is_hard_state_new: false,
            log,
            snapshot,
            role: Role::Follower,
            leader: None,
            last_reported_leader: None,
            leader_contact_at: None,
            promises,
            open_leases,
            round_trips: RoundTrips::default(),
            refused_lease: None,
            election_due,
            random,
            receiving: None,
            installing: None,
            has_more_to_send: false,
            newest_read: 0,
            is_full: false,
            no_snapshot_until: Duration::ZERO,
            wall_ms: 0,
            is_write_requested: false,
            pending_ready: Ready::default(),
            #[cfg(test)]
            without: None,
        }
    }

    /// A message came from another node. What its sender did wrong is ignored.
    pub fn step(&mut self, now: Duration, from: NodeId, message: Message) {
        self.advance_clock(now);
        let Message { term, body } = message;
        if !self.others.contains(&from) || !self.accepts_from(from, &body) {
            return;
        }
        if let Some(lease) = body.lease().filter(|lease| *lease > self.config.longest_promise()) {
            if self.refused_lease.replace((from, lease)) != Some((from, lease)) {
                self.pending_ready.trace.push(Trace::LeaseRefused { by: from, lease });
            }
            return;
        }
        if term > self.hard_state.current_term && !self.observe_newer_term(from, term, &body) {
            return;
        }
        match body {
            Body::PreVote { last_log_index, last_log_term } => {
                self.handle_pre_vote(from, term, last_log_index, last_log_term);
            }
            Body::PreVoteReply { granted } => self.handle_pre_vote_reply(from, term, granted),
            Body::AppendEntries { .. } | Body::InstallSnapshot { .. }
                if term < self.hard_state.current_term =>
            {
                self.reject_stale_leader(from, &body);
            }
            Body::AppendEntries {
                prev_log_index,
                prev_log_term,
                entries,
                leader_commit,
                sent_at,
                lease,
                read_round,
            } => {
                let is_contiguous = is_contiguous(prev_log_index, &entries);
                if is_contiguous && self.accept_leader(from, lease) {
                    let prev = SnapshotMark { index: prev_log_index, term: prev_log_term };
                    match self.append_from_leader(from, prev, &entries, leader_commit) {
                        Ok(outcome) => {
                            let is_heartbeat = entries.is_empty();
                            self.reply_to_append(from, outcome, is_heartbeat, sent_at, read_round);
                        }
                        Err(contradiction) => self.report_contradiction(contradiction),
                    }
                }
            }
            Body::InstallSnapshot { snapshot, offset, data, is_last, sent_at, lease } => {
                if self.accept_leader(from, lease) {
                    let piece = super::SnapshotPiece { snapshot, offset, data, is_last };
                    self.handle_install_snapshot(from, piece, sent_at);
                }
            }
            Body::RequestVote { last_log_index, last_log_term, lease, released } => {
                let last = SnapshotMark { index: last_log_index, term: last_log_term };
                self.handle_request_vote(from, term, last, lease, released);
            }
            // What answers a question of another term answers nothing that is asked now.
            _ if term != self.hard_state.current_term && self.keeps(Rule::CountInTerm) => (),
            Body::RequestVoteReply { granted, remaining } => {
                self.handle_vote_reply(from, granted, &remaining);
            }
            Body::AppendEntriesReply { outcome, sent_at, read_round } => {
                self.handle_append_reply(from, outcome, sent_at, read_round);
            }
            Body::InstallSnapshotReply { snapshot, next_offset, is_installed, sent_at } => {
                self.handle_snapshot_reply(from, snapshot, next_offset, is_installed, sent_at);
            }
            Body::TimeoutNow => self.handle_timeout_now(from),
        }
    }

    /// Somebody is in a newer term. Whether its message is to be looked at.
    fn observe_newer_term(&mut self, from: NodeId, term: Term, body: &Body) -> bool {
        let leader = match body {
            // Nobody is in the term of a pre-vote.
            Body::PreVote { .. } | Body::PreVoteReply { granted: true } => return true,
            // Rule 12: a leader that is heard of is not to be disturbed.
            Body::RequestVote { released: None, .. } if self.has_active_leader() => {
                self.pending_ready.trace.push(Trace::VoteDenied { candidate: from, term });
                return false;
            }
            Body::AppendEntries { .. } | Body::InstallSnapshot { .. } => Some(from),
            _ => None,
        };
        self.become_follower(term, leader);
        true
    }

    /// Tells the wall clock, in milliseconds since 1970: the first entry of a term bears it. A node
    /// that leads already need not be told.
    pub fn set_wall_clock(&mut self, wall_ms: u64) {
        self.wall_ms = wall_ms;
    }

    /// Time has passed: does what is due.
    pub fn tick(&mut self, now: Duration) {
        self.advance_clock(now);
        self.lower_longest_lease();
        match &self.role {
            Role::Leader(_) => self.tick_leader(),
            _ if self.now >= self.election_due => self.start_election(),
            _ => (),
        }
    }

    /// When [`tick`](Self::tick) is due.
    pub fn next_timeout(&self) -> Duration {
        match &self.role {
            Role::Leader(leadership) => self.next_timeout_of_leader(leadership),
            _ => self.election_due,
        }
    }

    /// The write of a [`Ready`], and all before it, are durable.
    pub fn persisted(&mut self, now: Duration, write: WriteId) {
        self.advance_clock(now);
        self.writes.finish(self.now, write);
        self.count_votes();
        self.advance_commit();
    }

    /// The hard states of a [`Ready`], and of all before it, are durable. Their entries are not yet:
    /// there is no room for them.
    pub fn hard_state_persisted(&mut self, now: Duration, write: WriteId) {
        self.advance_clock(now);
        self.writes.finish_hard_state(write);
        self.count_votes();
    }

    /// Whether what is written has to wait for room. A node without room refuses commands, stands
    /// for election later than others do, and is not to be handed leadership; it reads, votes and
    /// promises as ever.
    pub fn set_full(&mut self, now: Duration, is_full: bool) {
        self.advance_clock(now);
        self.is_full = is_full;
    }

    /// Whether it waits for room, see [`set_full`](Self::set_full).
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    /// What there is to do now. Call it after one or several inputs: commands that were proposed
    /// in between travel together.
    pub fn ready(&mut self) -> Ready {
        self.prepare_leader_output();
        let mut ready = mem::take(&mut self.pending_ready);
        ready.hard_state = mem::take(&mut self.is_hard_state_new).then_some(self.hard_state);
        // Nothing follows the last piece of a snapshot: then all of the rest goes.
        let max_bytes = match ready.snapshot.is_empty() {
            true => self.config.max_write_bytes,
            false => usize::MAX,
        };
        ready.entries = self.log.take_unwritten(self.released(), max_bytes);
        if self.has_unwritten() {
            // They say of what is not written yet that it is durable.
            self.pending_ready.messages_after = mem::take(&mut ready.messages_after);
        }
        let is_wanted = mem::take(&mut self.is_write_requested);
        let is_writing = ready.hard_state.is_some()
            || !ready.entries.is_empty()
            || !ready.snapshot.is_empty()
            || is_wanted;
        if is_writing || !(self.writes.are_durable() || ready.messages_after.is_empty()) {
            let last_index = ready.entries.last().map_or(0, |entry| entry.index);
            let has_hard_state = ready.hard_state.is_some();
            ready.write = Some(self.writes.begin(self.now, last_index, has_hard_state));
        } else {
            ready.messages.append(&mut ready.messages_after);
        }
        ready.committed = self.take_committed();
        ready
    }

    /// Some of what is to be given to the state machine, if there is any: for a node that applies what
    /// it has before it takes part in anything. A [`Ready`] has it otherwise.
    pub fn take_committed(&mut self) -> Vec<Entry> {
        if self.installing.is_some() {
            return Vec::new();
        }
        let (from, to) = (self.dispatched_index + 1, self.commit_index);
        let committed = self.log.slice_up_to_bytes(from, to, MAX_COMMITTED_BYTES);
        self.dispatched_index += committed.len() as Index;
        committed
    }

    /// A node that starts takes part from now on: what it did before took its time.
    pub fn start_participating(&mut self, now: Duration) {
        self.advance_clock(now);
        if !self.others.is_empty() {
            self.restart_election_timer();
        }
    }

    /// Up to where entries are to be written: all of them, but for those that a leader holds back.
    fn released(&self) -> Index {
        match &self.role {
            Role::Leader(leadership) => leadership.batches.released(),
            _ => self.log.last_index(),
        }
    }

    /// Whether there is more to write than one `Ready` has.
    pub(super) fn has_unwritten(&self) -> bool {
        self.log.has_unwritten(self.released())
    }

    pub(super) fn advance_clock(&mut self, now: Duration) {
        self.now = self.now.max(now);
    }

    pub(super) fn term(&self) -> Term {
        self.hard_state.current_term
    }

    /// Whether the present term and vote are on disk.
    pub(super) fn is_hard_state_durable(&self) -> bool {
        !self.is_hard_state_new && self.writes.is_hard_state_durable()
    }

    pub(super) fn send(&mut self, to: NodeId, body: Body) {
        let term = self.term();
        self.pending_ready.messages.push((to, Message { term, body }));
    }

    /// Sends at once if the present term, vote and longest lease are on disk, else when they are: an
    /// answer that renews a lease must not be forgotten (rule 2).
    pub(super) fn send_answer(&mut self, to: NodeId, body: Body) {
        if self.is_hard_state_durable() || !self.keeps(Rule::DurablePromise) {
            self.send(to, body);
        } else {
            self.send_after(to, body);
        }
    }

    /// Sends when everything up to now is durable.
    pub(super) fn send_after(&mut self, to: NodeId, body: Body) {
        let term = self.term();
        self.pending_ready.messages_after.push((to, Message { term, body }));
    }

    /// Becomes a follower, of `leader` if it is known. A vote is forgotten with its term, not
    /// before: who steps down within a term must not vote again.
    pub(super) fn become_follower(&mut self, term: Term, leader: Option<NodeId>) {
        if term > self.term() {
            self.hard_state.current_term = term;
            self.hard_state.voted_for = None;
            self.is_hard_state_new = true;
        }
        self.leader = leader;
        self.has_more_to_send = false;
        match mem::replace(&mut self.role, Role::Follower) {
            Role::Follower => return,
            Role::PreCandidate(_) => (),
            Role::Candidate(_) => self.pending_ready.trace.push(Trace::SteppedDown),
            Role::Leader(leadership) => {
                self.pending_ready.trace.push(Trace::SteppedDown);
                let refused = |read| (read, Err(NotLeader { leader }));
                self.pending_ready.reads.extend(leadership.reads.into_unanswered().map(refused));
            }
        }
        self.restart_election_timer();
    }

    pub(super) fn restart_election_timer(&mut self) {
        let Config { election_timeout, election_spread, .. } = self.config;
        let mut span = self.random.span(election_timeout, election_spread);
        if self.is_full {
            // Whoever has room goes first.
            span = span.saturating_add(election_timeout + election_spread);
        }
        self.election_due = self.now.saturating_add(span);
    }

    /// Whether there is a leader that need not be replaced, as far as this node can tell.
    pub(super) fn has_active_leader(&self) -> bool {
        match &self.role {
            Role::Leader(leadership) => self.now < self.lease_until(leadership),
            _ => {
                let until = |heard: Duration| heard.saturating_add(self.config.election_timeout);
                self.leader.is_some()
                    && self.leader_contact_at.is_some_and(|at| self.now < until(at))
            }
        }
    }

    /// Until when a majority helps nobody else to lead.
    pub(super) fn lease_until(&self, leadership: &LeaderState) -> Duration {
        let usable = usable(self.config.lease, self.config.lease_guard);
        let sent_at = leadership.acks.majority(self.quorum, &self.others);
        sent_at.map_or(Duration::ZERO, |sent_at| sent_at.saturating_add(usable))
    }

    /// Whether a rule is in force: always, but for tests that take one out.
    #[cfg(test)]
    pub(super) fn keeps(&self, rule: Rule) -> bool {
        self.without != Some(rule)
    }

    /// Whether a rule is in force: always.
    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "tests take rules out of one node")]
    pub(super) fn keeps(&self, _: Rule) -> bool {
        true
    }

    pub(super) fn self_vote(&self) -> BTreeSet<NodeId> {
        BTreeSet::from([self.config.id])
    }
}

/// Whether entries come one right behind the other, the first right behind `before`.
fn is_contiguous(before: Index, entries: &[Entry]) -> bool {
    let mut index = before;
    entries.iter().all(|entry| {
        let is_next = Some(entry.index) == index.checked_add(1);
        index = entry.index;
        is_next
    })
}
