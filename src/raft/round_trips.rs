//! Round-trip times of the other nodes, compared with the configured times: where a round trip is
//! nearly as long as a lease, no node leads for long, and the operator should get a warning.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::core::Raft;
use super::entry::NodeId;
use super::quorum::Quorum;

/// Of this many last replies of a node the quickest one counts: the others were delayed by something
/// else than the network.
const KEPT_REPLIES: usize = 8;
/// With fewer replies of a node nothing is known: the first request may have been sent before the node
/// was started.
const MIN_REPLIES: usize = 4;
/// The number of round trips that must fit into a lease and into an election timeout: an election
/// takes two, and the first replies to the new leader one.
const MIN_ROUND_TRIPS: u32 = 3;
/// The number of heartbeat intervals in the suggested election timeout and lease.
const SUGGESTED_ROUND_TRIPS: u32 = 10;

/// Round trips are too long for the configured times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlowRoundTrips {
    /// A majority answers within this time.
    pub round_trip: Duration,
    /// A heartbeat interval that is long enough.
    pub heartbeat_interval: Duration,
    /// An election timeout, and a lease, that are long enough.
    pub election_timeout: Duration,
}

/// The last replies of each node.
#[derive(Clone, Debug, Default)]
pub(super) struct RoundTrips {
    recent: BTreeMap<NodeId, VecDeque<Duration>>,
    /// When vote requests were sent to a node that it has not answered.
    requested_at: BTreeMap<NodeId, VecDeque<Duration>>,
}

impl RoundTrips {
    /// A reply took this long.
    pub(super) fn record(&mut self, from: NodeId, took: Duration) {
        let recent = self.recent.entry(from).or_default();
        recent.truncate(KEPT_REPLIES - 1);
        recent.push_front(took);
    }

    /// A vote request is sent to a node.
    pub(super) fn request_sent(&mut self, now: Duration, to: NodeId) {
        let requested_at = self.requested_at.entry(to).or_default();
        if requested_at.len() == KEPT_REPLIES {
            requested_at.pop_front();
        }
        requested_at.push_back(now);
    }

    /// A node has answered its oldest open request.
    pub(super) fn reply_received(&mut self, now: Duration, from: NodeId) {
        if let Some(requested_at) = self.requested_at.get_mut(&from).and_then(VecDeque::pop_front) {
            self.record(from, now.saturating_sub(requested_at));
        }
    }

    /// A leader is elected: replies to open requests no longer count.
    pub(super) fn forget_unanswered(&mut self) {
        self.requested_at.clear();
    }

    /// The time within which a majority answers, if it is known; the own time is zero.
    fn of_majority(&self, quorum: Quorum) -> Option<Duration> {
        let known = self.recent.values().filter(|recent| recent.len() >= MIN_REPLIES);
        let quickest = known.filter_map(|recent| recent.iter().min().copied());
        let times = quickest.chain([Duration::ZERO]).map(Reverse).collect();
        quorum.reached(times).map(|Reverse(time)| time)
    }
}

impl Raft {
    /// The quickest of the last answers of a node, if enough are known.
    pub fn round_trip(&self, peer: NodeId) -> Option<Duration> {
        let recent = self.node.round_trips.recent.get(&peer)?;
        recent.iter().min().copied().filter(|_| recent.len() >= MIN_REPLIES)
    }

    /// Whether round trips are too long for the configured times, and times that are long enough.
    pub fn slow_round_trips(&self) -> Option<SlowRoundTrips> {
        let round_trip = self.node.round_trips.of_majority(self.node.quorum)?;
        let least = round_trip.saturating_mul(MIN_ROUND_TRIPS);
        if least <= self.node.config.election_timeout.min(self.node.config.lease) {
            return None;
        }
        let heartbeat_interval =
            self.node.config.heartbeat_interval.max(round_up_to_10_ms(round_trip));
        let election_timeout = heartbeat_interval.saturating_mul(SUGGESTED_ROUND_TRIPS);
        Some(SlowRoundTrips { round_trip, heartbeat_interval, election_timeout })
    }
}

/// Rounds up to whole tens of milliseconds.
fn round_up_to_10_ms(span: Duration) -> Duration {
    let tens = u64::try_from(span.as_millis()).unwrap_or(u64::MAX).div_ceil(10);
    Duration::from_millis(tens.saturating_mul(10))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn record_all(trips: &mut RoundTrips, from: NodeId, all: [u32; MIN_REPLIES]) {
        all.iter().for_each(|took| trips.record(from, *took * MS));
    }

    #[test]
    fn the_quickest_of_the_last_replies_of_a_majority_counts() {
        let mut trips = RoundTrips::default();
        let quorum = Quorum::of(5);
        record_all(&mut trips, 1, [900, 40, 60, 900]);
        assert_eq!(trips.of_majority(quorum), None, "one of four others is no majority");
        trips.record(2, 70 * MS);
        assert_eq!(trips.of_majority(quorum), None, "one answer says nothing");
        record_all(&mut trips, 2, [80, 90, 80, 80]);
        record_all(&mut trips, 3, [500, 600, 700, 800]);
        assert_eq!(trips.of_majority(quorum), Some(70 * MS));
        for _ in 0..KEPT_REPLIES {
            trips.record(2, 90 * MS);
        }
        assert_eq!(trips.of_majority(quorum), Some(90 * MS), "it has become slower");
        assert_eq!(RoundTrips::default().of_majority(Quorum::of(1)), Some(Duration::ZERO));
    }

    #[test]
    fn replies_belong_to_requests_in_their_order() {
        let mut trips = RoundTrips::default();
        record_all(&mut trips, 1, [900, 900, 900, 900]);
        trips.request_sent(100 * MS, 1);
        trips.request_sent(500 * MS, 1);
        trips.reply_received(700 * MS, 1);
        trips.reply_received(1101 * MS, 1);
        trips.reply_received(1102 * MS, 1);
        assert_eq!(trips.of_majority(Quorum::of(2)), Some(600 * MS));
        trips.request_sent(2000 * MS, 1);
        trips.forget_unanswered();
        trips.reply_received(2001 * MS, 1);
        assert_eq!(trips.of_majority(Quorum::of(2)), Some(600 * MS));
    }

    #[test]
    fn suggested_times_are_rounded() {
        assert_eq!(round_up_to_10_ms(150 * MS), 150 * MS);
        assert_eq!(round_up_to_10_ms(150 * MS + MS / 2), 150 * MS);
        assert_eq!(round_up_to_10_ms(151 * MS), 160 * MS);
    }
}
