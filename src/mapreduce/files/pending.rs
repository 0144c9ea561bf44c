//! Atomic commits: a file gets its name when it is complete (3.3 of the paper).

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::files;

/// A file that is being written. It is removed if it is dropped before
/// [`commit`](PendingFile::commit).
#[derive(Debug)]
pub struct PendingFile {
    file: File,
    temporary: PathBuf,
    target: PathBuf,
    is_committed: bool,
}

const MARK: &str = ".attempt_";

/// Whether this is the name of a file that is not committed.
pub(super) fn is_pending(name: &str) -> bool {
    name.starts_with('.') && name.contains(MARK)
}

impl PendingFile {
    /// Creates a temporary file that will be renamed to `target`. Attempts that write the same
    /// target at the same time need different numbers: a file that an earlier process has left
    /// under the temporary name is removed.
    ///
    /// # Errors
    /// The target or the temporary name is a link, which somebody may have planted in a directory
    /// that many can write, such as `/tmp`; those of the operating system. The directory of the
    /// target must exist.
    pub fn create(target: impl Into<PathBuf>, attempt: u64) -> io::Result<PendingFile> {
        let target = target.into();
        let name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
        let temporary = target.with_file_name(format!(".{name}{MARK}{attempt}"));
        files::check_target(&target)?;
        let file = match files::create_new(&temporary, files::MODE) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                files::check_file(&temporary)?;
                fs::remove_file(&temporary)?;
                files::create_new(&temporary, files::MODE)?
            }
            created => created?,
        };
        Ok(PendingFile { file, temporary, target, is_committed: false })
    }

    /// The temporary path.
    pub fn path(&self) -> &Path {
        &self.temporary
    }

    /// The path after the commit.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Renames the file to its target, and replaces a file of that name.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn commit(mut self) -> io::Result<()> {
        fs::rename(&self.temporary, &self.target)?;
        self.is_committed = true;
        Ok(())
    }

    /// As [`commit`](Self::commit), for a file that is replaced again and again and need not
    /// survive a crash of the machine. The old file is removed first: when a file is renamed over
    /// another one, ext4 writes the new file to disk at once, which takes several times as long as
    /// everything else. Returns whether there was an old file.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn commit_replacing(self) -> io::Result<bool> {
        let there_was = match fs::remove_file(&self.target) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            removed => removed.is_ok(),
        };
        self.commit().map(|()| there_was)
    }

    /// As [`commit`](Self::commit), but syncs the file and its directory.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn commit_durably(self) -> io::Result<()> {
        self.file.sync_data()?;
        let directory = self.target.parent().map(Path::to_owned);
        self.commit()?;
        let directory = directory.filter(|path| !path.as_os_str().is_empty());
        File::open(directory.unwrap_or_else(|| ".".into()))?.sync_all()
    }

    /// The metadata of the temporary file.
    ///
    /// # Errors
    /// Those of the operating system.
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_planted_name_is_refused_and_a_left_file_is_replaced() {
        let folder = std::env::temp_dir().join(format!("agora-pending-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (target, victim) = (folder.join("out.txt"), folder.join("victim"));
        fs::write(&victim, "unharmed").unwrap();
        for planted in [&target, &folder.join(".out.txt.attempt_7")] {
            symlink(&victim, planted).unwrap();
            let error = PendingFile::create(&target, 7).unwrap_err().to_string();
            assert!(error.starts_with(&*planted.to_string_lossy()), "{error}");
            assert!(error.contains("symbolic link"), "{error}");
            fs::remove_file(planted).unwrap();
        }
        fs::hard_link(&victim, folder.join(".out.txt.attempt_7")).unwrap();
        assert!(PendingFile::create(&target, 7).is_err());
        fs::remove_file(folder.join(".out.txt.attempt_7")).unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "unharmed");
        // An earlier process has left it.
        fs::write(folder.join(".out.txt.attempt_7"), "half").unwrap();
        let mut file = PendingFile::create(&target, 7).unwrap();
        file.write_all(b"whole").unwrap();
        file.commit().unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "whole");
        fs::remove_dir_all(&folder).unwrap();
    }
}
