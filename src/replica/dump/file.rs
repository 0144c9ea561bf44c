//! The file `dump.txt`, with rotation.

use std::io;
use std::sync::Arc;

use crate::replica::storage::{Disk, DiskFile};
use crate::text::push_u64;

const DUMP: &str = "dump.txt";

/// Lines to be written.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) text: Vec<u8>,
    pub(super) lines: u64,
    /// Lines before these that were dropped.
    pub(super) lost_before: u64,
}

/// `dump.txt`, owned by the thread that writes it.
#[derive(Debug)]
pub(super) struct DumpFile {
    disk: Arc<dyn Disk>,
    max_bytes: u64,
    kept: u32,
    /// `None`: not open yet, or opening failed.
    file: Option<Box<dyn DiskFile>>,
    len: u64,
    /// Lines that could not be written.
    lost: u64,
}

impl DumpFile {
    /// Appends to the existing file. `kept` is the number of rotated files.
    pub(super) fn new(disk: Arc<dyn Disk>, max_bytes: u64, kept: u32) -> DumpFile {
        DumpFile { disk, max_bytes, kept, file: None, len: 0, lost: 0 }
    }

    /// Appends lines, preceded by the number of lost lines if there are any.
    pub(super) fn write(&mut self, chunk: Chunk) {
        let Chunk { mut text, lines, lost_before } = chunk;
        let is_first_failure = self.lost == 0;
        self.lost += lost_before;
        if self.lost > 0 {
            let mut note = Vec::new();
            push_u64(self.lost, &mut note);
            note.extend_from_slice(b" lines could not be written here.\n");
            text.splice(..0, note);
        }
        match self.append(&text) {
            Ok(()) => self.lost = 0,
            Err(error) => {
                if is_first_failure {
                    log::warn!("{}/{}: lines are lost: {error}", self.disk.path(), DUMP);
                }
                self.lost += lines;
            }
        }
    }

    fn append(&mut self, text: &[u8]) -> io::Result<()> {
        if self.file.is_some() && self.len >= self.max_bytes {
            self.file = None;
            self.rotate()?;
        }
        let file = match &self.file {
            Some(file) => file,
            None => {
                let file = match self.disk.open_to_write(DUMP) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        self.disk.create(DUMP)?
                    }
                    file => file?,
                };
                self.len = file.len()?;
                self.file.insert(file)
            }
        };
        let mut done = 0;
        while let Some(rest) = text.get(done..).filter(|rest| !rest.is_empty()) {
            let wrote = match file.write_at(rest, self.len + done as u64) {
                Ok(0) => Err(io::ErrorKind::WriteZero.into()),
                other => other,
            };
            match wrote {
                Ok(bytes) => done += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    // Removes a partial line; if that fails, it is overwritten next time.
                    let _ = file.set_len(self.len);
                    return Err(error);
                }
            }
        }
        self.len += done as u64;
        Ok(())
    }

    /// Renames `dump.txt` to `dump.1.txt`, that to `dump.2.txt`, and so on; the oldest is removed.
    fn rotate(&self) -> io::Result<()> {
        let name = |age: u32| match age {
            0 => DUMP.to_owned(),
            age => format!("dump.{age}.txt"),
        };
        for age in (0..self.kept).rev() {
            match self.disk.rename(&name(age), &name(age + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        if self.kept == 0 {
            self.disk.remove(DUMP)?;
        }
        Ok(())
    }
}
