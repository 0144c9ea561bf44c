//! Balls around points, and around balls.

use super::super::frame::Frame;
use super::super::simd::{LANES, Lanes};
use super::LEAF;
use super::scan::BLOCKS;

/// Added to radii, which f32 may round down: a share, and what squares that vanish may hide.
const ROUNDING: (f32, f32) = (1.0 + 1e-5, 1e-18);

/// A ball around the points of a leaf, seen from the center of its branch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ball<const D: usize> {
    pub(super) center: [f32; D],
    pub(super) radius: f32,
}

/// A ball around the points of a branch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Branch<const D: usize> {
    /// Its center, as points are.
    pub(super) origin: [f64; D],
    /// Its center in the frame of the split.
    pub(super) center: [f32; D],
    /// No point is farther from the center, nor is its f32.
    pub(super) radius: f64,
}

/// The points of a leaf, seen from the center of their branch. A leaf that is not full is filled up
/// with its first point.
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
    /// Its center in the middle of the points, and no radius yet.
    pub(super) fn around(points: &[[f64; D]], frame: &Frame) -> Branch<D> {
        let mut low = [f64::INFINITY; D];
        let mut high = [f64::NEG_INFINITY; D];
        for point in points {
            for dim in 0..D {
                let x = point[dim];
                low[dim] = if x < low[dim] { x } else { low[dim] };
                high[dim] = if x > high[dim] { x } else { high[dim] };
            }
        }
        let origin: [f64; D] = std::array::from_fn(|dim| low[dim] / 2.0 + high[dim] / 2.0);
        let mut center = [0.0; D];
        frame.transform(&origin).zip(&mut center).for_each(|(z, center)| *center = z as f32);
        Branch { origin, center, radius: 0.0 }
    }

    /// Takes these leaves in.
    pub(super) fn enclose(&mut self, leaves: &[Ball<D>]) {
        for ball in leaves {
            let farthest = norm(&ball.center).sqrt() + f64::from(ball.radius);
            self.radius = self.radius.max(farthest * (1.0 + 1e-6));
        }
    }

    /// No point of it is farther from the origin of the split's frame, nor is its f32.
    pub(super) fn farthest(&self) -> f64 {
        (norm(&self.center).sqrt() + self.radius) * (1.0 + 1e-6)
    }

    /// The coordinates of a point or a centroid, seen from the center.
    #[inline(always)]
    pub(super) fn transform(&self, x: &[f64; D], frame: &Frame) -> [f64; D] {
        std::array::from_fn(|dim| (x[dim] - self.origin[dim]) * frame.scale())
    }
}

/// The square of a distance from the origin.
pub(super) fn norm<const D: usize>(center: &[f32; D]) -> f64 {
    center.iter().map(|z| f64::from(*z) * f64::from(*z)).sum()
}

fn lowest(lanes: &[f32; LANES]) -> f32 {
    lanes.iter().fold(lanes[0], |a, b| if *b < a { *b } else { a })
}

fn highest(lanes: &[f32; LANES]) -> f32 {
    lanes.iter().fold(lanes[0], |a, b| if *b > a { *b } else { a })
}
