//! Search: by words, beginnings of words and category, in any sort order, in pages.
//!
//! Among 1,000,000 items a search takes microseconds mostly, and a few milliseconds at worst. The
//! index (an inverted index with sorted columns) has four parts, which each change of an item
//! updates:
//!
//! - [`lexicon`]: for each word, and for each prefix whose union would be expensive, the set of
//!   items;
//! - [`slot_set`]: such a set, a list or a bitmap, so that sets of any size are intersected
//!   quickly;
//! - [`order`]: all items in the order of each sort key;
//! - [`columns`]: the sort keys themselves, by slot.
//!
//! A search intersects the sets of its words and category, so the number of matches `m` of `n`
//! items is known exactly. There are two ways to find a page of `k`:
//!
//! - *gather*: take all `m` matches, keep those behind the page token, select the first `k` by
//!   key. Costs about `m`.
//! - *walk*: follow the order from the page token on and keep the items of the set, until `k` are
//!   found. Costs about `n * k / m` when matches are spread evenly, and `n` steps of a few
//!   nanoseconds when all are at the far end.
//!
//! The cheaper one is taken, so a page costs about the square root of `n * k`.
//!
//! New items are collected and indexed together ([`Search::index_pending`]).
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

/// Fewer items than this are indexed one by one: they share too few words.
const MIN_BATCH: usize = 16;

/// A search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Query<'a> {
    /// Words, and prefixes of words with `*` behind them; a blank text finds all items.
    pub text: &'a str,
    /// Only this category; none for all.
    pub category: Option<Category>,
    /// The order of the results.
    pub sort: Sort,
    /// Items on a page, at most and by default (0) [`Limits::max_page`].
    pub page_size: usize,
    /// Empty for the first page; otherwise the token that the page before returned.
    pub page_token: &'a str,
}

/// One page of a search's results.
#[derive(Debug)]
pub struct Hits {
    /// In the order of the query.
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
    /// Buffer for words.
    buffer: String,
    /// Items in the index.
    len: usize,
    /// New items that are not in the index yet.
    pending: BTreeSet<Slot>,
    /// Items that no search finds, whether they are in the index or not.
    hidden: SlotSet,
}

impl Search {
    /// The index of an empty market.
    pub fn new(limits: &Limits) -> Search {
        Search {
            columns: Columns::default(),
            lexicon: Lexicon::new(limits.max_union),
            categories: [const { SlotSet::EMPTY }; Category::ALL.len()],
            orders: Default::default(),
            buffer: String::new(),
            len: 0,
            pending: BTreeSet::new(),
            hidden: SlotSet::EMPTY,
        }
    }

    /// Hides an item from all searches, or shows it again.
    pub fn set_hidden(&mut self, slot: Slot, is_hidden: bool) {
        match is_hidden {
            true => self.hidden.insert(slot),
            false => self.hidden.remove(slot),
        };
    }

    /// Whether an item is hidden.
    pub fn is_hidden(&self, slot: Slot) -> bool {
        self.hidden.contains(slot)
    }

    /// Adds a new item: searches find it after [`Search::index_pending`].
    pub fn insert(&mut self, slot: Slot) {
        self.pending.insert(slot);
    }

    /// Removes an item.
    pub fn remove(&mut self, slot: Slot, listing: &Listing) {
        self.hidden.remove(slot);
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

    /// Indexes all new items.
    pub fn index_pending(&mut self, items: &Items) {
        if self.pending.is_empty() {
            return;
        }
        let slots: Vec<Slot> = std::mem::take(&mut self.pending).into_iter().collect();
        self.add(&slots, items);
    }

    /// Builds an empty index of all items.
    pub fn rebuild(&mut self, items: &Items) {
        let slots: Vec<Slot> = items.iter().map(|(slot, _)| slot).collect();
        self.add(&slots, items);
    }

    /// Indexes items, slots ascending. A batch takes a fraction of the time of one by one, since
    /// each word, and each position in an order, is looked up once for all of them.
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

    /// Updates the index after a change of an item's price.
    pub fn set_price(&mut self, slot: Slot, price: Money) {
        if self.pending.contains(&slot) {
            return;
        }
        self.remove_from_order(Key::Price, slot);
        self.columns.set_price(slot, price);
        self.add_to_order(Key::Price, slot);
    }

    /// Updates the index after a change of an item's rating.
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
