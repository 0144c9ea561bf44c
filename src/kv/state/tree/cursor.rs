//! Iterates over the records, from some key on.

use std::sync::Arc;

use super::super::record::Record;
use super::node::{Content, Node};

/// A position between two records of the tree as it was when the cursor was made.
#[derive(Debug)]
pub struct Cursor {
    /// The nodes down to the leaf, each with the index of its next record or current child.
    path: Vec<(Arc<Node>, usize)>,
}

impl Cursor {
    /// A cursor before the first record whose key is not smaller than this one.
    pub(super) fn seek(root: &Arc<Node>, key: &[u8]) -> Cursor {
        let mut path = Vec::new();
        let mut node = Arc::clone(root);
        loop {
            let (position, child) = match &node.content {
                Content::Leaf(records) => {
                    let (Ok(position) | Err(position)) = node.heads.search(records, key);
                    (position, None)
                }
                Content::Branch(branch) => {
                    let route = node.route(key);
                    (route, branch.children.get(route).map(|child| Arc::clone(&child.node)))
                }
            };
            path.push((node, position));
            match child {
                Some(child) => node = child,
                None => return Cursor { path },
            }
        }
    }
}

impl Iterator for Cursor {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        loop {
            let (node, position) = self.path.last_mut()?;
            let child = match &node.content {
                Content::Leaf(records) => {
                    if let Some(record) = records.get(*position) {
                        *position += 1;
                        return Some(record.clone());
                    }
                    None
                }
                Content::Branch(branch) => {
                    branch.children.get(*position).map(|child| Arc::clone(&child.node))
                }
            };
            match child {
                Some(child) => self.path.push((child, 0)),
                None => {
                    self.path.pop();
                    // On to the parent's next child, if it has one.
                    if let Some((_, position)) = self.path.last_mut() {
                        *position += 1;
                    }
                }
            }
        }
    }
}
