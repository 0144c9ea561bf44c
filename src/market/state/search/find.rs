//! Finding one page.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::columns::{Cursor, Key, Sort};
use super::lexicon::Within;
use super::order::Direction;
use super::slot_set::SlotSet;
use super::terms::Terms;
use super::token::PageToken;
use super::{Hits, Query, Search};
use crate::market::state::command::Category;
use crate::market::state::error::Error;
use crate::market::state::hash::Hash64;
use crate::market::state::items::Slot;
use crate::market::state::limits::Limits;

/// A part of the matches; all of it comes before the next part.
struct Tier<'a> {
    /// None for all items.
    slots: Option<&'a SlotSet>,
    /// The slots of the earlier tier.
    except: Option<&'a SlotSet>,
    /// The slots that no search finds; none if there are none.
    hidden: Option<&'a SlotSet>,
}

/// The order of a page, and where the page begins in it.
struct PageStart<'a> {
    key: Key,
    direction: Direction,
    /// Behind this cursor; none for the first page.
    after: Option<Cursor<'a>>,
}

impl Tier<'_> {
    fn contains(&self, slot: Slot) -> bool {
        self.slots.is_none_or(|slots| slots.contains(slot))
            && self.except.is_none_or(|except| !except.contains(slot))
            && self.hidden.is_none_or(|hidden| !hidden.contains(slot))
    }
}

impl Search {
    /// Finds one page.
    ///
    /// Sorted by relevance, a search for words has two tiers: items with all the words in their
    /// name, then the other matches. Any other search has one.
    pub fn find(&self, query: &Query<'_>, limits: &Limits) -> Result<Hits, Error> {
        let terms = Terms::parse(query.text, limits)?;
        let search = fingerprint(&terms, query);
        let (key, direction) = query.sort.scan_order();
        let mark = match query.page_token {
            "" => None,
            token => Some(PageToken::decode(token, key).ok_or(Error::PageToken)?),
        };
        if mark.as_ref().is_some_and(|mark| mark.search != search || mark.tier > 1) {
            return Err(Error::PageToken);
        }
        let matches = self.matches(&terms, query.category, Within::Item);
        let named = match (query.sort, &terms) {
            (Sort::Relevance, Terms::All(_)) => self.matches(&terms, query.category, Within::Name),
            _ => None,
        };
        let named = named.as_deref();
        let hidden = Some(&self.hidden).filter(|hidden| !hidden.is_empty());
        let tiers = [
            named.map(|named| Tier { slots: Some(named), except: None, hidden }),
            Some(Tier { slots: matches.as_deref(), except: named, hidden }),
        ];
        let page_size = limits.page(query.page_size);
        let first = mark.as_ref().map_or(0, |mark| mark.tier);
        let (mut page, mut last_tier) = (Vec::new(), first);
        for (number, tier) in (0..).zip(&tiers).skip(first.into()) {
            // One more than fits shows whether there is a next page.
            let missing = page_size + 1 - page.len();
            let Some(tier) = tier.as_ref().filter(|_| missing > 0) else { continue };
            let after = mark.as_ref().filter(|mark| mark.tier == number);
            let after = after.map(|mark| Cursor::new(&mark.position));
            let found = self.fill(tier, &PageStart { key, direction, after }, missing);
            if !found.is_empty() && page.len() < page_size {
                last_tier = number;
            }
            page.extend(found);
        }
        let has_next = page.len() > page_size;
        page.truncate(page_size);
        let next = page.last().filter(|_| has_next).map(|last| {
            let position = self.columns.position(key, *last);
            PageToken { search, tier: last_tier, position }.encode()
        });
        let unseen = |matches: &SlotSet| hidden.map_or(0, |hidden| matches.and(hidden).len());
        let total = match matches.as_deref() {
            Some(matches) => matches.len() - unseen(matches),
            None => self.len - self.hidden.len(),
        };
        Ok(Hits { slots: page, total, next })
    }

    /// The items that match; none means all of them.
    fn matches(
        &self,
        terms: &Terms,
        category: Option<Category>,
        within: Within,
    ) -> Option<Cow<'_, SlotSet>> {
        let mut sets = Vec::new();
        if let Terms::All(terms) = terms {
            for term in terms {
                sets.push(match (term.is_prefix, self.lexicon.word(&term.word)) {
                    (true, _) => self.lexicon.prefix(&term.word, within),
                    (false, Some(postings)) => Cow::Borrowed(postings.within(within)),
                    (false, None) => Cow::Owned(SlotSet::EMPTY),
                });
            }
            if terms.is_empty() {
                sets.push(Cow::Owned(SlotSet::EMPTY));
            }
        }
        if let Some(category) = category {
            sets.push(Cow::Borrowed(&self.categories[category as usize]));
        }
        // The smallest first: an intersection with a small set is cheap.
        sets.sort_by_key(|set| set.len());
        sets.into_iter().reduce(|both, set| Cow::Owned(both.and(&set)))
    }

    /// The first `missing` items of a tier from the start on, by the cheaper of the two ways.
    fn fill(&self, tier: &Tier<'_>, start: &PageStart<'_>, missing: usize) -> Vec<Slot> {
        match tier.slots {
            Some(slots) if slots.len() * slots.len() < self.len * missing => {
                self.gather(slots, tier, start, missing)
            }
            _ => self.walk(tier, start, missing),
        }
    }

    fn gather(
        &self,
        slots: &SlotSet,
        tier: &Tier<'_>,
        start: &PageStart<'_>,
        missing: usize,
    ) -> Vec<Slot> {
        let towards = |ordering: Ordering| match start.direction {
            Direction::Ascending => ordering,
            Direction::Descending => ordering.reverse(),
        };
        let is_ahead = |slot: Slot| {
            let cursor = start.after.as_ref();
            cursor.is_none_or(|cursor| towards(self.columns.compare_to(slot, cursor)).is_gt())
        };
        let compare = |a: &Slot, b: &Slot| towards(self.columns.compare(start.key, *a, *b));
        let is_wanted = |slot: &Slot| tier.contains(*slot) && is_ahead(*slot);
        let mut found: Vec<Slot> = slots.iter().filter(is_wanted).collect();
        if found.len() > missing {
            found.select_nth_unstable_by(missing, compare);
            found.truncate(missing);
        }
        found.sort_unstable_by(compare);
        found
    }

    fn walk(&self, tier: &Tier<'_>, start: &PageStart<'_>, missing: usize) -> Vec<Slot> {
        let mut found = Vec::new();
        let visit = |slot: Slot| {
            if tier.contains(slot) {
                found.push(slot);
            }
            found.len() < missing
        };
        let (order, direction) = (&self.orders[start.key as usize], start.direction);
        let Some(cursor) = &start.after else {
            order.walk(direction, visit);
            return found;
        };
        // The cursor itself is not on the page: ascending it counts as before, descending as not.
        let before = |slot| match (self.columns.compare_to(slot, cursor), direction) {
            (ordering, Direction::Ascending) => ordering.is_le(),
            (ordering, Direction::Descending) => ordering.is_lt(),
        };
        order.walk_from(direction, cursor.head(), before, visit);
        found
    }
}

/// The search that a page token belongs to: text, category and sort.
fn fingerprint(terms: &Terms, query: &Query<'_>) -> u64 {
    let mut hash = Hash64::new();
    match terms {
        Terms::Anything => hash.number(0),
        Terms::All(terms) => {
            hash.number(1 + terms.len() as u64);
            for term in terms {
                hash.text(&term.word);
                hash.number(u64::from(term.is_prefix));
            }
        }
    }
    hash.option(query.category.map(|category| category as u64));
    hash.number(query.sort as u64);
    hash.finish()
}
