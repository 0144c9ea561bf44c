//! The assignment as it is defined: every point against every contender in f64 (Lloyd's algorithm
//! without any bounds). It serves data and centroids for which no estimate can be made.

use super::exact_nearest::ExactNearest;
use super::simd::Level;
use super::strategy::{AssignStrategy, NONE, PassInput};

/// The labels, by point.
#[derive(Debug)]
pub(super) struct Naive(pub(super) Vec<u32>);

impl Naive {
    /// For so many points.
    pub(super) fn new(points: usize) -> Naive {
        Naive(vec![NONE; points])
    }
}

impl AssignStrategy for Naive {
    fn radius(&self) -> f64 {
        f64::INFINITY
    }

    fn labels(&self) -> Vec<u32> {
        self.0.clone()
    }

    fn restart(&mut self) {
        self.0.fill(NONE);
    }

    fn set_labels(&mut self, labels: Vec<u32>) {
        self.0 = labels;
    }

    fn assign(&mut self, level: Level, input: PassInput<'_>) -> u64 {
        let mut moved = 0;
        for (point, label) in input.points.iter().zip(&mut self.0) {
            let position = level.run(ExactNearest { contenders: input.contenders, point });
            let nearest = input.contenders.indices[position];
            let before = std::mem::replace(label, nearest);
            if before != nearest {
                let from = (before != NONE).then_some(before as usize);
                input.sums.move_point(from, nearest as usize, point);
                moved += 1;
            }
        }
        moved
    }
}
