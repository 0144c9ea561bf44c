//! What a node of a test's group has on disk.

use crate::raft::{Entry, HardState, SnapshotMark};

/// What a node has kept.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    pub hard_state: HardState,
    pub snapshot: SnapshotMark,
    pub log_before: SnapshotMark,
    pub log: Vec<Entry>,
}

impl Disk {
    /// What was written is durable.
    pub fn keep(&mut self, hard_state: Option<HardState>, entries: &[Entry]) {
        if let Some(hard_state) = hard_state {
            self.hard_state = hard_state;
        }
        if let Some(first) = entries.first() {
            self.log.retain(|entry| entry.index < first.index);
            self.log.extend_from_slice(entries);
        }
    }

    /// A leader's snapshot is in place.
    pub fn install(&mut self, snapshot: SnapshotMark) {
        let agrees = |entry: &Entry| (entry.index, entry.term) == (snapshot.index, snapshot.term);
        let keep = self.log.iter().any(agrees);
        self.log.retain(|entry| keep && entry.index > snapshot.index);
        self.snapshot = snapshot;
        self.log_before = snapshot;
    }
}
