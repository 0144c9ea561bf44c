//! Records: lines that end with a checksum of everything before it.

use super::crc32c::crc32c;
use super::integer::{parse_hex, push_hex};
use super::line::LineError;

/// The length of a checksum with the space before it.
pub const CHECKSUM_BYTES: usize = 9;

/// Ends the line that begins at byte `start` of `text`: appends a space, the CRC-32C of the line
/// including that space, and a newline.
pub fn push_checksum(text: &mut Vec<u8>, start: usize) {
    text.push(b' ');
    let crc = crc32c(text.get(start..).unwrap_or_default());
    push_hex(crc, text);
    text.push(b'\n');
}

/// Verifies the checksum of a line (without its newline) and returns the text before it.
///
/// # Errors
/// The line has no checksum, or a wrong one.
pub fn strip_checksum(line: &[u8]) -> Result<&[u8], LineError> {
    let end = line.len().saturating_sub(CHECKSUM_BYTES);
    let (body, checksum) = line.split_at(end);
    let [b' ', digits @ ..] = checksum else {
        return Err(LineError { at: end, what: "a line that does not end in a checksum" });
    };
    let Some(crc) = parse_hex(digits) else {
        return Err(LineError { at: end + 1, what: "a line that does not end in a checksum" });
    };
    // The checksum includes the space.
    match crc32c(line.get(..=end).unwrap_or_default()) == crc {
        true => Ok(body),
        false => Err(LineError { at: 0, what: "a line that does not match its checksum" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_a_line_with_its_checksum() {
        let mut text = b"NO-OP 1 # 1\n".to_vec();
        let start = text.len();
        text.extend_from_slice(b"SET name1 Jaggu 1 # 2");
        push_checksum(&mut text, start);
        let line = text[start..].strip_suffix(b"\n").unwrap();
        assert_eq!(line.len(), 21 + CHECKSUM_BYTES);
        assert_eq!(strip_checksum(line), Ok(&b"SET name1 Jaggu 1 # 2"[..]));
    }

    #[test]
    fn any_flipped_bit_or_cut_is_detected() {
        let mut text = b"SET name1 Jaggu 1 # 2".to_vec();
        push_checksum(&mut text, 0);
        text.pop();
        for at in 0..text.len() {
            assert!(strip_checksum(&text[..at]).is_err(), "cut at {at}");
            for bit in 0..8 {
                let mut damaged = text.clone();
                damaged[at] ^= 1 << bit;
                assert!(strip_checksum(&damaged).is_err(), "bit {bit} of byte {at}");
            }
        }
    }
}
