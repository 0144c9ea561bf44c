//! Finds the line on which a mapper command fails (4.6 of the paper).
//!
//! A pipe does not tell which line a command was processing when it failed. So the command runs
//! again with a part of its lines, in a binary search for the first line after which it fails. The
//! number of runs is the logarithm of the number of lines.

use std::io::Write;

use super::command::{Command, OutputHandler};
use super::feed_lines;
use crate::mapreduce::job::{Fault, MapTask};

/// The offset of the first line after which the command fails; `None` if it fails without any line,
/// or does not fail again.
pub(super) fn find(command: &Command, task: &mut MapTask<'_>) -> Result<Option<u64>, Fault> {
    let starts = line_starts(task)?;
    let Some(last) = starts.last() else { return Ok(None) };
    // Invariant: it fails with the lines before `bad`, and not with the lines before `good`.
    let (mut good, mut bad) = (0, starts.len() - 1);
    if fails(command, task, starts.first().copied())? || !fails(command, task, Some(*last))? {
        return Ok(None);
    }
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        if fails(command, task, starts.get(middle).copied())? {
            bad = middle;
        } else {
            good = middle;
        }
    }
    Ok(starts.get(good).copied())
}

/// The offsets of the lines that are not skipped, followed by the end of the input.
fn line_starts(task: &mut MapTask<'_>) -> Result<Vec<u64>, Fault> {
    let mut input = task.input()?;
    let mut starts = Vec::new();
    let mut end = None;
    while let Some(block) = input.next().map_err(|error| Fault::io("reading the input", &error))? {
        task.context.check_cancelled()?;
        let mut offset = block.offset;
        for line in block.bytes.split_inclusive(|byte| *byte == b'\n') {
            if !task.skip.contains(&offset) {
                starts.push(offset);
            }
            offset += line.len() as u64;
        }
        end = Some(offset);
    }
    starts.extend(end);
    Ok(starts)
}

/// Whether the command fails with the lines before `end`.
fn fails(command: &Command, task: &mut MapTask<'_>, end: Option<u64>) -> Result<bool, Fault> {
    let mut input = task.input()?;
    let skip = task.skip.to_vec();
    let mut feed = |stdin: &mut dyn Write| feed_lines(input.as_mut(), &skip, end, stdin);
    match command.run(&mut feed, &mut DiscardOutput(task)) {
        Ok(()) => Ok(false),
        Err(Fault::Crashed { .. }) => Ok(true),
        Err(fault) => Err(fault),
    }
}

/// Discards the output of these runs.
struct DiscardOutput<'d, 't>(&'d mut MapTask<'t>);

impl OutputHandler for DiscardOutput<'_, '_> {
    fn line(&mut self, _: &[u8]) -> Result<(), Fault> {
        Ok(())
    }

    fn check(&mut self) -> Result<(), Fault> {
        self.0.context.check_cancelled()
    }

    fn progress(&mut self) {
        self.0.context.progress();
    }

    fn count(&mut self, _: &str, _: &str, _: u64) {}

    fn status(&mut self, _: &str) {}
}
