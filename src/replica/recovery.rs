//! From the contents of the files to the initial state of the core.

use std::time::Duration;

use crate::raft;
use crate::raft::{Config, SnapshotMark};
use crate::replica::membership::{Membership, Record, Start};
use crate::replica::storage;

/// The initial state of a core. The time of the state is missing, since the files do not contain
/// it.
pub fn recovered(found: storage::Recovered) -> raft::Recovered {
    let snapshot = found.snapshot.unwrap_or_default();
    let mut entries = found.entries;
    // A log that begins before the end of the snapshot lets followers that lag a little catch up
    // without the snapshot. The entry before its first entry is unknown, so the first entry itself
    // becomes the point from which logs are compared.
    let log_before = match entries.first() {
        Some(first) if first.index == snapshot.index + 1 => snapshot,
        Some(first) => {
            let before = SnapshotMark { index: first.index, term: first.term };
            entries.remove(0);
            before
        }
        None => snapshot,
    };
    raft::Recovered {
        hard_state: found.hard_state,
        snapshot,
        log_before,
        entries,
        commit_index: found.commit_length.max(snapshot.index),
        at_ms: 0,
    }
}

/// The membership at the start of a process. `incarnation` identifies the process.
pub fn membership(
    config: &Config,
    recovered: &raft::Recovered,
    record: Record,
    incarnation: u64,
    now: Duration,
) -> Membership {
    let others = config.voters.iter().copied().filter(|voter| *voter != config.id).collect();
    let last = recovered.entries.last().map_or(recovered.log_before.index, |entry| entry.index);
    let start = Start {
        incarnation,
        term: recovered.hard_state.current_term,
        last_index: last.max(recovered.snapshot.index),
    };
    Membership::new(config.id, others, record, start, now, config.election_timeout)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raft::{Entry, Payload};

    #[test]
    fn the_log_starts_after_a_known_index_and_term() {
        let entry = |index| Entry { term: 2, index, at_ms: 0, payload: Payload::NoOp };
        let start = |snapshot: Option<SnapshotMark>, indices: &[u64]| {
            let entries = indices.iter().map(|index| entry(*index)).collect();
            let found = storage::Recovered { snapshot, entries, ..storage::Recovered::default() };
            let recovered = recovered(found);
            (recovered.log_before, recovered.entries.len(), recovered.commit_index)
        };
        let mark = |index, term| SnapshotMark { index, term };
        assert_eq!(start(None, &[]), (mark(0, 0), 0, 0));
        assert_eq!(start(None, &[1, 2]), (mark(0, 0), 2, 0));
        let snapshot = Some(mark(3, 2));
        assert_eq!(start(snapshot, &[4, 5]), (mark(3, 2), 2, 3));
        assert_eq!(start(snapshot, &[2, 3, 4]), (mark(2, 2), 2, 3));
        assert_eq!(start(snapshot, &[1]), (mark(1, 2), 0, 3));
    }
}
