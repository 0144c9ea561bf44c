//! Tasks, their attempts, and the two phases of a round (3.2: master data structures).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::duration_stats::DurationStats;
use super::failure::TaskFailures;
use super::ids::{AttemptId, TaskId, TaskKind, WorkerId};

/// The state of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskState {
    /// Waiting for a worker.
    Idle {
        /// The time when it became idle.
        since: Duration,
    },
    /// Running: one attempt, or two if there is a backup (3.6).
    InProgress {
        /// The active attempts.
        attempts: Vec<AttemptId>,
    },
    /// Completed.
    Completed {
        /// The worker that completed it. For a map task it has the output.
        worker: WorkerId,
        /// The attempt that completed it.
        attempt: AttemptId,
        /// For a map task: the bytes for each reduce task.
        sizes: Arc<[u64]>,
    },
}

/// A task of the current round.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) state: TaskState,
    pub(super) failures: TaskFailures,
}

/// An active attempt.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) task: TaskId,
    pub(super) worker: WorkerId,
    pub(super) started: Duration,
    pub(super) progress: u64,
    pub(super) progressed_at: Duration,
}

/// The tasks of one kind in the current round.
#[derive(Debug)]
pub(super) struct Phase {
    kind: TaskKind,
    pub(super) tasks: Vec<Task>,
    /// The indices of the tasks that are [`TaskState::Idle`].
    pub(super) idle: BTreeSet<u32>,
    pub(super) completed: usize,
    pub(super) begun_at: Duration,
    /// When the last task was completed, if all are.
    pub(super) completed_at: Option<Duration>,
    /// The durations of recent tasks.
    pub(super) durations: DurationStats,
    /// The worker on which each task ran last, in this round or an earlier one (3.4: its input is
    /// there).
    pub(super) preferred_workers: Vec<Option<WorkerId>>,
}

impl Phase {
    pub(super) fn new(kind: TaskKind) -> Phase {
        Phase {
            kind,
            tasks: Vec::new(),
            idle: BTreeSet::new(),
            completed: 0,
            begun_at: Duration::ZERO,
            completed_at: None,
            durations: DurationStats::default(),
            preferred_workers: Vec::new(),
        }
    }

    /// Begins a round with new tasks, all idle. Preferred workers stay.
    pub(super) fn begin(&mut self, now: Duration, count: u32) {
        let idle =
            |_| Task { state: TaskState::Idle { since: now }, failures: TaskFailures::default() };
        self.tasks = (0..count).map(idle).collect();
        self.idle = (0..count).collect();
        self.preferred_workers.resize(self.tasks.len().max(self.preferred_workers.len()), None);
        self.completed = 0;
        self.begun_at = now;
        self.completed_at = (count == 0).then_some(now);
    }

    pub(super) fn is_completed(&self) -> bool {
        self.completed == self.tasks.len()
    }

    /// Records that an attempt has started.
    pub(super) fn start(&mut self, index: u32, id: AttemptId, worker: WorkerId) {
        let Some(task) = self.tasks.get_mut(index as usize) else { return };
        match &mut task.state {
            TaskState::Idle { .. } => {
                task.state = TaskState::InProgress { attempts: vec![id] };
                self.idle.remove(&index);
                if let Some(preferred_worker) = self.preferred_workers.get_mut(index as usize) {
                    *preferred_worker = Some(worker);
                }
            }
            TaskState::InProgress { attempts } => attempts.push(id),
            TaskState::Completed { .. } => {}
        }
    }

    /// Records that an attempt has ended without a result. The task is idle again unless it has
    /// another attempt.
    pub(super) fn attempt_ended(&mut self, now: Duration, index: u32, id: AttemptId) {
        let Some(task) = self.tasks.get_mut(index as usize) else { return };
        if let TaskState::InProgress { attempts } = &mut task.state {
            attempts.retain(|attempt| *attempt != id);
            if attempts.is_empty() {
                task.state = TaskState::Idle { since: now };
                self.idle.insert(index);
            }
        }
    }

    /// Records that an attempt has completed the task. Returns the other active attempts of the
    /// task.
    pub(super) fn complete(
        &mut self,
        index: u32,
        worker: WorkerId,
        attempt: AttemptId,
        sizes: Arc<[u64]>,
    ) -> Vec<AttemptId> {
        let Some(task) = self.tasks.get_mut(index as usize) else { return Vec::new() };
        let done = TaskState::Completed { worker, attempt, sizes };
        let before = std::mem::replace(&mut task.state, done);
        self.completed += 1;
        if let Some(preferred_worker) = self.preferred_workers.get_mut(index as usize) {
            *preferred_worker = Some(worker);
        }
        match before {
            TaskState::InProgress { mut attempts } => {
                attempts.retain(|other| *other != attempt);
                attempts
            }
            TaskState::Idle { .. } | TaskState::Completed { .. } => Vec::new(),
        }
    }

    /// Makes a completed task idle again.
    pub(super) fn reset(&mut self, now: Duration, index: u32) {
        if let Some(task) = self.tasks.get_mut(index as usize)
            && matches!(task.state, TaskState::Completed { .. })
        {
            task.state = TaskState::Idle { since: now };
            self.idle.insert(index);
            self.completed -= 1;
        }
    }

    /// The tasks completed by a worker, and their attempts.
    pub(super) fn completed_by(&self, id: WorkerId) -> impl Iterator<Item = (u32, AttemptId)> {
        let of_worker = move |(index, task): (usize, &Task)| match &task.state {
            TaskState::Completed { worker, attempt, .. } if *worker == id => {
                Some((index as u32, *attempt))
            }
            _ => None,
        };
        self.tasks.iter().enumerate().filter_map(of_worker)
    }

    /// Adds the violated invariants to `faults`.
    pub(super) fn audit(&self, running: &BTreeMap<AttemptId, Attempt>, faults: &mut Vec<String>) {
        let mut completed = 0;
        for (index, task) in self.tasks.iter().enumerate() {
            let id = TaskId { kind: self.kind, index: index as u32 };
            let listed: Vec<AttemptId> =
                running.iter().filter(|(_, a)| a.task == id).map(|(id, _)| *id).collect();
            let is_good = match &task.state {
                TaskState::Idle { .. } => listed.is_empty(),
                TaskState::InProgress { attempts } => {
                    let mut attempts = attempts.clone();
                    attempts.sort_unstable();
                    attempts == listed && (1..=2).contains(&attempts.len())
                }
                TaskState::Completed { .. } => {
                    completed += 1;
                    listed.is_empty()
                }
            };
            if !is_good {
                faults.push(format!("{id} is {:?}, and {listed:?} run", task.state));
            }
            let is_idle = matches!(task.state, TaskState::Idle { .. });
            if is_idle != self.idle.contains(&(index as u32)) {
                faults.push(format!("{id} is {:?}, and the list of idle ones errs", task.state));
            }
        }
        if completed != self.completed {
            faults
                .push(format!("{:?}: {completed} completed, {} noted", self.kind, self.completed));
        }
    }
}
