//! Parses text into points: one point a line, with delimiters between coordinates.
//!
//! ```text
//! file   = [ byte order mark ] [ header ] { line }
//! line   = blanks [ number { blanks delimiter blanks number } blanks ] newline
//! blanks = { " " | "\t" }                           without tabs where they delimit
//! newline = "\n" | "\r\n" | the end
//! ```
//!
//! If the delimiter is a space, any blanks delimit. Blank lines are ignored.
//! `text::parse_f64_prefix` defines numbers.

mod fast_path;

use std::fmt;

use super::{Error, MAX_DIMS, Points};
use crate::text::{find, parse_f64, parse_f64_prefix};

/// The longest line: enough for all coordinates that a point may have, 256 bytes each.
pub const MAX_LINE_BYTES: usize = MAX_DIMS * 256;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The most bytes of an invalid number that an error shows.
const SHOWN_BYTES: usize = 24;

/// The text format of points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    delimiter: u8,
    /// Whether invalid lines are counted and skipped.
    pub skip_bad: bool,
    /// Whether the first line of a file is a header.
    pub header: bool,
}

impl Format {
    /// With this delimiter: a comma, a semicolon, a tab, a space (for blanks of any length), or
    /// other ASCII punctuation that cannot be part of a number.
    pub fn new(delimiter: u8) -> Result<Format, Error> {
        let is_plain = delimiter.is_ascii_punctuation() && !b"+-.".contains(&delimiter);
        match is_plain || b"\t ".contains(&delimiter) {
            true => Ok(Format { delimiter, skip_bad: false, header: false }),
            false => Err(Error::Delimiter(delimiter)),
        }
    }

    /// The byte between coordinates.
    pub fn delimiter(&self) -> u8 {
        self.delimiter
    }

    fn is_blank(&self, byte: u8) -> bool {
        byte == b' ' || (byte == b'\t' && self.delimiter != b'\t')
    }
}

impl Default for Format {
    fn default() -> Format {
        Format { delimiter: b',', skip_bad: false, header: false }
    }
}

/// A line that is not a point.
#[derive(Clone, Debug, PartialEq)]
pub struct BadLine {
    /// The byte offset of the line in the input.
    pub offset: u64,
    /// The number of the line, from 1 at the first byte of the reader.
    pub line: u64,
    /// The byte of the line, from 1, where the fault is.
    pub column: u64,
    /// What is wrong there.
    pub error: Error,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BadLine { offset, line, column, error } = self;
        write!(f, "line {line}, column {column} (byte {}): {error}", offset + column - 1)
    }
}

impl std::error::Error for BadLine {}

/// Parses the points of one split, in chunks of any size.
#[derive(Clone, Debug)]
pub struct Reader {
    format: Format,
    /// Without dimensions until the first point determines them.
    points: Points,
    /// The offset of the first unread byte.
    offset: u64,
    /// The number of lines read.
    lines: u64,
    skipped: u64,
    /// The beginning of an incomplete line, up to one byte more than the longest line.
    partial_line: Vec<u8>,
    /// Bytes of that line that are not in `partial_line`.
    dropped: u64,
    /// Whether the next line may begin with a byte order mark or be the header.
    at_start: bool,
    /// The length of the key before the point in each line.
    key_bytes: usize,
}

impl Reader {
    /// For a split that begins at this byte of the input, at the start of a line, with points of
    /// `dims` coordinates; without `dims` the first point determines them. `starts_file`: the split
    /// begins a file, which may have a header.
    pub fn new(
        format: Format,
        dims: Option<usize>,
        offset: u64,
        starts_file: bool,
    ) -> Result<Reader, Error> {
        let points = dims.map_or(Ok(Points::default()), Points::new)?;
        Ok(Reader {
            format,
            points,
            offset,
            lines: 0,
            skipped: 0,
            partial_line: Vec::new(),
            dropped: 0,
            at_start: starts_file,
            key_bytes: 0,
        })
    }

    /// Removes the points, and keeps their memory. The next lines are records: each has a key of
    /// `key_bytes` bytes before its point, including the end of the key.
    pub(super) fn reset(&mut self, key_bytes: usize) {
        self.points.clear();
        self.key_bytes = key_bytes;
    }

    /// Parses the next chunk, which may begin and end anywhere in a line.
    pub fn read(&mut self, mut bytes: &[u8]) -> Result<(), BadLine> {
        if !self.partial_line.is_empty() {
            let Some(end) = find(b'\n', bytes) else { return self.keep_partial_line(bytes) };
            let (rest, after) = bytes.split_at(end + 1);
            self.keep_partial_line(rest)?;
            let line = std::mem::take(&mut self.partial_line);
            self.read_lines(&line)?;
            bytes = after;
        }
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let (lines, rest) = bytes.split_at(whole);
        self.read_lines(lines)?;
        self.keep_partial_line(rest)
    }

    /// The points read so far.
    pub fn points(&self) -> &Points {
        &self.points
    }

    /// The points, and the number of skipped lines. Without any point and without a given number,
    /// they have no dimensions.
    pub fn finish(mut self) -> Result<(Points, u64), BadLine> {
        self.end_line()?;
        Ok((self.points, self.skipped))
    }

    fn end_line(&mut self) -> Result<(), BadLine> {
        let line = std::mem::take(&mut self.partial_line);
        self.read_lines(&line)
    }

    fn keep_partial_line(&mut self, bytes: &[u8]) -> Result<(), BadLine> {
        let kept = bytes.len().min(MAX_LINE_BYTES + 1 - self.partial_line.len());
        self.dropped += (bytes.len() - kept) as u64;
        self.partial_line.extend_from_slice(&bytes[..kept]);
        if self.partial_line.len() > MAX_LINE_BYTES && !self.format.skip_bad {
            return Err(self.bad_line(0, Error::LineTooLong));
        }
        Ok(())
    }

    fn read_lines(&mut self, lines: &[u8]) -> Result<(), BadLine> {
        let mut at = 0;
        if self.at_start && !lines.is_empty() {
            self.at_start = false;
            if lines.starts_with(BYTE_ORDER_MARK) {
                at = BYTE_ORDER_MARK.len();
                self.offset += at as u64;
            }
            if self.format.header {
                at = self.count_line(at, line_end(lines, at));
            }
        }
        while at < lines.len() {
            at = self.read_fast_lines(lines, at);
            if at < lines.len() {
                at = self.read_line(lines, at)?;
            }
        }
        Ok(())
    }

    /// Parses a number that may have blanks around it, and a carriage return at the end of a line.
    fn read_number(&self, mut field: &[u8], ends_line: bool) -> Option<f64> {
        if ends_line && let [before @ .., b'\r'] = field {
            field = before;
        }
        while let [before @ .., byte] = field
            && self.format.is_blank(*byte)
        {
            field = before;
        }
        while let [byte, after @ ..] = field
            && self.format.is_blank(*byte)
        {
            field = after;
        }
        parse_f64(field).filter(|x| x.is_finite())
    }

    /// Parses a line of any form. Returns the start of the next line.
    fn read_line(&mut self, lines: &[u8], at: usize) -> Result<usize, BadLine> {
        let end = match self.record(lines, at) {
            Ok(end) => end,
            Err((column, error)) => {
                self.points.drop_pending();
                if !self.format.skip_bad {
                    return Err(self.bad_line(column - at, error));
                }
                self.skipped += 1;
                line_end(lines, at)
            }
        };
        Ok(self.count_line(at, end))
    }

    /// Counts a line from `start` to `end`. Returns `end`.
    fn count_line(&mut self, start: usize, end: usize) -> usize {
        self.offset += (end - start) as u64 + std::mem::take(&mut self.dropped);
        self.lines += 1;
        end
    }

    /// Parses the line that begins at `start` and keeps its point. Returns the end of the line, or
    /// where and why it is not a point.
    #[inline]
    fn record(&mut self, lines: &[u8], start: usize) -> Result<usize, (usize, Error)> {
        let mut at = start + self.key_bytes;
        let end = loop {
            let field = lines.get(at..).unwrap_or_default();
            let Some((x, len)) = parse_f64_prefix(field) else {
                // Blanks before the number, or none.
                let after = self.skip_blanks(lines, at);
                match newline(lines, after) {
                    Some(end) if self.points.pending() == 0 => return Ok(end),
                    None if after > at => at = after,
                    _ => return Err((after, self.not_a_number(&lines[after..]))),
                }
                continue;
            };
            if !x.is_finite() {
                return Err((at, Error::NotFinite));
            }
            if self.points.pending() == MAX_DIMS {
                return Err((at, Error::Dims(MAX_DIMS + 1)));
            }
            self.points.push_coordinate(x);
            at += len;
            let byte = lines.get(at).copied().unwrap_or(b'\n');
            if byte == self.format.delimiter && byte != b' ' {
                at += 1;
            } else if byte == b'\n' {
                break (at + 1).min(lines.len());
            } else {
                let after = self.skip_blanks(lines, at);
                if let Some(end) = newline(lines, after) {
                    break end;
                }
                let delimited = match self.format.delimiter {
                    b' ' => after > at,
                    delimiter => lines.get(after) == Some(&delimiter),
                };
                if !delimited {
                    return Err((after, Error::NoDelimiter));
                }
                at = after + usize::from(self.format.delimiter != b' ');
            }
        };
        if end - start > MAX_LINE_BYTES {
            return Err((start, Error::LineTooLong));
        }
        self.points.end_point(self.offset).map_err(|error| (start, error))?;
        Ok(end)
    }

    #[inline]
    fn skip_blanks(&self, lines: &[u8], mut at: usize) -> usize {
        while let Some(byte) = lines.get(at)
            && self.format.is_blank(*byte)
        {
            at += 1;
        }
        at
    }

    fn not_a_number(&self, field: &[u8]) -> Error {
        let ends = |byte: &u8| b"\r\n".contains(byte) || *byte == self.format.delimiter;
        let field = field.split(ends).next().unwrap_or_default();
        match field {
            [] => Error::NoNumber,
            _ => {
                let shown = field.get(..SHOWN_BYTES).unwrap_or(field);
                Error::NotNumber(shown.escape_ascii().to_string())
            }
        }
    }

    fn bad_line(&self, column: usize, error: Error) -> BadLine {
        let (line, column) = (self.lines + 1, column as u64 + 1);
        BadLine { offset: self.offset, line, column, error }
    }
}

/// The start of the next line, if the line ends at `at`.
#[inline]
fn newline(lines: &[u8], at: usize) -> Option<usize> {
    match lines.get(at) {
        None => Some(at),
        Some(b'\n') => Some(at + 1),
        Some(b'\r') => match lines.get(at + 1) {
            None => Some(at + 1),
            Some(b'\n') => Some(at + 2),
            _ => None,
        },
        _ => None,
    }
}

/// The end of the line that contains `start`.
fn line_end(lines: &[u8], start: usize) -> usize {
    let rest = lines.get(start..).unwrap_or_default();
    find(b'\n', rest).map_or(lines.len(), |newline| start + newline + 1)
}

#[cfg(test)]
mod tests;
