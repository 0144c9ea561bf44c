//! What a job's page shows: the state of a running job, kept from the master's events.
//!
//! [`JobStatus`] is a value: events go in with the time, and [`JobStatus::view`] copies what can be
//! shown. Both have bounds. The state grows with the number of tasks and workers alone (some 80 bytes
//! each); a view has at most [`MAX_WORKERS`] workers, [`MAX_TASKS`] tasks, [`MAX_EVENTS`] events,
//! [`MAX_COUNTERS`] counters and [`MAX_LETTERS`] letters of a phase. Texts are printable and cut.

mod events;
mod phase;
mod view;
pub mod wire;
mod workers;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

pub use events::{EventLine, MAX_EVENTS, Severity};
pub use phase::{MAX_LETTERS, PhaseView};
pub use view::{
    ClusteringView, IterationError, JobOutputView, JobState, JobView, MAX_COUNTERS, MAX_TASKS,
    TaskView,
};
pub use workers::{MAX_WORKERS, WorkerState, WorkerView};

use super::job::Counters;
use super::master::{JobEvent, TaskEnd, Times};
use super::scheduler::{TaskId, TaskKind};
use crate::text::{printable, printable_lines};
use events::Events;
use phase::Phase;
use workers::Workers;

/// The counters of a long round are added up at this interval.
const COUNT_INTERVAL: Duration = Duration::from_secs(1);
/// Longer texts are cut.
const MAX_TEXT_BYTES: usize = 400;
/// The longest kept start of the output.
const MAX_HEAD_BYTES: usize = 4 * 1024;

/// What is known about a job before it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobDescription {
    /// Human-readable.
    pub name: String,
    /// The part of its id that may be shown.
    pub short_id: String,
    /// Milliseconds since 1970.
    pub started_unix_ms: u64,
    /// The length of each split in bytes.
    pub split_bytes: Vec<u64>,
}

/// The attempts of all rounds, by their end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AttemptCounts {
    /// Assigned to a worker.
    pub begun: u64,
    /// Succeeded.
    pub succeeded: u64,
    /// Failed, or lost with their worker.
    pub failed: u64,
    /// Cancelled.
    pub cancelled: u64,
    /// Assigned as a backup of a slow attempt.
    pub backups: u64,
}

/// An attempt that runs.
#[derive(Clone, Copy, Debug)]
struct Running {
    task: TaskId,
    worker: usize,
}

/// The state of a job.
#[derive(Debug)]
pub struct JobStatus {
    description: JobDescription,
    state: JobState,
    failure: String,
    ended: Option<Duration>,
    round: String,
    rounds: u64,
    round_began: Duration,
    round_ended: Option<Duration>,
    map: Phase,
    reduce: Phase,
    workers: Workers,
    running: BTreeMap<u64, Running>,
    attempts: AttemptCounts,
    times: Times,
    counters: Counters,
    counted: Duration,
    fetched_bytes: u64,
    events: Events,
    output: Option<JobOutputView>,
}

impl JobStatus {
    /// A job that has not begun.
    pub fn new() -> JobStatus {
        JobStatus {
            description: JobDescription::default(),
            state: JobState::Starting,
            failure: String::new(),
            ended: None,
            round: String::new(),
            rounds: 0,
            round_began: Duration::ZERO,
            round_ended: None,
            map: Phase::default(),
            reduce: Phase::default(),
            workers: Workers::default(),
            running: BTreeMap::new(),
            attempts: AttemptCounts::default(),
            times: Times::default(),
            counters: Counters::new(),
            counted: Duration::ZERO,
            fetched_bytes: 0,
            events: Events::default(),
            output: None,
        }
    }

    /// Sets what is known before the first round.
    pub fn describe(&mut self, description: JobDescription) {
        let name = shown(&description.name);
        self.description = JobDescription { name, ..description };
    }

    /// Sets the result: where it is, its size, and how it begins.
    pub fn set_output(&mut self, path: &str, bytes: u64, head: &str) {
        let head = printable_lines(cut(head, MAX_HEAD_BYTES)).into_owned();
        self.output = Some(JobOutputView { path: shown(path), bytes, head });
    }

    /// The job is over; a failure has a reason. Only the first end counts.
    pub fn end(&mut self, now: Duration, failure: Option<&str>) {
        if self.ended.is_some() {
            return;
        }
        self.ended = Some(now);
        match failure {
            None => {
                self.state = JobState::Done;
                self.events.add(now, Severity::Info, "the job is done");
            }
            Some(reason) => {
                self.state = JobState::Failed;
                self.failure = shown(reason);
                self.events.add(now, Severity::Error, &format!("the job has failed: {reason}"));
            }
        }
    }

    /// The state, the number of rounds, and their attempts.
    pub fn progress(&self) -> (JobState, u64, AttemptCounts) {
        (self.state, self.rounds, self.attempts)
    }

    /// The round's map tasks, then its reduce tasks: those that are idle, that run and that are completed.
    pub fn task_counts(&self) -> [[u64; 3]; 2] {
        [self.map.counts(), self.reduce.counts()]
    }

    /// Whether the job is over.
    pub fn is_over(&self) -> bool {
        self.ended.is_some()
    }

    /// Takes one event of the master.
    pub fn on_event(&mut self, now: Duration, event: &JobEvent<'_>) {
        match event {
            JobEvent::Joined { kind, name, address, version } => {
                self.workers.joined(now, *kind, name, (address, version));
                self.note(now, Severity::Info, event);
            }
            JobEvent::Answered { name, status } => self.workers.answered(now, name, status),
            JobEvent::Gone { name, reason } => {
                let worker = self.workers.lost(name, WorkerState::Gone, reason);
                self.worker_lost(now, worker);
                self.note(now, Severity::Warning, event);
            }
            JobEvent::Silent { name } => {
                let worker = self.workers.lost(name, WorkerState::Silent, "it does not answer");
                self.worker_lost(now, worker);
                self.note(now, Severity::Warning, event);
            }
            JobEvent::RoundBegan { name, maps, reduces } => {
                self.round_began(now, name, *maps, *reduces);
            }
            JobEvent::TaskBegan { task, attempt, worker, is_backup } => {
                self.task_began(now, *task, *attempt, worker, *is_backup);
            }
            JobEvent::TaskEnded { task, attempt, worker, end, output_bytes } => {
                self.task_ended(now, (*task, *attempt), worker, end, *output_bytes);
                if matches!(end, TaskEnd::Failure(_) | TaskEnd::Lost) {
                    self.note(now, Severity::Warning, event);
                }
            }
            JobEvent::OutputLost { task } => {
                // One event for each reduce attempt that had it.
                if self.map.output_lost(now, task.index) {
                    self.note(now, Severity::Warning, event);
                }
            }
            JobEvent::Progress { tally, fetched_bytes, .. } => {
                self.fetched_bytes = *fetched_bytes;
                if now >= self.counted + COUNT_INTERVAL {
                    self.counted = now;
                    self.counters = tally.total();
                }
            }
            JobEvent::RoundEnded { times, counters, fetched_bytes } => {
                self.round_ended = Some(now);
                self.times += *times;
                self.fetched_bytes = *fetched_bytes;
                self.counters = (*counters).clone();
            }
        }
    }

    fn note(&mut self, now: Duration, severity: Severity, event: &JobEvent<'_>) {
        if let Some(text) = event.to_text() {
            self.events.add(now, severity, &text);
        }
    }

    fn phase(&mut self, kind: TaskKind) -> &mut Phase {
        match kind {
            TaskKind::Map => &mut self.map,
            TaskKind::Reduce => &mut self.reduce,
        }
    }

    fn round_began(&mut self, now: Duration, name: &str, maps: usize, reduces: usize) {
        if self.state == JobState::Starting {
            self.state = JobState::Running;
        }
        self.round.clear();
        self.round.push_str(&printable(cut(name, MAX_TEXT_BYTES)));
        self.rounds += 1;
        self.round_began = now;
        self.round_ended = None;
        self.counted = now;
        self.fetched_bytes = 0;
        self.map.begin(maps, now);
        self.reduce.begin(reduces, now);
        self.running.clear();
    }

    fn task_began(
        &mut self,
        now: Duration,
        task: TaskId,
        attempt: u64,
        worker: &str,
        is_backup: bool,
    ) {
        self.attempts.begun += 1;
        self.attempts.backups += u64::from(is_backup);
        let worker_index = self.workers.index(worker);
        self.running.insert(attempt, Running { task, worker: worker_index });
        let number = self.phase(task.kind).began(now, task.index, worker_index, is_backup);
        if number > 1 {
            let how = if is_backup { "gets a backup" } else { "runs again" };
            let text = format!("{task} {how} on {worker}, attempt {attempt}");
            self.events.add(now, Severity::Info, &text);
        }
    }

    fn task_ended(
        &mut self,
        now: Duration,
        (task, attempt): (TaskId, u64),
        worker: &str,
        end: &TaskEnd<'_>,
        output_bytes: u64,
    ) {
        self.running.remove(&attempt);
        let index = self.workers.index(worker);
        match end {
            TaskEnd::Success => {
                self.attempts.succeeded += 1;
                self.workers.succeeded(now, index);
                self.phase(task.kind).succeeded(now, task.index, index, output_bytes);
            }
            TaskEnd::Failure(reason) => {
                self.attempts.failed += 1;
                self.workers.failed(now, index, reason);
                self.phase(task.kind).failed(now, task.index, reason);
            }
            TaskEnd::Lost => {
                self.attempts.failed += 1;
                self.workers.attempt_lost(index);
                self.phase(task.kind).failed(now, task.index, "its worker is gone");
            }
            TaskEnd::Cancelled => {
                self.attempts.cancelled += 1;
                self.phase(task.kind).cancelled(now, task.index);
            }
        }
    }

    /// The outputs of a lost mapper are lost with it, as long as a reduce task may need them.
    fn worker_lost(&mut self, now: Duration, worker: usize) {
        if self.round_ended.is_none() && !self.reduce.is_done() {
            self.map.outputs_of_lost(now, worker);
        }
    }
}

impl Default for JobStatus {
    fn default() -> JobStatus {
        JobStatus::new()
    }
}

/// The start of a text, with at most so many bytes.
fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// A text as one line of bounded length.
fn shown(text: &str) -> String {
    printable(cut(text.trim(), MAX_TEXT_BYTES)).into_owned()
}
