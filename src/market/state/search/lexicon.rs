//! The inverted index: the items of each word, and of each prefix of words.
//!
//! Each word has its [`Postings`]: the slots of the items that have it. For prefixes the words are
//! also in a tree by their bytes (a burst trie: Heinz, Zobel and Williams, 2002). A leaf is a short
//! sorted list of words; the result of a prefix that ends there is the union of the postings of its
//! words. When the words of a leaf have more entries than such a union may have
//! ([`Limits::max_union`](crate::market::state::Limits)), the leaf bursts: it becomes a branch with
//! a leaf for each next byte, and keeps the union from then on. So
//!
//! - a word is found by one probe of a hash table,
//! - a prefix costs at most one bounded union, even one letter that half of all items have,
//! - a small catalogue has one leaf and keeps no unions.
//!
//! ```text
//!   ""  branch ── "c" branch {items with c*} ── "ca" leaf: cable camera canvas case
//!                                            └─ "co" leaf: coat coffee cotton
//!              └─ "d" leaf: denim desk drone
//! ```

use std::borrow::Cow;
use std::collections::HashMap;

use super::batch::{Batch, Occurrence};
use super::slot_set::SlotSet;
use super::words::{MAX_WORD_BYTES, each_word};
use crate::market::state::hash::{ByHash, Hash64};
use crate::market::state::item::Listing;
use crate::market::state::items::Slot;

/// Items with a word, or with any of several.
#[derive(Debug, PartialEq, Eq)]
pub struct Postings {
    /// In the name or in the description.
    pub anywhere: SlotSet,
    /// In the name.
    pub in_name: SlotSet,
}

/// The part of an item that must have a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Within {
    /// In the name or in the description.
    Item,
    /// In the name.
    Name,
}

impl Postings {
    const EMPTY: Postings = Postings { anywhere: SlotSet::EMPTY, in_name: SlotSet::EMPTY };

    /// Adds a slot; whether it is new.
    fn insert(&mut self, slot: Slot, within: Within) -> bool {
        if within == Within::Name {
            self.in_name.insert(slot);
        }
        self.anywhere.insert(slot)
    }

    /// Removes a slot; whether it was there.
    fn remove(&mut self, slot: Slot) -> bool {
        self.in_name.remove(slot);
        self.anywhere.remove(slot)
    }

    /// The slots of one part of the items.
    pub fn within(&self, within: Within) -> &SlotSet {
        match within {
            Within::Item => &self.anywhere,
            Within::Name => &self.in_name,
        }
    }
}

type WordId = u32;
type NodeId = u32;

const ROOT: NodeId = 0;

#[derive(Debug, PartialEq, Eq)]
struct Word {
    text: Text,
    /// Its leaf, or the branch whose prefix it is.
    node: NodeId,
    postings: Postings,
}

/// The bytes of a word, inline: words are short, and a look-up compares them without following a
/// pointer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Text {
    len: u8,
    bytes: [u8; MAX_WORD_BYTES],
}

impl Text {
    /// Cuts a text that is longer than a word may be.
    pub(super) fn new(text: &str) -> Text {
        let len = text.len().min(MAX_WORD_BYTES);
        let mut bytes = [0; MAX_WORD_BYTES];
        bytes[..len].copy_from_slice(&text.as_bytes()[..len]);
        Text { len: len as u8, bytes }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Node {
    parent: Option<NodeId>,
    /// Bytes in the prefix that all words below share.
    depth: usize,
    kind: Kind,
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Leaf {
        /// Ascending by text.
        words: Vec<WordId>,
        /// Slots in the postings of all its words together.
        entries: usize,
    },
    Branch {
        /// The items of all words below.
        below: Postings,
        /// The word that is the prefix itself.
        exact: Option<WordId>,
        /// By the byte that follows the prefix, ascending.
        children: Vec<(u8, NodeId)>,
    },
}

impl Kind {
    const EMPTY_LEAF: Kind = Kind::Leaf { words: Vec::new(), entries: 0 };
}

/// All words of all items on sale.
#[derive(Debug, PartialEq, Eq)]
pub struct Lexicon {
    words: Vec<Option<Word>>,
    free: Vec<WordId>,
    nodes: Vec<Node>,
    /// Words by their hash. Of several words with one hash only the first is in it, so on a miss,
    /// or if the text is another one, the tree is searched.
    by_hash: HashMap<u64, WordId, ByHash>,
    max_union: usize,
}

impl Lexicon {
    pub fn new(max_union: usize) -> Lexicon {
        Lexicon {
            words: Vec::new(),
            free: Vec::new(),
            nodes: vec![Node { parent: None, depth: 0, kind: Kind::EMPTY_LEAF }],
            by_hash: HashMap::default(),
            max_union,
        }
    }

    /// Adds an item to a word.
    pub fn insert(&mut self, text: &str, slot: Slot, within: Within) {
        let hash = hash(text);
        let id = self.find_by(text, hash).unwrap_or_else(|| self.create(text, hash));
        let Some(word) = &mut self.words[id as usize] else { return };
        let is_new = word.postings.insert(slot, within);
        let node_id = word.node;
        let mut next = Some(node_id);
        while let Some(at) = next {
            let node = &mut self.nodes[at as usize];
            match &mut node.kind {
                Kind::Leaf { entries, .. } => *entries += usize::from(is_new),
                // All words are below the root; no search has the empty prefix.
                Kind::Branch { .. } if at == ROOT => {}
                Kind::Branch { below, .. } => {
                    below.insert(slot, within);
                }
            }
            next = node.parent;
        }
        self.burst(node_id);
    }

    /// Adds a few items to all of their words.
    pub fn insert_each<'l>(
        &mut self,
        listings: impl Iterator<Item = (Slot, &'l Listing)>,
        buffer: &mut String,
    ) {
        for (slot, listing) in listings {
            each_word(listing.name(), buffer, |word| self.insert(word, slot, Within::Name));
            each_word(listing.description(), buffer, |word| self.insert(word, slot, Within::Item));
        }
    }

    /// Adds many items, ascending by slot, to all of their words.
    pub fn insert_all<'l>(
        &mut self,
        listings: impl Iterator<Item = (Slot, &'l Listing)>,
        buffer: &mut String,
    ) {
        let mut batch = Batch::default();
        for (slot, listing) in listings {
            for (text, within) in
                [(listing.name(), Within::Name), (listing.description(), Within::Item)]
            {
                each_word(text, buffer, |word| {
                    if !batch.add(word, slot, within) {
                        self.insert(word, slot, within);
                    }
                });
            }
        }
        batch.each_word(|text, occurrences| self.insert_many(text, occurrences));
    }

    /// Adds items to a word.
    fn insert_many(&mut self, text: &str, occurrences: &[Occurrence]) {
        let hash = hash(text);
        let id = self.find_by(text, hash).unwrap_or_else(|| self.create(text, hash));
        let Some(word) = &mut self.words[id as usize] else { return };
        let is_new =
            |occurrence: &&Occurrence| word.postings.insert(occurrence.slot(), occurrence.within());
        let new = occurrences.iter().filter(is_new).count();
        let node_id = word.node;
        let mut next = Some(node_id);
        while let Some(at) = next {
            let node = &mut self.nodes[at as usize];
            match &mut node.kind {
                Kind::Leaf { entries, .. } => *entries += new,
                Kind::Branch { .. } if at == ROOT => {}
                Kind::Branch { below, .. } => occurrences.iter().for_each(|occurrence| {
                    below.insert(occurrence.slot(), occurrence.within());
                }),
            }
            next = node.parent;
        }
        self.burst(node_id);
    }

    /// Removes an item from a word. The item must be removed from all of its words: the first
    /// removal takes it out of the unions.
    pub fn remove(&mut self, text: &str, slot: Slot) {
        let hash = hash(text);
        let Some(id) = self.find_by(text, hash) else { return };
        let Some(word) = &mut self.words[id as usize] else { return };
        let was_in = word.postings.remove(slot);
        let unused = word.postings.anywhere.is_empty();
        let mut next = Some(word.node);
        while let Some(at) = next {
            let node = &mut self.nodes[at as usize];
            match &mut node.kind {
                Kind::Leaf { entries, .. } => *entries -= usize::from(was_in),
                Kind::Branch { below, .. } => {
                    below.remove(slot);
                }
            }
            next = node.parent;
        }
        if unused {
            self.forget(id, hash);
        }
    }

    /// The items with this word.
    pub fn word(&self, text: &str) -> Option<&Postings> {
        let id = self.find_by(text, hash(text))?;
        Some(&self.words[id as usize].as_ref()?.postings)
    }

    /// The items that have a word with this prefix, which is not empty.
    pub fn prefix(&self, prefix: &str, within: Within) -> Cow<'_, SlotSet> {
        let mut at = ROOT;
        loop {
            let node = &self.nodes[at as usize];
            match &node.kind {
                Kind::Branch { below, .. } if node.depth == prefix.len() => {
                    return Cow::Borrowed(below.within(within));
                }
                Kind::Branch { children, .. } => match child(children, prefix, node.depth) {
                    Ok(index) => at = children[index].1,
                    Err(_) => return Cow::Owned(SlotSet::EMPTY),
                },
                Kind::Leaf { words, .. } => return self.union_of(words, prefix, within),
            }
        }
    }

    /// The union of the items of a leaf's words with this prefix.
    fn union_of(&self, words: &[WordId], prefix: &str, within: Within) -> Cow<'_, SlotSet> {
        let prefix = prefix.as_bytes();
        let from = words.partition_point(|id| self.text(*id) < prefix);
        let behind = words[from..].partition_point(|id| self.text(*id).starts_with(prefix));
        let found = words[from..from + behind].iter();
        let postings = found.filter_map(|id| self.words[*id as usize].as_ref());
        let mut sets = postings.map(|word| word.postings.within(within));
        match (sets.next(), sets.next()) {
            (None, _) => Cow::Owned(SlotSet::EMPTY),
            (Some(only), None) => Cow::Borrowed(only),
            (Some(first), Some(second)) => {
                Cow::Owned(SlotSet::union([first, second].into_iter().chain(sets)))
            }
        }
    }

    /// Entries of all words: pairs of a word and an item.
    pub fn entries(&self) -> usize {
        self.words.iter().flatten().map(|word| word.postings.anywhere.len()).sum()
    }

    fn text(&self, id: WordId) -> &[u8] {
        self.words[id as usize].as_ref().map_or(&[], |word| word.text.bytes())
    }

    fn find_by(&self, text: &str, hash: u64) -> Option<WordId> {
        match self.by_hash.get(&hash) {
            Some(id) if self.text(*id) == text.as_bytes() => Some(*id),
            _ => match &self.nodes[self.node_of(text) as usize].kind {
                Kind::Leaf { words, .. } => {
                    self.position_of(words, text.as_bytes()).ok().map(|at| words[at])
                }
                Kind::Branch { exact, .. } => exact.filter(|id| self.text(*id) == text.as_bytes()),
            },
        }
    }

    /// The leaf that has a word or would have it; or the branch whose prefix the word is, or that
    /// has no leaf for it yet.
    fn node_of(&self, text: &str) -> NodeId {
        let mut at = ROOT;
        loop {
            let node = &self.nodes[at as usize];
            let Kind::Branch { children, .. } = &node.kind else { return at };
            match child(children, text, node.depth) {
                Ok(index) => at = children[index].1,
                Err(_) => return at,
            }
        }
    }

    fn position_of(&self, words: &[WordId], text: &[u8]) -> Result<usize, usize> {
        words.binary_search_by(|id| self.text(*id).cmp(text))
    }

    /// Creates a word without items.
    fn create(&mut self, text: &str, hash: u64) -> WordId {
        let id = self.free.pop().unwrap_or(self.words.len() as WordId);
        if id as usize == self.words.len() {
            self.words.push(None);
        }
        let node = self.attach(id, text);
        let postings = Postings::EMPTY;
        self.words[id as usize] = Some(Word { text: Text::new(text), node, postings });
        self.by_hash.entry(hash).or_insert(id);
        id
    }

    /// Attaches a new word to the tree. Returns its node.
    fn attach(&mut self, id: WordId, text: &str) -> NodeId {
        let node_id = self.node_of(text);
        let added = self.nodes.len() as NodeId;
        let depth = self.nodes[node_id as usize].depth;
        let place = match &self.nodes[node_id as usize].kind {
            Kind::Leaf { words, .. } => {
                self.position_of(words, text.as_bytes()).unwrap_or_else(|at| at)
            }
            Kind::Branch { .. } => 0,
        };
        match &mut self.nodes[node_id as usize].kind {
            Kind::Leaf { words, .. } => words.insert(place, id),
            Kind::Branch { exact, .. } if text.len() == depth => *exact = Some(id),
            Kind::Branch { children, .. } => {
                let at = child(children, text, depth).unwrap_or_else(|at| at);
                children.insert(at, (text.as_bytes()[depth], added));
                let kind = Kind::Leaf { words: vec![id], entries: 0 };
                self.nodes.push(Node { parent: Some(node_id), depth: depth + 1, kind });
                return added;
            }
        }
        node_id
    }

    /// Removes a word without items.
    fn forget(&mut self, id: WordId, hash: u64) {
        let Some(node) = self.words[id as usize].as_ref().map(|word| word.node) else { return };
        let place = match &self.nodes[node as usize].kind {
            Kind::Leaf { words, .. } => self.position_of(words, self.text(id)).ok(),
            Kind::Branch { .. } => None,
        };
        match (&mut self.nodes[node as usize].kind, place) {
            (Kind::Leaf { words, .. }, Some(at)) => {
                words.remove(at);
            }
            (Kind::Leaf { .. }, None) => {}
            (Kind::Branch { exact, .. }, _) => *exact = None,
        }
        if self.by_hash.get(&hash) == Some(&id) {
            self.by_hash.remove(&hash);
        }
        self.words[id as usize] = None;
        self.free.push(id);
    }

    /// Bursts a leaf with too many entries, and then those of its new leaves that have too many.
    fn burst(&mut self, node: NodeId) {
        let Node { depth, kind: Kind::Leaf { words, entries }, .. } = &self.nodes[node as usize]
        else {
            return;
        };
        if *entries <= self.max_union || words.len() < 2 {
            return;
        }
        let (depth, words) = (*depth, words.clone());
        let postings = || {
            let words = words.iter().filter_map(|id| self.words[*id as usize].as_ref());
            words.map(|word| &word.postings)
        };
        let below = if node == ROOT {
            Postings::EMPTY
        } else {
            Postings {
                anywhere: SlotSet::union(postings().map(|postings| &postings.anywhere)),
                in_name: SlotSet::union(postings().map(|postings| &postings.in_name)),
            }
        };
        let kind = Kind::Branch { below, exact: None, children: Vec::new() };
        self.nodes[node as usize].kind = kind;
        let first = self.nodes.len() as NodeId;
        for id in words {
            self.move_down(id, node, depth);
        }
        for leaf in first..self.nodes.len() as NodeId {
            self.burst(leaf);
        }
    }

    /// Moves a word from a leaf that became a branch to its node below; words are moved in
    /// ascending order.
    fn move_down(&mut self, id: WordId, branch: NodeId, depth: usize) {
        let added = self.nodes.len() as NodeId;
        let Some(word) = &mut self.words[id as usize] else { return };
        let len = word.postings.anywhere.len();
        let Kind::Branch { exact, children, .. } = &mut self.nodes[branch as usize].kind else {
            return;
        };
        let Some(byte) = word.text.bytes().get(depth) else {
            *exact = Some(id);
            return;
        };
        let leaf = match children.last() {
            Some((last, leaf)) if last == byte => *leaf,
            _ => {
                children.push((*byte, added));
                let parent = Some(branch);
                self.nodes.push(Node { parent, depth: depth + 1, kind: Kind::EMPTY_LEAF });
                added
            }
        };
        word.node = leaf;
        if let Kind::Leaf { words, entries } = &mut self.nodes[leaf as usize].kind {
            words.push(id);
            *entries += len;
        }
    }
}

/// The index of a text's child among a branch's children, or where it would be. A text that ends at
/// the branch has none.
fn child(children: &[(u8, NodeId)], text: &str, depth: usize) -> Result<usize, usize> {
    let byte = text.as_bytes().get(depth).ok_or(0_usize)?;
    children.binary_search_by_key(byte, |(byte, _)| *byte)
}

pub(super) fn hash(text: &str) -> u64 {
    let mut hash = Hash64::new();
    hash.text(text);
    hash.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use std::collections::{BTreeMap, BTreeSet};

    /// The words of each item, and whether each is in the name.
    type Model = BTreeMap<Slot, BTreeMap<String, bool>>;

    fn random_word(seed: &mut Seed) -> String {
        (0..=seed.below(4)).map(|_| *seed.pick(&["a", "b", "\u{e9}", "\u{ea}"])).collect()
    }

    fn expected(model: &Model, within: Within, fits: impl Fn(&str) -> bool) -> BTreeSet<Slot> {
        let has = |words: &BTreeMap<String, bool>| {
            words.iter().any(|(word, in_name)| fits(word) && (within == Within::Item || *in_name))
        };
        model.iter().filter(|(_, words)| has(words)).map(|(slot, _)| *slot).collect()
    }

    fn agree(lexicon: &Lexicon, model: &Model, text: &str) {
        for within in [Within::Item, Within::Name] {
            let word = lexicon.word(text).map(|postings| postings.within(within));
            let word = word.map(|slots| slots.iter().collect::<BTreeSet<_>>());
            assert_eq!(word.unwrap_or_default(), expected(model, within, |word| word == text));
            let prefixed: BTreeSet<Slot> = lexicon.prefix(text, within).iter().collect();
            let fits = |word: &str| word.starts_with(text);
            assert_eq!(prefixed, expected(model, within, fits), "{text:?}*");
        }
    }

    #[test]
    fn words_and_prefixes_are_found_through_any_bursts() {
        for max_union in [0, 1, 5, 40, 1_000_000] {
            let (mut seed, mut lexicon) = (Seed::new(7), Lexicon::new(max_union));
            let mut model = Model::new();
            for step in 0..3_000 {
                let slot = seed.below(60) as Slot;
                if let Some(words) = model.remove(&slot) {
                    words.keys().for_each(|word| lexicon.remove(word, slot));
                } else {
                    let words = model.entry(slot).or_default();
                    for _ in 0..seed.below(6) {
                        let (word, in_name) = (random_word(&mut seed), seed.one_in(3));
                        let within = if in_name { Within::Name } else { Within::Item };
                        lexicon.insert(&word, slot, within);
                        *words.entry(word).or_default() |= in_name;
                    }
                }
                agree(&lexicon, &model, &random_word(&mut seed));
                if step == 2_000 {
                    let has_burst = lexicon.nodes.len() > 1;
                    assert_eq!(has_burst, max_union < 1_000, "bursts above {max_union} entries");
                }
            }
            for (slot, words) in &model {
                words.keys().for_each(|word| lexicon.remove(word, *slot));
            }
            assert_eq!((lexicon.entries(), lexicon.by_hash.len()), (0, 0));
            assert_eq!(lexicon.words.len(), lexicon.free.len());
        }
    }

    #[test]
    fn words_with_one_hash_are_distinguished() {
        let mut lexicon = Lexicon::new(10);
        lexicon.insert("lamp", 1, Within::Name);
        lexicon.insert("chair", 2, Within::Name);
        // As if both had the hash of the lamp.
        let lamp = lexicon.by_hash[&hash("lamp")];
        lexicon.by_hash.insert(hash("chair"), lamp);
        assert_eq!(lexicon.word("chair").map(|postings| postings.anywhere.len()), Some(1));
        lexicon.remove("chair", 2);
        assert!(lexicon.word("chair").is_none());
        assert!(lexicon.word("lamp").is_some());
    }
}
