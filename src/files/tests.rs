//! Links, pipes, modes and owners. What another user plants is in `test/security/files.rs`.

use std::fs::{self, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::*;

/// A directory that is removed when the test ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("agora-files-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Scratch(path)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn mode(path: &Path) -> u32 {
    mode_of(&fs::symlink_metadata(path).unwrap())
}

fn reason<T>(result: io::Result<T>) -> UnsafePath {
    let error = result.err().unwrap();
    match UnsafePath::of(&error).unwrap() {
        UnsafePath::Link(path) => UnsafePath::Link(path.clone()),
        UnsafePath::NotAFile(path) => UnsafePath::NotAFile(path.clone()),
        UnsafePath::HardLink(path) => UnsafePath::HardLink(path.clone()),
        other => panic!("{other}"),
    }
}

#[test]
fn links_are_followed_by_nothing_that_opens_a_file() {
    let scratch = Scratch::new("links");
    let victim = scratch.file("victim", "unharmed");
    let link = scratch.0.join("link");
    for target in [&victim, &scratch.0.join("nothing")] {
        symlink(target, &link).unwrap();
        let expected = UnsafePath::Link(link.clone());
        assert_eq!(reason(open_to_read(&link)), expected);
        assert_eq!(reason(open_to_write(&link)), expected);
        assert_eq!(reason(create(&link)), expected);
        assert_eq!(reason(open_or_create(&link)), expected);
        assert_eq!(reason(open_secret(&link)), expected);
        assert_eq!(reason(check_target(&link)), expected);
        assert_eq!(reason(check_file(&link)), expected);
        let error = create_new(&link, MODE).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        fs::remove_file(&link).unwrap();
    }
    assert_eq!(fs::read_to_string(&victim).unwrap(), "unharmed");
    assert!(!scratch.0.join("nothing").exists());
}

#[test]
fn a_directory_or_a_socket_is_no_file_and_is_not_waited_for() {
    let scratch = Scratch::new("kinds");
    let socket = scratch.0.join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    for path in [&socket, &scratch.0] {
        assert_eq!(reason(open_to_read(path)), UnsafePath::NotAFile(path.clone()));
        assert_eq!(reason(create(path)), UnsafePath::NotAFile(path.clone()));
    }
}

#[test]
fn a_file_with_two_names_is_read_and_not_written() {
    let scratch = Scratch::new("names");
    let victim = scratch.file("victim", "unharmed");
    let other = scratch.0.join("other");
    fs::hard_link(&victim, &other).unwrap();
    assert_eq!(reason(open_to_write(&other)), UnsafePath::HardLink(other.clone()));
    assert_eq!(reason(create(&other)), UnsafePath::HardLink(other.clone()));
    let mut text = String::new();
    open_to_read(&other).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "unharmed");
}

#[test]
fn an_existing_file_is_emptied_and_gets_its_mode() {
    let scratch = Scratch::new("modes");
    let path = scratch.file("data", "before");
    fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
    open_or_create(&path).unwrap();
    assert_eq!((mode(&path), fs::read(&path).unwrap()), (0o640, b"before".to_vec()));
    create(&path).unwrap().write_all(b"new").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    let secret = scratch.0.join("secret");
    create_new(&secret, SECRET_MODE).unwrap();
    assert_eq!(mode(&secret), 0o600);
    open_secret(&secret).unwrap();
    fs::set_permissions(&secret, Permissions::from_mode(0o604)).unwrap();
    let error = open_secret(&secret).unwrap_err().to_string();
    assert!(error.contains("mode 0604") && error.contains("chmod 600"), "{error}");
}

#[test]
fn a_directory_is_made_checked_and_tightened() {
    let scratch = Scratch::new("directory");
    let (above, inner) = (scratch.0.join("above"), scratch.0.join("above/inner"));
    make_directories(&inner).unwrap();
    assert_eq!((mode(&above), mode(&inner)), (0o750, 0o750));
    assert!(!make_directory(&inner).unwrap());
    fs::set_permissions(&inner, Permissions::from_mode(0o2775)).unwrap();
    tighten(&own_directory(&inner).unwrap(), &inner).unwrap();
    assert_eq!(mode(&inner), 0o2750);
    fs::set_permissions(&inner, Permissions::from_mode(0o1777)).unwrap();
    for error in [own_directory(&inner).unwrap_err(), check_parent(&inner).unwrap_err()] {
        let error = error.to_string();
        assert!(error.contains("mode 1777") && error.contains("chmod go-w"), "{error}");
    }
    // A link of the operator leads to the directory; inside of a data directory there are none.
    let link = scratch.0.join("link");
    symlink(&above, &link).unwrap();
    own_directory(&link).unwrap();
    assert_eq!(reason(own_subdirectory(&link)), UnsafePath::Link(link));
    let file = scratch.file("file", "");
    assert!(own_directory(&file).unwrap_err().to_string().contains("is not a directory"));
    check_parent(&scratch.0.join("nothing")).unwrap();
}
