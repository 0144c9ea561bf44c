//! `reserve.txt`: space that is reserved for `metadata.txt` (`schemas/files.md`, section 6).
//!
//! A node with a full disk must still vote, and each vote writes a new `metadata.txt`. So some
//! space is allocated in advance and released when it is needed; log entries are not written until
//! it is allocated again. The open file reserves a descriptor for the same reason.

use super::disk::{Disk, DiskFile, sync_file, sync_names, write_fully};
use super::error::StorageError;

pub(super) const RESERVE: &str = "reserve.txt";
/// Several blocks of any file system.
pub(super) const RESERVE_BYTES: usize = 32 * 1024;
const LINE: &str = "Room for metadata.txt on a disk that is full.\n";

/// The file, if it exists.
#[derive(Debug, Default)]
pub(super) struct Reserve {
    file: Option<Box<dyn DiskFile>>,
    has_space: bool,
}

impl Reserve {
    /// Allocates the space, unless it is allocated already or the disk is full.
    pub(super) fn open(disk: &dyn Disk) -> Result<Reserve, StorageError> {
        let mut reserve = Reserve::default();
        reserve.reopen(disk);
        let len = reserve.file.as_ref().and_then(|file| file.len().ok());
        reserve.has_space = len == Some(RESERVE_BYTES as u64);
        match reserve.take(disk) {
            Err(error) if error.is_temporary() => {
                log::warn!("{}: no space is reserved for metadata.txt: {error}", disk.path());
                Ok(reserve)
            }
            taken => taken.map(|()| reserve),
        }
    }

    /// Allocates the space, if it is not allocated.
    pub(super) fn take(&mut self, disk: &dyn Disk) -> Result<(), StorageError> {
        if self.has_space {
            return Ok(());
        }
        let file = disk.create(RESERVE);
        let file = file.map_err(|error| StorageError::io(RESERVE, "cannot create", error))?;
        let text: String = LINE.chars().cycle().take(RESERVE_BYTES).collect();
        if let Err(error) = write_fully(&*file, RESERVE, text.as_bytes(), 0) {
            // A partial allocation is of no use.
            file.set_len(0).map_err(|error| StorageError::io(RESERVE, "cannot cut off", error))?;
            return Err(error);
        }
        sync_file(&*file, RESERVE)?;
        sync_names(disk)?;
        (self.file, self.has_space) = (Some(file), true);
        Ok(())
    }

    /// Releases the space. False: there is none.
    pub(super) fn release_space(&mut self, disk: &dyn Disk) -> bool {
        if self.file.is_none() {
            self.reopen(disk);
        }
        let Some(file) = &self.file else { return false };
        self.has_space = false;
        let was_there = file.len().is_ok_and(|len| len > 0);
        was_there && file.set_len(0).is_ok() && file.sync().is_ok()
    }

    /// Releases the descriptor. False: there is none.
    pub(super) fn release_descriptor(&mut self) -> bool {
        self.file.take().is_some()
    }

    /// Takes a descriptor again, if one is available.
    pub(super) fn reopen(&mut self, disk: &dyn Disk) {
        if self.file.is_none() {
            self.file = disk.open_to_write(RESERVE).ok();
        }
    }
}
