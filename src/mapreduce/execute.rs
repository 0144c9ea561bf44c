//! Runs a task. Workers use these functions, and so does [`run_local`], which runs a whole job in
//! memory for tests and debugging (4.7 of the paper).

use std::io::{self, Read, Write};

use super::job::{
    BlockReader, Blocks, Cache, Counters, Emitter, Fault, Groups, Job, MapTask, PartitionSink,
    ReduceTask, RunStore, SortMemory, Sorter, TaskContext, TaskInfo, Work,
};

/// A map task and its parameters.
pub struct MapWork<'w> {
    /// The job.
    pub job: &'w dyn Job,
    /// The round's parameter.
    pub parameter: &'w [u8],
    /// The number of reduce tasks. 0: the map output is the result.
    pub reduces: u32,
    /// Offsets of the records to leave out.
    pub skip: &'w [u64],
    /// The task's index, attempt and split.
    pub info: &'w TaskInfo,
}

/// Runs a map task. Returns its counters.
///
/// # Errors
/// The task has failed.
pub fn map(
    work: &MapWork<'_>,
    cache: &mut Cache,
    open: &mut dyn FnMut() -> Result<Box<dyn Blocks>, Fault>,
    sink: &mut dyn PartitionSink,
    context: &mut dyn TaskContext,
) -> Result<Counters, Fault> {
    let MapWork { job, parameter, reduces, skip, info } = *work;
    let mut counters = Counters::new();
    let emitter = Emitter::new(job, reduces, sink);
    let mut task = MapTask {
        info,
        open,
        parameter,
        reduces,
        cache,
        skip,
        counters: &mut counters,
        context,
        emitter,
    };
    job.map(&mut task)?;
    let (emitted, written) = task.emitter.finish()?;
    counters.add_own("map output records", emitted);
    if written != emitted {
        counters.add_own("combined records", written);
    }
    Ok(counters)
}

/// Runs a reduce task on sorted records. Returns its counters.
///
/// # Errors
/// The task has failed.
pub fn reduce(
    job: &dyn Job,
    info: &TaskInfo,
    parameter: &[u8],
    groups: &mut Groups,
    output: &mut dyn FnMut(&[u8]) -> Result<(), Fault>,
    context: &mut dyn TaskContext,
) -> Result<Counters, Fault> {
    let mut counters = Counters::new();
    let mut task = ReduceTask::new(info, parameter, &mut counters, context, output);
    job.reduce_all(groups, &mut task)?;
    task.write_out()?;
    let written = task.written;
    counters.add_own("output records", written);
    Ok(counters)
}

/// A round of a job that runs in memory.
pub struct LocalRound<'l> {
    /// The job.
    pub job: &'l dyn Job,
    /// The bytes of each split.
    pub splits: &'l [&'l [u8]],
    /// The cache of each split's task, from the round before.
    pub caches: &'l mut [Cache],
    /// The parameter of the map tasks.
    pub map_parameter: &'l [u8],
    /// The parameter of the reduce tasks.
    pub reduce_parameter: &'l [u8],
    /// The number of reduce tasks.
    pub reduces: u32,
}

/// Runs a round in memory, one task after another. Returns each reduce task's output (without
/// reduce tasks each map's), and the counters.
///
/// # Errors
/// A task has failed.
pub fn run_local(round: LocalRound<'_>) -> Result<(Vec<Vec<u8>>, Counters), Fault> {
    let LocalRound { job, splits, caches, map_parameter, reduce_parameter, reduces } = round;
    let info = &TaskInfo::default();
    let mut counters = Counters::new();
    let mut partitions = Vec::new();
    let mut offset = 0;
    for (split, cache) in splits.iter().zip(caches) {
        let mut sink = MemorySink(vec![Vec::new(); reduces.max(1) as usize]);
        let mut open = || Ok(Box::new(blocks_of(split, offset)) as Box<dyn Blocks>);
        let work = MapWork { job, parameter: map_parameter, reduces, skip: &[], info };
        counters.merge(&map(&work, cache, &mut open, &mut sink, &mut LocalContext)?);
        partitions.push(sink.0);
        offset += split.len() as u64;
    }
    if reduces == 0 {
        return Ok((partitions.into_iter().flatten().collect(), counters));
    }
    let mut outputs = Vec::new();
    for reduce_task in 0..reduces as usize {
        let mut runs = NoRunStore;
        let mut sorter = Sorter::new(job.key_order(), usize::MAX, SortMemory::default(), &mut runs);
        for (map, partitions) in partitions.iter().enumerate() {
            sorter.push_lines(map as u32, &partitions[reduce_task])?;
        }
        let mut groups = sorter.finish()?;
        let mut output = Vec::new();
        let mut write = |lines: &[u8]| {
            output.extend_from_slice(lines);
            Ok(())
        };
        counters.merge(&reduce(
            job,
            info,
            reduce_parameter,
            &mut groups,
            &mut write,
            &mut LocalContext,
        )?);
        outputs.push(output);
    }
    Ok((outputs, counters))
}

/// A reader for a split; all splits are of one file.
fn blocks_of(split: &[u8], offset: u64) -> BlockReader<io::Cursor<Vec<u8>>> {
    BlockReader::new(io::Cursor::new(split.to_vec()), offset, offset == 0)
}

/// Keeps partitions in memory.
struct MemorySink(Vec<Vec<u8>>);

impl PartitionSink for MemorySink {
    fn write(&mut self, partition: u32, lines: &[u8]) -> Result<(), Fault> {
        if let Some(kept) = self.0.get_mut(partition as usize) {
            kept.extend_from_slice(lines);
        }
        Ok(())
    }
}

/// A task context without cancellation, progress and threads.
struct LocalContext;

impl TaskContext for LocalContext {
    fn check_cancelled(&mut self) -> Result<(), Fault> {
        Ok(())
    }

    fn progress(&mut self) {}

    fn status(&mut self, _: &str) {}

    fn threads(&self) -> usize {
        1
    }

    fn run_parallel(&mut self, work: Vec<Work<'_>>) {
        work.into_iter().for_each(|piece| piece());
    }
}

/// Refuses to store runs: the sort stays in memory.
struct NoRunStore;

impl RunStore for NoRunStore {
    fn create(&mut self, _: u64) -> io::Result<Box<dyn Write>> {
        Err(io::ErrorKind::OutOfMemory.into())
    }

    fn open(&mut self, _: u64) -> io::Result<Box<dyn Read + Send>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn remove(&mut self, _: u64) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapreduce::job::WordCount;
    use crate::seed::each_seed;
    use std::collections::BTreeMap;

    fn count(splits: &[&[u8]], reduces: u32) -> (Vec<Vec<u8>>, Counters) {
        let mut caches: Vec<Cache> = splits.iter().map(|_| None).collect();
        let round = LocalRound {
            job: &WordCount,
            splits,
            caches: &mut caches,
            map_parameter: b"",
            reduce_parameter: b"",
            reduces,
        };
        run_local(round).unwrap()
    }

    /// 4.2: "the intermediate key/value pairs are processed in increasing key order".
    #[test]
    fn words_are_counted_in_order() {
        let (output, counters) = count(&[b"to be or\nnot\tto ", b"be\r\n\n"], 1);
        assert_eq!(output, [b"be\t2\nnot\t1\nor\t1\nto\t2\n"]);
        assert_eq!((counters.own("words"), counters.own("lines")), (6, 4));
        assert_eq!(counters.own("output records"), 4);
    }

    #[test]
    fn counts_do_not_depend_on_splits_and_reduces() {
        each_seed(|seed| {
            if !seed.one_in(50) {
                return;
            }
            let words: [&[u8]; 5] = [b"a", b"b", b"\xff\0", b"longer than eight", b"a b"];
            let mut text = Vec::new();
            let mut ends = vec![0];
            for _ in 0..seed.below(60) {
                text.extend_from_slice(seed.pick::<&[u8]>(&words));
                text.push(*seed.pick(b" \n\r\t"));
                if text.ends_with(b"\n") && seed.one_in(3) {
                    ends.push(text.len());
                }
            }
            ends.push(text.len());
            let splits: Vec<&[u8]> = ends.windows(2).map(|cut| &text[cut[0]..cut[1]]).collect();
            let mut expected: BTreeMap<&[u8], u64> = BTreeMap::new();
            for word in text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()) {
                *expected.entry(word).or_default() += 1;
            }
            let line =
                |(word, count): (&&[u8], &u64)| [word, format!("\t{count}\n").as_bytes()].concat();
            let mut expected: Vec<Vec<u8>> = expected.iter().map(line).collect();
            let output = count(&splits, 1 + seed.below(3) as u32).0.concat();
            let mut found: Vec<Vec<u8>> =
                output.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
            expected.sort_unstable();
            found.sort_unstable();
            assert_eq!(found, expected);
        });
    }

    #[test]
    fn without_reduces_the_maps_output_is_the_result() {
        let (output, _) = count(&[b"b a", b"b"], 0);
        assert_eq!(output, [b"b\t1\na\t1\n".to_vec(), b"b\t1\n".to_vec()]);
    }

    #[test]
    fn a_record_needs_a_tab() {
        let mut runs = NoRunStore;
        let mut sorter = Sorter::new(Default::default(), 100, SortMemory::default(), &mut runs);
        assert!(matches!(sorter.push_lines(0, b"a\tb\nc\n"), Err(Fault::Permanent(_))));
    }
}
