//! Writes a snapshot of this node's state, while the log is written.

use std::fmt;
use std::sync::Arc;

use super::disk::{Disk, DiskFile, sync_file, write_fully};
use super::error::StorageError;
use super::snapshot::Writer;
use crate::raft::{Frozen, SnapshotMark};

/// The bytes that are written and synced at once. A sync of the log waits for earlier writes to
/// other files (on ext4), so a snapshot is synced in small steps to delay log writes little. Beside
/// a snapshot of 170 MB, the longest log write took 15 to 48 ms with steps of 4 MB, and takes 1.5
/// to 5 ms with these; the snapshot takes no longer (`test/replica/speed.rs`).
pub(super) const STEP_BYTES: usize = 256 * 1024;

/// A snapshot that is being written, on any thread; then
/// [`Storage::finish_snapshot`](super::Storage::finish_snapshot) puts it in place. It needs memory
/// for a few hundred kilobytes of lines, besides the frozen state.
pub struct SnapshotJob {
    disk: Arc<dyn Disk>,
    pub(super) mark: SnapshotMark,
    pub(super) name: String,
    frozen: Box<dyn Frozen>,
    pub(super) file: Option<Box<dyn DiskFile>>,
    writer: Writer,
    written: u64,
    /// Whether it stops before the disk is full.
    keeps_space_free: bool,
    pub(super) is_done: bool,
}

/// The space that such a snapshot leaves for the log.
const KEPT_FREE_BYTES: u64 = 2 * STEP_BYTES as u64;

impl fmt::Debug for SnapshotJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SnapshotJob { mark, name, written, is_done, .. } = self;
        write!(f, "SnapshotJob {{ {mark:?}, {name}, written: {written}, is_done: {is_done} }}")
    }
}

impl SnapshotJob {
    pub(super) fn new(
        disk: Arc<dyn Disk>,
        mark: SnapshotMark,
        name: String,
        frozen: Box<dyn Frozen>,
    ) -> SnapshotJob {
        let writer = Writer::new(mark);
        let (file, is_done) = (None, false);
        let (written, keeps_space_free) = (0, false);
        SnapshotJob { disk, mark, name, frozen, file, writer, written, keeps_space_free, is_done }
    }

    /// Makes the job fail, as on a full disk, before the disk is full: otherwise log writes would
    /// fail during the snapshot.
    pub fn keep_space_free(&mut self) {
        self.keeps_space_free = true;
    }

    /// Writes some hundred kilobytes; returns false after the last.
    ///
    /// # Errors
    /// It cannot be written. Its file is removed, the earlier snapshot stays, and the node may
    /// continue without this one.
    pub fn step(&mut self) -> Result<bool, StorageError> {
        match self.more() {
            Ok(()) => Ok(!self.is_done),
            Err(error) => {
                // A remaining file is removed at the next start.
                let _ = self.disk.remove(&self.name);
                Err(error)
            }
        }
    }

    fn more(&mut self) -> Result<(), StorageError> {
        if self.keeps_space_free
            && self.disk.free_bytes().is_some_and(|free| free < KEPT_FREE_BYTES)
        {
            return Err(StorageError::NoSpace { file: self.name.clone() });
        }
        while !self.is_done && self.writer.text.len() < STEP_BYTES {
            let frozen = &mut self.frozen;
            if !self.writer.line(|word| frozen.next_line(word))? {
                self.writer.end();
                self.is_done = true;
            }
        }
        let file = match &self.file {
            Some(file) => file,
            None => {
                let file = self.disk.create(&self.name);
                let failed = |error| StorageError::io(&self.name, "cannot create", error);
                self.file.insert(file.map_err(failed)?)
            }
        };
        write_fully(&**file, &self.name, &self.writer.text, self.written)?;
        self.written += self.writer.text.len() as u64;
        self.writer.clear();
        sync_file(&**file, &self.name)
    }

    /// Writes everything.
    ///
    /// # Errors
    /// As for [`step`](Self::step).
    pub fn run(&mut self) -> Result<(), StorageError> {
        while self.step()? {}
        Ok(())
    }
}
