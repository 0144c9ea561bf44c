//! One bound for each point (G. Hamerly, *Making k-means even faster*, 2010).
//!
//! A point keeps its label while its limit is above the threshold of its centroid. The others are
//! estimated, a few points against a few packs of contenders at a time, so that sums stay in
//! registers and every loaded number is used several times.
//!
//! Measured, this is the fastest strategy for 9 to 47 coordinates: `assigner` has the table.

use super::estimate::{Estimate, Estimates};
use super::exact_nearest::ExactNearest;
use super::frame::Frame;
use super::moves::{Move, MoveAll};
use super::simd::{LANES, Level};
use super::strategy::{AssignStrategy, NONE, PassInput};
use crate::kmeans::Points;

/// How many points are estimated together before they are labelled.
const PANEL: usize = 64 * LANES;

/// The points of a split, and what the next assignment takes over from the one before.
#[derive(Debug)]
pub(super) struct Hamerly {
    /// The points in the frame, by point, then coordinate.
    points: Vec<f32>,
    /// By point: its squared norm in the frame.
    norms: Vec<f32>,
    radius: f64,
    labels: Vec<u32>,
    /// By point: its label is right while the threshold of its centroid is below this.
    limits: Vec<f32>,
}

impl Hamerly {
    pub(super) fn new(points: &Points, frame: &Frame) -> Hamerly {
        let mut placed = Vec::with_capacity(points.coordinates().len());
        let mut norms = Vec::with_capacity(points.len());
        let mut square = 0.0;
        for point in points.iter() {
            let mut norm = 0.0;
            for z in frame.transform(point) {
                norm += z * z;
                placed.push(z as f32);
            }
            norms.push(norm as f32);
            square = if norm > square { norm } else { square };
        }
        Hamerly {
            points: placed,
            norms,
            radius: square.sqrt() * (1.0 + 1e-6),
            labels: vec![NONE; points.len()],
            limits: vec![0.0; points.len()],
        }
    }
}

impl AssignStrategy for Hamerly {
    fn radius(&self) -> f64 {
        self.radius
    }

    fn labels(&self) -> Vec<u32> {
        self.labels.clone()
    }

    fn restart(&mut self) {
        self.labels.fill(NONE);
    }

    fn set_labels(&mut self, labels: Vec<u32>) {
        self.labels = labels;
        self.limits.fill(f32::NEG_INFINITY);
    }

    fn assign(&mut self, level: Level, input: PassInput<'_>) -> u64 {
        let mut pass = Pass {
            level,
            input,
            strategy: self,
            estimates: vec![Estimates::NONE; PANEL / LANES],
            moves: Vec::with_capacity(PANEL),
            moved: 0,
        };
        pass.run();
        pass.moved
    }
}

struct Pass<'a> {
    level: Level,
    input: PassInput<'a>,
    strategy: &'a mut Hamerly,
    estimates: Vec<Estimates>,
    moves: Vec<Move>,
    moved: u64,
}

impl Pass<'_> {
    fn run(&mut self) {
        let mut chosen: Vec<u32> = Vec::with_capacity(PANEL);
        for block in 0..self.strategy.labels.len().div_ceil(LANES) {
            let mut left = self.points_to_check(block);
            while left != 0 {
                chosen.push((block * LANES) as u32 + left.trailing_zeros());
                left &= left - 1;
            }
            if chosen.len() > PANEL - LANES {
                self.estimate(&chosen);
                chosen.clear();
            }
        }
        self.estimate(&chosen);
    }

    /// A bit for each point of a block: whether its label may be wrong.
    fn points_to_check(&self, block: usize) -> u16 {
        let first = block * LANES;
        let end = (first + LANES).min(self.strategy.labels.len());
        let limits = &self.strategy.limits[first..end];
        let highest = self.input.drift.highest_threshold();
        if limits.iter().fold(true, |all, limit| all & (*limit > highest)) {
            return 0;
        }
        let mut bits = 0;
        for (lane, (limit, label)) in
            limits.iter().zip(&self.strategy.labels[first..end]).enumerate()
        {
            bits |= u16::from(*limit <= self.input.drift.threshold(*label)) << lane;
        }
        bits
    }

    fn estimate(&mut self, chosen: &[u32]) {
        self.level.run(Estimate {
            contenders: &self.input.contenders.packs,
            bounds: self.input.bounds,
            dims: self.input.points.dims(),
            points: &self.strategy.points,
            norms: &self.strategy.norms,
            chosen,
            estimates: &mut self.estimates[..chosen.len().div_ceil(LANES)],
        });
        for (position, index) in chosen.iter().enumerate() {
            self.assign_block(*index as usize, position / LANES, position % LANES);
        }
        self.move_all();
    }

    fn move_all(&mut self) {
        self.moved += self.moves.len() as u64;
        let points = self.input.points;
        self.level.run(MoveAll { sums: self.input.sums, points, moves: &self.moves });
        self.moves.clear();
    }

    /// Labels a point by its estimates.
    #[inline(always)]
    fn assign_block(&mut self, index: usize, row: usize, lane: usize) {
        let estimates = &self.estimates[row];
        let is_clear = estimates.is_clear >> lane & 1 == 1;
        let (position, slack) = match is_clear {
            true => (estimates.nearest[lane] as usize, f64::from(estimates.slack[lane])),
            false => {
                let point = self.input.points.get(index);
                let contenders = self.input.contenders;
                (self.level.run(ExactNearest { contenders, point }), f64::NEG_INFINITY)
            }
        };
        let label = self.input.contenders.indices[position];
        self.strategy.limits[index] = self.input.drift.limit(label, slack);
        let before = std::mem::replace(&mut self.strategy.labels[index], label);
        if before != label {
            let from = (before != NONE).then_some(before as usize);
            self.moves.push(Move { index, from, to: label as usize });
        }
    }
}
