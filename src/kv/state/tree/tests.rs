//! The tree against the standard library's ordered map, and the independence of copies.

use std::collections::BTreeMap;

use super::*;
use crate::seed::Seed;

fn record(key: &[u8], modified: u64) -> Record {
    Record::new(key, &modified.to_be_bytes(), modified, 1).unwrap()
}

/// Checks the invariants of a tree.
fn audit(tree: &Tree) {
    assert_eq!(audited(&tree.root, b"", None).0, tree.len());
}

/// Checks a node whose keys must be between two keys. Returns its records and the depth of its
/// leaves.
fn audited(node: &Node, from: &[u8], to: Option<&[u8]>) -> (usize, usize) {
    let within = |key: &[u8]| key >= from && to.is_none_or(|to| key < to);
    let branch = match &node.content {
        Content::Branch(branch) => branch,
        Content::Leaf(records) => {
            assert!(records.len() <= heads::MAX_KEYS);
            assert!(records.iter().all(|record| within(record.key())));
            assert!(records.is_sorted_by(|a, b| a.key() < b.key()));
            for (position, record) in records.iter().enumerate() {
                assert_eq!(node.heads.search(records, record.key()), Ok(position));
                assert_eq!(node.heads.find(records, record.key()), Some(position));
            }
            return (records.len(), 0);
        }
    };
    assert!(branch.separators.len() < heads::MAX_KEYS);
    assert_eq!(branch.separators.len() + 1, branch.children.len());
    assert!(branch.separators.iter().all(|key| within(key)));
    assert!(branch.separators.is_sorted_by(|a, b| a < b));
    let (mut records, mut depths) = (0, Vec::new());
    for (position, child) in branch.children.iter().enumerate() {
        let from = if position == 0 { from } else { &branch.separators[position - 1] };
        let to = branch.separators.get(position).map(|key| &**key).or(to);
        let (counted, depth) = audited(&child.node, from, to);
        assert_eq!(counted, child.records);
        records += counted;
        depths.push(depth);
    }
    assert!(depths.iter().all(|depth| *depth == depths[0]), "leaves are equally deep");
    (records, depths[0] + 1)
}

fn leaves(node: &Node) -> usize {
    match &node.content {
        Content::Leaf(_) => 1,
        Content::Branch(branch) => branch.children.iter().map(|child| leaves(&child.node)).sum(),
    }
}

fn all(tree: &Tree) -> Vec<(Vec<u8>, u64)> {
    tree.seek(b"").map(|record| (record.key().to_vec(), record.modified)).collect()
}

/// Keys with long, short and no common prefixes; some are prefixes of others.
fn key(seed: &mut Seed, keys: usize) -> Vec<u8> {
    let number = seed.below(keys);
    match number % 4 {
        0 => format!("key{number:013}").into_bytes(),
        1 => vec![0; 1 + number % 300],
        2 => [&b"a very long beginning of a key "[..], &[255; 9], &[number as u8]].concat(),
        _ => (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes().to_vec(),
    }
}

#[test]
fn it_behaves_like_an_ordered_map() {
    for round in 0..4 {
        let mut seed = Seed::new(round);
        let mut tree = Tree::default();
        let mut model = BTreeMap::new();
        let keys = [20, 300, 3_000, 20_000][round as usize];
        for step in 0..20_000 {
            let key = key(&mut seed, keys);
            // Phases of growth and of shrinking.
            if seed.one_in(if step / 5_000 % 2 == 0 { 4 } else { 1 }) {
                let removed = tree.remove(&key).map(|record| record.modified);
                assert_eq!(removed, model.remove(&key));
            } else {
                let replaced = tree.insert(record(&key, step)).map(|record| record.modified);
                assert_eq!(replaced, model.insert(key, step));
            }
            if step % 1_000 == 0 {
                audit(&tree);
            }
        }
        audit(&tree);
        assert_eq!(all(&tree), model.clone().into_iter().collect::<Vec<_>>());
        for _ in 0..1_000 {
            let key = key(&mut seed, keys);
            let found = tree.get(&key).map(|record| record.modified);
            assert_eq!(found, model.get(&key).copied());
            assert_eq!(tree.rank(&key), model.range(..key.clone()).count());
            let next = tree.seek(&key).next().map(|record| record.modified);
            assert_eq!(next, model.range(key..).next().map(|(_, modified)| *modified));
        }
        for key in model.keys() {
            assert!(tree.remove(key).is_some());
        }
        audit(&tree);
        assert!(tree.is_empty() && all(&tree).is_empty());
    }
}

#[test]
fn a_copy_stays_as_it_was() {
    for seed in 1..=3 {
        let seed = &mut Seed::new(seed);
        let mut tree = Tree::default();
        for step in 0..2_000 {
            tree.insert(record(&key(seed, 2_000), step));
        }
        let (copy, cursor, was) = (tree.clone(), tree.seek(b""), all(&tree));
        for step in 0..2_000 {
            let key = key(seed, 2_000);
            if seed.one_in(2) {
                tree.remove(&key);
            } else {
                tree.insert(record(&key, 10_000 + step));
            }
        }
        audit(&tree);
        audit(&copy);
        assert_eq!(all(&copy), was);
        let walked: Vec<_> =
            cursor.map(|record| (record.key().to_vec(), record.modified)).collect();
        assert_eq!(walked, was);
        assert_ne!(all(&tree), was);
    }
}

#[test]
fn a_copy_shares_all_but_the_path_of_a_write() {
    let mut tree = Tree::default();
    for number in 0..100_000_u64 {
        tree.insert(record(&number.to_be_bytes(), number));
    }
    let copy = tree.clone();
    assert!(Arc::ptr_eq(&tree.root, &copy.root));
    tree.insert(record(&50_000_u64.to_be_bytes(), 1));
    let (mut shared, mut own) = (0, 0);
    let mut pairs = vec![(Arc::clone(&tree.root), Arc::clone(&copy.root))];
    while let Some((a, b)) = pairs.pop() {
        if Arc::ptr_eq(&a, &b) {
            shared += 1;
            continue;
        }
        own += 1;
        if let (Content::Branch(a), Content::Branch(b)) = (&a.content, &b.content) {
            let children = a.children.iter().zip(&b.children);
            pairs.extend(children.map(|(a, b)| (Arc::clone(&a.node), Arc::clone(&b.node))));
        }
    }
    assert!(own <= 4, "{own} nodes were copied");
    assert!(shared > 50, "the others were not");
}

#[test]
fn keys_in_order_fill_their_leaves() {
    let mut tree = Tree::default();
    for number in 0..10_000_u64 {
        tree.insert(record(&number.to_be_bytes(), number));
    }
    audit(&tree);
    let full = 10_000 / heads::MAX_KEYS;
    assert!(leaves(&tree.root) < full * 11 / 10, "{} leaves, {full} would do", leaves(&tree.root));
}

#[test]
fn what_was_much_and_is_little_takes_few_nodes() {
    let mut tree = Tree::default();
    for number in 0..50_000_u64 {
        tree.insert(record(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes(), number));
    }
    for number in 0..50_000_u64 {
        if number % 100 != 0 {
            tree.remove(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        }
    }
    audit(&tree);
    assert!(leaves(&tree.root) <= 50, "{} leaves for 500 records", leaves(&tree.root));
}
