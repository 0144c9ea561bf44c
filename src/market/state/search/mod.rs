//! Search: by words, beginnings of words and category, in any sort order, in pages.
//!
//! 1,000,000 items answer any search in a few milliseconds at worst and in microseconds mostly.
//! Four structures work together, each changed a little by each change of an item:
//!
//! - [`lexicon`]: for each word, and each prefix that would be dear to unite, the set of items;
//! - [`slot_set`]: such a set, a list or a bitmap, so that sets of any size meet quickly;
//! - [`order`]: all items in the order of each sort key;
//! - [`columns`]: the keys themselves, by slot.
//!
//! A search intersects the sets of its words and category, so the number of matches `m` of `n`
//! items is known exactly. Then there are two ways to a page of `k`:
//!
//! - *gather*: take all `m` matches, keep those behind the page token, select the first `k` by
//!   key. Costs about `m`.
//! - *walk*: go along the order from the page token on and keep what is in the set, until `k` are
//!   found. Costs about `n * k / m` when matches are spread evenly, and `n` steps of a few
//!   nanoseconds when all stand at the far end.
//!
//! The cheaper is taken, so a page costs about the square root of `n * k`.
//!
//! New items wait until they are all put in together ([`Search::index_pending`]).
//!
//! Left out: stemming, spelling, synonyms, normalisation of accents.

mod audit;
mod batch;
mod columns;
mod find;
mod lexicon;
mod order;
mod slot_set;
mod terms;
mod token;
mod words;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::command::Category;
use super::item::{Item, Listing};
use super::items::{Items, Slot};
use super::limits::Limits;
use super::ratings::Rating;
use crate::market::price::Money;
use batch::BATCH;
pub use columns::Sort;
use columns::{Columns, Cursor, Key};
use lexicon::Lexicon;
use order::Order;
use slot_set::SlotSet;
use words::each_word;

/// Fewer items than this are put in one by one: they share too few words.
const MIN_BATCH: usize = 16;

/// A search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Query<'a> {
    /// Words, and beginnings of words with `*` behind them; blank finds everything.
    pub text: &'a str,
    /// Only this category, or any.
    pub category: Option<Category>,
    /// In which order.
    pub sort: Sort,
    /// Items on a page, at most and by default (0) [`Limits::max_page`].
    pub page_size: usize,
    /// Empty for the first page; then what the last page said.
    pub page_token: &'a str,
}

/// One page of what was found.
#[derive(Debug)]
pub struct Hits {
    /// In the order asked for.
    pub slots: Vec<Slot>,
    /// Matches on all pages.
    pub total: usize,
    /// The token of the next page, if there is one.
    pub next: Option<String>,
}

/// The index over all items on sale.
#[derive(Debug, PartialEq, Eq)]
pub struct Search {
    columns: Columns,
    lexicon: Lexicon,
    /// By the discriminant of [`Category`].
    categories: [SlotSet; Category::ALL.len()],
    /// By the discriminant of [`Key`].
    orders: [Order; Key::ALL.len()],
    /// Where words are built.
    buffer: String,
    /// Items in it.
    len: usize,
    /// New items that are not.
    pending: BTreeSet<Slot>,
}

impl Search {
    /// Of no items.
    pub fn new(limits: &Limits) -> Search {
        Search {
            columns: Columns::default(),
            lexicon: Lexicon::new(limits.max_union),
            categories: [const { SlotSet::EMPTY }; Category::ALL.len()],
            orders: Default::default(),
            buffer: String::new(),
            len: 0,
            pending: BTreeSet::new(),
        }
    }

    /// Notes a new item: [`Search::index_pending`] lets it be found.
    pub fn insert(&mut self, slot: Slot) {
        self.pending.insert(slot);
    }

    /// Removes an item.
    pub fn remove(&mut self, slot: Slot, listing: &Listing) {
        if self.pending.remove(&slot) {
            return;
        }
        for key in Key::ALL {
            self.remove_from_order(key, slot);
        }
        self.categories[listing.category as usize].remove(slot);
        let Search { lexicon, buffer, .. } = self;
        each_word(listing.name(), buffer, |word| lexicon.remove(word, slot));
        each_word(listing.description(), buffer, |word| lexicon.remove(word, slot));
        self.columns.clear(slot);
        self.len -= 1;
    }

    /// Lets all new items be found.
    pub fn index_pending(&mut self, items: &Items) {
        if self.pending.is_empty() {
            return;
        }
        let slots: Vec<Slot> = std::mem::take(&mut self.pending).into_iter().collect();
        self.add(&slots, items);
    }

    /// Makes the index of an empty one: of all items.
    pub fn rebuild(&mut self, items: &Items) {
        let slots: Vec<Slot> = items.iter().map(|(slot, _)| slot).collect();
        self.add(&slots, items);
    }

    /// Adds items, slots ascending. Many at once take a fraction of the time of one by one, since
    /// each word, and each cursor in an order, is looked for once for all of them.
    fn add(&mut self, slots: &[Slot], items: &Items) {
        for slot in slots {
            let Some(Item { listing, stock }) = items.in_slot(*slot) else { continue };
            self.columns.set(*slot, listing, stock);
            self.categories[listing.category as usize].insert(*slot);
            self.len += 1;
        }
        for key in Key::ALL {
            let (columns, order) = (&self.columns, &mut self.orders[key as usize]);
            let new = columns.sorted(key, slots);
            order.insert_all(&new, |a, b| columns.compare(key, a, b));
        }
        for slots in slots.chunks(BATCH) {
            let listing = |slot: &Slot| Some((*slot, &**items.in_slot(*slot)?.listing));
            let listings = slots.iter().filter_map(listing);
            if slots.len() < MIN_BATCH {
                self.lexicon.insert_each(listings, &mut self.buffer);
            } else {
                self.lexicon.insert_all(listings, &mut self.buffer);
            }
        }
    }

    /// Follows a change of an item's price.
    pub fn set_price(&mut self, slot: Slot, price: Money) {
        if self.pending.contains(&slot) {
            return;
        }
        self.remove_from_order(Key::Price, slot);
        self.columns.set_price(slot, price);
        self.add_to_order(Key::Price, slot);
    }

    /// Follows a change of an item's rating.
    pub fn set_rating(&mut self, slot: Slot, rating: Rating) {
        if self.pending.contains(&slot) {
            return;
        }
        self.remove_from_order(Key::Rating, slot);
        self.columns.set_rating(slot, rating);
        self.add_to_order(Key::Rating, slot);
    }

    fn add_to_order(&mut self, key: Key, slot: Slot) {
        let Search { columns, orders, .. } = self;
        let position = columns.position(key, slot);
        let cursor = Cursor::new(&position);
        let before = |other| columns.compare_to(other, &cursor).is_lt();
        orders[key as usize].insert(slot, cursor.head(), before);
    }

    fn remove_from_order(&mut self, key: Key, slot: Slot) {
        let Search { columns, orders, .. } = self;
        let position = columns.position(key, slot);
        let cursor = Cursor::new(&position);
        let before = |other| columns.compare_to(other, &cursor).is_lt();
        orders[key as usize].remove(slot, cursor.head(), before);
    }
}
