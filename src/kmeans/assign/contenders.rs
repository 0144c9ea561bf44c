//! The centroids that can be the nearest to a point, packed for the kernels.

use std::cmp::Ordering;

use super::estimate::{PADDING, PackedContenders};
use super::frame::Frame;
use super::simd::{Aligned, LANES, Lanes};
use crate::kmeans::Centroids;

/// With a centroid farther out than this in the frame, estimates are too coarse.
const MAX_NORM: f64 = 65_536.0;

/// A centroid is hopeless if its norm exceeds the limit below by this factor, and is at least this.
const HOPELESS_FACTOR: f64 = 1.0001;
const HOPELESS_NORM: f64 = 1e-30;

/// The centroids that can be the nearest to a point of the split, by rising index.
///
/// A centroid is left out if it equals one of lower index, which wins every tie, or if it is
/// hopelessly far: with `r` its distance from the origin and `Z` the radius of the points, it is at
/// least `r - Z` from any point, and the innermost centroid is at most `r_min + Z` from it. The
/// squares of the two, as defined, differ by at least a ten-thousandth, which is far more than
/// their rounding, and they are not subnormal.
#[derive(Clone, Debug)]
pub(super) struct Contenders {
    /// Their indices among all centroids.
    pub(super) indices: Vec<u32>,
    /// An upper bound on the norms of contenders in the frame, also after rounding to f32.
    pub(super) max_norm: f64,
    /// Packed for estimates.
    pub(super) packs: PackedContenders,
    /// By contender, then coordinate: `-2 g`, as in the packs.
    pub(super) rows: Vec<f32>,
    /// By pack, then coordinate: the centroids themselves, for the definition.
    pub(super) columns: Vec<Aligned<[f64; LANES]>>,
}

impl Contenders {
    /// Selects and packs them, for points within a radius in the frame.
    pub(super) fn new(frame: &Frame, radius: f64, centroids: &Centroids) -> Contenders {
        let norm = |c: &[f64]| frame.transform(c).map(|g| g * g).sum::<f64>().sqrt();
        let norms: Vec<f64> = centroids.iter().map(norm).collect();
        let innermost = norms.iter().copied().fold(f64::INFINITY, f64::min);
        let hopeless = (HOPELESS_FACTOR * (innermost + 2.0 * radius)).max(HOPELESS_NORM);
        let again = duplicates(centroids);
        let mut indices = Vec::with_capacity(centroids.len());
        let mut max_norm: f64 = 0.0;
        for (index, norm) in norms.iter().enumerate() {
            let is_hopeless = frame.is_usable && *norm > hopeless;
            if is_hopeless || again[index] {
                continue;
            }
            indices.push(index as u32);
            max_norm = max_norm.max(*norm);
        }
        let mut contenders = Contenders {
            indices,
            max_norm: max_norm * (1.0 + 1e-6),
            packs: PackedContenders::default(),
            rows: Vec::new(),
            columns: Vec::new(),
        };
        contenders.pack(frame, centroids);
        contenders
    }

    /// Whether estimates may be made for them.
    pub(super) fn may_estimate(&self, frame: &Frame) -> bool {
        frame.is_usable && self.max_norm <= MAX_NORM
    }

    fn pack(&mut self, frame: &Frame, centroids: &Centroids) {
        let dims = centroids.dims();
        let count = self.indices.len();
        let packs = count.div_ceil(LANES);
        self.packs.neg2_centroids = vec![Lanes::splat(0.0); packs * dims];
        self.packs.sq_norms = vec![Lanes::splat(PADDING); packs];
        self.rows = Vec::with_capacity(count * dims);
        self.columns = vec![Aligned([f64::INFINITY; LANES]); packs * dims];
        for (position, index) in self.indices.iter().enumerate() {
            let centroid = centroids.get(*index as usize);
            let (pack, lane) = (position / LANES, position % LANES);
            let mut sq_norm = 0.0;
            for (dim, (g, c)) in frame.transform(centroid).zip(centroid).enumerate() {
                let g = g as f32;
                self.packs.neg2_centroids[pack * dims + dim][lane] = -2.0 * g;
                self.rows.push(-2.0 * g);
                sq_norm += f64::from(g) * f64::from(g);
                self.columns[pack * dims + dim][lane] = *c;
            }
            self.packs.sq_norms[pack][lane] = sq_norm as f32;
        }
    }
}

/// For each centroid, whether it equals one of lower index.
fn duplicates(centroids: &Centroids) -> Vec<bool> {
    let mut order: Vec<usize> = (0..centroids.len()).collect();
    // Finite, so that they compare; 0 and -0 are equal.
    let compare = |a: usize, b: usize| {
        centroids.get(a).partial_cmp(centroids.get(b)).unwrap_or(Ordering::Equal)
    };
    order.sort_unstable_by(|a, b| compare(*a, *b).then(a.cmp(b)));
    let mut again = vec![false; centroids.len()];
    for pair in order.windows(2) {
        again[pair[1]] = compare(pair[0], pair[1]) == Ordering::Equal;
    }
    again
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kmeans::Points;
    use crate::kmeans::extent::Extent;

    fn contenders(points: &[f64], centroids: &[f64]) -> (Frame, Contenders) {
        let mut all = Points::new(1).unwrap();
        (0..).zip(points).for_each(|(offset, x)| all.push(offset, &[*x]).unwrap());
        let frame = Frame::around(&all, &Extent::of(&all));
        let centroids = Centroids::new(1, centroids.to_vec()).unwrap();
        let positions = all.iter().flat_map(|point| frame.transform(point));
        let radius = positions.map(f64::abs).fold(0.0, f64::max);
        let contenders = Contenders::new(&frame, radius, &centroids);
        (frame, contenders)
    }

    #[test]
    fn duplicates_and_hopeless_centroids_are_left_out() {
        let (frame, some) = contenders(&[-1.0, 1.0], &[0.5, 9.0, 0.5, 0.0, -0.0, -2.0, f64::MAX]);
        assert_eq!(some.indices, [0, 3, 5]);
        assert!(some.may_estimate(&frame));
        // All are far: only the nearest is a contender.
        let (frame, far) = contenders(&[-1.0, 1.0], &[1e9, 1e9 + 1.0, 1e8]);
        assert_eq!(far.indices, [2]);
        assert!(!far.may_estimate(&frame));
    }

    #[test]
    fn squares_that_underflow_do_not_make_a_centroid_hopeless() {
        let (_, near) = contenders(&[1.0, 1.0], &[1.0, 1.0 - 1e-16]);
        assert_eq!(near.indices, [0]);
        // Both squares are 0 as defined, and the first wins.
        let (_, zero) = contenders(&[0.0, 0.0], &[1e-200, 0.0]);
        assert_eq!(zero.indices, [0, 1]);
    }
}
