//! What the scheduler asks its shell to do.

use std::sync::Arc;

use super::ids::{AttemptId, TaskId, WorkerId};

/// The output of a completed map (3.2: location and sizes of its regions).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapOutput {
    /// The map task, from 0.
    pub map: u32,
    /// The attempt whose answer counted.
    pub attempt: AttemptId,
    /// Who has it.
    pub worker: WorkerId,
    /// Bytes for each reduce task.
    pub sizes: Arc<[u64]>,
}

/// An attempt that is to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// Where.
    pub worker: WorkerId,
    /// Which.
    pub attempt: AttemptId,
    /// Of which task.
    pub task: TaskId,
    /// It runs beside another one that takes long (3.6).
    pub is_backup: bool,
    /// Records to leave out (4.6).
    pub skip: Vec<u64>,
    /// Of a reduce task: the outputs that are there already. Others are announced.
    pub outputs: Vec<MapOutput>,
}

/// Something to be done. What is for one worker must reach it in the order of asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Have a worker begin an attempt.
    Start(Start),
    /// Tell the worker of a reduce attempt that a map's output is there. One that it has already,
    /// from another attempt, it keeps.
    Announce {
        /// Whom.
        worker: WorkerId,
        /// Its reduce attempt.
        attempt: AttemptId,
        /// The output.
        output: MapOutput,
    },
    /// Tell the worker of a reduce attempt that an output is lost and another one will come.
    Withdraw {
        /// Whom.
        worker: WorkerId,
        /// Its reduce attempt.
        attempt: AttemptId,
        /// The map task, from 0.
        map: u32,
        /// The map's attempt that made what is lost.
        output: AttemptId,
    },
    /// Have a worker stop: nobody waits for this attempt any more.
    Cancel {
        /// Where it runs.
        worker: WorkerId,
        /// Which.
        attempt: AttemptId,
    },
    /// Ask a worker for a sign of life and its progress; report it with
    /// [`handle_progress`](super::Scheduler::handle_progress).
    Ping {
        /// Whom.
        worker: WorkerId,
    },
    /// A worker has fallen silent and counts as failed. If it is ours to end and start again, do.
    Silent {
        /// Which.
        worker: WorkerId,
    },
}
