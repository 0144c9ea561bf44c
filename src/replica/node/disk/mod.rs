//! The threads that wait for the disk, so that nobody else has to.
//!
//! ```text
//!   resident --- jobs ---> disk thread: write, sync          --- news ---> resident
//!                            |     ^
//!                            v     |
//!                          scribe: snapshots, compactions, checks of a leader's snapshot
//! ```
//!
//! | file | |
//! |---|---|
//! | `worker` | the disk thread, and what it does when there is no room |
//! | `scribe` | what takes long |
//!
//! What is no longer needed and large, files without names and entries of the log, is dropped on a
//! thread of its own: that takes long as well.
//!
//! The disk thread does jobs in their order; whatever waits when a write is done goes into the next
//! one, with one sync for all of it, or for some megabytes of it. What takes long is prepared on the
//! scribe's thread and only put in place by the disk thread.
//!
//! A single command of a node that is alone is written by the resident itself, if the disk is idle:
//! two threads that wake each other would take a third of the time that its client waits.

mod background;
mod worker;

use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use background::BackgroundIo;
use worker::DiskWorker;

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

/// Something to do for the disk thread.
enum Job<M> {
    Write(WriteJob),
    NoteCommit(Index, Box<Record>),
    BeginSnapshot(SnapshotMark, Box<dyn Frozen>),
    FinishSnapshot(SnapshotJob),
    BeginCompaction(Index),
    FinishCompaction(Compaction),
    EndCompaction,
    Install(VerifiedSnapshot, SnapshotMark, Box<Replicated<M>>),
    ReadPiece(SnapshotRead),
    Report(DiskCompletion<M>),
    Close,
}

/// Something to do for the scribe.
enum BackgroundTask {
    Snapshot(SnapshotJob),
    Compaction(Compaction),
    Verify(ReceivedSnapshot),
}

/// Something that is no longer needed, and takes long to drop.
pub(super) type Discarded = Box<dyn Send>;

/// What the disk has to tell.
pub(super) enum DiskCompletion<M> {
    /// A write, and all before it, are durable.
    Persisted(WriteId),
    /// The hard states of a write, and of all before it, are durable.
    HardStatePersisted(WriteId),
    /// Writes wait for room from now on; what was said.
    Full(String),
    /// They no longer do.
    SpaceAvailable,
    /// Whether there may soon be no room for a snapshot.
    LowOnSpace(bool),
    /// There was no room for a leader's snapshot.
    SnapshotLost,
    /// A snapshot of our own is in place, and so large.
    SnapshotTaken(SnapshotMark, u64),
    /// There will be none this time.
    SnapshotFailed,
    /// A leader's snapshot is in place, with its state; or was no good.
    Installed(SnapshotMark, Option<Box<Replicated<M>>>),
    /// A piece that was asked for.
    Piece(NodeId, SnapshotPiece),
    /// Everything is written, and nothing more will be.
    Closed,
    /// Nothing more can be written: the process must end.
    Failed(StorageError),
}

/// How long it may take until what is known to be committed is written down as such.
const COMMIT_NOTE_INTERVAL: Duration = Duration::from_secs(1);

/// Locks what is whole even if a thread has panicked while it held it.
fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Jobs on their way to a thread.
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

    /// Waits until there is a job, or `patience` is over.
    fn wait(&self, timeout: Duration) {
        let waits = |jobs: &mut VecDeque<J>| jobs.is_empty();
        drop(self.changed.wait_timeout_while(self.jobs(), timeout, waits));
    }

    /// All jobs that wait.
    fn take(&self) -> VecDeque<J> {
        std::mem::take(&mut *self.jobs())
    }
}

/// The files, for whoever works on them at the moment. Gone when they are closed, or failed.
type SharedStorage = Arc<Mutex<Option<Storage>>>;

/// The resident's side of the disk.
pub(super) struct DiskThread<M> {
    storage: SharedStorage,
    jobs: Arc<Queue<Job<M>>>,
    completions: Arc<Mutex<Vec<DiskCompletion<M>>>>,
    discarded: Sender<Discarded>,
    thread: Option<JoinHandle<()>>,
}

impl<M: StateMachine> DiskThread<M> {
    /// Takes over storage.
    ///
    /// # Errors
    /// There can be no further thread.
    pub(super) fn start(storage: Storage, waker: TaskWaker) -> io::Result<DiskThread<M>> {
        let (jobs, completions) = (Queue::new(), Arc::default());
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
        );
        let background = BackgroundIo { tasks: worker.tasks(), jobs: Arc::clone(&jobs) };
        thread::Builder::new().name("background-io".into()).spawn(move || background.run())?;
        let thread = thread::Builder::new().name("disk".into()).spawn(move || worker.run())?;
        Ok(DiskThread { storage, jobs, completions, discarded, thread: Some(thread) })
    }

    /// Writes something here and now, unless the disk is at work. Its news are there when this
    /// returns.
    ///
    /// # Errors
    /// The job, to be given to [`Self::write`].
    pub(super) fn write_now(&self, job: WriteJob) -> Result<(), WriteJob> {
        let Ok(mut held) = self.storage.try_lock() else { return Err(job) };
        let is_idle = self.jobs.jobs().is_empty() && job.pieces.is_empty();
        let Some(mut storage) = held.take_if(|_| is_idle) else { return Err(job) };
        let completion = match write_at_once(&mut storage, &job) {
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

    /// Has something written.
    pub(super) fn write(&self, job: WriteJob) {
        self.jobs.push(Job::Write(job));
    }

    /// Has it noted, some time, how far entries are committed, and what others have acknowledged.
    pub(super) fn note_commit(&self, index: Index, record: &Record) {
        self.jobs.push(Job::NoteCommit(index, Box::new(record.clone())));
    }

    /// Has a snapshot written.
    pub(super) fn snapshot(&self, mark: SnapshotMark, frozen: Box<dyn Frozen>) {
        self.jobs.push(Job::BeginSnapshot(mark, frozen));
    }

    /// Has the log before an index dropped.
    pub(super) fn compact(&self, first: Index) {
        self.jobs.push(Job::BeginCompaction(first));
    }

    /// Has a piece of a snapshot read.
    pub(super) fn read_piece(&self, read: SnapshotRead) {
        self.jobs.push(Job::ReadPiece(read));
    }

    /// Has something dropped where nobody waits for it.
    pub(super) fn discard(&self, discarded: Discarded) {
        // Without the thread it is dropped here.
        let _ = self.discarded.send(discarded);
    }

    /// Has everything written and the files closed.
    pub(super) fn close(&self) {
        self.jobs.push(Job::Close);
    }

    /// What there is to tell.
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
