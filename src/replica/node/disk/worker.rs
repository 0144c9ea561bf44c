//! The disk thread, as a state machine over disk space:
//!
//! ```text
//!              no space for a write                     retried at an interval
//!   Writing ------------------------> Waiting <---------------------------------+
//!      ^                               |    |                                   |
//!      +------- all of it is written --+    +-- compact the log, end snapshots -+
//! ```
//!
//! While writes wait, the rest continues: hard states are written, snapshots are put in place, and
//! the log is compacted to exactly what the snapshot lacks.

use std::collections::VecDeque;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::slow_writes::SlowWrites;
use super::{
    BackgroundTask, COMMIT_NOTE_INTERVAL, Discarded, DiskCompletion, Job, Queue, SharedStorage,
    lock, stage_entries,
};
use crate::raft::{Index, SnapshotRead, StateMachine, WriteId};
use crate::replica::clock::whole_ms;
use crate::replica::engine::WriteJob;
use crate::replica::node::events::Events;
use crate::replica::storage::{
    Compaction, Receipt, SnapshotFile, SnapshotJob, Storage, StorageError,
};
use crate::rpc::TaskWaker;

/// Snapshot files that stay open for followers that are still receiving them.
const OPEN_SNAPSHOTS: usize = 2;
/// The interval at which writes that wait for space are retried.
const RETRY_INTERVAL: Duration = Duration::from_millis(200);
/// The interval at which a compaction that lacked space is retried.
const COMPACTION_INTERVAL: Duration = Duration::from_secs(2);
/// How many times the copy of a log is extended by what was written meanwhile, before the rest is
/// copied on the disk thread.
const MAX_EXTENSIONS: u32 = 8;

/// The state of the disk thread.
pub(super) struct DiskWorker<M> {
    storage: SharedStorage,
    jobs: Arc<Queue<Job<M>>>,
    tasks: Arc<Queue<BackgroundTask>>,
    completions: Arc<Mutex<Vec<DiskCompletion<M>>>>,
    waker: TaskWaker,
    discarded: Sender<Discarded>,
    events: Events,
    slow_writes: Arc<SlowWrites>,
    open: VecDeque<Arc<SnapshotFile>>,
    /// The last write that is staged and not durable.
    unreported: Option<WriteId>,
    /// When writes that wait for space are retried.
    retry_at: Option<Instant>,
    /// The last write whose hard state was reported as durable.
    reported_hard_state: Option<WriteId>,
    /// How many times the current copy of the log was extended; `None` if none is being made.
    compaction: Option<u32>,
    /// When the last compaction began.
    compaction_began: Instant,
    compact_at: Option<Instant>,
    is_low_on_space: bool,
    /// When the commit index was last written to `metadata.txt`.
    commit_noted_at: Instant,
    /// The size of the log at the last check of disk space.
    checked_at_bytes: u64,
}

/// The maximum delay of that note under constant load. A start applies the noted entries before it
/// serves.
const LONGEST_COMMIT_NOTE_INTERVAL: Duration = Duration::from_secs(5);
/// How much is synced at once; after it progress is reported, which shows that the disk works.
const MAX_SYNC_BYTES: usize = 2 * 1024 * 1024;
/// Disk space is checked again after the log has changed by so many bytes.
const SPACE_CHECK_BYTES: u64 = 64 * 1024;

impl<M: StateMachine> DiskWorker<M> {
    pub(super) fn new(
        storage: SharedStorage,
        jobs: Arc<Queue<Job<M>>>,
        completions: Arc<Mutex<Vec<DiskCompletion<M>>>>,
        waker: TaskWaker,
        discarded: Sender<Discarded>,
        events: Events,
        slow_writes: Arc<SlowWrites>,
    ) -> DiskWorker<M> {
        DiskWorker {
            storage,
            jobs,
            tasks: Queue::new(),
            completions,
            waker,
            discarded,
            events,
            slow_writes,
            open: VecDeque::new(),
            unreported: None,
            retry_at: None,
            reported_hard_state: None,
            compaction: None,
            compaction_began: Instant::now(),
            compact_at: None,
            is_low_on_space: false,
            commit_noted_at: Instant::now(),
            checked_at_bytes: u64::MAX,
        }
    }

    /// The queue of the background I/O thread.
    pub(super) fn tasks(&self) -> Arc<Queue<BackgroundTask>> {
        Arc::clone(&self.tasks)
    }

    pub(super) fn run(mut self) {
        let shared = Arc::clone(&self.storage);
        loop {
            // While this thread waits, the event-loop task may use the files.
            let until = |at: Instant| at.saturating_duration_since(Instant::now());
            self.jobs.wait(self.retry_at.map_or(COMMIT_NOTE_INTERVAL, until));
            let mut held = lock(&shared);
            let Some(mut storage) = held.take() else { return };
            let last = match self.work(&mut storage, self.jobs.take()) {
                Ok(true) => {
                    *held = Some(storage);
                    continue;
                }
                Ok(false) => {
                    storage.close().map_or_else(DiskCompletion::Failed, |()| DiskCompletion::Closed)
                }
                Err(error) => DiskCompletion::Failed(error),
            };
            return self.report(last);
        }
    }

    fn report(&self, completion: DiskCompletion<M>) {
        lock(&self.completions).push(completion);
        self.waker.wake();
    }

    /// Executes jobs in order; consecutive writes share a sync. Returns false after the last job.
    fn work(
        &mut self,
        storage: &mut Storage,
        jobs: VecDeque<Job<M>>,
    ) -> Result<bool, StorageError> {
        let now = Instant::now();
        if jobs.is_empty() || now >= self.commit_noted_at + LONGEST_COMMIT_NOTE_INTERVAL {
            unless_temporary(storage.save_commit())?;
            self.commit_noted_at = now;
        }
        for job in jobs {
            if let Job::Write(write) = job {
                self.unreported = Some(write.id);
                self.stage(storage, write)?;
                if storage.staged_bytes() >= MAX_SYNC_BYTES {
                    self.sync(storage)?;
                }
                continue;
            }
            self.sync(storage)?;
            match job {
                Job::Write(_) => (),
                Job::NoteCommit(index, record) => {
                    storage.note_record(*record);
                    storage.note_commit(index);
                }
                Job::BeginSnapshot(mark, frozen) => {
                    let mut job = storage.begin_snapshot(mark, frozen);
                    if self.retry_at.is_none() {
                        job.keep_space_free();
                    }
                    self.tasks.push(BackgroundTask::Snapshot(job));
                }
                Job::FinishSnapshot(job, took) => self.finish_snapshot(storage, job, took)?,
                Job::BeginCompaction(first) => self.begin_compaction(storage, first)?,
                Job::FinishCompaction(compaction) => {
                    self.finish_compaction(storage, compaction)?;
                }
                Job::EndCompaction => self.compaction = None,
                Job::Install(snapshot, mark, state) => match storage.install(snapshot) {
                    Ok(is_in_place) => {
                        self.report(DiskCompletion::Installed(mark, is_in_place.then_some(state)));
                    }
                    Err(error) if error.is_temporary() => {
                        log::warn!("the leader's snapshot cannot be stored at present: {error}");
                        self.report(DiskCompletion::SnapshotLost);
                    }
                    Err(error) => return Err(error),
                },
                Job::ReadPiece(read) => self.read_piece(storage, read)?,
                Job::Report(completion) => self.report(completion),
                Job::Close => return Ok(false),
            }
        }
        self.sync(storage)?;
        self.check_space(storage);
        for retired in storage.take_retired() {
            // Without the thread it is dropped here.
            let _ = self.discarded.send(Box::new(retired));
        }
        Ok(true)
    }

    fn stage(&self, storage: &mut Storage, write: WriteJob) -> Result<(), StorageError> {
        stage_entries(storage, &write)?;
        for piece in &write.pieces {
            match storage.receive(piece) {
                Ok(Receipt::Whole(received)) => self.tasks.push(BackgroundTask::Verify(received)),
                Ok(Receipt::More) => (),
                Ok(Receipt::OutOfOrder) => {
                    // The core hands out pieces in order, so the transfer starts again.
                    self.report(DiskCompletion::Installed(piece.snapshot, None));
                }
                Err(error) if error.is_temporary() => {
                    log::warn!("the leader's snapshot cannot be stored at present: {error}");
                    self.report(DiskCompletion::SnapshotLost);
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Makes staged writes durable and reports them. While writes wait for space, only hard states
    /// are written until the next retry.
    fn sync(&mut self, storage: &mut Storage) -> Result<(), StorageError> {
        let Some(write) = self.unreported else { return Ok(()) };
        let is_backing_off = self.retry_at.is_some_and(|at| Instant::now() < at);
        let (began, bytes) = (Instant::now(), storage.staged_bytes());
        let written = match is_backing_off {
            true => storage.sync_hard_state_only(),
            false => storage.sync(),
        };
        self.slow_writes.note(began, bytes);
        match written {
            Ok(()) if is_backing_off => self.report_hard_state(storage, write),
            Ok(()) => {
                self.unreported = None;
                self.report(DiskCompletion::Persisted(write));
                if self.retry_at.take().is_some() {
                    self.events.warn(&[], "disk space is available again: everything is written");
                    self.report(DiskCompletion::SpaceAvailable);
                }
            }
            Err(error) if error.is_temporary() => {
                self.report_hard_state(storage, write);
                if self.retry_at.is_none() {
                    let text = format!("writes wait for disk space: {error}");
                    self.events.write(log::Level::Error, &[], &text);
                    self.report(DiskCompletion::Full(error.to_string()));
                }
                self.retry_at = Some(Instant::now() + RETRY_INTERVAL);
                self.drop_snapshotted_entries(storage)?;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn report_hard_state(&mut self, storage: &Storage, write: WriteId) {
        if storage.is_hard_state_durable() && self.reported_hard_state != Some(write) {
            self.reported_hard_state = Some(write);
            self.report(DiskCompletion::HardStatePersisted(write));
        }
    }

    /// Frees the space of log entries that are in the snapshot.
    fn drop_snapshotted_entries(&mut self, storage: &mut Storage) -> Result<(), StorageError> {
        let is_due = self.compact_at.is_none_or(|at| Instant::now() >= at);
        if is_due && storage.has_snapshotted_entries() {
            self.begin_compaction(storage, 0)?;
        }
        Ok(())
    }

    /// Drops log entries before `first`; with little space, all that are in the snapshot.
    fn begin_compaction(
        &mut self,
        storage: &mut Storage,
        first: Index,
    ) -> Result<(), StorageError> {
        let in_snapshot = storage.snapshot().map_or(0, |snapshot| snapshot.mark().index);
        let is_short = self.retry_at.is_some() || storage.is_low_on_space();
        let first = if is_short { in_snapshot + 1 } else { first };
        if self.compaction.is_some() || first <= storage.first_index() {
            return Ok(());
        }
        self.compact_at = Some(Instant::now() + COMPACTION_INTERVAL);
        if let Some(compaction) = unless_temporary(storage.begin_compaction(first))? {
            (self.compaction, self.compaction_began) = (Some(0), Instant::now());
            self.tasks.push(BackgroundTask::Compaction(compaction));
        }
        Ok(())
    }

    fn finish_compaction(
        &mut self,
        storage: &mut Storage,
        mut compaction: Compaction,
    ) -> Result<(), StorageError> {
        if let Some(extensions) = &mut self.compaction
            && *extensions < MAX_EXTENSIONS
            && storage.extend_compaction(&mut compaction)
        {
            *extensions += 1;
            self.tasks.push(BackgroundTask::Compaction(compaction));
            return Ok(());
        }
        self.compaction = None;
        let (before, began) = (storage.log_bytes(), self.compaction_began);
        let is_done = unless_temporary(storage.finish_compaction(compaction))?;
        if is_done == Some(true) {
            let (first, bytes, ms) =
                (storage.first_index(), storage.log_bytes(), whole_ms(began.elapsed()));
            let fields = [("index", first.into()), ("bytes", bytes.into()), ("ms", ms.into())];
            let text = format!(
                "the log was compacted from {before} to {bytes} bytes, it begins at index {first}; it \
                 took {ms} ms"
            );
            self.events.info(&fields, &text);
        }
        if is_done == Some(true) && self.retry_at.is_some() {
            self.retry_at = Some(Instant::now());
        }
        Ok(())
    }

    fn finish_snapshot(
        &mut self,
        storage: &mut Storage,
        job: SnapshotJob,
        took: Duration,
    ) -> Result<(), StorageError> {
        let is_in_place = unless_temporary(storage.finish_snapshot(job))?;
        let completion = match storage.snapshot() {
            Some(file) if is_in_place == Some(true) => {
                let (index, bytes, ms) = (file.mark().index, file.size_bytes(), whole_ms(took));
                let fields = [("index", index.into()), ("bytes", bytes.into()), ("ms", ms.into())];
                let text = format!(
                    "a snapshot of {bytes} bytes is in place, up to index {index}; it took {ms} ms"
                );
                self.events.info(&fields, &text);
                DiskCompletion::SnapshotTaken(file.mark(), file.size_bytes())
            }
            _ => DiskCompletion::SnapshotFailed,
        };
        self.report(completion);
        Ok(())
    }

    /// Reports when disk space for a snapshot becomes low or sufficient.
    fn check_space(&mut self, storage: &Storage) {
        let bytes = storage.log_bytes();
        if bytes.abs_diff(self.checked_at_bytes) < SPACE_CHECK_BYTES {
            return;
        }
        self.checked_at_bytes = bytes;
        let is_short = storage.is_low_on_space();
        if std::mem::replace(&mut self.is_low_on_space, is_short) != is_short {
            self.report(DiskCompletion::LowOnSpace(is_short));
        }
    }

    fn read_piece(&mut self, storage: &Storage, read: SnapshotRead) -> Result<(), StorageError> {
        let Some(newest) = storage.snapshot() else { return Ok(()) };
        if self.open.back().is_none_or(|known| known.mark() != newest.mark()) {
            self.open.push_back(Arc::clone(&newest));
            if self.open.len() > OPEN_SNAPSHOTS
                && let Some(oldest) = self.open.pop_front()
            {
                // Without the thread it is dropped here.
                let _ = self.discarded.send(Box::new(oldest));
            }
        }
        let piece = match self.open.iter().find(|file| file.mark() == read.snapshot) {
            Some(file) => file.piece(read.offset, read.max_bytes)?,
            None => newest.piece(0, read.max_bytes)?,
        };
        self.report(DiskCompletion::Piece(read.to, piece));
        Ok(())
    }
}

/// `None` for a temporary failure of work that was not promised to anyone.
fn unless_temporary<T>(done: Result<T, StorageError>) -> Result<Option<T>, StorageError> {
    match done {
        Err(error) if error.is_temporary() => {
            log::warn!("skipped this time: {error}");
            Ok(None)
        }
        done => done.map(Some),
    }
}
