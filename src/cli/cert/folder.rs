//! Folders of certificates and keys on disk.
//!
//! A server may watch these files, and another user may have planted something where they go. So:
//!
//! - A new folder is filled under another name, synced, and renamed: it appears whole.
//! - A file is replaced by a rename. Nobody reads half of it.
//! - Modes do not depend on the umask: folders 0700, keys 0600, certificates 0644.
//! - No symbolic link is followed below the folder that the user names, nor is that folder one; a
//!   folder that belongs to another user, or that others may write to, is refused.

use std::fmt;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::files::{effective_user, mode_of};

pub(super) const KEY_MODE: u32 = 0o600;
pub(super) const CERTIFICATE_MODE: u32 = 0o644;
const FOLDER_MODE: u32 = 0o700;
/// Certificates and keys are a few kilobytes; a bundle of all public authorities is 250 KB.
const MAX_BYTES: u64 = 1024 * 1024;
/// The end of the names of files and folders that are not complete yet.
const PENDING: &str = ".new";

/// Why a folder or a file is not used.
#[derive(Debug)]
pub(super) struct FileError {
    path: PathBuf,
    reason: String,
}

impl FileError {
    pub(super) fn new(path: &Path, reason: impl fmt::Display) -> FileError {
        FileError { path: path.to_owned(), reason: reason.to_string() }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display().to_string().escape_debug(), self.reason)
    }
}

fn at(path: &Path) -> impl Fn(io::Error) -> FileError {
    move |error| FileError::new(path, error)
}

/// A folder that belongs to this user alone.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Opens a folder; `None` if there is nothing.
    ///
    /// # Errors
    /// It is something else, or not safe to use.
    pub(super) fn open(path: &Path) -> Result<Option<Folder>, FileError> {
        let metadata = match fs::symlink_metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(at(path)(error)),
        };
        let mode = mode_of(&metadata);
        let refused = if metadata.is_symlink() {
            "a symbolic link: say the folder itself".to_owned()
        } else if !metadata.is_dir() {
            "not a folder".to_owned()
        } else if effective_user() != Some(metadata.uid()) {
            "belongs to another user".to_owned()
        } else if mode & 0o022 != 0 {
            format!("others may write to it (mode {mode:o}): chmod go-w")
        } else {
            return Ok(Some(Folder { path: path.to_owned() }));
        };
        Err(FileError::new(path, refused))
    }

    /// Opens a folder, or creates it.
    ///
    /// # Errors
    /// It is not safe to use, or cannot be created.
    pub(super) fn open_or_create(path: &Path) -> Result<Folder, FileError> {
        if let Some(folder) = Folder::open(path)? {
            return Ok(folder);
        }
        create(path)?;
        sync_parent(path)?;
        Ok(Folder { path: path.to_owned() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps other processes from changing the folder while the lock is held.
    ///
    /// # Errors
    /// Another process holds it.
    pub(super) fn lock(&self) -> Result<File, FileError> {
        let file = File::open(&self.path).map_err(at(&self.path))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => {
                Err(FileError::new(&self.path, "another agora cert is at work there"))
            }
            Err(TryLockError::Error(error)) => Err(at(&self.path)(error)),
        }
    }

    /// A folder in it; `None` if there is nothing.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(super) fn folder(&self, name: &str) -> Result<Option<Folder>, FileError> {
        Folder::open(&self.path.join(name))
    }

    /// The names of everything in it that is complete, in order.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn names(&self) -> Result<Vec<String>, FileError> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(at(&self.path))? {
            let name = entry.map_err(at(&self.path))?.file_name();
            // Other names are not this program's.
            if let Ok(name) = name.into_string()
                && !name.starts_with('.')
            {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// Reads a file in it; `None` if there is nothing.
    ///
    /// # Errors
    /// It is no plain file, too large, or cannot be read.
    pub(super) fn read(&self, name: &str) -> Result<Option<String>, FileError> {
        let path = self.path.join(name);
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_symlink() => {
                Err(FileError::new(&path, "a symbolic link: none is followed"))
            }
            Ok(found) => {
                let (text, opened) = read_file(&path)?;
                if opened.ino() != found.ino() || opened.dev() != found.dev() {
                    return Err(FileError::new(&path, "replaced while it was opened"));
                }
                Ok(Some(text))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(at(&path)(error)),
        }
    }

    /// Creates or replaces a file in it: whole, durable, with this mode.
    ///
    /// # Errors
    /// It cannot be written; the old file is still there.
    pub(super) fn replace(&self, name: &str, mode: u32, text: &str) -> Result<(), FileError> {
        let path = self.path.join(name);
        let pending = self.path.join(format!(".{name}{PENDING}"));
        remove_file(&pending)?;
        write_new(&pending, mode, text)?;
        fs::rename(&pending, &path).map_err(at(&path))?;
        sync(&self.path)
    }

    /// Removes a file in it, if there is one.
    ///
    /// # Errors
    /// It cannot be removed.
    pub(super) fn remove(&self, name: &str) -> Result<(), FileError> {
        remove_file(&self.path.join(name))?;
        sync(&self.path)
    }

    /// Whether there is a folder of this name in it, which may be unsafe to use.
    pub(super) fn is_folder(&self, name: &str) -> bool {
        fs::symlink_metadata(self.path.join(name)).is_ok_and(|found| !found.is_file())
    }

    /// Creates a folder in it with these files: name, mode, text. It appears whole.
    ///
    /// # Errors
    /// It cannot be written, or there is one of this name.
    pub(super) fn create_folder(
        &self,
        name: &str,
        files: &[(&str, u32, &str)],
    ) -> Result<(), FileError> {
        let path = self.path.join(name);
        let pending = self.path.join(format!(".{name}{PENDING}"));
        // What a process has left that was killed.
        if fs::symlink_metadata(&pending).is_ok() {
            fs::remove_dir_all(&pending).map_err(at(&pending))?;
        }
        create(&pending)?;
        for (name, mode, text) in files {
            write_new(&pending.join(name), *mode, text)?;
        }
        sync(&pending)?;
        // A rename replaces an empty folder; the caller has found nothing there, under its lock.
        fs::rename(&pending, &path).map_err(at(&path))?;
        sync(&self.path)
    }
}

/// Reads a plain file wherever it is; a symbolic link is followed.
///
/// # Errors
/// It is no plain file, too large, not text, or cannot be read.
pub(super) fn read_file(path: &Path) -> Result<(String, Metadata), FileError> {
    // Opening a pipe would wait for a writer.
    if !fs::metadata(path).map_err(at(path))?.is_file() {
        return Err(FileError::new(path, "not a file"));
    }
    let file = File::open(path).map_err(at(path))?;
    let metadata = file.metadata().map_err(at(path))?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(at(path))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(FileError::new(path, "too large for certificates or a key"));
    }
    let text = String::from_utf8(bytes);
    let text = text.map_err(|_| {
        FileError::new(
            path,
            "not PEM (if it is DER: openssl x509 -inform der, or openssl pkey -inform der)",
        )
    })?;
    Ok((text, metadata))
}

/// Whether users other than the owner can read a file.
pub(super) fn is_readable_by_others(metadata: &Metadata) -> bool {
    mode_of(metadata) & 0o077 != 0
}

fn create(path: &Path) -> Result<(), FileError> {
    DirBuilder::new().mode(FOLDER_MODE).create(path).map_err(at(path))?;
    // The umask has taken bits away.
    fs::set_permissions(path, Permissions::from_mode(FOLDER_MODE)).map_err(at(path))
}

fn write_new(path: &Path, mode: u32, text: &str) -> Result<(), FileError> {
    let write = || {
        // Fails if there is anything, a symbolic link too.
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        file.set_permissions(Permissions::from_mode(mode))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(at(path))
}

fn remove_file(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
        _ => Ok(()),
    }
}

fn sync(folder: &Path) -> Result<(), FileError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(at(folder))
}

fn sync_parent(path: &Path) -> Result<(), FileError> {
    match path.parent() {
        Some(parent) if parent != Path::new("") => sync(parent),
        _ => sync(Path::new(".")),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    struct Scratch(PathBuf);

    impl Scratch {
        fn new() -> Scratch {
            static COUNT: AtomicUsize = AtomicUsize::new(0);
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("agora-cert-folder-{}-{number}", std::process::id());
            let path = std::env::temp_dir().join(name);
            fs::create_dir_all(&path).unwrap();
            Scratch(path)
        }

        fn root(&self) -> Folder {
            Folder::open_or_create(&self.0.join("certs")).unwrap()
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn a_folder_appears_whole_and_a_file_is_replaced() {
        let scratch = Scratch::new();
        let root = scratch.root();
        let files = [("key.pem", KEY_MODE, "key"), ("cert.pem", CERTIFICATE_MODE, "old")];
        root.create_folder("node-0", &files).unwrap();
        let folder = root.folder("node-0").unwrap().unwrap();
        let mut reader = File::open(folder.path().join("cert.pem")).unwrap();
        folder.replace("cert.pem", CERTIFICATE_MODE, "new").unwrap();
        let mut old = String::new();
        reader.read_to_string(&mut old).unwrap();
        assert_eq!(old, "old");
        assert_eq!(folder.read("cert.pem").unwrap().as_deref(), Some("new"));
        assert_eq!(folder.read("missing").unwrap(), None);
        assert_eq!(mode(&root.path().join("node-0")), 0o700);
        assert_eq!(mode(&folder.path().join("key.pem")), 0o600);
        assert_eq!(mode(&folder.path().join("cert.pem")), 0o644);
        assert_eq!(root.names().unwrap(), ["node-0"]);
    }

    #[test]
    fn what_a_killed_process_has_left_is_replaced() {
        let scratch = Scratch::new();
        let root = scratch.root();
        fs::create_dir(root.path().join(".node-0.new")).unwrap();
        fs::write(root.path().join(".node-0.new/key.pem"), "half").unwrap();
        fs::write(root.path().join(".ca.pem.new"), "half").unwrap();
        assert!(root.names().unwrap().is_empty());
        root.replace("ca.pem", CERTIFICATE_MODE, "whole").unwrap();
        root.create_folder("node-0", &[("key.pem", KEY_MODE, "whole")]).unwrap();
        assert_eq!(root.read("ca.pem").unwrap().as_deref(), Some("whole"));
        assert_eq!(root.names().unwrap(), ["ca.pem", "node-0"]);
    }

    #[test]
    fn no_symbolic_link_is_followed() {
        let scratch = Scratch::new();
        let root = scratch.root();
        let outside = scratch.0.join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("victim"), "safe").unwrap();
        for name in ["link", ".node-0.new"] {
            symlink(&outside, root.path().join(name)).unwrap();
        }
        for name in ["ca.pem", ".ca.pem.new"] {
            symlink(outside.join("victim"), root.path().join(name)).unwrap();
        }
        let refused = Folder::open(&root.path().join("link")).unwrap_err().to_string();
        assert!(refused.contains("a symbolic link"), "{refused}");
        assert!(root.read("ca.pem").unwrap_err().to_string().contains("a symbolic link"));
        root.replace("ca.pem", CERTIFICATE_MODE, "own").unwrap();
        root.create_folder("node-0", &[("key.pem", KEY_MODE, "own")]).unwrap();
        assert_eq!(fs::read_to_string(outside.join("victim")).unwrap(), "safe");
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
        assert!(!fs::symlink_metadata(root.path().join("ca.pem")).unwrap().is_symlink());
    }

    #[test]
    fn a_folder_that_others_may_write_to_is_refused() {
        let scratch = Scratch::new();
        let path = scratch.root().path().to_owned();
        for bits in [0o720, 0o702, 0o777] {
            fs::set_permissions(&path, Permissions::from_mode(bits)).unwrap();
            let refused = Folder::open(&path).unwrap_err().to_string();
            assert!(refused.contains("others may write to it"), "{refused}");
        }
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        assert!(Folder::open(&path).unwrap().is_some());
        fs::write(scratch.0.join("file"), "").unwrap();
        let refused = Folder::open(&scratch.0.join("file")).unwrap_err().to_string();
        assert!(refused.contains("not a folder"), "{refused}");
        assert!(Folder::open(&scratch.0.join("nothing")).unwrap().is_none());
    }

    #[test]
    fn one_process_at_a_time_changes_a_folder() {
        let scratch = Scratch::new();
        let root = scratch.root();
        let lock = root.lock().unwrap();
        let refused = scratch.root().lock().unwrap_err().to_string();
        assert!(refused.contains("another agora cert"), "{refused}");
        drop(lock);
        assert!(scratch.root().lock().is_ok());
    }

    #[test]
    fn large_and_binary_files_are_refused() {
        let scratch = Scratch::new();
        let root = scratch.root();
        root.replace("large", CERTIFICATE_MODE, &"x".repeat(1024 * 1024 + 1)).unwrap();
        assert!(root.read("large").unwrap_err().to_string().contains("too large"));
        fs::write(root.path().join("der"), [0x30, 0x82, 0xff]).unwrap();
        assert!(root.read("der").unwrap_err().to_string().contains("not PEM"));
        assert!(read_file(root.path()).unwrap_err().to_string().contains("not a file"));
    }
}
