//! Whole jobs in a simulated world: workers die, stop, restart, are slow, send false answers and
//! lose outputs, and connections refuse calls. The scheduler's invariants are audited after every
//! step. At the end of every round each reduce task has every record once.
//!
//! One job for every hundredth seed of `AGORA_MUTATIONS`; `AGORA_SEED` replays one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use agora::mapreduce::scheduler::{
    Action, AttemptId, Cause, Failure, Loss, MapOutput, Policy, Scheduler, Start, TaskId, TaskKind,
    WorkerId,
};

use agora::mapreduce::contract::MapOutputAnnouncement;

use crate::connection::{Arrival, Connection, map_output_of};
use crate::harness::ms;
use crate::seed::{Seed, each_seed};

/// The number of faults in one round, so that it ends.
const FAULTS: usize = 12;

/// A worker process.
struct Process {
    kind: TaskKind,
    /// It is stopped until this time.
    stopped_until: Duration,
    /// Events that it handles when it continues, in order.
    inbox: VecDeque<Event>,
    /// The factor of its task durations.
    slowdown: u32,
    /// The committed attempt of each map task. A newer attempt replaces it.
    outputs: BTreeMap<u32, AttemptId>,
    running: BTreeMap<AttemptId, Running>,
}

/// A running attempt on its worker.
struct Running {
    task: TaskId,
    /// Reduce attempts: the announced output of each map task.
    known: BTreeMap<u32, MapOutput>,
    /// Reduce attempts: the fetched attempt of each map task.
    fetched: BTreeMap<u32, AttemptId>,
}

/// A message to the scheduler or to a worker, or an event of a worker.
enum Event {
    Arrive(WorkerId, Arrival),
    Cancel(WorkerId, AttemptId),
    Answered(WorkerId, u64),
    Resume(WorkerId),
    MapDone(WorkerId, AttemptId),
    Fetch(WorkerId, AttemptId, u32),
    ReduceDone(WorkerId, AttemptId),
    Completed(WorkerId, AttemptId),
    Failed(WorkerId, AttemptId, Cause),
    Pong(WorkerId),
    Lost(WorkerId, u32, AttemptId, Loss),
    Died(WorkerId),
    Join(TaskKind),
}

struct World {
    seed: Seed,
    scheduler: Scheduler,
    now: Duration,
    events: BTreeMap<(Duration, u64), Event>,
    posted: u64,
    /// When the last message to each worker arrives.
    delivered: BTreeMap<WorkerId, Duration>,
    connections: BTreeMap<WorkerId, Connection>,
    processes: BTreeMap<WorkerId, Process>,
    last_id: u32,
    faults: usize,
    maps: u32,
    reduces: u32,
    /// The map attempts in the result of each reduce attempt.
    results: BTreeMap<AttemptId, (u32, BTreeMap<u32, AttemptId>)>,
    accepted: BTreeMap<u32, AttemptId>,
    /// All earlier attempts, for false answers.
    old: Vec<(WorkerId, AttemptId)>,
    /// The events that occurred, so that a test without them fails.
    seen: BTreeSet<&'static str>,
}

#[test]
fn every_record_counts_once_under_random_faults() {
    let mut runs = 0;
    let mut seen = BTreeSet::new();
    each_seed(|seed| {
        runs += 1;
        if runs % 100 == 1 {
            let mut world = World::new(Seed::new(seed.next_u64()));
            (0..4).for_each(|_| world.round());
            seen.extend(world.seen);
        }
    });
    if runs >= 20_000 {
        let wanted = [
            "a backup",
            "a death",
            "a failure",
            "a false answer",
            "a loss found by a reducer",
            "a pause",
            "a re-execution",
            "a refused call",
            "an answer that is too late",
            "an output that disappeared",
            "silence",
        ];
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), wanted);
    }
}

impl World {
    fn new(mut seed: Seed) -> World {
        let policy = Policy {
            inputs_are_kept: seed.one_in(2),
            silent_after: ms(2_000),
            max_worker_losses: 100,
            ..Policy::DEFAULT
        };
        let mut world = World {
            scheduler: Scheduler::new(policy),
            now: Duration::ZERO,
            events: BTreeMap::new(),
            posted: 0,
            delivered: BTreeMap::new(),
            connections: BTreeMap::new(),
            processes: BTreeMap::new(),
            last_id: 0,
            faults: 0,
            maps: 1 + seed.below(8) as u32,
            reduces: seed.below(5) as u32,
            results: BTreeMap::new(),
            accepted: BTreeMap::new(),
            old: Vec::new(),
            seen: BTreeSet::new(),
            seed,
        };
        for kind in [TaskKind::Map, TaskKind::Reduce] {
            (0..=world.seed.below(3)).for_each(|_| world.join(kind));
        }
        world
    }

    fn join(&mut self, kind: TaskKind) {
        self.last_id += 1;
        let id = WorkerId(self.last_id);
        let process = Process {
            kind,
            stopped_until: Duration::ZERO,
            inbox: VecDeque::new(),
            slowdown: if self.seed.one_in(4) { 10 } else { 1 },
            outputs: BTreeMap::new(),
            running: BTreeMap::new(),
        };
        self.processes.insert(id, process);
        let task_slots = 1 + self.seed.below(4) as u32;
        // With all task slots in use, one to three more calls fit.
        let beside_tasks = 1 + self.seed.below(3);
        self.connections.insert(id, Connection::new(task_slots as usize + beside_tasks));
        self.scheduler.add_worker(self.now, id, kind, task_slots);
    }

    fn post(&mut self, after: Duration, event: Event) {
        self.posted += 1;
        self.events.insert((self.now + after, self.posted), event);
    }

    fn random_ms(&mut self, most: usize) -> Duration {
        ms(1 + self.seed.below(most) as u64)
    }

    fn round(&mut self) {
        self.faults = 0;
        self.accepted.clear();
        self.results.clear();
        self.scheduler.begin_round(self.now, self.maps, self.reduces);
        let limit = self.now + Duration::from_secs(600);
        while self.scheduler.outcome().is_none() {
            assert!(self.now < limit, "the round does not end");
            self.step();
            assert_eq!(self.scheduler.audit(), [""; 0]);
        }
        assert_eq!(self.scheduler.outcome(), Some(Ok(())));
        self.check();
    }

    /// Every reduce task has every map's records exactly once, from an attempt that was accepted.
    fn check(&self) {
        let all: Vec<u32> = (0..self.maps).collect();
        for index in 0..self.reduces {
            let attempt = self.accepted.get(&index).unwrap();
            let (of, fetched) = &self.results[attempt];
            assert_eq!(*of, index);
            assert_eq!(fetched.keys().copied().collect::<Vec<_>>(), all);
        }
    }

    fn step(&mut self) {
        while let Some(action) = self.scheduler.poll_action() {
            self.execute(action);
        }
        self.send();
        if self.faults < FAULTS && self.seed.one_in(12) {
            self.faults += 1;
            self.inject_fault();
        }
        let next = self.events.first_key_value().map(|((at, _), _)| *at);
        let alarm = self.scheduler.next_timeout(self.now);
        match (next, alarm) {
            (Some(next), alarm) if alarm.is_none_or(|alarm| next <= alarm) => {
                let Some(((at, _), event)) = self.events.pop_first() else { return };
                self.now = self.now.max(at);
                self.handle(event);
            }
            (_, Some(alarm)) => {
                self.now = alarm;
                self.scheduler.handle_timeout(alarm);
            }
            (_, None) => panic!("nothing will ever handle again"),
        }
    }

    fn pick(&mut self) -> Option<WorkerId> {
        let ids: Vec<WorkerId> = self.processes.keys().copied().collect();
        (!ids.is_empty()).then(|| *self.seed.pick(&ids))
    }

    fn inject_fault(&mut self) {
        let Some(id) = self.pick() else { return };
        match self.seed.below(5) {
            0 => {
                // It is replaced later.
                let Some(process) = self.processes.remove(&id) else { return };
                self.seen.insert("a death");
                let (after, back) = (self.random_ms(50), self.random_ms(3_000));
                self.post(after, Event::Died(id));
                self.post(after + back, Event::Join(process.kind));
            }
            1 => {
                let pause = self.random_ms(6_000);
                let until = self.now + pause;
                self.seen.insert("a pause");
                if let Some(process) = self.processes.get_mut(&id) {
                    process.stopped_until = process.stopped_until.max(until);
                }
                self.post(pause, Event::Resume(id));
            }
            2 => {
                if let Some(process) = self.processes.get_mut(&id)
                    && process.outputs.pop_first().is_some()
                {
                    self.seen.insert("an output that disappeared");
                }
            }
            3 if !self.old.is_empty() => self.post_false_answer(id),
            _ => {
                let running = self.processes.get(&id).and_then(|p| p.running.keys().next());
                if let Some(attempt) = running.copied() {
                    self.seen.insert("a failure");
                    if let Some(process) = self.processes.get_mut(&id) {
                        process.running.remove(&attempt);
                    }
                    self.post(ms(1), Event::Failed(id, attempt, Cause::Worker));
                }
            }
        }
    }

    /// A worker answers for an old attempt, or for an attempt of another worker.
    fn post_false_answer(&mut self, id: WorkerId) {
        let (owner, attempt) = *self.seed.pick(&self.old.clone());
        let is_running = |scheduler: &Scheduler, id: WorkerId| {
            scheduler.running().any(|(running, _, worker)| (running, worker) == (attempt, id))
        };
        if is_running(&self.scheduler, id) {
            return;
        }
        self.seen.insert("a false answer");
        let sender = match self.processes.contains_key(&owner) && self.seed.one_in(2) {
            true => owner,
            false => id,
        };
        if !is_running(&self.scheduler, sender) {
            self.post(ms(1), Event::Completed(sender, attempt));
            self.post(ms(2), Event::Failed(sender, attempt, Cause::Permanent));
        }
    }

    /// A stopped worker continues.
    fn resume(&mut self, id: WorkerId) {
        let Some(process) = self.processes.get_mut(&id) else { return };
        if process.stopped_until <= self.now {
            std::mem::take(&mut process.inbox).into_iter().for_each(|event| self.handle(event));
        }
    }

    fn handle(&mut self, event: Event) {
        let actor = match &event {
            Event::Arrive(worker, _)
            | Event::Cancel(worker, _)
            | Event::MapDone(worker, _)
            | Event::Fetch(worker, _, _)
            | Event::ReduceDone(worker, _) => Some(*worker),
            _ => None,
        };
        if let Some(process) = actor.and_then(|worker| self.processes.get_mut(&worker))
            && (process.stopped_until > self.now || !process.inbox.is_empty())
        {
            return process.inbox.push_back(event);
        }
        let now = self.now;
        match event {
            Event::Arrive(worker, arrival) => self.arrive(worker, arrival),
            Event::Cancel(worker, attempt) => {
                if let Some(process) = self.processes.get_mut(&worker) {
                    process.running.remove(&attempt);
                }
            }
            Event::Answered(worker, number) => {
                if let Some(connection) = self.connections.get_mut(&worker) {
                    connection.answered(number);
                }
            }
            Event::Resume(worker) => self.resume(worker),
            Event::MapDone(worker, attempt) => self.map_done(worker, attempt),
            Event::Fetch(worker, attempt, map) => self.fetch(worker, attempt, map),
            Event::ReduceDone(worker, attempt) => self.reduce_done(worker, attempt),
            Event::Completed(worker, attempt) => self.completed(worker, attempt),
            Event::Failed(worker, attempt, cause) => {
                self.task_ended(worker, attempt);
                let failure = Failure::new(cause, "on purpose");
                self.scheduler.handle_failed(now, worker, attempt, &failure);
            }
            Event::Pong(worker) => {
                if self.processes.contains_key(&worker) {
                    self.scheduler.handle_progress(now, worker, &[]);
                }
            }
            Event::Lost(worker, map, attempt, loss) => {
                self.scheduler.handle_output_lost(now, worker, map, attempt, loss);
            }
            Event::Died(worker) => {
                self.connections.remove(&worker);
                self.scheduler.handle_worker_lost(now, worker);
            }
            Event::Join(kind) => self.join(kind),
        }
    }

    /// Executes an action of the scheduler.
    fn execute(&mut self, action: Action) {
        match action {
            Action::Silent { .. } => drop(self.seen.insert("silence")),
            Action::Cancel { worker, attempt } => {
                if let Some(connection) = self.connections.get_mut(&worker) {
                    connection.cancel(attempt);
                }
                self.deliver(worker, Event::Cancel(worker, attempt));
            }
            Action::Start(start) => {
                if let Some(connection) = self.connections.get_mut(&start.worker) {
                    connection.start(start);
                }
            }
            Action::Announce { worker, attempt, output } => {
                if let Some(connection) = self.connections.get_mut(&worker) {
                    connection.announce(attempt, &output);
                }
            }
            Action::Withdraw { worker, attempt, map, output } => {
                self.seen.insert("a re-execution");
                if let Some(connection) = self.connections.get_mut(&worker) {
                    connection.withdraw(attempt, map, output);
                }
            }
            Action::Ping { worker } => {
                if let Some(connection) = self.connections.get_mut(&worker) {
                    connection.ping();
                }
            }
        }
    }

    /// Sends what the connections accept.
    fn send(&mut self) {
        let mut sent = Vec::new();
        for (worker, connection) in &mut self.connections {
            let (taken, refuses) = connection.send();
            sent.extend(taken.into_iter().map(|arrival| (*worker, arrival)));
            if refuses {
                self.seen.insert("a refused call");
            }
        }
        for (worker, arrival) in sent {
            self.deliver(worker, Event::Arrive(worker, arrival));
        }
    }

    /// Messages to a worker arrive in order.
    fn deliver(&mut self, worker: WorkerId, event: Event) {
        let after = self.random_ms(3);
        let before = self.delivered.entry(worker).or_default();
        *before = (*before).max(self.now + after);
        let after = *before - self.now;
        self.post(after, event);
    }

    fn arrive(&mut self, worker: WorkerId, arrival: Arrival) {
        if !self.processes.contains_key(&worker) {
            return;
        }
        let after = self.random_ms(20);
        match arrival {
            Arrival::Start(start) => self.start(start),
            Arrival::Announcement(number, announcement) => {
                self.receive_announcement(worker, announcement);
                self.post(after, Event::Answered(worker, number));
            }
            Arrival::Ping(number) => {
                self.post(after, Event::Pong(worker));
                self.post(after, Event::Answered(worker, number));
            }
        }
    }

    /// An announcement reaches a reduce attempt: losses are applied first.
    fn receive_announcement(&mut self, worker: WorkerId, announcement: MapOutputAnnouncement) {
        let attempt = AttemptId(announcement.attempt);
        let process = self.processes.get_mut(&worker);
        if let Some(running) = process.and_then(|p| p.running.get_mut(&attempt)) {
            for (map, output) in &announcement.lost {
                let is_meant = |known: &MapOutput| known.attempt.0 == *output;
                if running.known.get(map).is_some_and(is_meant) {
                    running.known.remove(map);
                }
            }
        }
        for output in &announcement.outputs {
            self.learn_output(worker, attempt, map_output_of(output));
        }
    }

    fn start(&mut self, start: Start) {
        let Start { worker, attempt, task, is_backup, outputs, .. } = start;
        if is_backup {
            self.seen.insert("a backup");
        }
        self.old.push((worker, attempt));
        let takes = self.random_ms(200);
        let Some(process) = self.processes.get_mut(&worker) else { return };
        let takes = takes * process.slowdown;
        let running = Running { task, known: BTreeMap::new(), fetched: BTreeMap::new() };
        process.running.insert(attempt, running);
        match task.kind {
            TaskKind::Map => self.post(takes, Event::MapDone(worker, attempt)),
            TaskKind::Reduce => {
                outputs.into_iter().for_each(|output| self.learn_output(worker, attempt, output));
                self.finish_if_complete(worker, attempt);
            }
        }
    }

    fn learn_output(&mut self, worker: WorkerId, attempt: AttemptId, output: MapOutput) {
        let process = self.processes.get_mut(&worker);
        let Some(running) = process.and_then(|p| p.running.get_mut(&attempt)) else { return };
        let map = output.map;
        running.known.insert(map, output);
        let after = self.random_ms(30);
        self.post(after, Event::Fetch(worker, attempt, map));
    }

    fn map_done(&mut self, worker: WorkerId, attempt: AttemptId) {
        let Some(process) = self.processes.get_mut(&worker) else { return };
        let Some(running) = process.running.remove(&attempt) else { return };
        process.outputs.insert(running.task.index, attempt);
        let after = self.random_ms(10);
        self.post(after, Event::Completed(worker, attempt));
    }

    fn fetch(&mut self, worker: WorkerId, attempt: AttemptId, map: u32) {
        let process = self.processes.get(&worker);
        let Some(running) = process.and_then(|p| p.running.get(&attempt)) else { return };
        let Some(known) = running.known.get(&map).cloned() else { return };
        if running.fetched.contains_key(&map) {
            return;
        }
        let holder = self.processes.get(&known.worker);
        let loss = match holder {
            Some(holder) if holder.stopped_until > self.now => {
                // No answer yet: the fetch is repeated until there is one, or the output is
                // withdrawn.
                return self.post(ms(50), Event::Fetch(worker, attempt, map));
            }
            Some(holder) if holder.outputs.get(&map) == Some(&known.attempt) => None,
            Some(_) => Some(Loss::Missing),
            None => Some(Loss::Unreachable),
        };
        match loss {
            None => {
                let process = self.processes.get_mut(&worker);
                if let Some(running) = process.and_then(|p| p.running.get_mut(&attempt)) {
                    running.fetched.insert(map, known.attempt);
                }
                self.finish_if_complete(worker, attempt);
            }
            Some(loss) => {
                self.seen.insert("a loss found by a reducer");
                self.post(ms(2), Event::Lost(worker, map, known.attempt, loss));
                self.post(ms(100), Event::Fetch(worker, attempt, map));
            }
        }
    }

    fn finish_if_complete(&mut self, worker: WorkerId, attempt: AttemptId) {
        let takes = self.random_ms(50);
        let process = self.processes.get(&worker);
        let running = process.and_then(|p| p.running.get(&attempt));
        if running.is_some_and(|running| running.fetched.len() == self.maps as usize) {
            self.post(takes, Event::ReduceDone(worker, attempt));
        }
    }

    fn reduce_done(&mut self, worker: WorkerId, attempt: AttemptId) {
        let process = self.processes.get_mut(&worker);
        let Some(running) = process.and_then(|p| p.running.remove(&attempt)) else { return };
        self.results.insert(attempt, (running.task.index, running.fetched));
        let after = self.random_ms(10);
        self.post(after, Event::Completed(worker, attempt));
    }

    fn task_ended(&mut self, worker: WorkerId, attempt: AttemptId) {
        if let Some(connection) = self.connections.get_mut(&worker) {
            connection.task_ended(attempt);
        }
    }

    fn completed(&mut self, worker: WorkerId, attempt: AttemptId) {
        self.task_ended(worker, attempt);
        let sizes = vec![1; self.reduces as usize].into();
        if self.scheduler.handle_completed(self.now, worker, attempt, sizes) {
            if let Some((index, _)) = self.results.get(&attempt) {
                let before = self.accepted.insert(*index, attempt);
                assert_eq!(before, None, "a second result for reduce {index}");
            }
        } else {
            self.seen.insert("an answer that is too late");
        }
    }
}
