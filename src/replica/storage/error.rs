//! The errors of storage.

use std::fmt;
use std::io;

use crate::files::UnsafePath;

/// ENFILE and EMFILE: no file descriptors are left in the system or the process.
const NO_DESCRIPTOR: [i32; 2] = [23, 24];

/// Why storage could not be opened or written.
///
/// After an error of `open` nothing was changed. After an error of a method that writes, nothing
/// that depends on the write may be sent. If the error [is temporary](StorageError::is_temporary),
/// the data is still staged, and the operation may be retried. Otherwise the process must end: the
/// content of the disk is known only after it is opened again. Storage then refuses all further
/// writes ([`StorageError::Failed`]).
#[derive(Debug)]
pub enum StorageError {
    /// A file does not contain what was written, or is inconsistent with the others. An operator
    /// has to decide: nothing that may have been acknowledged is repaired.
    Corrupt(Corruption),
    /// Another process has locked the directory.
    Locked {
        /// The directory.
        directory: String,
    },
    /// The directory belongs to another node.
    Foreign {
        /// What the directory says and what was expected.
        what: String,
    },
    /// Another user may have prepared the directory or a file in it.
    Unsafe {
        /// The reason, and what to do.
        what: String,
    },
    /// The disk is full. Earlier data is safe; this data was not written.
    NoSpace {
        /// The file.
        file: String,
    },
    /// No file descriptor is left in the process or the system. Nothing was written.
    NoDescriptor {
        /// The file.
        file: String,
        /// The error of the operating system.
        error: io::Error,
    },
    /// A sync failed. It must not be retried: the system has already dropped the data that it could
    /// not write, and the next sync would report success.
    Sync {
        /// The file or directory.
        file: String,
        /// The error of the operating system.
        error: io::Error,
    },
    /// Any other error of the operating system.
    Io {
        /// The file.
        file: String,
        /// The operation that failed.
        what: &'static str,
        /// The error of the operating system.
        error: io::Error,
    },
    /// The caller made an invalid request: a gap in the log, a change of a committed entry, a
    /// command that looks like a reserved line. Nothing was written.
    Refused {
        /// The reason.
        what: String,
    },
    /// An earlier write failed.
    Failed,
}

/// A place in a file where its content is invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corruption {
    /// The name of the file.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
    /// The byte offset in the file, from 0, where the fault was detected.
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
    /// Converts an error of the operating system about a file.
    pub(in crate::replica) fn io(file: &str, what: &'static str, error: io::Error) -> StorageError {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        let file = file.to_owned();
        if let Some(reason) = UnsafePath::of(&error) {
            return StorageError::Unsafe { what: reason.to_string() };
        }
        match error.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => StorageError::NoSpace { file },
            _ if NO_DESCRIPTOR.map(Some).contains(&error.raw_os_error()) => {
                StorageError::NoDescriptor { file, error }
            }
            _ => StorageError::Io { file, what, error },
        }
    }

    /// Whether a resource is exhausted that may become available again, so that the operation may
    /// be retried. Never true of a sync: the next sync does not write what it could not write.
    pub fn is_temporary(&self) -> bool {
        matches!(self, StorageError::NoSpace { .. } | StorageError::NoDescriptor { .. })
    }

    /// An invalid request.
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
            StorageError::Foreign { what } | StorageError::Unsafe { what } => f.write_str(what),
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
