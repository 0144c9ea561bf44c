//! The state that a node keeps in every role (figure 2 of the paper: state on all servers), and how
//! output is collected in the next [`Ready`].
//!
//! [`Raft`](super::Raft) is this and a [`Role`](super::role::Role). They are two values, so that a
//! leader's methods can change the leader's state and the node's at the same time.

use std::collections::BTreeSet;
use std::time::Duration;

use super::config::Config;
use super::entry::{NodeId, Term};
use super::lease::Promises;
use super::log::Log;
use super::message::{Body, Message, SnapshotMark};
use super::open_leases::OpenLeases;
use super::quorum::Quorum;
use super::random::Random;
use super::ready::{HardState, ReadId, Ready};
use super::round_trips::RoundTrips;
use super::sanity::Sanity;
use super::snapshot::{Installing, Receiving};
use super::writes::Writes;
use super::{Index, Recovered};

/// See the [module documentation](self).
#[derive(Debug)]
pub(super) struct NodeState {
    pub(super) config: Config,
    /// The voters without this node.
    pub(super) others: Vec<NodeId>,
    pub(super) quorum: Quorum,
    /// This node may vote and lead.
    pub(super) is_voter: bool,
    /// Other nodes whose votes and replies do not count.
    pub(super) non_voters: BTreeSet<NodeId>,
    /// The latest time of any input.
    pub(super) now: Duration,
    pub(super) hard_state: HardState,
    /// `hard_state` has changed since the last [`Ready`].
    pub(super) is_hard_state_new: bool,
    pub(super) log: Log,
    pub(super) writes: Writes,
    /// The newest durable snapshot.
    pub(super) snapshot: SnapshotMark,
    pub(super) commit_index: Index,
    /// Entries up to this index were handed to the state machine.
    pub(super) dispatched_index: Index,
    /// The leader of the current term, if it is known.
    pub(super) leader: Option<NodeId>,
    /// The last leader that [`Trace::LeaderKnown`](super::Trace::LeaderKnown) reported, and its term;
    /// this node itself if it was elected.
    pub(super) last_reported_leader: Option<(NodeId, Term)>,
    /// When the last message of a leader arrived.
    pub(super) leader_contact_at: Option<Duration>,
    pub(super) promises: Promises,
    pub(super) open_leases: OpenLeases,
    pub(super) round_trips: RoundTrips,
    pub(super) sanity: Sanity,
    /// When the election timer expires.
    pub(super) election_due: Duration,
    pub(super) random: Random,
    pub(super) receiving: Option<Receiving>,
    pub(super) installing: Option<Installing>,
    /// The leader's followers can take more than the last `Ready` sent them.
    pub(super) has_more_to_send: bool,
    pub(super) newest_read: ReadId,
    /// The disk has no space for entries, and this is known to be the only problem.
    pub(super) is_full: bool,
    /// No snapshot is received before this time, since the last one could not be kept.
    pub(super) no_snapshot_until: Duration,
    /// The last wall clock time that was set, in milliseconds since 1970.
    pub(super) wall_ms: u64,
    /// The next `Ready` has a write, even if there is nothing in it.
    pub(super) is_write_requested: bool,
    /// The content of the next `Ready`.
    pub(super) pending_ready: Ready,
    /// The rule that a test has taken out.
    #[cfg(test)]
    pub(super) without: Option<super::rules::Rule>,
}

impl NodeState {
    pub(super) fn new(config: Config, recovered: Recovered, now: Duration) -> NodeState {
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
            // Rule 10: the promises themselves are not on disk, but their greatest length is.
            let until = now.saturating_add(hard_state.longest_lease);
            open_leases.promise(hard_state.longest_lease, until);
            for other in &others {
                promises.extend(*other, until);
            }
        }
        let random = Random::new(config.seed);
        let mut node = NodeState {
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
            leader: None,
            last_reported_leader: None,
            leader_contact_at: None,
            promises,
            open_leases,
            round_trips: RoundTrips::default(),
            sanity: Sanity::default(),
            election_due: now,
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
        };
        if !node.others.is_empty() {
            node.restart_election_timer();
        }
        node
    }

    /// Time that goes backwards is taken to stand still.
    pub(super) fn advance_clock(&mut self, now: Duration) {
        self.now = self.now.max(now);
    }

    pub(super) fn term(&self) -> Term {
        self.hard_state.current_term
    }

    /// Whether the current term and vote are durable.
    pub(super) fn is_hard_state_durable(&self) -> bool {
        !self.is_hard_state_new && self.writes.is_hard_state_durable()
    }

    /// Sends at once.
    pub(super) fn send(&mut self, to: NodeId, body: Body) {
        let term = self.term();
        self.pending_ready.messages.push((to, Message { term, body }));
    }

    /// Sends when everything up to now is durable.
    pub(super) fn send_after(&mut self, to: NodeId, body: Body) {
        let term = self.term();
        self.pending_ready.messages_after.push((to, Message { term, body }));
    }

    /// Sends a reply that may renew a lease: at once if term, vote and longest lease are durable,
    /// else when they are (rule 2).
    pub(super) fn send_reply(&mut self, to: NodeId, body: Body) {
        if self.is_promise_durable() {
            self.send(to, body);
        } else {
            self.send_after(to, body);
        }
    }

    pub(super) fn restart_election_timer(&mut self) {
        let timeout = self.config.random_election_timeout(&mut self.random, self.is_full);
        self.election_due = self.now.saturating_add(timeout);
    }

    /// Whether the disk has made no progress for so long that the node must fall silent (rule 11).
    /// The limit is ten leases: a disk that is shared with other programs may take a second for a
    /// write, and a new leader's voters would wait for disks that are as busy. A full disk is not
    /// stuck, because terms and votes are still written.
    pub(super) fn is_disk_stuck(&self) -> bool {
        let timeout = self.config.lease.saturating_mul(STALL_LEASES);
        let is_over = |since: Duration| self.now > since.saturating_add(timeout);
        !self.is_full && self.writes.stalled_since().is_some_and(is_over)
    }
}

/// A disk that has made no progress for this many leases is stuck.
const STALL_LEASES: u32 = 10;
