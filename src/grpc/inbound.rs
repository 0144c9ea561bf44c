//! The receiving side of one call: messages from DATA frames, and their flow-control window.
//!
//! A message counts with its prefix, since an empty one also costs memory until it is consumed.

use super::compression::Encoding;
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

/// The result of a DATA frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Received {
    /// Bytes to release to the window of the connection.
    pub(super) released: usize,
    /// Bytes to release to the window of the stream.
    pub(super) of_stream: usize,
    /// The last message of the call was delivered.
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

    /// Takes a DATA frame and calls `deliver(message, last, was_compressed)` for each message that
    /// it completes. Expanded messages count with what they expand to.
    ///
    /// # Errors
    /// As [`Assembler::feed`]. The caller closes the call, which releases all of its bytes.
    pub(super) fn receive(
        &mut self,
        call: CallId,
        data: &[u8],
        end: bool,
        encoding: Encoding,
        limits: &mut MessageLimits,
        mut deliver: impl FnMut(&[u8], bool, bool),
    ) -> Result<Received, Fault> {
        let (mut message_bytes, mut any_last) = (0, false);
        let fed =
            self.assembler.feed(data, end, encoding, limits, |message, last, was_compressed| {
                message_bytes += PREFIX_BYTES + message.len();
                any_last |= last;
                deliver(message, last, was_compressed);
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
                // They do not count, since the call ends.
                limits.unconsumed_bytes -= message_bytes;
                self.credit.receive_rejected(data.len());
                Err(fault)
            }
        }
    }

    /// The application has consumed a message of this many bytes. Returns the bytes to release.
    pub(super) fn consume_message(&mut self, message_bytes: usize) -> usize {
        self.credit.consume_message(PREFIX_BYTES + message_bytes)
    }

    /// Bytes of messages that wait to be consumed.
    pub(super) fn unconsumed(&self) -> usize {
        self.credit.unconsumed()
    }

    /// Whether no message is unfinished.
    pub(super) fn is_between_messages(&self) -> bool {
        self.assembler.is_between_messages()
    }

    /// Grants the reservation of the call that waits longest. Returns how many bytes to release to its
    /// stream, or `None` if it must still wait.
    pub(super) fn grant(&mut self, limits: &mut MessageLimits) -> Option<usize> {
        let given =
            self.reservation.grant(self.assembler.unfinished(), &mut limits.reservations)?;
        // Until now its window was closed.
        self.assembler.restart_stall_check();
        Some(given)
    }

    /// Whether the unfinished message is stalled by the peer: it has not grown since the last check
    /// although its window is open (`may_receive`), or it waits for other messages of which none has
    /// grown for two checks (`idle_checks`).
    pub(super) fn is_stalled(&mut self, may_receive: bool, idle_checks: u32) -> bool {
        let is_blocked =
            self.reservation.is_waiting() && self.unconsumed() == 0 && idle_checks >= 2;
        self.assembler.is_stalled() && (may_receive || is_blocked)
    }

    /// Ends the call and resets this value for another one. Returns the bytes to release.
    pub(super) fn close(&mut self, call: CallId, limits: &mut MessageLimits) -> usize {
        self.reservation.close(call, &mut limits.reservations);
        self.assembler.reset(limits);
        self.credit.close()
    }
}
