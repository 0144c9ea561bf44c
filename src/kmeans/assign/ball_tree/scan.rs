//! Kernels of the leaves: contenders against a ball, and the points of a leaf against few of them.

use super::super::simd::{Aligned, LANES, Lanes, Simd};

/// Blocks of a leaf.
pub(super) const BLOCKS: usize = 4;

/// A contender, seen from the center of a branch: `-2 g` and `|g|^2`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<const D: usize> {
    /// Its index among all centroids.
    pub(super) label: u32,
    neg2_centroids: [f32; D],
    sq_norm: f32,
}

impl<const D: usize> Row<D> {
    /// At a position.
    #[inline(always)]
    pub(super) fn new(label: u32, position: [f64; D]) -> Row<D> {
        let position = position.map(|g| g as f32);
        let sq_norm: f64 = position.iter().map(|g| f64::from(*g) * f64::from(*g)).sum();
        Row { label, neg2_centroids: position.map(|g| -2.0 * g), sq_norm: sq_norm as f32 }
    }
}

/// Some contenders, by position: each by itself, and as many side by side as there are lanes.
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

/// Contenders side by side.
#[derive(Clone, Copy)]
pub(super) struct PackedRows<'a, const D: usize> {
    /// `-2 g`.
    pub(super) neg2_centroids: &'a [[Lanes; D]],
    /// `|g|^2`, infinite where there is no contender.
    pub(super) sq_norms: &'a [Lanes],
}

impl<const D: usize> PackedRows<'_, D> {
    /// Estimates for a position in space, a vector of them for each vector of contenders, and the two
    /// lowest. There must be room for as many vectors.
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

    /// Lists the positions whose score is at most this, in order.
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

    /// The lowest score above this.
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

/// What was found of the points of a leaf: a bit for each.
pub(super) struct Found {
    /// Whether its label differs from the one before.
    pub(super) changed: u64,
    /// Whether it is surely right.
    pub(super) clear: u64,
}

/// Labels each point of a leaf with that of the listed contenders whose estimate is the lowest,
/// surely if no other one comes nearer than `gap`.
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
