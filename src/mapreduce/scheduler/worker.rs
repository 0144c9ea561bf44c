//! Workers as the scheduler sees them.

use std::time::Duration;

use super::ids::TaskKind;
use super::policy::Policy;

/// Whether a worker answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerState {
    /// It answers, and gets tasks.
    Alive,
    /// It has not answered for too long: it counts as failed until it answers again (3.3).
    Silent,
}

#[derive(Debug)]
pub(super) struct Worker {
    pub(super) kind: TaskKind,
    pub(super) task_slots: u32,
    pub(super) running: u32,
    pub(super) state: WorkerState,
    pub(super) last_seen: Duration,
    pub(super) last_ping: Duration,
    /// The time of its last assignment.
    pub(super) last_assigned: Duration,
    /// An attempt was cancelled on it: it gets no task until it answers.
    pub(super) is_suspect: bool,
    /// Failures since its last success.
    failures: u32,
    /// It gets no task before this time.
    pub(super) backoff_until: Duration,
}

impl Worker {
    pub(super) fn new(kind: TaskKind, task_slots: u32, now: Duration) -> Worker {
        Worker {
            kind,
            task_slots,
            running: 0,
            state: WorkerState::Alive,
            last_seen: now,
            last_ping: now,
            last_assigned: now,
            is_suspect: false,
            failures: 0,
            backoff_until: now,
        }
    }

    pub(super) fn is_free(&self, now: Duration) -> bool {
        let is_usable = self.state == WorkerState::Alive && !self.is_suspect;
        is_usable && self.running < self.task_slots && now >= self.backoff_until
    }

    pub(super) fn mark_alive(&mut self, now: Duration) {
        self.last_seen = now;
        self.is_suspect = false;
        self.state = WorkerState::Alive;
    }

    pub(super) fn pinged(&mut self, now: Duration) {
        self.last_ping = now;
    }

    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// Counts a failure. A single failure has no effect; after more, the worker pauses for a time
    /// that doubles.
    pub(super) fn failed(&mut self, now: Duration, policy: &Policy) {
        self.failures = self.failures.saturating_add(1);
        if let Some(doublings) = self.failures.checked_sub(2) {
            let rest = policy.first_backoff.saturating_mul(1 << doublings.min(16));
            self.backoff_until = now + rest.min(policy.max_backoff);
        }
    }
}
