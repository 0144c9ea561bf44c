//! The log as it is kept in memory (section 5.3 of the paper): everything behind the last
//! compaction, and how much of it was handed out to be written.

use std::collections::VecDeque;
use std::mem;

use super::entry::{Entry, Index, Term};
use super::message::SnapshotMark;

/// The entries behind `before`, in order and without gaps.
#[derive(Clone, Debug)]
pub(super) struct Log {
    /// The place right before the first entry. Everything up to it is in a snapshot.
    before: SnapshotMark,
    entries: VecDeque<Entry>,
    /// The first entry that nobody was told to write yet.
    first_unwritten: Index,
    /// The latest time of the log: that of its last entry, or of the state that it goes on from.
    at_ms: u64,
}

impl Log {
    /// A log as it was recovered: all of it is written.
    pub(super) fn new(before: SnapshotMark, entries: Vec<Entry>) -> Log {
        let entries = VecDeque::from(entries);
        let first_unwritten = before.index + entries.len() as Index + 1;
        let at_ms = entries.iter().map(|entry| entry.at_ms).max().unwrap_or_default();
        Log { before, entries, first_unwritten, at_ms }
    }

    /// The place right before the first entry.
    pub(super) fn before(&self) -> SnapshotMark {
        self.before
    }

    /// Where the log ends; that of the snapshot if it is empty.
    pub(super) fn last(&self) -> SnapshotMark {
        match self.entries.back() {
            Some(entry) => SnapshotMark { index: entry.index, term: entry.term },
            None => self.before,
        }
    }

    /// Index of the last entry.
    pub(super) fn last_index(&self) -> Index {
        self.last().index
    }

    /// The latest time of the log, in milliseconds since 1970.
    pub(super) fn at_ms(&self) -> u64 {
        self.at_ms
    }

    /// The log goes on from a state of this time: later entries are not earlier.
    pub(super) fn advance_clock(&mut self, at_ms: u64) {
        self.at_ms = self.at_ms.max(at_ms);
    }

    /// The term of the entry at an index, if it is known.
    pub(super) fn term_at(&self, index: Index) -> Option<Term> {
        match index.checked_sub(self.before.index)? {
            0 => Some(self.before.term),
            behind => self.entries.get(behind as usize - 1).map(|entry| entry.term),
        }
    }

    /// Whether a candidate whose log ends there may have our vote (section 5.4.1).
    pub(super) fn is_not_newer_than(&self, last_index: Index, last_term: Term) -> bool {
        let last = self.last();
        (last_term, last_index) >= (last.term, last.index)
    }

    /// The first index of the term that is at `index`; terms only rise along a log.
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

    /// As many entries from `from` to `to` as fit, at least one if there is any.
    pub(super) fn slice_up_to_bytes(&self, from: Index, to: Index, max_bytes: usize) -> Vec<Entry> {
        let mut bytes = 0;
        let fits = |entry: &&Entry| {
            let is_first = bytes == 0;
            bytes += entry.size_bytes();
            is_first || bytes <= max_bytes
        };
        self.range(from, to).take_while(fits).cloned().collect()
    }

    /// What nobody was told to write yet, up to an index, as far as it fits; at least one entry if
    /// there is any. It is handed out once.
    pub(super) fn take_unwritten(&mut self, to: Index, max_bytes: usize) -> Vec<Entry> {
        if !self.has_unwritten(to) {
            return Vec::new();
        }
        let unwritten =
            self.slice_up_to_bytes(self.first_unwritten, to.min(self.last_index()), max_bytes);
        self.first_unwritten += unwritten.len() as Index;
        unwritten
    }

    /// Whether there is anything that nobody was told to write yet, up to an index.
    pub(super) fn has_unwritten(&self, to: Index) -> bool {
        self.first_unwritten <= to.min(self.last_index())
    }

    /// Hands out the entries that a snapshot has, but keeps the newest of them for those that lag
    /// behind: `trailing_bytes`, and what of `retained_bytes` is not before `needed_from`.
    pub(super) fn compact(
        &mut self,
        snapshot: SnapshotMark,
        trailing_bytes: usize,
        retained_bytes: usize,
        needed_from: Index,
    ) -> VecDeque<Entry> {
        let Some(covered) = snapshot.index.checked_sub(self.before.index) else {
            return VecDeque::new();
        };
        let covered = (covered as usize).min(self.entries.len());
        let mut bytes = 0;
        let trailing = self.entries.range(..covered).rev().take_while(|entry| {
            bytes += entry.size_bytes();
            bytes <= trailing_bytes || (bytes <= retained_bytes && entry.index >= needed_from)
        });
        let count = covered - trailing.count();
        // What stays is little: it is moved, and what goes is not looked at.
        let rest = self.entries.split_off(count);
        let dropped = mem::replace(&mut self.entries, rest);
        if let Some(last) = dropped.back() {
            self.before = SnapshotMark { index: last.index, term: last.term };
        }
        dropped
    }

    /// A snapshot was installed: keeps what is behind it if the log has its last entry, else
    /// nothing. Whether anything was kept, and what was not.
    pub(super) fn install(&mut self, snapshot: SnapshotMark) -> (bool, VecDeque<Entry>) {
        let is_ours = self.term_at(snapshot.index) == Some(snapshot.term);
        let rest = if is_ours {
            let covered = snapshot.index - self.before.index;
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
    fn what_is_to_be_written_comes_in_pieces() {
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
    fn a_range_is_bounded_by_bytes_but_has_one() {
        let log = log(2, &[1, 1, 1, 1]);
        let size = entry(3, 1).size_bytes();
        assert_eq!(indices(&log.slice_up_to_bytes(4, 6, 2 * size)), [4, 5]);
        assert_eq!(indices(&log.slice_up_to_bytes(4, 6, 1)), [4]);
        assert_eq!(indices(&log.slice_up_to_bytes(4, 5, usize::MAX)), [4, 5]);
        assert_eq!(log.slice_up_to_bytes(7, 9, usize::MAX), []);
    }

    #[test]
    fn a_compaction_keeps_some_for_those_that_lag() {
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
    fn an_installed_snapshot_keeps_only_what_agrees_with_it() {
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
    }
}
