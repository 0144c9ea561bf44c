//! A reduce task.

use std::io::Write;
use std::mem;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::partitions::{create, failed};
use super::shuffle::Shuffle;
use super::spares::Spares;
use super::{Host, TaskHost, Worker, guarded};
use crate::call::Status;
use crate::mapreduce::contract::{Announcement, INLINE_OUTPUT_BYTES, ReduceDone, path};
use crate::mapreduce::execute;
use crate::mapreduce::files::{Committed, Pending, RunFiles};
use crate::mapreduce::job::{About, Fault, Sorter};
use crate::mapreduce::wire;
use crate::rpc::{BlockingCall, Services};

pub(super) fn register(services: &mut Services, worker: &Arc<Worker>) {
    let worker = Arc::clone(worker);
    services.unary(path::ANNOUNCE, move |_, message, _| {
        let (job_id, news) = wire::read_announce(message)?;
        let job = worker.jobs.get(&job_id)?;
        job.inbox(news.attempt).tell(news);
        Ok(())
    });
}

/// Runs a reduce task and answers for it.
pub(super) fn run(worker: &Worker, call: &BlockingCall, message: &[u8]) -> Result<Vec<u8>, Status> {
    let (job_id, reduce) = wire::read_reduce_call(message)?;
    let job = worker.jobs.get(&job_id)?;
    let listed = job.list(reduce.attempt);
    let inbox = job.inbox(reduce.attempt);
    let (attempt, outputs) = (reduce.attempt, reduce.outputs);
    inbox.tell(Announcement { attempt, outputs, lost: Vec::new() });
    worker.trial.pass(call)?;
    let parameter = job.parameter(reduce.parameter)?;
    let mut runs = RunFiles::new(&job.layout.reducers(), attempt);
    let memory = usize::try_from(job.spec.sort_memory_bytes).unwrap_or(usize::MAX);
    let shuffle = Shuffle {
        job: &job,
        options: &worker.options,
        call,
        running: &listed.running,
        inbox: &inbox,
        maps: reduce.maps,
        partition: reduce.task,
        sorter: Mutex::new(Sorter::new(
            job.job.key_order(),
            memory,
            job.take_sort_memory(),
            &mut runs,
        )),
        fetched_bytes: AtomicU64::new(0),
        asked: Mutex::default(),
    };
    shuffle.ask_for_expected(&reduce.expected);
    shuffle.fetch_all()?;
    let fetched = Instant::now();
    let shuffle_us = inbox.announced_at().map_or(0, |at| (fetched - at).as_micros() as u64);
    let fetched_bytes = shuffle.fetched_bytes.load(Ordering::Relaxed);
    let sorter = shuffle.sorter.into_inner().unwrap_or_else(PoisonError::into_inner);
    let about = About { task: reduce.task, attempt, ..About::default() };
    let mut host = TaskHost { call, running: &listed.running, slots: worker.options.slots };
    let mut output = Output::new(job.layout.reduce_output(reduce.task), attempt, &job.spares);
    let counters = guarded(|| {
        let mut groups = sorter.finish()?;
        let mut write = |lines: &[u8]| output.write(lines);
        let counters = execute::reduce(
            job.job.as_ref(),
            &about,
            &parameter,
            &mut groups,
            &mut write,
            &mut host,
        )?;
        host.check()?;
        job.leave_sort_memory(groups.into_memory());
        Ok(counters)
    })?;
    let committed = output.commit().map_err(|fault| wire::status_of(&fault))?;
    let inline = match &committed {
        Committed::Memory(lines) => lines.to_vec(),
        Committed::File { .. } => Vec::new(),
    };
    let bytes = committed.len();
    job.add_output(reduce.task, attempt, committed);
    Ok(wire::reduce_done(&ReduceDone {
        output: inline,
        bytes,
        counters,
        shuffle_us,
        took_us: fetched.elapsed().as_micros() as u64,
        fetched_bytes,
    }))
}

/// The output file, in memory while it is small.
struct Output<'s> {
    path: PathBuf,
    attempt: u64,
    spares: &'s Spares,
    lines: Vec<u8>,
    file: Option<Pending>,
}

impl<'s> Output<'s> {
    fn new(path: PathBuf, attempt: u64, spares: &'s Spares) -> Output<'s> {
        Output { path, attempt, spares, lines: Vec::new(), file: None }
    }

    fn write(&mut self, lines: &[u8]) -> Result<(), Fault> {
        if self.file.is_none() && self.lines.len() + lines.len() <= INLINE_OUTPUT_BYTES {
            self.lines.extend_from_slice(lines);
            return Ok(());
        }
        self.write_to_file(lines).map_err(|error| failed(&self.path, &error))
    }

    fn write_to_file(&mut self, lines: &[u8]) -> std::io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(create(&self.path, self.attempt)?),
        };
        file.write_all(&mem::take(&mut self.lines))?;
        file.write_all(lines)
    }

    fn commit(self) -> Result<Committed, Fault> {
        self.spares.commit_output(&self.path, self.attempt, self.file, self.lines)
    }
}
