//! What a peer did wrong in one call, and the status that it gets for it.

use std::fmt;

use crate::call::{Code, Status};

/// A peer's mistake in one call. What is wrong with the connection itself is HTTP/2's to judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A request with a method other than POST.
    NotPost,
    /// A `:path` that does not begin with `/`, or is not text.
    Path,
    /// A `content-type` that is not gRPC's.
    ContentType,
    /// A `grpc-timeout` outside its grammar.
    Timeout,
    /// A request in a `grpc-encoding` that we do not have.
    Encoding,
    /// A `-bin` value that is not base64.
    Binary,
    /// A header list above the limits.
    HeadersTooLarge,
    /// A compressed message although no encoding was named.
    CompressedWithoutEncoding,
    /// A compressed message in an encoding that we never offered.
    CompressedUnasked,
    /// A compressed-flag other than 0 and 1.
    Flag(u8),
    /// A message above the limit.
    TooLarge {
        /// What its prefix says.
        bytes: usize,
        /// What is allowed.
        limit: usize,
    },
    /// Too much of unfinished messages at once, over all calls of the connection.
    TooMuchUnfinished,
    /// Nothing came of an unfinished message for long, and memory is short.
    Stalled,
    /// The end of the stream in the middle of a message.
    Truncated,
    /// DATA before a response's headers.
    NoHeaders,
    /// The end of a response without trailers.
    NoTrailers,
}

impl Fault {
    /// The code that PROTOCOL-HTTP2.md, compression.md and statuscodes.md give to the mistake.
    pub(super) fn code(self) -> Code {
        match self {
            Fault::NotPost | Fault::Path | Fault::Encoding => Code::Unimplemented,
            Fault::HeadersTooLarge
            | Fault::TooLarge { .. }
            | Fault::TooMuchUnfinished
            | Fault::Stalled => Code::ResourceExhausted,
            Fault::ContentType
            | Fault::Timeout
            | Fault::Binary
            | Fault::CompressedWithoutEncoding
            | Fault::CompressedUnasked
            | Fault::Flag(_)
            | Fault::Truncated
            | Fault::NoHeaders
            | Fault::NoTrailers => Code::Internal,
        }
    }

    /// The status of a call that ends by the mistake.
    pub(super) fn status(self) -> Status {
        Status::new(self.code(), self.to_string())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::NotPost => "a call is a POST",
            Fault::Path => "the path of a method begins with /",
            Fault::ContentType => "the content-type of a call is application/grpc",
            Fault::Timeout => "grpc-timeout is at most 8 digits and one of H M S m u n",
            Fault::Encoding => "only the grpc-encoding identity is supported",
            Fault::Binary => "a -bin value is not base64",
            Fault::HeadersTooLarge => "the header list is too large",
            Fault::CompressedWithoutEncoding => {
                "a message is flagged as compressed, and no grpc-encoding is named"
            }
            Fault::CompressedUnasked => {
                "a message is compressed, and only identity was offered in grpc-accept-encoding"
            }
            Fault::Flag(flag) => return write!(f, "the compressed-flag is 0 or 1, not {flag}"),
            Fault::TooLarge { bytes, limit } => {
                return write!(f, "a message of {bytes} bytes is above the limit of {limit}");
            }
            Fault::TooMuchUnfinished => "too many bytes wait for the rest of their messages",
            Fault::Stalled => {
                "nothing has come of the rest of the message for long, and memory is short"
            }
            Fault::Truncated => "the stream ended in the middle of a message",
            Fault::NoHeaders => "the answer began without headers",
            Fault::NoTrailers => "the answer ended without trailers",
        })
    }
}
