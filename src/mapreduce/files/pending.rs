//! A file that gets its name when it is complete (3.3 of the paper: atomic commits).

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file that is being written. Dropped before [`commit`](PendingFile::commit) it is gone.
#[derive(Debug)]
pub struct PendingFile {
    file: File,
    temporary: PathBuf,
    target: PathBuf,
    is_committed: bool,
}

const MARK: &str = ".attempt_";

/// Whether a file of this name was being written.
pub(super) fn is_pending(name: &str) -> bool {
    name.starts_with('.') && name.contains(MARK)
}

impl PendingFile {
    /// Begins a file that will be at `target`. No two attempts that write it at the same time may
    /// have the same number.
    ///
    /// # Errors
    /// The operating system's. The target's directory must be there.
    pub fn create(target: impl Into<PathBuf>, attempt: u64) -> io::Result<PendingFile> {
        let target = target.into();
        let name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
        let temporary = target.with_file_name(format!(".{name}{MARK}{attempt}"));
        let file = File::create(&temporary)?;
        Ok(PendingFile { file, temporary, target, is_committed: false })
    }

    /// Where it is written.
    pub fn path(&self) -> &Path {
        &self.temporary
    }

    /// Where it will be.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Gives the file its name, over whatever had it.
    ///
    /// # Errors
    /// The operating system's.
    pub fn commit(mut self) -> io::Result<()> {
        fs::rename(&self.temporary, &self.target)?;
        self.is_committed = true;
        Ok(())
    }

    /// As [`commit`](Self::commit), for a file that takes the name of one like it again and again
    /// and need not outlive the machine: whatever has the name is removed first. Renamed over it,
    /// ext4 would write the new file out at once, which takes several times as long as all else.
    /// Returns whether there was one.
    ///
    /// # Errors
    /// The operating system's.
    pub fn commit_anew(self) -> io::Result<bool> {
        let there_was = match fs::remove_file(&self.target) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            removed => removed.is_ok(),
        };
        self.commit().map(|()| there_was)
    }

    /// As [`commit`](Self::commit), once its bytes are on disk.
    ///
    /// # Errors
    /// The operating system's.
    pub fn commit_durably(self) -> io::Result<()> {
        self.file.sync_data()?;
        let directory = self.target.parent().map(Path::to_owned);
        self.commit()?;
        let directory = directory.filter(|path| !path.as_os_str().is_empty());
        File::open(directory.unwrap_or_else(|| ".".into()))?.sync_all()
    }

    /// What it is now.
    ///
    /// # Errors
    /// The operating system's.
    pub fn metadata(&self) -> io::Result<fs::Metadata> {
        self.file.metadata()
    }
}

impl Write for PendingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for PendingFile {
    fn drop(&mut self) {
        if !self.is_committed
            && let Err(error) = fs::remove_file(&self.temporary)
        {
            log::warn!("{}: {error}", self.temporary.display());
        }
    }
}
