//! The terms of a search text.
//!
//! `usb cable` finds items that have both words, anywhere and in any order. A word with `*` behind
//! it is a prefix: `cam*` finds cameras. An empty or blank text and a lone `*` find all items; a
//! text without a word (`!?`) finds none.

use super::words::each_word;
use crate::market::state::error::{Error, Field};
use crate::market::state::limits::Limits;

/// One word of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// In lower case and cut, as the index has it. Not empty.
    pub word: String,
    /// Whether words that begin with it match as well.
    pub is_prefix: bool,
}

/// The terms of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Terms {
    /// All items.
    Anything,
    /// Items that match all of these terms; without a term no item does.
    All(Vec<Term>),
}

impl Terms {
    /// Reads a text.
    pub fn parse(text: &str, limits: &Limits) -> Result<Terms, Error> {
        if text.len() > limits.max_query_bytes {
            return Err(Error::TooLong(Field::Query, limits.max_query_bytes));
        }
        if matches!(text.trim(), "" | "*") {
            return Ok(Terms::Anything);
        }
        let (mut terms, mut buffer) = (Vec::new(), String::new());
        for piece in text.split_whitespace() {
            each_word(piece, &mut buffer, |word| {
                terms.push(Term { word: word.to_owned(), is_prefix: false });
            });
            let begun =
                piece.strip_suffix('*').filter(|stem| stem.ends_with(char::is_alphanumeric));
            if let (Some(_), Some(last)) = (begun, terms.last_mut()) {
                last.is_prefix = true;
            }
        }
        terms.sort_by(|a, b| (&a.word, a.is_prefix).cmp(&(&b.word, b.is_prefix)));
        terms.dedup();
        if terms.len() > limits.max_query_words {
            return Err(Error::TooManyWords(limits.max_query_words));
        }
        Ok(Terms::All(terms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> String {
        match Terms::parse(text, &Limits::DEFAULT) {
            Ok(Terms::Anything) => "anything".to_owned(),
            Ok(Terms::All(terms)) => {
                let shown = |term: &Term| {
                    format!("{}{}", term.word, ["", "*"][usize::from(term.is_prefix)])
                };
                terms.iter().map(shown).collect::<Vec<_>>().join(" ")
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_text_is_parsed_into_its_words() {
        assert_eq!(parsed("USB  cable"), "cable usb");
        assert_eq!(parsed("usb usb"), "usb");
        assert_eq!(parsed("usb-c cam*"), "c cam* usb");
        assert_eq!(parsed("us*b"), "b us");
        assert_eq!(parsed("usb *"), "usb", "a lone star asks for nothing more");
        assert_eq!(parsed("usb-*"), "usb");
        assert_eq!(parsed("usb** "), "usb");
    }

    #[test]
    fn a_blank_text_finds_all_items_and_one_without_words_none() {
        for text in ["", "  ", "*", " * "] {
            assert_eq!(parsed(text), "anything", "{text:?}");
        }
        assert_eq!(parsed("!?"), "");
    }

    #[test]
    fn a_text_has_bounds() {
        assert_eq!(parsed(&"a".repeat(201)), "the search text is longer than 200 bytes");
        let many: Vec<String> = (0..17).map(|n| n.to_string()).collect();
        assert_eq!(parsed(&many.join(" ")), "more than 16 words to search for");
    }
}
