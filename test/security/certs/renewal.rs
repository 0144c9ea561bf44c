//! Certificates of running processes are renewed.

use std::path::Path;

use super::*;

const HOST: &[&str] = &["127.0.0.1"];
const ROLE: &[&str] = &["agora:node/agora/0"];

/// A node with a folder, at an address that its certificate is valid for.
fn node(folder: &Path) -> Node {
    let (home, address) = (TestDirectory::new(), free_port_of_loopback());
    let mut process = started(&home, &address, &["--certs", text(folder)]);
    process.await_listening();
    Node { process, address, home }
}

#[test]
fn a_running_node_serves_its_renewed_certificate() {
    let authority = Authority::new();
    let folder = authority.issue("node-0", HOST, ROLE);
    let alice = authority.issue("client-alice", &[], &["agora:client/alice"]);
    let node = node(&folder);
    let serial = |node: &Node| {
        let command = format!(
            "openssl s_client -connect {} -alpn h2 </dev/null 2>/dev/null | openssl x509 -noout -serial",
            node.address
        );
        let output = Command::new("sh").args(["-c", &command]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(node.kv(&["--certs", text(&alice)], &["set", "x", "5"]).code, 0);
    // The files change, and nobody says so.
    let before = serial(&node);
    assert!(before.starts_with("serial="), "{before}");
    authority.issue("node-0", HOST, ROLE);
    eventually("the new one is served", || serial(&node) != before);
    eventually("it is logged", || node.process.stderr().contains("certificates were read again"));
    assert_eq!(node.kv(&["--certs", text(&alice)], &["get", "x"]).stdout, "5\n");
    // SIGHUP does not end it, and finds half a pair.
    let stranger = authority.issue("stranger", HOST, ROLE);
    fs::copy(stranger.join("key.pem"), folder.join("key.pem")).unwrap();
    node.process.signal("HUP");
    eventually("half a pair is reported", || {
        node.process.stderr().contains("the certificates stay as they were: ")
    });
    assert!(node.process.stderr().contains("not the private key of"), "{}", node.process.stderr());
    assert_eq!(node.kv(&["--certs", text(&alice)], &["get", "x"]).stdout, "5\n");
}

#[test]
fn an_expired_certificate_is_reported_on_both_sides() {
    let authority = Authority::new();
    let folder = authority.issue("node-0", HOST, ROLE);
    let node = node(&folder);
    let expired = authority.issue_with("expired", &[], &["agora:client/old"], |params| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 2, 3);
    });
    let words = "it has expired on 2021-02-03 00:00:00 UTC";
    let client = node.kv_fails(&["--certs", text(&expired)], &["get", "x"]);
    let said = format!("the server does not accept this client's certificate: {words}");
    assert!(client.contains(&said), "{client}");
    // The client warns of its own certificate as well.
    assert!(client.contains(&format!("cert.pem: {words}")), "{client}");
    eventually("the server says it as well", || {
        let said = format!("the client's certificate is not accepted: {words}");
        node.process.stderr().contains(&said)
    });
    println!("{}", node.process.stderr());
    let others = Authority::new();
    let stranger = others.issue("stranger", &[], &["agora:client/bob"]);
    fs::copy(folder.join("ca.pem"), stranger.join("ca.pem")).unwrap();
    let client = node.kv_fails(&["--certs", text(&stranger)], &["get", "x"]);
    assert!(client.contains("its authority is unknown there"), "{client}");
    let alice = authority.issue("client-alice", &[], &["agora:client/alice"]);
    assert_eq!(node.kv(&["--certs", text(&alice)], &["set", "x", "5"]).code, 0);
}

/// Three nodes with a folder each.
#[test]
fn a_group_renews_all_its_certificates_without_a_failed_write() {
    let authority = Authority::new();
    let home = TestDirectory::new();
    let addresses: Vec<String> = (0..3).map(|_| free_port_of_loopback()).collect();
    let peers: Vec<String> =
        addresses.iter().enumerate().map(|(id, at)| format!("{id}={at}")).collect();
    let peers = peers.join(",");
    let issue = |id: usize| {
        authority.issue(&format!("node-{id}"), HOST, &[&format!("agora:node/agora/{id}")])
    };
    let nodes: Vec<Process> = (0..3)
        .map(|id| {
            let (folder, number, logs) = (issue(id), id.to_string(), home.0.join("logs"));
            let node = ["node", "--id", &number, "--peers", &peers, "--logs", text(&logs)];
            let steady = ["--heartbeat", "0.1", "--election-timeout", "1.5", "--lease", "1.5"];
            let flags = [&node[..], &["--certs", text(&folder)], &steady].concat();
            let mut process = Process::start(command(&flags), &home.0.join(&number));
            process.await_listening();
            process
        })
        .collect();
    let alice = authority.issue("client-alice", &[], &["agora:client/alice"]);
    let kv = |words: &[&str]| {
        let flags = ["kv", "--peers", &peers, "--timeout", "20", "--certs", text(&alice)];
        run(&[&flags[..], words].concat())
    };
    let set = |value: u64| {
        let said = kv(&["set", "x", &value.to_string()]);
        assert_eq!(said.code, 0, "{said:?}");
    };
    set(0);
    for id in 0..3 {
        issue(id);
    }
    let mut value = 0;
    eventually("all have read them, and writes go on", || {
        value += 1;
        set(value);
        nodes.iter().all(|node| {
            // Once for clients, once for the other nodes.
            node.stderr().matches("certificates were read again").count() == 2
        })
    });
    for _ in 0..3 {
        value += 1;
        set(value);
    }
    assert_eq!(kv(&["get", "x"]).stdout, format!("{value}\n"));
}
