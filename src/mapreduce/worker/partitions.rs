//! The output of a map task: a file for each reduce task, and a copy in memory if it is small.

use std::io::{self, Write};
use std::mem;
use std::path::PathBuf;

use super::prepared_files::{PreparedFiles, create, failed};
use crate::mapreduce::files::{CommittedOutput, PendingFile};
use crate::mapreduce::job::{Fault, PartitionSink};

/// Output up to this size is kept in memory too, and served from there.
const MAX_IN_MEMORY_BYTES: usize = 1024 * 1024;

/// The output files of one attempt.
pub(super) struct Partitions<'s> {
    prepared_files: &'s PreparedFiles,
    attempt: u64,
    parts: Vec<Part>,
    kept: usize,
}

struct Part {
    path: PathBuf,
    /// Lines that are not in the file yet.
    lines: Vec<u8>,
    /// The file, once the lines do not fit into memory.
    file: Option<PendingFile>,
}

impl<'s> Partitions<'s> {
    /// An output with these final paths.
    pub(super) fn new(
        paths: impl Iterator<Item = PathBuf>,
        attempt: u64,
        prepared_files: &'s PreparedFiles,
    ) -> Partitions<'s> {
        let part = |path| Part { path, lines: Vec::new(), file: None };
        Partitions { prepared_files, attempt, parts: paths.map(part).collect(), kept: 0 }
    }

    /// Commits all files.
    pub(super) fn commit(self) -> Result<Vec<CommittedOutput>, Fault> {
        let Partitions { prepared_files, attempt, parts, .. } = self;
        let commit = |part: Part| {
            let Part { path, lines, file } = part;
            prepared_files.commit_output(&path, attempt, file, lines)
        };
        parts.into_iter().map(commit).collect()
    }
}

impl PartitionSink for Partitions<'_> {
    fn write(&mut self, partition: u32, lines: &[u8]) -> Result<(), Fault> {
        let Some(part) = self.parts.get_mut(partition as usize) else { return Ok(()) };
        if part.file.is_none() && self.kept + lines.len() <= MAX_IN_MEMORY_BYTES {
            self.kept += lines.len();
            part.lines.extend_from_slice(lines);
            return Ok(());
        }
        self.kept -= part.lines.len();
        part.spill(self.attempt, lines).map_err(|error| failed(&part.path, &error))
    }
}

impl Part {
    fn spill(&mut self, attempt: u64, lines: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(create(&self.path, attempt)?),
        };
        file.write_all(&mem::take(&mut self.lines))?;
        file.write_all(lines)
    }
}
