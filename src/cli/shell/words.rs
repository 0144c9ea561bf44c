//! Splits a line into words, with quotes as in a POSIX shell.

/// A quote that is not closed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OpenQuote(pub(super) char);

/// The words of a line, separated by blanks. `'...'` quotes everything, `"..."` everything except a
/// backslash; a backslash quotes the character behind it.
pub(super) fn split(line: &str) -> Result<Vec<String>, OpenQuote> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some('"') | None, '\\') => {
                word.get_or_insert_default().extend(characters.next());
            }
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    if let Some(open) = quote {
        return Err(OpenQuote(open));
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        split(line).unwrap()
    }

    #[test]
    fn blanks_separate_words() {
        assert_eq!(words("  buy  7\t2 "), ["buy", "7", "2"]);
        assert_eq!(words("   "), [""; 0]);
    }

    #[test]
    fn quotes_and_backslashes_keep_what_they_enclose() {
        assert_eq!(words(r#"sell "iPhone 15" 'it''s' a\ b"#), ["sell", "iPhone 15", "its", "a b"]);
        assert_eq!(words(r#""say \"hi\"" '\n' """#), [r#"say "hi""#, r"\n", ""]);
        assert_eq!(words(r"end\"), ["end"]);
    }

    #[test]
    fn a_quote_must_be_closed() {
        assert_eq!(split(r#"sell "iPhone"#), Err(OpenQuote('"')));
        assert_eq!(split("it's"), Err(OpenQuote('\'')));
    }
}
