//! The storage of a node: its files, opened, written to and closed.

use std::sync::Arc;

use super::commands::Commands;
use super::disk::{Disk, DiskFile, read_fully, replace, sync_file, sync_names, write_fully};
use super::entry_line;
use super::error::StorageError;
use super::examine::{Directory, Found, examine};
use super::log_file::{Compaction, LOG_TEMPORARY, LogFile, cut_file};
use super::metadata::{Identity, METADATA_TEMPORARY, Metadata, Truncation};
use super::receive::{Receipt, Receiving, SNAPSHOT_INCOMING, VerifiedSnapshot};
use super::scan::LOG;
use super::snapshot::{EachLine, SNAPSHOT, SNAPSHOT_TEMPORARY, SnapshotFile};
use super::snapshot_job::SnapshotJob;
use crate::raft::{Entry, Frozen, HardState, Index, SnapshotMark, SnapshotPiece, Term};
use crate::text::Scratch;

/// What was found when storage was opened.
#[derive(Debug, Default)]
pub struct Recovered {
    /// The last one that was written.
    pub hard_state: HardState,
    /// Every entry up to this one is known to be committed; more may be.
    pub commit_length: Index,
    /// The snapshot whose lines were handed out.
    pub snapshot: Option<SnapshotMark>,
    /// The log, without a gap. It joins the snapshot, and may begin before the snapshot's end.
    pub entries: Vec<Entry>,
    /// What was put in order, a sentence each. All of it is what a crash leaves.
    pub repairs: Vec<String>,
}

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
    /// Opens the files of a node, or makes them in an empty directory. The lines of the snapshot, if
    /// there is one, are handed to `restore` in their order.
    ///
    /// # Errors
    /// See [`StorageError`]. What `restore` has got is then of no use.
    pub fn open(
        disk: Arc<dyn Disk>,
        identity: &Identity,
        commands: Commands,
        restore: &mut EachLine<'_>,
    ) -> Result<(Storage, Recovered), StorageError> {
        let metadata = Metadata::read(&*disk)?;
        if let Some(metadata) = &metadata {
            check_identity(&disk.path(), &metadata.identity, identity)?;
        }
        let mut entries = Vec::new();
        let each = &mut |entry| entries.push(entry);
        let directory = examine(&*disk, metadata, &commands, restore, each)?;
        let (storage, recovered) = match directory {
            Directory::Fresh => (Storage::make(&disk, identity, commands)?, Recovered::default()),
            Directory::Used(found) => {
                if found.is_superseded {
                    entries.clear();
                }
                let (storage, repairs) = Storage::resume(&disk, &found, commands)?;
                for repair in &repairs {
                    log::warn!("{}: {repair}", disk.path());
                }
                let recovered = Recovered {
                    hard_state: found.metadata.hard_state,
                    commit_length: found.metadata.commit_length,
                    snapshot: found.snapshot,
                    entries,
                    repairs,
                };
                (storage, recovered)
            }
        };
        remove_temporaries(&*disk)?;
        Ok((storage, recovered))
    }

    /// The first start. The directory counts as used once there is a metadata.txt.
    fn make(
        disk: &Arc<dyn Disk>,
        identity: &Identity,
        commands: Commands,
    ) -> Result<Storage, StorageError> {
        let file =
            disk.create(LOG).map_err(|error| StorageError::io(LOG, "cannot create", error))?;
        sync_file(&*file, LOG)?;
        sync_names(&**disk)?;
        let identity = identity.clone();
        let hard_state = HardState::default();
        let metadata = Metadata { commit_length: 0, hard_state, identity, truncating: None };
        metadata.write(&**disk)?;
        let log = LogFile::new(file, 1, Vec::new(), 0);
        Ok(Storage::of(disk, commands, metadata, log, None))
    }

    /// A later start: puts in order what a crash has left.
    fn resume(
        disk: &Arc<dyn Disk>,
        found: &Found,
        commands: Commands,
    ) -> Result<(Storage, Vec<String>), StorageError> {
        let mut repairs = Vec::new();
        // A name may be seen that was not durable yet.
        sync_names(&**disk)?;
        let snapshot = match found.snapshot {
            None => None,
            Some(mark) => {
                let file = disk.open_to_read(SNAPSHOT);
                let file =
                    file.map_err(|error| StorageError::io(SNAPSHOT, "cannot open", error))?;
                Some(Arc::new(SnapshotFile::new(file, mark)?))
            }
        };
        let next = found.snapshot.unwrap_or_default().index + 1;
        let file = disk.open_to_write(LOG);
        let file = file.map_err(|error| StorageError::io(LOG, "cannot open to write", error))?;
        let scanned = &found.log;
        if let Some(torn) = &scanned.torn {
            repairs.push(format!("{torn}: a write that never became durable; cut off"));
        }
        if let Some(Truncation { from, .. }) = found.metadata.truncating {
            repairs.push(format!("{LOG}: entries from {from} on were being replaced; cut off"));
        }
        cut_file(&*file, scanned.end)?;
        write_again(&*file, scanned.last_write, scanned.end)?;
        sync_file(&*file, LOG)?;
        let first = scanned.first.unwrap_or(next);
        let mut log = LogFile::new(file, first, scanned.offsets.clone(), scanned.end);
        if found.is_superseded {
            log.reset(&**disk, next)?;
            repairs.push(format!("{LOG}: its entries are not those of {SNAPSHOT}; emptied"));
        }
        let metadata = Metadata { truncating: None, ..found.metadata.clone() };
        if metadata != found.metadata {
            metadata.write(&**disk)?;
        }
        Ok((Storage::of(disk, commands, metadata, log, snapshot), repairs))
    }

    fn of(
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

fn check_identity(
    directory: &str,
    found: &Identity,
    expected: &Identity,
) -> Result<(), StorageError> {
    let differences = [
        ("node", found.node.to_string(), expected.node.to_string()),
        ("group", found.group.clone(), expected.group.clone()),
        ("machine", found.machine.clone(), expected.machine.clone()),
    ];
    match differences.iter().find(|(_, found, expected)| found != expected) {
        None => Ok(()),
        Some((name, found, expected)) => {
            let what = format!("{directory} is that of {name} {found}, not of {name} {expected}");
            Err(StorageError::Foreign { what })
        }
    }
}

/// Writes once more what was written last. A process that was killed, or ended because a sync had
/// failed, leaves bytes that are read back from memory and may never reach the disk: a sync writes
/// only what was written since.
fn write_again(file: &dyn DiskFile, from: u64, end: u64) -> Result<(), StorageError> {
    const STEP_BYTES: u64 = 1024 * 1024;
    let mut offset = from;
    while offset < end {
        let mut bytes = vec![0; STEP_BYTES.min(end - offset) as usize];
        let read = read_fully(file, &mut bytes, offset)
            .map_err(|error| StorageError::io(LOG, "cannot read", error))?;
        bytes.truncate(read);
        write_fully(file, LOG, &bytes, offset)?;
        if read == 0 {
            break;
        }
        offset += read as u64;
    }
    Ok(())
}

/// Files that were being made when the node stopped.
fn remove_temporaries(disk: &dyn Disk) -> Result<(), StorageError> {
    let names =
        disk.names().map_err(|error| StorageError::io(&disk.path(), "cannot be listed", error))?;
    for name in names.iter().filter(|name| is_temporary(name)) {
        disk.remove(name).map_err(|error| StorageError::io(name, "cannot remove", error))?;
    }
    Ok(())
}

/// Whether a file of this name was being made.
pub(super) fn is_temporary(name: &str) -> bool {
    [METADATA_TEMPORARY, LOG_TEMPORARY, SNAPSHOT_TEMPORARY, SNAPSHOT_INCOMING]
        .iter()
        .any(|ours| name.starts_with(ours))
}
