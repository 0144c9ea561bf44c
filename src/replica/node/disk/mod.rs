//! The threads that wait for the disk, so that the event loop does not.
//!
//! ```text
//!   event-loop task --- jobs ---> disk thread: write, sync     --- completions ---> event-loop task
//!                                   |     ^
//!                                   v     |
//!                                 background I/O: snapshots, compactions, checks of received snapshots
//! ```
//!
//! | file | |
//! |---|---|
//! | `worker` | the disk thread, and its behaviour when the disk is full |
//! | `background` | slow I/O |
//! | `slow_writes` | log lines about writes that take long |
//!
//! Large objects that are no longer needed (unlinked files, old entries of the log) are dropped on
//! a thread of their own, because closing and freeing them takes long.
//!
//! The disk thread executes jobs in order, with group commit: all writes that are queued when a
//! sync returns share the next sync, up to some megabytes. Slow work is prepared by the background
//! thread and only put in place by the disk thread.
//!
//! In a group of one, the event-loop task writes a single command itself if the disk thread is
//! idle: two thread wake-ups would add a third to the client's latency.
//!
//! # Bounds
//!
//! The queues have no limit of their own. Their producers bound them:
//!
//! - Jobs: the entries in writes are bounded by `max_uncommitted_bytes` on a leader and by the
//!   leader's window (`max_inflight_appends`, `max_inflight_bytes`) on a follower, since a write is
//!   acknowledged only when it is durable. A follower has at most one piece of a snapshot
//!   outstanding. The commit index is noted at an interval.
//! - Background tasks: at most one snapshot and one compaction at a time, and one verification for
//!   each received snapshot.
//! - Completions: a few for each job. Each poll takes all of them.
//! - Objects to drop: a few for each snapshot or compaction.

mod background;
mod slow_writes;
mod worker;

use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use background::BackgroundIo;
use slow_writes::SlowWrites;
use worker::DiskWorker;

use super::events::Events;

use crate::raft::{
    Frozen, Index, NodeId, SnapshotMark, SnapshotPiece, SnapshotRead, StateMachine, WriteId,
};
use crate::replica::engine::WriteJob;
use crate::replica::membership::Record;
use crate::replica::state::Replicated;
use crate::replica::storage::{
    Compaction, ReceivedSnapshot, SnapshotJob, Storage, StorageError, VerifiedSnapshot,
};
use crate::rpc::TaskWaker;

/// A job of the disk thread.
enum Job<M> {
    Write(WriteJob),
    NoteCommit(Index, Box<Record>),
    BeginSnapshot(SnapshotMark, Box<dyn Frozen>),
    FinishSnapshot(SnapshotJob, Duration),
    BeginCompaction(Index),
    FinishCompaction(Compaction),
    EndCompaction,
    Install(VerifiedSnapshot, SnapshotMark, Box<Replicated<M>>),
    ReadPiece(SnapshotRead),
    Report(DiskCompletion<M>),
    Close,
}

/// A job of the background I/O thread.
enum BackgroundTask {
    Snapshot(SnapshotJob),
    Compaction(Compaction),
    Verify(ReceivedSnapshot),
}

/// An object that is no longer needed and slow to drop.
pub(super) type Discarded = Box<dyn Send>;

/// What the disk thread reports.
pub(super) enum DiskCompletion<M> {
    /// This write, and all before it, are durable.
    Persisted(WriteId),
    /// The hard states of this write, and of all before it, are durable.
    HardStatePersisted(WriteId),
    /// Writes wait for disk space from now on; the error text.
    Full(String),
    /// Writes no longer wait for disk space.
    SpaceAvailable,
    /// Whether the disk may soon lack space for a snapshot.
    LowOnSpace(bool),
    /// There was no space for a snapshot from the leader.
    SnapshotLost,
    /// A snapshot of this node is in place: its position and its size in bytes.
    SnapshotTaken(SnapshotMark, u64),
    /// The snapshot could not be written this time.
    SnapshotFailed,
    /// A snapshot from the leader is in place, with its state; `None` if it was invalid.
    Installed(SnapshotMark, Option<Box<Replicated<M>>>),
    /// The requested piece of a snapshot, and the follower that it is for.
    Piece(NodeId, SnapshotPiece),
    /// Everything is written and the files are closed.
    Closed,
    /// Writing has failed for good: the process must exit.
    Failed(StorageError),
}

/// The maximum delay until the commit index is written to `metadata.txt`, while the disk is
/// otherwise idle.
const COMMIT_NOTE_INTERVAL: Duration = Duration::from_secs(1);

/// Locks a value that stays consistent even if a thread panicked while it held the lock.
fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A queue of jobs for a thread.
struct Queue<J> {
    jobs: Mutex<VecDeque<J>>,
    changed: Condvar,
}

impl<J> Queue<J> {
    fn new() -> Arc<Queue<J>> {
        Arc::new(Queue { jobs: Mutex::default(), changed: Condvar::new() })
    }

    fn jobs(&self) -> MutexGuard<'_, VecDeque<J>> {
        lock(&self.jobs)
    }

    fn push(&self, job: J) {
        self.jobs().push_back(job);
        self.changed.notify_one();
    }

    /// Waits until there is a job, or the timeout is over.
    fn wait(&self, timeout: Duration) {
        let waits = |jobs: &mut VecDeque<J>| jobs.is_empty();
        drop(self.changed.wait_timeout_while(self.jobs(), timeout, waits));
    }

    /// Takes all queued jobs.
    fn take(&self) -> VecDeque<J> {
        std::mem::take(&mut *self.jobs())
    }
}

/// The files, shared by the two threads that may work on them. `None` once they are closed or have
/// failed.
type SharedStorage = Arc<Mutex<Option<Storage>>>;

/// The event loop's handle to the disk threads.
pub(super) struct DiskThread<M> {
    storage: SharedStorage,
    jobs: Arc<Queue<Job<M>>>,
    completions: Arc<Mutex<Vec<DiskCompletion<M>>>>,
    discarded: Sender<Discarded>,
    slow_writes: Arc<SlowWrites>,
    thread: Option<JoinHandle<()>>,
}

impl<M: StateMachine> DiskThread<M> {
    /// Takes over the storage and starts the threads.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub(super) fn start(
        storage: Storage,
        waker: TaskWaker,
        events: Events,
    ) -> io::Result<DiskThread<M>> {
        let (jobs, completions) = (Queue::new(), Arc::default());
        let slow_writes = Arc::new(SlowWrites::new(events.clone()));
        let storage = Arc::new(Mutex::new(Some(storage)));
        let (discarded, to_drop) = mpsc::channel::<Discarded>();
        let drop_all = move || to_drop.into_iter().for_each(drop);
        thread::Builder::new().name("discard".into()).spawn(drop_all)?;
        let worker = DiskWorker::new(
            Arc::clone(&storage),
            Arc::clone(&jobs),
            Arc::clone(&completions),
            waker,
            discarded.clone(),
            events,
            Arc::clone(&slow_writes),
        );
        let background = BackgroundIo { tasks: worker.tasks(), jobs: Arc::clone(&jobs) };
        thread::Builder::new().name("background-io".into()).spawn(move || background.run())?;
        let thread = thread::Builder::new().name("disk".into()).spawn(move || worker.run())?;
        Ok(DiskThread { storage, jobs, completions, discarded, slow_writes, thread: Some(thread) })
    }

    /// Writes on the calling thread, unless the disk thread is busy. The completion is available
    /// when this returns.
    ///
    /// # Errors
    /// The job, to be passed to [`Self::write`].
    pub(super) fn write_now(&self, job: WriteJob) -> Result<(), WriteJob> {
        let Ok(mut held) = self.storage.try_lock() else { return Err(job) };
        let is_idle = self.jobs.jobs().is_empty() && job.pieces.is_empty();
        let Some(mut storage) = held.take_if(|_| is_idle) else { return Err(job) };
        let began = Instant::now();
        let written = write_at_once(&mut storage, &job);
        self.slow_writes.note(began, job.entries.iter().map(|entry| entry.size_bytes()).sum());
        let completion = match written {
            Ok(()) => {
                *held = Some(storage);
                DiskCompletion::Persisted(job.id)
            }
            Err(error) if error.is_temporary() => {
                *held = Some(storage);
                return Err(job);
            }
            Err(error) => DiskCompletion::Failed(error),
        };
        lock(&self.completions).push(completion);
        Ok(())
    }

    /// Queues a write.
    pub(super) fn write(&self, job: WriteJob) {
        self.jobs.push(Job::Write(job));
    }

    /// Queues a note of the commit index and of what peers have acknowledged; it is written
    /// eventually.
    pub(super) fn note_commit(&self, index: Index, record: &Record) {
        self.jobs.push(Job::NoteCommit(index, Box::new(record.clone())));
    }

    /// Queues the writing of a snapshot.
    pub(super) fn snapshot(&self, mark: SnapshotMark, frozen: Box<dyn Frozen>) {
        self.jobs.push(Job::BeginSnapshot(mark, frozen));
    }

    /// Queues the removal of log entries before `first`.
    pub(super) fn compact(&self, first: Index) {
        self.jobs.push(Job::BeginCompaction(first));
    }

    /// Queues the reading of a piece of a snapshot.
    pub(super) fn read_piece(&self, read: SnapshotRead) {
        self.jobs.push(Job::ReadPiece(read));
    }

    /// Drops an object on the discard thread.
    pub(super) fn discard(&self, discarded: Discarded) {
        // Without the thread it is dropped here.
        let _ = self.discarded.send(discarded);
    }

    /// Queues the final write and the closing of the files.
    pub(super) fn close(&self) {
        self.jobs.push(Job::Close);
    }

    /// Takes all completions; `emptied` becomes the new buffer.
    pub(super) fn take_completions(&self, emptied: &mut Vec<DiskCompletion<M>>) {
        let mut completions = lock(&self.completions);
        std::mem::swap(&mut *completions, emptied);
    }
}

impl<M> Drop for DiskThread<M> {
    fn drop(&mut self) {
        self.jobs.push(Job::Close);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the disk thread panicked");
        }
    }
}

fn write_at_once(storage: &mut Storage, job: &WriteJob) -> Result<(), StorageError> {
    stage_entries(storage, job)?;
    storage.sync()
}

fn stage_entries(storage: &mut Storage, job: &WriteJob) -> Result<(), StorageError> {
    if let Some(record) = &job.record {
        storage.stage_record((**record).clone());
    }
    if let Some(hard_state) = job.hard_state {
        storage.stage_hard_state(hard_state);
    }
    storage.stage(&job.entries)?;
    storage.note_commit(job.commit_index);
    Ok(())
}
