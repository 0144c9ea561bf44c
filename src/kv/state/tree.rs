//! Records in order of their keys: a B+ tree whose copies share what has not changed.
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
//! sees (`Arc::make_mut`), a few at most, and changes the others in position. So a snapshot walks its
//! copy on another thread while writes go on.
//!
//! A branch knows how many records are below each child: counting a range is two walks to the
//! bottom. [`heads`] is how a node is searched without looking at every key's own memory.

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
    /// How many records there are.
    pub fn len(&self) -> usize {
        self.root.records()
    }

    /// Whether there is none.
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

    /// How many keys are below this one.
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

    /// The records from a key on, in order. Later changes of the tree are not seen.
    pub fn seek(&self, key: &[u8]) -> Cursor {
        Cursor::seek(&self.root, key)
    }

    /// Puts a record in its position. Gives the one that was there under the same key, whose creation it
    /// takes over.
    pub fn insert(&mut self, record: Record) -> Option<Record> {
        let (replaced, split) = Arc::make_mut(&mut self.root).insert(record);
        if let Some(split) = split {
            let left = std::mem::take(&mut self.root);
            self.root = Arc::new(Node::root_above(left, split));
        }
        replaced
    }

    /// Takes the record of a key out.
    pub fn remove(&mut self, key: &[u8]) -> Option<Record> {
        // Looked for first: nothing is copied for a key that is not there.
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
