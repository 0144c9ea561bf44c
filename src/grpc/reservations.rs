//! Which calls of a connection may continue a message that is larger than their window.
//!
//! A message larger than the window can only be completed if the window opens while it arrives. With a
//! hundred concurrent calls there would be a hundred unfinished messages in memory. So a call first
//! reserves the length of its message. While other calls have reserved the whole capacity, it waits in
//! a queue: the window of the connection opens for its bytes, the window of its stream does not, and
//! the peer sends the rest later. No call is refused.

use std::collections::VecDeque;

use crate::call::CallId;

/// The reservations of one connection, in bytes.
#[derive(Debug)]
pub(super) struct Reservations {
    max: usize,
    reserved: usize,
    /// Memory is short: only one message at a time.
    pub(super) memory_pressure: bool,
    waiting: VecDeque<CallId>,
}

impl Reservations {
    /// No reservations, with a capacity of `max` bytes. A longer message is admitted alone.
    pub(super) const fn new(max: usize) -> Reservations {
        Reservations { max, reserved: 0, memory_pressure: false, waiting: VecDeque::new() }
    }

    /// Reserves this many bytes, if there is capacity.
    fn reserve(&mut self, bytes: usize) -> bool {
        let has_room =
            self.reserved == 0 || (!self.memory_pressure && self.reserved + bytes <= self.max);
        if has_room {
            self.reserved += bytes;
        }
        has_room
    }

    /// The call that waits longest.
    pub(super) fn first_waiting(&self) -> Option<CallId> {
        self.waiting.front().copied()
    }

    /// Removes the call that waits longest from the queue.
    pub(super) fn remove_first_waiting(&mut self) {
        self.waiting.pop_front();
    }
}

/// The reservation of one call.
///
/// ```text
///             incomplete, no capacity            capacity
///   None ───────────────────────────────▶ Waiting ───────▶ Reserved
///     │ ▲ ◀──────────────── complete ────────┘              │ │
///     │ └────────────────── complete ───────────────────────┘ │
///     └──────────────────── incomplete, capacity ─────────────┘
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reservation {
    reserved: usize,
    is_waiting: bool,
    /// The call is in the queue, perhaps for a message that is complete by now.
    is_queued: bool,
    /// Bytes withheld from the stream's window.
    withheld: usize,
}

impl Reservation {
    pub(super) const NONE: Reservation =
        Reservation { reserved: 0, is_waiting: false, is_queued: false, withheld: 0 };

    /// The message is complete.
    pub(super) fn complete(&mut self, all: &mut Reservations) {
        all.reserved -= std::mem::take(&mut self.reserved);
        self.is_waiting = false;
    }

    /// Requests a reservation for an unfinished message of this many bytes.
    pub(super) fn request(&mut self, call: CallId, bytes: usize, all: &mut Reservations) {
        // First in, first out: a later call queues behind those that wait.
        if self.reserved > 0 || self.is_waiting {
            return;
        }
        if all.waiting.is_empty() && all.reserve(bytes) {
            self.reserved = bytes;
            return;
        }
        self.is_waiting = true;
        if !std::mem::replace(&mut self.is_queued, true) {
            all.waiting.push_back(call);
        }
    }

    /// Whether it waits for the messages of other calls.
    pub(super) fn is_waiting(&self) -> bool {
        self.is_waiting
    }

    /// How many bytes the stream's window opens by when the connection's opens by `bytes`.
    pub(super) fn window(&mut self, bytes: usize) -> usize {
        self.withheld += bytes;
        if self.is_waiting { 0 } else { std::mem::take(&mut self.withheld) }
    }

    /// Grants the reservation for an unfinished message of this many bytes, if there is one. Returns how
    /// many bytes the stream's window opens by; `None` if there is no capacity.
    pub(super) fn grant(&mut self, bytes: Option<usize>, all: &mut Reservations) -> Option<usize> {
        if let Some(bytes) = bytes.filter(|_| self.is_waiting) {
            if !all.reserve(bytes) {
                return None;
            }
            self.reserved = bytes;
        }
        (self.is_waiting, self.is_queued) = (false, false);
        Some(std::mem::take(&mut self.withheld))
    }

    /// The call has ended.
    pub(super) fn close(&mut self, call: CallId, all: &mut Reservations) {
        all.reserved -= self.reserved;
        if self.is_queued {
            all.waiting.retain(|other| *other != call);
        }
        *self = Reservation::NONE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three_calls() -> (Reservations, [Reservation; 3]) {
        let mut all = Reservations::new(1000);
        let mut calls = [Reservation::NONE; 3];
        for (id, call) in (1..).zip(&mut calls) {
            call.request(CallId(id), 600, &mut all);
        }
        (all, calls)
    }

    #[test]
    fn a_call_without_capacity_waits_for_earlier_calls() {
        let (mut all, mut calls) = three_calls();
        assert_eq!(calls.each_mut().map(|call| call.window(10)), [10, 0, 0]);
        assert_eq!(all.first_waiting(), Some(CallId(2)));
        assert_eq!(calls[1].grant(Some(600), &mut all), None);
        calls[0].complete(&mut all);
        assert_eq!(calls[1].grant(Some(600), &mut all), Some(10));
        all.remove_first_waiting();
        assert_eq!(calls[2].grant(Some(600), &mut all), None);
        calls[1].close(CallId(2), &mut all);
        assert_eq!(calls[2].grant(Some(600), &mut all), Some(10));
    }

    #[test]
    fn a_message_completed_while_waiting_gets_its_withheld_window() {
        let (mut all, mut calls) = three_calls();
        assert_eq!(calls[1].window(10), 0);
        calls[1].complete(&mut all);
        assert_eq!(calls[1].window(5), 15);
        calls[1].request(CallId(2), 700, &mut all);
        assert_eq!(all.waiting, [CallId(2), CallId(3)], "once");
    }

    #[test]
    fn reservations_are_granted_in_order_and_closed_calls_stop_waiting() {
        let (mut all, mut calls) = three_calls();
        let mut small = Reservation::NONE;
        small.request(CallId(4), 1, &mut all);
        assert_eq!(small.window(10), 0);
        (2..).zip(&mut calls[1..]).for_each(|(id, call)| call.close(CallId(id), &mut all));
        assert_eq!(all.waiting, [CallId(4)]);
        assert_eq!(small.grant(Some(1), &mut all), Some(10));
    }

    #[test]
    fn an_oversize_message_is_admitted_alone_and_so_is_every_message_under_memory_pressure() {
        let mut all = Reservations::new(1000);
        let (mut first, mut second) = (Reservation::NONE, Reservation::NONE);
        first.request(CallId(1), 5000, &mut all);
        assert_eq!(first.window(10), 10);
        first.complete(&mut all);
        all.memory_pressure = true;
        first.request(CallId(1), 10, &mut all);
        second.request(CallId(2), 10, &mut all);
        assert_eq!((first.window(10), second.window(10)), (10, 0));
    }
}
