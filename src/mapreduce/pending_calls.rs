//! Calls that a worker is to get, kept until its connection takes them.
//!
//! ```text
//!   push --> waiting --first, then start--> taken      it is in flight, and not here any more
//!             ^   ^                |          |
//!             |   +---- refused ---+          |        until a call of the connection has ended
//!             +-------- turned away ----------+        until a pause is over
//! ```
//!
//! A connection takes a limited number of calls at once. A call that it refuses stays the first in
//! line: nothing of what was to be sent is lost, and the order of asking is kept. A worker that has no
//! room for a call (RESOURCE_EXHAUSTED: others ask it as well) turns it away, and nothing has failed.

use std::collections::VecDeque;
use std::time::Duration;

/// What a connection says to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Started {
    /// It is on its way, or there is no need for it any more.
    Taken,
    /// As many calls as the connection takes are in flight.
    Refused,
}

/// The calls that one worker is to get.
#[derive(Debug)]
pub struct PendingCalls<C> {
    waiting: VecDeque<C>,
    rest: Option<Rest>,
}

/// The worker has turned calls away, and is left alone for a while.
#[derive(Debug)]
struct Rest {
    /// The first one; none has been taken since.
    since: Duration,
    pause: Duration,
    until: Duration,
}

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// After so long a worker that has no room has failed.
const LONGEST_REFUSAL: Duration = Duration::from_secs(60);

impl<C> Default for PendingCalls<C> {
    fn default() -> Self {
        PendingCalls { waiting: VecDeque::new(), rest: None }
    }
}

impl<C: PartialEq> PendingCalls<C> {
    /// One more call, behind the others. One that waits already is not asked for twice: what it has
    /// to say is found out when it is started.
    pub fn push(&mut self, call: C) {
        if !self.waiting.contains(&call) {
            self.waiting.push_back(call);
        }
    }

    /// The call that is to be started next.
    pub fn first(&self) -> Option<&C> {
        self.waiting.front()
    }

    /// What came of starting the first call. Returns whether it is worth while to start the next.
    pub fn started(&mut self, started: Started) -> bool {
        match started {
            Started::Taken => self.waiting.pop_front().is_some(),
            Started::Refused => false,
        }
    }

    /// The worker had no room for a call that was taken: it is the first to be started again, after a
    /// pause that grows. Returns false if that has gone on for too long; then it is not.
    pub fn turned_away(&mut self, call: C, now: Duration) -> bool {
        let since = self.rest.as_ref().map_or(now, |rest| rest.since);
        if now - since >= LONGEST_REFUSAL {
            return false;
        }
        let pause = match &self.rest {
            None => FIRST_PAUSE,
            // Of several that were on their way together.
            Some(rest) if now < rest.until => rest.pause,
            Some(rest) => (2 * rest.pause).min(LONGEST_PAUSE),
        };
        self.rest = Some(Rest { since, pause, until: now + pause });
        if !self.waiting.contains(&call) {
            self.waiting.push_front(call);
        }
        true
    }

    /// The worker had room for a call.
    pub fn had_room(&mut self) {
        self.rest = None;
    }

    /// Until when nothing is to be started, if something waits for that.
    pub fn backoff_until(&self) -> Option<Duration> {
        self.rest.as_ref().filter(|_| !self.is_empty()).map(|rest| rest.until)
    }

    /// Whether no call waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Starts what a connection with room for so many calls takes.
    fn start(calls: &mut PendingCalls<u32>, mut room: usize) -> Vec<u32> {
        let mut taken = Vec::new();
        while let Some(call) = calls.first().copied() {
            let started = if room == 0 { Started::Refused } else { Started::Taken };
            if started == Started::Taken {
                room -= 1;
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
        assert_eq!(start(&mut calls, 9), [1], "it was started: it may be asked for again");
    }

    #[test]
    fn a_rejected_call_is_retried_first_with_a_growing_pause() {
        let mut calls = PendingCalls::default();
        (1..=3).for_each(|call| calls.push(call));
        assert_eq!(start(&mut calls, 1), [1]);
        let mut now = Duration::from_secs(100);
        let mut pauses = Vec::new();
        for _ in 0..10 {
            assert!(calls.turned_away(1, now));
            let until = calls.backoff_until().unwrap();
            pauses.push((until - now).as_millis());
            now = until;
            assert_eq!(start(&mut calls, 1), [1]);
        }
        assert_eq!(pauses, [10, 20, 40, 80, 160, 320, 500, 500, 500, 500]);
        calls.had_room();
        assert_eq!(calls.backoff_until(), None);
        assert!(calls.turned_away(1, now));
        assert_eq!(calls.backoff_until(), Some(now + FIRST_PAUSE));
        assert_eq!(start(&mut calls, 9), [1, 2, 3]);
        assert!(!calls.turned_away(1, now + LONGEST_REFUSAL), "for too long");
        assert!(calls.is_empty());
    }
}
