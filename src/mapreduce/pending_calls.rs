//! Calls to a worker that wait for capacity.
//!
//! ```text
//!   push --> waiting --first, then start--> taken      it is in flight, and no longer here
//!             ^   ^                |          |
//!             |   +---- refused ---+          |        until a call of the connection has ended
//!             +---- RESOURCE_EXHAUSTED -------+        until a pause is over
//! ```
//!
//! A connection accepts a limited number of calls at once. A call that it refuses stays the first
//! in the queue, so no call is lost and the order is kept. A worker without capacity
//! (RESOURCE_EXHAUSTED, because it serves other masters as well) rejects a call. The call is then
//! retried, and no attempt fails.

use std::collections::VecDeque;
use std::time::Duration;

/// The result of starting a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Started {
    /// The call is in flight, or is no longer needed.
    Taken,
    /// The connection has its maximal number of calls in flight.
    Refused,
}

/// The waiting calls of one worker.
#[derive(Debug)]
pub struct PendingCalls<C> {
    waiting: VecDeque<C>,
    backoff: Option<Backoff>,
}

/// A pause after the worker has rejected calls.
#[derive(Debug)]
struct Backoff {
    /// The first rejection; no call has been accepted since.
    since: Duration,
    pause: Duration,
    until: Duration,
}

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const MAX_PAUSE: Duration = Duration::from_millis(500);
/// A worker that has no capacity for this long has failed.
const MAX_REFUSED_TIME: Duration = Duration::from_secs(60);

impl<C> Default for PendingCalls<C> {
    fn default() -> Self {
        PendingCalls { waiting: VecDeque::new(), backoff: None }
    }
}

impl<C: PartialEq> PendingCalls<C> {
    /// Adds a call at the end. A call that already waits is not added again, because its message is
    /// built when it is started.
    pub fn push(&mut self, call: C) {
        if !self.waiting.contains(&call) {
            self.waiting.push_back(call);
        }
    }

    /// The next call to start.
    pub fn first(&self) -> Option<&C> {
        self.waiting.front()
    }

    /// Records the result of starting the first call. Returns whether to start the next one.
    pub fn started(&mut self, started: Started) -> bool {
        match started {
            Started::Taken => self.waiting.pop_front().is_some(),
            Started::Refused => false,
        }
    }

    /// The worker has rejected a call (RESOURCE_EXHAUSTED): it becomes the first in the queue
    /// again, and a pause begins that grows with each rejection. Returns false, and drops the call,
    /// if calls have been rejected for too long.
    pub fn retry_later(&mut self, call: C, now: Duration) -> bool {
        let since = self.backoff.as_ref().map_or(now, |backoff| backoff.since);
        if now - since >= MAX_REFUSED_TIME {
            return false;
        }
        let pause = match &self.backoff {
            None => FIRST_PAUSE,
            // Several calls were in flight together: one pause.
            Some(backoff) if now < backoff.until => backoff.pause,
            Some(backoff) => (2 * backoff.pause).min(MAX_PAUSE),
        };
        self.backoff = Some(Backoff { since, pause, until: now + pause });
        if !self.waiting.contains(&call) {
            self.waiting.push_front(call);
        }
        true
    }

    /// The worker has accepted a call.
    pub fn accepted(&mut self) {
        self.backoff = None;
    }

    /// The end of the pause, if calls wait for it.
    pub fn backoff_until(&self) -> Option<Duration> {
        self.backoff.as_ref().filter(|_| !self.is_empty()).map(|backoff| backoff.until)
    }

    /// Whether no call waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Starts calls on a connection with this capacity.
    fn start(calls: &mut PendingCalls<u32>, mut capacity: usize) -> Vec<u32> {
        let mut taken = Vec::new();
        while let Some(call) = calls.first().copied() {
            let started = if capacity == 0 { Started::Refused } else { Started::Taken };
            if started == Started::Taken {
                capacity -= 1;
                taken.push(call);
            }
            if !calls.started(started) {
                break;
            }
        }
        taken
    }

    #[test]
    fn refused_calls_start_later_in_order() {
        let mut calls = PendingCalls::default();
        (1..=5).for_each(|call| calls.push(call));
        assert_eq!(start(&mut calls, 2), [1, 2]);
        calls.push(6);
        assert_eq!(start(&mut calls, 0), [0; 0]);
        assert_eq!(start(&mut calls, 3), [3, 4, 5]);
        assert_eq!(start(&mut calls, 9), [6]);
        assert!(calls.is_empty());
    }

    #[test]
    fn a_waiting_call_is_not_queued_twice() {
        let mut calls = PendingCalls::default();
        calls.push(1);
        calls.push(2);
        calls.push(1);
        assert_eq!(start(&mut calls, 9), [1, 2]);
        calls.push(1);
        assert_eq!(start(&mut calls, 9), [1], "it was started: it may be queued again");
    }

    #[test]
    fn a_rejected_call_is_retried_first_with_a_growing_pause() {
        let mut calls = PendingCalls::default();
        (1..=3).for_each(|call| calls.push(call));
        assert_eq!(start(&mut calls, 1), [1]);
        let mut now = Duration::from_secs(100);
        let mut pauses = Vec::new();
        for _ in 0..10 {
            assert!(calls.retry_later(1, now));
            let until = calls.backoff_until().unwrap();
            pauses.push((until - now).as_millis());
            now = until;
            assert_eq!(start(&mut calls, 1), [1]);
        }
        assert_eq!(pauses, [10, 20, 40, 80, 160, 320, 500, 500, 500, 500]);
        calls.accepted();
        assert_eq!(calls.backoff_until(), None);
        assert!(calls.retry_later(1, now));
        assert_eq!(calls.backoff_until(), Some(now + FIRST_PAUSE));
        assert_eq!(start(&mut calls, 9), [1, 2, 3]);
        assert!(!calls.retry_later(1, now + MAX_REFUSED_TIME), "for too long");
        assert!(calls.is_empty());
    }
}
