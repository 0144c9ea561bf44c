//! One job at a time in a data directory.
//!
//! The master and the local workers of a job each hold a shared lock on `job.lock`, and the file
//! contains the job's id. The operating system releases the lock when the process ends, so a crash
//! leaves nothing to clean up.

use std::fmt;
use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::layout::Layout;
use crate::files;

/// A shared lock on a data directory.
#[derive(Debug)]
pub struct JobLock {
    _file: File,
}

/// Why the lock was not acquired.
#[derive(Debug)]
pub enum LockError {
    /// Another job uses the directory.
    Taken {
        /// The short id of that job.
        by: String,
    },
    /// Error of the operating system.
    Io(io::Error),
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LockError::Taken { by } => write!(f, "in use by job {by}"),
            LockError::Io(error) => error.fmt(f),
        }
    }
}

impl From<io::Error> for LockError {
    fn from(error: io::Error) -> LockError {
        LockError::Io(error)
    }
}

/// The full id allows the use of the job, so only this many characters are shown.
pub const SHORT_ID_CHARS: usize = 8;

const FILE: &str = "job.lock";

impl JobLock {
    /// Locks a directory for a job, and creates the directory if necessary. The directory must be
    /// the user's, and nothing in it may lead elsewhere ([`Layout::check`]). `first` runs in the
    /// first process of the job, before any other process has the lock.
    ///
    /// # Errors
    /// Another job uses the directory; errors of the operating system and of `first`.
    pub fn take(
        directory: &Path,
        job_id: &str,
        first: impl FnOnce() -> io::Result<()>,
    ) -> Result<JobLock, LockError> {
        files::make_directories(directory)?;
        Layout::new(directory).check()?;
        let mut file = files::open_or_create(&directory.join(FILE))?;
        match file.try_lock() {
            Ok(()) => {
                first()?;
                file.set_len(0)?;
                file.seek(SeekFrom::Start(0))?;
                writeln!(file, "{}", short_id(job_id))?;
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        // Changing from the exclusive to the shared lock releases the lock for a moment, so the id
        // is read after it. A process that has the exclusive lock in that moment changes to the
        // shared lock as well.
        file.lock_shared()?;
        let mut holder = String::new();
        file.seek(SeekFrom::Start(0))?;
        Read::by_ref(&mut file).take(1_000).read_to_string(&mut holder)?;
        if holder.trim_end() == short_id(job_id) {
            Ok(JobLock { _file: file })
        } else {
            Err(LockError::Taken { by: holder.trim_end().to_owned() })
        }
    }
}

/// The part of a job's id that may be shown.
pub fn short_id(job_id: &str) -> &str {
    job_id.get(..SHORT_ID_CHARS).unwrap_or(job_id)
}
