//! The audit of the index: whether it agrees with the items on sale.

use std::collections::BTreeSet;

use super::Search;
use super::columns::{Key, Position, Value};
use super::lexicon::Within;
use super::order::Direction;
use super::slot_set::SlotSet;
use super::words::each_word;
use crate::market::state::item::{Item, Listing};
use crate::market::state::items::{Items, Slot};

impl Search {
    /// The first disagreement of the index with the items on sale.
    pub fn inconsistency(&self, items: &Items) -> Option<String> {
        if let Some(wrong) = items.iter().find_map(|(slot, item)| self.inconsistency_of(slot, item))
        {
            return Some(wrong);
        }
        let live: Vec<Slot> = items.iter().map(|(slot, _)| slot).collect();
        let in_categories: usize = self.categories.iter().map(SlotSet::len).sum();
        if self.len != live.len() || in_categories != live.len() {
            return Some(format!("the index has {} items, the market {}", self.len, live.len()));
        }
        let entries: usize = items.iter().map(|(_, item)| distinct_words(item.listing)).sum();
        if entries != self.lexicon.entries() {
            return Some("the index finds items by words that they do not have".to_owned());
        }
        Key::ALL.into_iter().find_map(|key| {
            let mut slots = Vec::new();
            self.orders[key as usize].walk(Direction::Ascending, |slot| {
                slots.push(slot);
                true
            });
            let sorted = slots.is_sorted_by(|a, b| self.columns.compare(key, *a, *b).is_lt());
            slots.sort_unstable();
            (!sorted || slots != live).then(|| format!("the order by {key:?} is broken"))
        })
    }

    fn inconsistency_of(&self, slot: Slot, item: Item<'_>) -> Option<String> {
        let Item { listing, stock } = item;
        let is_at =
            |key, value| self.columns.position(key, slot) == Position { value, item: listing.item };
        if !is_at(Key::Price, Value::Price(stock.price))
            || !is_at(Key::Rating, Value::Rating(stock.rating))
            || !self.categories[listing.category as usize].contains(slot)
        {
            return Some(format!("the index is wrong about item {}", listing.item));
        }
        let mut missing = None;
        for (text, within) in
            [(listing.name(), Within::Name), (listing.description(), Within::Item)]
        {
            each_word(text, &mut String::new(), |word| {
                let postings = self.lexicon.word(word);
                if !postings.is_some_and(|found| found.within(within).contains(slot)) {
                    missing = Some(format!("item {} is not found by {word}", listing.item));
                }
            });
        }
        missing
    }
}

fn distinct_words(listing: &Listing) -> usize {
    let mut words = BTreeSet::new();
    for text in [listing.name(), listing.description()] {
        each_word(text, &mut String::new(), |word| {
            words.insert(word.to_owned());
        });
    }
    words.len()
}
