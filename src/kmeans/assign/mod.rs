//! The assignment of all points of a split to their nearest centroids, in less time than the
//! definition takes.
//!
//! [`Centroids::nearest`](super::Centroids::nearest) is the definition. The strategies here give
//! the same labels, bit for bit, and compute few of the distances in f64. An *estimate* in f32
//! tells which centroids can be the nearest, and how far centroids may drift before another one can
//! be. An estimate is used only to skip work; wherever it leaves a doubt, the definition decides.
//!
//! | file | |
//! |---|---|
//! | `assigner` | chooses a strategy for a split and runs it |
//! | `ball_tree` | up to 8 coordinates: a two-level ball tree, whose balls are labelled as a whole |
//! | `hamerly` | more coordinates: one bound for each point (Hamerly) |
//! | `yinyang` | many coordinates: a bound for each point and group of centroids (Yinyang) |
//! | `naive` | the definition alone, where no estimate can be made |
//! | `strategy` | the trait that strategies implement, and their input |
//! | `frame` | coordinates in which a split lies around the origin, with a width of about 1 |
//! | `contenders` | the centroids that can win a point, packed for vector instructions |
//! | `groups` | groups of contenders that share a bound |
//! | `estimate` | the kernel that estimates many distances at once |
//! | `error_bounds` | the largest error of an estimate |
//! | `drift` | how far centroids have moved since the first assignment |
//! | `moves` | moves points between the sums of clusters |
//! | `exact_nearest` | the kernel that computes the definition, several centroids at once |
//! | `peak` | a kernel to compare the others with |
//! | `simd` | vectors of sixteen numbers on any processor, with all `unsafe` of the module |
//!
//! # Why no estimate changes a label
//!
//! Let `u = 2^-24` be half the distance between neighbours of f32 around 1, `x` a point and `c` a
//! centroid of `d` coordinates, `D(x, c)` the squared distance as defined, in f64, and `s` the
//! scale of the frame. In the frame, and without rounding, `x` is at `z = (x - origin) s` and `c`
//! is at `g`; `z'` and `g'` are `z` and `g` rounded to f32. The radius `Z` of the points and the
//! largest norm `G` of the contenders bound `|z|, |z'|` and `|g|, |g'|`, so no distance exceeds the
//! *span* `Z + G`.
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
//!    do not overflow, and squares that underflow change it by less than `1e-70`: a frame is used
//!    only for points whose farthest coordinate is between `2^-400` and `2^400`, and for contenders
//!    whose norm in the frame is at most 65,536.
//!
//! Together, with `E = 1.01 (d + 5) u span^2 + 1e-30`, which also covers subnormal f32:
//!
//! ```text
//! s^2 D(x, c) = |z'|^2 + e + error,   |error| <= E                                        (1)
//! ```
//!
//! The tests of the kernels (`exact_pair`) check the three steps and (1) in exact arithmetic, for
//! random and for adversarial points. Errors reach a third of `E`, so that it is not much too large.
//!
//! - *Clear.* If the lowest estimate of a point is more than `2 E` below all others, its centroid
//!   is the nearest. Otherwise the definition decides, among all contenders, or among those of
//!   which a bound tells that one of them is the nearest.
//! - *Distances.* The norm is `|z|^2`, rounded once to f32, and so `|z'|^2` within `3.01 u Z^2`. The
//!   sum of it and the estimate is rounded by at most `u span^2`, so `|z - g|` is between the roots
//!   of `norm + e - 3 E` and `norm + e + 3 E`. The roots and their difference, in f32, are off by at
//!   most `4 u span`, which is subtracted from every difference.
//! - *Drift* (G. Hamerly, *Making k-means even faster*, 2010). Let `slack` be the difference
//!   between the distances of a point to its second nearest centroid and to its own. The point
//!   keeps its label until the drift of its own centroid and the longest drift of any other one add
//!   up to `slack`. Both are added up for each centroid since the first assignment, so that one
//!   number for each point, its *limit*, is compared with one for each centroid, its *threshold*.
//!   Limits are rounded down by `1e-6` of span and drift, which is more than the rounding of f32,
//!   and thresholds are rounded up by `1e-9` of the span. So the distances of a point that passes
//!   differ by more than that. Squares of such distances differ by more than the rounding of their
//!   definition (3), which is below `1e-12` of the span times the sum of both.
//! - *Tags.* An estimate whose last four bits name its lane (`yinyang`) has an additional error
//!   below `2^-19` of itself, which is at most `2^-19 span^2`, and `E` is larger by that.
//! - *Groups.* Let `low` be a lower bound on the distance of a point to all contenders of a group
//!   but its own. Later the distance is at least `low` less the longest drift of any contender of
//!   the group. The group is skipped while that is more than the distance to the point's own
//!   centroid. Both are distances as above; the first is rounded down, the second up. Lower bounds
//!   are rounded by as much as limits, and the drifts of groups by as much as thresholds.
//! - *Balls.* Where the center of a leaf is nearer to one contender than to any other by more than
//!   twice the radius of the leaf, so are all points of the leaf, by the triangle inequality. This
//!   holds for `z'` and `g'`; by (placing) it holds for `z` and `g` if the difference is greater by
//!   `2.01 u span`, and the code requires `4 u span`.
//!
//! Centroids that are no contenders (equal to one of a lower index, or hopelessly far) never win:
//! see `contenders`. When a centroid becomes a contender, all limits are void.

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
mod comparison;
#[cfg(test)]
mod exact_pair;
#[cfg(test)]
mod tests;

pub(super) use assigner::Assigner;
pub use peak::multiply_adds;
pub(super) use simd::Level;
