//! How long the answers of the other nodes take, beside the times that this node was set up with:
//! where a round trip is nearly as long as a lease nobody leads for long, and people should be told
//! why.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::core::Raft;
use super::entry::NodeId;
use super::quorum::Quorum;

/// Of so many answers of a node the quickest one counts: what made the others late is not the way.
const KEPT_REPLIES: usize = 8;
/// Fewer say nothing: the first question may have been asked before there was anybody to hear it.
const MIN_REPLIES: usize = 4;
/// Round trips that have to fit into a lease and into an election timeout: an election takes two,
/// and the first answers to the new leader one.
const MIN_ROUND_TRIPS: u32 = 3;
/// What is suggested: round trips in an election timeout, and in a lease.
const SUGGESTED_ROUND_TRIPS: u32 = 10;

/// Answers take too long for the times that were set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlowRoundTrips {
    /// Within this time a majority answers.
    pub round_trip: Duration,
    /// A time between heartbeats that would do.
    pub heartbeat_interval: Duration,
    /// An election timeout, and a lease, that would do.
    pub election_timeout: Duration,
}

/// The last answers of each node.
#[derive(Clone, Debug, Default)]
pub(super) struct RoundTrips {
    recent: BTreeMap<NodeId, VecDeque<Duration>>,
    /// When a node was asked for its vote, for each time that it has not answered.
    requested_at: BTreeMap<NodeId, VecDeque<Duration>>,
}

impl RoundTrips {
    /// An answer took so long.
    pub(super) fn record(&mut self, from: NodeId, took: Duration) {
        let recent = self.recent.entry(from).or_default();
        recent.truncate(KEPT_REPLIES - 1);
        recent.push_front(took);
    }

    /// A node is asked for its vote.
    pub(super) fn request_sent(&mut self, now: Duration, to: NodeId) {
        let requested_at = self.requested_at.entry(to).or_default();
        if requested_at.len() == KEPT_REPLIES {
            requested_at.pop_front();
        }
        requested_at.push_back(now);
    }

    /// It answers, as it was asked: one after the other.
    pub(super) fn reply_received(&mut self, now: Duration, from: NodeId) {
        if let Some(requested_at) = self.requested_at.get_mut(&from).and_then(VecDeque::pop_front) {
            self.record(from, now.saturating_sub(requested_at));
        }
    }

    /// There is a leader: whoever has not answered by now is not waited for.
    pub(super) fn forget_unanswered(&mut self) {
        self.requested_at.clear();
    }

    /// Within which time a majority answers, as far as that is known; we do at once.
    fn of_majority(&self, quorum: Quorum) -> Option<Duration> {
        let known = self.recent.values().filter(|recent| recent.len() >= MIN_REPLIES);
        let quickest = known.filter_map(|recent| recent.iter().min().copied());
        let times = quickest.chain([Duration::ZERO]).map(Reverse).collect();
        quorum.reached(times).map(|Reverse(time)| time)
    }
}

impl Raft {
    /// Whether answers take too long for the times that were set, and what would do.
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

/// Rounded up: nobody sets a time to the microsecond.
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
    fn the_quickest_of_the_last_answers_counts_and_those_of_a_majority() {
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
    fn answers_belong_to_questions_in_their_order() {
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
    fn what_is_suggested_is_round() {
        assert_eq!(round_up_to_10_ms(150 * MS), 150 * MS);
        assert_eq!(round_up_to_10_ms(150 * MS + MS / 2), 150 * MS);
        assert_eq!(round_up_to_10_ms(151 * MS), 160 * MS);
    }
}
