//! Places of workers, and how each is filled, again and again if need be.
//!
//! ```text
//!                    child listens        connected           job opened
//!   Waiting --> Starting --------> Dialing --------> Opening ----------> Ready
//!     ^            |                  |                 |                  |
//!     +------------+------ failed ----+-----------------+------ lost ------+
//!      after a pause
//! ```
//!
//! A seat at an address begins with `Dialing`. Whoever is `Ready` is a worker to the scheduler, with
//! a number of its own; the next one on the same seat is another worker.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::thread;
use std::time::Duration;

use super::calls::{InFlight, Step};
use super::children::LocalProcess;
use super::requests::Request;
use super::{Error, Master, MasterOptions, News, Observer, WorkersAt};
use crate::call::{CallId, Status};
use crate::mapreduce::contract::path;
use crate::mapreduce::digest::Digest;
use crate::mapreduce::pending_calls::PendingCalls;
use crate::mapreduce::scheduler::{Kind, WorkerId};
use crate::mapreduce::wire;
use crate::rpc::Dialed;

/// A place for a worker.
pub(super) struct Seat {
    pub(super) kind: Kind,
    /// `M1`.
    pub(super) name: String,
    /// Where its worker listens; a process of our own says so when it does.
    address: Option<String>,
    is_local: bool,
    child: Option<LocalProcess>,
    pub(super) state: SeatState,
    /// Counts the times that it was filled: events of an earlier time mean nothing.
    life: u64,
    /// Failures since it was ready last.
    failures: u32,
    problem: String,
}

/// How far it is.
pub(super) enum SeatState {
    /// Nobody is there until then.
    Waiting { until: Duration },
    /// Our process has not said where it listens.
    Starting { since: Duration },
    /// Somebody connects.
    Dialing,
    /// The worker was asked to open the job.
    Opening { link: usize },
    /// It takes tasks.
    Ready(Ready),
}

/// A worker that takes tasks.
pub(super) struct Ready {
    pub(super) link: usize,
    pub(super) worker: WorkerId,
    pub(super) epoch: u64,
    pub(super) ping: Option<CallId>,
    /// Calls that it is to get.
    pub(super) requests: PendingCalls<Request>,
    /// What must be sent before some attempts can begin, in order.
    pub(super) steps: VecDeque<Step>,
    /// Whether the first step is on its way.
    pub(super) is_stepping: bool,
    /// The parameters that it has.
    pub(super) parameters: BTreeSet<u64>,
    is_silent: bool,
}

/// What other threads tell the master.
pub(super) enum Event {
    /// A child listens.
    Listening { seat: usize, life: u64, address: String },
    /// A child has ended.
    Ended { seat: usize, life: u64 },
    /// A split was read.
    Digested { split: u32, digest: io::Result<Digest> },
    /// An attempt to connect has ended.
    Dialed { seat: usize, life: u64, result: io::Result<Box<Dialed>> },
}

/// A child that does not say in time where it listens is given up.
const START_TIMEOUT: Duration = Duration::from_secs(20);
/// A worker that does not open its job in time is given up.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The seats that these options ask for.
pub(super) fn of(options: &MasterOptions) -> Vec<Seat> {
    let seat = |kind, number: usize, address: Option<String>| Seat {
        kind,
        name: match kind {
            Kind::Map => format!("M{}", number + 1),
            Kind::Reduce => format!("R{}", number + 1),
        },
        is_local: address.is_none(),
        address,
        child: None,
        state: SeatState::Waiting { until: Duration::ZERO },
        life: 0,
        failures: 0,
        problem: String::new(),
    };
    let mut seats = Vec::new();
    for (kind, workers) in [(Kind::Map, &options.mappers), (Kind::Reduce, &options.reducers)] {
        match workers {
            WorkersAt::Here(count) => {
                seats.extend((0..*count as usize).map(|number| seat(kind, number, None)));
            }
            WorkersAt::Addresses(addresses) => {
                let numbered = addresses.iter().cloned().enumerate();
                seats.extend(numbered.map(|(number, address)| seat(kind, number, Some(address))));
            }
        }
    }
    seats
}

impl Ready {
    pub(super) fn heard(&mut self) {
        self.is_silent = false;
    }
}

impl Seat {
    pub(super) fn ready(&mut self) -> Option<&mut Ready> {
        match &mut self.state {
            SeatState::Ready(ready) => Some(ready),
            _ => None,
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        matches!(self.state, SeatState::Ready(_))
    }

    /// Whether nothing has gone wrong yet, and it is on its way to being ready.
    pub(super) fn is_coming(&self) -> bool {
        !self.is_ready() && self.failures == 0
    }

    /// Whether its worker is a process of our own.
    pub(super) fn is_ours(&self) -> bool {
        self.is_local
    }

    /// Where its worker listens.
    pub(super) fn address(&self) -> &str {
        self.address.as_deref().unwrap_or("nowhere")
    }

    pub(super) fn problem(&self) -> String {
        match &self.address {
            Some(address) if !self.is_local => format!("{address}: {}", self.problem),
            _ => format!("{}: {}", self.name, self.problem),
        }
    }

    fn link(&self) -> Option<usize> {
        match &self.state {
            SeatState::Opening { link } | SeatState::Ready(Ready { link, .. }) => Some(*link),
            _ => None,
        }
    }

    fn due(&self) -> Option<Duration> {
        match self.state {
            SeatState::Waiting { until } => Some(until),
            SeatState::Starting { since } => Some(since + START_TIMEOUT),
            SeatState::Ready(ref ready) => ready.requests.rests_until(),
            _ => None,
        }
    }
}

impl Master {
    /// Fills seats whose time has come.
    pub(super) fn fill_seats(&mut self, observer: &mut dyn Observer) {
        let now = self.now();
        for index in 0..self.seats.len() {
            match self.seats[index].state {
                SeatState::Waiting { until } if until <= now => self.begin(index, observer),
                SeatState::Starting { since } if since + START_TIMEOUT <= now => {
                    self.vacate(index, "it does not say where it listens", observer);
                }
                _ => {}
            }
        }
    }

    /// When [`fill_seats`](Self::fill_seats) has something to do.
    pub(super) fn seats_due(&self) -> Option<Duration> {
        self.seats.iter().filter_map(Seat::due).min()
    }

    fn begin(&mut self, index: usize, observer: &mut dyn Observer) {
        let now = self.now();
        let seat = &mut self.seats[index];
        seat.life += 1;
        if !seat.is_local {
            return self.dial(index);
        }
        let life = seat.life;
        let (sender, waker) = (self.sender.clone(), self.waker.clone());
        // A master that is gone does not listen any more, and need not.
        let say = move |event| {
            let _ = sender.send(event);
            waker.wake();
        };
        let (listens, ends) = (say.clone(), say);
        let started = LocalProcess::start(
            seat.kind,
            &self.options,
            move |address| listens(Event::Listening { seat: index, life, address }),
            move || ends(Event::Ended { seat: index, life }),
        );
        match started {
            Ok(child) => {
                log::info!("{} is process {}", seat.name, child.id());
                seat.child = Some(child);
                seat.state = SeatState::Starting { since: now };
            }
            Err(error) => {
                let reason = format!("{}: {error}", self.options.program.display());
                self.vacate(index, &reason, observer);
            }
        }
    }

    fn dial(&mut self, index: usize) {
        let seat = &mut self.seats[index];
        seat.state = SeatState::Dialing;
        let (life, target) = (seat.life, seat.address().to_owned());
        let (sender, waker) = (self.sender.clone(), self.waker.clone());
        let options = self.options.channel.clone();
        let dialing = thread::Builder::new().name("dialing".into()).spawn(move || {
            let result = Dialed::dial(&target, &options).map(Box::new);
            let _ = sender.send(Event::Dialed { seat: index, life, result });
            waker.wake();
        });
        if let Err(error) = dialing {
            let failed = Event::Dialed { seat: index, life, result: Err(error) };
            let _ = self.sender.send(failed);
        }
    }

    /// Does what other threads have told.
    pub(super) fn take_events(&mut self, observer: &mut dyn Observer) {
        while let Ok(event) = self.events.try_recv() {
            let (index, life) = match event {
                Event::Digested { split, digest } => {
                    self.digested(split, digest, observer);
                    continue;
                }
                Event::Listening { seat, life, .. }
                | Event::Ended { seat, life }
                | Event::Dialed { seat, life, .. } => (seat, life),
            };
            if self.seats[index].life != life {
                continue;
            }
            match event {
                Event::Listening { address, .. } => {
                    self.seats[index].address = Some(address);
                    self.dial(index);
                }
                Event::Digested { .. } => {}
                Event::Ended { .. } => self.vacate(index, "its process has ended", observer),
                Event::Dialed { result, .. } => {
                    let added = result.and_then(|dialed| self.multiplexer.add(*dialed));
                    match added {
                        Ok(link) => self.open(index, link, observer),
                        Err(error) => self.vacate(index, &error.to_string(), observer),
                    }
                }
            }
        }
    }

    fn open(&mut self, index: usize, link: usize, observer: &mut dyn Observer) {
        self.seats[index].state = SeatState::Opening { link };
        // The worker hears of whoever holds the job before it opens it.
        let held = wire::job_request(&self.spec.id);
        match self.multiplexer.start(link, path::HOLD_JOB, &held, None) {
            Ok(call) => drop(self.in_flight.insert((link, call), InFlight::Hold(index))),
            Err(error) => return self.vacate(index, &format!("{error:?}"), observer),
        }
        let message = wire::open_job(&self.spec);
        let call = self.multiplexer.start(link, path::OPEN_JOB, &message, Some(OPEN_TIMEOUT));
        match call {
            Ok(call) => drop(self.in_flight.insert((link, call), InFlight::Open(index))),
            Err(error) => self.vacate(index, &format!("{error:?}"), observer),
        }
    }

    /// A worker has opened the job, or not.
    pub(super) fn opened(
        &mut self,
        index: usize,
        status: &Status,
        message: &[u8],
        observer: &mut dyn Observer,
    ) {
        let SeatState::Opening { link } = self.seats[index].state else { return };
        let opened = if status.is_ok() { wire::read_opened(message) } else { Err(status.clone()) };
        let opened = match opened {
            Ok(opened) => opened,
            Err(status) => return self.vacate(index, &status.message, observer),
        };
        // A call that waits for a task must never wait for room that only other tasks would make.
        let max_tasks = self.multiplexer.max_calls(link).saturating_sub(CALLS_BESIDE_TASKS);
        let max_tasks = u32::try_from(max_tasks).unwrap_or(u32::MAX).min(MAX_SLOTS);
        if max_tasks == 0 {
            return self.vacate(index, "it takes too few calls at once", observer);
        }
        // Numbers rise with every life of a seat, and go by seats: M1 comes first.
        let seats = self.seats.len() as u64;
        let worker = WorkerId((self.seats[index].life * seats + index as u64) as u32);
        let now = self.now();
        let seat = &mut self.seats[index];
        seat.failures = 0;
        seat.state = SeatState::Ready(Ready {
            link,
            worker,
            epoch: opened.epoch,
            ping: None,
            requests: PendingCalls::default(),
            steps: VecDeque::new(),
            is_stepping: false,
            parameters: BTreeSet::new(),
            is_silent: false,
        });
        observer.note(&News::Joined { kind: seat.kind, name: &seat.name, address: seat.address() });
        self.scheduler.add_worker(now, worker, seat.kind, opened.slots.clamp(1, max_tasks));
    }

    /// The worker of a seat is gone, or was not to be had: the seat waits for the next one.
    pub(super) fn vacate(&mut self, index: usize, reason: &str, observer: &mut dyn Observer) {
        let now = self.now();
        let seat = &mut self.seats[index];
        let pause = FIRST_PAUSE.saturating_mul(1 << seat.failures.min(10)).min(LONGEST_PAUSE);
        let is_first = seat.failures == 0;
        seat.failures += 1;
        seat.life += 1;
        seat.problem = reason.to_owned();
        // A process of our own is of no use without its connection.
        seat.child = None;
        let link = seat.link();
        let before = std::mem::replace(&mut seat.state, SeatState::Waiting { until: now + pause });
        let name = seat.name.clone();
        if is_first {
            observer.note(&News::Gone { name: &name, reason });
        }
        if let Some(link) = link {
            self.multiplexer.disconnect(link);
            self.in_flight.retain(|(of, _), _| *of != link);
        }
        if let SeatState::Ready(ready) = before {
            self.forget_attempts_of(index, observer);
            self.scheduler.handle_worker_lost(now, ready.worker);
        }
    }

    /// The scheduler says that a worker is silent. One of our own is ended, and another started.
    pub(super) fn silent(&mut self, worker: WorkerId, observer: &mut dyn Observer) {
        let Some(index) = self.seat_of(worker) else { return };
        let seat = &mut self.seats[index];
        observer.note(&News::Silent { name: &seat.name });
        if seat.is_local {
            self.vacate(index, "it does not answer", observer);
        } else if let Some(ready) = seat.ready() {
            ready.is_silent = true;
        }
    }

    pub(super) fn seat_of(&self, worker: WorkerId) -> Option<usize> {
        self.seats.iter().position(
            |seat| matches!(&seat.state, SeatState::Ready(ready) if ready.worker == worker),
        )
    }

    /// Whether workers of a kind will never be there: all would be processes of our own, and none of
    /// them lives long enough to take a task.
    pub(super) fn is_hopeless(&self, kind: Kind) -> bool {
        let mut of_kind = self.seats.iter().filter(|seat| seat.kind == kind);
        of_kind.all(|seat| seat.is_local && seat.failures >= HOPELESS_FAILURES)
    }

    /// What to say when no worker of a kind is there.
    pub(super) fn missing_workers(&self, kind: Kind) -> Option<Error> {
        let of_kind = || self.seats.iter().filter(|seat| seat.kind == kind);
        let is_useful = |seat: &Seat| match &seat.state {
            SeatState::Ready(ready) => !ready.is_silent,
            _ => false,
        };
        if of_kind().any(is_useful) {
            return None;
        }
        let problems: Vec<String> = of_kind().map(Seat::problem).collect();
        Some(Error::NoWorkers(kind, problems.join("; ")))
    }
}

/// So often a process of our own may end before it takes a task.
const HOPELESS_FAILURES: u32 = 5;
/// More tasks at once are not given to one worker, whatever it says.
const MAX_SLOTS: u32 = 64;
/// Of the calls that a worker takes at once so many are no tasks: one that holds the job, and some
/// that are answered at once.
const CALLS_BESIDE_TASKS: usize = 4;
