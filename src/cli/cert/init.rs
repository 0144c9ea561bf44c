//! `agora cert init`: the authority of a folder of certificates, and its rotation.

use std::fs::{self, Metadata};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::authority::{Authority, Read, parse_certificates};
use super::folder::{
    CERTIFICATE_MODE, FileError, Folder, KEY_MODE, is_readable_by_others, read_file,
};
use super::moment::{date, now_s};
use super::signing_key::AuthorityKey;
use super::{authority_flags, days, directory, shown, verify};
use crate::cli::Failure;
use crate::cli::flags::{Flags, Parsed};

pub(super) const AUTHORITIES: &str = "ca.pem";
pub(super) const AUTHORITY_KEY: &str = "ca.key";
pub(super) const CERTIFICATE: &str = "cert.pem";
pub(super) const KEY: &str = "key.pem";

const DEFAULT_DAYS: u64 = 3650;

const ABOUT: &str = "Makes the authority that signs all certificates: DIR/ca.pem and DIR/ca.key. With --ca and --ca-key
an authority that exists is used; its key is not copied.

--rotate replaces it without an interruption: DIR/ca.pem and the ca.pem of all folders hold the new
authority and the old ones. When every host has the new ca.pem, `agora cert --renew` makes new
certificates, and when every host has those, --drop-old removes the old authorities.";

/// Runs the command.
pub(super) fn run(arguments: &[String]) -> Result<(), Failure> {
    let flags = authority_flags(Flags::new("agora cert init [FLAGS]", ABOUT))
        .value("ca-days", "how long the authority is valid (default 3650)", "DAYS")
        .switch("rotate", "a new authority beside the old one, which stays trusted")
        .switch("drop-old", "trust the newest authority alone")
        .switch("force", "replace the authority, or drop one that has signed certificates in use");
    let parsed = flags.parse(arguments)?;
    parsed.no_arguments()?;
    let (rotates, drops) = (parsed.is_on("rotate"), parsed.is_on("drop-old"));
    if rotates && drops {
        return Err(parsed.wrong("--rotate begins a change, --drop-old ends it: one of them"));
    }
    let root = match rotates || drops {
        true => existing_root(&parsed)?,
        false => Folder::open_or_create(&directory(&parsed))?,
    };
    let _lock = root.lock()?;
    if drops {
        return drop_old(&parsed, &root);
    }
    let old = root.read(AUTHORITIES)?;
    let has_key = root.read(AUTHORITY_KEY)?.is_some();
    match old {
        Some(old) if rotates => rotate(&parsed, &root, &old),
        None if rotates => Err(about(&root, AUTHORITIES, "there is nothing to rotate").into()),
        old if (old.is_some() || has_key) && !parsed.is_on("force") => {
            let name = if old.is_some() { AUTHORITIES } else { AUTHORITY_KEY };
            let reason = "exists: --rotate adds a new authority, --force replaces it";
            Err(about(&root, name, reason).into())
        }
        _ => {
            let (certificates, key) = new_authority(&parsed)?;
            store(&root, &certificates, key.as_deref())?;
            say(&format!("{}  {}", shown(&root.path().join(AUTHORITIES)), describe(&certificates)?))
        }
    }
}

pub(super) fn existing_root(parsed: &Parsed) -> Result<Folder, Failure> {
    let path = directory(parsed);
    let root = Folder::open(&path)?;
    Ok(root.ok_or_else(|| FileError::new(&path, "no such folder: agora cert init makes it"))?)
}

/// An error about a file of the folder.
fn about(root: &Folder, name: &str, reason: &str) -> FileError {
    FileError::new(&root.path().join(name), reason)
}

/// The authority that flags name, or a new one: certificates, and the key if it is new.
fn new_authority(parsed: &Parsed) -> Result<(String, Option<String>), Failure> {
    if let Some((authorities, _)) = flagged(parsed)? {
        return Ok((authorities.iter().map(|read| read.pem.as_str()).collect(), None));
    }
    let (certificate, key) = created(parsed)?;
    Ok((certificate, Some(key)))
}

/// The authority that `--ca` and `--ca-key` name.
pub(super) fn flagged(parsed: &Parsed) -> Result<Flagged, Failure> {
    let (file, key) = match (parsed.text("ca"), parsed.text("ca-key")) {
        (Some(file), Some(key)) => (PathBuf::from(file), PathBuf::from(key)),
        (None, None) => return Ok(None),
        _ => return Err(parsed.wrong("--ca and --ca-key belong together")),
    };
    let (certificates, _) = read_file(&file)?;
    let certificates =
        parse_certificates(&certificates).map_err(|reason| FileError::new(&file, reason))?;
    let (key_text, metadata) = read_file(&key)?;
    check_secret(&key, &metadata)?;
    let authority = load(&certificates, &key_text, &file, &key)?;
    Ok(Some((certificates, authority)))
}

fn load(
    certificates: &[Read],
    key_text: &str,
    file: &Path,
    key_file: &Path,
) -> Result<Authority, FileError> {
    let key = AuthorityKey::parse(key_text).map_err(|reason| FileError::new(key_file, reason))?;
    let authority = Authority::load(certificates, key, now_s());
    authority.map_err(|reason| FileError::new(file, reason))
}

/// The authority of a folder.
pub(super) struct Found {
    /// All authorities that `ca.pem` holds, or will hold.
    pub(super) trusted: Vec<Read>,
    /// The one that signs.
    pub(super) authority: Authority,
    /// Not written yet: `ca.pem`, and `ca.key` of a new authority.
    unwritten: Option<(String, Option<String>)>,
}

impl Found {
    /// Writes the authority if the folder does not have it yet.
    pub(super) fn write(&self, root: &Folder) -> Result<(), Failure> {
        let Some((certificates, key)) = &self.unwritten else { return Ok(()) };
        store(root, certificates, key.as_deref())?;
        say(&format!("{}  {}", shown(&root.path().join(AUTHORITIES)), describe(certificates)?))
    }
}

/// The authority that flags name: all certificates of the file, and the one that signs.
pub(super) type Flagged = Option<(Vec<Read>, Authority)>;

/// The authority of a folder, which must be that of the flags, if they name one. `None` if there is
/// none yet.
pub(super) fn authority(root: &Folder, flagged: Flagged) -> Result<Option<Found>, Failure> {
    let file = root.path().join(AUTHORITIES);
    let trusted = root.read(AUTHORITIES)?.map(|text| parse_certificates(&text));
    let trusted = trusted.transpose().map_err(|reason| FileError::new(&file, reason))?;
    match (trusted, flagged) {
        (Some(trusted), Some((_, authority))) => {
            if trusted.iter().any(|read| read.der == authority.certificate.der) {
                return Ok(Some(Found { trusted, authority, unwritten: None }));
            }
            let reason = "does not contain the authority of --ca: agora cert init --rotate adds it";
            Err(FileError::new(&file, reason).into())
        }
        (None, Some((trusted, authority))) => {
            let unwritten = Some((pem(&trusted), None));
            Ok(Some(Found { trusted, authority, unwritten }))
        }
        (Some(trusted), None) => {
            let reason = "missing: say where the authority's key is by --ca and --ca-key";
            let key = root.read(AUTHORITY_KEY)?;
            let key = key.ok_or_else(|| about(root, AUTHORITY_KEY, reason))?;
            let key_file = root.path().join(AUTHORITY_KEY);
            let metadata =
                fs::metadata(&key_file).map_err(|error| FileError::new(&key_file, error))?;
            check_secret(&key_file, &metadata)?;
            let authority = load(&trusted, &key, &file, &key_file)?;
            Ok(Some(Found { trusted, authority, unwritten: None }))
        }
        (None, None) => match root.read(AUTHORITY_KEY)? {
            None => Ok(None),
            Some(_) => Err(about(root, AUTHORITIES, "missing, though there is ca.key").into()),
        },
    }
}

fn check_secret(file: &Path, metadata: &Metadata) -> Result<(), FileError> {
    match is_readable_by_others(metadata) {
        true => Err(FileError::new(file, "others can read this private key: chmod 600")),
        false => Ok(()),
    }
}

/// A new authority.
pub(super) fn create(root: &Folder, parsed: &Parsed) -> Result<Found, Failure> {
    let (certificate, key) = created(parsed)?;
    let file = root.path().join(AUTHORITIES);
    let trusted =
        parse_certificates(&certificate).map_err(|reason| FileError::new(&file, reason))?;
    let authority = load(&trusted, &key, &file, &root.path().join(AUTHORITY_KEY))?;
    Ok(Found { trusted, authority, unwritten: Some((certificate, Some(key))) })
}

fn created(parsed: &Parsed) -> Result<(String, String), Failure> {
    let days = days(parsed, "ca-days", DEFAULT_DAYS)?;
    Authority::create(now_s(), days).map_err(|reason| Failure::because("no authority", reason))
}

/// Writes the certificates, then the key. In between the authority that signs is the old one: it is
/// found by its key.
fn store(root: &Folder, certificates: &str, key: Option<&str>) -> Result<(), FileError> {
    root.replace(AUTHORITIES, CERTIFICATE_MODE, certificates)?;
    match key {
        Some(key) => root.replace(AUTHORITY_KEY, KEY_MODE, key),
        None => Ok(()),
    }
}

fn rotate(parsed: &Parsed, root: &Folder, old: &str) -> Result<(), Failure> {
    let file = root.path().join(AUTHORITIES);
    let words = |reason: String| FileError::new(&file, reason);
    let old = parse_certificates(old).map_err(words)?;
    let (new, key) = new_authority(parsed)?;
    let mut trusted = parse_certificates(&new).map_err(words)?;
    let still: Vec<Read> =
        old.into_iter().filter(|read| trusted.iter().all(|new| new.der != read.der)).collect();
    trusted.extend(still);
    let text = pem(&trusted);
    store(root, &text, key.as_deref())?;
    if key.is_none() {
        // It would sign as the old authority.
        root.remove(AUTHORITY_KEY)?;
    }
    let folders = distribute(root, &text)?;
    say(&format!("{}  {}", shown(&file), describe(&new)?))?;
    say(&format!(
        "{} authorities are in {} and in {folders} folders: copy ca.pem to every host, then agora cert --renew",
        trusted.len(),
        shown(&file)
    ))
}

fn drop_old(parsed: &Parsed, root: &Folder) -> Result<(), Failure> {
    let Some(Found { trusted, authority, .. }) = authority(root, flagged(parsed)?)? else {
        return Err(about(root, AUTHORITIES, "there is no authority").into());
    };
    let newest = [authority.certificate];
    for name in root.names()? {
        let Ok(Some(folder)) = root.folder(&name) else { continue };
        let Some(text) = folder.read(CERTIFICATE)? else { continue };
        let file = folder.path().join(CERTIFICATE);
        let chain = parse_certificates(&text).map_err(|reason| FileError::new(&file, reason))?;
        if let Err(reason) = verify::as_client(&chain, &newest)
            && !parsed.is_on("force")
        {
            let reason = format!(
                "not of the newest authority ({reason}): agora cert --renew first, or --force"
            );
            return Err(FileError::new(&file, reason).into());
        }
    }
    let text = pem(&newest);
    let folders = distribute(root, &text)?;
    root.replace(AUTHORITIES, CERTIFICATE_MODE, &text)?;
    say(&format!(
        "{} and {folders} folders trust the newest authority alone, {} dropped: copy ca.pem to \
         every host",
        shown(&root.path().join(AUTHORITIES)),
        trusted.len() - newest.len()
    ))
}

/// Gives all folders these authorities. Says how many there are.
pub(super) fn distribute(root: &Folder, text: &str) -> Result<usize, FileError> {
    let mut count = 0;
    for name in root.names()? {
        // Files of the folder itself are none.
        if !root.is_folder(&name) {
            continue;
        }
        let Some(folder) = root.folder(&name)? else { continue };
        let Some(old) = folder.read(AUTHORITIES)? else { continue };
        if old != text {
            folder.replace(AUTHORITIES, CERTIFICATE_MODE, text)?;
        }
        count += 1;
    }
    Ok(count)
}

pub(super) fn pem(certificates: &[Read]) -> String {
    certificates.iter().map(|read| read.pem.as_str()).collect()
}

/// One line about the first certificate of a text.
fn describe(certificates: &str) -> Result<String, Failure> {
    let read = parse_certificates(certificates);
    let read = read.map_err(|reason| Failure::because("the authority", reason))?;
    let Some(first) = read.first() else { return Ok(String::new()) };
    let subject = first.fields.subject.to_string();
    Ok(format!("{}, valid until {}", subject.escape_debug(), date(first.fields.not_after_s)))
}

/// Prints a line of the result.
pub(super) fn say(line: &str) -> Result<(), Failure> {
    writeln!(std::io::stdout(), "{line}").map_err(|error| Failure::because("stdout", error))
}
