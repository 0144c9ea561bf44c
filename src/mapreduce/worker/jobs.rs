//! The job that a worker has open.
//!
//! ```text
//!   free --OpenJob--> open --HoldJob--> held --the call ends--> free
//!                      |                                          ^
//!                      +------ not held for a while --------------+
//! ```
//!
//! A worker has one job at a time; another master is told whose. The master's HoldJob call stands
//! for the master: when it ends, by the master's doing or its death, the job is closed, its tasks
//! are cancelled with their own calls, and what it had in memory is given back. Files stay, for
//! people, until the next job.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::inbox::Inbox;
use super::{Worker, WorkerOptions, locked};
use crate::call::{Code, Status};
use crate::mapreduce::contract::{
    JobSpec, MAX_PARAMETER_BYTES, Opened, PUT_PARAMETERS, Parameter, Piece, Progress, path,
};
use crate::mapreduce::files::{Committed, JobLock, Layout, LockError, shown};
use crate::mapreduce::job::{Cache, Job, JobKinds};
use crate::mapreduce::wire;
use crate::rpc::{CallHandler, Channel, Responder, Services, Shape};

/// What a worker knows about jobs.
pub(super) struct Jobs {
    kinds: JobKinds,
    options: WorkerOptions,
    epoch: u64,
    current: Mutex<Option<Arc<OpenJob>>>,
    holds: Mutex<Vec<Responder>>,
}

/// A job that is open here.
pub(super) struct OpenJob {
    pub(super) spec: JobSpec,
    pub(super) job: Arc<dyn Job>,
    pub(super) layout: Layout,
    opened_at: Instant,
    opened_by: SocketAddr,
    is_held: AtomicBool,
    parameters: Mutex<VecDeque<PutParameter>>,
    running: Mutex<BTreeMap<u64, Arc<Running>>>,
    /// Mappers: what each map task left for the next round.
    caches: Mutex<BTreeMap<u32, Cache>>,
    /// Mappers: the last output of each map task.
    map_outputs: Mutex<BTreeMap<u32, MapOutput>>,
    /// Output that the master reads: of a reduce task, or of a map task without reduces.
    outputs: Mutex<BTreeMap<u32, (u64, Committed)>>,
    /// Reducers: what each reduce attempt was told.
    inboxes: Mutex<BTreeMap<u64, Arc<Inbox>>>,
    /// Reducers: mappers by address.
    channels: Mutex<BTreeMap<String, Channel>>,
    _lock: JobLock,
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
        locked(&self.job.running).remove(&self.running.attempt);
        locked(&self.job.inboxes).remove(&self.running.attempt);
    }
}

/// A job that nobody holds makes room for another one after so long.
const UNHELD: Duration = Duration::from_secs(10);
/// Tasks that are told of before they come.
const MAX_INBOXES: usize = 1_000;

impl Jobs {
    pub(super) fn new(kinds: JobKinds, options: WorkerOptions, epoch: u64) -> Jobs {
        let (current, holds) = (Mutex::default(), Mutex::default());
        Jobs { kinds, options, epoch, current, holds }
    }

    /// The job with this id.
    pub(super) fn get(&self, id: &str) -> Result<Arc<OpenJob>, Status> {
        let current = locked(&self.current);
        let job = current.as_ref().filter(|job| job.spec.id == id);
        job.cloned().ok_or_else(|| Status::new(Code::NotFound, "no such job is open here"))
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    fn open(&self, spec: JobSpec, peer: SocketAddr) -> Result<Opened, Status> {
        if spec.id.len() < 32 || !spec.id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Status::new(Code::InvalidArgument, "a job's id is 32 hexadecimal digits"));
        }
        let mut current = locked(&self.current);
        if let Some(other) = current.as_ref().filter(|job| !job.is_abandoned()) {
            let reason = format!(
                "busy with job {} of {} since {} s",
                shown(&other.spec.id),
                other.opened_by,
                other.opened_at.elapsed().as_secs()
            );
            return Err(Status::new(Code::FailedPrecondition, reason));
        }
        *current = None;
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
        log::info!("job {} of {peer} is open", shown(&spec.id));
        *current = Some(Arc::new(OpenJob::new(spec, job, layout, peer, lock)));
        Ok(Opened { epoch: self.epoch, slots: self.options.slots })
    }

    fn close(&self, job: &Arc<OpenJob>) {
        let mut current = locked(&self.current);
        if current.as_ref().is_some_and(|open| Arc::ptr_eq(open, job)) {
            log::info!("job {} is closed", shown(&job.spec.id));
            let closed = current.take();
            drop(current);
            // Its caches may be large: giving them back takes longer than a server may wait.
            let freeing = std::thread::Builder::new().name("freeing".into());
            if let Err(error) = freeing.spawn(move || drop(closed)) {
                log::warn!("freeing a job at once: {error}");
            }
        }
    }
}

impl OpenJob {
    fn new(
        spec: JobSpec,
        job: Arc<dyn Job>,
        layout: Layout,
        opened_by: SocketAddr,
        lock: JobLock,
    ) -> OpenJob {
        OpenJob {
            spec,
            job,
            layout,
            opened_at: Instant::now(),
            opened_by,
            is_held: AtomicBool::new(false),
            parameters: Mutex::default(),
            running: Mutex::default(),
            caches: Mutex::default(),
            map_outputs: Mutex::default(),
            outputs: Mutex::default(),
            inboxes: Mutex::default(),
            channels: Mutex::default(),
            _lock: lock,
        }
    }

    fn is_abandoned(&self) -> bool {
        !self.is_held.load(Ordering::SeqCst) && self.opened_at.elapsed() > UNHELD
    }

    /// An attempt begins: it is listed as long as what this returns lives.
    pub(super) fn list(&self, attempt: u64) -> Listed<'_> {
        let (steps, status) = (AtomicU64::new(0), Mutex::default());
        let running = Arc::new(Running { attempt, steps, status });
        locked(&self.running).insert(attempt, Arc::clone(&running));
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
        locked(&self.caches).remove(&task).flatten()
    }

    /// What a map task leaves for the next round.
    pub(super) fn leave_cache(&self, task: u32, cache: Cache) {
        if self.spec.keeps_inputs && cache.is_some() {
            locked(&self.caches).insert(task, cache);
        }
    }

    /// A map task has committed its output.
    pub(super) fn add_map_output(&self, task: u32, output: MapOutput) {
        locked(&self.map_outputs).insert(task, output);
    }

    /// What an attempt of a map task has made for a reduce task.
    pub(super) fn map_output(&self, task: u32, attempt: u64, partition: u32) -> Option<Committed> {
        let outputs = locked(&self.map_outputs);
        let output = outputs.get(&task).filter(|output| output.attempt == attempt)?;
        output.partitions.get(partition as usize).cloned()
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
        move |_, responder| Ok(Box::new(Hold { worker: Arc::clone(&worker), responder, job: None }))
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
    services.on_shutdown(move || {
        for hold in locked(&worker.jobs.holds).drain(..) {
            hold.send(Vec::new());
            hold.finish(Status::OK);
        }
    });
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
    job: Option<Arc<OpenJob>>,
}

impl CallHandler for Hold {
    fn message(&mut self, message: &[u8]) {
        let job = wire::read_job_request(message).and_then(|id| self.worker.jobs.get(&id));
        match job {
            Ok(job) => {
                job.is_held.store(true, Ordering::SeqCst);
                self.job = Some(job);
                let mut holds = locked(&self.worker.jobs.holds);
                holds.retain(|hold| !hold.is_over());
                holds.push(self.responder.clone());
            }
            Err(status) => self.responder.finish(status),
        }
    }

    fn cancelled(&mut self, _: &Status) {
        if let Some(job) = self.job.take() {
            self.worker.jobs.close(&job);
        }
    }
}
