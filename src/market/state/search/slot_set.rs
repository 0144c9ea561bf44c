//! A set of slots: a sorted list while it is sparse, a bitmap when it is dense.
//!
//! A list takes four bytes a member, a bitmap one bit for each slot up to the highest member. The
//! smaller representation is used, with a hysteresis of a factor of two, so that a set rarely
//! changes from one to the other. The intersection of two bitmaps over 1,000,000 slots takes about
//! five microseconds.

use crate::market::state::items::Slot;

/// Lists shorter than this stay lists.
const MIN_BITMAP_LEN: usize = 64;

/// Bits in a list's entry: a list of `n` entries and a bitmap of `32 * n` slots are of one size.
const LIST_BITS: usize = 32;

/// A set of slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SlotSet {
    /// Ascending.
    List(Vec<Slot>),
    /// One bit a slot.
    Bitmap(Bitmap),
}

/// One bit for each slot up to the highest member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bitmap {
    words: Vec<u64>,
    /// Bits that are set.
    len: usize,
}

impl SlotSet {
    /// No slots.
    pub const EMPTY: SlotSet = SlotSet::List(Vec::new());

    pub fn len(&self) -> usize {
        match self {
            SlotSet::List(list) => list.len(),
            SlotSet::Bitmap(bitmap) => bitmap.len,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn contains(&self, slot: Slot) -> bool {
        match self {
            SlotSet::List(list) => list.binary_search(&slot).is_ok(),
            SlotSet::Bitmap(bitmap) => bitmap.contains(slot),
        }
    }

    /// Adds a slot; whether it is new. Fast at the end, where most slots are added.
    pub fn insert(&mut self, slot: Slot) -> bool {
        let list = match self {
            SlotSet::Bitmap(bitmap) => return bitmap.insert(slot),
            SlotSet::List(list) => list,
        };
        if list.last().is_none_or(|last| *last < slot) {
            list.push(slot);
        } else {
            let Err(at) = list.binary_search(&slot) else { return false };
            list.insert(at, slot);
        }
        let reach = list.last().map_or(0, |last| *last as usize);
        if list.len() >= MIN_BITMAP_LEN && list.len() * LIST_BITS > reach {
            *self = SlotSet::Bitmap(list.iter().copied().collect());
        }
        true
    }

    /// Removes a slot; whether it was a member.
    pub fn remove(&mut self, slot: Slot) -> bool {
        match self {
            SlotSet::List(list) => {
                let Ok(at) = list.binary_search(&slot) else { return false };
                list.remove(at);
                true
            }
            SlotSet::Bitmap(bitmap) => {
                let removed = bitmap.remove(slot);
                if bitmap.len * 2 * LIST_BITS < bitmap.words.len() * 64 {
                    *self = SlotSet::List(bitmap.iter().collect());
                }
                removed
            }
        }
    }

    /// The slots, ascending.
    pub fn iter(&self) -> impl Iterator<Item = Slot> {
        let (list, bitmap) = match self {
            SlotSet::List(list) => (&list[..], None),
            SlotSet::Bitmap(bitmap) => (&[][..], Some(bitmap)),
        };
        list.iter().copied().chain(bitmap.into_iter().flat_map(Bitmap::iter))
    }

    /// The intersection.
    pub fn and(&self, other: &SlotSet) -> SlotSet {
        match (self, other) {
            (SlotSet::Bitmap(a), SlotSet::Bitmap(b)) => SlotSet::Bitmap(a.and(b)),
            (SlotSet::List(list), set) | (set, SlotSet::List(list)) if list.len() <= set.len() => {
                SlotSet::List(list.iter().copied().filter(|slot| set.contains(*slot)).collect())
            }
            (thin, list) => {
                SlotSet::List(thin.iter().filter(|slot| list.contains(*slot)).collect())
            }
        }
    }

    /// The union.
    pub fn union<'a>(sets: impl Iterator<Item = &'a SlotSet>) -> SlotSet {
        let mut all = Bitmap::default();
        sets.for_each(|set| all.add(set));
        if all.len * LIST_BITS < all.words.len() * 64 {
            SlotSet::List(all.iter().collect())
        } else {
            SlotSet::Bitmap(all)
        }
    }
}

impl Bitmap {
    fn contains(&self, slot: Slot) -> bool {
        let word = self.words.get(slot as usize / 64);
        word.is_some_and(|word| word >> (slot % 64) & 1 == 1)
    }

    fn insert(&mut self, slot: Slot) -> bool {
        let (index, bit) = (slot as usize / 64, 1 << (slot % 64));
        if index >= self.words.len() {
            self.words.resize(index + 1, 0);
        }
        let word = &mut self.words[index];
        let is_new = *word & bit == 0;
        *word |= bit;
        self.len += usize::from(is_new);
        is_new
    }

    fn add(&mut self, slots: &SlotSet) {
        match slots {
            SlotSet::List(list) => self.extend(list.iter().copied()),
            SlotSet::Bitmap(other) => {
                if other.words.len() > self.words.len() {
                    self.words.resize(other.words.len(), 0);
                }
                self.words.iter_mut().zip(&other.words).for_each(|(ours, theirs)| *ours |= theirs);
                self.len = count(&self.words);
            }
        }
    }

    fn remove(&mut self, slot: Slot) -> bool {
        let was_in = self.contains(slot);
        if was_in {
            self.words[slot as usize / 64] &= !(1 << (slot % 64));
            self.len -= 1;
        }
        was_in
    }

    fn iter(&self) -> impl Iterator<Item = Slot> {
        self.words.iter().zip((0..).step_by(64)).flat_map(|(word, base)| Bits { word: *word, base })
    }

    fn and(&self, other: &Bitmap) -> Bitmap {
        let words: Vec<u64> = self.words.iter().zip(&other.words).map(|(a, b)| a & b).collect();
        let len = count(&words);
        Bitmap { words, len }
    }
}

/// Bits that are set.
fn count(words: &[u64]) -> usize {
    words.iter().map(|word| word.count_ones() as usize).sum()
}

impl FromIterator<Slot> for Bitmap {
    fn from_iter<I: IntoIterator<Item = Slot>>(slots: I) -> Bitmap {
        let mut bitmap = Bitmap::default();
        bitmap.extend(slots);
        bitmap
    }
}

impl Extend<Slot> for Bitmap {
    fn extend<I: IntoIterator<Item = Slot>>(&mut self, slots: I) {
        for slot in slots {
            self.insert(slot);
        }
    }
}

/// The set bits of one word.
struct Bits {
    word: u64,
    base: Slot,
}

impl Iterator for Bits {
    type Item = Slot;

    fn next(&mut self) -> Option<Slot> {
        if self.word == 0 {
            return None;
        }
        let bit = self.word.trailing_zeros();
        self.word &= self.word - 1;
        Some(self.base + bit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use std::collections::BTreeSet;

    #[test]
    fn a_dense_set_is_a_bitmap_and_a_sparse_one_a_list() {
        let mut slots = SlotSet::EMPTY;
        (0..1_000).for_each(|slot| assert!(slots.insert(slot)));
        assert!(matches!(slots, SlotSet::Bitmap(_)));
        assert_eq!(slots.len(), 1_000);
        (0..990).for_each(|slot| assert!(slots.remove(slot)));
        assert!(matches!(slots, SlotSet::List(_)));
        assert_eq!(slots.iter().collect::<Vec<_>>(), (990..1_000).collect::<Vec<_>>());
        let mut sparse = SlotSet::EMPTY;
        (0..1_000).for_each(|n| assert!(sparse.insert(n * 100)));
        assert!(matches!(sparse, SlotSet::List(_)));
    }

    /// A random set, sparse or dense, and the same set of the standard library.
    fn random(seed: &mut Seed) -> (SlotSet, BTreeSet<Slot>) {
        let (mut slots, mut model) = (SlotSet::EMPTY, BTreeSet::new());
        let reach = *seed.pick(&[10, 300, 5_000]);
        for _ in 0..seed.below(400) {
            let slot = seed.below(reach) as Slot;
            if seed.one_in(3) {
                assert_eq!(slots.remove(slot), model.remove(&slot));
            } else {
                assert_eq!(slots.insert(slot), model.insert(slot));
            }
        }
        (slots, model)
    }

    #[test]
    fn a_set_equals_the_standard_one() {
        for number in 1..=1_000 {
            let seed = &mut Seed::new(number);
            let (slots, model) = random(seed);
            assert_eq!(slots.len(), model.len());
            assert!(slots.iter().eq(model.iter().copied()));
            let slot = seed.below(300) as Slot;
            assert_eq!(slots.contains(slot), model.contains(&slot));
            let (other, other_model) = random(seed);
            let both = slots.and(&other);
            assert!(both.iter().eq(model.intersection(&other_model).copied()));
            assert_eq!(both.len(), both.iter().count());
            let either = SlotSet::union([&slots, &other].into_iter());
            assert!(either.iter().eq(model.union(&other_model).copied()));
            assert_eq!(either.len(), either.iter().count());
        }
    }
}
