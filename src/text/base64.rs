//! Base64 (RFC 4648): the standard alphabet of section 4 is written, with or without padding; the
//! alphabet for URLs of section 5 is read as well where a format allows both.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The entry in [`VALUES`] of a byte outside the alphabet.
const NOT_A_DIGIT: u8 = 0xff;

/// The value of each digit of the standard alphabet.
const VALUES: [u8; 256] = {
    let mut values = [NOT_A_DIGIT; 256];
    let mut value = 0;
    while value < 64 {
        values[ALPHABET[value] as usize] = value as u8;
        value += 1;
    }
    values
};

/// The value of each digit of both alphabets.
const VALUES_OF_BOTH: [u8; 256] = {
    let mut values = VALUES;
    values[b'-' as usize] = 62;
    values[b'_' as usize] = 63;
    values
};

/// Why a text is not base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotBase64;

/// Appends the text for `bytes` to `out`, unpadded.
pub fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    out.reserve(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0, |group, byte| group << 8 | u32::from(*byte));
        let bits = 8 * chunk.len();
        // The digits of the group from the top; the last one is padded with zero bits.
        let mut consumed = 0;
        while consumed < bits {
            consumed += 6;
            let digit = if consumed <= bits {
                group >> (bits - consumed)
            } else {
                group << (consumed - bits)
            };
            out.push(ALPHABET[(digit & 63) as usize]);
        }
    }
}

/// Appends the text for `bytes` to `out`, padded to a multiple of four.
pub fn encode_padded(bytes: &[u8], out: &mut Vec<u8>) {
    encode(bytes, out);
    let digits = (bytes.len() * 4).div_ceil(3);
    out.resize(out.len() + digits.next_multiple_of(4) - digits, b'=');
}

/// Appends the decoded bytes of `text` in the standard alphabet to `out`, with or without padding.
/// Bits beyond the last whole byte are ignored.
///
/// # Errors
/// A byte outside the alphabet, padding that does not fill a group of four, or a lone digit at the
/// end. `out` may then hold a part.
pub fn decode(text: &[u8], out: &mut Vec<u8>) -> Result<(), NotBase64> {
    decode_by(&VALUES, text, out)
}

/// The same for a text in either alphabet.
///
/// # Errors
/// As [`decode`].
pub fn decode_both(text: &[u8], out: &mut Vec<u8>) -> Result<(), NotBase64> {
    decode_by(&VALUES_OF_BOTH, text, out)
}

fn decode_by(values: &[u8; 256], text: &[u8], out: &mut Vec<u8>) -> Result<(), NotBase64> {
    let digits = match text {
        [digits @ .., b'=', b'='] | [digits @ .., b'='] if text.len().is_multiple_of(4) => digits,
        _ => text,
    };
    out.reserve(digits.len() * 3 / 4);
    for chunk in digits.chunks(4) {
        let mut group: u32 = 0;
        for &digit in chunk {
            let value = values[usize::from(digit)];
            if value == NOT_A_DIGIT {
                return Err(NotBase64);
            }
            group = group << 6 | u32::from(value);
        }
        let [_, b0, b1, b2] = (group << (6 * (4 - chunk.len()))).to_be_bytes();
        match chunk.len() {
            4 => out.extend_from_slice(&[b0, b1, b2]),
            3 => out.extend_from_slice(&[b0, b1]),
            2 => out.push(b0),
            _ => return Err(NotBase64),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::each_seed;

    /// RFC 4648 section 10, with and without padding.
    const VECTORS: [(&str, &str, &str); 7] = [
        ("", "", ""),
        ("f", "Zg", "Zg=="),
        ("fo", "Zm8", "Zm8="),
        ("foo", "Zm9v", "Zm9v"),
        ("foob", "Zm9vYg", "Zm9vYg=="),
        ("fooba", "Zm9vYmE", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy", "Zm9vYmFy"),
    ];

    fn encoded(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        encode(bytes, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn decoded(text: &str) -> Result<Vec<u8>, NotBase64> {
        let mut out = Vec::new();
        decode(text.as_bytes(), &mut out).map(|()| out)
    }

    #[test]
    fn rfc_4648_section_10_is_written_unpadded_and_read_either_way() {
        for (plain, unpadded, padded) in VECTORS {
            assert_eq!(encoded(plain.as_bytes()), unpadded);
            assert_eq!(decoded(unpadded), Ok(plain.as_bytes().to_vec()));
            assert_eq!(decoded(padded), Ok(plain.as_bytes().to_vec()));
            let mut out = b"kept".to_vec();
            encode_padded(plain.as_bytes(), &mut out);
            assert_eq!(out, format!("kept{padded}").as_bytes());
        }
    }

    #[test]
    fn the_alphabet_for_urls_is_read_where_both_are_allowed() {
        for text in ["-_-_", "+/+/", "-/+_"] {
            let mut out = Vec::new();
            assert_eq!(decode_both(text.as_bytes(), &mut out), Ok(()));
            assert_eq!(out, [0xfb, 0xff, 0xbf], "{text}");
        }
        assert_eq!(decode_both(b"a,bc", &mut Vec::new()), Err(NotBase64));
    }

    #[test]
    fn invalid_base64_is_refused() {
        for text in ["A", "AAAAA", "=", "====", "Zg=", "Zg===", "Z=g=", "Zm9v=", "Zg ", "_-8", "A,"]
        {
            assert_eq!(decoded(text), Err(NotBase64), "{text:?}");
        }
    }

    #[test]
    fn any_bytes_survive_and_no_text_panics() {
        each_seed(|seed| {
            let count = seed.below(40);
            let bytes = seed.bytes(count);
            let mut text = encoded(&bytes).into_bytes();
            assert_eq!(decoded(std::str::from_utf8(&text).unwrap()), Ok(bytes));
            seed.mutate(&mut text);
            let mut out = Vec::new();
            if decode(&text, &mut out).is_ok() {
                assert!(out.len() <= text.len() * 3 / 4);
            }
        });
    }
}
