//! Metrics for Prometheus: instruments, a registry, and the two text formats.
//!
//! A *family* is a name with a type, a help text and the names of its labels; its *samples* are the
//! values. Code that has something to report owns its instruments ([`Counter`], [`Histogram`]) or
//! computes values on request, and registers families with a function that writes their samples. A
//! scrape calls these functions in the order of their registration. Nothing is global: who serves
//! metrics owns a [`Registry`].
//!
//! | file | |
//! |---|---|
//! | `family` | families, and Prometheus' rules for their names |
//! | `instrument` | counters and histograms, which other threads may read at any time |
//! | `exposition` | the text formats: Prometheus 0.0.4, and OpenMetrics 1.0 if a scraper asks for it |
//! | `registry` | the registered families |
//!
//! Left out: summaries, exemplars, time stamps, and the creation time of counters (`_created`), all of
//! which are optional in OpenMetrics. The name of a method, a peer or a code is a label; a client
//! cannot create one, so the number of samples is bounded by what was registered.

mod exposition;
mod family;
mod instrument;
mod registry;

pub use exposition::{Exposition, Format, Samples, Value};
pub use family::{Family, Kind};
pub use instrument::{BOUNDS, Bound, Counter, Histogram, HistogramSnapshot};
pub use registry::Registry;
