//! How far estimates may be off.

use super::simd::TAG_BITS;

/// How far estimates may be off.
#[derive(Clone, Copy, Debug)]
pub(super) struct ErrorBounds {
    /// Of an estimate, and of one and the square of a norm.
    pub(super) estimate: f64,
    /// Of a difference of two distances, beyond what `estimate` makes of it.
    pub(super) distance: f64,
    /// No distance is longer.
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

    /// Where estimates are tagged with their lanes.
    pub(super) fn tagged(self) -> ErrorBounds {
        let tag = f64::from(TAG_BITS + 1) * f64::from(f32::EPSILON);
        ErrorBounds { estimate: self.estimate + 1.01 * tag * self.span * self.span, ..self }
    }

    /// At least the distance whose square is about this.
    pub(super) fn max_distance(&self, square: f64) -> f64 {
        (square + 3.0 * self.estimate).max(0.0).sqrt()
    }

    /// At most the distance whose square is about this.
    pub(super) fn min_distance(&self, square: f64) -> f64 {
        (square - 3.0 * self.estimate).max(0.0).sqrt()
    }

    /// The highest estimate that one may have whose distance from a position of this norm is at most
    /// `distance`.
    pub(super) fn max_estimate(&self, distance: f64, norm: f64) -> f32 {
        (distance * distance * (1.0 + 1e-6) - norm + 3.0 * self.estimate) as f32
    }
}
