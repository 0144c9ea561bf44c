//! Ratings: at most one for each buyer and item, and their sums.

use std::cmp::Ordering;
use std::fmt;

use super::accounts::{AccountId, Accounts, PerAccount, SharedPerAccount};
use super::command::ItemId;
use super::error::Error;
use super::items::Items;
use super::lines::{Section, WordReader, section};
use super::shared::Map;
use super::size;

/// The most stars a rating gives.
pub const MAX_STARS: u32 = 5;

/// Checks the stars of one rating.
pub fn check_stars(stars: u32) -> Result<(), Error> {
    if (1..=MAX_STARS).contains(&stars) { Ok(()) } else { Err(Error::Stars) }
}

/// The ratings of one item together: the sum of the stars, and the number of ratings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rating {
    /// The sum of the stars of all ratings.
    pub stars: u32,
    /// The number of ratings.
    pub count: u32,
}

impl Rating {
    /// No ratings.
    pub const NONE: Rating = Rating { stars: 0, count: 0 };

    /// With one more rating.
    pub const fn with(self, stars: u32) -> Rating {
        Rating { stars: self.stars + stars, count: self.count + 1 }
    }

    /// With one rating less that is in it.
    pub const fn without(self, stars: u32) -> Rating {
        Rating { stars: self.stars - stars, count: self.count - 1 }
    }

    /// The average in tenths of a star, rounded to the nearest and halves up; none when unrated.
    pub fn tenths(self) -> Option<u32> {
        let (stars, count) = (u64::from(self.stars), u64::from(self.count));
        (20 * stars + count).checked_div(2 * count).map(|tenths| tenths as u32)
    }
}

/// `4.3 / 5`, or `unrated`.
impl fmt::Display for Rating {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.tenths() {
            Some(tenths) => write!(f, "{}.{} / {MAX_STARS}", tenths / 10, tenths % 10),
            None => f.write_str("unrated"),
        }
    }
}

/// By the exact average; of equal averages the one of more ratings is the greater; unrated is the
/// least.
impl Ord for Rating {
    fn cmp(&self, other: &Rating) -> Ordering {
        // stars / count compared without dividing. Unrated is 0 / 0, which would equal anything.
        let (ours, theirs) = (
            u64::from(self.stars) * u64::from(other.count),
            u64::from(other.stars) * u64::from(self.count),
        );
        ours.cmp(&theirs).then(self.count.cmp(&other.count))
    }
}

impl PartialOrd for Rating {
    fn partial_cmp(&self, other: &Rating) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// All ratings.
#[derive(Debug, Default)]
pub struct Ratings {
    /// Without empty maps.
    by_item: Map<ItemId, Map<AccountId, u8>>,
    /// How many ratings each account ever gave, those of deleted items included.
    given: SharedPerAccount<u32>,
    /// The items that each account rated, in any order; deleted ones may be among them.
    by_rater: PerAccount<Vec<ItemId>>,
    /// Ratings in `by_item`.
    len: u64,
    /// The sum of `given`.
    given_in_all: u64,
}

/// The index by rater is derived, and has an order that decides nothing.
impl PartialEq for Ratings {
    fn eq(&self, other: &Ratings) -> bool {
        self.by_item == other.by_item
            && self.given == other.given
            && self.size_bytes() == other.size_bytes()
    }
}

impl Eq for Ratings {}

impl Ratings {
    /// Ratings of items that are not deleted.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// The size of all ratings, for the quota. A rating of an item that was deleted still counts as
    /// given.
    pub fn size_bytes(&self) -> u64 {
        size::RATING * self.len + size::RATING_GIVEN * self.given_in_all
    }

    /// The size, counted from the single ratings.
    pub fn recount_size_bytes(&self) -> u64 {
        let ratings = self.by_item.iter().map(|(_, raters)| raters.iter().count() as u64);
        let given = self.given.iter().map(|(_, given)| u64::from(*given));
        size::RATING * ratings.sum::<u64>() + size::RATING_GIVEN * given.sum::<u64>()
    }

    pub fn has(&self, item: ItemId, rater: AccountId) -> bool {
        self.by_item.get(&item).is_some_and(|raters| raters.get(&rater).is_some())
    }

    /// How many ratings an account ever gave.
    pub fn given(&self, rater: AccountId) -> u32 {
        self.given.get(rater).copied().unwrap_or(0)
    }

    pub fn add(&mut self, item: ItemId, rater: AccountId, stars: u32) {
        self.by_item.get_mut(item).insert(rater, stars as u8);
        *self.given.get_mut(rater) += 1;
        self.len += 1;
        self.given_in_all += 1;
        self.by_rater.get_mut(rater).push(item);
    }

    /// Removes up to `max` ratings of an account. Returns the items that have lost a rating with
    /// its stars, and whether none is left.
    pub fn remove_some(&mut self, rater: AccountId, max: usize) -> (Vec<(ItemId, u32)>, bool) {
        let items = self.by_rater.get_mut(rater);
        let last = items.split_off(items.len().saturating_sub(max));
        let is_done = items.is_empty();
        let mut removed = Vec::new();
        for item in last {
            // Nothing is known of the ratings of an item that was deleted.
            if self.by_item.get(&item).is_none() {
                continue;
            }
            let raters = self.by_item.get_mut(item);
            if let Some(stars) = raters.remove(&rater) {
                self.len -= 1;
                removed.push((item, u32::from(stars)));
            }
            if raters.iter().next().is_none() {
                self.by_item.remove(&item);
            }
        }
        if is_done {
            self.given_in_all -= u64::from(self.given(rater));
            self.given.remove(rater);
            *self.by_rater.get_mut(rater) = Vec::new();
        }
        (removed, is_done)
    }

    /// Removes the ratings of an item that was deleted.
    pub fn remove_item(&mut self, item: ItemId) {
        let raters = self.by_item.remove(&item);
        self.len -= raters.map_or(0, |raters| raters.iter().count() as u64);
    }

    /// The rating of an item, counted from its single ratings.
    pub fn recount(&self, item: ItemId) -> Rating {
        let raters = self.by_item.get(&item);
        let stars = raters.into_iter().flat_map(Map::iter);
        stars.fold(Rating::NONE, |rating, (_, stars)| rating.with(u32::from(*stars)))
    }

    /// Items with ratings.
    pub fn items(&self) -> impl Iterator<Item = ItemId> {
        self.by_item.iter().map(|(item, _)| *item)
    }

    /// `RATED account count`: how many ratings each account ever gave.
    pub fn freeze_given(&self) -> Box<dyn Section> {
        let (given, mut next) = (self.given.clone(), 0);
        section(move |words| {
            let Some((account, count)) = given.next(next) else { return false };
            next = account.0.saturating_add(1);
            words.word(RATED).number(account.0).number(*count);
            true
        })
    }

    /// `RATING item account stars`, ascending by item, then by account.
    pub fn freeze(&self) -> Box<dyn Section> {
        let (by_item, mut item, mut rater) = (self.by_item.clone(), None, None);
        section(move |words| {
            loop {
                let of = item.and_then(|item| Some((item, by_item.get(&item)?)));
                if let Some((item, raters)) = of
                    && let Some((account, stars)) = raters.next(rater.as_ref())
                {
                    rater = Some(*account);
                    words.word(RATING).number(item.0).number(account.0).number(*stars);
                    return true;
                }
                let Some((next, _)) = by_item.next(item.as_ref()) else { return false };
                (item, rater) = (Some(*next), None);
            }
        })
    }

    /// Restores a count from the words behind `RATED`.
    pub fn restore_given(
        &mut self,
        mut fields: WordReader<'_>,
        accounts: &Accounts,
    ) -> Result<(), String> {
        let (account, count) = (AccountId(fields.number()?), fields.number()?);
        fields.end()?;
        if !accounts.contains(account) || self.given.get(account).is_some() {
            return Err("its account does not exist, or has such a line already".into());
        }
        *self.given.get_mut(account) = count;
        self.given_in_all += u64::from(count);
        Ok(())
    }

    /// Restores a rating from the words behind `RATING`. Accounts and items are restored before.
    pub fn restore(
        &mut self,
        mut fields: WordReader<'_>,
        accounts: &Accounts,
        items: &mut Items,
    ) -> Result<(), String> {
        let (item, rater) = (fields.item()?, AccountId(fields.number()?));
        let stars: u32 = fields.number()?;
        fields.end()?;
        let slot = items.slot(item).ok_or_else(|| format!("item {item} is not on sale"))?;
        if !accounts.contains(rater) || check_stars(stars).is_err() {
            return Err(format!("{stars} stars, or its account does not exist"));
        }
        if self.by_item.get_mut(item).insert(rater, stars as u8).is_some() {
            return Err(format!("account {} rated item {item} before", rater.0));
        }
        let stock = items.stock_mut(slot);
        stock.rating = stock.rating.with(stars);
        self.len += 1;
        self.by_rater.get_mut(rater).push(item);
        Ok(())
    }
}

pub const RATED: &[u8] = b"RATED";
pub const RATING: &[u8] = b"RATING";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_average_is_rounded_from_integers_halves_up() {
        for (stars, count, shown) in [
            (13, 3, "4.3 / 5"),  // 4.333
            (17, 4, "4.3 / 5"),  // 4.25
            (14, 3, "4.7 / 5"),  // 4.667
            (87, 20, "4.4 / 5"), // 4.35, which a float prints as 4.3
            (5, 1, "5.0 / 5"),
            (1, 1, "1.0 / 5"),
            (99, 20, "5.0 / 5"), // 4.95
            (u32::MAX, u32::MAX / 5, "5.0 / 5"),
            (0, 0, "unrated"),
        ] {
            assert_eq!(Rating { stars, count }.to_string(), shown, "{stars} / {count}");
        }
    }

    #[test]
    fn ratings_compare_exactly() {
        let rating = |stars, count| Rating { stars, count };
        let ascending = [
            Rating::NONE,
            rating(1, 1),
            rating(4, 2),
            rating(1_000_000_000, 333_333_334),
            rating(3, 1),
            rating(6, 2),
            rating(1_000_000_000, 333_333_333),
            rating(5, 1),
            rating(10, 2),
        ];
        assert!(ascending.is_sorted());
        assert!(ascending.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn a_rating_is_kept_until_its_item_is_deleted() {
        let mut ratings = Ratings::default();
        ratings.add(ItemId(1), AccountId(7), 4);
        ratings.add(ItemId(1), AccountId(8), 5);
        assert!(ratings.has(ItemId(1), AccountId(7)));
        assert!(!ratings.has(ItemId(2), AccountId(7)));
        assert_eq!(ratings.recount(ItemId(1)), Rating { stars: 9, count: 2 });
        ratings.remove_item(ItemId(1));
        assert!(!ratings.has(ItemId(1), AccountId(7)));
        assert_eq!(ratings.recount(ItemId(1)), Rating::NONE);
    }
}
