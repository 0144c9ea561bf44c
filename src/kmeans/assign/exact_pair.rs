//! Compares estimates with exact arithmetic, for the tests of the kernels that compute them.
//!
//! Every f64 is an integer times a power of two, and [`Dyadic`] adds products of such numbers
//! without rounding. So what an estimate should be, and what the definition rounds, are known
//! exactly.

use super::contenders::Contenders;
use super::error_bounds::ErrorBounds;
use super::frame::Frame;
use super::simd::Level;
use super::tests::{KINDS, any_point, unit};
use crate::kmeans::exact::Superaccumulator;
use crate::kmeans::extent::Extent;
use crate::kmeans::{Centroids, Dyadic, Points, squared_distance};
use crate::seed::{Seed, each_seed};

/// Half the distance of f32 around 1.
const UNIT: f64 = f32::EPSILON as f64 / 2.0;

/// A point and a centroid, in a frame for which estimates may be made.
pub(super) struct Pair {
    /// The point in the frame.
    pub(super) z: Vec<f32>,
    /// The square of its norm, as strategies know it.
    pub(super) norm: f32,
    /// The centroid in the frame, before it is rounded to f32.
    pub(super) g: Vec<f64>,
    /// The centroid alone.
    pub(super) contenders: Contenders,
    /// Of estimates without tags.
    pub(super) bounds: ErrorBounds,
    radius: f64,
    /// The exact square of the distance, and the square as defined, in the frame.
    exact: Dyadic,
    defined: Dyadic,
}

impl Pair {
    /// The first of these points and this centroid, in the points' frame. None: estimates may not
    /// be made for them.
    pub(super) fn new(points: &[Vec<f64>], centroid: &[f64]) -> Option<Pair> {
        let dims = centroid.len();
        let mut all = Points::new(dims).unwrap();
        (0..).zip(points).for_each(|(offset, point)| all.push(offset, point).unwrap());
        let frame = Frame::around(&all, &Extent::of(&all));
        let point = all.get(0);
        let in_frame: Vec<f64> = frame.transform(point).collect();
        let square: f64 = in_frame.iter().map(|z| z * z).sum();
        let radius = square.sqrt() * (1.0 + 1e-6);
        let centroids = Centroids::new(dims, centroid.to_vec()).unwrap();
        let contenders = Contenders::new(&frame, radius, &centroids);
        if !contenders.may_estimate(&frame) {
            return None;
        }
        // A power of two: multiplying by it is exact, but below what any bound sees.
        let scaled = |x: &[f64]| -> Vec<f64> { x.iter().map(|x| x * frame.scale()).collect() };
        let defined = squared_distance(point, centroid);
        assert_defined(defined, &square_of_distance(point, centroid), dims, frame.scale());
        Some(Pair {
            z: in_frame.iter().map(|z| *z as f32).collect(),
            norm: square as f32,
            g: frame.transform(centroid).collect(),
            bounds: ErrorBounds::new(dims, radius, contenders.max_norm),
            contenders,
            radius,
            exact: square_of_distance(&scaled(point), &scaled(centroid)),
            defined: Dyadic::new(defined * frame.scale() * frame.scale()),
        })
    }

    /// Asserts all that is claimed of an estimate whose error is bounded by `bounds`. Returns the
    /// larger of its two errors, by their bound.
    pub(super) fn check(&self, estimate: f32, bounds: &ErrorBounds) -> f64 {
        let (dims, span) = (self.z.len() as f64, self.bounds.span);
        let z: Vec<f64> = self.z.iter().map(|z| f64::from(*z)).collect();
        let g: Vec<f64> = self.contenders.rows.iter().map(|g| f64::from(*g) / -2.0).collect();
        // What is estimated is |g'|^2 - 2 z'g'; with |z'|^2 it is a squared distance.
        let norm = square_of_distance(&z, &vec![0.0; z.len()]);
        let rounded = square_of_distance(&z, &g);
        let mut estimated = norm.clone();
        estimated += &Dyadic::new(f64::from(estimate));
        let tiny = 1e-30;
        // (placing), the norm, (estimating) and (1) of the module documentation.
        assert_within("placing", &self.exact, &rounded, 2.01 * UNIT * span * span + tiny);
        let norm_bound = 3.01 * UNIT * self.radius * self.radius + tiny;
        assert_within("norm", &Dyadic::new(f64::from(self.norm)), &norm, norm_bound);
        let tags = bounds.estimate - self.bounds.estimate;
        let summing = 1.001 * (dims + 1.0) * UNIT * span * span + tags + tiny;
        assert_within("estimate", &estimated, &rounded, summing);
        assert_within("distance", &estimated, &self.exact, bounds.estimate);
        assert_within("definition", &estimated, &self.defined, bounds.estimate);
        // The roots that bound the distance.
        let square = f64::from(self.norm) + f64::from(estimate);
        let squared = |x: f64| square_of_distance(&[x], &[0.0]);
        assert!(squared(bounds.min_distance(square)) <= self.exact);
        assert!(squared(bounds.max_distance(square)) >= self.exact);
        let error = gap(&estimated, &self.exact).max(gap(&estimated, &self.defined));
        error.to_f64() / bounds.estimate
    }
}

/// The square of a distance, exactly.
fn square_of_distance(x: &[f64], c: &[f64]) -> Dyadic {
    let mut sum = Superaccumulator::default();
    for (x, c) in x.iter().zip(c) {
        sum.add_product(*x, *x);
        sum.add_product(*c, *c);
        (0..2).for_each(|_| sum.add_product(-x, *c));
    }
    sum.into()
}

fn gap(a: &Dyadic, b: &Dyadic) -> Dyadic {
    let mut gap = a.clone();
    gap -= b;
    if gap.is_negative() { -gap } else { gap }
}

#[track_caller]
fn assert_within(what: &str, a: &Dyadic, b: &Dyadic, bound: f64) {
    let gap = gap(a, b);
    assert!(gap <= Dyadic::new(bound), "{what}: {:e} is above {bound:e}", gap.to_f64());
}

/// (3) of the module documentation.
fn assert_defined(defined: f64, exact: &Dyadic, dims: usize, scale: f64) {
    let share = (dims as f64 + 2.0) / (1_u64 << 53) as f64;
    let bound = share * exact.to_f64() + 1e-70 / scale / scale;
    assert_within("rounding of the definition", &Dyadic::new(defined), exact, bound);
}

/// Points and a centroid of any distribution, with magnitudes and ratios that are hard to add up.
fn any_pair(seed: &mut Seed, dims: usize) -> Option<Pair> {
    let (kind, other) = (*seed.pick(&KINDS), *seed.pick(&KINDS));
    let count = 1 + seed.below(3);
    let mut points: Vec<Vec<f64>> = (0..count).map(|_| any_point(seed, kind, dims)).collect();
    let mut centroid = match seed.below(4) {
        0 => any_point(seed, other, dims),
        // Next to the point: nearly everything cancels.
        1 => points[0].iter().map(|x| nudged(seed, *x)).collect(),
        // On the other side.
        2 => points[0].iter().map(|x| -x).collect(),
        _ => any_point(seed, kind, dims),
    };
    if seed.one_in(3) {
        // From the smallest numbers to the largest for which there are frames, and beyond.
        let scale = f64::powi(2.0, seed.below(820) as i32 - 410);
        let ratio = f64::powi(2.0, seed.below(40) as i32 - 20);
        let finite = |x: f64| if x.is_finite() { x } else { 1.0 };
        points.iter_mut().flatten().for_each(|x| *x = finite(*x * scale));
        centroid.iter_mut().for_each(|c| *c = finite(*c * scale * ratio));
    }
    if seed.one_in(3) {
        // Coordinates that are denormal, next to others that are not.
        let dim = seed.below(dims);
        points[0][dim] = f64::from_bits(seed.next_u64() >> 12);
    }
    Pair::new(&points, &centroid)
}

fn nudged(seed: &mut Seed, x: f64) -> f64 {
    let nudged = match seed.below(3) {
        0 => x,
        1 => x.next_up(),
        _ => x * (1.0 + 1e-7 * unit(seed)),
    };
    if nudged.is_finite() { nudged } else { x }
}

/// A point and a centroid as far from each other as they can be, all of whose coordinates are
/// rounded alike, many of them by nearly as much as there is.
fn hard_pair(seed: &mut Seed, dims: usize) -> Option<Pair> {
    let half_way = |seed: &mut Seed| {
        let kept = 1.0 + (seed.below(1 << 12) << seed.below(12)) as f64 * f64::from(f32::EPSILON);
        kept + UNIT * *seed.pick(&[0.999_999, -0.499_999, 0.0])
    };
    let x = half_way(seed);
    let c = if seed.one_in(2) { -x } else { -half_way(seed) * *seed.pick(&[0.5, 1.0, 2.0]) };
    let mirrored = vec![vec![x; dims], vec![-x; dims]];
    Pair::new(&mirrored, &vec![c; dims])
}

/// Checks the estimates of pairs of all kinds, with all instructions that this processor has. The
/// bounds must hold for all of them, and must not be much above what rounding does to the hardest:
/// for each of these numbers of coordinates an error comes within a `tightness`th of its bound.
pub(super) fn check_estimates(
    tightness: &[(usize, f64)],
    estimate: impl Fn(Level, &Pair) -> (f32, ErrorBounds),
) {
    let check = |pair: &Pair| {
        let of_level = |level| {
            let (estimate, bounds) = estimate(level, pair);
            pair.check(estimate, &bounds)
        };
        Level::all().into_iter().map(of_level).fold(0.0, f64::max)
    };
    let mut checked = 0;
    each_seed(|seed| {
        let (dims, _) = *seed.pick(tightness);
        // Exact sums of many products take long.
        if seed.below(32 * dims) < 8
            && let Some(pair) = any_pair(seed, dims)
        {
            check(&pair);
            checked += 1;
        }
    });
    println!("{checked} pairs of any kind");
    for (dims, tightness) in tightness {
        let mut largest: f64 = 0.0;
        for number in 0..(4_000 / dims).clamp(20, 400) {
            let mut seed = Seed::new(number as u64);
            let pair = hard_pair(&mut seed, *dims).unwrap();
            largest = largest.max(check(&pair));
        }
        println!("{dims} coordinates: 1/{:.1} of the bound", 1.0 / largest);
        assert!(largest * tightness >= 1.0, "{dims} coordinates: 1/{:.1}", 1.0 / largest);
    }
}
