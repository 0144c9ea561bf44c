//! Timeouts and limits of the scheduler.

use std::time::Duration;

/// The numbers behind the scheduler's decisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// A worker is pinged when it has not answered for this long.
    pub ping_interval: Duration,
    /// A worker that has not answered for this long counts as failed.
    pub silent_after: Duration,
    /// An attempt without progress for this long is cancelled, and counts as a crash. `None`:
    /// never.
    pub progress_timeout: Option<Duration>,
    /// Start backup attempts of slow tasks when workers are idle (3.6).
    pub backup_tasks: bool,
    /// An attempt is slow if it takes this many times the median.
    pub backup_factor: u32,
    /// The shortest time before a backup.
    pub backup_floor: Duration,
    /// Workers keep the input of their tasks in memory: an idle task waits some time for its
    /// preferred worker.
    pub inputs_are_kept: bool,
    /// The shortest such wait. Otherwise it is twice the median duration.
    pub min_preferred_wait: Duration,
    /// The longest such wait.
    pub max_preferred_wait: Duration,
    /// This many crashes of one task, over all attempts, fail the job.
    pub max_crashes: u32,
    /// This many worker failures of one task fail the job.
    pub max_worker_failures: u32,
    /// This many lost workers of one task fail the job.
    pub max_worker_losses: u32,
    /// A worker that lacked a resource for a task this often is not tried again. A task without
    /// another worker fails the job.
    pub max_missing_resource: u32,
    /// This many reports that a map output is unreachable make the map run again, even if the
    /// worker answers the master.
    pub max_unreachable: u32,
    /// Skip records on which a task crashed twice (4.6).
    pub skip_bad_records: bool,
    /// The pause of a worker after its second failure in a row. It doubles with each further
    /// failure.
    pub first_backoff: Duration,
    /// The longest pause.
    pub max_backoff: Duration,
}

impl Policy {
    /// The default values.
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
