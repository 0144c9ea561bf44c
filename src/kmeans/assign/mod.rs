//! The assignment of all points of a split, in less time than its definition takes.
//!
//! [`Centroids::nearest`] defines it. What is here gives the same labels, bit for bit, and looks at
//! few of the pairs of points and centroids in f64: an *estimate* in f32 says which centroids can be
//! the nearest, and how far centroids may drift until another one can be. An estimate may only
//! decide that something need not be looked at; wherever it leaves a doubt, the definition decides.
//!
//! | file | |
//! |---|---|
//! | `frame` | coordinates in which a split lies around the origin, about as wide as 1 |
//! | `contenders` | the centroids that may win, packed side by side |
//! | `estimate` | the kernel that estimates distances, many at once |
//! | `error_bounds` | how far estimates are off at most, and how far centroids have drifted |
//! | `ball_tree` | few coordinates: neighbouring points are labelled together |
//! | `hamerly` | more coordinates: each point by itself |
//! | `yinyang` | many coordinates: a bound for each point and group of contenders |
//! | `moves` | points that change their cluster |
//! | `exact_nearest` | the kernel that decides: the definition, several centroids at once |
//! | `peak` | a kernel to measure the others by |
//! | `simd` | vectors of sixteen numbers on any processor, with all the `unsafe` there is |
//!
//! # Why no estimate changes a label
//!
//! Let `u = 2^-24` be half the distance of f32 around 1, `x` a point and `c` a centroid of `d`
//! coordinates, `D(x, c)` the squared distance as defined, in f64, and `s` the scale of the frame.
//! In the frame, and without rounding, `x` is at `z = (x - origin) s` and `c` at `g`; `z'` and `g'`
//! are the same in f32. The radius of the points `Z` and the max_norm of the contenders `G` bound
//! `|z|, |z'|` and `|g|, |g'|`, so that no distance is longer than the *span* `Z + G`.
//!
//! 1. *Placing.* Each coordinate is rounded twice, in f64 and to f32: `|z - z'| <= 1.001 u Z`, and
//!    likewise for `g`. So `|z - g|` and `|z' - g'|` differ by at most `1.001 u span`, and their
//!    squares by at most `2.01 u span^2`.
//! 2. *Estimating.* An estimate `e` is `|g'|^2 - 2 z' g'`, computed from `|g'|^2`, rounded once, in
//!    `d` multiplications and additions, fused or not, in any order. The error of such a sum is at
//!    most `(d + 1) u / (1 - (d + 1) u)` times the sum of the magnitudes of its terms (N. Higham,
//!    *Accuracy and Stability of Numerical Algorithms*, section 3.1), which is at most
//!    `G^2 + 2 Z G <= span^2`. With `d <= 4096` the error is below `1.001 (d + 1) u span^2`.
//! 3. *Defining.* `s^2 D(x, c)` differs from `|z - g|^2` by at most `(d + 2) 2^-53` of it. Squares
//!    do not overflow, and those that vanish change it by less than `1e-70`: a frame is used only
//!    for points whose farthest coordinate is between `2^-400` and `2^400`, and contenders that
//!    max_norm at most 65,536 times as far.
//!
//! Together, with `E = 1.01 (d + 5) u span^2 + 1e-30`, which also covers f32 that are subnormal:
//!
//! ```text
//! s^2 D(x, c) = |z'|^2 + e + error,   |error| <= E                                        (1)
//! ```
//!
//! - *Clear.* If the lowest estimate of a point is more than `2 E` below all others, its centroid is
//!   the nearest. Otherwise the definition decides, among all contenders, or among those of which a
//!   bound says that one of them is the nearest.
//! - *Distances.* The norm `|z'|^2` is known within `(d + 1) u Z^2`, and it and the estimate are
//!   added within `u span^2`, so `|z - g|` is between the roots of `norm + e - 3 E` and
//!   `norm + e + 3 E`. The roots and their difference, in f32, are off by at most `4 u span`, which
//!   is taken off every difference.
//! - *Drift* (G. Hamerly, *Making k-means even faster*, 2010). A point whose second nearest
//!   centroid is farther than its own by `slack` keeps its label until its centroid's drift and the
//!   longest drift of any other one add up to that. Both are added up for each centroid since the
//!   first assignment, so that one number for each point, its *limit*, is compared with one for
//!   each centroid, its *threshold*. Limits are rounded down by `1e-6` of span and drift, which is
//!   more than the rounding of f32, and thresholds up by `1e-9` of the span, so that what passes
//!   differs by more than that in distance. Squares of such distances differ by more than the
//!   rounding of their definition (3), which is below `1e-12` of the span times the sum of both.
//! - *Tags.* An estimate that says in its last four bits whose it is (`yinyang`) is off by less than
//!   `2^-19` of itself more, which is at most `2^-19 span^2`, and `E` is larger by that.
//! - *Groups.* A group of contenders whose nearest one, but for the point's own, is farther than a
//!   `low`, is farther than `low` less the longest drifts of any of its contenders. It need not be
//!   looked at while that is more than the distance of the point's own. Both are distances as above,
//!   the one rounded down, the other up; lower_bounds are rounded by as much as limits, and the drifts of groups
//!   as thresholds.
//! - *Balls.* Where a leaf's center is nearest to one contender by more than twice the leaf's radius,
//!   so are all points in it, by the triangle inequality. This holds for `z'` and `g'`; by (placing)
//!   it holds for `z` and `g` if the difference is greater by `2.01 u span`, and `4 u span` is asked.
//!
//! Centroids that are no contenders (equal to one of a lower index, or hopelessly far) never win:
//! see [`contenders`]. A centroid that becomes a contender anew makes all limits void.

#![allow(clippy::needless_range_loop, reason = "kernels walk several arrays by one number")]

mod yinyang;
mod error_bounds;
mod contenders;
mod hamerly;
mod estimate;
mod exact_nearest;
mod frame;
mod ball_tree;
mod moves;
mod peak;
mod simd;

#[cfg(test)]
mod tests;

use std::fmt::Debug;

use super::extent::Extent;
use super::sums::{FixedPointScale, Sums};
use super::{Centroids, Points};
use ball_tree::BallTree;
use contenders::Contenders;
use error_bounds::{Drift, ErrorBounds};
use exact_nearest::ExactNearest;
use frame::Frame;
use hamerly::Hamerly;
pub use peak::multiply_adds;
pub(super) use simd::Level;
use yinyang::Yinyang;

/// The label of a point without any.
const NONE: u32 = u32::MAX;

/// From so many coordinates on, a bound for each group of contenders costs less than it saves: with
/// 16 it takes as long, with 64 a third less.
const MIN_YINYANG_DIMS: usize = 24;

/// Assigns the points of one split again and again.
#[derive(Debug)]
pub(super) struct Assigner {
    level: Level,
    frame: Frame,
    strategy: Box<dyn AssignStrategy>,
    /// The centroids of the last assignment, if what it found may be used for the next.
    drift: Option<Drift>,
}

/// How points are assigned, and what is remembered of them.
trait AssignStrategy: Debug + Send {
    /// No point is farther from the origin of the frame; nor is its f32.
    fn radius(&self) -> f64;

    /// By point.
    fn labels(&self) -> Vec<u32>;

    /// Takes every label from its point.
    fn restart(&mut self);

    /// Sets all labels, and forgets what was known of them.
    fn set_labels(&mut self, labels: Vec<u32>);

    /// Labels each point with its nearest centroid and moves it to its cluster. Gives how many
    /// points have another label.
    fn assign(&mut self, level: Level, work: PassInput<'_>) -> u64;
}

/// What an assignment is made from.
struct PassInput<'a> {
    points: &'a Points,
    frame: &'a Frame,
    centroids: &'a Centroids,
    contenders: &'a Contenders,
    bounds: ErrorBounds,
    drift: &'a Drift,
    sums: &'a mut Sums,
}

impl Assigner {
    /// For these points, which it may put in another order.
    pub(super) fn new(
        points: &mut Points,
        extents: &[Extent],
        scale: &FixedPointScale,
        level: Level,
    ) -> Assigner {
        let frame = Frame::around(points, extents);
        let strategy: Box<dyn AssignStrategy> = match (frame.is_usable, points.dims()) {
            (false, _) => Box::new(Defined(vec![NONE; points.len()])),
            (_, 1) => Box::new(BallTree::<1>::new(points, &frame, scale)),
            (_, 2) => Box::new(BallTree::<2>::new(points, &frame, scale)),
            (_, 3) => Box::new(BallTree::<3>::new(points, &frame, scale)),
            (_, 4) => Box::new(BallTree::<4>::new(points, &frame, scale)),
            (_, 5) => Box::new(BallTree::<5>::new(points, &frame, scale)),
            (_, 6) => Box::new(BallTree::<6>::new(points, &frame, scale)),
            (_, 7..MIN_YINYANG_DIMS) => Box::new(Hamerly::new(points, &frame)),
            _ => Box::new(Yinyang::new(points, &frame)),
        };
        Assigner { level, frame, strategy, drift: None }
    }

    /// For these points, to be assigned once: nothing is prepared for more.
    pub(super) fn for_one_pass(points: &Points, extents: &[Extent], level: Level) -> Assigner {
        let frame = Frame::around(points, extents);
        let strategy: Box<dyn AssignStrategy> = match frame.is_usable {
            true => Box::new(Hamerly::new(points, &frame)),
            false => Box::new(Defined(vec![NONE; points.len()])),
        };
        Assigner { level, frame, strategy, drift: None }
    }

    /// Takes every label from its point.
    pub(super) fn restart(&mut self) {
        self.strategy.restart();
        self.drift = None;
    }

    /// By point, in their present order.
    pub(super) fn labels(&self) -> Vec<u32> {
        self.strategy.labels()
    }

    /// Labels each point with its nearest centroid and moves it to its cluster. Gives how many
    /// points have another label.
    pub(super) fn assign(
        &mut self,
        points: &Points,
        centroids: &Centroids,
        sums: &mut Sums,
    ) -> u64 {
        let frame = &self.frame;
        let radius = self.strategy.radius();
        let contenders = Contenders::new(frame, radius, centroids);
        let bounds = ErrorBounds::new(points.dims(), radius, contenders.max_norm);
        let before = self.drift.take();
        let drift = Drift::since(before.as_ref(), frame, centroids, &contenders, bounds.span);
        let work = PassInput {
            points,
            frame,
            centroids,
            contenders: &contenders,
            bounds,
            drift: &drift,
            sums,
        };
        if contenders.may_estimate(frame) {
            let moved = self.strategy.assign(self.level, work);
            self.drift = Some(drift);
            return moved;
        }
        let mut labels = Defined(self.strategy.labels());
        let moved = labels.assign(self.level, work);
        self.strategy.set_labels(labels.0);
        moved
    }
}

/// Labels of points that are assigned by definition.
#[derive(Debug)]
struct Defined(Vec<u32>);

impl AssignStrategy for Defined {
    fn radius(&self) -> f64 {
        f64::INFINITY
    }

    fn labels(&self) -> Vec<u32> {
        self.0.clone()
    }

    fn restart(&mut self) {
        self.0.fill(NONE);
    }

    fn set_labels(&mut self, labels: Vec<u32>) {
        self.0 = labels;
    }

    fn assign(&mut self, level: Level, work: PassInput<'_>) -> u64 {
        let mut moved = 0;
        for (point, label) in work.points.iter().zip(&mut self.0) {
            let position = level.run(ExactNearest { contenders: work.contenders, point });
            let nearest = work.contenders.indices[position];
            let before = std::mem::replace(label, nearest);
            if before != nearest {
                let from = (before != NONE).then_some(before as usize);
                work.sums.move_point(from, nearest as usize, point);
                moved += 1;
            }
        }
        moved
    }
}
