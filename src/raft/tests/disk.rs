//! The disk of a node of the test group.

use crate::raft::{Entry, HardState, SnapshotMark};

/// The durable state of a node.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    pub hard_state: HardState,
    pub snapshot: SnapshotMark,
    pub log_before: SnapshotMark,
    pub log: Vec<Entry>,
}

impl Disk {
    /// Makes a write durable.
    pub fn keep(&mut self, hard_state: Option<HardState>, entries: &[Entry]) {
        if let Some(hard_state) = hard_state {
            self.hard_state = hard_state;
        }
        if let Some(first) = entries.first() {
            self.log.retain(|entry| entry.index < first.index);
            self.log.extend_from_slice(entries);
        }
    }

    /// Installs a leader's snapshot.
    pub fn install(&mut self, snapshot: SnapshotMark) {
        let agrees = |entry: &Entry| (entry.index, entry.term) == (snapshot.index, snapshot.term);
        let keep = self.log.iter().any(agrees);
        self.log.retain(|entry| keep && entry.index > snapshot.index);
        self.snapshot = snapshot;
        self.log_before = snapshot;
    }
}
