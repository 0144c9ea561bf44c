//! The safety rules of the leases, each as one predicate of the same name as in `ARCHITECTURE.md`, and
//! the rules of the voters and of sane values.
//! The rest of the core asks these, so that its conditions read as the paper's.
//!
//! Every rule is needed. To show it, a test takes one rule out of a group and plays an adversary that
//! then breaks an invariant (`tests/adversaries.rs`). The first line of a predicate, `without!`, says
//! what a core without the rule does; it exists in tests alone and expands to nothing otherwise.

use std::time::Duration;

use super::entry::{Entry, Index, NodeId, Payload, Term};
use super::node::NodeState;
use super::role::LeaderState;
#[cfg(test)]
use super::sanity::MAX_NUMBER;

/// Returns another value if a test has taken the rule out.
#[cfg(test)]
macro_rules! without {
    ($node:ident, $rule:ident => $value:expr) => {
        if $node.without == Some(Rule::$rule) {
            return $value;
        }
    };
}

#[cfg(not(test))]
macro_rules! without {
    ($node:ident, $rule:ident => $value:expr) => {};
}

/// A rule that a test can take out.
#[cfg(test)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    AppendPromises,
    VotePromises,
    EveryHolder,
    DurableMatch,
    DurablePromise,
    OwnPromises,
    Remaining,
    Clear,
    CountFromSending,
    CountInTerm,
    DeferredCommit,
    OwnTermCommit,
    LeaseEnds,
    Limbo,
    ReadIndexWaits,
    Revoke,
    StepDown,
    CountVoters,
    VoteAsVoter,
    SaneTerm,
    SanePromise,
    SameContent,
    OwnLeaderReleases,
}

/// More entries in limbo than this are not searched: a read waits for them.
const MAX_LIMBO: Index = 1024;

impl NodeState {
    /// Rule 1: an AppendEntries makes the follower promise for the whole lease, from its arrival.
    pub(super) fn append_promise_end(&self, lease: Duration) -> Duration {
        without!(self, AppendPromises => self.now);
        self.now.saturating_add(lease)
    }

    /// Rule 1: a granted vote is a promise as well.
    pub(super) fn vote_promise_end(&self, lease: Duration) -> Duration {
        without!(self, VotePromises => self.now);
        self.now.saturating_add(lease)
    }

    /// Rule 1: each holder has its own promise; a newer one to another node ends none.
    pub(super) fn extend_promise(&mut self, to: NodeId, until: Duration) {
        without!(self, EveryHolder => self.promises.replace_all(to, until));
        self.promises.extend(to, until);
    }

    /// Rule 2: a heartbeat is answered with what is durable already.
    pub(super) fn durable_match(&self, match_index: Index) -> Index {
        without!(self, DurableMatch => match_index);
        match_index.min(self.writes.durable_index())
    }

    /// Rule 2: term, vote and longest lease are durable before a leader can count on a promise.
    pub(super) fn is_promise_durable(&self) -> bool {
        without!(self, DurablePromise => true);
        self.is_hard_state_durable()
    }

    /// Rule 3: a candidate waits for its own promises to other nodes. Those to `released` no longer
    /// count.
    pub(super) fn own_promises(&self, released: Option<NodeId>) -> Vec<(NodeId, Duration)> {
        without!(self, OwnPromises => Vec::new());
        self.promises.remaining(self.now, self.config.id, released)
    }

    /// Rule 3: a voter reports its promises to nodes other than the candidate.
    pub(super) fn promises_to_report(
        &self,
        candidate: NodeId,
        released: Option<NodeId>,
    ) -> Vec<(NodeId, Duration)> {
        without!(self, Remaining => Vec::new());
        self.promises.remaining(self.now, candidate, released)
    }

    /// Rule 4: a voter that replies in our term holds no lease of an older term.
    pub(super) fn clears_old_lease(&self, from: NodeId) -> bool {
        without!(self, Clear => false);
        self.is_voting_peer(from)
    }

    /// Rule 5: a lease begins when the message was sent, not when its reply arrives.
    pub(super) fn lease_start(&self, sent_at: Duration) -> Duration {
        without!(self, CountFromSending => self.now);
        sent_at.min(self.now)
    }

    /// Rule 5: a reply counts in its own term alone.
    pub(super) fn is_current_term(&self, term: Term) -> bool {
        without!(self, CountInTerm => true);
        term == self.term()
    }

    /// Rule 6: nothing is committed while an older leader may still read under its lease.
    pub(super) fn must_defer_commit(&self, leader: &LeaderState) -> bool {
        without!(self, DeferredCommit => false);
        leader.old_leases.may_last(self.now)
    }

    /// Rule 6: only entries of the leader's own term are committed by counting replicas (figure 8 of
    /// the paper).
    pub(super) fn may_commit_by_counting(&self, index: Index) -> bool {
        without!(self, OwnTermCommit => true);
        self.log.term_at(index) == Some(self.term())
    }

    /// Rules 7 and 9: a leader reads under its lease until it ends or was given up.
    pub(super) fn holds_lease(&self, leader: &LeaderState) -> bool {
        let is_running = self.now < leader.lease_until(self);
        without!(self, LeaseEnds => !leader.is_revoked);
        without!(self, Revoke => is_running);
        is_running && !leader.is_revoked
    }

    /// Rule 7: an inherited read sees the state as of the commit index. It may be answered if no entry
    /// in limbo would change what it reads, since an older leader may have acknowledged that entry.
    pub(super) fn may_read_inherited(
        &self,
        leader: &LeaderState,
        mut conflicts: impl FnMut(&[u8]) -> bool,
    ) -> bool {
        without!(self, Limbo => true);
        let (from, to) = (self.commit_index + 1, leader.last_index_at_election);
        let mut writes = |entry: &Entry| match &entry.payload {
            Payload::Command { command, .. } => conflicts(command),
            Payload::NoOp | Payload::OpenSession => false,
        };
        to < from + MAX_LIMBO && !self.log.range(from, to).any(&mut writes)
    }

    /// Rule 8: a read-index round waits until the leader's own no-op is committed.
    pub(super) fn may_begin_read_round(&self, leader: &LeaderState) -> bool {
        without!(self, ReadIndexWaits => true);
        leader.noop_index <= self.commit_index
    }

    /// Rule 11: a leader whose lease was not renewed in time steps down.
    pub(super) fn must_step_down(&self, leader: &LeaderState) -> bool {
        without!(self, StepDown => false);
        self.now >= leader.step_down_at(self)
    }

    /// Voters: votes and replies of a node that is not a voter do not count.
    pub(super) fn is_voting_peer(&self, peer: NodeId) -> bool {
        without!(self, CountVoters => true);
        !self.non_voters.contains(&peer)
    }

    /// Voters: a node that is not a voter neither votes nor stands for election.
    pub(super) fn may_vote(&self) -> bool {
        without!(self, VoteAsVoter => true);
        self.is_voter
    }

    /// Sane values: one node alone cannot raise the terms of a group to the last one.
    pub(super) fn is_sane_term(&self, term: Term) -> bool {
        without!(self, SaneTerm => term <= MAX_NUMBER);
        term <= self.highest_sane_term()
    }

    /// Sane values: a promise that is far longer than the own lease is an error in the other node's
    /// configuration, or worse. The group would have to wait for its end.
    pub(super) fn is_sane_promise(&self, promise: Duration) -> bool {
        without!(self, SanePromise => true);
        promise <= self.config.longest_promise()
    }

    /// Sane values: entries of one index and term are equal (section 5.3 of the paper).
    pub(super) fn is_same_content(&self, own: &Entry, other: &Entry) -> bool {
        without!(self, SameContent => true);
        own == other
    }

    /// Sane values: only the leader gives up its own lease, and asks a node to stand.
    pub(super) fn may_release(&self, leader: NodeId) -> bool {
        without!(self, OwnLeaderReleases => true);
        self.leader.is_none_or(|known| known == leader)
    }
}
