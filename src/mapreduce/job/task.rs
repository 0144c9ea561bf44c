//! A task as its job sees it.

use std::any::Any;

use super::blocks::Blocks;
use super::counters::Counters;
use super::emitter::Emitter;
use super::fault::Fault;
use super::records::append_record;

/// What the worker does for its tasks.
pub trait TaskContext {
    /// Fails when nobody waits for the task any more. To be asked now and then.
    ///
    /// # Errors
    /// [`Fault::Cancelled`].
    fn check_cancelled(&mut self) -> Result<(), Fault>;
    /// The task has got on. A task that does not say so for a long time counts as stuck.
    fn progress(&mut self);
    /// What the task does right now, for people.
    fn status(&mut self, text: &str);
    /// How many pieces of work it does at once.
    fn threads(&self) -> usize;
    /// Does all of this work, as much at once as it may. A panic of a piece is one of the task's.
    fn run_parallel(&mut self, work: Vec<Work<'_>>);
}

/// A piece of a task's work.
pub type Work<'w> = Box<dyn FnOnce() + Send + 'w>;

/// What a map task leaves for the next round.
pub type Cache = Option<Box<dyn Any + Send>>;

/// Which task it is, for jobs that tell others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskInfo {
    /// The task, from 0.
    pub task: u32,
    /// The attempt.
    pub attempt: u64,
    /// Of a map task: the file that its split is of.
    pub file: String,
    /// Of a map task: where its split begins in that file.
    pub start: u64,
    /// Of a map task: the bytes of its split.
    pub bytes: u64,
}

/// A map task.
pub struct MapTask<'t> {
    /// Which one.
    pub info: &'t TaskInfo,
    /// Opens the split. Not to be called when the cache has all that is needed.
    pub open: &'t mut dyn FnMut() -> Result<Box<dyn Blocks>, Fault>,
    /// The round's parameter.
    pub parameter: &'t [u8],
    /// The number of reduce tasks; 0: what is emitted is the result, in the order of emitting.
    pub reduces: u32,
    /// What this task left in the round before, if it was on this worker; to be left for the next.
    pub cache: &'t mut Cache,
    /// Records to leave out, by their offset: attempts crashed on them.
    pub skip: &'t [u64],
    /// What the task counts.
    pub counters: &'t mut Counters,
    /// The worker.
    pub context: &'t mut dyn TaskContext,
    pub(crate) emitter: Emitter<'t>,
}

impl MapTask<'_> {
    /// Opens the split.
    ///
    /// # Errors
    /// This worker does not have it.
    pub fn input(&mut self) -> Result<Box<dyn Blocks>, Fault> {
        (self.open)()
    }

    /// Emits a record. The key has no tab and no newline, the value no newline.
    ///
    /// # Errors
    /// It cannot be kept, or nobody waits for the task any more.
    pub fn emit(&mut self, key: &[u8], value: &[u8]) -> Result<(), Fault> {
        self.emitter.emit(key, value)
    }

    /// Emits records of one key, so many, as the lines they become, none of them to be combined.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn emit_records(&mut self, key: &[u8], lines: &[u8], count: u64) -> Result<(), Fault> {
        self.emitter.emit_records(key, lines, count)
    }

    /// Emits a line that is no record, in a round without reduce tasks.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn emit_line(&mut self, line: &[u8]) -> Result<(), Fault> {
        self.emitter.emit_line(line)
    }
}

/// A reduce task.
pub struct ReduceTask<'t> {
    /// Which one.
    pub info: &'t TaskInfo,
    /// The round's parameter.
    pub parameter: &'t [u8],
    /// What the task counts.
    pub counters: &'t mut Counters,
    /// The worker.
    pub context: &'t mut dyn TaskContext,
    pub(crate) output: &'t mut dyn FnMut(&[u8]) -> Result<(), Fault>,
    pub(crate) lines: Vec<u8>,
    pub(crate) written: u64,
}

/// Output is collected before it is written.
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
    /// It cannot be kept, or nobody waits for the task any more.
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
