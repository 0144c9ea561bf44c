//! `agora cert`: makes and shows the certificates of a group, its workers and its people.
//!
//! - `holder`: whom a certificate is for; names and their checks.
//! - `authority`, `signing_key`: reads and creates authorities, and issues certificates.
//! - `verify`: whether a server or a client accepts a certificate.
//! - `folder`: files that appear whole, with exact modes, never through a symbolic link.
//! - `issue`, `init`, `show`: the commands.
//!
//! ```text
//! certs/ca.pem  ca.key                        the authorities that all trust, and the key of the newest
//! certs/node-0/   ca.pem  cert.pem  key.pem   one folder for each host and person: --certs DIR
//! certs/client-alice/  ...
//! ```
//!
//! Left out: revocation lists (a new authority takes their place), encrypted private keys, and
//! certificate requests.

mod authority;
mod folder;
mod holder;
mod init;
mod issue;
mod moment;
mod show;
mod signing_key;
mod verify;

use std::path::{Path, PathBuf};

use holder::{Holder, KINDS, Kind};
use issue::Existing;

use super::Failure;
use super::flags::{Flags, Parsed};

const ABOUT: &str =
    "Makes the certificates of a whole group: one folder for each host and person, ready to copy,
and an authority that signs them. A server or client uses a folder by --certs FOLDER. What is
there already is kept: a second run with one more node adds that one.

  agora cert init                 make, rotate or replace the authority alone
  agora cert node N=HOST...       make folders of nodes; likewise worker HOST..., client NAME...,
                                  submit NAME..., admin NAME...
  agora cert show [DIR|FILE]      show certificates and what is wrong with them
  agora cert --renew              renew all certificates, with the same keys

Several hosts of one server are HOST+HOST.";

/// Runs the command.
pub(super) fn run(arguments: &[String]) -> Result<(), Failure> {
    match arguments.split_first() {
        Some((word, rest)) if word == "init" => init::run(rest),
        Some((word, rest)) if word == "show" => show::run(rest),
        Some((word, rest)) => match KINDS.into_iter().find(|kind| kind.word() == word) {
            Some(kind) => run_kind(kind, rest),
            None => run_group(arguments),
        },
        None => run_group(arguments),
    }
}

/// The folders of a whole group.
fn run_group(arguments: &[String]) -> Result<(), Failure> {
    let usage = "agora cert --nodes N=HOST,... [--clients NAME,...] [FLAGS]\n       agora cert init|node|worker|client|submit|admin|show [FLAGS]";
    let flags = issuing_flags(Flags::new(usage, ABOUT))
        .value("group", "the group's name (default agora; that of a market is market)", "NAME")
        .value("nodes", "the group's nodes; the value of --peers is accepted", "N=HOST,...")
        .value("clients", "people and programs that read and write the store", "NAME,...")
        .value("admins", "people who operate the group", "NAME,...")
        .value("workers", "hosts of MapReduce workers", "HOST,...")
        .value("submitters", "people who run jobs on the workers", "NAME,...")
        .value("ca-days", "how long a new authority is valid (default 3650)", "DAYS");
    let parsed = flags.parse(arguments)?;
    parsed.no_arguments()?;
    let group = parsed.text("group").unwrap_or_else(|| "agora".into());
    let mut holders = Vec::new();
    for (flag, kind) in [
        ("nodes", Kind::Node),
        ("workers", Kind::Worker),
        ("submitters", Kind::Submit),
        ("admins", Kind::Admin),
        ("clients", Kind::Client),
    ] {
        if let Some(text) = parsed.text(flag) {
            let found = parse_holders(kind, &text, &group);
            holders.extend(found.map_err(|reason| parsed.wrong(format!("--{flag}: {reason}")))?);
        }
    }
    let existing = existing(&parsed)?;
    if holders.is_empty() && existing != Existing::Renew {
        return Err(
            parsed.wrong("expected --nodes, --clients, --admins, --workers or --submitters")
        );
    }
    issue::run(&parsed, holders, existing, true)
}

/// Folders of one kind.
fn run_kind(kind: Kind, arguments: &[String]) -> Result<(), Failure> {
    let word = kind.word();
    let (operand, about) = match kind {
        Kind::Node => (
            "N=HOST[+HOST]",
            "Makes folders of nodes. A node may speak as itself in its group, and may do what an admin may.",
        ),
        Kind::Worker => ("HOST[+HOST]", "Makes folders of MapReduce workers."),
        Kind::Submit => (
            "NAME",
            "Makes folders of people who run jobs on workers, which is running programs there.",
        ),
        Kind::Admin => (
            "NAME",
            "Makes folders of people who operate groups: membership, transfer, backup, moderation.",
        ),
        Kind::Client => {
            ("NAME", "Makes folders of people and programs that read and write the store.")
        }
    };
    let mut flags =
        issuing_flags(Flags::new(&format!("agora cert {word} {operand}... [FLAGS]"), about));
    if kind == Kind::Node {
        flags = flags.value(
            "group",
            "the group's name (default agora; that of a market is market)",
            "NAME",
        );
    }
    let parsed = flags.parse(arguments)?;
    let group = match kind {
        Kind::Node => parsed.text("group"),
        _ => None,
    };
    let group = group.unwrap_or_else(|| "agora".into());
    let found = parse_holders(kind, &parsed.free().join(","), &group);
    let holders = found.map_err(|reason| parsed.wrong(reason))?;
    if holders.is_empty() {
        return Err(parsed.wrong(format!("expected {operand}")));
    }
    let existing = existing(&parsed)?;
    issue::run(&parsed, holders, existing, false)
}

fn parse_holders(kind: Kind, text: &str, group: &str) -> Result<Vec<Holder>, String> {
    match kind {
        Kind::Node => holder::parse_nodes(text, group),
        Kind::Worker => holder::parse_workers(text),
        Kind::Submit | Kind::Admin | Kind::Client => holder::parse_people(kind, text),
    }
}

/// Flags of all commands that sign.
fn authority_flags(flags: Flags) -> Flags {
    flags
        .value("dir", "the folder of all certificates (default certs)", "DIR")
        .value("ca", "sign with this authority, PEM (default DIR/ca.pem)", "FILE")
        .value("ca-key", "the private key of --ca, PEM", "FILE")
}

fn issuing_flags(flags: Flags) -> Flags {
    authority_flags(flags)
        .value("days", "how long the certificates are valid (default 365)", "DAYS")
        .switch("localhost", "the hosts are also localhost, 127.0.0.1 and ::1")
        .switch("renew", "make new certificates, with the same keys, for folders that exist")
        .switch("force", "replace folders that exist: new keys and new certificates")
}

fn directory(parsed: &Parsed) -> PathBuf {
    let path = parsed.text("dir").unwrap_or_else(|| "certs".into());
    // Without a slash at the end, which would lead through a symbolic link.
    Path::new(&path).components().collect()
}

fn existing(parsed: &Parsed) -> Result<Existing, Failure> {
    match (parsed.is_on("renew"), parsed.is_on("force")) {
        (false, false) => Ok(Existing::Keep),
        (true, false) => Ok(Existing::Renew),
        (false, true) => Ok(Existing::Replace),
        (true, true) => {
            Err(parsed.wrong("--renew keeps the keys, --force replaces them: one of them"))
        }
    }
}

/// A century, the end of any sensible plan.
const MAX_DAYS: u64 = 36_525;

fn days(parsed: &Parsed, flag: &str, default: u64) -> Result<u64, Failure> {
    parsed.number(flag, default, 1..=MAX_DAYS)
}

/// A path, safe for a terminal.
fn shown(path: &Path) -> String {
    path.display().to_string().escape_debug().to_string()
}

impl From<folder::FileError> for Failure {
    fn from(error: folder::FileError) -> Failure {
        Failure::Failed(error.to_string())
    }
}
