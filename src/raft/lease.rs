//! The clocks of the lease: the promises of a node, the lease that a leader may use, and the older
//! leases that may still last. Rules are numbered as in `ARCHITECTURE.md`.
//!
//! ```text
//!   leader       sent_at                                  ack[v] + L_use: the lease ends here
//!                   |---------------------------------------------|
//!   follower v         |-- receives it                                |
//!                      |----------------------------------------------| + L: the promise ends here
//! ```
//!
//! A promise begins when the message arrives, after it was sent, and lasts longer by the follower's
//! clock than the lease does by the leader's, even if one runs fast and the other slow. So a candidate
//! that gets a majority of votes finds, in at least one of them, the promise of every lease that may
//! still last.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::config::DRIFT_PER_MILLE;
use super::entry::NodeId;
use super::quorum::Quorum;

/// The part that a leader may use of a promise of length `lease`: `L_use = L (1 - rho) / (1 + rho) - g`.
pub(super) fn usable(lease: Duration, guard: Duration) -> Duration {
    let (slow, fast) = (1000 - DRIFT_PER_MILLE, 1000 + DRIFT_PER_MILLE);
    (lease.saturating_mul(slow) / fast).saturating_sub(guard)
}

/// A duration by another node's clock, as long as it may last by the own clock: times
/// `INF = (1 + rho) / (1 - rho)`, rounded up.
fn stretched(span: Duration) -> Duration {
    let (slow, fast) = (1000 - DRIFT_PER_MILLE, 1000 + DRIFT_PER_MILLE);
    (span.saturating_mul(fast) / slow).saturating_add(Duration::from_nanos(1))
}

/// `promise[x]`: until when this node helps no node but `x` to lead. Each holder has its own promise: a
/// newer one to another node does not end it (rule 1).
#[derive(Clone, Debug, Default)]
pub(super) struct Promises {
    until: BTreeMap<NodeId, Duration>,
}

impl Promises {
    /// Extends the promise to a node; it never gets shorter.
    pub(super) fn extend(&mut self, to: NodeId, until: Duration) {
        let known = self.until.entry(to).or_default();
        *known = (*known).max(until);
    }

    /// The remaining time of the promises to nodes other than these two, by the own clock.
    pub(super) fn remaining(
        &self,
        now: Duration,
        candidate: NodeId,
        released: Option<NodeId>,
    ) -> Vec<(NodeId, Duration)> {
        let others = self.until.iter().filter(|(x, _)| **x != candidate && Some(**x) != released);
        others
            .map(|(x, until)| (*x, until.saturating_sub(now)))
            .filter(|left| !left.1.is_zero())
            .collect()
    }

    /// Promises, and ends the promises to all other nodes: a mutant.
    #[cfg(test)]
    pub(super) fn replace_all(&mut self, to: NodeId, until: Duration) {
        self.until.retain(|x, _| *x == to);
        self.extend(to, until);
    }
}

/// `wait[x]`: until when a candidate or a leader must not commit, because `x` may still hold a lease
/// of an older term.
#[derive(Clone, Debug, Default)]
pub(super) struct OldLeases {
    until: BTreeMap<NodeId, Duration>,
    over: BTreeSet<NodeId>,
}

impl OldLeases {
    /// Adds what is left of the own promises (rule 3).
    pub(super) fn add_own_promises(&mut self, now: Duration, remaining: &[(NodeId, Duration)]) {
        for (x, left) in remaining {
            self.until.insert(*x, now.saturating_add(*left));
        }
    }

    /// Adds what a voter reports of its promises (rule 3).
    pub(super) fn report(&mut self, now: Duration, remaining: &[(NodeId, Duration)]) {
        for (x, left) in remaining {
            let until = now.saturating_add(stretched(*left));
            let known = self.until.entry(*x).or_default();
            *known = (*known).max(until);
        }
    }

    /// `x` has sent a message of the current term: its older leases are over (rule 4), and later reports
    /// of them are ignored.
    pub(super) fn clear(&mut self, x: NodeId) {
        self.over.insert(x);
    }

    /// Whether one of them may last at this moment.
    pub(super) fn may_last(&self, now: Duration) -> bool {
        self.end().is_some_and(|end| now <= end)
    }

    /// When the last of them ends.
    pub(super) fn end(&self) -> Option<Duration> {
        let open = self.until.iter().filter(|(x, _)| !self.over.contains(x));
        open.map(|(_, until)| *until).max()
    }
}

/// `ack[v]`: when the newest message was sent that `v` has answered in this term.
#[derive(Clone, Debug, Default)]
pub(super) struct Acks {
    sent_at: BTreeMap<NodeId, Duration>,
}

impl Acks {
    /// `v` has answered a message that was sent at `sent_at` (rule 5).
    pub(super) fn renew(&mut self, v: NodeId, sent_at: Duration) {
        let known = self.sent_at.entry(v).or_insert(sent_at);
        *known = (*known).max(sent_at);
    }

    /// Replies of these nodes no longer count.
    pub(super) fn forget(&mut self, nodes: &BTreeSet<NodeId>) {
        self.sent_at.retain(|v, _| !nodes.contains(v));
    }

    /// The latest time such that a majority has answered messages that were sent then or later. The
    /// leader itself counts as always answered. `None`: no majority has answered.
    pub(super) fn majority(&self, quorum: Quorum, others: &[NodeId]) -> Option<Duration> {
        let ack = |v| self.sent_at.get(v).copied();
        let us = std::iter::once(Some(Duration::MAX));
        quorum.reached(others.iter().map(ack).chain(us).collect()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_lease_is_shorter_than_its_promise_whatever_the_clocks_do() {
        let (lease, guard) = (300 * MS, 20 * MS);
        let usable = usable(lease, guard);
        assert!(usable > 279 * MS && usable < 280 * MS, "{usable:?}");
        // The leader's clock is slow, the follower's fast: in true time the lease still ends first.
        let true_lease = usable.as_secs_f64() / (1.0 - 0.001);
        let true_promise = lease.as_secs_f64() / (1.0 + 0.001);
        assert!(true_lease < true_promise);
        assert_eq!(super::usable(10 * MS, guard), Duration::ZERO, "no lease is that short");
    }

    #[test]
    fn a_reported_promise_is_stretched_and_never_overflows() {
        let mut leases = OldLeases::default();
        leases.report(1000 * MS, &[(1, 100 * MS), (2, 50 * MS)]);
        let end = leases.end().unwrap();
        assert!(end > 1100 * MS && end < 1101 * MS, "{end:?}");
        leases.clear(1);
        leases.report(1000 * MS, &[(1, 500 * MS)]);
        let end = leases.end().unwrap();
        assert!(end > 1050 * MS && end < 1051 * MS, "1 has sent a message: {end:?}");
        leases.report(MS, &[(3, Duration::MAX)]);
        assert!(leases.end().unwrap() > 1000 * 1000 * MS);
    }

    #[test]
    fn promises_only_grow_and_each_holder_has_its_own() {
        let mut promises = Promises::default();
        promises.extend(1, 300 * MS);
        promises.extend(2, 200 * MS);
        promises.extend(1, 250 * MS);
        assert_eq!(promises.remaining(100 * MS, 9, None), [(1, 200 * MS), (2, 100 * MS)]);
        assert_eq!(promises.remaining(100 * MS, 1, None), [(2, 100 * MS)]);
        assert_eq!(promises.remaining(100 * MS, 9, Some(2)), [(1, 200 * MS)]);
        assert_eq!(promises.remaining(200 * MS, 9, None), [(1, 100 * MS)]);
    }

    #[test]
    fn a_lease_begins_with_the_latest_message_that_a_majority_has_answered() {
        let (quorum, others) = (Quorum::of(5), [1, 2, 3, 4]);
        let mut acks = Acks::default();
        acks.renew(1, 50 * MS);
        assert_eq!(acks.majority(quorum, &others), None);
        acks.renew(2, 30 * MS);
        assert_eq!(acks.majority(quorum, &others), Some(30 * MS));
        acks.renew(2, 20 * MS);
        acks.renew(3, 40 * MS);
        assert_eq!(acks.majority(quorum, &others), Some(40 * MS));
        acks.renew(9, 90 * MS);
        assert_eq!(acks.majority(quorum, &others), Some(40 * MS), "9 is no voter");
        assert_eq!(Acks::default().majority(Quorum::of(1), &[]), Some(Duration::MAX));
    }
}
