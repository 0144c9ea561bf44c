//! The state machine: records, their history, and the effect of commands.

mod prefixes;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use prefixes::PrefixCount;

use super::command::Command;
use super::history::{Change, History};
use super::read::Read;
use super::record::{RECORD_BYTES, Record, record_bytes};
use super::reply::Reply;
use super::tree::{Cursor, Tree};
use crate::raft::{Frozen, Index, StateMachine};

/// The first word of the snapshot line with the revision of the store.
const REVISION: &[u8] = b"REVISION";
/// The first word of a record's snapshot line: `PAIR key value modified created`.
const PAIR: &[u8] = b"PAIR";

/// A key-value store.
#[derive(Debug, Default)]
pub struct Kv {
    records: Tree,
    history: History,
    /// The revision of the last command.
    revision: u64,
    /// The size of all records, for the quota.
    bytes: u64,
}

/// A page of a scan.
#[derive(Debug, Default)]
pub struct Page {
    /// In the order of their keys.
    pub records: Vec<Record>,
    /// Whether more records follow.
    pub has_more: bool,
}

impl Kv {
    /// A key's record.
    pub fn get(&self, key: &[u8]) -> Option<&Record> {
        self.records.get(key)
    }

    /// The number of keys.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The revision of the last command.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The recent changes.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The number of keys with a prefix. The cost does not depend on the number.
    pub fn count(&self, prefix: &[u8]) -> usize {
        let end = prefix_end(prefix).map_or(self.len(), |end| self.records.rank(&end));
        end - self.records.rank(prefix)
    }

    /// The records with a prefix that follow `after` (empty: from the first), in order: at most
    /// `limit` of them, with at most `max_bytes` of keys and values; but at least one if there is
    /// one.
    pub fn scan(&self, prefix: &[u8], after: &[u8], limit: usize, max_bytes: usize) -> Page {
        let mut records = Vec::new();
        let mut bytes = 0;
        for record in self.records.seek(prefix.max(after)) {
            if record.key() == after {
                continue;
            }
            if !record.key().starts_with(prefix) {
                break;
            }
            bytes += record.key().len() + record.value().len();
            let is_full = records.len() == limit || (bytes > max_bytes && !records.is_empty());
            if is_full {
                return Page { records, has_more: true };
            }
            records.push(record);
        }
        Page { records, has_more: false }
    }

    fn apply_command(&mut self, revision: u64, command: &Arc<[u8]>) -> Reply {
        match Command::decode(command) {
            Ok(Command::Set { .. }) => {
                self.write(Record::from_set(command, revision, revision).ok())
            }
            Ok(Command::Delete { key }) => match self.records.remove(key) {
                Some(removed) => {
                    self.bytes -= removed.size_bytes();
                    self.history.push(Change::deleted(command, revision));
                    Reply::Deleted { revision }
                }
                None => Reply::Missing { revision },
            },
            Ok(Command::CompareAndSet { key, old, new }) => {
                let present = self.records.get(key);
                if present.map(Record::value) != old {
                    let modified = present.map_or(0, |record| record.modified);
                    return Reply::CompareFailed { modified };
                }
                // Encoded anew, so that the record does not keep the old value in memory.
                self.write(Record::new(key, new, revision, revision).ok())
            }
            Err(_) => Reply::InvalidCommand,
        }
    }

    /// Inserts a record; one that replaces another keeps its creation revision.
    fn write(&mut self, record: Option<Record>) -> Reply {
        let Some(record) = record else { return Reply::InvalidCommand };
        let (command, revision) = (Arc::clone(record.command()), record.modified);
        self.bytes += record.size_bytes();
        let replaced = self.records.insert(record);
        self.bytes -= replaced.as_ref().map_or(0, Record::size_bytes);
        let created = replaced.map_or(revision, |replaced| replaced.created);
        self.history.push(Change::written(command, revision, created));
        Reply::Written { revision }
    }
}

/// The first key after all keys with a prefix; `None`: there is none.
fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let (position, last) = prefix.iter().enumerate().rfind(|(_, byte)| **byte != u8::MAX)?;
    let mut end = prefix.get(..position)?.to_vec();
    end.push(last + 1);
    Some(end)
}

impl StateMachine for Kv {
    fn apply(&mut self, index: Index, _: u64, command: &Arc<[u8]>, reply: &mut Vec<u8>) {
        self.revision = index;
        self.apply_command(index, command).encode_into(reply);
    }

    fn conflicts(read: &[u8], command: &[u8]) -> bool {
        // Invalid commands change nothing.
        Command::decode(command).is_ok_and(|command| Read::decode(read).covers(command.key()))
    }

    fn to_words(command: &[u8], word: &mut dyn FnMut(&[u8])) {
        match Command::decode(command) {
            Ok(command) => command.to_words(word),
            // A committed entry must be logged even if it is invalid; after a restart it is refused
            // again.
            Err(_) => [INVALID_COMMAND, command].into_iter().for_each(word),
        }
    }

    fn from_words(words: &[&[u8]]) -> Result<Vec<u8>, String> {
        match *words {
            [INVALID_COMMAND, bytes] => Ok(bytes.to_vec()),
            _ => Command::from_words(words)?.encode().map_err(|invalid| invalid.to_string()),
        }
    }

    fn size_bytes(&self) -> u64 {
        self.bytes
    }

    fn max_overhead_bytes(_: &[u8]) -> u64 {
        RECORD_BYTES
    }

    fn may_grow(command: &[u8]) -> bool {
        !matches!(Command::decode(command), Ok(Command::Delete { .. }) | Err(_))
    }

    fn size_bytes_after(&self, commands: &mut dyn Iterator<Item = &[u8]>) -> u64 {
        // By key: the size now, and the largest that it can have after the commands so far.
        let mut touched = BTreeMap::<&[u8], (u64, u64)>::new();
        for command in commands.filter_map(|command| Command::decode(command).ok()) {
            let record = self.records.get(command.key());
            let is_touched = touched.contains_key(command.key());
            let now = record.map_or(0, Record::size_bytes);
            let (_, after) = touched.entry(command.key()).or_insert((now, now));
            match command {
                Command::Set { key, value } => *after = record_bytes(key, value),
                Command::Delete { .. } => *after = 0,
                // Whether it will find the old value is not known: a pending command may set it.
                Command::CompareAndSet { key, new, .. } if is_touched => {
                    *after = (*after).max(record_bytes(key, new));
                }
                Command::CompareAndSet { key, old, new } => {
                    if record.map(Record::value) == old {
                        *after = record_bytes(key, new);
                    }
                }
            }
        }
        let sum = |of: fn(&(u64, u64)) -> u64| touched.values().map(of).sum::<u64>();
        (self.bytes + sum(|(_, after)| *after)).saturating_sub(sum(|(now, _)| *now))
    }

    fn freeze(&self) -> Box<dyn Frozen> {
        Box::new(FrozenKv { revision: Some(self.revision), cursor: self.records.seek(b"") })
    }

    fn empty() -> Kv {
        Kv::default()
    }

    fn restore(&mut self, words: &[&[u8]]) -> Result<(), String> {
        match *words {
            [REVISION, revision] => {
                self.revision = number(revision)?;
                self.history = History::starting_after(self.revision, self.history.max_bytes());
            }
            [PAIR, key, value, modified, created] => {
                let record = Record::new(key, value, number(modified)?, number(created)?);
                let record = record.map_err(|invalid| invalid.to_string())?;
                self.bytes += record.size_bytes();
                if self.records.insert(record).is_some() {
                    return Err("the key came before".into());
                }
            }
            _ => return Err("expected REVISION number, or PAIR key value modified created".into()),
        }
        Ok(())
    }
}

/// The first word of a log line with bytes that encode no command.
const INVALID_COMMAND: &[u8] = b"NO-COMMAND";

fn number(word: &[u8]) -> Result<u64, String> {
    let number = std::str::from_utf8(word).ok().and_then(|word| word.parse().ok());
    number.ok_or_else(|| format!("{:?} is no revision", word.escape_ascii().to_string()))
}

/// A frozen copy of the store, for a snapshot.
struct FrozenKv {
    /// `None` once its line was written.
    revision: Option<u64>,
    cursor: Cursor,
}

impl Frozen for FrozenKv {
    fn next_line(&mut self, word: &mut dyn FnMut(&[u8])) -> bool {
        if let Some(revision) = self.revision.take() {
            [REVISION, revision.to_string().as_bytes()].into_iter().for_each(word);
            return true;
        }
        let Some(record) = self.cursor.next() else { return false };
        let (modified, created) = (record.modified.to_string(), record.created.to_string());
        let words = [PAIR, record.key(), record.value(), modified.as_bytes(), created.as_bytes()];
        words.into_iter().for_each(word);
        true
    }
}

#[cfg(test)]
mod tests;
