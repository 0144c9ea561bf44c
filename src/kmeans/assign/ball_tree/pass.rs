//! One assignment of all leaves.

use super::super::error_bounds::ErrorBounds;
use super::super::simd::{Aligned, Kernel, Lanes, Simd};
use super::super::strategy::{NONE, PassInput};
use super::build::norm;
use super::scan::{self, ContenderList, PackedRows, Row};
use super::{BRANCH, BallTree, LEAF, MIXED};
use crate::kmeans::squared_distance;
use crate::kmeans::sums::SplitMantissa;

/// An assignment in progress.
pub(super) struct Pass<'a, const D: usize> {
    leaves: &'a mut BallTree<D>,
    input: PassInput<'a>,
    /// The contenders that can win inside the branch, relative to its center.
    near: ContenderList<D>,
    /// Of estimates inside the branch.
    bounds: ErrorBounds,
    /// A lower bound on the distance to any unlisted contender less that to the winner, inside the
    /// branch.
    rest: f64,
    scores: Vec<Lanes>,
    /// Positions among the near contenders.
    list: Vec<u32>,
    moved: u64,
}

impl<const D: usize> Kernel for Pass<'_, D> {
    type Output = u64;

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) -> u64 {
        for branch in 0..self.leaves.branches.len() {
            let first = branch * BRANCH;
            let end = (first + BRANCH).min(self.leaves.balls.len());
            let mut is_listed = false;
            for leaf in first..end {
                let label = self.leaves.leaf_labels[leaf];
                if self.leaves.limits[leaf] > self.input.drift.threshold(label) {
                    continue;
                }
                if !is_listed {
                    self.list_near_contenders(simd, branch);
                    is_listed = true;
                }
                self.assign_leaf(simd, leaf);
            }
        }
        self.moved
    }
}

impl<'a, const D: usize> Pass<'a, D> {
    pub(super) fn new(leaves: &'a mut BallTree<D>, input: PassInput<'a>) -> Pass<'a, D> {
        let packs = input.contenders.packs.sq_norms.len();
        Pass {
            leaves,
            bounds: input.bounds,
            input,
            near: ContenderList::default(),
            rest: 0.0,
            scores: vec![Lanes::splat(0.0); packs],
            list: Vec::new(),
            moved: 0,
        }
    }

    /// Lists the contenders that can win a point of a branch.
    #[inline(always)]
    fn list_near_contenders<S: Simd>(&mut self, simd: S, branch: usize) {
        let branch = self.leaves.branches[branch];
        let PassInput { contenders, bounds, frame, centroids, .. } = &self.input;
        let all = PackedRows {
            neg2_centroids: contenders.packs.neg2_centroids.as_chunks().0,
            sq_norms: &contenders.packs.sq_norms,
        };
        let (best, _) = all.of(simd, &branch.center, &mut self.scores);
        let norm = norm(&branch.center);
        let max_distance =
            bounds.max_distance(norm + f64::from(best)) + 2.0 * branch.radius + bounds.distance;
        // A few more are listed, so that the others stay farther for several iterations.
        let most = bounds.max_estimate(max_distance + branch.radius, norm);
        all.list_up_to(simd, &self.scores, most, &mut self.list);
        let next = all.lowest_above(simd, &self.scores, most);
        self.rest = bounds.min_distance(norm + f64::from(next)) - max_distance;
        self.near.clear();
        let mut square: f64 = 0.0;
        for position in &self.list {
            let label = contenders.indices[*position as usize];
            let centroid = centroids.get(label as usize).first_chunk();
            let Some(centroid) = centroid else { return };
            let position = branch.transform(centroid, frame);
            square = square.max(position.iter().map(|g| g * g).sum());
            self.near.push(Row::new(label, position));
        }
        self.bounds = ErrorBounds::new(D, branch.radius, square.sqrt() * (1.0 + 1e-6));
    }

    #[inline(always)]
    fn assign_leaf<S: Simd>(&mut self, simd: S, leaf: usize) {
        let ball = self.leaves.balls[leaf];
        let near = self.near.scores();
        let (best, second) = near.of(simd, &ball.center, &mut self.scores);
        let norm = norm(&ball.center);
        let bounds = self.bounds;
        let max_distance = bounds.max_distance(norm + f64::from(best))
            + 2.0 * f64::from(ball.radius)
            + bounds.distance;
        near.list_up_to(
            simd,
            &self.scores,
            bounds.max_estimate(max_distance, norm),
            &mut self.list,
        );
        if let [position] = self.list[..] {
            let label = self.near.rows[position as usize].label;
            let slack =
                (bounds.min_distance(norm + f64::from(second)) - max_distance).min(self.rest);
            self.leaves.limits[leaf] = self.input.drift.limit(label, slack);
            self.label_leaf(leaf, label);
        } else {
            self.label_points(simd, leaf);
        }
    }

    /// Gives all points of a leaf one label.
    fn label_leaf(&mut self, leaf: usize, label: u32) {
        let before = std::mem::replace(&mut self.leaves.leaf_labels[leaf], label);
        if before == label {
            return;
        }
        let count = self.leaves.count(leaf);
        if let (Some(sum), true) = (self.leaves.sums.get(leaf), before != MIXED) {
            let from = (before != NONE).then_some(before as usize);
            self.input.sums.move_points(from, label as usize, count as u64, sum);
            self.moved += count as u64;
            return;
        }
        for lane in 0..count {
            let before = if before == MIXED { self.leaves.labels[leaf][lane] } else { before };
            if before != label {
                self.move_point(leaf * LEAF + lane, before, label);
            }
        }
    }

    #[inline(always)]
    fn label_points<S: Simd>(&mut self, simd: S, leaf: usize) {
        let before = match std::mem::replace(&mut self.leaves.leaf_labels[leaf], MIXED) {
            MIXED => self.leaves.labels[leaf],
            label => Aligned([label; LEAF]),
        };
        let mut labels = Aligned([NONE; LEAF]);
        let gap = 2.0 * self.bounds.estimate as f32;
        let blocks = &self.leaves.blocks[leaf];
        let mut found =
            scan::nearest(simd, blocks, &self.near.rows, &self.list, gap, &before, &mut labels);
        let all = u64::MAX >> (LEAF - self.leaves.count(leaf));
        let mut unclear = !found.clear & all;
        while unclear != 0 {
            let lane = unclear.trailing_zeros() as usize;
            unclear &= unclear - 1;
            labels[lane] = self.decide(leaf * LEAF + lane);
            found.changed &= !(1 << lane);
            found.changed |= u64::from(labels[lane] != before[lane]) << lane;
        }
        self.leaves.labels[leaf] = labels;
        let mut changed = found.changed & all;
        while changed != 0 {
            let lane = changed.trailing_zeros() as usize;
            changed &= changed - 1;
            self.move_point(leaf * LEAF + lane, before[lane], labels[lane]);
        }
    }

    /// The label of the listed centroid that is nearest to a point by definition.
    fn decide(&self, index: usize) -> u32 {
        let point = self.input.points.get(index);
        let mut nearest = (0, f64::INFINITY);
        for (number, &position) in self.list.iter().enumerate() {
            let label = self.near.rows[position as usize].label;
            let distance = squared_distance(point, self.input.centroids.get(label as usize));
            if distance < nearest.1 || number == 0 {
                nearest = (label, distance);
            }
        }
        nearest.0
    }

    fn move_point(&mut self, index: usize, before: u32, label: u32) {
        let point = self.input.points.get(index);
        let from = (before != NONE).then_some(before as usize);
        if self.leaves.sums.is_empty() {
            self.input.sums.move_point(from, label as usize, point);
        } else {
            let mut halves = SplitMantissa::<D>::ZERO;
            self.input.sums.scale().add_to(&mut halves, point);
            self.input.sums.move_points(from, label as usize, 1, &halves);
        }
        self.moved += 1;
    }
}
