//! Error codes, and the two kinds of error of RFC 9113 section 5.4.

use std::fmt;

use super::StreamId;

/// An error code of RFC 9113 section 7, as RST_STREAM and GOAWAY carry it.
///
/// A code beyond the registry is kept unchanged: section 7 forbids giving it special meaning.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ErrorCode(pub u32);

impl ErrorCode {
    /// No error: a graceful end.
    pub const NO_ERROR: ErrorCode = ErrorCode(0x0);
    /// The peer violated the protocol in a way that no other code describes.
    pub const PROTOCOL_ERROR: ErrorCode = ErrorCode(0x1);
    /// An internal error of the sender.
    pub const INTERNAL_ERROR: ErrorCode = ErrorCode(0x2);
    /// The peer sent more than its flow-control window.
    pub const FLOW_CONTROL_ERROR: ErrorCode = ErrorCode(0x3);
    /// SETTINGS were not received, or not acknowledged, in time.
    pub const SETTINGS_TIMEOUT: ErrorCode = ErrorCode(0x4);
    /// A frame for a stream that the peer had closed.
    pub const STREAM_CLOSED: ErrorCode = ErrorCode(0x5);
    /// A frame with an impossible length.
    pub const FRAME_SIZE_ERROR: ErrorCode = ErrorCode(0x6);
    /// The request was not processed; it may be retried.
    pub const REFUSED_STREAM: ErrorCode = ErrorCode(0x7);
    /// The stream is no longer needed.
    pub const CANCEL: ErrorCode = ErrorCode(0x8);
    /// The field compression state cannot be maintained.
    pub const COMPRESSION_ERROR: ErrorCode = ErrorCode(0x9);
    /// A tunnel (CONNECT) was closed abnormally.
    pub const CONNECT_ERROR: ErrorCode = ErrorCode(0xa);
    /// The peer causes excessive load.
    pub const ENHANCE_YOUR_CALM: ErrorCode = ErrorCode(0xb);
    /// The transport is not secure enough.
    pub const INADEQUATE_SECURITY: ErrorCode = ErrorCode(0xc);
    /// The server requires HTTP/1.1.
    pub const HTTP_1_1_REQUIRED: ErrorCode = ErrorCode(0xd);

    /// The RFC's name for the code; `None` beyond the registry.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0x0 => "NO_ERROR",
            0x1 => "PROTOCOL_ERROR",
            0x2 => "INTERNAL_ERROR",
            0x3 => "FLOW_CONTROL_ERROR",
            0x4 => "SETTINGS_TIMEOUT",
            0x5 => "STREAM_CLOSED",
            0x6 => "FRAME_SIZE_ERROR",
            0x7 => "REFUSED_STREAM",
            0x8 => "CANCEL",
            0x9 => "COMPRESSION_ERROR",
            0xa => "CONNECT_ERROR",
            0xb => "ENHANCE_YOUR_CALM",
            0xc => "INADEQUATE_SECURITY",
            0xd => "HTTP_1_1_REQUIRED",
            _ => return None,
        })
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "error code {:#x}", self.0),
        }
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A violation by the peer, and its scope (RFC 9113 section 5.4).
///
/// A fault never leaves this module: it becomes a GOAWAY or a RST_STREAM on the wire, and an
/// [`Event`](super::Event) for the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A connection error: GOAWAY, and nothing more (section 5.4.1).
    Connection(ErrorCode, &'static str),
    /// A stream error: RST_STREAM, and the other streams continue (section 5.4.2).
    Stream(StreamId, ErrorCode),
}

impl Fault {
    /// A connection error of type PROTOCOL_ERROR.
    pub fn protocol(reason: &'static str) -> Fault {
        Fault::Connection(ErrorCode::PROTOCOL_ERROR, reason)
    }

    /// A frame with a length that its type does not allow: FRAME_SIZE_ERROR.
    pub fn frame_size(reason: &'static str) -> Fault {
        Fault::Connection(ErrorCode::FRAME_SIZE_ERROR, reason)
    }
}

/// The stream has ended, or our side of it has: nothing can be sent on it.
///
/// This is not a fault: the peer may reset a stream while we work on its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamClosed;

impl fmt::Display for StreamClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the stream has ended")
    }
}

impl std::error::Error for StreamClosed {}

/// Why a client cannot open a stream now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// As many streams are open as the server allows (SETTINGS_MAX_CONCURRENT_STREAMS): retry when
    /// one has ended.
    TooManyStreams,
    /// One side has sent GOAWAY, or the connection has ended: use another connection.
    GoingAway,
    /// All 2^30 stream identifiers are used: use another connection.
    Exhausted,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OpenError::TooManyStreams => "the server allows no more concurrent streams",
            OpenError::GoingAway => "the connection accepts no new streams",
            OpenError::Exhausted => "the connection has used all its stream identifiers",
        })
    }
}

impl std::error::Error for OpenError {}
