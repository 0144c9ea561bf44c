//! Assigns tasks to workers.
//!
//! - 3.1: idle workers get idle tasks. Map and reduce tasks are assigned at the same time: a reduce
//!   task begins to fetch while maps are running.
//! - 3.4: a task prefers the worker that ran it last, because its input is there. If that worker is
//!   busy, the task waits for a short time before it is assigned to another one.
//! - 3.6: when a kind has no idle task, slow attempts get a backup attempt.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Scheduler;
use super::action::{Action, MapOutput, Start};
use super::ids::{AttemptId, TaskId, TaskKind, WorkerId};
use super::task::{Attempt, Phase, Task, TaskState};
use super::worker::{Worker, WorkerState};

impl Scheduler {
    /// Assigns as many tasks as possible.
    pub(super) fn schedule(&mut self, now: Duration) {
        if !self.in_round || self.failure.is_some() || self.last_phase().is_completed() {
            return;
        }
        for kind in [TaskKind::Map, TaskKind::Reduce] {
            self.assign_to_preferred(now, kind);
            self.assign_to_others(now, kind);
            if self.policy.backup_tasks {
                self.assign_backups(now, kind);
            }
        }
    }

    fn assign_to_preferred(&mut self, now: Duration, kind: TaskKind) {
        let phase = self.phase(kind);
        let idle: Vec<u32> = phase.idle.iter().copied().collect();
        for index in idle {
            let Some(preferred_worker) = self.preferred_worker(kind, index) else { continue };
            let is_free =
                self.workers.get(&preferred_worker).is_some_and(|worker| worker.is_free(now));
            if is_free && !self.is_avoided(kind, index, preferred_worker) {
                self.start(now, TaskId { kind, index }, preferred_worker, false);
            }
        }
    }

    fn assign_to_others(&mut self, now: Duration, kind: TaskKind) {
        let idle: Vec<u32> = self.phase(kind).idle.iter().copied().collect();
        for index in idle {
            if !self.any_free(now, kind) {
                return;
            }
            if self.preferred_wait_end(now, kind, index).is_none()
                && let Some(worker) = self.least_avoided_worker(now, kind, index)
            {
                self.start(now, TaskId { kind, index }, worker, false);
            }
        }
    }

    fn any_free(&self, now: Duration, kind: TaskKind) -> bool {
        self.workers.values().any(|worker| worker.kind == kind && worker.is_free(now))
    }

    /// The worker that ran the task last, if it is still alive.
    fn preferred_worker(&self, kind: TaskKind, index: u32) -> Option<WorkerId> {
        let preferred_worker =
            self.phase(kind).preferred_workers.get(index as usize).copied().flatten()?;
        self.workers.contains_key(&preferred_worker).then_some(preferred_worker)
    }

    fn is_avoided(&self, kind: TaskKind, index: u32, worker: WorkerId) -> bool {
        self.avoided_workers(kind, index)
            .is_some_and(|avoided_workers| avoided_workers.contains_key(&worker))
    }

    fn avoided_workers(&self, kind: TaskKind, index: u32) -> Option<&BTreeMap<WorkerId, u32>> {
        self.phase(kind).tasks.get(index as usize).map(|task| &task.failures.avoided_workers)
    }

    /// A worker that has more than its share of the round's maps keeps only the first of them.
    /// Otherwise workers that join later would never get any.
    pub(super) fn balance_preferred_workers(&mut self) {
        let mappers = self.workers.values().filter(|worker| worker.kind == TaskKind::Map);
        let task_slots: usize = mappers.map(|worker| worker.task_slots as usize).sum();
        let tasks = self.map.tasks.len();
        let mut shares: BTreeMap<WorkerId, usize> = BTreeMap::new();
        for preferred_worker in self.map.preferred_workers.iter_mut().take(tasks) {
            let Some(id) = *preferred_worker else { continue };
            let its_slots = self.workers.get(&id).map_or(0, |worker| worker.task_slots as usize);
            let share = (tasks * its_slots).div_ceil(task_slots.max(1));
            let taken = shares.entry(id).or_default();
            *taken += 1;
            if *taken > share {
                *preferred_worker = None;
            }
        }
    }

    /// Until when an idle task waits for its preferred worker, which is busy or pauses after
    /// failures.
    pub(super) fn preferred_wait_end(
        &self,
        now: Duration,
        kind: TaskKind,
        index: u32,
    ) -> Option<Duration> {
        if kind != TaskKind::Map || !self.policy.inputs_are_kept {
            return None;
        }
        let preferred_worker = self.workers.get(&self.preferred_worker(kind, index)?)?;
        let phase = self.phase(kind);
        let TaskState::Idle { since } = phase.tasks.get(index as usize)?.state else { return None };
        let is_usable =
            !preferred_worker.is_suspect && preferred_worker.state == WorkerState::Alive;
        let is_busy = preferred_worker.running > 0 || preferred_worker.backoff_until > now;
        let until = since.max(preferred_worker.last_assigned) + self.preferred_wait(phase);
        (is_usable && is_busy && now < until).then_some(until)
    }

    fn preferred_wait(&self, phase: &Phase) -> Duration {
        let durations = phase.durations.median().unwrap_or(self.policy.max_preferred_wait / 2);
        let wait = durations.saturating_mul(2);
        wait.clamp(self.policy.min_preferred_wait, self.policy.max_preferred_wait)
    }

    /// The free worker on which the task failed least often for a missing resource; among several,
    /// the one with the fewest tasks. A worker that lacks a resource is tried again only after all
    /// others.
    fn least_avoided_worker(&self, now: Duration, kind: TaskKind, index: u32) -> Option<WorkerId> {
        let avoided_workers = self.avoided_workers(kind, index)?;
        let faults = |id: &WorkerId| avoided_workers.get(id).copied().unwrap_or(0);
        let of_kind = || self.workers.iter().filter(|(_, worker)| worker.kind == kind);
        let is_alive = |worker: &Worker| worker.state == WorkerState::Alive;
        let least = of_kind().filter(|(_, w)| is_alive(w)).map(|(id, _)| faults(id)).min()?;
        of_kind()
            .filter(|(id, worker)| worker.is_free(now) && faults(id) == least)
            .min_by_key(|(id, worker)| (worker.running, **id))
            .map(|(id, _)| *id)
    }

    fn assign_backups(&mut self, now: Duration, kind: TaskKind) {
        if !self.phase(kind).idle.is_empty() || !self.any_free(now, kind) {
            return;
        }
        let mut late: Vec<(Duration, TaskId, WorkerId)> = self
            .attempts
            .values()
            .filter_map(|attempt| {
                let due = self.backup_due(attempt)?;
                (attempt.task.kind == kind && due <= now).then_some((
                    attempt.started,
                    attempt.task,
                    attempt.worker,
                ))
            })
            .collect();
        late.sort_unstable();
        for (_, task, slow) in late {
            let free = self
                .workers
                .iter()
                .filter(|(id, worker)| worker.kind == kind && worker.is_free(now) && **id != slow);
            let fit = free.map(|(id, _)| *id).find(|id| !self.is_avoided(kind, task.index, *id));
            if let Some(worker) = fit {
                self.start(now, task, worker, true);
            }
        }
    }

    /// When a backup is due for an attempt that runs alone.
    pub(super) fn backup_due(&self, attempt: &Attempt) -> Option<Duration> {
        let TaskId { kind, index } = attempt.task;
        let phase = self.phase(kind);
        let state = &phase.tasks.get(index as usize)?.state;
        let is_alone = matches!(state, TaskState::InProgress { attempts } if attempts.len() == 1);
        let durations = phase.durations.median()?;
        let min_runtime = durations.saturating_mul(self.policy.backup_factor);
        let since = attempt.started.max(self.ready_since(kind)?);
        is_alone.then_some(since + min_runtime.max(self.policy.backup_floor))
    }

    fn start(&mut self, now: Duration, task: TaskId, id: WorkerId, is_backup: bool) {
        self.last_attempt += 1;
        let attempt = AttemptId(self.last_attempt);
        let phase = self.phase_mut(task.kind);
        phase.start(task.index, attempt, id);
        let entry = phase.tasks.get(task.index as usize);
        let skip = entry.map_or_else(Vec::new, |task| task.failures.bad_records().collect());
        if let Some(worker) = self.workers.get_mut(&id) {
            worker.running += 1;
            worker.last_assigned = now;
        }
        let progress = 0;
        let running = Attempt { task, worker: id, started: now, progress, progressed_at: now };
        self.attempts.insert(attempt, running);
        let outputs = match task.kind {
            TaskKind::Map => Vec::new(),
            TaskKind::Reduce => self.map_outputs().collect(),
        };
        let start = Start { worker: id, attempt, task, is_backup, skip, outputs };
        self.actions.push_back(Action::Start(start));
    }

    /// The outputs of all completed map tasks.
    fn map_outputs(&self) -> impl Iterator<Item = MapOutput> {
        let output = |(map, task): (usize, &Task)| match &task.state {
            TaskState::Completed { worker, attempt, sizes } => Some(MapOutput {
                map: map as u32,
                attempt: *attempt,
                worker: *worker,
                sizes: sizes.clone(),
            }),
            _ => None,
        };
        self.map.tasks.iter().enumerate().filter_map(output)
    }
}
