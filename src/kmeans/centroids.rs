//! Centroids, and the definition of the nearest one.

use std::fmt;

use super::{Error, MAX_DIMS, Points};

/// The most centroids.
pub const MAX_CENTROIDS: usize = 100_000;

/// `K` centroids of the same number of finite coordinates. Their order is their index.
#[derive(Clone, Debug, PartialEq)]
pub struct Centroids {
    dims: usize,
    coordinates: Vec<f64>,
}

impl Centroids {
    /// Centroids from their coordinates, one centroid after the other.
    pub fn new(dims: usize, coordinates: Vec<f64>) -> Result<Centroids, Error> {
        if !(1..=MAX_DIMS).contains(&dims) {
            return Err(Error::Dims(dims));
        }
        let (count, rest) = (coordinates.len() / dims, coordinates.len() % dims);
        if rest != 0 {
            return Err(Error::DimsDiffer { expected: dims, found: rest });
        }
        if !(1..=MAX_CENTROIDS).contains(&count) {
            return Err(Error::CentroidCount(count));
        }
        if coordinates.iter().any(|x| !x.is_finite()) {
            return Err(Error::NotFinite);
        }
        Ok(Centroids { dims, coordinates })
    }

    /// The number of centroids, `K`.
    #[expect(clippy::len_without_is_empty, reason = "there is at least one")]
    pub fn len(&self) -> usize {
        self.coordinates.len() / self.dims
    }

    /// The number of coordinates of a centroid.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// A centroid by index, from 0.
    pub fn get(&self, index: usize) -> &[f64] {
        &self.coordinates[index * self.dims..(index + 1) * self.dims]
    }

    /// All coordinates, centroid after centroid.
    pub fn coordinates(&self) -> &[f64] {
        &self.coordinates
    }

    /// The centroids by ascending index.
    pub fn iter(&self) -> std::slice::ChunksExact<'_, f64> {
        self.coordinates.chunks_exact(self.dims)
    }

    /// The index of the nearest centroid to a point and the squared distance to it. Of several
    /// equally near centroids the lowest index wins.
    ///
    /// This defines the assignment. Every faster strategy gives the same result, bit for bit.
    pub fn nearest(&self, point: &[f64]) -> (usize, f64) {
        let mut nearest = (0, f64::INFINITY);
        for (index, centroid) in self.iter().enumerate() {
            let distance = squared_distance(point, centroid);
            if distance < nearest.1 {
                nearest = (index, distance);
            }
        }
        nearest
    }

    /// The largest distance between a centroid and the one with the same index in `other`.
    pub fn shift(&self, other: &Centroids) -> f64 {
        let distances = self.iter().zip(other.iter()).map(|(a, b)| squared_distance(a, b));
        distances.fold(0.0, f64::max).sqrt()
    }
}

/// Points as centroids, in their order.
impl TryFrom<&Points> for Centroids {
    type Error = Error;

    fn try_from(points: &Points) -> Result<Centroids, Error> {
        Centroids::new(points.dims(), points.coordinates().to_vec())
    }
}

/// One centroid a line, with commas between coordinates; each is the shortest text that parses to
/// the same number.
impl fmt::Display for Centroids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for centroid in self.iter() {
            for (index, x) in centroid.iter().enumerate() {
                let comma = if index == 0 { "" } else { "," };
                write!(f, "{comma}{x:?}")?;
            }
            f.write_str("\n")?;
        }
        Ok(())
    }
}

/// The squared Euclidean distance by definition: in f64, dimension after dimension, each operation
/// rounded separately.
///
/// Fused multiply-add is never used: the bits must be the same everywhere, and emulating it on a
/// processor without it costs tens of multiplications. The estimates of the fast kernels use it.
/// Any other language gives the same bits for a loop that sums up `((x - c) ** 2)`.
pub fn squared_distance(point: &[f64], centroid: &[f64]) -> f64 {
    let mut sum = 0.0;
    for (x, c) in point.iter().zip(centroid) {
        let difference = x - c;
        sum += difference * difference;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(coordinates: &[f64]) -> Centroids {
        Centroids::new(1, coordinates.to_vec()).unwrap()
    }

    #[test]
    fn ties_go_to_the_lowest_index() {
        assert_eq!(line(&[2.0, 0.0, 2.0, 0.0]).nearest(&[1.0]), (0, 1.0));
        assert_eq!(line(&[3.0, 2.0, 2.0]).nearest(&[1.0]), (1, 1.0));
        // Equal after rounding is a tie: both squares are 1e32.
        assert_eq!(line(&[1e16, -1e16]).nearest(&[0.5]), (0, 1e32));
    }

    #[test]
    fn distances_whose_squares_overflow_are_all_equal() {
        assert_eq!(line(&[1e300, -1e200, 1e170]).nearest(&[-1e300]), (0, f64::INFINITY));
        assert_eq!(line(&[f64::MAX, 1e150]).nearest(&[-f64::MAX]), (0, f64::INFINITY));
        assert_eq!(line(&[f64::MAX, 1e150]).nearest(&[0.0]), (1, 1e150 * 1e150));
    }

    #[test]
    fn distances_whose_squares_underflow_are_all_equal() {
        assert_eq!(line(&[1e-200, 0.0]).nearest(&[0.0]), (0, 0.0));
        assert_eq!(line(&[1.0, -0.0]).nearest(&[0.0]), (1, 0.0));
    }

    #[test]
    fn text_is_the_shortest_that_parses_to_the_same_number() {
        let centroids = Centroids::new(2, vec![-0.175, 8.141666666666667, 1e-300, 5.0]).unwrap();
        assert_eq!(centroids.to_string(), "-0.175,8.141666666666667\n1e-300,5.0\n");
    }

    #[test]
    fn invalid_centroids_are_refused() {
        assert_eq!(Centroids::new(2, vec![]), Err(Error::CentroidCount(0)));
        assert_eq!(Centroids::new(0, vec![1.0]), Err(Error::Dims(0)));
        let ragged = Error::DimsDiffer { expected: 2, found: 1 };
        assert_eq!(Centroids::new(2, vec![1.0; 3]), Err(ragged));
        assert_eq!(Centroids::new(1, vec![f64::NAN]), Err(Error::NotFinite));
        let many = vec![0.0; MAX_CENTROIDS + 1];
        assert_eq!(Centroids::new(1, many), Err(Error::CentroidCount(100_001)));
    }
}
