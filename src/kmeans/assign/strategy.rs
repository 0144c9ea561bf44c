//! What an assignment strategy is, and what all of them work with.

use std::fmt::Debug;

use super::contenders::Contenders;
use super::drift::Drift;
use super::error_bounds::ErrorBounds;
use super::frame::Frame;
use super::simd::Level;
use crate::kmeans::sums::Sums;
use crate::kmeans::{Centroids, Points};

/// The label of a point that has not been assigned.
pub(super) const NONE: u32 = u32::MAX;

/// A way to assign the points of a split, with what it remembers from one assignment to the next.
pub(super) trait AssignStrategy: Debug + Send {
    /// A bound on the distance of every point, and of its f32, from the origin of the frame.
    fn radius(&self) -> f64;

    /// By point.
    fn labels(&self) -> Vec<u32>;

    /// Takes every label from its point.
    fn restart(&mut self);

    /// Sets all labels and forgets all bounds.
    fn set_labels(&mut self, labels: Vec<u32>);

    /// Labels each point with its nearest centroid and moves it to its cluster. Returns the number
    /// of points whose label has changed.
    fn assign(&mut self, level: Level, input: PassInput<'_>) -> u64;
}

/// What one assignment of all points works with.
pub(super) struct PassInput<'a> {
    pub(super) points: &'a Points,
    pub(super) frame: &'a Frame,
    pub(super) centroids: &'a Centroids,
    pub(super) contenders: &'a Contenders,
    pub(super) bounds: ErrorBounds,
    pub(super) drift: &'a Drift,
    pub(super) sums: &'a mut Sums,
}
