//! Bounding balls of points and of balls.

use super::super::frame::Frame;
use super::super::simd::{LANES, Lanes};
use super::LEAF;
use super::order::bounding_box;
use super::scan::BLOCKS;

/// Radii are enlarged by a factor, since f32 may round down, and by a summand, since squares may
/// underflow.
const ROUNDING: (f32, f32) = (1.0 + 1e-5, 1e-18);

/// A ball around the points of a leaf, relative to the center of its branch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ball<const D: usize> {
    pub(super) center: [f32; D],
    pub(super) radius: f32,
}

/// A ball around the points of a branch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Branch<const D: usize> {
    /// Its center, in the coordinates of the input.
    pub(super) origin: [f64; D],
    /// Its center in the frame of the split.
    pub(super) center: [f32; D],
    /// An upper bound on the distances of points from the center, also after rounding to f32.
    pub(super) radius: f64,
}

/// The points of a leaf, relative to the center of their branch. A leaf that is not full is filled
/// up with its first point.
pub(super) fn block<const D: usize>(
    points: &[[f64; D]],
    branch: &Branch<D>,
    frame: &Frame,
) -> [[Lanes; D]; BLOCKS] {
    let mut block = [[Lanes::splat(0.0); D]; BLOCKS];
    for position in 0..LEAF {
        let Some(point) = points.get(position).or(points.first()) else { return block };
        for (dim, z) in branch.transform(point, frame).into_iter().enumerate() {
            block[position / LANES][dim][position % LANES] = z as f32;
        }
    }
    block
}

impl<const D: usize> Ball<D> {
    pub(super) fn around(blocks: &[[Lanes; D]; BLOCKS]) -> Ball<D> {
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
}

impl<const D: usize> Branch<D> {
    /// With its center in the middle of the points, and no radius yet.
    pub(super) fn around(points: &[[f64; D]], frame: &Frame) -> Branch<D> {
        let (low, high) = bounding_box(points);
        let origin: [f64; D] = std::array::from_fn(|dim| low[dim] / 2.0 + high[dim] / 2.0);
        let mut center = [0.0; D];
        frame.transform(&origin).zip(&mut center).for_each(|(z, center)| *center = z as f32);
        Branch { origin, center, radius: 0.0 }
    }

    /// Enlarges the radius so that it encloses these leaves.
    pub(super) fn enclose(&mut self, leaves: &[Ball<D>]) {
        for ball in leaves {
            let farthest = norm(&ball.center).sqrt() + f64::from(ball.radius);
            self.radius = self.radius.max(farthest * (1.0 + 1e-6));
        }
    }

    /// An upper bound on the norms of its points in the frame of the split, also after rounding.
    pub(super) fn farthest(&self) -> f64 {
        (norm(&self.center).sqrt() + self.radius) * (1.0 + 1e-6)
    }

    /// The coordinates of a point or a centroid relative to the center.
    #[inline(always)]
    pub(super) fn transform(&self, x: &[f64; D], frame: &Frame) -> [f64; D] {
        std::array::from_fn(|dim| (x[dim] - self.origin[dim]) * frame.scale())
    }
}

/// The square of the norm.
pub(super) fn norm<const D: usize>(center: &[f32; D]) -> f64 {
    center.iter().map(|z| f64::from(*z) * f64::from(*z)).sum()
}

fn lowest(lanes: &[f32; LANES]) -> f32 {
    lanes.iter().fold(lanes[0], |a, b| if *b < a { *b } else { a })
}

fn highest(lanes: &[f32; LANES]) -> f32 {
    lanes.iter().fold(lanes[0], |a, b| if *b > a { *b } else { a })
}
