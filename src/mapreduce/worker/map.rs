//! Runs map tasks.

use std::cell::Cell;
use std::fs;
use std::iter::once;
use std::thread;
use std::time::{Duration, Instant};

use super::open_job::{MapOutput, OpenJob, RetainedState};
use super::partitions::Partitions;
use super::prepared_files::failed;
use super::{TaskContext, Worker, WorkerTaskContext, catch_panics};
use crate::call::{Code, Status};
use crate::mapreduce::contract::{MAX_MAPS, MAX_REDUCES, MapCall, MapDone};
use crate::mapreduce::execute::{self, MapWork};
use crate::mapreduce::files::{CommittedOutput, SplitBlocks, SplitDigest, SplitError};
use crate::mapreduce::job::{Blocks, Fault, TaskInfo};
use crate::mapreduce::wire;
use crate::rpc::BlockingCall;

pub(super) use crate::mapreduce::contract::PIECE_BYTES;

/// A map task is short if it took at most this long in the round before.
const SHORT_TASK: Duration = Duration::from_millis(5);

/// A hint for missing input.
const SHIP_HINT: &str = "with --ship the master sends splits to mappers that lack the file";

/// Runs a map task and returns its answer.
pub(super) fn run(worker: &Worker, call: &BlockingCall, message: &[u8]) -> Result<Vec<u8>, Status> {
    let (job_id, map) = wire::parse_map_call(message)?;
    let job = worker.jobs.get(&job_id, call.context().peer)?;
    if map.task >= MAX_MAPS || map.reduces > MAX_REDUCES {
        return Err(Status::new(Code::InvalidArgument, "too many tasks"));
    }
    job.kept.check(map.reduces.max(1).into())?;
    let result = attempt(worker, &job, call, &map);
    if result.is_err() {
        for waiting in job.take_waiting(map.attempt) {
            let status = Status::new(Code::NotFound, "the attempt has failed");
            waiting.responder.finish(status);
        }
    }
    result.map(|done| wire::encode_map_done(&done))
}

fn attempt(
    worker: &Worker,
    job: &OpenJob,
    call: &BlockingCall,
    map: &MapCall,
) -> Result<MapDone, Status> {
    let guard = job.begin_attempt(map.attempt)?;
    worker.fault_injection.apply(job, call)?;
    let started = Instant::now();
    let parameter = job.parameter(map.parameter.clone())?;
    let mut context = WorkerTaskContext::new(worker, job, call, &guard.running);
    let mut sink = partitions(job, map);
    let mut cache = job.take_cache(map.task);
    let split_digest = SplitDigest::default();
    let is_read = Cell::new(false);
    let mut open_input = || {
        is_read.set(true);
        open(job, map, &split_digest)
    };
    let work = MapWork {
        job: job.job.as_ref(),
        parameter: &parameter,
        reduces: map.reduces,
        skip: &map.skip,
        info: &task_info(job, map),
    };
    // Other threads get the core first: one that waits behind a task waits long, most of all the
    // master, if it still has to assign tasks to other workers.
    thread::yield_now();
    let (counters, committed) = catch_panics(|| {
        let counters = execute::map(&work, &mut cache, &mut open_input, &mut sink, &mut context)?;
        if is_read.get() && split_digest.digest().is_none() {
            read_to_the_end(open(job, map, &split_digest)?.as_mut(), &mut context)?;
        }
        context.check_cancelled()?;
        Ok((counters, sink.commit()?))
    })?;
    // After a panic the cache may be inconsistent, so it is dropped.
    let retained =
        RetainedState { cache, work: job.job.map_work(&parameter), took: started.elapsed() };
    job.retain(map.task, retained);
    let sizes = committed.iter().map(CommittedOutput::len).collect();
    publish(job, map, committed);
    let took_us = started.elapsed().as_micros() as u64;
    Ok(MapDone { sizes, counters, took_us, digest: split_digest.digest() })
}

/// Makes committed output available: to the master in a round without reduce tasks, else to reducers.
fn publish(job: &OpenJob, map: &MapCall, committed: Vec<CommittedOutput>) {
    match committed.first() {
        Some(output) if map.reduces == 0 => job.add_output(map.task, map.attempt, output.clone()),
        _ => {
            let output = MapOutput { attempt: map.attempt, partitions: committed.into() };
            job.add_map_output(map.task, output);
        }
    }
}

/// Reads the rest of a split that the task did not read: the digest needs all of it.
fn read_to_the_end(blocks: &mut dyn Blocks, context: &mut dyn TaskContext) -> Result<(), Fault> {
    while blocks.next().map_err(|error| Fault::io("reading the input", &error))?.is_some() {
        context.check_cancelled()?;
        context.progress();
    }
    Ok(())
}

/// Whether a map task is expected to be short.
pub(super) fn is_short(worker: &Worker, message: &[u8]) -> bool {
    // With several slots, tasks must run in parallel; a delayed task is not short.
    if worker.options.task_slots > 1 || !worker.options.task_delay.is_zero() {
        return false;
    }
    let took = || {
        let (job_id, map) = wire::parse_map_call(message).ok()?;
        let job = worker.jobs.with_id(&job_id).ok()?;
        let parameter = job.parameter(map.parameter).ok()?;
        job.last_duration(map.task, job.job.map_work(&parameter)?)
    };
    took().is_some_and(|took| took <= SHORT_TASK)
}

fn partitions<'j>(job: &'j OpenJob, map: &MapCall) -> Partitions<'j> {
    let (layout, prepared_files) = (&job.layout, &job.prepared_files);
    let keeps = job.kept.has_memory();
    if map.reduces == 0 {
        let path = once(layout.map_output(map.task));
        return Partitions::new(path, map.attempt, prepared_files, keeps);
    }
    let paths = (0..map.reduces).map(|partition| layout.partition(map.task, partition));
    Partitions::new(paths, map.attempt, prepared_files, keeps)
}

fn task_info(job: &OpenJob, map: &MapCall) -> TaskInfo {
    let range = map.split.range;
    let file = range.and_then(|range| job.spec.files.get(range.file as usize));
    TaskInfo {
        task: map.task,
        attempt: map.attempt,
        file: file.map_or_else(String::new, |(path, _)| path.to_string_lossy().into_owned()),
        start: range.map_or(0, |range| range.start),
        bytes: map.split.len(),
    }
}

/// Opens the split: the file that the master sent, or else the range of the input file.
fn open(
    job: &OpenJob,
    map: &MapCall,
    split_digest: &SplitDigest,
) -> Result<Box<dyn Blocks>, Fault> {
    let shipped = job.layout.split(map.task);
    let missing = |reason| {
        if job.spec.ships_inputs {
            job.splits.ask_for(map.task, map.split.len());
        }
        Fault::MissingInput(reason)
    };
    if job.spec.ships_inputs
        && let Ok(metadata) = fs::metadata(&shipped)
    {
        if metadata.len() == map.split.len() {
            let blocks = SplitBlocks::open_shipped(&shipped, &map.split, split_digest.clone());
            return Ok(Box::new(blocks.map_err(|error| failed(&shipped, &error))?));
        }
        return Err(missing(format!("{}: it is incomplete", shipped.display())));
    }
    let blocks =
        SplitBlocks::open(&map.split, &job.spec.files, map.fingerprint, split_digest.clone());
    let blocks = blocks.map_err(|error| match error {
        SplitError::VersionMismatch(how) if !job.spec.ships_inputs => Fault::InputMismatch(how),
        error => missing(format!("{error} ({SHIP_HINT})")),
    });
    Ok(Box::new(blocks?))
}
