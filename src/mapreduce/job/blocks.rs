//! Input as blocks of whole lines, in a buffer that is reused.

use std::io::{self, Read};

/// Whole lines of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block<'b> {
    /// The offset of the block in the whole input.
    pub offset: u64,
    /// The lines. The last line has no newline if the file ends without one.
    pub bytes: &'b [u8],
    /// The block is the beginning of its file.
    pub starts_file: bool,
}

/// A split as a stream of blocks.
pub trait Blocks: Send {
    /// The next lines; `None` at the end. A block has lines of one file only.
    ///
    /// # Errors
    /// Those of reading; `InvalidData` for a line that is too long.
    fn next(&mut self) -> io::Result<Option<Block<'_>>>;
}

/// The longest line.
pub const MAX_LINE_BYTES: usize = 64 * 1024 * 1024;

/// The size of a block: small enough to stay in a core's cache while it is parsed.
const BLOCK_BYTES: usize = 256 * 1024;

/// Cuts a stream of bytes into blocks.
pub struct BlockReader<R> {
    reader: R,
    buffer: Vec<u8>,
    /// Bytes of the buffer that were returned, and bytes that were read.
    given: usize,
    filled: usize,
    /// The offset of the buffer's first byte in the whole input.
    offset: u64,
    ended: bool,
    /// The offset of the file's first byte, if the split contains it.
    file_start: Option<u64>,
}

impl<R: Read> BlockReader<R> {
    /// Reads all of `reader`, whose first byte is at `offset` of the input. `starts_file`: that
    /// byte is the first of its file.
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

    /// Moves the bytes that were not returned to the front, and grows the buffer if it is full.
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
            // Read until the buffer is full: a pipe returns few bytes at a time.
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

    /// The last block that was read.
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
