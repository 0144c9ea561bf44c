//! Entries, states and storages for the tests.

use std::sync::Arc;

use agora::kv::state::{Command, Kv};
use agora::raft::{Entry, Frozen, HardState, Index, NodeId, Origin, Payload, SnapshotMark, Term};
use agora::replica::storage::{Commands, Disk, Identity, Recovered, Storage, StorageError};

/// The identity of the test's directory.
pub fn identity() -> Identity {
    let members = (0..3).map(|id| (id, format!("host{id}:7000"))).collect();
    Identity { node: 1, group: "test".into(), machine: "kv".into(), members }
}

/// A storage, the recovered data, and the lines of its snapshot.
pub type Opened = (Storage, Recovered, Vec<String>);

pub fn try_open(disk: &Arc<dyn Disk>) -> Result<Opened, StorageError> {
    let mut lines = Vec::new();
    let commands = Commands::of::<Kv>();
    let (storage, recovered) =
        Storage::open(Arc::clone(disk), &identity(), 1, commands, &mut |words| {
            let words = words.iter().map(|word| String::from_utf8_lossy(word));
            lines.push(words.collect::<Vec<_>>().join(" "));
            Ok(())
        })?;
    Ok((storage, recovered, lines))
}

pub fn open(disk: &Arc<dyn Disk>) -> Opened {
    try_open(disk).unwrap_or_else(|error| panic!("cannot be opened: {error}"))
}

/// An entry that does nothing.
pub fn no_op(term: Term, index: Index) -> Entry {
    Entry { term, index, at_ms: 1_700_000_000_000 + index, payload: Payload::NoOp }
}

/// An entry that sets a key, without a session.
pub fn set_once(term: Term, index: Index, key: &[u8], value: &[u8]) -> Entry {
    let command = Command::Set { key, value }.encode().unwrap().into();
    Entry { payload: Payload::Command { origin: None, command }, ..no_op(term, index) }
}

/// An entry that sets a key, in a session.
pub fn set(term: Term, index: Index, key: &[u8], value: &[u8]) -> Entry {
    let command = Command::Set { key, value }.encode().unwrap().into();
    let origin = Some(Origin { session: 2, sequence: index, acknowledged: index / 2 });
    let payload = Payload::Command { origin, command };
    Entry { term, index, at_ms: 1_700_000_000_000 + index, payload }
}

/// A hard state of a term, with a vote.
pub fn voted(term: Term, node: NodeId) -> HardState {
    let longest_lease = std::time::Duration::from_millis(300);
    HardState { current_term: term, voted_for: Some(node), longest_lease }
}

/// A state with as many lines as the index of its snapshot; the lines identify the snapshot.
pub fn state(mark: SnapshotMark) -> Box<dyn Frozen> {
    struct Lines {
        mark: SnapshotMark,
        next: Index,
    }

    impl Frozen for Lines {
        fn next_line(&mut self, word: &mut dyn FnMut(&[u8])) -> bool {
            if self.next > self.mark.index {
                return false;
            }
            let name = format!("of {}", self.mark.index);
            [b"LINE", self.next.to_string().as_bytes(), name.as_bytes()].into_iter().for_each(word);
            self.next += 1;
            true
        }
    }

    Box::new(Lines { mark, next: 1 })
}

/// The lines that a restore of [`state`] reads.
pub fn lines_of(mark: SnapshotMark) -> Vec<String> {
    (1..=mark.index).map(|line| format!("LINE {line} of {}", mark.index)).collect()
}
