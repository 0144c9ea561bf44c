//! The nine header bytes of an envelope, and what each kind allows in them.

use super::Error;

/// The length of the header: length, kind and id.
pub(super) const HEADER_BYTES: usize = 9;
/// The longest payload in bytes.
pub(super) const MAX_LENGTH: u32 = (1 << 31) - 1;
/// The longest method path.
pub(super) const MAX_PATH_BYTES: usize = 1024;
/// The longest payload of HELLO.
const MAX_HELLO_BYTES: usize = 1024;
/// The longest payload of GO_AWAY.
pub(super) const MAX_GO_AWAY_BYTES: usize = 4096;
/// The length of the prefix of a REQUEST, which is the length of its header.
pub(super) const REQUEST_PREFIX_BYTES: usize = 4;

/// The sender's last envelope of the call: with REQUEST and MESSAGE.
pub(super) const END: u8 = 0x80;
/// A message follows the header: with REQUEST.
pub(super) const WITH_MESSAGE: u8 = 0x40;
/// The bits of the kind byte that hold the kind; the others are flags.
const KIND_BITS: u8 = 0x0f;

/// The kind of an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// The sender's windows and limits; the first envelope in each direction.
    Hello = 1,
    /// Client: defines the id of a method path, which is in the place of the call id.
    Path = 2,
    /// Client: starts a call, optionally with its first message.
    Request = 3,
    /// Server: initial metadata.
    Headers = 4,
    /// A message.
    Message = 5,
    /// Client: no more messages.
    HalfClose = 6,
    /// Server: the status of a call that has ended.
    Trailers = 7,
    /// Client: cancels the call.
    Cancel = 8,
    /// Adds credit to the call, or with id 0 to the connection.
    Credit = 9,
    /// A liveness check.
    Ping = 10,
    /// The reply to PING.
    Pong = 11,
    /// No new calls; with an error code, the end of the connection.
    GoAway = 12,
}

impl Kind {
    const ALL: [Kind; 12] = [
        Kind::Hello,
        Kind::Path,
        Kind::Request,
        Kind::Headers,
        Kind::Message,
        Kind::HalfClose,
        Kind::Trailers,
        Kind::Cancel,
        Kind::Credit,
        Kind::Ping,
        Kind::Pong,
        Kind::GoAway,
    ];

    fn from_bits(bits: u8) -> Option<Kind> {
        Kind::ALL.get(usize::from(bits).wrapping_sub(1)).copied()
    }

    /// The flags that may be set.
    const fn flags(self) -> u8 {
        match self {
            Kind::Request => END | WITH_MESSAGE,
            Kind::Message => END,
            _ => 0,
        }
    }

    /// Whether the header may have this id.
    const fn allows_id(self, id: u32) -> bool {
        match self {
            Kind::Hello | Kind::Ping | Kind::Pong | Kind::GoAway => id == 0,
            Kind::Credit => true,
            _ => id != 0,
        }
    }

    /// Whether a payload may have this length. Headers and messages are bounded by the receiver's limits
    /// instead, and exceeding those ends only the call.
    const fn allows_length(self, length: usize) -> bool {
        match self {
            Kind::Hello => length <= MAX_HELLO_BYTES,
            Kind::Path => length <= MAX_PATH_BYTES,
            Kind::Request => length >= REQUEST_PREFIX_BYTES,
            Kind::Headers | Kind::Message | Kind::Trailers => true,
            Kind::HalfClose | Kind::Cancel => length == 0,
            Kind::Credit => length == 4,
            Kind::Ping | Kind::Pong => length == 8,
            Kind::GoAway => length <= MAX_GO_AWAY_BYTES,
        }
    }
}

/// The header of one envelope, whose parts are a valid combination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Bytes of payload behind the header.
    pub(super) length: usize,
    /// The kind.
    pub(super) kind: Kind,
    /// [`END`] and [`WITH_MESSAGE`], where the kind has them.
    pub(super) flags: u8,
    /// The call; for PATH the path; otherwise 0.
    pub(super) id: u32,
}

/// The lengths of the parts of a payload that the receiver's limits bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// The protobuf header of REQUEST, HEADERS or TRAILERS.
    pub(super) header: usize,
    /// The message, if there is one.
    pub(super) message: Option<usize>,
}

impl Header {
    /// Reads the header at the start of `input`; `None` when it is incomplete.
    pub(super) fn read(input: &[u8]) -> Result<Option<Header>, Error> {
        let Some(&[l0, l1, l2, l3, first, i0, i1, i2, i3]) = input.first_chunk() else {
            return Ok(None);
        };
        let length = u32::from_be_bytes([l0, l1, l2, l3]);
        if length > MAX_LENGTH {
            return Err(Error::Length);
        }
        let length = length as usize;
        let kind = Kind::from_bits(first & KIND_BITS).ok_or(Error::Kind)?;
        let flags = first & !KIND_BITS;
        if flags & !kind.flags() != 0 {
            return Err(Error::Flags);
        }
        let id = u32::from_be_bytes([i0, i1, i2, i3]);
        if !kind.allows_id(id) {
            return Err(Error::Id);
        }
        if !kind.allows_length(length) {
            return Err(Error::PayloadLength);
        }
        Ok(Some(Header { length, kind, flags, id }))
    }

    /// The encoded header. `length` is at most [`MAX_LENGTH`].
    pub(super) fn to_bytes(self) -> [u8; HEADER_BYTES] {
        debug_assert!(self.length <= MAX_LENGTH as usize);
        let [l0, l1, l2, l3] = (self.length as u32).to_be_bytes();
        let [i0, i1, i2, i3] = self.id.to_be_bytes();
        [l0, l1, l2, l3, self.kind as u8 | self.flags, i0, i1, i2, i3]
    }

    /// The lengths of the parts of the payload, of which `payload` is the beginning; `None` when that is
    /// too short to know them.
    pub(super) fn parts(self, payload: &[u8]) -> Result<Option<Parts>, Error> {
        Ok(Some(match self.kind {
            Kind::Message => Parts { header: 0, message: Some(self.length) },
            Kind::Headers | Kind::Trailers => Parts { header: self.length, message: None },
            Kind::Request => {
                let Some(&prefix) = payload.first_chunk() else { return Ok(None) };
                let header = u32::from_be_bytes(prefix) as usize;
                let rest = (self.length - REQUEST_PREFIX_BYTES).checked_sub(header);
                match rest.ok_or(Error::RequestLength)? {
                    0 if !self.has_message() => Parts { header, message: None },
                    message if self.has_message() => Parts { header, message: Some(message) },
                    _ => return Err(Error::RequestLength),
                }
            }
            _ => Parts { header: 0, message: None },
        }))
    }

    /// Whether [`END`] is set.
    pub(super) fn ends(self) -> bool {
        self.flags & END != 0
    }

    /// Whether [`WITH_MESSAGE`] is set.
    pub(super) fn has_message(self) -> bool {
        self.flags & WITH_MESSAGE != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A length that each kind takes.
    fn good_length(kind: Kind) -> usize {
        match kind {
            Kind::HalfClose | Kind::Cancel => 0,
            Kind::Ping | Kind::Pong => 8,
            _ => 4,
        }
    }

    fn good_id(kind: Kind) -> u32 {
        u32::from(!kind.allows_id(0))
    }

    #[test]
    fn every_kind_survives_the_round_trip() {
        for kind in Kind::ALL {
            let header =
                Header { length: good_length(kind), kind, flags: kind.flags(), id: good_id(kind) };
            assert_eq!(Header::read(&header.to_bytes()), Ok(Some(header)));
        }
    }

    #[test]
    fn an_incomplete_header_is_not_read() {
        let header = Header { length: 0, kind: Kind::Cancel, flags: 0, id: 7 };
        for end in 0..HEADER_BYTES {
            assert_eq!(Header::read(&header.to_bytes()[..end]), Ok(None));
        }
    }

    #[test]
    fn only_request_and_message_have_flags() {
        for kind in Kind::ALL {
            for flag in [0x80, 0x40, 0x20, 0x10] {
                let header =
                    Header { length: good_length(kind), kind, flags: flag, id: good_id(kind) };
                let allowed = match kind {
                    Kind::Request => flag >= 0x40,
                    Kind::Message => flag == 0x80,
                    _ => false,
                };
                let read = Header::read(&header.to_bytes());
                let expected = if allowed { Ok(Some(header)) } else { Err(Error::Flags) };
                assert_eq!(read, expected, "{kind:?} {flag:#x}");
            }
        }
    }

    #[test]
    fn kinds_0_and_13_to_15_are_unknown() {
        for bits in [0, 13, 14, 15] {
            assert_eq!(Header::read(&[0, 0, 0, 0, bits, 0, 0, 0, 1]), Err(Error::Kind));
        }
    }
}
