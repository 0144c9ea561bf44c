//! The deadlines of a connection's open calls.

use std::time::Duration;

use crate::call::CallId;

/// The deadlines of the calls that have one.
///
/// A connection carries some hundred calls at most, most of them without a deadline, and they end
/// in roughly the order in which they began: a list searched from its end beats a tree.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    calls: Vec<(Duration, CallId)>,
    /// Not later than the earliest deadline; it may be earlier when a call ended before its time.
    earliest: Option<Duration>,
}

impl Deadlines {
    /// Adds the deadline of a call.
    pub(super) fn insert(&mut self, call: CallId, deadline: Duration) {
        self.calls.push((deadline, call));
        self.earliest = Some(self.earliest.map_or(deadline, |earliest| earliest.min(deadline)));
    }

    /// Removes a call that ended.
    pub(super) fn remove(&mut self, call: CallId) {
        if let Some(at) = self.calls.iter().rposition(|&(_, c)| c == call) {
            self.calls.swap_remove(at);
        }
        if self.calls.is_empty() {
            self.earliest = None;
        }
    }

    /// When to call [`expire`](Self::expire), if any call has a deadline. It may be too early,
    /// never too late.
    pub(super) fn earliest(&self) -> Option<Duration> {
        self.earliest
    }

    /// Removes the calls whose deadline has passed, and returns them in the order of their
    /// deadlines.
    pub(super) fn expire(&mut self, now: Duration) -> Vec<CallId> {
        if self.earliest.is_none_or(|earliest| now < earliest) {
            return Vec::new();
        }
        let mut expired: Vec<_> =
            self.calls.extract_if(.., |(deadline, _)| *deadline <= now).collect();
        expired.sort_unstable();
        self.earliest = self.calls.iter().map(|&(deadline, _)| deadline).min();
        expired.into_iter().map(|(_, call)| call).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn calls_expire_in_the_order_of_their_deadlines() {
        let mut deadlines = Deadlines::default();
        deadlines.insert(CallId(1), s(5));
        deadlines.insert(CallId(3), s(2));
        deadlines.insert(CallId(5), s(9));
        assert_eq!(deadlines.earliest(), Some(s(2)));
        assert_eq!(deadlines.expire(s(1)), []);
        assert_eq!(deadlines.expire(s(5)), [CallId(3), CallId(1)]);
        assert_eq!(deadlines.earliest(), Some(s(9)));
    }

    #[test]
    fn a_call_that_ended_does_not_expire() {
        let mut deadlines = Deadlines::default();
        deadlines.insert(CallId(1), s(5));
        deadlines.remove(CallId(1));
        deadlines.remove(CallId(7));
        assert_eq!(deadlines.earliest(), None);
        assert_eq!(deadlines.expire(s(6)), []);
    }
}
