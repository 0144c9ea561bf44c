//! The kernel that estimates, in f32, the two nearest contenders of many points.

use std::ops::Range;

use super::error_bounds::ErrorBounds;
use super::simd::{Kernel, LANES, Lanes, Simd};

/// Contenders in packs: as many side by side as a vector has lanes.
#[derive(Clone, Debug, Default)]
pub(super) struct PackedContenders {
    /// By pack, then coordinate: `-2 g`.
    pub(super) neg2_centroids: Vec<Lanes>,
    /// By pack: `|g|^2`, and [`PADDING`] where there is no contender.
    pub(super) sq_norms: Vec<Lanes>,
}

/// The `|g|^2` of an absent contender: above any estimate.
pub(super) const PADDING: f32 = f32::MAX;

/// The results for as many points as a vector has lanes. With `z` a point and `g` a contender in
/// the frame, an estimate approximates `|g|^2 - 2 z g`, which is `|z - g|^2` without the `|z|^2`
/// that all contenders share.
#[derive(Clone, Debug)]
pub(super) struct Estimates {
    /// The position of the contender with the lowest estimate.
    pub(super) nearest: [u32; LANES],
    /// A lower bound on the distance to the second nearest contender less that to the nearest.
    pub(super) slack: Lanes,
    /// A bit for each point: whether its nearest contender is certain.
    pub(super) is_clear: u16,
}

impl Estimates {
    pub(super) const NONE: Estimates =
        Estimates { nearest: [0; LANES], slack: Lanes::splat(0.0), is_clear: 0 };
}

/// Estimates for some of the points of a split.
pub(super) struct Estimate<'a> {
    pub(super) contenders: &'a PackedContenders,
    pub(super) bounds: ErrorBounds,
    pub(super) dims: usize,
    /// By point, then coordinate.
    pub(super) points: &'a [f32],
    /// By point: `|z|^2`.
    pub(super) norms: &'a [f32],
    /// Indices of the points to estimate.
    pub(super) chosen: &'a [u32],
    /// One for each row of [`LANES`] points.
    pub(super) estimates: &'a mut [Estimates],
}

/// The two lowest estimates of some points.
struct TwoLowest {
    nearest: [u32; LANES],
    best: Lanes,
    second: Lanes,
}

impl Kernel for Estimate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let rows = self.chosen.chunks(LANES);
        let estimates = std::mem::take(&mut self.estimates);
        for (chosen, estimates) in rows.zip(estimates) {
            let none = Lanes::splat(0.0);
            let mut found = TwoLowest { nearest: [0; LANES], best: none, second: none };
            if S::HAS_MANY_REGISTERS {
                self.row::<S, 4, 4>(simd, chosen, &mut found);
            } else {
                self.row::<S, 2, 2>(simd, chosen, &mut found);
            }
            let mut norms = none;
            for (norm, index) in norms.iter_mut().zip(chosen) {
                *norm = self.norms[*index as usize];
            }
            finish(simd, self.bounds, &found, &norms, estimates);
        }
    }
}

impl Estimate<'_> {
    /// Up to [`LANES`] points, `P` of them at a time against `G` packs.
    #[inline(always)]
    fn row<S: Simd, const P: usize, const G: usize>(
        &self,
        simd: S,
        chosen: &[u32],
        found: &mut TwoLowest,
    ) {
        let mut lane = 0;
        for chosen in chosen.chunks(P) {
            // Fewer than `P` are filled up with the first of them, whose results are dropped.
            let point = |position: usize| {
                let index = chosen.get(position).unwrap_or(&chosen[0]);
                &self.points[*index as usize * self.dims..][..self.dims]
            };
            let points: [&[f32]; P] = std::array::from_fn(point);
            let tiles = Tiles {
                contenders: self.contenders,
                packs: 0..self.contenders.sq_norms.len(),
                dims: self.dims,
            };
            let few = tiles.few::<S, P, G>(simd, points);
            for (position, (nearest, best, second)) in few.into_iter().enumerate() {
                if position < chosen.len() {
                    found.nearest[lane + position] = nearest;
                    found.best[lane + position] = best;
                    found.second[lane + position] = second;
                }
            }
            lane += P;
        }
    }
}

/// A range of packs.
pub(super) struct Tiles<'a> {
    pub(super) contenders: &'a PackedContenders,
    pub(super) packs: Range<usize>,
    pub(super) dims: usize,
}

impl Tiles<'_> {
    /// For each point: the position of the contender with the lowest estimate, that estimate, and
    /// the lowest of the others. `G` packs are estimated at a time.
    #[inline(always)]
    pub(super) fn few<S: Simd, const P: usize, const G: usize>(
        &self,
        simd: S,
        points: [&[f32]; P],
    ) -> [(u32, f32, f32); P] {
        let mut lowest = Lowest::new(simd);
        let Range { start: mut first, end } = self.packs;
        while first + G <= end {
            self.tile::<S, P, G>(simd, points, first, &mut lowest);
            first += G;
        }
        while first + 2 <= end {
            self.tile::<S, P, 2>(simd, points, first, &mut lowest);
            first += 2;
        }
        while first < end {
            self.tile::<S, P, 1>(simd, points, first, &mut lowest);
            first += 1;
        }
        let mut few = [(0, PADDING, PADDING); P];
        for (point, few) in few.iter_mut().enumerate() {
            *few = lowest.of(simd, point);
        }
        few
    }

    /// `P` points against `G` packs: all sums stay in registers.
    #[inline(always)]
    fn tile<S: Simd, const P: usize, const G: usize>(
        &self,
        simd: S,
        points: [&[f32]; P],
        first: usize,
        lowest: &mut Lowest<S, P>,
    ) {
        let neg2_centroids: [&[Lanes]; G] = std::array::from_fn(|pack| {
            &self.contenders.neg2_centroids[(first + pack) * self.dims..][..self.dims]
        });
        let mut sums: [[S::Floats; G]; P] =
            [std::array::from_fn(|pack| simd.load(&self.contenders.sq_norms[first + pack])); P];
        for dim in 0..self.dims {
            let neg2_centroids: [S::Floats; G] =
                std::array::from_fn(|pack| simd.load(&neg2_centroids[pack][dim]));
            for point in 0..P {
                let z = simd.splat(points[point][dim]);
                for pack in 0..G {
                    sums[point][pack] = simd.mul_add(z, neg2_centroids[pack], sums[point][pack]);
                }
            }
        }
        for pack in 0..G {
            let name = simd.splat_integer((first + pack) as u32);
            for point in 0..P {
                lowest.offer(simd, point, sums[point][pack], name);
            }
        }
    }
}

/// By point and lane: the two lowest estimates, and the pack of the lowest one.
struct Lowest<S: Simd, const P: usize> {
    best: [S::Floats; P],
    second: [S::Floats; P],
    pack: [S::Integers; P],
}

impl<S: Simd, const P: usize> Lowest<S, P> {
    #[inline(always)]
    fn new(simd: S) -> Lowest<S, P> {
        let none = [simd.splat(PADDING); P];
        Lowest { best: none, second: none, pack: [simd.splat_integer(0); P] }
    }

    #[inline(always)]
    fn offer(&mut self, simd: S, point: usize, sums: S::Floats, name: S::Integers) {
        let is_best = simd.less(sums, self.best[point]);
        self.pack[point] = simd.select(is_best, name, self.pack[point]);
        self.second[point] = simd.min(self.second[point], simd.max(sums, self.best[point]));
        self.best[point] = simd.min(self.best[point], sums);
    }

    /// For one point: the position of the lowest estimate, that estimate, and the next.
    #[inline(always)]
    fn of(&self, simd: S, point: usize) -> (u32, f32, f32) {
        let (best, second) = simd.two_lowest(self.best[point], self.second[point]);
        let above = simd.bits(simd.less(best, self.best[point]));
        let lane = (!above).trailing_zeros() % LANES as u32;
        let mut packs = [0; LANES];
        simd.store_integers(self.pack[point], &mut packs);
        (packs[lane as usize] * LANES as u32 + lane, simd.first(best), simd.first(second))
    }
}

/// Derives certainty and slack from the two lowest estimates.
#[inline(always)]
fn finish<S: Simd>(
    simd: S,
    bounds: ErrorBounds,
    found: &TwoLowest,
    norms: &Lanes,
    estimates: &mut Estimates,
) {
    let (best, second) = (simd.load(&found.best), simd.load(&found.second));
    let clear = simd.less(simd.splat(2.0 * bounds.estimate as f32), simd.subtract(second, best));
    let norm = simd.load(norms);
    let error = simd.splat(3.0 * bounds.estimate as f32);
    let zero = simd.splat(0.0);
    let upper = simd.add(simd.max(simd.add(norm, best), zero), error);
    let lower = simd.max(simd.subtract(simd.add(norm, second), error), zero);
    let slack = simd.subtract(simd.square_root(lower), simd.square_root(upper));
    estimates.nearest = found.nearest;
    estimates.is_clear = simd.bits(clear);
    simd.store(simd.subtract(slack, simd.splat(bounds.distance as f32)), &mut estimates.slack);
}

#[cfg(test)]
mod tests {
    use super::super::exact_pair::{Pair, check_estimates};
    use super::*;

    /// The estimate of a pair.
    struct One<'a>(&'a Pair);

    impl Kernel for One<'_> {
        type Output = f32;

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> f32 {
            let One(pair) = self;
            let contenders = &pair.contenders.packs;
            let tiles = Tiles { contenders, packs: 0..1, dims: pair.z.len() };
            let [(_, estimate, _)] = tiles.few::<S, 1, 1>(simd, [&pair.z]);
            estimate
        }
    }

    #[test]
    fn estimates_are_as_near_as_their_bound_says() {
        let tightness = [1, 2, 3, 8, 24, 64, 784].map(|dims| (dims, 4.0));
        check_estimates(&tightness, |level, pair| (level.run(One(pair)), pair.bounds));
    }
}
