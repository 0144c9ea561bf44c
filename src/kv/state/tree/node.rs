//! One node of the tree: inserts and splits, removals and merges.

use std::mem;
use std::sync::Arc;

use super::super::record::Record;
use super::heads::{Heads, MAX_KEYS};

/// A child with fewer keys is merged with a neighbour if both fit in [`MAX_JOINED`].
const MIN_KEYS: usize = MAX_KEYS / 4;
/// The most keys after a merge: with more, the next insert could split the node again.
const MAX_JOINED: usize = MAX_KEYS * 3 / 4;

/// A node with its subtree.
#[derive(Clone, Debug)]
pub struct Node {
    /// The heads of the records of a leaf, or of the separators of a branch.
    pub heads: Heads,
    pub content: Content,
}

/// The content of a node.
#[derive(Clone, Debug)]
pub enum Content {
    /// Records in the order of their keys.
    Leaf(Vec<Record>),
    Branch(Branch),
}

/// Children and their separators. Keys smaller than the first separator are in the first child;
/// keys that are not, but are smaller than the second separator, are in the second child; and so
/// on.
#[derive(Clone, Debug)]
pub struct Branch {
    /// One fewer than the children.
    pub separators: Vec<Arc<[u8]>>,
    pub children: Vec<Child>,
}

#[derive(Clone, Debug)]
pub struct Child {
    /// The number of records in its subtree.
    pub records: usize,
    pub node: Arc<Node>,
}

/// The upper half of a node that was too large, and the first key of it.
pub struct Split {
    separator: Arc<[u8]>,
    right: Node,
}

impl Default for Node {
    fn default() -> Node {
        Node::leaf(Vec::new())
    }
}

impl Child {
    fn new(node: Arc<Node>) -> Child {
        Child { records: node.records(), node }
    }
}

impl Node {
    fn leaf(records: Vec<Record>) -> Node {
        Node { heads: Heads::of_keys(&records), content: Content::Leaf(records) }
    }

    fn branch(separators: Vec<Arc<[u8]>>, children: Vec<Child>) -> Node {
        let heads = Heads::of_keys(&separators);
        Node { heads, content: Content::Branch(Branch { separators, children }) }
    }

    /// The new root after a split of the old one.
    pub fn root_above(left: Arc<Node>, split: Split) -> Node {
        let children = vec![Child::new(left), Child::new(Arc::new(split.right))];
        Node::branch(vec![split.separator], children)
    }

    /// The number of records in the subtree.
    pub fn records(&self) -> usize {
        match &self.content {
            Content::Leaf(records) => records.len(),
            Content::Branch(branch) => branch.children.iter().map(|child| child.records).sum(),
        }
    }

    /// The index of the child whose range has the key.
    pub fn route(&self, key: &[u8]) -> usize {
        match &self.content {
            Content::Leaf(_) => 0,
            Content::Branch(branch) => match self.heads.search(&branch.separators, key) {
                Ok(position) => position + 1,
                Err(position) => position,
            },
        }
    }

    /// The only child of a root, which can replace the root.
    pub fn only_child(&self) -> Option<Arc<Node>> {
        match &self.content {
            Content::Branch(Branch { children, .. }) => match children.as_slice() {
                [] => Some(Arc::default()),
                [only] => Some(Arc::clone(&only.node)),
                _ => None,
            },
            Content::Leaf(_) => None,
        }
    }

    /// Inserts a record. Returns the record that it replaces, and the upper half if the node was
    /// split.
    pub fn insert(&mut self, mut record: Record) -> (Option<Record>, Option<Split>) {
        let route = self.route(record.key());
        match &mut self.content {
            Content::Leaf(records) => match self.heads.search(records, record.key()) {
                Ok(position) => {
                    let replaced = records.get_mut(position).map(|old| {
                        record.created = old.created;
                        mem::replace(old, record)
                    });
                    (replaced, None)
                }
                Err(position) if records.len() < MAX_KEYS => {
                    records.insert(position, record);
                    self.heads.inserted(records, position);
                    (None, None)
                }
                Err(position) => {
                    let mut upper = records.split_off(split_position(records.len(), position));
                    if position > records.len() {
                        upper.insert(position - records.len(), record);
                    } else {
                        records.insert(position, record);
                    }
                    self.heads = Heads::of_keys(records);
                    let right = Node::leaf(upper);
                    let separator = right.first_key();
                    (None, Some(Split { separator, right }))
                }
            },
            Content::Branch(branch) => {
                let Some(child) = branch.children.get_mut(route) else { return (None, None) };
                let (replaced, split) = Arc::make_mut(&mut child.node).insert(record);
                if replaced.is_none() {
                    child.records += 1;
                }
                let Some(split) = split else { return (replaced, None) };
                child.records -= split.right.records();
                (replaced, self.insert_split(route, split))
            }
        }
    }

    /// Inserts the upper half of a split child as the next child.
    fn insert_split(&mut self, route: usize, Split { separator, right }: Split) -> Option<Split> {
        let Content::Branch(Branch { separators, children }) = &mut self.content else {
            return None;
        };
        separators.insert(route, separator);
        children.insert(route + 1, Child::new(Arc::new(right)));
        if separators.len() < MAX_KEYS {
            self.heads.inserted(separators, route);
            return None;
        }
        let middle = split_position(separators.len(), route);
        let upper_children = children.split_off(middle + 1);
        let upper_separators = separators.split_off(middle + 1);
        let separator = separators.pop()?;
        self.heads = Heads::of_keys(separators);
        Some(Split { separator, right: Node::branch(upper_separators, upper_children) })
    }

    /// Removes the record of a key.
    pub fn remove(&mut self, key: &[u8]) -> Option<Record> {
        let route = self.route(key);
        match &mut self.content {
            Content::Leaf(records) => {
                let position = self.heads.find(records, key)?;
                self.heads.removed(records.len(), position);
                Some(records.remove(position))
            }
            Content::Branch(branch) => {
                let child = branch.children.get_mut(route)?;
                let removed = Arc::make_mut(&mut child.node).remove(key)?;
                child.records -= 1;
                let is_small = child.node.keys() < MIN_KEYS;
                if is_small && branch.rebalance(route) {
                    self.heads = Heads::of_keys(&branch.separators);
                }
                Some(removed)
            }
        }
    }

    /// The number of records of a leaf, or of children of a branch.
    fn keys(&self) -> usize {
        match &self.content {
            Content::Leaf(records) => records.len(),
            Content::Branch(branch) => branch.children.len(),
        }
    }

    fn first_key(&self) -> Arc<[u8]> {
        match &self.content {
            Content::Leaf(records) => records.first().map_or_else(Arc::default, |r| r.key().into()),
            Content::Branch(_) => Arc::default(),
        }
    }

    /// Merges the right neighbour into this node.
    fn join(&mut self, separator: Arc<[u8]>, right: Node) {
        match (&mut self.content, right.content) {
            (Content::Leaf(records), Content::Leaf(more)) => {
                records.extend(more);
                self.heads = Heads::of_keys(records);
            }
            (Content::Branch(branch), Content::Branch(more)) => {
                branch.separators.push(separator);
                branch.separators.extend(more.separators);
                branch.children.extend(more.children);
                self.heads = Heads::of_keys(&branch.separators);
            }
            // Neighbours are of the same kind, because all leaves have the same depth.
            _ => (),
        }
    }
}

impl Branch {
    /// Removes an empty child, or merges a small one with a neighbour. Returns whether it did.
    fn rebalance(&mut self, small: usize) -> bool {
        let keys =
            |position: usize| self.children.get(position).map_or(MAX_KEYS, |c| c.node.keys());
        if keys(small) == 0 {
            self.children.remove(small);
            if !self.separators.is_empty() {
                self.separators.remove(small.saturating_sub(1));
            }
            return true;
        }
        let fits = |left: usize| keys(left) + keys(left + 1) <= MAX_JOINED;
        let left = match small.checked_sub(1) {
            _ if fits(small) => small,
            Some(left) if fits(left) => left,
            _ => return false,
        };
        let separator = self.separators.remove(left);
        let right = Arc::unwrap_or_clone(self.children.remove(left + 1).node);
        if let Some(child) = self.children.get_mut(left) {
            Arc::make_mut(&mut child.node).join(separator, right);
            child.records = child.node.records();
        }
        true
    }
}

/// Where to split. Keys that are inserted in ascending order leave full nodes, not half-full ones.
fn split_position(count: usize, position: usize) -> usize {
    if position >= count - 1 { count - 1 } else { count / 2 }
}
