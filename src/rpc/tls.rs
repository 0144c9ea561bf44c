//! TLS 1.2 and 1.3 (RFC 5246, RFC 8446) under a connection, by rustls.
//!
//! A server that has a certificate takes TLS and cleartext on one port: the first byte of a
//! connection tells them apart. Inside TLS the same two protocols are available as in cleartext,
//! and ALPN (RFC 7301) selects one: `h2` is gRPC (RFC 9113 section 3.2), `agr1` is the native
//! protocol. A peer that supports neither is refused.
//!
//! ```text
//!   socket --- records ---> Tls --- plaintext ---> session
//!          <-- records ----     <-- plaintext ----
//! ```
//!
//! All buffers of [`Tls`] are in rustls, which holds at most the records of one write, 64 KiB, and
//! what is incomplete of the input: 64 KiB of a handshake message, and later one record of 18 KiB. So
//! TLS takes at most 128 KiB of a connection, which the server's budgets do not count: 128 MiB for
//! 1,024 connections, if all of them are attacked. Timeouts, limits and shutdown are handled by the
//! session: the handshake and the preface must be complete within the preface timeout.
//!
//! Trust comes only from files: a client names the authorities that it trusts
//! ([`ClientTls::load`]); the operating system's are not used. Left out: early data, encrypted
//! private keys, and revocation lists.
//!
//! Certificates are renewed while a process runs: it checks their files ([`Certificates`]), and new
//! connections use what they contain. A server ends the connections that were made before
//! gracefully, a client and a peer stream replace theirs. A session that was made with a client's
//! certificate is not resumed, since resumption would skip the check.
//!
//! Without the feature `tls` the types exist, but nothing can be loaded.

use std::fmt;
use std::path::{Path, PathBuf};

#[cfg(feature = "tls")]
mod certificates;
#[cfg(feature = "tls")]
mod config;
#[cfg(feature = "tls")]
mod files;
#[cfg(feature = "tls")]
mod layer;
#[cfg(feature = "tls")]
mod parts;
#[cfg(feature = "tls")]
mod reload;
#[cfg(feature = "tls")]
mod validity;
#[cfg(feature = "tls")]
mod words;
#[cfg(feature = "tls")]
mod x509;

#[cfg(not(feature = "tls"))]
mod disabled;

#[cfg(feature = "tls")]
pub use certificates::Certificates;
#[cfg(feature = "tls")]
pub use config::{ClientTls, ServerTls};
#[cfg(feature = "tls")]
pub(super) use layer::Tls;
#[cfg(feature = "tls")]
pub use x509::{Certificate, CertificateError, DistinguishedName};

#[cfg(not(feature = "tls"))]
pub(super) use disabled::Tls;
#[cfg(not(feature = "tls"))]
pub use disabled::{Certificates, ClientTls, ServerTls};

/// The files of an identity, in PEM.
#[derive(Clone, Copy, Debug)]
pub struct IdentityFiles<'a> {
    /// The own certificate, followed by those that lead to an authority.
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
        /// The path of the file.
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
