//! `grpc-message`: a human-readable text in UTF-8, percent-encoded ("gRPC over HTTP2",
//! `Status-Message`).

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// The longest message that we write, in bytes. gRPC suggests that peers accept 8 KiB of trailers in
/// all, and the whole status is lost with refused trailers.
const MAX_ENCODED_BYTES: usize = 4096;

/// Appends the encoded message to `out`, cut at a character when it is beyond 4 KiB.
///
/// Printable ASCII except `%` is not encoded, as gRPC specifies, unless it is a space at either end: in
/// HTTP/2 such a field value is malformed (RFC 9113 section 8.2.1).
pub(super) fn encode(message: &str, out: &mut Vec<u8>) {
    let end = out.len() + MAX_ENCODED_BYTES;
    let last = message.len().saturating_sub(1);
    for (at, character) in message.char_indices() {
        let plain = match character {
            '%' => false,
            ' ' => at != 0 && at != last,
            _ => character.is_ascii_graphic(),
        };
        let encoded_len = if plain { 1 } else { 3 * character.len_utf8() };
        if out.len() + encoded_len > end {
            return;
        }
        for &byte in character.encode_utf8(&mut [0; 4]).as_bytes() {
            if plain {
                out.push(byte);
            } else {
                let (high, low) = (usize::from(byte >> 4), usize::from(byte & 0xf));
                out.extend_from_slice(&[b'%', HEX[high], HEX[low]]);
            }
        }
    }
}

/// Reads any message: a `%` without two hex digits stands for itself, and invalid UTF-8 becomes the
/// replacement character. A malformed message must not make the status invalid.
pub(super) fn decode(text: &[u8]) -> String {
    if !text.contains(&b'%') {
        return String::from_utf8_lossy(text).into_owned();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, behind)) = rest.split_first() {
        let escaped = match (byte, behind) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        if let Some((high, low)) = escaped {
            bytes.push(high << 4 | low);
            rest = &behind[2..];
        } else {
            bytes.push(byte);
            rest = behind;
        }
    }
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::each_seed;

    fn encoded(message: &str) -> String {
        let mut out = Vec::new();
        encode(message, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn printable_ascii_but_percent_stays_as_it_is() {
        assert_eq!(encoded("no item 7 (of 9)"), "no item 7 (of 9)");
        assert_eq!(encoded("100%"), "100%25");
        assert_eq!(encoded("~}\x7f"), "~}%7F");
        assert_eq!(encoded(""), "");
    }

    #[test]
    fn whitespace_and_unicode_are_encoded_byte_by_byte() {
        let message = "\t\ntest with whitespace\r\nand \u{263a} and \u{1f608}\t\n";
        assert_eq!(
            encoded(message),
            "%09%0Atest with whitespace%0D%0Aand %E2%98%BA and %F0%9F%98%88%09%0A"
        );
        assert_eq!(decode(encoded(message).as_bytes()), message);
    }

    #[test]
    fn a_space_at_either_end_is_encoded_since_http2_forbids_it_there() {
        assert_eq!(encoded(" a b "), "%20a b%20");
        assert_eq!(encoded(" "), "%20");
    }

    #[test]
    fn a_message_beyond_4_kib_is_cut_at_a_character() {
        assert_eq!(encoded(&"x".repeat(5000)), "x".repeat(4096));
        // 455 times 9 bytes are 4,095.
        assert_eq!(encoded(&"\u{263a}".repeat(1000)), "%E2%98%BA".repeat(455));
    }

    #[test]
    fn a_broken_escape_stands_for_itself() {
        for (text, message) in [
            ("%", "%"),
            ("%4", "%4"),
            ("%zz%41", "%zzA"),
            ("%%41", "%A"),
            ("100%", "100%"),
            ("%e2%98%ba", "\u{263a}"),
            ("%FF%41", "\u{fffd}A"),
        ] {
            assert_eq!(decode(text.as_bytes()), message, "{text}");
        }
        assert_eq!(decode(b"\xff!"), "\u{fffd}!");
    }

    #[test]
    fn any_message_survives_and_any_bytes_decode() {
        each_seed(|seed| {
            let count = seed.below(24);
            let bytes = seed.bytes(count);
            let message = String::from_utf8_lossy(&bytes);
            assert_eq!(decode(encoded(&message).as_bytes()), message);
            let mut damaged = encoded(&message).into_bytes();
            seed.mutate(&mut damaged);
            assert!(decode(&damaged).len() <= 3 * damaged.len());
        });
    }
}
