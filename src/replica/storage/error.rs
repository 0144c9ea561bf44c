//! What storage cannot do.

use std::fmt;
use std::io;

/// ENFILE and EMFILE: the system's and the process's descriptors are used up.
const NO_DESCRIPTOR: [i32; 2] = [23, 24];

/// Why storage could not be opened, or could not keep something.
///
/// After an error of `open` nothing was changed. After an error of a method that writes, nothing that
/// relied on the write may be said. If the error [is temporary](StorageError::is_temporary), what was
/// to be written is still staged, and the same may be tried again. Else the process must end: what the
/// disk holds is known only when it is opened again. Storage refuses to go on
/// ([`StorageError::Failed`]).
#[derive(Debug)]
pub enum StorageError {
    /// A file does not hold what was once written, or cannot belong to the others. A person has to
    /// look: nothing is repaired that may have been acknowledged.
    Corrupt(Corruption),
    /// Another process has the directory.
    Locked {
        /// Which.
        directory: String,
    },
    /// The directory is another node's.
    Foreign {
        /// What it says and what was expected.
        what: String,
    },
    /// No space is left. What was kept before is kept; the rest was not written.
    NoSpace {
        /// Of which file.
        file: String,
    },
    /// The process, or the system, has no file descriptor left. Nothing was written.
    NoDescriptor {
        /// For which file.
        file: String,
        /// What the system said.
        error: io::Error,
    },
    /// A sync failed. It must not be tried again: the system has already dropped what it could not
    /// write, and the next sync would say that all is well.
    Sync {
        /// Of which file or directory.
        file: String,
        /// What the system said.
        error: io::Error,
    },
    /// Anything else that the system refused.
    Io {
        /// Which file.
        file: String,
        /// What could not be done.
        what: &'static str,
        /// What the system said.
        error: io::Error,
    },
    /// The caller asked for what must not be: a gap in the log, a change of what is committed, a
    /// command that no line can tell from our own. Nothing was written.
    Refused {
        /// What.
        what: String,
    },
    /// An earlier write failed.
    Failed,
}

/// A place in a file that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corruption {
    /// The file's name.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
    /// The byte of the file, from 0, where it is noticed.
    pub byte: u64,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Corruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Corruption { file, line, byte, what } = self;
        write!(f, "{file}, line {line}, byte {byte}: {what}")
    }
}

impl StorageError {
    /// What the system said about a file.
    pub(in crate::replica) fn io(file: &str, what: &'static str, error: io::Error) -> StorageError {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        let file = file.to_owned();
        match error.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => StorageError::NoSpace { file },
            _ if NO_DESCRIPTOR.map(Some).contains(&error.raw_os_error()) => {
                StorageError::NoDescriptor { file, error }
            }
            _ => StorageError::Io { file, what, error },
        }
    }

    /// Whether something is used up that may be there again later: the same may be tried again.
    /// Never so of a sync: what it could not write is not written by the next one.
    pub fn is_temporary(&self) -> bool {
        matches!(self, StorageError::NoSpace { .. } | StorageError::NoDescriptor { .. })
    }

    /// The caller asked for what must not be.
    pub(super) fn refused(what: impl Into<String>) -> StorageError {
        StorageError::Refused { what: what.into() }
    }
}

impl From<Corruption> for StorageError {
    fn from(corruption: Corruption) -> StorageError {
        StorageError::Corrupt(corruption)
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StorageError::Corrupt(corruption) => write!(f, "{corruption}"),
            StorageError::Locked { directory } => {
                write!(f, "{directory} is in use by another process")
            }
            StorageError::Foreign { what } => f.write_str(what),
            StorageError::NoSpace { file } => write!(f, "{file}: no space is left on the disk"),
            StorageError::NoDescriptor { file, error } => write!(f, "{file}: {error}"),
            StorageError::Sync { file, error } => {
                write!(f, "{file}: cannot be made durable: {error}")
            }
            StorageError::Io { file, what, error } => write!(f, "{file}: {what}: {error}"),
            StorageError::Refused { what } => f.write_str(what),
            StorageError::Failed => f.write_str("an earlier write failed"),
        }
    }
}

impl std::error::Error for StorageError {}
