//! The errors of the peer, which end the connection, and the errors of starting a call.

use std::fmt;

use crate::call::Code;

/// A violation by the peer on the connection. Each ends it: we send GO_AWAY with [`Error::code`] and
/// [`Error::reason`], and every open call ends with the same.
///
/// A violation in the header or message of one call ends only that call and is not an `Error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The first four bytes are not `AGR1`: the peer uses another protocol. The only error that is not
    /// answered.
    Magic,
    /// The first envelope is not HELLO.
    HelloMissing,
    /// A second HELLO.
    HelloAgain,
    /// HELLO holds no valid message, or a window outside its range.
    HelloMalformed,
    /// Magic and HELLO were not received in time.
    HelloLate,
    /// A length above 2^31 - 1.
    Length,
    /// A kind that this version does not know.
    Kind,
    /// A flag that the kind does not have.
    Flags,
    /// A kind that only we may send.
    Direction,
    /// A call id where there is none, or none where there must be one.
    Id,
    /// A payload of a length that the kind does not allow.
    PayloadLength,
    /// A REQUEST whose header is longer than the envelope, or leaves bytes that no flag announced.
    RequestLength,
    /// A call id that is not above all before it.
    CallIdReused,
    /// An envelope for a call that was never started.
    CallUnknown,
    /// A message or a half-close after the half-close.
    HalfClosed,
    /// HEADERS twice, or after a message.
    HeadersLate,
    /// A REQUEST after the client's own GO_AWAY.
    GoneAway,
    /// A path id that leaves a gap or is above the table's size.
    PathId,
    /// A path that does not begin with a slash, is too long, or is not visible ASCII.
    Path,
    /// A REQUEST with a path id that no PATH has defined.
    PathUnknown,
    /// A message sent without credit.
    CreditExceeded,
    /// CREDIT of zero, or one that takes the credit above 2^30.
    CreditAmount,
    /// A PONG that answers no PING of ours.
    Pong,
    /// GO_AWAY holds no valid message, or raises the last call id of an earlier one.
    GoAwayMalformed,
    /// More cancellations and broken requests than the budget allows.
    TooManyResets,
    /// Too many envelopes in a row that change nothing.
    TooManyIdle,
    /// Pings in short intervals, without responses between them.
    TooManyPings,
}

impl Error {
    /// The code that GO_AWAY and the open calls carry.
    pub const fn code(self) -> Code {
        match self {
            Error::HelloLate => Code::DeadlineExceeded,
            Error::TooManyResets | Error::TooManyIdle | Error::TooManyPings => {
                Code::ResourceExhausted
            }
            _ => Code::Internal,
        }
    }

    /// A human-readable reason.
    pub const fn reason(self) -> &'static str {
        match self {
            Error::Magic => "the peer does not speak the native protocol",
            Error::HelloMissing => "the first envelope is not HELLO",
            Error::HelloAgain => "a second HELLO",
            Error::HelloMalformed => "a malformed HELLO",
            Error::HelloLate => "no HELLO in time",
            Error::Length => "an envelope length above 2^31 - 1",
            Error::Kind => "an unknown envelope kind",
            Error::Flags => "a flag that the envelope kind does not have",
            Error::Direction => "an envelope kind that only the other side may send",
            Error::Id => "an id that does not suit the envelope kind",
            Error::PayloadLength => "a payload length that does not suit the envelope kind",
            Error::RequestLength => "a REQUEST whose parts do not add up to its length",
            Error::CallIdReused => "a call id that is not above all before it",
            Error::CallUnknown => "an envelope for a call that was never begun",
            Error::HalfClosed => "an envelope for a call after its half-close",
            Error::HeadersLate => "HEADERS that are not the first of their call",
            Error::GoneAway => "a call begun after GO_AWAY",
            Error::PathId => "a path id outside the table",
            Error::Path => "a path that is not a slash and visible ASCII, 1,024 bytes at most",
            Error::PathUnknown => "a path id that was never defined",
            Error::CreditExceeded => "a message sent without credit",
            Error::CreditAmount => "credit of zero or above 2^30",
            Error::Pong => "a PONG without its PING",
            Error::GoAwayMalformed => "a malformed GO_AWAY",
            Error::TooManyResets => "too many calls cancelled or broken in a short time",
            Error::TooManyIdle => "too many envelopes in a row that change nothing",
            Error::TooManyPings => "too_many_pings",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for Error {}

/// Why a client could not start a call on this connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartError {
    /// As many calls are open as the server allows: retry when one has ended.
    TooManyCalls,
    /// The connection is shutting down or has ended: use another one.
    GoingAway,
    /// All call ids are used up: use another connection.
    Exhausted,
    /// The path does not begin with a slash, is longer than 1,024 bytes, or is not visible ASCII.
    Path,
    /// The metadata is above 2 GiB.
    Metadata,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StartError::TooManyCalls => "the server allows no more concurrent calls",
            StartError::GoingAway => "the connection accepts no new calls",
            StartError::Exhausted => "the connection has used up its call ids",
            StartError::Path => {
                "a method path begins with a slash and is visible ASCII, 1,024 bytes at most"
            }
            StartError::Metadata => "the metadata is larger than 2 GiB",
        })
    }
}

impl std::error::Error for StartError {}
