//! What is refused, in words and with the command that mends it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A path that another user may have prepared.
#[derive(Debug, PartialEq, Eq)]
pub enum UnsafePath {
    /// A symbolic link.
    Link(PathBuf),
    /// A FIFO, device, socket or directory in place of a file.
    NotAFile(PathBuf),
    /// Something else in place of a directory.
    NotADirectory(PathBuf),
    /// Another file took the name while it was opened.
    Exchanged(PathBuf),
    /// The file has other names: a change would be visible under them.
    HardLink(PathBuf),
    /// It belongs to another user.
    ForeignOwner {
        /// The file or directory.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// The user that runs the process.
        user: u32,
    },
    /// Others may write into the directory.
    Writable {
        /// The directory.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Others may read a secret.
    Readable {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
}

impl UnsafePath {
    /// The reason in an error of a function of this module, if that is the cause.
    pub fn of(error: &io::Error) -> Option<&UnsafePath> {
        error.get_ref()?.downcast_ref()
    }

    /// The path that is meant.
    pub fn path(&self) -> &Path {
        match self {
            UnsafePath::Link(path)
            | UnsafePath::NotAFile(path)
            | UnsafePath::NotADirectory(path)
            | UnsafePath::Exchanged(path)
            | UnsafePath::HardLink(path)
            | UnsafePath::ForeignOwner { path, .. }
            | UnsafePath::Writable { path, .. }
            | UnsafePath::Readable { path, .. } => path,
        }
    }
}

impl fmt::Display for UnsafePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path().display();
        match self {
            UnsafePath::Link(_) => write!(
                f,
                "{path} is a symbolic link, which is not followed: remove it (rm {path}), or give \
                 the path that it points to"
            ),
            UnsafePath::NotAFile(_) => write!(f, "{path} is not a regular file: remove it"),
            UnsafePath::NotADirectory(_) => write!(f, "{path} is not a directory: remove it"),
            UnsafePath::Exchanged(_) => {
                write!(f, "{path} was exchanged for another file while it was opened")
            }
            UnsafePath::HardLink(_) => write!(
                f,
                "{path} has another name somewhere (a hard link), so it is not written: replace it \
                 by a copy (cp -p {path} {path}.copy && mv {path}.copy {path})"
            ),
            UnsafePath::ForeignOwner { owner, user, .. } => write!(
                f,
                "{path} belongs to user {owner}, and this process runs as user {user}: run it as \
                 user {owner}, choose a new directory, or, if you trust what is there, \
                 chown -R {user} {path}"
            ),
            UnsafePath::Writable { mode, .. } => write!(
                f,
                "other users can write into {path} (mode {mode:04o}): choose a new directory, or, \
                 if it is used by nothing else, chmod go-w {path}"
            ),
            UnsafePath::Readable { mode, .. } => write!(
                f,
                "other users can open {path} (mode {mode:04o}), and it is a secret: chmod 600 {path} \
                 if nobody has, else replace it"
            ),
        }
    }
}

impl std::error::Error for UnsafePath {}

impl From<UnsafePath> for io::Error {
    fn from(reason: UnsafePath) -> io::Error {
        io::Error::new(io::ErrorKind::PermissionDenied, reason)
    }
}
