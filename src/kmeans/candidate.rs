//! Points that a job selects from all splits: each split proposes its best few, and merging keeps
//! the best of all. The selection does not depend on the splits.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::{Error, MAX_DIMS, Points};

/// A point that may be selected: lower rank first, then lower offset.
///
/// Its text is the rank, the offset and the coordinates between spaces.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Lower is better.
    pub rank: u64,
    /// The byte offset of its record in the input.
    pub offset: u64,
    /// Its coordinates.
    pub point: Vec<f64>,
}

/// The `count` best points by `rank`, best first. Points without a rank, and points equal to a
/// better one, are left out.
pub(super) fn best(
    points: &Points,
    count: usize,
    rank: impl Fn(usize, &[f64]) -> Option<u64>,
) -> Vec<Candidate> {
    let ranks = points.iter().enumerate().filter_map(|(index, x)| Some((rank(index, x)?, index)));
    let mut ranks: Vec<(u64, usize)> = ranks.collect();
    let mut picked = Distinct::new(points, count);
    // Only the best part is sorted: sorting all ranks would dominate the running time.
    let mut sorted = 0;
    while sorted < ranks.len() && !picked.is_full() {
        let rest = &mut ranks[sorted..];
        let next = count.max(sorted).min(rest.len());
        if next < rest.len() {
            rest.select_nth_unstable(next);
        }
        rest[..next].sort_unstable();
        rest[..next].iter().for_each(|(rank, index)| picked.offer(*rank, *index));
        sorted += next;
    }
    picked.candidates
}

struct Distinct<'a> {
    points: &'a Points,
    count: usize,
    seen: BTreeSet<PointKey<'a>>,
    candidates: Vec<Candidate>,
}

impl<'a> Distinct<'a> {
    fn new(points: &'a Points, count: usize) -> Distinct<'a> {
        Distinct { points, count, seen: BTreeSet::new(), candidates: Vec::new() }
    }

    fn is_full(&self) -> bool {
        self.candidates.len() >= self.count
    }

    fn offer(&mut self, rank: u64, index: usize) {
        let (offset, point) = (self.points.offset(index), self.points.get(index));
        if !self.is_full() && self.seen.insert(PointKey(point)) {
            self.candidates.push(Candidate { rank, offset, point: point.to_vec() });
        }
    }
}

/// The `count` best candidates of several splits, without any that equals a better one.
pub fn merge(lists: impl IntoIterator<Item = Vec<Candidate>>, count: usize) -> Vec<Candidate> {
    let mut all: Vec<Candidate> = lists.into_iter().flatten().collect();
    all.sort_by_key(|candidate| (candidate.rank, candidate.offset));
    let mut seen = BTreeSet::new();
    let first = all.iter().map(|candidate| seen.insert(PointKey(&candidate.point)));
    let first: Vec<bool> = first.collect();
    let kept = all.into_iter().zip(first).filter(|(_, first)| *first);
    kept.map(|(candidate, _)| candidate).take(count).collect()
}

/// Coordinates as a key of sets: equal if all of them are equal numbers.
struct PointKey<'a>(&'a [f64]);

impl Ord for PointKey<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        // Finite numbers compare; 0 and -0 are equal.
        self.0.partial_cmp(other.0).unwrap_or(Ordering::Equal)
    }
}

impl PartialOrd for PointKey<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for PointKey<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for PointKey<'_> {}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.rank, self.offset)?;
        self.point.iter().try_for_each(|x| write!(f, " {x:?}"))
    }
}

impl FromStr for Candidate {
    type Err = Error;

    fn from_str(text: &str) -> Result<Candidate, Error> {
        let mut words = text.split(' ');
        let mut number = || words.next()?.parse::<u64>().ok();
        let (rank, offset) = (number().ok_or(Error::NotCandidate)?, number());
        let offset = offset.ok_or(Error::NotCandidate)?;
        let point: Option<Vec<f64>> = words.map(|word| word.parse().ok()).collect();
        let point = point.filter(|point| (1..=MAX_DIMS).contains(&point.len()));
        let point = point.filter(|point| point.iter().all(|x| x.is_finite()));
        Ok(Candidate { rank, offset, point: point.ok_or(Error::NotCandidate)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::each_seed;

    #[test]
    fn the_best_candidates_do_not_depend_on_the_splits() {
        each_seed(|seed| {
            let (n, count) = (seed.below(40), seed.below(12));
            let values: Vec<f64> = (0..n).map(|_| seed.below(20) as f64).collect();
            let salt = seed.next_u64();
            let rank = |x: &[f64]| Some((x[0] as u64).wrapping_mul(salt) % 7);
            let part = |from: usize, to: usize| {
                let mut points = Points::new(1).unwrap();
                (from..to).for_each(|i| points.push(i as u64, &[values[i]]).unwrap());
                best(&points, count, |_, x| rank(x))
            };
            let cut = seed.below(n + 1);
            assert_eq!(part(0, n), merge([part(cut, n), part(0, cut)], count));
            let mut expected: Vec<(u64, usize)> =
                (0..n).map(|i| (rank(&[values[i]]).unwrap(), i)).collect();
            expected.sort_unstable();
            let mut seen = Vec::new();
            expected.retain(|(_, i)| {
                let new = !seen.contains(&values[*i]);
                seen.push(values[*i]);
                new
            });
            expected.truncate(count);
            let picked: Vec<_> =
                part(0, n).iter().map(|one| (one.rank, one.offset as usize)).collect();
            assert_eq!(picked, expected);
        });
    }

    #[test]
    fn text_parses_to_the_same_candidate_and_damaged_text_is_refused() {
        let candidate = Candidate { rank: u64::MAX, offset: 17, point: vec![0.1, -1e300] };
        assert_eq!(candidate.to_string().parse(), Ok(candidate));
        for text in ["", "1", "1 2", "1 2 nan", "1 2 inf", "-1 2 3", "1 2  3", "x 2 3"] {
            assert_eq!(text.parse::<Candidate>(), Err(Error::NotCandidate), "{text}");
        }
    }
}
