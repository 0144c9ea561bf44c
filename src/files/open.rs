//! Opens and creates files.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::error::UnsafePath;
use super::user::effective_user;

/// The mode of data files.
pub const MODE: u32 = 0o640;
/// The mode of keys and credentials.
pub const SECRET_MODE: u32 = 0o600;

/// `O_NOFOLLOW` of Linux: `arch/{arm,arm64,powerpc}/include/uapi/asm/fcntl.h`, and
/// `include/uapi/asm-generic/fcntl.h` for most others. 0 where it is unknown: there the comparison
/// with `lstat` remains, which detects a link after it was opened.
const O_NOFOLLOW: i32 = if !cfg!(target_os = "linux") {
    0
} else if cfg!(any(target_arch = "arm", target_arch = "aarch64", target_arch = "powerpc64")) {
    0o100_000
} else if cfg!(any(target_arch = "x86", target_arch = "x86_64", target_arch = "riscv64")) {
    0o400_000
} else {
    0
};

/// `O_NONBLOCK` of Linux, `include/uapi/asm-generic/fcntl.h`; no effect on regular files.
const O_NONBLOCK: i32 = if cfg!(target_os = "linux") && O_NOFOLLOW != 0 { 0o4_000 } else { 0 };

/// The error of `O_NOFOLLOW` for a link (errno(3)).
const ELOOP: i32 = 40;

/// Opens an existing file for reading.
///
/// # Errors
/// An [`UnsafePath`] for anything but a regular file; errors of the operating system, here and below.
pub fn open_to_read(path: &Path) -> io::Result<File> {
    open_existing(path, OpenOptions::new().read(true)).map(|(file, _)| file)
}

/// Opens an existing file of the user for reading and writing.
///
/// # Errors
/// An [`UnsafePath`] for anything but a regular file of the user with one name.
pub fn open_to_write(path: &Path) -> io::Result<File> {
    let (file, metadata) = open_existing(path, OpenOptions::new().read(true).write(true))?;
    check_own_file(path, &metadata)?;
    Ok(file)
}

/// Creates a file, and empties one that exists.
///
/// # Errors
/// As [`open_to_write`].
pub fn create(path: &Path) -> io::Result<File> {
    let file = open_or_create(path)?;
    file.set_len(0)?;
    Ok(file)
}

/// Opens a file for reading and writing, and creates it if it does not exist.
///
/// # Errors
/// As [`open_to_write`].
pub fn open_or_create(path: &Path) -> io::Result<File> {
    match create_new(path, MODE) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let file = open_to_write(path)?;
            set_mode(&file, MODE)?;
            Ok(file)
        }
        created => created,
    }
}

/// Creates a file that must not exist, nor a link of that name.
///
/// # Errors
/// `AlreadyExists`.
pub fn create_new(path: &Path, mode: u32) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create_new(true).mode(mode).open(path)?;
    set_mode(&file, mode)?;
    Ok(file)
}

/// Sets the mode of an open file or directory, if it is another one.
///
/// # Errors
/// The file belongs to somebody else.
pub fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    match mode_of(&file.metadata()?) == mode {
        true => Ok(()),
        false => file.set_permissions(Permissions::from_mode(mode)),
    }
}

/// The permission bits.
pub fn mode_of(metadata: &Metadata) -> u32 {
    metadata.mode() & 0o7777
}

/// Checks the name that a new file will get by a rename. A rename replaces a link and does not
/// follow it; but whoever made the link expected something else.
///
/// # Errors
/// The name is that of a link.
pub fn check_target(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => Err(UnsafePath::Link(path.into()).into()),
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Checks the name of a device or a pipe, such as `/dev/stdout`, which is a link of root's. A link or
/// a pipe that another user has put into a shared directory would lead the output to that user.
///
/// # Errors
/// The name belongs to a user that is neither root nor the user of the process.
pub fn check_device(path: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(path)?;
    match found.uid() {
        0 => Ok(()),
        _ => check_owner(path, &found),
    }
}

/// Opens a key or a credential for reading: no other user may be able to open it.
///
/// # Errors
/// [`UnsafePath::Readable`]; it belongs to another user, or is no regular file.
pub fn open_secret(path: &Path) -> io::Result<File> {
    let (file, metadata) = open_existing(path, OpenOptions::new().read(true))?;
    check_owner(path, &metadata)?;
    match mode_of(&metadata) {
        mode if mode & 0o077 != 0 => Err(UnsafePath::Readable { path: path.into(), mode }.into()),
        _ => Ok(file),
    }
}

/// Checks an existing file without opening it.
///
/// # Errors
/// An [`UnsafePath`] for anything but a regular file of the user with one name.
pub fn check_file(path: &Path) -> io::Result<Metadata> {
    let found = fs::symlink_metadata(path)?;
    check_kind(path, &found)?;
    check_own_file(path, &found)?;
    Ok(found)
}

/// Checks that a regular file belongs to the user alone.
fn check_own_file(path: &Path, metadata: &Metadata) -> io::Result<()> {
    check_owner(path, metadata)?;
    match metadata.nlink() {
        // 0: removed since it was opened.
        0 | 1 => Ok(()),
        _ => Err(UnsafePath::HardLink(path.into()).into()),
    }
}

/// Checks that a file or directory belongs to the user.
pub(super) fn check_owner(path: &Path, metadata: &Metadata) -> io::Result<()> {
    match (metadata.uid(), effective_user()) {
        (owner, Some(user)) if owner != user => {
            Err(UnsafePath::ForeignOwner { path: path.into(), owner, user }.into())
        }
        _ => Ok(()),
    }
}

/// Opens a regular file that exists.
fn open_existing(path: &Path, options: &mut OpenOptions) -> io::Result<(File, Metadata)> {
    let found = fs::symlink_metadata(path)?;
    check_kind(path, &found)?;
    let file = options.custom_flags(O_NOFOLLOW | O_NONBLOCK).open(path);
    let file = file.map_err(|error| match error.raw_os_error() {
        Some(ELOOP) if O_NOFOLLOW != 0 => UnsafePath::Link(path.into()).into(),
        _ => error,
    })?;
    let opened = file.metadata()?;
    check_kind(path, &opened)?;
    match (found.dev(), found.ino()) == (opened.dev(), opened.ino()) {
        true => Ok((file, opened)),
        false => Err(UnsafePath::Exchanged(path.into()).into()),
    }
}

fn check_kind(path: &Path, metadata: &Metadata) -> io::Result<()> {
    match metadata.file_type() {
        kind if kind.is_file() => Ok(()),
        kind if kind.is_symlink() => Err(UnsafePath::Link(path.into()).into()),
        _ => Err(UnsafePath::NotAFile(path.into()).into()),
    }
}
