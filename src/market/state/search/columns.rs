//! The sort keys of items: one array for each key, indexed by slot.

use std::cmp::Ordering;
use std::sync::Arc;

use super::order::Direction;
use super::words::folded;
use crate::market::price::Money;
use crate::market::state::command::ItemId;
use crate::market::state::item::{Listing, Stock};
use crate::market::state::items::Slot;
use crate::market::state::ratings::Rating;

/// How results are sorted. Items with equal keys are sorted by number, in the same direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sort {
    /// Items with all the words in their name before items with some only in the description;
    /// each by number.
    #[default]
    Relevance,
    /// The cheapest first.
    PriceUp,
    /// The most expensive first.
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

    /// The order that is scanned for it, and in which direction.
    pub const fn scan_order(self) -> (Key, Direction) {
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

/// The key of an order.
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

/// A position in an order: a value of its key, and an item number to break ties.
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
    /// The first bytes of the folded names: enough to compare most names.
    name_heads: Vec<u64>,
    /// None for free slots.
    listings: Vec<Option<Arc<Listing>>>,
}

impl Columns {
    /// Fills a slot.
    pub fn set(&mut self, slot: Slot, listing: &Arc<Listing>, stock: &Stock) {
        let slot = slot as usize;
        if slot >= self.ids.len() {
            self.ids.resize(slot + 1, ItemId(0));
            self.prices.resize(slot + 1, Money::ZERO);
            self.ratings.resize(slot + 1, Rating::NONE);
            self.name_heads.resize(slot + 1, 0);
            self.listings.resize(slot + 1, None);
        }
        self.ids[slot] = listing.item;
        self.prices[slot] = stock.price;
        self.ratings[slot] = stock.rating;
        [self.name_heads[slot]] = folded_start(listing.name());
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

    /// The position of a slot in an order.
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

    /// As [`Cursor::head`] of a slot's position.
    pub fn head(&self, key: Key, slot: Slot) -> u64 {
        let at = slot as usize;
        match key {
            Key::Id => self.ids[at].0.into(),
            Key::Price => self.prices[at].minor(),
            Key::Rating => rating_head(self.ratings[at]),
            Key::Name => self.name_heads[at],
        }
    }

    /// Slots in the order of a key, each with the head of its key.
    pub fn sorted(&self, key: Key, slots: &[Slot]) -> Vec<(u64, Slot)> {
        if key != Key::Name {
            let mut sorted: Vec<_> =
                slots.iter().map(|slot| (self.head(key, *slot), *slot)).collect();
            sorted.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| self.compare(key, a.1, b.1)));
            return sorted;
        }
        // Names are spread over memory: their first bytes are read once, in the order of the slots.
        let start = |slot: &Slot| (folded_start(self.name(*slot)), *slot);
        let mut sorted: Vec<([u64; START], Slot)> = slots.iter().map(start).collect();
        sorted.sort_unstable_by(|(start, a), (other, b)| {
            start.cmp(other).then_with(|| match start.last() {
                // Both names end there.
                Some(end) if *end & 0xff == 0 => self.ids[*a as usize].cmp(&self.ids[*b as usize]),
                _ => self.compare(key, *a, *b),
            })
        });
        sorted.into_iter().map(|(start, slot)| (start[0], slot)).collect()
    }

    /// Whether a slot is before, at or behind a cursor.
    pub fn compare_to(&self, slot: Slot, cursor: &Cursor<'_>) -> Ordering {
        let at = slot as usize;
        let by_value = match &cursor.position.value {
            Value::Id => Ordering::Equal,
            Value::Price(price) => self.prices[at].cmp(price),
            Value::Rating(rating) => rating.cmp(&self.ratings[at]),
            Value::Name(name) => {
                let by_head = self.name_heads[at].cmp(&cursor.head);
                by_head.then_with(|| folded(self.name(slot)).cmp(name.chars()))
            }
        };
        by_value.then_with(|| self.ids[at].cmp(&cursor.position.item))
    }

    /// The order of two slots.
    pub fn compare(&self, key: Key, a: Slot, b: Slot) -> Ordering {
        let (i, j) = (a as usize, b as usize);
        let by_value = match key {
            Key::Id => Ordering::Equal,
            Key::Price => self.prices[i].cmp(&self.prices[j]),
            Key::Rating => self.ratings[j].cmp(&self.ratings[i]),
            Key::Name => {
                let by_head = self.name_heads[i].cmp(&self.name_heads[j]);
                by_head.then_with(|| folded(self.name(a)).cmp(folded(self.name(b))))
            }
        };
        by_value.then_with(|| self.ids[i].cmp(&self.ids[j]))
    }

    fn name(&self, slot: Slot) -> &str {
        self.listings[slot as usize].as_ref().map_or("", |listing| listing.name())
    }
}

/// A position, prepared to be compared with many slots.
pub struct Cursor<'a> {
    position: &'a Position,
    head: u64,
}

impl<'a> Cursor<'a> {
    pub fn new(position: &'a Position) -> Cursor<'a> {
        let head = match &position.value {
            Value::Id => position.item.0.into(),
            Value::Price(price) => price.minor(),
            Value::Rating(rating) => rating_head(*rating),
            Value::Name(name) => name_head(name.chars()),
        };
        Cursor { position, head }
    }

    /// 64 bits that sort as places of one key do, as far as they go.
    pub fn head(&self) -> u64 {
        self.head
    }
}

/// The average in 2^-32 of a star, rounded down; the best first, unrated last.
fn rating_head(rating: Rating) -> u64 {
    let stars = u64::from(rating.stars) << 32;
    u64::MAX - stars.checked_div(rating.count.into()).unwrap_or(0)
}

/// The first eight bytes of a text in UTF-8, so that numbers compare as the texts do, as far as
/// they go: UTF-8 sorts as code points do.
fn name_head(text: impl Iterator<Item = char>) -> u64 {
    let [head] = name_start(text);
    head
}

/// Heads of a name that are compared before the name itself, when many are sorted.
const START: usize = 4;

/// As [`name_head`], going on for so many heads.
fn name_start<const N: usize>(text: impl Iterator<Item = char>) -> [u64; N] {
    let (mut heads, mut len) = ([0; N], 0);
    extend_start(&mut heads, &mut len, text);
    heads
}

/// As [`name_start`] of a name that is not folded yet. Most names are ASCII.
fn folded_start<const N: usize>(name: &str) -> [u64; N] {
    let (mut heads, mut len) = ([0; N], 0);
    for byte in name.bytes().take_while(u8::is_ascii) {
        let Some(head) = heads.get_mut(len / 8) else { return heads };
        *head |= u64::from(byte.to_ascii_lowercase()) << (56 - len % 8 * 8);
        len += 1;
    }
    // Behind ASCII a character begins.
    let rest = name.get(len..).unwrap_or_default();
    extend_start(&mut heads, &mut len, folded(rest));
    heads
}

fn extend_start(heads: &mut [u64], len: &mut usize, text: impl Iterator<Item = char>) {
    for c in text {
        let mut encoded = [0; 4];
        for byte in c.encode_utf8(&mut encoded).bytes() {
            let Some(head) = heads.get_mut(*len / 8) else { return };
            *head |= u64::from(byte) << (56 - *len % 8 * 8);
            *len += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::state::item::ItemFields;

    #[test]
    fn heads_sort_as_names_do() {
        let names = ["", "a", "ab", "abcdefgh", "b", "\u{e9}", "\u{416}", "\u{9ed1}", "\u{1f460}"];
        let heads: Vec<u64> = names.iter().map(|name| name_head(name.chars())).collect();
        assert!(heads.is_sorted() && heads.windows(2).all(|pair| pair[0] < pair[1]));
        let head = |name: &str| name_head(name.chars());
        assert_eq!(head("abcdefghi"), head("abcdefghj"));
        for name in names.iter().chain(&["A b\u{c9}C", "\u{130}x", "ABCDEFGHIJKLMNOPQ"]) {
            assert_eq!(folded_start::<2>(name), name_start(folded(name)), "{name}");
        }
        assert_eq!(head("abcdefg\u{e9}"), head("abcdefg\u{ea}"), "cut inside a character");
    }

    #[test]
    fn many_names_are_sorted_as_two_are() {
        let names = ["b", "a", "A", "abcdefgh", "abcdefgi", "abcdefghi", "\u{9ed1}", "a"];
        let long = |end: &str| "same ".repeat(8) + end;
        let names = names.into_iter().map(str::to_owned).chain(["x", "b", "", "a", "x"].map(long));
        let mut columns = Columns::default();
        for (slot, name) in (0..).zip(names) {
            let id = ItemId(slot + 1);
            let seller = crate::market::state::accounts::AccountId(0);
            let category = crate::market::state::command::Category::Others;
            let fields = ItemFields { name: &*name, category, description: "" };
            let listing = Arc::new(Listing::new(id, seller, &fields));
            columns.set(slot, &listing, &Stock::default());
        }
        let slots: Vec<Slot> = (0..13).collect();
        for key in Key::ALL {
            let sorted = columns.sorted(key, &slots);
            assert!(sorted.is_sorted_by(|a, b| columns.compare(key, a.1, b.1).is_lt()), "{key:?}");
            assert!(sorted.iter().all(|(head, slot)| *head == columns.head(key, *slot)));
            assert_eq!(sorted.len(), slots.len());
        }
    }

    #[test]
    fn heads_sort_as_ratings_do() {
        let mut ratings = vec![Rating::NONE];
        for count in [1_u32, 2, 3, 7, 1_000_000_007] {
            let stars = (count..=4 * count).step_by(count.div_ceil(20) as usize);
            ratings.extend(stars.map(|stars| Rating { stars, count }));
        }
        ratings.sort();
        ratings.reverse();
        assert!(ratings.is_sorted_by_key(|rating| rating_head(*rating)));
        assert!(rating_head(Rating::NONE) > rating_head(Rating { stars: 1, count: 1 }));
    }
}
