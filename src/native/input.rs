//! Splits the bytes of a connection into envelopes.

use super::Error;
use super::envelope::{HEADER_BYTES, Header, Parts};
use super::wire;
use crate::call::Limits;

/// The first bytes of a connection, in both directions.
pub(super) const MAGIC: [u8; 4] = *b"AGR1";
/// An incomplete envelope of at most this many bytes is left to the caller, who presents it again with
/// more bytes behind it. A longer one is gathered here.
const MAX_LEFT_BYTES: usize = 16 * 1024;
/// The largest gathering buffer that is kept for the next long envelope.
const KEEP_BYTES: usize = 1024 * 1024;

/// Takes the magic; false while it is incomplete.
pub(super) fn take_magic(input: &mut &[u8]) -> Result<bool, Error> {
    let n = input.len().min(MAGIC.len());
    let (start, rest) = input.split_at(n);
    if start != &MAGIC[..n] {
        return Err(Error::Magic);
    }
    if n < MAGIC.len() {
        return Ok(false);
    }
    *input = rest;
    Ok(true)
}

/// The result of [`Input::next`].
pub(super) enum Next<'i> {
    /// An envelope that was complete in the input.
    Whole(Header, &'i [u8]),
    /// An envelope that was received in parts; its buffer is returned by [`Input::recycle`].
    Gathered(Header, Vec<u8>),
    /// An envelope with a part longer than the limits allow. The rest of it will be skipped.
    TooLarge(Header, Parts),
    /// No envelope until there is more input.
    Nothing,
}

/// The largest accepted parts of a payload, in bytes.
struct Bounds {
    header: usize,
    message: usize,
}

/// The splitter. It holds at most one incomplete envelope.
pub(super) struct Input {
    bounds: Bounds,
    /// The incomplete envelope that is being gathered.
    header: Option<Header>,
    /// Its payload so far. It grows with the received bytes, not with the length in the header.
    payload: Vec<u8>,
    /// How many bytes of a too large envelope are still to be skipped.
    skip: usize,
    /// How many bytes of an incomplete envelope may be gathered.
    max_gathered: usize,
    /// Its length at the last check.
    checked_bytes: Option<usize>,
}

impl Input {
    pub(super) fn new(limits: &Limits) -> Input {
        let bounds = Bounds {
            header: wire::max_header_bytes(limits),
            message: limits.max_message_bytes.min(limits.max_partial_message_bytes),
        };
        Input {
            bounds,
            header: None,
            payload: Vec::new(),
            skip: 0,
            max_gathered: usize::MAX,
            checked_bytes: None,
        }
    }

    /// Takes the next envelope from the front of `input`, if it is complete.
    pub(super) fn next<'i>(&mut self, input: &mut &'i [u8]) -> Result<Next<'i>, Error> {
        if (self.skip > 0 || self.header.is_some()) && !self.continue_envelope(input) {
            return self.check_gathered();
        }
        if let Some(header) = self.header.take() {
            return Ok(Next::Gathered(header, std::mem::take(&mut self.payload)));
        }
        let Some(header) = Header::read(input)? else {
            return Ok(Next::Nothing);
        };
        let behind = &input[HEADER_BYTES..];
        let Some(parts) = header.parts(behind)? else {
            return Ok(Next::Nothing);
        };
        if !self.bounds.allow(parts) {
            *input = behind;
            self.skip = header.length;
            return Ok(Next::TooLarge(header, parts));
        }
        if let Some((payload, rest)) = behind.split_at_checked(header.length) {
            *input = rest;
            return Ok(Next::Whole(header, payload));
        }
        if HEADER_BYTES + header.length > MAX_LEFT_BYTES {
            self.payload.extend_from_slice(behind);
            self.header = Some(header);
            self.checked_bytes = None;
            *input = &[];
        }
        Ok(Next::Nothing)
    }

    /// An incomplete envelope is too large if more of it is gathered than allowed.
    fn check_gathered<'i>(&mut self) -> Result<Next<'i>, Error> {
        if self.payload.len() <= self.max_gathered {
            return Ok(Next::Nothing);
        }
        let skipped = self.skip_rest()?;
        Ok(skipped.map_or(Next::Nothing, |(header, parts)| Next::TooLarge(header, parts)))
    }

    /// Drops the incomplete envelope, if there is one; the rest of it will be skipped.
    pub(super) fn skip_rest(&mut self) -> Result<Option<(Header, Parts)>, Error> {
        let Some(header) = self.header else { return Ok(None) };
        let Some(parts) = header.parts(&self.payload)? else { return Ok(None) };
        self.header = None;
        self.skip = header.length - self.payload.len();
        self.payload = Vec::new();
        Ok(Some((header, parts)))
    }

    /// Whether the incomplete envelope has not grown since the last check. The first check of an envelope
    /// returns false.
    pub(super) fn is_stalled(&mut self) -> bool {
        let bytes = self.payload.len();
        self.header.is_some() && self.checked_bytes.replace(bytes) == Some(bytes)
    }

    /// Sets how many bytes of an incomplete envelope may be gathered.
    pub(super) fn set_max_gathered(&mut self, bytes: usize) {
        self.max_gathered = bytes;
    }

    /// How many bytes of an incomplete envelope are gathered.
    pub(super) fn gathered_bytes(&self) -> usize {
        if self.header.is_some() { self.payload.len() } else { 0 }
    }

    /// Continues skipping or gathering; returns whether that is complete.
    fn continue_envelope(&mut self, input: &mut &[u8]) -> bool {
        if let Some(header) = self.header {
            let missing = header.length - self.payload.len();
            let (more, rest) = input.split_at(missing.min(input.len()));
            let needed = self.payload.len() + more.len();
            if needed > self.payload.capacity() {
                // As with a `Vec`, but never more than the envelope needs.
                let capacity = (2 * self.payload.capacity()).clamp(needed, header.length);
                self.payload.reserve_exact(capacity - self.payload.len());
            }
            self.payload.extend_from_slice(more);
            *input = rest;
            return more.len() == missing;
        }
        let (skipped, rest) = input.split_at(self.skip.min(input.len()));
        self.skip -= skipped.len();
        *input = rest;
        self.skip == 0
    }

    /// Takes a gathering buffer back for reuse.
    pub(super) fn recycle(&mut self, mut payload: Vec<u8>) {
        payload.clear();
        if payload.capacity() <= KEEP_BYTES {
            self.payload = payload;
        }
    }

    /// The memory held, in bytes.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.payload.capacity()
    }

    /// Whether there is a gathering buffer that is not in use.
    pub(super) fn is_spare(&self) -> bool {
        self.header.is_none() && self.payload.capacity() > 0
    }

    /// Releases the gathering buffer, if it is not in use.
    pub(super) fn shrink(&mut self) {
        if self.header.is_none() {
            self.payload = Vec::new();
        }
    }
}

impl Bounds {
    fn allow(&self, parts: Parts) -> bool {
        parts.header <= self.header && parts.message.is_none_or(|len| len <= self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::envelope::Kind;

    fn envelope(length: usize) -> Vec<u8> {
        let header = Header { length, kind: Kind::Message, flags: 0, id: 1 };
        let mut bytes = header.to_bytes().to_vec();
        bytes.extend((0..length).map(|n| n as u8));
        bytes
    }

    #[test]
    fn a_short_incomplete_envelope_stays_with_the_caller() {
        let mut input = Input::new(&Limits::DEFAULT);
        for length in [MAX_LEFT_BYTES - HEADER_BYTES, MAX_LEFT_BYTES - HEADER_BYTES + 1] {
            let bytes = envelope(length);
            let mut rest = &bytes[..bytes.len() - 1];
            assert!(matches!(input.next(&mut rest), Ok(Next::Nothing)));
            assert_eq!(rest.is_empty(), bytes.len() > MAX_LEFT_BYTES);
        }
        let mut last = &[7][..];
        assert!(matches!(input.next(&mut last), Ok(Next::Gathered(..))));
    }

    #[test]
    fn a_long_envelope_is_gathered_as_it_comes() {
        let bytes = envelope(100_000);
        let mut input = Input::new(&Limits::DEFAULT);
        for piece in bytes.chunks(999) {
            let mut rest = piece;
            match input.next(&mut rest) {
                Ok(Next::Gathered(_, payload)) => assert!(payload == bytes[HEADER_BYTES..]),
                Ok(Next::Nothing) => assert!(input.memory() <= 200_000),
                _ => panic!("no envelope"),
            }
            assert!(rest.len() < MAX_LEFT_BYTES);
        }
    }

    #[test]
    fn a_length_alone_reserves_no_memory() {
        let mut input = Input::new(&Limits::DEFAULT);
        let header = Header { length: 4 << 20, kind: Kind::Message, flags: 0, id: 1 };
        let bytes = header.to_bytes();
        assert!(matches!(input.next(&mut &bytes[..]), Ok(Next::Nothing)));
        assert_eq!(input.memory(), 0);
    }

    #[test]
    fn an_envelope_too_large_is_skipped_without_a_copy() {
        let mut bytes = envelope((4 << 20) + 1);
        bytes.extend(envelope(1));
        let mut input = Input::new(&Limits::DEFAULT);
        let mut found = Vec::new();
        for piece in bytes.chunks(65_536) {
            let mut rest = piece;
            loop {
                match input.next(&mut rest) {
                    Ok(Next::Whole(header, _)) => found.push(("whole", header.length)),
                    Ok(Next::TooLarge(header, _)) => found.push(("too large", header.length)),
                    Ok(Next::Nothing) => break,
                    _ => panic!("gathered"),
                }
            }
            assert!(rest.len() <= HEADER_BYTES);
            assert_eq!(input.memory(), 0);
        }
        assert_eq!(found, [("too large", (4 << 20) + 1), ("whole", 1)]);
    }

    #[test]
    fn the_first_wrong_byte_of_the_magic_is_an_error() {
        assert_eq!(take_magic(&mut &b"HTTP"[..]), Err(Error::Magic));
        assert_eq!(take_magic(&mut &b"AH"[..]), Err(Error::Magic));
        assert_eq!(take_magic(&mut &b"AGR"[..]), Ok(false));
        let mut input = &b"AGR1rest"[..];
        assert_eq!(take_magic(&mut input), Ok(true));
        assert_eq!(input, b"rest");
    }
}
