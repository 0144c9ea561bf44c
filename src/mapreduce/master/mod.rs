//! The master: gives tasks to workers, and hears what becomes of them.
//!
//! One thread does all of it, over one connection to each worker. It sleeps until an answer, a
//! process or the time has something for it, tells the [`Scheduler`], and does what that wants:
//!
//! ```text
//!   answers, processes, time --> Scheduler --> calls to workers, job_event for people
//! ```
//!
//! - `worker_slots`: the places of workers, and how each is filled: by a process of our own, or by one
//!   somewhere that listens
//! - `local_process`: processes of our own; they end when we do, however we end
//! - `calls`, `requests`: what is pending of workers, and what waits until a connection takes it
//! - `answers`: what they answer
//! - `input_check`: whether all have read the same input
//! - `outputs`: results as they are read
//! - [`JobEvent`]: what people are told
//!
//! A [`Master`] runs one job, round after round: [`Master::run_round`].

mod answers;
mod calls;
mod local_process;
mod input_check;
mod round;
mod job_event;
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
pub use outputs::TaskOutput;

use super::contract::JobSpec;
use super::files::{Inputs, JobLock, Layout, LockError, Owner};
use super::job::{Counters, Tally};
use super::scheduler::{AttemptId, JobFailure, Policy, Scheduler, TaskKind};
use super::split::{self, Split};
use crate::call::CallId;
use crate::rpc::{ChannelOptions, Multiplexer, MultiplexerWaker, random_bytes};
use calls::{Assigned, InFlight};
use input_check::InputCheck;
use worker_slots::{Event, WorkerSlot};

/// Who does the tasks of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkerSource {
    /// As many processes of our own.
    Local(u32),
    /// Workers that listen at these addresses.
    Addresses(Vec<String>),
}

/// How a job is run.
#[derive(Clone, Debug)]
pub struct MasterOptions {
    /// The data directory.
    pub data: PathBuf,
    /// Whether results of another job that are there may go.
    pub overwrites: bool,
    /// The number of splits, and map tasks; more if there are more files that are not empty.
    pub maps: u32,
    /// Who does map tasks.
    pub mappers: WorkerSource,
    /// Who does reduce tasks.
    pub reducers: WorkerSource,
    /// How patient the master is.
    pub policy: Policy,
    /// How it talks to workers.
    pub channel: ChannelOptions,
    /// The program that runs workers of our own: `agora`.
    pub program: PathBuf,
    /// More arguments for them.
    pub worker_arguments: Vec<String>,
    /// How long it does without any worker of a kind.
    pub worker_timeout: Duration,
    /// Send splits to mappers that have no file.
    pub ships_inputs: bool,
    /// Map tasks keep their input in memory from round to round.
    pub keeps_inputs: bool,
    /// A reduce task sorts in so much memory.
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
    /// There are no workers of a kind; with what is known about why.
    NoWorkers(TaskKind, String),
    /// A task could not be done.
    Task(JobFailure),
    /// Something of our own failed.
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

/// What a round is about.
#[derive(Clone, Debug)]
pub struct Round {
    /// For people: "Iteration 3".
    pub name: String,
    /// What map tasks need to know.
    pub map_parameter: Arc<[u8]>,
    /// What reduce tasks need to know.
    pub reduce_parameter: Arc<[u8]>,
    /// The number of reduce tasks. 0: what the maps emit is the result, in the order of the input.
    pub reduces: u32,
}

/// What came of a round.
#[derive(Debug)]
pub struct RoundOutcome {
    /// What each reduce task wrote, in their order; without reduce tasks what each map wrote.
    pub outputs: Vec<TaskOutput>,
    /// What was counted, everything once.
    pub counters: Counters,
    /// Where the time went.
    pub times: Times,
    /// Bytes that reduce tasks fetched.
    pub fetched_bytes: u64,
}

/// Where the time of rounds went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// Until the last map was done.
    pub map: Duration,
    /// From then until its output was fetched.
    pub shuffle: Duration,
    /// Until all output was here.
    pub reduce: Duration,
}

impl Times {
    /// All of it.
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
    attempts: BTreeMap<AttemptId, Assigned>,
    round: Option<RoundState>,
    rounds: u64,
    parameters: u64,
    /// What a task says it is doing.
    status: Option<String>,
    /// What we could not do ourselves: the job ends with it.
    failure: Option<Error>,
}

/// The round that runs.
struct RoundState {
    number: u64,
    round: Round,
    /// Numbers of its parameters, should they have to be put.
    map_parameter: u64,
    reduce_parameter: u64,
    outputs: BTreeMap<u32, TaskOutput>,
    tally: Tally,
    fetched_bytes: u64,
    began: Duration,
    maps_done: Duration,
    /// The longest time that a reduce task took when all was there.
    reduce_time: Duration,
}

impl Master {
    /// Looks at the input, cuts it into splits and takes the data directory. `kind` and
    /// `parameters` are what workers make the job of. Workers are started or called when the first
    /// round begins.
    ///
    /// # Errors
    /// The input cannot be read, or the data directory not be used.
    pub fn new(
        options: MasterOptions,
        kind: &str,
        parameters: Vec<u8>,
        input: &[PathBuf],
    ) -> Result<Master, Error> {
        let looked = Inputs::open_all(input).map_err(|(path, e)| Error::Input(path, e))?;
        let (mut inputs, stamps) = looked;
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

    /// The splits, in order.
    pub fn splits(&self) -> impl Iterator<Item = &Split> {
        self.splits.iter().map(|(split, _)| split)
    }

    /// The input's length, all files together.
    pub fn input_bytes(&self) -> u64 {
        self.inputs.lengths().iter().sum()
    }

    /// Runs a round.
    ///
    /// # Errors
    /// A task could not be done, or there are no workers.
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
    /// Gives up the calls that hold the job: a connection that just ends would look like a death.
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
    /// Workers of our own end at once: what they had begun is taken away behind them. Others are told
    /// that the job has ended.
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

/// Workers of the job before may be about to let the directory go.
const LOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// Takes the data directory.
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

/// Cuts the input; with each split's fingerprint.
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

/// Where the program that runs is.
///
/// # Errors
/// The operating system's.
pub fn own_program() -> io::Result<PathBuf> {
    std::env::current_exe().map(|path| if path.exists() { path } else { own_image() })
}

/// The program that runs, though its file was replaced meanwhile.
fn own_image() -> PathBuf {
    Path::new("/proc/self/exe").to_owned()
}
