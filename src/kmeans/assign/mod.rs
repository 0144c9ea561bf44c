//! The assignment of all points of a split, in less time than its definition takes.
//!
//! [`Centroids::nearest`] defines it. What is here gives the same labels, bit for bit, and looks at
//! few of the pairs of points and centroids in f64: an *estimate* in f32 says which centroids can be
//! the nearest, and how far centroids may drift until another one can be. An estimate may only
//! decide that something need not be looked at; wherever it leaves a doubt, the definition decides.
//!
//! | file | |
//! |---|---|
//! | `frame` | coordinates in which a split lies around the origin, about as wide as 1 |
//! | `contenders` | the centroids that may win, packed side by side |
//! | `estimate` | the kernel that estimates distances, many at once |
//! | `error_bounds` | how far estimates are off at most, and how far centroids have drifted |
//! | `ball_tree` | few coordinates: neighbouring points are labelled together |
//! | `hamerly` | more coordinates: each point by itself |
//! | `yinyang` | many coordinates: a bound for each point and group of contenders |
//! | `moves` | points that change their cluster |
//! | `exact_nearest` | the kernel that decides: the definition, several centroids at once |
//! | `peak` | a kernel to measure the others by |
//! | `simd` | vectors of sixteen numbers on any processor, with all the `unsafe` there is |
//!
//! # Why no estimate changes a label
//!
//! Let `u = 2^-24` be half the distance of f32 around 1, `x` a point and `c` a centroid of `d`
//! coordinates, `D(x, c)` the squared distance as defined, in f64, and `s` the scale of the frame.
//! In the frame, and without rounding, `x` is at `z = (x - origin) s` and `c` at `g`; `z'` and `g'`
//! are the same in f32. The radius of the points `Z` and the max_norm of the contenders `G` bound
//! `|z|, |z'|` and `|g|, |g'|`, so that no distance is longer than the *span* `Z + G`.
//!
//! 1. *Placing.* Each coordinate is rounded twice, in f64 and to f32: `|z - z'| <= 1.001 u Z`, and
//!    likewise for `g`. So `|z - g|` and `|z' - g'|` differ by at most `1.001 u span`, and their
//!    squares by at most `2.01 u span^2`.
//! 2. *Estimating.* An estimate `e` is `|g'|^2 - 2 z' g'`, computed from `|g'|^2`, rounded once, in
//!    `d` multiplications and additions, fused or not, in any order. The error of such a sum is at
//!    most `(d + 1) u / (1 - (d + 1) u)` times the sum of the magnitudes of its terms (N. Higham,
//!    *Accuracy and Stability of Numerical Algorithms*, section 3.1), which is at most
//!    `G^2 + 2 Z G <= span^2`. With `d <= 4096` the error is below `1.001 (d + 1) u span^2`.
//! 3. *Defining.* `s^2 D(x, c)` differs from `|z - g|^2` by at most `(d + 2) 2^-53` of it. Squares
//!    do not overflow, and those that vanish change it by less than `1e-70`: a frame is used only
//!    for points whose farthest coordinate is between `2^-400` and `2^400`, and contenders that
//!    max_norm at most 65,536 times as far.
//!
//! Together, with `E = 1.01 (d + 5) u span^2 + 1e-30`, which also covers f32 that are subnormal:
//!
//! ```text
//! s^2 D(x, c) = |z'|^2 + e + error,   |error| <= E                                        (1)
//! ```
//!
//! - *Clear.* If the lowest estimate of a point is more than `2 E` below all others, its centroid is
//!   the nearest. Otherwise the definition decides, among all contenders, or among those of which a
//!   bound says that one of them is the nearest.
//! - *Distances.* The norm `|z'|^2` is known within `(d + 1) u Z^2`, and it and the estimate are
//!   added within `u span^2`, so `|z - g|` is between the roots of `norm + e - 3 E` and
//!   `norm + e + 3 E`. The roots and their difference, in f32, are off by at most `4 u span`, which
//!   is taken off every difference.
//! - *Drift* (G. Hamerly, *Making k-means even faster*, 2010). A point whose second nearest
//!   centroid is farther than its own by `slack` keeps its label until its centroid's drift and the
//!   longest drift of any other one add up to that. Both are added up for each centroid since the
//!   first assignment, so that one number for each point, its *limit*, is compared with one for
//!   each centroid, its *threshold*. Limits are rounded down by `1e-6` of span and drift, which is
//!   more than the rounding of f32, and thresholds up by `1e-9` of the span, so that what passes
//!   differs by more than that in distance. Squares of such distances differ by more than the
//!   rounding of their definition (3), which is below `1e-12` of the span times the sum of both.
//! - *Tags.* An estimate that says in its last four bits whose it is (`yinyang`) is off by less than
//!   `2^-19` of itself more, which is at most `2^-19 span^2`, and `E` is larger by that.
//! - *Groups.* A group of contenders whose nearest one, but for the point's own, is farther than a
//!   `low`, is farther than `low` less the longest drifts of any of its contenders. It need not be
//!   looked at while that is more than the distance of the point's own. Both are distances as above,
//!   the one rounded down, the other up; lower_bounds are rounded by as much as limits, and the drifts of groups
//!   as thresholds.
//! - *Balls.* Where a leaf's center is nearest to one contender by more than twice the leaf's radius,
//!   so are all points in it, by the triangle inequality. This holds for `z'` and `g'`; by (placing)
//!   it holds for `z` and `g` if the difference is greater by `2.01 u span`, and `4 u span` is asked.
//!
//! Centroids that are no contenders (equal to one of a lower index, or hopelessly far) never win:
//! see [`contenders`]. A centroid that becomes a contender anew makes all limits void.

#![allow(clippy::needless_range_loop, reason = "kernels walk several arrays by one number")]

mod assigner;
mod ball_tree;
mod contenders;
mod drift;
mod error_bounds;
mod estimate;
mod exact_nearest;
mod frame;
mod groups;
mod hamerly;
mod moves;
mod naive;
mod peak;
mod simd;
mod strategy;
mod yinyang;

#[cfg(test)]
mod tests;

pub(super) use assigner::Assigner;
pub use peak::multiply_adds;
pub(super) use simd::Level;
