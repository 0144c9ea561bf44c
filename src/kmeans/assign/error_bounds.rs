//! The largest errors of estimates.

use super::simd::TAG_BITS;

/// The largest errors of estimates; `E` and the span of the module documentation.
#[derive(Clone, Copy, Debug)]
pub(super) struct ErrorBounds {
    /// `E`: of an estimate, and of the sum of an estimate and a squared norm.
    pub(super) estimate: f64,
    /// Of the difference of two distances, in addition to the effect of `estimate`.
    pub(super) distance: f64,
    /// An upper bound on all distances.
    pub(super) span: f64,
}

impl ErrorBounds {
    /// For points within a radius of the origin and contenders within `max_norm` of it.
    pub(super) fn new(dims: usize, radius: f64, max_norm: f64) -> ErrorBounds {
        let span = radius + max_norm;
        let unit = f64::from(f32::EPSILON) / 2.0;
        ErrorBounds {
            estimate: (dims as f64 + 5.0) * unit * 1.01 * span * span + 1e-30,
            distance: 4.0 * unit * span,
            span,
        }
    }

    /// The same for estimates that are tagged with their lanes.
    pub(super) fn tagged(self) -> ErrorBounds {
        let tag = f64::from(TAG_BITS + 1) * f64::from(f32::EPSILON);
        ErrorBounds { estimate: self.estimate + 1.01 * tag * self.span * self.span, ..self }
    }

    /// An upper bound on the distance whose square is estimated.
    pub(super) fn max_distance(&self, square: f64) -> f64 {
        (square + 3.0 * self.estimate).max(0.0).sqrt()
    }

    /// A lower bound on the distance whose square is estimated.
    pub(super) fn min_distance(&self, square: f64) -> f64 {
        (square - 3.0 * self.estimate).max(0.0).sqrt()
    }

    /// The highest estimate that a contender within `distance` of a position of this squared norm
    /// may have.
    pub(super) fn max_estimate(&self, distance: f64, norm: f64) -> f32 {
        (distance * distance * (1.0 + 1e-6) - norm + 3.0 * self.estimate) as f32
    }
}
