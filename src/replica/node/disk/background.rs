//! Slow I/O off the disk thread: writing snapshots, copying the log, verifying received snapshots.

use std::sync::Arc;
use std::time::Instant;

use super::{BackgroundTask, COMMIT_NOTE_INTERVAL, DiskCompletion, Job, Queue};
use crate::raft::StateMachine;
use crate::replica::state::Replicated;
use crate::replica::storage::{Compaction, ReceivedSnapshot, SnapshotJob, StorageError};

/// The background I/O thread.
pub(super) struct BackgroundIo<M> {
    pub(super) tasks: Arc<Queue<BackgroundTask>>,
    pub(super) jobs: Arc<Queue<Job<M>>>,
}

impl<M: StateMachine> BackgroundIo<M> {
    pub(super) fn run(self) {
        // Ends with the disk thread, which holds the other reference.
        while Arc::strong_count(&self.tasks) > 1 {
            self.tasks.wait(COMMIT_NOTE_INTERVAL);
            for task in self.tasks.take() {
                let done = match task {
                    BackgroundTask::Snapshot(job) => snapshot(job),
                    BackgroundTask::Compaction(compaction) => compact(compaction),
                    BackgroundTask::Verify(received) => verify(received),
                };
                let job = done.unwrap_or_else(|error| Job::Report(DiskCompletion::Failed(error)));
                self.jobs.push(job);
            }
        }
    }
}

/// Without space there is no snapshot this time: the existing files are complete.
fn snapshot<M>(mut job: SnapshotJob) -> Result<Job<M>, StorageError> {
    let began = Instant::now();
    match job.run() {
        Err(error) if error.is_temporary() => {
            log::warn!("no snapshot is written this time: {error}");
            Ok(Job::Report(DiskCompletion::SnapshotFailed))
        }
        written => written.map(|()| Job::FinishSnapshot(job, began.elapsed())),
    }
}

/// Without space for a shorter copy the log keeps its length.
fn compact<M>(mut compaction: Compaction) -> Result<Job<M>, StorageError> {
    match compaction.run() {
        Err(error) if error.is_temporary() => {
            log::warn!("the log is not compacted this time: {error}");
            Ok(Job::EndCompaction)
        }
        copied => copied.map(|()| Job::FinishCompaction(compaction)),
    }
}

fn verify<M: StateMachine>(received: ReceivedSnapshot) -> Result<Job<M>, StorageError> {
    let mark = received.mark();
    let mut state = Box::new(Replicated::default());
    let fault = match received.verify(&mut |words| state.restore(words))? {
        Ok(snapshot) => match state.restored(mark.index) {
            Ok(()) => return Ok(Job::Install(snapshot, mark, state)),
            Err(what) => what,
        },
        Err(corruption) => corruption.to_string(),
    };
    log::warn!("the leader's snapshot is invalid: {fault}");
    Ok(Job::Report(DiskCompletion::Installed(mark, None)))
}
