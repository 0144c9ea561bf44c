//! The master's decisions: which worker runs which task, and what becomes of it when one fails.
//!
//! A value without threads, sockets or clocks. What happened goes in with the time since the start
//! ([`Scheduler::handle_completed`] and its kin, [`Scheduler::handle_timeout`]), what is to be done
//! comes out ([`Scheduler::poll_action`]). The master's shell does it and reports back.
//!
//! ```text
//!   task:     Idle --start--> InProgress --first answer--> Completed
//!              ^                  |                            |
//!              +-- all attempts --+                            |
//!              |   failed or lost                              |
//!              +------- a map's output is lost (3.3) ----------+
//!
//!   worker:   Alive --nothing heard for too long--> Silent --heard--> Alive
//!               |                                      |
//!               +---------- its end is known ----------+--> gone, its id is never used again
//! ```
//!
//! | section of the paper | where |
//! |---|---|
//! | 3.1 execution, 3.4 locality, 3.6 backup tasks | `assign` |
//! | 3.2 master data structures | `task`, `worker`, [`MapOutput`] |
//! | 3.3 fault tolerance | here and `timing` |
//! | 4.6 skipping bad records | `failure`, [`Cause::Job`] |
//!
//! A job runs in *rounds*: one map and one reduce phase each. k-means runs one round an iteration;
//! a task keeps its worker from round to round, where its input is in memory.
//!
//! Every run of a task is an *attempt* with a number that is never used again. An answer counts if
//! its attempt is still wanted and comes from the worker that was given it; nothing else counts.

mod action;
mod assign;
mod duration_stats;
mod failure;
mod ids;
mod policy;
mod task;
mod timing;
mod worker;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

pub use action::{Action, MapOutput, Start};
pub use failure::{Cause, Failure, JobFailure, Loss};
pub use ids::{AttemptId, TaskId, TaskKind, WorkerId};
pub use policy::Policy;
pub use task::TaskState;
pub use worker::WorkerState;

use task::{Attempt, Phase};
use worker::Worker;

/// The master's view of workers and tasks.
#[derive(Debug)]
pub struct Scheduler {
    policy: Policy,
    workers: BTreeMap<WorkerId, Worker>,
    map: Phase,
    reduce: Phase,
    /// Attempts that are wanted; those that ended or were given up are not here.
    attempts: BTreeMap<AttemptId, Attempt>,
    last_attempt: u64,
    actions: VecDeque<Action>,
    in_round: bool,
    failure: Option<JobFailure>,
}

impl Scheduler {
    /// Without workers, and without a round.
    pub fn new(policy: Policy) -> Scheduler {
        Scheduler {
            policy,
            workers: BTreeMap::new(),
            map: Phase::new(TaskKind::Map),
            reduce: Phase::new(TaskKind::Reduce),
            attempts: BTreeMap::new(),
            last_attempt: 0,
            actions: VecDeque::new(),
            in_round: false,
            failure: None,
        }
    }

    /// A worker is there, for tasks of one kind, so many at once. An id is used once: a worker that
    /// was restarted is another one, and has nothing of what it had.
    pub fn add_worker(&mut self, now: Duration, id: WorkerId, kind: TaskKind, task_slots: u32) {
        self.workers.insert(id, Worker::new(kind, task_slots, now));
        self.schedule(now);
    }

    /// Begins a round of so many tasks; what was left of the round before is given up.
    ///
    /// Without reduce tasks the round ends with its maps, and their output is what is asked for.
    pub fn begin_round(&mut self, now: Duration, maps: u32, reduces: u32) {
        self.end_round(now);
        self.map.begin(now, maps);
        self.reduce.begin(now, reduces);
        self.balance_preferred_workers();
        self.in_round = true;
        self.failure = None;
        self.schedule(now);
    }

    /// Gives up what is left of the round.
    pub fn end_round(&mut self, now: Duration) {
        let left: Vec<AttemptId> = self.attempts.keys().copied().collect();
        left.into_iter().for_each(|attempt| self.cancel(now, attempt));
        self.in_round = false;
    }

    /// What is to be done next. Asked until there is nothing.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Whether the round is over: `Ok` when all its tasks are completed.
    pub fn outcome(&self) -> Option<Result<(), JobFailure>> {
        if let Some(failure) = &self.failure {
            return Some(Err(failure.clone()));
        }
        let done = self.in_round && self.last_phase().is_completed();
        done.then_some(Ok(()))
    }

    /// A worker answered that it did its task. Returns whether the answer counts; one that does not
    /// is of an attempt that is not wanted any more, or not this worker's.
    ///
    /// `sizes`: of a map, the bytes for each reduce task.
    pub fn handle_completed(
        &mut self,
        now: Duration,
        worker: WorkerId,
        attempt: AttemptId,
        sizes: Arc<[u64]>,
    ) -> bool {
        self.mark_alive(now, worker);
        let Some(ended) = self.take_attempt(worker, attempt) else {
            self.schedule(now);
            return false;
        };
        if let Some(worker) = self.workers.get_mut(&worker) {
            worker.succeeded();
        }
        let since = ended.started.max(self.ready_since(ended.task.kind).unwrap_or(now));
        let task = ended.task;
        let phase = self.phase_mut(task.kind);
        phase.durations.note(now.saturating_sub(since));
        for other in phase.complete(task.index, worker, attempt, Arc::clone(&sizes)) {
            self.cancel(now, other);
        }
        if task.kind == TaskKind::Map {
            self.announce(MapOutput { map: task.index, attempt, worker, sizes });
            if self.map.is_completed() {
                self.map.completed_at = Some(now);
            }
        }
        if self.last_phase().is_completed() {
            // What else runs is of no use: backups, and maps whose output nobody needs any more.
            let left: Vec<AttemptId> = self.attempts.keys().copied().collect();
            left.into_iter().for_each(|attempt| self.cancel(now, attempt));
        }
        self.schedule(now);
        true
    }

    /// A worker answered that it could not do its task. Returns whether the answer counts.
    pub fn handle_failed(
        &mut self,
        now: Duration,
        worker: WorkerId,
        attempt: AttemptId,
        failure: &Failure,
    ) -> bool {
        self.mark_alive(now, worker);
        let ended = self.take_attempt(worker, attempt);
        if let Some(ended) = &ended {
            let from = worker;
            if let Some(worker) = self.workers.get_mut(&worker) {
                worker.failed(now, &self.policy);
            }
            let task = ended.task;
            self.phase_mut(task.kind).attempt_ended(now, task.index, attempt);
            self.record_failure(task, Some(from), failure);
        }
        self.schedule(now);
        ended.is_some()
    }

    /// A reduce task could not get a map's output. It goes on waiting for another one, or fails by
    /// an answer of its own.
    pub fn handle_output_lost(
        &mut self,
        now: Duration,
        reducer: WorkerId,
        map: u32,
        attempt: AttemptId,
        loss: Loss,
    ) {
        self.mark_alive(now, reducer);
        if let Some(task) = self.map.tasks.get_mut(map as usize)
            && let TaskState::Completed { attempt: holds, worker, .. } = &task.state
            && *holds == attempt
        {
            let holder = *worker;
            task.failures.unreachable += 1;
            let is_lost = match loss {
                Loss::Missing => true,
                Loss::Unreachable => task.failures.unreachable >= self.policy.max_unreachable,
            };
            if is_lost {
                task.failures.unreachable = 0;
                if loss == Loss::Unreachable {
                    // Nobody gets at what is made there: another worker, if there is one.
                    *task.failures.avoided_workers.entry(holder).or_default() += 1;
                }
                self.withdraw(now, map, attempt);
            }
        }
        self.schedule(now);
    }

    /// A worker is gone for good: its process ended, or its connection (3.3, worker failure).
    pub fn handle_worker_lost(&mut self, now: Duration, id: WorkerId) {
        if self.workers.contains_key(&id) {
            self.requeue_work_of(now, id, true);
            self.workers.remove(&id);
        }
        self.schedule(now);
    }

    /// A worker gave a sign of life, and how far its attempts are: numbers that grow while there is
    /// progress, in whatever unit.
    pub fn handle_progress(
        &mut self,
        now: Duration,
        worker: WorkerId,
        progress: &[(AttemptId, u64)],
    ) {
        self.mark_alive(now, worker);
        for (attempt, progress) in progress {
            if let Some(attempt) = self.attempts.get_mut(attempt)
                && attempt.worker == worker
                && attempt.progress != *progress
            {
                attempt.progress = *progress;
                attempt.progressed_at = now;
            }
        }
        self.schedule(now);
    }

    /// The state of a task, if the round has it.
    pub fn task_state(&self, task: TaskId) -> Option<&TaskState> {
        self.phase(task.kind).tasks.get(task.index as usize).map(|task| &task.state)
    }

    /// Whether a worker is there, and heard of.
    pub fn worker_state(&self, worker: WorkerId) -> Option<WorkerState> {
        self.workers.get(&worker).map(|worker| worker.state)
    }

    /// How many tasks of a kind the round has, and how many of them are completed.
    pub fn progress(&self, kind: TaskKind) -> (usize, usize) {
        let phase = self.phase(kind);
        (phase.completed, phase.tasks.len())
    }

    /// What runs: the attempt, its task, its worker.
    pub fn running(&self) -> impl Iterator<Item = (AttemptId, TaskId, WorkerId)> {
        self.attempts.iter().map(|(id, attempt)| (*id, attempt.task, attempt.worker))
    }

    fn phase(&self, kind: TaskKind) -> &Phase {
        match kind {
            TaskKind::Map => &self.map,
            TaskKind::Reduce => &self.reduce,
        }
    }

    fn phase_mut(&mut self, kind: TaskKind) -> &mut Phase {
        match kind {
            TaskKind::Map => &mut self.map,
            TaskKind::Reduce => &mut self.reduce,
        }
    }

    /// The phase with which the round ends.
    fn last_phase(&self) -> &Phase {
        if self.reduce.tasks.is_empty() { &self.map } else { &self.reduce }
    }

    /// Since when tasks of a kind have had all that they need; `None` while they wait for maps.
    fn ready_since(&self, kind: TaskKind) -> Option<Duration> {
        match kind {
            TaskKind::Map => Some(self.map.begun_at),
            TaskKind::Reduce => self.map.completed_at,
        }
    }

    fn mark_alive(&mut self, now: Duration, worker: WorkerId) {
        if let Some(worker) = self.workers.get_mut(&worker) {
            worker.mark_alive(now);
        }
    }

    /// Takes an attempt off the list of those that are wanted, if it is this worker's.
    fn take_attempt(&mut self, worker: WorkerId, attempt: AttemptId) -> Option<Attempt> {
        if self.attempts.get(&attempt)?.worker != worker {
            return None;
        }
        if let Some(worker) = self.workers.get_mut(&worker) {
            worker.running = worker.running.saturating_sub(1);
        }
        self.attempts.remove(&attempt)
    }

    /// An attempt is not wanted any more: its worker is told, and gets nothing new until it has
    /// been heard, for it may be the one that hangs.
    fn cancel(&mut self, now: Duration, id: AttemptId) {
        let Some(attempt) = self.attempts.remove(&id) else { return };
        let task = attempt.task;
        self.phase_mut(task.kind).attempt_ended(now, task.index, id);
        self.actions.push_back(Action::Cancel { worker: attempt.worker, attempt: id });
        if let Some(worker) = self.workers.get_mut(&attempt.worker) {
            worker.running = worker.running.saturating_sub(1);
            worker.is_suspect = true;
            worker.pinged(now);
            self.actions.push_back(Action::Ping { worker: attempt.worker });
        }
    }

    /// All reduce tasks that run heard of an output (3.2: pushed incrementally).
    fn announce(&mut self, output: MapOutput) {
        for (id, attempt) in &self.attempts {
            if attempt.task.kind == TaskKind::Reduce {
                let (worker, attempt) = (attempt.worker, *id);
                self.actions.push_back(Action::Announce {
                    worker,
                    attempt,
                    output: output.clone(),
                });
            }
        }
    }

    /// A completed map is idle again, and the reduce tasks that run wait for its next output.
    fn withdraw(&mut self, now: Duration, map: u32, output: AttemptId) {
        self.map.reset(now, map);
        self.map.completed_at = None;
        for (id, attempt) in &self.attempts {
            if attempt.task.kind == TaskKind::Reduce {
                let (worker, attempt) = (attempt.worker, *id);
                self.actions.push_back(Action::Withdraw { worker, attempt, map, output });
            }
        }
    }

    /// 3.3: what a worker had in progress is idle again, and so is what it completed if its output
    /// lies with it and is still needed.
    fn requeue_work_of(&mut self, now: Duration, id: WorkerId, is_gone: bool) {
        let its = |attempt: &&Attempt| attempt.worker == id;
        let attempts: Vec<AttemptId> = self
            .attempts
            .iter()
            .filter(|(_, attempt)| its(attempt))
            .map(|(attempt, _)| *attempt)
            .collect();
        for attempt in attempts {
            let Some(ended) = self.take_attempt(id, attempt) else { continue };
            if !is_gone {
                self.actions.push_back(Action::Cancel { worker: id, attempt });
            }
            let task = ended.task;
            self.phase_mut(task.kind).attempt_ended(now, task.index, attempt);
            let words = if is_gone { "its worker died" } else { "its worker stopped answering" };
            self.record_failure(task, None, &Failure::new(Cause::WorkerLost, words));
        }
        if !self.in_round || self.last_phase().is_completed() || self.reduce.tasks.is_empty() {
            return;
        }
        let outputs: Vec<(u32, AttemptId)> = self.map.completed_by(id).collect();
        outputs.into_iter().for_each(|(map, attempt)| self.withdraw(now, map, attempt));
    }

    /// Counts what went wrong with a task, and gives the job up when it is hopeless.
    fn record_failure(&mut self, task: TaskId, from: Option<WorkerId>, failure: &Failure) {
        let Scheduler { policy, workers, .. } = self;
        let others_left = |avoided_workers: &BTreeMap<WorkerId, u32>| {
            let alive = workers.iter().filter(|(_, worker)| worker.kind == task.kind);
            let tried =
                |id| avoided_workers.get(id).copied().unwrap_or(0) >= policy.max_missing_resource;
            !alive.map(|(id, _)| id).all(tried)
        };
        let phase = match task.kind {
            TaskKind::Map => &mut self.map,
            TaskKind::Reduce => &mut self.reduce,
        };
        let Some(entry) = phase.tasks.get_mut(task.index as usize) else { return };
        if !entry.failures.note(from, failure, policy, others_left) && self.failure.is_none() {
            self.failure = Some(JobFailure { task, reason: failure.reason.clone() });
        }
    }

    /// Checks what must always hold; for simulations. Returns what does not.
    pub fn audit(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for phase in [&self.map, &self.reduce] {
            phase.audit(&self.attempts, &mut faults);
        }
        for (id, worker) in &self.workers {
            let running = self.attempts.values().filter(|attempt| attempt.worker == *id).count();
            if running != worker.running as usize || worker.running > worker.task_slots {
                faults.push(format!(
                    "{id} runs {running}, notes {}, has {} task slots",
                    worker.running, worker.task_slots
                ));
            }
            if worker.state == WorkerState::Silent && running > 0 {
                faults.push(format!("{id} is silent and has work"));
            }
        }
        let known: BTreeSet<&WorkerId> = self.workers.keys().collect();
        for (id, attempt) in &self.attempts {
            if !known.contains(&attempt.worker) {
                faults.push(format!("{id} runs on {}, which is gone", attempt.worker));
            }
        }
        let needed = self.in_round && !self.last_phase().is_completed();
        if needed && !self.reduce.tasks.is_empty() {
            for (index, task) in self.map.tasks.iter().enumerate() {
                if let TaskState::Completed { worker, .. } = &task.state
                    && !known.contains(worker)
                {
                    faults.push(format!("map {index}'s output is with {worker}, which is gone"));
                }
            }
        }
        faults
    }
}
