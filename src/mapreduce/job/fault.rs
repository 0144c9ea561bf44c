//! What goes wrong in a task.

use std::fmt;
use std::io;

/// Why a task has no result. Each kind is a [`Cause`](crate::mapreduce::scheduler::Cause) to the
/// scheduler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nobody waits for the task any more.
    Cancelled,
    /// The worker declines, for no reason of the task's.
    Declined(String),
    /// This worker lacks what the task needs: a file, space on its disk. Another may have it.
    MissingResource(String),
    /// This worker lacks the task's input: as [`MissingResource`](Fault::MissingResource), but the master may send it.
    MissingInput(String),
    /// This worker's input is another version than the master's.
    InputMismatch(String),
    /// The job's own code failed. Another attempt may do better.
    Crashed {
        /// What happened.
        reason: String,
        /// The record on which it did: its offset in the input as a whole, if that is known.
        record: Option<u64>,
    },
    /// A record makes no sense, and will make none to anybody.
    BadRecord {
        /// Where in the input as a whole its line begins.
        offset: u64,
        /// The byte of the line that is wrong, from 1.
        column: u64,
        /// What is wrong there.
        reason: String,
    },
    /// The job makes no sense: parameters, a broken file of our own, a peer that errs.
    Permanent(String),
}

impl Fault {
    /// What an error of the operating system means for a task: `what` was tried.
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
