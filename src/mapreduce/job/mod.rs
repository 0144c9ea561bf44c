//! What a job is: the part of MapReduce that its user writes.
//!
//! A [`Job`] maps splits to records, and reduces the records of a key to output. A record is a line
//! of text, `key TAB value`, so that all intermediate files are readable by people and programs. A
//! key contains no tab and no newline, a value no newline.
//!
//! | file | section of the paper |
//! |---|---|
//! | `emitter` | 4.1 partitioning function, 4.3 combiner function |
//! | `key_order`, `records`, `runs`, `sorter`, `groups` | 4.2 ordering guarantees: keys in order; the values of a key in the order of the input. An external merge sort |
//! | `blocks` | 4.4 input: whole lines of a split |
//! | `counters` | 4.9 counters |
//! | `fault` | failures of tasks |
//! | `word_count` | appendix A, the example |
//!
//! Iterative jobs run several rounds on the same splits. A map task may keep a [`MapTask::cache`]
//! for the next round. It is available there if the task runs on the same worker again, and the
//! result must be the same without it.

mod blocks;
mod counters;
mod emitter;
mod fault;
mod groups;
mod key_order;
mod records;
mod runs;
mod sorter;
mod task;
mod word_count;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use blocks::{Block, BlockReader, Blocks, MAX_LINE_BYTES};
pub use counters::{Counters, Tally};
pub use emitter::{Emitter, PartitionSink};
pub use fault::Fault;
pub use groups::Groups;
pub use key_order::KeyOrder;
pub use records::{LineChunks, SortMemory, Values};
pub use runs::RunStore;
pub use sorter::Sorter;
pub use task::{Cache, MapTask, ReduceTask, TaskContext, TaskInfo, Work};
pub use word_count::WordCount;

/// A job, as workers run it. All tasks of a worker share one value.
///
/// The result must depend on the input and the parameters only: a task may run several times, on
/// several workers, and any of these attempts may be the one that counts.
pub trait Job: Send + Sync {
    /// Maps one split: reads [`MapTask::input`], calls [`MapTask::emit`].
    ///
    /// # Errors
    /// The task has failed.
    fn map(&self, task: &mut MapTask<'_>) -> Result<(), Fault>;

    /// A number for the kind of work that map tasks do in a round with this parameter. With its
    /// cache, a task takes about as long as the last time with the same number. `None`: unknown.
    fn map_work(&self, _parameter: &[u8]) -> Option<u8> {
        None
    }

    /// The external commands that tasks run, human-readable; `None` if tasks run only code of this
    /// program. A worker refuses commands unless it was started for them.
    fn commands(&self) -> Option<String> {
        None
    }

    /// Whether the output of a map task is passed to [`combine`](Self::combine).
    fn combines(&self) -> bool {
        false
    }

    /// The combiner: merges values of one key into fewer values, and calls `emit` with each (4.3).
    /// It may be called several times for a key, with its own results among the values.
    ///
    /// # Errors
    /// The task has failed.
    fn combine(
        &self,
        _key: &[u8],
        values: &mut dyn Values,
        emit: &mut dyn FnMut(&[u8]),
    ) -> Result<(), Fault> {
        while let Some(value) = values.next()? {
            emit(value);
        }
        Ok(())
    }

    /// The reduce task of a key, from 0 to `partitions - 1` (4.1). By default `hash(key) mod
    /// partitions`.
    fn partition(&self, key: &[u8], partitions: u32) -> u32 {
        (fnv1a(key) % u64::from(partitions.max(1))) as u32
    }

    /// The order in which keys are reduced (4.2).
    fn key_order(&self) -> KeyOrder {
        KeyOrder::Bytes
    }

    /// Reduces one key; `values` are in the order of the input.
    ///
    /// # Errors
    /// The task has failed.
    fn reduce(
        &self,
        key: &[u8],
        values: &mut dyn Values,
        task: &mut ReduceTask<'_>,
    ) -> Result<(), Fault>;

    /// Reduces all keys of a task, by default one after the other.
    ///
    /// # Errors
    /// The task has failed.
    fn reduce_all(&self, groups: &mut Groups, task: &mut ReduceTask<'_>) -> Result<(), Fault> {
        while let Some(key) = groups.next_key()? {
            self.reduce(&key, groups, task)?;
        }
        Ok(())
    }
}

/// The hash behind [`Job::partition`]: FNV-1a, 64 bits.
pub fn fnv1a(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// Creates a job from its parameters, or returns an error text.
pub type MakeJob = fn(&[u8]) -> Result<Arc<dyn Job>, String>;

/// The kinds of jobs that a worker can run, by name.
#[derive(Clone, Default)]
pub struct JobKinds {
    kinds: BTreeMap<&'static str, MakeJob>,
}

impl JobKinds {
    /// The kinds of this module.
    pub fn new() -> JobKinds {
        JobKinds::default().with(WordCount::NAME, WordCount::make)
    }

    /// Adds a kind.
    pub fn with(mut self, name: &'static str, make: MakeJob) -> JobKinds {
        self.kinds.insert(name, make);
        self
    }

    /// Creates a job of this kind.
    ///
    /// # Errors
    /// The kind is unknown, or the parameters are invalid.
    pub fn make(&self, name: &str, parameters: &[u8]) -> Result<Arc<dyn Job>, String> {
        let make = self.kinds.get(name).ok_or_else(|| format!("no job is named {name:?}"))?;
        make(parameters)
    }
}
