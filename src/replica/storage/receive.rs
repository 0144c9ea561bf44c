//! Receiving a snapshot in pieces.

use std::sync::Arc;

use super::disk::{Disk, DiskFile, sync_file, write_fully};
use super::error::{Corruption, StorageError};
use super::snapshot::{self, EachLine};
use super::snapshot_job::STEP_BYTES;
use crate::raft::{SnapshotMark, SnapshotPiece};

pub(super) const SNAPSHOT_INCOMING: &str = "snapshot.txt.incoming";

/// What became of a piece.
#[derive(Debug)]
pub enum Receipt {
    /// It is kept, and more are to come.
    More,
    /// It does not follow the one before it. All pieces were thrown away: the sender begins anew.
    OutOfOrder,
    /// It was the last one.
    Whole(ReceivedSnapshot),
}

/// Pieces that are being put together.
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
    /// Begins anew, in a file of this name.
    pub(super) fn begin(
        disk: &Arc<dyn Disk>,
        mark: SnapshotMark,
        name: String,
    ) -> Result<Receiving, StorageError> {
        let file =
            disk.create(&name).map_err(|error| StorageError::io(&name, "cannot create", error))?;
        Ok(Receiving { disk: Arc::clone(disk), mark, name, file, len: 0, synced: 0 })
    }

    /// Whether a piece is the one that follows.
    pub(super) fn is_next(&self, piece: &SnapshotPiece) -> bool {
        piece.snapshot == self.mark && piece.offset == self.len
    }

    /// Keeps a piece.
    pub(super) fn add(&mut self, piece: &SnapshotPiece) -> Result<(), StorageError> {
        write_fully(&*self.file, &self.name, &piece.data, self.len)?;
        self.len += piece.data.len() as u64;
        if piece.is_last || self.len - self.synced >= STEP_BYTES as u64 {
            sync_file(&*self.file, &self.name)?;
            self.synced = self.len;
        }
        Ok(())
    }

    /// All pieces are there.
    pub(super) fn whole(self) -> ReceivedSnapshot {
        let Receiving { disk, mark, name, file, .. } = self;
        ReceivedSnapshot { disk, mark, name, file }
    }

    /// Throws them away.
    pub(super) fn discard(self) -> Result<(), StorageError> {
        remove(&*self.disk, &self.name)
    }
}

fn remove(disk: &dyn Disk, name: &str) -> Result<(), StorageError> {
    disk.remove(name).map_err(|error| StorageError::io(name, "cannot remove", error))
}

/// A snapshot whose pieces are all there and durable, and not yet looked at.
#[derive(Debug)]
pub struct ReceivedSnapshot {
    disk: Arc<dyn Disk>,
    mark: SnapshotMark,
    name: String,
    file: Box<dyn DiskFile>,
}

impl ReceivedSnapshot {
    /// Which one the sender said it is.
    pub fn mark(&self) -> SnapshotMark {
        self.mark
    }

    /// Reads all of it, checks it, and hands each line of the state to `each`, which makes a machine
    /// of them. May be done on any thread. `Err` in the result: it is not what it should be, and was
    /// thrown away.
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

/// A snapshot that may be put in place.
#[derive(Debug)]
pub struct VerifiedSnapshot {
    pub(super) mark: SnapshotMark,
    pub(super) name: String,
    pub(super) file: Box<dyn DiskFile>,
}
