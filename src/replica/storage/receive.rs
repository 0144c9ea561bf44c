//! Receives a snapshot in pieces.

use std::sync::Arc;

use super::disk::{Disk, DiskFile, sync_file, write_fully};
use super::error::{Corruption, StorageError};
use super::snapshot::{self, EachLine};
use super::snapshot_job::STEP_BYTES;
use crate::raft::{SnapshotMark, SnapshotPiece};

pub(super) const SNAPSHOT_INCOMING: &str = "snapshot.txt.incoming";

/// The result of a piece.
#[derive(Debug)]
pub enum Receipt {
    /// The piece was kept, and more are to come.
    More,
    /// The piece does not follow the one before. All pieces were discarded: the sender starts
    /// again.
    OutOfOrder,
    /// The piece was the last.
    Whole(ReceivedSnapshot),
}

/// A snapshot that is being received.
#[derive(Debug)]
pub(super) struct Receiving {
    disk: Arc<dyn Disk>,
    mark: SnapshotMark,
    name: String,
    file: Box<dyn DiskFile>,
    len: u64,
    synced: u64,
}

impl Receiving {
    /// Starts a transfer, in a file of this name.
    pub(super) fn begin(
        disk: &Arc<dyn Disk>,
        mark: SnapshotMark,
        name: String,
    ) -> Result<Receiving, StorageError> {
        let file =
            disk.create(&name).map_err(|error| StorageError::io(&name, "cannot create", error))?;
        Ok(Receiving { disk: Arc::clone(disk), mark, name, file, len: 0, synced: 0 })
    }

    /// Whether a piece is the next one.
    pub(super) fn is_next(&self, piece: &SnapshotPiece) -> bool {
        piece.snapshot == self.mark && piece.offset == self.len
    }

    /// Appends a piece.
    pub(super) fn add(&mut self, piece: &SnapshotPiece) -> Result<(), StorageError> {
        write_fully(&*self.file, &self.name, &piece.data, self.len)?;
        self.len += piece.data.len() as u64;
        if piece.is_last || self.len - self.synced >= STEP_BYTES as u64 {
            sync_file(&*self.file, &self.name)?;
            self.synced = self.len;
        }
        Ok(())
    }

    /// Ends the transfer after the last piece.
    pub(super) fn whole(self) -> ReceivedSnapshot {
        let Receiving { disk, mark, name, file, .. } = self;
        ReceivedSnapshot { disk, mark, name, file }
    }

    /// Discards the pieces.
    pub(super) fn discard(self) -> Result<(), StorageError> {
        remove(&*self.disk, &self.name)
    }
}

fn remove(disk: &dyn Disk, name: &str) -> Result<(), StorageError> {
    disk.remove(name).map_err(|error| StorageError::io(name, "cannot remove", error))
}

/// A completely received snapshot, durable and not yet verified.
#[derive(Debug)]
pub struct ReceivedSnapshot {
    disk: Arc<dyn Disk>,
    mark: SnapshotMark,
    name: String,
    file: Box<dyn DiskFile>,
}

impl ReceivedSnapshot {
    /// The position that the sender announced.
    pub fn mark(&self) -> SnapshotMark {
        self.mark
    }

    /// Reads and checks the whole snapshot, and passes each line of the state to `each`, which
    /// restores a machine. May run on any thread. An `Err` inside the result: the snapshot is
    /// invalid and was removed.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn verify(
        self,
        each: &mut EachLine<'_>,
    ) -> Result<Result<VerifiedSnapshot, Corruption>, StorageError> {
        let wrong = match snapshot::read(&*self.file, &self.name, each) {
            Ok(mark) if mark == self.mark => {
                return Ok(Ok(VerifiedSnapshot { mark, name: self.name, file: self.file }));
            }
            Ok(mark) => Corruption {
                file: self.name.clone(),
                line: 1,
                byte: 0,
                what: format!("it says {mark:?} where {:?} was announced", self.mark),
            },
            Err(StorageError::Corrupt(wrong)) => wrong,
            Err(error) => return Err(error),
        };
        remove(&*self.disk, &self.name)?;
        Ok(Err(wrong))
    }
}

/// A verified snapshot that may be put in place.
#[derive(Debug)]
pub struct VerifiedSnapshot {
    pub(super) mark: SnapshotMark,
    pub(super) name: String,
    pub(super) file: Box<dyn DiskFile>,
}
