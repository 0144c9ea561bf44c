//! Input files: where they are cut, and splits as they are read.

use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom, Take};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::committed::Identity;
use crate::mapreduce::digest::Digest;
use crate::mapreduce::job::{Block, BlockReader, Blocks, fnv1a};
use crate::mapreduce::split::{Range, ReadAt, Split};

/// The input of a job: files and their lengths.
#[derive(Debug)]
pub struct Inputs {
    files: Vec<(PathBuf, u64)>,
    /// The file that was read last.
    open: Option<(u32, File)>,
}

/// A split's fingerprint looks at so many bytes at either end.
const FINGERPRINT_BYTES: u64 = 4096;

/// A sign that a file was not touched: which file it is, and when it was changed last. Whoever
/// touches a file need not change what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStamp {
    identity: Identity,
    touched: (i64, i64),
}

impl FileStamp {
    /// That of the file at a path.
    ///
    /// # Errors
    /// The operating system's.
    pub fn of(path: &Path) -> io::Result<FileStamp> {
        std::fs::metadata(path).map(|metadata| FileStamp::from(&metadata))
    }

    /// How long the file was.
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
    /// The input that these files are now, and the stamp of each.
    ///
    /// # Errors
    /// The first file that cannot be opened or is none, and why.
    pub fn open_all(paths: &[PathBuf]) -> Result<(Inputs, Vec<FileStamp>), (PathBuf, io::Error)> {
        let (mut files, mut stamps) = (Vec::new(), Vec::new());
        for path in paths {
            let (_, stamp) = open(path).map_err(|error| (path.clone(), error))?;
            files.push((path.clone(), stamp.bytes()));
            stamps.push(stamp);
        }
        Ok((Inputs::new(files), stamps))
    }

    /// An input that somebody else has looked at.
    pub fn new(files: Vec<(PathBuf, u64)>) -> Inputs {
        Inputs { files, open: None }
    }

    /// The files with their lengths.
    pub fn files(&self) -> &[(PathBuf, u64)] {
        &self.files
    }

    /// Their lengths.
    pub fn lengths(&self) -> Vec<u64> {
        self.files.iter().map(|(_, length)| *length).collect()
    }

    /// A hash of a split's first and last bytes.
    ///
    /// # Errors
    /// The operating system's; `UnexpectedEof` when a file has shrunk.
    pub fn fingerprint(&mut self, split: &Split) -> io::Result<u64> {
        let mut bytes = Vec::new();
        if let Some(Range { file, start, end }) = split.range {
            self.append(file, start, end.min(start + FINGERPRINT_BYTES), &mut bytes)?;
            self.append(file, start.max(end.saturating_sub(FINGERPRINT_BYTES)), end, &mut bytes)?;
        }
        Ok(fnv1a(&bytes))
    }

    /// Appends bytes of a file.
    ///
    /// # Errors
    /// The operating system's; `UnexpectedEof` when the file has shrunk.
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

    /// Which file, line and column a byte of the input as a whole is, for people. Lines and columns
    /// count from 1; the line's first byte is column 1.
    ///
    /// # Errors
    /// The operating system's.
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
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file"));
    }
    Ok((file, FileStamp::from(&metadata)))
}

/// The digest of a range of the file at a path, as it is now.
///
/// # Errors
/// The operating system's; `UnexpectedEof` when the file has shrunk.
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

/// What a task has read: the digest of its split, once it has read all of it.
#[derive(Clone, Debug, Default)]
pub struct SplitDigest(Arc<Mutex<Option<Digest>>>);

impl SplitDigest {
    /// The digest.
    pub fn digest(&self) -> Option<Digest> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of it was read. Whoever reads it again must read the same.
    fn note(&self, digest: Digest) -> io::Result<()> {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.replace(digest).is_some_and(|before| before != digest) {
            return Err(io::Error::other("it was changed while it was read"));
        }
        Ok(())
    }
}

/// Why a split cannot be read here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SplitError {
    /// Its file is not here, or cannot be read; why, for people.
    Missing(String),
    /// Its file is another than the master's; how it shows, for people.
    VersionMismatch(String),
}

impl fmt::Display for SplitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SplitError::Missing(why) | SplitError::VersionMismatch(why) => f.write_str(why),
        }
    }
}

/// A split as it is read.
pub struct SplitBlocks {
    reader: BlockReader<Take<File>>,
    path: PathBuf,
    /// Of the file that it is read from.
    bytes: u64,
    given_bytes: u64,
    /// Where it begins in its own file, for the digest.
    start: u64,
    digest: Digest,
    was_read: SplitDigest,
}

impl SplitBlocks {
    /// A split in its file. `files` are all of the input's, with the lengths that they must have.
    ///
    /// # Errors
    /// It cannot be had here.
    pub fn open(
        split: &Split,
        files: &[(PathBuf, u64)],
        fingerprint: u64,
        was_read: SplitDigest,
    ) -> Result<Self, SplitError> {
        let Some(range) = split.range else {
            let nothing = SplitBlocks::begin(Path::new("/dev/null"), 0, split, was_read);
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
        SplitBlocks::begin(path, range.start, split, was_read).map_err(missing)
    }

    /// A split that has a file of its own.
    ///
    /// # Errors
    /// The operating system's.
    pub fn open_shipped(
        path: &Path,
        split: &Split,
        was_read: SplitDigest,
    ) -> io::Result<SplitBlocks> {
        SplitBlocks::begin(path, 0, split, was_read)
    }

    fn begin(
        path: &Path,
        at: u64,
        split: &Split,
        was_read: SplitDigest,
    ) -> io::Result<SplitBlocks> {
        let mut file = File::open(path)?;
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
        self.was_read.note(self.digest)?;
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
