//! Values in the order of their keys: a B+ tree.
//!
//! ```text
//!              [ . | 40 | 77 ]                  a branch: below which no key of each child is
//!              /      |      \
//!        1 2 9 30   41 45   77 80 91            leaves: keys and values
//! ```
//!
//! Nodes are small, since a write copies those on its path that a copy of the map still refers to.

use std::sync::Arc;

/// Entries of a leaf, children of a branch, at most.
const MAX: usize = 64;
/// A node with fewer is joined with a neighbour, if they have no more than [`MAX_JOINED`] together.
const MIN: usize = MAX / 4;
const MAX_JOINED: usize = MAX * 3 / 4;

/// A map in the order of its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map<K, V> {
    root: Node<K, V>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node<K, V> {
    Leaf(Arc<Vec<(K, V)>>),
    Branch(Arc<Vec<Child<K, V>>>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Child<K, V> {
    /// A lower bound of the child's keys. The first child's is not used: it has all keys below the
    /// second child's.
    first: K,
    node: Node<K, V>,
}

impl<K, V> Default for Map<K, V> {
    fn default() -> Map<K, V> {
        Map { root: Node::Leaf(Arc::default()) }
    }
}

impl<K: Copy + Ord, V: Clone> Map<K, V> {
    pub fn get(&self, key: &K) -> Option<&V> {
        let entries = self.root.leaf(key);
        let at = entries.binary_search_by_key(key, |(key, _)| *key).ok()?;
        Some(&entries[at].1)
    }

    /// The value of a key, to be changed; the default if there was none.
    pub fn get_mut(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        if self.get(&key).is_none() {
            self.insert(key, V::default());
        }
        self.root.present(&key)
    }

    /// Inserts a value. Returns the one that it replaces.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let (replaced, split) = self.root.insert(key, value);
        if let Some(right) = split {
            let left = Child { first: key, node: self.root.clone() };
            self.root = Node::Branch(Arc::new(vec![left, right]));
        }
        replaced
    }

    pub fn remove(&mut self, key: &K) -> Option<V> {
        // Looked up first, so that nothing is copied for an absent key.
        self.get(key)?;
        let removed = self.root.remove(key);
        while let Node::Branch(children) = &self.root
            && let [only] = &children[..]
        {
            self.root = only.node.clone();
        }
        removed
    }

    /// The entries from a key on, in order.
    pub fn from(&self, key: K) -> impl Iterator<Item = (&K, &V)> {
        let mut entries = self.root.run(&key);
        std::iter::from_fn(move || {
            let ((key, value), rest) = entries.split_first()?;
            entries = if rest.is_empty() { self.root.run_behind(key) } else { rest };
            Some((key, value))
        })
    }

    /// All entries, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let first = self.root.first().map(|(key, _)| *key);
        first.into_iter().flat_map(|first| self.from(first))
    }

    /// The first entry, or the first behind a key.
    pub fn next(&self, behind: Option<&K>) -> Option<(&K, &V)> {
        let entry = match behind {
            None => self.root.first(),
            Some(key) => self.root.run_behind(key).first(),
        };
        entry.map(|(key, value)| (key, value))
    }
}

/// The child where a key is, or would be.
fn route<K: Copy + Ord, V>(children: &[Child<K, V>], key: &K) -> usize {
    let others = children.get(1..).unwrap_or_default();
    others.partition_point(|child| child.first <= *key)
}

impl<K: Copy + Ord, V: Clone> Node<K, V> {
    fn size(&self) -> usize {
        match self {
            Node::Leaf(entries) => entries.len(),
            Node::Branch(children) => children.len(),
        }
    }

    /// The leaf where a key is, or would be.
    fn leaf(&self, key: &K) -> &[(K, V)] {
        let mut node = self;
        loop {
            match node {
                Node::Leaf(entries) => return entries,
                Node::Branch(children) => node = &children[route(children, key)].node,
            }
        }
    }

    fn first(&self) -> Option<&(K, V)> {
        let mut node = self;
        loop {
            match node {
                Node::Leaf(entries) => return entries.first(),
                Node::Branch(children) => node = &children.first()?.node,
            }
        }
    }

    /// The first entries that are not below a key, as many as lie together.
    fn run(&self, key: &K) -> &[(K, V)] {
        self.run_where(key, &|entry| entry >= key)
    }

    /// The first entries above a key.
    fn run_behind(&self, key: &K) -> &[(K, V)] {
        self.run_where(key, &|entry| entry > key)
    }

    /// The first entries for which `holds` is true. It is false below some point near the key, and
    /// true from there on.
    fn run_where(&self, key: &K, holds: &dyn Fn(&K) -> bool) -> &[(K, V)] {
        match self {
            Node::Leaf(entries) => &entries[entries.partition_point(|(key, _)| !holds(key))..],
            Node::Branch(children) => {
                let at = route(children, key);
                let found = children[at].node.run_where(key, holds);
                match children.get(at + 1) {
                    Some(next) if found.is_empty() => next.node.run_where(key, holds),
                    _ => found,
                }
            }
        }
    }

    /// The value of a key that is there.
    fn present(&mut self, key: &K) -> &mut V {
        let mut node = self;
        loop {
            match node {
                Node::Leaf(entries) => {
                    let at = entries.partition_point(|(other, _)| other < key);
                    return &mut Arc::make_mut(entries)[at].1;
                }
                Node::Branch(children) => {
                    let at = route(children, key);
                    node = &mut Arc::make_mut(children)[at].node;
                }
            }
        }
    }

    /// Inserts a value. Returns the one that it replaces, and the upper half if the node was split.
    fn insert(&mut self, key: K, value: V) -> (Option<V>, Option<Child<K, V>>) {
        match self {
            Node::Leaf(entries) => {
                let entries = Arc::make_mut(entries);
                match entries.binary_search_by_key(&key, |(key, _)| *key) {
                    Ok(at) => (Some(std::mem::replace(&mut entries[at].1, value)), None),
                    Err(at) => {
                        entries.insert(at, (key, value));
                        let upper = upper_half(entries, at);
                        let split = upper.map(|upper| Child {
                            first: upper[0].0,
                            node: Node::Leaf(Arc::new(upper)),
                        });
                        (None, split)
                    }
                }
            }
            Node::Branch(children) => {
                let children = Arc::make_mut(children);
                let at = route(children, &key);
                let (replaced, split) = children[at].node.insert(key, value);
                let Some(split) = split else { return (replaced, None) };
                children.insert(at + 1, split);
                let upper = upper_half(children, at + 1);
                let split = upper.map(|upper| Child {
                    first: upper[0].first,
                    node: Node::Branch(Arc::new(upper)),
                });
                (replaced, split)
            }
        }
    }

    fn remove(&mut self, key: &K) -> Option<V> {
        match self {
            Node::Leaf(entries) => {
                let at = entries.binary_search_by_key(key, |(key, _)| *key).ok()?;
                Some(Arc::make_mut(entries).remove(at).1)
            }
            Node::Branch(children) => {
                let children = Arc::make_mut(children);
                let at = route(children, key);
                let removed = children[at].node.remove(key);
                if children[at].node.size() < MIN {
                    merge_small(children, at);
                }
                removed
            }
        }
    }

    /// Appends all entries of the next node, which is of the same kind: all leaves are equally
    /// deep.
    fn join(&mut self, next: Child<K, V>) {
        match (self, next.node) {
            (Node::Leaf(entries), Node::Leaf(more)) => {
                Arc::make_mut(entries).append(&mut Arc::unwrap_or_clone(more));
            }
            (Node::Branch(children), Node::Branch(more)) => {
                let mut more = Arc::unwrap_or_clone(more);
                // No longer a first child, it needs its lower bound.
                more[0].first = next.first;
                Arc::make_mut(children).append(&mut more);
            }
            _ => (),
        }
    }
}

/// The part that is split off a node with too many entries. Keys that are inserted in ascending
/// order leave full nodes behind.
fn upper_half<T>(all: &mut Vec<T>, inserted: usize) -> Option<Vec<T>> {
    let len = all.len();
    (len > MAX).then(|| all.split_off(if inserted + 1 == len { len - 1 } else { len / 2 }))
}

/// Drops a child that is empty, or joins a small one with a neighbour if they fit into one.
fn merge_small<K: Copy + Ord, V: Clone>(children: &mut Vec<Child<K, V>>, small: usize) {
    let size = |at: usize| children.get(at).map_or(MAX, |child| child.node.size());
    if size(small) == 0 && children.len() > 1 {
        children.remove(small);
        return;
    }
    let fits = |left: usize| size(left) + size(left + 1) <= MAX_JOINED;
    let left = match small.checked_sub(1) {
        _ if fits(small) => small,
        Some(left) if fits(left) => left,
        _ => return,
    };
    let right = children.remove(left + 1);
    children[left].node.join(right);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use std::collections::BTreeMap;

    type Model = BTreeMap<u32, u64>;

    fn agree(map: &Map<u32, u64>, model: &Model) {
        assert!(map.iter().eq(model));
    }

    #[test]
    fn a_map_equals_the_standard_one_and_its_copies_do_not_change() {
        for number in 1..=20 {
            let (mut seed, mut map, mut model) =
                (Seed::new(number), Map::default(), Model::default());
            let mut copies = Vec::new();
            let keys = *seed.pick(&[50, 1_000, 100_000]);
            for step in 0..6_000 {
                let grows = step / 2_000 != 1;
                let key = seed.below(keys) as u32;
                if grows != seed.one_in(5) {
                    assert_eq!(map.insert(key, step), model.insert(key, step));
                } else {
                    let key = model.range(key..).next().map_or(key, |(key, _)| *key);
                    assert_eq!(map.remove(&key), model.remove(&key));
                }
                let place = seed.below(keys) as u32;
                assert_eq!(map.get(&place), model.get(&place));
                assert!(map.from(place).take(3).eq(model.range(place..).take(3)));
                assert_eq!(map.next(Some(&place)), model.range(place + 1..).next());
                if step % 1_000 == 0 {
                    copies.push((map.clone(), model.clone()));
                }
            }
            copies.iter().for_each(|(map, model)| agree(map, model));
            agree(&map, &model);
            for key in model.into_keys() {
                assert!(map.remove(&key).is_some());
            }
            assert_eq!((map.root.size(), map.next(None)), (0, None));
        }
    }

    #[test]
    fn a_value_is_changed_in_place() {
        let mut map: Map<u32, Vec<u32>> = Map::default();
        (0..1_000).for_each(|n| map.get_mut(n % 100).push(n));
        assert!((0..100).all(|key| map.get(&key).map(Vec::len) == Some(10)));
        assert_eq!(map.iter().count(), 100);
    }

    #[test]
    fn keys_in_order_fill_the_leaves() {
        let mut map = Map::default();
        (0..10_000_u32).for_each(|key| assert!(map.insert(key, ()).is_none()));
        fn leaves(node: &Node<u32, ()>) -> usize {
            match node {
                Node::Leaf(_) => 1,
                Node::Branch(children) => children.iter().map(|c| leaves(&c.node)).sum(),
            }
        }
        assert!(leaves(&map.root) <= 10_000 / MAX + 1);
    }
}
