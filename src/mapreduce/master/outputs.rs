//! The output of tasks as the master receives it: in memory if small, else in a file.

use std::io::{self, Read, Write};

use crate::files;
use crate::mapreduce::files::{Layout, PendingFile};
use crate::mapreduce::scheduler::{TaskId, TaskKind};

/// The output of a task.
#[derive(Debug)]
pub enum TaskOutput {
    /// In memory.
    Memory(Vec<u8>),
    /// In a file that is removed when this is dropped.
    File(PendingFile, u64),
}

/// Larger output is kept in a file.
const MAX_IN_MEMORY_BYTES: u64 = 16 * 1024 * 1024;

impl TaskOutput {
    /// An empty output, with space for `bytes`.
    pub(super) fn expecting(
        bytes: u64,
        layout: &Layout,
        task: TaskId,
        attempt: u64,
    ) -> io::Result<TaskOutput> {
        if bytes <= MAX_IN_MEMORY_BYTES {
            return Ok(TaskOutput::Memory(Vec::with_capacity(bytes as usize)));
        }
        let letter = match task.kind {
            TaskKind::Map => 'M',
            TaskKind::Reduce => 'R',
        };
        let name = format!("{letter}{}.output", u64::from(task.index) + 1);
        Ok(TaskOutput::File(PendingFile::create(layout.file(&name), attempt)?, 0))
    }

    pub(super) fn append(&mut self, piece: &[u8]) -> io::Result<()> {
        match self {
            TaskOutput::Memory(lines) => {
                lines.extend_from_slice(piece);
                Ok(())
            }
            TaskOutput::File(file, bytes) => {
                *bytes += piece.len() as u64;
                file.write_all(piece)
            }
        }
    }

    /// The length in bytes.
    pub fn len(&self) -> u64 {
        match self {
            TaskOutput::Memory(lines) => lines.len() as u64,
            TaskOutput::File(_, bytes) => *bytes,
        }
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Opens the output for reading.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        match self {
            TaskOutput::Memory(lines) => Ok(Box::new(lines.as_slice())),
            TaskOutput::File(file, _) => Ok(Box::new(files::open_to_read(file.path())?)),
        }
    }

    /// The whole output in memory.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn into_bytes(self) -> io::Result<Vec<u8>> {
        match self {
            TaskOutput::Memory(lines) => Ok(lines),
            file => {
                let mut lines = Vec::new();
                file.open()?.read_to_end(&mut lines)?;
                Ok(lines)
            }
        }
    }
}
