//! Records in memory, and their order.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::fault::Fault;

/// In which order keys come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyOrder {
    /// That of their bytes.
    #[default]
    Bytes,
    /// Shorter ones first, then that of their bytes: for whole numbers without leading zeros the
    /// order of numbers.
    Numbers,
}

impl KeyOrder {
    /// Compares two keys.
    pub fn compare(self, left: &[u8], right: &[u8]) -> Ordering {
        match self {
            KeyOrder::Bytes => left.cmp(right),
            KeyOrder::Numbers => left.len().cmp(&right.len()).then_with(|| left.cmp(right)),
        }
    }

    /// A number that orders keys as they are, but for keys that it cannot tell apart.
    fn prefix(self, key: &[u8]) -> u64 {
        let mut first = [0; 8];
        let count = key.len().min(8);
        first[..count].copy_from_slice(&key[..count]);
        let bytes = u64::from_be_bytes(first);
        match self {
            KeyOrder::Bytes => bytes,
            KeyOrder::Numbers => (key.len().min(255) as u64) << 56 | bytes >> 8,
        }
    }

    /// Keys up to this length are told apart by their prefix and length.
    fn whole_prefix_bytes(self) -> u32 {
        match self {
            KeyOrder::Bytes => 8,
            KeyOrder::Numbers => 7,
        }
    }
}

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
}

const ENTRY_BYTES: usize = size_of::<Entry>();

/// The arena's places have 32 bits.
const MAX_ARENA_BYTES: usize = u32::MAX as usize;

/// Records with a tag each, in the order of arrival within a tag.
#[derive(Debug)]
pub(super) struct Records {
    order: KeyOrder,
    arena: Vec<u8>,
    by_tag: BTreeMap<u32, Vec<Entry>>,
    count: usize,
}

impl Records {
    pub(super) fn new(order: KeyOrder) -> Records {
        Records { order, arena: Vec::new(), by_tag: BTreeMap::new(), count: 0 }
    }

    /// What they take in memory.
    pub(super) fn bytes(&self) -> usize {
        self.arena.len() + self.count * ENTRY_BYTES
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether one more record would still have a place.
    pub(super) fn has_room(&self, key: &[u8], value: &[u8]) -> bool {
        self.arena.len() + key.len() + value.len() <= MAX_ARENA_BYTES
    }

    /// Adds a record; there must be room.
    pub(super) fn push(&mut self, tag: u32, key: &[u8], value: &[u8]) {
        let entry = Entry {
            prefix: self.order.prefix(key),
            at: self.arena.len() as u32,
            key_bytes: key.len() as u32,
            value_bytes: value.len() as u32,
        };
        self.arena.extend_from_slice(key);
        self.arena.extend_from_slice(value);
        self.by_tag.entry(tag).or_default().push(entry);
        self.count += 1;
    }

    /// Forgets all records, and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.arena.clear();
        self.by_tag.values_mut().for_each(Vec::clear);
        self.count = 0;
    }

    /// The tags that have records.
    pub(super) fn tags(&self) -> Vec<u32> {
        let used = self.by_tag.iter().filter(|(_, entries)| !entries.is_empty());
        used.map(|(tag, _)| *tag).collect()
    }

    /// The records of one tag by key; those of a key in the order of arrival.
    pub(super) fn sorted_of(&mut self, tag: u32) -> Vec<Entry> {
        let mut entries = self.by_tag.remove(&tag).unwrap_or_default();
        self.count -= entries.len();
        self.sort(&mut entries);
        entries
    }

    /// All records by key; those of a key by tag, then in the order of arrival.
    pub(super) fn sorted(&self) -> Vec<(u32, Entry)> {
        let tagged = self.by_tag.iter();
        let tagged = tagged.flat_map(|(tag, entries)| entries.iter().map(|entry| (*tag, *entry)));
        let mut all: Vec<(u32, Entry)> = Vec::with_capacity(self.count);
        all.extend(tagged);
        all.sort_by(|(_, left), (_, right)| self.compare(left, right));
        all
    }

    fn sort(&self, entries: &mut [Entry]) {
        entries.sort_by(|left, right| self.compare(left, right));
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
        let start = entry.at as usize + entry.key_bytes as usize;
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
            let mut records = Records::new(order);
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
            let sorted = records.sorted();
            let found: Vec<_> = sorted
                .iter()
                .map(|(tag, entry)| {
                    let value = std::str::from_utf8(records.value(entry)).unwrap();
                    (records.key(entry).to_vec(), *tag, value.parse::<usize>().unwrap())
                })
                .collect();
            assert_eq!(found, expected);
        });
    }

    #[test]
    fn numbers_come_in_their_order() {
        let mut numbers: Vec<u64> = vec![0, 7, 9, 10, 99, 100, 12_345_678, 123_456_789, u64::MAX];
        numbers.extend((0..18).map(|digits| 10_u64.pow(digits) + 3));
        let mut texts: Vec<String> = numbers.iter().map(u64::to_string).collect();
        texts.sort_by(|left, right| KeyOrder::Numbers.compare(left.as_bytes(), right.as_bytes()));
        numbers.sort_unstable();
        assert_eq!(texts, numbers.iter().map(u64::to_string).collect::<Vec<_>>());
    }
}
