//! `agora cert show`: what certificates say, in words, and what is wrong with them.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use rustls::SupportedCipherSuite;
use rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;

use super::authority::{Read, parse_certificates};
use super::folder::{FileError, is_readable_by_others, read_file};
use super::init::{AUTHORITIES, AUTHORITY_KEY, CERTIFICATE, KEY, say};
use super::moment::{DAY_S, date, now_s};
use super::signing_key::AuthorityKey;
use super::{shown, verify};
use crate::call::Role;
use crate::cli::Failure;
use crate::cli::flags::Flags;

/// Certificates that end sooner are a problem.
const SOON_DAYS: i64 = 14;

const ABOUT: &str = "Shows the certificates of a file, of a folder, or of a folder of folders (default certs). Exit status 1
if there is a problem: a certificate that has expired or does so within 14 days, that ca.pem does
not cover, or whose key is missing, is another one, or can be read by others.";

/// Runs the command.
pub(super) fn run(arguments: &[String]) -> Result<(), Failure> {
    let parsed = Flags::new("agora cert show [DIR|FILE]", ABOUT).parse(arguments)?;
    let path = match parsed.free() {
        [] => PathBuf::from("certs"),
        [path] => PathBuf::from(path),
        [_, more, ..] => return Err(parsed.wrong(format!("unexpected argument {more:?}"))),
    };
    let mut report = Report::default();
    match fs::metadata(&path).map_err(|error| FileError::new(&path, error))?.is_dir() {
        true => report.folder_of_folders(&path)?,
        false => report.file(&path)?,
    }
    say(report.text.trim_end())?;
    match report.problems {
        0 => Ok(()),
        1 => Err(Failure::Failed(format!("{}: one problem", shown(&path)))),
        count => Err(Failure::Failed(format!("{}: {count} problems", shown(&path)))),
    }
}

#[derive(Default)]
struct Report {
    text: String,
    problems: usize,
}

impl Report {
    fn folder_of_folders(&mut self, path: &Path) -> Result<(), FileError> {
        self.folder(path)?;
        let unreadable = |error| FileError::new(path, error);
        let mut folders = Vec::new();
        for entry in fs::read_dir(path).map_err(unreadable)? {
            let folder = entry.map_err(unreadable)?.path();
            if folder.join(CERTIFICATE).is_file() {
                folders.push(folder);
            }
        }
        folders.sort();
        for folder in &folders {
            self.folder(folder)?;
        }
        match self.text.is_empty() {
            true => Err(FileError::new(path, "contains neither ca.pem nor cert.pem")),
            false => Ok(()),
        }
    }

    /// A folder as `--certs` takes it, or the one that holds the authority.
    fn folder(&mut self, path: &Path) -> Result<(), FileError> {
        let read = |name: &str| {
            let file = path.join(name);
            file.exists().then(|| read_certificates(&file)).transpose()
        };
        let (authorities, chain) = (read(AUTHORITIES)?, read(CERTIFICATE)?);
        let has_key = path.join(AUTHORITY_KEY).exists();
        if let Some(authorities) = authorities.as_ref().filter(|_| has_key || chain.is_none()) {
            for authority in authorities {
                self.certificate(&path.join(AUTHORITIES), authority);
            }
            if has_key {
                self.key(&path.join(AUTHORITY_KEY), authorities)?;
            }
        }
        let Some(chain) = chain else { return Ok(()) };
        for certificate in &chain {
            self.certificate(&path.join(CERTIFICATE), certificate);
        }
        self.key(&path.join(KEY), chain.get(..1).unwrap_or_default())?;
        match authorities {
            None => self.problem("there is no ca.pem"),
            Some(authorities) => self.chain(&chain, &authorities),
        }
        Ok(())
    }

    fn file(&mut self, path: &Path) -> Result<(), FileError> {
        for certificate in read_certificates(path)? {
            self.certificate(path, &certificate);
        }
        Ok(())
    }

    fn line(&mut self, name: &str, value: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "  {name:<9} {value}");
    }

    fn problem(&mut self, what: &str) {
        self.problems += 1;
        self.line("PROBLEM", what);
    }

    fn certificate(&mut self, file: &Path, read: &Read) {
        let fields = &read.fields;
        let _ = writeln!(self.text, "{}", shown(file));
        self.line("subject", &fields.subject.to_string().escape_debug().to_string());
        for right in rights(read) {
            self.line("may", &right);
        }
        if !fields.hosts.is_empty() {
            self.line("hosts", &fields.hosts.join(", ").escape_debug().to_string());
        }
        self.line("issuer", &fields.issuer.to_string().escape_debug().to_string());
        self.line("serial", &hexadecimal(&fields.serial));
        self.line("sha-256", &fingerprint(&read.der));
        let (from, until) = (fields.not_before_s, fields.not_after_s);
        let now_s = i64::try_from(now_s()).unwrap_or(i64::MAX);
        let left_s = until.saturating_sub(now_s);
        // To the nearest, so that a certificate of a year has 365 days when it is new.
        let days = left_s.saturating_add(DAY_S.cast_signed() / 2).div_euclid(DAY_S.cast_signed());
        let left = if until < now_s { String::new() } else { format!(" ({days} days left)") };
        self.line("valid", &format!("{} to {}{left}", date(from), date(until)));
        if until < now_s {
            self.problem("it has expired");
        } else if left_s < SOON_DAYS * DAY_S.cast_signed() {
            self.problem(&format!("it expires in {days} days"));
        }
        if from > now_s {
            self.problem("it is not valid yet");
        }
    }

    /// A private key of one of these certificates.
    fn key(&mut self, file: &Path, certificates: &[Read]) -> Result<(), FileError> {
        let name = shown(Path::new(file.file_name().unwrap_or_default()));
        if !file.exists() {
            self.problem(&format!("{name} is missing"));
            return Ok(());
        }
        let (text, metadata) = read_file(file)?;
        match AuthorityKey::parse(&text) {
            Err(reason) => self.problem(&format!("{name}: {reason}")),
            Ok(key)
                if certificates.iter().any(|read| read.fields.public_key == key.public_key()) =>
            {
                self.line("key", &format!("{name} belongs to it"));
            }
            Ok(_) => self.problem(&format!("{name} is not its key")),
        }
        if is_readable_by_others(&metadata) {
            self.problem(&format!("others can read {name}: chmod 600"));
        }
        Ok(())
    }

    fn chain(&mut self, chain: &[Read], authorities: &[Read]) {
        if let Err(reason) = verify::as_client(chain, authorities) {
            self.problem(&format!("servers refuse it: {reason}"));
        }
        let hosts = chain.first().map(|read| read.fields.hosts.clone()).unwrap_or_default();
        if let Some(host) = hosts.first()
            && let Err(reason) = verify::as_server(chain, authorities, host)
        {
            self.problem(&format!("clients refuse a server with it: {reason}"));
        }
    }
}

fn read_certificates(file: &Path) -> Result<Vec<Read>, FileError> {
    let (text, _) = read_file(file)?;
    parse_certificates(&text).map_err(|reason| FileError::new(file, reason))
}

/// What the owner of a certificate may do, in words.
fn rights(read: &Read) -> Vec<String> {
    let fields = &read.fields;
    if fields.is_authority {
        return vec!["sign certificates".into()];
    }
    let identity = fields.identity();
    let mut rights: Vec<String> = identity.roles.iter().map(words).collect();
    if !identity.is_for_agora {
        rights.push(
            "read and write the store; speak as a node, if the node's host is one of these".into(),
        );
    } else if rights.is_empty() {
        let uris = fields.uris.join(", ");
        rights.push(format!("do nothing: {} is no role", uris.escape_debug()));
    }
    rights
}

fn words(role: &Role) -> String {
    match role {
        Role::Node { group, id } => format!(
            "speak as node {id} of group {}, and do what an admin may",
            group.escape_debug()
        ),
        Role::Worker => "serve tasks, and fetch map output from other workers".into(),
        Role::Submit => "open jobs on workers, which is running programs there".into(),
        Role::Admin => "operate groups (membership, transfer, backup, moderation), and read and write the store".into(),
        Role::Client { name } => format!("read and write the store, as {}", name.escape_debug()),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

/// SHA-256 of a certificate, as `openssl x509 -fingerprint -sha256` writes it.
fn fingerprint(der: &[u8]) -> String {
    match TLS13_AES_128_GCM_SHA256 {
        SupportedCipherSuite::Tls13(suite) => {
            hexadecimal(suite.common.hash_provider.hash(der).as_ref())
        }
        _ => String::new(),
    }
}
