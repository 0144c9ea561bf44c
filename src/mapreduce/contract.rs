//! What master and workers say to each other, as values. `wire` turns them into messages.

use std::path::PathBuf;
use std::sync::Arc;

use super::digest::Digest;
use super::job::Counters;
use super::split::Split;

/// The service of all workers.
pub const WORKER_SERVICE: &str = "agora.mapreduce.v1.WorkerService";
/// The service of mappers.
pub const MAPPER_SERVICE: &str = "agora.mapreduce.v1.MapperService";
/// The service of reducers.
pub const REDUCER_SERVICE: &str = "agora.mapreduce.v1.ReducerService";

/// Full paths of the methods.
pub mod path {
    /// Opens a job.
    pub const OPEN_JOB: &str = "/agora.mapreduce.v1.WorkerService/OpenJob";
    /// Keeps it open.
    pub const HOLD_JOB: &str = "/agora.mapreduce.v1.WorkerService/HoldJob";
    /// Asks for a sign of life.
    pub const PING: &str = "/agora.mapreduce.v1.WorkerService/Ping";
    /// Puts a piece of a round's parameter.
    pub const PUT_PARAMETER: &str = "/agora.mapreduce.v1.WorkerService/PutParameter";
    /// Reads a task's output.
    pub const READ_OUTPUT: &str = "/agora.mapreduce.v1.WorkerService/ReadOutput";
    /// Runs a map task.
    pub const MAP: &str = "/agora.mapreduce.v1.MapperService/Map";
    /// Puts a piece of a split.
    pub const PUT_SPLIT: &str = "/agora.mapreduce.v1.MapperService/PutSplit";
    /// Streams a partition.
    pub const FETCH: &str = "/agora.mapreduce.v1.MapperService/Fetch";
    /// Runs a reduce task.
    pub const REDUCE: &str = "/agora.mapreduce.v1.ReducerService/Reduce";
    /// Tells a reduce task about outputs.
    pub const ANNOUNCE: &str = "/agora.mapreduce.v1.ReducerService/Announce";
}

/// Trailing metadata of a task that failed on a record: the offset of its line.
pub const RECORD: &str = "agora-record";
/// Trailing metadata of a task that failed on a record: the byte of the line, from 1.
pub const COLUMN: &str = "agora-column";
/// Trailing metadata of a map task whose input is not there: the master may send it.
pub const NEEDS_SPLIT: &str = "agora-needs-split";
/// Trailing metadata of a map task whose input is another version than the master's.
pub const INPUT_MISMATCH: &str = "agora-other-input";
/// Trailing metadata of a reduce task: outputs that it could not fetch.
pub const LOST: &str = "agora-lost";

/// Small output travels with the answer of its task.
pub const INLINE_OUTPUT_BYTES: usize = 256 * 1024;
/// A piece of what travels in pieces.
pub const PIECE_BYTES: usize = 1024 * 1024;
/// A parameter up to this size travels with each task.
pub const INLINE_PARAMETER_BYTES: usize = 2 * 1024 * 1024;
/// No parameter is larger.
pub const MAX_PARAMETER_BYTES: u64 = 8 * 1024 * 1024 * 1024;
/// A worker remembers so many parameters that were put.
pub const PUT_PARAMETERS: usize = 4;

/// A job, as it is opened on a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobSpec {
    /// Names it, and opens every other call about it.
    pub id: String,
    /// What kind of job.
    pub kind: String,
    /// What the kind needs to know.
    pub parameters: Vec<u8>,
    /// The input's files and their lengths.
    pub files: Vec<(PathBuf, u64)>,
    /// What a reduce task sorts in.
    pub sort_memory_bytes: u64,
    /// Map tasks keep their input in memory.
    pub keeps_inputs: bool,
    /// Workers need no files: the master sends splits.
    pub ships_inputs: bool,
}

/// A worker that has opened a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The worker's life.
    pub epoch: u64,
    /// How many tasks it does at once.
    pub task_slots: u32,
}

/// How far an attempt is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Which.
    pub attempt: u64,
    /// A number that grows.
    pub steps: u64,
    /// For people; may be empty.
    pub status: String,
}

/// A round's parameter as it travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// With the task.
    Inline(Arc<[u8]>),
    /// Before, under this number.
    Put(u64),
}

/// A piece of a parameter, or of a split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Of which parameter, or of which map task's split.
    pub of: u64,
    /// The whole length.
    pub bytes: u64,
    /// Where the piece belongs.
    pub offset: u64,
    /// The piece.
    pub piece: Vec<u8>,
}

/// A map task to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapCall {
    /// The round, from 1.
    pub round: u64,
    /// The task.
    pub task: u32,
    /// The attempt.
    pub attempt: u64,
    /// The number of reduce tasks.
    pub reduces: u32,
    /// What to read.
    pub split: Split,
    /// The hash of the split's ends: most other versions show before they are read.
    pub fingerprint: u64,
    /// What the round is about.
    pub parameter: Parameter,
    /// Records to leave out.
    pub skip: Vec<u64>,
}

/// A map task that is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapDone {
    /// Bytes of each partition.
    pub sizes: Vec<u64>,
    /// What it counted.
    pub counters: Counters,
    /// How long it took.
    pub took_us: u64,
    /// The digest of its split, if it has read that.
    pub digest: Option<Digest>,
}

/// A partition of a map's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchCall {
    /// The mapper's life.
    pub epoch: u64,
    /// The map task.
    pub task: u32,
    /// The attempt that made it.
    pub attempt: u64,
    /// The partition.
    pub partition: u32,
    /// Wait for an attempt that still runs.
    pub waits: bool,
}

/// Where a map's output for one reduce task is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapOutputLocation {
    /// The map task.
    pub task: u32,
    /// The attempt that made it.
    pub attempt: u64,
    /// The mapper's address.
    pub address: String,
    /// Its life.
    pub epoch: u64,
    /// The size.
    pub bytes: u64,
}

/// A reduce task to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReduceCall {
    /// The round, from 1.
    pub round: u64,
    /// The task.
    pub task: u32,
    /// The attempt.
    pub attempt: u64,
    /// The number of map tasks.
    pub maps: u32,
    /// Outputs that are there.
    pub outputs: Vec<MapOutputLocation>,
    /// Attempts that run, and may be announced. Their sizes are not known.
    pub expected: Vec<MapOutputLocation>,
    /// What the round is about.
    pub parameter: Parameter,
}

/// A reduce task that is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReduceDone {
    /// The output if it is small.
    pub output: Vec<u8>,
    /// Its size.
    pub bytes: u64,
    /// What it counted.
    pub counters: Counters,
    /// How long it waited for bytes after the last output was announced.
    pub shuffle_us: u64,
    /// How long it sorted and reduced.
    pub took_us: u64,
    /// What it fetched.
    pub fetched_bytes: u64,
}

/// JobEvent for a reduce task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MapOutputAnnouncement {
    /// The reduce attempt.
    pub attempt: u64,
    /// Outputs that are there.
    pub outputs: Vec<MapOutputLocation>,
    /// Outputs that are lost: task and attempt. They were before those that are there.
    pub lost: Vec<(u32, u64)>,
}

impl MapOutputAnnouncement {
    /// Without news.
    pub fn new(attempt: u64) -> MapOutputAnnouncement {
        MapOutputAnnouncement { attempt, ..MapOutputAnnouncement::default() }
    }

    /// An output is there.
    pub fn add(&mut self, output: MapOutputLocation) {
        self.outputs.push(output);
    }

    /// An output is lost: it is not told of as being there any more.
    pub fn withdraw(&mut self, task: u32, attempt: u64) {
        self.outputs.retain(|there| (there.task, there.attempt) != (task, attempt));
        self.lost.push((task, attempt));
    }

    /// Whether there are no news.
    pub fn is_empty(&self) -> bool {
        self.outputs.is_empty() && self.lost.is_empty()
    }
}
