//! Why a name has no address for us.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use crate::dns::TargetError;

/// Why a target (`host:port`) has no address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResolveError {
    /// It is none.
    Target(TargetError),
    /// Nobody knows such a name.
    NoSuchName,
    /// The name is known, and has no address.
    NoAddress,
    /// The look-up has not ended in time. It goes on.
    NotYet,
    /// No name server has answered in time.
    NoServer {
        /// The last one that was asked.
        server: SocketAddr,
        /// What became of that.
        reason: String,
    },
    /// The name servers do not or cannot answer.
    Refused {
        /// The last one that was asked.
        server: SocketAddr,
        /// The response code (RFC 1035, section 4.1.1).
        rcode: u8,
    },
    /// A file cannot be read.
    File(String),
    /// Too many names are being looked up.
    TooMany,
    /// There is no further thread.
    Thread(String),
    /// The look-up has panicked.
    Panicked,
}

impl ResolveError {
    /// Whether it may be another one soon: the name may yet be there.
    pub fn is_transient(&self) -> bool {
        !matches!(self, ResolveError::Target(_))
    }
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ResolveError::Target(error) => error.fmt(f),
            ResolveError::NoSuchName => f.write_str("no such name"),
            ResolveError::NoAddress => f.write_str("the name has no address"),
            ResolveError::NotYet => f.write_str("the name is still being looked up"),
            ResolveError::NoServer { server, reason } => {
                write!(f, "no name server answers ({}: {reason})", server.ip())
            }
            ResolveError::Refused { server, rcode } => {
                write!(f, "the name server {} ", server.ip())?;
                match rcode {
                    2 => f.write_str("has failed"),
                    5 => f.write_str("refuses to answer"),
                    rcode => write!(f, "answers with error {rcode}"),
                }
            }
            ResolveError::File(what) => f.write_str(what),
            ResolveError::TooMany => f.write_str("too many names are being looked up"),
            ResolveError::Thread(what) => write!(f, "no thread to look the name up: {what}"),
            ResolveError::Panicked => f.write_str("looking the name up has panicked"),
        }
    }
}

impl std::error::Error for ResolveError {}

impl From<ResolveError> for io::Error {
    fn from(error: ResolveError) -> io::Error {
        let kind = match error {
            ResolveError::Target(_) => ErrorKind::InvalidInput,
            ResolveError::NoSuchName | ResolveError::NoAddress => ErrorKind::NotFound,
            ResolveError::NotYet | ResolveError::NoServer { .. } => ErrorKind::TimedOut,
            _ => ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}
