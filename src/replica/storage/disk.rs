//! The directory of a node, as storage uses it.
//!
//! Everything that storage does to the outside goes through these two traits. [`Directory`] is the
//! real one; a test's disk forgets what was not synced, becomes full, or fails on purpose.
//!
//! A [`Disk`] guarantees the following, and nothing more:
//!
//! - What a file contained when [`DiskFile::sync`] returned survives a crash.
//! - Of later writes, any part may survive. The file may end anywhere, and any sector of 512 bytes
//!   may read as zeros. A file that was being truncated may have its old length, with any content
//!   after the cut.
//! - Created, renamed and removed names survive a crash if [`Disk::sync`] has returned. A rename is
//!   atomic.
//! - When the sync of a file fails, earlier writes may be readable and yet be lost later, unless
//!   they are written again (Linux marks the pages as clean). Names can still be synced.
//!
//! [`Directory`]: super::Directory

use std::fmt::Debug;
use std::io;

use super::error::StorageError;

/// The unit that a disk writes atomically.
pub const SECTOR_BYTES: u64 = 512;

/// One directory. Names contain no slash. Used by one node at a time, from several threads.
pub trait Disk: Debug + Send + Sync {
    /// The path, for messages.
    fn path(&self) -> String;

    /// The names of all files, sorted.
    ///
    /// # Errors
    /// Errors of the operating system, here and below.
    fn names(&self) -> io::Result<Vec<String>>;

    /// Opens an existing file for reading.
    fn open_to_read(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Opens an existing file for reading and writing.
    fn open_to_write(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Creates an empty file, or truncates an existing one.
    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Renames a file; replaces a file that has the new name.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file. Open handles stay readable.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes names durable.
    fn sync(&self) -> io::Result<()>;

    /// How many bytes can still be written, if known.
    fn free_bytes(&self) -> Option<u64> {
        None
    }
}

/// One file.
pub trait DiskFile: Debug + Send + Sync {
    /// The length in bytes.
    ///
    /// # Errors
    /// Errors of the operating system, here and below.
    fn len(&self) -> io::Result<u64>;

    /// Whether the length is 0.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Reads some bytes; returns 0 at the end of the file.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes some of the bytes, and returns how many.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Truncates the file.
    fn set_len(&self, bytes: u64) -> io::Result<()>;

    /// Makes the content durable.
    fn sync(&self) -> io::Result<()>;
}

/// Reads until the buffer is full or the file ends; returns the number of bytes.
pub(super) fn read_fully(file: &dyn DiskFile, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + done as u64) {
            Ok(0) => break,
            Ok(bytes) => done += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// Writes all bytes.
pub(super) fn write_fully(
    file: &dyn DiskFile,
    name: &str,
    bytes: &[u8],
    offset: u64,
) -> Result<(), StorageError> {
    let mut done = 0;
    while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
        match file.write_at(rest, offset + done as u64) {
            Ok(0) => {
                let error = io::ErrorKind::WriteZero.into();
                return Err(StorageError::io(name, "cannot write", error));
            }
            Ok(bytes) => done += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(StorageError::io(name, "cannot write", error)),
        }
    }
    Ok(())
}

/// Removes an incomplete file after a temporary error: it may use the very space that is missing.
/// If that fails too, the next start removes it.
pub(super) fn discard_if_temporary(disk: &dyn Disk, name: &str, error: &StorageError) {
    if error.is_temporary()
        && let Err(error) = disk.remove(name)
    {
        log::warn!("{}/{name}: cannot remove: {error}", disk.path());
    }
}

/// Makes the content of a file durable.
pub(super) fn sync_file(file: &dyn DiskFile, name: &str) -> Result<(), StorageError> {
    file.sync().map_err(|error| StorageError::Sync { file: name.into(), error })
}

/// Makes names durable.
pub(super) fn sync_names(disk: &dyn Disk) -> Result<(), StorageError> {
    disk.sync().map_err(|error| StorageError::Sync { file: disk.path(), error })
}

/// Renames a file with durable content over another, durably.
pub(super) fn replace(disk: &dyn Disk, from: &str, to: &str) -> Result<(), StorageError> {
    disk.rename(from, to).map_err(|error| StorageError::io(to, "cannot replace", error))?;
    sync_names(disk)
}
