//! Certificates, keys and defaults of real processes.

#[path = "certs/openssl.rs"]
mod openssl;
#[path = "certs/renewal.rs"]
mod renewal;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::authority::Authority;
use crate::free_address::free_address;
use crate::process::{AGORA, CommandOutput, Process, TestDirectory, bound, eventually};

/// A command of `agora`, killed with the test.
fn command(flags: &[&str]) -> Command {
    let mut command = bound(AGORA);
    command.args(flags);
    command
}

/// Runs a command that ends by itself.
fn run(flags: &[&str]) -> CommandOutput {
    CommandOutput::of(command(flags).output().unwrap())
}

/// A group of one node that listens, and its address.
struct Node {
    process: Process,
    address: String,
    home: TestDirectory,
}

impl Node {
    fn start(flags: &[&str]) -> Node {
        let home = TestDirectory::new();
        let address = free_address().to_string();
        let mut node = Node { process: started(&home, &address, flags), address, home };
        node.process.await_listening();
        node
    }

    fn kv(&self, flags: &[&str], words: &[&str]) -> CommandOutput {
        self.kv_within("10", flags, words)
    }

    /// A command that must fail, and so does not need long.
    fn kv_fails(&self, flags: &[&str], words: &[&str]) -> String {
        let said = self.kv_within("2", flags, words);
        assert_eq!(said.code, 1, "{said:?}");
        println!("kv {} {}: {}", flags.join(" "), words.join(" "), said.stderr);
        said.stderr
    }

    fn kv_within(&self, timeout: &str, flags: &[&str], words: &[&str]) -> CommandOutput {
        let peers = format!("0={}", self.address);
        run(&[&["kv", "--peers", &peers, "--timeout", timeout][..], flags, words].concat())
    }
}

fn started(home: &TestDirectory, address: &str, flags: &[&str]) -> Process {
    let (peers, logs) = (format!("0={address}"), home.0.join("logs"));
    let logs = logs.to_str().unwrap();
    let node = ["node", "--id", "0", "--peers", &peers, "--logs", logs];
    Process::start(command(&[&node[..], flags].concat()), &home.0.join("node"))
}

/// A node that must not start: what it says. It has made no file.
fn refused_to_start(flags: &[&str]) -> String {
    let home = TestDirectory::new();
    let mut process = started(&home, &free_address().to_string(), flags);
    assert_eq!(process.wait().code(), Some(1), "{}", process.stderr());
    assert!(!home.0.join("logs").exists());
    println!("{}: {}", flags.join(" "), process.stderr());
    process.stderr()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_server_beyond_loopback_needs_certificates_or_insecure() {
    let authority = Authority::new();
    let folder = authority.issue("node-0", &["127.0.0.1"], &["agora:node/agora/0"]);
    let listen = ["--listen", "0.0.0.0:0"];
    let said = refused_to_start(&listen);
    for word in ["0.0.0.0:0", "`agora cert`", "--certs DIR", "--insecure"] {
        assert!(said.contains(word), "{word} is not in {said}");
    }
    // A certificate of the server alone does not tell who calls.
    let (certificate, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    let alone = ["--tls-only", "--tls-cert", text(&certificate), "--tls-key", text(&key)];
    assert!(refused_to_start(&[&listen[..], &alone].concat()).contains("--insecure"));
    let node = Node::start(&[&listen[..], &["--insecure"]].concat());
    let said = node.process.stderr();
    assert!(said.contains("agora: insecure: everyone who reaches 0.0.0.0:"), "{said}");
    let node = Node::start(&[&listen[..], &["--certs", text(&folder)]].concat());
    assert!(!node.process.stderr().contains("insecure"));
    // On loopback neither is needed.
    let node = Node::start(&[]);
    assert!(!node.process.stderr().contains("insecure"));
    assert_eq!(node.kv(&[], &["set", "x", "5"]).code, 0);
}

#[test]
fn a_folder_is_all_that_a_node_and_its_clients_need() {
    let authority = Authority::new();
    let folder = authority.issue("node-0", &["127.0.0.1"], &["agora:node/agora/0"]);
    let alice = authority.issue("client-alice", &[], &["agora:client/alice"]);
    let anyone = authority.trust_only("anyone");
    let home = TestDirectory::new();
    let address = free_port_of_loopback();
    let mut process = started(&home, &address, &["--certs", text(&folder)]);
    process.await_listening();
    let node = Node { process, address, home };
    let said = node.kv(&["--certs", text(&alice)], &["set", "x", "5"]);
    assert_eq!(said.code, 0, "{said:?}");
    let said = node.kv_fails(&["--certs", text(&anyone)], &["get", "x"]);
    assert!(said.contains("needs a client certificate with the role client"), "{said}");
    // In the clear nothing is served.
    node.kv_fails(&[], &["get", "x"]);
    let said = node.kv(&["--certs", text(&alice)], &["get", "x"]);
    assert_eq!(said.stdout, "5\n", "{said:?}");
    drop(node.home);
}

/// A free address that is 127.0.0.1, for which the certificates are valid.
fn free_port_of_loopback() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

#[test]
fn required_client_certificates_imply_that_cleartext_is_refused() {
    let authority = Authority::new();
    let folder = authority.issue("node-0", &["127.0.0.1"], &["agora:node/agora/0"]);
    let alice = authority.issue("client-alice", &[], &["agora:client/alice"]);
    let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (certificate, key, ca) = (file("cert.pem"), file("key.pem"), file("ca.pem"));
    let flags = ["--tls-cert", &certificate, "--tls-key", &key, "--tls-client-ca", &ca];
    let home = TestDirectory::new();
    let address = free_port_of_loopback();
    let mut process = started(&home, &address, &flags);
    process.await_listening();
    let node = Node { process, address, home };
    node.kv_fails(&[], &["set", "x", "6"]);
    let nameless = node.kv_fails(&["--tls-ca", &ca], &["set", "x", "6"]);
    assert!(nameless.contains("the server requires a certificate"), "{nameless}");
    assert_eq!(node.kv(&["--certs", text(&alice)], &["set", "x", "5"]).code, 0);
    drop(node.home);
}

#[test]
fn a_key_that_others_can_read_is_refused_on_both_sides() {
    let authority = Authority::new();
    let folder = authority.issue("node-0", &["127.0.0.1"], &["agora:node/agora/0"]);
    let key = folder.join("key.pem");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    let chmod = format!("`chmod 600 {}`", key.display());
    assert!(refused_to_start(&["--certs", text(&folder)]).contains(&chmod));
    let client = run(&["kv", "--peers", "0=127.0.0.1:1", "--certs", text(&folder), "get", "x"]);
    assert_eq!(client.code, 1);
    assert!(client.stderr.contains(&chmod), "{client:?}");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    Node::start(&["--certs", text(&folder)]);
}

#[test]
fn a_node_does_not_start_with_the_folder_of_another() {
    let authority = Authority::new();
    let host = &["127.0.0.1"];
    for (name, uris, words) in [
        ("node-1", &["agora:node/agora/1"][..], "is for node 1 of group \"agora\", not for node 0"),
        ("other", &["agora:node/market/0"], "is for node 0 of group \"market\", not for node 0"),
        ("worker", &["agora:worker"], "is for no node (agora:worker), not for node 0"),
    ] {
        let folder = authority.issue(name, host, uris);
        let said = refused_to_start(&["--certs", text(&folder)]);
        assert!(said.contains(words) && said.contains("cert.pem"), "{said}");
    }
    // One certificate may be for several.
    let several = ["agora:node/agora/1", "agora:worker", "agora:node/agora/0"];
    Node::start(&["--certs", text(&authority.issue("several", host, &several))]);
    // Without roles it has to be for the host that the others connect to.
    let elsewhere = authority.issue("elsewhere", &["elsewhere.test"], &[]);
    let said = refused_to_start(&["--certs", text(&elsewhere)]);
    assert!(said.contains("is for elsewhere.test, not for 127."), "{said}");
}
