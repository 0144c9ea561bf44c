//! Events of a job, for observers: `dump.txt` and the screen.

use std::time::Duration;

use super::Times;
use crate::mapreduce::job::{Counters, Tally};
use crate::mapreduce::scheduler::{TaskId, TaskKind};

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskEnd<'n> {
    /// It succeeded, and its result counts.
    Success,
    /// It failed.
    Failure(&'n str),
    /// Its worker died or stopped answering.
    Lost,
    /// It was cancelled: another attempt was faster, or the round is over.
    Cancelled,
}

/// An event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobEvent<'n> {
    /// A worker has joined.
    Joined {
        /// The kind of its tasks.
        kind: TaskKind,
        /// Its name: `M1`.
        name: &'n str,
        /// Its address.
        address: &'n str,
        /// Its version; empty if it did not report one.
        version: &'n str,
    },
    /// A worker has answered a ping.
    Answered {
        /// Its name.
        name: &'n str,
        /// The status text of one of its tasks; may be empty.
        status: &'n str,
    },
    /// A worker is lost, or could not be reached.
    Gone {
        /// Its name.
        name: &'n str,
        /// Human-readable.
        reason: &'n str,
    },
    /// A worker has stopped answering.
    Silent {
        /// Its name.
        name: &'n str,
    },
    /// A round begins.
    RoundBegan {
        /// The round's name.
        name: &'n str,
        /// The number of map tasks.
        maps: usize,
        /// The number of reduce tasks.
        reduces: usize,
    },
    /// An attempt was assigned to a worker.
    TaskBegan {
        /// The task.
        task: TaskId,
        /// The attempt's number.
        attempt: u64,
        /// The worker's name.
        worker: &'n str,
        /// It is a backup of a slow attempt (3.6).
        is_backup: bool,
    },
    /// An attempt has ended.
    TaskEnded {
        /// The task.
        task: TaskId,
        /// The attempt's number.
        attempt: u64,
        /// The worker's name.
        worker: &'n str,
        /// The result.
        end: TaskEnd<'n>,
        /// The bytes that it wrote, all partitions together; 0 unless it succeeded.
        output_bytes: u64,
    },
    /// The output of a map task is lost, and the task runs again.
    OutputLost {
        /// The map task.
        task: TaskId,
    },
    /// The progress of a long round, reported periodically.
    Progress {
        /// Completed map tasks, and all map tasks.
        maps: (usize, usize),
        /// Completed reduce tasks, and all reduce tasks.
        reduces: (usize, usize),
        /// Time since the round began.
        elapsed: Duration,
        /// The status text of a task, if there is one.
        status: Option<&'n str>,
        /// The counters of the completed tasks.
        tally: &'n Tally,
        /// Bytes that completed reduce tasks have fetched.
        fetched_bytes: u64,
    },
    /// A round has ended.
    RoundEnded {
        /// The duration of its phases.
        times: Times,
        /// The total of its tasks' counters.
        counters: &'n Counters,
        /// Bytes that its reduce tasks fetched.
        fetched_bytes: u64,
    },
}

impl JobEvent<'_> {
    /// The event as text; `None` for answers to pings, progress and the end of a round.
    pub fn to_text(&self) -> Option<String> {
        let to_text = match self {
            JobEvent::Joined { kind, name, address, .. } => {
                let kind = match kind {
                    TaskKind::Map => "mapper",
                    TaskKind::Reduce => "reducer",
                };
                format!("{kind} {name} is at {address}")
            }
            JobEvent::Gone { name, reason } => format!("{name} is gone: {reason}"),
            JobEvent::Silent { name } => format!("{name} does not answer"),
            JobEvent::RoundBegan { name, .. } => format!("\n{name}"),
            JobEvent::TaskBegan { task, attempt, worker, is_backup } => {
                let backup = if *is_backup { ", a backup" } else { "" };
                format!("{worker}: {task} called, attempt {attempt}{backup}")
            }
            JobEvent::TaskEnded { task, attempt, worker, end, .. } => {
                let end = match end {
                    TaskEnd::Success => "SUCCESS".to_owned(),
                    TaskEnd::Failure(reason) => format!("FAILURE: {reason}"),
                    TaskEnd::Lost => "FAILURE: its worker is gone".to_owned(),
                    TaskEnd::Cancelled => "cancelled".to_owned(),
                };
                format!("{worker}: {task}, attempt {attempt}: {end}")
            }
            JobEvent::OutputLost { task } => format!("the output of {task} is lost"),
            JobEvent::Answered { .. } | JobEvent::Progress { .. } | JobEvent::RoundEnded { .. } => {
                return None;
            }
        };
        Some(to_text)
    }
}

/// Receives the events of a job.
pub trait Observer {
    /// Handles one event.
    fn on_event(&mut self, event: &JobEvent<'_>);

    /// Called when the master waits for reducers or for long map tasks: the time for work that is
    /// not urgent. Called at most once in a round, and not at all in a short one.
    fn on_idle(&mut self) {}
}
