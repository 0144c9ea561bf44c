//! The storage of a node: what is written to its files, and in which order.

use std::sync::Arc;

use super::commands::Commands;
use super::disk::{Disk, DiskFile, replace};
use super::entry_line;
use super::error::StorageError;
use super::log_file::{Compaction, LogFile};
use super::metadata::{Metadata, Truncation};
use super::receive::{Receipt, Receiving, SNAPSHOT_INCOMING, VerifiedSnapshot};
use super::scan::LOG;
use super::snapshot::{SNAPSHOT, SNAPSHOT_TEMPORARY, SnapshotFile};
use super::snapshot_job::SnapshotJob;
use crate::raft::{Entry, Frozen, HardState, Index, SnapshotMark, SnapshotPiece, Term};
use crate::text::Scratch;

/// The files of a node. One thread at a time writes.
///
/// Whatever is staged becomes durable with the next [`sync`](Self::sync): any number of entries cost
/// one fdatasync. See [`StorageError`] for what an error means.
#[derive(Debug)]
pub struct Storage {
    disk: Arc<dyn Disk>,
    commands: Commands,
    /// As the file says.
    metadata: Metadata,
    staged_hard_state: Option<HardState>,
    /// How far entries are known to be committed; the file may say less.
    commit_note: Index,
    log: LogFile,
    snapshot: Option<Arc<SnapshotFile>>,
    receiving: Option<Receiving>,
    /// Temporary files of snapshots that were begun: each has a name of its own.
    begun: u64,
    /// An earlier write failed.
    is_over: bool,
}

impl Storage {
    /// With nothing under way.
    pub(super) fn of(
        disk: &Arc<dyn Disk>,
        commands: Commands,
        metadata: Metadata,
        log: LogFile,
        snapshot: Option<Arc<SnapshotFile>>,
    ) -> Storage {
        Storage {
            disk: Arc::clone(disk),
            commands,
            staged_hard_state: None,
            commit_note: metadata.commit_length,
            metadata,
            log,
            snapshot,
            receiving: None,
            begun: 0,
            is_over: false,
        }
    }

    /// Stages a hard state.
    pub fn stage_hard_state(&mut self, hard_state: HardState) {
        self.staged_hard_state = Some(hard_state);
    }

    /// Stages entries. Each replaces what the log has at its index and behind.
    ///
    /// # Errors
    /// [`StorageError::Refused`]: an entry does not follow the log, would replace a committed one, or
    /// has a command that cannot be kept.
    pub fn stage(&mut self, entries: &[Entry]) -> Result<(), StorageError> {
        self.guarded(|storage| {
            let kept = storage.metadata.commit_length.max(storage.snapshot_mark().index);
            for entry in entries {
                if entry.index <= kept && entry.index < storage.log.next() {
                    let what = format!("entry {} is committed and cannot change", entry.index);
                    return Err(StorageError::refused(what));
                }
                storage.log.stage(entry, &storage.commands)?;
            }
            Ok(())
        })
    }

    /// Makes durable what is staged: first the hard state, then the entries.
    ///
    /// # Errors
    /// [`StorageError::NoSpace`], [`StorageError::Sync`], [`StorageError::Io`].
    pub fn sync(&mut self) -> Result<(), StorageError> {
        self.guarded(|storage| {
            let before = storage.metadata.hard_state;
            let hard_state = storage.staged_hard_state.take().unwrap_or(before);
            let truncating = storage.log.truncating();
            if hard_state != before || truncating.is_some() {
                storage.write_metadata(hard_state, truncating)?;
            }
            storage.log.sync()?;
            match truncating {
                Some(_) => storage.write_metadata(hard_state, None),
                None => Ok(()),
            }
        })
    }

    /// Stages and syncs.
    ///
    /// # Errors
    /// As for [`stage`](Self::stage) and [`sync`](Self::sync).
    pub fn write(
        &mut self,
        hard_state: Option<HardState>,
        entries: &[Entry],
    ) -> Result<(), StorageError> {
        if let Some(hard_state) = hard_state {
            self.stage_hard_state(hard_state);
        }
        self.stage(entries)?;
        self.sync()
    }

    /// Notes that every entry up to this one is committed; to be called when the entries that came
    /// with this news are staged. It is written down with the next hard state, by
    /// [`save_commit`](Self::save_commit) and by [`close`](Self::close).
    pub fn note_commit(&mut self, index: Index) {
        self.commit_note = self.commit_note.max(index);
    }

    /// Writes down how far entries are committed, if that is news. Not needed for safety: it tells
    /// damage from an unfinished write more often, and people how far the node is.
    ///
    /// # Errors
    /// As for [`sync`](Self::sync).
    pub fn save_commit(&mut self) -> Result<(), StorageError> {
        self.guarded(|storage| match storage.commit_length() > storage.metadata.commit_length {
            true => storage.write_metadata(storage.metadata.hard_state, None),
            false => Ok(()),
        })
    }

    /// Writes down what is left to be.
    ///
    /// # Errors
    /// As for [`sync`](Self::sync).
    pub fn close(mut self) -> Result<(), StorageError> {
        self.sync()?;
        self.save_commit()
    }

    /// How far entries are known to be committed, and durable here: an entry may be committed before
    /// it is.
    fn commit_length(&self) -> Index {
        let durable = self.log.last_durable().max(self.snapshot_mark().index);
        self.commit_note.min(durable).max(self.metadata.commit_length)
    }

    fn write_metadata(
        &mut self,
        hard_state: HardState,
        truncating: Option<Truncation>,
    ) -> Result<(), StorageError> {
        let (commit_length, identity) = (self.commit_length(), self.metadata.identity.clone());
        let metadata = Metadata { commit_length, hard_state, identity, truncating };
        metadata.write(&*self.disk)?;
        self.metadata = metadata;
        Ok(())
    }

    /// After an error nothing more is written.
    fn guarded<T>(
        &mut self,
        action: impl FnOnce(&mut Storage) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        if self.is_over {
            return Err(StorageError::Over);
        }
        let result = action(self);
        self.is_over = result.is_err();
        result
    }

    /// The index of the first entry of the log, or the one that it will have.
    pub fn first_index(&self) -> Index {
        self.log.first()
    }

    /// The index that the next entry will have.
    pub fn next_index(&self) -> Index {
        self.log.next()
    }

    /// Bytes of the log's file.
    pub fn log_bytes(&self) -> u64 {
        self.log.len()
    }

    /// The newest snapshot, to be read in pieces from any thread.
    pub fn snapshot(&self) -> Option<Arc<SnapshotFile>> {
        self.snapshot.clone()
    }

    fn snapshot_mark(&self) -> SnapshotMark {
        self.snapshot.as_ref().map_or(SnapshotMark::default(), |snapshot| snapshot.mark())
    }

    /// Begins a snapshot of our own. The job writes it, on any thread.
    pub fn begin_snapshot(&mut self, mark: SnapshotMark, frozen: Box<dyn Frozen>) -> SnapshotJob {
        self.begun += 1;
        let name = format!("{SNAPSHOT_TEMPORARY}-{}", self.begun);
        SnapshotJob::new(Arc::clone(&self.disk), mark, name, frozen)
    }

    /// Puts a snapshot in place, durably. False: there is a newer one, and it was thrown away.
    ///
    /// # Errors
    /// As for [`sync`](Self::sync), or the job is not done.
    pub fn finish_snapshot(&mut self, job: SnapshotJob) -> Result<bool, StorageError> {
        self.guarded(|storage| {
            let SnapshotJob { mark, name, file: Some(file), is_done: true, .. } = job else {
                return Err(StorageError::refused("a snapshot that is not yet written"));
            };
            storage.put_in_place(mark, &name, file)
        })
    }

    /// Puts a file in the place of the snapshot, unless that is newer.
    fn put_in_place(
        &mut self,
        mark: SnapshotMark,
        name: &str,
        file: Box<dyn DiskFile>,
    ) -> Result<bool, StorageError> {
        let is_newer = mark.index > self.snapshot_mark().index;
        if !is_newer {
            self.disk
                .remove(name)
                .map_err(|error| StorageError::io(name, "cannot remove", error))?;
            return Ok(false);
        }
        let durable = self.metadata.hard_state.current_term;
        if mark.term > durable {
            let term = mark.term;
            let what = format!("a snapshot of term {term}, and only term {durable} is durable");
            return Err(StorageError::refused(what));
        }
        replace(&*self.disk, name, SNAPSHOT)?;
        self.snapshot = Some(Arc::new(SnapshotFile::new(file, mark)?));
        self.note_commit(mark.index);
        Ok(true)
    }

    /// Begins to drop the entries before `first` from the log. The copy is made on any thread, while
    /// entries are written; only one is made at a time.
    ///
    /// # Errors
    /// As for [`sync`](Self::sync); or what is to be dropped is not in the snapshot.
    pub fn begin_compaction(&mut self, first: Index) -> Result<Compaction, StorageError> {
        self.guarded(|storage| {
            let end = storage.snapshot_mark().index;
            if first > end + 1 {
                let what = format!("a log from {first} on does not join a snapshot up to {end}");
                return Err(StorageError::refused(what));
            }
            storage.log.begin_compaction(&*storage.disk, first)
        })
    }

    /// Puts the shorter log in place, durably, with what was written meanwhile. False: entries were
    /// replaced meanwhile, and the copy was thrown away.
    ///
    /// # Errors
    /// As for [`sync`](Self::sync).
    pub fn finish_compaction(&mut self, compaction: Compaction) -> Result<bool, StorageError> {
        self.sync()?;
        self.guarded(|storage| storage.log.finish_compaction(&*storage.disk, compaction))
    }

    /// Drops the entries before `first` from the log, at once.
    ///
    /// # Errors
    /// As for [`begin_compaction`](Self::begin_compaction).
    pub fn compact(&mut self, first: Index) -> Result<(), StorageError> {
        self.sync()?;
        let mut compaction = self.begin_compaction(first)?;
        self.guarded(|_| compaction.run())?;
        self.finish_compaction(compaction).map(|_| ())
    }

    /// Keeps a piece of a snapshot that a leader sends.
    ///
    /// # Errors
    /// As for [`sync`](Self::sync).
    pub fn receive(&mut self, piece: &SnapshotPiece) -> Result<Receipt, StorageError> {
        self.guarded(|storage| {
            let before = storage.receiving.take();
            let mut receiving = match before {
                Some(receiving) if receiving.is_next(piece) => receiving,
                before => {
                    if let Some(before) = before {
                        before.discard()?;
                    }
                    if piece.offset != 0 {
                        return Ok(Receipt::OutOfOrder);
                    }
                    storage.begun += 1;
                    let name = format!("{SNAPSHOT_INCOMING}-{}", storage.begun);
                    Receiving::begin(&storage.disk, piece.snapshot, name)?
                }
            };
            receiving.add(piece)?;
            if piece.is_last {
                return Ok(Receipt::Whole(receiving.whole()));
            }
            storage.receiving = Some(receiving);
            Ok(Receipt::More)
        })
    }

    /// Puts a snapshot of a leader in place, durably, and empties the log unless that continues it:
    /// unless it has the snapshot's last entry. False: there is a newer one, and it was thrown away.
    ///
    /// # Errors
    /// As for [`sync`](Self::sync).
    pub fn install(&mut self, snapshot: VerifiedSnapshot) -> Result<bool, StorageError> {
        self.sync()?;
        self.guarded(|storage| {
            let VerifiedSnapshot { mark, name, file } = snapshot;
            if !storage.put_in_place(mark, &name, file)? {
                return Ok(false);
            }
            if storage.term_of(mark.index)? != Some(mark.term) {
                storage.log.reset(&*storage.disk, mark.index + 1)?;
            }
            Ok(true)
        })
    }

    /// The term of an entry of the log, as its file says.
    fn term_of(&self, index: Index) -> Result<Option<Term>, StorageError> {
        let Some(line) = self.log.line(index)? else { return Ok(None) };
        let line = line.strip_suffix(b"\n").unwrap_or_default();
        match entry_line::parse(line, &self.commands, &mut Scratch::default()) {
            Ok((entry, _)) if entry.index == index => Ok(Some(entry.term)),
            _ => {
                Err(StorageError::refused(format!("{LOG}: entry {index} cannot be read any more")))
            }
        }
    }
}
