//! One split in a mapper's memory: its points, their labels, and the sums of its clusters.

use super::sums::Sums;
use super::{Centroids, Error, Partial, Points};

/// The points of a split and what the last assignment made of them.
#[derive(Clone, Debug)]
pub struct Split {
    points: Points,
    /// By point: the index of its centroid. Empty before the first assignment.
    labels: Vec<u32>,
    sums: Sums,
}

impl Split {
    /// A split that was never assigned.
    pub fn new(points: Points) -> Split {
        let sums = Sums::new(&points, 0);
        Split { points, labels: Vec::new(), sums }
    }

    /// The points, in the order of the input.
    pub fn points(&self) -> &Points {
        &self.points
    }

    /// Assigns every point to its nearest centroid ([`Centroids::nearest`]). Gives how many points
    /// have another label than before: all of them at first, and when `K` is another one.
    ///
    /// Labels and sums depend on the points and these centroids alone, whatever was before.
    pub fn assign(&mut self, centroids: &Centroids) -> Result<u64, Error> {
        if centroids.dims() != self.points.dims() {
            let (expected, found) = (self.points.dims(), centroids.dims());
            return Err(Error::DimsDiffer { expected, found });
        }
        let mut moved = 0;
        let first = self.sums.clusters() != centroids.len();
        if first {
            self.sums = Sums::new(&self.points, centroids.len());
            self.labels = vec![0; self.points.len()];
        }
        for (point, label) in self.points.iter().zip(&mut self.labels) {
            let (nearest, _) = centroids.nearest(point);
            if first {
                self.sums.add(nearest, point);
            } else if nearest != *label as usize {
                self.sums.remove(*label as usize, point);
                self.sums.add(nearest, point);
            } else {
                continue;
            }
            *label = nearest as u32;
            moved += 1;
        }
        Ok(moved)
    }

    /// By point, in the order of the input: the index of its centroid. Empty before the first
    /// assignment.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// What the points of a cluster add up to after the last assignment.
    pub fn partial(&self, cluster: usize) -> Partial {
        self.sums.partial(cluster)
    }
}
