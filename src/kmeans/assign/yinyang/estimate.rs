//! The kernel that estimates, in f32, which two contenders of a group are nearest to each of some
//! points.

use std::ops::Range;

use super::super::estimate::{PADDING, PackedContenders, Tiles};
use super::super::simd::{Kernel, LANES, Simd, TAG_BITS};

/// Estimates of some points and a group, one after the other. With `z` a point and `g` a contender in
/// the frame, an estimate is one of `|g|^2 - 2 z g`, which is `|z - g|^2` without the `|z|^2` that all
/// contenders have.
#[derive(Clone, Debug)]
pub(super) struct Estimates {
    /// The positions of the contenders with the lowest ones.
    pub(super) positions: Vec<u32>,
    /// Those, and the lowest ones of the others.
    pub(super) best: Vec<f32>,
    pub(super) second: Vec<f32>,
}

/// Points that are estimated together at most.
const MOST_TOGETHER: usize = 8;

impl Estimates {
    /// With room for so many points, and some more that nobody asks for.
    pub(super) fn of(count: usize) -> Estimates {
        let room = count + LANES;
        Estimates {
            positions: vec![0; room],
            best: vec![PADDING; room],
            second: vec![PADDING; room],
        }
    }

    #[inline(always)]
    fn put<const P: usize>(
        &mut self,
        number: usize,
        positions: [u32; P],
        two: ([f32; P], [f32; P]),
    ) {
        const { assert!(P <= MOST_TOGETHER && MOST_TOGETHER <= LANES) };
        self.positions[number..][..P].copy_from_slice(&positions);
        self.best[number..][..P].copy_from_slice(&two.0);
        self.second[number..][..P].copy_from_slice(&two.1);
    }
}

/// Estimates for some points and the packs of a group.
pub(super) struct Estimate<'a> {
    pub(super) contenders: &'a PackedContenders,
    pub(super) packs: Range<usize>,
    pub(super) dims: usize,
    /// By point, then coordinate.
    pub(super) points: &'a [f32],
    /// Which points.
    pub(super) chosen: &'a [u32],
    pub(super) estimates: &'a mut Estimates,
}

impl Kernel for Estimate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        match (S::HAS_MANY_REGISTERS, self.packs.len()) {
            (true, 1) => self.one_pack::<S, MOST_TOGETHER>(simd),
            (true, _) => self.many_packs::<S, 4, 4>(simd),
            (false, 1) => self.one_pack::<S, 4>(simd),
            (false, _) => self.many_packs::<S, 2, 2>(simd),
        }
    }
}

impl Estimate<'_> {
    /// `P` of the chosen points; the last ones are joined by one that was there before.
    #[inline(always)]
    fn some<const P: usize>(&self, chosen: &[u32]) -> [&[f32]; P] {
        let mut points = [&self.points[..0]; P];
        for (position, point) in points.iter_mut().enumerate() {
            let index = chosen.get(position).unwrap_or(&chosen[0]);
            *point = &self.points[*index as usize * self.dims..][..self.dims];
        }
        points
    }

    /// `P` points together against the only pack: each estimate says itself whose it is.
    #[inline(always)]
    fn one_pack<S: Simd, const P: usize>(&mut self, simd: S) {
        let (dims, pack) = (self.dims, self.packs.start);
        let neg2_centroids = &self.contenders.neg2_centroids[pack * dims..][..dims];
        let sq_norm = simd.load(&self.contenders.sq_norms[pack]);
        for (number, chosen) in self.chosen.chunks(P).enumerate() {
            let points: [&[f32]; P] = self.some(chosen);
            let mut sums = [sq_norm; P];
            for (dim, neg2_centroids) in neg2_centroids.iter().enumerate() {
                let neg2_centroids = simd.load(neg2_centroids);
                for point in 0..P {
                    sums[point] =
                        simd.mul_add(simd.splat(points[point][dim]), neg2_centroids, sums[point]);
                }
            }
            for sum in &mut sums {
                *sum = simd.tag(*sum);
            }
            let two = simd.two_lowest_of_each(sums);
            let positions = two.0.map(|best| (pack * LANES) as u32 | best.to_bits() & TAG_BITS);
            self.estimates.put(number * P, positions, two);
        }
    }

    /// `P` points against `G` packs at a time.
    #[inline(always)]
    fn many_packs<S: Simd, const P: usize, const G: usize>(&mut self, simd: S) {
        for (number, chosen) in self.chosen.chunks(P).enumerate() {
            let (mut positions, mut best, mut second) = ([0; P], [0.0; P], [0.0; P]);
            let points = self.some(chosen);
            let few = self.tiles().few::<S, P, G>(simd, points);
            for (point, found) in few.into_iter().enumerate() {
                (positions[point], best[point], second[point]) = found;
            }
            self.estimates.put(number * P, positions, (best, second));
        }
    }

    #[inline(always)]
    fn tiles(&self) -> Tiles<'_> {
        Tiles { contenders: self.contenders, packs: self.packs.clone(), dims: self.dims }
    }
}
