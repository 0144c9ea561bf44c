//! What items are sorted by: one array a key, indexed by slot.

use std::cmp::Ordering;
use std::sync::Arc;

use super::order::Direction;
use super::words::folded;
use crate::market::price::Money;
use crate::market::state::command::ItemId;
use crate::market::state::items::{Listing, Slot};
use crate::market::state::ratings::Rating;

/// How results are sorted. Items that are equal in it go by number, in the same direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sort {
    /// Items with all the words in their name before items with some only in the description;
    /// each by number.
    #[default]
    Relevance,
    /// The cheapest first.
    PriceUp,
    /// The dearest first.
    PriceDown,
    /// The best first, unrated last.
    Rating,
    /// By name, in lower case, by code point.
    Name,
    /// The latest listed first.
    Newest,
}

impl Sort {
    /// All of them.
    pub const ALL: [Sort; 6] =
        [Sort::Relevance, Sort::PriceUp, Sort::PriceDown, Sort::Rating, Sort::Name, Sort::Newest];

    /// The order that is walked for it, and which way.
    pub const fn walked(self) -> (Key, Direction) {
        match self {
            Sort::Relevance => (Key::Id, Direction::Ascending),
            Sort::PriceUp => (Key::Price, Direction::Ascending),
            Sort::PriceDown => (Key::Price, Direction::Descending),
            Sort::Rating => (Key::Rating, Direction::Ascending),
            Sort::Name => (Key::Name, Direction::Ascending),
            Sort::Newest => (Key::Id, Direction::Descending),
        }
    }
}

/// What an order is kept by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// By number.
    Id,
    /// The cheapest first, then by number.
    Price,
    /// The best first, then by number.
    Rating,
    /// By folded name, then by number.
    Name,
}

impl Key {
    /// All of them, in the order of their discriminants.
    pub const ALL: [Key; 4] = [Key::Id, Key::Price, Key::Rating, Key::Name];
}

/// A place in an order: a value of its key, and a number where values are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    pub value: Value,
    pub item: ItemId,
}

/// A value of a [`Key`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Id,
    Price(Money),
    Rating(Rating),
    /// Folded.
    Name(String),
}

/// The keys of all items on sale.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Columns {
    ids: Vec<ItemId>,
    prices: Vec<Money>,
    ratings: Vec<Rating>,
    /// The first bytes of the folded names: enough to tell most names apart without looking.
    heads: Vec<u64>,
    /// None in slots that are free.
    listings: Vec<Option<Arc<Listing>>>,
}

impl Columns {
    /// Fills a slot with a new, unrated item.
    pub fn set(&mut self, slot: Slot, listing: &Arc<Listing>, price: Money) {
        let slot = slot as usize;
        if slot >= self.ids.len() {
            self.ids.resize(slot + 1, ItemId(0));
            self.prices.resize(slot + 1, Money::ZERO);
            self.ratings.resize(slot + 1, Rating::NONE);
            self.heads.resize(slot + 1, 0);
            self.listings.resize(slot + 1, None);
        }
        self.ids[slot] = listing.item;
        self.prices[slot] = price;
        self.ratings[slot] = Rating::NONE;
        self.heads[slot] = head(folded(listing.name()));
        self.listings[slot] = Some(Arc::clone(listing));
    }

    pub fn clear(&mut self, slot: Slot) {
        self.listings[slot as usize] = None;
    }

    pub fn set_price(&mut self, slot: Slot, price: Money) {
        self.prices[slot as usize] = price;
    }

    pub fn set_rating(&mut self, slot: Slot, rating: Rating) {
        self.ratings[slot as usize] = rating;
    }

    /// Where a slot stands in an order.
    pub fn position(&self, key: Key, slot: Slot) -> Position {
        let at = slot as usize;
        let value = match key {
            Key::Id => Value::Id,
            Key::Price => Value::Price(self.prices[at]),
            Key::Rating => Value::Rating(self.ratings[at]),
            Key::Name => Value::Name(folded(self.name(slot)).collect()),
        };
        Position { value, item: self.ids[at] }
    }

    /// Whether a slot stands before, at or behind a place.
    pub fn compare_to(&self, slot: Slot, place: &Place<'_>) -> Ordering {
        let at = slot as usize;
        let by_value = match &place.position.value {
            Value::Id => Ordering::Equal,
            Value::Price(price) => self.prices[at].cmp(price),
            Value::Rating(rating) => rating.cmp(&self.ratings[at]),
            Value::Name(name) => {
                let by_head = self.heads[at].cmp(&place.head);
                by_head.then_with(|| folded(self.name(slot)).cmp(name.chars()))
            }
        };
        by_value.then_with(|| self.ids[at].cmp(&place.position.item))
    }

    /// Which of two slots stands first.
    pub fn compare(&self, key: Key, a: Slot, b: Slot) -> Ordering {
        let (i, j) = (a as usize, b as usize);
        let by_value = match key {
            Key::Id => Ordering::Equal,
            Key::Price => self.prices[i].cmp(&self.prices[j]),
            Key::Rating => self.ratings[j].cmp(&self.ratings[i]),
            Key::Name => {
                let by_head = self.heads[i].cmp(&self.heads[j]);
                by_head.then_with(|| folded(self.name(a)).cmp(folded(self.name(b))))
            }
        };
        by_value.then_with(|| self.ids[i].cmp(&self.ids[j]))
    }

    fn name(&self, slot: Slot) -> &str {
        self.listings[slot as usize].as_ref().map_or("", |listing| listing.name())
    }
}

/// A position, made ready to be compared with many slots.
pub struct Place<'a> {
    position: &'a Position,
    head: u64,
}

impl<'a> Place<'a> {
    pub fn new(position: &'a Position) -> Place<'a> {
        let head = match &position.value {
            Value::Name(name) => head(name.chars()),
            _ => 0,
        };
        Place { position, head }
    }
}

/// The first eight bytes of a text in UTF-8, so that numbers compare as the texts do, as far as
/// they go: UTF-8 sorts as code points do.
fn head(text: impl Iterator<Item = char>) -> u64 {
    let (mut bytes, mut len) = ([0; 8], 0);
    for c in text {
        let mut encoded = [0; 4];
        for byte in c.encode_utf8(&mut encoded).bytes() {
            if len == bytes.len() {
                return u64::from_be_bytes(bytes);
            }
            bytes[len] = byte;
            len += 1;
        }
    }
    u64::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_sort_as_names_do() {
        let names = ["", "a", "ab", "abcdefgh", "b", "\u{e9}", "\u{416}", "\u{9ed1}", "\u{1f460}"];
        let heads: Vec<u64> = names.iter().map(|name| head(name.chars())).collect();
        assert!(heads.is_sorted() && heads.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(head("abcdefghi".chars()), head("abcdefghj".chars()));
        assert_eq!(head("abcdefg\u{e9}".chars()), head("abcdefg\u{ea}".chars()), "cut inside");
    }
}
