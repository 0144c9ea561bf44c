//! A bound for each point and for each point and group of contenders (Y. Ding and others, *Yinyang
//! K-means*, 2015).
//!
//! A point keeps its label while its limit is above the threshold of its centroid. For the others,
//! only those groups are estimated that may have a nearer contender than the point's own:
//!
//! ```text
//! for each block of 16 points:
//!     no limit is passed                                     -> nothing changes
//!     else, for each point whose limit is passed:
//!         estimate the distance to its own contender
//!         groups whose lower bound is above that             -> skipped
//!         the other groups, for the points of several blocks -> the two lowest estimates of each
//!         label the point, and set the lower bounds of these groups
//! ```
//!
//! A group is estimated for several points at a time, so that sums stay in registers and every
//! loaded number is used several times.
//!
//! | file | |
//! |---|---|
//! | `estimate` | the kernel that estimates one group |
//! | `panel` | the points that wait for it |
//! | `pass` | an assignment of all points |

mod estimate;
mod panel;
mod pass;

use self::pass::Pass;
use super::frame::Frame;
use super::simd::{Aligned, LANES, Lanes, Level};
use super::strategy::{AssignStrategy, NONE, PassInput};
use crate::kmeans::Points;

/// An integer for each lane.
type Integers = Aligned<[u32; LANES]>;

/// The points of a split, and what the next assignment takes over from the one before.
#[derive(Debug)]
pub(super) struct Yinyang {
    /// The number of points; the last block may have unused lanes.
    len: usize,
    /// The points in the frame, by point, then coordinate.
    points: Vec<f32>,
    /// By point: its squared norm in the frame.
    norms: Vec<Lanes>,
    radius: f64,
    labels: Vec<Integers>,
    /// By point: its label is right while the threshold of its centroid is below this.
    limits: Vec<Lanes>,
    /// By block, then group, then point: less the drift of the group, a lower bound on the distance
    /// to all contenders of the group but the point's own.
    lower_bounds: Vec<Lanes>,
}

impl Yinyang {
    pub(super) fn new(points: &Points, frame: &Frame) -> Yinyang {
        let blocks = points.len().div_ceil(LANES);
        let mut placed = Vec::with_capacity(points.coordinates().len());
        let mut norms = vec![Lanes::splat(0.0); blocks];
        let mut square = 0.0;
        for (index, point) in points.iter().enumerate() {
            let mut norm = 0.0;
            for z in frame.transform(point) {
                norm += z * z;
                placed.push(z as f32);
            }
            norms[index / LANES][index % LANES] = norm as f32;
            square = if norm > square { norm } else { square };
        }
        Yinyang {
            len: points.len(),
            points: placed,
            norms,
            radius: square.sqrt() * (1.0 + 1e-6),
            labels: vec![Aligned([NONE; LANES]); blocks],
            limits: vec![Lanes::splat(0.0); blocks],
            lower_bounds: Vec::new(),
        }
    }
}

impl AssignStrategy for Yinyang {
    fn radius(&self) -> f64 {
        self.radius
    }

    fn labels(&self) -> Vec<u32> {
        self.labels.iter().flat_map(|labels| labels.0).take(self.len).collect()
    }

    fn restart(&mut self) {
        self.labels.fill(Aligned([NONE; LANES]));
    }

    fn set_labels(&mut self, labels: Vec<u32>) {
        for (block, labels) in self.labels.iter_mut().zip(labels.chunks(LANES)) {
            block[..labels.len()].copy_from_slice(labels);
        }
        self.limits.fill(Lanes::splat(f32::NEG_INFINITY));
    }

    fn assign(&mut self, level: Level, input: PassInput<'_>) -> u64 {
        level.run(Pass::new(self, input))
    }
}
