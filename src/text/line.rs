//! Lines: words with one space between them.

use std::fmt;
use std::ops::Range;

use super::scan::find;
use super::word::{WordError, all_plain, escape, unescape};

/// Why a line or its checksum is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineError {
    /// The byte offset in the line.
    pub at: usize,
    /// A human-readable reason.
    pub what: &'static str,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }
}

impl std::error::Error for LineError {}

/// The buffer for unescaped words, reused for each line to avoid allocation.
#[derive(Debug, Default)]
pub struct Scratch {
    unescaped: Vec<u8>,
    ranges: Vec<WordRange>,
}

/// The location of a word.
#[derive(Clone, Debug)]
enum WordRange {
    /// In the line, since it needs no unescaping.
    Line(Range<usize>),
    /// In the buffer, unescaped.
    Scratch(Range<usize>),
}

/// Appends words to a line, escaped, with one space between them.
pub fn push_words<'w>(words: impl IntoIterator<Item = &'w [u8]>, line: &mut Vec<u8>) {
    for (index, word) in words.into_iter().enumerate() {
        if index > 0 {
            line.push(b' ');
        }
        escape(word, line);
    }
}

/// The words of a line (without its newline), unescaped.
///
/// # Errors
/// [`push_words`] does not write such a line.
pub fn parse_words<'l>(
    line: &'l [u8],
    scratch: &'l mut Scratch,
) -> Result<Vec<&'l [u8]>, LineError> {
    let Scratch { unescaped, ranges } = scratch;
    unescaped.clear();
    ranges.clear();
    let mut start = 0;
    loop {
        let rest = line.get(start..).unwrap_or_default();
        let end = start + end_of_word(rest);
        let text = line.get(start..end).unwrap_or_default();
        if all_plain(text) {
            ranges.push(WordRange::Line(start..end));
        } else {
            let before = unescaped.len();
            unescape(text, unescaped).map_err(|error| in_line(error, start, text))?;
            ranges.push(WordRange::Scratch(before..unescaped.len()));
        }
        if end >= line.len() {
            break;
        }
        start = end + 1;
    }
    let word = |range: &WordRange| match range.clone() {
        WordRange::Line(range) => line.get(range),
        WordRange::Scratch(range) => unescaped.get(range),
    };
    Ok(ranges.iter().map(|range| word(range).unwrap_or_default()).collect())
}

fn in_line(error: WordError, start: usize, text: &[u8]) -> LineError {
    let what = match error {
        _ if text.is_empty() => "a space where a word begins",
        WordError::Escape(_) => "a backslash that begins no escape",
        WordError::Spelling(_) => "a word that is not spelled as it is written",
    };
    LineError { at: start + error.at(), what }
}

/// The position of the next unescaped space.
fn end_of_word(text: &[u8]) -> usize {
    let mut from = 0;
    loop {
        let rest = text.get(from..).unwrap_or_default();
        let Some(space) = find(b' ', rest).map(|at| from + at) else { return text.len() };
        // It is escaped by an odd number of backslashes: an even number escape each other.
        let word = text.get(..space).unwrap_or_default();
        let backslashes = word.iter().rev().take_while(|&&byte| byte == b'\\').count();
        if backslashes.is_multiple_of(2) {
            return space;
        }
        from = space + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::each_seed;

    fn line_of(words: &[&[u8]]) -> Vec<u8> {
        let mut line = Vec::new();
        push_words(words.iter().copied(), &mut line);
        line
    }

    #[test]
    fn words_are_written_and_parsed() {
        let mut scratch = Scratch::default();
        for (these, line) in [
            (&[&b"SET"[..], b"name1", b"Jaggu"][..], "SET name1 Jaggu"),
            (&[b"SET", b"", b" ", b"\\", b"\\ "], "SET \\e \\  \\\\ \\\\\\ "),
            (&[b"\n"], "\\n"),
        ] {
            assert_eq!(String::from_utf8(line_of(these)).unwrap(), line);
            assert_eq!(parse_words(line.as_bytes(), &mut scratch).as_deref(), Ok(these), "{line}");
        }
    }

    #[test]
    fn an_error_names_the_place() {
        for (line, at) in
            [("", 0), (" SET", 0), ("SET ", 4), ("SET  k", 4), ("SET k\\t", 5), ("a b\tc", 3)]
        {
            let error = parse_words(line.as_bytes(), &mut Scratch::default()).unwrap_err();
            assert_eq!(error.at, at, "{line:?}: {error}");
        }
    }

    #[test]
    fn any_words_are_parsed_and_damage_is_refused_or_other_words() {
        let mut scratch = Scratch::default();
        each_seed(|seed| {
            let count = 1 + seed.below(5);
            let these: Vec<Vec<u8>> = (0..count)
                .map(|_| {
                    let len = seed.below(5);
                    (0..len).map(|_| *seed.pick(b"ab  \\\\\n\xc3\xa9")).collect()
                })
                .collect();
            let these: Vec<&[u8]> = these.iter().map(Vec::as_slice).collect();
            let mut line = line_of(&these);
            assert_eq!(parse_words(&line, &mut scratch), Ok(these));
            seed.mutate(&mut line);
            if let Ok(others) = parse_words(&line, &mut scratch) {
                assert_eq!(line_of(&others), line);
            }
        });
    }
}
