//! The recent changes, for watches.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use super::command::Command;

/// The most memory that changes take.
const MAX_BYTES: usize = 16 * 1024 * 1024;
/// The memory of a change beside its command.
const CHANGE_BYTES: usize = 32;

/// A change of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The revision of the change.
    pub revision: u64,
    /// The revision that created the key; 0 for a deletion.
    pub created: u64,
    /// A SET or a DEL.
    command: Arc<[u8]>,
}

impl Change {
    /// A key was written, by this SET.
    pub fn written(command: Arc<[u8]>, revision: u64, created: u64) -> Change {
        Change { revision, created, command }
    }

    /// A key was deleted, by this command.
    pub fn deleted(command: &Arc<[u8]>, revision: u64) -> Change {
        Change { revision, created: 0, command: Arc::clone(command) }
    }

    /// The key that changed.
    pub fn key(&self) -> &[u8] {
        self.command().map_or(&[], |command| command.key())
    }

    /// Its new value; `None`: it was deleted.
    pub fn value(&self) -> Option<&[u8]> {
        match self.command() {
            Some(Command::Set { value, .. }) => Some(value),
            _ => None,
        }
    }

    fn command(&self) -> Option<Command<'_>> {
        Command::decode(&self.command).ok()
    }

    fn bytes(&self) -> usize {
        CHANGE_BYTES + self.command.len()
    }
}

/// The history no longer has the requested changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// The oldest revision after which all changes are known.
    pub oldest: u64,
}

impl fmt::Display for Compacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "only changes after revision {} are known", self.oldest)
    }
}

impl std::error::Error for Compacted {}

/// All changes after some revision, in order.
#[derive(Debug)]
pub struct History {
    changes: VecDeque<Change>,
    bytes: usize,
    max_bytes: usize,
    oldest: u64,
}

impl Default for History {
    fn default() -> History {
        History::starting_after(0, MAX_BYTES)
    }
}

impl History {
    /// A history without changes that starts after a revision.
    pub fn starting_after(revision: u64, max_bytes: usize) -> History {
        History { changes: VecDeque::new(), bytes: 0, max_bytes, oldest: revision }
    }

    /// Adds the newest change, and drops the oldest ones if there are too many.
    pub fn push(&mut self, change: Change) {
        self.bytes += change.bytes();
        self.changes.push_back(change);
        while self.bytes > self.max_bytes
            && let Some(change) = self.changes.pop_front()
        {
            self.bytes -= change.bytes();
            self.oldest = change.revision;
        }
    }

    /// The most memory that its changes take.
    pub(super) fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// The oldest revision that [`after`](Self::after) accepts.
    pub fn oldest(&self) -> u64 {
        self.oldest
    }

    /// The changes after a revision, oldest first.
    ///
    /// # Errors
    /// [`Compacted`]: some of them were dropped.
    pub fn after(&self, revision: u64) -> Result<impl Iterator<Item = &Change>, Compacted> {
        if revision < self.oldest {
            return Err(Compacted { oldest: self.oldest });
        }
        let start = self.changes.partition_point(|change| change.revision <= revision);
        Ok(self.changes.range(start..))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(revision: u64) -> Change {
        let set = Command::Set { key: b"key", value: b"value" };
        Change::written(set.encode().unwrap().into(), revision, 1)
    }

    fn revisions(history: &History, after: u64) -> Result<Vec<u64>, Compacted> {
        Ok(history.after(after)?.map(|change| change.revision).collect())
    }

    #[test]
    fn changes_come_behind_a_revision_and_the_oldest_are_forgotten() {
        let mut history = History::starting_after(4, 3 * change(1).bytes());
        assert_eq!(revisions(&history, 4), Ok(vec![]));
        assert_eq!(revisions(&history, 3), Err(Compacted { oldest: 4 }));
        for revision in [6, 7, 9] {
            history.push(change(revision));
        }
        assert_eq!(revisions(&history, 4), Ok(vec![6, 7, 9]));
        assert_eq!(revisions(&history, 6), Ok(vec![7, 9]));
        assert_eq!(revisions(&history, 8), Ok(vec![9]));
        assert_eq!(revisions(&history, 100), Ok(vec![]), "the future comes in time");
        history.push(change(10));
        assert_eq!(revisions(&history, 4), Err(Compacted { oldest: 6 }));
        assert_eq!(revisions(&history, 6), Ok(vec![7, 9, 10]));
    }

    #[test]
    fn a_change_larger_than_the_history_leaves_it_empty() {
        let mut history = History::starting_after(0, 10);
        history.push(change(5));
        assert_eq!(history.oldest(), 5);
        assert_eq!(revisions(&history, 5), Ok(vec![]));
    }

    #[test]
    fn a_change_knows_its_key_and_value() {
        let written = change(5);
        assert_eq!((written.key(), written.value()), (&b"key"[..], Some(&b"value"[..])));
        let command = Command::Delete { key: b"key" }.encode().unwrap().into();
        let deleted = Change::deleted(&command, 6);
        assert_eq!((deleted.key(), deleted.value()), (&b"key"[..], None));
    }
}
