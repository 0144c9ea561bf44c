//! A fast path for common lines: numbers between delimiters, as many as in the line before.
//!
//! The ends and decimal points of numbers are located for a whole chunk of bytes before any number
//! is parsed. A sequential parser knows the start of a number only after it has parsed the one
//! before; with known positions the processor works on several numbers at a time.

use super::{MAX_LINE_BYTES, Reader};
use crate::text::{CHUNK, byte_masks, parse_fixed_f64};

impl Reader {
    /// Parses common lines from `at` on. Returns the start of the first line of another form.
    pub(super) fn read_fast_lines(&mut self, lines: &[u8], at: usize) -> usize {
        let rest = lines.get(at..).unwrap_or_default();
        let mut fast = FastLines { bytes: rest, line: 0, start: self.key_bytes, point: usize::MAX };
        let (chunks, last) = rest.as_chunks();
        // Zeros are neither delimiters nor points.
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

    /// Parses the numbers that end in a chunk, which begins at `base`. `None`: a line has another
    /// form.
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
                // It is part of the key.
                ends ^= lowest;
                continue;
            }
            let x = parse_fixed_f64(bytes, start, point, end)
                .or_else(|| self.read_number(bytes.get(start..end)?, ends_line))?;
            self.points.push_coordinate(x);
            lines.start = end + 1;
            lines.point = usize::MAX;
            // Points before the end of this number are done.
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

/// The state of the fast path within its lines.
struct FastLines<'a> {
    bytes: &'a [u8],
    /// The start of the line.
    line: usize,
    /// The start of the number.
    start: usize,
    /// Its first decimal point, if that is in an earlier chunk.
    point: usize,
}
