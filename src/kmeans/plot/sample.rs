//! A sample of many points, which does not depend on their order.

use std::collections::BinaryHeap;

use crate::kmeans::seeding::hash;

/// The most points of a sample.
const MAX_POINTS: usize = 5_000;
/// The most coordinates of all points of a sample.
const MAX_COORDINATES: usize = 4_000_000;

/// A point of the sample.
#[derive(Clone, Debug, PartialEq)]
pub struct SamplePoint {
    /// Its index in the input.
    pub number: u64,
    /// Its cluster.
    pub label: u32,
    /// Its coordinates.
    pub point: Vec<f64>,
}

/// Keeps the points whose indices have the lowest hashes.
#[derive(Clone, Debug)]
pub struct Sample {
    most: usize,
    /// A heap with the highest hash on top.
    kept: BinaryHeap<Kept>,
    seen: u64,
}

#[derive(Clone, Debug, PartialEq)]
struct Kept {
    hash: u64,
    shown: SamplePoint,
}

impl Eq for Kept {}

impl PartialOrd for Kept {
    fn partial_cmp(&self, other: &Kept) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Kept {
    fn cmp(&self, other: &Kept) -> std::cmp::Ordering {
        (self.hash, self.shown.number).cmp(&(other.hash, other.shown.number))
    }
}

impl Sample {
    /// For points of `dims` coordinates.
    pub fn new(dims: usize) -> Sample {
        let most = MAX_POINTS.min(MAX_COORDINATES / dims.max(1)).max(1);
        Sample { most, kept: BinaryHeap::new(), seen: 0 }
    }

    /// Offers the point with this index; `point` is called only if the sample takes it for now.
    pub fn offer(&mut self, number: u64, label: u32, point: impl FnOnce() -> Vec<f64>) {
        self.seen += 1;
        let hash = hash(0, 0, number);
        if self.kept.len() == self.most {
            if self.kept.peek().is_some_and(|highest| highest.hash <= hash) {
                return;
            }
            self.kept.pop();
        }
        self.kept.push(Kept { hash, shown: SamplePoint { number, label, point: point() } });
    }

    /// The points of the sample, by ascending index.
    pub fn shown(&self) -> Vec<&SamplePoint> {
        let mut shown: Vec<&SamplePoint> = self.kept.iter().map(|kept| &kept.shown).collect();
        shown.sort_by_key(|shown| shown.number);
        shown
    }

    /// The number of points offered.
    pub fn seen(&self) -> u64 {
        self.seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_does_not_depend_on_the_order_of_points() {
        let offer = |numbers: &mut dyn Iterator<Item = u64>| {
            let mut sample = Sample::new(2);
            numbers.for_each(|number| sample.offer(number, 1, || vec![number as f64, 0.0]));
            assert_eq!((sample.seen(), sample.shown().len()), (20_000, MAX_POINTS));
            sample.shown().into_iter().cloned().collect::<Vec<SamplePoint>>()
        };
        let shown = offer(&mut (0..20_000));
        assert_eq!(shown, offer(&mut (0..20_000).rev()));
        assert!(shown.iter().all(|shown| shown.point[0] == shown.number as f64));
        // Each quarter of the input has about the same share.
        let low = shown.iter().filter(|shown| shown.number < 5_000).count();
        assert!((1_100..1_400).contains(&low), "{low}");
    }

    #[test]
    fn few_points_are_all_kept_and_of_long_ones_fewer() {
        let mut sample = Sample::new(4_096);
        (0..2_000).for_each(|number| sample.offer(number, 0, || vec![0.0; 4_096]));
        assert_eq!(sample.shown().len(), 976);
        let mut few = Sample::new(1);
        few.offer(7, 0, || vec![1.0]);
        assert_eq!(few.shown().len(), 1);
    }
}
