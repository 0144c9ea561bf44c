//! Reads a file line by line, in bounded memory.

use std::io;

use super::disk::{DiskFile, read_fully};
use crate::text::find;

/// The maximum length of a line. A command is at most a message of the RPC layer (4 MiB); with each
/// byte escaped it is half of this.
pub(super) const MAX_LINE_BYTES: usize = 32 * 1024 * 1024;
/// The size of the first read; it doubles up to `READ_BYTES` in long files.
const FIRST_READ_BYTES: usize = 8 * 1024;
const READ_BYTES: usize = 1024 * 1024;

/// The next piece of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece<'r> {
    /// Its offset in the file.
    pub(super) offset: u64,
    /// The line that it is, or is part of, from 1.
    pub(super) line: u64,
    pub(super) kind: Kind<'r>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind<'r> {
    /// A line, without its newline.
    Line(&'r [u8]),
    /// Bytes without a newline, before zeros or the end of the file.
    Fragment(&'r [u8]),
    /// A run of zeros. Text contains none: a disk returns them for data that was never written.
    Zeros(u64),
    /// A line above [`MAX_LINE_BYTES`]; nothing after it is read.
    TooLong,
}

/// Reads a file from its start.
pub(super) struct LineReader<'f> {
    file: &'f dyn DiskFile,
    /// Bytes of the file, from `offset - start` on.
    buffer: Vec<u8>,
    /// The number of consumed bytes of the buffer.
    start: usize,
    /// The number of bytes after `start` that contain neither newline nor zero.
    searched: usize,
    /// The offset of `start` in the file.
    offset: u64,
    line: u64,
    is_at_end: bool,
    /// The end of the part that is read.
    end: u64,
    /// The size of the next read.
    step_bytes: usize,
}

impl<'f> LineReader<'f> {
    pub(super) fn new(file: &'f dyn DiskFile) -> LineReader<'f> {
        LineReader::in_steps(file, FIRST_READ_BYTES)
    }

    fn in_steps(file: &'f dyn DiskFile, step_bytes: usize) -> LineReader<'f> {
        LineReader {
            end: u64::MAX,
            step_bytes,
            file,
            buffer: Vec::new(),
            start: 0,
            searched: 0,
            offset: 0,
            line: 1,
            is_at_end: false,
        }
    }

    /// Reads only the bytes before `end`.
    pub(super) fn before(file: &'f dyn DiskFile, end: u64) -> LineReader<'f> {
        LineReader { end, ..LineReader::new(file) }
    }

    /// The number of consumed bytes.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The line of the next piece.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The next piece; `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Piece<'_>>> {
        let (len, newline) = loop {
            let unread = self.buffer.get(self.start..).unwrap_or_default();
            if unread.first() == Some(&0) {
                return self.zeros().map(Some);
            }
            let unsearched = unread.get(self.searched..).unwrap_or_default();
            if let Some(at) = end(unsearched) {
                let len = self.searched + at;
                break (len, unread.get(len) == Some(&b'\n'));
            }
            self.searched = unread.len();
            if self.searched > MAX_LINE_BYTES {
                let (offset, line) = (self.offset, self.line);
                self.is_at_end = true;
                self.take(self.searched);
                return Ok(Some(Piece { offset, line, kind: Kind::TooLong }));
            }
            if !self.fill()? {
                if self.searched == 0 {
                    return Ok(None);
                }
                break (self.searched, false);
            }
        };
        let (offset, line, start) = (self.offset, self.line, self.start);
        self.take(len + usize::from(newline));
        self.line += u64::from(newline);
        let bytes = self.buffer.get(start..start + len).unwrap_or_default();
        let kind = if newline { Kind::Line(bytes) } else { Kind::Fragment(bytes) };
        Ok(Some(Piece { offset, line, kind }))
    }

    fn take(&mut self, len: usize) {
        self.start += len;
        self.offset += len as u64;
        self.searched = 0;
    }

    fn zeros(&mut self) -> io::Result<Piece<'_>> {
        let (offset, line) = (self.offset, self.line);
        loop {
            let unread = self.buffer.get(self.start..).unwrap_or_default();
            match unread.iter().position(|&byte| byte != 0) {
                Some(zeros) => {
                    self.take(zeros);
                    break;
                }
                None => {
                    self.take(unread.len());
                    if !self.fill()? {
                        break;
                    }
                }
            }
        }
        Ok(Piece { offset, line, kind: Kind::Zeros(self.offset - offset) })
    }

    /// Reads more bytes; returns false at the end of the file.
    fn fill(&mut self) -> io::Result<bool> {
        if self.is_at_end {
            return Ok(false);
        }
        self.buffer.drain(..self.start);
        self.start = 0;
        let kept = self.buffer.len();
        let from = self.offset + kept as u64;
        let left = usize::try_from(self.end.saturating_sub(from)).unwrap_or(usize::MAX);
        let step = left.min(self.step_bytes);
        self.buffer.resize(kept + step, 0);
        let space = self.buffer.get_mut(kept..).unwrap_or_default();
        let bytes = read_fully(self.file, space, from)?;
        self.buffer.truncate(kept + bytes);
        self.is_at_end = bytes < self.step_bytes;
        self.step_bytes = READ_BYTES.min(2 * self.step_bytes);
        Ok(bytes > 0)
    }
}

/// The position of the first newline or zero.
fn end(bytes: &[u8]) -> Option<usize> {
    let newline = find(b'\n', bytes);
    let before = bytes.get(..newline.unwrap_or(bytes.len())).unwrap_or_default();
    find(0, before).or(newline)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::each_seed;

    /// A file in memory that returns a few bytes per read.
    #[derive(Debug)]
    struct Bytes(Vec<u8>);

    impl DiskFile for Bytes {
        fn len(&self) -> io::Result<u64> {
            Ok(self.0.len() as u64)
        }

        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            let rest = self.0.get(offset as usize..).unwrap_or_default();
            let len = rest.len().min(buffer.len()).min(700_001);
            buffer[..len].copy_from_slice(&rest[..len]);
            Ok(len)
        }

        fn write_at(&self, _: &[u8], _: u64) -> io::Result<usize> {
            Err(io::ErrorKind::Unsupported.into())
        }

        fn set_len(&self, _: u64) -> io::Result<()> {
            Err(io::ErrorKind::Unsupported.into())
        }

        fn sync(&self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Offset, line and kind of each piece.
    fn pieces(bytes: &[u8]) -> Vec<(u64, u64, String)> {
        let file = Bytes(bytes.to_vec());
        let mut lines = LineReader::new(&file);
        let mut pieces = Vec::new();
        while let Some(Piece { offset, line, kind }) = lines.next().unwrap() {
            let what = match kind {
                Kind::Line(bytes) => format!("{}$", String::from_utf8_lossy(bytes)),
                Kind::Fragment(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                Kind::Zeros(zeros) => format!("{zeros} zeros"),
                Kind::TooLong => "too long".into(),
            };
            pieces.push((offset, line, what));
        }
        assert_eq!(lines.offset(), bytes.len() as u64);
        pieces
    }

    fn piece(offset: u64, line: u64, what: &str) -> (u64, u64, String) {
        (offset, line, what.into())
    }

    #[test]
    fn a_file_is_read_as_lines_fragments_and_zeros() {
        assert_eq!(pieces(b""), []);
        assert_eq!(pieces(b"a\n\nbc\n"), [piece(0, 1, "a$"), piece(2, 2, "$"), piece(3, 3, "bc$")]);
        assert_eq!(pieces(b"a\nb"), [piece(0, 1, "a$"), piece(2, 2, "b")]);
        assert_eq!(
            pieces(b"a\nb\0\0c\n\0d\n\0"),
            [
                piece(0, 1, "a$"),
                piece(2, 2, "b"),
                piece(3, 2, "2 zeros"),
                piece(5, 2, "c$"),
                piece(7, 3, "1 zeros"),
                piece(8, 3, "d$"),
                piece(10, 4, "1 zeros"),
            ]
        );
    }

    #[test]
    fn lines_and_zeros_longer_than_the_read_buffer_are_whole() {
        let long = "x".repeat(3 * READ_BYTES);
        let zeros = vec![0; 2 * READ_BYTES + 1];
        let bytes = [b"a\n", long.as_bytes(), b"\nb\n", &zeros].concat();
        let found = pieces(&bytes);
        assert_eq!(found[1], piece(2, 2, &format!("{long}$")));
        assert_eq!(
            found[2..],
            [
                piece(2 + 3 * READ_BYTES as u64 + 1, 3, "b$"),
                piece(2 + 3 * READ_BYTES as u64 + 3, 4, &format!("{} zeros", zeros.len())),
            ]
        );
    }

    #[test]
    fn a_line_above_the_limit_is_rejected() {
        /// Has the same byte everywhere.
        #[derive(Debug)]
        struct Endless;

        impl DiskFile for Endless {
            fn len(&self) -> io::Result<u64> {
                Ok(u64::MAX)
            }

            fn read_at(&self, buffer: &mut [u8], _: u64) -> io::Result<usize> {
                buffer.fill(b'x');
                Ok(buffer.len())
            }

            fn write_at(&self, _: &[u8], _: u64) -> io::Result<usize> {
                Err(io::ErrorKind::Unsupported.into())
            }

            fn set_len(&self, _: u64) -> io::Result<()> {
                Err(io::ErrorKind::Unsupported.into())
            }

            fn sync(&self) -> io::Result<()> {
                Ok(())
            }
        }

        let mut lines = LineReader::new(&Endless);
        let piece = lines.next().unwrap().unwrap();
        assert_eq!((piece.offset, piece.line, piece.kind), (0, 1, Kind::TooLong));
        assert!(lines.buffer.capacity() < 3 * MAX_LINE_BYTES);
        assert_eq!(lines.next().unwrap(), None);
    }

    #[test]
    fn the_pieces_are_the_file() {
        each_seed(|seed| {
            let len = seed.below(40);
            let bytes: Vec<u8> = (0..len).map(|_| *seed.pick(b"ab\n\0")).collect();
            let file = Bytes(bytes.clone());
            let (mut lines, mut again) =
                (LineReader::in_steps(&file, 1 + seed.below(9)), Vec::new());
            while let Some(piece) = lines.next().unwrap() {
                assert_eq!(piece.offset, again.len() as u64);
                assert_eq!(piece.line, 1 + again.iter().filter(|&&b| b == b'\n').count() as u64);
                match piece.kind {
                    Kind::Line(bytes) => again.extend([bytes, b"\n"].concat()),
                    Kind::Fragment(bytes) => again.extend(bytes),
                    Kind::Zeros(zeros) => again.resize(again.len() + zeros as usize, 0),
                    Kind::TooLong => unreachable!("not so long"),
                }
            }
            assert_eq!(again, bytes);
        });
    }
}
