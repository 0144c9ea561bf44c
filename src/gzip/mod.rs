//! gzip (RFC 1952): messages compressed and expanded in memory, with a limit.
//!
//! A peer decides what a compressed message expands to, a thousand times its size if it likes. So
//! [`expand`] takes a limit and holds no more output than that; the work is bounded by the input, by
//! the limit and by the number of members. What is refused, is refused whole: no part of the output
//! of a damaged message is left.
//!
//! Checked: the header with its optional fields (section 2.3), the CRC-32 and the length of each
//! member (section 2.3.1). Members may follow each other (section 2.2); nothing else may follow.
//!
//! The feature `gzip` adds the crate `flate2`. Without it the same functions exist, [`IS_AVAILABLE`]
//! is false, and each call is refused with [`Error::Unavailable`].
//!
//! [`compress`] uses the fastest level: it runs on the thread that serves all connections, where the
//! time of a call is worth more than the last fifth of its size. Left out: a state that lives longer
//! than one message (a compressor takes 300 KiB), names and times in the header.

use std::fmt;

#[cfg_attr(not(feature = "gzip"), path = "absent.rs")]
mod codec;
#[cfg(test)]
mod tests;

/// Whether this build has gzip.
pub const IS_AVAILABLE: bool = cfg!(feature = "gzip");

/// The most members that a message may have. Each costs time that its size does not bound: 20 bytes
/// are enough for an empty one.
pub const MAX_MEMBERS: usize = 1000;

/// Appends the compressed `data` to `out`, as one member.
///
/// # Errors
/// [`Error::Unavailable`] without the feature `gzip`; no other.
pub fn compress(data: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
    codec::compress(data, out)
}

/// Appends what `data` expands to, at most `limit_bytes`, to `out`.
///
/// # Errors
/// Why `data` is refused. `out` is then as it was.
pub fn expand(data: &[u8], limit_bytes: usize, out: &mut Vec<u8>) -> Result<(), Error> {
    let start = out.len();
    let expanded = codec::expand(data, limit_bytes, out);
    if expanded.is_err() {
        out.truncate(start);
    }
    expanded
}

/// Why bytes cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// This build has no gzip.
    Unavailable,
    /// The output would have more bytes than the limit.
    TooLarge {
        /// The limit.
        limit_bytes: usize,
    },
    /// The bytes end inside a member.
    Truncated,
    /// A header, a block or a checksum is wrong.
    Corrupt(String),
    /// More than [`MAX_MEMBERS`] members.
    TooManyMembers,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Unavailable => f.write_str("this build has no gzip"),
            Error::TooLarge { limit_bytes } => {
                write!(f, "gzip: expands to more than {limit_bytes} bytes")
            }
            Error::Truncated => f.write_str("gzip: the data ends early"),
            Error::Corrupt(reason) => write!(f, "gzip: {reason}"),
            Error::TooManyMembers => write!(f, "gzip: more than {MAX_MEMBERS} members"),
        }
    }
}

impl std::error::Error for Error {}
