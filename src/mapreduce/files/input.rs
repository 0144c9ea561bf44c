//! Input files: their content for cutting splits, and splits as a stream of blocks.

use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom, Take};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::committed::Identity;
use crate::files;
use crate::mapreduce::digest::Digest;
use crate::mapreduce::job::{Block, BlockReader, Blocks, fnv1a};
use crate::mapreduce::split::{Range, ReadAt, Split};

/// The input of a job: files and their lengths.
#[derive(Debug)]
pub struct Inputs {
    files: Vec<(PathBuf, u64)>,
    /// The last file read.
    open: Option<(u32, File)>,
}

/// A fingerprint covers this many bytes at each end of a split.
const FINGERPRINT_BYTES: u64 = 4096;

/// Tells whether a file may have changed: its identity and its times of change. A new stamp does
/// not imply a new content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStamp {
    identity: Identity,
    touched: (i64, i64),
}

impl FileStamp {
    /// The stamp of the file at a path.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn of(path: &Path) -> io::Result<FileStamp> {
        std::fs::metadata(path).map(|metadata| FileStamp::from(&metadata))
    }

    /// The length of the file in bytes.
    pub fn bytes(&self) -> u64 {
        self.identity.bytes()
    }
}

impl From<&Metadata> for FileStamp {
    fn from(metadata: &Metadata) -> FileStamp {
        let touched = (metadata.ctime(), metadata.ctime_nsec());
        FileStamp { identity: Identity::of(metadata), touched }
    }
}

impl Inputs {
    /// Opens the files; returns the input and the stamp of each file.
    ///
    /// # Errors
    /// The first file that cannot be opened or is not a regular file, with the error.
    pub fn open_all(paths: &[PathBuf]) -> Result<(Inputs, Vec<FileStamp>), (PathBuf, io::Error)> {
        let (mut files, mut stamps) = (Vec::new(), Vec::new());
        for path in paths {
            let (_, stamp) = open(path).map_err(|error| (path.clone(), error))?;
            files.push((path.clone(), stamp.bytes()));
            stamps.push(stamp);
        }
        Ok((Inputs::new(files), stamps))
    }

    /// An input with known lengths.
    pub fn new(files: Vec<(PathBuf, u64)>) -> Inputs {
        Inputs { files, open: None }
    }

    /// The files with their lengths in bytes.
    pub fn files(&self) -> &[(PathBuf, u64)] {
        &self.files
    }

    /// The lengths of the files in bytes.
    pub fn lengths(&self) -> Vec<u64> {
        self.files.iter().map(|(_, length)| *length).collect()
    }

    /// A hash of a split's first and last bytes.
    ///
    /// # Errors
    /// Those of the operating system; `UnexpectedEof` if a file has shrunk.
    pub fn fingerprint(&mut self, split: &Split) -> io::Result<u64> {
        let mut bytes = Vec::new();
        if let Some(Range { file, start, end }) = split.range {
            self.append(file, start, end.min(start + FINGERPRINT_BYTES), &mut bytes)?;
            self.append(file, start.max(end.saturating_sub(FINGERPRINT_BYTES)), end, &mut bytes)?;
        }
        Ok(fnv1a(&bytes))
    }

    /// Appends the bytes from `start` to `end` of a file to `bytes`.
    ///
    /// # Errors
    /// Those of the operating system; `UnexpectedEof` if the file has shrunk.
    pub fn append(
        &mut self,
        file: u32,
        start: u64,
        end: u64,
        bytes: &mut Vec<u8>,
    ) -> io::Result<()> {
        let before = bytes.len();
        bytes.resize(before + (end - start) as usize, 0);
        self.file(file)?.read_exact_at(&mut bytes[before..], start)
    }

    fn file(&mut self, number: u32) -> io::Result<&File> {
        let (path, _) = self.files.get(number as usize).ok_or(io::ErrorKind::NotFound)?;
        let open = match self.open.take() {
            Some((open, file)) if open == number => (open, file),
            _ => (number, File::open(path)?),
        };
        Ok(&self.open.insert(open).1)
    }

    /// File, line and column of a position, human-readable. `offset` is the offset of a line in the
    /// whole input, `column` counts bytes of the line from 1.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn describe_position(&self, offset: u64, column: u64) -> io::Result<String> {
        let mut base = 0;
        for (number, (path, length)) in self.files.iter().enumerate() {
            if offset < base + length || number + 1 == self.files.len() {
                let line = 1 + newlines_before(&File::open(path)?, offset - base)?;
                return Ok(format!("{}, line {line}, column {column}", path.display()));
            }
            base += length;
        }
        Ok(format!("byte {offset} of the input, column {column}"))
    }
}

fn newlines_before(file: &File, end: u64) -> io::Result<u64> {
    let mut chunk = vec![0; 256 * 1024];
    let (mut at, mut count) = (0, 0);
    while at < end {
        let wanted = chunk.len().min((end - at) as usize);
        let read = file.read_at(&mut chunk[..wanted], at)?;
        if read == 0 {
            break;
        }
        count += chunk[..read].iter().filter(|byte| **byte == b'\n').count() as u64;
        at += read as u64;
    }
    Ok(count)
}

/// Opens a regular file.
fn open(path: &Path) -> io::Result<(File, FileStamp)> {
    let not_a_file = || io::Error::new(io::ErrorKind::InvalidInput, "not a file");
    // Opening a pipe or a device waits, or has effects of its own.
    if !std::fs::metadata(path)?.is_file() {
        return Err(not_a_file());
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(not_a_file());
    }
    Ok((file, FileStamp::from(&metadata)))
}

/// The digest of a range of the file at a path, as it is now.
///
/// # Errors
/// Those of the operating system; `UnexpectedEof` if the file has shrunk.
pub fn digest_of(path: &Path, range: Range) -> io::Result<Digest> {
    let file = File::open(path)?;
    let mut digest = Digest::default();
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut at = range.start;
    while at < range.end {
        let wanted = chunk.len().min((range.end - at) as usize);
        file.read_exact_at(&mut chunk[..wanted], at)?;
        digest.add(at, &chunk[..wanted]);
        at += wanted as u64;
    }
    Ok(digest)
}

const CHUNK_BYTES: usize = 256 * 1024;

impl ReadAt for Inputs {
    fn read_at(&mut self, file: u32, at: u64, into: &mut [u8]) -> io::Result<usize> {
        self.file(file)?.read_at(into, at)
    }
}

/// The digest of a split, known when the task has read all of it.
#[derive(Clone, Debug, Default)]
pub struct SplitDigest(Arc<Mutex<Option<Digest>>>);

impl SplitDigest {
    /// The digest.
    pub fn digest(&self) -> Option<Digest> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records the digest of a complete read. A second read must give the same digest.
    fn record(&self, digest: Digest) -> io::Result<()> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.replace(digest).is_some_and(|before| before != digest) {
            return Err(io::Error::other("it was changed while it was read"));
        }
        Ok(())
    }
}

/// Why a worker cannot read a split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SplitError {
    /// The file is missing or unreadable; the reason is human-readable.
    Missing(String),
    /// The file differs from the master's; the difference is human-readable.
    VersionMismatch(String),
}

impl fmt::Display for SplitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SplitError::Missing(why) | SplitError::VersionMismatch(why) => f.write_str(why),
        }
    }
}

/// Reads a split block by block.
pub struct SplitBlocks {
    reader: BlockReader<Take<File>>,
    path: PathBuf,
    /// The length of the split.
    bytes: u64,
    given_bytes: u64,
    /// The offset of the split in its own file, for the digest.
    start: u64,
    digest: Digest,
    was_read: SplitDigest,
}

impl SplitBlocks {
    /// Opens a split in its file. `files` are all input files with their required lengths.
    ///
    /// # Errors
    /// The file is missing or differs from the master's.
    pub fn open(
        split: &Split,
        files: &[(PathBuf, u64)],
        fingerprint: u64,
        was_read: SplitDigest,
    ) -> Result<Self, SplitError> {
        let Some(range) = split.range else {
            let path = Path::new("/dev/null");
            let nothing = File::open(path)
                .and_then(|file| SplitBlocks::begin(path, file, 0, split, was_read));
            return nothing.map_err(|error| SplitError::Missing(error.to_string()));
        };
        let Some((path, bytes)) = files.get(range.file as usize) else {
            return Err(SplitError::Missing("a range of a file that the job does not have".into()));
        };
        let missing = |error| SplitError::Missing(format!("{}: {error}", path.display()));
        let other = |how| SplitError::VersionMismatch(format!("{}: {how}", path.display()));
        let (_, stamp) = open(path).map_err(missing)?;
        if stamp.bytes() != *bytes {
            let found = stamp.bytes();
            return Err(other(format!("it has {found} bytes here, {bytes} at the master")));
        }
        if Inputs::new(files.to_vec()).fingerprint(split).ok() != Some(fingerprint) {
            return Err(other("its content here differs from the master's".into()));
        }
        let file = File::open(path).map_err(missing)?;
        SplitBlocks::begin(path, file, range.start, split, was_read).map_err(missing)
    }

    /// Opens a split that the master has sent, which has a file of its own.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn open_shipped(
        path: &Path,
        split: &Split,
        was_read: SplitDigest,
    ) -> io::Result<SplitBlocks> {
        SplitBlocks::begin(path, files::open_to_read(path)?, 0, split, was_read)
    }

    fn begin(
        path: &Path,
        mut file: File,
        at: u64,
        split: &Split,
        was_read: SplitDigest,
    ) -> io::Result<SplitBlocks> {
        file.seek(SeekFrom::Start(at))?;
        let (bytes, start) = (split.len(), split.range.map_or(0, |range| range.start));
        let starts_file = split.range.is_some_and(|range| range.start == 0);
        Ok(SplitBlocks {
            reader: BlockReader::new(file.take(bytes), split.offset, starts_file),
            path: path.to_owned(),
            bytes,
            given_bytes: 0,
            start,
            digest: Digest::default(),
            was_read,
        })
    }

    /// Reads the next block. Returns whether there is one.
    fn advance(&mut self) -> io::Result<bool> {
        if self.reader.advance()? {
            let bytes = self.reader.current().bytes;
            self.digest.add(self.start + self.given_bytes, bytes);
            self.given_bytes += bytes.len() as u64;
            return Ok(true);
        }
        if self.given_bytes < self.bytes {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file has shrunk"));
        }
        self.was_read.record(self.digest)?;
        Ok(false)
    }
}

impl Blocks for SplitBlocks {
    fn next(&mut self) -> io::Result<Option<Block<'_>>> {
        let is_there = self.advance().map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", self.path.display()))
        })?;
        Ok(is_there.then(|| self.reader.current()))
    }
}
