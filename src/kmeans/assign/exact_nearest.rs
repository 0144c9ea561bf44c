//! The kernel that computes the definition of the nearest, for several contenders at a time.

use super::contenders::Contenders;
use super::simd::{Kernel, LANES, Simd};

/// The position of the contender that is nearest to a point. It is that of [`Centroids::nearest`]:
/// each lane does the same operations in the same order, and the lowest of equally near ones wins.
///
/// [`Centroids::nearest`]: crate::kmeans::Centroids::nearest
pub(super) struct ExactNearest<'a> {
    pub(super) contenders: &'a Contenders,
    pub(super) point: &'a [f64],
}

impl Kernel for ExactNearest<'_> {
    type Output = usize;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> usize {
        let mut nearest = (0, f64::INFINITY);
        let columns = self.contenders.columns.chunks_exact(self.point.len());
        for (pack, columns) in columns.enumerate() {
            let mut sums = [0.0; LANES];
            for (x, column) in self.point.iter().zip(columns) {
                for (sum, c) in sums.iter_mut().zip(&column.0) {
                    let difference = x - c;
                    *sum += difference * difference;
                }
            }
            for (lane, sum) in sums.into_iter().enumerate() {
                if sum < nearest.1 {
                    nearest = (pack * LANES + lane, sum);
                }
            }
        }
        nearest.0
    }
}
