//! Keepalive: detects a peer that is gone, idle, or does not read.
//!
//! ```text
//!             a call is open and the peer was silent for keepalive_interval
//!   Quiet ----------------------------------------------------------------> Pinged
//!     ^                                                                       |
//!     +---- any byte from the peer ------------------------------------------+|
//!                                                 silent for keepalive_timeout v
//!                                                                            Dead
//! ```

use std::time::Duration;

use crate::call::Limits;

/// What a connection should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeepaliveAction {
    /// Send a ping: calls are open and nothing was received for `keepalive_interval`.
    SendPing,
    /// No call for `idle_timeout`: send GOAWAY and close.
    CloseIdle,
    /// The ping was not answered within `keepalive_timeout`.
    PingTimedOut,
    /// The peer has accepted no output for `write_stall_timeout`.
    WriteStalled,
}

/// When input was received last, and since when output is blocked.
#[derive(Debug)]
pub(super) struct Keepalive {
    last_received: Duration,
    ping_sent_at: Option<Duration>,
    stalled_since: Option<Duration>,
    /// The protocol has pings.
    pings: bool,
}

impl Keepalive {
    pub(super) fn new(now: Duration) -> Keepalive {
        Keepalive { last_received: now, ping_sent_at: None, stalled_since: None, pings: true }
    }

    /// The protocol has no pings: a silent peer with an open call is left alone.
    pub(super) fn without_pings(&mut self) {
        self.pings = false;
    }

    /// Input was received.
    pub(super) fn received(&mut self, now: Duration) {
        self.last_received = now;
        self.ping_sent_at = None;
    }

    /// A ping was sent.
    pub(super) fn ping_sent(&mut self, now: Duration) {
        self.ping_sent_at = Some(now);
    }

    /// Output was accepted.
    pub(super) fn wrote(&mut self) {
        self.stalled_since = None;
    }

    /// No output was accepted although some is pending.
    pub(super) fn write_blocked(&mut self, now: Duration) {
        self.stalled_since.get_or_insert(now);
    }

    /// When [`Keepalive::action`] may next return something. A connection without an open call is
    /// idle since `idle_since`, or else since input was received.
    pub(super) fn next(
        &self,
        open_calls: usize,
        idle_since: Option<Duration>,
        limits: &Limits,
    ) -> Duration {
        let silence = match self.ping_sent_at {
            Some(sent_at) => sent_at + limits.keepalive_timeout,
            None if open_calls > 0 && !self.pings => Duration::MAX,
            None if open_calls > 0 => self.last_received + limits.keepalive_interval,
            None => self.idle_until(idle_since, limits),
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
        idle_since: Option<Duration>,
        limits: &Limits,
    ) -> Option<KeepaliveAction> {
        if self.stalled_since.is_some_and(|since| now >= since + limits.write_stall_timeout) {
            return Some(KeepaliveAction::WriteStalled);
        }
        match self.ping_sent_at {
            Some(sent_at) => {
                (now >= sent_at + limits.keepalive_timeout).then_some(KeepaliveAction::PingTimedOut)
            }
            None if open_calls > 0 && !self.pings => None,
            None if open_calls > 0 => (now >= self.last_received + limits.keepalive_interval)
                .then_some(KeepaliveAction::SendPing),
            None => {
                (now >= self.idle_until(idle_since, limits)).then_some(KeepaliveAction::CloseIdle)
            }
        }
    }

    fn idle_until(&self, idle_since: Option<Duration>, limits: &Limits) -> Duration {
        idle_since.unwrap_or(self.last_received).saturating_add(limits.idle_timeout)
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
    fn a_silent_peer_is_pinged_and_then_declared_dead() {
        let mut keepalive = Keepalive::new(s(0));
        assert_eq!(keepalive.action(s(59), 1, None, LIMITS), None);
        assert_eq!(keepalive.next(1, None, LIMITS), s(60));
        assert_eq!(keepalive.action(s(60), 1, None, LIMITS), Some(KeepaliveAction::SendPing));
        keepalive.ping_sent(s(60));
        assert_eq!(keepalive.action(s(79), 1, None, LIMITS), None);
        assert_eq!(keepalive.action(s(80), 1, None, LIMITS), Some(KeepaliveAction::PingTimedOut));
    }

    #[test]
    fn without_pings_a_silent_peer_with_a_call_is_left_alone() {
        let mut keepalive = Keepalive::new(s(0));
        keepalive.without_pings();
        assert_eq!(keepalive.next(1, None, LIMITS), Duration::MAX);
        assert_eq!(keepalive.action(s(6000), 1, None, LIMITS), None);
        assert_eq!(keepalive.action(s(600), 0, None, LIMITS), Some(KeepaliveAction::CloseIdle));
    }

    #[test]
    fn any_input_counts_as_a_sign_of_life() {
        let mut keepalive = Keepalive::new(s(0));
        keepalive.ping_sent(s(60));
        keepalive.received(s(79));
        assert_eq!(keepalive.action(s(80), 1, None, LIMITS), None);
        assert_eq!(keepalive.next(1, None, LIMITS), s(79 + 60));
    }

    #[test]
    fn a_connection_without_calls_ends_after_the_idle_timeout() {
        let keepalive = Keepalive::new(s(0));
        assert_eq!(keepalive.action(s(599), 0, None, LIMITS), None);
        assert_eq!(keepalive.action(s(600), 0, None, LIMITS), Some(KeepaliveAction::CloseIdle));
    }

    #[test]
    fn input_does_not_prolong_the_idle_time_that_counts_since_the_last_call() {
        let mut keepalive = Keepalive::new(s(0));
        keepalive.received(s(599));
        assert_eq!(keepalive.next(0, Some(s(0)), LIMITS), s(600));
        let action = keepalive.action(s(600), 0, Some(s(0)), LIMITS);
        assert_eq!(action, Some(KeepaliveAction::CloseIdle));
    }

    #[test]
    fn a_peer_that_does_not_read_is_declared_stalled() {
        let mut keepalive = Keepalive::new(s(0));
        keepalive.write_blocked(s(1));
        keepalive.received(s(30));
        keepalive.write_blocked(s(31));
        assert_eq!(keepalive.next(1, None, LIMITS), s(61));
        assert_eq!(keepalive.action(s(61), 1, None, LIMITS), Some(KeepaliveAction::WriteStalled));
        keepalive.wrote();
        assert_eq!(keepalive.action(s(61), 1, None, LIMITS), None);
    }
}
