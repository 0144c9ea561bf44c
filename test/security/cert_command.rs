//! `agora cert`: what it makes, what it refuses, and a group that runs on it.

mod authorities;
mod files;
mod group;
mod rotation;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::process::{AGORA, CommandOutput, TestDirectory};

/// A working directory in which commands run.
struct Place(TestDirectory);

impl Place {
    fn new() -> Place {
        Place(TestDirectory::new())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.0.join(name)
    }

    fn run(&self, program: &str, line: &str) -> CommandOutput {
        let mut command = Command::new(program);
        command.args(line.split_whitespace()).current_dir(&self.0.0).stdin(Stdio::null());
        CommandOutput::of(command.env_remove("RUST_LOG").output().unwrap())
    }

    /// `agora cert` with these arguments.
    fn cert(&self, line: &str) -> CommandOutput {
        self.run(AGORA, &format!("cert {line}"))
    }

    /// The same; fails the test if it fails.
    #[track_caller]
    fn cert_ok(&self, line: &str) -> String {
        let output = self.cert(line);
        assert_eq!(output.code, 0, "agora cert {line}: {}", output.stderr);
        output.stdout
    }

    /// The reason for which it fails with this status.
    #[track_caller]
    fn cert_fails(&self, code: i32, line: &str) -> String {
        let output = self.cert(line);
        assert_eq!(output.code, code, "agora cert {line}: {}", output.stderr);
        output.stderr
    }

    /// Runs openssl; fails the test if it fails.
    #[track_caller]
    fn openssl(&self, line: &str) -> String {
        let output = self.run("openssl", line);
        assert_eq!(output.code, 0, "openssl {line}: {}{}", output.stdout, output.stderr);
        output.stdout
    }

    /// All files and folders below a folder: name, mode and content.
    fn contents(&self, name: &str) -> BTreeMap<String, (u32, Vec<u8>)> {
        fn walk(root: &Path, path: &Path, found: &mut BTreeMap<String, (u32, Vec<u8>)>) {
            let metadata = fs::symlink_metadata(path).unwrap();
            let content = if metadata.is_file() { fs::read(path).unwrap() } else { Vec::new() };
            let name = path.strip_prefix(root).unwrap().display().to_string();
            found.insert(name, (metadata.permissions().mode() & 0o7777, content));
            if metadata.is_dir() {
                for entry in fs::read_dir(path).unwrap() {
                    walk(root, &entry.unwrap().path(), found);
                }
            }
        }
        let mut found = BTreeMap::new();
        if self.path(name).exists() {
            walk(&self.0.0, &self.path(name), &mut found);
        }
        found
    }
}

const GROUP: &str = "--group agora --nodes 0=10.0.0.1,1=vm1.example+10.0.0.2,2=[fd00::3]:7000 \
                     --clients alice,bob --admins ops --workers w1.example --submitters sue";
const FOLDERS: [&str; 8] = [
    "node-0",
    "node-1",
    "node-2",
    "client-alice",
    "client-bob",
    "admin-ops",
    "worker-w1.example",
    "submit-sue",
];

#[test]
fn one_command_makes_the_folders_of_a_group_and_openssl_accepts_them() {
    let place = Place::new();
    place.cert_ok(GROUP);
    for folder in FOLDERS {
        let verify = "verify -x509_strict -CAfile certs/ca.pem -purpose";
        place.openssl(&format!("{verify} sslclient certs/{folder}/cert.pem"));
        let is_server = folder.starts_with("node") || folder.starts_with("worker");
        let server = format!("{verify} sslserver certs/{folder}/cert.pem");
        assert_eq!(place.run("openssl", &server).code == 0, is_server, "{folder}");
        let key = place.openssl(&format!("pkey -pubout -in certs/{folder}/key.pem"));
        let own = place.openssl(&format!("x509 -pubkey -noout -in certs/{folder}/cert.pem"));
        assert_eq!(key, own);
    }
    let verify = "verify -CAfile certs/ca.pem -purpose sslserver";
    place.openssl(&format!("{verify} -verify_hostname vm1.example certs/node-1/cert.pem"));
    place.openssl(&format!("{verify} -verify_ip 10.0.0.2 certs/node-1/cert.pem"));
    place.openssl(&format!("{verify} -verify_ip fd00::3 certs/node-2/cert.pem"));
    let foreign = format!("{verify} -verify_ip 10.0.0.2 certs/node-0/cert.pem");
    assert_ne!(place.run("openssl", &foreign).code, 0);
    let names = place.openssl("x509 -noout -ext subjectAltName -in certs/node-1/cert.pem");
    let wanted = "URI:agora:node/agora/1, DNS:vm1.example, IP Address:10.0.0.2";
    assert!(names.contains(wanted), "{names}");
    let authority = place.openssl("x509 -noout -ext basicConstraints,keyUsage -in certs/ca.pem");
    assert!(authority.contains("CA:TRUE, pathlen:0"), "{authority}");
    assert!(authority.contains("Certificate Sign, CRL Sign"), "{authority}");
}

#[test]
fn a_second_run_adds_only_what_is_new() {
    let place = Place::new();
    place.cert_ok(GROUP);
    let before = place.contents("certs");
    place.cert_ok("node 3=10.0.0.4");
    place.cert_ok("--nodes 0=10.0.0.1:7000,1=10.0.0.2:7000+vm1.example,4=10.0.0.5 --clients carol");
    let after = place.contents("certs");
    for (name, old) in &before {
        assert_eq!(after.get(name), Some(old), "{name}");
    }
    let mut new: Vec<&String> = after.keys().filter(|name| !before.contains_key(*name)).collect();
    new.retain(|name| !name.ends_with(".pem"));
    assert_eq!(new, ["certs/client-carol", "certs/node-3", "certs/node-4"]);
}

#[test]
fn wrong_use_is_explained_and_leaves_nothing_behind() {
    let place = Place::new();
    for (line, reason) in [
        ("", "expected --nodes"),
        ("bake", "unexpected argument \"bake\""),
        ("--nodes 0", "expected N=HOST"),
        ("--nodes 0=a,0=b", "node-0 is there twice"),
        ("--nodes 0=a --clients x/../y", "a name is made of"),
        ("--nodes 0=a --clients \u{430}lice", "a name is made of"),
        ("--nodes 0=a --group ..", "a name is made of"),
        ("--nodes 0=a b", "unexpected argument \"b\""),
        ("--nodes 0=a --days 0", "expected 1 to"),
        ("--nodes 0=a --days 99999999999999999999", "--days"),
        ("--nodes 0=a --ca x.pem", "--ca and --ca-key belong together"),
        ("--nodes 0=a --renew --force", "one of them"),
        ("--force", "expected --nodes"),
        ("client", "expected NAME"),
        ("node 0", "expected N=HOST"),
        ("init --rotate --drop-old", "one of them"),
        ("show a b", "unexpected argument \"b\""),
    ] {
        let said = place.cert_fails(2, line);
        assert!(said.contains(reason), "agora cert {line}: {said}");
    }
    for (line, reason) in [
        ("--renew", "certs: no such folder"),
        ("client alice", "certs: no such folder: agora cert init makes it"),
        ("init --rotate", "certs: no such folder"),
        ("init --drop-old", "certs: no such folder"),
        ("show", "certs: No such file"),
        ("--nodes 0=a --ca x.pem --ca-key x.key", "x.pem: No such file"),
    ] {
        let said = place.cert_fails(1, line);
        assert!(said.contains(reason), "agora cert {line}: {said}");
    }
    assert_eq!(fs::read_dir(place.path(".")).unwrap().count(), 0);
}

#[test]
fn what_exists_is_replaced_only_on_request() {
    let place = Place::new();
    place.cert_ok(GROUP);
    let before = place.contents("certs");
    for (line, reason) in [
        ("node 0=10.0.0.9", "is for node 0 of group agora at 10.0.0.1, not for"),
        ("node 0=10.0.0.1 --group market", "not for node 0 of group market"),
        ("init", "--rotate adds a new authority, --force replaces it"),
    ] {
        let said = place.cert_fails(1, line);
        assert!(said.contains(reason), "agora cert {line}: {said}");
    }
    assert_eq!(place.contents("certs"), before);

    let said = place.cert_ok("node 0=10.0.0.9 --renew --days 3");
    assert!(said.contains("node 0 of group agora at 10.0.0.9, renewed until "), "{said}");
    let renewed = place.contents("certs");
    let changed: Vec<&String> =
        before.keys().filter(|name| renewed.get(*name) != before.get(*name)).collect();
    assert_eq!(changed, ["certs/node-0/cert.pem"]);

    place.cert_ok("node 0=10.0.0.9 --force");
    let forced = place.contents("certs");
    assert_ne!(forced["certs/node-0/key.pem"], before["certs/node-0/key.pem"]);
    let key = place.openssl("pkey -pubout -in certs/node-0/key.pem");
    assert_eq!(key, place.openssl("x509 -pubkey -noout -in certs/node-0/cert.pem"));
    place.cert_ok("show");
}

#[test]
fn show_says_what_is_wrong_and_prints_no_control_characters() {
    let place = Place::new();
    place.cert_ok(GROUP);
    let shown = place.cert_ok("show");
    for words in [
        "speak as node 1 of group agora, and do what an admin may",
        "hosts     vm1.example, 10.0.0.2",
        "read and write the store, as alice",
        "open jobs on workers, which is running programs there",
        "(365 days left)",
    ] {
        assert!(shown.contains(words), "{words:?} is not in {shown}");
    }
    let of_openssl = place.openssl("x509 -noout -fingerprint -sha256 -in certs/node-0/cert.pem");
    let fingerprint = of_openssl.trim().rsplit('=').next().unwrap();
    assert!(shown.contains(fingerprint), "{fingerprint} is not in {shown}");

    place.cert_ok("client soon --days 13");
    place.cert_ok("client readable");
    let key = place.path("certs/client-readable/key.pem");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    place.cert_ok("client mismatch");
    fs::copy(&key, place.path("certs/client-mismatch/key.pem")).unwrap();
    place.cert_ok("client without");
    fs::remove_file(place.path("certs/client-without/key.pem")).unwrap();
    place.cert_ok("--dir others --clients foreign");
    fs::copy(place.path("others/ca.pem"), place.path("certs/client-alice/ca.pem")).unwrap();
    for (folder, reason) in [
        ("certs/client-soon", "it expires in 13 days"),
        ("certs/client-readable", "others can read key.pem: chmod 600"),
        ("certs/client-mismatch", "key.pem is not its key"),
        ("certs/client-without", "key.pem is missing"),
        ("certs/client-alice", "servers refuse it: no authority in ca.pem has signed it"),
    ] {
        let output = place.cert(&format!("show {folder}"));
        assert_eq!(output.code, 1, "{folder}");
        assert!(output.stdout.contains(&format!("PROBLEM   {reason}")), "{}", output.stdout);
    }
    let all = place.cert_fails(1, "show");
    assert!(all.contains("certs: "), "{all}");
    place.cert_ok("show certs/client-bob/cert.pem");

    let mut params = rcgen::CertificateParams::default();
    let hostile = "\x1b]0;owned\x07\u{202e}\u{200b}";
    params.distinguished_name.push(rcgen::DnType::CommonName, hostile);
    let uri = "agora:node/\x1b[2J/1".try_into().unwrap();
    params.subject_alt_names.push(rcgen::SanType::URI(uri));
    let key = rcgen::KeyPair::generate().unwrap();
    fs::write(place.path("hostile.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
    let shown = place.cert_ok("show hostile.pem");
    assert!(shown.contains("owned") && shown.contains("speak as node 1 of group "), "{shown}");
    assert!(!shown.contains(['\x1b', '\x07', '\u{202e}', '\u{200b}']), "{shown:?}");
}
