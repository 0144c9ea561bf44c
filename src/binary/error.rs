//! Why bytes are no record, or a value does not fit in one.

use std::fmt;

/// A record cannot be decoded, or a value cannot be encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The record ends inside a field.
    Truncated {
        /// Bytes that the field needs.
        needed: usize,
        /// Bytes that are left.
        left: usize,
    },
    /// So many bytes follow the last field.
    Trailing(usize),
    /// A flag is neither 0 nor 1.
    Flag(u8),
    /// No record has this tag.
    Tag(u8),
    /// A text is not UTF-8.
    Text,
    /// A byte string is too long for its length field.
    Overlong {
        /// Its bytes.
        bytes: usize,
        /// The most that the field takes.
        max: usize,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Truncated { needed, left } => {
                write!(f, "the record ends early: a field needs {needed} bytes, {left} are left")
            }
            Error::Trailing(bytes) => write!(f, "{bytes} bytes follow the last field"),
            Error::Flag(flag) => write!(f, "a flag is {flag} instead of 0 or 1"),
            Error::Tag(tag) => write!(f, "no record has the tag {tag}"),
            Error::Text => f.write_str("a text is not UTF-8"),
            Error::Overlong { bytes, max } => {
                write!(f, "a byte string has {bytes} bytes, its field takes {max}")
            }
        }
    }
}

impl std::error::Error for Error {}
