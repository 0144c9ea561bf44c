//! The writes that were handed out, and how many of them are durable.

use std::collections::VecDeque;
use std::time::Duration;

use super::entry::Index;
use super::ready::WriteId;

/// Writes become durable in order, and are reported by their numbers.
#[derive(Clone, Debug)]
pub(super) struct Writes {
    newest: WriteId,
    open: VecDeque<Write>,
    /// The current log is durable up to here; entries that were replaced do not count.
    durable_index: Index,
    /// When a write was last reported.
    finished_at: Duration,
}

#[derive(Clone, Debug)]
struct Write {
    id: WriteId,
    since: Duration,
    /// The last of its entries that is still part of the log; 0 for none.
    last_index: Index,
    has_hard_state: bool,
}

impl Writes {
    /// No write is open, and the log is durable up to an index.
    pub(super) fn new(durable_index: Index) -> Writes {
        Writes { newest: 0, open: VecDeque::new(), durable_index, finished_at: Duration::ZERO }
    }

    /// Begins a write. `last_index` is that of its last entry; 0 for none.
    pub(super) fn begin(
        &mut self,
        now: Duration,
        last_index: Index,
        has_hard_state: bool,
    ) -> WriteId {
        self.newest += 1;
        let id = self.newest;
        self.open.push_back(Write { id, since: now, last_index, has_hard_state });
        id
    }

    /// A write, and all before it, are durable.
    pub(super) fn finish(&mut self, now: Duration, id: WriteId) {
        while let Some(write) = self.open.front()
            && write.id <= id
        {
            self.finished_at = now;
            self.durable_index = self.durable_index.max(write.last_index);
            self.open.pop_front();
        }
    }

    /// The hard state of a write, and of all before it, is durable; their entries may not be.
    pub(super) fn finish_hard_state(&mut self, id: WriteId) {
        for write in self.open.iter_mut().filter(|write| write.id <= id) {
            write.has_hard_state = false;
        }
    }

    /// The log was cut: entries of open writes from there on do not belong to it any more.
    pub(super) fn truncate(&mut self, from: Index) {
        let last = from.saturating_sub(1);
        self.durable_index = self.durable_index.min(last);
        for write in &mut self.open {
            write.last_index = write.last_index.min(last);
        }
    }

    /// A snapshot replaces the log up to an index; if no entries behind it were kept, the log ends
    /// there.
    pub(super) fn install(&mut self, index: Index, is_rest_kept: bool) {
        if !is_rest_kept {
            self.truncate(1);
        }
        self.durable_index = self.durable_index.max(index);
    }

    pub(super) fn durable_index(&self) -> Index {
        self.durable_index
    }

    /// Whether all writes are durable.
    pub(super) fn are_durable(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether the newest term and vote are durable.
    pub(super) fn is_hard_state_durable(&self) -> bool {
        !self.open.iter().any(|write| write.has_hard_state)
    }

    /// Since when the disk has made no progress, if a write is open. A disk that finishes one of many
    /// writes has made progress.
    pub(super) fn stalled_since(&self) -> Option<Duration> {
        self.open.front().map(|write| write.since.max(self.finished_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_after_a_truncation_counts_for_the_entries_that_are_left() {
        let mut writes = Writes::new(9);
        let old = writes.begin(Duration::ZERO, 20, false);
        writes.truncate(12);
        let new = writes.begin(Duration::ZERO, 13, true);
        assert!(!writes.is_hard_state_durable());
        writes.finish(Duration::ZERO, old);
        assert_eq!(writes.durable_index(), 11, "12 to 20 are no longer in the log");
        writes.finish(Duration::ZERO, new);
        assert_eq!(writes.durable_index(), 13);
        assert!(writes.are_durable() && writes.is_hard_state_durable());
    }

    #[test]
    fn a_truncation_takes_durable_entries_back() {
        let mut writes = Writes::new(9);
        writes.truncate(5);
        assert_eq!(writes.durable_index(), 4);
        let write = writes.begin(Duration::from_secs(1), 6, false);
        writes.finish(Duration::from_secs(2), write);
        writes.finish(Duration::from_secs(3), write);
        assert_eq!(writes.durable_index(), 6);
    }

    #[test]
    fn a_hard_state_may_be_durable_before_the_entries_that_came_with_it() {
        let mut writes = Writes::new(9);
        let first = writes.begin(Duration::ZERO, 10, true);
        let second = writes.begin(Duration::ZERO, 11, true);
        writes.finish_hard_state(first);
        assert!(!writes.is_hard_state_durable());
        writes.finish_hard_state(second);
        assert!(writes.is_hard_state_durable());
        assert_eq!((writes.durable_index(), writes.are_durable()), (9, false));
    }

    #[test]
    fn a_disk_is_stalled_when_no_write_finishes_not_when_many_are_open() {
        let at = Duration::from_secs;
        let mut writes = Writes::new(9);
        assert_eq!(writes.stalled_since(), None);
        let first = writes.begin(at(1), 10, false);
        let second = writes.begin(at(1), 11, false);
        assert_eq!(writes.stalled_since(), Some(at(1)));
        writes.finish(at(3), first);
        assert_eq!(writes.stalled_since(), Some(at(3)), "it has done something since");
        writes.finish(at(4), second);
        assert_eq!(writes.stalled_since(), None);
        writes.begin(at(9), 12, false);
        assert_eq!(writes.stalled_since(), Some(at(9)), "it had nothing to do");
    }

    #[test]
    fn a_snapshot_is_durable_itself() {
        let mut writes = Writes::new(9);
        writes.begin(Duration::ZERO, 20, false);
        writes.install(30, false);
        assert_eq!(writes.durable_index(), 30);
        let mut kept = Writes::new(40);
        kept.install(30, true);
        assert_eq!(kept.durable_index(), 40);
    }
}
