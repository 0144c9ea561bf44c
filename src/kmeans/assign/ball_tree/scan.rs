//! Kernels of the leaves: contenders against a ball, and the points of a leaf against few of them.

use super::super::simd::{Aligned, LANES, Lanes, Simd};

/// Blocks of a leaf.
pub(super) const BLOCKS: usize = 4;

/// A contender, seen from the center of a branch: `-2 g` and `|g|^2`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<const D: usize> {
    /// Its index among all centroids.
    pub(super) label: u32,
    weights: [f32; D],
    height: f32,
}

impl<const D: usize> Row<D> {
    /// At a place.
    #[inline(always)]
    pub(super) fn new(label: u32, place: [f64; D]) -> Row<D> {
        let place = place.map(|g| g as f32);
        let height: f64 = place.iter().map(|g| f64::from(*g) * f64::from(*g)).sum();
        Row { label, weights: place.map(|g| -2.0 * g), height: height as f32 }
    }
}

/// Some contenders, by place: each by itself, and as many side by side as there are lanes.
#[derive(Clone, Debug, Default)]
pub(super) struct Listed<const D: usize> {
    pub(super) rows: Vec<Row<D>>,
    weights: Vec<[Lanes; D]>,
    heights: Vec<Lanes>,
}

impl<const D: usize> Listed<D> {
    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.weights.clear();
        self.heights.clear();
    }

    pub(super) fn push(&mut self, row: Row<D>) {
        let lane = self.rows.len() % LANES;
        if lane == 0 {
            self.weights.push([Lanes::splat(0.0); D]);
            self.heights.push(Lanes::splat(f32::INFINITY));
        }
        if let (Some(weights), Some(heights)) = (self.weights.last_mut(), self.heights.last_mut()) {
            heights[lane] = row.height;
            for (lanes, weight) in weights.iter_mut().zip(row.weights) {
                lanes[lane] = weight;
            }
        }
        self.rows.push(row);
    }

    pub(super) fn scores(&self) -> Scores<'_, D> {
        Scores { weights: &self.weights, heights: &self.heights }
    }
}

/// Contenders side by side.
#[derive(Clone, Copy)]
pub(super) struct Scores<'a, const D: usize> {
    /// `-2 g`.
    pub(super) weights: &'a [[Lanes; D]],
    /// `|g|^2`, infinite where there is no contender.
    pub(super) heights: &'a [Lanes],
}

impl<const D: usize> Scores<'_, D> {
    /// Estimates for a place in space, a vector of them for each vector of contenders, and the two
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
        let groups = self.weights.iter().zip(self.heights);
        for ((weights, heights), scores) in groups.zip(scores) {
            let mut sums = simd.load(heights);
            for (z, weights) in center.iter().zip(weights) {
                sums = simd.mul_add(simd.splat(*z), simd.load(weights), sums);
            }
            second = simd.min(second, simd.max(best, sums));
            best = simd.min(best, sums);
            simd.store(sums, scores);
        }
        let (best, second) = simd.two_lowest(best, second);
        (simd.first(best), simd.first(second))
    }

    /// Lists the places whose score is at most this, in order.
    #[inline(always)]
    pub(super) fn up_to<S: Simd>(self, simd: S, scores: &[Lanes], most: f32, list: &mut Vec<u32>) {
        list.clear();
        for (group, scores) in scores.iter().take(self.heights.len()).enumerate() {
            let above = simd.less(simd.splat(most), simd.load(scores));
            let mut left = !simd.bits(above);
            while left != 0 {
                list.push((group * LANES) as u32 + left.trailing_zeros());
                left &= left - 1;
            }
        }
    }

    /// The lowest score above this.
    #[inline(always)]
    pub(super) fn next<S: Simd>(self, simd: S, scores: &[Lanes], most: f32) -> f32 {
        let mut next = simd.splat(f32::INFINITY);
        for scores in scores.iter().take(self.heights.len()) {
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
    for &place in list {
        let row = rows[place as usize];
        let label = simd.splat_integer(row.label);
        for block in 0..BLOCKS {
            let mut sum = simd.splat(row.height);
            for dim in 0..D {
                sum = simd.mul_add(simd.splat(row.weights[dim]), z[block][dim], sum);
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
