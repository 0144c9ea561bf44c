//! Words: any bytes, escaped as readable text without white space.
//!
//! ```text
//! \e     an empty word
//! \      and a space: a space
//! \\     a backslash
//! \n     a newline
//! \xNN   any other escaped byte
//! ```
//!
//! Escaped are the controls (Unicode's category Cc: U+0000 to U+001F, U+007F to U+009F), white
//! space of any kind (the property White_Space: the no-break space, U+2028, U+3000 and others),
//! each byte of their UTF-8 separately, and bytes that are not UTF-8. So any kind of white space
//! occurs only between words. All other characters stay unchanged.

use std::fmt;

use super::integer::{hex_digit, push_hex_byte};
use super::scan::find_first;

/// Why text is not a word, with the byte offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WordError {
    /// A backslash that begins no escape.
    Escape(usize),
    /// The text is not the canonical spelling of its word; it differs from here on.
    Spelling(usize),
}

impl WordError {
    /// The byte offset in the text.
    pub fn at(self) -> usize {
        match self {
            WordError::Escape(at) | WordError::Spelling(at) => at,
        }
    }
}

impl fmt::Display for WordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WordError::Escape(_) => "a backslash that begins no escape",
            WordError::Spelling(_) => "a word that is not spelled as it is written",
        })
    }
}

impl std::error::Error for WordError {}

/// Whether a byte is never escaped. Bytes above ASCII are not: it depends on their character.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~') & (byte != b'\\')
}

fn is_escaped(character: char) -> bool {
    match character {
        '!'..='~' => character == '\\',
        _ => character.is_whitespace() || character.is_control(),
    }
}

/// Whether the text of a word equals the word.
pub(super) fn all_plain(word: &[u8]) -> bool {
    !word.is_empty() && find_first(word, |byte| !is_plain(byte)).is_none()
}

/// Appends a word to a line, escaped.
pub fn escape(word: &[u8], line: &mut Vec<u8>) {
    if word.is_empty() {
        line.extend_from_slice(b"\\e");
    }
    let mut rest = word;
    while let Some(at) = find_first(rest, |byte| !is_plain(byte)) {
        let (plain, behind) = rest.split_at(at);
        line.extend_from_slice(plain);
        // This does not split characters: all bytes of multi-byte characters are above ASCII.
        let end = behind.iter().position(|byte| is_plain(*byte)).unwrap_or(behind.len());
        let (special, behind) = behind.split_at(end);
        for chunk in special.utf8_chunks() {
            escape_text(chunk.valid(), line);
            escape_bytes(chunk.invalid(), line);
        }
        rest = behind;
    }
    line.extend_from_slice(rest);
}

fn escape_text(mut text: &str, line: &mut Vec<u8>) {
    while let Some(at) = text.find(is_escaped) {
        let (shown, rest) = text.split_at(at);
        line.extend_from_slice(shown.as_bytes());
        let mut characters = rest.chars();
        match characters.next() {
            Some(character @ (' ' | '\\')) => line.extend_from_slice(&[b'\\', character as u8]),
            Some('\n') => line.extend_from_slice(b"\\n"),
            Some(hidden) => escape_bytes(hidden.encode_utf8(&mut [0; 4]).as_bytes(), line),
            None => {}
        }
        text = characters.as_str();
    }
    line.extend_from_slice(text.as_bytes());
}

fn escape_bytes(bytes: &[u8], line: &mut Vec<u8>) {
    for &byte in bytes {
        line.extend_from_slice(b"\\x");
        push_hex_byte(byte, line);
    }
}

/// Appends the word with this text to `word`.
///
/// # Errors
/// [`escape`] does not write such text. The bytes appended to `word` are then unspecified.
pub fn unescape(text: &[u8], word: &mut Vec<u8>) -> Result<(), WordError> {
    if all_plain(text) {
        word.extend_from_slice(text);
        return Ok(());
    }
    let start = word.len();
    if decode_ascii(text, word) {
        return Ok(());
    }
    word.truncate(start);
    if text != b"\\e" {
        decode(text, word)?;
    }
    // The spelling is canonical if escaping the word again gives the same text.
    let mut again = Vec::with_capacity(text.len());
    escape(word.get(start..).unwrap_or_default(), &mut again);
    if again == text {
        return Ok(());
    }
    let same = again.iter().zip(text).take_while(|(one, other)| one == other).count();
    Err(WordError::Spelling(same))
}

/// Decodes text of plain bytes and two-byte escapes, as in most sentences. All of these are
/// canonical, so nothing needs to be compared. Returns false if the text has anything else.
fn decode_ascii(text: &[u8], word: &mut Vec<u8>) -> bool {
    let mut rest = text;
    loop {
        let plain = find_first(rest, |byte| !is_plain(byte)).unwrap_or(rest.len());
        let (shown, escape) = rest.split_at(plain);
        word.extend_from_slice(shown);
        rest = match escape {
            [] => return !text.is_empty(),
            [b'\\', byte @ (b' ' | b'\\'), after @ ..] => {
                word.push(*byte);
                after
            }
            [b'\\', b'n', after @ ..] => {
                word.push(b'\n');
                after
            }
            _ => return false,
        };
    }
}

fn decode(text: &[u8], word: &mut Vec<u8>) -> Result<(), WordError> {
    let mut rest = text;
    while let Some(at) = find_first(rest, |byte| byte == b'\\') {
        let (shown, escape) = rest.split_at(at);
        word.extend_from_slice(shown);
        let (byte, len) = match *escape {
            [_, byte @ (b' ' | b'\\'), ..] => (byte, 2),
            [_, b'n', ..] => (b'\n', 2),
            [_, b'x', high, low, ..] => match (hex_digit(high), hex_digit(low)) {
                (Some(high), Some(low)) => (high << 4 | low, 4),
                _ => return Err(WordError::Escape(text.len() - escape.len())),
            },
            _ => return Err(WordError::Escape(text.len() - escape.len())),
        };
        word.push(byte);
        rest = escape.get(len..).unwrap_or_default();
    }
    word.extend_from_slice(rest);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::each_seed;

    fn escaped(word: &[u8]) -> Vec<u8> {
        let mut line = b"SET ".to_vec();
        escape(word, &mut line);
        line.split_off(4)
    }

    fn unescaped(text: &[u8]) -> Result<Vec<u8>, WordError> {
        let mut word = b"before".to_vec();
        unescape(text, &mut word)?;
        Ok(word.split_off(6))
    }

    #[test]
    fn words_are_escaped_and_unescaped() {
        for (word, text) in [
            (&b"Jaggu"[..], "Jaggu"),
            (b"", "\\e"),
            (b"hello world", "hello\\ world"),
            (b"C:\\tmp", "C:\\\\tmp"),
            (b"\\e", "\\\\e"),
            (b"two\nlines\r\n", "two\\nlines\\x0d\\n"),
            (b"\t\0\x7f", "\\x09\\x00\\x7f"),
            (b"\xff\xc3", "\\xff\\xc3"),
            ("Zoë 山 🦀".as_bytes(), "Zoë\\ 山\\ 🦀"),
            (
                "\u{a0}\u{85}\u{3000}\u{2028}".as_bytes(),
                r"\xc2\xa0\xc2\x85\xe3\x80\x80\xe2\x80\xa8",
            ),
            // A part of a character.
            (&"é".as_bytes()[..1], "\\xc3"),
            (b"#", "#"),
        ] {
            assert_eq!(String::from_utf8_lossy(&escaped(word)), text);
            assert_eq!(unescaped(text.as_bytes()).as_deref(), Ok(word), "{text}");
        }
    }

    #[test]
    fn a_second_spelling_is_refused() {
        for (text, error) in [
            (&b""[..], WordError::Spelling(0)),
            (b"\\", WordError::Escape(0)),
            (b"ab\\", WordError::Escape(2)),
            (b"\\t", WordError::Escape(0)),
            (b"a\\x0", WordError::Escape(1)),
            (b"\\x0g", WordError::Escape(0)),
            (b"\\x0A", WordError::Escape(0)),
            (b"\\x0a", WordError::Spelling(1)),
            (b"a\\x62c", WordError::Spelling(1)),
            (b"\\x20", WordError::Spelling(1)),
            (b"a\\e", WordError::Escape(1)),
            (b"\\e\\e", WordError::Escape(0)),
            // A valid é needs no escape.
            (b"\\xc3\\xa9", WordError::Spelling(0)),
            (b"a b", WordError::Spelling(1)),
            (b"a\tb", WordError::Spelling(1)),
            (b"a\xffb", WordError::Spelling(1)),
            ("a\u{a0}b".as_bytes(), WordError::Spelling(1)),
        ] {
            assert_eq!(unescaped(text), Err(error), "{:?}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn any_bytes_are_escaped_to_visible_text_without_white_space() {
        let pieces = ["a", " ", "\\", "\n", "\t", "é", "\u{a0}", "\u{2029}", "山", "x4a", "\\e"];
        each_seed(|seed| {
            let mut word = Vec::new();
            for _ in 0..seed.below(8) {
                match seed.one_in(3) {
                    true => word.extend_from_slice(&seed.bytes(3)),
                    false => word.extend_from_slice(seed.pick(&pieces).as_bytes()),
                }
            }
            let text = String::from_utf8(escaped(&word)).expect("text");
            let hidden = |c: char| c.is_control() || (c.is_whitespace() && c != ' ');
            assert!(!text.is_empty() && !text.contains(hidden), "{text:?}");
            assert_eq!(unescaped(text.as_bytes()), Ok(word));
        });
    }

    #[test]
    fn damaged_text_is_refused_or_another_word() {
        let good = escaped("a b\\c\n\t\u{a0}\u{ff}é".as_bytes());
        each_seed(|seed| {
            let mut text = good.clone();
            seed.mutate(&mut text);
            if let Ok(word) = unescaped(&text) {
                assert_eq!(escaped(&word), text);
            }
        });
    }
}
