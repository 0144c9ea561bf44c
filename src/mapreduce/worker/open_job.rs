//! The state of an open job on a worker: parameters, outputs, caches and running attempts.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::active_attempts::ActiveAttempts;
use super::limits::OutputAccount;
use super::map_output_tracker::MapOutputTracker;
use super::mappers::Mappers;
use super::prepared_files::PreparedFiles;
use super::splits::ShippedSplits;
use super::{WorkerOptions, locked};
use crate::call::{Code, Principal, Role, Status};
use crate::mapreduce::contract::{
    JobSpec, MAX_PARAMETER_BYTES, PUT_PARAMETERS, Parameter, Piece, Progress, path,
};
use crate::mapreduce::files::{CommittedOutput, FreeSpace, JobLock, Layout};
use crate::mapreduce::job::{Cache, Job, SortMemory};
use crate::mapreduce::wire;
use crate::rpc::{CallOptions, Channel, Responder};

/// The master of a job.
#[derive(Clone, Debug)]
pub(super) struct Opener {
    /// The address of its connection, over which all its calls come.
    pub(super) peer: SocketAddr,
    pub(super) principal: Arc<Principal>,
}

impl fmt::Display for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.principal.as_ref() {
            Principal::Unchecked => self.peer.fmt(f),
            principal => write!(f, "{principal} at {}", self.peer),
        }
    }
}

/// An open job.
pub(super) struct OpenJob {
    pub(super) spec: JobSpec,
    pub(super) job: Arc<dyn Job>,
    pub(super) layout: Layout,
    pub(super) opened_at: Instant,
    pub(super) opened_by: Opener,
    /// The mappers from which reduce tasks may fetch.
    pub(super) mappers: Mappers,
    /// Mappers: the splits that the master may send.
    pub(super) splits: ShippedSplits,
    /// The account of all outputs.
    pub(super) kept: OutputAccount,
    pub(super) disk: FreeSpace,
    is_closed: AtomicBool,
    /// The number of the master's calls.
    calls: AtomicU64,
    active_attempts: Arc<ActiveAttempts>,
    max_attempts: usize,
    max_parameter_bytes: u64,
    parameters: Mutex<VecDeque<PutParameter>>,
    running: Mutex<BTreeMap<u64, Arc<Running>>>,
    /// Mappers: the state that each map task keeps for the next round.
    retained: Mutex<BTreeMap<u32, RetainedState>>,
    /// Mappers: the last output of each map task.
    map_outputs: Mutex<BTreeMap<u32, MapOutput>>,
    /// Mappers: fetches that wait for a running attempt.
    waiting: Mutex<BTreeMap<u64, Vec<WaitingFetch>>>,
    /// Output that the master reads: of reduce tasks, and of map tasks in rounds without reduce
    /// tasks.
    outputs: Mutex<BTreeMap<u32, (u64, CommittedOutput)>>,
    /// Reducers: the map outputs of each reduce attempt.
    trackers: Mutex<BTreeMap<u64, Arc<MapOutputTracker>>>,
    /// The number of outputs in all trackers.
    announced: Arc<AtomicUsize>,
    /// Files for the next round.
    pub(super) prepared_files: PreparedFiles,
    /// Reducers: memory of finished sorts, to be reused.
    sort_memory: Mutex<Vec<SortMemory>>,
    /// Reducers: connections to mappers by address.
    channels: Mutex<BTreeMap<String, Channel>>,
    _lock: JobLock,
}

/// The state that a map task keeps for the next round.
pub(super) struct RetainedState {
    pub(super) cache: Cache,
    /// The kind of its work, if it has a number, and the duration.
    pub(super) work: Option<u8>,
    pub(super) took: Duration,
}

/// A fetch that waits for a running attempt.
pub(super) struct WaitingFetch {
    pub(super) partition: u32,
    pub(super) responder: Responder,
}

/// The committed partitions of a map attempt.
#[derive(Clone)]
pub(super) struct MapOutput {
    pub(super) attempt: u64,
    pub(super) partitions: Arc<[CommittedOutput]>,
}

/// A parameter that is received in pieces.
struct PutParameter {
    number: u64,
    bytes: u64,
    value: Vec<u8>,
    /// The complete value.
    whole: Option<Arc<[u8]>>,
}

/// A running attempt.
pub(super) struct Running {
    attempt: u64,
    steps: AtomicU64,
    status: Mutex<String>,
}

/// The longest status text.
const MAX_STATUS_BYTES: usize = 500;

impl Running {
    pub(super) fn step(&self) {
        self.steps.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn set_status(&self, text: &str) {
        self.step();
        let end = text.floor_char_boundary(MAX_STATUS_BYTES);
        *locked(&self.status) = text[..end].to_owned();
    }
}

/// Keeps an attempt listed until it is dropped.
pub(super) struct AttemptGuard<'j> {
    job: &'j OpenJob,
    pub(super) running: Arc<Running>,
}

impl Drop for AttemptGuard<'_> {
    fn drop(&mut self) {
        self.job.active_attempts.change(|running| *running -= 1);
        locked(&self.job.running).remove(&self.running.attempt);
        locked(&self.job.trackers).remove(&self.running.attempt);
    }
}

/// Attempts with waiting fetches at once.
const MAX_AWAITED_ATTEMPTS: usize = 1_000;
/// Trackers at once, including those of attempts that have not begun.
const MAX_TRACKERS: usize = 1_000;
/// The timeout of the first call to a mapper.
const GREETING_TIMEOUT: Duration = Duration::from_secs(10);

impl OpenJob {
    pub(super) fn new(
        spec: JobSpec,
        job: Arc<dyn Job>,
        (layout, lock): (Layout, JobLock),
        (opened_by, mappers): (Opener, Mappers),
        active_attempts: Arc<ActiveAttempts>,
        options: &WorkerOptions,
    ) -> OpenJob {
        let disk = FreeSpace::new(layout.root(), options.limits.min_free_bytes);
        OpenJob {
            spec,
            job,
            layout,
            opened_at: Instant::now(),
            opened_by,
            mappers,
            splits: ShippedSplits::default(),
            kept: OutputAccount::default(),
            prepared_files: PreparedFiles::new(disk.clone()),
            disk,
            is_closed: AtomicBool::new(false),
            calls: AtomicU64::new(0),
            active_attempts,
            // A cancelled attempt may take a moment to end while the next one begins.
            max_attempts: 2 * options.task_slots as usize,
            max_parameter_bytes: options.limits.parameter_bytes,
            parameters: Mutex::default(),
            running: Mutex::default(),
            retained: Mutex::default(),
            map_outputs: Mutex::default(),
            waiting: Mutex::default(),
            outputs: Mutex::default(),
            trackers: Mutex::default(),
            announced: Arc::default(),
            sort_memory: Mutex::default(),
            channels: Mutex::default(),
            _lock: lock,
        }
    }

    /// The job has ended: its tasks are cancelled, and fetches that wait for them end.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
        for waiting in std::mem::take(&mut *locked(&self.waiting)).into_values().flatten() {
            waiting.responder.finish(Status::new(Code::NotFound, "the job has ended"));
        }
    }

    /// Fails after the end of the job.
    pub(super) fn check_open(&self) -> Result<(), Status> {
        match self.is_closed.load(Ordering::Relaxed) {
            true => Err(Status::new(Code::Cancelled, "the job has ended")),
            false => Ok(()),
        }
    }

    /// A call of the master.
    pub(super) fn count_call(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    /// A number that changes with each call of the master and with the progress of a task.
    pub(super) fn activity(&self) -> u64 {
        let running = locked(&self.running);
        let steps = running.values().map(|running| running.steps.load(Ordering::Relaxed));
        steps.fold(self.calls.load(Ordering::Relaxed), u64::wrapping_add)
    }

    /// Lists an attempt as running, until the returned guard is dropped.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED: the worker runs too many attempts. INVALID_ARGUMENT: the attempt runs.
    pub(super) fn begin_attempt(&self, attempt: u64) -> Result<AttemptGuard<'_>, Status> {
        self.check_open()?;
        let mut all = locked(&self.running);
        if all.contains_key(&attempt) {
            let reason = format!("attempt {attempt} is running already");
            return Err(Status::new(Code::InvalidArgument, reason));
        }
        let mut may_begin = false;
        // Attempts of the job before count as well.
        self.active_attempts.change(|running| {
            may_begin = *running < self.max_attempts;
            *running += usize::from(may_begin);
        });
        if !may_begin {
            let reason = format!("{} attempts are running already", self.max_attempts);
            return Err(Status::new(Code::ResourceExhausted, reason));
        }
        let (steps, status) = (AtomicU64::new(0), Mutex::default());
        let running = Arc::new(Running { attempt, steps, status });
        all.insert(attempt, Arc::clone(&running));
        drop(all);
        Ok(AttemptGuard { job: self, running })
    }

    pub(super) fn progress(&self) -> Vec<Progress> {
        let progress = |running: &Arc<Running>| Progress {
            attempt: running.attempt,
            steps: running.steps.load(Ordering::Relaxed),
            status: locked(&running.status).clone(),
        };
        locked(&self.running).values().map(progress).collect()
    }

    /// The value of a round's parameter.
    pub(super) fn parameter(&self, parameter: Parameter) -> Result<Arc<[u8]>, Status> {
        match parameter {
            Parameter::Inline(value) => Ok(value),
            Parameter::Put(number) => {
                let parameters = locked(&self.parameters);
                let put = parameters.iter().find(|put| put.number == number);
                let whole = put.and_then(|put| put.whole.clone());
                // The master sends it again for the next attempt.
                whole
                    .ok_or_else(|| Status::new(Code::Unavailable, "the parameter was not received"))
            }
        }
    }

    pub(super) fn put_parameter(&self, piece: Piece) -> Result<(), Status> {
        let invalid = |reason| Err(Status::new(Code::InvalidArgument, reason));
        let Piece { of, bytes, offset, piece } = piece;
        if bytes > MAX_PARAMETER_BYTES {
            return invalid("a parameter of more than 8 GiB");
        }
        if bytes > self.max_parameter_bytes {
            let max = self.max_parameter_bytes;
            let reason = format!("a parameter of {bytes} bytes: this worker keeps {max}");
            return Err(Status::new(Code::FailedPrecondition, reason));
        }
        if piece.is_empty() {
            return invalid("an empty piece of a parameter");
        }
        let mut parameters = locked(&self.parameters);
        if offset == 0 {
            parameters.retain(|put| put.number != of);
            let kept = |parameters: &VecDeque<PutParameter>| -> u64 {
                parameters.iter().map(|put| put.bytes).sum()
            };
            while parameters.len() >= PUT_PARAMETERS
                || kept(&parameters) > self.max_parameter_bytes - bytes
            {
                parameters.pop_front();
            }
            parameters.push_back(PutParameter {
                number: of,
                bytes,
                value: Vec::new(),
                whole: None,
            });
        }
        let Some(put) = parameters.iter_mut().find(|put| put.number == of) else {
            return invalid("the pieces of a parameter must come in order");
        };
        if put.bytes != bytes
            || put.whole.is_some()
            || put.value.len() as u64 != offset
            || offset + piece.len() as u64 > put.bytes
        {
            return invalid("the pieces of a parameter must come in order");
        }
        put.value.extend_from_slice(&piece);
        if put.value.len() as u64 == put.bytes {
            put.whole = Some(std::mem::take(&mut put.value).into());
        }
        Ok(())
    }

    /// Takes the cache of a map task, so that two attempts never share it.
    pub(super) fn take_cache(&self, task: u32) -> Cache {
        locked(&self.retained).remove(&task).and_then(|retained| retained.cache)
    }

    /// The duration of a map task in the round before, if it did the same kind of work and its
    /// state is still here.
    pub(super) fn last_duration(&self, task: u32, work: u8) -> Option<Duration> {
        let retained = locked(&self.retained);
        let retained = retained.get(&task).filter(|retained| retained.work == Some(work));
        retained.map(|retained| retained.took)
    }

    /// Keeps the state of a map task for the next round.
    pub(super) fn retain(&self, task: u32, retained: RetainedState) {
        if self.spec.keeps_inputs && retained.cache.is_some() {
            locked(&self.retained).insert(task, retained);
        }
    }

    /// Registers the output of a map attempt. Waiting fetches are answered at once, before the
    /// master knows.
    pub(super) fn add_map_output(&self, task: u32, output: MapOutput) {
        let (attempt, partitions) = (output.attempt, Arc::clone(&output.partitions));
        let replaced = locked(&self.map_outputs).insert(task, output);
        let replaced = replaced.map_or((0, 0), |output| cost(&output.partitions));
        self.kept.replace(cost(&partitions), replaced);
        for waiting in self.take_waiting(attempt) {
            super::fetch::send_small(&waiting, &partitions);
        }
    }

    /// Lets a fetch wait for an attempt's output. Returns it if the output already exists.
    pub(super) fn wait_for(
        &self,
        task: u32,
        attempt: u64,
        waiting: WaitingFetch,
    ) -> Option<WaitingFetch> {
        // Both locks are held, so the output cannot be added in between.
        let outputs = locked(&self.map_outputs);
        if outputs.get(&task).is_some_and(|output| output.attempt == attempt) {
            return Some(waiting);
        }
        let mut waiters = locked(&self.waiting);
        if waiters.len() >= MAX_AWAITED_ATTEMPTS {
            // The oldest is of an attempt that never completed.
            waiters.pop_first();
        }
        let of_attempt = waiters.entry(attempt).or_default();
        of_attempt.retain(|other| !other.responder.is_over());
        of_attempt.push(waiting);
        None
    }

    pub(super) fn take_waiting(&self, attempt: u64) -> Vec<WaitingFetch> {
        locked(&self.waiting).remove(&attempt).unwrap_or_default()
    }

    /// A partition of a map attempt's output.
    pub(super) fn map_output(
        &self,
        task: u32,
        attempt: u64,
        partition: u32,
    ) -> Option<CommittedOutput> {
        let outputs = locked(&self.map_outputs);
        let output = outputs.get(&task).filter(|output| output.attempt == attempt)?;
        output.partitions.get(partition as usize).cloned()
    }

    /// Memory for a sort.
    pub(super) fn take_sort_memory(&self) -> SortMemory {
        locked(&self.sort_memory).pop().unwrap_or_default()
    }

    /// Keeps memory for the next sort.
    pub(super) fn leave_sort_memory(&self, memory: SortMemory) {
        locked(&self.sort_memory).push(memory);
    }

    /// Registers output that the master reads.
    pub(super) fn add_output(&self, task: u32, attempt: u64, output: CommittedOutput) {
        let added = cost(std::slice::from_ref(&output));
        let replaced = locked(&self.outputs).insert(task, (attempt, output));
        let replaced = replaced.map_or((0, 0), |(_, output)| cost(&[output]));
        self.kept.replace(added, replaced);
    }

    pub(super) fn output(&self, attempt: u64) -> Option<CommittedOutput> {
        let outputs = locked(&self.outputs);
        let mut made = outputs.values().filter(|(by, _)| *by == attempt);
        made.next().map(|(_, output)| output.clone())
    }

    /// The tracker of a reduce attempt, which may not have begun yet.
    ///
    /// # Errors
    /// There are too many.
    pub(super) fn tracker(&self, attempt: u64) -> Result<Arc<MapOutputTracker>, Status> {
        let running = locked(&self.running);
        let mut trackers = locked(&self.trackers);
        if trackers.len() >= MAX_TRACKERS {
            // Created by announcements that arrived after the end of their attempt.
            trackers.retain(|attempt, _| running.contains_key(attempt));
        }
        let tracker = trackers.entry(attempt);
        Ok(Arc::clone(tracker.or_insert_with(|| MapOutputTracker::new(&self.announced).into())))
    }

    /// The connection to a mapper.
    ///
    /// A call that says nothing of the job comes first. Only a worker of MapReduce answers it as
    /// expected; whatever else listens at the address learns no id.
    pub(super) fn channel(
        &self,
        address: &str,
        options: &WorkerOptions,
    ) -> Result<Channel, Status> {
        if let Some(channel) = locked(&self.channels).get(address) {
            return Ok(channel.clone());
        }
        let mut of_mapper = options.channel.clone();
        of_mapper.address_filter = Some(self.mappers.filter);
        of_mapper.server_role = Some(Role::Worker);
        let channel = Channel::new(address, of_mapper)?;
        let once = CallOptions { timeout: Some(GREETING_TIMEOUT), ..CallOptions::default() };
        match channel.unary(path::PING, &wire::encode_job_request(""), &once) {
            Err(status) if status.code == Code::NotFound => {}
            Err(status) => return Err(status),
            Ok(_) => return Err(Status::new(Code::Unavailable, "it is no worker")),
        }
        Ok(locked(&self.channels).entry(address.to_owned()).or_insert(channel).clone())
    }
}

/// The number of outputs, and their bytes in memory.
fn cost(outputs: &[CommittedOutput]) -> (u64, u64) {
    let in_memory = outputs.iter().map(|output| match output {
        CommittedOutput::Memory(bytes) => bytes.len() as u64,
        CommittedOutput::File { .. } => 0,
    });
    (outputs.len() as u64, in_memory.sum())
}
