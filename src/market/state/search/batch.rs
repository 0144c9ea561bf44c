//! The words of many items, sorted by word.
//!
//! To access a word of the lexicon is a cache miss, and most items have words that many others have
//! as well. So the words of a batch are numbered in a small table first, and the lexicon is
//! accessed once for each of them.

use std::collections::HashMap;

use super::lexicon::{Text, Within, hash};
use crate::market::state::hash::ByHash;
use crate::market::state::items::Slot;

/// Items in a batch: enough to share words, few enough for its tables to stay small.
pub const BATCH: usize = 65_536;

/// An occurrence of a word in an item: the item's slot, and whether the word is in its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Occurrence(u64);

impl Occurrence {
    fn new(slot: Slot, within: Within) -> Occurrence {
        Occurrence(u64::from(slot) << 1 | u64::from(within == Within::Name))
    }

    pub fn slot(self) -> Slot {
        (self.0 >> 1) as Slot
    }

    pub fn within(self) -> Within {
        if self.0 & 1 == 1 { Within::Name } else { Within::Item }
    }
}

/// Words with their occurrences.
#[derive(Debug, Default)]
pub struct Batch {
    by_hash: HashMap<u64, u32, ByHash>,
    /// By number: the word, and how many occurrences it has.
    words: Vec<(Text, usize)>,
    occurrences: Vec<(u32, Occurrence)>,
}

impl Batch {
    /// Adds an occurrence. False if it cannot be added, because another word has the same hash.
    pub fn add(&mut self, word: &str, slot: Slot, within: Within) -> bool {
        let next = self.words.len() as u32;
        let number = *self.by_hash.entry(hash(word)).or_insert(next);
        if number == next {
            self.words.push((Text::new(word), 0));
        }
        let Some((text, count)) = self.words.get_mut(number as usize) else { return false };
        if text.bytes() != word.as_bytes() {
            return false;
        }
        *count += 1;
        self.occurrences.push((number, Occurrence::new(slot, within)));
        true
    }

    /// Calls `word` with each word and its occurrences, in the order in which they were added.
    pub fn each_word(self, mut word: impl FnMut(&str, &[Occurrence])) {
        let mut ends: Vec<usize> = self
            .words
            .iter()
            .scan(0, |start, (_, count)| {
                *start += count;
                Some(*start - count)
            })
            .collect();
        let mut sorted = vec![Occurrence::default(); self.occurrences.len()];
        for (number, occurrence) in &self.occurrences {
            let end = &mut ends[*number as usize];
            sorted[*end] = *occurrence;
            *end += 1;
        }
        let mut start = 0;
        for ((text, _), end) in self.words.iter().zip(ends) {
            // A word is cut at the end of a character, so it is UTF-8.
            word(std::str::from_utf8(text.bytes()).unwrap_or_default(), &sorted[start..end]);
            start = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn occurrences_are_sorted_by_word() {
        let mut batch = Batch::default();
        for (word, slot, within) in [
            ("lamp", 1, Within::Name),
            ("red", 1, Within::Item),
            ("lamp", 2, Within::Item),
            ("lamp", 2, Within::Item),
            ("blue", 9, Within::Name),
        ] {
            assert!(batch.add(word, slot, within));
        }
        batch.by_hash.insert(hash("chair"), 0);
        assert!(!batch.add("chair", 3, Within::Name), "the lamp has its hash");
        let mut found = Vec::new();
        batch.each_word(|word, occurrences| {
            let occurrences: Vec<_> = occurrences
                .iter()
                .map(|occurrence| (occurrence.slot(), occurrence.within() == Within::Name))
                .collect();
            found.push((word.to_owned(), occurrences));
        });
        assert_eq!(
            found,
            [
                ("lamp".to_owned(), vec![(1, true), (2, false), (2, false)]),
                ("red".to_owned(), vec![(1, false)]),
                ("blue".to_owned(), vec![(9, true)]),
            ]
        );
    }
}
