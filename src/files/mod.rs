//! Files and directories that other users of the machine must not lead astray.
//!
//! Everything that Agora writes is opened here. The rules:
//!
//! - Data files have mode 0640 and directories 0750, secrets 0600 and 0700, whatever the umask is:
//!   the mode is given at creation and corrected on the open handle, never by a name.
//! - No symbolic link is followed in a data directory. A new file is created exclusively (POSIX:
//!   `O_EXCL` follows no link); an existing one is opened with `O_NOFOLLOW`, and must be the file
//!   that `lstat` has found.
//! - A FIFO or device is never waited for: files are opened with `O_NONBLOCK` and must be regular.
//! - A file that is written has one name only: another user cannot plant a hard link to a file of
//!   ours elsewhere.
//! - A directory belongs to the user that runs the process, and users outside of its group cannot
//!   write there, sticky bit or not. So nobody can plant anything after the check.
//!
//! | file | |
//! |---|---|
//! | `open` | opens and creates files |
//! | `directory` | creates and checks directories |
//! | `error` | what is refused, with the command that mends it |
//! | `user` | the user that runs the process, free disk space |
//!
//! The path that leads to a directory is the operator's: links in it are followed, and for the last
//! word of the path only if the link belongs to root or to the user. Not included: `openat` from the
//! handle of the directory; whoever can rename the directory itself can exchange it.

mod directory;
mod error;
mod open;
mod user;

pub use directory::{
    MODE as DIRECTORY_MODE, check_parent, make_directories, make_directory, own_directory,
    own_subdirectory, tighten,
};
pub use error::UnsafePath;
pub use open::{
    MODE, SECRET_MODE, check_device, check_file, check_target, create, create_new, mode_of,
    open_or_create, open_secret, open_to_read, open_to_write, set_mode,
};
pub use user::{effective_user, free_bytes};

#[cfg(test)]
mod tests;
