//! Timeouts: pings, silent workers, and attempts without progress.

use std::time::Duration;

use super::Scheduler;
use super::action::Action;
use super::failure::{Cause, Failure};
use super::ids::{AttemptId, TaskKind, WorkerId};
use super::task::Attempt;
use super::worker::{Worker, WorkerState};

impl Scheduler {
    /// Handles the passing of time. To be called when [`next_timeout`](Self::next_timeout) is
    /// reached; additional calls are harmless.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.detect_silent(now);
        self.ping(now);
        self.cancel_stuck(now);
        self.schedule(now);
    }

    /// When [`handle_timeout`](Self::handle_timeout) must be called next, if no event comes before.
    /// Always later than `now`, if it was called for `now`.
    pub fn next_timeout(&self, now: Duration) -> Option<Duration> {
        let workers = self.workers.values().flat_map(|worker| {
            let is_alive = worker.state == WorkerState::Alive;
            let detect_silent = is_alive.then_some(worker.last_seen + self.policy.silent_after);
            [Some(self.ping_due(worker)), detect_silent, Some(worker.backoff_until)]
        });
        let attempts = self.attempts.values().flat_map(|attempt| {
            [self.stuck_at(attempt), self.backup_due(attempt).filter(|_| self.policy.backup_tasks)]
        });
        let preferred_workers =
            self.map.idle.iter().map(|index| self.preferred_wait_end(now, TaskKind::Map, *index));
        workers.chain(attempts).chain(preferred_workers).flatten().filter(|due| *due > now).min()
    }

    fn ping_due(&self, worker: &Worker) -> Duration {
        worker.last_seen.max(worker.last_ping) + self.policy.ping_interval
    }

    fn ping(&mut self, now: Duration) {
        let due: Vec<WorkerId> = self
            .workers
            .iter()
            .filter(|(_, worker)| self.ping_due(worker) <= now)
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            if let Some(worker) = self.workers.get_mut(&id) {
                worker.pinged(now);
            }
            self.actions.push_back(Action::Ping { worker: id });
        }
    }

    /// 3.3: a worker that does not answer for a certain time counts as failed.
    fn detect_silent(&mut self, now: Duration) {
        let is_late = |worker: &super::Worker| {
            worker.state == WorkerState::Alive && worker.last_seen + self.policy.silent_after <= now
        };
        let silent: Vec<WorkerId> =
            self.workers.iter().filter(|(_, worker)| is_late(worker)).map(|(id, _)| *id).collect();
        for id in silent {
            self.requeue_work_of(now, id, false);
            if let Some(worker) = self.workers.get_mut(&id) {
                worker.state = WorkerState::Silent;
            }
            self.actions.push_back(Action::Silent { worker: id });
        }
    }

    /// When an attempt will count as stuck. A reduce attempt that waits for maps does not.
    fn stuck_at(&self, attempt: &Attempt) -> Option<Duration> {
        let ready = self.ready_since(attempt.task.kind)?;
        Some(attempt.progressed_at.max(ready) + self.policy.progress_timeout?)
    }

    fn cancel_stuck(&mut self, now: Duration) {
        let stuck: Vec<AttemptId> = self
            .attempts
            .iter()
            .filter(|(_, attempt)| self.stuck_at(attempt).is_some_and(|at| at <= now))
            .map(|(id, _)| *id)
            .collect();
        for id in stuck {
            let Some(task) = self.attempts.get(&id).map(|attempt| attempt.task) else { continue };
            self.cancel(now, id);
            let failure = Failure::new(Cause::Job { record: None }, "it made no progress");
            self.record_failure(task, None, &failure);
        }
    }
}
