//! The master's decisions: which worker runs which task, and how failures are handled.
//!
//! The scheduler is sans-IO: a value without threads, sockets or clocks. Events go in with the time
//! since the start ([`Scheduler::handle_completed`] and the other `handle_*` functions), actions
//! come out ([`Scheduler::poll_action`]). The master executes the actions and reports the results.
//!
//! ```text
//!   task:     Idle --start--> InProgress --first answer--> Completed
//!              ^                  |                            |
//!              +-- all attempts --+                            |
//!              |   failed or lost                              |
//!              +------- a map's output is lost (3.3) ----------+
//!
//!   worker:   Alive --no answer for too long--> Silent --an answer--> Alive
//!               |                                   |
//!               +------ its connection ended -------+--> removed, its id is never reused
//! ```
//!
//! | section of the paper | where |
//! |---|---|
//! | 3.1 execution, 3.4 locality, 3.6 backup tasks | `assign` |
//! | 3.2 master data structures | `task`, `worker`, [`MapOutput`] |
//! | 3.3 fault tolerance | here and `timing` |
//! | 4.6 skipping bad records | `failure`, [`Cause::Job`] |
//!
//! A job runs in *rounds* of one map and one reduce phase. k-means runs one round per iteration. A
//! task prefers the worker of the round before, which has its input in memory.
//!
//! Each run of a task is an *attempt* with a number that is never reused. An answer counts if its
//! attempt is still active and the answer comes from the worker to which it was assigned. All other
//! answers are ignored.

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

/// The state of all workers and tasks.
#[derive(Debug)]
pub struct Scheduler {
    policy: Policy,
    workers: BTreeMap<WorkerId, Worker>,
    map: Phase,
    reduce: Phase,
    /// Active attempts. Completed, failed and cancelled attempts are removed.
    attempts: BTreeMap<AttemptId, Attempt>,
    last_attempt: u64,
    actions: VecDeque<Action>,
    in_round: bool,
    failure: Option<JobFailure>,
}

impl Scheduler {
    /// A scheduler without workers and without a round.
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

    /// Adds a worker with a number of task slots, for tasks of one kind. An id is used once: a
    /// restarted worker gets a new id, and counts as empty.
    pub fn add_worker(&mut self, now: Duration, id: WorkerId, kind: TaskKind, task_slots: u32) {
        self.workers.insert(id, Worker::new(kind, task_slots, now));
        self.schedule(now);
    }

    /// Begins a round with this number of tasks, and cancels what is left of the previous round.
    ///
    /// Without reduce tasks the round ends with its map tasks, and their output is the result.
    pub fn begin_round(&mut self, now: Duration, maps: u32, reduces: u32) {
        self.end_round(now);
        self.map.begin(now, maps);
        self.reduce.begin(now, reduces);
        self.balance_preferred_workers();
        self.in_round = true;
        self.failure = None;
        self.schedule(now);
    }

    /// Cancels what is left of the round.
    pub fn end_round(&mut self, now: Duration) {
        let left: Vec<AttemptId> = self.attempts.keys().copied().collect();
        left.into_iter().for_each(|attempt| self.cancel(now, attempt));
        self.in_round = false;
    }

    /// The next action. The shell calls this until there is none.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// The result of the round: `Ok` when all its tasks are completed, `None` while it runs.
    pub fn outcome(&self) -> Option<Result<(), JobFailure>> {
        if let Some(failure) = &self.failure {
            return Some(Err(failure.clone()));
        }
        let done = self.in_round && self.last_phase().is_completed();
        done.then_some(Ok(()))
    }

    /// A worker has completed an attempt. Returns whether the result counts: it does not if the
    /// attempt is no longer active, or belongs to another worker.
    ///
    /// `sizes`: for a map task, the bytes for each reduce task.
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
        phase.durations.record(now.saturating_sub(since));
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
            // Cancels the remaining attempts: backups, and maps whose output is no longer needed.
            let left: Vec<AttemptId> = self.attempts.keys().copied().collect();
            left.into_iter().for_each(|attempt| self.cancel(now, attempt));
        }
        self.schedule(now);
        true
    }

    /// A worker has failed an attempt. Returns whether the failure counts.
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

    /// A reduce task could not fetch a map output. The reduce attempt waits for another output, or
    /// reports a failure of its own.
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
                    // Its outputs cannot be fetched: another worker is preferred.
                    *task.failures.avoided_workers.entry(holder).or_default() += 1;
                }
                self.withdraw(now, map, attempt);
            }
        }
        self.schedule(now);
    }

    /// A worker is lost: its process or its connection has ended (3.3, worker failure).
    pub fn handle_worker_lost(&mut self, now: Duration, id: WorkerId) {
        if self.workers.contains_key(&id) {
            self.requeue_work_of(now, id, true);
            self.workers.remove(&id);
        }
        self.schedule(now);
    }

    /// A worker has answered, and reports the progress of its attempts: numbers of any unit that
    /// change with progress.
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

    /// The state of a task; `None` if the round does not have it.
    pub fn task_state(&self, task: TaskId) -> Option<&TaskState> {
        self.phase(task.kind).tasks.get(task.index as usize).map(|task| &task.state)
    }

    /// The state of a worker; `None` if it was never added or is lost.
    pub fn worker_state(&self, worker: WorkerId) -> Option<WorkerState> {
        self.workers.get(&worker).map(|worker| worker.state)
    }

    /// The number of completed tasks of a kind, and the number of all.
    pub fn progress(&self, kind: TaskKind) -> (usize, usize) {
        let phase = self.phase(kind);
        (phase.completed, phase.tasks.len())
    }

    /// The active attempts, with task and worker.
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

    /// The last phase of the round.
    fn last_phase(&self) -> &Phase {
        if self.reduce.tasks.is_empty() { &self.map } else { &self.reduce }
    }

    /// Since when tasks of a kind have all their input; `None` while they wait for maps.
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

    /// Removes an active attempt if it belongs to this worker.
    fn take_attempt(&mut self, worker: WorkerId, attempt: AttemptId) -> Option<Attempt> {
        if self.attempts.get(&attempt)?.worker != worker {
            return None;
        }
        if let Some(worker) = self.workers.get_mut(&worker) {
            worker.running = worker.running.saturating_sub(1);
        }
        self.attempts.remove(&attempt)
    }

    /// Cancels an attempt. Its worker gets no new task until it answers a ping, because it may
    /// hang.
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

    /// Announces an output to all running reduce attempts (3.2: pushed incrementally).
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

    /// Makes a completed map task idle again, and announces the loss to the running reduce
    /// attempts.
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

    /// 3.3: a worker's attempts are cancelled, and their tasks are idle again. Its completed maps
    /// are idle again too, if their output is still needed.
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

    /// Counts a failure of a task, and fails the job if the task may not be retried.
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
        if !entry.failures.record(from, failure, policy, others_left) && self.failure.is_none() {
            self.failure = Some(JobFailure { task, reason: failure.reason.clone() });
        }
    }

    /// Checks the invariants, for simulations. Returns the violations.
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
