//! One rating a buyer and item, and what they come to.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use super::accounts::AccountId;
use super::command::ItemId;

/// The most stars a rating gives.
pub const MAX_STARS: u32 = 5;

/// The ratings of one item taken together: how many stars, from how many people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rating {
    /// Stars in all.
    pub stars: u32,
    /// Ratings.
    pub count: u32,
}

impl Rating {
    /// Not rated by anyone.
    pub const NONE: Rating = Rating { stars: 0, count: 0 };

    /// With one more rating.
    pub const fn with(self, stars: u32) -> Rating {
        Rating { stars: self.stars + stars, count: self.count + 1 }
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

/// By the exact average; of equal averages the one from more people is the greater; unrated is
/// the least.
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

/// Who rated what, and with how much.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Ratings {
    by_item: BTreeMap<ItemId, BTreeMap<AccountId, u8>>,
}

impl Ratings {
    pub fn has(&self, item: ItemId, rater: AccountId) -> bool {
        self.by_item.get(&item).is_some_and(|raters| raters.contains_key(&rater))
    }

    pub fn add(&mut self, item: ItemId, rater: AccountId, stars: u32) {
        self.by_item.entry(item).or_default().insert(rater, stars as u8);
    }

    /// Forgets the ratings of an item that is gone.
    pub fn forget(&mut self, item: ItemId) {
        self.by_item.remove(&item);
    }

    /// What the ratings of an item come to, counted anew.
    pub fn recount(&self, item: ItemId) -> Rating {
        let raters = self.by_item.get(&item);
        let stars = raters.into_iter().flat_map(BTreeMap::values);
        stars.fold(Rating::NONE, |rating, stars| rating.with(u32::from(*stars)))
    }

    /// Items with ratings.
    pub fn items(&self) -> impl Iterator<Item = ItemId> {
        self.by_item.keys().copied()
    }
}

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
    fn a_rating_is_remembered_until_its_item_is_gone() {
        let mut ratings = Ratings::default();
        ratings.add(ItemId(1), AccountId(7), 4);
        ratings.add(ItemId(1), AccountId(8), 5);
        assert!(ratings.has(ItemId(1), AccountId(7)));
        assert!(!ratings.has(ItemId(2), AccountId(7)));
        assert_eq!(ratings.recount(ItemId(1)), Rating { stars: 9, count: 2 });
        ratings.forget(ItemId(1));
        assert!(!ratings.has(ItemId(1), AccountId(7)));
        assert_eq!(ratings.recount(ItemId(1)), Rating::NONE);
    }
}
