//! Failures of tasks.

use std::fmt;
use std::io;

/// Why a task has no result. The scheduler maps each variant to a
/// [`Cause`](crate::mapreduce::scheduler::Cause).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The task was cancelled.
    Cancelled,
    /// The worker failed for a reason that is not related to the task.
    Declined(String),
    /// This worker lacks a resource that the task needs: a file, or space on its disk. Another
    /// worker may have it.
    MissingResource(String),
    /// This worker lacks the task's input: as [`MissingResource`](Fault::MissingResource), but the
    /// master may send it.
    MissingInput(String),
    /// This worker's input differs from the master's.
    InputMismatch(String),
    /// The job's code failed. Another attempt may succeed.
    Crashed {
        /// Human-readable.
        reason: String,
        /// The offset of the record in the whole input, if it is known.
        record: Option<u64>,
    },
    /// A record is invalid. All attempts would fail on it.
    BadRecord {
        /// The offset of the record's line in the whole input.
        offset: u64,
        /// The position of the error in the line, in bytes from 1.
        column: u64,
        /// Human-readable.
        reason: String,
    },
    /// A failure that another attempt would not change: invalid parameters, a damaged file of the
    /// job, a protocol error.
    Permanent(String),
}

impl Fault {
    /// The fault for an error of the operating system; `what` is the operation.
    pub fn io(what: impl fmt::Display, error: &io::Error) -> Fault {
        Fault::MissingResource(format!("{what}: {error}"))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Cancelled => f.write_str("cancelled"),
            Fault::Declined(reason)
            | Fault::MissingResource(reason)
            | Fault::MissingInput(reason)
            | Fault::InputMismatch(reason)
            | Fault::Permanent(reason) => f.write_str(reason),
            Fault::Crashed { reason, record: None } => f.write_str(reason),
            Fault::Crashed { reason, record: Some(offset) } => {
                write!(f, "{reason} (at byte {offset} of the input)")
            }
            Fault::BadRecord { offset, column, reason } => {
                write!(f, "byte {offset} of the input, column {column}: {reason}")
            }
        }
    }
}

impl std::error::Error for Fault {}
