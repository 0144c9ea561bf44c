//! Buffers of envelopes that wait for the socket or, in one call, for credit.

use super::envelope::{END, HEADER_BYTES, Header, Kind, MAX_LENGTH, WITH_MESSAGE};

/// Consumed bytes at the front are removed once they are at least this many, and half of all.
const COMPACT_BYTES: usize = 32 * 1024;

/// Whole envelopes in sequence, in one allocation.
///
/// The last envelope can be changed while none of it is sent. So a message that turns out to be the
/// last, and a request whose message follows at once, take one envelope instead of two.
#[derive(Default)]
pub(super) struct Envelopes {
    bytes: Vec<u8>,
    /// Where the bytes begin that are not sent yet.
    start: usize,
    /// Where the last envelope begins; invalid once below `start`.
    last: usize,
    /// How many bytes were sent since the beginning of the connection.
    consumed: u64,
}

impl Envelopes {
    /// The bytes that are not sent yet.
    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// How many bytes are not sent yet.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The memory held, in bytes.
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// The position of the next envelope: the number of bytes that were ever put before it.
    pub(super) fn position(&self) -> u64 {
        self.consumed + self.len() as u64
    }

    /// Whether no byte of the envelope at `position` is sent.
    pub(super) fn is_unsent_since(&self, position: u64) -> bool {
        self.consumed <= position
    }

    /// Puts raw bytes: the magic.
    pub(super) fn put_raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Puts an envelope with this payload, of at most [`MAX_LENGTH`] bytes.
    pub(super) fn put(&mut self, kind: Kind, flags: u8, id: u32, payload: &[u8]) {
        self.last = self.bytes.len();
        let header = Header { length: payload.len(), kind, flags, id };
        self.bytes.extend_from_slice(&header.to_bytes());
        self.bytes.extend_from_slice(payload);
    }

    /// Puts an envelope whose payload is appended by `write`. A payload beyond [`MAX_LENGTH`] is
    /// removed again, and false is returned.
    pub(super) fn put_with(
        &mut self,
        kind: Kind,
        flags: u8,
        id: u32,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> bool {
        let (at, last) = (self.bytes.len(), self.last);
        self.put(kind, flags, id, &[]);
        write(&mut self.bytes);
        let length = self.bytes.len() - at - HEADER_BYTES;
        if length > MAX_LENGTH as usize {
            self.bytes.truncate(at);
            self.last = last;
            return false;
        }
        self.bytes[at..at + 4].copy_from_slice(&(length as u32).to_be_bytes());
        true
    }

    /// The header of the last envelope, if it is wholly unsent and belongs to the call `id`.
    fn last_of(&self, id: u32) -> Option<Header> {
        let bytes = self.bytes.get(self.last..).filter(|_| self.last >= self.start)?;
        Header::read(bytes).ok().flatten().filter(|header| header.id == id)
    }

    /// Sets END on the last envelope, if it is a message or the request of this call.
    pub(super) fn end_last(&mut self, id: u32) -> bool {
        match self.last_of(id) {
            Some(Header { kind: Kind::Message | Kind::Request, .. }) => {
                self.bytes[self.last + 4] |= END;
                true
            }
            _ => false,
        }
    }

    /// Appends a message to the last envelope, if it is the bare request of this call.
    pub(super) fn extend_last(&mut self, id: u32, message: &[u8], flags: u8) -> bool {
        let Some(header @ Header { kind: Kind::Request, flags: 0, length, .. }) = self.last_of(id)
        else {
            return false;
        };
        if length + message.len() > MAX_LENGTH as usize {
            return false;
        }
        let longer =
            Header { length: length + message.len(), flags: flags | WITH_MESSAGE, ..header };
        self.bytes[self.last..self.last + HEADER_BYTES].copy_from_slice(&longer.to_bytes());
        self.bytes.extend_from_slice(message);
        true
    }

    /// The header of the first envelope. Only for buffers that are consumed by whole envelopes.
    pub(super) fn front(&self) -> Option<Header> {
        Header::read(self.as_slice()).ok().flatten()
    }

    /// Moves the first envelope to the end of `output`.
    pub(super) fn move_front(&mut self, output: &mut Envelopes) {
        if let Some(header) = self.front() {
            let len = HEADER_BYTES + header.length;
            output.last = output.bytes.len();
            output.bytes.extend_from_slice(&self.bytes[self.start..self.start + len]);
            self.consume(len);
        }
    }

    /// Removes the first `n` bytes, which were sent.
    pub(super) fn consume(&mut self, n: usize) {
        let n = n.min(self.len());
        self.consumed += n as u64;
        self.start += n;
        if self.start == self.bytes.len() {
            self.bytes.clear();
            (self.start, self.last) = (0, 0);
        } else if self.start >= COMPACT_BYTES && self.start * 2 >= self.bytes.len() {
            self.bytes.drain(..self.start);
            // A last envelope that is partly sent must not look whole again.
            self.last = self.last.checked_sub(self.start).unwrap_or(usize::MAX);
            self.start = 0;
        }
    }

    /// Releases the memory of an empty buffer.
    pub(super) fn shrink(&mut self) {
        if self.is_empty() {
            self.bytes = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unsent_message_can_become_the_last() {
        let mut envelopes = Envelopes::default();
        envelopes.put(Kind::Message, 0, 3, b"hi");
        assert!(!envelopes.end_last(4), "another call's");
        assert!(envelopes.end_last(3));
        assert_eq!(envelopes.as_slice(), b"\0\0\0\x02\x85\0\0\0\x03hi");
    }

    #[test]
    fn a_partly_sent_envelope_is_not_changed() {
        let mut envelopes = Envelopes::default();
        envelopes.put(Kind::Message, 0, 3, b"hi");
        envelopes.consume(1);
        assert!(!envelopes.end_last(3));
    }

    #[test]
    fn a_partly_sent_envelope_is_not_changed_after_compaction() {
        let mut envelopes = Envelopes::default();
        // The message is made of what looks like envelopes of the same call.
        let header = Header { length: 0, kind: Kind::Message, flags: 0, id: 3 };
        envelopes.put(Kind::Message, 0, 3, &header.to_bytes().repeat(8000));
        envelopes.consume(9 * 4001);
        assert_eq!(envelopes.start, 0, "moved to the front");
        assert_eq!(envelopes.front(), Some(header));
        assert!(!envelopes.end_last(3));
    }

    #[test]
    fn a_message_is_merged_into_a_bare_request() {
        let mut envelopes = Envelopes::default();
        envelopes.put(Kind::Request, 0, 1, &[0, 0, 0, 0]);
        assert!(envelopes.extend_last(1, b"hi", END));
        assert!(!envelopes.extend_last(1, b"hi", END), "only one");
        assert_eq!(envelopes.as_slice(), b"\0\0\0\x06\xc3\0\0\0\x01\0\0\0\0hi");
    }

    #[test]
    fn positions_count_consumed_bytes() {
        let mut envelopes = Envelopes::default();
        envelopes.put(Kind::Cancel, 0, 1, b"");
        let position = envelopes.position();
        envelopes.put(Kind::Cancel, 0, 2, b"");
        envelopes.consume(9);
        assert!(envelopes.is_unsent_since(position));
        envelopes.consume(1);
        assert!(!envelopes.is_unsent_since(position));
    }

    #[test]
    fn whole_envelopes_move_to_another_buffer() {
        let (mut queue, mut output) = (Envelopes::default(), Envelopes::default());
        queue.put(Kind::Message, 0, 1, b"a");
        queue.put(Kind::Trailers, 0, 1, b"");
        queue.move_front(&mut output);
        assert_eq!(queue.front().map(|header| header.kind), Some(Kind::Trailers));
        assert_eq!(output.as_slice(), b"\0\0\0\x01\x05\0\0\0\x01a");
        assert!(output.end_last(1));
    }
}
