//! CommittedOutput output, as its worker serves it.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::files;

/// The committed output of one attempt.
///
/// It always gives the bytes of that attempt, even if another attempt has replaced the file:
/// workers on one machine may share a data directory, and a worker that was stopped for a while may
/// commit an output that is no longer wanted.
#[derive(Clone, Debug)]
pub enum CommittedOutput {
    /// Small output: the bytes, in memory as well as in the file.
    Memory(Arc<[u8]>),
    /// Large output: read from its file if the file was not replaced.
    File {
        /// The file.
        path: PathBuf,
        /// The identity of the file when it was committed.
        identity: Identity,
    },
}

/// Distinguishes a file from another file with the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    device: u64,
    inode: u64,
    modified: (i64, i64),
    bytes: u64,
}

impl Identity {
    /// The identity of an open file.
    pub fn of(metadata: &Metadata) -> Identity {
        Identity {
            device: metadata.dev(),
            inode: metadata.ino(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            bytes: metadata.len(),
        }
    }
}

impl Identity {
    /// The length of the file in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl CommittedOutput {
    /// The length in bytes.
    pub fn len(&self) -> u64 {
        match self {
            CommittedOutput::Memory(bytes) => bytes.len() as u64,
            CommittedOutput::File { identity, .. } => identity.bytes,
        }
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Opens the output.
    ///
    /// # Errors
    /// `NotFound` if another file has replaced it; errors of the operating system.
    pub fn open(&self) -> io::Result<OpenOutput> {
        match self {
            CommittedOutput::Memory(bytes) => Ok(OpenOutput::Memory(Arc::clone(bytes))),
            CommittedOutput::File { path, identity } => {
                let file = files::open_to_read(path)?;
                if Identity::of(&file.metadata()?) == *identity {
                    Ok(OpenOutput::File(file))
                } else {
                    let reason = format!("{} was replaced", path.display());
                    Err(io::Error::new(io::ErrorKind::NotFound, reason))
                }
            }
        }
    }
}

/// Output that is open for reading.
pub enum OpenOutput {
    /// From memory.
    Memory(Arc<[u8]>),
    /// From its file.
    File(File),
}

impl OpenOutput {
    /// Reads up to `max_bytes` at `offset`; nothing at the end.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn read(&self, offset: u64, max_bytes: usize) -> io::Result<Vec<u8>> {
        let mut piece = Vec::with_capacity(max_bytes);
        self.append(offset, max_bytes, &mut piece)?;
        Ok(piece)
    }

    /// Appends up to `max_bytes` at `offset` to `piece`, fewer only at the end. Returns the number
    /// of bytes.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn append(&self, offset: u64, max_bytes: usize, piece: &mut Vec<u8>) -> io::Result<usize> {
        match self {
            OpenOutput::Memory(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                let end = start.saturating_add(max_bytes).min(bytes.len());
                piece.extend_from_slice(&bytes[start..end]);
                Ok(end - start)
            }
            OpenOutput::File(file) => {
                let mut file: &File = file;
                file.seek(SeekFrom::Start(offset))?;
                file.take(max_bytes as u64).read_to_end(piece)
            }
        }
    }
}
