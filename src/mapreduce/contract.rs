//! The values that master and workers exchange. `wire` converts them to messages and back.

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
    /// Holds the job: the worker closes the job when this call ends.
    pub const HOLD_JOB: &str = "/agora.mapreduce.v1.WorkerService/HoldJob";
    /// Asks whether the worker is alive, and for the progress of its attempts.
    pub const PING: &str = "/agora.mapreduce.v1.WorkerService/Ping";
    /// Sends one piece of a round's parameter.
    pub const PUT_PARAMETER: &str = "/agora.mapreduce.v1.WorkerService/PutParameter";
    /// Reads a task's output.
    pub const READ_OUTPUT: &str = "/agora.mapreduce.v1.WorkerService/ReadOutput";
    /// Runs a map task.
    pub const MAP: &str = "/agora.mapreduce.v1.MapperService/Map";
    /// Sends one piece of a split.
    pub const PUT_SPLIT: &str = "/agora.mapreduce.v1.MapperService/PutSplit";
    /// Streams a partition.
    pub const FETCH: &str = "/agora.mapreduce.v1.MapperService/Fetch";
    /// Runs a reduce task.
    pub const REDUCE: &str = "/agora.mapreduce.v1.ReducerService/Reduce";
    /// Announces map outputs to a reduce task.
    pub const ANNOUNCE: &str = "/agora.mapreduce.v1.ReducerService/Announce";
}

/// Trailing metadata of a task that failed on a record: the offset of its line.
pub const RECORD: &str = "agora-record";
/// Trailing metadata of a task that failed on a record: the byte of the line, from 1.
pub const COLUMN: &str = "agora-column";
/// Trailing metadata of a map task whose input is missing on the worker: the master may send it.
pub const NEEDS_SPLIT: &str = "agora-needs-split";
/// Trailing metadata of a map task whose input differs from the master's.
pub const INPUT_MISMATCH: &str = "agora-other-input";
/// Trailing metadata of a reduce task: outputs that it could not fetch.
pub const LOST: &str = "agora-lost";

/// Outputs up to this size are part of the task's response.
pub const INLINE_OUTPUT_BYTES: usize = 256 * 1024;
/// Size of one piece of a parameter, a split or an output.
pub const PIECE_BYTES: usize = 1024 * 1024;
/// Parameters up to this size are part of each task's request.
pub const INLINE_PARAMETER_BYTES: usize = 2 * 1024 * 1024;
/// The largest parameter.
pub const MAX_PARAMETER_BYTES: u64 = 8 * 1024 * 1024 * 1024;
/// The largest number of reduce tasks, and of partitions of a map task.
pub const MAX_REDUCES: u32 = 10_000;
/// The largest number of map tasks. There may be one for each input file.
pub const MAX_MAPS: u32 = 1_000_000;
/// A worker keeps this many parameters that were sent in pieces.
pub const PUT_PARAMETERS: usize = 4;

/// A job as OpenJob describes it to a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobSpec {
    /// Names the job in all other calls. It is a secret: the id is what allows a call to use the
    /// job.
    pub id: String,
    /// The kind of job, a name of [`JobKinds`](super::job::JobKinds).
    pub kind: String,
    /// The parameters of the kind.
    pub parameters: Vec<u8>,
    /// The input's files and their lengths.
    pub files: Vec<(PathBuf, u64)>,
    /// Memory for the sort of one reduce task.
    pub sort_memory_bytes: u64,
    /// Map tasks keep their input in memory from round to round.
    pub keeps_inputs: bool,
    /// Workers need no input files: the master sends splits.
    pub ships_inputs: bool,
    /// The addresses of its mappers; port 0 stands for every port.
    pub mappers: Vec<String>,
}

/// A worker's answer to OpenJob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobOpened {
    /// A random number of the worker process: a restarted worker has another one.
    pub epoch: u64,
    /// The number of tasks that the worker runs at once.
    pub task_slots: u32,
    /// The version of the worker; empty if it does not report one.
    pub version: String,
}

/// The progress of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The attempt's number.
    pub attempt: u64,
    /// A number that grows with progress; its unit does not matter.
    pub steps: u64,
    /// Human-readable; may be empty.
    pub status: String,
}

/// How a round's parameter reaches a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// As part of the task's request.
    Inline(Arc<[u8]>),
    /// Sent before the task, under this number.
    Put(u64),
}

/// A piece of a parameter, or of a split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The number of the parameter, or the map task of the split.
    pub of: u64,
    /// The length of the whole value.
    pub bytes: u64,
    /// The offset of this piece in the whole value.
    pub offset: u64,
    /// The bytes.
    pub piece: Vec<u8>,
}

/// A request to run a map task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapCall {
    /// The round, from 1.
    pub round: u64,
    /// The index of the task, from 0.
    pub task: u32,
    /// The attempt's number.
    pub attempt: u64,
    /// The number of reduce tasks.
    pub reduces: u32,
    /// The range of the input to read.
    pub split: Split,
    /// A hash of the split's first and last bytes: most different versions are detected before they
    /// are read.
    pub fingerprint: u64,
    /// The round's parameter for map tasks.
    pub parameter: Parameter,
    /// Offsets of the records to leave out.
    pub skip: Vec<u64>,
}

/// The result of a map task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapDone {
    /// The size of each partition in bytes.
    pub sizes: Vec<u64>,
    /// The task's counters.
    pub counters: Counters,
    /// The duration of the task in microseconds.
    pub took_us: u64,
    /// The digest of the split, if the task has read it.
    pub digest: Option<Digest>,
}

/// A request for one partition of a map's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchCall {
    /// The epoch of the mapper.
    pub epoch: u64,
    /// The index of the map task.
    pub task: u32,
    /// The attempt that wrote the output.
    pub attempt: u64,
    /// The index of the partition.
    pub partition: u32,
    /// Wait for the attempt if it is still running.
    pub waits: bool,
}

/// The location of one partition of a map's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapOutputLocation {
    /// The index of the map task.
    pub task: u32,
    /// The attempt that wrote the output.
    pub attempt: u64,
    /// The mapper's address.
    pub address: String,
    /// The epoch of the mapper.
    pub epoch: u64,
    /// The size of the partition in bytes.
    pub bytes: u64,
}

/// A request to run a reduce task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReduceCall {
    /// The round, from 1.
    pub round: u64,
    /// The index of the task, from 0.
    pub task: u32,
    /// The attempt's number.
    pub attempt: u64,
    /// The number of map tasks.
    pub maps: u32,
    /// The outputs that are complete.
    pub outputs: Vec<MapOutputLocation>,
    /// Map attempts that are running and may be announced later. Their sizes are not known yet.
    pub expected: Vec<MapOutputLocation>,
    /// The round's parameter for reduce tasks.
    pub parameter: Parameter,
}

/// The result of a reduce task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReduceDone {
    /// The output if it is small, else nothing: the master reads it with ReadOutput.
    pub output: Vec<u8>,
    /// The size of the output in bytes.
    pub bytes: u64,
    /// The task's counters.
    pub counters: Counters,
    /// Microseconds between the last announcement and the last fetched byte.
    pub shuffle_us: u64,
    /// Microseconds of sorting and reducing.
    pub took_us: u64,
    /// The number of bytes fetched from mappers.
    pub fetched_bytes: u64,
}

/// Changes of the map outputs, for one reduce attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MapOutputAnnouncement {
    /// The reduce attempt.
    pub attempt: u64,
    /// Outputs that are complete.
    pub outputs: Vec<MapOutputLocation>,
    /// Outputs that are lost: task and attempt. To be applied before `outputs`.
    pub lost: Vec<(u32, u64)>,
}

impl MapOutputAnnouncement {
    /// An empty announcement.
    pub fn new(attempt: u64) -> MapOutputAnnouncement {
        MapOutputAnnouncement { attempt, ..MapOutputAnnouncement::default() }
    }

    /// Adds a complete output.
    pub fn add(&mut self, output: MapOutputLocation) {
        self.outputs.push(output);
    }

    /// Marks an output as lost, and removes it from the complete ones.
    pub fn withdraw(&mut self, task: u32, attempt: u64) {
        self.outputs.retain(|there| (there.task, there.attempt) != (task, attempt));
        self.lost.push((task, attempt));
    }

    /// Whether nothing is announced.
    pub fn is_empty(&self) -> bool {
        self.outputs.is_empty() && self.lost.is_empty()
    }
}
