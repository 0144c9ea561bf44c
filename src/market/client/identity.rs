//! A client's identity: a UUID that the client makes, in a private file.
//!
//! The UUID is the account's only credential. So only its owner may read the file, and a file that
//! others may read is refused.

use std::fmt;
use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::files::{self, UnsafePath};
use crate::rpc::random_bytes;

/// Characters of a UUID's text.
const TEXT_LEN: usize = 36;
/// Characters of a UUID that may be shown.
const SHOWN: usize = 8;

/// A client's credential: a version 4 UUID (RFC 9562 section 5.4) in its text form.
#[derive(Clone, PartialEq, Eq)]
pub struct Uuid(String);

/// Why there is no identity.
#[derive(Debug)]
pub enum IdentityError {
    /// Reading or writing failed.
    Io(PathBuf, io::Error),
    /// Others may read or write the file: its mode.
    TooOpen(PathBuf, u32),
    /// The path is not a plain file of ours.
    NotAFile(PathBuf),
    /// The file has no UUID.
    Malformed(PathBuf),
    /// The name is not a valid file name.
    Name(String),
    /// Neither `AGORA_HOME` nor `HOME` is set.
    NoHome,
}

impl fmt::Display for IdentityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IdentityError::Io(path, error) => write!(f, "{}: {error}", path.display()),
            IdentityError::TooOpen(path, mode) => write!(
                f,
                "{}: others may open it (mode {mode:03o}), and it is a secret: chmod 600 it if \
                 nobody has",
                path.display()
            ),
            IdentityError::NotAFile(path) => {
                write!(f, "{}: not a plain file of this user", path.display())
            }
            IdentityError::Malformed(path) => write!(
                f,
                "{}: expected a UUID such as 00000000-0000-4000-8000-000000000000 on one line",
                path.display()
            ),
            IdentityError::Name(name) => write!(
                f,
                "{name:?}: expected a name of letters, digits, dots, hyphens and underscores, \
                 64 characters at most, that does not begin with a dot"
            ),
            IdentityError::NoHome => f.write_str("neither AGORA_HOME nor HOME is set"),
        }
    }
}

impl std::error::Error for IdentityError {}

impl Uuid {
    /// A new one, from random bits of the operating system.
    fn random() -> Uuid {
        let mut bytes: [u8; 16] = random_bytes();
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let groups = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
        Uuid(groups.join("-"))
    }

    /// Parses a UUID's text form.
    fn parse(text: &str) -> Option<Uuid> {
        let hyphen_at = |at: usize| matches!(at, 8 | 13 | 18 | 23);
        let fits = |(at, byte): (usize, u8)| match byte {
            b'-' => hyphen_at(at),
            _ => byte.is_ascii_hexdigit() && !hyphen_at(at),
        };
        (text.len() == TEXT_LEN && text.bytes().enumerate().all(fits))
            .then(|| Uuid(text.to_owned()))
    }

    /// All of it, for the wire.
    pub fn secret(&self) -> &str {
        &self.0
    }

    /// Its first 8 characters, which may be shown.
    pub fn short(&self) -> &str {
        &self.0[..SHOWN]
    }
}

/// Shows the first 8 characters.
impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uuid({}..)", self.short())
    }
}

/// The directory of identities: `$AGORA_HOME`, else `~/.agora`.
///
/// # Errors
/// [`IdentityError::NoHome`].
pub fn default_directory() -> Result<PathBuf, IdentityError> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("AGORA_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".agora")))
        .ok_or(IdentityError::NoHome)
}

/// The file in `directory` that holds the identity of `name`.
///
/// # Errors
/// [`IdentityError::Name`] for a name that could be a path outside of the directory.
fn file_of(directory: &Path, name: &str) -> Result<PathBuf, IdentityError> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    if name.is_empty() || name.len() > 64 || name.starts_with('.') || !name.bytes().all(allowed) {
        return Err(IdentityError::Name(name.to_owned()));
    }
    Ok(directory.join(format!("{name}.uuid")))
}

/// The identity in the file at `path`; a new one if the file does not exist.
///
/// # Errors
/// See [`IdentityError`]: a file that others may open, that is a link or not ours, or that holds no
/// UUID is refused.
pub fn identity_at(path: &Path) -> Result<Uuid, IdentityError> {
    match read(path) {
        Err(IdentityError::Io(_, error)) if error.kind() == ErrorKind::NotFound => create(path),
        result => result,
    }
}

fn read(path: &Path) -> Result<Uuid, IdentityError> {
    let failed = |error| IdentityError::Io(path.to_owned(), error);
    let file = files::open_secret(path).map_err(|error| match UnsafePath::of(&error) {
        Some(UnsafePath::Readable { mode, .. }) => IdentityError::TooOpen(path.to_owned(), *mode),
        Some(_) => IdentityError::NotAFile(path.to_owned()),
        None => failed(error),
    })?;
    let mut text = String::new();
    // A UUID and the end of its line; a longer file has no identity, whatever its size.
    match file.take(TEXT_LEN as u64 + 3).read_to_string(&mut text) {
        Err(error) if error.kind() != ErrorKind::InvalidData => return Err(failed(error)),
        _ => (),
    }
    Uuid::parse(text.trim_end()).ok_or_else(|| IdentityError::Malformed(path.to_owned()))
}

/// Creates an identity. If another process creates one with the same name, the first that links its
/// file wins. A file is linked only when it is complete.
fn create(path: &Path) -> Result<Uuid, IdentityError> {
    let failed = |error| IdentityError::Io(path.to_owned(), error);
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(directory) = directory {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(|error| IdentityError::Io(directory.to_owned(), error))?;
    }
    let uuid = Uuid::random();
    let draft = path.with_extension(format!("new-{}", uuid.short()));
    let written = files::create_new(&draft, files::SECRET_MODE)
        .and_then(|mut file| {
            writeln!(file, "{}", uuid.secret())?;
            file.sync_all()
        })
        .and_then(|()| fs::hard_link(&draft, path));
    let _ = fs::remove_file(&draft);
    match written {
        Ok(()) => Ok(uuid),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => read(path),
        Err(error) => Err(failed(error)),
    }
}

/// The identity of `name` in `directory`; a new one if there is none.
///
/// # Errors
/// As [`identity_at`], and [`IdentityError::Name`].
pub fn identity_of(directory: &Path, name: &str) -> Result<Uuid, IdentityError> {
    identity_at(&file_of(directory, name)?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A directory that is removed when the test ends.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Scratch {
            let path = std::env::temp_dir().join(format!("agora-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir(&path).unwrap();
            Scratch(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn an_identity_is_made_once_and_found_again() {
        let scratch = Scratch::new("once");
        let home = scratch.0.join("a/b");
        let first = identity_of(&home, "asha").unwrap();
        assert_eq!(identity_of(&home, "asha").unwrap(), first);
        assert_ne!(identity_of(&home, "bela").unwrap(), first);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&home), 0o700);
        assert_eq!(mode(&home.join("asha.uuid")), 0o600);
        assert_eq!(fs::read_dir(&home).unwrap().count(), 2, "no draft is left");
    }

    #[test]
    fn it_is_a_random_uuid_of_version_4() {
        let uuid = Uuid::random();
        assert_eq!(Uuid::parse(uuid.secret()).as_ref(), Some(&uuid));
        assert_eq!(uuid.secret().as_bytes()[14], b'4');
        assert!(b"89ab".contains(&uuid.secret().as_bytes()[19]));
        assert_ne!(uuid, Uuid::random());
        assert!(!format!("{uuid:?}").contains(&uuid.secret()[9..]));
    }

    #[test]
    fn a_file_that_others_may_open_is_refused() {
        let scratch = Scratch::new("mode");
        identity_of(&scratch.0, "asha").unwrap();
        let path = scratch.0.join("asha.uuid");
        for mode in [0o640, 0o604, 0o620, 0o666] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = identity_of(&scratch.0, "asha").unwrap_err();
            assert!(matches!(error, IdentityError::TooOpen(_, m) if m == mode), "{error}");
        }
    }

    #[test]
    fn links_directories_and_malformed_files_are_refused() {
        let scratch = Scratch::new("odd");
        identity_of(&scratch.0, "asha").unwrap();
        std::os::unix::fs::symlink(scratch.0.join("asha.uuid"), scratch.0.join("link.uuid"))
            .unwrap();
        std::os::unix::fs::symlink(scratch.0.join("nothing"), scratch.0.join("loose.uuid"))
            .unwrap();
        fs::create_dir(scratch.0.join("folder.uuid")).unwrap();
        for name in ["link", "loose", "folder"] {
            let error = identity_of(&scratch.0, name).unwrap_err();
            assert!(matches!(error, IdentityError::NotAFile(_)), "{name}: {error}");
        }
        for (name, text) in [("empty", &b""[..]), ("short", b"123"), ("raw", b"\xff\xfe")] {
            let path = scratch.0.join(format!("{name}.uuid"));
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            let error = identity_of(&scratch.0, name).unwrap_err();
            assert!(matches!(error, IdentityError::Malformed(_)), "{name}: {error}");
            assert_eq!(fs::read(&path).unwrap(), text, "it is left as it was");
        }
    }

    #[test]
    fn a_name_cannot_leave_the_directory() {
        for name in ["", "..", "../x", "a/b", ".hidden", "sp ace", &"x".repeat(65)] {
            let error = identity_of(Path::new("/nowhere"), name).unwrap_err();
            assert!(matches!(error, IdentityError::Name(_)), "{name:?}");
        }
    }
}
