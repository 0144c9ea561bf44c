//! A check for free disk space, so that jobs do not fill a disk that others need as well.

use std::io;
use std::path::{Path, PathBuf};

use crate::files;

/// Checks that enough of a file system is free.
#[derive(Clone, Debug)]
pub struct FreeSpace {
    path: PathBuf,
    min_bytes: u64,
}

impl FreeSpace {
    /// At least `min_bytes` must be free on the file system with this path.
    pub fn new(path: &Path, min_bytes: u64) -> FreeSpace {
        FreeSpace { path: path.to_owned(), min_bytes }
    }

    /// Fails if less is free. Succeeds where that cannot be known: then a full disk fails the
    /// write itself.
    ///
    /// # Errors
    /// `StorageFull`.
    pub fn check(&self) -> io::Result<()> {
        match files::free_bytes(&self.path) {
            Some(free) if free < self.min_bytes => {
                let (free, min) = (free / 1024, self.min_bytes / 1024);
                let reason = format!("only {free} KiB are free, and {min} KiB have to stay so");
                Err(io::Error::new(io::ErrorKind::StorageFull, reason))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(feature = "free-space")]
    use super::*;

    #[test]
    #[cfg(feature = "free-space")]
    fn a_disk_that_is_too_full_is_refused() {
        let folder = std::env::temp_dir();
        FreeSpace::new(&folder, 1).check().unwrap();
        let refused = FreeSpace::new(&folder, u64::MAX).check().unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::StorageFull);
        FreeSpace::new(&folder.join("not there"), u64::MAX).check().unwrap();
    }
}
