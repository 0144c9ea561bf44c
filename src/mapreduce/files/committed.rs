//! Output that was committed, as its worker serves it.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

/// Output of one attempt: its very bytes, though another attempt may have put its own file in the
/// place. Workers on one machine may share a data directory, and one that was stopped for a while
/// may commit what nobody waits for any more.
#[derive(Clone, Debug)]
pub enum Committed {
    /// Small output is kept in memory as well.
    Memory(Arc<[u8]>),
    /// Large output is read from its file, if that is still the same.
    File {
        /// Where.
        path: PathBuf,
        /// Which file.
        identity: Identity,
    },
}

/// What tells a file from another one that took its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    device: u64,
    inode: u64,
    modified: (i64, i64),
    bytes: u64,
}

impl Identity {
    /// That of an open file.
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
    /// How long the file was.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Committed {
    /// How long it is.
    pub fn len(&self) -> u64 {
        match self {
            Committed::Memory(bytes) => bytes.len() as u64,
            Committed::File { identity, .. } => identity.bytes,
        }
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Opens it.
    ///
    /// # Errors
    /// `NotFound` when another file is in its place; the operating system's.
    pub fn open(&self) -> io::Result<Opened> {
        match self {
            Committed::Memory(bytes) => Ok(Opened::Memory(Arc::clone(bytes))),
            Committed::File { path, identity } => {
                let file = File::open(path)?;
                if Identity::of(&file.metadata()?) == *identity {
                    Ok(Opened::File(file))
                } else {
                    let reason = format!("{} was replaced", path.display());
                    Err(io::Error::new(io::ErrorKind::NotFound, reason))
                }
            }
        }
    }
}

/// Output that is being read.
pub enum Opened {
    /// From memory.
    Memory(Arc<[u8]>),
    /// From its file.
    File(File),
}

impl Opened {
    /// Reads up to `max_bytes` from `offset` on; nothing at the end.
    ///
    /// # Errors
    /// The operating system's.
    pub fn read(&self, offset: u64, max_bytes: usize) -> io::Result<Vec<u8>> {
        let mut piece = Vec::with_capacity(max_bytes);
        self.append(offset, max_bytes, &mut piece)?;
        Ok(piece)
    }

    /// Appends up to `max_bytes` from `offset` on, fewer at the end alone. Returns how many.
    ///
    /// # Errors
    /// The operating system's.
    pub fn append(&self, offset: u64, max_bytes: usize, piece: &mut Vec<u8>) -> io::Result<usize> {
        match self {
            Opened::Memory(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                let end = start.saturating_add(max_bytes).min(bytes.len());
                piece.extend_from_slice(&bytes[start..end]);
                Ok(end - start)
            }
            Opened::File(file) => {
                let mut file: &File = file;
                file.seek(SeekFrom::Start(offset))?;
                file.take(max_bytes as u64).read_to_end(piece)
            }
        }
    }
}
