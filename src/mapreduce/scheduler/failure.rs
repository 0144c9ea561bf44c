//! What goes wrong with tasks, and how often it may.

use std::collections::BTreeMap;
use std::fmt;

use super::ids::{TaskId, WorkerId};
use super::policy::Policy;

/// Why an attempt had no result: it decides what happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The worker could not, for a reason that is not the task's and may be over: again, anywhere.
    Worker,
    /// This worker lacks what the task needs, a file or space on its disk: elsewhere.
    MissingResource,
    /// The worker died or fell silent. A task that kills its workers must not go on for ever.
    WorkerLost,
    /// The job's code failed, or made no progress: again, a few times.
    Job {
        /// The record on which it failed, if it is known; any number that means the record to the
        /// job, such as its place in the input.
        record: Option<u64>,
    },
    /// The input or the job makes no sense, and will not make any next time.
    Permanent,
}

/// An attempt's failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What it means for the task.
    pub cause: Cause,
    /// For people.
    pub reason: String,
}

impl Failure {
    /// A failure, and what to say about it.
    pub fn new(cause: Cause, reason: impl Into<String>) -> Failure {
        Failure { cause, reason: reason.into() }
    }
}

/// Why a reduce task did not get a map's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The worker that made it does not have it.
    Missing,
    /// The worker did not answer.
    Unreachable,
}

/// Why a job ended without a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobFailure {
    /// The task that could not be done.
    pub task: TaskId,
    /// What went wrong with it last.
    pub reason: String,
}

impl fmt::Display for JobFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.task, self.reason)
    }
}

impl std::error::Error for JobFailure {}

/// What went wrong with one task in this round.
#[derive(Debug, Default)]
pub(super) struct TaskFailures {
    worker_failures: u32,
    worker_losses: u32,
    crashes: u32,
    pub(super) unreachable: u32,
    /// Workers that lack what the task needs, and how often that was found.
    pub(super) avoided_workers: BTreeMap<WorkerId, u32>,
    /// Records on which attempts failed.
    pub(super) records: BTreeMap<u64, u32>,
}

/// 4.6: more than one failure on a record.
const FAILURES_OF_A_BAD_RECORD: u32 = 2;

impl TaskFailures {
    /// Counts a failure. Returns whether there is hope left; `others_left` tells whether a worker is
    /// left that was not tried too often.
    pub(super) fn note(
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
                    // A record that is left out next time has cost its crashes, and no more.
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

    /// The records that the next attempt leaves out.
    pub(super) fn bad_records(&self) -> impl Iterator<Item = u64> {
        let bad =
            |(record, count): (&u64, &u32)| (*count >= FAILURES_OF_A_BAD_RECORD).then_some(*record);
        self.records.iter().filter_map(bad)
    }
}
