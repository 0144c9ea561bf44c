//! The output of a map task: a file for each reduce task, and a copy in memory if it is small.

use std::io::{self, Write};
use std::mem;
use std::path::PathBuf;

use super::prepared_files::{PreparedFiles, create, failed};
use crate::mapreduce::files::{CommittedOutput, PendingFile};
use crate::mapreduce::job::{Fault, PartitionSink};

/// The disk is checked after this much output.
const CHECK_BYTES: usize = 4 * 1024 * 1024;
/// Output up to this size is kept in memory too, and served from there.
const MAX_IN_MEMORY_BYTES: usize = 1024 * 1024;

/// The output files of one attempt.
pub(super) struct Partitions<'s> {
    prepared_files: &'s PreparedFiles,
    attempt: u64,
    parts: Vec<Part>,
    kept: usize,
    max_in_memory_bytes: usize,
    /// Bytes written to files since the disk was checked.
    unchecked_bytes: usize,
}

struct Part {
    path: PathBuf,
    /// Lines that are not in the file yet.
    lines: Vec<u8>,
    /// The file, once the lines do not fit into memory.
    file: Option<PendingFile>,
}

impl<'s> Partitions<'s> {
    /// An output with these final paths. `keeps`: it may be kept in memory.
    pub(super) fn new(
        paths: impl Iterator<Item = PathBuf>,
        attempt: u64,
        prepared_files: &'s PreparedFiles,
        keeps: bool,
    ) -> Partitions<'s> {
        let part = |path| Part { path, lines: Vec::new(), file: None };
        Partitions {
            prepared_files,
            attempt,
            parts: paths.map(part).collect(),
            kept: 0,
            max_in_memory_bytes: if keeps { MAX_IN_MEMORY_BYTES } else { 0 },
            unchecked_bytes: 0,
        }
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
        if part.file.is_none() && self.kept + lines.len() <= self.max_in_memory_bytes {
            self.kept += lines.len();
            part.lines.extend_from_slice(lines);
            return Ok(());
        }
        self.kept -= part.lines.len();
        self.unchecked_bytes += lines.len() + part.lines.len();
        if self.unchecked_bytes >= CHECK_BYTES {
            self.unchecked_bytes = 0;
            self.prepared_files.disk.check().map_err(|error| failed(&part.path, &error))?;
        }
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
