//! Sorted runs of the external merge sort: writing, reading and merging.
//!
//! A run is a list of lines, `map TAB key TAB value`, sorted by key and then by map.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::io::{self, BufRead, BufReader, Read, Write};

use super::fault::Fault;
use super::key_order::KeyOrder;
use crate::text::{find, parse_u64, push_u64};

/// Stores runs by number.
pub trait RunStore: Send {
    /// Creates a run.
    ///
    /// # Errors
    /// Those of the operating system.
    fn create(&mut self, number: u64) -> io::Result<Box<dyn Write>>;
    /// Opens a run for reading.
    ///
    /// # Errors
    /// Those of the operating system.
    fn open(&mut self, number: u64) -> io::Result<Box<dyn Read + Send>>;
    /// Removes a run.
    fn remove(&mut self, number: u64);
}

pub(super) struct RunWriter {
    run: Box<dyn Write>,
    line: Vec<u8>,
    written: u64,
}

/// The size of the write buffer.
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

/// Reads a run line by line.
struct RunReader {
    reader: BufReader<Box<dyn Read + Send>>,
    line: Vec<u8>,
    /// The offset of the value in the line.
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

    /// Reads the next line: returns its map, and puts its key into `key`. `None` at the end.
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
    /// The last record that was returned. Its run advances when the next record is requested.
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

    /// Reads the next record of a run, and reuses the memory of `head`.
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

    /// Map and value of the next record. [`key`](Self::key) must be called before.
    pub(super) fn take(&mut self) -> Option<(u32, &[u8])> {
        let Reverse(head) = self.heap.pop()?;
        let head = self.current.insert(head);
        Some((head.map, self.runs[head.run].value()))
    }
}

impl Merge {
    /// The next value if it has this key.
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
