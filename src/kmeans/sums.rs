//! The exact sums of all clusters of a split, kept while points move between clusters.
//!
//! Each sum is a 128-bit integer in units of a power of two, the *grain*, which is chosen for each
//! coordinate so that the sum of all points of the split cannot overflow. Mostly the grain is fine
//! enough for every bit of every point. Where magnitudes are too wide apart (some 20 orders of
//! magnitude), a coordinate with bits below the grain goes into a superaccumulator beside the
//! integer, which is slow and just as exact.

use std::collections::BTreeMap;

use super::exact::{Superaccumulator, decompose};
use super::{Dyadic, Partial, Points};

/// Bits of a 128-bit sum below its sign, with one to spare.
const SUM_BITS: i32 = 126;

/// Counts and sums of the clusters of one split.
#[derive(Clone, Debug)]
pub(super) struct Sums {
    counts: Vec<u64>,
    /// By cluster, then coordinate, in units of its grain.
    integers: Vec<i128>,
    /// What is finer than the grain, by place in `integers`.
    finer: BTreeMap<usize, Superaccumulator>,
    /// By coordinate: the power of two that is 1 in `integers`.
    grains: Vec<i32>,
    /// Whether no coordinate of the split is finer than its grain.
    all_fit: bool,
}

impl Sums {
    /// Of `clusters` clusters without points, for those of `points`.
    pub(super) fn new(points: &Points, clusters: usize) -> Sums {
        let ranges = ranges(points);
        let n_bits = 64 - (points.len() as u64).leading_zeros() as i32;
        let coarsest = |range: &Range| range.top + n_bits - SUM_BITS;
        Sums {
            counts: vec![0; clusters],
            integers: vec![0; clusters * points.dims()],
            finer: BTreeMap::new(),
            grains: ranges.iter().map(|range| range.bottom.max(coarsest(range))).collect(),
            all_fit: ranges.iter().all(|range| range.bottom >= coarsest(range)),
        }
    }

    /// How many clusters there are.
    pub(super) fn clusters(&self) -> usize {
        self.counts.len()
    }

    /// Adds a point of the split to a cluster.
    pub(super) fn add(&mut self, cluster: usize, point: &[f64]) {
        self.counts[cluster] += 1;
        self.add_signed(cluster, point, false);
    }

    /// Takes a point of the split, which was added before, from its cluster.
    pub(super) fn remove(&mut self, cluster: usize, point: &[f64]) {
        self.counts[cluster] -= 1;
        self.add_signed(cluster, point, true);
    }

    fn add_signed(&mut self, cluster: usize, point: &[f64], negate: bool) {
        let first = cluster * self.grains.len();
        let row = &mut self.integers[first..first + point.len()];
        for (index, ((sum, x), grain)) in row.iter_mut().zip(point).zip(&self.grains).enumerate() {
            let (negative, mantissa, exponent) = decompose(*x);
            let shift = exponent - grain;
            if self.all_fit || shift + mantissa.trailing_zeros() as i32 >= 0 {
                // A shift to the right loses zeros only, and that of 0 nothing.
                let magnitude = match shift {
                    0.. => i128::from(mantissa).wrapping_shl(shift as u32),
                    _ => i128::from(mantissa.wrapping_shr(-shift as u32)),
                };
                *sum += if negative != negate { -magnitude } else { magnitude };
            } else {
                let finer = self.finer.entry(first + index).or_default();
                finer.add(if negate { -x } else { *x });
            }
        }
    }

    /// What the points of a cluster add up to.
    pub(super) fn partial(&self, cluster: usize) -> Partial {
        let first = cluster * self.grains.len();
        let sums = self.grains.iter().enumerate().map(|(index, grain)| {
            let mut sum = Dyadic::scaled(self.integers[first + index], *grain);
            if let Some(finer) = self.finer.get(&(first + index)) {
                sum += &Dyadic::from(finer.clone());
            }
            sum
        });
        Partial::new(self.counts[cluster], sums.collect())
    }
}

/// Powers of two: no bit of a coordinate stands for `2^top` or more, or for less than `2^bottom`.
struct Range {
    top: i32,
    bottom: i32,
}

fn ranges(points: &Points) -> Vec<Range> {
    let mut smallest = vec![f64::INFINITY; points.dims()];
    let mut largest = vec![0.0; points.dims()];
    for point in points.iter() {
        for ((x, smallest), largest) in point.iter().zip(&mut smallest).zip(&mut largest) {
            let magnitude = x.abs();
            *largest = f64::max(magnitude, *largest);
            let not_zero = if magnitude == 0.0 { f64::INFINITY } else { magnitude };
            *smallest = f64::min(not_zero, *smallest);
        }
    }
    let range = |(smallest, largest): (f64, f64)| match largest {
        0.0 => Range { top: 0, bottom: 0 },
        _ => Range { top: decompose(largest).2 + 53, bottom: decompose(smallest).2 },
    };
    smallest.into_iter().zip(largest).map(range).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Seed, each_seed};

    /// Coordinates that are like each other, or not at all.
    fn any_points(seed: &mut Seed) -> Points {
        let dims = 1 + seed.below(3);
        let spread = *seed.pick(&[1, 20, 60, 120, 2_000]);
        let mut points = Points::new(dims).unwrap();
        for index in 0..seed.below(30) {
            let point: Vec<f64> = (0..dims)
                .map(|dim| {
                    let exponent = seed.below(spread) as i32 * [1, -1][dim % 2];
                    let x = seed.below(1 << 20) as f64 * f64::powi(2.0, exponent / 2);
                    let x = x * f64::powi(2.0, exponent - exponent / 2);
                    let x = if x.is_finite() { x } else { 0.0 };
                    if seed.one_in(2) { -x } else { x }
                })
                .collect();
            points.push(index as u64, &point).unwrap();
        }
        points
    }

    #[test]
    fn sums_are_those_of_adding_each_point_however_they_moved() {
        each_seed(|seed| {
            let points = any_points(seed);
            let clusters = 1 + seed.below(3);
            let mut sums = Sums::new(&points, clusters);
            let mut labels: Vec<usize> = Vec::new();
            for point in points.iter() {
                labels.push(seed.below(clusters));
                sums.add(labels[labels.len() - 1], point);
            }
            for _ in 0..seed.below(2 * points.len() + 1) {
                let (index, to) = (seed.below(points.len()), seed.below(clusters));
                sums.remove(labels[index], points.get(index));
                sums.add(to, points.get(index));
                labels[index] = to;
            }
            for cluster in 0..clusters {
                let mut expected = Partial::empty(points.dims());
                let members = points.iter().zip(&labels).filter(|(_, label)| **label == cluster);
                members.for_each(|(point, _)| expected.add(point));
                assert_eq!(sums.partial(cluster), expected);
            }
        });
    }

    #[test]
    fn ordinary_points_need_no_superaccumulator_and_wide_ones_are_exact_with_it() {
        let mut points = Points::new(1).unwrap();
        for (index, x) in [1e300, 1e-300, -1e300, 5e-324, 1.0].into_iter().enumerate() {
            points.push(index as u64, &[x]).unwrap();
        }
        let mut sums = Sums::new(&points, 1);
        points.iter().for_each(|point| sums.add(0, point));
        assert!(!sums.all_fit && !sums.finer.is_empty());
        let mut expected = Partial::empty(1);
        [1e-300, 1.0, 5e-324, 1e300, -1e300].iter().for_each(|x| expected.add(&[*x]));
        assert_eq!(sums.partial(0), expected);
        let mut ordinary = Points::new(2).unwrap();
        (0..1_000).for_each(|index| {
            ordinary.push(index, &[index as f64 / 1e9, -1e12 - index as f64]).unwrap();
        });
        assert!(Sums::new(&ordinary, 1).all_fit);
    }
}
