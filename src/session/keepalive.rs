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
pub(super) enum KeepaliveAction {
    /// Send a ping: calls are open and nothing was heard for long.
    SendPing,
    /// No call for long: say go-away and close.
    CloseIdle,
    /// The ping was not answered.
    PingTimedOut,
    /// The peer has taken no bytes for long.
    WriteStalled,
}

/// When the peer was last heard of, and since when it takes nothing.
#[derive(Debug)]
pub(super) struct Keepalive {
    last_received: Duration,
    ping_sent_at: Option<Duration>,
    stalled_since: Option<Duration>,
}

impl Keepalive {
    pub(super) fn new(now: Duration) -> Keepalive {
        Keepalive { last_received: now, ping_sent_at: None, stalled_since: None }
    }

    /// Bytes came from the peer.
    pub(super) fn received(&mut self, now: Duration) {
        self.last_received = now;
        self.ping_sent_at = None;
    }

    /// We asked for a sign of life.
    pub(super) fn ping_sent(&mut self, now: Duration) {
        self.ping_sent_at = Some(now);
    }

    /// The peer took bytes.
    pub(super) fn wrote(&mut self) {
        self.stalled_since = None;
    }

    /// The peer took none of the bytes that wait.
    pub(super) fn write_blocked(&mut self, now: Duration) {
        self.stalled_since.get_or_insert(now);
    }

    /// When [`Keepalive::verdict`] may next have something to say.
    pub(super) fn next(&self, open_calls: usize, limits: &Limits) -> Duration {
        let silence = match self.ping_sent_at {
            Some(sent_at) => sent_at + limits.keepalive_timeout,
            None if open_calls > 0 => self.last_received + limits.keepalive_interval,
            None => self.last_received + limits.idle_timeout,
        };
        match self.stalled_since {
            Some(since) => silence.min(since + limits.write_stall_timeout),
            None => silence,
        }
    }

    /// What to do now, if anything.
    pub(super) fn action(
        &self,
        now: Duration,
        open_calls: usize,
        limits: &Limits,
    ) -> Option<KeepaliveAction> {
        if self.stalled_since.is_some_and(|since| now >= since + limits.write_stall_timeout) {
            return Some(KeepaliveAction::WriteStalled);
        }
        match self.ping_sent_at {
            Some(sent_at) => {
                (now >= sent_at + limits.keepalive_timeout).then_some(KeepaliveAction::PingTimedOut)
            }
            None if open_calls > 0 => (now >= self.last_received + limits.keepalive_interval)
                .then_some(KeepaliveAction::SendPing),
            None => (now >= self.last_received + limits.idle_timeout)
                .then_some(KeepaliveAction::CloseIdle),
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
        let mut keepalive = Keepalive::new(s(0));
        assert_eq!(keepalive.action(s(59), 1, LIMITS), None);
        assert_eq!(keepalive.next(1, LIMITS), s(60));
        assert_eq!(keepalive.action(s(60), 1, LIMITS), Some(KeepaliveAction::SendPing));
        keepalive.ping_sent(s(60));
        assert_eq!(keepalive.action(s(79), 1, LIMITS), None);
        assert_eq!(keepalive.action(s(80), 1, LIMITS), Some(KeepaliveAction::PingTimedOut));
    }

    #[test]
    fn any_byte_is_a_sign_of_life() {
        let mut keepalive = Keepalive::new(s(0));
        keepalive.ping_sent(s(60));
        keepalive.received(s(79));
        assert_eq!(keepalive.action(s(80), 1, LIMITS), None);
        assert_eq!(keepalive.next(1, LIMITS), s(79 + 60));
    }

    #[test]
    fn a_connection_without_calls_ends_after_the_idle_timeout() {
        let keepalive = Keepalive::new(s(0));
        assert_eq!(keepalive.action(s(599), 0, LIMITS), None);
        assert_eq!(keepalive.action(s(600), 0, LIMITS), Some(KeepaliveAction::CloseIdle));
    }

    #[test]
    fn a_peer_that_takes_nothing_is_given_up() {
        let mut keepalive = Keepalive::new(s(0));
        keepalive.write_blocked(s(1));
        keepalive.received(s(30));
        keepalive.write_blocked(s(31));
        assert_eq!(keepalive.next(1, LIMITS), s(61));
        assert_eq!(keepalive.action(s(61), 1, LIMITS), Some(KeepaliveAction::WriteStalled));
        keepalive.wrote();
        assert_eq!(keepalive.action(s(61), 1, LIMITS), None);
    }
}
