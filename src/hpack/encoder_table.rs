//! The encoder's dynamic table, which can be searched by name and value.

use std::collections::VecDeque;

use super::dynamic_table::DynamicTable;

/// How many chains there are: a power of two.
const CHAINS: usize = 64;

/// A dynamic table with an index of its names.
///
/// Entries are numbered from 1 in the order of their insertion, without end. The entries whose
/// names hash alike form a chain from the newest to the oldest. Nothing is ever taken out of a
/// chain: entries die oldest first, so a chain ends at the first number that is no longer in the
/// table.
pub(super) struct EncoderTable {
    table: DynamicTable,
    /// For each hash the number of the newest entry; empty before the first insertion.
    heads: Vec<u64>,
    /// Newest first, as the table's entries.
    links: VecDeque<Link>,
    /// The number of the newest entry.
    newest: u64,
}

struct Link {
    hash: u32,
    /// The number of the entry before this one in its chain; 0 for none.
    older: u64,
}

/// What a search found: how many entries before the newest it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// An entry with this name and value.
    Field(usize),
    /// An entry with this name.
    Name(usize),
    Nothing,
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

    /// Changes the maximum size and evicts what no longer fits. An empty table holds no memory.
    pub fn set_max_size(&mut self, max_size: usize) {
        self.table.set_max_size(max_size);
        if max_size == 0 {
            self.heads = Vec::new();
            self.links = VecDeque::new();
        }
        self.links.truncate(self.table.len());
    }

    /// Puts a field in front that fits the table; `hash` is its name's.
    pub fn insert(&mut self, name: &[u8], value: &[u8], hash: u32) {
        self.table.insert(name, value);
        if self.heads.is_empty() {
            self.heads.resize(CHAINS, 0);
        }
        self.newest += 1;
        let head = &mut self.heads[hash as usize % CHAINS];
        self.links.push_front(Link { hash, older: *head });
        self.links.truncate(self.table.len());
        *head = self.newest;
    }

    /// The newest entry with this name and value, or else the newest with this name.
    pub fn find(&self, name: &[u8], value: &[u8], hash: u32) -> Found {
        let mut found = Found::Nothing;
        let mut number = self.heads.get(hash as usize % CHAINS).copied().unwrap_or(0);
        while let Some((index, link)) = self.link(number) {
            if link.hash == hash
                && let Some(field) = self.table.get(index)
                && field.name() == name
            {
                if field.value() == value {
                    return Found::Field(index);
                }
                if found == Found::Nothing {
                    found = Found::Name(index);
                }
            }
            number = link.older;
        }
        found
    }

    /// The entry with this number and its index, if it is still in the table.
    fn link(&self, number: u64) -> Option<(usize, &Link)> {
        let index = usize::try_from(self.newest - number).ok()?;
        self.links.get(index).map(|link| (index, link))
    }
}
