//! Splits: the input is cut into ranges of whole lines.
//!
//! A split is a range of one file. Each non-empty file has at least one split; further splits go to
//! the file with the largest splits. Within a file, splits are as equal in bytes as lines allow:
//! each cut is the line end nearest to the equal cut, so it is off by at most half a line. With
//! fewer lines than splits some splits are empty. A line ends after its newline, or at the end of
//! its file: the last line may lack its newline.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;

/// A range of one input file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The index of the file, from 0.
    pub file: u32,
    /// The offset of its first byte in the file.
    pub start: u64,
    /// The offset after its last byte.
    pub end: u64,
}

/// The input of one map task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// Its offset in the whole input, all files concatenated.
    pub offset: u64,
    /// The range; `None` if it is empty.
    pub range: Option<Range>,
}

impl Split {
    /// The length in bytes.
    pub fn len(&self) -> u64 {
        self.range.map_or(0, |range| range.end - range.start)
    }

    /// Whether the split is empty.
    pub fn is_empty(&self) -> bool {
        self.range.is_none()
    }
}

/// Random access to the input files.
pub trait ReadAt {
    /// Reads bytes of a file at the offset `at`, as many as are available and fit; 0 at the end of
    /// the file.
    ///
    /// # Errors
    /// Those of the operating system.
    fn read_at(&mut self, file: u32, at: u64, into: &mut [u8]) -> io::Result<usize>;
}

/// Cuts files of these lengths into `count` splits, or into one split per non-empty file if there
/// are more files.
///
/// # Errors
/// Those of reading; `UnexpectedEof` if a file is shorter than its length.
pub fn cut(lengths: &[u64], count: u32, input: &mut impl ReadAt) -> io::Result<Vec<Split>> {
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut splits = Vec::new();
    let mut base = 0;
    for ((file, length), count) in lengths.iter().enumerate().zip(shares(lengths, count)) {
        let file = file as u32;
        let mut line = Line::default();
        let mut start = 0;
        for number in 1..=count {
            let target = (u128::from(*length) * u128::from(number) / u128::from(count)) as u64;
            let end = if number == count {
                *length
            } else {
                if !(line.start..line.end).contains(&target) {
                    line = Line::around(target, file, *length, &mut chunk, input)?;
                }
                let is_nearer = target - line.start <= line.end.saturating_sub(target);
                if is_nearer { line.start } else { line.end }
            };
            let range = (start < end).then_some(Range { file, start, end });
            splits.push(Split { offset: base + start, range });
            start = end;
        }
        base += length;
    }
    if splits.is_empty() {
        splits.resize(count as usize, Split::default());
    }
    Ok(splits)
}

/// The number of splits of each file. Each further split goes to the file whose splits are largest.
fn shares(lengths: &[u64], count: u32) -> Vec<u32> {
    let mut shares: Vec<u32> = lengths.iter().map(|length| u32::from(*length > 0)).collect();
    let mut largest: BinaryHeap<(u64, Reverse<usize>)> = lengths
        .iter()
        .enumerate()
        .filter(|(_, length)| **length > 0)
        .map(|(file, length)| (*length, Reverse(file)))
        .collect();
    for _ in largest.len()..count as usize {
        let Some((_, Reverse(file))) = largest.pop() else { break };
        shares[file] += 1;
        largest.push((lengths[file].div_ceil(shares[file].into()), Reverse(file)));
    }
    shares
}

/// The range of a line in its file.
#[derive(Default)]
struct Line {
    start: u64,
    end: u64,
}

const CHUNK_BYTES: usize = 64 * 1024;

impl Line {
    /// The line with the byte at `target`. Cached by the caller, so that further cuts in the same
    /// line need no reading.
    fn around(
        target: u64,
        file: u32,
        length: u64,
        chunk: &mut [u8],
        input: &mut impl ReadAt,
    ) -> io::Result<Line> {
        let start = last_newline(file, target, chunk, input)?.map_or(0, |at| at + 1);
        let end = first_newline(file, target, length, chunk, input)?;
        Ok(Line { start, end: end.map_or(length, |at| at + 1) })
    }
}

/// The offset of the last newline before `at`.
fn last_newline(
    file: u32,
    at: u64,
    chunk: &mut [u8],
    input: &mut impl ReadAt,
) -> io::Result<Option<u64>> {
    let mut end = at;
    while end > 0 {
        let start = end.saturating_sub(chunk.len() as u64);
        let bytes = fill(file, start, end, chunk, input)?;
        if let Some(found) = bytes.iter().rposition(|byte| *byte == b'\n') {
            return Ok(Some(start + found as u64));
        }
        end = start;
    }
    Ok(None)
}

/// The offset of the first newline at or after `at`.
fn first_newline(
    file: u32,
    at: u64,
    length: u64,
    chunk: &mut [u8],
    input: &mut impl ReadAt,
) -> io::Result<Option<u64>> {
    let mut start = at;
    while start < length {
        let end = length.min(start + chunk.len() as u64);
        let bytes = fill(file, start, end, chunk, input)?;
        if let Some(found) = crate::text::find(b'\n', bytes) {
            return Ok(Some(start + found as u64));
        }
        start = end;
    }
    Ok(None)
}

/// Reads a range completely.
fn fill<'c>(
    file: u32,
    start: u64,
    end: u64,
    chunk: &'c mut [u8],
    input: &mut impl ReadAt,
) -> io::Result<&'c [u8]> {
    let wanted = (end - start) as usize;
    let mut filled = 0;
    while filled < wanted {
        let into = &mut chunk[filled..wanted];
        match input.read_at(file, start + filled as u64, into)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => filled += read,
        }
    }
    Ok(&chunk[..wanted])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Seed, each_seed};

    struct Files(Vec<Vec<u8>>);

    impl ReadAt for Files {
        fn read_at(&mut self, file: u32, at: u64, into: &mut [u8]) -> io::Result<usize> {
            let rest = &self.0[file as usize][at as usize..];
            // A reader may return fewer bytes than requested.
            let count = rest.len().min(into.len()).min(1 + at as usize % 7000);
            into[..count].copy_from_slice(&rest[..count]);
            Ok(count)
        }
    }

    fn splits(files: &[&[u8]], count: u32) -> Vec<Vec<u8>> {
        let mut files = Files(files.iter().map(|file| file.to_vec()).collect());
        let lengths: Vec<u64> = files.0.iter().map(|file| file.len() as u64).collect();
        let splits = cut(&lengths, count, &mut files).unwrap();
        let bytes = |range: &Range| {
            files.0[range.file as usize][range.start as usize..range.end as usize].to_vec()
        };
        splits.iter().map(|split| split.range.as_ref().map_or(Vec::new(), bytes)).collect()
    }

    fn texts(file: &str, count: u32) -> Vec<String> {
        let splits = splits(&[file.as_bytes()], count);
        splits.into_iter().map(|split| String::from_utf8(split).unwrap()).collect()
    }

    #[test]
    fn cuts_are_where_lines_end_nearest_to_equal() {
        assert_eq!(texts("ab\ncd\nef\ngh\n", 2), ["ab\ncd\n", "ef\ngh\n"]);
        assert_eq!(texts("ab\ncd\nef\n", 2), ["ab\n", "cd\nef\n"], "a tie goes to the first");
        assert_eq!(texts("a\nb\nc\nd\n", 3), ["a\n", "b\n", "c\nd\n"]);
        assert_eq!(texts("a\r\nb\r\n", 2), ["a\r\n", "b\r\n"]);
    }

    #[test]
    fn the_last_line_needs_no_newline() {
        assert_eq!(texts("ab\ncd", 2), ["ab\n", "cd"]);
        assert_eq!(texts("abcd", 3), ["", "", "abcd"]);
    }

    #[test]
    fn there_may_be_fewer_lines_than_splits() {
        assert_eq!(texts("", 3), ["", "", ""]);
        assert_eq!(texts("\n", 2), ["", "\n"]);
        assert_eq!(texts("a\nb\n", 4), ["", "a\n", "", "b\n"]);
        assert_eq!(splits(&[], 2), [b"", b""]);
        assert_eq!(splits(&[b"", b"", b"a"], 1), [b"a"]);
        assert_eq!(splits(&[b"", b""], 3), [b"", b"", b""]);
    }

    #[test]
    fn no_split_has_bytes_of_two_files() {
        assert_eq!(splits(&[b"ab\ncd", b"ef\n"], 2), [&b"ab\ncd"[..], b"ef\n"]);
        assert_eq!(splits(&[b"a\n", b"", b"b\n", b"c"], 1), [&b"a\n"[..], b"b\n", b"c"]);
        // The largest file is cut first; among equal ones the first.
        assert_eq!(splits(&[b"a\n", b"b\nc\n"], 3), [b"a\n", b"b\n", b"c\n"]);
        assert_eq!(splits(&[b"a\nb\n", b"c\nd\n"], 3), [&b"a\n"[..], b"b\n", b"c\nd\n"]);
        assert_eq!(shares(&[1000, 10, 0, 500], 8), [5, 1, 0, 2]);
        assert_eq!(shares(&[1, 1, 1], 2), [1, 1, 1]);
    }

    #[test]
    fn one_line_much_longer_than_a_split_stays_whole() {
        let mut file = vec![b'x'; 1_000_000];
        file.push(b'\n');
        file.extend_from_slice(b"y\nz\n");
        let splits = splits(&[&file], 4);
        let lengths: Vec<usize> = splits.iter().map(Vec::len).collect();
        assert_eq!(lengths, [0, 1_000_001, 0, 4]);
    }

    #[test]
    fn a_file_that_shrank_is_an_error() {
        let mut files = Files(vec![b"ab".to_vec()]);
        let error = cut(&[1000], 1, &mut files).map(|_| ());
        assert!(error.is_ok(), "nothing is read for one split");
        struct Nothing;
        impl ReadAt for Nothing {
            fn read_at(&mut self, _: u32, _: u64, _: &mut [u8]) -> io::Result<usize> {
                Ok(0)
            }
        }
        assert!(cut(&[1000], 2, &mut Nothing).is_err());
    }

    fn some_file(seed: &mut Seed) -> Vec<u8> {
        let longest = *seed.pick(&[1, 5, 50, 3000]);
        let mut file = Vec::new();
        for _ in 0..seed.below(20) {
            let length = seed.below(longest);
            file.extend((0..length).map(|_| b'a' + seed.below(26) as u8));
            file.extend_from_slice(seed.pick::<&[u8]>(&[b"\n", b"\r\n", b"\n\n"]));
        }
        if seed.one_in(2) {
            file.extend_from_slice(b"the end");
        }
        file
    }

    #[test]
    fn every_byte_is_in_one_split_in_order_and_cuts_are_nearest() {
        each_seed(|seed| {
            if !seed.one_in(5) {
                return;
            }
            let files: Vec<Vec<u8>> = (0..seed.below(4)).map(|_| some_file(seed)).collect();
            let count = 1 + seed.below(9) as u32;
            let files: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
            let lengths: Vec<u64> = files.iter().map(|file| file.len() as u64).collect();
            let mut splits = splits(&files, count).into_iter();
            for (file, share) in files.iter().zip(shares(&lengths, count)) {
                let of_file: Vec<Vec<u8>> = splits.by_ref().take(share as usize).collect();
                assert_eq!(of_file.concat(), *file);
                // All line ends, computed without `cut`.
                let newlines = file.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
                let ends: Vec<usize> = [0]
                    .into_iter()
                    .chain(newlines.map(|(at, _)| at + 1))
                    .chain([file.len()])
                    .collect();
                let mut cut = 0;
                for (number, split) in of_file.iter().enumerate().take((share as usize).max(1) - 1)
                {
                    cut += split.len();
                    let target = file.len() * (number + 1) / share as usize;
                    let nearest = ends.iter().min_by_key(|end| (end.abs_diff(target), **end));
                    assert_eq!(Some(&cut), nearest, "split {number} of {share}");
                }
            }
            assert!(splits.all(|split| split.is_empty()));
        });
    }
}
