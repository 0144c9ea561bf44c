//! How patient the master is.

use std::time::Duration;

/// The numbers behind the scheduler's decisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// A worker that was not heard for so long is asked for a sign of life.
    pub ping_interval: Duration,
    /// A worker that was not heard for so long counts as failed.
    pub silent_after: Duration,
    /// An attempt without progress for so long is given up, and counts as a crash. `None`: never.
    pub progress_timeout: Option<Duration>,
    /// Run a second attempt of what takes long, when there are workers without work (3.6).
    pub backup_tasks: bool,
    /// How many times as long as others an attempt takes before it gets a backup.
    pub backup_factor: u32,
    /// It does not get one before.
    pub backup_floor: Duration,
    /// Workers have a task's input in memory from the round before: an idle task waits some time
    /// for its worker of then, rather than go to another one at once.
    pub inputs_are_kept: bool,
    /// The shortest such wait; else it is twice the time that a task takes.
    pub min_preferred_wait: Duration,
    /// The longest such wait.
    pub max_preferred_wait: Duration,
    /// Crashes of one task's code, all attempts together, that end the job.
    pub max_crashes: u32,
    /// Failures of one task's workers, for reasons that are not the task's, that end the job.
    pub max_worker_failures: u32,
    /// Workers that died or fell silent with one task, that end the job.
    pub max_worker_losses: u32,
    /// A worker that so often lacked what a task needs is not tried again; a task for which no
    /// other worker is left ends the job.
    pub max_missing_resource: u32,
    /// So many reports that a worker cannot be reached for a map's output, which to the master is
    /// well, have the map done again.
    pub max_unreachable: u32,
    /// Leave out records on which a task's code crashed twice (4.6).
    pub skip_bad_records: bool,
    /// How long a worker rests after its second failure in a row; twice as long after each more.
    pub first_backoff: Duration,
    /// The longest rest.
    pub max_backoff: Duration,
}

impl Policy {
    /// What is used unless flags say otherwise.
    pub const DEFAULT: Policy = Policy {
        ping_interval: Duration::from_millis(500),
        silent_after: Duration::from_secs(5),
        progress_timeout: Some(Duration::from_secs(600)),
        backup_tasks: true,
        backup_factor: 3,
        backup_floor: Duration::from_millis(300),
        inputs_are_kept: false,
        min_preferred_wait: Duration::from_millis(20),
        max_preferred_wait: Duration::from_secs(3),
        max_crashes: 4,
        max_worker_failures: 200,
        max_worker_losses: 20,
        max_missing_resource: 3,
        max_unreachable: 3,
        skip_bad_records: false,
        first_backoff: Duration::from_millis(5),
        max_backoff: Duration::from_millis(50),
    };
}

impl Default for Policy {
    fn default() -> Policy {
        Policy::DEFAULT
    }
}
