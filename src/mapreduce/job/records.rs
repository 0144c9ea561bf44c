//! Records in memory, and their sort.

use std::cmp::Ordering;
use std::mem;

use super::fault::Fault;
use super::key_order::KeyOrder;
use crate::text::find;

/// Appends a record as a line.
pub(super) fn append_record(key: &[u8], value: &[u8], lines: &mut Vec<u8>) {
    lines.reserve(key.len() + value.len() + 2);
    lines.extend_from_slice(key);
    lines.push(b'\t');
    lines.extend_from_slice(value);
    lines.push(b'\n');
}

/// The values of one key, in order.
pub trait Values {
    /// The next value, valid until the next call; `None` at the end.
    ///
    /// # Errors
    /// A run cannot be read.
    fn next(&mut self) -> Result<Option<&[u8]>, Fault>;

    /// The next values as lines, as many as are in memory. No lines at the end.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    fn next_lines(&mut self) -> Result<LineChunks<'_>, Fault>;
}

/// Values of one key, in chunks of whole lines: `key TAB value NEWLINE` each. A chunk is consumed
/// when the iterator returns it.
pub struct LineChunks<'v>(Chunks<'v>);

enum Chunks<'v> {
    Sorted { records: &'v Records, next: &'v mut RecordCursor, first: &'v KeySpan },
    Single(Option<&'v [u8]>),
}

impl<'v> LineChunks<'v> {
    /// One chunk, or none.
    pub(super) fn single(piece: Option<&'v [u8]>) -> LineChunks<'v> {
        LineChunks(Chunks::Single(piece))
    }

    /// The sorted records from `next` on that have the key of `first`.
    pub(super) fn of(
        records: &'v Records,
        next: &'v mut RecordCursor,
        first: &'v KeySpan,
    ) -> LineChunks<'v> {
        LineChunks(Chunks::Sorted { records, next, first })
    }
}

impl<'v> Iterator for LineChunks<'v> {
    type Item = &'v [u8];

    fn next(&mut self) -> Option<&'v [u8]> {
        match &mut self.0 {
            Chunks::Sorted { records, next, first } => {
                let records: &'v Records = records;
                records.has_key_of(**next, first).then(|| records.next_lines(next))?
            }
            Chunks::Single(piece) => piece.take(),
        }
    }
}

/// A range of consecutive lines in the arena with the same key and tag.
///
/// The sort moves spans, not lines. A map task that emits key by key makes few spans, and their
/// sort is almost free; in the worst case each line is a span.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeySpan {
    prefix: u64,
    at: u32,
    /// The length of all lines.
    bytes: u32,
    key_bytes: u32,
    tag: u32,
}

impl KeySpan {
    pub(super) fn tag(&self) -> u32 {
        self.tag
    }

    fn end(&self) -> usize {
        self.at as usize + self.bytes as usize
    }
}

const SPAN_BYTES: usize = size_of::<KeySpan>();

/// Space for spans is reserved for at most this many blocks like the first one.
const MAX_EXPECTED_BLOCKS: usize = 1_000;
/// Offsets in the arena have 32 bits.
const MAX_ARENA_BYTES: usize = u32::MAX as usize;

/// Memory of a finished sort. Reusing it avoids page faults.
#[derive(Debug, Default)]
pub struct SortMemory {
    arena: Vec<u8>,
    spans: Vec<KeySpan>,
}

/// Records as lines, each with a tag: the map task, or the partition.
#[derive(Debug)]
pub(super) struct Records {
    order: KeyOrder,
    arena: Vec<u8>,
    spans: Vec<KeySpan>,
    /// Whether any span has more than one line.
    any_has_several_lines: bool,
}

/// A position among the records, in their current order.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RecordCursor {
    span: usize,
    /// The offset of the line in the span.
    offset: usize,
}

impl Records {
    pub(super) fn new(order: KeyOrder, memory: SortMemory) -> Records {
        let SortMemory { mut arena, mut spans } = memory;
        arena.clear();
        spans.clear();
        Records { order, arena, spans, any_has_several_lines: false }
    }

    pub(super) fn into_memory(self) -> SortMemory {
        SortMemory { arena: self.arena, spans: self.spans }
    }

    /// Reserves space for this many bytes of lines.
    pub(super) fn reserve(&mut self, bytes: usize) {
        self.arena.reserve(bytes.min(MAX_ARENA_BYTES - self.arena.len()));
    }

    /// The used memory in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.arena.len() + self.spans.len() * SPAN_BYTES
    }

    pub(super) fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Whether the arena can take this many more bytes.
    pub(super) fn has_capacity(&self, bytes: usize) -> bool {
        self.arena.len().saturating_add(bytes) <= MAX_ARENA_BYTES
    }

    /// Adds a record as a span of its own. The arena must have the capacity.
    pub(super) fn push(&mut self, tag: u32, key: &[u8], value: &[u8]) {
        self.spans.push(KeySpan {
            prefix: self.order.prefix(key),
            at: self.arena.len() as u32,
            bytes: (key.len() + value.len() + 2) as u32,
            key_bytes: key.len() as u32,
            tag,
        });
        append_record(key, value, &mut self.arena);
    }

    /// Adds records that are lines; the last line may lack its newline. The arena must have the
    /// capacity for the lines and a newline. Returns whether each line has a tab: if not, the lines
    /// before the first bad one were added.
    pub(super) fn push_lines(&mut self, tag: u32, lines: &[u8]) -> bool {
        let Records { order, arena, spans, any_has_several_lines } = self;
        let mut at = arena.len();
        arena.extend_from_slice(lines);
        if !lines.is_empty() && !lines.ends_with(b"\n") {
            arena.push(b'\n');
        }
        let before = spans.len();
        let mut last = spans.pop_if(|last| last.tag == tag && last.end() == at);
        while at < arena.len() {
            let rest = &arena[at..];
            let more = last.as_ref().map_or(0, |last| {
                let start = last.at as usize;
                matching_prefix_bytes(&arena[start..=start + last.key_bytes as usize], rest)
            });
            if let Some(last) = &mut last
                && more > 0
            {
                last.bytes += more as u32;
                *any_has_several_lines = true;
                at += more;
                continue;
            }
            spans.extend(last.take());
            let length = find(b'\n', rest).unwrap_or(rest.len());
            let line = &rest[..length];
            // Most keys are short.
            let Some(tab) = line.iter().position(|byte| *byte == b'\t') else { return false };
            last = Some(KeySpan {
                prefix: order.prefix(&line[..tab]),
                at: at as u32,
                bytes: (length + 1) as u32,
                key_bytes: tab as u32,
                tag,
            });
            at += length + 1;
        }
        spans.extend(last);
        // Assumes that the expected lines are like these: one reservation instead of repeated
        // doubling.
        let added = spans.len() - before.min(spans.len());
        let left = arena.capacity() - arena.len();
        if before == 0 && !lines.is_empty() {
            spans.reserve(added * (left / lines.len()).min(MAX_EXPECTED_BLOCKS));
        }
        true
    }

    /// Removes all records, and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.arena.clear();
        self.spans.clear();
        self.any_has_several_lines = false;
    }

    /// Sorts by key, then by tag, then in the order of arrival.
    pub(super) fn sort(&mut self) {
        let mut spans = mem::take(&mut self.spans);
        spans.sort_by(|left, right| {
            self.compare(left, right).then_with(|| left.tag.cmp(&right.tag))
        });
        self.spans = spans;
    }

    /// Sorts by tag, then by key, then in the order of arrival.
    pub(super) fn sort_by_tag(&mut self) {
        let mut spans = mem::take(&mut self.spans);
        spans.sort_by(|left, right| {
            left.tag.cmp(&right.tag).then_with(|| self.compare(left, right))
        });
        self.spans = spans;
    }

    /// The span at a cursor; `None` after the last record.
    pub(super) fn span(&self, cursor: RecordCursor) -> Option<&KeySpan> {
        self.spans.get(cursor.span)
    }

    /// Returns the value at a cursor, and advances the cursor: in the order of arrival, or in
    /// sorted order.
    #[inline]
    pub(super) fn next_value(&self, cursor: &mut RecordCursor) -> Option<&[u8]> {
        let span = self.spans.get(cursor.span)?;
        let before = cursor.offset + span.key_bytes as usize + 1;
        let rest = self.arena.get(span.at as usize + before..span.end())?;
        // A span of one line is not searched for a newline: it may be far away in memory.
        let length = if self.any_has_several_lines {
            find(b'\n', rest)?
        } else {
            rest.len().checked_sub(1)?
        };
        cursor.offset = before + length + 1;
        if cursor.offset >= span.bytes as usize {
            *cursor = RecordCursor { span: cursor.span + 1, offset: 0 };
        }
        rest.get(..length)
    }

    /// The lines from a cursor to the end of its span. Advances the cursor to the next span.
    pub(super) fn next_lines(&self, cursor: &mut RecordCursor) -> Option<&[u8]> {
        let span = self.spans.get(cursor.span)?;
        let lines = &self.arena[span.at as usize + cursor.offset..span.end()];
        *cursor = RecordCursor { span: cursor.span + 1, offset: 0 };
        Some(lines)
    }

    /// Whether there is a record at a cursor, and it has the key of `first`.
    pub(super) fn has_key_of(&self, cursor: RecordCursor, first: &KeySpan) -> bool {
        self.span(cursor).is_some_and(|span| self.compare(first, span).is_eq())
    }

    /// Compares the keys of two spans.
    pub(super) fn compare(&self, left: &KeySpan, right: &KeySpan) -> Ordering {
        left.prefix.cmp(&right.prefix).then_with(|| {
            if left.key_bytes.max(right.key_bytes) <= self.order.whole_prefix_bytes() {
                left.key_bytes.cmp(&right.key_bytes)
            } else {
                self.order.compare(self.key(left), self.key(right))
            }
        })
    }

    pub(super) fn key(&self, span: &KeySpan) -> &[u8] {
        let start = span.at as usize;
        &self.arena[start..start + span.key_bytes as usize]
    }
}

/// The number of bytes that are compared together, after the first lines of a key.
const CHUNK: usize = 256;

/// The length of the leading lines of `lines` that begin with `key`. `lines` are whole lines, and
/// `key` ends with its tab.
fn matching_prefix_bytes(key: &[u8], lines: &[u8]) -> usize {
    let (mut at, mut chunks) = (0, true);
    while lines[at..].starts_with(key) {
        let mut within = at + key.len();
        if chunks && at >= CHUNK {
            while let Some(chunk) = lines.get(within..within + CHUNK + key.len())
                && each_line_begins_with(key, chunk)
            {
                within += CHUNK;
            }
            // A line with another key follows soon, or the end.
            chunks = false;
        }
        let rest = &lines[within..];
        at = within + find(b'\n', rest).map_or(rest.len(), |length| length + 1);
    }
    at
}

/// Whether each line that begins after one of the first [`CHUNK`] bytes begins with `key`.
fn each_line_begins_with(key: &[u8], bytes: &[u8]) -> bool {
    let Some((ends, _)) = bytes.split_first_chunk::<CHUNK>() else { return false };
    let mut differs = [0_u8; CHUNK];
    for (cursor, wanted) in key.iter().enumerate() {
        let Some(found) = bytes.get(cursor + 1..).and_then(|bytes| bytes.first_chunk::<CHUNK>())
        else {
            return false;
        };
        for ((differs, found), end) in differs.iter_mut().zip(found).zip(ends) {
            *differs |= (found ^ wanted) & if *end == b'\n' { 0xff } else { 0 };
        }
    }
    differs.iter().fold(0, |all, differs| all | differs) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Seed, each_seed};

    fn some_key(seed: &mut Seed) -> Vec<u8> {
        let length = seed.below(12);
        (0..length).map(|_| *seed.pick(b"\0\x01ab\xff")).collect()
    }

    /// All records: key, tag and value.
    fn all(records: &Records) -> Vec<(Vec<u8>, u32, Vec<u8>)> {
        let (mut cursor, mut all) = (RecordCursor::default(), Vec::new());
        while let Some(span) = records.span(cursor) {
            let (key, tag) = (records.key(span).to_vec(), span.tag());
            all.extend(records.next_value(&mut cursor).map(|value| (key, tag, value.to_vec())));
        }
        all
    }

    #[test]
    fn records_come_by_key_then_tag_then_arrival() {
        each_seed(|seed| {
            if !seed.one_in(20) {
                return;
            }
            let order = *seed.pick(&[KeyOrder::Bytes, KeyOrder::Numbers]);
            let mut records = Records::new(order, SortMemory::default());
            let mut expected = Vec::new();
            for arrival in 0..seed.below(200) {
                let (key, tag) = (some_key(seed), seed.below(3) as u32);
                records.push(tag, &key, arrival.to_string().as_bytes());
                expected.push((key, tag, arrival));
            }
            expected.sort_by(|left, right| {
                let by_key = order.compare(&left.0, &right.0);
                by_key.then_with(|| (left.1, left.2).cmp(&(right.1, right.2)))
            });
            let found = |records: &Records| -> Vec<(Vec<u8>, u32, usize)> {
                let number = |value: &[u8]| std::str::from_utf8(value).unwrap().parse().unwrap();
                let found = all(records).into_iter();
                found.map(|(key, tag, value)| (key, tag, number(&value))).collect()
            };
            records.sort();
            assert_eq!(found(&records), expected);
            records.sort_by_tag();
            expected.sort_by_key(|record| record.1);
            assert_eq!(found(&records), expected);
        });
    }

    #[test]
    fn lines_become_records_unchanged() {
        let mut records = Records::new(KeyOrder::Bytes, SortMemory::default());
        assert!(records.push_lines(1, b"b\t2\n\tx\ty\nlonger than eight\t\n"));
        assert!(records.push_lines(0, b"a\t1"));
        assert!(!records.push_lines(0, b"a\t1\nno tab\n"));
        let expected = [
            ("b", 1, "2"),
            ("", 1, "x\ty"),
            ("longer than eight", 1, ""),
            ("a", 0, "1"),
            ("a", 0, "1"),
        ];
        let expected = expected.map(|(key, tag, value)| (key.into(), tag, value.into()));
        assert_eq!(all(&records), expected);
        assert_eq!(records.spans.len(), 4, "the last two are neighbours");
    }

    #[test]
    fn lines_of_a_key_form_one_span_however_they_are_pushed() {
        each_seed(|seed| {
            if !seed.one_in(20) {
                return;
            }
            let mut records = Records::new(KeyOrder::Bytes, SortMemory::default());
            let mut expected: Vec<(Vec<u8>, u32, Vec<u8>)> = Vec::new();
            let (mut key, mut tag, mut spans) = (Vec::new(), 0, 0);
            let mut lines = Vec::new();
            // Some spans are longer than a chunk, and keys have common prefixes.
            let change = *seed.pick(&[2, 10, 300]);
            for arrival in 0..seed.below(1_000) {
                if arrival == 0 || seed.one_in(change) {
                    key = some_key(seed);
                }
                let value = vec![b'a'; seed.below(20)];
                append_record(&key, &value, &mut lines);
                let before = expected.last().map(|(key, tag, _)| (&key[..], *tag));
                spans += usize::from(before != Some((&key[..], tag)));
                expected.push((key.clone(), tag, value));
                if seed.one_in(100) {
                    let pushed = lines.len() - usize::from(seed.one_in(2));
                    assert!(records.push_lines(tag, &lines[..pushed]));
                    lines.clear();
                    tag = seed.below(2) as u32;
                }
            }
            assert!(records.push_lines(tag, &lines));
            assert_eq!(all(&records), expected);
            assert_eq!(records.spans.len(), spans);
            let (mut cursor, mut together) = (RecordCursor::default(), Vec::new());
            while let Some(lines) = records.next_lines(&mut cursor) {
                together.extend_from_slice(lines);
            }
            assert_eq!(together, records.arena);
        });
    }
}
