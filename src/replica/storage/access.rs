//! Owners, modes and links of the files of a node: corrected or refused at the start, reported by a
//! check.
//!
//! Only the files that storage and `dump` write are looked at. After the start nobody else can add
//! any: the directory is the node's alone.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::error::StorageError;
use super::metadata::METADATA;
use super::open::is_temporary;
use super::reserve::RESERVE;
use super::scan::LOG;
use super::snapshot::SNAPSHOT;
use crate::files::{self, UnsafePath};

/// Corrects the modes of all files. A directory of the version before has files with the modes that
/// its umask gave them.
pub(super) fn correct(directory: &Path) -> Result<(), StorageError> {
    for name in names(directory)? {
        let path = directory.join(&name);
        let failed = |error| StorageError::io(&name, "cannot open", error);
        let mode = files::mode_of(&files::check_file(&path).map_err(failed)?);
        if is_too_wide(mode) {
            let file = files::open_to_write(&path).map_err(failed)?;
            log::warn!("{}: mode {mode:04o} is changed to {:04o}", path.display(), files::MODE);
            files::set_mode(&file, files::MODE).map_err(failed)?;
        }
    }
    Ok(())
}

/// What is wrong with owners, modes and links, one sentence each.
#[derive(Debug, Default)]
pub struct Access {
    /// The next start corrects it.
    pub corrected: Vec<String>,
    /// The next start refuses it.
    pub refused: Vec<String>,
}

/// What [`correct`] would refuse or correct, seen by any user: the owner of the directory should own
/// the files.
pub(super) fn examine(directory: &Path, handle: &File) -> Result<Access, StorageError> {
    let failed = |error| StorageError::io(&directory.display().to_string(), "cannot read", error);
    let own = handle.metadata().map_err(failed)?;
    let mut access = Access::default();
    let mode = files::mode_of(&own);
    if mode & 0o002 != 0 {
        let path = directory.to_owned();
        access.refused.push(UnsafePath::Writable { path, mode }.to_string());
    } else if mode & 0o7777 & !(files::DIRECTORY_MODE | 0o7000) != 0 {
        access.corrected.push(wrong_mode(directory, mode, files::DIRECTORY_MODE));
    }
    for name in names(directory)? {
        let path = directory.join(&name);
        match fs::symlink_metadata(&path) {
            // Renamed or removed by the node.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
            Ok(found) => access.add(&path, &found, own.uid()),
        }
    }
    Ok(access)
}

impl Access {
    fn add(&mut self, path: &Path, found: &Metadata, user: u32) {
        let mode = files::mode_of(found);
        let reason = match found.file_type() {
            kind if kind.is_symlink() => UnsafePath::Link(path.into()).to_string(),
            kind if !kind.is_file() => UnsafePath::NotAFile(path.into()).to_string(),
            _ if found.uid() != user => {
                let (owner, path) = (found.uid(), path.display());
                format!(
                    "{path} belongs to user {owner}, and the directory to user {user}: chown \
                     {user} {path}, if you trust what it contains"
                )
            }
            _ if found.nlink() > 1 => UnsafePath::HardLink(path.into()).to_string(),
            _ if is_too_wide(mode) => {
                return self.corrected.push(wrong_mode(path, mode, files::MODE));
            }
            _ => return,
        };
        self.refused.push(reason);
    }
}

/// An operator may choose a narrower mode for a file.
fn is_too_wide(mode: u32) -> bool {
    mode & !files::MODE != 0
}

fn wrong_mode(path: &Path, mode: u32, expected: u32) -> String {
    let path = path.display();
    format!(
        "{path} has mode {mode:04o}, not {expected:04o}: the next start corrects it, or chmod \
         {expected:o} {path}"
    )
}

/// The names of the files of a node.
fn names(directory: &Path) -> Result<Vec<String>, StorageError> {
    let failed = |error| StorageError::io(&directory.display().to_string(), "cannot list", error);
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().into_string();
        names.extend(name.ok().filter(|name| is_of_node(name)));
    }
    names.sort();
    Ok(names)
}

fn is_of_node(name: &str) -> bool {
    let is_dump = name.starts_with("dump.") && name.ends_with(".txt");
    is_dump || is_temporary(name) || [METADATA, LOG, SNAPSHOT, RESERVE].contains(&name)
}
