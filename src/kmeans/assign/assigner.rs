//! Chooses the strategy for a split and runs it in every iteration.
//!
//! The choice follows measurements (`comparison`): CPU time of an iteration with AVX-512, over 2 to
//! 256 clusters, points uniform in a cube or in as many clusters as there are centroids.
//!
//! | coordinates | fastest |
//! |---|---|
//! | up to 6 | `ball_tree`: 1.3 to 7 times as fast as `hamerly` |
//! | 8 | `ball_tree`: 1.2 to 4.5 times, but 0.9 for 256 clusters of uniform points |
//! | 16 | `hamerly` on uniform points (up to 1.9 times), `ball_tree` on clustered ones (up to 2.4) |
//! | 32 | `hamerly`: 1.2 to 1.5 times as fast as `yinyang` |
//! | 64, 128 | `hamerly` and `yinyang` are near each other: 0.9 to 1.5 times |

use super::ball_tree::BallTree;
use super::contenders::Contenders;
use super::drift::Drift;
use super::error_bounds::ErrorBounds;
use super::frame::Frame;
use super::hamerly::Hamerly;
use super::naive::Naive;
use super::simd::Level;
use super::strategy::{AssignStrategy, PassInput};
use super::yinyang::Yinyang;
use crate::kmeans::extent::Extent;
use crate::kmeans::sums::{FixedPointScale, Sums};
use crate::kmeans::{Centroids, Points};

/// From so many coordinates on, the bounds of groups may save more than they cost: the more often, the
/// more coordinates, centroids and iterations there are.
pub(super) const MIN_YINYANG_DIMS: usize = 48;

/// Assigns the points of one split again and again.
#[derive(Debug)]
pub(in crate::kmeans) struct Assigner {
    level: Level,
    frame: Frame,
    strategy: Box<dyn AssignStrategy>,
    /// How far centroids have drifted up to the last assignment, if its bounds hold for the next.
    drift: Option<Drift>,
}

impl Assigner {
    /// For these points, which it may reorder.
    pub(in crate::kmeans) fn new(
        points: &mut Points,
        extents: &[Extent],
        scale: &FixedPointScale,
        level: Level,
    ) -> Assigner {
        let frame = Frame::around(points, extents);
        let strategy: Box<dyn AssignStrategy> = match (frame.is_usable, points.dims()) {
            (false, _) => Box::new(Naive::new(points.len())),
            (_, 1) => Box::new(BallTree::<1>::new(points, &frame, scale)),
            (_, 2) => Box::new(BallTree::<2>::new(points, &frame, scale)),
            (_, 3) => Box::new(BallTree::<3>::new(points, &frame, scale)),
            (_, 4) => Box::new(BallTree::<4>::new(points, &frame, scale)),
            (_, 5) => Box::new(BallTree::<5>::new(points, &frame, scale)),
            (_, 6) => Box::new(BallTree::<6>::new(points, &frame, scale)),
            (_, 7) => Box::new(BallTree::<7>::new(points, &frame, scale)),
            (_, 8) => Box::new(BallTree::<8>::new(points, &frame, scale)),
            (_, 9..MIN_YINYANG_DIMS) => Box::new(Hamerly::new(points, &frame)),
            _ => Box::new(Yinyang::new(points, &frame)),
        };
        Assigner::with(strategy, frame, level)
    }

    /// For these points, to be assigned once: nothing is prepared for more.
    pub(in crate::kmeans) fn for_one_pass(
        points: &Points,
        extents: &[Extent],
        level: Level,
    ) -> Assigner {
        let frame = Frame::around(points, extents);
        let strategy: Box<dyn AssignStrategy> = match frame.is_usable {
            true => Box::new(Hamerly::new(points, &frame)),
            false => Box::new(Naive::new(points.len())),
        };
        Assigner::with(strategy, frame, level)
    }

    /// With this strategy, whose points lie in this frame.
    pub(super) fn with(strategy: Box<dyn AssignStrategy>, frame: Frame, level: Level) -> Assigner {
        Assigner { level, frame, strategy, drift: None }
    }

    /// Takes every label from its point.
    pub(in crate::kmeans) fn restart(&mut self) {
        self.strategy.restart();
        self.drift = None;
    }

    /// By point, in their present order.
    pub(in crate::kmeans) fn labels(&self) -> Vec<u32> {
        self.strategy.labels()
    }

    /// Labels each point with its nearest centroid and moves it to its cluster. Returns the number
    /// of points whose label has changed.
    pub(in crate::kmeans) fn assign(
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
        let input = PassInput {
            points,
            frame,
            centroids,
            contenders: &contenders,
            bounds,
            drift: &drift,
            sums,
        };
        if contenders.may_estimate(frame) {
            let moved = self.strategy.assign(self.level, input);
            self.drift = Some(drift);
            return moved;
        }
        let mut naive = Naive(self.strategy.labels());
        let moved = naive.assign(self.level, input);
        self.strategy.set_labels(naive.0);
        moved
    }
}
