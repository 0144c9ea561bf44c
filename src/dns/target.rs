//! A server's address as text: `host:port`, `1.2.3.4:port`, `[::1]:port`.

use std::fmt;
use std::net::SocketAddr;

use super::name::{Name, NameError};

/// The address of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An address, which needs no look-up.
    Address(SocketAddr),
    /// A name and a port.
    Name(Name, u16),
}

/// Why a text is not a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetError {
    /// No `:PORT` at the end, or not a number from 0 to 65535.
    Port,
    /// The host is invalid.
    Host(NameError),
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TargetError::Port => f.write_str("expected HOST:PORT"),
            TargetError::Host(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for TargetError {}

impl Target {
    /// Parses a target.
    ///
    /// # Errors
    /// See [`TargetError`].
    pub fn parse(text: &str) -> Result<Target, TargetError> {
        if let Ok(address) = text.parse() {
            return Ok(Target::Address(address));
        }
        let (host, port) = text.rsplit_once(':').ok_or(TargetError::Port)?;
        // A port must not have a sign.
        let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port.parse().ok().filter(|_| is_number).ok_or(TargetError::Port)?;
        let name = Name::parse(host).map_err(TargetError::Host)?;
        Ok(Target::Name(name, port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_names_are_distinguished() {
        for text in ["127.0.0.1:80", "[::1]:0", "[fe80::1%2]:7"] {
            assert_eq!(Target::parse(text), Ok(Target::Address(text.parse().unwrap())), "{text}");
        }
        let name = Name::parse("vm1.").unwrap();
        assert_eq!(Target::parse("VM1.:65535"), Ok(Target::Name(name, 65535)));
    }

    #[test]
    fn invalid_targets_are_refused() {
        for text in ["", "vm1", "vm1:", "vm1:x", "vm1:65536", "vm1:-1", "vm1:+1"] {
            assert_eq!(Target::parse(text), Err(TargetError::Port), "{text:?}");
        }
        for text in [":80", "::1:80", "1.2.3:80", "a b:80", "[::1:80", "http://a:80"] {
            assert!(matches!(Target::parse(text), Err(TargetError::Host(_))), "{text:?}");
        }
    }
}
