//! Few coordinates: a two-level ball tree whose leaves are labelled as a whole.
//!
//! The points of a split are put in an order in which neighbours in space are neighbours in memory
//! ([`order`]), and cut into *leaves* of 64; 64 leaves are a *branch*. Each has a bounding ball. As
//! in the filtering algorithm of T. Kanungo and others (*An efficient k-means clustering
//! algorithm*, 2002), a ball whose center is nearest to one centroid by enough belongs to it as a
//! whole, and the sum of its points, computed once, moves as one. The other balls are few: they lie
//! on the borders between clusters. Their points are compared with the centroids that can win
//! inside the ball, which are two or three.
//!
//! ```text
//! for each leaf:
//!     its centroid and the others have not drifted far   -> nothing changes (most leaves)
//!     one contender wins the whole ball                  -> the leaf gets one label
//!     several contenders can win                         -> each point is compared with them
//! ```
//!
//! Before the first leaf of a branch is visited, the contenders that can win inside the branch are
//! listed. Coordinates inside a branch are relative to its center, so that estimates are as good in
//! dense regions with many centroids as in sparse ones: a branch is a frame of its own, and the
//! argument of the parent module holds with the radius of the branch and the largest norm of its
//! contenders.

mod build;
mod order;
mod pass;
mod scan;

use self::build::{Ball, Branch};
use self::pass::Pass;
use self::scan::{BLOCKS, Labels};
use super::frame::Frame;
use super::simd::{Aligned, LANES, Lanes, Level};
use super::strategy::{AssignStrategy, NONE, PassInput};
use crate::kmeans::Points;
use crate::kmeans::sums::{FixedPointScale, SplitMantissa};

/// Points of a leaf.
const LEAF: usize = BLOCKS * LANES;
/// Leaves of a branch.
const BRANCH: usize = 64;
/// The label of a leaf whose points have different labels.
const MIXED: u32 = u32::MAX - 1;

/// The points of a split in leaves, and their labels.
#[derive(Debug)]
pub(super) struct BallTree<const D: usize> {
    /// The number of points.
    len: usize,
    radius: f64,
    branches: Vec<Branch<D>>,
    /// By leaf, relative to the center of its branch.
    balls: Vec<Ball<D>>,
    /// By leaf: its points, relative to the same center. The last leaf repeats its first point.
    blocks: Vec<[[Lanes; D]; BLOCKS]>,
    /// By leaf: the sum of its points; empty unless mantissas are split.
    sums: Vec<SplitMantissa<D>>,
    /// By leaf: the label of all of its points.
    leaf_labels: Vec<u32>,
    /// By leaf, then point; stale where the leaf has one label.
    labels: Vec<Labels>,
    /// By leaf: its label is right while the threshold of its centroid is below this.
    limits: Vec<f32>,
}

impl<const D: usize> BallTree<D> {
    /// Sorts the points and cuts them into leaves.
    pub(super) fn new(points: &mut Points, frame: &Frame, scale: &FixedPointScale) -> BallTree<D> {
        points.arrange(order::arrange::<D>);
        let rows = points.rows::<D>();
        let leaves = rows.len().div_ceil(LEAF);
        let mut branches = Vec::with_capacity(leaves.div_ceil(BRANCH));
        let mut balls = Vec::with_capacity(leaves);
        let mut blocks = Vec::with_capacity(leaves);
        let mut sums = Vec::with_capacity(if scale.splits_mantissas() { leaves } else { 0 });
        let mut radius: f64 = 0.0;
        for points in rows.chunks(BRANCH * LEAF) {
            let mut branch = Branch::around(points, frame);
            let first = balls.len();
            for points in points.chunks(LEAF) {
                let block = build::block(points, &branch, frame);
                balls.push(Ball::around(&block));
                blocks.push(block);
                if scale.splits_mantissas() {
                    let mut sum = SplitMantissa::ZERO;
                    points.iter().for_each(|point| scale.add_to(&mut sum, point));
                    sums.push(sum);
                }
            }
            branch.enclose(&balls[first..]);
            radius = radius.max(branch.farthest());
            branches.push(branch);
        }
        BallTree {
            len: rows.len(),
            radius,
            branches,
            balls,
            blocks,
            sums,
            leaf_labels: vec![NONE; leaves],
            labels: vec![Aligned([NONE; LEAF]); leaves],
            limits: vec![0.0; leaves],
        }
    }

    /// The number of points of a leaf.
    fn count(&self, leaf: usize) -> usize {
        LEAF.min(self.len - leaf * LEAF)
    }
}

impl<const D: usize> AssignStrategy for BallTree<D> {
    fn radius(&self) -> f64 {
        self.radius
    }

    fn labels(&self) -> Vec<u32> {
        let mut all = Vec::with_capacity(self.labels.len() * LEAF);
        for (labels, label) in self.labels.iter().zip(&self.leaf_labels) {
            match *label {
                MIXED => all.extend_from_slice(&labels.0),
                label => all.resize(all.len() + LEAF, label),
            }
        }
        all.truncate(self.len);
        all
    }

    fn restart(&mut self) {
        self.leaf_labels.fill(NONE);
    }

    fn set_labels(&mut self, labels: Vec<u32>) {
        for (leaf, labels) in self.labels.iter_mut().zip(labels.chunks(LEAF)) {
            leaf[..labels.len()].copy_from_slice(labels);
        }
        self.leaf_labels.fill(MIXED);
    }

    fn assign(&mut self, level: Level, input: PassInput<'_>) -> u64 {
        level.run(Pass::new(self, input))
    }
}
