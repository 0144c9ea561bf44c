//! One job at a time in a data directory.
//!
//! All who work on a job, its master and its workers on one machine, share `job.lock`: each holds a
//! shared lock on the file, and the file has the job's id. A lock ends with its process, so nothing
//! is left to clean up after a crash.

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// A share in a data directory.
#[derive(Debug)]
pub struct JobLock {
    _file: File,
}

/// Why there is no share to be had.
#[derive(Debug)]
pub enum LockError {
    /// Another job is at work there.
    Taken {
        /// As much of its id as may be shown.
        by: String,
    },
    /// The operating system refuses.
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

/// An id opens a job to whoever knows it: so much of it may be shown.
pub const SHOWN_ID_CHARS: usize = 8;

const FILE: &str = "job.lock";

impl JobLock {
    /// Takes a share in a directory, which is made if it is not there. `first` is run by whoever is
    /// the first of its job there, before any other has a share.
    ///
    /// # Errors
    /// Another job is at work there, or the operating system's; those of `first`.
    pub fn take(
        directory: &Path,
        job_id: &str,
        first: impl FnOnce() -> io::Result<()>,
    ) -> Result<JobLock, LockError> {
        fs::create_dir_all(directory)?;
        let path = directory.join(FILE);
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => {
                first()?;
                file.set_len(0)?;
                file.seek(SeekFrom::Start(0))?;
                writeln!(file, "{}", shown(job_id))?;
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        // From alone to shared there is a moment without a lock: whose the directory is, is looked
        // at behind it. Who holds it alone meanwhile is about to share it as well.
        file.lock_shared()?;
        let mut holder = String::new();
        file.seek(SeekFrom::Start(0))?;
        Read::by_ref(&mut file).take(1_000).read_to_string(&mut holder)?;
        if holder.trim_end() == shown(job_id) {
            Ok(JobLock { _file: file })
        } else {
            Err(LockError::Taken { by: holder.trim_end().to_owned() })
        }
    }
}

/// As much of a job's id as may be shown.
pub fn shown(job_id: &str) -> &str {
    job_id.get(..SHOWN_ID_CHARS).unwrap_or(job_id)
}
