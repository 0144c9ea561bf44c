//! The metrics of a running job, see `schemas/metrics.md`.

use std::sync::Arc;

use super::job_service::JobMonitor;
use crate::mapreduce::job_status::JobState;
use crate::metrics::{Family, Registry};

const RUNNING: Family = Family::gauge(
    "agora_mapreduce_job_running",
    &[],
    "Whether rounds of the job run: 0 before the first and after the last",
);
const ROUNDS: Family = Family::counter(
    "agora_mapreduce_job_rounds_total",
    &[],
    "Rounds of the job that have begun; of k-means these are the iterations",
);
const ATTEMPTS: Family = Family::counter(
    "agora_mapreduce_job_attempts_total",
    &["outcome"],
    "Attempts of all rounds that have ended: succeeded, failed (or lost with their worker) or cancelled",
);
const BACKUPS: Family = Family::counter(
    "agora_mapreduce_job_backups_total",
    &[],
    "Attempts that were begun beside a slow one",
);

const TASKS: Family = Family::gauge(
    "agora_mapreduce_job_tasks",
    &["task", "state"],
    "Tasks of the current round, or of the last one: idle, running or completed",
);

const ALL: &[Family] = &[RUNNING, ROUNDS, ATTEMPTS, BACKUPS, TASKS];

impl JobMonitor {
    /// Registers the metrics of the job.
    pub fn register_metrics(self: &Arc<JobMonitor>, registry: &Registry) {
        let monitor = Arc::clone(self);
        registry.register(ALL, move |out| {
            let (state, rounds, attempts) = monitor.progress();
            out.family(&RUNNING).value(&[], state == JobState::Running);
            out.family(&ROUNDS).value(&[], rounds);
            out.family(&ATTEMPTS)
                .value(&["succeeded"], attempts.succeeded)
                .value(&["failed"], attempts.failed)
                .value(&["cancelled"], attempts.cancelled);
            out.family(&BACKUPS).value(&[], attempts.backups);
            let mut tasks = out.family(&TASKS);
            for (task, counts) in ["map", "reduce"].into_iter().zip(monitor.task_counts()) {
                for (state, count) in ["idle", "running", "completed"].into_iter().zip(counts) {
                    tasks.value(&[task, state], count);
                }
            }
        });
    }
}
