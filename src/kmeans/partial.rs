//! Partial sums: counts and exact sums of points, which merge in any order.

use std::fmt;
use std::str::FromStr;

use super::exact::Superaccumulator;
use super::{Dyadic, Error, MAX_DIMS};
use crate::text::push_u64;

/// The number of points of a cluster and the exact sum of each coordinate.
///
/// Its text is the count and the sums between spaces: `2 5p-1 -43p-7`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partial {
    count: u64,
    sums: Vec<Dyadic>,
}

impl Partial {
    /// Of no points, with `dims` coordinates.
    pub fn empty(dims: usize) -> Partial {
        Partial { count: 0, sums: vec![Dyadic::ZERO; dims] }
    }

    pub(super) fn new(count: u64, sums: Vec<Dyadic>) -> Partial {
        Partial { count, sums }
    }

    /// The number of points.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The sum of each coordinate.
    pub fn sums(&self) -> &[Dyadic] {
        &self.sums
    }

    /// Adds a finite point with the same number of coordinates.
    pub fn add(&mut self, point: &[f64]) {
        self.count += 1;
        for (sum, x) in self.sums.iter_mut().zip(point) {
            *sum += &Dyadic::new(*x);
        }
    }

    /// Adds the partial sum of other points of the cluster.
    pub fn merge(&mut self, other: &Partial) -> Result<(), Error> {
        if self.sums.len() != other.sums.len() {
            let (expected, found) = (self.sums.len(), other.sums.len());
            return Err(Error::DimsDiffer { expected, found });
        }
        self.count = self.count.checked_add(other.count).ok_or(Error::NotPartial)?;
        for (sum, with) in self.sums.iter_mut().zip(&other.sums) {
            *sum += with;
        }
        Ok(())
    }

    /// The mean of the points: each coordinate the f64 nearest to the exact mean, rounded once.
    /// `None` without points.
    ///
    /// So it is never outside the bounding box of the points, and the mean of equal points is that
    /// point.
    pub fn mean(&self) -> Option<Vec<f64>> {
        (self.count > 0).then(|| self.sums.iter().map(|sum| sum.mean(self.count)).collect())
    }

    /// The exact sum of the squared distances of the points to `centroid`, less the squares of the
    /// points: `n c^2 - 2 c S` over all coordinates. [`Split::squares`] has the squares of the
    /// points.
    ///
    /// [`Split::squares`]: super::Split::squares
    pub fn error_less_squares(&self, centroid: &[f64]) -> Dyadic {
        let mut total = Superaccumulator::default();
        for (sum, c) in self.sums.iter().zip(centroid) {
            // c * (n * c - 2 * S)
            let mut factor = Dyadic::new(*c).times(self.count);
            factor -= sum;
            factor -= sum;
            total.add_multiple(&factor, *c);
        }
        total.into()
    }
}

impl Partial {
    /// Appends its text.
    pub fn push_text(&self, text: &mut Vec<u8>) {
        push_u64(self.count, text);
        for sum in &self.sums {
            text.push(b' ');
            sum.push_text(text);
        }
    }
}

impl fmt::Display for Partial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::new();
        self.push_text(&mut text);
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Partial {
    type Err = Error;

    fn from_str(text: &str) -> Result<Partial, Error> {
        let mut words = text.split(' ');
        let count = words.next().unwrap_or_default();
        let is_number = count.bytes().all(|digit| digit.is_ascii_digit());
        let count = count.parse().ok().filter(|_| is_number).ok_or(Error::NotPartial)?;
        let mut sums = Vec::new();
        for word in words {
            let sum: Dyadic = word.parse().map_err(|_| Error::NotPartial)?;
            // A sum of `count` f64 has no other bits.
            if sums.len() == MAX_DIMS || !sum.is_sum_of(count) {
                return Err(Error::NotPartial);
            }
            sums.push(sum);
        }
        if sums.is_empty() {
            return Err(Error::NotPartial);
        }
        Ok(Partial { count, sums })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kmeans::{Points, Split, squared_distance};
    use crate::seed::{Seed, each_seed};

    fn any_point(seed: &mut Seed, dims: usize) -> Vec<f64> {
        (0..dims).map(|_| seed.below(2_000) as f64 / 7.0 - 140.0).collect()
    }

    fn partial(points: &[Vec<f64>], dims: usize) -> Partial {
        let mut partial = Partial::empty(dims);
        points.iter().for_each(|point| partial.add(point));
        partial
    }

    #[test]
    fn the_order_of_merging_has_no_effect_and_text_is_exact() {
        each_seed(|seed| {
            let dims = 1 + seed.below(3);
            let points: Vec<_> = (0..seed.below(20)).map(|_| any_point(seed, dims)).collect();
            let whole = partial(&points, dims);
            let (left, right) = points.split_at(seed.below(points.len() + 1));
            let mut merged = partial(right, dims);
            merged.merge(&partial(left, dims).to_string().parse().unwrap()).unwrap();
            assert_eq!(whole, merged);
            assert_eq!(whole.to_string(), merged.to_string());
        });
    }

    #[test]
    fn a_mean_is_exact_and_none_without_points() {
        let points = [vec![0.1, 1e16], vec![0.1, 1.0], vec![0.1, -1e16]];
        assert_eq!(partial(&points, 2).mean(), Some(vec![0.1, 1.0 / 3.0]));
        assert_eq!(Partial::empty(2).mean(), None);
    }

    #[test]
    fn the_squared_error_equals_the_definition_up_to_rounding() {
        each_seed(|seed| {
            let dims = 1 + seed.below(3);
            let mut points = Points::new(dims).unwrap();
            let mut partial = Partial::empty(dims);
            let centroid = any_point(seed, dims);
            let mut expected = 0.0;
            for index in 0..seed.below(20) {
                let point = any_point(seed, dims);
                points.push(index as u64, &point).unwrap();
                partial.add(&point);
                expected += squared_distance(&point, &centroid);
            }
            let mut error = Split::new(points).squares();
            error += &partial.error_less_squares(&centroid);
            assert!(!error.is_negative());
            assert!((error.to_f64() - expected).abs() <= 1e-14 * expected);
        });
    }

    #[test]
    fn text_that_is_not_a_partial_sum_is_refused() {
        for text in ["", "1", "x 1", "+1 1", "1 ", "1  1", "1 1,2", "-1 1", "1 1p-1075", "0 1"] {
            assert_eq!(text.parse::<Partial>(), Err(Error::NotPartial), "{text}");
        }
        assert_eq!("1 1p1024".parse::<Partial>(), Err(Error::NotPartial));
        assert!("2 1p1024".parse::<Partial>().is_ok());
        let mut two = Partial::empty(2);
        let dims = Error::DimsDiffer { expected: 2, found: 1 };
        assert_eq!(two.merge(&Partial::empty(1)), Err(dims));
    }
}
