//! `snapshot.txt`: the state up to an entry (`schemas/files.md`, section 5).
//!
//! ```text
//! SNAPSHOT format=1 index=120 term=3 5f0c2a91
//! REVISION 120 ...
//! PAIR name1 Jaggu 2 2 ...
//! END 2 0d2f6a11 ...
//! ```
//!
//! Between the first and the last line are the lines of the frozen state. END contains their
//! number, and the CRC-32C of the digits of all checksums before it, so no line can be missing,
//! duplicated or moved.

use super::disk::{DiskFile, read_fully};
use super::error::{Corruption, StorageError};
use super::line_reader::{Kind, LineReader, MAX_LINE_BYTES, Piece};
use crate::raft::{SnapshotMark, SnapshotPiece};
use crate::text::{
    self, CHECKSUM_BYTES, Scratch, extend_crc32c, parse_hex, parse_u64, push_hex, push_u64,
};

pub(super) const SNAPSHOT: &str = "snapshot.txt";
pub(super) const SNAPSHOT_TEMPORARY: &str = "snapshot.txt.tmp";
const HEADER: &[u8] = b"SNAPSHOT";
/// The first word of the last line; no line of the state may begin with it.
pub(super) const END: &[u8] = b"END";
const FORMAT: &[u8] = b"format=1";
const DIGITS: usize = 8;

/// Receives the words of each line of a state; an error says what is wrong with them.
pub type EachLine<'e> = dyn FnMut(&[&[u8]]) -> Result<(), String> + 'e;

/// Writes the lines of a snapshot.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) text: Vec<u8>,
    start: usize,
    lines: u64,
    /// The CRC-32C of the digits of all checksums so far.
    chain: u32,
}

impl Writer {
    /// Begins with the header.
    pub(super) fn new(mark: SnapshotMark) -> Writer {
        let mut writer = Writer { text: Vec::new(), start: 0, lines: 0, chain: 0 };
        let text = &mut writer.text;
        text.extend_from_slice(HEADER);
        text.push(b' ');
        text.extend_from_slice(FORMAT);
        text.extend_from_slice(b" index=");
        push_u64(mark.index, text);
        text.extend_from_slice(b" term=");
        push_u64(mark.term, text);
        writer.seal();
        writer
    }

    fn seal(&mut self) {
        text::push_checksum(&mut self.text, self.start);
        let end = self.text.len() - 1;
        let digits = self.text.get(end - DIGITS..end).unwrap_or_default();
        self.chain = extend_crc32c(self.chain, digits);
        self.start = self.text.len();
    }

    /// Appends a line of the state: `words` passes its words to the closure. Returns false, and
    /// appends nothing, if there are none.
    ///
    /// # Errors
    /// The line begins with a reserved word, is empty or too long.
    pub(super) fn line(
        &mut self,
        words: impl FnOnce(&mut dyn FnMut(&[u8])) -> bool,
    ) -> Result<bool, StorageError> {
        let (mut is_first, mut is_end) = (true, false);
        let there_is = words(&mut |word| {
            if is_first {
                is_end = word == END;
            } else {
                self.text.push(b' ');
            }
            is_first = false;
            text::escape(word, &mut self.text);
        });
        let is_too_long = self.text.len() - self.start > MAX_LINE_BYTES - CHECKSUM_BYTES;
        if is_end || is_too_long || (there_is && is_first) {
            return Err(StorageError::refused(
                "a state with a line that is empty, too long, or begins with END",
            ));
        }
        if there_is {
            self.seal();
            self.lines += 1;
        }
        Ok(there_is)
    }

    /// Appends the last line.
    pub(super) fn end(&mut self) {
        self.text.extend_from_slice(END);
        self.text.push(b' ');
        push_u64(self.lines, &mut self.text);
        self.text.push(b' ');
        push_hex(self.chain, &mut self.text);
        self.seal();
    }

    /// Clears the text after it was written to the file.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.start = 0;
    }
}

/// Reads a whole snapshot file, and passes each line of the state to `each`.
///
/// # Errors
/// [`StorageError::Corrupt`], with `name` as the file: it is not a complete snapshot, or `each`
/// refuses a line. The lines passed before are then of no use. Or the file cannot be read.
pub(super) fn read(
    file: &dyn DiskFile,
    name: &str,
    each: &mut EachLine<'_>,
) -> Result<SnapshotMark, StorageError> {
    let mut lines = LineReader::new(file);
    let mut scratch = Scratch::default();
    let (mut mark, mut count, mut chain, mut is_ended) = (None, 0, 0, false);
    loop {
        let piece = lines.next().map_err(|error| StorageError::io(name, "cannot read", error))?;
        let Some(piece) = piece else { break };
        let wrong = |within: usize, what: String| Corruption {
            file: name.into(),
            line: piece.line,
            byte: piece.offset + within as u64,
            what,
        };
        if is_ended {
            return Err(wrong(0, "something behind END".into()).into());
        }
        let line = whole(&piece).map_err(|what| wrong(0, what.into()))?;
        let body =
            text::strip_checksum(line).map_err(|error| wrong(error.at, error.what.into()))?;
        let words = text::parse_words(body, &mut scratch);
        let words = words.map_err(|error| wrong(error.at, error.what.into()))?;
        match (mark, &words[..]) {
            (None, words) => {
                let header = header(words);
                mark = Some(header.ok_or_else(|| {
                    wrong(0, "expected SNAPSHOT format=1, an index and a term".into())
                })?);
            }
            (Some(_), [END, rest @ ..]) => {
                is_ended = end(rest) == Some((count, chain));
                if !is_ended {
                    let what = "END with another count or checksum than that of the lines above it";
                    return Err(wrong(0, what.into()).into());
                }
            }
            (Some(_), words) => {
                each(words).map_err(|what| wrong(0, what))?;
                count += 1;
            }
        }
        chain = extend_crc32c(chain, line.get(line.len() - DIGITS..).unwrap_or_default());
    }
    match mark {
        Some(mark) if is_ended => Ok(mark),
        _ => {
            let (file, what) = (name.into(), "the file ends before END".into());
            Err(Corruption { file, line: lines.line(), byte: lines.offset(), what }.into())
        }
    }
}

fn whole<'p>(piece: &Piece<'p>) -> Result<&'p [u8], &'static str> {
    match piece.kind {
        Kind::Line(line) => Ok(line),
        Kind::Fragment(_) => Err("the line is cut off"),
        Kind::Zeros(_) => Err("zeros where a line was to be"),
        Kind::TooLong => Err("a line longer than any of ours"),
    }
}

fn header(words: &[&[u8]]) -> Option<SnapshotMark> {
    let [HEADER, FORMAT, index, term] = *words else { return None };
    let index = parse_u64(index.strip_prefix(b"index=")?)?;
    let term = parse_u64(term.strip_prefix(b"term=")?)?;
    Some(SnapshotMark { index, term })
}

fn end(words: &[&[u8]]) -> Option<(u64, u32)> {
    let [count, chain] = *words else { return None };
    Some((parse_u64(count)?, parse_hex(chain)?))
}

/// The snapshot in place, readable in pieces. It stays readable when a newer one replaces it.
#[derive(Debug)]
pub struct SnapshotFile {
    mark: SnapshotMark,
    len: u64,
    file: Box<dyn DiskFile>,
}

impl SnapshotFile {
    pub(super) fn new(
        file: Box<dyn DiskFile>,
        mark: SnapshotMark,
    ) -> Result<SnapshotFile, StorageError> {
        let len = file.len().map_err(|error| StorageError::io(SNAPSHOT, "cannot read", error))?;
        Ok(SnapshotFile { mark, len, file })
    }

    /// The position of the snapshot in the log.
    pub fn mark(&self) -> SnapshotMark {
        self.mark
    }

    /// The size of the file.
    pub fn size_bytes(&self) -> u64 {
        self.len
    }

    /// The piece at `offset`, of at most `max_bytes`. Beyond the end it is empty and the last.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn piece(&self, offset: u64, max_bytes: usize) -> Result<SnapshotPiece, StorageError> {
        let offset = offset.min(self.len);
        let left = usize::try_from(self.len - offset).unwrap_or(usize::MAX);
        let mut data = vec![0; left.min(max_bytes)];
        let read = read_fully(&*self.file, &mut data, offset)
            .map_err(|error| StorageError::io(SNAPSHOT, "cannot read", error))?;
        data.truncate(read);
        let is_last = offset + read as u64 >= self.len;
        Ok(SnapshotPiece { snapshot: self.mark, offset, data: data.into(), is_last })
    }

    /// Passes each line of the state to `each`.
    ///
    /// # Errors
    /// The file is damaged, cannot be read, or `each` refuses a line.
    pub fn read(&self, each: &mut EachLine<'_>) -> Result<(), StorageError> {
        read(&*self.file, SNAPSHOT, each).map(|_| ())
    }
}
