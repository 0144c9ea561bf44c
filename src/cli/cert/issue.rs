//! Makes the folders of nodes, workers and people.
//!
//! All certificates are made and checked before the first one is written, so a wrong flag leaves
//! nothing behind.

use rcgen::KeyPair;

use super::authority::{Authority, Read, parse_certificates};
use super::folder::{CERTIFICATE_MODE, FileError, Folder, KEY_MODE};
use super::holder::{Holder, KINDS, check_distinct};
use super::init::{self, AUTHORITIES, CERTIFICATE, KEY, say};
use super::moment::{date, now_s};
use super::{days, directory, shown, verify};
use crate::cli::Failure;
use crate::cli::flags::Parsed;

const DEFAULT_DAYS: u64 = 365;

/// What happens to a folder that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Existing {
    /// It is kept; an error if it is for other names.
    Keep,
    /// It gets a new certificate for the same key: no moment has a key without its certificate.
    Renew,
    /// It gets a new key and a new certificate.
    Replace,
}

/// A folder, made in memory.
struct Made {
    folder: String,
    /// What is printed about it.
    what: String,
    /// Certificates and keys to write; empty for a folder that is kept.
    files: Vec<(&'static str, u32, String)>,
    is_new: bool,
}

/// Makes these folders, or renews all that exist if there are none.
pub(super) fn run(
    parsed: &Parsed,
    mut holders: Vec<Holder>,
    existing: Existing,
    may_create_authority: bool,
) -> Result<(), Failure> {
    check_distinct(&holders).map_err(|reason| parsed.wrong(reason))?;
    let days = days(parsed, "days", DEFAULT_DAYS)?;
    let flagged = init::flagged(parsed)?;
    let root = match may_create_authority && !holders.is_empty() {
        true => Folder::open_or_create(&directory(parsed))?,
        false => init::existing_root(parsed)?,
    };
    let _lock = root.lock()?;
    if holders.is_empty() {
        holders = all_holders(&root)?;
    }
    if parsed.is_on("localhost") {
        let servers = holders.iter_mut().filter(|holder| holder.kind.is_server());
        servers.for_each(Holder::add_localhost);
    }
    let found = match init::authority(&root, flagged)? {
        Some(found) => found,
        None if may_create_authority => init::create(&root, parsed)?,
        None => {
            let file = root.path().join(AUTHORITIES);
            return Err(FileError::new(&file, "missing: agora cert init makes it").into());
        }
    };
    let issuer = Issuer { root: &root, trusted: &found.trusted, authority: &found.authority, days };
    let made = holders.iter().map(|holder| issuer.make(holder, existing));
    let made = made.collect::<Result<Vec<Made>, Failure>>()?;
    found.write(&root)?;
    init::distribute(&root, &init::pem(&found.trusted))?;
    let width = made.iter().map(|made| made.folder.len()).max().unwrap_or(0);
    for made in made {
        issuer.write(&made)?;
        let padding = width - made.folder.len();
        let path = shown(&root.path().join(&made.folder));
        say(&format!("{path}{:padding$}  {}", "", made.what))?;
    }
    Ok(())
}

/// The holders of all folders that this command has made.
fn all_holders(root: &Folder) -> Result<Vec<Holder>, Failure> {
    let mut holders = Vec::new();
    for name in root.names()? {
        let kind = name.split_once('-').map(|(word, _)| word);
        if !KINDS.into_iter().any(|known| Some(known.word()) == kind) {
            continue;
        }
        let Some(folder) = root.folder(&name)? else { continue };
        let file = folder.path().join(CERTIFICATE);
        let read = read_certificate(&folder)?;
        let holder = Holder::of_folder(&name, &read.fields.uris, &read.fields.hosts);
        let reason = "not a certificate that agora cert makes for a folder of this name";
        holders.push(holder.ok_or_else(|| FileError::new(&file, reason))?);
    }
    match holders.is_empty() {
        true => Err(FileError::new(root.path(), "there is nothing to renew").into()),
        false => Ok(holders),
    }
}

fn read_certificate(folder: &Folder) -> Result<Read, FileError> {
    let file = folder.path().join(CERTIFICATE);
    let text = folder.read(CERTIFICATE)?;
    let text = text.ok_or_else(|| FileError::new(&file, "missing: --force makes a new one"))?;
    let read = parse_certificates(&text).map_err(|reason| FileError::new(&file, reason))?;
    read.into_iter().next().ok_or_else(|| FileError::new(&file, "no certificate"))
}

struct Issuer<'a> {
    root: &'a Folder,
    trusted: &'a [Read],
    authority: &'a Authority,
    days: u64,
}

impl Issuer<'_> {
    fn make(&self, holder: &Holder, existing: Existing) -> Result<Made, Failure> {
        let Some(folder) = self.root.folder(&holder.folder())? else {
            return self.with_new_key(holder, true);
        };
        match existing {
            Existing::Keep => kept(holder, &folder),
            Existing::Renew => {
                let file = folder.path().join(KEY);
                let text = folder.read(KEY)?;
                let text =
                    text.ok_or_else(|| FileError::new(&file, "missing: --force makes a new one"))?;
                let key = KeyPair::from_pem(&text).map_err(|error| {
                    FileError::new(&file, format!("{error}: --force makes a new one"))
                })?;
                let (certificate, until) = self.issue(holder, &key)?;
                Ok(Made {
                    folder: holder.folder(),
                    what: format!("{holder}, renewed until {until}"),
                    files: vec![(CERTIFICATE, CERTIFICATE_MODE, certificate)],
                    is_new: false,
                })
            }
            Existing::Replace => self.with_new_key(holder, false),
        }
    }

    fn with_new_key(&self, holder: &Holder, is_new: bool) -> Result<Made, Failure> {
        let key = KeyPair::generate().map_err(|error| Failure::because("no key", error))?;
        let (certificate, until) = self.issue(holder, &key)?;
        Ok(Made {
            folder: holder.folder(),
            what: format!("{holder}, valid until {until}"),
            files: vec![
                (KEY, KEY_MODE, key.serialize_pem()),
                (CERTIFICATE, CERTIFICATE_MODE, certificate),
            ],
            is_new,
        })
    }

    /// A certificate that servers and clients accept, and the end of its validity.
    fn issue(&self, holder: &Holder, key: &KeyPair) -> Result<(String, String), Failure> {
        let failed =
            |reason: String| Failure::because(&format!("no certificate for {holder}"), reason);
        let pem = self.authority.issue(holder, key, now_s(), self.days).map_err(failed)?;
        let chain = parse_certificates(&pem).map_err(failed)?;
        // Names that rcgen does not reproduce exactly, and constraints of the authority.
        let checked = verify::as_client(&chain, self.trusted).and_then(|()| {
            let mut hosts = holder.hosts.iter();
            hosts.try_for_each(|host| verify::as_server(&chain, self.trusted, &host.to_string()))
        });
        checked.map_err(|reason| {
            failed(format!("with this authority it would be refused: {reason}"))
        })?;
        let until = chain.first().map_or(0, |read| read.fields.not_after_s);
        Ok((pem, date(until)))
    }

    fn write(&self, made: &Made) -> Result<(), FileError> {
        if made.is_new {
            let authorities = init::pem(self.trusted);
            let mut files = vec![(AUTHORITIES, CERTIFICATE_MODE, authorities.as_str())];
            files.extend(made.files.iter().map(|(name, mode, text)| (*name, *mode, text.as_str())));
            return self.root.create_folder(&made.folder, &files);
        }
        let Some(folder) = self.root.folder(&made.folder)? else { return Ok(()) };
        made.files.iter().try_for_each(|(name, mode, text)| folder.replace(name, *mode, text))
    }
}

/// A folder that exists, if its certificate is for the same names.
fn kept(holder: &Holder, folder: &Folder) -> Result<Made, Failure> {
    let read = read_certificate(folder)?;
    let old = Holder::of_folder(&holder.folder(), &read.fields.uris, &read.fields.hosts);
    let is_same = old.as_ref().is_some_and(|old| {
        let (mut hosts, mut wanted) = (old.hosts.clone(), holder.hosts.clone());
        hosts.sort();
        wanted.sort();
        old.role == holder.role && hosts == wanted
    });
    if !is_same {
        let old = old.map_or("something else".into(), |old| old.to_string());
        let reason = format!("is for {old}, not for {holder}: --renew changes it");
        return Err(FileError::new(folder.path(), reason).into());
    }
    let until = date(read.fields.not_after_s);
    let what = format!("{holder}, kept, valid until {until}");
    Ok(Made { folder: holder.folder(), what, files: Vec::new(), is_new: false })
}
