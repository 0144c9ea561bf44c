//! Moves points between clusters, a panel of them at a time.

use super::simd::{Kernel, Simd};
use crate::kmeans::Points;
use crate::kmeans::sums::Sums;

/// A point whose label changes.
pub(super) struct Move {
    pub(super) index: usize,
    /// `None` before the first assignment.
    pub(super) from: Option<usize>,
    pub(super) to: usize,
}

/// How many moves ahead a point is prefetched.
const AHEAD: usize = 4;

/// Moves points between clusters.
pub(super) struct MoveAll<'a> {
    pub(super) sums: &'a mut Sums,
    pub(super) points: &'a Points,
    pub(super) moves: &'a [Move],
}

impl Kernel for MoveAll<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        for (number, Move { index, from, to }) in self.moves.iter().enumerate() {
            if let Some(coming) = self.moves.get(number + AHEAD) {
                simd.prefetch(self.points.get(coming.index));
            }
            self.sums.move_point(*from, *to, self.points.get(*index));
        }
    }
}
