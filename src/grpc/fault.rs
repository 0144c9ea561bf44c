//! Violations by a peer in one call, and the status for each.

use std::fmt;

use super::compression;
use crate::call::{Code, Status};
use crate::gzip;

/// A violation by the peer in one call. Violations on the connection are detected by `http2`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A request with a method other than POST.
    NotPost,
    /// A `:path` that does not begin with `/`, or is not text.
    Path,
    /// A `content-type` that is not gRPC's.
    ContentType,
    /// A `grpc-timeout` outside its grammar.
    Timeout,
    /// A request with a `grpc-encoding` that we do not have.
    Encoding,
    /// A `-bin` value that is not base64.
    Binary,
    /// A header list above the limits.
    HeadersTooLarge,
    /// A compressed message without a `grpc-encoding`.
    CompressedWithoutEncoding,
    /// A compressed message in an encoding that we have not offered.
    CompressedUnasked,
    /// A compressed message that is damaged, or expands to more than a message may have.
    Gzip(gzip::Error),
    /// What compressed messages expand to exceeds what may wait to be consumed.
    TooMuchExpanded,
    /// A compressed-flag other than 0 and 1.
    Flag(u8),
    /// A message above the limit.
    TooLarge {
        /// The length in its prefix.
        bytes: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Too many bytes in unfinished messages, over all calls of the connection.
    TooMuchUnfinished,
    /// An unfinished message has not grown for a long time, and memory is short.
    Stalled,
    /// The end of the stream in the middle of a message.
    Truncated,
    /// DATA before a response's headers.
    NoHeaders,
    /// The end of a response without trailers.
    NoTrailers,
}

impl Fault {
    /// The status code according to PROTOCOL-HTTP2.md, compression.md and statuscodes.md.
    pub(super) fn code(&self) -> Code {
        match self {
            Fault::NotPost | Fault::Path | Fault::Encoding => Code::Unimplemented,
            Fault::HeadersTooLarge
            | Fault::TooLarge { .. }
            | Fault::TooMuchExpanded
            | Fault::TooMuchUnfinished
            | Fault::Stalled
            | Fault::Gzip(gzip::Error::TooLarge { .. } | gzip::Error::TooManyMembers) => {
                Code::ResourceExhausted
            }
            Fault::ContentType
            | Fault::Timeout
            | Fault::Binary
            | Fault::CompressedWithoutEncoding
            | Fault::CompressedUnasked
            | Fault::Gzip(_)
            | Fault::Flag(_)
            | Fault::Truncated
            | Fault::NoHeaders
            | Fault::NoTrailers => Code::Internal,
        }
    }

    /// The status of a call that ends with this fault.
    pub(super) fn status(&self) -> Status {
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
            Fault::Encoding => {
                return write!(f, "the grpc-encodings of this server are {}", accepted());
            }
            Fault::Binary => "a -bin value is not base64",
            Fault::HeadersTooLarge => "the header list is too large",
            Fault::CompressedWithoutEncoding => {
                "a message is flagged as compressed, and no grpc-encoding is named"
            }
            Fault::CompressedUnasked => {
                return write!(f, "a message is compressed, and only {} was offered", accepted());
            }
            Fault::Gzip(error) => return write!(f, "a compressed message is refused: {error}"),
            Fault::TooMuchExpanded => {
                "too many bytes of messages that were compressed wait to be consumed"
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

fn accepted() -> std::borrow::Cow<'static, str> {
    String::from_utf8_lossy(compression::ACCEPTED)
}
