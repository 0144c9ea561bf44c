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
    pub(super) is_scarce: bool,
    line: VecDeque<CallId>,
}

impl Reservations {
    /// None yet, of `max` bytes in all. A message that is longer is let through alone.
    pub(super) const fn new(max: usize) -> Reservations {
        Reservations { max, reserved: 0, is_scarce: false, line: VecDeque::new() }
    }

    /// Reserves so many bytes, if there is room.
    fn reserve(&mut self, bytes: usize) -> bool {
        let has_room = self.reserved == 0 || (!self.is_scarce && self.reserved + bytes <= self.max);
        if has_room {
            self.reserved += bytes;
        }
        has_room
    }

    /// Who waits longest.
    pub(super) fn first(&self) -> Option<CallId> {
        self.line.front().copied()
    }

    /// Takes the one out that waits longest.
    pub(super) fn remove_first(&mut self) {
        self.line.pop_front();
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
    waits: bool,
    /// It stands in line, perhaps for a message that is whole meanwhile.
    in_line: bool,
    /// Bytes that the stream's window is owed.
    withheld: usize,
}

impl Reservation {
    pub(super) const NONE: Reservation =
        Reservation { reserved: 0, waits: false, in_line: false, withheld: 0 };

    /// The message is whole.
    pub(super) fn complete(&mut self, all: &mut Reservations) {
        all.reserved -= std::mem::take(&mut self.reserved);
        self.waits = false;
    }

    /// A message of so many bytes is unfinished.
    pub(super) fn want(&mut self, call: CallId, bytes: usize, all: &mut Reservations) {
        // Nobody is overtaken: who comes later stands behind those in line.
        if self.reserved > 0 || self.waits {
            return;
        }
        if all.line.is_empty() && all.reserve(bytes) {
            self.reserved = bytes;
            return;
        }
        self.waits = true;
        if !std::mem::replace(&mut self.in_line, true) {
            all.line.push_back(call);
        }
    }

    /// Whether it has to wait for others.
    pub(super) fn waits(&self) -> bool {
        self.waits
    }

    /// What the stream's window is to open by, of `bytes` that the connection's opens by.
    pub(super) fn window(&mut self, bytes: usize) -> usize {
        self.withheld += bytes;
        if self.waits { 0 } else { std::mem::take(&mut self.withheld) }
    }

    /// Its turn has come, with a message of so many bytes, if one is unfinished. Gives what the
    /// stream's window opens by; nothing if there is no room.
    pub(super) fn turn(&mut self, bytes: Option<usize>, all: &mut Reservations) -> Option<usize> {
        if let Some(bytes) = bytes.filter(|_| self.waits) {
            if !all.reserve(bytes) {
                return None;
            }
            self.reserved = bytes;
        }
        (self.waits, self.in_line) = (false, false);
        Some(std::mem::take(&mut self.withheld))
    }

    /// The call is over.
    pub(super) fn close(&mut self, call: CallId, all: &mut Reservations) {
        all.reserved -= self.reserved;
        if self.in_line {
            all.line.retain(|waiting| *waiting != call);
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
            call.want(CallId(id), 600, &mut all);
        }
        (all, calls)
    }

    #[test]
    fn who_finds_no_room_waits_for_those_before() {
        let (mut all, mut calls) = three_calls();
        assert_eq!(calls.each_mut().map(|call| call.window(10)), [10, 0, 0]);
        assert_eq!(all.first(), Some(CallId(2)));
        assert_eq!(calls[1].turn(Some(600), &mut all), None);
        calls[0].complete(&mut all);
        assert_eq!(calls[1].turn(Some(600), &mut all), Some(10));
        all.remove_first();
        assert_eq!(calls[2].turn(Some(600), &mut all), None);
        calls[1].close(CallId(2), &mut all);
        assert_eq!(calls[2].turn(Some(600), &mut all), Some(10));
    }

    #[test]
    fn a_message_that_became_whole_meanwhile_is_owed_its_window() {
        let (mut all, mut calls) = three_calls();
        assert_eq!(calls[1].window(10), 0);
        calls[1].complete(&mut all);
        assert_eq!(calls[1].window(5), 15);
        calls[1].want(CallId(2), 700, &mut all);
        assert_eq!(all.line, [CallId(2), CallId(3)], "once");
    }

    #[test]
    fn nobody_is_overtaken_and_a_call_that_is_over_leaves_the_line() {
        let (mut all, mut calls) = three_calls();
        let mut small = Reservation::NONE;
        small.want(CallId(4), 1, &mut all);
        assert_eq!(small.window(10), 0);
        (2..).zip(&mut calls[1..]).for_each(|(id, call)| call.close(CallId(id), &mut all));
        assert_eq!(all.line, [CallId(4)]);
        assert_eq!(small.turn(Some(1), &mut all), Some(10));
    }

    #[test]
    fn what_is_larger_than_all_is_let_through_alone_and_so_is_each_when_memory_is_short() {
        let mut all = Reservations::new(1000);
        let (mut first, mut second) = (Reservation::NONE, Reservation::NONE);
        first.want(CallId(1), 5000, &mut all);
        assert_eq!(first.window(10), 10);
        first.complete(&mut all);
        all.is_scarce = true;
        first.want(CallId(1), 10, &mut all);
        second.want(CallId(2), 10, &mut all);
        assert_eq!((first.window(10), second.window(10)), (10, 0));
    }
}
