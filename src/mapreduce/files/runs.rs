//! The runs of the external merge sort, in files.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::FreeSpace;
use crate::files;
use crate::mapreduce::job::RunStore;

/// The runs of one reduce attempt, in the directory of its output. They are removed when this is
/// dropped.
#[derive(Debug)]
pub struct RunFiles {
    directory: PathBuf,
    attempt: u64,
    disk: FreeSpace,
    numbers: Vec<u64>,
}

impl RunFiles {
    /// No runs yet. None is begun when the disk is too full.
    pub fn new(directory: &Path, attempt: u64, disk: FreeSpace) -> RunFiles {
        RunFiles { directory: directory.to_owned(), attempt, disk, numbers: Vec::new() }
    }

    fn path(&self, number: u64) -> PathBuf {
        self.directory.join(format!(".run_{number}.attempt_{}", self.attempt))
    }
}

impl RunStore for RunFiles {
    fn create(&mut self, number: u64) -> io::Result<Box<dyn Write>> {
        if self.numbers.is_empty() {
            files::make_directories(&self.directory)?;
        }
        self.disk.check()?;
        let file = files::create(&self.path(number))?;
        self.numbers.push(number);
        Ok(Box::new(file))
    }

    fn open(&mut self, number: u64) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(files::open_to_read(&self.path(number))?))
    }

    fn remove(&mut self, number: u64) {
        if let Err(error) = fs::remove_file(self.path(number)) {
            log::warn!("{}: {error}", self.path(number).display());
        }
        self.numbers.retain(|kept| *kept != number);
    }
}

impl Drop for RunFiles {
    fn drop(&mut self) {
        for number in self.numbers.clone() {
            self.remove(number);
        }
    }
}
