//! Sorted runs of the external merge sort: writing, reading and merging them.
//!
//! A run is lines, `map TAB key TAB value`, sorted by key and then by map.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::io::{self, BufRead, BufReader, Read, Write};

use super::fault::Fault;
use super::key_order::KeyOrder;
use crate::text::{find, parse_u64, push_u64};

/// Where runs are kept, by number.
pub trait RunStore: Send {
    /// A run to be written.
    ///
    /// # Errors
    /// The operating system's.
    fn create(&mut self, number: u64) -> io::Result<Box<dyn Write>>;
    /// A run that was written.
    ///
    /// # Errors
    /// The operating system's.
    fn open(&mut self, number: u64) -> io::Result<Box<dyn Read + Send>>;
    /// A run that is not needed any more.
    fn remove(&mut self, number: u64);
}

pub(super) struct RunWriter {
    run: Box<dyn Write>,
    line: Vec<u8>,
    written: u64,
}

/// LineChunks are collected before they are written.
const WRITE_BYTES: usize = 256 * 1024;

impl RunWriter {
    pub(super) fn new(run: Box<dyn Write>) -> RunWriter {
        RunWriter { run, line: Vec::new(), written: 0 }
    }

    pub(super) fn write(&mut self, map: u32, key: &[u8], value: &[u8]) -> io::Result<()> {
        push_u64(map.into(), &mut self.line);
        for part in [b"\t", key, b"\t", value, b"\n"] {
            self.line.extend_from_slice(part);
        }
        if self.line.len() >= WRITE_BYTES { self.write_out() } else { Ok(()) }
    }

    fn write_out(&mut self) -> io::Result<()> {
        self.run.write_all(&self.line)?;
        self.written += self.line.len() as u64;
        self.line.clear();
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<u64> {
        self.write_out()?;
        self.run.flush()?;
        Ok(self.written)
    }
}

/// A run as it is read.
struct RunReader {
    reader: BufReader<Box<dyn Read + Send>>,
    line: Vec<u8>,
    /// Of the line: where its value begins.
    value: usize,
}

const READ_BYTES: usize = 64 * 1024;

impl RunReader {
    fn new(run: Box<dyn Read + Send>) -> RunReader {
        let reader = BufReader::with_capacity(READ_BYTES, run);
        RunReader { reader, line: Vec::new(), value: 0 }
    }

    fn value(&self) -> &[u8] {
        self.line.get(self.value..).unwrap_or_default()
    }

    /// The next line's map, and its key in `key`; `None` at the end.
    fn next(&mut self, key: &mut Vec<u8>) -> io::Result<Option<u32>> {
        self.line.clear();
        if self.reader.read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "a run is damaged");
        self.line.pop_if(|byte| *byte == b'\n').ok_or_else(damaged)?;
        let map_bytes = find(b'\t', &self.line).ok_or_else(damaged)?;
        let map = parse_u64(&self.line[..map_bytes]).and_then(|map| u32::try_from(map).ok());
        let rest = &self.line[map_bytes + 1..];
        let key_bytes = find(b'\t', rest).ok_or_else(damaged)?;
        key.clear();
        key.extend_from_slice(&rest[..key_bytes]);
        self.value = map_bytes + 1 + key_bytes + 1;
        map.map(Some).ok_or_else(damaged)
    }
}

/// The next record of one run.
struct Head {
    order: KeyOrder,
    key: Vec<u8>,
    map: u32,
    run: usize,
}

impl Ord for Head {
    fn cmp(&self, other: &Head) -> Ordering {
        let by_key = self.order.compare(&self.key, &other.key);
        by_key.then_with(|| (self.map, self.run).cmp(&(other.map, other.run)))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Head) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Head) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Head {}

pub(super) struct Merge {
    runs: Vec<RunReader>,
    heap: BinaryHeap<Reverse<Head>>,
    /// The record that was handed out last: its run goes on when the next one is asked for.
    current: Option<Head>,
}

impl Merge {
    pub(super) fn open(
        order: KeyOrder,
        numbers: &[u64],
        store: &mut dyn RunStore,
    ) -> io::Result<Merge> {
        let mut merge = Merge { runs: Vec::new(), heap: BinaryHeap::new(), current: None };
        for (run, number) in numbers.iter().enumerate() {
            merge.runs.push(RunReader::new(store.open(*number)?));
            merge.advance(Head { order, key: Vec::new(), map: 0, run })?;
        }
        Ok(merge)
    }

    /// Reads the next record of a run, in the memory of the one before.
    fn advance(&mut self, mut head: Head) -> io::Result<()> {
        if let Some(map) = self.runs[head.run].next(&mut head.key)? {
            head.map = map;
            self.heap.push(Reverse(head));
        }
        Ok(())
    }

    /// The key of the next record.
    pub(super) fn key(&mut self) -> io::Result<Option<&[u8]>> {
        if let Some(head) = self.current.take() {
            self.advance(head)?;
        }
        Ok(self.heap.peek().map(|Reverse(head)| head.key.as_slice()))
    }

    /// The next record's map and value; [`key`](Self::key) was asked for.
    pub(super) fn take(&mut self) -> Option<(u32, &[u8])> {
        let Reverse(head) = self.heap.pop()?;
        let head = self.current.insert(head);
        Some((head.map, self.runs[head.run].value()))
    }
}

impl Merge {
    /// The next value, if it is of this key.
    pub(super) fn next_of(&mut self, key: &[u8]) -> Result<Option<&[u8]>, Fault> {
        if self.key().map_err(|e| sort_error(&e))? != Some(key) {
            return Ok(None);
        }
        Ok(self.take().map(|(_, value)| value))
    }
}

pub(super) fn sort_error(error: &io::Error) -> Fault {
    Fault::io("sorting", error)
}
