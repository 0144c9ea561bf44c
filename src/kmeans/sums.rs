//! The exact sums of all clusters of a split, kept while points move between clusters.
//!
//! Each sum is a 128-bit fixed-point number. Its unit is a power of two, chosen for each coordinate
//! so that the sum of all points of the split cannot overflow. There are three representations, and
//! a split uses the first that holds all of its points:
//!
//! - *Split mantissas*: no bit of a coordinate is more than 84 places below the highest of any
//!   point, as it is with measurements. A coordinate is two integers of 42 bits, which a few f64
//!   operations take apart exactly, and sums of each half fit 64 bits for two million points, when
//!   they are added to the 128-bit integers.
//! - *Whole*: a coordinate is one 128-bit integer.
//! - *Wide*: where magnitudes differ too much (some 20 orders), a coordinate with bits below the
//!   unit goes into a superaccumulator beside the integer, which is slow and just as exact.

use std::collections::BTreeMap;

use super::exact::{Superaccumulator, decompose};
use super::extent::Extent;
use super::{Dyadic, Partial, Points};

/// Bits of a 128-bit sum below its sign, with one to spare.
const SUM_BITS: i32 = 126;

/// Bits of each half of a split mantissa.
const HALF_BITS: i32 = 42;

/// At least as many independent sums are computed at once.
const SIDE_BY_SIDE: usize = 32;

/// As many halves add up without overflow of 64 bits.
const MAX_PENDING: u64 = 1 << 20;

/// Adding it to a number below `2^51` leaves the nearest integer in the lowest bits.
const ROUNDER: f64 = 1.5 * (1_u64 << 52) as f64;

/// The units in which the coordinates of a split are integers.
#[derive(Clone, Debug)]
pub(super) struct FixedPointScale {
    /// By coordinate: the exponent of the unit.
    exponents: Vec<i32>,
    /// By coordinate: a power of two that scales it below `2^41`; empty unless mantissas are split.
    scales: Vec<f64>,
    /// Whether no coordinate of the split has bits below its unit.
    all_fit: bool,
}

/// The sum of some points of a split, with mantissas in two halves.
#[derive(Clone, Copy, Debug)]
pub(super) struct SplitMantissa<const D: usize> {
    high: [i64; D],
    low: [i64; D],
}

impl<const D: usize> SplitMantissa<D> {
    pub(super) const ZERO: SplitMantissa<D> = SplitMantissa { high: [0; D], low: [0; D] };
}

impl FixedPointScale {
    /// For `n` points of these extents.
    pub(super) fn new(extents: &[Extent], n: usize) -> FixedPointScale {
        let ranges: Vec<Range> = extents.iter().map(Range::of).collect();
        if ranges.iter().all(Range::splits_mantissas) {
            let unit = |range: &Range| range.top - 2 * HALF_BITS + 1;
            let scale = |range: &Range| power(HALF_BITS - 1 - range.top);
            return FixedPointScale {
                exponents: ranges.iter().map(unit).collect(),
                scales: ranges.iter().map(scale).collect(),
                all_fit: true,
            };
        }
        let n_bits = 64 - (n as u64).leading_zeros() as i32;
        let coarsest = |range: &Range| range.top + n_bits - SUM_BITS;
        FixedPointScale {
            exponents: ranges.iter().map(|range| range.bottom.max(coarsest(range))).collect(),
            scales: Vec::new(),
            all_fit: ranges.iter().all(|range| range.bottom >= coarsest(range)),
        }
    }

    /// Whether mantissas are split into halves.
    pub(super) fn splits_mantissas(&self) -> bool {
        !self.scales.is_empty()
    }

    /// Adds a point.
    #[inline]
    pub(super) fn add_to<const D: usize>(&self, sum: &mut SplitMantissa<D>, point: &[f64]) {
        for (dim, (x, scale)) in point.iter().zip(&self.scales).enumerate().take(D) {
            let (high, low) = halves(*x, *scale);
            sum.high[dim] += high;
            sum.low[dim] += low;
        }
    }

    /// The squares of all coordinates of all points, added up exactly.
    ///
    /// With split mantissas, a square is `high^2 * 2^84 + high * low * 2^43 + low^2` in squares of
    /// units, and 128 bits hold the sum of each part for any number of points.
    pub(super) fn squares(&self, points: &Points) -> Dyadic {
        if !self.splits_mantissas() {
            let mut total = Superaccumulator::default();
            points.coordinates().iter().for_each(|x| total.add_product(*x, *x));
            return total.into();
        }
        let mut parts = vec![[0; 3]; points.dims()];
        for point in points.iter() {
            for ((x, scale), parts) in point.iter().zip(&self.scales).zip(&mut parts) {
                let (high, low) = halves(*x, *scale);
                let (high, low) = (i128::from(high), i128::from(low));
                parts[0] += low * low;
                parts[1] += high * low;
                parts[2] += high * high;
            }
        }
        let mut total = Dyadic::ZERO;
        for (parts, exponent) in parts.into_iter().zip(&self.exponents) {
            let shifts = [0, HALF_BITS + 1, 2 * HALF_BITS];
            for (part, shift) in parts.into_iter().zip(shifts) {
                total += &Dyadic::scaled(part, 2 * exponent + shift);
            }
        }
        total
    }

    /// A coordinate of a point in units; `None` if it has bits below the unit.
    #[inline]
    fn integer(&self, dim: usize, x: f64) -> Option<i128> {
        let (negative, mantissa, exponent) = decompose(x);
        let shift = exponent - self.exponents[dim];
        if !self.all_fit && shift + (mantissa.trailing_zeros() as i32) < 0 {
            return None;
        }
        // A shift to the right loses zeros only, and that of 0 nothing.
        let magnitude = match shift {
            0.. => i128::from(mantissa).wrapping_shl(shift as u32),
            _ => i128::from(mantissa.wrapping_shr(-shift as u32)),
        };
        Some(if negative { -magnitude } else { magnitude })
    }
}

/// A coordinate as `high * 2^42 + low` units.
///
/// The scale brings it below `2^41` in multiples of `2^-42`. Adding and subtracting [`ROUNDER`]
/// gives the nearest integer; the rest is at most a half; both are exact.
#[inline(always)]
fn halves(x: f64, scale: f64) -> (i64, i64) {
    const BITS: i64 = ROUNDER.to_bits() as i64;
    let scaled = x * scale;
    let high = scaled + ROUNDER;
    let rest = scaled - (high - ROUNDER);
    let low = rest * (1_u64 << HALF_BITS) as f64 + ROUNDER;
    (high.to_bits() as i64 - BITS, low.to_bits() as i64 - BITS)
}

/// `2^exponent`, in the range of normal numbers.
fn power(exponent: i32) -> f64 {
    f64::from_bits(((1023 + exponent) as u64) << 52)
}

/// Counts and sums of the clusters of one split.
#[derive(Clone, Debug)]
pub(super) struct Sums {
    scale: FixedPointScale,
    counts: Vec<u64>,
    /// By cluster, then coordinate: the sums in units, without pending halves.
    integers: Vec<i128>,
    /// Pending halves, not yet added to `integers`; indexed like it.
    high: Vec<i64>,
    low: Vec<i64>,
    /// The number of pending points.
    pending: u64,
    /// Sums of coordinates with bits below the unit, by index in `integers`.
    wide: BTreeMap<usize, Superaccumulator>,
}

impl Sums {
    /// For `clusters` empty clusters.
    pub(super) fn new(scale: FixedPointScale, clusters: usize) -> Sums {
        let (integers, high, low) = Default::default();
        let (counts, wide) = Default::default();
        let mut sums = Sums { scale, counts, integers, high, low, pending: 0, wide };
        sums.reset(clusters);
        sums
    }

    /// Starts again with `clusters` empty clusters.
    pub(super) fn reset(&mut self, clusters: usize) {
        let positions = clusters * self.scale.exponents.len();
        let halves = if self.scale.splits_mantissas() { positions } else { 0 };
        self.counts = vec![0; clusters];
        self.integers = vec![0; positions];
        self.high = vec![0; halves];
        self.low = vec![0; halves];
        self.pending = 0;
        self.wide.clear();
    }

    /// The scale of the sums.
    pub(super) fn scale(&self) -> &FixedPointScale {
        &self.scale
    }

    /// The number of clusters.
    pub(super) fn clusters(&self) -> usize {
        self.counts.len()
    }

    /// Moves a point of the split to a cluster, from the one that it was in before, if any.
    #[inline(always)]
    pub(super) fn move_point(&mut self, from: Option<usize>, to: usize, point: &[f64]) {
        self.count(from, to, 1);
        let dims = point.len();
        if self.scale.splits_mantissas() {
            self.add_split(to, point, 1);
            if let Some(from) = from {
                self.add_split(from, point, -1);
            }
            return;
        }
        for (dim, x) in point.iter().enumerate() {
            self.move_coordinate(from.map(|from| from * dims + dim), to * dims + dim, dim, *x);
        }
    }

    /// Adds points to a cluster; none of them was in any.
    pub(super) fn add_all(&mut self, to: usize, points: &Points) {
        if !self.scale.splits_mantissas() {
            return points.iter().for_each(|point| self.move_point(None, to, point));
        }
        // Several points make a row, so that there are enough independent sums.
        let dims = points.dims();
        let width = dims * SIDE_BY_SIDE.div_ceil(dims);
        let scales: Vec<f64> = self.scale.scales.iter().copied().cycle().take(width).collect();
        for points in points.coordinates().chunks(dims * MAX_PENDING as usize) {
            let (mut high, mut low) = (vec![0; width], vec![0; width]);
            for row in points.chunks(width) {
                let sums = high.iter_mut().zip(&mut low).zip(row.iter().zip(&scales));
                for ((high, low), (x, scale)) in sums {
                    let halves = halves(*x, *scale);
                    *high += halves.0;
                    *low += halves.1;
                }
            }
            self.count(None, to, (points.len() / dims) as u64);
            for (position, (high, low)) in high.into_iter().zip(low).enumerate() {
                self.high[to * dims + position % dims] += high;
                self.low[to * dims + position % dims] += low;
            }
        }
    }

    #[inline(always)]
    fn add_split(&mut self, cluster: usize, point: &[f64], sign: i64) {
        let row = cluster * point.len()..(cluster + 1) * point.len();
        let sums = self.high[row.clone()].iter_mut().zip(&mut self.low[row]);
        for ((high, low), (x, scale)) in sums.zip(point.iter().zip(&self.scale.scales)) {
            let halves = halves(*x, *scale);
            *high += sign * halves.0;
            *low += sign * halves.1;
        }
    }

    fn move_coordinate(&mut self, from: Option<usize>, to: usize, dim: usize, x: f64) {
        match self.scale.integer(dim, x) {
            Some(integer) => {
                self.integers[to] += integer;
                if let Some(from) = from {
                    self.integers[from] -= integer;
                }
            }
            None => {
                self.wide.entry(to).or_default().add(x);
                if let Some(from) = from {
                    self.wide.entry(from).or_default().subtract(x);
                }
            }
        }
    }

    /// Moves `count` points, fewer than a million, whose sum is `sum`.
    #[inline]
    pub(super) fn move_points<const D: usize>(
        &mut self,
        from: Option<usize>,
        to: usize,
        count: u64,
        sum: &SplitMantissa<D>,
    ) {
        self.count(from, to, count);
        let (high, _) = self.high.as_chunks_mut::<D>();
        let (low, _) = self.low.as_chunks_mut::<D>();
        for dim in 0..D {
            high[to][dim] += sum.high[dim];
            low[to][dim] += sum.low[dim];
        }
        if let Some(from) = from {
            for dim in 0..D {
                high[from][dim] -= sum.high[dim];
                low[from][dim] -= sum.low[dim];
            }
        }
    }

    #[inline]
    fn count(&mut self, from: Option<usize>, to: usize, count: u64) {
        self.counts[to] += count;
        if let Some(from) = from {
            self.counts[from] -= count;
        }
        self.pending += count;
        if self.pending > MAX_PENDING {
            self.add_pending();
            self.pending = count;
        }
    }

    /// Adds the pending halves to the integers.
    fn add_pending(&mut self) {
        let halves = self.high.iter_mut().zip(&mut self.low);
        for (integer, (high, low)) in self.integers.iter_mut().zip(halves) {
            *integer +=
                (i128::from(std::mem::take(high)) << HALF_BITS) + i128::from(std::mem::take(low));
        }
    }

    /// The count and sum of the points of a cluster.
    pub(super) fn partial(&self, cluster: usize) -> Partial {
        let first = cluster * self.scale.exponents.len();
        let sums = self.scale.exponents.iter().enumerate().map(|(dim, exponent)| {
            let position = first + dim;
            let pending = |halves: &[i64]| i128::from(halves.get(position).copied().unwrap_or(0));
            let pending = (pending(&self.high) << HALF_BITS) + pending(&self.low);
            let mut sum = Dyadic::scaled(self.integers[position] + pending, *exponent);
            if let Some(wide) = self.wide.get(&position) {
                sum += &Dyadic::from(wide.clone());
            }
            sum
        });
        Partial::new(self.counts[cluster], sums.collect())
    }
}

/// Exponents: no bit of a coordinate stands for `2^top` or more, or for less than `2^bottom`.
struct Range {
    top: i32,
    bottom: i32,
}

impl Range {
    fn of(extent: &Extent) -> Range {
        match extent.largest() {
            0.0 => Range { top: 0, bottom: 0 },
            largest => {
                Range { top: decompose(largest).2 + 53, bottom: decompose(extent.smallest).2 }
            }
        }
    }

    /// Whether two halves hold all bits, and the scale is a normal number.
    fn splits_mantissas(&self) -> bool {
        self.bottom > self.top - 2 * HALF_BITS && (-900..900).contains(&self.top)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Seed, each_seed};

    fn scale(points: &Points) -> FixedPointScale {
        FixedPointScale::new(&Extent::of(points), points.len())
    }

    /// Coordinates of similar or of very different magnitudes.
    fn any_points(seed: &mut Seed) -> Points {
        let dims = 1 + seed.below(3);
        let spread = *seed.pick(&[1, 20, 45, 60, 120, 2_000]);
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
    fn sums_equal_those_of_adding_each_point_after_any_moves() {
        each_seed(|seed| {
            let points = any_points(seed);
            let clusters = 1 + seed.below(3);
            let mut sums = Sums::new(scale(&points), clusters);
            let mut labels: Vec<usize> = Vec::new();
            if seed.one_in(2) {
                labels = vec![seed.below(clusters); points.len()];
                sums.add_all(labels.first().copied().unwrap_or(0), &points);
            }
            for point in points.iter().skip(labels.len()) {
                labels.push(seed.below(clusters));
                sums.move_point(None, labels[labels.len() - 1], point);
            }
            for _ in 0..seed.below(2 * points.len() + 1) {
                let (index, to) = (seed.below(points.len()), seed.below(clusters));
                sums.move_point(Some(labels[index]), to, points.get(index));
                labels[index] = to;
            }
            // Moves a whole cluster at once.
            if sums.scale().splits_mantissas() && points.dims() == 2 && seed.one_in(2) {
                let (from, to) = (seed.below(clusters), seed.below(clusters));
                let mut together = SplitMantissa::<2>::ZERO;
                let mut count = 0;
                for (point, label) in points.iter().zip(&mut labels) {
                    if *label == from {
                        sums.scale().add_to(&mut together, point);
                        *label = to;
                        count += 1;
                    }
                }
                sums.move_points(Some(from), to, count, &together);
                if seed.one_in(2) {
                    sums.add_pending();
                }
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
    fn squares_equal_the_sum_of_each_product() {
        each_seed(|seed| {
            let points = any_points(seed);
            let mut expected = Superaccumulator::default();
            points.coordinates().iter().for_each(|x| expected.add_product(*x, *x));
            assert_eq!(scale(&points).squares(&points), expected.into());
        });
    }

    #[test]
    fn sums_of_the_largest_halves_do_not_overflow_before_they_are_added() {
        let mut points = Points::new(1).unwrap();
        points.push(0, &[1.0_f64.next_down()]).unwrap();
        points.push(1, &[f64::powi(2.0, -31).next_up()]).unwrap();
        let mut sums = Sums::new(scale(&points), 1);
        assert!(sums.scale().splits_mantissas());
        let n = 3 * MAX_PENDING + 17;
        for _ in 0..n {
            sums.move_point(None, 0, points.get(0));
            sums.move_point(None, 0, points.get(1));
        }
        let mut many = Points::new(1).unwrap();
        (0..n).for_each(|index| many.push(index, points.get(index as usize % 2)).unwrap());
        let mut at_once = Sums::new(scale(&many), 1);
        at_once.add_all(0, &many);
        let halves = [n.div_ceil(2), n / 2];
        let mut sum = Dyadic::new(points.get(0)[0]).times(halves[0]);
        sum += &Dyadic::new(points.get(1)[0]).times(halves[1]);
        assert_eq!(at_once.partial(0).sums(), [sum]);
        let mut expected = Dyadic::new(points.get(0)[0]).times(n);
        expected += &Dyadic::new(points.get(1)[0]).times(n);
        assert_eq!(sums.partial(0).sums(), [expected]);
    }

    #[test]
    fn ordinary_points_need_no_superaccumulator_and_wide_ones_are_exact_with_it() {
        let mut points = Points::new(1).unwrap();
        for (index, x) in [1e300, 1e-300, -1e300, 5e-324, 1.0].into_iter().enumerate() {
            points.push(index as u64, &[x]).unwrap();
        }
        let mut sums = Sums::new(scale(&points), 1);
        points.iter().for_each(|point| sums.move_point(None, 0, point));
        assert!(!sums.scale.all_fit && !sums.wide.is_empty());
        let mut expected = Partial::empty(1);
        [1e-300, 1.0, 5e-324, 1e300, -1e300].iter().for_each(|x| expected.add(&[*x]));
        assert_eq!(sums.partial(0), expected);
        let mut ordinary = Points::new(2).unwrap();
        (0..1_000).for_each(|index| {
            ordinary.push(index, &[index as f64 / 1e9, -1e12 - index as f64]).unwrap();
        });
        assert!(scale(&ordinary).splits_mantissas());
    }
}
