//! Text as words.
//!
//! A word is a sequence of letters and digits (Unicode's `Alphabetic` and `Numeric`), in lower
//! case, cut to [`MAX_WORD_BYTES`]. All other characters separate words: `USB-C` is `usb` and `c`.
//! Each character is converted to lower case by itself, whatever the language or the position.

/// The longest word, in bytes of UTF-8; a longer one is cut at the end of a character. Words that
/// differ only behind it are one word.
pub const MAX_WORD_BYTES: usize = 32;

/// The lower case of an ASCII byte of a word; 0 for a byte that separates words.
const ASCII: [u8; 128] = {
    let mut letters = [0; 128];
    let mut byte = 0;
    while byte < 128_u8 {
        if byte.is_ascii_alphanumeric() {
            letters[byte as usize] = byte.to_ascii_lowercase();
        }
        byte += 1;
    }
    letters
};

/// Calls `found` with each word of the text, in order, with repetitions. `buffer` is empty before
/// and after the call.
pub fn each_word(text: &str, buffer: &mut String, mut found: impl FnMut(&str)) {
    let mut rest = text;
    while let Some(byte) = rest.bytes().next() {
        // The fast path: most texts are ASCII.
        let in_word = match ASCII.get(usize::from(byte)) {
            Some(letter) => {
                rest = &rest[1..];
                if *letter != 0 && buffer.len() < MAX_WORD_BYTES {
                    buffer.push(char::from(*letter));
                }
                *letter != 0
            }
            None => {
                let mut chars = rest.chars();
                let next = chars.next().filter(|c| c.is_alphanumeric());
                rest = chars.as_str();
                if let Some(c) = next {
                    push_folded(c, buffer, MAX_WORD_BYTES);
                }
                next.is_some()
            }
        };
        if !in_word && !buffer.is_empty() {
            found(buffer);
            buffer.clear();
        }
    }
    if !buffer.is_empty() {
        found(buffer);
        buffer.clear();
    }
}

/// The whole text in lower case, as names are sorted by.
pub fn folded(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_lowercase)
}

/// Adds a character in lower case while the word is short enough.
fn push_folded(c: char, word: &mut String, max_bytes: usize) {
    for lower in c.to_lowercase() {
        if word.len() + lower.len_utf8() <= max_bytes {
            word.push(lower);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let mut words = Vec::new();
        each_word(text, &mut String::new(), |word| words.push(word.to_owned()));
        words
    }

    #[test]
    fn words_are_letters_and_digits_in_lower_case() {
        assert_eq!(words("USB-C cable, 2m (new!)"), ["usb", "c", "cable", "2m", "new"]);
        assert_eq!(words("Men's"), ["men", "s"]);
        assert_eq!(words("  "), [""; 0]);
        assert_eq!(words("the the"), ["the", "the"]);
    }

    #[test]
    fn lower_case_is_unicodes() {
        assert_eq!(words("GR\u{dc}NER Tee"), ["gr\u{fc}ner", "tee"]);
        assert_eq!(words("\u{416}\u{410}\u{420}"), ["\u{436}\u{430}\u{440}"]);
        assert_eq!(words("\u{9ed1}\u{8336}\u{3001}tea"), ["\u{9ed1}\u{8336}", "tea"]);
        // The capital dotted I becomes two characters.
        assert_eq!(words("\u{130}x"), ["i\u{307}x"]);
        assert_eq!(folded("\u{c9}t\u{c9}").collect::<String>(), "\u{e9}t\u{e9}");
    }

    /// As the definition says it, character by character.
    fn by_definition(text: &str) -> Vec<String> {
        let words = text.split(|c: char| !c.is_alphanumeric());
        let folded = words.filter(|word| !word.is_empty()).map(|word| {
            let mut cut = String::new();
            word.chars().for_each(|c| push_folded(c, &mut cut, MAX_WORD_BYTES));
            cut
        });
        folded.collect()
    }

    #[test]
    fn any_text_is_the_words_of_the_definition() {
        crate::seed::each_seed(|seed| {
            let mut text = String::new();
            for _ in 0..seed.below(60) {
                let c = match seed.below(4) {
                    0 => char::from_u32(seed.below(0x3000) as u32).unwrap_or('x'),
                    1 => ' ',
                    _ => char::from((b'A' + seed.below(60) as u8).min(b'z')),
                };
                text.push(c);
            }
            assert_eq!(words(&text), by_definition(&text), "{text:?}");
        });
    }

    #[test]
    fn a_long_word_is_cut_between_characters() {
        let long = "\u{e9}".repeat(40);
        assert_eq!(words(&long), ["\u{e9}".repeat(16)]);
        assert_eq!(words(&format!("a{long}")), [format!("a{}", "\u{e9}".repeat(15))]);
    }
}
