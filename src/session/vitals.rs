//! Whether the peer is still there.
//!
//! ```text
//!             a call is open and the peer was silent for keepalive_interval
//!   Quiet ----------------------------------------------------------------> Asked
//!     ^                                                                       |
//!     +---- any byte from the peer ------------------------------------------+|
//!                                                 silent for keepalive_timeout v
//!                                                                            Dead
//! ```

use std::time::Duration;

use crate::call::Limits;

/// What a connection should do about its peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Send a ping: calls are open and nothing was heard for long.
    Ask,
    /// No call for long: say go-away and close.
    Idle,
    /// The ping was not answered.
    Dead,
    /// The peer has taken no bytes for long.
    Stalled,
}

/// When the peer was last heard of, and since when it takes nothing.
#[derive(Debug)]
pub(super) struct Vitals {
    last_heard: Duration,
    asked: Option<Duration>,
    stalled_since: Option<Duration>,
}

impl Vitals {
    pub(super) fn new(now: Duration) -> Vitals {
        Vitals { last_heard: now, asked: None, stalled_since: None }
    }

    /// Bytes came from the peer.
    pub(super) fn heard(&mut self, now: Duration) {
        self.last_heard = now;
        self.asked = None;
    }

    /// We asked for a sign of life.
    pub(super) fn asked(&mut self, now: Duration) {
        self.asked = Some(now);
    }

    /// The peer took bytes.
    pub(super) fn wrote(&mut self) {
        self.stalled_since = None;
    }

    /// The peer took none of the bytes that wait.
    pub(super) fn write_blocked(&mut self, now: Duration) {
        self.stalled_since.get_or_insert(now);
    }

    /// When [`Vitals::verdict`] may next have something to say.
    pub(super) fn next(&self, open_calls: usize, limits: &Limits) -> Duration {
        let silence = match self.asked {
            Some(asked) => asked + limits.keepalive_timeout,
            None if open_calls > 0 => self.last_heard + limits.keepalive_interval,
            None => self.last_heard + limits.idle_timeout,
        };
        match self.stalled_since {
            Some(since) => silence.min(since + limits.write_stall_timeout),
            None => silence,
        }
    }

    /// What to do now, if anything.
    pub(super) fn verdict(
        &self,
        now: Duration,
        open_calls: usize,
        limits: &Limits,
    ) -> Option<Verdict> {
        if self.stalled_since.is_some_and(|since| now >= since + limits.write_stall_timeout) {
            return Some(Verdict::Stalled);
        }
        match self.asked {
            Some(asked) => (now >= asked + limits.keepalive_timeout).then_some(Verdict::Dead),
            None if open_calls > 0 => {
                (now >= self.last_heard + limits.keepalive_interval).then_some(Verdict::Ask)
            }
            None => (now >= self.last_heard + limits.idle_timeout).then_some(Verdict::Idle),
        }
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
    fn a_silent_peer_is_asked_and_then_given_up() {
        let mut vitals = Vitals::new(s(0));
        assert_eq!(vitals.verdict(s(59), 1, LIMITS), None);
        assert_eq!(vitals.next(1, LIMITS), s(60));
        assert_eq!(vitals.verdict(s(60), 1, LIMITS), Some(Verdict::Ask));
        vitals.asked(s(60));
        assert_eq!(vitals.verdict(s(79), 1, LIMITS), None);
        assert_eq!(vitals.verdict(s(80), 1, LIMITS), Some(Verdict::Dead));
    }

    #[test]
    fn any_byte_is_a_sign_of_life() {
        let mut vitals = Vitals::new(s(0));
        vitals.asked(s(60));
        vitals.heard(s(79));
        assert_eq!(vitals.verdict(s(80), 1, LIMITS), None);
        assert_eq!(vitals.next(1, LIMITS), s(79 + 60));
    }

    #[test]
    fn a_connection_without_calls_ends_after_the_idle_timeout() {
        let vitals = Vitals::new(s(0));
        assert_eq!(vitals.verdict(s(599), 0, LIMITS), None);
        assert_eq!(vitals.verdict(s(600), 0, LIMITS), Some(Verdict::Idle));
    }

    #[test]
    fn a_peer_that_takes_nothing_is_given_up() {
        let mut vitals = Vitals::new(s(0));
        vitals.write_blocked(s(1));
        vitals.heard(s(30));
        vitals.write_blocked(s(31));
        assert_eq!(vitals.next(1, LIMITS), s(61));
        assert_eq!(vitals.verdict(s(61), 1, LIMITS), Some(Verdict::Stalled));
        vitals.wrote();
        assert_eq!(vitals.verdict(s(61), 1, LIMITS), None);
    }
}
