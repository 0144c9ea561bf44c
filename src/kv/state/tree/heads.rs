//! Searches a node without reading every key.
//!
//! Keys are anywhere in memory, and reading one may be a cache miss. So a node keeps, in one array,
//! the common prefix of its keys and a *head* of each key: the eight bytes after the prefix, as a
//! number. Heads have the order of their keys. Where two heads are equal, the keys are compared.

use std::sync::Arc;

use super::super::record::Record;

/// The most keys of a node.
pub const MAX_KEYS: usize = 64;

/// The bytes of the common prefix that are kept beside the heads.
const START_BYTES: usize = 24;

/// Something that a node keeps in order.
pub trait Keyed {
    /// The key that it is ordered by.
    fn key(&self) -> &[u8];
}

impl Keyed for Record {
    fn key(&self) -> &[u8] {
        Record::key(self)
    }
}

impl Keyed for Arc<[u8]> {
    fn key(&self) -> &[u8] {
        self
    }
}

/// The heads of the keys of a node. The node owns the keys and reports each change.
#[derive(Clone, Debug)]
pub struct Heads {
    /// All keys have at least this many bytes in common.
    shared: usize,
    /// The first bytes of the common prefix.
    start: [u8; START_BYTES],
    /// One for each key of the node; the rest is unused.
    heads: [u64; MAX_KEYS],
}

impl Default for Heads {
    fn default() -> Heads {
        Heads { shared: 0, start: [0; START_BYTES], heads: [0; MAX_KEYS] }
    }
}

impl Heads {
    /// The heads of these keys.
    pub fn of_keys<K: Keyed>(keys: &[K]) -> Heads {
        let shared = match (keys.first(), keys.last()) {
            // The keys are sorted: the common prefix of the outer two is that of all.
            (Some(first), Some(last)) => common_prefix_len(first.key(), last.key()),
            _ => 0,
        };
        let mut heads = Heads { shared, ..Heads::default() };
        let start = keys.first().and_then(|first| first.key().get(..shared));
        for (position, byte) in heads.start.iter_mut().zip(start.unwrap_or_default()) {
            *position = *byte;
        }
        for (position, key) in heads.heads.iter_mut().zip(keys) {
            *position = head(key.key(), shared);
        }
        heads
    }

    /// The index of a key (`Ok`), or where it would be inserted (`Err`).
    pub fn search<K: Keyed>(&self, keys: &[K], key: &[u8]) -> Result<usize, usize> {
        let shared = match self.start.get(..self.shared) {
            Some(start) => start,
            None => {
                let first = keys.first().and_then(|first| first.key().get(..self.shared));
                first.unwrap_or_default()
            }
        };
        match key.get(..self.shared) {
            Some(start) if start == shared => self.search_suffix(keys, key),
            _ if key < shared => Err(0),
            _ => Err(keys.len()),
        }
    }

    /// The index of a key. Usually reads that key alone.
    pub fn find<K: Keyed>(&self, keys: &[K], key: &[u8]) -> Option<usize> {
        // The common prefix is not compared: a key that differs there fails the final comparison.
        if key.len() < self.shared { None } else { self.search_suffix(keys, key).ok() }
    }

    fn search_suffix<K: Keyed>(&self, keys: &[K], key: &[u8]) -> Result<usize, usize> {
        let heads = self.heads.get(..keys.len()).unwrap_or(&self.heads);
        let wanted = head(key, self.shared);
        let start = heads.partition_point(|&head| head < wanted);
        let rest = heads.get(start..).unwrap_or_default();
        let count = rest.iter().take_while(|&&head| head == wanted).count();
        let tied = keys.get(start..start + count).unwrap_or_default();
        let position = tied.binary_search_by(|tied| tied.key().cmp(key));
        position.map(|position| start + position).map_err(|position| start + position)
    }

    /// A key was inserted at `position`.
    pub fn inserted<K: Keyed>(&mut self, keys: &[K], position: usize) {
        let neighbour = if position == 0 { keys.get(1) } else { keys.first() };
        let (Some(key), Some(neighbour)) = (keys.get(position), neighbour) else {
            *self = Heads::of_keys(keys);
            return;
        };
        if common_prefix_len(key.key(), neighbour.key()) < self.shared {
            *self = Heads::of_keys(keys);
            return;
        }
        self.heads.copy_within(position..keys.len() - 1, position + 1);
        if let Some(head_of_key) = self.heads.get_mut(position) {
            *head_of_key = head(key.key(), self.shared);
        }
    }

    /// The key at `position` was removed; there were `count`.
    pub fn removed(&mut self, count: usize, position: usize) {
        self.heads.copy_within(position + 1..count, position);
    }
}

/// The eight bytes after the first `shared` ones, as a number with the order of the bytes.
fn head(key: &[u8], shared: usize) -> u64 {
    let rest = key.get(shared..).unwrap_or_default();
    if let Some(eight) = rest.first_chunk() {
        return u64::from_be_bytes(*eight);
    }
    let mut eight = [0; 8];
    for (position, byte) in eight.iter_mut().zip(rest) {
        *position = *byte;
    }
    u64::from_be_bytes(eight)
}

/// The length of the common prefix of two keys.
fn common_prefix_len(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}
