//! What a job may take of a worker: memory, disk space, time.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::open_job::OpenJob;
use super::{Worker, locked};
use crate::call::{Code, Status};

/// What a job may take of a worker.
#[derive(Clone, Debug)]
pub struct WorkerLimits {
    /// A job ends when its master makes no call for this long, and no task makes progress.
    pub max_job_idle: Duration,
    /// A job ends after this time in any case; `None`: it may take as long as it likes.
    pub max_job_time: Option<Duration>,
    /// Memory for the parameters of rounds.
    pub parameter_bytes: u64,
    /// Memory for sorting, of all reduce tasks together.
    pub sort_bytes: u64,
    /// Nothing is written when less than this is free on the disk.
    pub min_free_bytes: u64,
}

const MEBIBYTE: u64 = 1024 * 1024;

impl Default for WorkerLimits {
    fn default() -> WorkerLimits {
        WorkerLimits {
            max_job_idle: Duration::from_secs(600),
            max_job_time: Some(Duration::from_secs(24 * 3600)),
            parameter_bytes: 1024 * MEBIBYTE,
            sort_bytes: 1024 * MEBIBYTE,
            min_free_bytes: 64 * MEBIBYTE,
        }
    }
}

impl WorkerLimits {
    /// How often the limits of time are checked.
    fn check_interval(&self) -> Duration {
        let shortest = self.max_job_time.unwrap_or(self.max_job_idle).min(self.max_job_idle);
        (shortest / 4).clamp(Duration::from_millis(10), Duration::from_secs(1))
    }
}

/// Ends a job that takes too long, or whose master makes no more calls.
pub(super) fn watch(worker: &Arc<Worker>, job: &Arc<OpenJob>) {
    let limits = worker.options.limits.clone();
    let (worker, job) = (Arc::downgrade(worker), Arc::downgrade(job));
    let watching = thread::Builder::new().name("job limits".into()).spawn(move || {
        let (mut activity, mut active_at) = (0, Instant::now());
        loop {
            thread::sleep(limits.check_interval());
            let (Some(worker), Some(job)) = (worker.upgrade(), job.upgrade()) else { return };
            if job.check_open().is_err() {
                return;
            }
            let now = job.activity();
            if now != activity {
                (activity, active_at) = (now, Instant::now());
            }
            let time = limits.max_job_time.filter(|time| job.opened_at.elapsed() >= *time);
            let idle = Some(limits.max_job_idle).filter(|idle| active_at.elapsed() >= *idle);
            let reason = match (time, idle) {
                (Some(time), _) => {
                    format!("the job has run for {} s (--max-job-time)", time.as_secs_f64())
                }
                (None, Some(idle)) => {
                    let seconds = idle.as_secs_f64();
                    format!("the job was idle for {seconds} s (--max-job-idle)")
                }
                (None, None) => continue,
            };
            worker.jobs.end(&job, &Status::new(Code::DeadlineExceeded, reason));
            return;
        }
    });
    if let Err(error) = watching {
        log::warn!("the time of a job is not limited: {error}");
    }
}

/// How often HoldJob calls are checked.
const HOLD_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Ends HoldJob calls that OpenJob does not follow, by one thread for all of them, which ends when
/// there are none.
pub(super) fn watch_holds(worker: &Arc<Worker>) {
    if !worker.jobs.begin_to_watch_holds() {
        return;
    }
    let watched = Arc::downgrade(worker);
    let watching = thread::Builder::new().name("job holds".into()).spawn(move || {
        loop {
            thread::sleep(HOLD_CHECK_INTERVAL);
            let Some(worker) = watched.upgrade() else { return };
            if !worker.jobs.end_holds_without_job() {
                return;
            }
        }
    });
    if let Err(error) = watching {
        worker.jobs.end_to_watch_holds();
        log::warn!("masters that open no job are not sent away: {error}");
    }
}

/// Output of committed tasks that is kept, in one account for a job.
#[derive(Debug, Default)]
pub(super) struct OutputAccount(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    memory_bytes: u64,
    files: u64,
}

/// Outputs in memory; others are served from their files.
const MAX_MEMORY_BYTES: u64 = 256 * MEBIBYTE;
/// Outputs that are known: one for each map task and reduce task.
const MAX_OUTPUTS: u64 = 1_000_000;

impl OutputAccount {
    /// Whether further output may be kept in memory.
    pub(super) fn has_memory(&self) -> bool {
        locked(&self.0).memory_bytes < MAX_MEMORY_BYTES
    }

    /// Whether this many outputs may be added.
    pub(super) fn check(&self, count: u64) -> Result<(), Status> {
        match locked(&self.0).files + count > MAX_OUTPUTS {
            true => {
                let reason = format!("this worker keeps {MAX_OUTPUTS} outputs of a job, no more");
                Err(Status::new(Code::FailedPrecondition, reason))
            }
            false => Ok(()),
        }
    }

    /// Counts outputs that are added, and those that they replace.
    pub(super) fn replace(&self, added: (u64, u64), replaced: (u64, u64)) {
        let mut kept = locked(&self.0);
        kept.files = (kept.files + added.0).saturating_sub(replaced.0);
        kept.memory_bytes = (kept.memory_bytes + added.1).saturating_sub(replaced.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_counted_in_one_account() {
        let account = OutputAccount::default();
        assert!(account.has_memory());
        account.replace((MAX_OUTPUTS - 1, MAX_MEMORY_BYTES), (0, 0));
        assert!(!account.has_memory());
        account.check(1).unwrap();
        let refused = account.check(2).unwrap_err();
        assert_eq!(refused.code, Code::FailedPrecondition, "{refused}");
        account.replace((1, 10), (1_000, MAX_MEMORY_BYTES));
        assert!(account.has_memory());
        account.check(1_000).unwrap();
    }
}
