//! Failures of tasks, and their limits.

use std::collections::BTreeMap;
use std::fmt;

use super::ids::{TaskId, WorkerId};
use super::policy::Policy;

/// Why an attempt failed. It decides how the task continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The worker failed for a reason that is not related to the task and may be temporary. The
    /// task is retried on any worker.
    Worker,
    /// The worker lacks a resource, such as a file or space on its disk. The task is retried on
    /// other workers first.
    MissingResource,
    /// The worker died or stopped answering. The number of these failures is limited, because the
    /// task itself may crash its workers.
    WorkerLost,
    /// The job's code failed or made no progress. The task is retried a few times.
    Job {
        /// The record on which the code failed, if it is known: a number that identifies the record
        /// to the job, such as its offset in the input.
        record: Option<u64>,
    },
    /// The input or the job is invalid. A retry would fail as well.
    Permanent,
}

/// The failure of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The effect on the task.
    pub cause: Cause,
    /// Human-readable.
    pub reason: String,
}

impl Failure {
    /// A failure with its reason.
    pub fn new(cause: Cause, reason: impl Into<String>) -> Failure {
        Failure { cause, reason: reason.into() }
    }
}

/// Why a reduce task did not get a map output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The worker that made it no longer has it.
    Missing,
    /// The worker did not answer.
    Unreachable,
}

/// Why a job failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobFailure {
    /// The task that failed.
    pub task: TaskId,
    /// The reason of its last failure.
    pub reason: String,
}

impl fmt::Display for JobFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.task, self.reason)
    }
}

impl std::error::Error for JobFailure {}

/// The failures of one task in this round.
#[derive(Debug, Default)]
pub(super) struct TaskFailures {
    worker_failures: u32,
    worker_losses: u32,
    crashes: u32,
    pub(super) unreachable: u32,
    /// Workers that lack a resource for the task, with the number of failures.
    pub(super) avoided_workers: BTreeMap<WorkerId, u32>,
    /// The number of failures on each record.
    pub(super) records: BTreeMap<u64, u32>,
}

/// 4.6: more than one failure on a record.
const FAILURES_OF_A_BAD_RECORD: u32 = 2;

impl TaskFailures {
    /// Counts a failure. Returns whether the task may be retried. `others_left` returns whether a
    /// worker is left that did not fail too often.
    pub(super) fn record(
        &mut self,
        from: Option<WorkerId>,
        failure: &Failure,
        policy: &Policy,
        others_left: impl Fn(&BTreeMap<WorkerId, u32>) -> bool,
    ) -> bool {
        match failure.cause {
            Cause::Worker => {
                self.worker_failures += 1;
                self.worker_failures < policy.max_worker_failures
            }
            Cause::WorkerLost => {
                self.worker_losses += 1;
                self.worker_losses < policy.max_worker_losses
            }
            Cause::MissingResource => {
                if let Some(worker) = from {
                    *self.avoided_workers.entry(worker).or_default() += 1;
                }
                others_left(&self.avoided_workers)
            }
            Cause::Job { record } => {
                if policy.skip_bad_records
                    && let Some(record) = record
                {
                    // A record that is skipped from now on must not count towards the limit.
                    let count = self.records.entry(record).or_default();
                    *count += 1;
                    if *count == FAILURES_OF_A_BAD_RECORD {
                        self.crashes = (self.crashes + 1).saturating_sub(*count);
                        return true;
                    }
                }
                self.crashes += 1;
                self.crashes < policy.max_crashes
            }
            Cause::Permanent => false,
        }
    }

    /// The records that the next attempt skips.
    pub(super) fn bad_records(&self) -> impl Iterator<Item = u64> {
        let bad =
            |(record, count): (&u64, &u32)| (*count >= FAILURES_OF_A_BAD_RECORD).then_some(*record);
        self.records.iter().filter_map(bad)
    }
}
