//! Calls that a worker is to get, kept until its connection takes them.
//!
//! ```text
//!   push --> waiting --first, then start--> taken      it is in flight, and not here any more
//!               ^                  |
//!               +---- refused -----+                   until a call of the connection has ended
//! ```
//!
//! A connection takes a limited number of calls at once. A call that it refuses stays the first in
//! line: nothing of what was to be sent is lost, and the order of asking is kept.

use std::collections::VecDeque;

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
}

impl<C> Default for PendingCalls<C> {
    fn default() -> Self {
        PendingCalls { waiting: VecDeque::new() }
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
    fn what_is_refused_is_started_later_in_the_order_of_asking() {
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
    fn what_waits_is_not_asked_for_twice() {
        let mut calls = PendingCalls::default();
        calls.push(1);
        calls.push(2);
        calls.push(1);
        assert_eq!(start(&mut calls, 9), [1, 2]);
        calls.push(1);
        assert_eq!(start(&mut calls, 9), [1], "it was started: it may be asked for again");
    }
}
