//! Any two commands as a job, over stdin and stdout, as in Hadoop Streaming.
//!
//! - The mapper command gets the lines of its split on stdin. The reducer command gets the lines
//!   `key TAB value` of its partition, sorted by key. Each prints lines on stdout. The key of a
//!   printed line ends at the first tab, and the value follows; a line without a tab is a key with
//!   an empty value.
//! - A command that does not end with status 0 has failed, and so has its task.
//! - On stderr, `reporter:counter:GROUP,NAME,COUNT` adds to a counter and `reporter:status:TEXT`
//!   sets the status. The last other lines are shown if the command fails.
//! - Environment variables with Hadoop's names identify the task: `mapreduce_task_partition`,
//!   `mapreduce_task_is_map`, `mapreduce_map_input_file` and others.
//!
//! Commands are run by `sh -c`. They need not read their input, nor print anything. Without reduce
//! tasks the lines printed by the mappers are the result.
//!
//! Not implemented: combiner commands, typed bytes, distribution of files.

mod bad_record;
mod command;
mod reporter;

use std::io::{self, Write};
use std::sync::Arc;

use super::job::{Blocks, Fault, Groups, Job, MapTask, ReduceTask, Values};
use crate::text::{Scratch, find, parse_words, push_words};
use command::{Command, OutputHandler};

/// The job.
pub struct Streaming {
    mapper: String,
    reducer: String,
    /// A mapper that fails is run again to find the line on which it fails.
    finds_bad_records: bool,
}

impl Streaming {
    /// The name of the kind.
    pub const NAME: &str = "streaming";

    /// The parameters of the job for workers.
    pub fn parameters(mapper: &str, reducer: &str, finds_bad_records: bool) -> Vec<u8> {
        let finds: &[u8] = if finds_bad_records { b"find" } else { b"" };
        let mut line = Vec::new();
        push_words([mapper.as_bytes(), reducer.as_bytes(), finds], &mut line);
        line
    }

    /// Creates the job.
    ///
    /// # Errors
    /// The parameters are invalid.
    pub fn make(parameters: &[u8]) -> Result<Arc<dyn Job>, String> {
        let mut scratch = Scratch::default();
        let words = parse_words(parameters, &mut scratch).map_err(|error| error.to_string())?;
        let [mapper, reducer, finds] = words[..] else {
            return Err("streaming has a mapper and a reducer".into());
        };
        let command = |word: &[u8]| String::from_utf8(word.to_vec()).map_err(|e| e.to_string());
        let (mapper, reducer) = (command(mapper)?, command(reducer)?);
        Ok(Arc::new(Streaming { mapper, reducer, finds_bad_records: finds == b"find" }))
    }
}

impl Job for Streaming {
    fn commands(&self) -> Option<String> {
        Some(format!("mapper {:?}, reducer {:?}", self.mapper, self.reducer))
    }

    fn map(&self, task: &mut MapTask<'_>) -> Result<(), Fault> {
        let mut input = task.input()?;
        let command = Command::for_map(&self.mapper, task);
        let skip = task.skip.to_vec();
        let result = {
            let mut feed = |stdin: &mut dyn Write| feed_lines(input.as_mut(), &skip, None, stdin);
            command.run(&mut feed, &mut MapOutputHandler(task))
        };
        match result {
            Err(Fault::Crashed { reason, record: None }) if self.finds_bad_records => {
                let record = bad_record::find(&command, task)?;
                Err(Fault::Crashed { reason, record })
            }
            result => result,
        }
    }

    fn reduce(&self, _: &[u8], _: &mut dyn Values, _: &mut ReduceTask<'_>) -> Result<(), Fault> {
        Err(Fault::Permanent("a command reduces all keys together".into()))
    }

    fn reduce_all(&self, groups: &mut Groups, task: &mut ReduceTask<'_>) -> Result<(), Fault> {
        let command = Command::for_reduce(&self.reducer, task);
        let mut feed = |stdin: &mut dyn Write| feed_groups(groups, stdin);
        command.run(&mut feed, &mut ReduceOutputHandler(task))
    }
}

/// Why writing the input of a command ended early.
enum FeedError {
    /// The command has closed its stdin, which is allowed.
    Closed,
    /// The input cannot be read.
    Fault(Fault),
}

impl From<io::Error> for FeedError {
    fn from(error: io::Error) -> FeedError {
        match error.kind() {
            io::ErrorKind::BrokenPipe => FeedError::Closed,
            _ => FeedError::Fault(Fault::io("writing to the command", &error)),
        }
    }
}

/// Writes the lines of a split, without the skipped ones, up to the line that begins at `end`. A
/// missing last newline is added.
fn feed_lines(
    input: &mut dyn Blocks,
    skip: &[u64],
    end: Option<u64>,
    stdin: &mut dyn Write,
) -> Result<(), FeedError> {
    let failed = |error| FeedError::Fault(Fault::io("reading the input", &error));
    while let Some(block) = input.next().map_err(failed)? {
        let append_to = block.offset + block.bytes.len() as u64;
        let is_whole = end.is_none_or(|end| append_to <= end)
            && !skip.iter().any(|offset| (block.offset..append_to).contains(offset));
        if is_whole {
            stdin.write_all(block.bytes)?;
            if !block.bytes.ends_with(b"\n") {
                stdin.write_all(b"\n")?;
            }
            continue;
        }
        let mut offset = block.offset;
        for line in block.bytes.split_inclusive(|byte| *byte == b'\n') {
            if end.is_some_and(|end| offset >= end) {
                return Ok(());
            }
            if !skip.contains(&offset) {
                stdin.write_all(line)?;
                if !line.ends_with(b"\n") {
                    stdin.write_all(b"\n")?;
                }
            }
            offset += line.len() as u64;
        }
    }
    Ok(())
}

/// The size of the write buffer.
const FEED_BYTES: usize = 64 * 1024;

/// Writes the records of a partition.
fn feed_groups(groups: &mut Groups, stdin: &mut dyn Write) -> Result<(), FeedError> {
    let mut lines = Vec::new();
    while groups.next_key().map_err(FeedError::Fault)?.is_some() {
        loop {
            let mut has_exited = true;
            for piece in groups.next_lines().map_err(FeedError::Fault)? {
                has_exited = false;
                if lines.len() + piece.len() > FEED_BYTES {
                    stdin.write_all(&lines)?;
                    lines.clear();
                }
                if piece.len() > FEED_BYTES {
                    stdin.write_all(piece)?;
                } else {
                    lines.extend_from_slice(piece);
                }
            }
            if has_exited {
                break;
            }
        }
    }
    stdin.write_all(&lines)?;
    Ok(())
}

struct MapOutputHandler<'l, 't>(&'l mut MapTask<'t>);

impl OutputHandler for MapOutputHandler<'_, '_> {
    fn line(&mut self, line: &[u8]) -> Result<(), Fault> {
        if self.0.reduces == 0 {
            return self.0.emit_line(line);
        }
        match find(b'\t', line) {
            Some(tab) => self.0.emit(&line[..tab], &line[tab + 1..]),
            None => self.0.emit(line, b""),
        }
    }

    fn check(&mut self) -> Result<(), Fault> {
        self.0.context.check_cancelled()
    }

    fn progress(&mut self) {
        self.0.context.progress();
    }

    fn count(&mut self, group: &str, name: &str, count: u64) {
        self.0.counters.add(group, name, count);
    }

    fn status(&mut self, text: &str) {
        self.0.context.status(text);
    }
}

struct ReduceOutputHandler<'l, 't>(&'l mut ReduceTask<'t>);

impl OutputHandler for ReduceOutputHandler<'_, '_> {
    fn line(&mut self, line: &[u8]) -> Result<(), Fault> {
        self.0.emit_line(line)
    }

    fn check(&mut self) -> Result<(), Fault> {
        self.0.context.check_cancelled()
    }

    fn progress(&mut self) {
        self.0.context.progress();
    }

    fn count(&mut self, group: &str, name: &str, count: u64) {
        self.0.counters.add(group, name, count);
    }

    fn status(&mut self, text: &str) {
        self.0.context.status(text);
    }
}
