//! The log in memory (section 5.3 of the paper): the entries behind the last compaction, and how many
//! of them were handed out to be written.

use std::collections::VecDeque;
use std::mem;

use super::entry::{Entry, Index, Term};
use super::message::SnapshotMark;

/// The entries behind `before`, in order and without gaps.
#[derive(Clone, Debug)]
pub(super) struct Log {
    /// The position right before the first entry. Everything up to it is in a snapshot.
    before: SnapshotMark,
    entries: VecDeque<Entry>,
    /// The first entry that was not handed out to be written yet.
    first_unwritten: Index,
    /// The time of the last entry, or of the state that the log continues from, in milliseconds.
    at_ms: u64,
}

impl Log {
    /// A recovered log: all of it is written.
    pub(super) fn new(before: SnapshotMark, entries: Vec<Entry>) -> Log {
        let entries = VecDeque::from(entries);
        let first_unwritten = before.index + entries.len() as Index + 1;
        let at_ms = entries.iter().map(|entry| entry.at_ms).max().unwrap_or_default();
        Log { before, entries, first_unwritten, at_ms }
    }

    /// The position right before the first entry.
    pub(super) fn before(&self) -> SnapshotMark {
        self.before
    }

    /// The position of the last entry; that of the snapshot if there is none.
    pub(super) fn last(&self) -> SnapshotMark {
        match self.entries.back() {
            Some(entry) => SnapshotMark { index: entry.index, term: entry.term },
            None => self.before,
        }
    }

    pub(super) fn last_index(&self) -> Index {
        self.last().index
    }

    /// The latest time of the log, in milliseconds since 1970.
    pub(super) fn at_ms(&self) -> u64 {
        self.at_ms
    }

    /// Entries that are appended from now on are not earlier than this time.
    pub(super) fn advance_clock(&mut self, at_ms: u64) {
        self.at_ms = self.at_ms.max(at_ms);
    }

    /// The entry at an index, if the log has it.
    pub(super) fn get(&self, index: Index) -> Option<&Entry> {
        let behind = index.checked_sub(self.before.index)?;
        self.entries.get(usize::try_from(behind).ok()?.checked_sub(1)?)
    }

    /// The term of the entry at an index, if the log has it.
    pub(super) fn term_at(&self, index: Index) -> Option<Term> {
        match index.checked_sub(self.before.index)? {
            0 => Some(self.before.term),
            behind => self.entries.get(behind as usize - 1).map(|entry| entry.term),
        }
    }

    /// Whether a candidate whose log ends there may get the vote: its log is at least as up to date
    /// (section 5.4.1).
    pub(super) fn is_not_newer_than(&self, last_index: Index, last_term: Term) -> bool {
        let last = self.last();
        (last_term, last_index) >= (last.term, last.index)
    }

    /// The first index with the term of the entry at `index`; terms never fall along a log.
    pub(super) fn first_of_term_at(&self, index: Index) -> Index {
        let Some(term) = self.term_at(index) else { return index };
        let below = self.entries.partition_point(|entry| entry.term < term) as Index;
        self.before.index + below + 1
    }

    /// The last index of a term.
    pub(super) fn last_of_term(&self, term: Term) -> Option<Index> {
        let up_to = self.entries.partition_point(|entry| entry.term <= term) as Index;
        let index = self.before.index + up_to;
        (self.term_at(index) == Some(term)).then_some(index)
    }

    /// Adds an entry. Its index must be the next one.
    pub(super) fn append(&mut self, entry: Entry) {
        debug_assert_eq!(entry.index, self.last_index() + 1);
        self.advance_clock(entry.at_ms);
        self.entries.push_back(entry);
    }

    /// Drops everything from an index on.
    pub(super) fn truncate(&mut self, from: Index) {
        let keep = from.saturating_sub(self.before.index + 1);
        self.entries.truncate(keep as usize);
        self.first_unwritten = self.first_unwritten.min(from);
    }

    /// The entries from one index up to another, both included.
    pub(super) fn range(&self, from: Index, to: Index) -> impl Iterator<Item = &Entry> {
        let place = |index: Index| {
            (index.saturating_sub(self.before.index + 1) as usize).min(self.entries.len())
        };
        self.entries.range(place(from)..place(to + 1).max(place(from)))
    }

    /// Entries from `from` to `to`, as many as fit into `max_bytes`, but at least one if there is any.
    pub(super) fn slice_up_to_bytes(&self, from: Index, to: Index, max_bytes: usize) -> Vec<Entry> {
        let mut bytes = 0;
        let fits = |entry: &&Entry| {
            let is_first = bytes == 0;
            bytes += entry.size_bytes();
            is_first || bytes <= max_bytes
        };
        self.range(from, to).take_while(fits).cloned().collect()
    }

    /// Hands out, once, the entries up to an index that were not handed out to be written yet: as many
    /// as fit into `max_bytes`, but at least one if there is any.
    pub(super) fn take_unwritten(&mut self, to: Index, max_bytes: usize) -> Vec<Entry> {
        if !self.has_unwritten(to) {
            return Vec::new();
        }
        let unwritten =
            self.slice_up_to_bytes(self.first_unwritten, to.min(self.last_index()), max_bytes);
        self.first_unwritten += unwritten.len() as Index;
        unwritten
    }

    /// Whether entries up to an index were not handed out to be written yet.
    pub(super) fn has_unwritten(&self, to: Index) -> bool {
        self.first_unwritten <= to.min(self.last_index())
    }

    /// Removes and returns the entries that a snapshot covers, but keeps the newest of them for slow
    /// followers: `trailing_bytes`, and of `retained_bytes` those from `needed_from` on. Entries that
    /// were not handed out to be written stay as well, because the log on disk has no gaps.
    pub(super) fn compact(
        &mut self,
        snapshot: SnapshotMark,
        trailing_bytes: usize,
        retained_bytes: usize,
        needed_from: Index,
    ) -> VecDeque<Entry> {
        let last = snapshot.index.min(self.first_unwritten.saturating_sub(1));
        let Some(covered) = last.checked_sub(self.before.index) else {
            return VecDeque::new();
        };
        let covered = (covered as usize).min(self.entries.len());
        let mut bytes = 0;
        let trailing = self.entries.range(..covered).rev().take_while(|entry| {
            bytes += entry.size_bytes();
            bytes <= trailing_bytes || (bytes <= retained_bytes && entry.index >= needed_from)
        });
        let count = covered - trailing.count();
        // The few that stay are moved; the many that go are not touched.
        let rest = self.entries.split_off(count);
        let dropped = mem::replace(&mut self.entries, rest);
        if let Some(last) = dropped.back() {
            self.before = SnapshotMark { index: last.index, term: last.term };
        }
        dropped
    }

    /// A snapshot was installed. If the log has the snapshot's last entry, the entries behind it are
    /// kept, else none. Returns whether they were kept, and the removed entries.
    pub(super) fn install(&mut self, snapshot: SnapshotMark) -> (bool, VecDeque<Entry>) {
        let is_ours = self.term_at(snapshot.index) == Some(snapshot.term);
        let rest = if is_ours {
            let covered = snapshot.index - self.before.index;
            self.first_unwritten = self.first_unwritten.max(snapshot.index + 1);
            self.entries.split_off(covered as usize)
        } else {
            self.first_unwritten = snapshot.index + 1;
            VecDeque::new()
        };
        self.before = snapshot;
        (is_ours, mem::replace(&mut self.entries, rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raft::Payload;

    fn entry(index: Index, term: Term) -> Entry {
        Entry { term, index, at_ms: 10 * index, payload: Payload::NoOp }
    }

    fn log(before: Index, terms: &[Term]) -> Log {
        let entry = |(at, term): (usize, &Term)| entry(before + 1 + at as Index, *term);
        let entries = terms.iter().enumerate().map(entry).collect();
        Log::new(SnapshotMark { index: before, term: u64::from(before > 0) }, entries)
    }

    fn indices(entries: &[Entry]) -> Vec<Index> {
        entries.iter().map(|entry| entry.index).collect()
    }

    #[test]
    fn terms_are_known_from_the_snapshot_on() {
        let log = log(5, &[1, 1, 3, 3, 4]);
        let terms: Vec<_> = (4..=11).map(|index| log.term_at(index)).collect();
        assert_eq!(terms, [None, Some(1), Some(1), Some(1), Some(3), Some(3), Some(4), None]);
        assert_eq!(log.last(), SnapshotMark { index: 10, term: 4 });
        assert_eq!(log.first_of_term_at(9), 8);
        assert_eq!(
            (log.last_of_term(3), log.last_of_term(2), log.last_of_term(1)),
            (Some(9), None, Some(7))
        );
        assert_eq!(self::log(0, &[]).last(), SnapshotMark::default());
    }

    #[test]
    fn the_newer_log_has_the_later_term_or_is_longer() {
        let log = log(0, &[1, 1, 3]);
        for (index, term, at_least) in
            [(3, 3, true), (4, 3, true), (2, 3, false), (9, 2, false), (1, 4, true)]
        {
            assert_eq!(log.is_not_newer_than(index, term), at_least, "{index} of term {term}");
        }
    }

    #[test]
    fn entries_are_handed_out_once_and_again_when_replaced() {
        let mut log = log(0, &[1]);
        assert_eq!(log.take_unwritten(99, usize::MAX), []);
        log.append(entry(2, 1));
        log.append(entry(3, 1));
        assert_eq!(indices(&log.take_unwritten(99, usize::MAX)), [2, 3]);
        assert_eq!(log.take_unwritten(99, usize::MAX), []);
        log.truncate(3);
        log.append(entry(3, 2));
        assert_eq!(log.take_unwritten(99, usize::MAX), [entry(3, 2)]);
    }

    #[test]
    fn unwritten_entries_are_handed_out_in_pieces() {
        let mut log = log(0, &[1]);
        for index in 2..=6 {
            log.append(entry(index, 1));
        }
        let size = entry(2, 1).size_bytes();
        assert_eq!(indices(&log.take_unwritten(5, 2 * size)), [2, 3]);
        assert!(log.has_unwritten(5));
        assert_eq!(indices(&log.take_unwritten(5, 1)), [4]);
        assert_eq!(indices(&log.take_unwritten(5, usize::MAX)), [5]);
        assert!(!log.has_unwritten(5) && log.has_unwritten(6));
    }

    #[test]
    fn a_slice_is_bounded_by_bytes_but_has_one_entry() {
        let log = log(2, &[1, 1, 1, 1]);
        let size = entry(3, 1).size_bytes();
        assert_eq!(indices(&log.slice_up_to_bytes(4, 6, 2 * size)), [4, 5]);
        assert_eq!(indices(&log.slice_up_to_bytes(4, 6, 1)), [4]);
        assert_eq!(indices(&log.slice_up_to_bytes(4, 5, usize::MAX)), [4, 5]);
        assert_eq!(log.slice_up_to_bytes(7, 9, usize::MAX), []);
    }

    #[test]
    fn a_compaction_keeps_entries_for_slow_followers() {
        let size = entry(1, 1).size_bytes();
        let mut compacted = log(0, &[1, 1, 2, 2, 2, 3]);
        let dropped = compacted.compact(SnapshotMark { index: 5, term: 2 }, 2 * size, 9 * size, 99);
        assert_eq!(dropped.iter().map(|entry| entry.index).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(compacted.before(), SnapshotMark { index: 3, term: 2 });
        assert_eq!(compacted.last_index(), 6);
        compacted.compact(SnapshotMark { index: 2, term: 1 }, 0, 0, 99);
        assert_eq!(compacted.before().index, 3, "an older snapshot changes nothing");

        let mut needed = log(0, &[1, 1, 2, 2, 2, 3]);
        needed.compact(SnapshotMark { index: 5, term: 2 }, 0, 9 * size, 3);
        assert_eq!(needed.before().index, 2);
        needed.compact(SnapshotMark { index: 5, term: 2 }, 0, 2 * size, 3);
        assert_eq!(needed.before().index, 3, "not at any price");
    }

    #[test]
    fn a_compaction_keeps_what_was_not_handed_out_to_be_written() {
        // A full disk: the entries are committed and applied, and the snapshot is to free space.
        let mut log = log(0, &[1, 1]);
        for index in 3..=6 {
            log.append(entry(index, 2));
        }
        assert_eq!(indices(&log.take_unwritten(3, usize::MAX)), [3]);
        log.compact(SnapshotMark { index: 5, term: 2 }, 0, 0, 99);
        assert_eq!(log.before(), SnapshotMark { index: 3, term: 2 });
        assert_eq!(indices(&log.take_unwritten(99, usize::MAX)), [4, 5, 6]);
    }

    #[test]
    fn an_installed_snapshot_keeps_only_entries_that_agree_with_it() {
        let mut log = log(0, &[1, 1, 2, 2]);
        assert!(log.clone().install(SnapshotMark { index: 3, term: 2 }).0);
        assert!(log.install(SnapshotMark { index: 3, term: 2 }).0);
        assert_eq!((log.before().index, log.last_index()), (3, 4));
        let mut other = self::log(0, &[1, 1, 1, 1]);
        assert!(!other.install(SnapshotMark { index: 3, term: 2 }).0);
        assert_eq!(other.last(), SnapshotMark { index: 3, term: 2 });
        assert_eq!(other.take_unwritten(99, usize::MAX), []);
        let mut short = self::log(0, &[1]);
        assert!(!short.install(SnapshotMark { index: 30, term: 2 }).0);
        short.append(entry(31, 2));
        assert_eq!(indices(&short.take_unwritten(99, usize::MAX)), [31]);
        let mut unwritten = self::log(0, &[1]);
        (2..=4).for_each(|index| unwritten.append(entry(index, 1)));
        assert!(unwritten.install(SnapshotMark { index: 3, term: 1 }).0);
        assert_eq!(indices(&unwritten.take_unwritten(99, usize::MAX)), [4]);
        assert_eq!(unwritten.take_unwritten(99, usize::MAX), []);
    }
}
