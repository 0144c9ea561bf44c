//! The sort of the reduce side, an external merge sort: in memory while the records fit, then in
//! sorted runs that are merged.
//!
//! Records arrive from several maps at once. They leave sorted by key; the records of a key leave
//! in the order of the input, that is by map and then in the order of emission. So the input of a
//! reduce task depends neither on the speed of the mappers nor on the memory limit.
//!
//! [`RUNS_AT_ONCE`] runs are merged at a time, so the number of open files and buffers does not
//! grow with the input.

use std::io;
use std::mem;

use super::fault::Fault;
use super::groups::Groups;
use super::key_order::KeyOrder;
use super::records::{RecordCursor, Records, SortMemory};
use super::runs::{Merge, RunStore, RunWriter, sort_error};

/// The number of runs that are merged into one.
pub const RUNS_AT_ONCE: usize = 64;

/// Sorts records by key.
pub struct Sorter<'s> {
    order: KeyOrder,
    records: Records,
    max_bytes: usize,
    store: &'s mut dyn RunStore,
    /// The runs of each level, oldest first. A run of a level is merged from [`RUNS_AT_ONCE`] runs
    /// of the level below. All runs of a level are older than the runs of lower levels.
    levels: Vec<Vec<u64>>,
    last_run: u64,
    spilled_bytes: u64,
}

impl<'s> Sorter<'s> {
    /// A sorter that keeps about `max_bytes` in memory.
    pub fn new(
        order: KeyOrder,
        max_bytes: usize,
        memory: SortMemory,
        store: &'s mut dyn RunStore,
    ) -> Sorter<'s> {
        Sorter {
            order,
            records: Records::new(order, memory),
            max_bytes,
            store,
            levels: Vec::new(),
            last_run: 0,
            spilled_bytes: 0,
        }
    }

    /// Reserves memory for this many bytes of lines, up to the limit.
    pub fn reserve(&mut self, bytes: u64) {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        self.records.reserve(bytes.min(self.max_bytes));
    }

    /// Adds a record of a map task.
    ///
    /// # Errors
    /// A run could not be written.
    pub fn push(&mut self, map: u32, key: &[u8], value: &[u8]) -> Result<(), Fault> {
        self.spill_if_full(key.len() + value.len() + 2)?;
        self.records.push(map, key, value);
        Ok(())
    }

    /// Adds records of a map task that are whole lines; the last line may lack its newline.
    ///
    /// # Errors
    /// A line has no tab, or a run could not be written.
    pub fn push_lines(&mut self, map: u32, lines: &[u8]) -> Result<(), Fault> {
        self.spill_if_full(lines.len() + 1)?;
        if self.records.push_lines(map, lines) {
            Ok(())
        } else {
            Err(Fault::Permanent("a record without a tab".into()))
        }
    }

    fn spill_if_full(&mut self, bytes: usize) -> Result<(), Fault> {
        let is_full = self.records.bytes() >= self.max_bytes || !self.records.has_capacity(bytes);
        if is_full && !self.records.is_empty() {
            self.spill().map_err(|e| sort_error(&e))?;
        }
        Ok(())
    }

    /// The number of bytes written to runs.
    pub fn spilled_bytes(&self) -> u64 {
        self.spilled_bytes
    }

    fn spill(&mut self) -> io::Result<()> {
        self.last_run += 1;
        let mut run = RunWriter::new(self.store.create(self.last_run)?);
        self.records.sort();
        let mut cursor = RecordCursor::default();
        while let Some(span) = self.records.span(cursor) {
            let (map, key) = (span.tag(), self.records.key(span));
            if let Some(value) = self.records.next_value(&mut cursor) {
                run.write(map, key, value)?;
            }
        }
        self.spilled_bytes += run.finish()?;
        self.records.clear();
        self.add_run(0, self.last_run)
    }

    /// Adds a run to a level, and merges the level if it is full.
    fn add_run(&mut self, level: usize, run: u64) -> io::Result<()> {
        if self.levels.len() <= level {
            self.levels.push(Vec::new());
        }
        self.levels[level].push(run);
        if self.levels[level].len() < RUNS_AT_ONCE {
            return Ok(());
        }
        let full = mem::take(&mut self.levels[level]);
        self.last_run += 1;
        let merged = self.last_run;
        let mut writer = RunWriter::new(self.store.create(merged)?);
        let mut merge = Merge::open(self.order, &full, self.store)?;
        let mut key = Vec::new();
        while let Some(next) = merge.key()? {
            key.clear();
            key.extend_from_slice(next);
            if let Some((map, value)) = merge.take() {
                writer.write(map, &key, value)?;
            }
        }
        self.spilled_bytes += writer.finish()?;
        full.into_iter().for_each(|run| self.store.remove(run));
        self.add_run(level + 1, merged)
    }

    /// Ends the input and returns the sorted groups.
    ///
    /// # Errors
    /// A run could not be written or read.
    pub fn finish(mut self) -> Result<Groups, Fault> {
        if self.levels.is_empty() {
            self.records.sort();
            return Ok(Groups::in_memory(self.records));
        }
        if !self.records.is_empty() {
            self.spill().map_err(|e| sort_error(&e))?;
        }
        let runs: Vec<u64> = self.levels.iter().rev().flatten().copied().collect();
        let merge = Merge::open(self.order, &runs, self.store).map_err(|e| sort_error(&e))?;
        Ok(Groups::in_runs(merge))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapreduce::job::Values;
    use crate::seed::{Seed, each_seed};
    use std::collections::BTreeMap;
    use std::io::{Read, Write};
    use std::sync::{Arc, Mutex};

    #[derive(Default)]
    struct Memory {
        runs: BTreeMap<u64, Arc<Mutex<Vec<u8>>>>,
        most: usize,
    }

    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl RunStore for Memory {
        fn create(&mut self, number: u64) -> io::Result<Box<dyn Write>> {
            let run = Arc::default();
            self.runs.insert(number, Arc::clone(&run));
            self.most = self.most.max(self.runs.len());
            Ok(Box::new(Shared(run)))
        }

        fn open(&mut self, number: u64) -> io::Result<Box<dyn Read + Send>> {
            let run = self.runs.get(&number).ok_or(io::ErrorKind::NotFound)?;
            Ok(Box::new(io::Cursor::new(run.lock().unwrap().clone())))
        }

        fn remove(&mut self, number: u64) {
            self.runs.remove(&number);
        }
    }

    type Found = Vec<(Vec<u8>, Vec<Vec<u8>>)>;

    fn values_of(key: &[u8], lines: &[u8]) -> Vec<Vec<u8>> {
        let lines = lines.strip_suffix(b"\n").expect("whole lines");
        let value_of = |line: &[u8]| {
            let value = line.strip_prefix(key).and_then(|rest| rest.strip_prefix(b"\t"));
            value.expect("a line of the key").to_vec()
        };
        lines.split(|byte| *byte == b'\n').map(value_of).collect()
    }

    /// All groups; values are read one by one or in chunks.
    fn groups(mut groups: Groups, seed: &mut Seed) -> Found {
        let mut found = Found::new();
        loop {
            if seed.one_in(3) {
                let several = groups.next_in_memory(seed.below(3));
                found.extend(several.into_iter().map(|(key, pieces)| {
                    let pieces = pieces.into_iter().flat_map(|lines| values_of(key, lines));
                    (key.to_vec(), pieces.collect())
                }));
            }
            let Some(key) = groups.next_key().unwrap() else { break };
            let mut values = Vec::new();
            loop {
                if seed.one_in(2) {
                    let Some(value) = groups.next().unwrap() else { break };
                    values.push(value.to_vec());
                } else {
                    let before = values.len();
                    let most = 1 + seed.below(3);
                    for lines in groups.next_lines().unwrap().take(most) {
                        values.extend(values_of(&key, lines));
                    }
                    if values.len() == before {
                        break;
                    }
                }
            }
            found.push((key, values));
        }
        assert_eq!(groups.next_lines().unwrap().next(), None);
        assert_eq!(Values::next(&mut groups).unwrap(), None);
        found
    }

    /// Records of several maps, interleaved; the records of each map are in order.
    fn some_records(seed: &mut Seed, count: usize) -> Vec<(u32, Vec<u8>, Vec<u8>)> {
        let record = |number: usize| {
            // Short keys, so that neighbours often have the same key.
            let length = *seed.pick(&[0, 0, 1, 10]);
            let key = (0..seed.below(length + 1)).map(|_| *seed.pick(b"ab\x00\xff\r")).collect();
            (seed.below(4) as u32, key, number.to_string().into_bytes())
        };
        (0..count).map(record).collect()
    }

    #[test]
    fn groups_do_not_depend_on_the_memory_limit() {
        each_seed(|seed| {
            if !seed.one_in(100) {
                return;
            }
            let order = *seed.pick(&[KeyOrder::Bytes, KeyOrder::Numbers]);
            let count = seed.below(600);
            let records = some_records(seed, count);
            let mut sorted = records.clone();
            sorted.sort_by(|left, right| {
                order.compare(&left.1, &right.1).then_with(|| left.0.cmp(&right.0))
            });
            let mut expected = Found::new();
            for (_, key, value) in sorted {
                match expected.last_mut() {
                    Some((last, values)) if *last == key => values.push(value),
                    _ => expected.push((key, vec![value])),
                }
            }
            for max_bytes in [1_000_000, 1_500, 100, 1] {
                let mut store = Memory::default();
                let mut sorter = Sorter::new(order, max_bytes, SortMemory::default(), &mut store);
                for (map, key, value) in &records {
                    sorter.push(*map, key, value).unwrap();
                }
                let found = groups(sorter.finish().unwrap(), seed);
                assert_eq!(found, expected, "{max_bytes} bytes");
                assert!(store.most <= 2 * RUNS_AT_ONCE + 9, "{} runs", store.most);
            }
        });
    }

    #[test]
    fn unread_values_are_skipped() {
        for max_bytes in [1_000, 1] {
            let mut store = Memory::default();
            let mut sorter =
                Sorter::new(KeyOrder::Bytes, max_bytes, SortMemory::default(), &mut store);
            for (key, value) in [("a", "1"), ("b", "2"), ("a", "3"), ("c", "4"), ("a", "5")] {
                sorter.push(0, key.as_bytes(), value.as_bytes()).unwrap();
            }
            let mut groups = sorter.finish().unwrap();
            assert_eq!(groups.next_key().unwrap().unwrap(), b"a");
            assert_eq!(Values::next(&mut groups).unwrap().unwrap(), b"1");
            assert_eq!(groups.next_key().unwrap().unwrap(), b"b");
            assert_eq!(groups.next_key().unwrap().unwrap(), b"c");
            assert_eq!(Values::next(&mut groups).unwrap().unwrap(), b"4");
            assert_eq!(groups.next_key().unwrap(), None);
        }
    }

    #[test]
    fn a_damaged_run_is_an_error() {
        for damaged in ["", "x", "0\tkey\n", "0\tkey\tvalue", "x\tkey\tvalue\n", "\n"] {
            let mut store = Memory::default();
            let run = store.create(1);
            run.unwrap().write_all(damaged.as_bytes()).unwrap();
            let merge = Merge::open(KeyOrder::Bytes, &[1], &mut store);
            assert_eq!(merge.is_err(), !damaged.is_empty(), "{damaged:?}");
        }
    }
}
