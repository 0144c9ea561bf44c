//! The storage of a node: what is written to its files, and in which order.

use std::fmt;
use std::sync::Arc;

use super::commands::Commands;
use super::disk::{Disk, DiskFile, discard_if_temporary, replace};
use super::entry_line;
use super::error::StorageError;
use super::log_file::{Compaction, LOG_TEMPORARY, LogFile};
use super::metadata::{Metadata, Truncation};
use super::receive::{Receipt, Receiving, SNAPSHOT_INCOMING, VerifiedSnapshot};
use super::reserve::Reserve;
use super::scan::LOG;
use super::snapshot::{SNAPSHOT, SNAPSHOT_TEMPORARY, SnapshotFile};
use super::snapshot_job::{STEP_BYTES, SnapshotJob};
use crate::raft::{Entry, Frozen, HardState, Index, SnapshotMark, SnapshotPiece, Term};
use crate::replica::membership::Record;
use crate::text::Scratch;

/// The files of a node. One thread at a time writes.
///
/// Staged data becomes durable with the next [`sync`](Self::sync) (group commit): any number of
/// entries cost one fdatasync. See [`StorageError`] for the meaning of errors.
#[derive(Debug)]
pub struct Storage {
    disk: Arc<dyn Disk>,
    commands: Commands,
    /// The contents of `metadata.txt`.
    metadata: Metadata,
    staged_hard_state: Option<HardState>,
    reserve: Reserve,
    staged_record: Option<Record>,
    /// The known commit index; the file may contain a lower one.
    commit_note: Index,
    log: LogFile,
    snapshot: Option<Arc<SnapshotFile>>,
    receiving: Option<Receiving>,
    /// The number of temporary snapshot files so far; each has its own name.
    snapshots_begun: u64,
    /// Unlinked files that are still open.
    retired: Vec<Retired>,
    /// An earlier write failed.
    has_failed: bool,
}

/// Replaced files. Dropping them frees their space, which is slow for large files.
pub struct Retired(#[expect(dead_code, reason = "it is kept to be dropped")] Box<dyn Send>);

impl fmt::Debug for Retired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Retired")
    }
}

impl Storage {
    /// Assembles a storage with nothing staged.
    pub(super) fn of(
        disk: &Arc<dyn Disk>,
        commands: Commands,
        metadata: Metadata,
        reserve: Reserve,
        log: LogFile,
        snapshot: Option<Arc<SnapshotFile>>,
    ) -> Storage {
        Storage {
            disk: Arc::clone(disk),
            commands,
            staged_hard_state: None,
            staged_record: None,
            commit_note: metadata.commit_length,
            metadata,
            reserve,
            log,
            snapshot,
            receiving: None,
            snapshots_begun: 0,
            retired: Vec::new(),
            has_failed: false,
        }
    }

    /// Stages a hard state.
    pub fn stage_hard_state(&mut self, hard_state: HardState) {
        self.staged_hard_state = Some(hard_state);
    }

    /// Stages a membership record.
    pub fn stage_record(&mut self, record: Record) {
        self.staged_record = Some(record);
    }

    /// Sets a membership record without staging it: it is written with the next hard state or
    /// commit index.
    pub fn note_record(&mut self, record: Record) {
        if self.staged_record.is_none() {
            self.metadata.record = Some(record);
        }
    }

    /// Stages entries. Each replaces the log at its index and after it.
    ///
    /// # Errors
    /// [`StorageError::Refused`]: an entry does not follow the log, would replace a committed one,
    /// or has a command that cannot be written.
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

    /// Makes staged data durable: first the hard state, then the entries.
    ///
    /// # Errors
    /// [`StorageError::NoSpace`], [`StorageError::NoDescriptor`], [`StorageError::Sync`],
    /// [`StorageError::Io`]. After a temporary error, everything that is not durable is still
    /// staged; the hard state may be durable, see
    /// [`is_hard_state_durable`](Self::is_hard_state_durable).
    pub fn sync(&mut self) -> Result<(), StorageError> {
        self.guarded(|storage| {
            storage.sync_hard_state()?;
            let written = storage.sync_log();
            // The void entries are gone or replaced, which must be recorded before anything about
            // the new entries is sent.
            if storage.metadata.truncating.is_some() && storage.log.truncating().is_none() {
                storage.write_metadata(storage.metadata.hard_state, None)?;
            }
            written
        })
    }

    /// Makes only the staged hard state durable, and no entries.
    ///
    /// # Errors
    /// As for [`sync`](Self::sync).
    pub fn sync_hard_state_only(&mut self) -> Result<(), StorageError> {
        self.guarded(Storage::sync_hard_state)
    }

    fn sync_hard_state(&mut self) -> Result<(), StorageError> {
        let Metadata { hard_state: before, truncating: noted, .. } = self.metadata;
        let hard_state = self.staged_hard_state.unwrap_or(before);
        let truncating = self.log.truncating().or(noted);
        if let Some(record) = &self.staged_record {
            self.metadata.record = Some(record.clone());
        }
        if hard_state != before || truncating != noted || self.staged_record.is_some() {
            self.write_metadata(hard_state, truncating)?;
        }
        (self.staged_hard_state, self.staged_record) = (None, None);
        Ok(())
    }

    fn sync_log(&mut self) -> Result<(), StorageError> {
        if !self.log.is_clean()
            && let Err(error) = self.reserve.take(&*self.disk)
        {
            self.log.sync_cut()?;
            return Err(error);
        }
        self.log.sync()
    }

    /// Whether the last staged hard state is durable.
    pub fn is_hard_state_durable(&self) -> bool {
        self.staged_hard_state.is_none() && self.staged_record.is_none()
    }

    /// Bytes of entries that wait for the next [`sync`](Self::sync).
    pub fn staged_bytes(&self) -> usize {
        self.log.staged_bytes()
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

    /// Notes the commit index; to be called after the entries that came with it were staged. It is
    /// written with the next hard state, by [`save_commit`](Self::save_commit) and by
    /// [`close`](Self::close).
    pub fn note_commit(&mut self, index: Index) {
        self.commit_note = self.commit_note.max(index);
    }

    /// Writes the commit index if it has changed. Not required for safety: it helps recovery to
    /// tell damage from an unfinished write, and shows the progress of the node.
    ///
    /// # Errors
    /// As for [`sync`](Self::sync).
    pub fn save_commit(&mut self) -> Result<(), StorageError> {
        self.guarded(|storage| match storage.commit_length() > storage.metadata.commit_length {
            true => storage.write_metadata(storage.metadata.hard_state, None),
            false => Ok(()),
        })
    }

    /// Writes what is still staged, as far as there is space; the rest was never acknowledged.
    ///
    /// # Errors
    /// As for [`sync`](Self::sync), except temporary errors.
    pub fn close(mut self) -> Result<(), StorageError> {
        match self.sync().and_then(|()| self.save_commit()) {
            Err(error) if error.is_temporary() => {
                log::warn!("{}: closed without its last writes: {error}", self.disk.path());
                Ok(())
            }
            closed => closed,
        }
    }

    /// Whether the disk may soon lack space for a snapshot, which can become as large as the last
    /// one and the log after it together. False if there is not even space for another copy of the
    /// last one.
    pub fn is_low_on_space(&self) -> bool {
        const MIN_FREE_BYTES: u64 = 1024 * 1024;
        let snapshot_bytes = self.snapshot.as_ref().map_or(0, |snapshot| snapshot.size_bytes());
        let needed = snapshot_bytes.saturating_add(self.log.len());
        let wanted = needed.saturating_add(needed / 4).saturating_add(MIN_FREE_BYTES);
        let is_short = |free| (snapshot_bytes..wanted).contains(&free);
        self.disk.free_bytes().is_some_and(is_short)
    }

    /// The index up to which entries are known to be committed and are durable in the log. An entry
    /// may be committed, and be part of a snapshot, before it is durable in the log.
    fn commit_length(&self) -> Index {
        self.commit_note.min(self.log.last_durable()).max(self.metadata.commit_length)
    }

    fn write_metadata(
        &mut self,
        hard_state: HardState,
        truncating: Option<Truncation>,
    ) -> Result<(), StorageError> {
        let (commit_length, identity) = (self.commit_length(), self.metadata.identity.clone());
        let record = self.metadata.record.clone();
        let metadata = Metadata { commit_length, hard_state, identity, truncating, record };
        let disk = &*self.disk;
        match metadata.write(disk) {
            Err(StorageError::NoSpace { .. }) if self.reserve.release_space(disk) => {
                metadata.write(disk)?;
            }
            Err(StorageError::NoDescriptor { .. }) if self.reserve.release_descriptor() => {
                let written = metadata.write(disk);
                self.reserve.reopen(disk);
                written?;
            }
            written => written?,
        }
        self.metadata = metadata;
        Ok(())
    }

    /// Records that void entries have been cut off.
    pub(super) fn clear_truncation(&mut self) -> Result<(), StorageError> {
        self.write_metadata(self.metadata.hard_state, None)
    }

    /// Refuses all writes after an error that is not temporary.
    fn guarded<T>(
        &mut self,
        action: impl FnOnce(&mut Storage) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        if self.has_failed {
            return Err(StorageError::Failed);
        }
        let result = action(self);
        self.has_failed = result.as_ref().is_err_and(|error| !error.is_temporary());
        result
    }

    /// The index of the first entry of the log, or the index that it will have.
    pub fn first_index(&self) -> Index {
        self.log.first()
    }

    /// The index of the next entry.
    pub fn next_index(&self) -> Index {
        self.log.next()
    }

    /// The length of the log file in bytes.
    pub fn log_bytes(&self) -> u64 {
        self.log.len()
    }

    /// The newest snapshot, readable in pieces from any thread.
    pub fn snapshot(&self) -> Option<Arc<SnapshotFile>> {
        self.snapshot.clone()
    }

    fn snapshot_mark(&self) -> SnapshotMark {
        self.snapshot.as_ref().map_or(SnapshotMark::default(), |snapshot| snapshot.mark())
    }

    /// Begins a snapshot of this node's state. The job writes it, on any thread.
    pub fn begin_snapshot(&mut self, mark: SnapshotMark, frozen: Box<dyn Frozen>) -> SnapshotJob {
        self.snapshots_begun += 1;
        let name = format!("{SNAPSHOT_TEMPORARY}-{}", self.snapshots_begun);
        SnapshotJob::new(Arc::clone(&self.disk), mark, name, frozen)
    }

    /// Puts a snapshot in place, durably. False: there is a newer one, and this one was removed. It
    /// is also removed after a temporary error.
    ///
    /// # Errors
    /// As for [`sync`](Self::sync), or the job is not finished.
    pub fn finish_snapshot(&mut self, job: SnapshotJob) -> Result<bool, StorageError> {
        self.guarded(|storage| {
            let SnapshotJob { mark, name, file: Some(file), is_done: true, .. } = job else {
                return Err(StorageError::refused("a snapshot that is not yet written"));
            };
            storage.put_in_place(mark, &name, file)
        })
    }

    /// Renames a file to `snapshot.txt`, unless that is newer.
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
        let placed =
            self.sync_hard_state().and_then(|()| self.put_newer_in_place(mark, name, file));
        placed.inspect_err(|error| discard_if_temporary(&*self.disk, name, error))?;
        Ok(true)
    }

    fn put_newer_in_place(
        &mut self,
        mark: SnapshotMark,
        name: &str,
        file: Box<dyn DiskFile>,
    ) -> Result<(), StorageError> {
        let durable = self.metadata.hard_state.current_term;
        if mark.term > durable {
            let term = mark.term;
            let what = format!("a snapshot of term {term}, and only term {durable} is durable");
            return Err(StorageError::refused(what));
        }
        replace(&*self.disk, name, SNAPSHOT)?;
        let new = Arc::new(SnapshotFile::new(file, mark)?);
        if let Some(old) = self.snapshot.replace(new) {
            self.retired.push(Retired(Box::new(old)));
        }
        self.note_commit(mark.index);
        Ok(())
    }

    /// The files that were replaced since the last call, to be dropped on another thread.
    pub fn take_retired(&mut self) -> Vec<Retired> {
        std::mem::take(&mut self.retired)
    }

    /// Begins to drop the entries before `first` from the log. The copy is made on any thread,
    /// while entries are written. Only one copy is made at a time.
    ///
    /// # Errors
    /// As for [`sync`](Self::sync); or an entry to be dropped is not in the snapshot.
    pub fn begin_compaction(&mut self, first: Index) -> Result<Compaction, StorageError> {
        self.guarded(|storage| {
            let end = storage.snapshot_mark().index;
            if first > end + 1 {
                let what = format!("a log from {first} on does not join a snapshot up to {end}");
                return Err(StorageError::refused(what));
            }
            storage.retired.clear();
            storage.log.begin_compaction(&storage.disk, first)
        })
    }

    /// Whether the log has entries that are in the snapshot.
    pub fn has_snapshotted_entries(&self) -> bool {
        let first = self.log.first();
        first <= self.log.last_durable().min(self.snapshot_mark().index)
    }

    /// Extends a copy to the current end of the log, if much is missing; the rest is copied by
    /// [`finish_compaction`](Self::finish_compaction). False: little is missing.
    pub fn extend_compaction(&self, compaction: &mut Compaction) -> bool {
        let is_far = self.log.remaining(compaction) > STEP_BYTES as u64;
        if is_far {
            self.log.extend(compaction);
        }
        is_far
    }

    /// Replaces the log by the shorter copy, durably, including what was written meanwhile; staged
    /// data stays staged. False: entries were replaced meanwhile, and the copy was removed. It is
    /// also removed after a temporary error.
    ///
    /// # Errors
    /// As for [`sync`](Self::sync).
    pub fn finish_compaction(&mut self, compaction: Compaction) -> Result<bool, StorageError> {
        self.guarded(|storage| {
            if storage.metadata.truncating.is_some() {
                // The note contains an offset in the current file.
                return compaction.discard().map(|()| false);
            }
            let old = storage.log.finish_compaction(&*storage.disk, compaction)?;
            let is_done = old.is_some();
            storage.retired.extend(old.map(|old| Retired(Box::new(old))));
            Ok(is_done)
        })
    }

    /// Drops the entries before `first` from the log, at once.
    ///
    /// # Errors
    /// As for [`begin_compaction`](Self::begin_compaction).
    pub fn compact(&mut self, first: Index) -> Result<(), StorageError> {
        let mut compaction = self.begin_compaction(first)?;
        self.guarded(|_| compaction.run())?;
        self.finish_compaction(compaction).map(|_| ())
    }

    /// Keeps a piece of a snapshot from a leader. After a temporary error all pieces were
    /// discarded.
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
                    storage.snapshots_begun += 1;
                    let name = format!("{SNAPSHOT_INCOMING}-{}", storage.snapshots_begun);
                    Receiving::begin(&storage.disk, piece.snapshot, name)?
                }
            };
            if let Err(error) = receiving.add(piece) {
                receiving.discard()?;
                return Err(error);
            }
            if piece.is_last {
                return Ok(Receipt::Whole(receiving.whole()));
            }
            storage.receiving = Some(receiving);
            Ok(Receipt::More)
        })
    }

    /// Puts a snapshot from a leader in place, durably, and empties the log unless it continues the
    /// snapshot, that is, has the snapshot's last entry. False: there is a newer snapshot, and this
    /// one was removed. It is also removed after a temporary error.
    ///
    /// # Errors
    /// As for [`sync`](Self::sync).
    pub fn install(&mut self, snapshot: VerifiedSnapshot) -> Result<bool, StorageError> {
        let VerifiedSnapshot { mark, name, file } = snapshot;
        if let Err(error) = self.sync() {
            discard_if_temporary(&*self.disk, &name, &error);
            return Err(error);
        }
        self.guarded(|storage| {
            let disk = Arc::clone(&storage.disk);
            if storage.term_of(mark.index)? == Some(mark.term) {
                return storage.put_in_place(mark, &name, file);
            }
            // Created before the snapshot is put in place: afterwards there is no way back.
            let empty = LogFile::make_empty(&*disk)
                .inspect_err(|error| discard_if_temporary(&*disk, &name, error))?;
            let is_in_place = storage
                .put_in_place(mark, &name, file)
                .inspect_err(|error| discard_if_temporary(&*disk, LOG_TEMPORARY, error))?;
            if !is_in_place {
                disk.remove(LOG_TEMPORARY)
                    .map_err(|error| StorageError::io(LOG_TEMPORARY, "cannot remove", error))?;
                return Ok(false);
            }
            storage.log.reset(&*disk, empty, mark.index + 1).map_err(|error| match error {
                StorageError::NoSpace { file } => {
                    let error = std::io::ErrorKind::StorageFull.into();
                    StorageError::Io { file, what: "cannot replace", error }
                }
                error => error,
            })?;
            Ok(true)
        })
    }

    /// The term of an entry, read from the log file.
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
