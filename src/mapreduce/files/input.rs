//! Input files: where they are cut, and splits as they are read.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Take};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

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

impl Inputs {
    /// The input that these files are now.
    ///
    /// # Errors
    /// The first file that cannot be opened or is none, and why.
    pub fn look_at(paths: &[PathBuf]) -> Result<Inputs, (PathBuf, io::Error)> {
        let file = |path: &PathBuf| match open(path) {
            Ok((_, length)) => Ok((path.clone(), length)),
            Err(error) => Err((path.clone(), error)),
        };
        Ok(Inputs::new(paths.iter().map(file).collect::<Result<_, _>>()?))
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
        if let (Some(first), Some(last)) = (split.ranges.first(), split.ranges.last()) {
            let end = first.end.min(first.start + FINGERPRINT_BYTES);
            self.append(first.file, first.start, end, &mut bytes)?;
            let start = last.start.max(last.end.saturating_sub(FINGERPRINT_BYTES));
            self.append(last.file, start, last.end, &mut bytes)?;
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
    pub fn place_of(&self, offset: u64, column: u64) -> io::Result<String> {
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

/// Opens a regular file. Also tells its length.
fn open(path: &Path) -> io::Result<(File, u64)> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file"));
    }
    Ok((file, metadata.len()))
}

impl ReadAt for Inputs {
    fn read_at(&mut self, file: u32, at: u64, into: &mut [u8]) -> io::Result<usize> {
        self.file(file)?.read_at(into, at)
    }
}

/// A split, range after range.
pub struct SplitBlocks {
    reader: BlockReader<Take<File>>,
    /// With whether each is the beginning of its file.
    left: std::vec::IntoIter<(PathBuf, Range, bool)>,
    offset: u64,
    /// Bytes of the current range.
    range_bytes: u64,
    given_bytes: u64,
}

impl SplitBlocks {
    /// A split in its files. `files` are all of the input's, with the lengths that they must have.
    ///
    /// # Errors
    /// What is missing, and why, for people.
    pub fn open(split: &Split, files: &[(PathBuf, u64)], fingerprint: u64) -> Result<Self, String> {
        let mut ranges = Vec::new();
        for range in &split.ranges {
            let file = files.get(range.file as usize);
            let (path, bytes) = file.ok_or("a range of a file that the job does not have")?;
            let (_, found) = open(path).map_err(|error| format!("{}: {error}", path.display()))?;
            if found != *bytes {
                let path = path.display();
                return Err(format!("{path}: it has {found} bytes here, {bytes} at the master"));
            }
            ranges.push((path.clone(), *range, range.start == 0));
        }
        if let Some((path, ..)) = ranges.first()
            && Inputs::new(files.to_vec()).fingerprint(split).ok() != Some(fingerprint)
        {
            return Err(format!("{}: its content here is not the master's", path.display()));
        }
        SplitBlocks::begin(ranges, split.offset).map_err(|error| error.to_string())
    }

    /// A split that has a file of its own.
    ///
    /// # Errors
    /// The operating system's.
    pub fn open_shipped(path: &Path, split: &Split) -> io::Result<SplitBlocks> {
        // The file has the ranges one behind the other: each is still cut by itself, because no line
        // goes on from one to the next.
        let mut at = 0;
        let mut ranges = Vec::new();
        for range in &split.ranges {
            let bytes = range.end - range.start;
            let shipped = Range { file: 0, start: at, end: at + bytes };
            ranges.push((path.to_owned(), shipped, range.start == 0));
            at += bytes;
        }
        SplitBlocks::begin(ranges, split.offset)
    }

    fn begin(ranges: Vec<(PathBuf, Range, bool)>, offset: u64) -> io::Result<SplitBlocks> {
        let nothing = File::open("/dev/null")?.take(0);
        let reader = BlockReader::new(nothing, offset, false);
        let left = ranges.into_iter();
        Ok(SplitBlocks { reader, left, offset, range_bytes: 0, given_bytes: 0 })
    }

    /// Goes on with the next range. Returns whether there is one.
    fn next_range(&mut self) -> io::Result<bool> {
        if self.given_bytes < self.range_bytes {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file has shrunk"));
        }
        let Some((path, range, starts_file)) = self.left.next() else { return Ok(false) };
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(range.start))?;
        self.range_bytes = range.end - range.start;
        self.given_bytes = 0;
        self.reader.restart(file.take(self.range_bytes), self.offset, starts_file);
        self.offset += self.range_bytes;
        Ok(true)
    }
}

impl Blocks for SplitBlocks {
    fn next(&mut self) -> io::Result<Option<Block<'_>>> {
        while !self.reader.advance()? {
            if !self.next_range()? {
                return Ok(None);
            }
        }
        let block = self.reader.current();
        self.given_bytes += block.bytes.len() as u64;
        Ok(Some(block))
    }
}
