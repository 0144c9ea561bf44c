//! The kernel that estimates, in f32, which two contenders of a band are nearest to each of some
//! points.

use std::ops::Range;

use super::super::estimate::{Groups, NOBODY, Tiles};
use super::super::simd::{Kernel, LANES, Simd, TAG_BITS};

/// Estimates of some points and a band, one after the other. With `z` a point and `g` a contender in
/// the frame, an estimate is one of `|g|^2 - 2 z g`, which is `|z - g|^2` without the `|z|^2` that all
/// contenders have.
#[derive(Clone, Debug)]
pub(super) struct Estimates {
    /// The places of the contenders with the lowest ones.
    pub(super) places: Vec<u32>,
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
        Estimates { places: vec![0; room], best: vec![NOBODY; room], second: vec![NOBODY; room] }
    }

    #[inline(always)]
    fn put<const P: usize>(&mut self, number: usize, places: [u32; P], two: ([f32; P], [f32; P])) {
        const { assert!(P <= MOST_TOGETHER && MOST_TOGETHER <= LANES) };
        self.places[number..][..P].copy_from_slice(&places);
        self.best[number..][..P].copy_from_slice(&two.0);
        self.second[number..][..P].copy_from_slice(&two.1);
    }
}

/// Estimates for some points and the groups of a band.
pub(super) struct Estimate<'a> {
    pub(super) contenders: &'a Groups,
    pub(super) groups: Range<usize>,
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
        match (S::HAS_MANY_REGISTERS, self.groups.len()) {
            (true, 1) => self.one_group::<S, MOST_TOGETHER>(simd),
            (true, _) => self.many_groups::<S, 4, 4>(simd),
            (false, 1) => self.one_group::<S, 4>(simd),
            (false, _) => self.many_groups::<S, 2, 2>(simd),
        }
    }
}

impl Estimate<'_> {
    /// `P` of the chosen points; the last ones are joined by one that was there before.
    #[inline(always)]
    fn some<const P: usize>(&self, chosen: &[u32]) -> [&[f32]; P] {
        let mut points = [&self.points[..0]; P];
        for (place, point) in points.iter_mut().enumerate() {
            let index = chosen.get(place).unwrap_or(&chosen[0]);
            *point = &self.points[*index as usize * self.dims..][..self.dims];
        }
        points
    }

    /// `P` points together against the only group: each estimate says itself whose it is.
    #[inline(always)]
    fn one_group<S: Simd, const P: usize>(&mut self, simd: S) {
        let (dims, group) = (self.dims, self.groups.start);
        let weights = &self.contenders.weights[group * dims..][..dims];
        let height = simd.load(&self.contenders.heights[group]);
        for (number, chosen) in self.chosen.chunks(P).enumerate() {
            let points: [&[f32]; P] = self.some(chosen);
            let mut sums = [height; P];
            for (dim, weights) in weights.iter().enumerate() {
                let weights = simd.load(weights);
                for point in 0..P {
                    sums[point] =
                        simd.mul_add(simd.splat(points[point][dim]), weights, sums[point]);
                }
            }
            for sum in &mut sums {
                *sum = simd.tag(*sum);
            }
            let two = simd.two_lowest_of_each(sums);
            let places = two.0.map(|best| (group * LANES) as u32 | best.to_bits() & TAG_BITS);
            self.estimates.put(number * P, places, two);
        }
    }

    /// `P` points against `G` groups at a time.
    #[inline(always)]
    fn many_groups<S: Simd, const P: usize, const G: usize>(&mut self, simd: S) {
        for (number, chosen) in self.chosen.chunks(P).enumerate() {
            let (mut places, mut best, mut second) = ([0; P], [0.0; P], [0.0; P]);
            let points = self.some(chosen);
            let few = self.tiles().few::<S, P, G>(simd, points);
            for (point, found) in few.into_iter().enumerate() {
                (places[point], best[point], second[point]) = found;
            }
            self.estimates.put(number * P, places, (best, second));
        }
    }

    #[inline(always)]
    fn tiles(&self) -> Tiles<'_> {
        Tiles { contenders: self.contenders, groups: self.groups.clone(), dims: self.dims }
    }
}
