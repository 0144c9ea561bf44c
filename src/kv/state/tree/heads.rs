//! Searching a node without looking at every key.
//!
//! Keys lie anywhere in memory, and each look at one may wait for it. So a node keeps, side by
//! side, what all of its keys begin with, and a *head* of each of them: the eight bytes behind that,
//! as a number. Heads are in the order of their keys; where two are equal the keys themselves
//! decide.

use std::sync::Arc;

use super::super::record::Record;

/// A node has no more keys than this.
pub const MAX_KEYS: usize = 64;

/// Of what all keys of a node begin with, so much is kept beside their heads.
const START_BYTES: usize = 24;

/// What a node keeps in order.
pub trait Keyed {
    /// By what it is ordered.
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

/// The heads of a node's keys. The node has the keys, and says of each change.
#[derive(Clone, Debug)]
pub struct Heads {
    /// All keys agree in this many bytes; perhaps in more.
    shared: usize,
    /// The first of these bytes.
    start: [u8; START_BYTES],
    /// As many are in use as the node has keys.
    heads: [u64; MAX_KEYS],
}

impl Default for Heads {
    fn default() -> Heads {
        Heads { shared: 0, start: [0; START_BYTES], heads: [0; MAX_KEYS] }
    }
}

impl Heads {
    /// Those of some keys.
    pub fn of_keys<K: Keyed>(keys: &[K]) -> Heads {
        let shared = match (keys.first(), keys.last()) {
            // In order: what the outer two agree in, all agree in.
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

    /// Where a key is, or would be.
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

    /// Where a key is. Looks at that key alone, most of the time.
    pub fn find<K: Keyed>(&self, keys: &[K], key: &[u8]) -> Option<usize> {
        // Without a look at what keys share: one that differs there is not found in the end.
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

    /// A key was put in, at `position`.
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

    /// The key at `position` of what were `count` was taken out.
    pub fn removed(&mut self, count: usize, position: usize) {
        self.heads.copy_within(position + 1..count, position);
    }
}

/// The eight bytes behind the first `shared` ones, as a number in the order of texts.
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

/// In how many bytes two keys agree.
fn common_prefix_len(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}
