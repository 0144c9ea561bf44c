//! Files that are created before they are needed.
//!
//! In an iterative job, a task's small output replaces that of the round before. Creating the file
//! takes more than half of the time of a commit (ext4: 32 of 56 us), and the next task waits for
//! it. So the next file is created after a task has been answered.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::locked;
use crate::files;
use crate::mapreduce::files::{CommittedOutput, FreeSpace, Identity, PendingFile};
use crate::mapreduce::job::Fault;

/// Prepared files by target path, and files that are to be prepared.
pub(super) struct PreparedFiles {
    state: Mutex<State>,
    /// Checked while large output is written.
    pub(super) disk: FreeSpace,
}

#[derive(Default)]
struct State {
    ready: BTreeMap<PathBuf, PendingFile>,
    wanted: Vec<(PathBuf, u64)>,
}

/// Each prepared file is an open file.
const MAX_PREPARED_FILES: usize = 64;

impl PreparedFiles {
    pub(super) fn new(disk: FreeSpace) -> PreparedFiles {
        PreparedFiles { state: Mutex::default(), disk }
    }

    /// Commits the output of an attempt: `file`, if there is one, or else a small file with
    /// `lines`, which stay in memory too.
    pub(super) fn commit_output(
        &self,
        target: &Path,
        attempt: u64,
        file: Option<PendingFile>,
        lines: Vec<u8>,
    ) -> Result<CommittedOutput, Fault> {
        let commit = || {
            let Some(file) = file else {
                let mut file = self.create(target, attempt)?;
                file.write_all(&lines)?;
                self.commit(file, attempt)?;
                return Ok(CommittedOutput::Memory(lines.into()));
            };
            let identity = Identity::of(&file.metadata()?);
            file.commit_replacing()?;
            Ok(CommittedOutput::File { path: target.to_owned(), identity })
        };
        commit().map_err(|error: io::Error| failed(target, &error))
    }

    /// A file for `target`: a prepared one, or a new one.
    fn create(&self, target: &Path, attempt: u64) -> io::Result<PendingFile> {
        let ready = locked(&self.state).ready.remove(target);
        // It may have been deleted.
        match ready.filter(|prepared| prepared.path().exists()) {
            Some(prepared) => Ok(prepared),
            None => create(target, attempt),
        }
    }

    /// Commits a file. If it replaced another one, a next file will be prepared.
    fn commit(&self, file: PendingFile, attempt: u64) -> io::Result<()> {
        let target = file.target().to_owned();
        if file.commit_replacing()? {
            let mut state = locked(&self.state);
            if state.ready.len() + state.wanted.len() < MAX_PREPARED_FILES {
                // The attempt no longer needs the name with its number.
                state.wanted.push((target, attempt));
            }
        }
        Ok(())
    }

    /// Whether files are to be prepared.
    pub(super) fn has_pending(&self) -> bool {
        !locked(&self.state).wanted.is_empty()
    }

    /// Prepares the files. An error is only logged: it occurs again when the file is needed.
    pub(super) fn prepare(&self) {
        let wanted = std::mem::take(&mut locked(&self.state).wanted);
        for (target, attempt) in wanted {
            match PendingFile::create(&target, attempt) {
                Ok(prepared) => drop(locked(&self.state).ready.insert(target, prepared)),
                Err(error) => log::debug!("{}: {error}", target.display()),
            }
        }
    }
}

/// Creates a file, and its directory if necessary.
pub(super) fn create(path: &Path, attempt: u64) -> io::Result<PendingFile> {
    match PendingFile::create(path, attempt) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(directory) = path.parent() {
                files::make_directories(directory)?;
            }
            PendingFile::create(path, attempt)
        }
        result => result,
    }
}

pub(super) fn failed(path: &Path, error: &io::Error) -> Fault {
    Fault::io(path.display(), error)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn write(prepared_files: &PreparedFiles, target: &Path, attempt: u64) -> PathBuf {
        let mut file = prepared_files.create(target, attempt).unwrap();
        file.write_all(attempt.to_string().as_bytes()).unwrap();
        let path = file.path().to_owned();
        prepared_files.commit(file, attempt).unwrap();
        assert_eq!(fs::read_to_string(target).unwrap(), attempt.to_string());
        path
    }

    #[test]
    fn a_file_that_is_replaced_repeatedly_is_prepared() {
        let folder =
            std::env::temp_dir().join(format!("agora-prepared_files-{}", std::process::id()));
        let target = folder.join("R1.txt");
        let prepared_files = PreparedFiles::new(FreeSpace::new(&folder, 0));
        write(&prepared_files, &target, 1);
        assert!(!prepared_files.has_pending(), "it may stay the only one");
        write(&prepared_files, &target, 2);
        assert!(prepared_files.has_pending());
        prepared_files.prepare();
        assert!(!prepared_files.has_pending());
        let made = write(&prepared_files, &target, 7);
        assert!(made.ends_with(".R1.txt.attempt_2"), "{made:?}");
        // A prepared file was deleted.
        prepared_files.prepare();
        fs::remove_file(folder.join(".R1.txt.attempt_7")).unwrap();
        write(&prepared_files, &target, 8);
        // No file is left behind.
        prepared_files.prepare();
        drop(prepared_files);
        let retained = fs::read_dir(&folder).unwrap().count();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(retained, 1);
    }
}
