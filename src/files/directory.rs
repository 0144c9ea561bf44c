//! Creates and checks directories.

use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

use super::error::UnsafePath;
use super::open::{check_owner, mode_of, set_mode};
use super::user::effective_user;

/// The mode of data directories.
pub const MODE: u32 = 0o750;
/// Write permission of everybody.
const WORLD_WRITE: u32 = 0o002;
const ROOT: u32 = 0;

/// Opens a directory that belongs to the user, by a path of the operator. A link at the end of the
/// path is followed if it belongs to root or to the user.
///
/// # Errors
/// [`UnsafePath`]; errors of the operating system, here and below.
pub fn own_directory(path: &Path) -> io::Result<File> {
    let found = fs::symlink_metadata(path)?;
    if found.is_symlink() {
        check_link(path, found.uid())?;
        return open(path, &fs::metadata(path)?);
    }
    open(path, &found)
}

/// Opens a directory inside of a data directory, where no link is followed.
///
/// # Errors
/// [`UnsafePath`].
pub fn own_subdirectory(path: &Path) -> io::Result<File> {
    let found = fs::symlink_metadata(path)?;
    match found.is_symlink() {
        true => Err(UnsafePath::Link(path.into()).into()),
        false => open(path, &found),
    }
}

/// Creates a directory, but not its parents. False: it exists.
///
/// # Errors
/// Those of the operating system.
pub fn make_directory(path: &Path) -> io::Result<bool> {
    match DirBuilder::new().mode(MODE).create(path) {
        Ok(()) => set_mode(&own_subdirectory(path)?, MODE).map(|()| true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Creates a directory and its missing parents. An existing one is not checked.
///
/// # Errors
/// Those of the operating system.
pub fn make_directories(path: &Path) -> io::Result<()> {
    match make_directory(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let above = path.parent().filter(|above| !above.as_os_str().is_empty());
            make_directories(above.ok_or(error)?)?;
            make_directory(path).map(drop)
        }
        made => made.map(drop),
    }
}

/// Takes permissions beyond [`MODE`] away from a directory that only Agora uses.
///
/// # Errors
/// Those of the operating system.
pub fn tighten(directory: &File, path: &Path) -> io::Result<()> {
    let mode = mode_of(&directory.metadata()?);
    let needed = mode & (MODE | 0o7000);
    if mode != needed {
        log::warn!("{}: mode {mode:04o} is changed to {needed:04o}", path.display());
        set_mode(directory, needed)?;
    }
    Ok(())
}

/// Checks a directory that contains directories of the user, if it exists: it may be root's.
///
/// # Errors
/// [`UnsafePath`].
pub fn check_parent(path: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    if found.is_symlink() {
        check_link(path, found.uid())?;
    }
    let directory = fs::metadata(path)?;
    if !directory.is_dir() {
        return Err(UnsafePath::NotADirectory(path.into()).into());
    }
    if directory.uid() != ROOT {
        check_owner(path, &directory)?;
    }
    check_writable(path, mode_of(&directory))
}

/// A link of another user may lead anywhere.
fn check_link(path: &Path, owner: u32) -> io::Result<()> {
    match owner == ROOT || effective_user().is_none_or(|user| user == owner) {
        true => Ok(()),
        false => Err(UnsafePath::Link(path.into()).into()),
    }
}

fn open(path: &Path, found: &fs::Metadata) -> io::Result<File> {
    if !found.is_dir() {
        return Err(UnsafePath::NotADirectory(path.into()).into());
    }
    // Owner and mode first: a directory of somebody else cannot always be opened.
    check_owner(path, found)?;
    check_writable(path, mode_of(found))?;
    let handle = File::open(path)?;
    let opened = handle.metadata()?;
    match (found.dev(), found.ino()) == (opened.dev(), opened.ino()) {
        true => Ok(handle),
        false => Err(UnsafePath::Exchanged(path.into()).into()),
    }
}

fn check_writable(path: &Path, mode: u32) -> io::Result<()> {
    match mode & WORLD_WRITE {
        0 => Ok(()),
        _ => Err(UnsafePath::Writable { path: path.into(), mode }.into()),
    }
}
