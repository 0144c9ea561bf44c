//! Frames: the 9-byte header, flags, the ten types and their payloads (RFC 9113 sections 4, 6).
//!
//! ```text
//!  0        3      4       5                    9
//! +--------+------+-------+--------------------+=========...
//! | length | type | flags | R stream identifier |  payload
//! +--------+------+-------+--------------------+=========...
//! ```

use super::{ErrorCode, Fault, StreamId};

/// The largest payload that we send or receive, in bytes: the initial value of
/// SETTINGS_MAX_FRAME_SIZE, which every endpoint accepts and which we do not change.
pub const MAX_FRAME_SIZE: usize = 16_384;

/// The length of a frame's header in bytes.
pub const HEADER_BYTES: usize = 9;

/// The first 24 bytes that a client sends (section 3.4).
pub const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Flags (section 6). A flag means something only on the types that define it.
pub mod flag {
    /// DATA, HEADERS: the sender's last frame that carries content.
    pub const END_STREAM: u8 = 0x1;
    /// SETTINGS, PING: the reply to a frame of the same type.
    pub const ACK: u8 = 0x1;
    /// HEADERS, CONTINUATION: the field block ends here.
    pub const END_HEADERS: u8 = 0x4;
    /// DATA, HEADERS: the payload begins with a pad length and ends with padding.
    pub const PADDED: u8 = 0x8;
    /// HEADERS: five bytes of (deprecated) priority precede the field block.
    pub const PRIORITY: u8 = 0x20;
}

/// The frame types of section 6, with their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Section 6.1: content.
    Data = 0x0,
    /// Section 6.2: opens a stream or ends a message; starts a field block.
    Headers = 0x1,
    /// Section 6.3: deprecated; checked for its length and ignored.
    Priority = 0x2,
    /// Section 6.4: ends a stream at once.
    RstStream = 0x3,
    /// Section 6.5: the sender's settings.
    Settings = 0x4,
    /// Section 6.6: server push, which we do not allow.
    PushPromise = 0x5,
    /// Section 6.7: a liveness check, or the reply to one.
    Ping = 0x6,
    /// Section 6.8: shutdown of the connection.
    GoAway = 0x7,
    /// Section 6.9: flow-control credit.
    WindowUpdate = 0x8,
    /// Section 6.10: continues a field block.
    Continuation = 0x9,
}

impl Kind {
    const ALL: [Kind; 10] = [
        Kind::Data,
        Kind::Headers,
        Kind::Priority,
        Kind::RstStream,
        Kind::Settings,
        Kind::PushPromise,
        Kind::Ping,
        Kind::GoAway,
        Kind::WindowUpdate,
        Kind::Continuation,
    ];

    /// The type with this number; `None` for a type that must be ignored (section 4.1).
    pub fn from_number(number: u8) -> Option<Kind> {
        Kind::ALL.get(usize::from(number)).copied()
    }
}

/// A frame's header, decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// Length of the payload in bytes.
    pub len: usize,
    /// The frame's type; `None` for one that this version of the protocol does not know.
    pub kind: Option<Kind>,
    /// Flags, see [`flag`].
    pub flags: u8,
    /// The stream; 0 is the connection. The reserved bit is ignored, as section 4.1 requires.
    pub stream: StreamId,
}

impl FrameHeader {
    /// Whether a flag is set.
    pub fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// One whole frame, whose payload borrows from the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'i> {
    /// The header.
    pub header: FrameHeader,
    /// `header.len` bytes.
    pub payload: &'i [u8],
}

/// Reads a frame's header at the start of `input` without consuming it; `None` for fewer than nine
/// bytes.
pub fn peek_header(input: &[u8]) -> Option<FrameHeader> {
    let (head, _) = input.split_first_chunk::<HEADER_BYTES>()?;
    let [l0, l1, l2, kind, flags, s0, s1, s2, s3] = *head;
    Some(FrameHeader {
        len: u32::from_be_bytes([0, l0, l1, l2]) as usize,
        kind: Kind::from_number(kind),
        flags,
        stream: StreamId(u32::from_be_bytes([s0, s1, s2, s3]) & StreamId::MAX.0),
    })
}

impl<'i> Frame<'i> {
    /// Takes one whole frame from the start of `input` and moves `input` past it; `None` when the
    /// frame is incomplete.
    ///
    /// # Errors
    /// FRAME_SIZE_ERROR when the header announces more than [`MAX_FRAME_SIZE`]. It is detected after
    /// nine bytes, so that an oversize payload is neither waited for nor stored. It is a connection
    /// error for every type, which section 5.4.2 allows.
    pub fn take(input: &mut &'i [u8]) -> Result<Option<Frame<'i>>, Fault> {
        let Some(header) = peek_header(input) else { return Ok(None) };
        if header.len > MAX_FRAME_SIZE {
            return Err(Fault::frame_size("a frame is longer than SETTINGS_MAX_FRAME_SIZE"));
        }
        let Some((frame, rest)) = input.split_at_checked(HEADER_BYTES + header.len) else {
            return Ok(None);
        };
        *input = rest;
        Ok(Some(Frame { header, payload: &frame[HEADER_BYTES..] }))
    }

    /// The content of a DATA frame without its padding (section 6.1).
    pub fn data(&self) -> Result<&'i [u8], Fault> {
        if self.header.has(flag::PADDED) { unpad(self.payload) } else { Ok(self.payload) }
    }

    /// The field block fragment of a HEADERS frame, without padding and priority (section 6.2).
    pub fn fragment(&self) -> Result<&'i [u8], Fault> {
        let fragment = self.data()?;
        if !self.header.has(flag::PRIORITY) {
            return Ok(fragment);
        }
        fragment
            .get(5..)
            .ok_or(Fault::frame_size("a HEADERS frame is too short for its priority fields"))
    }

    /// The error code of a RST_STREAM frame (section 6.4).
    pub fn reset_code(&self) -> Result<ErrorCode, Fault> {
        match self.payload {
            &[a, b, c, d] => Ok(ErrorCode(u32::from_be_bytes([a, b, c, d]))),
            _ => Err(Fault::frame_size("a RST_STREAM frame is not 4 bytes long")),
        }
    }

    /// The increment of a WINDOW_UPDATE frame, 0 to 2^31 - 1 (section 6.9).
    pub fn increment(&self) -> Result<u32, Fault> {
        match self.payload {
            &[a, b, c, d] => Ok(u32::from_be_bytes([a, b, c, d]) & 0x7fff_ffff),
            _ => Err(Fault::frame_size("a WINDOW_UPDATE frame is not 4 bytes long")),
        }
    }

    /// The eight bytes of a PING frame (section 6.7).
    pub fn opaque(&self) -> Result<[u8; 8], Fault> {
        self.payload.try_into().map_err(|_| Fault::frame_size("a PING frame is not 8 bytes long"))
    }

    /// Last stream, code and debug data of a GOAWAY frame (section 6.8).
    pub fn go_away(&self) -> Result<(StreamId, ErrorCode, &'i [u8]), Fault> {
        let Some((&[a, b, c, d, e, f, g, h], debug)) = self.payload.split_first_chunk::<8>() else {
            return Err(Fault::frame_size("a GOAWAY frame is shorter than 8 bytes"));
        };
        let last_stream = StreamId(u32::from_be_bytes([a, b, c, d]) & StreamId::MAX.0);
        Ok((last_stream, ErrorCode(u32::from_be_bytes([e, f, g, h])), debug))
    }
}

/// Removes the pad length and the padding from a payload.
fn unpad(payload: &[u8]) -> Result<&[u8], Fault> {
    let Some((&pad_len, rest)) = payload.split_first() else {
        return Err(Fault::frame_size("a padded frame has no room for its pad length"));
    };
    rest.len()
        .checked_sub(usize::from(pad_len))
        .and_then(|len| rest.get(..len))
        .ok_or(Fault::protocol("a frame's padding is longer than its payload"))
}

/// The nine bytes of a header. `len` is at most [`MAX_FRAME_SIZE`].
pub fn header_bytes(len: usize, kind: Kind, flags: u8, stream: StreamId) -> [u8; HEADER_BYTES] {
    let [_, l0, l1, l2] = (len as u32).to_be_bytes();
    let [s0, s1, s2, s3] = stream.0.to_be_bytes();
    [l0, l1, l2, kind as u8, flags, s0, s1, s2, s3]
}

/// Writes a RST_STREAM frame.
pub fn write_rst_stream(stream: StreamId, code: ErrorCode, out: &mut Vec<u8>) {
    out.extend_from_slice(&header_bytes(4, Kind::RstStream, 0, stream));
    out.extend_from_slice(&code.0.to_be_bytes());
}

/// Writes a WINDOW_UPDATE frame.
pub fn write_window_update(stream: StreamId, increment: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(&header_bytes(4, Kind::WindowUpdate, 0, stream));
    out.extend_from_slice(&increment.to_be_bytes());
}

/// Writes a PING frame, or with `ack` the reply to one.
pub fn write_ping(ack: bool, opaque: [u8; 8], out: &mut Vec<u8>) {
    let flags = if ack { flag::ACK } else { 0 };
    out.extend_from_slice(&header_bytes(8, Kind::Ping, flags, StreamId::CONNECTION));
    out.extend_from_slice(&opaque);
}

/// Writes a GOAWAY frame; debug data is truncated to the size of one frame.
pub fn write_go_away(last_stream: StreamId, code: ErrorCode, debug: &[u8], out: &mut Vec<u8>) {
    let debug = debug.get(..MAX_FRAME_SIZE - 8).unwrap_or(debug);
    let header = header_bytes(8 + debug.len(), Kind::GoAway, 0, StreamId::CONNECTION);
    out.extend_from_slice(&header);
    out.extend_from_slice(&last_stream.0.to_be_bytes());
    out.extend_from_slice(&code.0.to_be_bytes());
    out.extend_from_slice(debug);
}
