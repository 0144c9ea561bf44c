//! A split in the memory of a mapper: its points, their labels, and the sums of its clusters.

use super::assign::{self, Assigner};
use super::candidate::{self, Candidate};
use super::extent::Extent;
use super::sums::{FixedPointScale, Sums};
use super::{Centroids, Dyadic, Error, Partial, Points, squared_distance};

/// The points of a split, with the labels and sums of the last assignment.
#[derive(Debug)]
pub struct Split {
    points: Points,
    sums: Sums,
    assigner: Assigner,
}

impl Split {
    /// A split that has not been assigned.
    pub fn new(mut points: Points) -> Split {
        let extents = Extent::of(&points);
        let scale = FixedPointScale::new(&extents, points.len());
        let assigner = Assigner::new(&mut points, &extents, &scale, assign::Level::detect());
        Split { points, sums: Sums::new(scale, 0), assigner }
    }

    /// A split that will be assigned once or twice: nothing is prepared for more.
    pub fn for_one_pass(points: Points) -> Split {
        let extents = Extent::of(&points);
        let sums = Sums::new(FixedPointScale::new(&extents, points.len()), 0);
        let assigner = Assigner::for_one_pass(&points, &extents, assign::Level::detect());
        Split { points, sums, assigner }
    }

    /// The points, in any order: [`Points::offset`] is the place of each in the input.
    pub fn points(&self) -> &Points {
        &self.points
    }

    /// Assigns every point to its nearest centroid ([`Centroids::nearest`]). Returns the number of
    /// points whose label has changed: all of them at first, and when `K` has changed.
    ///
    /// Labels and sums depend only on the points and these centroids, not on earlier assignments.
    pub fn assign(&mut self, centroids: &Centroids) -> Result<u64, Error> {
        self.check(centroids)?;
        if self.sums.clusters() != centroids.len() {
            self.sums.reset(centroids.len());
            self.assigner.restart();
        }
        Ok(self.assigner.assign(&self.points, centroids, &mut self.sums))
    }

    /// The exact sum of the squares of all coordinates of all points. It does not depend on the
    /// centroids. The sum over all splits and [`Partial::error_less_squares`] of all clusters is
    /// the squared error.
    pub fn squares(&self) -> Dyadic {
        self.sums.scale().squares(&self.points)
    }

    /// By point, in the order of the input: the index of its centroid. Empty before the first
    /// assignment.
    pub fn labels(&self) -> Vec<u32> {
        let mut labels = Vec::new();
        self.labels_into(&mut labels);
        labels
    }

    /// The same, in reused memory.
    pub(super) fn labels_into(&self, in_order: &mut Vec<u32>) {
        in_order.clear();
        if self.sums.clusters() == 0 {
            return;
        }
        let labels = self.assigner.labels();
        in_order.resize(labels.len(), 0);
        for (index, label) in labels.into_iter().enumerate() {
            in_order[self.points.input_index(index)] = label;
        }
    }

    /// The count and sum of the points of a cluster after the last assignment.
    pub fn partial(&self, cluster: usize) -> Partial {
        self.sums.partial(cluster)
    }

    /// At most `count` points that are farthest from the centroids of their last assignment,
    /// farthest first. Equal points appear once, and points at their centroid do not appear.
    pub fn farthest(&self, centroids: &Centroids, count: usize) -> Result<Vec<Candidate>, Error> {
        self.check(centroids)?;
        if self.sums.clusters() != centroids.len() {
            return Err(Error::CentroidCount(centroids.len()));
        }
        let labels = self.assigner.labels();
        Ok(candidate::best(&self.points, count, |index, point| {
            let label = labels.get(index).copied().unwrap_or(0);
            let distance = squared_distance(point, centroids.get(label as usize));
            // The bits of nonnegative numbers have the order of the numbers.
            (distance > 0.0).then_some(!distance.to_bits())
        }))
    }

    fn check(&self, centroids: &Centroids) -> Result<(), Error> {
        let (expected, found) = (self.points.dims(), centroids.dims());
        if expected != found {
            return Err(Error::DimsDiffer { expected, found });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_farthest_points_appear_once_and_never_at_their_centroid() {
        let mut points = Points::new(1).unwrap();
        for (offset, x) in (0..).zip([0.0, 9.0, -7.0, 9.0, 1.0, 50.0]) {
            points.push(offset, &[x]).unwrap();
        }
        let centroids = Centroids::new(1, vec![50.0, 0.0]).unwrap();
        let mut split = Split::new(points);
        let never = split.farthest(&centroids, 5);
        assert_eq!(never, Err(Error::CentroidCount(2)));
        split.assign(&centroids).unwrap();
        let farthest = split.farthest(&centroids, 5).unwrap();
        let places: Vec<(u64, f64)> =
            farthest.iter().map(|candidate| (candidate.offset, candidate.point[0])).collect();
        assert_eq!(places, [(1, 9.0), (2, -7.0), (4, 1.0)]);
        assert_eq!(split.farthest(&centroids, 2).unwrap(), farthest[..2]);
    }

    #[test]
    fn labels_follow_the_input_order_and_another_k_starts_again() {
        let mut points = Points::new(2).unwrap();
        for index in 0..1_000_u32 {
            let x = f64::from(index * 7 % 1_000);
            points.push(index.into(), &[x, -x]).unwrap();
        }
        for mut split in [Split::new(points.clone()), Split::for_one_pass(points.clone())] {
            assert_eq!(split.labels(), [0_u32; 0]);
            let two = Centroids::new(2, vec![250.0, -250.0, 750.0, -750.0]).unwrap();
            assert_eq!(split.assign(&two), Ok(1_000));
            assert_eq!(split.assign(&two), Ok(0));
            let labels = split.labels();
            for (index, label) in labels.iter().enumerate() {
                assert_eq!(*label, u32::from(index * 7 % 1_000 > 500), "{index}");
            }
            let counts = [split.partial(0).count(), split.partial(1).count()];
            assert_eq!(counts, [501, 499]);
            let one = Centroids::new(2, vec![0.0, 0.0]).unwrap();
            assert_eq!(split.assign(&one), Ok(1_000));
            assert_eq!(split.partial(0).count(), 1_000);
            let other = Centroids::new(1, vec![0.0]).unwrap();
            let dims = Error::DimsDiffer { expected: 2, found: 1 };
            assert_eq!(split.assign(&other), Err(dims));
        }
    }
}
