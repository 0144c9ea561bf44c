//! The threads that wait for the disk, so that nobody else has to.
//!
//! ```text
//!   resident --- jobs ---> disk thread: write, sync          --- news ---> resident
//!                            |     ^
//!                            v     |
//!                          scribe: snapshots, compactions, checks of a leader's snapshot
//! ```
//!
//! The disk thread does jobs in their order; whatever waits when a write is done goes into the next
//! one, with one sync for all of it. What takes long is prepared on the scribe's thread and only put
//! in place by the disk thread.
//!
//! A single command of a node that is alone is written by the resident itself, if the disk is idle:
//! two threads that wake each other would take a third of the time that its client waits.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::raft::{
    Frozen, Index, NodeId, SnapshotMark, SnapshotPiece, SnapshotRead, StateMachine, WriteId,
};
use crate::replica::engine::WriteJob;
use crate::replica::state::Replicated;
use crate::replica::storage::{
    Compaction, Receipt, ReceivedSnapshot, SnapshotFile, SnapshotJob, Storage, StorageError,
    VerifiedSnapshot,
};
use crate::rpc::ResidentWaker;

/// Something to do for the disk thread.
enum Job<M> {
    Write(WriteJob),
    NoteCommit(Index),
    BeginSnapshot(SnapshotMark, Box<dyn Frozen>),
    FinishSnapshot(SnapshotJob),
    BeginCompaction(Index),
    FinishCompaction(Compaction),
    Install(VerifiedSnapshot, SnapshotMark, Box<Replicated<M>>),
    ReadPiece(SnapshotRead),
    Report(News<M>),
    Close,
}

/// Something to do for the scribe.
enum Task {
    Snapshot(SnapshotJob),
    Compaction(Compaction),
    Verify(ReceivedSnapshot),
}

/// What the disk has to tell.
pub(super) enum News<M> {
    /// A write, and all before it, are durable.
    Persisted(WriteId),
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
/// Snapshots that are kept open for followers that have begun to get them.
const OPEN_SNAPSHOTS: usize = 2;

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
    fn await_any(&self, patience: Duration) {
        let waits = |jobs: &mut VecDeque<J>| jobs.is_empty();
        drop(self.changed.wait_timeout_while(self.jobs(), patience, waits));
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
    news: Arc<Mutex<Vec<News<M>>>>,
    thread: Option<JoinHandle<()>>,
}

impl<M: StateMachine> DiskThread<M> {
    /// Takes over storage.
    ///
    /// # Errors
    /// There can be no further thread.
    pub(super) fn start(storage: Storage, waker: ResidentWaker) -> io::Result<DiskThread<M>> {
        let (jobs, news) = (Queue::new(), Arc::default());
        let storage = Arc::new(Mutex::new(Some(storage)));
        let worker = Worker {
            storage: Arc::clone(&storage),
            jobs: Arc::clone(&jobs),
            tasks: Queue::new(),
            news: Arc::clone(&news),
            waker,
            open: VecDeque::new(),
        };
        let scribe = Scribe { tasks: Arc::clone(&worker.tasks), jobs: Arc::clone(&jobs) };
        thread::Builder::new().name("scribe".into()).spawn(move || scribe.run())?;
        let thread = thread::Builder::new().name("disk".into()).spawn(move || worker.run())?;
        Ok(DiskThread { storage, jobs, news, thread: Some(thread) })
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
        let news = match write_at_once(&mut storage, &job) {
            Ok(()) => {
                *held = Some(storage);
                News::Persisted(job.id)
            }
            Err(error) => News::Failed(error),
        };
        lock(&self.news).push(news);
        Ok(())
    }

    /// Has something written.
    pub(super) fn write(&self, job: WriteJob) {
        self.jobs.push(Job::Write(job));
    }

    /// Has it noted, some time, how far entries are committed.
    pub(super) fn note_commit(&self, index: Index) {
        self.jobs.push(Job::NoteCommit(index));
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

    /// Has everything written and the files closed.
    pub(super) fn close(&self) {
        self.jobs.push(Job::Close);
    }

    /// What there is to tell.
    pub(super) fn take_news(&self, emptied: &mut Vec<News<M>>) {
        let mut news = lock(&self.news);
        std::mem::swap(&mut *news, emptied);
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
    if let Some(hard_state) = job.hard_state {
        storage.stage_hard_state(hard_state);
    }
    storage.stage(&job.entries)?;
    storage.note_commit(job.commit_index);
    Ok(())
}

/// What the disk thread has.
struct Worker<M> {
    storage: SharedStorage,
    jobs: Arc<Queue<Job<M>>>,
    tasks: Arc<Queue<Task>>,
    news: Arc<Mutex<Vec<News<M>>>>,
    waker: ResidentWaker,
    open: VecDeque<Arc<SnapshotFile>>,
}

impl<M: StateMachine> Worker<M> {
    fn run(mut self) {
        let shared = Arc::clone(&self.storage);
        loop {
            // While it is idle the resident may work on the files.
            self.jobs.await_any(COMMIT_NOTE_INTERVAL);
            let mut held = lock(&shared);
            let Some(mut storage) = held.take() else { return };
            let last = match self.work(&mut storage, self.jobs.take()) {
                Ok(true) => {
                    *held = Some(storage);
                    continue;
                }
                Ok(false) => storage.close().map_or_else(News::Failed, |()| News::Closed),
                Err(error) => News::Failed(error),
            };
            return self.tell(last);
        }
    }

    fn tell(&self, news: News<M>) {
        lock(&self.news).push(news);
        self.waker.wake();
    }

    /// Does jobs in their order; those that write, together. False when there will be no more.
    fn work(
        &mut self,
        storage: &mut Storage,
        jobs: VecDeque<Job<M>>,
    ) -> Result<bool, StorageError> {
        if jobs.is_empty() {
            storage.save_commit()?;
        }
        let mut unreported = None;
        for job in jobs {
            if let Job::Write(write) = job {
                unreported = Some(write.id);
                self.stage(storage, write)?;
                continue;
            }
            self.sync(storage, &mut unreported)?;
            match job {
                Job::Write(_) => (),
                Job::NoteCommit(index) => storage.note_commit(index),
                Job::BeginSnapshot(mark, frozen) => {
                    self.tasks.push(Task::Snapshot(storage.begin_snapshot(mark, frozen)));
                }
                Job::FinishSnapshot(job) => self.finish_snapshot(storage, job)?,
                Job::BeginCompaction(first) => {
                    self.tasks.push(Task::Compaction(storage.begin_compaction(first)?));
                }
                Job::FinishCompaction(compaction) => {
                    storage.finish_compaction(compaction)?;
                }
                Job::Install(snapshot, mark, state) => {
                    let is_in_place = storage.install(snapshot)?;
                    self.tell(News::Installed(mark, is_in_place.then_some(state)));
                }
                Job::ReadPiece(read) => self.read_piece(storage, read)?,
                Job::Report(news) => self.tell(news),
                Job::Close => return Ok(false),
            }
        }
        self.sync(storage, &mut unreported)?;
        Ok(true)
    }

    fn stage(&self, storage: &mut Storage, write: WriteJob) -> Result<(), StorageError> {
        stage_entries(storage, &write)?;
        for piece in &write.pieces {
            match storage.receive(piece)? {
                Receipt::Whole(received) => self.tasks.push(Task::Verify(received)),
                Receipt::More => (),
                Receipt::OutOfOrder => {
                    // The core hands pieces out in order. It begins anew.
                    self.tell(News::Installed(piece.snapshot, None));
                }
            }
        }
        Ok(())
    }

    /// Makes durable what is staged, and tells of it.
    fn sync(
        &self,
        storage: &mut Storage,
        unreported: &mut Option<WriteId>,
    ) -> Result<(), StorageError> {
        if let Some(write) = unreported.take() {
            storage.sync()?;
            self.tell(News::Persisted(write));
        }
        Ok(())
    }

    fn finish_snapshot(
        &mut self,
        storage: &mut Storage,
        job: SnapshotJob,
    ) -> Result<(), StorageError> {
        let is_in_place = storage.finish_snapshot(job)?;
        let news = match storage.snapshot() {
            Some(file) if is_in_place => News::SnapshotTaken(file.mark(), file.size_bytes()),
            _ => News::SnapshotFailed,
        };
        self.tell(news);
        Ok(())
    }

    fn read_piece(&mut self, storage: &Storage, read: SnapshotRead) -> Result<(), StorageError> {
        let Some(newest) = storage.snapshot() else { return Ok(()) };
        if self.open.back().is_none_or(|known| known.mark() != newest.mark()) {
            self.open.push_back(Arc::clone(&newest));
            if self.open.len() > OPEN_SNAPSHOTS {
                self.open.pop_front();
            }
        }
        let piece = match self.open.iter().find(|file| file.mark() == read.snapshot) {
            Some(file) => file.piece(read.offset, read.max_bytes)?,
            None => newest.piece(0, read.max_bytes)?,
        };
        self.tell(News::Piece(read.to, piece));
        Ok(())
    }
}

/// What takes long, beside the disk thread.
struct Scribe<M> {
    tasks: Arc<Queue<Task>>,
    jobs: Arc<Queue<Job<M>>>,
}

impl<M: StateMachine> Scribe<M> {
    fn run(self) {
        // Ends with the disk thread, which has the other end.
        while Arc::strong_count(&self.tasks) > 1 {
            self.tasks.await_any(COMMIT_NOTE_INTERVAL);
            for task in self.tasks.take() {
                let done = match task {
                    Task::Snapshot(job) => snapshot(job),
                    Task::Compaction(compaction) => compact(compaction),
                    Task::Verify(received) => verify(received),
                };
                if let Some(job) =
                    done.unwrap_or_else(|error| Some(Job::Report(News::Failed(error))))
                {
                    self.jobs.push(job);
                }
            }
        }
    }
}

/// Without room for it there is no snapshot this time: the files that are in place are whole.
fn snapshot<M>(mut job: SnapshotJob) -> Result<Option<Job<M>>, StorageError> {
    match job.run() {
        Err(error @ StorageError::NoSpace { .. }) => {
            log::warn!("no snapshot this time: {error}");
            Ok(Some(Job::Report(News::SnapshotFailed)))
        }
        written => written.map(|()| Some(Job::FinishSnapshot(job))),
    }
}

/// Without room for a shorter copy the log stays as long as it is.
fn compact<M>(mut compaction: Compaction) -> Result<Option<Job<M>>, StorageError> {
    match compaction.run() {
        Err(error @ StorageError::NoSpace { .. }) => {
            log::warn!("the log is not compacted this time: {error}");
            Ok(None)
        }
        copied => copied.map(|()| Some(Job::FinishCompaction(compaction))),
    }
}

fn verify<M: StateMachine>(received: ReceivedSnapshot) -> Result<Option<Job<M>>, StorageError> {
    let mark = received.mark();
    let mut state = Box::new(Replicated::default());
    let no_good = match received.verify(&mut |words| state.restore(words))? {
        Ok(snapshot) => match state.restored(mark.index) {
            Ok(()) => return Ok(Some(Job::Install(snapshot, mark, state))),
            Err(what) => what,
        },
        Err(corruption) => corruption.to_string(),
    };
    log::warn!("the leader's snapshot is no good: {no_good}");
    Ok(Some(Job::Report(News::Installed(mark, None))))
}
