//! The range of each coordinate over the points of a split.

use super::Points;

/// The range of one coordinate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Extent {
    /// The lowest value.
    pub(super) low: f64,
    /// The highest value.
    pub(super) high: f64,
    /// The smallest nonzero magnitude; infinite if there is none.
    pub(super) smallest: f64,
}

/// At least as many numbers are compared at once.
const SIDE_BY_SIDE: usize = 32;

impl Extent {
    /// The extent of each coordinate; without points, that of no number.
    pub(super) fn of(points: &Points) -> Vec<Extent> {
        let dims = points.dims();
        if points.is_empty() {
            return vec![Extent { low: 0.0, high: 0.0, smallest: f64::INFINITY }; dims];
        }
        // Several points make a row, so that there are enough independent comparisons.
        let width = dims * SIDE_BY_SIDE.div_ceil(dims);
        let mut lows = vec![f64::INFINITY; width];
        let mut highs = vec![f64::NEG_INFINITY; width];
        let mut smallests = vec![f64::INFINITY; width];
        for row in points.coordinates().chunks(width) {
            let bounds = lows.iter_mut().zip(&mut highs).zip(&mut smallests);
            for (x, ((low, high), smallest)) in row.iter().zip(bounds) {
                let magnitude = if *x == 0.0 { f64::INFINITY } else { x.abs() };
                *low = if x < low { *x } else { *low };
                *high = if x > high { *x } else { *high };
                *smallest = if magnitude < *smallest { magnitude } else { *smallest };
            }
        }
        let extent = |dim: usize| {
            let of = |all: &[f64], pick: fn(f64, f64) -> f64, start: f64| {
                all.iter().skip(dim).step_by(dims).copied().fold(start, pick)
            };
            Extent {
                low: of(&lows, f64::min, f64::INFINITY),
                high: of(&highs, f64::max, f64::NEG_INFINITY),
                smallest: of(&smallests, f64::min, f64::INFINITY),
            }
        };
        (0..dims).map(extent).collect()
    }

    /// The largest magnitude.
    pub(super) fn largest(&self) -> f64 {
        self.low.abs().max(self.high.abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::each_seed;

    #[test]
    fn extents_equal_those_of_a_simple_loop() {
        each_seed(|seed| {
            let dims = 1 + seed.below(5);
            let mut points = Points::new(dims).unwrap();
            for index in 0..seed.below(60) {
                let point: Vec<f64> = (0..dims).map(|_| seed.below(9) as f64 - 4.0).collect();
                points.push(index as u64, &point).unwrap();
            }
            for (dim, extent) in Extent::of(&points).into_iter().enumerate() {
                let all = points.iter().map(|point| point[dim]);
                if points.is_empty() {
                    assert_eq!(extent.largest(), 0.0);
                    continue;
                }
                assert_eq!(extent.low, all.clone().fold(f64::INFINITY, f64::min));
                assert_eq!(extent.high, all.clone().fold(f64::NEG_INFINITY, f64::max));
                let smallest = all.map(f64::abs).filter(|x| *x != 0.0);
                assert_eq!(extent.smallest, smallest.fold(f64::INFINITY, f64::min));
            }
        });
    }
}
