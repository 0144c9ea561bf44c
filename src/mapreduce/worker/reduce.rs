//! Runs reduce tasks.

use std::io::Write;
use std::mem;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::open_job::OpenJob;
use super::prepared_files::{PreparedFiles, create, failed};
use super::shuffle::Shuffle;
use super::{TaskContext, Worker, WorkerTaskContext, catch_panics};
use crate::call::{Code, Status};
use crate::mapreduce::contract::{
    INLINE_OUTPUT_BYTES, MAX_MAPS, MAX_REDUCES, MapOutputAnnouncement, ReduceDone, path,
};
use crate::mapreduce::execute;
use crate::mapreduce::files::{CommittedOutput, PendingFile, RunFiles};
use crate::mapreduce::job::{Counters, Fault, Sorter, TaskInfo};
use crate::mapreduce::task_status;
use crate::mapreduce::wire;
use crate::rpc::{BlockingCall, Services};

pub(super) fn register(services: &mut Services, worker: &Arc<Worker>) {
    let worker = Arc::clone(worker);
    services.unary(path::ANNOUNCE, move |context, message, _| {
        let (job_id, announcement) = wire::parse_announce(message)?;
        let job = worker.jobs.get(&job_id, context.peer)?;
        job.mappers.check(&announcement.outputs)?;
        job.tracker(announcement.attempt)?.announce(announcement)
    });
}

/// Runs a reduce task and returns its answer.
pub(super) fn run(worker: &Worker, call: &BlockingCall, message: &[u8]) -> Result<Vec<u8>, Status> {
    let (job_id, reduce) = wire::parse_reduce_call(message)?;
    let job = worker.jobs.get(&job_id, call.context().peer)?;
    if reduce.maps > MAX_MAPS || reduce.task >= MAX_REDUCES {
        return Err(Status::new(Code::InvalidArgument, "too many tasks"));
    }
    job.mappers.check(&reduce.outputs)?;
    job.mappers.check(&reduce.expected)?;
    job.kept.check(1)?;
    let guard = job.begin_attempt(reduce.attempt)?;
    let tracker = job.tracker(reduce.attempt)?;
    let (attempt, outputs) = (reduce.attempt, reduce.outputs);
    tracker.announce(MapOutputAnnouncement { attempt, outputs, lost: Vec::new() })?;
    worker.fault_injection.apply(&job, call)?;
    let parameter = job.parameter(reduce.parameter)?;
    let mut runs = RunFiles::new(&job.layout.reducers(), attempt, job.disk.clone());
    let memory = worker.options.sort_bytes(job.spec.sort_memory_bytes);
    let sorter = Sorter::new(job.job.key_order(), memory, job.take_sort_memory(), &mut runs);
    let shuffle = Shuffle {
        job: &job,
        options: &worker.options,
        call,
        running: &guard.running,
        tracker: &tracker,
        maps: reduce.maps,
        partition: reduce.task,
        sorter: Mutex::new(sorter),
        fetched_bytes: AtomicU64::new(0),
        early_fetches: Mutex::default(),
    };
    shuffle.start_expected_fetches(&reduce.expected);
    shuffle.fetch_all()?;
    let fetched = Instant::now();
    let shuffle_us = tracker.announced_at().map_or(0, |at| (fetched - at).as_micros() as u64);
    let fetched_bytes = shuffle.fetched_bytes.load(Ordering::Relaxed);
    worker.options.metrics.shuffled_bytes.add(fetched_bytes);
    let sorter = shuffle.sorter.into_inner().unwrap_or_else(PoisonError::into_inner);
    let info = TaskInfo { task: reduce.task, attempt, ..TaskInfo::default() };
    let mut context = WorkerTaskContext::new(worker, &job, call, &guard.running);
    let (counters, committed) = reduce_sorted(&job, sorter, &info, &parameter, &mut context)?;
    let inline = match &committed {
        CommittedOutput::Memory(lines) => lines.to_vec(),
        CommittedOutput::File { .. } => Vec::new(),
    };
    let bytes = committed.len();
    job.add_output(reduce.task, attempt, committed);
    Ok(wire::encode_reduce_done(&ReduceDone {
        output: inline,
        bytes,
        counters,
        shuffle_us,
        took_us: fetched.elapsed().as_micros() as u64,
        fetched_bytes,
    }))
}

/// Reduces the records that were fetched, and commits the output.
fn reduce_sorted(
    job: &OpenJob,
    sorter: Sorter<'_>,
    info: &TaskInfo,
    parameter: &[u8],
    context: &mut WorkerTaskContext<'_>,
) -> Result<(Counters, CommittedOutput), Status> {
    let path = job.layout.reduce_output(info.task);
    let mut output = Output::new(path, info.attempt, &job.prepared_files);
    let counters = catch_panics(|| {
        let mut groups = sorter.finish()?;
        let mut write = |lines: &[u8]| output.write(lines);
        let counters =
            execute::reduce(job.job.as_ref(), info, parameter, &mut groups, &mut write, context)?;
        context.check_cancelled()?;
        job.leave_sort_memory(groups.into_memory());
        Ok(counters)
    })?;
    let committed = output.commit().map_err(|fault| task_status::status_of(&fault))?;
    Ok((counters, committed))
}

/// The output of a reduce attempt, in memory while it is small.
struct Output<'s> {
    path: PathBuf,
    attempt: u64,
    prepared_files: &'s PreparedFiles,
    lines: Vec<u8>,
    file: Option<PendingFile>,
    /// Bytes written to the file since the disk was checked.
    unchecked_bytes: usize,
}

/// The disk is checked after this much output.
const CHECK_BYTES: usize = 4 * 1024 * 1024;

impl<'s> Output<'s> {
    fn new(path: PathBuf, attempt: u64, prepared_files: &'s PreparedFiles) -> Output<'s> {
        let lines = Vec::new();
        Output { path, attempt, prepared_files, lines, file: None, unchecked_bytes: 0 }
    }

    fn write(&mut self, lines: &[u8]) -> Result<(), Fault> {
        if self.file.is_none() && self.lines.len() + lines.len() <= INLINE_OUTPUT_BYTES {
            self.lines.extend_from_slice(lines);
            return Ok(());
        }
        self.write_to_file(lines).map_err(|error| failed(&self.path, &error))
    }

    fn write_to_file(&mut self, lines: &[u8]) -> std::io::Result<()> {
        self.unchecked_bytes += lines.len();
        if self.unchecked_bytes >= CHECK_BYTES {
            self.unchecked_bytes = 0;
            self.prepared_files.disk.check()?;
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(create(&self.path, self.attempt)?),
        };
        file.write_all(&mem::take(&mut self.lines))?;
        file.write_all(lines)
    }

    fn commit(self) -> Result<CommittedOutput, Fault> {
        self.prepared_files.commit_output(&self.path, self.attempt, self.file, self.lines)
    }
}
