//! The lines of `logs.txt` (`schemas/files.md`, section 3).
//!
//! ```text
//! NO-OP 1 # 1 at=1700000000000 b1c0ffee
//! OPEN-SESSION 1 # 2 at=1700000000010 ...
//! SET name1 Jaggu 1 # 3 at=1700000000020 session=2 seq=1 ack=0 ...
//! SET name2 Raju 1 # 4 at=1700000000020 session=2 seq=2 ack=0 batch=2 ...
//! ```
//!
//! `batch=K` says that the K - 1 entries before this one were written and synced together with it.
//! Without it the entry was the first of its write, so everything before it was durable already.
//! From this, recovery tells an unfinished write from damage to a finished one.

use std::sync::Arc;

use super::commands::Commands;
use crate::raft::{Entry, Origin, Payload};
use crate::text::{self, LineError, Scratch, parse_u64, push_u64};

const NO_OP: &[u8] = b"NO-OP";
const OPEN_SESSION: &[u8] = b"OPEN-SESSION";

/// An entry, and its position in its write, from 1.
pub(super) type Placed = (Entry, u64);

/// Why a line is invalid.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LineProblem {
    /// The byte offset in the line.
    pub(super) at: usize,
    pub(super) what: String,
}

impl From<LineError> for LineProblem {
    fn from(error: LineError) -> LineProblem {
        LineProblem { at: error.at, what: error.what.into() }
    }
}

fn problem(what: impl Into<String>) -> LineProblem {
    LineProblem { at: 0, what: what.into() }
}

/// Appends the line of an entry.
///
/// # Errors
/// What is wrong with its command: it has no words, or begins with a reserved word. `text` then
/// contains part of a line.
pub(super) fn push_entry(
    entry: &Entry,
    place: u64,
    commands: &Commands,
    text: &mut Vec<u8>,
) -> Result<(), String> {
    let start = text.len();
    match &entry.payload {
        Payload::NoOp => text.extend_from_slice(NO_OP),
        Payload::OpenSession => text.extend_from_slice(OPEN_SESSION),
        Payload::Command { command, .. } => push_command(command, commands, text)?,
    }
    text.push(b' ');
    push_u64(entry.term, text);
    text.extend_from_slice(b" # ");
    push_u64(entry.index, text);
    push_field(b" at=", entry.at_ms, text);
    if let Payload::Command { origin: Some(origin), .. } = &entry.payload {
        push_field(b" session=", origin.session, text);
        push_field(b" seq=", origin.sequence, text);
        push_field(b" ack=", origin.acknowledged, text);
    }
    if place > 1 {
        push_field(b" batch=", place, text);
    }
    text::push_checksum(text, start);
    Ok(())
}

fn push_command(command: &[u8], commands: &Commands, text: &mut Vec<u8>) -> Result<(), String> {
    let (mut words, mut is_ours) = (0_usize, false);
    (commands.to_words)(command, &mut |word| {
        match words {
            0 => is_ours = word == NO_OP || word == OPEN_SESSION,
            _ => text.push(b' '),
        }
        words += 1;
        text::escape(word, text);
    });
    match (words, is_ours) {
        (0, _) => Err("a command without words".into()),
        (_, true) => Err("a command that begins with a word of the log's own".into()),
        _ => Ok(()),
    }
}

fn push_field(name: &[u8], value: u64, text: &mut Vec<u8>) {
    text.extend_from_slice(name);
    push_u64(value, text);
}

/// Parses a line (without its newline).
///
/// # Errors
/// The line is not one that [`push_entry`] writes.
pub(super) fn parse(
    line: &[u8],
    commands: &Commands,
    scratch: &mut Scratch,
) -> Result<Placed, LineProblem> {
    let body = text::strip_checksum(line)?;
    let words = text::parse_words(body, scratch)?;
    let mut rest = &words[..];
    let place = match take_field(&mut rest, b"batch=") {
        Some(place) if place < 2 => return Err(problem("batch= below 2")),
        place => place.unwrap_or(1),
    };
    let origin = take_origin(&mut rest)?;
    let at_ms = take_field(&mut rest, b"at=").ok_or_else(|| problem("a line without at="))?;
    let [operation @ .., term, b"#", index] = rest else {
        return Err(problem("a line without a term, # and an index"));
    };
    let number = |word, what: &str| parse_u64(word).ok_or_else(|| problem(what));
    let term = number(term, "a term that is no number")?;
    let index = number(index, "an index that is no number")?;
    if index < place {
        return Err(problem("batch= above the index"));
    }
    let payload = match (operation, origin) {
        ([NO_OP], None) => Payload::NoOp,
        ([OPEN_SESSION], None) => Payload::OpenSession,
        ([NO_OP | OPEN_SESSION, ..], _) => {
            return Err(problem("a NO-OP or OPEN-SESSION with more than its name"));
        }
        ([], _) => return Err(problem("a line without an operation")),
        (words, origin) => {
            let command = (commands.from_words)(words).map_err(problem)?;
            Payload::Command { origin, command: Arc::from(command) }
        }
    };
    Ok((Entry { term, index, at_ms, payload }, place))
}

fn take_origin(words: &mut &[&[u8]]) -> Result<Option<Origin>, LineProblem> {
    let Some(acknowledged) = take_field(words, b"ack=") else { return Ok(None) };
    let missing = || problem("ack= without seq= and session=");
    let sequence = take_field(words, b"seq=").ok_or_else(missing)?;
    let session = take_field(words, b"session=").ok_or_else(missing)?;
    Ok(Some(Origin { session, sequence, acknowledged }))
}

/// Takes the last word if it is this field.
fn take_field(words: &mut &[&[u8]], name: &[u8]) -> Option<u64> {
    let (last, before) = words.split_last()?;
    let value = parse_u64(last.strip_prefix(name)?)?;
    *words = before;
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Seed, each_seed};

    // A command is a sequence of words, each followed by a zero byte.
    fn to_words(command: &[u8], word: &mut dyn FnMut(&[u8])) {
        command.strip_suffix(b"\0").into_iter().flat_map(|c| c.split(|&b| b == 0)).for_each(word);
    }

    fn from_words(words: &[&[u8]]) -> Result<Vec<u8>, String> {
        if words.first().is_some_and(|word| word.starts_with(b"BAD")) {
            return Err("a bad command".into());
        }
        if words.iter().any(|word| word.contains(&0)) {
            return Err("a zero".into());
        }
        Ok(words.iter().flat_map(|word| [word, &b"\0"[..]].concat()).collect())
    }

    const ROWS: Commands = Commands { to_words, from_words };

    fn line(entry: &Entry, place: u64) -> String {
        let mut text = b"before\n".to_vec();
        push_entry(entry, place, &ROWS, &mut text).unwrap();
        let text = String::from_utf8(text.split_off(7)).unwrap();
        text.strip_suffix('\n').unwrap().to_owned()
    }

    fn parsed(line: &[u8]) -> Result<Placed, LineProblem> {
        parse(line, &ROWS, &mut Scratch::default())
    }

    fn command(words: &[&[u8]], origin: Option<Origin>) -> Payload {
        Payload::Command { origin, command: from_words(words).unwrap().into() }
    }

    fn sealed(body: &str) -> Vec<u8> {
        let mut line = body.as_bytes().to_vec();
        text::push_checksum(&mut line, 0);
        line.pop();
        line
    }

    #[test]
    fn entries_have_the_documented_lines() {
        let entry = |index, payload| Entry { term: 3, index, at_ms: 1_700_000_000_000, payload };
        let origin = Some(Origin { session: 5, sequence: 9, acknowledged: 8 });
        for (entry, place, expected) in [
            (entry(1, Payload::NoOp), 1, "NO-OP 3 # 1 at=1700000000000 "),
            (entry(2, Payload::OpenSession), 2, "OPEN-SESSION 3 # 2 at=1700000000000 batch=2 "),
            (
                entry(7, command(&[b"SET", b"name1", b"Jaggu"], None)),
                1,
                "SET name1 Jaggu 3 # 7 at=1700000000000 ",
            ),
            (
                entry(8, command(&[b"SET", b"a b", b""], origin)),
                3,
                "SET a\\ b \\e 3 # 8 at=1700000000000 session=5 seq=9 ack=8 batch=3 ",
            ),
            // Words that look like the fields after them.
            (
                entry(9, command(&[b"SET", b"#", b"at=5"], None)),
                1,
                "SET # at=5 3 # 9 at=1700000000000 ",
            ),
        ] {
            let line = line(&entry, place);
            assert_eq!(line.strip_suffix(&line[line.len() - 8..]), Some(expected));
            assert_eq!(parsed(line.as_bytes()), Ok((entry, place)));
        }
    }

    #[test]
    fn other_lines_are_refused() {
        for (body, what) in [
            ("SET k v 1 # 2", "at="),
            ("SET k v 1 2 at=0", "#"),
            ("SET k v x # 2 at=0", "term"),
            ("SET k v 1 # 02 at=0", "index"),
            ("1 # 2 at=0", "operation"),
            ("NO-OP x 1 # 2 at=0", "NO-OP"),
            ("NO-OP 1 # 2 at=0 session=1 seq=1 ack=0", "NO-OP"),
            ("SET k v 1 # 2 at=0 seq=1 ack=0", "session="),
            ("SET k v 1 # 2 at=0 batch=1", "batch="),
            ("SET k v 1 # 2 at=0 batch=3", "batch="),
            ("SET k v 1 # 2 batch=2 at=0", "#"),
            ("BAD 1 # 2 at=0", "a bad command"),
            ("SET  k 1 # 2 at=0", "space"),
        ] {
            let problem = parsed(&sealed(body)).unwrap_err();
            assert!(problem.what.contains(what), "{body}: {}", problem.what);
        }
        assert!(parsed(b"NO-OP 1 # 1 at=0 00000000").unwrap_err().what.contains("checksum"));
    }

    #[test]
    fn a_command_that_looks_like_a_reserved_line_is_refused() {
        for command in [&b""[..], b"NO-OP\0", b"OPEN-SESSION\0x\0"] {
            let payload = Payload::Command { origin: None, command: command.into() };
            let entry = Entry { term: 1, index: 1, at_ms: 0, payload };
            assert!(push_entry(&entry, 1, &ROWS, &mut Vec::new()).is_err(), "{command:?}");
        }
    }

    fn any_entry(seed: &mut Seed) -> Entry {
        let number = |seed: &mut Seed| seed.next_u64() >> seed.below(64);
        let payload = match seed.below(5) {
            0 => Payload::NoOp,
            1 => Payload::OpenSession,
            _ => {
                let mut command = b"SET\0".to_vec();
                for _ in 0..seed.below(4) {
                    let len = seed.below(12);
                    command.extend((0..len).map(|_| *seed.pick(b"a#= \\\n1\xc3\xa9\xff")));
                    command.push(0);
                }
                let origin = seed.one_in(2).then(|| Origin {
                    session: number(seed),
                    sequence: number(seed),
                    acknowledged: number(seed),
                });
                Payload::Command { origin, command: command.into() }
            }
        };
        Entry { term: number(seed), index: number(seed).max(1), at_ms: number(seed), payload }
    }

    #[test]
    fn any_entry_survives_a_round_trip_and_damage_is_refused() {
        each_seed(|seed| {
            let entry = any_entry(seed);
            let place = 1 + seed.next_u64() % entry.index.min(300);
            let line = line(&entry, place);
            assert_eq!(parsed(line.as_bytes()), Ok((entry, place)), "{line}");
            let mut damaged = line.clone().into_bytes();
            seed.mutate(&mut damaged);
            assert!(damaged == line.as_bytes() || parsed(&damaged).is_err());
            // With a valid checksum: refused, or exactly the line of another entry.
            if let Ok(body) = std::str::from_utf8(&damaged)
                && let Ok((other, place)) = parsed(&sealed(body))
            {
                assert_eq!(self::line(&other, place).as_bytes(), sealed(body));
            }
        });
    }
}
