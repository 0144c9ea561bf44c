//! The kernel that estimates, in f32, the two nearest contenders of a group for several points.

use std::ops::Range;

use super::super::contenders::Contenders;
use super::super::estimate::{PADDING, PackedContenders, Tiles};
use super::super::simd::{Kernel, LANES, Simd, TAG_BITS};

/// The results for several points and one group, by point. With `z` a point and `g` a contender in
/// the frame, an estimate approximates `|g|^2 - 2 z g`, which is `|z - g|^2` without the `|z|^2`
/// that all contenders share.
#[derive(Clone, Debug)]
pub(super) struct Estimates {
    /// The position of the contender with the lowest estimate.
    pub(super) positions: Vec<u32>,
    /// The lowest estimate, and the lowest of the others.
    pub(super) best: Vec<f32>,
    pub(super) second: Vec<f32>,
}

/// The most points that are estimated together.
const MOST_TOGETHER: usize = 8;

impl Estimates {
    /// With space for `count` points, and for whole vectors written past the end.
    pub(super) fn of(count: usize) -> Estimates {
        let len = count + LANES;
        Estimates { positions: vec![0; len], best: vec![PADDING; len], second: vec![PADDING; len] }
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

/// Estimates several points against the packs of a group.
pub(super) struct Estimate<'a> {
    pub(super) contenders: &'a PackedContenders,
    pub(super) packs: Range<usize>,
    pub(super) dims: usize,
    /// By point, then coordinate.
    pub(super) points: &'a [f32],
    /// Indices of the points to estimate.
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
    /// `P` of the chosen points; fewer are filled up with the first of them.
    #[inline(always)]
    fn some<const P: usize>(&self, chosen: &[u32]) -> [&[f32]; P] {
        let mut points = [&self.points[..0]; P];
        for (position, point) in points.iter_mut().enumerate() {
            let index = chosen.get(position).unwrap_or(&chosen[0]);
            *point = &self.points[*index as usize * self.dims..][..self.dims];
        }
        points
    }

    /// `P` points at a time against the only pack: tags in the estimates name the contenders.
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

/// An estimate of one point and the contender at a position.
#[inline(always)]
pub(super) fn one<S: Simd>(simd: S, z: &[f32], contenders: &Contenders, position: usize) -> f32 {
    let neg2_centroid = &contenders.rows[position * z.len()..][..z.len()];
    let (chunks, rest) = z.as_chunks::<LANES>();
    let (neg2_chunks, neg2_rest) = neg2_centroid.as_chunks::<LANES>();
    let mut sums = simd.splat(0.0);
    for (z, neg2_centroid) in chunks.iter().zip(neg2_chunks) {
        sums = simd.mul_add(simd.load_any(z), simd.load_any(neg2_centroid), sums);
    }
    let rest: f32 = rest.iter().zip(neg2_rest).map(|(z, neg2)| z * neg2).sum();
    contenders.packs.sq_norms[position / LANES][position % LANES] + simd.sum(sums) + rest
}

#[cfg(test)]
mod tests {
    use super::super::super::exact_pair::{Pair, check_estimates};
    use super::*;

    /// The estimate of a pair, by itself.
    struct One<'a>(&'a Pair);

    impl Kernel for One<'_> {
        type Output = f32;

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> f32 {
            one(simd, &self.0.z, &self.0.contenders, 0)
        }
    }

    #[test]
    fn single_estimates_are_as_near_as_their_bound_says() {
        // Sixteen sums side by side are rounded far less often than the bound allows for.
        let tightness = [(1, 4.0), (2, 4.0), (8, 6.0), (24, 16.0), (64, 40.0), (784, 200.0)];
        check_estimates(&tightness, |level, pair| (level.run(One(pair)), pair.bounds));
    }

    #[test]
    fn tagged_estimates_are_as_near_as_their_bound_says() {
        let tightness = [1, 2, 8, 24, 64, 784].map(|dims| (dims, 4.0));
        check_estimates(&tightness, |level, pair| {
            let mut estimates = Estimates::of(1);
            level.run(Estimate {
                contenders: &pair.contenders.packs,
                packs: 0..1,
                dims: pair.z.len(),
                points: &pair.z,
                chosen: &[0],
                estimates: &mut estimates,
            });
            assert_eq!(estimates.positions[0], 0);
            (estimates.best[0], pair.bounds.tagged())
        });
    }
}
