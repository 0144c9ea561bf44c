//! One split in a mapper's memory: its points, their labels, and the sums of its clusters.

use super::assign::{self, Assigner};
use super::extent::Extent;
use super::sums::{Grains, Sums};
use super::{Centroids, Dyadic, Error, Partial, Points};

/// The points of a split and what the last assignment made of them.
#[derive(Debug)]
pub struct Split {
    points: Points,
    sums: Sums,
    assigner: Assigner,
}

impl Split {
    /// A split that was never assigned.
    pub fn new(mut points: Points) -> Split {
        let extents = Extent::of(&points);
        let grains = Grains::new(&extents, points.len());
        let assigner = Assigner::new(&mut points, &extents, &grains, assign::Level::detect());
        Split { points, sums: Sums::new(grains, 0), assigner }
    }

    /// The points, in any order: [`Points::offset`] tells where each stands in the input.
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
        if self.sums.clusters() != centroids.len() {
            self.sums.restart(centroids.len());
            self.assigner.restart();
        }
        Ok(self.assigner.assign(&self.points, centroids, &mut self.sums))
    }

    /// The squares of all coordinates of all points, added up exactly. They don't change while
    /// centroids do; all splits' together, less what clusters' centroids explain, are the squared
    /// error.
    pub fn squares(&self) -> Dyadic {
        self.sums.grains().squares(&self.points)
    }

    /// By point, in the order of the input: the index of its centroid. Empty before the first
    /// assignment.
    pub fn labels(&self) -> Vec<u32> {
        if self.sums.clusters() == 0 {
            return Vec::new();
        }
        let labels = self.assigner.labels();
        let mut in_order = vec![0; labels.len()];
        for (index, label) in labels.into_iter().enumerate() {
            in_order[self.points.input_index(index)] = label;
        }
        in_order
    }

    /// What the points of a cluster add up to after the last assignment.
    pub fn partial(&self, cluster: usize) -> Partial {
        self.sums.partial(cluster)
    }
}
