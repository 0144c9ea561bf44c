//! Records in the order of their keys: a persistent B+ tree, whose copies share unchanged nodes.
//!
//! ```text
//!                  [      m      ]                      branch: separators and children
//!                  /             \
//!           [  d    h  ]       [  t  ]
//!           /    |    \        /     \
//!        a b c  d e g  h k   m n p   t z                leaves: records
//! ```
//!
//! A copy is one more reference to the root. A write copies the nodes on its path that a copy still
//! shares (`Arc::make_mut`), a few at most, and changes the others in place. So a snapshot reads
//! its copy on another thread while writes continue.
//!
//! A branch has the number of records below each child, so counting a range takes two walks to the
//! leaves. [`heads`] searches a node without reading every key.

mod cursor;
mod heads;
mod node;

use std::sync::Arc;

pub use cursor::Cursor;
use node::{Content, Node};

use super::record::Record;

/// An ordered map of records by their keys.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    root: Arc<Node>,
}

impl Tree {
    /// The number of records.
    pub fn len(&self) -> usize {
        self.root.records()
    }

    /// Whether it has no records.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The record of a key.
    pub fn get(&self, key: &[u8]) -> Option<&Record> {
        let mut node = &*self.root;
        loop {
            match &node.content {
                Content::Branch(branch) => node = &branch.children.get(node.route(key))?.node,
                Content::Leaf(records) => return records.get(node.heads.find(records, key)?),
            }
        }
    }

    /// The number of keys smaller than this one.
    pub fn rank(&self, key: &[u8]) -> usize {
        let mut rank = 0;
        let mut node = &*self.root;
        loop {
            match &node.content {
                Content::Leaf(records) => {
                    let (Ok(position) | Err(position)) = node.heads.search(records, key);
                    return rank + position;
                }
                Content::Branch(branch) => {
                    let route = node.route(key);
                    rank += branch
                        .children
                        .iter()
                        .take(route)
                        .map(|child| child.records)
                        .sum::<usize>();
                    let Some(child) = branch.children.get(route) else { return rank };
                    node = &child.node;
                }
            }
        }
    }

    /// The records from a key on, in order, without later changes of the tree.
    pub fn seek(&self, key: &[u8]) -> Cursor {
        Cursor::seek(&self.root, key)
    }

    /// Inserts a record. Returns the record of the same key that it replaces, whose creation
    /// revision it keeps.
    pub fn insert(&mut self, record: Record) -> Option<Record> {
        let (replaced, split) = Arc::make_mut(&mut self.root).insert(record);
        if let Some(split) = split {
            let left = std::mem::take(&mut self.root);
            self.root = Arc::new(Node::root_above(left, split));
        }
        replaced
    }

    /// Removes the record of a key.
    pub fn remove(&mut self, key: &[u8]) -> Option<Record> {
        // Searched first, so that nothing is copied for a missing key.
        self.get(key)?;
        let removed = Arc::make_mut(&mut self.root).remove(key);
        while let Some(only) = self.root.only_child() {
            self.root = only;
        }
        removed
    }
}

#[cfg(test)]
mod tests;
