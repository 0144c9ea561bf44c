//! Lines as files are full of them: numbers between delimiters, as many as in the line before.
//!
//! Where numbers end and have their points is found for a chunk of bytes before any of them is
//! parsed. A parser that goes from number to number knows where one begins only after it read the
//! one before; a processor that is told beforehand reads several at a time.

use super::{MAX_LINE_BYTES, Reader};
use crate::text::{CHUNK, byte_masks, parse_fixed_f64};

impl Reader {
    /// Reads lines from `at` on while they are usual ones. Gives where the first line begins that
    /// is not.
    pub(super) fn read_fast_lines(&mut self, lines: &[u8], at: usize) -> usize {
        let rest = lines.get(at..).unwrap_or_default();
        let mut fast = FastLines { bytes: rest, line: 0, start: self.key_bytes, point: usize::MAX };
        let (chunks, last) = rest.as_chunks();
        // What is behind the end is no mark.
        let mut padded = [0; CHUNK];
        padded[..last.len()].copy_from_slice(last);
        let chunks = chunks.iter().chain([&padded]).enumerate();
        for (number, chunk) in chunks {
            if self.read_fast_chunk(&mut fast, chunk, number * CHUNK).is_none() {
                break;
            }
        }
        self.points.drop_pending();
        at + fast.line
    }

    /// Reads the numbers that end in a chunk, which begins at `base`. None: one is of another form.
    #[inline]
    fn read_fast_chunk(
        &mut self,
        lines: &mut FastLines<'_>,
        chunk: &[u8; CHUNK],
        base: usize,
    ) -> Option<()> {
        let [delimiters, newlines, mut dots] =
            byte_masks(chunk, [self.format.delimiter, b'\n', b'.']);
        let mut ends = delimiters | newlines;
        while ends != 0 {
            let lowest = ends & ends.wrapping_neg();
            let end = base + ends.trailing_zeros() as usize;
            let ends_line = newlines & lowest != 0;
            let point = lines.point.min(base + dots.trailing_zeros() as usize);
            let FastLines { bytes, start, .. } = *lines;
            if end < start {
                // It is the key's.
                ends ^= lowest;
                continue;
            }
            let x = parse_fixed_f64(bytes, start, point, end)
                .or_else(|| self.read_number(bytes.get(start..end)?, ends_line))?;
            self.points.push_coordinate(x);
            lines.start = end + 1;
            lines.point = usize::MAX;
            // Those before the end are done with.
            dots &= lowest.wrapping_neg();
            ends ^= lowest;
            if ends_line {
                let is_long = lines.start - lines.line > MAX_LINE_BYTES;
                if is_long || self.points.end_point(self.offset).is_err() {
                    return None;
                }
                lines.line = self.count_line(lines.line, lines.start);
                lines.start += self.key_bytes;
            }
        }
        if dots != 0 {
            lines.point = lines.point.min(base + dots.trailing_zeros() as usize);
        }
        Some(())
    }
}

/// How far usual lines are read.
struct FastLines<'a> {
    bytes: &'a [u8],
    /// Where the line begins.
    line: usize,
    /// Where the number begins.
    start: usize,
    /// Where its first point is, if that is in a chunk before.
    point: usize,
}
