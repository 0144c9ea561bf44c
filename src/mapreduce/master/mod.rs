//! The master: assigns tasks to workers, and collects their results.
//!
//! One thread does this, with one connection to each worker. It waits for an answer, an event of
//! another thread, or a timeout, passes it to the [`Scheduler`], and executes the scheduler's
//! actions (a functional core in an imperative shell):
//!
//! ```text
//!   answers, process events, time --> Scheduler --> calls to workers, events for the observer
//! ```
//!
//! - `worker_slots`: the configured workers; each is a local process or an address, and is
//!   restarted or dialed again after a failure
//! - `local_process`: local worker processes, which exit with the master
//! - `calls`, `requests`: calls to workers, and calls that wait for capacity of a connection
//! - `answers`: the answers of workers
//! - `input_check`: whether all workers have read the same input
//! - `outputs`: results, while and after they are read
//! - `round`: the loop of one round
//! - [`JobEvent`]: events for `dump.txt`, the screen and the job's page
//! - [`JobMonitor`]: the job as clients see it
//!
//! A [`Master`] runs one job, round after round: [`Master::run_round`].

mod answers;
mod calls;
mod local_process;
mod input_check;
mod round;
mod job_event;
mod job_metrics;
mod job_service;
mod outputs;
mod requests;
mod worker_slots;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

pub use input_check::InputFile;
pub use job_event::{JobEvent, Observer, TaskEnd};
pub use job_service::{JobMonitor, JobPicture, MAX_WATCHES};
pub use outputs::TaskOutput;

use super::contract::JobSpec;
use super::files::{Inputs, JobLock, Layout, LockError, Owner, short_id};
use super::job::{Counters, Tally};
use super::scheduler::{AttemptId, JobFailure, Policy, Scheduler, TaskKind};
use super::split::{self, Split};
use crate::call::CallId;
use crate::rpc::{ChannelOptions, Multiplexer, MultiplexerWaker, random_bytes};
use calls::{AssignedAttempt, InFlight};
use input_check::InputCheck;
use worker_slots::{Event, WorkerSlot};

/// Where the workers of one kind come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkerSource {
    /// This number of local worker processes.
    Local(u32),
    /// Workers that listen at these addresses.
    Addresses(Vec<String>),
}

/// The options of a job.
#[derive(Clone, Debug)]
pub struct MasterOptions {
    /// The data directory.
    pub data: PathBuf,
    /// Whether results of another job may be overwritten.
    pub overwrites: bool,
    /// The number of splits and map tasks. There are more if there are more non-empty files.
    pub maps: u32,
    /// The workers for map tasks.
    pub mappers: WorkerSource,
    /// The workers for reduce tasks.
    pub reducers: WorkerSource,
    /// Timeouts and limits of the scheduler.
    pub policy: Policy,
    /// Options of the connections to workers.
    pub channel: ChannelOptions,
    /// The program of local workers: `agora`.
    pub program: PathBuf,
    /// Additional arguments of local workers.
    pub worker_arguments: Vec<String>,
    /// The job fails when a kind has no worker for this long.
    pub worker_timeout: Duration,
    /// Send splits to mappers that lack the file.
    pub ships_inputs: bool,
    /// Map tasks keep their input in memory from round to round.
    pub keeps_inputs: bool,
    /// Memory for the sort of one reduce task.
    pub sort_memory_bytes: u64,
}

/// Why a job ended without a result.
#[derive(Debug)]
pub enum Error {
    /// An input file cannot be read.
    Input(PathBuf, io::Error),
    /// An input file was changed while the job ran.
    Changed(PathBuf),
    /// The data directory cannot be used.
    Data(PathBuf, LockError),
    /// There are no workers of a kind; the text says why.
    NoWorkers(TaskKind, String),
    /// A task has failed permanently.
    Task(JobFailure),
    /// An operation of the master failed.
    Io(&'static str, io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Input(path, error) => write!(f, "{}: {error}", path.display()),
            Error::Changed(path) => {
                write!(f, "{}: it was changed while the job ran", path.display())
            }
            Error::Data(path, error) => write!(f, "{}: {error}", path.display()),
            Error::NoWorkers(kind, why) => {
                let kind = match kind {
                    TaskKind::Map => "mapper",
                    TaskKind::Reduce => "reducer",
                };
                write!(f, "no {kind} is available: {why}")
            }
            Error::Task(failure) => failure.fmt(f),
            Error::Io(what, error) => write!(f, "{what}: {error}"),
        }
    }
}

impl std::error::Error for Error {}

/// The parameters of a round.
#[derive(Clone, Debug)]
pub struct Round {
    /// Human-readable, for example "Iteration 3".
    pub name: String,
    /// The parameter of the map tasks.
    pub map_parameter: Arc<[u8]>,
    /// The parameter of the reduce tasks.
    pub reduce_parameter: Arc<[u8]>,
    /// The number of reduce tasks. 0: the map output is the result, in the order of the input.
    pub reduces: u32,
}

/// The result of a round.
#[derive(Debug)]
pub struct RoundOutcome {
    /// The output of each reduce task, in their order; without reduce tasks the output of each map
    /// task.
    pub outputs: Vec<TaskOutput>,
    /// The total of the tasks' counters.
    pub counters: Counters,
    /// The duration of the phases.
    pub times: Times,
    /// Bytes that reduce tasks fetched.
    pub fetched_bytes: u64,
}

/// The duration of the phases of one or more rounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// Until the last map task was completed.
    pub map: Duration,
    /// Then until its output was fetched.
    pub shuffle: Duration,
    /// Then until all output was received.
    pub reduce: Duration,
}

impl Times {
    /// The sum.
    pub fn total(&self) -> Duration {
        self.map + self.shuffle + self.reduce
    }
}

impl std::ops::AddAssign for Times {
    fn add_assign(&mut self, other: Times) {
        self.map += other.map;
        self.shuffle += other.shuffle;
        self.reduce += other.reduce;
    }
}

/// Runs a job.
pub struct Master {
    options: MasterOptions,
    spec: JobSpec,
    inputs: Inputs,
    input_check: InputCheck,
    splits: Vec<(Split, u64)>,
    layout: Layout,
    _lock: JobLock,
    started: Instant,
    scheduler: Scheduler,
    multiplexer: Multiplexer,
    waker: MultiplexerWaker,
    events: Receiver<Event>,
    sender: Sender<Event>,
    worker_slots: Vec<WorkerSlot>,
    in_flight: BTreeMap<(usize, CallId), InFlight>,
    attempts: BTreeMap<AttemptId, AssignedAttempt>,
    round: Option<RoundState>,
    rounds: u64,
    parameters: u64,
    /// The status text of a task.
    status: Option<String>,
    /// An error of the master itself: the job ends with it.
    failure: Option<Error>,
}

/// The current round.
struct RoundState {
    number: u64,
    round: Round,
    /// The numbers of its parameters, for parameters that are sent in pieces.
    map_parameter: u64,
    reduce_parameter: u64,
    outputs: BTreeMap<u32, TaskOutput>,
    tally: Tally,
    fetched_bytes: u64,
    began: Duration,
    maps_done: Duration,
    /// The longest time that a reduce task took after its last fetch.
    reduce_time: Duration,
}

impl Master {
    /// Opens the input, cuts it into splits and locks the data directory. Workers create the job
    /// from `kind` and `parameters`. They are started or dialed when the first round begins.
    ///
    /// # Errors
    /// The input cannot be read, or the data directory cannot be used.
    pub fn new(
        options: MasterOptions,
        kind: &str,
        parameters: Vec<u8>,
        input: &[PathBuf],
    ) -> Result<Master, Error> {
        let opened = Inputs::open_all(input).map_err(|(path, e)| Error::Input(path, e))?;
        let (mut inputs, stamps) = opened;
        let splits = cut(&mut inputs, options.maps)?;
        let id = format!("{:032x}", u128::from_le_bytes(random_bytes()));
        let layout = Layout::new(&options.data);
        let owner = Owner::new(kind, input);
        let lock = take(&layout, &id, || owner.claim(&layout, options.overwrites))
            .map_err(|e| Error::Data(options.data.clone(), e))?;
        let spec = JobSpec {
            id,
            kind: kind.to_owned(),
            parameters,
            files: inputs.files().to_vec(),
            sort_memory_bytes: options.sort_memory_bytes,
            keeps_inputs: options.keeps_inputs,
            ships_inputs: options.ships_inputs,
            mappers: worker_slots::mapper_addresses(&options),
        };
        let multiplexer = Multiplexer::new().map_err(|e| Error::Io("a poller", e))?;
        let (sender, events) = channel();
        let policy = Policy { inputs_are_kept: options.keeps_inputs, ..options.policy.clone() };
        let is_shared = matches!(options.mappers, WorkerSource::Local(_));
        Ok(Master {
            worker_slots: worker_slots::of(&options),
            waker: multiplexer.waker(),
            options,
            spec,
            inputs,
            input_check: InputCheck::new(stamps, splits.len(), is_shared),
            splits,
            layout,
            _lock: lock,
            started: Instant::now(),
            scheduler: Scheduler::new(policy),
            multiplexer,
            events,
            sender,
            in_flight: BTreeMap::new(),
            attempts: BTreeMap::new(),
            round: None,
            rounds: 0,
            parameters: 0,
            status: None,
            failure: None,
        })
    }

    /// The data directory.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The part of the job's id that may be shown.
    pub fn short_id(&self) -> &str {
        short_id(&self.spec.id)
    }

    /// The splits, in order.
    pub fn splits(&self) -> impl Iterator<Item = &Split> {
        self.splits.iter().map(|(split, _)| split)
    }

    /// The length of all input files together, in bytes.
    pub fn input_bytes(&self) -> u64 {
        self.inputs.lengths().iter().sum()
    }

    /// Runs a round.
    ///
    /// # Errors
    /// A task has failed permanently, or there are no workers.
    pub fn run_round(
        &mut self,
        round: Round,
        observer: &mut dyn Observer,
    ) -> Result<RoundOutcome, Error> {
        self.round(round, observer)
    }

    fn fail(&mut self, error: Error) {
        self.failure.get_or_insert(error);
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }
}

impl Master {
    /// Cancels the HoldJob calls: workers would report a closed connection as a lost master.
    fn close_jobs(&mut self) {
        for ((link, call), in_flight) in std::mem::take(&mut self.in_flight) {
            if matches!(in_flight, InFlight::Hold(_)) {
                self.multiplexer.cancel(link, call);
            }
        }
        if let Err(error) = self.multiplexer.poll(Duration::ZERO, |_| ()) {
            log::debug!("telling workers that the job has ended: {error}");
        }
    }
}

impl Drop for Master {
    /// Local workers are killed, and the files of their unfinished attempts are removed. Other
    /// workers are told that the job has ended.
    fn drop(&mut self) {
        let are_ours = self.worker_slots.iter().all(WorkerSlot::is_local);
        if !are_ours {
            self.close_jobs();
        }
        self.worker_slots.clear();
        if are_ours && let Err(error) = self.layout.clear_pending() {
            log::warn!("{}: {error}", self.layout.root().display());
        }
    }
}

/// Workers of the previous job may still be releasing the directory.
const LOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// Locks the data directory.
fn take(
    layout: &Layout,
    id: &str,
    claim: impl Fn() -> io::Result<()>,
) -> Result<JobLock, LockError> {
    let until = Instant::now() + LOCK_TIMEOUT;
    loop {
        match JobLock::take(layout.root(), id, || claim().and_then(|()| layout.clear())) {
            Err(LockError::Taken { .. }) if Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(10));
            }
            result => return result,
        }
    }
}

/// Cuts the input; returns each split with its fingerprint.
fn cut(inputs: &mut Inputs, maps: u32) -> Result<Vec<(Split, u64)>, Error> {
    let first = inputs.files().first().map(|(path, _)| path.clone()).unwrap_or_default();
    let failed = |error| Error::Input(first.clone(), error);
    let splits = split::cut(&inputs.lengths(), maps, inputs).map_err(failed)?;
    let mut cut = Vec::new();
    for split in splits {
        let fingerprint = inputs.fingerprint(&split).map_err(failed)?;
        cut.push((split, fingerprint));
    }
    Ok(cut)
}

/// The path of this program.
///
/// # Errors
/// Those of the operating system.
pub fn own_program() -> io::Result<PathBuf> {
    std::env::current_exe().map(|path| if path.exists() { path } else { own_image() })
}

/// A path to this program that works after its file was replaced.
fn own_image() -> PathBuf {
    Path::new("/proc/self/exe").to_owned()
}
