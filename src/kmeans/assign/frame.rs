//! The coordinates of estimates: the points of a split, moved and scaled so that f32 suits them.

use crate::kmeans::Points;
use crate::kmeans::extent::Extent;

/// How many points determine the middle of a split.
const SAMPLE: usize = 1_024;

/// Data whose largest magnitude is above this, or below its reciprocal, is assigned by the
/// definition alone: the square of a distance comes near the ends of f64.
const MAX_MAGNITUDE: f64 = hex_power(400);

/// `2^exponent`.
const fn hex_power(exponent: i64) -> f64 {
    f64::from_bits(((1023 + exponent) as u64) << 52)
}

/// A translation and a scaling: `z = (x - origin) * scale`, the scale a power of two.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    origin: Vec<f64>,
    scale: f64,
    /// Whether squares of distances stay far from the ends of f64.
    pub(super) is_usable: bool,
}

impl Frame {
    /// The frame in which the largest magnitude of a coordinate of these points, whose extents are
    /// given, is between 1/2 and 1.
    pub(super) fn around(points: &Points, extents: &[Extent]) -> Frame {
        let origin = middle(points);
        let both = extents.iter().zip(&origin);
        let farthest = both.map(|(extent, x)| (extent.low - x).abs().max((extent.high - x).abs()));
        let farthest = farthest.fold(0.0, f64::max);
        let is_zero = farthest == 0.0;
        let is_usable = is_zero || (1.0 / MAX_MAGNITUDE..=MAX_MAGNITUDE).contains(&farthest);
        let scale = match is_usable && !is_zero {
            // The exponent of the power of two above it, negated.
            true => hex_power(1022 - (farthest.to_bits() >> 52) as i64),
            false => 1.0,
        };
        Frame { origin, scale, is_usable }
    }

    /// The factor on differences of coordinates.
    pub(super) fn scale(&self) -> f64 {
        self.scale
    }

    /// The coordinates of a point or a centroid in this frame.
    #[inline]
    pub(super) fn transform<'a>(&'a self, x: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
        x.iter().zip(&self.origin).map(|(x, origin)| (x - origin) * self.scale)
    }
}

/// Roughly the mean of the points. Any position is correct; estimates are better the nearer points
/// are to it.
fn middle(points: &Points) -> Vec<f64> {
    let step = points.len().div_ceil(SAMPLE).max(1);
    let count = points.len().div_ceil(step).max(1) as f64;
    let mut middle = vec![0.0; points.dims()];
    for point in points.iter().step_by(step) {
        middle.iter_mut().zip(point).for_each(|(middle, x)| *middle += x / count);
    }
    middle
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(rows: &[[f64; 2]]) -> Points {
        let mut points = Points::new(2).unwrap();
        (0..).zip(rows).for_each(|(offset, row)| points.push(offset, row).unwrap());
        points
    }

    fn around(points: &Points) -> Frame {
        Frame::around(points, &Extent::of(points))
    }

    #[test]
    fn points_come_near_one() {
        for unit in [1.0, 1e-100, 1e100, 3e-5] {
            let points = points(&[[5.0 * unit, 1.0 * unit], [8.0 * unit, 2.0 * unit]]);
            let frame = around(&points);
            assert!(frame.is_usable);
            let farthest = points.iter().flat_map(|point| frame.transform(point)).map(f64::abs);
            let farthest = farthest.fold(0.0, f64::max);
            assert!((0.5..=1.0).contains(&farthest), "{farthest}");
        }
    }

    #[test]
    fn points_at_the_ends_of_the_format_have_no_usable_frame() {
        assert!(!around(&points(&[[f64::MAX, 0.0], [-f64::MAX, 0.0]])).is_usable);
        assert!(!around(&points(&[[1e-300, 0.0], [0.0, 0.0]])).is_usable);
        assert!(around(&points(&[[1e-300, 7.0], [1e-300, 7.0]])).is_usable);
        assert!(around(&points(&[])).is_usable);
    }
}
