//! The index as a whole: pages among thousands of items, whichever way they are found.

use std::cmp::Reverse;
use std::sync::Arc;

use super::*;
use crate::market::state::accounts::AccountId;
use crate::market::state::command::ItemId;
use crate::market::state::item::ItemFields;
use crate::market::state::ratings::Rating;
use crate::seed::Seed;

const NAMES: [&str; 6] =
    ["Red lamp", "Blue lamp", "red chair", "Green chair", "\u{c9}tui", "Lampshade, red"];

fn other(item: ItemId, name: &str) -> Listing {
    let (category, description) = (Category::Others, "");
    Listing::new(item, AccountId(0), &ItemFields { name, category, description })
}

/// As many items as asked for, listed in an index and, apart from it, in a list.
struct Shop {
    search: Search,
    items: Items,
    listings: Vec<(Arc<Listing>, Money, Rating)>,
    limits: Limits,
}

impl Shop {
    fn new(count: usize, max_union: usize) -> Shop {
        let limits = Limits { max_union, max_page: count.max(1), ..Limits::DEFAULT };
        let (search, items) = (Search::new(&limits), Items::default());
        let mut shop = Shop { search, items, listings: Vec::new(), limits };
        let mut seed = Seed::new(1);
        for number in 1..=count as u32 {
            let item = ItemId(number);
            let category = *seed.pick(&Category::ALL);
            // One in 300 is rare, one in 2 is common, one in 20 in between.
            let mut description = String::new();
            for (word, share) in [("common", 2), ("frequent", 3), ("medium", 20), ("rare", 300)] {
                if seed.one_in(share) {
                    description += &format!("{word} {word}{} ", seed.below(50));
                }
            }
            let name = *seed.pick(&NAMES);
            let fields = ItemFields { name, category, description: description.trim() };
            let listing = Listing::new(item, AccountId(0), &fields);
            let (listing, price) = (Arc::new(listing), Money::from_minor(seed.next_u64() % 300));
            let slot = shop.items.add(Arc::clone(&listing), price, 1);
            shop.search.insert(slot);
            // Alone, with a few, or with many.
            if seed.one_in(if number < 1_000 { 2 } else { 200 }) {
                shop.search.index_pending(&shop.items);
            }
            let mut rating = Rating::NONE;
            for _ in 0..seed.below(4) {
                rating = rating.with(1 + seed.below(5) as u32);
            }
            shop.items.stock_mut(slot).rating = rating;
            shop.search.set_rating(slot, rating);
            shop.listings.push((listing, price, rating));
        }
        shop.search.index_pending(&shop.items);
        shop
    }

    /// All that a search finds, page by page, as slots.
    fn paged(&self, query: &Query<'_>, page_size: usize) -> Vec<Slot> {
        let (mut all, mut token) = (Vec::new(), String::new());
        loop {
            let query = Query { page_size, page_token: &token, ..*query };
            let hits = self.search.find(&query, &self.limits).unwrap();
            assert!(hits.slots.len() <= page_size);
            all.extend(hits.slots);
            match hits.next {
                Some(next) => token = next,
                None => {
                    assert_eq!(all.len(), hits.total, "{query:?}");
                    return all;
                }
            }
        }
    }

    /// The same by looking at each listing.
    fn naive(&self, query: &Query<'_>, wanted: &[&str]) -> Vec<Slot> {
        let has = |text: &str| {
            let lower = text.to_lowercase();
            let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).collect();
            wanted.iter().all(|term| match term.strip_suffix('*') {
                Some(stem) => words.iter().any(|word| word.starts_with(stem)),
                None => words.contains(term),
            })
        };
        let slots = (0..self.listings.len() as Slot).filter(|slot| {
            let listing = &self.listings[*slot as usize].0;
            has(&format!("{} {}", listing.name(), listing.description()))
                && query.category.is_none_or(|category| category == listing.category)
        });
        let mut slots: Vec<Slot> = slots.collect();
        let of = |slot: &Slot| &self.listings[*slot as usize];
        match query.sort {
            Sort::Relevance => slots.sort_by_key(|slot| !has(of(slot).0.name())),
            Sort::PriceUp => slots.sort_by_key(|slot| of(slot).1),
            Sort::PriceDown => {
                slots.sort_by_key(|slot| of(slot).1);
                slots.reverse();
            }
            Sort::Rating => slots.sort_by_key(|slot| Reverse(of(slot).2)),
            Sort::Name => slots.sort_by_key(|slot| of(slot).0.name().to_lowercase()),
            Sort::Newest => slots.reverse(),
        }
        slots
    }
}

#[test]
fn every_search_among_thousands_finds_what_a_scan_finds() {
    for max_union in [0, 100, 1_000_000] {
        let shop = Shop::new(2_000, max_union);
        for terms in [
            &[][..],
            &["common"],
            &["common", "frequent"],
            &["medium", "red"],
            &["rare"],
            &["rare", "common", "lamp"],
            &["c*"],
            &["co*", "f*"],
            &["common1*"],
            &["la*", "medium"],
            &["lamp*"],
            &["\u{e9}*"],
            &["zzz"],
        ] {
            let text = terms.join(" ");
            for category in [None, Some(Category::Fashion)] {
                for sort in Sort::ALL {
                    let query = Query { text: &text, category, sort, ..Query::default() };
                    let expected = shop.naive(&query, terms);
                    for page_size in [40, 2_000] {
                        assert_eq!(shop.paged(&query, page_size), expected, "{query:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_page_begins_where_the_one_before_ended_whatever_was_listed_and_deleted() {
    let mut shop = Shop::new(100, 10);
    let query = Query { sort: Sort::PriceUp, ..Query::default() };
    let all = shop.paged(&query, 100);
    let first = shop.search.find(&Query { page_size: 10, ..query }, &shop.limits).unwrap();
    // The last one shown goes, a cheaper and a dearer one come.
    let last = first.slots[9];
    let listing = Arc::clone(&shop.listings[last as usize].0);
    shop.items.remove(listing.item);
    shop.search.remove(last, &listing);
    for (slot, price) in [(last, 0), (100, 1_000)] {
        let item = shop.items.next_id().unwrap();
        let listing = other(item, "new");
        assert_eq!(shop.items.add(Arc::new(listing), Money::from_minor(price), 1), slot);
        shop.search.insert(slot);
    }
    shop.search.index_pending(&shop.items);
    let token = first.next.unwrap();
    let rest = Query { page_size: 100, page_token: &token, ..query };
    let rest = shop.search.find(&rest, &shop.limits).unwrap();
    let expected: Vec<Slot> = all[10..].iter().copied().chain([100]).collect();
    assert_eq!(rest.slots, expected);
}

#[test]
fn an_item_that_changes_its_price_or_rating_moves() {
    let mut shop = Shop::new(50, 10);
    shop.search.set_price(7, Money::from_minor(1_000_000));
    shop.search.set_rating(8, Rating { stars: 500, count: 100 });
    let last = |sort| shop.paged(&Query { sort, ..Query::default() }, 50);
    assert_eq!(last(Sort::PriceUp)[49], 7);
    assert_eq!(last(Sort::PriceDown)[0], 7);
    assert_eq!(last(Sort::Rating)[0], 8);
}

#[test]
fn a_new_item_may_change_or_be_deleted_before_it_is_indexed() {
    let mut shop = Shop::new(0, 10);
    let slots: Vec<Slot> = (0..3)
        .map(|_| {
            let item = shop.items.next_id().unwrap();
            let listing = other(item, "lamp");
            let slot = shop.items.add(Arc::new(listing), Money::from_minor(5), 1);
            shop.search.insert(slot);
            slot
        })
        .collect();
    shop.items.stock_mut(slots[0]).price = Money::from_minor(9);
    shop.search.set_price(slots[0], Money::from_minor(9));
    let (slot, listing, _) = shop.items.remove(ItemId(2)).unwrap();
    shop.search.remove(slot, &listing);
    shop.search.index_pending(&shop.items);
    assert_eq!(shop.search.inconsistency(&shop.items), None);
    let query = Query { text: "lamp", sort: Sort::PriceUp, ..Query::default() };
    assert_eq!(shop.paged(&query, 10), [slots[2], slots[0]]);
}

#[test]
fn an_empty_index_finds_nothing() {
    let shop = Shop::new(0, 10);
    for text in ["", "lamp", "l*"] {
        assert_eq!(shop.paged(&Query { text, ..Query::default() }, 10), [0; 0]);
    }
}
