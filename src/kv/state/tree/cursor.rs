//! A walk through the records, from some key on.

use std::sync::Arc;

use super::super::record::Record;
use super::node::{Below, Node};

/// A place between two records. It holds the tree as it was: changes after it are not seen.
#[derive(Debug)]
pub struct Cursor {
    /// The nodes down to the leaf, and in each the next record, or the child that is walked.
    path: Vec<(Arc<Node>, usize)>,
}

impl Cursor {
    /// Before the first record whose key is not below this one.
    pub(super) fn seek(root: &Arc<Node>, key: &[u8]) -> Cursor {
        let mut path = Vec::new();
        let mut node = Arc::clone(root);
        loop {
            let (place, child) = match &node.below {
                Below::Leaf(records) => {
                    let (Ok(place) | Err(place)) = node.heads.search(records, key);
                    (place, None)
                }
                Below::Branch(branch) => {
                    let route = node.route(key);
                    (route, branch.children.get(route).map(|child| Arc::clone(&child.node)))
                }
            };
            path.push((node, place));
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
            let (node, place) = self.path.last_mut()?;
            let child = match &node.below {
                Below::Leaf(records) => {
                    if let Some(record) = records.get(*place) {
                        *place += 1;
                        return Some(record.clone());
                    }
                    None
                }
                Below::Branch(branch) => {
                    branch.children.get(*place).map(|child| Arc::clone(&child.node))
                }
            };
            match child {
                Some(child) => self.path.push((child, 0)),
                None => {
                    self.path.pop();
                    // On to the parent's next child, if it has one.
                    if let Some((_, place)) = self.path.last_mut() {
                        *place += 1;
                    }
                }
            }
        }
    }
}
