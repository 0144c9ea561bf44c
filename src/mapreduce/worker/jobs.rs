//! The job that a worker has open.
//!
//! ```text
//!   free --HoldJob, then OpenJob--> open --the HoldJob call ends--> free
//! ```
//!
//! A worker has one job at a time; another master gets an error that names the current job. The
//! HoldJob call represents the master. When it ends, because the master has ended the call or has
//! died, the job is closed: its tasks are cancelled with their own calls, and its memory is freed.
//! HoldJob comes before OpenJob, so that no job is ever open without a call that holds it. Files
//! stay until the next job.
//!
//! The job's id authorizes its calls, and it is not enough: reducers tell it to mappers. So all
//! calls but Fetch must come over the connection of HoldJob.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, TryLockError};
use std::time::{Duration, Instant};

use log::Level;

use super::active_attempts::ActiveAttempts;
use super::availability::Availability;
use super::job_log::JobLog;
use super::mappers::Mappers;
use super::open_job::{OpenJob, Opener};
use super::{Worker, WorkerOptions, limits, locked};
use crate::call::{Code, Status};
use crate::mapreduce::contract::{JobOpened, JobSpec, path};
use crate::mapreduce::files::{JobLock, Layout, LockError, short_id};
use crate::mapreduce::job::{Job, JobKinds};
use crate::mapreduce::wire;
use crate::rpc::{CallHandler, Context, Responder, Services, Shape};

/// The jobs of a worker.
pub(super) struct Jobs {
    kinds: JobKinds,
    options: WorkerOptions,
    epoch: u64,
    /// Only one OpenJob runs at a time.
    opening: Mutex<()>,
    state: Mutex<State>,
    /// The running attempts of all jobs.
    active_attempts: Arc<ActiveAttempts>,
    log: JobLog,
    availability: Availability,
}

#[derive(Default)]
struct State {
    current: Option<Arc<OpenJob>>,
    /// The HoldJob calls, also of masters that wait for their turn.
    holds: Vec<JobHold>,
    last_hold: u64,
    /// The master whose OpenJob is running.
    opening: Option<SocketAddr>,
    /// A thread ends the HoldJob calls that OpenJob does not follow.
    is_watched: bool,
}

struct JobHold {
    number: u64,
    job_id: String,
    peer: SocketAddr,
    since: Instant,
    responder: Responder,
}

/// The number of HoldJob calls at once.
const MAX_HOLDS: usize = 1_000;
/// OpenJob must follow HoldJob within this time.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);

impl Jobs {
    pub(super) fn new(kinds: JobKinds, options: WorkerOptions, epoch: u64) -> Jobs {
        let (opening, state, active_attempts) =
            (Mutex::default(), Mutex::default(), Arc::default());
        let (log, availability) = (JobLog::default(), Availability::default());
        Jobs { kinds, options, epoch, opening, state, active_attempts, log, availability }
    }

    /// The job with this id, for a call of its master, whose connection is that with `peer`.
    pub(super) fn get(&self, id: &str, peer: SocketAddr) -> Result<Arc<OpenJob>, Status> {
        let job = self.with_id(id)?;
        // A stranger that knows the id gets the same answer as one that does not.
        if job.opened_by.peer != peer {
            return Err(no_such_job());
        }
        job.count_call();
        Ok(job)
    }

    /// The job with this id, whoever calls.
    pub(super) fn with_id(&self, id: &str) -> Result<Arc<OpenJob>, Status> {
        let state = locked(&self.state);
        let job = state.current.as_ref().filter(|job| is_same_secret(&job.spec.id, id));
        job.cloned().ok_or_else(no_such_job)
    }

    /// The preparation of files for the next round, if there is any to do after a task was
    /// answered.
    pub(super) fn pending_file_preparation(&self) -> Option<impl FnOnce() + Send + Sync + use<>> {
        let job = locked(&self.state).current.clone();
        job.filter(|job| job.prepared_files.has_pending())
            .map(|job| move || job.prepared_files.prepare())
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(super) fn active_attempts(&self) -> &Arc<ActiveAttempts> {
        &self.active_attempts
    }

    pub(super) fn availability(&self) -> &Availability {
        &self.availability
    }

    fn open(&self, spec: JobSpec, opener: Opener) -> Result<Arc<OpenJob>, Status> {
        self.check_id(&spec.id)?;
        if spec.files.len() > MAX_FILES {
            return Err(Status::new(Code::InvalidArgument, "too many input files"));
        }
        let _opening = match self.opening.try_lock() {
            Ok(opening) => opening,
            Err(TryLockError::Poisoned(opening)) => opening.into_inner(),
            Err(TryLockError::WouldBlock) => {
                return Err(Status::new(Code::FailedPrecondition, "busy: it opens another job"));
            }
        };
        locked(&self.state).opening = Some(opener.peer);
        let opened = self.open_alone(spec, opener);
        locked(&self.state).opening = None;
        opened
    }

    /// Opens a job while no other one is being opened.
    fn open_alone(&self, spec: JobSpec, opener: Opener) -> Result<Arc<OpenJob>, Status> {
        self.check_free(&spec.id, opener.peer)?;
        let is_trusted = self.options.only_job.is_some();
        let mappers = Mappers::new(&spec.mappers, opener.peer.ip(), is_trusted)?;
        let job = self
            .kinds
            .make(&spec.kind, &spec.parameters)
            .map_err(|reason| Status::new(Code::Unimplemented, reason))?;
        let commands = self.check_commands(job.as_ref(), &opener)?;
        let layout = Layout::new(&self.options.data);
        let lock = take(&layout, &spec.id).map_err(|error| {
            let root = layout.root().display();
            let code = match error {
                LockError::Taken { .. } => Code::FailedPrecondition,
                LockError::Io(_) => Code::Unavailable,
            };
            Status::new(code, format!("{root}: {error}"))
        })?;
        let active_attempts = Arc::clone(&self.active_attempts);
        let (files, by) = ((layout, lock), (opener.clone(), mappers));
        let job = OpenJob::new(spec, job, files, by, active_attempts, &self.options);
        let job = Arc::new(job);
        let mut state = locked(&self.state);
        if !state.is_held(&job.spec.id, opener.peer) {
            return Err(Status::new(Code::Cancelled, "the master that held the job is gone"));
        }
        let commands = commands.map_or_else(String::new, |commands| format!(": {commands}"));
        let (id, kind) = (short_id(&job.spec.id), &job.spec.kind);
        self.log.note(Level::Info, &format!("job {id} of {opener}, {kind}, begins{commands}"));
        state.current = Some(Arc::clone(&job));
        self.availability.taken(format!("busy with job {id}"));
        Ok(job)
    }

    /// Checks the form of an id, and that this worker serves the job.
    fn check_id(&self, id: &str) -> Result<(), Status> {
        if id.len() != JOB_ID_DIGITS || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Status::new(Code::InvalidArgument, "a job's id is 32 hexadecimal digits"));
        }
        match &self.options.only_job {
            Some(only) if !is_same_secret(only, id) => {
                let reason = "this worker serves only the job that started it";
                Err(Status::new(Code::PermissionDenied, reason))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a job that runs commands, unless the worker was started for them. Returns the
    /// commands.
    fn check_commands(&self, job: &dyn Job, opener: &Opener) -> Result<Option<String>, Status> {
        match job.commands() {
            Some(commands) if !self.options.allow_commands => {
                let text = format!("refused a job of {opener} that runs commands: {commands}");
                self.log.note(Level::Warn, &text);
                let reason =
                    "this worker runs no commands: it was started without --allow-commands";
                Err(Status::new(Code::PermissionDenied, reason))
            }
            commands => Ok(commands),
        }
    }

    fn check_free(&self, id: &str, peer: SocketAddr) -> Result<(), Status> {
        let state = locked(&self.state);
        let refused = |reason| Err(Status::new(Code::FailedPrecondition, reason));
        if let Some(other) = &state.current {
            return refused(format!(
                "busy with job {} of {} since {} s",
                short_id(&other.spec.id),
                other.opened_by,
                other.opened_at.elapsed().as_secs()
            ));
        }
        if !state.is_held(id, peer) {
            return refused("HoldJob must come before OpenJob".into());
        }
        Ok(())
    }

    /// Registers a HoldJob call. Returns a number for [`release_hold`](Self::release_hold).
    fn hold(&self, job_id: String, peer: SocketAddr, responder: Responder) -> Result<u64, Status> {
        self.check_id(&job_id)?;
        let mut state = locked(&self.state);
        if state.holds.iter().any(|hold| hold.peer == peer) {
            return Err(Status::new(Code::FailedPrecondition, "this connection holds a job"));
        }
        if state.holds.len() >= MAX_HOLDS {
            return Err(Status::new(Code::ResourceExhausted, "too many jobs are waiting"));
        }
        state.last_hold += 1;
        let number = state.last_hold;
        let since = Instant::now();
        state.holds.push(JobHold { number, job_id, peer, since, responder });
        Ok(number)
    }

    /// Whether a thread must be started that calls
    /// [`end_holds_without_job`](Self::end_holds_without_job).
    pub(super) fn begin_to_watch_holds(&self) -> bool {
        !std::mem::replace(&mut locked(&self.state).is_watched, true)
    }

    /// No thread could be started, or it has ended.
    pub(super) fn end_to_watch_holds(&self) {
        locked(&self.state).is_watched = false;
    }

    /// Ends HoldJob calls that OpenJob has not followed in time. Whether others may have to be ended
    /// later; if not, nobody watches them any more.
    pub(super) fn end_holds_without_job(&self) -> bool {
        let mut state = locked(&self.state);
        state.end_holds_without_job();
        let is_unopened = |hold: &JobHold| !state.has_opened(hold.peer);
        state.is_watched = state.holds.iter().any(is_unopened);
        state.is_watched
    }

    /// A HoldJob call has ended with this status. Closes the job if no other call holds it.
    fn release_hold(&self, number: u64, status: &Status) {
        let mut state = locked(&self.state);
        state.holds.retain(|held| held.number != number);
        let is_left = |job: &Arc<OpenJob>| !state.is_held(&job.spec.id, job.opened_by.peer);
        if state.current.as_ref().is_some_and(is_left)
            && let Some(closed) = state.current.take()
        {
            self.availability.free();
            drop(state);
            closed.close();
            let (job, master) = (short_id(&closed.spec.id), &closed.opened_by);
            match status.code {
                Code::Cancelled => {
                    self.log.note(Level::Info, &format!("job {job} of {master} has ended"));
                }
                _ => {
                    let text = format!("job {job} ends, its master at {master} is lost: {status}");
                    self.log.note(Level::Info, &text);
                }
            }
            // Freeing large caches would block the server's thread for too long.
            let freeing = std::thread::Builder::new().name("freeing".into());
            if let Err(error) = freeing.spawn(move || drop(closed)) {
                log::warn!("freeing a job at once: {error}");
            }
        }
    }

    /// Ends a job, because of a limit.
    pub(super) fn end(&self, job: &Arc<OpenJob>, status: &Status) {
        let mut state = locked(&self.state);
        if !state.current.as_ref().is_some_and(|current| Arc::ptr_eq(current, job)) {
            return;
        }
        state.current = None;
        self.availability.free();
        let peer = job.opened_by.peer;
        let (ended, others) = state.holds.drain(..).partition(|hold| hold.peer == peer);
        state.holds = others;
        drop(state);
        job.close();
        let ended: Vec<JobHold> = ended;
        for hold in ended {
            hold.responder.finish(status.clone());
        }
        let (id, master) = (short_id(&job.spec.id), &job.opened_by);
        self.log.note(Level::Warn, &format!("job {id} of {master} is ended: {}", status.message));
    }

    /// The worker shuts down: ends the HoldJob calls.
    fn shut_down(&self) {
        for held in locked(&self.state).holds.drain(..) {
            held.responder.send(Vec::new());
            held.responder.finish(Status::OK);
        }
    }
}

/// The largest number of input files.
const MAX_FILES: usize = 100_000;
/// The length of a job's id: 128 bits.
const JOB_ID_DIGITS: usize = 32;

/// Compares in a time that does not depend on where the first difference is.
fn is_same_secret(one: &str, other: &str) -> bool {
    let difference = |sum: u8, (a, b): (u8, u8)| std::hint::black_box(sum | (a ^ b));
    one.len() == other.len() && one.bytes().zip(other.bytes()).fold(0, difference) == 0
}

/// Tasks of the previous job may still be releasing the directory.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// Locks the data directory.
fn take(layout: &Layout, id: &str) -> Result<JobLock, LockError> {
    let until = Instant::now() + LOCK_TIMEOUT;
    loop {
        match JobLock::take(layout.root(), id, || layout.clear()) {
            Err(LockError::Taken { .. }) if Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(2));
            }
            result => return result,
        }
    }
}

impl State {
    fn is_held(&self, job_id: &str, peer: SocketAddr) -> bool {
        self.holds.iter().any(|held| held.peer == peer && is_same_secret(&held.job_id, job_id))
    }

    /// Ends HoldJob calls that OpenJob has not followed in time.
    fn end_holds_without_job(&mut self) {
        let holds = std::mem::take(&mut self.holds);
        let kept: Vec<JobHold> = holds
            .into_iter()
            .filter(|hold| {
                let is_kept = hold.since.elapsed() < OPEN_TIMEOUT
                    || self.opening == Some(hold.peer)
                    || self.has_opened(hold.peer);
                if !is_kept {
                    let reason = "HoldJob was not followed by OpenJob";
                    hold.responder.finish(Status::new(Code::FailedPrecondition, reason));
                }
                is_kept
            })
            .collect();
        self.holds = kept;
    }

    /// Whether the open job is that of this connection.
    fn has_opened(&self, peer: SocketAddr) -> bool {
        self.current.as_ref().is_some_and(|job| job.opened_by.peer == peer)
    }
}

fn no_such_job() -> Status {
    Status::new(Code::NotFound, "no such job is open here")
}

impl Opener {
    fn new(context: &Context<'_>) -> Opener {
        Opener { peer: context.peer, principal: Arc::clone(context.principal) }
    }
}

/// Registers the methods that mappers and reducers have in common.
pub(super) fn register(services: &mut Services, worker: &Arc<Worker>) {
    services.blocking(path::OPEN_JOB, Shape::Unary, {
        let worker = Arc::clone(worker);
        move |call| {
            let Some(message) = call.receive()? else { return Ok(()) };
            let opener = Opener::new(&call.context());
            let job = worker.jobs.open(wire::parse_open_job(&message)?, opener)?;
            limits::watch(&worker, &job);
            let (epoch, task_slots) = (worker.jobs.epoch, worker.options.task_slots);
            let version = env!("CARGO_PKG_VERSION").to_owned();
            call.send(wire::encode_opened(JobOpened { epoch, task_slots, version }))
        }
    });
    services.streaming(path::HOLD_JOB, Shape::Unary, {
        let worker = Arc::clone(worker);
        move |context, responder| {
            let (worker, peer) = (Arc::clone(&worker), context.peer);
            Ok(Box::new(HoldCall { worker, peer, responder, number: None }))
        }
    });
    services.unary(path::PING, {
        let worker = Arc::clone(worker);
        move |context, message, answer| {
            let job = worker.jobs.get(&wire::parse_job_request(message)?, context.peer)?;
            answer.extend_from_slice(&wire::encode_pong(&job.progress()));
            Ok(())
        }
    });
    services.unary(path::PUT_PARAMETER, {
        let worker = Arc::clone(worker);
        move |context, message, _| {
            let (job_id, piece) = wire::parse_put_parameter(message)?;
            worker.jobs.get(&job_id, context.peer)?.put_parameter(piece)
        }
    });
    services.blocking(path::READ_OUTPUT, Shape::Unary, {
        let worker = Arc::clone(worker);
        move |call| {
            let Some(message) = call.receive()? else { return Ok(()) };
            let answer = read_output(&worker, call.context().peer, &message)?;
            call.send(answer)
        }
    });
    let worker = Arc::clone(worker);
    services.on_shutdown(move || worker.jobs.shut_down());
}

fn read_output(worker: &Worker, peer: SocketAddr, message: &[u8]) -> Result<Vec<u8>, Status> {
    let (job_id, attempt, offset) = wire::parse_read_output(message)?;
    let output = worker.jobs.get(&job_id, peer)?.output(attempt);
    let output =
        output.ok_or_else(|| Status::new(Code::NotFound, "this output is no longer here"))?;
    let piece = output.open().and_then(|file| file.read(offset, super::map::PIECE_BYTES));
    let piece = piece.map_err(|error| super::fetch::cannot_read(&error))?;
    Ok(wire::encode_output_piece(&piece))
}

/// The handler of a HoldJob call.
struct HoldCall {
    worker: Arc<Worker>,
    peer: SocketAddr,
    responder: Responder,
    number: Option<u64>,
}

impl CallHandler for HoldCall {
    fn message(&mut self, message: &[u8]) {
        let job_id = wire::parse_job_request(message);
        let hold = |id| self.worker.jobs.hold(id, self.peer, self.responder.clone());
        match job_id.and_then(hold) {
            Ok(number) => {
                self.number = Some(number);
                limits::watch_holds(&self.worker);
            }
            Err(status) => self.responder.finish(status),
        }
    }

    fn cancelled(&mut self, status: &Status) {
        if let Some(number) = self.number.take() {
            self.worker.jobs.release_hold(number, status);
        }
    }
}
