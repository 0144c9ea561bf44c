//! Identifiers of tasks, attempts and workers.

use std::fmt;

/// The kind of a task, and of the workers that run it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskKind {
    /// Reads a split, writes a partition for each reduce task.
    Map,
    /// Reads its partition of every map, writes output.
    Reduce,
}

/// A task of the round. It is displayed with numbers from 1: `map 1` has index 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId {
    /// Map or reduce.
    pub kind: TaskKind,
    /// The index, from 0.
    pub index: u32,
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            TaskKind::Map => "map",
            TaskKind::Reduce => "reduce",
        };
        write!(f, "{kind} {}", u64::from(self.index) + 1)
    }
}

/// One run of a task on one worker. Numbers grow over the whole job and are never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptId(pub u64);

impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "attempt {}", self.0)
    }
}

/// A worker process. A restarted worker has another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerId(pub u32);

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "worker {}", self.0)
    }
}
