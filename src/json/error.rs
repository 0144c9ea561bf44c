//! Why a text or a message has no counterpart.

use std::fmt;

use crate::protobuf;

/// A text that is not JSON of its message, or a message that has no JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// This build has no JSON.
    Unavailable,
    /// The text is not JSON, or has a value of another type than its field.
    Syntax {
        /// The field: `pairs[3].key`; empty for the message itself.
        path: String,
        /// What is wrong, with line and column.
        what: String,
    },
    /// A value that its field cannot hold.
    Field {
        /// The field, as above.
        path: String,
        /// What the field needs, or why it is refused.
        wanted: String,
    },
    /// Messages are nested deeper than [`MAX_DEPTH`](super::MAX_DEPTH).
    TooDeep,
    /// The result is larger than this many bytes.
    TooLarge(usize),
    /// The message is malformed protobuf.
    Message(protobuf::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Unavailable => f.write_str("this build has no JSON; binary encoding works"),
            Error::Syntax { path, what } if path.is_empty() => f.write_str(what),
            Error::Syntax { path, what } => write!(f, "{path}: {what}"),
            Error::Field { path, wanted } => write!(f, "{path}: {wanted}"),
            Error::TooDeep => write!(f, "messages are nested deeper than {}", super::MAX_DEPTH),
            Error::TooLarge(limit) => write!(f, "the message would exceed {limit} bytes"),
            Error::Message(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

impl From<protobuf::Error> for Error {
    fn from(error: protobuf::Error) -> Error {
        Error::Message(error)
    }
}
