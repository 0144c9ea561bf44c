//! What happens in a job, for people.

use std::time::Duration;

use super::Times;
use crate::mapreduce::scheduler::{TaskId, TaskKind};

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskEnd<'n> {
    /// It is done, and its answer counts.
    Success,
    /// It failed.
    Failure(&'n str),
    /// Its worker died or fell silent.
    Lost,
    /// It was given up: another attempt was first.
    Cancelled,
}

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobEvent<'n> {
    /// A worker is there.
    Joined {
        /// What it does.
        kind: TaskKind,
        /// Its name: `M1`.
        name: &'n str,
        /// Where it listens.
        address: &'n str,
    },
    /// A worker is gone, or was not to be had.
    Gone {
        /// Its name.
        name: &'n str,
        /// Why.
        reason: &'n str,
    },
    /// A worker does not answer.
    Silent {
        /// Its name.
        name: &'n str,
    },
    /// A round begins.
    RoundBegan {
        /// Its name.
        name: &'n str,
    },
    /// A worker was pending to do a task.
    TaskBegan {
        /// Which.
        task: TaskId,
        /// Which attempt.
        attempt: u64,
        /// The worker's name.
        worker: &'n str,
        /// It runs beside another attempt that takes long.
        is_backup: bool,
    },
    /// A worker's task ended.
    TaskEnded {
        /// Which.
        task: TaskId,
        /// Which attempt.
        attempt: u64,
        /// The worker's name.
        worker: &'n str,
        /// How.
        end: TaskEnd<'n>,
    },
    /// A map's output is lost, and the map is done again.
    OutputLost {
        /// The map task.
        task: TaskId,
    },
    /// How far the round is; comes now and then while a round takes long.
    Progress {
        /// Completed maps, and how many there are.
        maps: (usize, usize),
        /// Completed reduces, and how many there are.
        reduces: (usize, usize),
        /// Since the round began.
        elapsed: Duration,
        /// What a task says it is doing, if one does.
        status: Option<&'n str>,
    },
    /// A round is over.
    RoundEnded {
        /// Where its time went.
        times: Times,
    },
}

impl JobEvent<'_> {
    /// It in words; nothing for what is only of the moment.
    pub fn to_text(&self) -> Option<String> {
        let to_text = match self {
            JobEvent::Joined { kind, name, address } => {
                let kind = match kind {
                    TaskKind::Map => "mapper",
                    TaskKind::Reduce => "reducer",
                };
                format!("{kind} {name} is at {address}")
            }
            JobEvent::Gone { name, reason } => format!("{name} is gone: {reason}"),
            JobEvent::Silent { name } => format!("{name} does not answer"),
            JobEvent::RoundBegan { name } => format!("\n{name}"),
            JobEvent::TaskBegan { task, attempt, worker, is_backup } => {
                let backup = if *is_backup { ", a backup" } else { "" };
                format!("{worker}: {task} called, attempt {attempt}{backup}")
            }
            JobEvent::TaskEnded { task, attempt, worker, end } => {
                let end = match end {
                    TaskEnd::Success => "SUCCESS".to_owned(),
                    TaskEnd::Failure(reason) => format!("FAILURE: {reason}"),
                    TaskEnd::Lost => "FAILURE: its worker is gone".to_owned(),
                    TaskEnd::Cancelled => "cancelled".to_owned(),
                };
                format!("{worker}: {task}, attempt {attempt}: {end}")
            }
            JobEvent::OutputLost { task } => format!("the output of {task} is lost"),
            JobEvent::Progress { .. } | JobEvent::RoundEnded { .. } => return None,
        };
        Some(to_text)
    }
}

/// Whoever wants to know.
pub trait Observer {
    /// Something has happened.
    fn on_event(&mut self, event: &JobEvent<'_>);

    /// The master has nothing to do but to wait, for reducers or for long maps: what has time is best
    /// done now. Comes once in a round, or not at all in a short one.
    fn on_idle(&mut self) {}
}
