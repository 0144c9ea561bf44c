//! Measures the strategies against each other: CPU milliseconds an iteration, one thread.
//!
//! ```text
//! cargo test --release --locked --lib kmeans::assign::comparison -- --ignored --nocapture
//! ```
//!
//! Every strategy assigns the same points to the same centroids, those of Lloyd's iterations from
//! random points. The strategies take turns within a round, and the fastest round counts, so that
//! other programs on the machine disturb little. `AGORA_COMPARE_DIMS=8,16` measures these
//! dimensions only.

use std::fs;

use super::assigner::Assigner;
use super::ball_tree::BallTree;
use super::frame::Frame;
use super::hamerly::Hamerly;
use super::simd::Level;
use super::strategy::AssignStrategy;
use super::yinyang::Yinyang;
use crate::kmeans::extent::Extent;
use crate::kmeans::sums::{FixedPointScale, Sums};
use crate::kmeans::{Centroids, Points};
use crate::seed::Seed;

const DIMS: [usize; 8] = [2, 3, 4, 8, 16, 32, 64, 128];
const CLUSTERS: [usize; 5] = [2, 10, 30, 100, 256];
const MAX_POINTS: usize = 200_000;
const MAX_COORDINATES: usize = 4_000_000;
const ITERATIONS: usize = 12;
const ROUNDS: usize = 3;
const NAMES: [&str; 3] = ["ball_tree", "hamerly", "yinyang"];

#[derive(Clone, Copy, Debug)]
enum Shape {
    Uniform,
    Clustered,
}

fn unit(seed: &mut Seed) -> f64 {
    (seed.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// Points of the unit cube: anywhere, or around as many centers as there will be clusters.
fn points(seed: &mut Seed, shape: Shape, dims: usize, k: usize) -> Points {
    let centers: Vec<f64> = (0..k * dims).map(|_| unit(seed)).collect();
    let mut points = Points::new(dims).unwrap();
    let mut point = vec![0.0; dims];
    for index in 0..MAX_POINTS.min(MAX_COORDINATES / dims) {
        let center = &centers[seed.below(k) * dims..][..dims];
        for (x, center) in point.iter_mut().zip(center) {
            *x = match shape {
                Shape::Uniform => unit(seed),
                // Nearly normal, with a standard deviation of 0.05.
                Shape::Clustered => center + 0.1 * (unit(seed) + unit(seed) + unit(seed) - 1.5),
            };
        }
        points.push(index as u64, &point).unwrap();
    }
    points
}

/// The strategy with this number, and its points, which it may have reordered.
fn assigner(name: usize, points: &Points, scale: &FixedPointScale) -> Option<(Assigner, Points)> {
    let mut points = points.clone();
    let frame = Frame::around(&points, &Extent::of(&points));
    let strategy: Box<dyn AssignStrategy> = match (NAMES[name], points.dims()) {
        ("ball_tree", 2) => Box::new(BallTree::<2>::new(&mut points, &frame, scale)),
        ("ball_tree", 3) => Box::new(BallTree::<3>::new(&mut points, &frame, scale)),
        ("ball_tree", 4) => Box::new(BallTree::<4>::new(&mut points, &frame, scale)),
        ("ball_tree", 6) => Box::new(BallTree::<6>::new(&mut points, &frame, scale)),
        ("ball_tree", 8) => Box::new(BallTree::<8>::new(&mut points, &frame, scale)),
        ("ball_tree", 12) => Box::new(BallTree::<12>::new(&mut points, &frame, scale)),
        ("ball_tree", 16) => Box::new(BallTree::<16>::new(&mut points, &frame, scale)),
        ("hamerly", _) => Box::new(Hamerly::new(&points, &frame)),
        ("yinyang", _) => Box::new(Yinyang::new(&points, &frame)),
        _ => return None,
    };
    Some((Assigner::with(strategy, frame, Level::detect()), points))
}

/// Of this thread, in milliseconds (proc(5), schedstat).
fn cpu_ms() -> f64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1e6
}

/// Random points, and where Lloyd's iterations take them.
fn trajectory(
    seed: &mut Seed,
    points: &Points,
    scale: &FixedPointScale,
    k: usize,
) -> Vec<Centroids> {
    let (mut assigner, points) = assigner(2, points, scale).unwrap();
    let mut sums = Sums::new(scale.clone(), k);
    let first = (0..k).flat_map(|_| points.get(seed.below(points.len())).to_vec()).collect();
    let mut all = vec![Centroids::new(points.dims(), first).unwrap()];
    for iteration in 0..ITERATIONS - 1 {
        let centroids = &all[iteration];
        assigner.assign(&points, centroids, &mut sums);
        let mean = |(cluster, old): (usize, &[f64])| {
            sums.partial(cluster).mean().unwrap_or_else(|| old.to_vec())
        };
        let means = centroids.iter().enumerate().flat_map(mean).collect();
        all.push(Centroids::new(points.dims(), means).unwrap());
    }
    all
}

/// By strategy: milliseconds an iteration of its fastest round; infinite without the strategy.
fn measure(seed: &mut Seed, shape: Shape, dims: usize, k: usize) -> [f64; NAMES.len()] {
    let points = points(seed, shape, dims, k);
    let scale = FixedPointScale::new(&Extent::of(&points), points.len());
    let steps = trajectory(seed, &points, &scale, k);
    let mut fastest = [f64::INFINITY; NAMES.len()];
    let mut assigners: Vec<_> =
        (0..NAMES.len()).map(|name| assigner(name, &points, &scale)).collect();
    for _ in 0..ROUNDS {
        for (name, assigner) in assigners.iter_mut().enumerate() {
            let Some((assigner, points)) = assigner else { continue };
            let mut sums = Sums::new(scale.clone(), k);
            assigner.restart();
            let began = cpu_ms();
            for centroids in &steps {
                assigner.assign(points, centroids, &mut sums);
            }
            fastest[name] = fastest[name].min((cpu_ms() - began) / ITERATIONS as f64);
        }
    }
    fastest
}

#[test]
#[ignore = "a measurement, not a test"]
fn strategies_side_by_side() {
    let asked = std::env::var("AGORA_COMPARE_DIMS").unwrap_or_default();
    let asked: Vec<usize> = asked.split(',').filter_map(|dims| dims.parse().ok()).collect();
    let all = if asked.is_empty() { DIMS.to_vec() } else { asked };
    println!("{:?}", Level::detect());
    println!("shape      dims    K  {:>10}{:>10}{:>10}  best", NAMES[0], NAMES[1], NAMES[2]);
    for shape in [Shape::Uniform, Shape::Clustered] {
        for dims in &all {
            for k in CLUSTERS {
                let ms = measure(&mut Seed::new(1), shape, *dims, k);
                let best = (0..NAMES.len()).min_by(|a, b| ms[*a].total_cmp(&ms[*b])).unwrap();
                println!(
                    "{:10} {dims:4} {k:4}  {:10.3}{:10.3}{:10.3}  {}",
                    format!("{shape:?}"),
                    ms[0],
                    ms[1],
                    ms[2],
                    NAMES[best]
                );
            }
        }
    }
}
