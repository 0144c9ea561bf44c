//! Replies: the results of commands.
//!
//! As a [binary record](crate::binary): `u8 tag | u64 revision`. A reply holds no values, because
//! every replica keeps the replies of a session until the client acknowledges them.

use std::fmt;

use crate::binary::{self, Reader, Writer};

/// The result of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The key has its new value.
    Written {
        /// The write's own revision.
        revision: u64,
    },
    /// The key was deleted.
    Deleted {
        /// The deletion's own revision.
        revision: u64,
    },
    /// The key to delete does not exist.
    Missing {
        /// The revision of the command.
        revision: u64,
    },
    /// Compare-and-set: the key does not have the expected value. Nothing changed.
    CompareFailed {
        /// The revision of the present value; 0 if the key does not exist.
        modified: u64,
    },
    /// The entry holds no valid command.
    InvalidCommand,
}

/// The bytes encode no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidReply;

impl fmt::Display for InvalidReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bytes are no reply of the store")
    }
}

impl std::error::Error for InvalidReply {}

impl Reply {
    /// Appends the encoded reply.
    pub fn encode_into(&self, bytes: &mut Vec<u8>) {
        let (tag, revision) = match *self {
            Reply::InvalidCommand => (0, 0),
            Reply::Written { revision } => (1, revision),
            Reply::Deleted { revision } => (2, revision),
            Reply::Missing { revision } => (3, revision),
            Reply::CompareFailed { modified } => (4, modified),
        };
        Writer::new(bytes).u8(tag).u64(revision);
    }

    /// Decodes a reply.
    ///
    /// # Errors
    /// The bytes encode no reply.
    pub fn decode(bytes: &[u8]) -> Result<Reply, InvalidReply> {
        let (tag, revision) = fields(bytes).map_err(|_| InvalidReply)?;
        Ok(match tag {
            0 => Reply::InvalidCommand,
            1 => Reply::Written { revision },
            2 => Reply::Deleted { revision },
            3 => Reply::Missing { revision },
            4 => Reply::CompareFailed { modified: revision },
            _ => return Err(InvalidReply),
        })
    }
}

fn fields(bytes: &[u8]) -> Result<(u8, u64), binary::Error> {
    let mut fields = Reader::new(bytes);
    let reply = (fields.u8()?, fields.u64()?);
    fields.end().map(|()| reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_come_back() {
        for reply in [
            Reply::Written { revision: 7 },
            Reply::Deleted { revision: u64::MAX },
            Reply::Missing { revision: 1 },
            Reply::CompareFailed { modified: 0 },
            Reply::InvalidCommand,
        ] {
            let mut bytes = Vec::new();
            reply.encode_into(&mut bytes);
            assert_eq!(Reply::decode(&bytes), Ok(reply));
        }
        for bytes in [&b""[..], b"\x01", b"\x09\0\0\0\0\0\0\0\0", b"\x01\0\0\0\0\0\0\0\0\0"] {
            assert_eq!(Reply::decode(bytes), Err(InvalidReply));
        }
    }
}
