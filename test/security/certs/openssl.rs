//! Authorities and certificates that openssl has made.

use std::path::{Path, PathBuf};

use super::*;

/// Runs a line of openssl in a folder.
fn openssl(folder: &Path, line: &str) {
    let words = line.split_whitespace();
    let output = Command::new("openssl").args(words).current_dir(folder).output();
    let output = output.expect("openssl is needed");
    assert!(output.status.success(), "openssl {line}: {output:?}");
}

const NEW_KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";

/// A folder for `--certs` whose certificate is of its own authority.
fn signed(home: &TestDirectory, name: &str, extensions: &str) -> PathBuf {
    let folder = home.0.join(name);
    fs::create_dir_all(&folder).unwrap();
    let ca = home.0.join("ca.pem");
    if !ca.exists() {
        let line =
            format!("req -x509 {NEW_KEY} -days 30 -subj /CN=ours -keyout ca.key -out ca.pem");
        openssl(&home.0, &line);
    }
    fs::copy(&ca, folder.join("ca.pem")).unwrap();
    fs::write(folder.join("extensions"), extensions).unwrap();
    let line = format!("req {NEW_KEY} -subj /CN={name} -keyout key.pem -out request.pem");
    openssl(&folder, &line);
    openssl(
        &folder,
        "x509 -req -in request.pem -CA ../ca.pem -CAkey ../ca.key -CAcreateserial -days 30 \
         -extfile extensions -out cert.pem",
    );
    fs::set_permissions(folder.join("key.pem"), fs::Permissions::from_mode(0o600)).unwrap();
    folder
}

/// A folder with a certificate that is its own authority, by `openssl req -x509`.
fn self_signed(home: &TestDirectory, name: &str, more: &str) -> PathBuf {
    let folder = home.0.join(name);
    fs::create_dir_all(&folder).unwrap();
    let line = format!(
        "req -x509 {NEW_KEY} -days 30 -subj /CN={name} {more} -keyout key.pem -out cert.pem"
    );
    openssl(&folder, &line);
    fs::copy(folder.join("cert.pem"), folder.join("ca.pem")).unwrap();
    fs::set_permissions(folder.join("key.pem"), fs::Permissions::from_mode(0o600)).unwrap();
    folder
}

fn node(folder: &Path) -> Node {
    let (home, address) = (TestDirectory::new(), free_port_of_loopback());
    let mut process = started(&home, &address, &["--certs", text(folder)]);
    process.await_listening();
    Node { process, address, home }
}

#[test]
fn an_authority_of_openssl_works() {
    let home = TestDirectory::new();
    let san = "subjectAltName=IP:127.0.0.1,URI:agora:node/agora/0\n";
    let node = node(&signed(&home, "node-0", san));
    let alice = signed(&home, "alice", "subjectAltName=URI:agora:client/alice\n");
    let said = node.kv(&["--certs", text(&alice)], &["set", "x", "5"]);
    assert_eq!(said.code, 0, "{said:?}");
    // Without a role it may do what a client may.
    let plain = signed(&home, "plain", "basicConstraints=CA:FALSE\n");
    let said = node.kv(&["--certs", text(&plain)], &["get", "x"]);
    assert_eq!(said.stdout, "5\n", "{said:?}");
    assert_eq!(node.kv(&["--certs", text(&plain)], &["transfer", "0"]).code, 1);
}

#[test]
fn what_a_self_signed_certificate_lacks_is_said() {
    let home = TestDirectory::new();
    // As most instructions have it: an authority's certificate, and without a host.
    let bare = self_signed(&home, "bare", "");
    let said = refused_to_start(&["--certs", text(&bare)]);
    assert!(said.contains("subjectAltName"), "{said}");
    let san = "-addext subjectAltName=IP:127.0.0.1,URI:agora:node/agora/0";
    let authority = self_signed(&home, "authority", san);
    let node = self::node(&authority);
    let said = node.process.stderr();
    assert!(said.contains("CA:TRUE") && said.contains("basicConstraints"), "{said}");
    let client = node.kv_fails(&["--certs", text(&authority)], &["get", "x"]);
    assert!(client.contains("basicConstraints=critical,CA:FALSE"), "{client}");
    println!("{said}");
    // With what the words demand it works, for the node and a client alike.
    let more = format!("{san} -addext basicConstraints=critical,CA:FALSE");
    let complete = self_signed(&home, "complete", &more);
    let node = self::node(&complete);
    let said = node.kv(&["--certs", text(&complete)], &["set", "x", "5"]);
    assert_eq!(said.code, 0, "{said:?}");
}
