//! A limit on pings and settings that a client sends without any other traffic.

use std::time::Duration;

use super::Limits;

/// Counts a client's pings and settings as gRPC's keepalive enforcement does (gRFC A8, "Server
/// Enforcement").
///
/// A ping is early if the last ping that was in time is too recent: [`Limits::min_ping_interval`]
/// with an open call, two hours without one. The third early ping since the server has last sent
/// something of a call is one too many. Changes of settings are not part of gRFC A8: a number of them
/// is allowed between two responses.
#[derive(Clone, Copy, Debug, Default)]
pub struct PingPolicy {
    last_in_time: Option<Duration>,
    early: u32,
    settings: u32,
}

/// The interval without an open call: that of TCP keepalive (RFC 1122 section 4.2.3.6).
const IDLE_INTERVAL: Duration = Duration::from_secs(2 * 60 * 60);
/// Early pings that are harmless: a client may measure the round trip.
const MAX_EARLY: u32 = 2;

impl PingPolicy {
    /// The server sends a part of a response: the client has a reason to ping.
    pub fn response_sent(&mut self) {
        *self = PingPolicy::default();
    }

    /// A ping was received; false if it is one too many.
    pub fn ping(&mut self, now: Duration, has_calls: bool, limits: &Limits) -> bool {
        let interval = match limits.min_ping_interval {
            Duration::ZERO => return true,
            interval if has_calls => interval,
            _ => IDLE_INTERVAL,
        };
        if self.last_in_time.is_some_and(|last| now < last.saturating_add(interval)) {
            self.early += 1;
            return self.early <= MAX_EARLY;
        }
        self.last_in_time = Some(now);
        true
    }

    /// A change of settings was received; false if it is one too many.
    pub fn settings(&mut self, limits: &Limits) -> bool {
        self.settings += 1;
        // A client that does not read the replies is not read from before that.
        self.settings <= limits.max_empty_frames.saturating_add(limits.max_queued_control_replies)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: &Limits = &Limits::DEFAULT;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn pings_in_time_are_allowed_for_ever() {
        let mut policy = PingPolicy::default();
        assert!((0..1000).all(|n| policy.ping(n * LIMITS.min_ping_interval, true, LIMITS)));
        let mut policy = PingPolicy::default();
        assert!((0..1000).all(|n| policy.ping(n * IDLE_INTERVAL, false, LIMITS)));
    }

    #[test]
    fn the_third_early_ping_is_one_too_many() {
        for (has_calls, interval) in [(true, LIMITS.min_ping_interval), (false, s(60))] {
            let mut policy = PingPolicy::default();
            let early = interval - Duration::from_millis(1);
            let pings = (0..4).map(|_| policy.ping(s(7) + early, has_calls, LIMITS));
            assert_eq!(pings.collect::<Vec<_>>(), [true, true, true, false], "{has_calls}");
        }
    }

    #[test]
    fn a_response_allows_further_pings() {
        let mut policy = PingPolicy::default();
        for _ in 0..100 {
            assert!((0..3).all(|_| policy.ping(s(7), true, LIMITS)));
            policy.response_sent();
        }
    }

    #[test]
    fn an_interval_of_zero_turns_the_limit_off() {
        let limits = Limits { min_ping_interval: Duration::ZERO, ..Limits::DEFAULT };
        let mut policy = PingPolicy::default();
        assert!((0..1000).all(|_| policy.ping(s(7), false, &limits)));
    }

    #[test]
    fn settings_are_counted_between_responses() {
        let mut policy = PingPolicy::default();
        let allowed =
            |policy: &mut PingPolicy| (0..1000).take_while(|_| policy.settings(LIMITS)).count();
        assert_eq!(allowed(&mut policy), 200);
        policy.response_sent();
        assert_eq!(allowed(&mut policy), 200);
    }
}
