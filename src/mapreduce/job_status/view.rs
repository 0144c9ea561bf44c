//! A copy of what can be shown, of bounded size.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use super::phase::{Phase, TaskRecord};
use super::workers::MAX_NAMED_TASKS;
use super::{AttemptCounts, EventLine, JobStatus, PhaseView, WorkerView, shown};
use crate::mapreduce::master::Times;
use crate::mapreduce::scheduler::{TaskId, TaskKind};

/// The number of counters in a view.
pub const MAX_COUNTERS: usize = 100;
/// The number of tasks in a view.
pub const MAX_TASKS: usize = 40;
/// A task is worth a look if it runs for this long.
const LONG: Duration = Duration::from_secs(2);

/// The state of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// No round has begun.
    Starting,
    /// Rounds run.
    Running,
    /// It has succeeded.
    Done,
    /// It has failed.
    Failed,
}

/// A job.
#[derive(Clone, Debug, PartialEq)]
pub struct JobView {
    /// Human-readable.
    pub name: String,
    /// The part of its id that may be shown.
    pub short_id: String,
    /// Its state.
    pub state: JobState,
    /// Why it has failed; may be empty.
    pub failure: String,
    /// When it was started, in milliseconds since 1970.
    pub started_unix_ms: u64,
    /// How long it has run.
    pub elapsed: Duration,
    /// The round's name.
    pub round: String,
    /// The round's number, from 1; 0 before the first.
    pub rounds: u64,
    /// How long the round has run, or took.
    pub round_elapsed: Duration,
    /// The workers.
    pub workers: Vec<WorkerView>,
    /// The number of workers.
    pub worker_count: u32,
    /// The round's map tasks.
    pub map: PhaseView,
    /// The round's reduce tasks.
    pub reduce: PhaseView,
    /// Bytes of the map outputs that exist.
    pub map_output_bytes: u64,
    /// Bytes that completed reduce tasks have fetched.
    pub shuffled_bytes: u64,
    /// Bytes of input in all.
    pub input_bytes: u64,
    /// The duration of the phases of all rounds.
    pub times: Times,
    /// Tasks that failed or run for long.
    pub tasks: Vec<TaskView>,
    /// Group, name and count.
    pub counters: Vec<(String, String, u64)>,
    /// The last events.
    pub events: Vec<EventLine>,
    /// The number of all events.
    pub event_count: u64,
    /// The result, at the end.
    pub output: Option<JobOutputView>,
    /// The attempts of all rounds.
    pub attempts: AttemptCounts,
}

/// A task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskView {
    /// For example `map 3`.
    pub name: String,
    /// Its letter in [`PhaseView::states`].
    pub state: char,
    /// Its attempts in this round.
    pub attempts: u32,
    /// Those that failed.
    pub failures: u32,
    /// The worker of the newest attempt.
    pub worker: String,
    /// How long that has run, or took.
    pub took: Duration,
    /// Its last error; may be empty.
    pub error: String,
}

/// The result of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobOutputView {
    /// Where it is.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// How it begins.
    pub head: String,
}

/// What one iteration of a clustering came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IterationError {
    /// From 1.
    pub iteration: u64,
    /// The sum of the squared distances to the centroids before it.
    pub squared_error: f64,
    /// The number of points whose cluster has changed.
    pub moved: u64,
    /// The largest distance that a centroid moved.
    pub shift: f64,
}

/// A clustering as it is drawn: in two coordinates.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusteringView {
    /// The number of clusters.
    pub clusters: u64,
    /// The number of coordinates of a point.
    pub dims: u32,
    /// The number of points; 0 if it is not known yet.
    pub points_in_all: u64,
    /// The number of the start, from 1.
    pub start: u64,
    /// The number of starts.
    pub starts: u64,
    /// The iteration of the centroids; 0: they are the initial ones.
    pub iteration: u64,
    /// The most iterations of a start.
    pub max_iterations: u64,
    /// The errors of this start.
    pub errors: Vec<IterationError>,
    /// The smallest error of a start that has ended.
    pub best_error: f64,
    /// The number of starts that have ended.
    pub ended_starts: u64,
    /// The names of the axes.
    pub axes: [String; 2],
    /// The centroids.
    pub centroids: Vec<[f32; 2]>,
    /// A sample of points.
    pub points: Arc<[[f32; 2]]>,
    /// The cluster of each of these points.
    pub labels: Vec<u16>,
    /// The number of the sample; another sample has another one.
    pub sample: u64,
}

impl JobStatus {
    /// What can be shown at this time.
    pub fn view(&self, now: Duration) -> JobView {
        let now = self.ended.unwrap_or(now);
        let round_end = self.round_ended.unwrap_or(now);
        JobView {
            name: self.description.name.clone(),
            short_id: self.description.short_id.clone(),
            state: self.state,
            failure: self.failure.clone(),
            started_unix_ms: self.description.started_unix_ms,
            elapsed: now,
            round: self.round.clone(),
            rounds: self.rounds,
            round_elapsed: round_end.saturating_sub(self.round_began),
            workers: self.worker_views(now),
            worker_count: self.workers.len() as u32,
            map: self.map.view(&self.description.split_bytes),
            reduce: self.reduce.view(&[]),
            map_output_bytes: self.map.output_bytes(),
            shuffled_bytes: self.fetched_bytes,
            input_bytes: self.description.split_bytes.iter().sum(),
            times: self.times,
            tasks: self.task_views(now),
            counters: self.counter_views(),
            events: self.events.lines(),
            event_count: self.events.count(),
            output: self.output.clone(),
            attempts: self.attempts,
        }
    }

    fn worker_views(&self, now: Duration) -> Vec<WorkerView> {
        let mut views = self.workers.views(now);
        for running in self.running.values() {
            let found = views.iter_mut().find(|(index, _)| *index == running.worker);
            if let Some((_, view)) = found {
                view.running += 1;
                if view.tasks.len() < MAX_NAMED_TASKS {
                    view.tasks.push(running.task.to_string());
                }
            }
        }
        views.into_iter().map(|(_, view)| view).collect()
    }

    fn counter_views(&self) -> Vec<(String, String, u64)> {
        let counters = self.counters.iter().take(MAX_COUNTERS);
        counters.map(|(group, name, count)| (shown(group), shown(name), count)).collect()
    }

    /// Tasks that failed, were repeated or run for long; those that are not completed first, then
    /// the slowest.
    fn task_views(&self, now: Duration) -> Vec<TaskView> {
        // Reduce tasks wait for all maps.
        let maps_are_done = self.map.is_done();
        let interesting = |kind, task: &TaskRecord| {
            let may_be_slow = kind == TaskKind::Map || maps_are_done;
            let is_slow = may_be_slow && task.is_running() && task.took(now) >= LONG;
            task.failures > 0 || task.attempts > 1 || is_slow
        };
        let of = |kind: TaskKind, phase: &'_ Phase| -> Vec<(TaskId, TaskRecord)> {
            let tasks = (0..).zip(&phase.tasks).filter(|(_, task)| interesting(kind, task));
            tasks.map(|(index, task)| (TaskId { kind, index }, *task)).collect()
        };
        let mut found = of(TaskKind::Map, &self.map);
        found.extend(of(TaskKind::Reduce, &self.reduce));
        found.sort_unstable_by_key(|(task, record)| {
            (record.letter() == 'd', record.failures == 0, Reverse(record.took(now)), *task)
        });
        found.truncate(MAX_TASKS);
        let view = |(task, record): (TaskId, TaskRecord)| TaskView {
            name: task.to_string(),
            state: record.letter(),
            attempts: record.attempts,
            failures: record.failures,
            worker: self.workers.name(record.worker).to_owned(),
            took: record.took(now),
            error: match task.kind {
                TaskKind::Map => self.map.error(task.index).to_owned(),
                TaskKind::Reduce => self.reduce.error(task.index).to_owned(),
            },
        };
        found.into_iter().map(view).collect()
    }
}
