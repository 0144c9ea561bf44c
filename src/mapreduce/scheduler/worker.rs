//! Workers as the master sees them.

use std::fmt;
use std::time::Duration;

use super::policy::Policy;
use super::task::Kind;

/// A worker's process: a worker that is restarted gets another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerId(pub u32);

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "worker {}", self.0)
    }
}

/// Whether a worker is heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerState {
    /// It is, and gets tasks.
    Alive,
    /// Not for too long: it counts as failed until it is heard again (3.3).
    Silent,
}

#[derive(Debug)]
pub(super) struct Worker {
    pub(super) kind: Kind,
    pub(super) slots: u32,
    pub(super) running: u32,
    pub(super) state: WorkerState,
    pub(super) last_heard: Duration,
    pub(super) last_ping: Duration,
    /// When it was given its last task.
    pub(super) last_given: Duration,
    /// An attempt was taken from it: it gets the next one when it has been heard.
    pub(super) is_doubted: bool,
    /// Failures since its last success.
    failures: u32,
    /// It gets nothing before.
    pub(super) rests_until: Duration,
}

impl Worker {
    pub(super) fn new(kind: Kind, slots: u32, now: Duration) -> Worker {
        Worker {
            kind,
            slots,
            running: 0,
            state: WorkerState::Alive,
            last_heard: now,
            last_ping: now,
            last_given: now,
            is_doubted: false,
            failures: 0,
            rests_until: now,
        }
    }

    pub(super) fn is_free(&self, now: Duration) -> bool {
        let is_well = self.state == WorkerState::Alive && !self.is_doubted;
        is_well && self.running < self.slots && now >= self.rests_until
    }

    pub(super) fn heard(&mut self, now: Duration) {
        self.last_heard = now;
        self.is_doubted = false;
        self.state = WorkerState::Alive;
    }

    pub(super) fn pinged(&mut self, now: Duration) {
        self.last_ping = now;
    }

    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// One failure may happen to anybody; after more the worker rests for a time that doubles.
    pub(super) fn failed(&mut self, now: Duration, policy: &Policy) {
        self.failures = self.failures.saturating_add(1);
        if let Some(doublings) = self.failures.checked_sub(2) {
            let rest = policy.first_rest.saturating_mul(1 << doublings.min(16));
            self.rests_until = now + rest.min(policy.longest_rest);
        }
    }
}
