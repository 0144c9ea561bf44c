//! Synthetic points from a seed.

use std::f64::consts::TAU;
use std::fmt;
use std::str::FromStr;

use crate::kmeans::{Error, Points};

/// Coordinates are multiples of its reciprocal: numbers with six decimals.
const DECIMALS: f64 = 1e6;

/// The distribution of the points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Uniform in the unit cube.
    Uniform,
    /// Normally distributed around `K` centres in the unit cube. Neighbours overlap a little.
    Clustered,
}

/// An unknown shape.
#[derive(Debug)]
pub(super) struct UnknownShape;

impl fmt::Display for UnknownShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected uniform or clustered")
    }
}

impl FromStr for Shape {
    type Err = UnknownShape;

    fn from_str(text: &str) -> Result<Shape, UnknownShape> {
        match text {
            "uniform" => Ok(Shape::Uniform),
            "clustered" => Ok(Shape::Clustered),
            _ => Err(UnknownShape),
        }
    }
}

/// splitmix64.
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to 1, without 1.
    fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Normally distributed (G. Box and M. Muller, 1958).
    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.unit()).ln()).sqrt() * (TAU * self.unit()).cos()
    }
}

/// `n` points of a shape with `k` centres.
pub(super) fn points(
    shape: Shape,
    n: usize,
    dims: usize,
    k: usize,
    seed: u64,
) -> Result<Points, Error> {
    let mut random = Random(seed);
    let centres: Vec<f64> = (0..k * dims).map(|_| random.unit()).collect();
    // The side of one of k equal cubes that fill the unit cube, and a quarter of it.
    let spread = 0.25 * (k as f64).powf(-1.0 / dims as f64);
    let mut points = Points::new(dims)?;
    let mut point = vec![0.0; dims];
    for index in 0..n {
        let centre = random.bits() as usize % k * dims;
        for (x, centre) in point.iter_mut().zip(&centres[centre..]) {
            let place = match shape {
                Shape::Uniform => random.unit(),
                Shape::Clustered => centre + spread * random.normal(),
            };
            // Rounded to six decimals, as measurements often are.
            *x = (place * DECIMALS).round() / DECIMALS;
        }
        points.push(index as u64, &point)?;
    }
    Ok(points)
}
