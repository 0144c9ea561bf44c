//! Points of few coordinates: whole leaves of neighbours at once.
//!
//! The points of a split are put in an order in which neighbours in space are neighbours in memory
//! ([`order`]), and cut into *leaves* of 64; 64 leaves are a *branch*. Around each is a ball. As in
//! the filtering algorithm of T. Kanungo and others (*An efficient k-means clustering algorithm*,
//! 2002), a ball whose center is nearest to one centroid by enough belongs to it as a whole, and
//! the sum of its points, known from the start, moves as one. The others are few: those on the
//! borders between clusters. Their points are held against the centroids that may win inside of the
//! ball, which are two or three.
//!
//! ```text
//! for each leaf:
//!     its centroid and the others have not travelled far     -> as before (most leaves)
//!     one contender wins the whole ball                      -> the leaf has one label
//!     several may                                            -> each point against those
//! ```
//!
//! Before the first leaf of a branch is looked at, the contenders that may win inside of the
//! branch are listed, unless there are few anyway.

mod order;
mod scan;

use self::scan::{BLOCKS, Labels, Listed, Row};
use super::frame::Frame;
use super::simd::{Aligned, Kernel, LANES, Lanes, Level, Simd};
use super::{NONE, Way, Work};
use crate::kmeans::sums::{Grains, Halves};
use crate::kmeans::{Points, squared_distance};

/// Points of a leaf.
const LEAF: usize = BLOCKS * LANES;
/// Leaves of a branch.
const BRANCH: usize = 64;
/// The label of a leaf whose points have labels of their own.
const MIXED: u32 = u32::MAX - 1;

/// A ball around points.
#[derive(Clone, Copy, Debug)]
struct Ball<const D: usize> {
    center: [f32; D],
    radius: f32,
}

/// The points of a split in leaves, and their labels.
#[derive(Debug)]
pub(super) struct Leaves<const D: usize> {
    /// How many points there are.
    len: usize,
    radius: f64,
    /// By leaf, then point; out of date where the leaf has a label.
    labels: Vec<Labels>,
    /// By leaf: its points in the frame. The last leaf has some of them twice.
    blocks: Vec<[[Lanes; D]; BLOCKS]>,
    balls: Vec<Ball<D>>,
    /// By leaf: the label of all of its points.
    leaf_labels: Vec<u32>,
    /// By leaf: how far its centroid and others may travel until that may be wrong.
    limits: Vec<f32>,
    /// By leaf; empty if coordinates have no halves.
    sums: Vec<Halves<D>>,
    branches: Vec<Ball<D>>,
}

impl<const D: usize> Leaves<D> {
    pub(super) fn new(points: &mut Points, frame: &Frame, grains: &Grains) -> Leaves<D> {
        points.arrange(order::arrange::<D>);
        let leaves = points.len().div_ceil(LEAF);
        let mut blocks = Vec::with_capacity(leaves);
        let mut balls = Vec::with_capacity(leaves);
        let mut sums = Vec::with_capacity(if grains.has_halves() { leaves } else { 0 });
        for points in points.rows::<D>().chunks(LEAF) {
            let mut block = [[Lanes::splat(0.0); D]; BLOCKS];
            let mut sum = Halves::ZERO;
            for place in 0..LEAF {
                // The last leaf is filled up with its first point.
                let point = points.get(place).unwrap_or(&points[0]);
                for (dim, z) in frame.place(point).enumerate().take(D) {
                    block[place / LANES][dim][place % LANES] = z as f32;
                }
            }
            if grains.has_halves() {
                points.iter().for_each(|point| grains.add_to(&mut sum, point));
                sums.push(sum);
            }
            balls.push(Ball::around_points(&block));
            blocks.push(block);
        }
        let branches: Vec<Ball<D>> = balls.chunks(BRANCH).map(Ball::around_balls).collect();
        let radius = branches.iter().map(|ball| norm(&ball.center).sqrt() + f64::from(ball.radius));
        Leaves {
            len: points.len(),
            radius: radius.fold(0.0, f64::max) * (1.0 + 1e-6),
            labels: vec![Aligned([NONE; LEAF]); leaves],
            blocks,
            balls,
            leaf_labels: vec![NONE; leaves],
            limits: vec![0.0; leaves],
            sums,
            branches,
        }
    }

    /// Points of a leaf.
    fn count(&self, leaf: usize) -> usize {
        LEAF.min(self.len - leaf * LEAF)
    }
}

impl<const D: usize> Way for Leaves<D> {
    fn radius(&self) -> f64 {
        self.radius
    }

    fn labels(&self) -> Vec<u32> {
        let mut labels = self.labels.clone();
        for (labels, label) in labels.iter_mut().zip(&self.leaf_labels) {
            if *label != MIXED {
                labels.fill(*label);
            }
        }
        labels.iter().flat_map(|labels| labels.0).take(self.len).collect()
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

    fn assign(&mut self, level: Level, work: Work<'_>) -> u64 {
        let groups = &work.contenders.groups;
        let row = |(place, label): (usize, &u32)| {
            let (group, lane) = (place / LANES, place % LANES);
            Row {
                label: *label,
                weights: std::array::from_fn(|dim| groups.weights[group * D + dim][lane]),
                height: groups.heights[group][lane],
            }
        };
        let rows: Vec<Row<D>> = work.contenders.indices.iter().enumerate().map(row).collect();
        let mut all = Listed::default();
        all.list(&rows, 0..rows.len() as u32);
        level.run(Pass {
            leaves: self,
            work,
            rows,
            near: Listed::default(),
            scores: vec![Lanes::splat(0.0); all.groups()],
            all,
            list: Vec::new(),
            moved: 0,
        })
    }
}

/// Added to radii, which f32 may round down: a share, and what squares that vanish may hide.
const ROUNDING: (f32, f32) = (1.0 + 1e-5, 1e-18);

impl<const D: usize> Ball<D> {
    fn around_points(blocks: &[[Lanes; D]; BLOCKS]) -> Ball<D> {
        let mut center = [0.0; D];
        let mut squares = [[0.0; LANES]; BLOCKS];
        for dim in 0..D {
            let (mut low, mut high) = (blocks[0][dim].0, blocks[0][dim].0);
            for block in blocks {
                for (lane, z) in block[dim].iter().enumerate() {
                    low[lane] = if *z < low[lane] { *z } else { low[lane] };
                    high[lane] = if *z > high[lane] { *z } else { high[lane] };
                }
            }
            let (low, high) = (lowest(&low), highest(&high));
            center[dim] = (low + high) / 2.0;
            for (squares, block) in squares.iter_mut().zip(blocks) {
                for (square, z) in squares.iter_mut().zip(&block[dim].0) {
                    *square += (z - center[dim]) * (z - center[dim]);
                }
            }
        }
        let square = squares.iter().map(highest).fold(0.0, f32::max);
        Ball { center, radius: square.sqrt() * ROUNDING.0 + ROUNDING.1 }
    }

    fn around_balls(balls: &[Ball<D>]) -> Ball<D> {
        let center = std::array::from_fn(|dim| {
            let all = balls.iter().map(|ball| ball.center[dim]);
            (all.clone().fold(1.0, f32::min) + all.fold(-1.0, f32::max)) / 2.0
        });
        let mut radius = 0.0;
        for ball in balls {
            let ways = ball.center.iter().zip(center).map(|(a, b): (&f32, f32)| (a - b) * (a - b));
            radius = f32::max(radius, ways.sum::<f32>().sqrt() + ball.radius);
        }
        Ball { center, radius: radius * ROUNDING.0 + ROUNDING.1 }
    }
}

fn lowest(lanes: &[f32; LANES]) -> f32 {
    lanes.iter().fold(lanes[0], |a, b| if *b < a { *b } else { a })
}

fn highest(lanes: &[f32; LANES]) -> f32 {
    lanes.iter().fold(lanes[0], |a, b| if *b > a { *b } else { a })
}

struct Pass<'a, const D: usize> {
    leaves: &'a mut Leaves<D>,
    work: Work<'a>,
    rows: Vec<Row<D>>,
    all: Listed<D>,
    near: Listed<D>,
    scores: Vec<Lanes>,
    list: Vec<u32>,
    moved: u64,
}

/// Contenders so few that all are tried on each leaf.
const FEW: usize = 48;

impl<const D: usize> Kernel for Pass<'_, D> {
    type Output = u64;

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) -> u64 {
        for branch in 0..self.leaves.branches.len() {
            let first = branch * BRANCH;
            let end = (first + BRANCH).min(self.leaves.balls.len());
            let mut near = None;
            for leaf in first..end {
                let label = self.leaves.leaf_labels[leaf];
                if self.leaves.limits[leaf] > self.work.travel.threshold(label) {
                    continue;
                }
                let rest = match near {
                    Some(rest) => rest,
                    None => self.list_near(simd, branch),
                };
                near = Some(rest);
                self.leaf(simd, leaf, rest);
            }
        }
        self.moved
    }
}

impl<const D: usize> Pass<'_, D> {
    /// Lists the contenders that may win a point of a branch. Gives what the others are farther
    /// than the winner at least.
    #[inline(always)]
    fn list_near<S: Simd>(&mut self, simd: S, branch: usize) -> f64 {
        if self.rows.len() <= FEW {
            return f64::INFINITY;
        }
        let ball = self.leaves.branches[branch];
        let (best, _) = self.all.scores(simd, &ball.center, &mut self.scores);
        let norm = norm(&ball.center);
        let bounds = self.work.bounds;
        let nearest = bounds.upper(norm + f64::from(best));
        let reach = nearest + 2.0 * f64::from(ball.radius) + bounds.distance;
        let most = bounds.most(reach + f64::from(ball.radius), norm);
        self.all.up_to(simd, &self.scores, most, &mut self.list);
        self.near.list(&self.rows, self.list.iter().copied());
        let mut rest = f32::INFINITY;
        for score in self.scores.iter().flat_map(|lanes| lanes.0) {
            rest = if score > most { rest.min(score) } else { rest };
        }
        bounds.lower(norm + f64::from(rest)) - reach
    }

    #[inline(always)]
    fn leaf<S: Simd>(&mut self, simd: S, leaf: usize, rest: f64) {
        let listed = if self.rows.len() <= FEW { &self.all } else { &self.near };
        let ball = self.leaves.balls[leaf];
        let (best, second) = listed.scores(simd, &ball.center, &mut self.scores);
        let norm = norm(&ball.center);
        let bounds = self.work.bounds;
        let reach =
            bounds.upper(norm + f64::from(best)) + 2.0 * f64::from(ball.radius) + bounds.distance;
        let most = bounds.most(reach, norm);
        listed.up_to(simd, &self.scores, most, &mut self.list);
        if let [place] = self.list[..] {
            let label = self.work.contenders.indices[place as usize];
            let slack = (bounds.lower(norm + f64::from(second)) - reach).min(rest);
            self.leaves.limits[leaf] = self.work.travel.limit(label, slack);
            self.whole(leaf, label);
        } else {
            self.points(simd, leaf);
        }
    }

    /// All points of a leaf have this label.
    fn whole(&mut self, leaf: usize, label: u32) {
        let before = std::mem::replace(&mut self.leaves.leaf_labels[leaf], label);
        if before == label {
            return;
        }
        let count = self.leaves.count(leaf);
        if let (Some(sum), true) = (self.leaves.sums.get(leaf), before != MIXED) {
            let from = (before != NONE).then_some(before as usize);
            self.work.sums.shift_many(from, label as usize, count as u64, sum);
            self.moved += count as u64;
            return;
        }
        for lane in 0..count {
            let before = if before == MIXED { self.leaves.labels[leaf][lane] } else { before };
            if before != label {
                self.shift(leaf * LEAF + lane, before, label);
            }
        }
    }

    #[inline(always)]
    fn points<S: Simd>(&mut self, simd: S, leaf: usize) {
        let before = match std::mem::replace(&mut self.leaves.leaf_labels[leaf], MIXED) {
            MIXED => self.leaves.labels[leaf],
            label => Aligned([label; LEAF]),
        };
        let mut labels = Aligned([NONE; LEAF]);
        let gap = 2.0 * self.work.bounds.estimate as f32;
        let blocks = &self.leaves.blocks[leaf];
        let mut found =
            scan::nearest(simd, blocks, &self.rows, &self.list, gap, &before, &mut labels);
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
            self.shift(leaf * LEAF + lane, before[lane], labels[lane]);
        }
    }

    /// The label, of those listed, of the centroid that is nearest to a point by definition.
    fn decide(&self, index: usize) -> u32 {
        let point = self.work.points.get(index);
        let mut nearest = (0, f64::INFINITY);
        for (number, &place) in self.list.iter().enumerate() {
            let label = self.rows[place as usize].label;
            let distance = squared_distance(point, self.work.centroids.get(label as usize));
            if distance < nearest.1 || number == 0 {
                nearest = (label, distance);
            }
        }
        nearest.0
    }

    fn shift(&mut self, index: usize, before: u32, label: u32) {
        let point = self.work.points.get(index);
        let from = (before != NONE).then_some(before as usize);
        if self.leaves.sums.is_empty() {
            self.work.sums.shift(from, label as usize, point);
        } else {
            let mut halves = Halves::<D>::ZERO;
            self.work.sums.grains().add_to(&mut halves, point);
            self.work.sums.shift_many(from, label as usize, 1, &halves);
        }
        self.moved += 1;
    }
}

fn norm<const D: usize>(center: &[f32; D]) -> f64 {
    center.iter().map(|z| f64::from(*z) * f64::from(*z)).sum()
}
