//! Text as words.
//!
//! A word is a run of letters and digits (Unicode's `Alphabetic` and `Numeric`), in lower case,
//! cut to [`MAX_WORD_BYTES`]. Everything else stands between words: `USB-C` is `usb` and `c`.
//! Lower case is taken character by character, without regard to language or position.

/// Where a word is cut, in bytes of UTF-8, at a character's end. Words this long that differ only
/// behind it are one word.
pub const MAX_WORD_BYTES: usize = 32;

/// Calls `found` with each word of the text, in order, repeated as often as it stands there. The
/// words are built in `buffer`, which comes and goes empty.
pub fn each_word(text: &str, buffer: &mut String, mut found: impl FnMut(&str)) {
    for c in text.chars() {
        if c.is_alphanumeric() {
            push_folded(c, buffer, MAX_WORD_BYTES);
        } else if !buffer.is_empty() {
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
    fn words_are_runs_of_letters_and_digits_in_lower_case() {
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

    #[test]
    fn a_long_word_is_cut_between_characters() {
        let long = "\u{e9}".repeat(40);
        assert_eq!(words(&long), ["\u{e9}".repeat(16)]);
        assert_eq!(words(&format!("a{long}")), [format!("a{}", "\u{e9}".repeat(15))]);
    }
}
