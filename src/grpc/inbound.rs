//! What arrives for one call: messages out of DATA frames, and the window that they take up.
//!
//! A message takes up its prefix as well: an empty one costs memory where it waits to be taken.

use super::credit::Credit;
use super::fault::Fault;
use super::message::{Assembler, MessageLimits, PREFIX_BYTES};
use super::reservations::Reservation;
use crate::call::CallId;

/// The receiving side of a call.
#[derive(Debug)]
pub(super) struct Inbound {
    assembler: Assembler,
    credit: Credit,
    reservation: Reservation,
}

/// What became of a DATA frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Received {
    /// Bytes to give back to the peer as window of the connection, and of the stream.
    pub(super) released: usize,
    pub(super) of_stream: usize,
    /// The last message of the call was among the delivered ones.
    pub(super) last: bool,
}

impl Inbound {
    pub(super) const fn new() -> Inbound {
        Inbound {
            assembler: Assembler::new(),
            credit: Credit::new(),
            reservation: Reservation::NONE,
        }
    }

    /// Takes a DATA frame and calls `deliver(message, last)` for each message that it completes.
    ///
    /// # Errors
    /// As [`Assembler::feed`]. The call is to be closed; what it holds is given back then.
    pub(super) fn receive(
        &mut self,
        call: CallId,
        data: &[u8],
        end: bool,
        compressed: Fault,
        limits: &mut MessageLimits,
        mut deliver: impl FnMut(&[u8], bool),
    ) -> Result<Received, Fault> {
        let (mut message_bytes, mut any_last) = (0, false);
        let fed = self.assembler.feed(data, end, compressed, limits, |message, last| {
            message_bytes += PREFIX_BYTES + message.len();
            any_last |= last;
            deliver(message, last);
        });
        match fed {
            Ok(()) => {
                if message_bytes > 0 {
                    self.reservation.complete(&mut limits.reservations);
                }
                if let Some(bytes) = self.assembler.unfinished() {
                    self.reservation.request(call, bytes, &mut limits.reservations);
                }
                let released = self.credit.receive(data.len(), message_bytes);
                let of_stream = self.reservation.window(released);
                Ok(Received { released, of_stream, last: any_last })
            }
            Err(fault) => {
                self.credit.receive_rejected(data.len());
                Err(fault)
            }
        }
    }

    /// The application took a message of this many bytes. Returns the bytes to give back.
    pub(super) fn consume_message(&mut self, message_bytes: usize) -> usize {
        self.credit.consume_message(PREFIX_BYTES + message_bytes)
    }

    /// Bytes of messages that wait to be taken.
    pub(super) fn unconsumed(&self) -> usize {
        self.credit.unconsumed()
    }

    /// Whether no message is unfinished.
    pub(super) fn is_between_messages(&self) -> bool {
        self.assembler.is_between_messages()
    }

    /// It stands first in the line of those that wait. Returns what its stream is to be given, or
    /// nothing if it has to wait on.
    pub(super) fn grant(&mut self, limits: &mut MessageLimits) -> Option<usize> {
        let given =
            self.reservation.grant(self.assembler.unfinished(), &mut limits.reservations)?;
        // It had no room until now.
        self.assembler.restart_stall_check();
        Some(given)
    }

    /// Whether its message does not get on, by no fault of ours: it has not grown since the last look
    /// although the peer might send (`may_come`), or it is_waiting for others of which none does for two
    /// looks (`idle_checks`).
    pub(super) fn is_stalled(&mut self, may_come: bool, idle_checks: u32) -> bool {
        let is_blocked =
            self.reservation.is_waiting() && self.unconsumed() == 0 && idle_checks >= 2;
        self.assembler.is_stalled() && (may_come || is_blocked)
    }

    /// Ends the call, and is as new for another one. Returns the bytes to give back.
    pub(super) fn close(&mut self, call: CallId, limits: &mut MessageLimits) -> usize {
        self.reservation.close(call, &mut limits.reservations);
        self.assembler.reset(limits);
        self.credit.close()
    }
}
