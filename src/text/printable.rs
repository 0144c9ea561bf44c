//! Text that others have written, made safe for a terminal and for log lines.
//!
//! A character that is invisible or changes the text around it is shown by its number, `\u{1b}`.
//! A backslash stays as it is: the result is for reading, and is not parsed. Files use words
//! instead (`word`), which can be read back.

use std::borrow::Cow;

/// Whether a character is invisible, controls the terminal, or changes the order or the line
/// breaks of the text around it. Blanks of ASCII are not hidden; others are.
pub fn is_hidden(character: char) -> bool {
    match character {
        ' '..='~' => false,
        _ => {
            character.is_control()
                || character.is_whitespace()
                || matches!(character,
                    '\u{ad}'                                     // soft hyphen
                    | '\u{34f}' | '\u{61c}'                      // grapheme joiner, Arabic mark
                    | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' // Hangul fillers
                    | '\u{17b4}' | '\u{17b5}'                    // invisible Khmer vowels
                    | '\u{180b}'..='\u{180f}'                    // Mongolian selectors
                    | '\u{200b}'..='\u{200f}'                    // zero width, direction marks
                    | '\u{2028}'..='\u{202e}'                    // separators, embeddings
                    | '\u{2060}'..='\u{206f}'                    // joiners, isolates, operators
                    | '\u{feff}'                                 // byte order mark
                    | '\u{fff0}'..='\u{fffb}'                    // annotations
                    | '\u{1bca0}'..='\u{1bca3}'                  // shorthand controls
                    | '\u{1d173}'..='\u{1d17a}'                  // musical controls
                    | '\u{e0000}'..='\u{e0fff}') // tags, more selectors
        }
    }
}

/// The text as one line: every hidden character is escaped.
pub fn printable(text: &str) -> Cow<'_, str> {
    escape_where(text, is_hidden)
}

/// The text with its newlines and tabs: every other hidden character is escaped.
pub fn printable_lines(text: &str) -> Cow<'_, str> {
    escape_where(text, |character| !matches!(character, '\n' | '\t') && is_hidden(character))
}

fn escape_where(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    let Some(first) = text.find(&is_escaped) else { return Cow::Borrowed(text) };
    let (shown, rest) = text.split_at(first);
    let mut line = String::with_capacity(text.len() + 16);
    line.push_str(shown);
    for character in rest.chars() {
        match is_escaped(character) {
            true => line.extend(character.escape_unicode()),
            false => line.push(character),
        }
    }
    Cow::Owned(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_all_scripts_is_unchanged() {
        for text in ["", "a b", "Gr\u{fc}n", "\u{9ed1}\u{8336}", "\u{1f460}", "C:\\temp", "'\""] {
            assert!(matches!(printable(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn hidden_characters_are_escaped() {
        for (text, expected) in [
            ("\u{1b}[2J\u{1b}]0;title\u{7}", "\\u{1b}[2J\\u{1b}]0;title\\u{7}"),
            ("a\r\nb\tc\u{7f}", "a\\u{d}\\u{a}b\\u{9}c\\u{7f}"),
            ("a\u{9b}31m", "a\\u{9b}31m"),
            ("evil\u{202e}txt.exe", "evil\\u{202e}txt.exe"),
            ("a\u{200b}b\u{61c}c\u{a0}d\u{2028}e", "a\\u{200b}b\\u{61c}c\\u{a0}d\\u{2028}e"),
            ("\u{2066}x\u{2069}\u{feff}", "\\u{2066}x\\u{2069}\\u{feff}"),
            ("\u{e0041}", "\\u{e0041}"),
        ] {
            assert_eq!(printable(text), expected);
            assert!(!printable(text).contains(is_hidden));
        }
    }

    #[test]
    fn lines_keep_their_newlines_and_tabs_alone() {
        assert_eq!(printable_lines("a\n\tb\r\u{85}\u{2029}c"), "a\n\tb\\u{d}\\u{85}\\u{2029}c");
    }
}
