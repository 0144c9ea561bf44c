//! The source of the value of a write.
//!
//! | behind the key | the value |
//! |---|---|
//! | `V` | the word |
//! | `-` | all of stdin, byte for byte |
//! | `--file F` | all of the file, byte for byte |
//!
//! Behind `--` every word is literal: `set -- k -` sets a hyphen.

use std::fs::File;
use std::io::{self, Read};

use super::{Caller, Failure};
use crate::kv::state::MAX_VALUE_BYTES;

/// The source of a value.
pub(super) enum Source<'w> {
    Word(&'w str),
    Stdin,
    File(&'w str),
}

/// The words of a verb: `count` words, and then the source of a value.
pub(super) fn words<'w>(
    caller: &Caller,
    name: &str,
    words: &'w [String],
    count: usize,
) -> Result<(Vec<&'w str>, Source<'w>), Failure> {
    let is_literal = words.first().is_some_and(|word| word == "--");
    let (before, source) = match words {
        [before @ .., flag, file] if flag == "--file" && before.len() == count => {
            (before, Source::File(file))
        }
        [before @ .., dash] if dash == "-" && before.len() == count => (before, Source::Stdin),
        _ => (words, Source::Word("")),
    };
    if !is_literal && !matches!(source, Source::Word(_)) {
        return Ok((caller.exactly(name, before, count)?, source));
    }
    let mut words = caller.exactly(name, words, count + 1)?;
    let value = words.pop().unwrap_or_default();
    Ok((words, Source::Word(value)))
}

impl Source<'_> {
    /// Reads the value. In a shell, stdin is not available: it has the commands.
    pub(super) fn read(&self, is_shell: bool) -> Result<Vec<u8>, Failure> {
        match *self {
            Source::Word(word) => Ok(word.as_bytes().to_vec()),
            Source::Stdin if is_shell => Err(Failure::Failed(
                "FAIL: here - is no value: commands come from stdin; --file F takes a file".into(),
            )),
            Source::Stdin => all_of(io::stdin().lock(), "stdin"),
            Source::File(path) => {
                let file = File::open(path).map_err(|error| Failure::because(path, error))?;
                all_of(file, path)
            }
        }
    }
}

/// Reads to the end; an error if it is longer than a value may be.
fn all_of(source: impl Read, name: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = source.take(MAX_VALUE_BYTES as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| Failure::because(name, error))?;
    if bytes.len() > MAX_VALUE_BYTES {
        let reason = format!("FAIL: {name} has more than the {MAX_VALUE_BYTES} bytes of a value");
        return Err(Failure::Failed(reason));
    }
    Ok(bytes)
}
