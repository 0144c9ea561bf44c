//! TLS 1.2 and 1.3 (RFC 5246, RFC 8446) under a connection, by rustls.
//!
//! A server that has a certificate takes TLS and cleartext on one port: the first byte of a
//! connection tells them apart. Inside TLS the same two protocols are spoken as in the clear, and
//! ALPN (RFC 7301) says which: `h2` is gRPC (RFC 9113 section 3.2), `agr1` is the native protocol.
//! A peer that agrees to neither is refused.
//!
//! ```text
//!   socket --- records ---> Tls --- plaintext ---> session
//!          <-- records ----     <-- plaintext ----
//! ```
//!
//! [`Tls`] keeps nothing that rustls does not keep for it, and rustls never holds more than the
//! records of one write and one incomplete record. Everything about time, limits and shutting down
//! is the session's: a handshake must be over, and the preface there, within the preface timeout.
//!
//! Trust comes from files alone: a client names the authorities that it believes
//! ([`ClientTls::load`]); those of the operating system are not asked. Left out: early data,
//! encrypted private keys, revocation lists, and reading renewed certificates while serving.
//!
//! Without the feature `tls` the types are the same, and nothing can be loaded.

use std::fmt;
use std::path::{Path, PathBuf};

#[cfg(feature = "tls")]
mod config;
#[cfg(feature = "tls")]
mod layer;

#[cfg(not(feature = "tls"))]
mod disabled;

#[cfg(feature = "tls")]
pub use config::{ClientTls, ServerTls};
#[cfg(feature = "tls")]
pub(super) use layer::Tls;

#[cfg(not(feature = "tls"))]
pub(super) use disabled::Tls;
#[cfg(not(feature = "tls"))]
pub use disabled::{ClientTls, ServerTls};

/// Who we are: files in PEM.
#[derive(Clone, Copy, Debug)]
pub struct IdentityFiles<'a> {
    /// Our certificate, then those that lead from it to an authority.
    pub certificates: &'a Path,
    /// The private key of the first certificate, not encrypted.
    pub key: &'a Path,
}

/// Why TLS cannot be set up.
#[derive(Debug)]
pub enum TlsError {
    /// The program was built without the feature `tls`.
    Disabled,
    /// A file cannot be read, or does not hold what it should.
    File {
        /// Which.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// No certificate can be valid for this name.
    Name(String),
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TlsError::Disabled => f.write_str("built without TLS"),
            TlsError::File { file, reason } => write!(f, "{}: {reason}", file.display()),
            TlsError::Name(name) => write!(f, "{name:?} is neither a host name nor an address"),
        }
    }
}

impl std::error::Error for TlsError {}
