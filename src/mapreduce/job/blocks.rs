//! Input as blocks of whole lines, in memory that is used again.

use std::io::{self, Read};

/// Some whole lines of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block<'b> {
    /// Where it begins in the input as a whole.
    pub offset: u64,
    /// Its lines. The last one has no newline if its file has none there.
    pub bytes: &'b [u8],
    /// It is the beginning of its file.
    pub starts_file: bool,
}

/// A split as it is read.
pub trait Blocks: Send {
    /// The next lines; `None` at the end. No block has lines of two files.
    ///
    /// # Errors
    /// Those of reading; `InvalidData` for a line that is too long.
    fn next(&mut self) -> io::Result<Option<Block<'_>>>;
}

/// No line is longer.
pub const MAX_LINE_BYTES: usize = 64 * 1024 * 1024;

/// As many bytes are read at once: few enough to stay in a core's cache while they are parsed.
const BLOCK_BYTES: usize = 256 * 1024;

/// Cuts a stream of bytes into blocks.
pub struct BlockReader<R> {
    reader: R,
    buffer: Vec<u8>,
    /// Of the buffer: what was handed out, and what was read.
    given: usize,
    filled: usize,
    /// Where the buffer's first byte is in the input.
    offset: u64,
    ended: bool,
    /// Where a file begins, if what is read begins with one.
    file_start: Option<u64>,
}

impl<R: Read> BlockReader<R> {
    /// Reads all of `reader`, whose first byte is at `offset` of the input. `starts_file`: it is the
    /// first of its file.
    pub fn new(reader: R, offset: u64, starts_file: bool) -> BlockReader<R> {
        BlockReader {
            reader,
            buffer: vec![0; BLOCK_BYTES],
            given: 0,
            filled: 0,
            offset,
            ended: false,
            file_start: starts_file.then_some(offset),
        }
    }

    /// Moves what was not handed out to the front.
    fn move_rest_to_front(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.given..self.filled, 0);
        self.offset += self.given as u64;
        self.filled -= self.given;
        self.given = 0;
        if self.filled == self.buffer.len() {
            if self.filled >= MAX_LINE_BYTES {
                let at = self.offset;
                let reason = format!("the line at byte {at} is longer than {MAX_LINE_BYTES} bytes");
                return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
            }
            self.buffer.resize(2 * self.filled, 0);
        }
        Ok(())
    }

    /// Reads the next block. Returns whether there is one.
    ///
    /// # Errors
    /// As [`Blocks::next`].
    pub fn advance(&mut self) -> io::Result<bool> {
        self.move_rest_to_front()?;
        let mut searched = 0;
        loop {
            // One read after another until the buffer is full: a pipe gives little at a time.
            while !self.ended && self.filled < self.buffer.len() {
                match self.reader.read(&mut self.buffer[self.filled..]) {
                    Ok(0) => self.ended = true,
                    Ok(read) => self.filled += read,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            let tail = &self.buffer[searched..self.filled];
            let newline = tail.iter().rposition(|byte| *byte == b'\n');
            self.given = match newline {
                _ if self.ended => self.filled,
                Some(at) => searched + at + 1,
                None => {
                    searched = self.filled;
                    self.move_rest_to_front()?;
                    continue;
                }
            };
            return Ok(self.given > 0);
        }
    }

    /// The block that was read last.
    pub fn current(&self) -> Block<'_> {
        let starts_file = self.file_start == Some(self.offset);
        Block { offset: self.offset, bytes: &self.buffer[..self.given], starts_file }
    }
}

impl<R: Read + Send> Blocks for BlockReader<R> {
    fn next(&mut self) -> io::Result<Option<Block<'_>>> {
        Ok(self.advance()?.then(|| self.current()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::each_seed;

    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(into.len()).min(self.1);
            into[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn blocks(text: &[u8], at_once: usize) -> Vec<(u64, Vec<u8>)> {
        let mut reader = BlockReader::new(Slow(text, at_once), 100, true);
        let mut blocks = Vec::new();
        while let Some(block) = reader.next().unwrap() {
            assert_eq!(block.starts_file, blocks.is_empty());
            blocks.push((block.offset, block.bytes.to_vec()));
        }
        assert_eq!(reader.next().unwrap(), None);
        blocks
    }

    #[test]
    fn blocks_are_whole_lines_and_lose_nothing() {
        each_seed(|seed| {
            if !seed.one_in(1000) {
                return;
            }
            let longest = *seed.pick(&[10, 10_000, 400_000]);
            let mut text = Vec::new();
            while text.len() < 700_000 && !seed.one_in(50) {
                let length = seed.below(longest);
                text.resize(text.len() + length, b'x');
                text.push(b'\n');
            }
            if seed.one_in(2) {
                text.extend_from_slice(b"no newline");
            }
            let at_once = *seed.pick(&[1_000, 65_536, usize::MAX]);
            let blocks = blocks(&text, at_once);
            let mut offset = 100;
            for (at, bytes) in &blocks {
                assert_eq!(*at, offset);
                offset += bytes.len() as u64;
                assert!(bytes.ends_with(b"\n") || offset == 100 + text.len() as u64);
            }
            assert!(blocks.into_iter().flat_map(|(_, bytes)| bytes).eq(text));
        });
    }

    #[test]
    fn a_line_without_an_end_is_refused_before_it_fills_the_memory() {
        let mut reader = BlockReader::new(io::repeat(b'x'), 0, true);
        let error = reader.next().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(reader.buffer.len() <= MAX_LINE_BYTES);
    }
}
