//! Compression of messages (compression.md, and "Message-Encoding" in PROTOCOL-HTTP2.md).
//!
//! Each message has a flag that says whether it is compressed. `grpc-encoding` names the encoding of a
//! direction before its first message; `grpc-accept-encoding` tells the peer what it may use.
//!
//! | who | compresses | unless |
//! |---|---|---|
//! | client | requests, if the application asks for it | the message is small or would not shrink |
//! | server | responses to a request with `grpc-encoding: gzip` whose client accepts gzip | the same |
//! | either | what the application chooses for a message ([`Sending::Chosen`]) | |
//!
//! A response to a request without an encoding has none, so a client that does not use compression
//! pays nothing for it.
//!
//! Compression shows in the length of a message how much of it repeats. A message that holds a secret
//! together with text that an attacker chooses gives the secret away letter by letter, through TLS as
//! well (CRIME, BREACH). So nothing is compressed on our own initiative: only a client that compresses
//! its requests gets compressed responses, each message is compressed alone, and no message of ours
//! holds another's secret. HPACK has the same problem for header fields; see `metadata::indexing`.

use super::message::{self, PREFIX_BYTES};
use crate::gzip;

/// The encodings that we accept, as `grpc-accept-encoding`.
pub(super) const ACCEPTED: &[u8] = if gzip::IS_AVAILABLE { b"identity, gzip" } else { b"identity" };

/// The only `grpc-encoding` that we send.
pub(super) const GZIP: &[u8] = b"gzip";

/// Smaller messages are sent as they are. With its headers such a message fits into one packet, so
/// that compression would save no round trip; and setting a compressor up takes longer than a whole
/// call.
const WORTHWHILE_BYTES: usize = 1024;

/// What a peer has named as the encoding of its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// None: no message may be compressed.
    Identity,
    /// gzip: messages with the compressed-flag are expanded.
    Gzip,
    /// One that this build does not have.
    Unknown,
}

impl Encoding {
    /// Reads `grpc-encoding`.
    pub(super) fn parse(value: &[u8]) -> Encoding {
        match value {
            b"identity" => Encoding::Identity,
            GZIP if gzip::IS_AVAILABLE => Encoding::Gzip,
            _ => Encoding::Unknown,
        }
    }
}

/// Whether a `grpc-accept-encoding` lists gzip, and we have it.
pub(super) fn accepts_gzip(value: &[u8]) -> bool {
    let listed = match value {
        // Most clients put it last, or have no list at all.
        b"" | b"identity" => false,
        GZIP | [.., b' ' | b',', b'g', b'z', b'i', b'p'] => true,
        _ => value.split(|byte| *byte == b',').any(|name| name.trim_ascii() == GZIP),
    };
    listed && gzip::IS_AVAILABLE
}

/// Which messages one side of a call sends compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sending {
    /// None, and no encoding is named.
    Plain,
    /// Those that are worth it.
    Worthwhile,
    /// All or none, as the application has chosen for the next messages.
    Chosen(bool),
}

impl Sending {
    /// The frame of a message that is sent compressed: prefix and compressed message.
    pub(super) fn compress(self, message: &[u8]) -> Option<Vec<u8>> {
        let is_chosen = match self {
            Sending::Chosen(true) => true,
            Sending::Worthwhile if message.len() >= WORTHWHILE_BYTES => false,
            Sending::Plain | Sending::Worthwhile | Sending::Chosen(false) => return None,
        };
        let mut frame = vec![0; PREFIX_BYTES];
        gzip::compress(message, &mut frame).ok()?;
        let bytes = frame.len() - PREFIX_BYTES;
        if bytes >= message.len() && !is_chosen {
            return None;
        }
        let [_, length @ ..] = message::prefix(bytes)?;
        frame[0] = 1;
        frame[1..PREFIX_BYTES].copy_from_slice(&length);
        Some(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_found_in_any_list_of_encodings() {
        for list in ["gzip", "identity, deflate, gzip", "gzip,identity", "br ,gzip , x", "x,\tgzip"]
        {
            assert_eq!(accepts_gzip(list.as_bytes()), gzip::IS_AVAILABLE, "{list}");
        }
        for list in ["", "identity", "x-gzip", "gzip2, gz ip", "-gzip", "gzip;q=0"] {
            assert!(!accepts_gzip(list.as_bytes()), "{list}");
        }
    }

    #[test]
    #[cfg(feature = "gzip")]
    fn small_messages_and_those_that_would_not_shrink_are_sent_as_they_are() {
        let zeros = vec![0; WORTHWHILE_BYTES];
        let random = crate::seed::Seed::new(1).bytes(5000);
        assert!(Sending::Worthwhile.compress(&zeros).is_some());
        assert_eq!(Sending::Worthwhile.compress(&zeros[1..]), None);
        assert_eq!(Sending::Worthwhile.compress(&random), None);
        for message in [&zeros, &random] {
            assert_eq!(Sending::Plain.compress(message), None);
            assert_eq!(Sending::Chosen(false).compress(message), None);
            let frame = Sending::Chosen(true).compress(message).unwrap();
            let (prefix, compressed) = frame.split_first_chunk::<PREFIX_BYTES>().unwrap();
            let [flag, length @ ..] = *prefix;
            assert_eq!((flag, u32::from_be_bytes(length) as usize), (1, compressed.len()));
            let mut back = Vec::new();
            gzip::expand(compressed, 5000, &mut back).unwrap();
            assert_eq!(&back, message);
        }
    }
}
