//! K-means, exact: Lloyd's algorithm with the same bits whatever the splits, machines and crashes.
//!
//! An iteration is a map and a reduce (S. Lloyd, *Least squares quantization in PCM*, 1982):
//!
//! ```text
//! Points ── Split::assign(Centroids) ──> Partial for each cluster        each mapper, its split
//!           Partial::merge                                               each reducer, its clusters
//! Centroids ── Step::new(all Partials) ──> next Centroids, squared error master
//! ```
//!
//! Two definitions make the result one: the *assignment* ([`Centroids::nearest`]), a fixed row of
//! f64 operations, which every faster way repeats bit for bit; and the *sums* ([`Partial`]), which
//! are exact, so that no order of adding can show. A centroid is rounded once, from the exact mean.
//!
//! | file | |
//! |---|---|
//! | `points`, `centroids` | what is clustered and to what; the definition of the nearest |
//! | `reader` | text to points |
//! | `exact` | numbers that do not round, and their text |
//! | `split` | a split in a mapper's memory, assigned again and again |
//! | `assign` | how that is done fast, and why nothing shows of it |
//! | `sums` | the exact sums of its clusters |
//! | `seeding`, `candidate` | the first centroids: points that all splits pick together |
//! | [`job`] | all of it as a MapReduce job |
//! | `partial`, `step` | what is merged, and the centroids that come of it |
//! | `records` | partial sums as lines, for any MapReduce |
//! | [`plot`] | a picture of it |

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
