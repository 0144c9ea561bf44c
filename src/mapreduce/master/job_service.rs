//! `agora.mapreduce.v1.JobService`: shows a running job to those who ask.
//!
//! ```text
//!   master --- events ---> JobMonitor: JobStatus <--- view --- publisher ---> watches, replies
//!                                                  picture --->
//! ```
//!
//! The master's thread only updates the [`JobStatus`], under a lock that is held for copying alone.
//! One thread, the publisher, encodes what is shown, for all clients together and at most ten times a
//! second, however many ask. Without clients it does nothing. A client that does not read skips
//! responses: the next one is sent after it has received the one before.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::JobEvent;
use crate::call::{Code, Status};
use crate::mapreduce::job_status::{
    AttemptCounts, ClusteringView, JobDescription, JobState, JobStatus, JobView, wire,
};
use crate::rpc::{CallHandler, Reply, Responder, Services, Shape};

/// Calls of Watch at once.
pub const MAX_WATCHES: usize = 64;
/// Calls of Describe that may wait for the publisher.
const MAX_DESCRIBES: usize = 64;
const MIN_INTERVAL: Duration = Duration::from_millis(100);
const DEFAULT_INTERVAL: Duration = Duration::from_millis(250);
const MAX_INTERVAL: Duration = Duration::from_secs(60);

/// Draws a clustering. It is called on the publisher's thread, when a client wants to see it.
pub trait JobPicture: Send {
    /// The present picture; `None` as long as there is none.
    fn draw(&mut self) -> Option<ClusteringView>;
}

/// What a job shows. The master updates it, clients read it.
pub struct JobMonitor {
    started: Instant,
    version: String,
    status: Mutex<JobStatus>,
    picture: Mutex<Option<Box<dyn JobPicture>>>,
    clients: Mutex<Clients>,
    changed: Condvar,
}

#[derive(Default)]
struct Clients {
    describes: Vec<Reply>,
    watches: BTreeMap<u64, Watch>,
    next_watch: u64,
    /// No further client is accepted, and the publisher ends.
    is_closed: bool,
}

/// One call of Watch.
struct Watch {
    responder: Responder,
    interval: Duration,
    due: Instant,
    /// The sample of points that the client has.
    sample: Option<u64>,
}

impl JobMonitor {
    /// The monitor of a job that is about to begin; `version` is the master's.
    pub fn new(version: &str) -> Arc<JobMonitor> {
        Arc::new(JobMonitor {
            started: Instant::now(),
            version: version.to_owned(),
            status: Mutex::default(),
            picture: Mutex::default(),
            clients: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    /// Takes an event of the master.
    pub fn on_event(&self, event: &JobEvent<'_>) {
        let now = self.started.elapsed();
        lock(&self.status).on_event(now, event);
    }

    /// Sets what is known before the first round.
    pub fn describe(&self, description: JobDescription) {
        lock(&self.status).describe(description);
    }

    /// Sets what draws the job.
    pub fn set_picture(&self, picture: Box<dyn JobPicture>) {
        *lock(&self.picture) = Some(picture);
    }

    /// Sets the result: where it is, its size, and how it begins.
    pub fn set_output(&self, path: &str, bytes: u64, head: &str) {
        lock(&self.status).set_output(path, bytes, head);
    }

    /// The state of the job, its rounds, and their attempts.
    pub(super) fn progress(&self) -> (JobState, u64, AttemptCounts) {
        lock(&self.status).progress()
    }

    /// The tasks of the round: see [`JobStatus::task_counts`].
    pub(super) fn task_counts(&self) -> [[u64; 3]; 2] {
        lock(&self.status).task_counts()
    }

    /// The job is over; a failure has a reason. Each watch gets the last state and ends.
    pub fn end(&self, failure: Option<&str>) {
        let now = self.started.elapsed();
        lock(&self.status).end(now, failure);
        // The lock makes sure that a publisher that is about to wait is notified.
        drop(lock(&self.clients));
        self.changed.notify_all();
    }

    /// Ends all calls and the publisher.
    pub fn close(&self) {
        lock(&self.clients).is_closed = true;
        self.changed.notify_all();
    }

    /// Registers the service.
    pub fn register(self: &Arc<JobMonitor>, services: &mut Services) {
        let monitor = Arc::clone(self);
        services.deferred("/agora.mapreduce.v1.JobService/Describe", move |_, message, reply| {
            match wire::check_describe(message) {
                Ok(()) => monitor.add_describe(reply),
                Err(status) => reply.send(Err(status)),
            }
        });
        let monitor = Arc::clone(self);
        let watch = "/agora.mapreduce.v1.JobService/Watch";
        services.streaming(watch, Shape::ServerStreaming, move |_, responder| {
            Ok(Box::new(WatchCall { monitor: Arc::clone(&monitor), responder, number: None }))
        });
    }

    /// Starts the publisher's thread, which ends after [`close`](Self::close).
    ///
    /// # Errors
    /// The operating system's: there can be no further thread.
    pub fn start_publisher(self: &Arc<JobMonitor>) -> io::Result<thread::JoinHandle<()>> {
        let monitor = Arc::clone(self);
        thread::Builder::new().name("job page".into()).spawn(move || monitor.publish())
    }

    fn add_describe(&self, reply: Reply) {
        let mut clients = lock(&self.clients);
        if clients.is_closed || clients.describes.len() >= MAX_DESCRIBES {
            drop(clients);
            return reply.send(Err(refusal("too many calls wait for an answer")));
        }
        clients.describes.push(reply);
        drop(clients);
        self.changed.notify_all();
    }

    fn add_watch(&self, responder: Responder, interval: Duration) -> Result<u64, Status> {
        let mut clients = lock(&self.clients);
        clients.watches.retain(|_, watch| !watch.responder.is_over());
        if clients.is_closed {
            return Err(Status::new(Code::Unavailable, "the job is over"));
        }
        if clients.watches.len() >= MAX_WATCHES {
            return Err(refusal("too many clients watch this job"));
        }
        let number = clients.next_watch;
        clients.next_watch += 1;
        let interval = if interval.is_zero() { DEFAULT_INTERVAL } else { interval };
        let interval = interval.clamp(MIN_INTERVAL, MAX_INTERVAL);
        let watch = Watch { responder, interval, due: Instant::now(), sample: None };
        clients.watches.insert(number, watch);
        drop(clients);
        self.changed.notify_all();
        Ok(number)
    }

    fn remove_watch(&self, number: u64) {
        lock(&self.clients).watches.remove(&number);
    }

    fn publish(&self) {
        let mut earliest = Instant::now();
        while self.wait(earliest) {
            earliest = Instant::now() + MIN_INTERVAL;
            let job = {
                let now = self.started.elapsed();
                lock(&self.status).view(now)
            };
            let is_over = lock(&self.status).is_over();
            let clustering = lock(&self.picture).as_mut().and_then(|picture| picture.draw());
            self.send(&job, clustering.as_ref(), is_over);
        }
        for (_, watch) in std::mem::take(&mut lock(&self.clients).watches) {
            watch.responder.finish(Status::OK);
        }
    }

    /// Waits until a client is due, and not before `earliest`. False: the monitor is closed, and nobody
    /// waits for an answer.
    fn wait(&self, earliest: Instant) -> bool {
        let mut clients = lock(&self.clients);
        loop {
            clients.watches.retain(|_, watch| !watch.responder.is_over());
            let is_over = lock(&self.status).is_over();
            let has_watches = !clients.watches.is_empty();
            let is_asked = !clients.describes.is_empty() || (is_over && has_watches);
            if clients.is_closed {
                return is_asked;
            }
            let now = Instant::now();
            let asked = is_asked.then_some(now);
            let due = clients.watches.values().map(|watch| watch.due).chain(asked).min();
            let due = due.map(|due| due.max(earliest));
            clients = match due.map(|due| due.saturating_duration_since(now)) {
                Some(Duration::ZERO) => return true,
                Some(pause) => {
                    let waited = self.changed.wait_timeout(clients, pause);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(clients).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Sends the state to all that are due; after the end to all, which ends their calls.
    fn send(&self, job: &JobView, clustering: Option<&ClusteringView>, is_over: bool) {
        let encode = |points| wire::job_response(&self.version, job, clustering, points);
        let sample = clustering.map(|clustering| clustering.sample);
        let mut clients = lock(&self.clients);
        let describes = std::mem::take(&mut clients.describes);
        let now = Instant::now();
        let mut due = Vec::new();
        for watch in clients.watches.values_mut().filter(|watch| is_over || watch.due <= now) {
            watch.due = now + watch.interval;
            if is_over || watch.responder.queued() == 0 {
                due.push((watch.responder.clone(), watch.sample != sample));
                watch.sample = sample;
            }
        }
        if is_over {
            clients.watches.clear();
        }
        drop(clients);
        let (mut complete, mut short) = (None, None);
        for reply in describes {
            reply.send(Ok(complete.get_or_insert_with(|| encode(true)).clone()));
        }
        for (responder, has_points) in due {
            let message = if has_points { &mut complete } else { &mut short };
            responder.send(message.get_or_insert_with(|| encode(has_points)).clone());
            if is_over {
                responder.finish(Status::OK);
            }
        }
    }
}

fn refusal(reason: &str) -> Status {
    Status::new(Code::ResourceExhausted, reason)
}

/// What the locks protect is consistent between any two statements that change it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The handler of a call of Watch.
struct WatchCall {
    monitor: Arc<JobMonitor>,
    responder: Responder,
    number: Option<u64>,
}

impl CallHandler for WatchCall {
    fn message(&mut self, message: &[u8]) {
        let added = wire::parse_watch(message)
            .and_then(|interval| self.monitor.add_watch(self.responder.clone(), interval));
        match added {
            Ok(number) => self.number = Some(number),
            Err(status) => self.responder.finish(status),
        }
    }

    fn cancelled(&mut self, _: &Status) {
        if let Some(number) = self.number.take() {
            self.monitor.remove_watch(number);
        }
    }
}
