use super::assigner::MIN_YINYANG_DIMS;
use super::{Assigner, Level};
use crate::kmeans::extent::Extent;
use crate::kmeans::sums::{FixedPointScale, Sums};
use crate::kmeans::{Centroids, Error, Partial, Points};
use crate::seed::{Seed, each_seed};

/// An assigner and its sums, checked against the definition.
struct Checked {
    points: Points,
    sums: Sums,
    assigner: Assigner,
    labels: Vec<usize>,
}

impl Checked {
    fn new(points: &Points, k: usize, level: Level, once: bool) -> Checked {
        let mut points = points.clone();
        let extents = Extent::of(&points);
        let sums = Sums::new(FixedPointScale::new(&extents, points.len()), k);
        let assigner = match once {
            true => Assigner::for_one_pass(&points, &extents, level),
            false => Assigner::new(&mut points, &extents, sums.scale(), level),
        };
        Checked { points, sums, assigner, labels: Vec::new() }
    }

    /// Labels, sums and the number of moved points must equal those of the definition.
    fn assign(&mut self, centroids: &Centroids) {
        let moved = self.assigner.assign(&self.points, centroids, &mut self.sums);
        let labels = self.assigner.labels();
        let mut expected = vec![Partial::empty(centroids.dims()); centroids.len()];
        let mut changed = 0;
        let before = std::mem::take(&mut self.labels);
        for (index, point) in self.points.iter().enumerate() {
            let (nearest, _) = centroids.nearest(point);
            assert_eq!(labels[index] as usize, nearest, "point {index}: {point:?}\n{centroids}");
            expected[nearest].add(point);
            changed += u64::from(before.get(index) != Some(&nearest));
            self.labels.push(nearest);
        }
        assert_eq!(moved, changed);
        for (cluster, expected) in expected.iter().enumerate() {
            assert_eq!(self.sums.partial(cluster), *expected);
        }
    }
}

/// Distributions of points that are hard to assign.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Uniform,
    /// On a small grid: many are equal, and many are equally far from two centroids.
    Grid,
    /// In a few tight clusters.
    Clusters,
    /// On a line through the origin.
    Line,
    /// A small cloud far from the origin.
    FarOff,
    /// Of any finite magnitude.
    AnyMagnitude,
    /// Where squares overflow.
    Huge,
    /// Where squares underflow.
    Tiny,
    /// Next to each other, as close as f64 can be.
    Neighbours,
    Equal,
}

pub(super) const KINDS: [Kind; 10] = [
    Kind::Uniform,
    Kind::Grid,
    Kind::Clusters,
    Kind::Line,
    Kind::FarOff,
    Kind::AnyMagnitude,
    Kind::Huge,
    Kind::Tiny,
    Kind::Neighbours,
    Kind::Equal,
];

pub(super) fn unit(seed: &mut Seed) -> f64 {
    (seed.next_u64() >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
}

pub(super) fn any_point(seed: &mut Seed, kind: Kind, dims: usize) -> Vec<f64> {
    let along = seed.below(8) as f64 - 4.0;
    let coordinate = |dim: usize| match kind {
        Kind::Uniform => unit(seed),
        Kind::Grid => seed.below(4) as f64,
        Kind::Clusters => along + 1e-3 * unit(seed),
        Kind::Line => along * (dim as f64 + 0.5),
        Kind::FarOff => 1e9 + unit(seed),
        Kind::AnyMagnitude => {
            let x = f64::from_bits(seed.next_u64());
            if x.is_finite() { x } else { -0.0 }
        }
        Kind::Huge => unit(seed) * *seed.pick(&[f64::MAX, 1e200, 1e154]),
        Kind::Tiny => unit(seed) * *seed.pick(&[1e-300, 1e-160, 5e-324]),
        Kind::Neighbours => f64::from_bits(1.0_f64.to_bits() + seed.below(4) as u64),
        Kind::Equal => *seed.pick(&[0.0, -0.0]),
    };
    (0..dims).map(coordinate).collect()
}

fn any_points(seed: &mut Seed, kind: Kind, dims: usize, n: usize) -> Points {
    let mut points = Points::new(dims).unwrap();
    for index in 0..n {
        // Some points occur twice.
        let again = index > 0 && seed.one_in(8);
        let point = if again {
            points.get(seed.below(index)).to_vec()
        } else {
            any_point(seed, kind, dims)
        };
        points.push(index as u64, &point).unwrap();
    }
    points
}

/// Centroids at points, between two of them, equal to each other, or anywhere.
fn any_centroids(seed: &mut Seed, kind: Kind, points: &Points, k: usize) -> Centroids {
    let dims = points.dims();
    let mut all: Vec<f64> = Vec::new();
    for index in 0..k {
        let point = |seed: &mut Seed| match points.len() {
            0 => vec![0.5; dims],
            n => points.get(seed.below(n)).to_vec(),
        };
        let centroid = match seed.below(6) {
            0 if index > 0 => all[seed.below(index) * dims..][..dims].to_vec(),
            1 | 2 => point(seed),
            3 => {
                let (a, b) = (point(seed), point(seed));
                a.iter().zip(b).map(|(a, b)| a / 2.0 + b / 2.0).collect()
            }
            4 if seed.one_in(10) => {
                let kind = *seed.pick(&KINDS);
                any_point(seed, kind, dims)
            }
            _ => any_point(seed, kind, dims),
        };
        all.extend(centroid);
    }
    Centroids::new(dims, all).unwrap()
}

/// The next centroids: each at its mean, nudged, or unchanged.
fn next(seed: &mut Seed, checked: &Checked, centroids: &Centroids) -> Result<Centroids, Error> {
    let mut all = Vec::new();
    for (cluster, centroid) in centroids.iter().enumerate() {
        let mean = checked.sums.partial(cluster).mean().filter(|_| !seed.one_in(4));
        let nudged = |c: &f64| {
            let nudged = if seed.one_in(2) { c.next_up() } else { c * (1.0 + 1e-4 * unit(seed)) };
            if nudged.is_finite() { nudged } else { *c }
        };
        all.extend(mean.unwrap_or_else(|| centroid.iter().map(nudged).collect()));
    }
    Centroids::new(centroids.dims(), all)
}

fn scenario(seed: &mut Seed, dims: usize, n: usize) {
    let kind = *seed.pick(&KINDS);
    let points = any_points(seed, kind, dims, n);
    let most = *seed.pick(&[1, 4, 20, 70]);
    let k = 1 + seed.below(most);
    let level = *seed.pick(&Level::all());
    let mut checked = Checked::new(&points, k, level, seed.one_in(4));
    let mut centroids = any_centroids(seed, kind, &points, k);
    for _ in 0..4 {
        checked.assign(&centroids);
        centroids = match seed.below(5) {
            0 => any_centroids(seed, kind, &points, k),
            _ => next(seed, &checked, &centroids).unwrap(),
        };
    }
    checked.sums.reset(k);
    checked.assigner.restart();
    checked.labels.clear();
    checked.assign(&centroids);
}

/// Runs the scenario for one in `one_in` seeds: the definition is slow.
fn some_seeds(one_in: usize, mut scenario: impl FnMut(&mut Seed)) {
    let mut seeds = 0;
    each_seed(|seed| {
        if seeds % one_in == 0 {
            scenario(seed);
        }
        seeds += 1;
    });
}

#[test]
fn few_coordinates_are_assigned_as_defined() {
    some_seeds(16, |seed| {
        let (dims, n) = (1 + seed.below(8), seed.below(150));
        scenario(seed, dims, n);
    });
}

#[test]
fn many_coordinates_are_assigned_as_defined() {
    some_seeds(64, |seed| {
        let (dims, n) = (9 + seed.below(2 * MIN_YINYANG_DIMS), seed.below(40));
        scenario(seed, dims, n);
    });
}

#[test]
fn as_many_coordinates_as_there_may_be() {
    for number in 1..8 {
        let mut seed = Seed::new(number);
        scenario(&mut seed, 4_096, 20);
        scenario(&mut seed, 784, 40);
    }
}

/// Enough points for several branches, and iterations until nothing changes.
#[test]
fn whole_runs_are_as_defined() {
    for (number, (kind, dims, n, k)) in [
        (Kind::Uniform, 2, 9_000, 10),
        (Kind::Uniform, 2, 9_000, 120),
        (Kind::Clusters, 3, 5_000, 60),
        (Kind::FarOff, 1, 5_000, 30),
        (Kind::Uniform, 6, 3_000, 50),
        (Kind::Uniform, 8, 3_000, 50),
        (Kind::Uniform, 12, 2_000, 40),
        (Kind::Grid, 10, 2_000, 40),
        (Kind::Uniform, MIN_YINYANG_DIMS + 6, 1_000, 60),
        (Kind::Clusters, MIN_YINYANG_DIMS, 700, 10),
        (Kind::Grid, MIN_YINYANG_DIMS + 1, 700, 50),
        // Several packs of contenders in a group.
        (Kind::Uniform, MIN_YINYANG_DIMS + 16, 400, 300),
    ]
    .into_iter()
    .enumerate()
    {
        for level in Level::all() {
            let mut seed = Seed::new(number as u64);
            let points = any_points(&mut seed, kind, dims, n);
            let mut checked = Checked::new(&points, k, level, false);
            let mut centroids = any_centroids(&mut seed, kind, &points, k);
            for _ in 0..12 {
                checked.assign(&centroids);
                let means = |(cluster, centroid): (usize, &[f64])| {
                    checked.sums.partial(cluster).mean().unwrap_or(centroid.to_vec())
                };
                let means: Vec<f64> = centroids.iter().enumerate().flat_map(means).collect();
                centroids = Centroids::new(dims, means).unwrap();
            }
        }
    }
}

/// Points within a few ulps of the middle between two centroids.
#[test]
fn points_near_the_middle_between_two_centroids_are_assigned_as_defined() {
    for level in Level::all() {
        for dims in [1, 2, 9] {
            let mut points = Points::new(dims).unwrap();
            for step in -20_i64..=20 {
                let x = f64::from_bits((0.5_f64.to_bits() as i64 + step) as u64);
                points.push((step + 20) as u64, &vec![x; dims]).unwrap();
            }
            let mut checked = Checked::new(&points, 3, level, false);
            let centroids = [vec![1.0; dims], vec![0.0; dims], vec![1.0; dims]].concat();
            checked.assign(&Centroids::new(dims, centroids).unwrap());
            assert!(checked.labels.contains(&0) && checked.labels.contains(&1));
        }
    }
}

/// A centroid that is no candidate for a whole branch approaches it, just near enough to win the
/// outermost points.
#[test]
fn a_distant_centroid_that_approaches_wins_the_outermost_points() {
    for level in Level::all() {
        let mut points = Points::new(1).unwrap();
        let cloud = |index: u64| (index % 4_096) as f64 / 2_047.5 - 1.0;
        for index in 0..8_192 {
            let center = if index < 4_096 { 0.0 } else { 100.0 };
            points.push(index, &[center + cloud(index)]).unwrap();
        }
        for step in 0..30 {
            let mut checked = Checked::new(&points, 2, level, false);
            checked.assign(&Centroids::new(1, vec![0.0, 100.0]).unwrap());
            let comes_to = 2.2 - f64::from(step) * 0.02;
            checked.assign(&Centroids::new(1, vec![0.0, comes_to]).unwrap());
        }
    }
}

/// A point moves to a contender of another group and back. No other contender of the first group is
/// near, so that the group was skipped when the point moved away.
#[test]
fn a_former_contender_counts_for_its_group() {
    const DIMS: usize = MIN_YINYANG_DIMS;
    let position = |x: f64, y: f64| {
        let mut position = vec![0.0; DIMS];
        (position[0], position[1]) = (x, y);
        position
    };
    let mut points = Points::new(DIMS).unwrap();
    for index in 0..40 {
        points.push(index, &position(1.0 + index as f64 * 0.01, 0.0)).unwrap();
    }
    points.push(40, &position(0.0, 30.0)).unwrap();
    points.push(41, &position(0.0, -30.0)).unwrap();
    let centroids = |x: f64| {
        let far = |side: f64| (1..16).flat_map(move |index| position(0.0, side + f64::from(index)));
        let mut all = position(0.0, 0.0);
        all.extend(far(15.0));
        all.extend(position(x, 0.0));
        all.extend(far(-30.0));
        Centroids::new(DIMS, all).unwrap()
    };
    for level in Level::all() {
        let mut checked = Checked::new(&points, 32, level, false);
        checked.assign(&centroids(3.0));
        assert_eq!(checked.labels[0], 0);
        checked.assign(&centroids(1.2));
        assert_eq!(checked.labels[0], 16);
        for step in 0..20 {
            checked.assign(&centroids(1.2 + f64::from(step) * 0.1));
        }
        assert_eq!(checked.labels[0], 0);
    }
}
