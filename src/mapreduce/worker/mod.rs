//! Mappers and reducers: servers that run the tasks of a master.
//!
//! - `jobs`, `open_job`, `active_attempts`: opening and closing a job, and its state on the worker
//! - `map`, `partitions`: a map task and its output
//! - `fetch`: serving map outputs to reducers
//! - `reduce`, `map_output_tracker`, `shuffle`: a reduce task, the map outputs it knows, and
//!   fetching them
//! - `prepared_files`: files for the next round
//! - `availability`: whether a job can be opened, for the worker's health
//! - `limits`, `job_log`: what a job may take, and the log lines about jobs
//! - `metrics`: what a scrape tells of the tasks
//! - `mappers`, `splits`: the mappers that a job has declared, and the splits that its master sends
//! - `fault_injection`: injected failures and delays
//!
//! A task runs on a thread of the server's pool, for as long as its call: a master that ends the
//! call, or dies, cancels the task. Short requests are answered on the server's own thread. So is a
//! map task that is known to be short, because waking another thread takes longer than an iteration
//! of a small k-means.

mod active_attempts;
mod availability;
mod fetch;
mod job_log;
mod limits;
mod map_output_tracker;
mod jobs;
mod map;
mod mappers;
mod metrics;
mod open_job;
mod partitions;
mod reduce;
mod shuffle;
mod splits;
mod prepared_files;
#[cfg(test)]
mod tests;
mod fault_injection;

use std::num::NonZero;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::contract::path;
use super::job::{Fault, JobKinds, TaskContext, Work};
use super::task_status;
use crate::call::Status;
use crate::rpc::{BlockingCall, ChannelOptions, Services, random_number};
use fault_injection::FaultInjection;
use jobs::Jobs;
use open_job::{OpenJob, Running};

pub use limits::WorkerLimits;
pub use metrics::WorkerMetrics;

/// The kind of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Runs map tasks.
    Mapper,
    /// Runs reduce tasks.
    Reducer,
}

/// The full name of the service that opens jobs.
pub const WORKER_SERVICE: &str = "agora.mapreduce.v1.WorkerService";

/// The options of a worker.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// Its data directory.
    pub data: PathBuf,
    /// The number of tasks that it runs at once.
    pub task_slots: u32,
    /// The probability of an injected failure, from 0 to 1.
    pub fail_probability: f64,
    /// An injected delay before each task.
    pub task_delay: Duration,
    /// Options of a reducer's connections to mappers.
    pub channel: ChannelOptions,
    /// Whether jobs may run external commands.
    pub allow_commands: bool,
    /// The id of the only job that is accepted: a worker that a master has started for its own job
    /// serves nobody else, whoever can connect to its port. `None`: any job.
    pub only_job: Option<String>,
    /// What a job may take.
    pub limits: WorkerLimits,
    /// Counts its tasks.
    pub metrics: Arc<WorkerMetrics>,
}

impl WorkerOptions {
    /// Memory for the sort of one reduce task, of a job that asks for `bytes`.
    fn sort_bytes(&self, bytes: u64) -> usize {
        let share = self.limits.sort_bytes / u64::from(self.task_slots.max(1));
        usize::try_from(bytes.min(share)).unwrap_or(usize::MAX)
    }
}

impl Default for WorkerOptions {
    fn default() -> WorkerOptions {
        WorkerOptions {
            data: "Data".into(),
            task_slots: 1,
            fail_probability: 0.0,
            task_delay: Duration::ZERO,
            channel: ChannelOptions::default(),
            allow_commands: false,
            only_job: None,
            limits: WorkerLimits::default(),
            metrics: Arc::default(),
        }
    }
}

/// A worker.
pub(super) struct Worker {
    options: WorkerOptions,
    jobs: Jobs,
    fault_injection: FaultInjection,
}

/// The running tasks of a worker.
pub struct WorkerTasks(Arc<Worker>);

impl WorkerTasks {
    /// Waits until no task runs. Returns false on a timeout.
    pub fn wait_until_idle(&self, timeout: Duration) -> bool {
        self.0.jobs.active_attempts().wait_until_idle(timeout)
    }

    /// Has `hook` called when a job is opened, with words that name it, and when it is closed, with
    /// `None`. It must be short; it is called under a lock.
    pub fn on_availability(&self, hook: impl Fn(Option<String>) + Send + 'static) {
        self.0.jobs.availability().set_hook(Box::new(hook));
    }
}

/// Registers a worker's methods.
pub fn register(
    services: &mut Services,
    role: Role,
    kinds: JobKinds,
    options: WorkerOptions,
) -> WorkerTasks {
    let epoch = random_number();
    let fault_injection = FaultInjection::new(&options, epoch);
    let jobs = Jobs::new(kinds, options.clone(), epoch);
    let worker = Arc::new(Worker { options, jobs, fault_injection });
    jobs::register(services, &worker);
    match role {
        Role::Mapper => {
            blocking_unless_short(services, path::MAP, &worker, map::is_short, run_map);
            blocking(services, path::PUT_SPLIT, &worker, splits::put_split);
            fetch::register(services, &worker);
        }
        Role::Reducer => {
            blocking(services, path::REDUCE, &worker, run_reduce);
            reduce::register(services, &worker);
        }
    }
    WorkerTasks(worker)
}

fn run_map(worker: &Worker, call: &BlockingCall, message: &[u8]) -> Result<Vec<u8>, Status> {
    worker.options.metrics.attempt(|| map::run(worker, call, message))
}

fn run_reduce(worker: &Worker, call: &BlockingCall, message: &[u8]) -> Result<Vec<u8>, Status> {
    worker.options.metrics.attempt(|| reduce::run(worker, call, message))
}

/// Handles a unary request.
type Handler = fn(&Worker, &BlockingCall, &[u8]) -> Result<Vec<u8>, Status>;

/// Registers a unary method whose handler runs on a thread of the pool.
fn blocking(services: &mut Services, path: &str, worker: &Arc<Worker>, handler: Handler) {
    blocking_unless_short(services, path, worker, |_, _| false, handler);
}

/// Registers a unary method whose handler runs on a thread of the pool, or on the server's thread
/// if it is short.
fn blocking_unless_short(
    services: &mut Services,
    path: &str,
    worker: &Arc<Worker>,
    is_short: fn(&Worker, &[u8]) -> bool,
    handler: Handler,
) {
    let (checked, worker) = (Arc::clone(worker), Arc::clone(worker));
    let is_short = move |message: &[u8]| is_short(&checked, message);
    services.blocking_unless_short(path, is_short, move |call| {
        let Some(message) = call.receive()? else { return Ok(()) };
        let answer = handler(&worker, call, &message)?;
        if let Some(prepare) = worker.jobs.pending_file_preparation() {
            call.after_finish(prepare);
        }
        call.send(answer)
    });
}

/// The context of a running task.
struct WorkerTaskContext<'t> {
    job: &'t OpenJob,
    call: &'t BlockingCall,
    running: &'t Running,
    task_slots: u32,
}

impl<'t> WorkerTaskContext<'t> {
    fn new(
        worker: &Worker,
        job: &'t OpenJob,
        call: &'t BlockingCall,
        running: &'t Running,
    ) -> WorkerTaskContext<'t> {
        WorkerTaskContext { job, call, running, task_slots: worker.options.task_slots }
    }
}

impl TaskContext for WorkerTaskContext<'_> {
    fn check_cancelled(&mut self) -> Result<(), Fault> {
        let is_wanted = self.job.check_open().and_then(|()| self.call.sleep(Duration::ZERO));
        is_wanted.map_err(|_| Fault::Cancelled)
    }

    fn progress(&mut self) {
        self.running.step();
    }

    fn status(&mut self, text: &str) {
        self.running.set_status(text);
    }

    /// The slot's share of the cores.
    fn threads(&self) -> usize {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        (cores / self.task_slots.max(1) as usize).max(1)
    }

    fn run_parallel(&mut self, work: Vec<Work<'_>>) {
        let threads = self.threads().min(work.len());
        let retained = Mutex::new(work);
        let next = || locked(&retained).pop();
        let work_on = || {
            while let Some(piece) = next() {
                piece();
            }
        };
        thread::scope(|scope| {
            (1..threads).for_each(|_| drop(scope.spawn(work_on)));
            work_on();
        });
    }
}

/// Runs the job's code. A panic is a failure of the task, not of the worker.
fn catch_panics<T>(run: impl FnOnce() -> Result<T, Fault>) -> Result<T, Status> {
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
    let result = result.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        let reason = format!("the job's code panicked: {}", text.unwrap_or("without a message"));
        Err(Fault::Crashed { reason, record: None })
    });
    result.map_err(|fault| task_status::status_of(&fault))
}

/// Ignores poisoning: every change under these locks is a single step, so the value is consistent
/// after a panic.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
