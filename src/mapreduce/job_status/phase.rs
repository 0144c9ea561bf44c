//! The tasks of one kind in the current round.

use std::time::Duration;

use super::shown;

/// The most letters in a view.
pub const MAX_LETTERS: usize = 1_200;
/// The number of tasks whose last error is kept.
const MAX_ERRORS: usize = 40;

/// A phase in a view.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PhaseView {
    /// The number of tasks.
    pub tasks: u32,
    /// Tasks that wait for a worker.
    pub idle: u32,
    /// Tasks that run.
    pub running: u32,
    /// Completed tasks.
    pub done: u32,
    /// Tasks that had a failed attempt in this round.
    pub failed: u32,
    /// The state of each task, or of [`tasks_per_letter`](Self::tasks_per_letter) of them:
    /// [`TaskRecord::letter`].
    pub states: String,
    /// At least 1.
    pub tasks_per_letter: u32,
    /// Bytes of input that completed map tasks have read.
    pub input_bytes: u64,
}

/// One task.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TaskRecord {
    pub(super) attempts: u32,
    pub(super) failures: u32,
    running: u32,
    is_done: bool,
    has_backup: bool,
    /// The worker of the newest attempt.
    pub(super) worker: usize,
    /// The worker that has the output.
    done_by: usize,
    /// When the newest attempt began.
    began: Duration,
    /// When the task was last completed or became idle.
    ended: Duration,
    output_bytes: u64,
}

impl TaskRecord {
    /// `.` idle, `r` running, `b` running with a backup, `f` not completed after a failure, `d`
    /// completed.
    pub(super) fn letter(&self) -> char {
        match self {
            TaskRecord { is_done: true, .. } => 'd',
            TaskRecord { failures: 1.., .. } => 'f',
            TaskRecord { running: 0, .. } => '.',
            TaskRecord { has_backup: true, .. } => 'b',
            TaskRecord { .. } => 'r',
        }
    }

    pub(super) fn is_running(&self) -> bool {
        self.running > 0
    }

    /// How long the newest attempt has run, or took.
    pub(super) fn took(&self, now: Duration) -> Duration {
        let end = if self.is_running() { now } else { self.ended };
        end.saturating_sub(self.began)
    }
}

/// All tasks of the kind.
#[derive(Debug, Default)]
pub(super) struct Phase {
    pub(super) tasks: Vec<TaskRecord>,
    /// The last errors, by task.
    errors: Vec<(u32, String)>,
    output_bytes: u64,
}

impl Phase {
    pub(super) fn begin(&mut self, tasks: usize, now: Duration) {
        self.tasks.clear();
        self.tasks.resize(tasks, TaskRecord { ended: now, ..TaskRecord::default() });
        self.errors.clear();
        self.output_bytes = 0;
    }

    fn task(&mut self, index: u32) -> Option<&mut TaskRecord> {
        self.tasks.get_mut(index as usize)
    }

    /// An attempt has begun; returns its number among those of the task.
    pub(super) fn began(&mut self, now: Duration, index: u32, worker: usize, backup: bool) -> u32 {
        let Some(task) = self.task(index) else { return 0 };
        task.attempts += 1;
        task.running += 1;
        task.has_backup = backup;
        task.worker = worker;
        task.began = now;
        task.attempts
    }

    pub(super) fn succeeded(&mut self, now: Duration, index: u32, worker: usize, bytes: u64) {
        let Some(task) = self.task(index) else { return };
        task.running = task.running.saturating_sub(1);
        task.is_done = true;
        (task.done_by, task.ended) = (worker, now);
        let before = std::mem::replace(&mut task.output_bytes, bytes);
        self.output_bytes = self.output_bytes.saturating_sub(before).saturating_add(bytes);
    }

    pub(super) fn failed(&mut self, now: Duration, index: u32, reason: &str) {
        let Some(task) = self.task(index) else { return };
        task.running = task.running.saturating_sub(1);
        task.failures += 1;
        task.ended = now;
        self.errors.retain(|(of, _)| *of != index);
        if self.errors.len() == MAX_ERRORS {
            self.errors.remove(0);
        }
        self.errors.push((index, shown(reason)));
    }

    pub(super) fn cancelled(&mut self, now: Duration, index: u32) {
        let Some(task) = self.task(index) else { return };
        task.running = task.running.saturating_sub(1);
        task.has_backup = false;
        if !task.is_done {
            task.ended = now;
        }
    }

    /// The output of a completed task is lost; whether that was not known yet.
    pub(super) fn output_lost(&mut self, now: Duration, index: u32) -> bool {
        let Some(task) = self.task(index).filter(|task| task.is_done) else { return false };
        task.is_done = false;
        task.failures += 1;
        task.ended = now;
        let bytes = std::mem::take(&mut task.output_bytes);
        self.output_bytes = self.output_bytes.saturating_sub(bytes);
        true
    }

    /// A worker is lost, and with it the outputs that it has.
    pub(super) fn outputs_of_lost(&mut self, now: Duration, worker: usize) {
        for index in 0..self.tasks.len() as u32 {
            if self.task(index).is_some_and(|task| task.done_by == worker) {
                self.output_lost(now, index);
            }
        }
    }

    /// Whether all tasks are completed; true without any.
    pub(super) fn is_done(&self) -> bool {
        self.tasks.iter().all(|task| task.is_done)
    }

    /// The bytes of the outputs that exist.
    pub(super) fn output_bytes(&self) -> u64 {
        self.output_bytes
    }

    /// The last error of a task; may be empty.
    pub(super) fn error(&self, index: u32) -> &str {
        let found = self.errors.iter().find(|(of, _)| *of == index);
        found.map_or("", |(_, error)| error.as_str())
    }

    /// The tasks that are idle, that run and that are completed.
    pub(super) fn counts(&self) -> [u64; 3] {
        let mut counts = [0; 3];
        let [idle, running, done] = &mut counts;
        for task in &self.tasks {
            match (task.is_done, task.is_running()) {
                (true, _) => *done += 1,
                (false, true) => *running += 1,
                (false, false) => *idle += 1,
            }
        }
        counts
    }

    /// `input_bytes`: what each task reads.
    pub(super) fn view(&self, input_bytes: &[u64]) -> PhaseView {
        let per_letter = self.tasks.len().div_ceil(MAX_LETTERS).max(1);
        let mut view = PhaseView {
            tasks: self.tasks.len() as u32,
            tasks_per_letter: per_letter as u32,
            ..PhaseView::default()
        };
        for (index, task) in self.tasks.iter().enumerate() {
            view.failed += u32::from(task.failures > 0);
            match (task.is_done, task.is_running()) {
                (true, _) => {
                    view.done += 1;
                    view.input_bytes += input_bytes.get(index).copied().unwrap_or(0);
                }
                (false, true) => view.running += 1,
                (false, false) => view.idle += 1,
            }
        }
        let least = |tasks: &[TaskRecord]| {
            let letters = tasks.iter().map(TaskRecord::letter);
            letters.min_by_key(|letter| "f.brd".find(*letter)).unwrap_or('.')
        };
        view.states = self.tasks.chunks(per_letter).map(least).collect();
        view
    }
}
