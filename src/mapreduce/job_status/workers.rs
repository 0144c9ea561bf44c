//! The workers of a job.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{cut, shown};
use crate::mapreduce::scheduler::TaskKind;
use crate::text::printable;

/// The number of workers in a view.
pub const MAX_WORKERS: usize = 256;
/// The number of running tasks of a worker that a view names.
pub(super) const MAX_NAMED_TASKS: usize = 4;
const MAX_STATUS_BYTES: usize = 100;

/// The state of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerState {
    /// It has the job open.
    Ready,
    /// It does not answer.
    Silent,
    /// It is lost, or could not be reached.
    Gone,
}

/// A worker in a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerView {
    /// For example `M1`.
    pub name: String,
    /// The kind of its tasks.
    pub kind: TaskKind,
    /// Its address; empty if it never joined.
    pub address: String,
    /// Its version; may be empty.
    pub version: String,
    /// Its state.
    pub state: WorkerState,
    /// Attempts that succeeded.
    pub done: u64,
    /// Attempts that failed or were lost with it.
    pub failed: u64,
    /// Attempts that run.
    pub running: u32,
    /// The tasks of some of them.
    pub tasks: Vec<String>,
    /// Time since it last answered.
    pub seen: Duration,
    /// The last error; may be empty.
    pub error: String,
    /// Human-readable status of one of its tasks; may be empty.
    pub status: String,
}

#[derive(Debug)]
struct Worker {
    name: String,
    kind: TaskKind,
    address: String,
    version: String,
    state: WorkerState,
    done: u64,
    failed: u64,
    seen: Duration,
    error: String,
    status: String,
}

/// All workers, in the order in which they were first named.
#[derive(Debug, Default)]
pub(super) struct Workers {
    all: Vec<Worker>,
    indices: BTreeMap<String, usize>,
}

impl Workers {
    /// The index of a worker, which is created if it is new.
    pub(super) fn index(&mut self, name: &str) -> usize {
        if let Some(index) = self.indices.get(name) {
            return *index;
        }
        self.indices.insert(name.to_owned(), self.all.len());
        self.all.push(Worker {
            name: shown(name),
            kind: if name.starts_with('R') { TaskKind::Reduce } else { TaskKind::Map },
            address: String::new(),
            version: String::new(),
            state: WorkerState::Gone,
            done: 0,
            failed: 0,
            seen: Duration::ZERO,
            error: String::new(),
            status: String::new(),
        });
        self.all.len() - 1
    }

    fn worker(&mut self, name: &str) -> Option<&mut Worker> {
        let index = self.index(name);
        self.all.get_mut(index)
    }

    pub(super) fn joined(
        &mut self,
        now: Duration,
        kind: TaskKind,
        name: &str,
        (address, version): (&str, &str),
    ) {
        if let Some(worker) = self.worker(name) {
            worker.kind = kind;
            worker.address = shown(address);
            worker.version = shown(version);
            worker.state = WorkerState::Ready;
            worker.seen = now;
        }
    }

    pub(super) fn answered(&mut self, now: Duration, name: &str, status: &str) {
        if let Some(worker) = self.worker(name) {
            worker.state = WorkerState::Ready;
            worker.seen = now;
            worker.status.clear();
            worker.status.push_str(&printable(cut(status, MAX_STATUS_BYTES)));
        }
    }

    /// A worker is lost or silent; returns its index.
    pub(super) fn lost(&mut self, name: &str, state: WorkerState, reason: &str) -> usize {
        let index = self.index(name);
        if let Some(worker) = self.all.get_mut(index) {
            worker.state = state;
            worker.error = shown(reason);
            worker.status.clear();
        }
        index
    }

    pub(super) fn succeeded(&mut self, now: Duration, index: usize) {
        if let Some(worker) = self.all.get_mut(index) {
            worker.done += 1;
            worker.seen = now;
        }
    }

    pub(super) fn failed(&mut self, now: Duration, index: usize, reason: &str) {
        if let Some(worker) = self.all.get_mut(index) {
            worker.failed += 1;
            worker.seen = now;
            worker.error = shown(reason);
        }
    }

    pub(super) fn attempt_lost(&mut self, index: usize) {
        if let Some(worker) = self.all.get_mut(index) {
            worker.failed += 1;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn name(&self, index: usize) -> &str {
        self.all.get(index).map_or("", |worker| worker.name.as_str())
    }

    /// The first workers: mappers, then reducers, by number. Their tasks are not set.
    pub(super) fn views(&self, now: Duration) -> Vec<(usize, WorkerView)> {
        let view = |(index, worker): (usize, &Worker)| {
            let view = WorkerView {
                name: worker.name.clone(),
                kind: worker.kind,
                address: worker.address.clone(),
                version: worker.version.clone(),
                state: worker.state,
                done: worker.done,
                failed: worker.failed,
                running: 0,
                tasks: Vec::new(),
                seen: now.saturating_sub(worker.seen),
                error: worker.error.clone(),
                status: worker.status.clone(),
            };
            (index, view)
        };
        let mut order: Vec<(usize, &Worker)> = self.all.iter().enumerate().collect();
        order.sort_unstable_by_key(|(at, worker)| {
            (worker.kind, worker.name.len(), &worker.name, *at)
        });
        order.into_iter().take(MAX_WORKERS).map(view).collect()
    }
}
