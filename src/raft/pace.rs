//! How many bytes may be in flight to a follower: so few that a heartbeat behind them is not late.
//!
//! ```text
//!   heartbeat --- behind everything in flight ---> follower
//!       <--------- its reply, at once -------------
//!   in time, and the limit was reached: a quarter more      late: half as much
//! ```
//!
//! Messages to a follower are sent on one connection, one behind the other. The same bytes take a moment
//! on a fast network, and longer than a lease on a slow one.

use std::time::Duration;

/// The limit at the beginning, and the smallest limit. One message may always be in flight.
const FIRST_BYTES: usize = 1024 * 1024;
const LEAST_BYTES: usize = 64 * 1024;

/// The limit for one follower.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    bytes: usize,
    /// There was more to send than the limit allowed.
    was_limited: bool,
    /// When the heartbeat was sent whose reply is awaited.
    heartbeat: Option<Duration>,
    /// The shortest time that a reply took.
    quickest: Duration,
}

impl Pace {
    pub(super) fn new() -> Pace {
        let quickest = Duration::MAX;
        Pace { bytes: FIRST_BYTES, was_limited: false, heartbeat: None, quickest }
    }

    /// Whether more may be sent, if `on_its_way` bytes are in flight; the limit is `most` at most.
    pub(super) fn has_capacity(&mut self, on_its_way: usize, most: usize) -> bool {
        let has_capacity = on_its_way < self.bytes.min(most);
        self.was_limited |= !has_capacity;
        has_capacity
    }

    /// A heartbeat is sent now.
    pub(super) fn heartbeat_sent(&mut self, now: Duration) {
        self.heartbeat.get_or_insert(now);
    }

    /// A message was answered that was sent at `sent_at`. A reply to a heartbeat is late if it takes
    /// `tolerance` longer than the quickest.
    pub(super) fn reply_received(
        &mut self,
        now: Duration,
        sent_at: Duration,
        tolerance: Duration,
        most: usize,
    ) {
        let Some(heartbeat) = self.heartbeat.filter(|heartbeat| sent_at >= *heartbeat) else {
            return;
        };
        self.heartbeat = None;
        let took = now.saturating_sub(heartbeat);
        self.quickest = self.quickest.min(took);
        if took > self.quickest.saturating_add(tolerance) {
            self.bytes = (self.bytes / 2).max(LEAST_BYTES);
        } else if self.was_limited {
            self.bytes = (self.bytes + self.bytes / 4).min(most.max(LEAST_BYTES));
        }
        self.was_limited = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const MOST: usize = 16 * 1024 * 1024;

    /// A heartbeat that is answered after `took`, while the limit is reached or not.
    fn heartbeat(pace: &mut Pace, at: u32, took: u32, was_limited: bool) -> usize {
        pace.heartbeat_sent(at * MS);
        assert_eq!(pace.has_capacity(if was_limited { MOST } else { 0 }, MOST), !was_limited);
        pace.reply_received((at + took) * MS, at * MS, 75 * MS, MOST);
        pace.bytes
    }

    #[test]
    fn the_limit_follows_the_replies_to_heartbeats() {
        let mut pace = Pace::new();
        assert_eq!(heartbeat(&mut pace, 0, 5, false), FIRST_BYTES, "the limit was not reached");
        let mut at = 0;
        while heartbeat(&mut pace, at, 5, true) < MOST {
            at += 30;
            assert!(at < 500, "some ten heartbeats are enough");
        }
        assert_eq!(heartbeat(&mut pace, 1000, 80, true), MOST, "a little late");
        assert_eq!(heartbeat(&mut pace, 2000, 81, true), MOST / 2);
        for at in 30..50 {
            heartbeat(&mut pace, at * 100, 400, true);
        }
        assert_eq!(pace.bytes, LEAST_BYTES);
    }

    #[test]
    fn a_far_follower_is_not_a_slow_one() {
        let mut pace = Pace::new();
        for at in 0..20 {
            heartbeat(&mut pace, at * 200, 150, true);
        }
        assert_eq!(pace.bytes, MOST);
    }

    #[test]
    fn only_the_reply_to_the_heartbeat_counts() {
        let mut pace = Pace::new();
        pace.heartbeat_sent(100 * MS);
        pace.heartbeat_sent(130 * MS);
        pace.reply_received(400 * MS, 90 * MS, 75 * MS, MOST);
        assert_eq!(pace.bytes, FIRST_BYTES, "of entries that were sent before");
        pace.reply_received(110 * MS, 100 * MS, 75 * MS, MOST);
        assert_eq!(pace.quickest, 10 * MS);
        pace.reply_received(900 * MS, 130 * MS, 75 * MS, MOST);
        assert_eq!(pace.bytes, FIRST_BYTES, "no reply is awaited");
    }
}
