//! The output of a map task: combined if the job has a combiner, then partitioned, buffered and
//! written.

use std::mem;

use super::Job;
use super::fault::Fault;
use super::records::{
    KeySpan, LineChunks, RecordCursor, Records, SortMemory, Values, append_record,
};

/// Receives the partitions.
pub trait PartitionSink {
    /// Appends lines to a partition.
    ///
    /// # Errors
    /// The lines cannot be written, or the task is cancelled.
    fn write(&mut self, partition: u32, lines: &[u8]) -> Result<(), Fault>;
}

/// Collects a map task's records.
pub struct Emitter<'e> {
    job: &'e dyn Job,
    sink: &'e mut dyn PartitionSink,
    partitions: Vec<Vec<u8>>,
    /// Records that wait to be combined; the tag is the partition.
    combining: Option<Records>,
    emitted: u64,
    written: u64,
}

/// A partition's buffer is written when it has this size.
const WRITE_BYTES: usize = 256 * 1024;
/// Records are combined when they have this size.
const COMBINE_BYTES: usize = 32 * 1024 * 1024;

impl<'e> Emitter<'e> {
    /// An emitter for this number of partitions. 0 means one partition without a combiner: the map
    /// output is the result.
    pub fn new(job: &'e dyn Job, partitions: u32, sink: &'e mut dyn PartitionSink) -> Emitter<'e> {
        let combines = partitions > 0 && job.combines();
        Emitter {
            job,
            sink,
            partitions: vec![Vec::new(); partitions.max(1) as usize],
            combining: combines.then(|| Records::new(job.key_order(), SortMemory::default())),
            emitted: 0,
            written: 0,
        }
    }

    /// Emits a record.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn emit(&mut self, key: &[u8], value: &[u8]) -> Result<(), Fault> {
        debug_assert!(
            !key.iter().any(|byte| b"\t\n".contains(byte)),
            "a key is one word of a line"
        );
        debug_assert!(!value.contains(&b'\n'), "a value is a piece of a line");
        self.emitted += 1;
        let count = self.partitions.len() as u32;
        let partition = if count == 1 { 0 } else { self.job.partition(key, count) };
        match &mut self.combining {
            None => self.append(partition, key, value),
            Some(records) => {
                if records.bytes() >= COMBINE_BYTES
                    || !records.has_capacity(key.len() + value.len() + 2)
                {
                    self.combine()?;
                }
                if let Some(records) = &mut self.combining {
                    records.push(partition, key, value);
                }
                Ok(())
            }
        }
    }

    /// Emits `count` records of one key, given as lines. They are not combined.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn emit_records(&mut self, key: &[u8], lines: &[u8], count: u64) -> Result<(), Fault> {
        let partitions = self.partitions.len() as u32;
        let partition = if partitions == 1 { 0 } else { self.job.partition(key, partitions) };
        let partition = (partition as usize).min(self.partitions.len() - 1);
        self.emitted += count;
        self.written += count;
        if lines.len() < WRITE_BYTES {
            self.partitions[partition].extend_from_slice(lines);
            return self.write_if_large(partition);
        }
        // Large pieces are written without copying.
        let before = &mut self.partitions[partition];
        if !before.is_empty() {
            self.sink.write(partition as u32, before)?;
            before.clear();
        }
        self.sink.write(partition as u32, lines)
    }

    /// Emits a line unchanged to the only partition.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn emit_line(&mut self, line: &[u8]) -> Result<(), Fault> {
        self.emitted += 1;
        self.written += 1;
        if let Some(lines) = self.partitions.first_mut() {
            lines.extend_from_slice(line);
            lines.push(b'\n');
        }
        self.write_if_large(0)
    }

    fn append(&mut self, partition: u32, key: &[u8], value: &[u8]) -> Result<(), Fault> {
        self.written += 1;
        let at = (partition as usize).min(self.partitions.len() - 1);
        append_record(key, value, &mut self.partitions[at]);
        self.write_if_large(at)
    }

    fn write_if_large(&mut self, at: usize) -> Result<(), Fault> {
        let lines = &mut self.partitions[at];
        if lines.len() >= WRITE_BYTES {
            self.sink.write(at as u32, lines)?;
            lines.clear();
        }
        Ok(())
    }

    /// Combines the collected records, and appends the result to the partitions.
    fn combine(&mut self) -> Result<(), Fault> {
        let Some(mut records) = self.combining.take() else { return Ok(()) };
        records.sort_by_tag();
        let mut next = RecordCursor::default();
        while let Some(first) = records.span(next) {
            let (key, partition) = (records.key(first), first.tag() as usize);
            let mut values = Combined { records: &records, first, next };
            let lines = &mut self.partitions[partition];
            let mut written = 0;
            let mut emit = |value: &[u8]| {
                written += 1;
                append_record(key, value, lines);
            };
            self.job.combine(key, &mut values, &mut emit)?;
            while values.next_lines()?.next().is_some() {}
            next = values.next;
            self.written += written;
            self.write_if_large(partition)?;
        }
        records.clear();
        self.combining = Some(records);
        Ok(())
    }

    /// Writes everything that is buffered. Returns the number of emitted records, and the number
    /// after combining.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn finish(mut self) -> Result<(u64, u64), Fault> {
        self.combine()?;
        for (partition, lines) in mem::take(&mut self.partitions).iter().enumerate() {
            self.sink.write(partition as u32, lines)?;
        }
        Ok((self.emitted, self.written))
    }
}

/// The values of one key among sorted records.
struct Combined<'r> {
    records: &'r Records,
    first: &'r KeySpan,
    next: RecordCursor,
}

impl Combined<'_> {
    /// Whether the next record has the same partition and key.
    fn has_next(&self) -> bool {
        let has_tag = |span: &KeySpan| span.tag() == self.first.tag();
        self.records.span(self.next).is_some_and(has_tag)
            && self.records.has_key_of(self.next, self.first)
    }
}

impl Values for Combined<'_> {
    fn next(&mut self) -> Result<Option<&[u8]>, Fault> {
        Ok(if self.has_next() { self.records.next_value(&mut self.next) } else { None })
    }

    fn next_lines(&mut self) -> Result<LineChunks<'_>, Fault> {
        let has_next = self.has_next();
        Ok(LineChunks::single(has_next.then(|| self.records.next_lines(&mut self.next)).flatten()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapreduce::job::WordCount;
    use std::collections::BTreeMap;

    #[derive(Default)]
    struct Partitions(BTreeMap<u32, Vec<u8>>);

    impl PartitionSink for Partitions {
        fn write(&mut self, partition: u32, lines: &[u8]) -> Result<(), Fault> {
            self.0.entry(partition).or_default().extend_from_slice(lines);
            Ok(())
        }
    }

    fn emit(partitions: u32, words: impl Iterator<Item = String>) -> Partitions {
        let mut sink = Partitions::default();
        let mut emitter = Emitter::new(&WordCount, partitions, &mut sink);
        words.for_each(|word| emitter.emit(word.as_bytes(), b"1").unwrap());
        emitter.finish().unwrap();
        sink
    }

    /// 4.1: "hash(key) mod R": a key is in one partition.
    #[test]
    fn a_key_is_in_one_partition() {
        let partitions = emit(3, (0..1000).map(|number| (number % 100).to_string())).0;
        assert_eq!(partitions.len(), 3);
        let mut seen = BTreeMap::new();
        for (partition, lines) in &partitions {
            assert!(!lines.is_empty(), "100 keys leave no partition empty");
            for line in String::from_utf8_lossy(lines).lines() {
                let (key, count) = line.split_once('\t').unwrap();
                assert_eq!(count, "10", "combined");
                assert_eq!(seen.insert(key.to_owned(), *partition), None, "{key} is there twice");
            }
        }
        assert_eq!(seen.len(), 100);
    }

    /// 4.3: a large output is combined in pieces.
    #[test]
    fn a_large_output_is_combined_in_pieces() {
        let words = (0..1_500_000).map(|number| format!("{:08}", number % 5));
        let partitions = emit(1, words).0;
        let lines = String::from_utf8(partitions[&0].clone()).unwrap();
        let total: u64 = lines.lines().map(|line| line[9..].parse::<u64>().unwrap()).sum();
        assert_eq!(total, 1_500_000);
        assert!(lines.lines().count() < 50, "combined");
        assert!(lines.lines().count() > 5, "and in pieces");
    }

    #[test]
    fn empty_partitions_are_written() {
        let partitions = emit(4, std::iter::empty()).0;
        assert_eq!(partitions.values().map(Vec::len).collect::<Vec<_>>(), [0; 4]);
    }
}
