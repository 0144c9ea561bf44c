//! Who gets which task.
//!
//! - 3.1: idle workers get idle tasks, those of either kind as soon as there are any: a reduce task
//!   begins to fetch while maps still run.
//! - 3.4: a task goes to its *home*, the worker that had it last, for its input is there. If that
//!   one is busy the task waits a little before it goes elsewhere.
//! - 3.6: when no task of a kind is idle, those that take long get a second attempt.

use std::collections::BTreeMap;
use std::time::Duration;

use super::action::{Action, MapOutput, Start};
use super::task::{Attempt, AttemptId, Kind, TaskId, TaskState};
use super::worker::{Worker, WorkerId, WorkerState};
use super::{Phase, Scheduler, Task};

impl Scheduler {
    /// Gives out what can be given out.
    pub(super) fn schedule(&mut self, now: Duration) {
        if !self.in_round || self.failure.is_some() || self.last_phase().is_completed() {
            return;
        }
        for kind in [Kind::Map, Kind::Reduce] {
            self.assign_at_home(now, kind);
            self.assign_elsewhere(now, kind);
            if self.policy.backup_tasks {
                self.assign_backups(now, kind);
            }
        }
    }

    fn assign_at_home(&mut self, now: Duration, kind: Kind) {
        let phase = self.phase(kind);
        let idle: Vec<u32> = phase.idle.iter().copied().collect();
        for index in idle {
            let Some(home) = self.home(kind, index) else { continue };
            let is_free = self.workers.get(&home).is_some_and(|worker| worker.is_free(now));
            if is_free && !self.is_unfit(kind, index, home) {
                self.start(now, TaskId { kind, index }, home, false);
            }
        }
    }

    fn assign_elsewhere(&mut self, now: Duration, kind: Kind) {
        let idle: Vec<u32> = self.phase(kind).idle.iter().copied().collect();
        for index in idle {
            if !self.any_free(now, kind) {
                return;
            }
            if self.waits_for_home(now, kind, index).is_none()
                && let Some(worker) = self.fittest(now, kind, index)
            {
                self.start(now, TaskId { kind, index }, worker, false);
            }
        }
    }

    fn any_free(&self, now: Duration, kind: Kind) -> bool {
        self.workers.values().any(|worker| worker.kind == kind && worker.is_free(now))
    }

    /// The worker that had the task last, if it is still there.
    fn home(&self, kind: Kind, index: u32) -> Option<WorkerId> {
        let home = self.phase(kind).homes.get(index as usize).copied().flatten()?;
        self.workers.contains_key(&home).then_some(home)
    }

    fn is_unfit(&self, kind: Kind, index: u32, worker: WorkerId) -> bool {
        self.unfit(kind, index).is_some_and(|unfit| unfit.contains_key(&worker))
    }

    fn unfit(&self, kind: Kind, index: u32) -> Option<&BTreeMap<WorkerId, u32>> {
        self.phase(kind).tasks.get(index as usize).map(|task| &task.trouble.unfit)
    }

    /// A worker that has more than its share of the round's maps, because it once helped out, keeps
    /// the first of them: else those that came later would never get any.
    pub(super) fn share_homes(&mut self) {
        let mappers = self.workers.values().filter(|worker| worker.kind == Kind::Map);
        let slots: usize = mappers.map(|worker| worker.slots as usize).sum();
        let tasks = self.map.tasks.len();
        let mut shares: BTreeMap<WorkerId, usize> = BTreeMap::new();
        for home in self.map.homes.iter_mut().take(tasks) {
            let Some(id) = *home else { continue };
            let its_slots = self.workers.get(&id).map_or(0, |worker| worker.slots as usize);
            let share = (tasks * its_slots).div_ceil(slots.max(1));
            let taken = shares.entry(id).or_default();
            *taken += 1;
            if *taken > share {
                *home = None;
            }
        }
    }

    /// Until when an idle task waits for its home, which is busy or rests.
    pub(super) fn waits_for_home(&self, now: Duration, kind: Kind, index: u32) -> Option<Duration> {
        if kind != Kind::Map || !self.policy.inputs_are_kept {
            return None;
        }
        let home = self.workers.get(&self.home(kind, index)?)?;
        let phase = self.phase(kind);
        let TaskState::Idle { since } = phase.tasks.get(index as usize)?.state else { return None };
        let is_well = !home.is_doubted && home.state == WorkerState::Alive;
        let is_away = home.running > 0 || home.rests_until > now;
        let until = since.max(home.last_given) + self.home_wait(phase);
        (is_well && is_away && now < until).then_some(until)
    }

    fn home_wait(&self, phase: &Phase) -> Duration {
        let typical = phase.typical.median().unwrap_or(self.policy.longest_home_wait / 2);
        let wait = typical.saturating_mul(2);
        wait.clamp(self.policy.shortest_home_wait, self.policy.longest_home_wait)
    }

    /// The free worker on which the task failed least for want of something; of several the one
    /// with the least work. A worker that lacks something waits until all have been tried.
    fn fittest(&self, now: Duration, kind: Kind, index: u32) -> Option<WorkerId> {
        let unfit = self.unfit(kind, index)?;
        let faults = |id: &WorkerId| unfit.get(id).copied().unwrap_or(0);
        let of_kind = || self.workers.iter().filter(|(_, worker)| worker.kind == kind);
        let is_alive = |worker: &Worker| worker.state == WorkerState::Alive;
        let least = of_kind().filter(|(_, w)| is_alive(w)).map(|(id, _)| faults(id)).min()?;
        of_kind()
            .filter(|(id, worker)| worker.is_free(now) && faults(id) == least)
            .min_by_key(|(id, worker)| (worker.running, **id))
            .map(|(id, _)| *id)
    }

    fn assign_backups(&mut self, now: Duration, kind: Kind) {
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
            let fit = free.map(|(id, _)| *id).find(|id| !self.is_unfit(kind, task.index, *id));
            if let Some(worker) = fit {
                self.start(now, task, worker, true);
            }
        }
    }

    /// When an attempt that runs alone gets a backup.
    pub(super) fn backup_due(&self, attempt: &Attempt) -> Option<Duration> {
        let TaskId { kind, index } = attempt.task;
        let phase = self.phase(kind);
        let state = &phase.tasks.get(index as usize)?.state;
        let is_alone = matches!(state, TaskState::InProgress { attempts } if attempts.len() == 1);
        let typical = phase.typical.median()?;
        let patience = typical.saturating_mul(self.policy.backup_factor);
        let since = attempt.started.max(self.ready_since(kind)?);
        is_alone.then_some(since + patience.max(self.policy.backup_floor))
    }

    fn start(&mut self, now: Duration, task: TaskId, id: WorkerId, is_backup: bool) {
        self.last_attempt += 1;
        let attempt = AttemptId(self.last_attempt);
        let phase = self.phase_mut(task.kind);
        phase.start(task.index, attempt, id);
        let entry = phase.tasks.get(task.index as usize);
        let skip = entry.map_or_else(Vec::new, |task| task.trouble.bad_records().collect());
        if let Some(worker) = self.workers.get_mut(&id) {
            worker.running += 1;
            worker.last_given = now;
        }
        let progress = 0;
        let running = Attempt { task, worker: id, started: now, progress, progressed_at: now };
        self.attempts.insert(attempt, running);
        let outputs = match task.kind {
            Kind::Map => Vec::new(),
            Kind::Reduce => self.map_outputs().collect(),
        };
        let start = Start { worker: id, attempt, task, is_backup, skip, outputs };
        self.actions.push_back(Action::Start(start));
    }

    /// The outputs that are there.
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
