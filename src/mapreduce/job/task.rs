//! A task as the job's code sees it.

use std::any::Any;

use super::blocks::Blocks;
use super::counters::Counters;
use super::emitter::Emitter;
use super::fault::Fault;
use super::records::append_record;

/// Services of the worker for the job's code.
pub trait TaskContext {
    /// Fails if the task was cancelled. Long loops call it regularly.
    ///
    /// # Errors
    /// [`Fault::Cancelled`].
    fn check_cancelled(&mut self) -> Result<(), Fault>;
    /// Reports progress. A task without progress for a long time counts as stuck.
    fn progress(&mut self);
    /// Sets the task's human-readable status.
    fn status(&mut self, text: &str);
    /// The number of threads for [`run_parallel`](Self::run_parallel).
    fn threads(&self) -> usize;
    /// Runs all pieces of work, in parallel if there are threads. A panic in a piece is a panic of
    /// the task.
    fn run_parallel(&mut self, work: Vec<Work<'_>>);
}

/// A piece of a task's work.
pub type Work<'w> = Box<dyn FnOnce() + Send + 'w>;

/// State of a map task that is kept for the next round.
pub type Cache = Option<Box<dyn Any + Send>>;

/// Identifies a task, for jobs that need it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskInfo {
    /// The index of the task, from 0.
    pub task: u32,
    /// The attempt's number.
    pub attempt: u64,
    /// Map tasks: the path of the input file.
    pub file: String,
    /// Map tasks: the offset of the split in that file.
    pub start: u64,
    /// Map tasks: the length of the split.
    pub bytes: u64,
}

/// A map task.
pub struct MapTask<'t> {
    /// The task's index, attempt and split.
    pub info: &'t TaskInfo,
    /// Opens the split. Not needed if the cache contains all of it.
    pub open: &'t mut dyn FnMut() -> Result<Box<dyn Blocks>, Fault>,
    /// The round's parameter.
    pub parameter: &'t [u8],
    /// The number of reduce tasks. 0: the emitted records are the result, in the order of emission.
    pub reduces: u32,
    /// The state that this task kept in the round before, if it ran on this worker. The task sets
    /// it for the next round.
    pub cache: &'t mut Cache,
    /// Offsets of the records to leave out, because attempts crashed on them.
    pub skip: &'t [u64],
    /// The task's counters.
    pub counters: &'t mut Counters,
    /// The services of the worker.
    pub context: &'t mut dyn TaskContext,
    pub(crate) emitter: Emitter<'t>,
}

impl MapTask<'_> {
    /// Opens the split.
    ///
    /// # Errors
    /// This worker does not have the split.
    pub fn input(&mut self) -> Result<Box<dyn Blocks>, Fault> {
        (self.open)()
    }

    /// Emits a record. The key contains no tab and no newline, the value no newline.
    ///
    /// # Errors
    /// The record cannot be written, or the task was cancelled.
    pub fn emit(&mut self, key: &[u8], value: &[u8]) -> Result<(), Fault> {
        self.emitter.emit(key, value)
    }

    /// Emits `count` records of one key, given as lines. They are not combined.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn emit_records(&mut self, key: &[u8], lines: &[u8], count: u64) -> Result<(), Fault> {
        self.emitter.emit_records(key, lines, count)
    }

    /// Emits any line, in a round without reduce tasks.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn emit_line(&mut self, line: &[u8]) -> Result<(), Fault> {
        self.emitter.emit_line(line)
    }
}

/// A reduce task.
pub struct ReduceTask<'t> {
    /// The task's index and attempt.
    pub info: &'t TaskInfo,
    /// The round's parameter.
    pub parameter: &'t [u8],
    /// The task's counters.
    pub counters: &'t mut Counters,
    /// The services of the worker.
    pub context: &'t mut dyn TaskContext,
    pub(crate) output: &'t mut dyn FnMut(&[u8]) -> Result<(), Fault>,
    pub(crate) lines: Vec<u8>,
    pub(crate) written: u64,
}

/// The size of the output buffer.
const WRITE_BYTES: usize = 64 * 1024;

impl<'t> ReduceTask<'t> {
    pub(crate) fn new(
        info: &'t TaskInfo,
        parameter: &'t [u8],
        counters: &'t mut Counters,
        context: &'t mut dyn TaskContext,
        output: &'t mut dyn FnMut(&[u8]) -> Result<(), Fault>,
    ) -> ReduceTask<'t> {
        ReduceTask { info, parameter, counters, context, output, lines: Vec::new(), written: 0 }
    }

    /// Writes a record to the output.
    ///
    /// # Errors
    /// The output cannot be written, or the task was cancelled.
    pub fn emit(&mut self, key: &[u8], value: &[u8]) -> Result<(), Fault> {
        append_record(key, value, &mut self.lines);
        self.emitted()
    }

    /// Writes a line to the output.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn emit_line(&mut self, line: &[u8]) -> Result<(), Fault> {
        self.lines.extend_from_slice(line);
        self.lines.push(b'\n');
        self.emitted()
    }

    fn emitted(&mut self) -> Result<(), Fault> {
        self.written += 1;
        if self.lines.len() >= WRITE_BYTES { self.write_out() } else { Ok(()) }
    }

    pub(crate) fn write_out(&mut self) -> Result<(), Fault> {
        (self.output)(&self.lines)?;
        self.lines.clear();
        Ok(())
    }
}
