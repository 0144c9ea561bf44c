//! Kernels of the ball tree: contenders against a center, and the points of a leaf against a few.

use super::super::simd::{Aligned, LANES, Lanes, Simd};

/// The blocks of a leaf.
pub(super) const BLOCKS: usize = 4;

/// A contender relative to the center of a branch: `-2 g` and `|g|^2`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<const D: usize> {
    /// Its index among all centroids.
    pub(super) label: u32,
    neg2_centroids: [f32; D],
    sq_norm: f32,
}

impl<const D: usize> Row<D> {
    /// From its position `g`.
    #[inline(always)]
    pub(super) fn new(label: u32, position: [f64; D]) -> Row<D> {
        let position = position.map(|g| g as f32);
        let sq_norm: f64 = position.iter().map(|g| f64::from(*g) * f64::from(*g)).sum();
        Row { label, neg2_centroids: position.map(|g| -2.0 * g), sq_norm: sq_norm as f32 }
    }
}

/// A list of contenders, both one by one and packed.
#[derive(Clone, Debug, Default)]
pub(super) struct ContenderList<const D: usize> {
    pub(super) rows: Vec<Row<D>>,
    neg2_centroids: Vec<[Lanes; D]>,
    sq_norms: Vec<Lanes>,
}

impl<const D: usize> ContenderList<D> {
    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.neg2_centroids.clear();
        self.sq_norms.clear();
    }

    pub(super) fn push(&mut self, row: Row<D>) {
        let lane = self.rows.len() % LANES;
        if lane == 0 {
            self.neg2_centroids.push([Lanes::splat(0.0); D]);
            self.sq_norms.push(Lanes::splat(f32::INFINITY));
        }
        if let (Some(neg2_centroids), Some(sq_norms)) =
            (self.neg2_centroids.last_mut(), self.sq_norms.last_mut())
        {
            sq_norms[lane] = row.sq_norm;
            for (lanes, neg2_coordinate) in neg2_centroids.iter_mut().zip(row.neg2_centroids) {
                lanes[lane] = neg2_coordinate;
            }
        }
        self.rows.push(row);
    }

    pub(super) fn scores(&self) -> PackedRows<'_, D> {
        PackedRows { neg2_centroids: &self.neg2_centroids, sq_norms: &self.sq_norms }
    }
}

/// Packed contenders.
#[derive(Clone, Copy)]
pub(super) struct PackedRows<'a, const D: usize> {
    /// `-2 g`.
    pub(super) neg2_centroids: &'a [[Lanes; D]],
    /// `|g|^2`, infinite where there is no contender.
    pub(super) sq_norms: &'a [Lanes],
}

impl<const D: usize> PackedRows<'_, D> {
    /// Estimates for a center: one vector in `scores` for each pack. Returns the two lowest
    /// estimates. `scores` must have at least as many vectors.
    #[inline(always)]
    pub(super) fn of<S: Simd>(
        self,
        simd: S,
        center: &[f32; D],
        scores: &mut [Lanes],
    ) -> (f32, f32) {
        let mut best = simd.splat(f32::INFINITY);
        let mut second = best;
        let packs = self.neg2_centroids.iter().zip(self.sq_norms);
        for ((neg2_centroids, sq_norms), scores) in packs.zip(scores) {
            let mut sums = simd.load(sq_norms);
            for (z, neg2_centroids) in center.iter().zip(neg2_centroids) {
                sums = simd.mul_add(simd.splat(*z), simd.load(neg2_centroids), sums);
            }
            second = simd.min(second, simd.max(best, sums));
            best = simd.min(best, sums);
            simd.store(sums, scores);
        }
        let (best, second) = simd.two_lowest(best, second);
        (simd.first(best), simd.first(second))
    }

    /// Lists the positions whose score is at most `most`, in order.
    #[inline(always)]
    pub(super) fn list_up_to<S: Simd>(
        self,
        simd: S,
        scores: &[Lanes],
        most: f32,
        list: &mut Vec<u32>,
    ) {
        list.clear();
        for (pack, scores) in scores.iter().take(self.sq_norms.len()).enumerate() {
            let above = simd.less(simd.splat(most), simd.load(scores));
            let mut left = !simd.bits(above);
            while left != 0 {
                list.push((pack * LANES) as u32 + left.trailing_zeros());
                left &= left - 1;
            }
        }
    }

    /// The lowest score above `most`.
    #[inline(always)]
    pub(super) fn lowest_above<S: Simd>(self, simd: S, scores: &[Lanes], most: f32) -> f32 {
        let mut next = simd.splat(f32::INFINITY);
        for scores in scores.iter().take(self.sq_norms.len()) {
            next = simd.min(next, simd.above(simd.load(scores), simd.splat(most)));
        }
        simd.first(simd.two_lowest(next, next).0)
    }
}

/// Labels of the points of a leaf.
pub(super) type Labels = Aligned<[u32; BLOCKS * LANES]>;

/// The results for the points of a leaf: a bit for each.
pub(super) struct Found {
    /// Whether its label has changed.
    pub(super) changed: u64,
    /// Whether its label is certain.
    pub(super) clear: u64,
}

/// Labels each point of a leaf with the listed contender of the lowest estimate. The label is
/// certain if all other estimates are higher by more than `gap`.
#[inline(always)]
pub(super) fn nearest<S: Simd, const D: usize>(
    simd: S,
    blocks: &[[Lanes; D]; BLOCKS],
    rows: &[Row<D>],
    list: &[u32],
    gap: f32,
    before: &Labels,
    labels: &mut Labels,
) -> Found {
    let z: [[S::Floats; D]; BLOCKS] =
        std::array::from_fn(|block| std::array::from_fn(|dim| simd.load(&blocks[block][dim])));
    let mut best = [simd.splat(f32::INFINITY); BLOCKS];
    let mut second = best;
    let mut nearest = [simd.splat_integer(0); BLOCKS];
    for &position in list {
        let row = rows[position as usize];
        let label = simd.splat_integer(row.label);
        for block in 0..BLOCKS {
            let mut sum = simd.splat(row.sq_norm);
            for dim in 0..D {
                sum = simd.mul_add(simd.splat(row.neg2_centroids[dim]), z[block][dim], sum);
            }
            let is_best = simd.less(sum, best[block]);
            nearest[block] = simd.select(is_best, label, nearest[block]);
            second[block] = simd.min(second[block], simd.max(sum, best[block]));
            best[block] = simd.min(best[block], sum);
        }
    }
    let mut found = Found { changed: 0, clear: 0 };
    let (before, _) = before.as_chunks::<LANES>();
    let (labels, _) = labels.as_chunks_mut::<LANES>();
    for block in 0..BLOCKS {
        simd.store_integers(nearest[block], &mut labels[block]);
        let differences = simd.differences(nearest[block], simd.load_integers(&before[block]));
        found.changed |= u64::from(differences) << (block * LANES);
        let far = simd.less(simd.splat(gap), simd.subtract(second[block], best[block]));
        found.clear |= u64::from(simd.bits(far)) << (block * LANES);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::super::exact_pair::{Pair, check_estimates};
    use super::super::super::simd::{Kernel, Level};
    use super::*;

    /// The estimate of a pair, as the leaves' centers have it and as their points do.
    struct One<'a, const D: usize>(&'a Pair);

    impl<const D: usize> Kernel for One<'_, D> {
        type Output = f32;

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> f32 {
            let One(pair) = self;
            let (z, g) = (pair.z.first_chunk::<D>().unwrap(), pair.g.first_chunk::<D>().unwrap());
            let mut list = ContenderList::default();
            list.push(Row::new(0, *g));
            let mut scores = [Lanes::splat(0.0)];
            let (best, second) = list.scores().of(simd, z, &mut scores);
            assert_eq!((best, second), (scores[0][0], f32::INFINITY));
            best
        }
    }

    #[test]
    fn estimates_are_as_near_as_their_bound_says() {
        let check = |tightness, estimate: fn(Level, &Pair) -> f32| {
            check_estimates(&[tightness], |level, pair| (estimate(level, pair), pair.bounds));
        };
        check((1, 4.0), |level, pair| level.run(One::<1>(pair)));
        check((2, 4.0), |level, pair| level.run(One::<2>(pair)));
        check((3, 4.0), |level, pair| level.run(One::<3>(pair)));
        check((6, 4.0), |level, pair| level.run(One::<6>(pair)));
    }
}
