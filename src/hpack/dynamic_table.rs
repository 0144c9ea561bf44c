//! The dynamic table (RFC 7541 sections 2.3.2 and 4).

use std::collections::VecDeque;

use super::FIELD_OVERHEAD_BYTES;
use super::field_block::Field;

/// The first allocation for the entries' bytes.
const FIRST_ALLOCATION_BYTES: usize = 256;

/// Fields, newest first, the oldest evicted when the size would pass its maximum.
///
/// The entries' bytes are concatenated, oldest first, in one buffer that never exceeds the table's
/// maximum size. An evicted entry leaves a gap at the front; when the end is reached, the remaining
/// bytes move to the front. Each entry counts 32 bytes that its content does not use, so there is
/// always space to move to, and moves are rare. A table that never had an entry holds no memory.
pub(super) struct DynamicTable {
    bytes: Vec<u8>,
    /// Newest first: the first has HPACK's index 62.
    entries: VecDeque<Entry>,
    /// The sum of the entries' sizes, at most `max_size`.
    size: usize,
    max_size: usize,
}

/// The position of an entry in the table's bytes. The table's size fits 32 bits, as does the setting
/// that limits it.
#[derive(Clone, Copy)]
struct Entry {
    start: u32,
    name_len: u32,
    value_len: u32,
}

impl Entry {
    fn len(self) -> usize {
        self.name_len as usize + self.value_len as usize
    }
}

const fn within_32_bits(size: usize) -> usize {
    if size > u32::MAX as usize { u32::MAX as usize } else { size }
}

impl DynamicTable {
    pub const fn new(max_size: usize) -> DynamicTable {
        let max_size = within_32_bits(max_size);
        DynamicTable { bytes: Vec::new(), entries: VecDeque::new(), size: 0, max_size }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The sum of the entries' sizes, in bytes plus 32 for each (section 4.1).
    pub fn size(&self) -> usize {
        self.size
    }

    pub fn max_size(&self) -> usize {
        self.max_size
    }

    /// The entry that was inserted `index` entries before the newest.
    #[inline]
    pub fn get(&self, index: usize) -> Option<Field<'_>> {
        let entry = self.entries.get(index)?;
        let start = entry.start as usize;
        let bytes = &self.bytes[start..start + entry.len()];
        Some(Field { bytes, name_len: entry.name_len as usize })
    }

    /// Inserts a field, after evicting as many of the oldest entries as needed (section 4.4). A field
    /// larger than the whole table empties it and is not inserted, which is not an error.
    pub fn insert(&mut self, name: &[u8], value: &[u8]) {
        let size = name.len() + value.len() + FIELD_OVERHEAD_BYTES;
        if size > self.max_size {
            self.clear();
            return;
        }
        self.evict_to(self.max_size - size);
        self.reserve(name.len() + value.len());
        self.entries.push_front(Entry {
            start: self.bytes.len() as u32,
            name_len: name.len() as u32,
            value_len: value.len() as u32,
        });
        self.bytes.extend_from_slice(name);
        self.bytes.extend_from_slice(value);
        self.size += size;
    }

    /// Changes the maximum size and evicts the entries that no longer fit (section 4.3).
    pub fn set_max_size(&mut self, max_size: usize) {
        self.max_size = within_32_bits(max_size);
        self.evict_to(self.max_size);
        if self.bytes.capacity() > self.max_size {
            self.compact();
            self.bytes.shrink_to(self.max_size);
            self.entries.shrink_to(self.max_size / FIELD_OVERHEAD_BYTES);
        }
    }

    /// Evicts all entries and keeps the memory.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.bytes.clear();
        self.size = 0;
    }

    fn evict_to(&mut self, size: usize) {
        while self.size > size
            && let Some(oldest) = self.entries.pop_back()
        {
            self.size -= oldest.len() + FIELD_OVERHEAD_BYTES;
        }
    }

    /// Makes space for `more` bytes behind the last entry without exceeding the maximum size. They
    /// must fit the table.
    fn reserve(&mut self, more: usize) {
        if self.bytes.capacity() - self.bytes.len() >= more {
            return;
        }
        self.compact();
        let needed = self.bytes.len() + more;
        if needed > self.bytes.capacity() {
            let wanted = (2 * needed).max(FIRST_ALLOCATION_BYTES).min(self.max_size);
            self.bytes.reserve_exact(wanted - self.bytes.len());
        }
    }

    /// Moves the bytes of the entries to the front.
    fn compact(&mut self) {
        let hole = self.entries.back().map_or(self.bytes.len(), |oldest| oldest.start as usize);
        self.bytes.drain(..hole);
        for entry in &mut self.entries {
            entry.start -= hole as u32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::each_seed;

    fn entries(table: &DynamicTable) -> Vec<(Vec<u8>, Vec<u8>)> {
        let entry = |index| table.get(index).map(|e| (e.name().to_vec(), e.value().to_vec()));
        (0..).map_while(entry).collect()
    }

    #[test]
    fn a_table_without_entries_holds_no_memory() {
        let mut table = DynamicTable::new(4096);
        assert_eq!((table.bytes.capacity(), table.entries.capacity()), (0, 0));
        table.insert(b"name", b"value");
        table.set_max_size(0);
        assert_eq!((table.bytes.capacity(), table.entries.capacity()), (0, 0));
    }

    /// Section 4.1: "the size of an entry is the sum of its name's length in octets, its value's
    /// length in octets, and 32".
    #[test]
    fn an_entry_counts_its_bytes_and_32() {
        let mut table = DynamicTable::new(4096);
        table.insert(b"name", b"value");
        assert_eq!(table.size(), 41);
        table.insert(b"", b"");
        assert_eq!(table.size(), 41 + 32);
    }

    /// Section 4.4: "an attempt to add an entry larger than the maximum size causes the table to
    /// be emptied of all existing entries and results in an empty table".
    #[test]
    fn an_entry_as_large_as_the_table_is_alone_in_it_and_a_larger_one_empties_it() {
        let mut table = DynamicTable::new(100);
        table.insert(b"a", b"");
        table.insert(b"b", &[0; 67]);
        assert_eq!((table.len(), table.size()), (1, 100));
        table.insert(b"c", &[0; 68]);
        assert_eq!((table.len(), table.size()), (0, 0));
        table.insert(b"d", b"");
        assert_eq!(entries(&table), [(b"d".to_vec(), vec![])]);
    }

    #[test]
    fn a_table_equals_a_list_of_entries_and_stays_within_its_memory() {
        each_seed(|seed| {
            let mut max_size = seed.below(600);
            let mut table = DynamicTable::new(max_size);
            let mut model: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
            for _ in 0..seed.below(60) {
                if seed.one_in(8) {
                    max_size = seed.below(600);
                    table.set_max_size(max_size);
                } else {
                    let (name_len, value_len) = (seed.below(40), seed.below(80));
                    let (name, value) = (seed.bytes(name_len), seed.bytes(value_len));
                    table.insert(&name, &value);
                    model.insert(0, (name, value));
                }
                let size = |(name, value): &(Vec<u8>, Vec<u8>)| name.len() + value.len() + 32;
                while model.iter().map(size).sum::<usize>() > max_size {
                    model.pop();
                }
                assert_eq!(entries(&table), model);
                assert_eq!(table.size(), model.iter().map(size).sum::<usize>());
                assert!(table.bytes.capacity() <= max_size);
            }
        });
    }
}
