//! The directory of a node, as storage sees it.
//!
//! Everything that storage does to the world goes through these two traits: [`Directory`] does it
//! for real, a test's own disk forgets what was not synced, fills up or fails on purpose.
//!
//! What a [`Disk`] promises, and no more:
//!
//! - What a file held when [`DiskFile::sync`] returned is there after a crash.
//! - Of what was written behind that, any part may be there. The file may end anywhere, and any
//!   sector of 512 bytes may read as zeros. A file that was being made shorter may have its old
//!   length and anything behind the cut.
//! - Names that were made, renamed or removed are so after a crash if [`Disk::sync`] has returned.
//!   A rename is done or not, never by half.
//! - When the sync of a file fails, what was written before it may be read back and yet be lost
//!   later, unless it is written again. (Linux takes the bytes for clean.) Names stay to be synced.
//!
//! [`Directory`]: super::Directory

use std::fmt::Debug;
use std::io;

use super::error::StorageError;

/// What a disk writes whole or not at all.
pub const SECTOR_BYTES: u64 = 512;

/// One directory. Names have no slash. Used by one node at a time, from several threads.
pub trait Disk: Debug + Send + Sync {
    /// Where it is, for messages.
    fn path(&self) -> String;

    /// The names of its files, in order.
    ///
    /// # Errors
    /// As the operating system says, here and below.
    fn names(&self) -> io::Result<Vec<String>>;

    /// Opens a file that is there, to read it.
    fn open_to_read(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file that is there, to read and write it.
    fn open_to_write(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Makes an empty file, in the place of one that is there.
    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Gives a file another name, in the place of the file that has it.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Takes a file away. Whoever has it open goes on reading it.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes names durable.
    fn sync(&self) -> io::Result<()>;

    /// How many bytes can still be written, if that is known.
    fn free_bytes(&self) -> Option<u64> {
        None
    }
}

/// One file.
pub trait DiskFile: Debug + Send + Sync {
    /// How many bytes it has.
    ///
    /// # Errors
    /// As the operating system says, here and below.
    fn len(&self) -> io::Result<u64>;

    /// Whether it has none.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Reads some bytes; 0 at the end of the file.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes some of the bytes, and says how many.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Makes it shorter.
    fn set_len(&self, bytes: u64) -> io::Result<()>;

    /// Makes its bytes durable.
    fn sync(&self) -> io::Result<()>;
}

/// Reads until the buffer is full or the file ends; how many bytes it was.
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

/// Writes all of the bytes.
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

/// Takes away what was being made when something ran out: half a file would hold what is missing. If
/// that fails as well, the next start does it.
pub(super) fn discard_if_temporary(disk: &dyn Disk, name: &str, error: &StorageError) {
    if error.is_temporary()
        && let Err(error) = disk.remove(name)
    {
        log::warn!("{}/{name}: cannot remove: {error}", disk.path());
    }
}

/// Makes a file's bytes durable.
pub(super) fn sync_file(file: &dyn DiskFile, name: &str) -> Result<(), StorageError> {
    file.sync().map_err(|error| StorageError::Sync { file: name.into(), error })
}

/// Makes names durable.
pub(super) fn sync_names(disk: &dyn Disk) -> Result<(), StorageError> {
    disk.sync().map_err(|error| StorageError::Sync { file: disk.path(), error })
}

/// Puts a file whose bytes are durable in the place of another, durably.
pub(super) fn replace(disk: &dyn Disk, from: &str, to: &str) -> Result<(), StorageError> {
    disk.rename(from, to).map_err(|error| StorageError::io(to, "cannot replace", error))?;
    sync_names(disk)
}
