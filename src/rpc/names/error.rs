//! Why a look-up failed.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use crate::dns::TargetError;

/// Why a target (`host:port`) has no address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResolveError {
    /// It is no `host:port`.
    Target(TargetError),
    /// The name does not exist.
    NoSuchName,
    /// The name exists but has no address.
    NoAddress,
    /// The look-up has not ended in time. It continues in the background.
    NotYet,
    /// No name server has answered in time.
    NoServer {
        /// The last one that was asked.
        server: SocketAddr,
        /// The error of that query.
        reason: String,
    },
    /// The name servers refused to answer or failed.
    Refused {
        /// The last one that was asked.
        server: SocketAddr,
        /// The response code (RFC 1035, section 4.1.1).
        rcode: u8,
    },
    /// A configuration file cannot be read.
    File(String),
    /// Too many look-ups are in progress, or too many callers wait for this one.
    TooMany,
    /// No thread could be started.
    Thread(String),
    /// The look-up has panicked.
    Panicked,
}

impl ResolveError {
    /// Whether a retry may succeed.
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
            ResolveError::TooMany => f.write_str("too many look-ups are in progress"),
            ResolveError::Thread(what) => write!(f, "no thread to look the name up: {what}"),
            ResolveError::Panicked => f.write_str("the look-up has panicked"),
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
