//! Points of many coordinates: a bound for each point and *group* of contenders.
//!
//! A point whose limit is not passed keeps its label. Of the others, those groups are estimated that
//! may have a nearer contender than the point's own (Y. Ding and others, *Yinyang K-means*, 2015):
//!
//! ```text
//! for each block of points, as many as there are lanes:
//!     the limit of each is not passed                        -> as before
//!     else, of each whose limit is passed:
//!         how far is its own contender, by an estimate?
//!         groups that come no nearer than that                -> nothing of them is looked at
//!         the other groups, for the points of some blocks     -> the two lowest estimates of each
//!         the lowest of all, and how near each group comes now
//! ```
//!
//! A group's estimates are made for some of its points at a time, so that sums stay in registers and
//! every number that is loaded is used several times.
//!
//! | file | |
//! |---|---|
//! | `groups` | which contenders are a group |
//! | `estimate` | the kernel that estimates one |
//! | `panel` | the points that are waiting for it |
//! | `pass` | an assignment of all points |

mod estimate;
mod panel;
mod pass;

use self::pass::Pass;
use super::frame::Frame;
use super::simd::{Aligned, LANES, Lanes, Level};
use super::strategy::{AssignStrategy, NONE, PassInput};
use crate::kmeans::Points;

/// A number for each lane.
type Integers = Aligned<[u32; LANES]>;

/// The points of a split, and what the next assignment needs to know of the one before.
#[derive(Debug)]
pub(super) struct Yinyang {
    /// How many points there are; the last block is filled up.
    len: usize,
    /// The points in the frame, by point, then coordinate.
    points: Vec<f32>,
    /// By point: the square of its distance from the origin.
    norms: Vec<Lanes>,
    radius: f64,
    labels: Vec<Integers>,
    /// By point: its label is right as long as its centroid has drifted less than this.
    limits: Vec<Lanes>,
    /// By block, then group, then point: no contender of the group but the point's own is nearer than
    /// this less what the group has drifted.
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
