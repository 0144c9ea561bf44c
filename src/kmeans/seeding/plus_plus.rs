//! k-means++: each next centroid is a random point, with a probability proportional to its squared
//! distance from the nearest centroid so far.

use super::hash::{at_least, exponential, hash};
use crate::kmeans::{Candidate, Points, squared_distance};

/// A factor that exceeds the rounding errors of times and their bounds.
const SURELY: f64 = 1.0 + 1e-9;

/// The part of one split in k-means++.
///
/// Weighted sampling by an exponential race: every point draws an exponentially distributed time
/// and divides it by its weight; the earliest wins with a probability proportional to its weight
/// (the minimum of exponentials of rates `w` is the `i`th with probability `w_i / sum w`). So
/// splits need not know each other's weights, only the winners, and the result is a function of the
/// seed:
///
/// ```text
/// for round in 0..K:
///     winner = merge(each split's candidate(round), 1)
///     each split: add(winner)
/// ```
#[derive(Clone, Debug)]
pub struct PlusPlus {
    seed: u64,
    /// By point: the offset of its record.
    offsets: Vec<u64>,
    /// By point: the squared distance from the nearest centroid. Empty while there is none.
    distances: Vec<f64>,
}

impl PlusPlus {
    /// For these points, without a centroid.
    pub fn new(points: &Points, seed: u64) -> PlusPlus {
        let offsets = (0..points.len()).map(|index| points.offset(index)).collect();
        PlusPlus { seed, offsets, distances: Vec::new() }
    }

    /// The point of this split that wins the race of this round; `None` when all points lie on
    /// centroids. In round 0 all points have the same weight. `points` must be those of `new`, also
    /// below.
    pub fn candidate(&self, points: &Points, round: u64) -> Option<Candidate> {
        let mut winner: Option<(u64, u64, usize)> = None;
        let mut earliest = f64::INFINITY;
        for (index, &offset) in self.offsets.iter().enumerate() {
            let bits = hash(self.seed, round, offset);
            let rank = match self.distances.get(index) {
                None => bits,
                Some(0.0) => continue,
                // Most points have lost before their time is computed.
                Some(distance) if at_least(bits) > earliest * distance * SURELY => continue,
                // The bits of nonnegative numbers have the order of the numbers.
                Some(distance) => (exponential(bits) / distance).to_bits(),
            };
            if winner.is_none_or(|(best, before, _)| (rank, offset) < (best, before)) {
                winner = Some((rank, offset, index));
                earliest = f64::from_bits(rank);
            }
        }
        let (rank, offset, index) = winner?;
        Some(Candidate { rank, offset, point: points.get(index).to_vec() })
    }

    /// Updates the distances for another centroid.
    pub fn add(&mut self, points: &Points, centroid: &[f64]) {
        if self.distances.is_empty() {
            self.distances.resize(points.len(), f64::INFINITY);
        }
        match points.dims() {
            1 => few_coordinates::<1>(points, centroid, &mut self.distances),
            2 => few_coordinates::<2>(points, centroid, &mut self.distances),
            3 => few_coordinates::<3>(points, centroid, &mut self.distances),
            4 => few_coordinates::<4>(points, centroid, &mut self.distances),
            _ => {
                for (point, nearest) in points.iter().zip(&mut self.distances) {
                    *nearest = nearest.min(squared_distance(point, centroid));
                }
            }
        }
    }
}

/// The same for a constant number of coordinates, which the compiler can vectorize over points.
fn few_coordinates<const D: usize>(points: &Points, centroid: &[f64], distances: &mut [f64]) {
    let Some(centroid) = centroid.first_chunk::<D>() else { return };
    for (point, nearest) in points.rows::<D>().iter().zip(distances) {
        let distance = squared_distance(point, centroid);
        *nearest = if distance < *nearest { distance } else { *nearest };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kmeans::merge;

    fn points(values: &[f64], first: u64) -> Points {
        let mut points = Points::new(1).unwrap();
        (first..).zip(values).for_each(|(offset, x)| points.push(offset, &[*x]).unwrap());
        points
    }

    /// The first `k` centroids of these splits.
    fn picked(splits: &[Points], seed: u64, k: u64) -> Vec<f64> {
        let mut states: Vec<PlusPlus> =
            splits.iter().map(|points| PlusPlus::new(points, seed)).collect();
        let mut centroids = Vec::new();
        for round in 0..k {
            let parts = states.iter().zip(splits);
            let parts = parts.map(|(state, points)| state.candidate(points, round));
            let Some(winner) = merge([parts.flatten().collect()], 1).pop() else { break };
            centroids.push(winner.point[0]);
            let both = states.iter_mut().zip(splits);
            both.for_each(|(state, points)| state.add(points, &winner.point));
        }
        centroids
    }

    #[test]
    fn the_splits_have_no_effect() {
        let values: Vec<f64> =
            (0..100).map(|i| f64::from(i * i % 37) + f64::from(i) / 8.0).collect();
        let whole = picked(&[points(&values, 0)], 3, 8);
        let parts = [points(&values[40..], 40), points(&values[..7], 0), points(&values[7..40], 7)];
        assert_eq!(whole, picked(&parts, 3, 8));
        assert_ne!(whole, picked(&parts, 4, 8));
    }

    #[test]
    fn a_point_is_selected_in_proportion_to_its_squared_distance() {
        // After 0 the weights of 1, 2 and 3 are 1, 4 and 9 of 14; after 3, of 0, 1, 2: 9, 4, 1.
        let split = [points(&[0.0, 1.0, 2.0, 3.0], 0)];
        let mut counts = [[0; 4]; 4];
        for seed in 0..40_000 {
            let picked = picked(&split, seed, 2);
            counts[picked[0] as usize][picked[1] as usize] += 1;
        }
        for (first, weights) in [(0, [0, 1, 4, 9]), (3, [9, 4, 1, 0])] {
            let total: i32 = counts[first].iter().sum();
            assert!((9_700..10_300).contains(&total), "{counts:?}");
            for (count, weight) in counts[first].iter().zip(weights) {
                let expected = total * weight / 14;
                assert!((count - expected).abs() <= 250, "{counts:?}");
            }
        }
    }

    #[test]
    fn when_all_points_are_centroids_there_is_no_candidate() {
        assert_eq!(picked(&[points(&[1.0, 1.0, 2.0], 0)], 1, 5).len(), 2);
    }

    #[test]
    fn distances_beyond_the_largest_number_still_race() {
        assert_eq!(picked(&[points(&[1e300, -1e300, 0.0], 0)], 1, 3).len(), 3);
    }
}
