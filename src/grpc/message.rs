//! Length-prefixed messages ("gRPC over HTTP2", `Length-Prefixed-Message`).
//!
//! ```text
//! +----------------+--------------------------+------------------+
//! | flag (1 byte)  | length (4, big-endian)   | message ...      |
//! +----------------+--------------------------+------------------+
//! ```
//!
//! DATA frames may split a message anywhere, and one DATA frame may hold several messages. A message
//! that is whole in one frame is delivered without a copy; only a split one is assembled. A compressed
//! one is expanded into memory of its own.

use super::compression::Encoding;
use super::fault::Fault;
use super::reservations::Reservations;
use crate::call::Limits;
use crate::gzip;

/// The length of the prefix, flag and length, in bytes.
pub(super) const PREFIX_BYTES: usize = 5;

/// The largest buffer that a call keeps for its next split message, in bytes. An ended call keeps
/// none: an idle connection has many slots for the next calls.
const KEPT_BYTES: usize = 4 * 1024;

/// The prefix of an uncompressed message of this many bytes; `None` if its length does not fit.
pub(super) fn prefix(message_bytes: usize) -> Option<[u8; PREFIX_BYTES]> {
    let [b0, b1, b2, b3] = u32::try_from(message_bytes).ok()?.to_be_bytes();
    Some([0, b0, b1, b2, b3])
}

/// The limits for the messages of a connection, and how much its unfinished messages hold.
#[derive(Debug)]
pub(super) struct MessageLimits {
    pub(super) max_message_bytes: usize,
    /// Beyond it unfinished messages are refused; `usize::MAX` leaves them to flow control.
    pub(super) max_unfinished_bytes: usize,
    pub(super) unfinished_bytes: usize,
    /// Bytes of messages that were delivered to the application and not consumed by it, also of requests
    /// that are not gRPC.
    pub(super) unconsumed_bytes: usize,
    /// Beyond it no compressed message is expanded: windows do not bound what they expand to.
    pub(super) max_expanded_bytes: usize,
    /// Whether an unfinished message has grown since the last check.
    grew: bool,
    /// How many consecutive checks have found no unfinished message that has grown.
    idle_checks: u32,
    /// Which calls may send more than a window of an unfinished message.
    pub(super) reservations: Reservations,
}

impl MessageLimits {
    pub(super) fn new(limits: &Limits) -> MessageLimits {
        MessageLimits {
            max_message_bytes: limits.max_message_bytes,
            max_unfinished_bytes: usize::MAX,
            unfinished_bytes: 0,
            unconsumed_bytes: 0,
            max_expanded_bytes: limits.max_expanded_bytes,
            grew: false,
            idle_checks: 0,
            reservations: Reservations::new(limits.max_partial_message_bytes),
        }
    }

    /// Begins a check of all unfinished messages. Returns how many consecutive checks, this one
    /// included, have found none that has grown.
    pub(super) fn begin_stall_check(&mut self) -> u32 {
        let idle_checks = if std::mem::take(&mut self.grew) { 0 } else { self.idle_checks };
        self.idle_checks = idle_checks.saturating_add(1);
        idle_checks
    }

    /// Checks a prefix and returns the length of its message, and whether it is compressed.
    fn check(
        &self,
        prefix: [u8; PREFIX_BYTES],
        encoding: Encoding,
    ) -> Result<(usize, bool), Fault> {
        let [flag, b0, b1, b2, b3] = prefix;
        let is_compressed = match (flag, encoding) {
            (0, _) => false,
            (1, Encoding::Gzip) => true,
            (1, Encoding::Identity) => return Err(Fault::CompressedWithoutEncoding),
            (1, Encoding::Unknown) => return Err(Fault::CompressedUnasked),
            _ => return Err(Fault::Flag(flag)),
        };
        let bytes = u32::from_be_bytes([b0, b1, b2, b3]) as usize;
        if bytes > self.max_message_bytes {
            return Err(Fault::TooLarge { bytes, limit: self.max_message_bytes });
        }
        Ok((bytes, is_compressed))
    }

    /// Delivers a complete message, which counts as unconsumed from now on.
    fn deliver(
        &mut self,
        message: &[u8],
        is_compressed: bool,
        last: bool,
        deliver: &mut impl FnMut(&[u8], bool, bool),
    ) -> Result<(), Fault> {
        let expanded = if is_compressed { Some(self.expand(message)?) } else { None };
        let message = expanded.as_deref().unwrap_or(message);
        self.unconsumed_bytes += PREFIX_BYTES + message.len();
        deliver(message, last, is_compressed);
        Ok(())
    }

    /// How many bytes compressed messages may expand to.
    pub(super) fn room_to_expand(&self) -> usize {
        self.max_expanded_bytes.saturating_sub(self.unconsumed_bytes)
    }

    /// Expands a compressed message. The empty one is empty: some senders do not compress it and set
    /// the flag all the same.
    fn expand(&self, compressed: &[u8]) -> Result<Vec<u8>, Fault> {
        let mut message = Vec::new();
        if compressed.is_empty() {
            return Ok(message);
        }
        let room = self.room_to_expand();
        let limit_bytes = room.min(self.max_message_bytes);
        match gzip::expand(compressed, limit_bytes, &mut message) {
            Ok(()) => Ok(message),
            Err(gzip::Error::TooLarge { .. }) if room < self.max_message_bytes => {
                Err(Fault::TooMuchExpanded)
            }
            Err(error) => Err(Fault::Gzip(error)),
        }
    }
}

/// Assembles the messages of one direction of one call.
///
/// ```text
///             5 bytes               length bytes
///   Prefix ─────────────▶ Payload ───────────────▶ Prefix
///      └──── prefix and message in one frame ────▶
/// ```
#[derive(Debug)]
pub(super) struct Assembler {
    state: State,
    /// The message so far; empty in `State::Prefix`.
    payload: Vec<u8>,
    /// Its length at the last check.
    checked_bytes: Option<usize>,
}

#[derive(Debug)]
enum State {
    /// The first `have` bytes of a prefix are received, not all of them.
    Prefix { bytes: [u8; PREFIX_BYTES], have: usize },
    /// The prefix is received, and the message is not complete.
    Payload { length: usize, is_compressed: bool },
}

const NO_MESSAGE: State = State::Prefix { bytes: [0; PREFIX_BYTES], have: 0 };

impl Assembler {
    pub(super) const fn new() -> Assembler {
        Assembler { state: NO_MESSAGE, payload: Vec::new(), checked_bytes: None }
    }

    /// Drops an unfinished message and its memory, for another call.
    pub(super) fn reset(&mut self, limits: &mut MessageLimits) {
        limits.unfinished_bytes -= self.payload.len();
        *self = Assembler::new();
    }

    /// Takes the payload of a DATA frame and calls `deliver(message, last, was_compressed)` for each
    /// message that it completes. `end` is END_STREAM of the frame; `last` is true for a message at the
    /// end of the stream. `encoding` is that of messages with the compressed-flag.
    ///
    /// # Errors
    /// The fault of a refused message. A refusal for the prefix comes as soon as the prefix is
    /// complete. The call has then ended.
    pub(super) fn feed(
        &mut self,
        mut data: &[u8],
        end: bool,
        encoding: Encoding,
        limits: &mut MessageLimits,
        mut deliver: impl FnMut(&[u8], bool, bool),
    ) -> Result<(), Fault> {
        while !data.is_empty() {
            match &mut self.state {
                State::Prefix { have: 0, .. }
                    if let Some((&prefix, behind)) = data.split_first_chunk() =>
                {
                    let (length, is_compressed) = limits.check(prefix, encoding)?;
                    if let Some((message, behind)) = behind.split_at_checked(length) {
                        let last = end && behind.is_empty();
                        limits.deliver(message, is_compressed, last, &mut deliver)?;
                        data = behind;
                    } else {
                        self.state = State::Payload { length, is_compressed };
                        data = behind;
                    }
                }
                State::Prefix { bytes, have } => {
                    let missing = &mut bytes[*have..];
                    let count = missing.len().min(data.len());
                    missing[..count].copy_from_slice(&data[..count]);
                    data = &data[count..];
                    *have += count;
                    if *have == PREFIX_BYTES {
                        let (length, is_compressed) = limits.check(*bytes, encoding)?;
                        self.state = State::Payload { length, is_compressed };
                        if length == 0 {
                            let last = end && data.is_empty();
                            self.finish_payload(is_compressed, last, limits, &mut deliver)?;
                        }
                    }
                }
                State::Payload { length, is_compressed } => {
                    let (length, is_compressed) = (*length, *is_compressed);
                    let count = (length - self.payload.len()).min(data.len());
                    let (part, behind) = data.split_at(count);
                    data = behind;
                    self.append(part, length, limits)?;
                    if self.payload.len() == length {
                        let last = end && data.is_empty();
                        self.finish_payload(is_compressed, last, limits, &mut deliver)?;
                    }
                }
            }
        }
        if end && !self.is_between_messages() {
            return Err(Fault::Truncated);
        }
        Ok(())
    }

    /// Whether no message is incomplete.
    pub(super) fn is_between_messages(&self) -> bool {
        matches!(self.state, State::Prefix { have: 0, .. })
    }

    /// The length of the message whose prefix is received and whose rest is not.
    pub(super) fn unfinished(&self) -> Option<usize> {
        match self.state {
            State::Payload { length, .. } => Some(length),
            State::Prefix { .. } => None,
        }
    }

    /// Whether an unfinished message holds memory and has not grown since the last check. The first
    /// check of a message returns false.
    pub(super) fn is_stalled(&mut self) -> bool {
        let bytes = self.payload.len();
        matches!(self.state, State::Payload { .. })
            && bytes > 0
            && self.checked_bytes.replace(bytes) == Some(bytes)
    }

    /// Makes the next check the first one again.
    pub(super) fn restart_stall_check(&mut self) {
        self.checked_bytes = None;
    }

    /// Appends to the message of `length` bytes. Memory grows with the received bytes, not with the
    /// length in the prefix.
    fn append(
        &mut self,
        part: &[u8],
        length: usize,
        limits: &mut MessageLimits,
    ) -> Result<(), Fault> {
        limits.unfinished_bytes += part.len();
        limits.grew = true;
        let needed = self.payload.len() + part.len();
        if needed > self.payload.capacity() {
            let capacity = (2 * self.payload.capacity()).clamp(needed, length);
            self.payload.reserve_exact(capacity - self.payload.len());
        }
        self.payload.extend_from_slice(part);
        // The limit is checked afterwards, so that `reset` subtracts what was added here. A part that
        // completes its message is always accepted, since the message is delivered at once.
        let over = limits.unfinished_bytes > limits.max_unfinished_bytes;
        if over && needed < length { Err(Fault::TooMuchUnfinished) } else { Ok(()) }
    }

    fn finish_payload(
        &mut self,
        is_compressed: bool,
        last: bool,
        limits: &mut MessageLimits,
        deliver: &mut impl FnMut(&[u8], bool, bool),
    ) -> Result<(), Fault> {
        limits.unfinished_bytes -= self.payload.len();
        self.state = NO_MESSAGE;
        self.checked_bytes = None;
        let mut payload = std::mem::take(&mut self.payload);
        limits.deliver(&payload, is_compressed, last, deliver)?;
        if payload.capacity() <= KEPT_BYTES {
            payload.clear();
            self.payload = payload;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::each_seed;

    const ANY: Encoding = Encoding::Identity;

    fn limits() -> MessageLimits {
        MessageLimits {
            max_message_bytes: 1000,
            max_unfinished_bytes: 1500,
            unfinished_bytes: 0,
            unconsumed_bytes: 0,
            max_expanded_bytes: 3000,
            grew: false,
            idle_checks: 0,
            reservations: Reservations::new(1500),
        }
    }

    fn framed(messages: &[&[u8]]) -> Vec<u8> {
        let framed = |m: &&[u8]| [&prefix(m.len()).unwrap()[..], m].concat();
        messages.iter().flat_map(framed).collect()
    }

    #[test]
    fn several_messages_in_one_data_frame_are_delivered_separately() {
        let mut got = Vec::new();
        let data = framed(&[b"one", b"", b"three"]);
        Assembler::new()
            .feed(&data, true, ANY, &mut limits(), |m, last, _| got.push((m.to_vec(), last)))
            .unwrap();
        assert_eq!(
            got,
            [(b"one".to_vec(), false), (b"".to_vec(), false), (b"three".to_vec(), true)]
        );
    }

    #[test]
    fn messages_cut_anywhere_are_delivered_whole() {
        each_seed(|seed| {
            let messages: Vec<Vec<u8>> = (0..seed.below(4))
                .map(|_| {
                    let count = seed.below(40);
                    seed.bytes(count)
                })
                .collect();
            let slices: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
            let bytes = framed(&slices);
            let (mut assembler, mut limits) = (Assembler::new(), limits());
            let mut got: Vec<Vec<u8>> = Vec::new();
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let (data, behind) = rest.split_at(1 + seed.below(rest.len()));
                rest = behind;
                assembler
                    .feed(data, rest.is_empty(), ANY, &mut limits, |m, last, _| {
                        got.push(m.to_vec());
                        assert_eq!(last, got.len() == messages.len());
                    })
                    .unwrap();
            }
            assert_eq!(got, messages);
            assert_eq!(limits.unfinished_bytes, 0);
            assert!(assembler.is_between_messages());
        });
    }

    #[test]
    fn a_message_whole_in_a_frame_is_not_copied() {
        let data = framed(&[b"left where it is"]);
        Assembler::new()
            .feed(&data, false, ANY, &mut limits(), |m, _, _| {
                assert_eq!(m.as_ptr(), data[PREFIX_BYTES..].as_ptr());
            })
            .unwrap();
    }

    #[test]
    fn an_oversize_message_is_refused_at_its_prefix() {
        let too_large = Fault::TooLarge { bytes: 1001, limit: 1000 };
        let none = |_: &[u8], _: bool, _: bool| panic!("delivered");
        let data = prefix(1001).unwrap();
        let whole = Assembler::new().feed(&data, false, ANY, &mut limits(), none);
        assert_eq!(whole, Err(too_large.clone()));
        let (mut assembler, mut limits) = (Assembler::new(), limits());
        assert_eq!(assembler.feed(&data[..4], false, ANY, &mut limits, none), Ok(()));
        assert_eq!(too_large.code(), crate::call::Code::ResourceExhausted);
        assert_eq!(assembler.feed(&data[4..], false, ANY, &mut limits, none), Err(too_large));
    }

    #[test]
    fn flags_other_than_zero_are_refused() {
        let none = |_: &[u8], _: bool, _: bool| panic!("delivered");
        let feed =
            |flag| Assembler::new().feed(&[flag, 0, 0, 0, 1, b'x'], true, ANY, &mut limits(), none);
        assert_eq!(feed(1), Err(Fault::CompressedWithoutEncoding));
        assert_eq!(feed(2), Err(Fault::Flag(2)));
    }

    #[test]
    fn the_end_in_the_middle_of_a_message_is_a_fault() {
        for cut in 1..8 {
            let data = &framed(&[b"abc"])[..cut];
            let end = Assembler::new().feed(data, true, ANY, &mut limits(), |_, _, _| ());
            assert_eq!(end, Err(Fault::Truncated), "cut at {cut}");
        }
        assert_eq!(Assembler::new().feed(&[], true, ANY, &mut limits(), |_, _, _| ()), Ok(()));
    }

    #[test]
    fn memory_grows_with_the_received_bytes_not_with_the_prefix() {
        let (mut assembler, mut limits) = (Assembler::new(), limits());
        let data = [&prefix(1000).unwrap()[..], b"ten bytes."].concat();
        assembler.feed(&data, false, ANY, &mut limits, |_, _, _| ()).unwrap();
        assert!(assembler.payload.capacity() < 64);
        assert_eq!(limits.unfinished_bytes, 10);
        assembler.reset(&mut limits);
        assert_eq!((limits.unfinished_bytes, assembler.payload.capacity()), (0, 0));
    }

    #[test]
    fn unfinished_messages_are_bounded_over_all_calls() {
        let mut limits = limits();
        let (mut first, mut second) = (Assembler::new(), Assembler::new());
        let data = [&prefix(1000).unwrap()[..], &[7; 900]].concat();
        first.feed(&data, false, ANY, &mut limits, |_, _, _| ()).unwrap();
        let refused = second.feed(&data, false, ANY, &mut limits, |_, _, _| ());
        assert_eq!(refused, Err(Fault::TooMuchUnfinished));
        second.reset(&mut limits);
        let mut delivered = 0;
        first.feed(&[7; 100], false, ANY, &mut limits, |m, _, _| delivered = m.len()).unwrap();
        assert_eq!((delivered, limits.unfinished_bytes), (1000, 0));
    }
}
