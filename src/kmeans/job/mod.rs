//! K-means as a MapReduce job.
//!
//! ```text
//!   round        map, for its split                          reduce, for its keys
//!   scan         points, squares, candidates                 added up; the best candidates
//!   race         the winning candidate of the split          the winner          (k-means++)
//!   iteration    k -> partial sum of cluster k               k -> mean, count, error of cluster k
//!                (without combining: k -> each of its points)
//!   farthest     points far from their centroids             the farthest        (empty clusters)
//!   labels       k -> each point, in the order of the input  (no reduce)
//! ```
//!
//! - [`KMeans`]: the job that workers run
//! - [`Driver`]: the state machine of the master, without I/O
//! - `parameter`: the parameters of a round as bytes; `output`: the outputs of its reduce tasks
//! - `mapping`, `reducing`: map and reduce of each round; `by_cluster`, `adding`: both without
//!   combining
//! - `checkpoint`: a driver as text, to resume after a crash
//!
//! A mapper caches the points, labels and bounds of its split between rounds. Without the cache it
//! reads its split again, with the same result.

mod adding;
mod by_cluster;
mod checkpoint;
mod driver;
mod error;
mod mapping;
mod output;
mod parameter;
mod reducing;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use checkpoint::{CheckpointError, InputFile};
pub use driver::{Clustering, Driver, DriverEvent, Init, NextRound, Options};
pub use error::DriverError;

use super::{Error, Format, MAX_DIMS};
use crate::mapreduce::job::{Fault, Groups, Job, KeyOrder, MapTask, ReduceTask, Values};
use crate::text::{Scratch, parse_u64, parse_words, push_words};

/// The group of the counters.
pub const COUNTERS: &str = "k-means";
/// The counter of points whose centroid has changed.
pub const MOVED: &str = "moved points";

/// Keys that are not the index of a centroid.
const POINTS: &[u8] = b"points";
const SQUARES: &[u8] = b"squares";
const CANDIDATE: &[u8] = b"candidate";

/// The k-means job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KMeans {
    /// The text format of points.
    pub format: Format,
    /// The number of coordinates of a point.
    pub dims: usize,
    /// Whether mappers send partial sums. Without combining, every point goes through files,
    /// shuffle and sort.
    pub combines: bool,
}

impl KMeans {
    /// The name by which workers know the job.
    pub const NAME: &str = "kmeans";

    /// The parameters from which workers make the job.
    pub fn parameters(&self) -> Vec<u8> {
        let flag = |is_on, word: &'static [u8]| if is_on { word } else { b"" };
        let dims = self.dims.to_string();
        let fields = [
            &[self.format.delimiter()][..],
            flag(self.format.header, b"header"),
            flag(self.format.skip_bad, b"skip"),
            flag(self.combines, b"combine"),
            dims.as_bytes(),
        ];
        let mut line = Vec::new();
        push_words(fields, &mut line);
        line
    }

    /// Makes the job.
    ///
    /// # Errors
    /// The parameters are malformed.
    pub fn make(parameters: &[u8]) -> Result<Arc<dyn Job>, String> {
        let mut scratch = Scratch::default();
        let fields = parse_words(parameters, &mut scratch).map_err(|error| error.to_string())?;
        let [[delimiter], header, skip, combine, dims] = fields[..] else {
            return Err("malformed parameters of k-means".into());
        };
        let mut format = Format::new(*delimiter).map_err(|error| error.to_string())?;
        format.header = !header.is_empty();
        format.skip_bad = !skip.is_empty();
        let dims = parse_u64(dims).and_then(|dims| usize::try_from(dims).ok());
        let dims = dims.filter(|dims| (1..=MAX_DIMS).contains(dims));
        Ok(Arc::new(KMeans {
            format,
            dims: dims.ok_or("a number of coordinates out of range")?,
            combines: !combine.is_empty(),
        }))
    }
}

impl Job for KMeans {
    fn map(&self, task: &mut MapTask<'_>) -> Result<(), Fault> {
        mapping::map(self, task)
    }

    fn map_work(&self, parameter: &[u8]) -> Option<u8> {
        // The kind of round.
        parameter.first().copied()
    }

    /// Index mod R, as in the course version.
    fn partition(&self, key: &[u8], partitions: u32) -> u32 {
        (parse_u64(key).unwrap_or(0) % u64::from(partitions.max(1))) as u32
    }

    fn key_order(&self) -> KeyOrder {
        KeyOrder::Numbers
    }

    fn reduce(
        &self,
        key: &[u8],
        values: &mut dyn Values,
        task: &mut ReduceTask<'_>,
    ) -> Result<(), Fault> {
        reducing::Reducing::begin(self, task)?.reduce(key, values, task)
    }

    fn reduce_all(&self, groups: &mut Groups, task: &mut ReduceTask<'_>) -> Result<(), Fault> {
        // The parameter is decoded once, not for each key.
        let mut reducing = reducing::Reducing::begin(self, task)?;
        loop {
            let keys = groups.next_in_memory(reducing.keys_at_once());
            if keys.is_empty() {
                break;
            }
            reducing.reduce_points(keys, task)?;
        }
        while let Some(key) = groups.next_key()? {
            reducing.reduce(&key, groups, task)?;
        }
        Ok(())
    }
}

/// Converts an error of k-means to the fault of a task.
fn fault(error: &Error) -> Fault {
    Fault::Permanent(error.to_string())
}
