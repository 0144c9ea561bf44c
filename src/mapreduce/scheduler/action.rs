//! The scheduler's actions, which its shell executes.

use std::sync::Arc;

use super::ids::{AttemptId, TaskId, WorkerId};

/// The output of a completed map task (3.2: location and sizes of its regions).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapOutput {
    /// The index of the map task, from 0.
    pub map: u32,
    /// The attempt whose result counted.
    pub attempt: AttemptId,
    /// The worker that has the output.
    pub worker: WorkerId,
    /// The size for each reduce task, in bytes.
    pub sizes: Arc<[u64]>,
}

/// A new attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The worker that runs it.
    pub worker: WorkerId,
    /// The attempt's number.
    pub attempt: AttemptId,
    /// The task.
    pub task: TaskId,
    /// It is a backup of a slow attempt (3.6).
    pub is_backup: bool,
    /// Offsets of the records to leave out (4.6).
    pub skip: Vec<u64>,
    /// Reduce tasks: the outputs that are complete. Others are announced later.
    pub outputs: Vec<MapOutput>,
}

/// An action. The actions for one worker must reach it in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Start an attempt.
    Start(Start),
    /// Announce a map output to a reduce attempt. If the attempt has already fetched an output of
    /// the same map task, it keeps that one.
    Announce {
        /// The worker of the reduce attempt.
        worker: WorkerId,
        /// The reduce attempt.
        attempt: AttemptId,
        /// The map output.
        output: MapOutput,
    },
    /// Announce to a reduce attempt that a map output is lost, and that another one will follow.
    Withdraw {
        /// The worker of the reduce attempt.
        worker: WorkerId,
        /// The reduce attempt.
        attempt: AttemptId,
        /// The index of the map task, from 0.
        map: u32,
        /// The map attempt whose output is lost.
        output: AttemptId,
    },
    /// Cancel an attempt.
    Cancel {
        /// The worker that runs it.
        worker: WorkerId,
        /// The attempt.
        attempt: AttemptId,
    },
    /// Ping a worker; report its answer with
    /// [`handle_progress`](super::Scheduler::handle_progress).
    Ping {
        /// The worker.
        worker: WorkerId,
    },
    /// A worker has stopped answering and counts as failed. A local worker is to be replaced.
    Silent {
        /// The worker.
        worker: WorkerId,
    },
}
