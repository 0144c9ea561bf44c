//! Text to points: one point a line, coordinates between delimiters.
//!
//! ```text
//! file   = [ byte order mark ] [ header ] { line }
//! line   = blanks [ number { blanks delimiter blanks number } blanks ] newline
//! blanks = { " " | "\t" }                           without tabs where they delimit
//! newline = "\n" | "\r\n" | the end
//! ```
//!
//! Where the delimiter is a space, any blanks delimit. Lines with nothing but blanks are no points
//! and no fault. `text::parse_f64_prefix` says what a number is.

mod fast_path;

use std::fmt;

use super::{Error, MAX_DIMS, Points};
use crate::text::{find, parse_f64, parse_f64_prefix};

/// Longest line: enough for all coordinates that a point may have, 256 bytes each.
pub const MAX_LINE_BYTES: usize = MAX_DIMS * 256;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Bytes of what is no number that are shown.
const SHOWN_BYTES: usize = 24;

/// How points are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    delimiter: u8,
    /// Whether lines that are no points are counted and left out.
    pub skip_bad: bool,
    /// Whether the first line of a file is not a point.
    pub header: bool,
}

impl Format {
    /// With this delimiter: a comma, a semicolon, a tab, a space for blanks of any length, or
    /// another byte of ASCII that is no part of a number or a line's end.
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

/// A line that is no point.
#[derive(Clone, Debug, PartialEq)]
pub struct BadLine {
    /// The byte of the input at which the line begins.
    pub offset: u64,
    /// The line, counted from 1 at the first byte that the reader saw.
    pub line: u64,
    /// The byte of the line, counted from 1, at which the fault is.
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

/// Reads the points of one split, in pieces of any size.
#[derive(Clone, Debug)]
pub struct Reader {
    format: Format,
    /// Of no dimensions until the first point tells.
    points: Points,
    /// Of the first byte that is not read.
    offset: u64,
    /// Lines that were read.
    lines: u64,
    skipped: u64,
    /// The beginning of a line whose end is still to come: all of it, or more than a line has.
    partial_line: Vec<u8>,
    /// Bytes of that line that are not in `partial_line`.
    dropped: u64,
    /// Whether the next line may have a byte order mark, and be the header.
    at_start: bool,
    /// Bytes at the beginning of each line that are not its point's.
    key_bytes: usize,
}

impl Reader {
    /// Of a split that begins at this byte of the input, which begins a line, with points of so
    /// many coordinates; without that number the first point tells. `starts_file`: the split
    /// begins a file, where a header may be.
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

    /// Forgets the points, and keeps their memory. What is read next are records: each line has a
    /// key of so many bytes before its point, what ends the key among them.
    pub(super) fn reset(&mut self, key_bytes: usize) {
        self.points.clear();
        self.key_bytes = key_bytes;
    }

    /// Reads on. Lines may be cut anywhere.
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

    /// The points so far.
    pub fn points(&self) -> &Points {
        &self.points
    }

    /// The points, and how many lines were left out because they are none. Without any point they
    /// have no dimensions, if none were given.
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

    /// A number that may have blanks around it, and at the end of a line a carriage return.
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

    /// Reads a line of any kind. Gives where the next one begins.
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

    /// A line was read from `start` to `end`.
    fn count_line(&mut self, start: usize, end: usize) -> usize {
        self.offset += (end - start) as u64 + std::mem::take(&mut self.dropped);
        self.lines += 1;
        end
    }

    /// Reads the line that begins at `start` and keeps its point. Gives the end of the line, or
    /// where it is no point and why.
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

/// Where the next line begins, if the one before ends at `at`.
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

/// Where the line ends that `start` is in.
fn line_end(lines: &[u8], start: usize) -> usize {
    let rest = lines.get(start..).unwrap_or_default();
    find(b'\n', rest).map_or(lines.len(), |newline| start + newline + 1)
}

#[cfg(test)]
mod tests;
