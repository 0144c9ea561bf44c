//! Projects points of any number of coordinates to two axes.
//!
//! The principal axes are those along which the points spread most (K. Pearson, *On lines and
//! planes of closest fit*, 1901): eigenvectors of their covariance, found by subspace iteration,
//! which repeatedly multiplies a few vectors with the covariance and makes them orthogonal (Y.
//! Saad, *Numerical Methods for Large Eigenvalue Problems*, section 5.1). Two axes are needed; a
//! few more vectors make it converge faster when variances are similar. An axis and its opposite
//! are equivalent: the largest component is made positive.

use crate::kmeans::seeding::hash;

use super::sample::SamplePoint;

/// The number of iterated vectors.
const VECTORS: usize = 4;
/// Far more than real data needs.
const ITERATIONS: usize = 60;

/// Two directions in space, and their names.
#[derive(Clone, Debug, PartialEq)]
pub struct Axes {
    kind: Kind,
    names: [String; 2],
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    /// Two coordinates, by index from 0.
    Coordinates([usize; 2]),
    /// The only coordinate; points are spread at random along the other axis.
    Only,
    /// An origin and two directions.
    Principal { origin: Vec<f64>, directions: [Vec<f64>; 2] },
}

impl Axes {
    /// For points of `dims` coordinates: the coordinates themselves if there are two, the first two
    /// principal axes of these points if there are more.
    pub fn of(dims: usize, shown: &[&SamplePoint]) -> Axes {
        match dims {
            0 | 1 => Axes { kind: Kind::Only, names: ["coordinate 1".into(), String::new()] },
            2 => Axes::coordinates(0, 1),
            _ => Axes::principal(dims, shown),
        }
    }

    /// Two of the coordinates, by index from 0.
    pub fn coordinates(x: usize, y: usize) -> Axes {
        let names = [x, y].map(|number| format!("coordinate {}", number + 1));
        Axes { kind: Kind::Coordinates([x, y]), names }
    }

    /// The same axes with names.
    pub fn named(self, names: [String; 2]) -> Axes {
        Axes { names, ..self }
    }

    pub(super) fn names(&self) -> &[String; 2] {
        &self.names
    }

    /// Whether there is a vertical axis.
    pub(super) fn has_y(&self) -> bool {
        self.kind != Kind::Only
    }

    /// The position of a point. `number` spreads points of one coordinate.
    pub(super) fn project(&self, number: u64, point: &[f64]) -> [f64; 2] {
        let coordinate = |dim: usize| point.get(dim).copied().unwrap_or(0.0);
        match &self.kind {
            Kind::Coordinates(dims) => dims.map(coordinate),
            Kind::Only => [coordinate(0), (hash(1, 0, number) >> 11) as f64 / (1_u64 << 53) as f64],
            Kind::Principal { origin, directions } => {
                let along = |direction: &Vec<f64>| {
                    let differences = point.iter().zip(origin).zip(direction);
                    differences.map(|((x, origin), direction)| (x - origin) * direction).sum()
                };
                [along(&directions[0]), along(&directions[1])]
            }
        }
    }

    fn principal(dims: usize, shown: &[&SamplePoint]) -> Axes {
        let count = shown.len().max(1) as f64;
        let mut origin = vec![0.0; dims];
        for shown in shown {
            origin.iter_mut().zip(&shown.point).for_each(|(sum, x)| *sum += x / count);
        }
        let centred = |shown: &&SamplePoint| -> Vec<f64> {
            shown.point.iter().zip(&origin).map(|(x, origin)| x - origin).collect()
        };
        let mut rows: Vec<Vec<f64>> = shown.iter().map(centred).collect();
        let largest = rows.iter().flatten().fold(0.0, |a, x| f64::max(a, x.abs()));
        if largest > 0.0 {
            rows.iter_mut().flatten().for_each(|x| *x /= largest);
        }
        let (directions, variances) = principal_directions(dims, &rows);
        let total: f64 = rows.iter().flatten().map(|x| x * x).sum();
        let name = |ordinal: &str, variance: f64| match total > 0.0 {
            true => {
                format!("{ordinal} principal axis ({:.1} % of variance)", 100.0 * variance / total)
            }
            false => format!("{ordinal} principal axis"),
        };
        let names = [name("first", variances[0]), name("second", variances[1])];
        Axes { kind: Kind::Principal { origin, directions }, names }
    }
}

/// The two directions of largest variance, and the sum of squares along each.
fn principal_directions(dims: usize, rows: &[Vec<f64>]) -> ([Vec<f64>; 2], [f64; 2]) {
    let count = VECTORS.min(dims);
    let start = |vector: usize| -> Vec<f64> {
        let component =
            |dim: usize| hash(2, vector as u64, dim as u64) as f64 / u64::MAX as f64 - 0.5;
        (0..dims).map(component).collect()
    };
    let mut vectors: Vec<Vec<f64>> = (0..count).map(start).collect();
    orthonormal(&mut vectors);
    for _ in 0..ITERATIONS {
        let mut next = vec![vec![0.0; dims]; count];
        for row in rows {
            for (vector, next) in vectors.iter().zip(&mut next) {
                let along = dot(row, vector);
                next.iter_mut().zip(row).for_each(|(next, x)| *next += along * x);
            }
        }
        vectors = next;
        orthonormal(&mut vectors);
    }
    let spread = |vector: &Vec<f64>| rows.iter().map(|row| dot(row, vector).powi(2)).sum::<f64>();
    let mut ranked: Vec<(f64, Vec<f64>)> =
        vectors.into_iter().map(|vector| (spread(&vector), vector)).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut ranked = ranked.into_iter();
    let mut take = || {
        let (variance, mut direction) = ranked.next().unwrap_or((0.0, vec![0.0; dims]));
        let largest =
            direction.iter().fold(0.0, |a: f64, b| if b.abs() > a.abs() { *b } else { a });
        if largest < 0.0 {
            direction.iter_mut().for_each(|component| *component = -*component);
        }
        (variance, direction)
    };
    let (first, second) = (take(), take());
    ([first.1, second.1], [first.0, second.0])
}

/// Makes vectors orthonormal, in order (Gram-Schmidt). A vector in the span of those before it is
/// replaced by the first unit vector outside of the span.
fn orthonormal(vectors: &mut [Vec<f64>]) {
    for index in 0..vectors.len() {
        let (before, rest) = vectors.split_at_mut(index);
        let Some(vector) = rest.first_mut() else { return };
        let length = dot(vector, vector).sqrt();
        let mut left = remove(before, vector);
        // Unit vectors are needed only if nothing but rounding errors is left.
        let units = (0..vector.len()).take_while(|_| left <= 1e-9 * length || left == 0.0);
        for dim in units.collect::<Vec<usize>>() {
            if left > 0.1 {
                break;
            }
            vector.fill(0.0);
            vector[dim] = 1.0;
            left = remove(before, vector);
        }
        vector.iter_mut().for_each(|x| *x /= left);
    }
}

/// Removes the components along unit vectors, twice because of rounding. Returns the length of the
/// rest.
fn remove(units: &[Vec<f64>], vector: &mut [f64]) -> f64 {
    for _ in 0..2 {
        for unit in units {
            let along = dot(unit, vector);
            vector.iter_mut().zip(unit).for_each(|(x, unit)| *x -= along * unit);
        }
    }
    dot(vector, vector).sqrt()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(points: &[Vec<f64>]) -> Vec<SamplePoint> {
        let shown = |(number, point): (u64, &Vec<f64>)| SamplePoint {
            number,
            label: 0,
            point: point.clone(),
        };
        (0..).zip(points).map(shown).collect()
    }

    fn axes(points: &[Vec<f64>]) -> Axes {
        let shown = shown(points);
        Axes::of(points[0].len(), &shown.iter().collect::<Vec<_>>())
    }

    #[test]
    fn principal_axes_are_those_of_an_ellipsoid() {
        // Along (1, 2, 2) / 3 most, along (2, 1, -2) / 3 less, along (2, -2, 1) / 3 least.
        let directions = [[1.0, 2.0, 2.0], [2.0, 1.0, -2.0], [2.0, -2.0, 1.0]];
        let mut points = Vec::new();
        for (direction, length) in directions.iter().zip([9.0, 3.0, 1.0]) {
            for sign in [1.0, -1.0] {
                points.push(direction.iter().map(|x| 5.0 + sign * length * x / 3.0).collect());
            }
        }
        let axes = axes(&points);
        let position = axes.project(0, &points[0]);
        assert!((position[0] - 9.0).abs() < 1e-9 && position[1].abs() < 1e-9, "{position:?}");
        // The largest component of the second axis is made positive; the first of two equal ones.
        let position = axes.project(0, &points[2]);
        assert!(position[0].abs() < 1e-9 && (position[1].abs() - 3.0).abs() < 1e-9, "{position:?}");
        assert_eq!(axes.names()[0], "first principal axis (89.0 % of variance)");
    }

    #[test]
    fn points_without_variance_have_axes_too() {
        for points in [vec![vec![1.0; 5]; 3], vec![vec![0.0, 1e300, 0.0], vec![0.0, -1e300, 0.0]]] {
            let axes = axes(&points);
            for point in &points {
                assert!(axes.project(0, point).iter().all(|x| x.is_finite()), "{axes:?}");
            }
        }
        assert!(Axes::of(3, &[]).project(0, &[1.0, 2.0, 3.0]).iter().all(|x| x.is_finite()));
    }

    #[test]
    fn two_coordinates_are_unchanged_and_one_is_spread() {
        assert_eq!(axes(&[vec![3.0, 4.0]]).project(0, &[3.0, 4.0]), [3.0, 4.0]);
        assert_eq!(Axes::coordinates(1, 0).project(0, &[3.0, 4.0]), [4.0, 3.0]);
        let line = axes(&[vec![3.0]]);
        assert_eq!(line.project(1, &[3.0])[0], 3.0);
        assert_ne!(line.project(1, &[3.0])[1], line.project(2, &[3.0])[1]);
    }
}
