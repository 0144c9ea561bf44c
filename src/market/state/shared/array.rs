//! Values by number.
//!
//! ```text
//!   level 2        [ 0..2^14 | 2^14..2^15 | ... ]          64 children
//!                      |
//!   level 1        [ 0..255 | 256..511 | ... ]             64 children
//!                      |
//!   level 0        [ 0 | 1 | ... | 255 ]                   256 values
//! ```
//!
//! A radix tree that grows at its root. A value that was never written is the default. A leaf of
//! such values takes no memory, nor does one whose values were all [cleared](Array::clear).

use std::array;
use std::sync::Arc;

/// Values in a leaf, children of a branch; powers of two.
const LEAF: usize = 256;
const FAN: usize = 64;

/// Values by number, each the default until it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Array<T> {
    root: Node<T>,
    /// Branches above each leaf.
    level: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node<T> {
    Leaf(Option<Arc<[T; LEAF]>>),
    Branch(Option<Arc<[Node<T>; FAN]>>),
}

impl<T> Default for Array<T> {
    fn default() -> Array<T> {
        Array { root: Node::Leaf(None), level: 0 }
    }
}

/// The child of a node at this level (1 or more) on the way to a number.
const fn child(number: usize, level: u32) -> usize {
    number / LEAF / FAN.pow(level - 1) % FAN
}

/// Numbers below a node at this level.
const fn reach(level: u32) -> usize {
    LEAF.saturating_mul(FAN.saturating_pow(level))
}

impl<T: Clone + Default> Array<T> {
    /// The value of a number; none if no value of its leaf was ever written.
    pub fn get(&self, number: usize) -> Option<&T> {
        if number >= reach(self.level) {
            return None;
        }
        let (mut node, mut level) = (&self.root, self.level);
        loop {
            match node {
                Node::Leaf(leaf) => return Some(&leaf.as_ref()?[number % LEAF]),
                Node::Branch(children) => {
                    node = &children.as_ref()?[child(number, level)];
                    level -= 1;
                }
            }
        }
    }

    /// The first number from this one on that lies in a leaf with values.
    pub fn next(&self, from: usize) -> Option<usize> {
        if from < reach(self.level) { next(&self.root, self.level, from) } else { None }
    }

    /// The value of a number, to be changed.
    pub fn get_mut(&mut self, number: usize) -> &mut T {
        while number >= reach(self.level) {
            self.grow();
        }
        let (mut node, mut level) = (&mut self.root, self.level);
        loop {
            match node {
                Node::Leaf(leaf) => {
                    let leaf =
                        leaf.get_or_insert_with(|| Arc::new(array::from_fn(|_| T::default())));
                    return &mut Arc::make_mut(leaf)[number % LEAF];
                }
                Node::Branch(children) => {
                    let children = children.get_or_insert_with(|| branch(level));
                    node = &mut Arc::make_mut(children)[child(number, level)];
                    level -= 1;
                }
            }
        }
    }

    /// A level more; the tree so far is the first child.
    fn grow(&mut self) {
        self.level += 1;
        let is_empty = matches!(&self.root, Node::Leaf(None) | Node::Branch(None));
        let mut root = Node::Branch(None);
        std::mem::swap(&mut root, &mut self.root);
        if !is_empty && let Node::Branch(children) = &mut self.root {
            let children = children.insert(branch(self.level));
            Arc::make_mut(children)[0] = root;
        }
    }
}

impl<T: Clone + Default + PartialEq> Array<T> {
    /// Makes a value the default again, and gives back the memory of leaves that have nothing else.
    pub fn clear(&mut self, number: usize) {
        if number < reach(self.level) {
            clear(&mut self.root, self.level, number);
        }
    }
}

/// The first number below a node, counted from its own first, from one on that is below it.
fn next<T>(node: &Node<T>, level: u32, from: usize) -> Option<usize> {
    match node {
        Node::Leaf(leaf) => leaf.as_ref().map(|_| from),
        Node::Branch(children) => {
            let below = reach(level - 1);
            let first = from / below;
            let others = children.as_ref()?.iter().enumerate().skip(first);
            let mut found = others.filter_map(|(at, child)| {
                let from = if at == first { from % below } else { 0 };
                Some(at * below + next(child, level - 1, from)?)
            });
            found.next()
        }
    }
}

/// Clears below a node. Whether nothing is left there.
fn clear<T: Clone + Default + PartialEq>(node: &mut Node<T>, level: u32, number: usize) -> bool {
    match node {
        Node::Leaf(leaf) => {
            let Some(values) = leaf else { return true };
            Arc::make_mut(values)[number % LEAF] = T::default();
            let none = T::default();
            let is_empty = values.iter().all(|value| *value == none);
            if is_empty {
                *leaf = None;
            }
            is_empty
        }
        Node::Branch(children) => {
            let Some(below) = children else { return true };
            let below = Arc::make_mut(below);
            if !clear(&mut below[child(number, level)], level - 1, number) {
                return false;
            }
            let is_absent = |node: &Node<T>| matches!(node, Node::Leaf(None) | Node::Branch(None));
            let is_empty = below.iter().all(is_absent);
            if is_empty {
                *children = None;
            }
            is_empty
        }
    }
}

/// A branch at this level with nothing below it.
fn branch<T>(level: u32) -> Arc<[Node<T>; FAN]> {
    let absent = |_| if level == 1 { Node::Leaf(None) } else { Node::Branch(None) };
    Arc::new(array::from_fn(absent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use std::collections::BTreeMap;

    #[test]
    fn values_are_found_at_their_numbers_however_far_apart() {
        let mut array: Array<u32> = Array::default();
        assert_eq!(array.get(0), None);
        let far = [0, 1, 255, 256, LEAF * FAN - 1, LEAF * FAN, LEAF * FAN * FAN, u32::MAX as usize];
        for (value, number) in (1..).zip(far) {
            *array.get_mut(number) = value;
        }
        for (value, number) in (1..).zip(far) {
            assert_eq!(array.get(number), Some(&value), "{number}");
        }
        assert_eq!(array.get(257), Some(&0), "beside one that was written");
        assert_eq!(array.next(1), Some(1));
        assert_eq!(array.next(2 * LEAF), Some(LEAF * FAN - LEAF), "the next leaf that is there");
        assert_eq!(array.next(u32::MAX as usize), Some(u32::MAX as usize));
        assert_eq!(array.next(usize::MAX), None);
        assert_eq!(array.get(usize::MAX), None);
    }

    #[test]
    fn cleared_leaves_free_their_memory() {
        let mut array: Array<u32> = Array::default();
        let numbers: Vec<usize> = (0..1000).map(|n| n * 999).collect();
        numbers.iter().for_each(|number| *array.get_mut(*number) = 7);
        array.clear(usize::MAX);
        numbers.iter().for_each(|number| array.clear(*number));
        assert!(matches!(array.root, Node::Branch(None)), "nothing is left");
        assert_eq!(array.next(0), None);
        *array.get_mut(5) = 1;
        assert_eq!((array.get(5), array.get(6)), (Some(&1), Some(&0)));
    }

    #[test]
    fn a_copy_does_not_change() {
        let (mut seed, mut array) = (Seed::new(1), Array::default());
        let mut model: BTreeMap<usize, u64> = BTreeMap::new();
        let mut copies = Vec::new();
        for step in 0..20_000 {
            let number = seed.below(100_000);
            if seed.one_in(3) {
                array.clear(number);
                model.remove(&number);
            } else {
                *array.get_mut(number) = 1 + step;
                model.insert(number, 1 + step);
            }
            if step % 4_000 == 0 {
                copies.push((array.clone(), model.clone()));
            }
        }
        copies.push((array, model));
        for (array, model) in copies {
            for number in 0..100_000 {
                let found = array.get(number).copied().unwrap_or_default();
                assert_eq!(found, model.get(&number).copied().unwrap_or_default(), "{number}");
            }
        }
    }
}
