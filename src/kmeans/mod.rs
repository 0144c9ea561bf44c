//! Exact k-means: Lloyd's algorithm, with the same bits for any splits, machines and crashes.
//!
//! An iteration is a map and a reduce (S. Lloyd, *Least squares quantization in PCM*, 1982):
//!
//! ```text
//! Points ── Split::assign(Centroids) ──> Partial for each cluster        each mapper, its split
//!           Partial::merge                                               each reducer, its clusters
//! Centroids ── Step::new(all Partials) ──> next Centroids, squared error master
//! ```
//!
//! Two definitions make the result unique: the *assignment* ([`Centroids::nearest`]) is a fixed
//! sequence of f64 operations, whose result every faster strategy repeats bit for bit; the *sums*
//! ([`Partial`]) are exact, so that the order of addition has no effect. A centroid is rounded
//! once, from the exact mean.
//!
//! | file | |
//! |---|---|
//! | `points`, `centroids` | points, centroids, and the definition of the nearest centroid |
//! | `reader` | text to points |
//! | `exact` | exact numbers and their text |
//! | `split` | a split in the memory of a mapper, assigned in every iteration |
//! | `assign` | the fast assignment, and why it equals the definition |
//! | `sums` | the exact sums of the clusters of a split |
//! | `seeding`, `candidate` | the first centroids, independent of the splits |
//! | [`job`] | k-means as a MapReduce job |
//! | `partial`, `step` | partial sums to merge, and the next centroids |
//! | `records` | partial sums as lines, for any MapReduce |
//! | [`plot`] | a picture of a clustering |

mod assign;
mod candidate;
mod centroids;
mod error;
mod exact;
mod extent;
pub mod job;
mod partial;
pub mod plot;
mod points;
mod reader;
mod records;
pub mod seeding;
mod split;
mod step;
mod sums;

pub use assign::multiply_adds;
pub use candidate::{Candidate, merge};
pub use centroids::{Centroids, MAX_CENTROIDS, squared_distance};
pub use error::Error;
pub use exact::{Dyadic, NotDyadic};
pub use partial::Partial;
pub use points::{MAX_DIMS, MAX_POINTS, Points};
pub use reader::{BadLine, Format, MAX_LINE_BYTES, Reader};
pub use records::{Record, Totals};
pub use split::Split;
pub use step::Step;
