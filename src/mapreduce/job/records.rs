//! Records in memory, and their order.

use std::cmp::Ordering;
use std::mem;

use super::emitter::append_record;
use super::fault::Fault;
use super::key_order::KeyOrder;
use crate::text::find;

/// The values of one key, one after the other.
pub trait Values {
    /// The next value, valid until the one after it is asked for; `None` at the end.
    ///
    /// # Errors
    /// A file that held some of them cannot be read.
    fn next(&mut self) -> Result<Option<&[u8]>, Fault>;
}

/// Where a record lies in the arena.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    prefix: u64,
    at: u32,
    key_bytes: u32,
    value_bytes: u32,
    tag: u32,
}

impl Entry {
    pub(super) fn tag(&self) -> u32 {
        self.tag
    }
}

const ENTRY_BYTES: usize = size_of::<Entry>();

/// Entries are reserved for so many blocks like the first at most.
const MAX_EXPECTED_BLOCKS: usize = 1_000;
/// The arena's places have 32 bits.
const MAX_ARENA_BYTES: usize = u32::MAX as usize;

/// Memory of records that are gone: others in it cost no page faults.
#[derive(Debug, Default)]
pub struct SortMemory {
    arena: Vec<u8>,
    entries: Vec<Entry>,
}

/// Records with a tag each, as lines.
#[derive(Debug)]
pub(super) struct Records {
    order: KeyOrder,
    arena: Vec<u8>,
    entries: Vec<Entry>,
}

impl Records {
    pub(super) fn new(order: KeyOrder, memory: SortMemory) -> Records {
        let SortMemory { mut arena, mut entries } = memory;
        arena.clear();
        entries.clear();
        Records { order, arena, entries }
    }

    pub(super) fn into_memory(self) -> SortMemory {
        SortMemory { arena: self.arena, entries: self.entries }
    }

    /// So many bytes of lines will come.
    pub(super) fn reserve(&mut self, bytes: usize) {
        self.arena.reserve(bytes.min(MAX_ARENA_BYTES - self.arena.len()));
    }

    /// What they take in memory.
    pub(super) fn bytes(&self) -> usize {
        self.arena.len() + self.entries.len() * ENTRY_BYTES
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether so many bytes more would still have a place.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.arena.len().saturating_add(bytes) <= MAX_ARENA_BYTES
    }

    /// Adds a record; there must be room.
    pub(super) fn push(&mut self, tag: u32, key: &[u8], value: &[u8]) {
        self.entries.push(Entry {
            prefix: self.order.prefix(key),
            at: self.arena.len() as u32,
            key_bytes: key.len() as u32,
            value_bytes: value.len() as u32,
            tag,
        });
        append_record(key, value, &mut self.arena);
    }

    /// Adds records that are lines already; there must be room. Returns whether each has a tab: if
    /// not, those before it were added.
    pub(super) fn push_lines(&mut self, tag: u32, lines: &[u8]) -> bool {
        let base = self.arena.len();
        self.arena.extend_from_slice(lines);
        let mut at = 0;
        let before = self.entries.len();
        while at < lines.len() {
            let rest = &lines[at..];
            let length = find(b'\n', rest).unwrap_or(rest.len());
            let line = &rest[..length];
            // Keys are short more often than not.
            let Some(tab) = line.iter().position(|byte| *byte == b'\t') else { return false };
            self.entries.push(Entry {
                prefix: self.order.prefix(&line[..tab]),
                at: (base + at) as u32,
                key_bytes: tab as u32,
                value_bytes: (length - tab - 1) as u32,
                tag,
            });
            at += length + 1;
        }
        // What is expected will be as these lines: better than to double again and again.
        let added = self.entries.len() - before;
        let left = self.arena.capacity() - self.arena.len();
        if before == 0 && !lines.is_empty() {
            self.entries.reserve(added * (left / lines.len()).min(MAX_EXPECTED_BLOCKS));
        }
        true
    }

    /// Forgets all records, and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.arena.clear();
        self.entries.clear();
    }

    /// Sorts by key; those of a key by tag, then in the order of arrival.
    pub(super) fn sort(&mut self) {
        let mut entries = mem::take(&mut self.entries);
        entries.sort_by(|left, right| {
            self.compare(left, right).then_with(|| left.tag.cmp(&right.tag))
        });
        self.entries = entries;
    }

    /// Sorts by tag; those of a tag by key, then in the order of arrival.
    pub(super) fn sort_by_tag(&mut self) {
        let mut entries = mem::take(&mut self.entries);
        entries.sort_by(|left, right| {
            left.tag.cmp(&right.tag).then_with(|| self.compare(left, right))
        });
        self.entries = entries;
    }

    /// All of them, in the order of arrival or as they were sorted.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Compares the keys of two records.
    pub(super) fn compare(&self, left: &Entry, right: &Entry) -> Ordering {
        left.prefix.cmp(&right.prefix).then_with(|| {
            if left.key_bytes.max(right.key_bytes) <= self.order.whole_prefix_bytes() {
                left.key_bytes.cmp(&right.key_bytes)
            } else {
                self.order.compare(self.key(left), self.key(right))
            }
        })
    }

    pub(super) fn key(&self, entry: &Entry) -> &[u8] {
        let start = entry.at as usize;
        &self.arena[start..start + entry.key_bytes as usize]
    }

    pub(super) fn value(&self, entry: &Entry) -> &[u8] {
        // Behind the tab.
        let start = entry.at as usize + entry.key_bytes as usize + 1;
        &self.arena[start..start + entry.value_bytes as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Seed, each_seed};

    fn some_key(seed: &mut Seed) -> Vec<u8> {
        let length = seed.below(12);
        (0..length).map(|_| *seed.pick(b"\0\x01ab\xff")).collect()
    }

    #[test]
    fn records_come_by_key_then_tag_then_arrival() {
        each_seed(|seed| {
            if !seed.one_in(20) {
                return;
            }
            let order = *seed.pick(&[KeyOrder::Bytes, KeyOrder::Numbers]);
            let mut records = Records::new(order, SortMemory::default());
            let mut expected = Vec::new();
            for arrival in 0..seed.below(200) {
                let (key, tag) = (some_key(seed), seed.below(3) as u32);
                records.push(tag, &key, arrival.to_string().as_bytes());
                expected.push((key, tag, arrival));
            }
            expected.sort_by(|left, right| {
                let by_key = order.compare(&left.0, &right.0);
                by_key.then_with(|| (left.1, left.2).cmp(&(right.1, right.2)))
            });
            let found = |records: &Records| -> Vec<(Vec<u8>, u32, usize)> {
                let found = records.entries().iter().map(|entry| {
                    let value = std::str::from_utf8(records.value(entry)).unwrap();
                    (records.key(entry).to_vec(), entry.tag(), value.parse().unwrap())
                });
                found.collect()
            };
            records.sort();
            assert_eq!(found(&records), expected);
            records.sort_by_tag();
            expected.sort_by_key(|record| record.1);
            assert_eq!(found(&records), expected);
        });
    }

    #[test]
    fn lines_are_records_as_they_stand() {
        let mut records = Records::new(KeyOrder::Bytes, SortMemory::default());
        assert!(records.push_lines(1, b"b\t2\n\tx\ty\nlonger than eight\t\n"));
        assert!(records.push_lines(0, b"a\t1"));
        assert!(!records.push_lines(0, b"a\t1\nno tab\n"));
        let shown = records.entries().iter().map(|e| (records.key(e), records.value(e)));
        let expected: [(&[u8], &[u8]); 5] =
            [(b"b", b"2"), (b"", b"x\ty"), (b"longer than eight", b""), (b"a", b"1"), (b"a", b"1")];
        assert_eq!(shown.collect::<Vec<_>>(), expected);
    }
}
