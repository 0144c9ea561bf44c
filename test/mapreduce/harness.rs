//! A scheduler with named workers and a manual clock.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use agora::mapreduce::scheduler::{
    Action, AttemptId, Cause, Failure, Loss, Policy, Scheduler, Start, TaskId, TaskKind, WorkerId,
    WorkerState,
};

/// Mappers are named M1, M2, ..., reducers R1, R2, ...
pub struct Harness {
    pub scheduler: Scheduler,
    pub now: Duration,
    /// The current id of each name. A restarted worker has its old name and a new id.
    ids: BTreeMap<String, WorkerId>,
    names: BTreeMap<WorkerId, String>,
    /// Actions that the test has not taken yet.
    actions: Vec<Action>,
    over: bool,
}

pub const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub fn map(index: u32) -> TaskId {
    TaskId { kind: TaskKind::Map, index }
}

pub fn reduce(index: u32) -> TaskId {
    TaskId { kind: TaskKind::Reduce, index }
}

impl Harness {
    pub fn new(policy: Policy) -> Harness {
        Harness {
            scheduler: Scheduler::new(policy),
            now: Duration::ZERO,
            ids: BTreeMap::new(),
            names: BTreeMap::new(),
            actions: Vec::new(),
            over: false,
        }
    }

    pub fn join(&mut self, name: &str) {
        let id = WorkerId(self.names.len() as u32 + 1);
        self.ids.insert(name.to_owned(), id);
        self.names.insert(id, name.to_owned());
        let kind = if name.starts_with('M') { TaskKind::Map } else { TaskKind::Reduce };
        self.scheduler.add_worker(self.now, id, kind, 1);
    }

    pub fn id(&self, name: &str) -> WorkerId {
        *self.ids.get(name).unwrap_or_else(|| panic!("no worker is named {name}"))
    }

    pub fn round(&mut self, maps: u32, reduces: u32) {
        self.over = false;
        self.scheduler.begin_round(self.now, maps, reduces);
    }

    pub fn lose(&mut self, name: &str) {
        let id = self.id(name);
        self.scheduler.handle_worker_lost(self.now, id);
    }

    pub fn answer_ping(&mut self, name: &str) {
        let id = self.id(name);
        self.scheduler.handle_progress(self.now, id, &[]);
    }

    /// The attempt that a worker runs.
    pub fn attempt(&self, name: &str) -> AttemptId {
        let id = self.id(name);
        let mut running = self.scheduler.running().filter(|(_, _, worker)| *worker == id);
        running.next().unwrap_or_else(|| panic!("{name} runs nothing")).0
    }

    pub fn complete(&mut self, name: &str, attempt: AttemptId) -> bool {
        self.scheduler.handle_completed(self.now, self.id(name), attempt, [1, 1].into())
    }

    /// The worker completes what it runs.
    pub fn done(&mut self, name: &str) {
        let attempt = self.attempt(name);
        assert!(self.complete(name, attempt), "{name}'s answer does not count");
    }

    pub fn fail(&mut self, name: &str, attempt: AttemptId, cause: Cause) -> bool {
        let failure = Failure::new(cause, "it says why");
        self.scheduler.handle_failed(self.now, self.id(name), attempt, &failure)
    }

    pub fn lost_output(&mut self, reducer: &str, map: u32, attempt: AttemptId, loss: Loss) {
        let id = self.id(reducer);
        self.scheduler.handle_output_lost(self.now, id, map, attempt, loss);
    }

    /// Advances the clock, and handles every timeout on the way.
    pub fn until(&mut self, then: Duration) {
        while let Some(due) = self.scheduler.next_timeout(self.now)
            && due <= then
        {
            assert!(due > self.now, "an alarm of the past");
            self.now = due;
            self.scheduler.handle_timeout(due);
        }
        self.now = then;
        self.scheduler.handle_timeout(then);
    }

    /// As [`until`](Self::until); these workers answer all pings.
    pub fn until_with(&mut self, then: Duration, alive: &[&str]) {
        while self.now < then {
            self.until((self.now + ms(100)).min(then));
            alive.iter().for_each(|name| self.answer_ping(name));
        }
    }

    /// Takes the actions since the last call.
    pub fn actions(&mut self) -> Vec<Action> {
        assert_eq!(self.scheduler.audit(), [""; 0]);
        self.actions.extend(std::iter::from_fn(|| self.scheduler.poll_action()));
        std::mem::take(&mut self.actions)
    }

    /// The attempts that started since the last call: worker's name and task.
    pub fn starts(&mut self) -> Vec<(String, TaskId)> {
        let starts = self.full_starts();
        starts.into_iter().map(|start| (self.names[&start.worker].clone(), start.task)).collect()
    }

    pub fn full_starts(&mut self) -> Vec<Start> {
        let starts = self.actions().into_iter().filter_map(|action| match action {
            Action::Start(start) => Some(start),
            _ => None,
        });
        starts.collect()
    }

    /// The actions since the last call but for pings, and the end of the round, as text.
    pub fn take_text(&mut self) -> String {
        let mut text = String::new();
        let is_ping = |action: &Action| matches!(action, Action::Ping { .. });
        for action in self.actions().into_iter().filter(|action| !is_ping(action)) {
            writeln!(text, "{}", self.describe(&action)).unwrap();
        }
        match self.scheduler.outcome() {
            Some(Ok(())) if !self.over => text.push_str("the round is over\n"),
            Some(Err(failure)) if !self.over => writeln!(text, "failed: {failure}").unwrap(),
            _ => return text,
        }
        self.over = true;
        text
    }

    fn describe(&self, action: &Action) -> String {
        match action {
            Action::Start(start) => {
                let Start { worker, attempt, task, is_backup, skip, outputs } = start;
                let mut text = format!("{} starts {task}, {attempt}", self.names[worker]);
                if *is_backup {
                    text.push_str(", a backup");
                }
                if !skip.is_empty() {
                    write!(text, ", without records {skip:?}").unwrap();
                }
                for output in outputs {
                    let holder = &self.names[&output.worker];
                    write!(text, ", {} is on {holder}", map(output.map)).unwrap();
                }
                text
            }
            Action::Announce { worker, output, .. } => {
                let (name, holder) = (&self.names[worker], &self.names[&output.worker]);
                format!("{name} is told: {} is on {holder}", map(output.map))
            }
            Action::Withdraw { worker, map: lost, .. } => {
                format!("{} is told: the output of {} is lost", self.names[worker], map(*lost))
            }
            Action::Cancel { worker, attempt } => {
                format!("{} cancels {attempt}", self.names[worker])
            }
            Action::Ping { worker } => {
                format!("{} is pinged", self.names[worker])
            }
            Action::Silent { worker } => format!("{} is silent", self.names[worker]),
        }
    }

    pub fn is_silent(&self, name: &str) -> bool {
        self.scheduler.worker_state(self.id(name)) == Some(WorkerState::Silent)
    }
}
