//! The configured workers of a job, and how each is started, dialed and replaced.
//!
//! ```text
//!                   process listens      connected           job opened
//!   Waiting --> Starting --------> Dialing --------> Opening ----------> Ready
//!     ^            |                  |                 |                  |
//!     +------------+------ failed ----+-----------------+------ lost ------+
//!      after a pause
//! ```
//!
//! A slot with an address begins with `Dialing`. A `Ready` slot is a worker of the scheduler, with
//! an id of its own. If the worker is lost, the next worker in the same slot has another id.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::thread;
use std::time::Duration;

use super::calls::{InFlight, PendingSend};
use super::local_process::LocalProcess;
use super::requests::Request;
use super::{Error, JobEvent, Master, MasterOptions, Observer, WorkerSource};
use crate::call::{CallId, Code, Role, Status};
use crate::mapreduce::contract::path;
use crate::mapreduce::digest::Digest;
use crate::mapreduce::pending_calls::PendingCalls;
use crate::mapreduce::scheduler::{TaskKind, WorkerId};
use crate::mapreduce::wire;
use crate::rpc::Dialed;
use crate::text::printable;

/// One configured worker: a local process, or an address.
pub(super) struct WorkerSlot {
    pub(super) kind: TaskKind,
    /// For example `M1`.
    pub(super) name: String,
    /// The worker's address. A local process prints it when it listens.
    address: Option<String>,
    is_local: bool,
    child: Option<LocalProcess>,
    pub(super) state: SlotState,
    /// Incremented for each new worker. Events of an earlier generation are ignored.
    generation: u64,
    /// Failures since the slot was last ready.
    failures: u32,
    /// The last failure was a refusal of the job, which another attempt would not change.
    is_refused: bool,
    last_error: String,
}

/// The state of a slot.
pub(super) enum SlotState {
    /// A pause until the next start.
    Waiting { until: Duration },
    /// The process is started, and has not printed its address.
    Starting { since: Duration },
    /// A thread connects.
    Dialing,
    /// OpenJob was sent.
    Opening { link: usize },
    /// The worker accepts tasks.
    Ready(ReadyWorker),
}

/// A worker that accepts tasks.
pub(super) struct ReadyWorker {
    pub(super) link: usize,
    pub(super) worker: WorkerId,
    pub(super) epoch: u64,
    pub(super) ping: Option<CallId>,
    /// Calls that wait to be sent.
    pub(super) requests: PendingCalls<Request>,
    /// What must be sent before attempts can begin, in order.
    pub(super) pending_sends: VecDeque<PendingSend>,
    /// Whether the first pending send is in flight.
    pub(super) is_sending: bool,
    /// The numbers of the parameters that the worker has.
    pub(super) parameters: BTreeSet<u64>,
    is_silent: bool,
}

/// Events of other threads.
pub(super) enum Event {
    /// A local process listens.
    Listening { slot: usize, generation: u64, address: String },
    /// A local process has ended.
    Ended { slot: usize, generation: u64 },
    /// A split was digested.
    Digested { split: u32, digest: io::Result<Digest> },
    /// A dial has succeeded or failed.
    Dialed { slot: usize, generation: u64, result: io::Result<Box<Dialed>> },
}

/// A local process must print its address within this time.
const START_TIMEOUT: Duration = Duration::from_secs(20);
/// A worker must open the job within this time.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// The worker slots of these options.
pub(super) fn of(options: &MasterOptions) -> Vec<WorkerSlot> {
    let slot = |kind, number: usize, address: Option<String>| WorkerSlot {
        kind,
        name: match kind {
            TaskKind::Map => format!("M{}", number + 1),
            TaskKind::Reduce => format!("R{}", number + 1),
        },
        is_local: address.is_none(),
        address,
        child: None,
        state: SlotState::Waiting { until: Duration::ZERO },
        generation: 0,
        failures: 0,
        is_refused: false,
        last_error: String::new(),
    };
    let mut worker_slots = Vec::new();
    for (kind, workers) in
        [(TaskKind::Map, &options.mappers), (TaskKind::Reduce, &options.reducers)]
    {
        match workers {
            WorkerSource::Local(count) => {
                worker_slots.extend((0..*count as usize).map(|number| slot(kind, number, None)));
            }
            WorkerSource::Addresses(addresses) => {
                let numbered = addresses.iter().cloned().enumerate();
                worker_slots
                    .extend(numbered.map(|(number, address)| slot(kind, number, Some(address))));
            }
        }
    }
    worker_slots
}

/// The addresses from which reduce tasks may fetch. The port of a local worker is not known yet.
pub(super) fn mapper_addresses(options: &MasterOptions) -> Vec<String> {
    match &options.mappers {
        WorkerSource::Local(_) => vec!["127.0.0.1:0".into()],
        WorkerSource::Addresses(addresses) => addresses.clone(),
    }
}

impl ReadyWorker {
    pub(super) fn mark_alive(&mut self) {
        self.is_silent = false;
    }
}

impl WorkerSlot {
    pub(super) fn ready(&mut self) -> Option<&mut ReadyWorker> {
        match &mut self.state {
            SlotState::Ready(ready) => Some(ready),
            _ => None,
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        matches!(self.state, SlotState::Ready(_))
    }

    /// Whether the worker is starting for the first time since it was last ready.
    pub(super) fn is_starting(&self) -> bool {
        !self.is_ready() && self.failures == 0
    }

    /// Whether the worker is a local process.
    pub(super) fn is_local(&self) -> bool {
        self.is_local
    }

    /// The worker's address.
    pub(super) fn address(&self) -> &str {
        self.address.as_deref().unwrap_or("nowhere")
    }

    pub(super) fn last_error(&self) -> String {
        match &self.address {
            Some(address) if !self.is_local => format!("{address}: {}", self.last_error),
            _ => format!("{}: {}", self.name, self.last_error),
        }
    }

    fn link(&self) -> Option<usize> {
        match &self.state {
            SlotState::Opening { link } | SlotState::Ready(ReadyWorker { link, .. }) => Some(*link),
            _ => None,
        }
    }

    fn due(&self) -> Option<Duration> {
        match self.state {
            SlotState::Waiting { until } => Some(until),
            SlotState::Starting { since } => Some(since + START_TIMEOUT),
            SlotState::Ready(ref ready) => ready.requests.backoff_until(),
            _ => None,
        }
    }
}

impl Master {
    /// Starts workers whose pause is over.
    pub(super) fn fill_worker_slots(&mut self, observer: &mut dyn Observer) {
        let now = self.now();
        for index in 0..self.worker_slots.len() {
            match self.worker_slots[index].state {
                SlotState::Waiting { until } if until <= now => self.begin(index, observer),
                SlotState::Starting { since } if since + START_TIMEOUT <= now => {
                    self.release(index, "it did not print its address in time", observer);
                }
                _ => {}
            }
        }
    }

    /// When [`fill_worker_slots`](Self::fill_worker_slots) must be called next.
    pub(super) fn next_slot_timeout(&self) -> Option<Duration> {
        self.worker_slots.iter().filter_map(WorkerSlot::due).min()
    }

    fn begin(&mut self, index: usize, observer: &mut dyn Observer) {
        let now = self.now();
        let slot = &mut self.worker_slots[index];
        slot.generation += 1;
        if !slot.is_local {
            return self.dial(index);
        }
        let generation = slot.generation;
        let (sender, waker) = (self.sender.clone(), self.waker.clone());
        // The send fails if the master has ended; then the event is not needed.
        let send_event = move |event| {
            let _ = sender.send(event);
            waker.wake();
        };
        let (on_listening, on_exit) = (send_event.clone(), send_event);
        let started = LocalProcess::start(
            slot.kind,
            &self.options,
            &self.spec.id,
            move |address| on_listening(Event::Listening { slot: index, generation, address }),
            move || on_exit(Event::Ended { slot: index, generation }),
        );
        match started {
            Ok(child) => {
                log::info!("{} is process {}", slot.name, child.id());
                slot.child = Some(child);
                slot.state = SlotState::Starting { since: now };
            }
            Err(error) => {
                let reason = format!("{}: {error}", self.options.program.display());
                self.release(index, &reason, observer);
            }
        }
    }

    fn dial(&mut self, index: usize) {
        let slot = &mut self.worker_slots[index];
        slot.state = SlotState::Dialing;
        let (generation, target) = (slot.generation, slot.address().to_owned());
        let (sender, waker) = (self.sender.clone(), self.waker.clone());
        let mut options = self.options.channel.clone();
        options.server_role = Some(Role::Worker);
        let dialing = thread::Builder::new().name("dialing".into()).spawn(move || {
            let result = Dialed::dial(&target, &options).map(Box::new);
            let _ = sender.send(Event::Dialed { slot: index, generation, result });
            waker.wake();
        });
        if let Err(error) = dialing {
            let failed = Event::Dialed { slot: index, generation, result: Err(error) };
            let _ = self.sender.send(failed);
        }
    }

    /// Handles the events of other threads.
    pub(super) fn take_events(&mut self, observer: &mut dyn Observer) {
        while let Ok(event) = self.events.try_recv() {
            let (index, generation) = match event {
                Event::Digested { split, digest } => {
                    self.handle_digest(split, digest, observer);
                    continue;
                }
                Event::Listening { slot, generation, .. }
                | Event::Ended { slot, generation }
                | Event::Dialed { slot, generation, .. } => (slot, generation),
            };
            if self.worker_slots[index].generation != generation {
                continue;
            }
            match event {
                Event::Listening { address, .. } => {
                    self.worker_slots[index].address = Some(address);
                    self.dial(index);
                }
                Event::Digested { .. } => {}
                Event::Ended { .. } => self.release(index, "its process has ended", observer),
                Event::Dialed { result, .. } => {
                    let added = result.and_then(|dialed| self.multiplexer.add(*dialed));
                    match added {
                        Ok(link) => self.open(index, link, observer),
                        Err(error) => self.release(index, &error.to_string(), observer),
                    }
                }
            }
        }
    }

    fn open(&mut self, index: usize, link: usize, observer: &mut dyn Observer) {
        self.worker_slots[index].state = SlotState::Opening { link };
        // HoldJob must reach the worker before OpenJob.
        let held = wire::encode_job_request(&self.spec.id);
        match self.multiplexer.start(link, path::HOLD_JOB, &held, None) {
            Ok(call) => drop(self.in_flight.insert((link, call), InFlight::Hold(index))),
            Err(error) => return self.release(index, &format!("{error:?}"), observer),
        }
        let message = wire::encode_open_job(&self.spec);
        let call = self.multiplexer.start(link, path::OPEN_JOB, &message, Some(OPEN_TIMEOUT));
        match call {
            Ok(call) => drop(self.in_flight.insert((link, call), InFlight::Open(index))),
            Err(error) => self.release(index, &format!("{error:?}"), observer),
        }
    }

    /// Handles the answer to OpenJob.
    pub(super) fn handle_opened(
        &mut self,
        index: usize,
        status: &Status,
        message: &[u8],
        observer: &mut dyn Observer,
    ) {
        let SlotState::Opening { link } = self.worker_slots[index].state else { return };
        let opened = if status.is_ok() { wire::parse_opened(message) } else { Err(status.clone()) };
        let opened = match opened {
            Ok(opened) => opened,
            Err(status) => {
                self.release(index, &status.message, observer);
                self.worker_slots[index].is_refused = is_final(status.code);
                return;
            }
        };
        // A call for one task must never wait for capacity that is only freed when another task
        // ends.
        let max_tasks = self.multiplexer.max_calls(link).saturating_sub(CALLS_BESIDE_TASKS);
        let max_tasks = u32::try_from(max_tasks).unwrap_or(u32::MAX).min(MAX_TASK_SLOTS);
        if max_tasks == 0 {
            return self.release(index, "it accepts too few concurrent calls", observer);
        }
        // Ids grow with each generation, and in the order of the slots: M1 comes first.
        let worker_slots = self.worker_slots.len() as u64;
        let worker =
            WorkerId((self.worker_slots[index].generation * worker_slots + index as u64) as u32);
        let now = self.now();
        let version = printable(shortened(&opened.version, MAX_VERSION_BYTES)).into_owned();
        let slot = &mut self.worker_slots[index];
        slot.failures = 0;
        slot.state = SlotState::Ready(ReadyWorker {
            link,
            worker,
            epoch: opened.epoch,
            ping: None,
            requests: PendingCalls::default(),
            pending_sends: VecDeque::new(),
            is_sending: false,
            parameters: BTreeSet::new(),
            is_silent: false,
        });
        observer.on_event(&JobEvent::Joined {
            kind: slot.kind,
            name: &slot.name,
            address: slot.address(),
            version: &version,
        });
        self.scheduler.add_worker(now, worker, slot.kind, opened.task_slots.clamp(1, max_tasks));
    }

    /// Releases a slot whose worker is lost or could not be reached. It gets a new worker after a
    /// pause.
    pub(super) fn release(&mut self, index: usize, reason: &str, observer: &mut dyn Observer) {
        let now = self.now();
        let slot = &mut self.worker_slots[index];
        let pause = FIRST_PAUSE.saturating_mul(1 << slot.failures.min(10)).min(MAX_PAUSE);
        let is_first = slot.failures == 0;
        slot.failures += 1;
        slot.generation += 1;
        slot.last_error = printable(reason).into_owned();
        slot.is_refused = false;
        // A local process without a connection is useless.
        slot.child = None;
        let link = slot.link();
        let before = std::mem::replace(&mut slot.state, SlotState::Waiting { until: now + pause });
        let name = slot.name.clone();
        if is_first {
            observer.on_event(&JobEvent::Gone { name: &name, reason });
        }
        if let Some(link) = link {
            self.multiplexer.disconnect(link);
            self.in_flight.retain(|(of, _), _| *of != link);
        }
        if let SlotState::Ready(ready) = before {
            self.forget_attempts_of(index, observer);
            self.scheduler.handle_worker_lost(now, ready.worker);
        }
    }

    /// A worker has stopped answering. A local process is killed and replaced.
    pub(super) fn handle_silent(&mut self, worker: WorkerId, observer: &mut dyn Observer) {
        let Some(index) = self.slot_of(worker) else { return };
        let slot = &mut self.worker_slots[index];
        observer.on_event(&JobEvent::Silent { name: &slot.name });
        if slot.is_local {
            self.release(index, "it does not answer", observer);
        } else if let Some(ready) = slot.ready() {
            ready.is_silent = true;
        }
    }

    pub(super) fn slot_of(&self, worker: WorkerId) -> Option<usize> {
        self.worker_slots.iter().position(
            |slot| matches!(&slot.state, SlotState::Ready(ready) if ready.worker == worker),
        )
    }

    /// Whether the workers of a kind can never start: each is a local process that has failed
    /// several times before it accepted a task, or refuses the job.
    pub(super) fn never_starts(&self, kind: TaskKind) -> bool {
        let mut of_kind = self.worker_slots.iter().filter(|slot| slot.kind == kind);
        of_kind
            .all(|slot| slot.is_refused || (slot.is_local && slot.failures >= MAX_START_FAILURES))
    }

    /// The error for a kind without a usable worker.
    pub(super) fn no_workers_error(&self, kind: TaskKind) -> Option<Error> {
        let of_kind = || self.worker_slots.iter().filter(|slot| slot.kind == kind);
        let is_useful = |slot: &WorkerSlot| match &slot.state {
            SlotState::Ready(ready) => !ready.is_silent,
            _ => false,
        };
        if of_kind().any(is_useful) {
            return None;
        }
        let problems: Vec<String> = of_kind().map(WorkerSlot::last_error).collect();
        Some(Error::NoWorkers(kind, problems.join("; ")))
    }
}

/// Whether a worker that answers OpenJob with this code will always do so.
fn is_final(code: Code) -> bool {
    matches!(code, Code::PermissionDenied | Code::Unauthenticated | Code::Unimplemented)
}

/// The start of a text, with at most so many bytes.
fn shortened(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// A longer version of a worker is cut.
const MAX_VERSION_BYTES: usize = 40;
/// A local process that fails this often before it accepts a task is not expected to start.
const MAX_START_FAILURES: u32 = 5;
/// The largest number of tasks that one worker gets at once, whatever it offers.
const MAX_TASK_SLOTS: u32 = 64;
/// Of the calls that a worker accepts at once, this many are reserved for calls that are not tasks:
/// HoldJob, and calls that are answered immediately.
const CALLS_BESIDE_TASKS: usize = 4;
