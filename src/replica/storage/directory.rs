//! A directory of the file system.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::access::{self, Access};
use super::disk::{Disk, DiskFile};
use super::error::StorageError;
use crate::files;

/// A directory of the file system. While it is open, it is locked with flock(2) against other
/// processes; the lock ends with the process, however the process ends.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    /// Holds the lock, and is used to sync names.
    handle: File,
    is_locked_by_other: bool,
}

impl Directory {
    /// Opens a directory for a node. Creates it durably if it does not exist. Wider modes than
    /// those of `schemas/files.md` are corrected.
    ///
    /// # Errors
    /// [`StorageError::Locked`]; [`StorageError::Unsafe`]: another user may have prepared the
    /// directory or a file in it; or it cannot be created, opened or locked.
    pub fn open(path: &Path) -> Result<Directory, StorageError> {
        let name = path.display().to_string();
        make(path).map_err(|error| StorageError::io(&name, "cannot make the directory", error))?;
        let failed = |error| StorageError::io(&name, "cannot open the directory", error);
        let handle = files::own_directory(path).map_err(failed)?;
        match lock(&handle) {
            Ok(()) => {
                files::tighten(&handle, path).map_err(failed)?;
                access::correct(path)?;
                Ok(Directory { path: path.into(), handle, is_locked_by_other: false })
            }
            Err(TryLockError::WouldBlock) => Err(StorageError::Locked { directory: name }),
            Err(TryLockError::Error(error)) => {
                Err(StorageError::io(&name, "cannot lock the directory", error))
            }
        }
    }

    /// Opens a directory to read it, even if another process has locked it.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn inspect(path: &Path) -> Result<Directory, StorageError> {
        let name = path.display().to_string();
        let failed = |error| StorageError::io(&name, "cannot open the directory", error);
        if !fs::metadata(path).map_err(failed)?.is_dir() {
            return Err(failed(io::ErrorKind::NotADirectory.into()));
        }
        let handle = File::open(path).map_err(failed)?;
        // Shared, and released at once, so that a node that is starting is not blocked.
        let is_locked_by_other = match handle.try_lock_shared() {
            Ok(()) => {
                handle.unlock().map_err(failed)?;
                false
            }
            Err(TryLockError::WouldBlock) => true,
            Err(TryLockError::Error(_)) => false,
        };
        Ok(Directory { path: path.into(), handle, is_locked_by_other })
    }

    /// Wrong owners and modes, and links, of the directory and of the files of a node in it.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn access(&self) -> Result<Access, StorageError> {
        access::examine(&self.path, &self.handle)
    }

    /// Whether another process had locked the directory when it was opened.
    pub fn is_locked_by_other(&self) -> bool {
        self.is_locked_by_other
    }
}

/// Locks a directory, retrying for half a second. Two others may hold the lock for a moment: a
/// process that inspects the directory, and a child process that the owner has forked and that has
/// not called exec yet.
fn lock(handle: &File) -> Result<(), TryLockError> {
    const PAUSE: Duration = Duration::from_millis(10);
    const TRIES: u32 = 50;
    for _ in 1..TRIES {
        match handle.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            done => return done,
        }
    }
    handle.try_lock()
}

/// Creates a directory and its missing parents. A directory that is new, or may be new because it
/// is empty, is synced into its parent.
fn make(path: &Path) -> io::Result<()> {
    let above = match path.parent() {
        Some(above) if above.as_os_str().is_empty() => Path::new("."),
        Some(above) => above,
        None => return Ok(()),
    };
    let is_used = match fs::read_dir(path) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make(above)?;
            files::make_directory(path)?;
            false
        }
        Err(error) => return Err(error),
    };
    if is_used { Ok(()) } else { File::open(above)?.sync_all() }
}

impl Disk for Directory {
    fn path(&self) -> String {
        self.path.display().to_string()
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            // Files whose names are not UTF-8 do not belong to a node.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn open_to_read(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(files::open_to_read(&self.path.join(name))?))
    }

    fn open_to_write(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(files::open_to_write(&self.path.join(name))?))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(files::create(&self.path.join(name))?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn sync(&self) -> io::Result<()> {
        self.handle.sync_all()
    }

    #[cfg(feature = "free-space")]
    fn free_bytes(&self) -> Option<u64> {
        let found = rustix::fs::fstatvfs(&self.handle).ok()?;
        found.f_bavail.checked_mul(found.f_frsize)
    }
}

impl DiskFile for File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        FileExt::write_at(self, bytes, offset)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        File::set_len(self, bytes)
    }

    fn sync(&self) -> io::Result<()> {
        // fdatasync(2) also writes the metadata that is needed to read the bytes back, including
        // the length.
        self.sync_data()
    }
}
