//! The job that a worker has open.
//!
//! ```text
//!   free --HoldJob, then OpenJob--> open --the HoldJob call ends--> free
//! ```
//!
//! A worker has one job at a time; another master is told whose. The master's HoldJob call stands
//! for the master: when it ends, by the master's doing or its death, the job is closed, its tasks
//! are cancelled with their own calls, and what it had in memory is given back. It comes before
//! OpenJob, so that no job is ever open without somebody who holds it. Files stay, for people, until
//! the next job.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::inbox::Inbox;
use super::spares::Spares;
use super::{Worker, WorkerOptions, locked};
use crate::call::{Code, Status};
use crate::mapreduce::contract::{
    JobSpec, MAX_PARAMETER_BYTES, Opened, PUT_PARAMETERS, Parameter, Piece, Progress, path,
};
use crate::mapreduce::files::{Committed, JobLock, Layout, LockError, shown};
use crate::mapreduce::job::{Cache, Job, JobKinds, SortMemory};
use crate::mapreduce::wire;
use crate::rpc::{CallHandler, Channel, Responder, Services, Shape};

/// What a worker knows about jobs.
pub(super) struct Jobs {
    kinds: JobKinds,
    options: WorkerOptions,
    epoch: u64,
    /// Jobs are opened one after the other.
    opening: Mutex<()>,
    state: Mutex<State>,
    /// Attempts that run, of whatever job.
    busy: Arc<Busy>,
}

#[derive(Default)]
struct State {
    current: Option<Arc<OpenJob>>,
    /// Masters that hold a job, whether it is open or not.
    holds: Vec<Held>,
    last_hold: u64,
}

struct Held {
    number: u64,
    job_id: String,
    responder: Responder,
}

/// A job that is open here.
pub(super) struct OpenJob {
    pub(super) spec: JobSpec,
    pub(super) job: Arc<dyn Job>,
    pub(super) layout: Layout,
    opened_at: Instant,
    opened_by: SocketAddr,
    busy: Arc<Busy>,
    parameters: Mutex<VecDeque<PutParameter>>,
    running: Mutex<BTreeMap<u64, Arc<Running>>>,
    /// Mappers: what each map task left for the next round.
    left: Mutex<BTreeMap<u32, Left>>,
    /// Mappers: the last output of each map task.
    map_outputs: Mutex<BTreeMap<u32, MapOutput>>,
    /// Mappers: reducers that wait for an attempt to end.
    waiting: Mutex<BTreeMap<u64, Vec<Waiting>>>,
    /// Output that the master reads: of a reduce task, or of a map task without reduces.
    outputs: Mutex<BTreeMap<u32, (u64, Committed)>>,
    /// Reducers: what each reduce attempt was told.
    inboxes: Mutex<BTreeMap<u64, Arc<Inbox>>>,
    /// Files for the next round.
    pub(super) spares: Spares,
    /// Reducers: memory of tasks that have ended, for those that come.
    sort_memory: Mutex<Vec<SortMemory>>,
    /// Reducers: mappers by address.
    channels: Mutex<BTreeMap<String, Channel>>,
    _lock: JobLock,
}

/// What a map task leaves for the next round.
pub(super) struct Left {
    pub(super) cache: Cache,
    /// What it did, if it is worth a number, and how long that took.
    pub(super) work: Option<u8>,
    pub(super) took: Duration,
}

/// A reducer that waits for a partition.
pub(super) struct Waiting {
    pub(super) partition: u32,
    pub(super) responder: Responder,
}

/// The partitions that an attempt of a map task has committed.
#[derive(Clone)]
pub(super) struct MapOutput {
    pub(super) attempt: u64,
    pub(super) partitions: Arc<[Committed]>,
}

/// A parameter as it comes, piece by piece.
struct PutParameter {
    number: u64,
    bytes: u64,
    value: Vec<u8>,
    /// The whole of it.
    whole: Option<Arc<[u8]>>,
}

/// An attempt that runs.
pub(super) struct Running {
    attempt: u64,
    steps: AtomicU64,
    status: Mutex<String>,
}

/// A status is for a line.
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

/// Takes an attempt off the list when it ends.
pub(super) struct Listed<'j> {
    job: &'j OpenJob,
    pub(super) running: Arc<Running>,
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        self.job.busy.change(|running| *running -= 1);
        locked(&self.job.running).remove(&self.running.attempt);
        locked(&self.job.inboxes).remove(&self.running.attempt);
    }
}

/// How many attempts run.
#[derive(Default)]
pub(super) struct Busy {
    running: Mutex<usize>,
    changed: Condvar,
}

impl Busy {
    fn change(&self, change: impl FnOnce(&mut usize)) {
        change(&mut locked(&self.running));
        self.changed.notify_all();
    }

    /// Waits until none runs. Returns whether that came in time.
    pub(super) fn wait_until_idle(&self, timeout: Duration) -> bool {
        let until = Instant::now() + timeout;
        let mut running = locked(&self.running);
        while *running > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.changed.wait_timeout(running, left);
            running = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

/// Masters that may hold jobs at once; all but one of them wait.
const MAX_HOLDS: usize = 1_000;
/// Attempts that are waited for at once.
const MAX_WAITED_FOR: usize = 1_000;
/// Tasks that are told of before they come.
const MAX_INBOXES: usize = 1_000;

impl Jobs {
    pub(super) fn new(kinds: JobKinds, options: WorkerOptions, epoch: u64) -> Jobs {
        let (opening, state, busy) = (Mutex::default(), Mutex::default(), Arc::default());
        Jobs { kinds, options, epoch, opening, state, busy }
    }

    /// The job with this id.
    pub(super) fn get(&self, id: &str) -> Result<Arc<OpenJob>, Status> {
        let state = locked(&self.state);
        let job = state.current.as_ref().filter(|job| job.spec.id == id);
        job.cloned().ok_or_else(|| Status::new(Code::NotFound, "no such job is open here"))
    }

    /// What there is to do for the job that is open when a task has been answered for.
    pub(super) fn next_spares(&self) -> Option<impl FnOnce() + Send + Sync + use<>> {
        let job = locked(&self.state).current.clone();
        job.filter(|job| job.spares.are_wanted()).map(|job| move || job.spares.make())
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(super) fn busy(&self) -> &Arc<Busy> {
        &self.busy
    }

    fn open(&self, spec: JobSpec, peer: SocketAddr) -> Result<Opened, Status> {
        if spec.id.len() < 32 || !spec.id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Status::new(Code::InvalidArgument, "a job's id is 32 hexadecimal digits"));
        }
        let _opening = locked(&self.opening);
        self.check_free(&spec.id)?;
        let job = self
            .kinds
            .make(&spec.kind, &spec.parameters)
            .map_err(|reason| Status::new(Code::Unimplemented, reason))?;
        let layout = Layout::new(&self.options.data);
        let lock = JobLock::take(layout.root(), &spec.id, || layout.clear());
        let lock = lock.map_err(|error| {
            let root = layout.root().display();
            let code = match error {
                LockError::Taken { .. } => Code::FailedPrecondition,
                LockError::Io(_) => Code::Unavailable,
            };
            Status::new(code, format!("{root}: {error}"))
        })?;
        let busy = Arc::clone(&self.busy);
        let job = Arc::new(OpenJob::new(spec, job, layout, peer, busy, lock));
        let mut state = locked(&self.state);
        if !state.is_held(&job.spec.id) {
            return Err(Status::new(Code::Cancelled, "whoever held the job is gone"));
        }
        log::info!("job {} of {peer} is open", shown(&job.spec.id));
        state.current = Some(job);
        Ok(Opened { epoch: self.epoch, slots: self.options.slots })
    }

    fn check_free(&self, id: &str) -> Result<(), Status> {
        let state = locked(&self.state);
        let refused = |reason| Err(Status::new(Code::FailedPrecondition, reason));
        if let Some(other) = &state.current {
            return refused(format!(
                "busy with job {} of {} since {} s",
                shown(&other.spec.id),
                other.opened_by,
                other.opened_at.elapsed().as_secs()
            ));
        }
        if !state.is_held(id) {
            return refused("a job is opened by whoever holds it: HoldJob comes first".into());
        }
        Ok(())
    }

    /// Somebody holds a job. Returns a number for [`let_go`](Self::let_go).
    fn hold(&self, job_id: String, responder: Responder) -> Result<u64, Status> {
        let mut state = locked(&self.state);
        if state.holds.len() >= MAX_HOLDS {
            return Err(Status::new(Code::ResourceExhausted, "too many jobs wait"));
        }
        state.last_hold += 1;
        let number = state.last_hold;
        state.holds.push(Held { number, job_id, responder });
        Ok(number)
    }

    /// Somebody does not hold a job any more: if nobody else does, it is closed.
    fn let_go(&self, number: u64) {
        let mut state = locked(&self.state);
        state.holds.retain(|held| held.number != number);
        let is_left = |job: &Arc<OpenJob>| !state.is_held(&job.spec.id);
        if state.current.as_ref().is_some_and(is_left)
            && let Some(closed) = state.current.take()
        {
            drop(state);
            log::info!("job {} is closed", shown(&closed.spec.id));
            // Its caches may be large: giving them back takes longer than a server may wait.
            let freeing = std::thread::Builder::new().name("freeing".into());
            if let Err(error) = freeing.spawn(move || drop(closed)) {
                log::warn!("freeing a job at once: {error}");
            }
        }
    }

    /// The worker shuts down: those who hold jobs are told.
    fn leave(&self) {
        for held in locked(&self.state).holds.drain(..) {
            held.responder.send(Vec::new());
            held.responder.finish(Status::OK);
        }
    }
}

impl State {
    fn is_held(&self, job_id: &str) -> bool {
        self.holds.iter().any(|held| held.job_id == job_id)
    }
}

impl OpenJob {
    fn new(
        spec: JobSpec,
        job: Arc<dyn Job>,
        layout: Layout,
        opened_by: SocketAddr,
        busy: Arc<Busy>,
        lock: JobLock,
    ) -> OpenJob {
        OpenJob {
            spec,
            job,
            layout,
            opened_at: Instant::now(),
            opened_by,
            busy,
            parameters: Mutex::default(),
            running: Mutex::default(),
            left: Mutex::default(),
            map_outputs: Mutex::default(),
            waiting: Mutex::default(),
            outputs: Mutex::default(),
            inboxes: Mutex::default(),
            spares: Spares::default(),
            sort_memory: Mutex::default(),
            channels: Mutex::default(),
            _lock: lock,
        }
    }

    /// An attempt begins: it is listed as long as what this returns lives.
    pub(super) fn list(&self, attempt: u64) -> Listed<'_> {
        let (steps, status) = (AtomicU64::new(0), Mutex::default());
        let running = Arc::new(Running { attempt, steps, status });
        locked(&self.running).insert(attempt, Arc::clone(&running));
        self.busy.change(|running| *running += 1);
        Listed { job: self, running }
    }

    fn progress(&self) -> Vec<Progress> {
        let progress = |running: &Arc<Running>| Progress {
            attempt: running.attempt,
            steps: running.steps.load(Ordering::Relaxed),
            status: locked(&running.status).clone(),
        };
        locked(&self.running).values().map(progress).collect()
    }

    /// A round's parameter.
    pub(super) fn parameter(&self, parameter: Parameter) -> Result<Arc<[u8]>, Status> {
        match parameter {
            Parameter::Inline(value) => Ok(value),
            Parameter::Put(number) => {
                let parameters = locked(&self.parameters);
                let put = parameters.iter().find(|put| put.number == number);
                let whole = put.and_then(|put| put.whole.clone());
                // The master puts it again for the next attempt.
                whole.ok_or_else(|| Status::new(Code::Unavailable, "the parameter is not here"))
            }
        }
    }

    fn put_parameter(&self, piece: Piece) -> Result<(), Status> {
        let invalid = |reason| Err(Status::new(Code::InvalidArgument, reason));
        let Piece { of, bytes, offset, piece } = piece;
        if bytes > MAX_PARAMETER_BYTES {
            return invalid("a parameter of more than 8 GiB");
        }
        let mut parameters = locked(&self.parameters);
        if offset == 0 {
            parameters.retain(|put| put.number != of);
            while parameters.len() >= PUT_PARAMETERS {
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
            return invalid("a parameter's pieces come in order");
        };
        if put.value.len() as u64 != offset || offset + piece.len() as u64 > put.bytes {
            return invalid("a parameter's pieces come in order");
        }
        put.value.extend_from_slice(&piece);
        if put.value.len() as u64 == put.bytes {
            put.whole = Some(std::mem::take(&mut put.value).into());
        }
        Ok(())
    }

    /// What a map task left for this round. It is taken: two attempts never share it.
    pub(super) fn take_cache(&self, task: u32) -> Cache {
        locked(&self.left).remove(&task).and_then(|left| left.cache)
    }

    /// How long a map task took in the round before, if it did the same there, and what it left is
    /// still here.
    pub(super) fn took_before(&self, task: u32, work: u8) -> Option<Duration> {
        let left = locked(&self.left);
        let left = left.get(&task).filter(|left| left.work == Some(work));
        left.map(|left| left.took)
    }

    /// What a map task leaves for the next round.
    pub(super) fn leave(&self, task: u32, left: Left) {
        if self.spec.keeps_inputs && left.cache.is_some() {
            locked(&self.left).insert(task, left);
        }
    }

    /// A map task has committed its output. Reducers that wait for it get it at once, ahead of the
    /// master's hearing of it.
    pub(super) fn add_map_output(&self, task: u32, output: MapOutput) {
        let (attempt, partitions) = (output.attempt, Arc::clone(&output.partitions));
        locked(&self.map_outputs).insert(task, output);
        for waiting in self.take_waiting(attempt) {
            super::fetch::send_small(&waiting, &partitions);
        }
    }

    /// A reducer waits for an attempt's output, unless that is there already.
    pub(super) fn wait_for(&self, task: u32, attempt: u64, waiting: Waiting) -> Option<Waiting> {
        // Under both locks: the output cannot come in between.
        let outputs = locked(&self.map_outputs);
        if outputs.get(&task).is_some_and(|output| output.attempt == attempt) {
            return Some(waiting);
        }
        let mut waiters = locked(&self.waiting);
        if waiters.len() >= MAX_WAITED_FOR {
            // Of attempts that never came.
            waiters.pop_first();
        }
        let of_attempt = waiters.entry(attempt).or_default();
        of_attempt.retain(|other| !other.responder.is_over());
        of_attempt.push(waiting);
        None
    }

    pub(super) fn take_waiting(&self, attempt: u64) -> Vec<Waiting> {
        locked(&self.waiting).remove(&attempt).unwrap_or_default()
    }

    /// What an attempt of a map task has made for a reduce task.
    pub(super) fn map_output(&self, task: u32, attempt: u64, partition: u32) -> Option<Committed> {
        let outputs = locked(&self.map_outputs);
        let output = outputs.get(&task).filter(|output| output.attempt == attempt)?;
        output.partitions.get(partition as usize).cloned()
    }

    /// Memory to sort in.
    pub(super) fn take_sort_memory(&self) -> SortMemory {
        locked(&self.sort_memory).pop().unwrap_or_default()
    }

    /// Leaves memory for the next task.
    pub(super) fn leave_sort_memory(&self, memory: SortMemory) {
        locked(&self.sort_memory).push(memory);
    }

    /// A task has committed output that the master reads.
    pub(super) fn add_output(&self, task: u32, attempt: u64, output: Committed) {
        locked(&self.outputs).insert(task, (attempt, output));
    }

    fn output(&self, attempt: u64) -> Option<Committed> {
        let outputs = locked(&self.outputs);
        let mut made = outputs.values().filter(|(by, _)| *by == attempt);
        made.next().map(|(_, output)| output.clone())
    }

    /// What a reduce attempt is told: before it comes as well.
    pub(super) fn inbox(&self, attempt: u64) -> Arc<Inbox> {
        let running = locked(&self.running);
        let mut inboxes = locked(&self.inboxes);
        if inboxes.len() >= MAX_INBOXES {
            // News that came after their attempt had ended.
            inboxes.retain(|attempt, _| running.contains_key(attempt));
        }
        Arc::clone(inboxes.entry(attempt).or_default())
    }

    /// The connection to a mapper.
    pub(super) fn channel(
        &self,
        address: &str,
        options: &WorkerOptions,
    ) -> Result<Channel, Status> {
        let mut channels = locked(&self.channels);
        if let Some(channel) = channels.get(address) {
            return Ok(channel.clone());
        }
        let channel = Channel::new(address, options.channel.clone())?;
        channels.insert(address.to_owned(), channel.clone());
        Ok(channel)
    }
}

/// Adds what mappers and reducers have in common.
pub(super) fn register(services: &mut Services, worker: &Arc<Worker>) {
    services.blocking(path::OPEN_JOB, Shape::Unary, {
        let worker = Arc::clone(worker);
        move |call| {
            let Some(message) = call.receive()? else { return Ok(()) };
            let peer = call.context().peer;
            let opened = worker.jobs.open(wire::read_open_job(&message)?, peer)?;
            call.send(wire::opened(opened))
        }
    });
    services.streaming(path::HOLD_JOB, Shape::Unary, {
        let worker = Arc::clone(worker);
        move |_, responder| {
            Ok(Box::new(Hold { worker: Arc::clone(&worker), responder, number: None }))
        }
    });
    services.unary(path::PING, {
        let worker = Arc::clone(worker);
        move |_, message, answer| {
            let job = worker.jobs.get(&wire::read_job_request(message)?)?;
            answer.extend_from_slice(&wire::pong(&job.progress()));
            Ok(())
        }
    });
    services.unary(path::PUT_PARAMETER, {
        let worker = Arc::clone(worker);
        move |_, message, _| {
            let (job_id, piece) = wire::read_put_parameter(message)?;
            worker.jobs.get(&job_id)?.put_parameter(piece)
        }
    });
    services.blocking(path::READ_OUTPUT, Shape::Unary, {
        let worker = Arc::clone(worker);
        move |call| {
            let Some(message) = call.receive()? else { return Ok(()) };
            call.send(read_output(&worker, &message)?)
        }
    });
    let worker = Arc::clone(worker);
    services.on_shutdown(move || worker.jobs.leave());
}

fn read_output(worker: &Worker, message: &[u8]) -> Result<Vec<u8>, Status> {
    let (job_id, attempt, offset) = wire::read_read_output(message)?;
    let output = worker.jobs.get(&job_id)?.output(attempt);
    let output =
        output.ok_or_else(|| Status::new(Code::NotFound, "no such output is here any more"))?;
    let piece = output.open().and_then(|file| file.read(offset, super::map::PIECE_BYTES));
    let piece = piece.map_err(|error| Status::new(Code::NotFound, error.to_string()))?;
    Ok(wire::output_piece(&piece))
}

/// A master that holds its job.
struct Hold {
    worker: Arc<Worker>,
    responder: Responder,
    number: Option<u64>,
}

impl CallHandler for Hold {
    fn message(&mut self, message: &[u8]) {
        let job_id = wire::read_job_request(message);
        match job_id.and_then(|id| self.worker.jobs.hold(id, self.responder.clone())) {
            Ok(number) => self.number = Some(number),
            Err(status) => self.responder.finish(status),
        }
    }

    fn cancelled(&mut self, _: &Status) {
        if let Some(number) = self.number.take() {
            self.worker.jobs.let_go(number);
        }
    }
}
