//! Which calls of a connection may go on with a message that is larger than their window.
//!
//! A message that is cut over many DATA frames can only end if the window opens while it comes. With
//! a hundred calls at once that would be a hundred unfinished messages in memory. So a call reserves
//! the length of its message first. While others have reserved all there is, it waits in line: the
//! connection's window opens for what it sends, its stream's does not, and the peer sends the rest
//! later. Nobody is refused.

use std::collections::VecDeque;

use crate::call::CallId;

/// The reservations of one connection, in bytes.
#[derive(Debug)]
pub(super) struct Reservations {
    max: usize,
    reserved: usize,
    /// Memory is short: one message at a time.
    pub(super) memory_pressure: bool,
    waiting: VecDeque<CallId>,
}

impl Reservations {
    /// None yet, of `max` bytes in all. A message that is longer is let through alone.
    pub(super) const fn new(max: usize) -> Reservations {
        Reservations { max, reserved: 0, memory_pressure: false, waiting: VecDeque::new() }
    }

    /// Reserves so many bytes, if there is room.
    fn reserve(&mut self, bytes: usize) -> bool {
        let has_room =
            self.reserved == 0 || (!self.memory_pressure && self.reserved + bytes <= self.max);
        if has_room {
            self.reserved += bytes;
        }
        has_room
    }

    /// Who waits longest.
    pub(super) fn first_waiting(&self) -> Option<CallId> {
        self.waiting.front().copied()
    }

    /// Takes the one out that waits longest.
    pub(super) fn remove_first_waiting(&mut self) {
        self.waiting.pop_front();
    }
}

/// Where one call stands.
///
/// ```text
///             a part has come, and no room        room
///   Small ──────────────────────────────▶ Waits ───────▶ Reserved
///     │ ▲ ◀─────────── the whole is there ──┘              │ │
///     │ └───────────────── the whole is there ─────────────┘ │
///     └─────────────────── a part has come, and room ────────┘
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reservation {
    reserved: usize,
    is_waiting: bool,
    /// It stands in line, perhaps for a message that is whole meanwhile.
    is_queued: bool,
    /// Bytes that the stream's window is owed.
    withheld: usize,
}

impl Reservation {
    pub(super) const NONE: Reservation =
        Reservation { reserved: 0, is_waiting: false, is_queued: false, withheld: 0 };

    /// The message is whole.
    pub(super) fn complete(&mut self, all: &mut Reservations) {
        all.reserved -= std::mem::take(&mut self.reserved);
        self.is_waiting = false;
    }

    /// A message of so many bytes is unfinished.
    pub(super) fn request(&mut self, call: CallId, bytes: usize, all: &mut Reservations) {
        // Nobody is overtaken: who comes later stands behind those in line.
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

    /// Whether it has to wait for others.
    pub(super) fn is_waiting(&self) -> bool {
        self.is_waiting
    }

    /// What the stream's window is to open by, of `bytes` that the connection's opens by.
    pub(super) fn window(&mut self, bytes: usize) -> usize {
        self.withheld += bytes;
        if self.is_waiting { 0 } else { std::mem::take(&mut self.withheld) }
    }

    /// Its turn has come, with a message of so many bytes, if one is unfinished. Gives what the
    /// stream's window opens by; nothing if there is no room.
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

    /// The call is over.
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
