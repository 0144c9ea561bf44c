//! The encoder's dynamic table, which can be searched by name and value.

use std::collections::VecDeque;

use super::dynamic_table::DynamicTable;
use super::field_block::Field;

/// How many chains there are of each kind: a power of two.
const CHAINS: usize = 32;

/// A dynamic table with an index of its entries by name, and by name and value.
///
/// Entries are numbered from 1 in the order of their insertion. Entries with equal hashes form a
/// chain from the newest to the oldest. No entry is removed from a chain: entries are evicted oldest
/// first, so a chain ends at the first number that is evicted.
///
/// ```text
///   heads[hash % CHAINS] --> 9 --> 7 --> 2 (evicted)
/// ```
pub(super) struct EncoderTable {
    table: DynamicTable,
    /// For each hash the number of the newest entry, 0 for none. Empty before the first insertion.
    heads: Vec<[u64; 2]>,
    /// Newest first, one for each entry of the table.
    links: VecDeque<ChainLink>,
    /// The number of the newest entry.
    newest: u64,
}

/// The two search keys of an entry: an index into the pairs below.
#[derive(Clone, Copy)]
enum By {
    Name,
    Field,
}

/// The hashes that an entry is found by.
#[derive(Clone, Copy)]
pub(super) struct Hashes {
    /// Of the name.
    pub name: u32,
    /// Of name and value together.
    pub field: u32,
}

struct ChainLink {
    hashes: [u32; 2],
    /// The numbers of the previous entries in its two chains.
    older: [u64; 2],
}

impl EncoderTable {
    pub const fn new(max_size: usize) -> EncoderTable {
        EncoderTable {
            table: DynamicTable::new(max_size),
            heads: Vec::new(),
            links: VecDeque::new(),
            newest: 0,
        }
    }

    pub fn max_size(&self) -> usize {
        self.table.max_size()
    }

    pub fn size(&self) -> usize {
        self.table.size()
    }

    /// Changes the maximum size and evicts the entries that no longer fit. A table of 0 bytes holds no
    /// memory.
    pub fn set_max_size(&mut self, max_size: usize) {
        self.table.set_max_size(max_size);
        self.links.truncate(self.table.len());
        if max_size == 0 {
            self.links = VecDeque::new();
            self.heads = Vec::new();
        }
    }

    /// Inserts a field, which must fit the table.
    pub fn insert(&mut self, name: &[u8], value: &[u8], hashes: Hashes) {
        self.table.insert(name, value);
        if self.heads.is_empty() {
            self.heads.resize(CHAINS, [0; 2]);
        }
        self.newest += 1;
        let mut link = ChainLink { hashes: [hashes.name, hashes.field], older: [0; 2] };
        for by in [By::Name as usize, By::Field as usize] {
            let head = &mut self.heads[link.hashes[by] as usize % CHAINS][by];
            link.older[by] = std::mem::replace(head, self.newest);
        }
        self.links.push_front(link);
        self.links.truncate(self.table.len());
    }

    /// The newest entry with this name and value, as its distance from the newest entry.
    pub fn find_field(&self, name: &[u8], value: &[u8], hash: u32) -> Option<usize> {
        self.find(By::Field, hash, |field| field.name() == name && field.value() == value)
    }

    /// The newest entry with this name, as its distance from the newest entry.
    pub fn find_name(&self, name: &[u8], hash: u32) -> Option<usize> {
        self.find(By::Name, hash, |field| field.name() == name)
    }

    #[inline]
    fn find(&self, by: By, hash: u32, matches: impl Fn(Field<'_>) -> bool) -> Option<usize> {
        let mut number = self.heads.get(hash as usize % CHAINS)?[by as usize];
        loop {
            let index = usize::try_from(self.newest - number).ok()?;
            let link = self.links.get(index)?;
            if link.hashes[by as usize] == hash && self.table.get(index).is_some_and(&matches) {
                return Some(index);
            }
            number = link.older[by as usize];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::each_seed;

    #[test]
    fn a_table_without_entries_holds_no_memory() {
        let mut table = EncoderTable::new(4096);
        assert_eq!((table.heads.capacity(), table.links.capacity()), (0, 0));
        table.insert(b"a", b"1", Hashes { name: 1, field: 2 });
        table.set_max_size(0);
        assert_eq!((table.heads.capacity(), table.links.capacity()), (0, 0));
        table.set_max_size(4096);
        assert_eq!(table.find_name(b"a", 1), None);
    }

    /// With hashes that collide, so that every chain holds entries with other names.
    #[test]
    fn a_search_finds_the_newest_that_matches_and_never_an_evicted_one() {
        each_seed(|seed| {
            let mut table = EncoderTable::new(34 * 8);
            let mut model: Vec<([u8; 1], [u8; 1])> = Vec::new();
            for _ in 0..40 {
                let (name, value) = ([seed.below(4) as u8], [seed.below(4) as u8]);
                let hashes =
                    Hashes { name: u32::from(name[0] / 2), field: u32::from(value[0] / 2) };
                let field = model.iter().position(|entry| *entry == (name, value));
                assert_eq!(table.find_field(&name, &value, hashes.field), field);
                let named = model.iter().position(|entry| entry.0 == name);
                assert_eq!(table.find_name(&name, hashes.name), named);
                if seed.one_in(10) {
                    table.set_max_size(34 * seed.below(4));
                    table.set_max_size(34 * 8);
                    model.truncate(table.table.len());
                } else {
                    table.insert(&name, &value, hashes);
                    model.insert(0, (name, value));
                    model.truncate(8);
                }
            }
        });
    }
}
