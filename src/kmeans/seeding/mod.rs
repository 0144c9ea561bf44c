//! The first centroids: points of the input, selected by a seed.
//!
//! The selection depends only on the seed, the points and the offsets of their records: random
//! numbers are hashes of seed and offset ([`hash`]), so they are the same for any number of splits,
//! in any order. All first centroids differ: of equal points at most one is selected.
//!
//! - [`random`]: the points with the lowest hashes; every set of `K` different points is equally
//!   likely (but for their multiplicity: a point that stands in the input twice has two chances).
//! - [`PlusPlus`]: k-means++ (D. Arthur and S. Vassilvitskii, *k-means++: the advantages of careful
//!   seeding*, 2007), one point in each round.

mod hash;
mod plus_plus;

pub use plus_plus::PlusPlus;

use super::{Candidate, Centroids, Error, Points, candidate};
pub(super) use hash::hash;

/// The candidates of one split for `count` random points: those with the lowest hashes.
pub fn random(points: &Points, seed: u64, count: usize) -> Vec<Candidate> {
    candidate::best(points, count, |index, _| Some(hash(seed, 0, points.offset(index))))
}

/// The selected points as the first centroids, in the order of selection; there must be at least
/// `k`.
pub fn centroids(picked: &[Candidate], k: usize) -> Result<Centroids, Error> {
    let (Some(first), true) = (picked.first(), picked.len() >= k) else {
        return Err(Error::TooFewPoints { distinct: picked.len(), k });
    };
    let dims = first.point.len();
    let mut coordinates = Vec::with_capacity(k * dims);
    for candidate in picked.iter().take(k) {
        if candidate.point.len() != dims {
            return Err(Error::DimsDiffer { expected: dims, found: candidate.point.len() });
        }
        coordinates.extend_from_slice(&candidate.point);
    }
    Centroids::new(dims, coordinates)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kmeans::merge;

    fn points(values: impl IntoIterator<Item = (u64, f64)>) -> Points {
        let mut points = Points::new(1).unwrap();
        values.into_iter().for_each(|(offset, x)| points.push(offset, &[x]).unwrap());
        points
    }

    #[test]
    fn random_points_depend_on_the_seed_and_not_on_the_splits() {
        let values = |from: u64, to: u64| (from..to).map(|i| (i * 17, i as f64));
        let whole = random(&points(values(0, 1_000)), 5, 10);
        let parts = [(600, 1_000), (0, 1), (1, 600)];
        let parts = parts.map(|(from, to)| random(&points(values(from, to)), 5, 10));
        assert_eq!(whole, merge(parts, 10));
        assert_ne!(whole, random(&points(values(0, 1_000)), 6, 10));
        // A smaller selection is a prefix of a larger one.
        assert_eq!(random(&points(values(0, 1_000)), 5, 4), whole[..4]);
    }

    #[test]
    fn every_point_is_picked_equally_often() {
        let mut picked = [0; 10];
        for seed in 0..10_000 {
            let all = random(&points((0..10).map(|i| (i * 8, i as f64))), seed, 3);
            all.iter().for_each(|one| picked[one.point[0] as usize] += 1);
        }
        // 3,000 expected, standard deviation 46.
        assert!(picked.iter().all(|count| (2_800..3_200).contains(count)), "{picked:?}");
    }

    #[test]
    fn equal_points_are_picked_once_and_too_few_are_an_error() {
        let twice = points((0..100).map(|i| (i, (i % 4) as f64 * 0.0 + (i % 2) as f64)));
        let picked = random(&twice, 1, 5);
        assert_eq!(picked.len(), 2);
        assert_eq!(centroids(&picked, 3), Err(Error::TooFewPoints { distinct: 2, k: 3 }));
        assert_eq!(centroids(&picked, 2).map(|all| all.len()), Ok(2));
        assert_eq!(centroids(&[], 1), Err(Error::TooFewPoints { distinct: 0, k: 1 }));
        // 0 and -0 are equal.
        assert_eq!(random(&points([(0, 0.0), (1, -0.0)]), 1, 2).len(), 1);
    }
}
