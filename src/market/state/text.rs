//! Which texts of clients the market accepts.
//!
//! Names and descriptions are printed on other users' terminals and in logs, one line each. So a
//! text is refused if a character of it moves the cursor, ends the line, or changes the reading
//! direction of the text behind it.

use super::error::{Error, Field};

/// Accepts a text of at most `max_bytes`, not empty.
pub fn check(field: Field, text: &str, max_bytes: usize) -> Result<(), Error> {
    if text.is_empty() {
        return Err(Error::Empty(field));
    }
    check_or_empty(field, text, max_bytes)
}

/// Accepts a text of at most `max_bytes`, and the empty one.
pub fn check_or_empty(field: Field, text: &str, max_bytes: usize) -> Result<(), Error> {
    check_len(field, text, max_bytes)?;
    let blank_end = text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace);
    if blank_end || text.chars().any(is_unprintable) {
        return Err(Error::Unprintable(field));
    }
    Ok(())
}

/// Accepts any text of at most `max_bytes`.
pub fn check_len(field: Field, text: &str, max_bytes: usize) -> Result<(), Error> {
    if text.len() <= max_bytes { Ok(()) } else { Err(Error::TooLong(field, max_bytes)) }
}

/// Whether a character controls the terminal or the line instead of being printed.
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{2028}' | '\u{2029}'                             // line and paragraph separator
            | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' // direction overrides
            | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_all_scripts_are_accepted() {
        for text in ["iPhone", "Gr\u{fc}ner Tee", "\u{9ed1}\u{8336}", "a b", "\u{1f460} heels"] {
            assert_eq!(check(Field::Name, text, 100), Ok(()), "{text}");
        }
    }

    #[test]
    fn a_text_that_could_forge_a_line_is_refused() {
        for text in ["a\nb", "a\tb", "\u{1b}[2J", "a\u{202e}b", "a\u{2028}b", " a", "a\u{a0}", " "]
        {
            assert_eq!(check(Field::Name, text, 100), Err(Error::Unprintable(Field::Name)));
        }
    }

    #[test]
    fn length_is_counted_in_bytes() {
        assert_eq!(check(Field::Address, "\u{e9}\u{e9}", 4), Ok(()));
        assert_eq!(
            check(Field::Address, "\u{e9}\u{e9}", 3),
            Err(Error::TooLong(Field::Address, 3))
        );
        assert_eq!(check(Field::Address, "", 3), Err(Error::Empty(Field::Address)));
        assert_eq!(check_or_empty(Field::Description, "", 3), Ok(()));
    }
}
