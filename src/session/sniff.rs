//! Detects the protocol of a connection from its first bytes.

/// The first bytes of the HTTP/2 client preface (RFC 9113 section 3.4), enough to tell it from
/// every HTTP/1.1 request: no method is called `PRI`.
const HTTP2: &[u8; 4] = b"PRI ";
/// The native protocol's magic.
const NATIVE: &[u8; 4] = b"AGR1";
/// The first byte of a TLS record that carries a handshake (RFC 8446 section 5.1).
const TLS_HANDSHAKE: u8 = 0x16;

/// The protocol that the first bytes of a connection show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sniffed {
    /// Not enough bytes yet.
    NeedMore,
    /// gRPC over cleartext HTTP/2 with prior knowledge.
    Grpc,
    /// The native protocol.
    Native,
    /// HTTP/1.1, or an older version.
    Http1,
    /// A TLS ClientHello.
    Tls,
    /// Something else.
    Other,
}

/// Detects the protocol from the first bytes of a connection. Four bytes always suffice.
pub fn sniff(first: &[u8]) -> Sniffed {
    let begins = |magic: &[u8; 4]| first.iter().zip(magic).all(|(a, b)| a == b);
    match first {
        [] => Sniffed::NeedMore,
        [TLS_HANDSHAKE, ..] => Sniffed::Tls,
        _ if begins(HTTP2) && first.len() >= 4 => Sniffed::Grpc,
        _ if begins(NATIVE) && first.len() >= 4 => Sniffed::Native,
        _ if begins(HTTP2) || begins(NATIVE) => Sniffed::NeedMore,
        // Empty lines before a request are allowed (RFC 9112 section 2.2).
        [b'\r', b'\n', ..] => Sniffed::Http1,
        [b'\r'] => Sniffed::NeedMore,
        _ if !begins_method(first) => Sniffed::Other,
        _ if first.len() < 4 => Sniffed::NeedMore,
        _ => Sniffed::Http1,
    }
}

/// Whether four bytes, or fewer, may begin a method: they are upper-case letters, or three of them and a
/// space. (Methods of other characters exist in theory only.)
fn begins_method(first: &[u8]) -> bool {
    first.iter().take(3).all(u8::is_ascii_uppercase)
        && first.get(3).is_none_or(|byte| byte.is_ascii_uppercase() || *byte == b' ')
}

/// Whether a server's first bytes refuse cleartext. They are HTTP/1.1, as for a client that speaks
/// no protocol of ours.
pub fn is_cleartext_refusal(first: &[u8]) -> bool {
    first.starts_with(b"HTTP/1.")
        && first.windows(TLS_ONLY.len()).any(|window| window == TLS_ONLY.as_bytes())
}

/// The words of a server that accepts TLS only, in its answer to cleartext.
const TLS_ONLY: &str = "inside TLS only";

/// Which protocols a server accepts: the flag `--compat`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compat {
    /// gRPC, and HTTP/1.1, which goes with the HTTP of gRPC.
    Grpc,
    /// The native protocol only.
    Native,
    /// All, distinguished by their first bytes.
    #[default]
    Both,
}

impl Compat {
    /// Whether the detected protocol is accepted.
    pub fn accepts(self, sniffed: Sniffed) -> bool {
        match sniffed {
            Sniffed::Grpc | Sniffed::Http1 => self != Compat::Native,
            Sniffed::Native => self != Compat::Grpc,
            Sniffed::NeedMore | Sniffed::Tls | Sniffed::Other => false,
        }
    }
}

/// What a handshake of TLS has settled by ALPN (RFC 7301).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Negotiated {
    /// The peer may use this protocol alone.
    Only(Sniffed),
    /// The peer does not negotiate: its first bytes tell.
    Nothing,
}

impl Negotiated {
    /// Whether the detected protocol is what was negotiated.
    pub fn accepts(self, sniffed: Sniffed) -> bool {
        match self {
            Negotiated::Only(protocol) => protocol == sniffed,
            Negotiated::Nothing => true,
        }
    }
}

impl std::str::FromStr for Compat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Compat, &'static str> {
        match text {
            "grpc" => Ok(Compat::Grpc),
            "native" => Ok(Compat::Native),
            "both" => Ok(Compat::Both),
            _ => Err("expected grpc, native or both"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_bytes_tell_the_protocols_apart() {
        assert_eq!(sniff(b"PRI * HTTP/2.0\r\n"), Sniffed::Grpc);
        assert_eq!(sniff(b"AGR1"), Sniffed::Native);
        assert_eq!(sniff(&[0x16, 3, 1]), Sniffed::Tls);
        assert_eq!(sniff(b"GET / HTTP/1.1\r\n"), Sniffed::Http1);
        assert_eq!(sniff(b"POST / HTTP/1.1\r\n"), Sniffed::Http1);
        assert_eq!(sniff(b"\r\nPOST / HTTP/1.1\r\n"), Sniffed::Http1);
        assert_eq!(sniff(b"AGR2"), Sniffed::Other);
        assert_eq!(sniff(b"SSH-2.0"), Sniffed::Other);
        assert_eq!(sniff(&[0]), Sniffed::Other);
    }

    #[test]
    fn fewer_bytes_wait_only_while_they_may_still_become_a_protocol() {
        for len in 0..4 {
            assert_eq!(sniff(&HTTP2[..len]), Sniffed::NeedMore);
            assert_eq!(sniff(&NATIVE[..len]), Sniffed::NeedMore);
        }
        assert_eq!(sniff(b"PO"), Sniffed::NeedMore);
        assert_eq!(sniff(b"\r"), Sniffed::NeedMore);
        assert_eq!(sniff(b"po"), Sniffed::Other);
        assert_eq!(sniff(b"AG2"), Sniffed::Other);
    }

    #[test]
    fn compat_restricts_the_accepted_protocols() {
        assert!(Compat::Both.accepts(Sniffed::Grpc) && Compat::Both.accepts(Sniffed::Native));
        assert!(Compat::Grpc.accepts(Sniffed::Grpc) && !Compat::Grpc.accepts(Sniffed::Native));
        assert!(!Compat::Native.accepts(Sniffed::Grpc) && Compat::Native.accepts(Sniffed::Native));
        assert!(Compat::Grpc.accepts(Sniffed::Http1) && !Compat::Native.accepts(Sniffed::Http1));
        assert!(!Compat::Both.accepts(Sniffed::Other));
    }
}
