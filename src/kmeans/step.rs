//! From partial sums to the next centroids.

use super::{Centroids, Dyadic, Error, Partial};

/// The result of one iteration.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The mean of each cluster; the centroid of an empty cluster stays.
    pub centroids: Centroids,
    /// The largest distance that a centroid moved. 0: no further iteration changes anything.
    pub shift: f64,
    /// The exact sum of the squared distances of all points to the centroids that they were
    /// assigned to.
    pub squared_error: Dyadic,
    /// The clusters without points, by ascending index.
    pub empty: Vec<usize>,
}

impl Step {
    /// The step from `old` centroids, given the partial sums of all clusters by index, merged over
    /// all splits, and the sum of [`Split::squares`] over all splits.
    ///
    /// [`Split::squares`]: super::Split::squares
    pub fn new(old: &Centroids, clusters: &[Partial], squares: &Dyadic) -> Result<Step, Error> {
        if clusters.len() != old.len() {
            return Err(Error::CentroidCount(clusters.len()));
        }
        let mut squared_error = squares.clone();
        let mut coordinates = Vec::with_capacity(old.coordinates().len());
        let mut empty = Vec::new();
        for (index, (partial, before)) in clusters.iter().zip(old.iter()).enumerate() {
            if partial.sums().len() != old.dims() {
                let (expected, found) = (old.dims(), partial.sums().len());
                return Err(Error::DimsDiffer { expected, found });
            }
            squared_error += &partial.error_less_squares(before);
            match partial.mean() {
                Some(mean) => coordinates.extend(mean),
                None => {
                    empty.push(index);
                    coordinates.extend_from_slice(before);
                }
            }
        }
        let centroids = Centroids::new(old.dims(), coordinates)?;
        let shift = old.shift(&centroids);
        Ok(Step { centroids, shift, squared_error, empty })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partial(text: &str) -> Partial {
        text.parse().unwrap()
    }

    #[test]
    fn a_centroid_moves_to_the_mean_of_its_points_or_stays_without_points() {
        let old = Centroids::new(1, vec![0.0, 10.0, 100.0]).unwrap();
        // 1, 2 and 12, 14; squares 1 + 4 + 144 + 196
        let clusters = [partial("2 3"), partial("2 26"), Partial::empty(1)];
        let step = Step::new(&old, &clusters, &Dyadic::new(345.0)).unwrap();
        assert_eq!(step.centroids.coordinates(), [1.5, 13.0, 100.0]);
        assert_eq!(step.shift, 3.0);
        assert_eq!(step.squared_error, Dyadic::new(1.0 + 4.0 + 4.0 + 16.0));
        assert_eq!(step.empty, [2]);
        let same = Step::new(&step.centroids, &clusters, &Dyadic::new(345.0)).unwrap();
        assert_eq!((same.shift, same.squared_error), (0.0, Dyadic::new(0.25 + 0.25 + 1.0 + 1.0)));
    }

    #[test]
    fn partials_of_another_shape_are_refused() {
        let old = Centroids::new(1, vec![0.0, 10.0]).unwrap();
        let zero = Dyadic::ZERO;
        let missing = Step::new(&old, &[partial("2 3")], &zero);
        assert_eq!(missing, Err(Error::CentroidCount(1)));
        let wider = Step::new(&old, &[partial("2 3"), partial("2 3 4")], &zero);
        assert_eq!(wider, Err(Error::DimsDiffer { expected: 1, found: 2 }));
    }
}
