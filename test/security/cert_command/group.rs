//! A group of three on TLS with the folders that one command has made.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::Place;
use crate::free_address::free_address;
use crate::process::{AGORA, CommandOutput, Process, bound, eventually};

/// Three nodes, and the folders of two clients and of an operator.
struct Group {
    place: Place,
    peers: String,
    nodes: Vec<Process>,
}

impl Group {
    fn start() -> Group {
        let peers: Vec<String> = (0..3).map(|id| format!("{id}={}", free_address())).collect();
        Group::start_at(peers.join(","))
    }

    fn start_at(peers: String) -> Group {
        let place = Place::new();
        // The flag takes the value of --peers as it is.
        place.cert_ok(&format!("--nodes {peers} --clients alice,bob --admins ops"));
        let nodes = (0..3).map(|id| start_node(&place, id, &peers)).collect();
        let mut group = Group { place, peers, nodes };
        group.nodes.iter_mut().for_each(Process::await_listening);
        group
    }

    /// `agora kv` with these flags.
    fn kv(&self, flags: &str, line: &str) -> CommandOutput {
        self.place.run(AGORA, &format!("kv --peers {} {flags} {line}", self.peers))
    }

    #[track_caller]
    fn kv_ok(&self, folder: &str, line: &str) -> String {
        let output = self.kv(&format!("--certs {folder} --timeout 20"), line);
        assert_eq!(output.code, 0, "{line} with {folder}: {}", output.stderr);
        output.stdout
    }

    /// The serial number of the certificate that a node shows.
    fn serial(&self, id: usize) -> String {
        let node = self.peers.split(',').nth(id).unwrap();
        let address = node.split_once('=').unwrap().1;
        let script = format!(
            "openssl s_client -connect {address} -CAfile certs/ca.pem -alpn h2 </dev/null 2>/dev/null \
             | openssl x509 -noout -serial"
        );
        let mut command = Command::new("sh");
        command.args(["-c", &script]).current_dir(self.place.path("."));
        CommandOutput::of(command.output().unwrap()).stdout
    }
}

impl Group {
    /// The metrics of a node, as a scraper with a client's folder reads them.
    fn scrape(&self, id: usize, folder: &str) -> String {
        let node = self.peers.split(',').nth(id).unwrap();
        let address = node.split_once('=').unwrap().1;
        let script = format!(
            "printf 'GET /metrics HTTP/1.1\\r\\nhost: a\\r\\nconnection: close\\r\\n\\r\\n' \
             | openssl s_client -connect {address} -CAfile certs/ca.pem -cert {folder}/cert.pem \
             -key {folder}/key.pem -alpn http/1.1 -quiet 2>/dev/null"
        );
        let mut command = Command::new("sh");
        command.args(["-c", &script]).current_dir(self.place.path("."));
        CommandOutput::of(command.output().unwrap()).stdout
    }
}

/// The values of all samples whose name and labels begin so.
fn values(text: &str, prefix: &str) -> Vec<f64> {
    let lines = text.lines().filter(|line| line.starts_with(prefix));
    lines.map(|line| line.rsplit_once(' ').unwrap().1.trim().parse().unwrap()).collect()
}

fn start_node(place: &Place, id: usize, peers: &str) -> Process {
    let mut command = bound(AGORA);
    let line = format!("node --id {id} --peers {peers} --certs certs/node-{id}");
    command.args(line.split_whitespace()).current_dir(place.path("."));
    Process::start(command, &place.path(&format!("node{id}")))
}

#[test]
fn two_clients_use_a_group_and_strangers_do_not() {
    two_clients_and_strangers(&Group::start());
}

/// The nodes call each other at addresses of their own, on other hosts: a certificate is for both.
#[test]
fn the_same_with_ports_of_peers() {
    let node = |id| format!("{id}={}/{}", free_address(), free_address());
    let group = Group::start_at([0, 1, 2].map(node).join(","));
    two_clients_and_strangers(&group);
    for node in &group.nodes {
        assert!(node.stdout().contains("listening for peers on 127."), "{}", node.stdout());
    }
}

fn two_clients_and_strangers(group: &Group) {
    assert_eq!(group.kv_ok("certs/client-alice", "set a 1"), "SUCCESS\n");
    assert_eq!(group.kv_ok("certs/client-bob", "get a"), "1\n");
    group.kv_ok("certs/admin-ops", "set b 2");

    // The same names by another authority; that authority's certificate with our ca.pem; no
    // certificate; no TLS.
    group.place.cert_ok(&format!("--dir theirs --nodes {} --clients alice,eve", group.peers));
    let copy = |to: &str| fs::copy(group.place.path("certs/ca.pem"), group.place.path(to));
    copy("theirs/client-eve/ca.pem").unwrap();
    fs::create_dir(group.place.path("nobody")).unwrap();
    copy("nobody/ca.pem").unwrap();
    for (flags, reason) in [
        ("--certs theirs/client-alice", "certificate"),
        ("--certs theirs/client-eve", "certificate"),
        ("--certs nobody", "certificate"),
        ("", ""),
    ] {
        let attack = group.kv(&format!("{flags} --timeout 2"), "set a 7");
        println!("set with {flags:?} got: {}", attack.stderr.trim());
        assert_eq!((attack.code, attack.stdout.as_str()), (1, ""), "{flags}");
        assert!(attack.stderr.starts_with("FAIL: ") && attack.stderr.contains(reason), "{flags}");
    }
    assert_eq!(group.kv_ok("certs/client-bob", "get a"), "1\n");
}

#[test]
fn certificates_are_renewed_while_the_group_runs() {
    let group = Group::start();
    group.kv_ok("certs/client-alice", "set before 1");
    let old: Vec<String> = (0..3).map(|id| group.serial(id)).collect();
    assert!(old.iter().all(|serial| serial.starts_with("serial=")), "{old:?}");
    group.place.cert_ok("--renew");
    let mut count = 0;
    eventually("all nodes show their new certificates", || {
        count += 1;
        group.kv_ok("certs/client-alice", &format!("set during {count}"));
        (0..3).all(|id| {
            let new = group.serial(id);
            new.starts_with("serial=") && new != old[id]
        })
    });
    assert_eq!(group.kv_ok("certs/client-bob", "get during"), format!("{count}\n"));
    assert_eq!(group.kv_ok("certs/client-bob", "get before"), "1\n");
    for (id, node) in group.nodes.iter().enumerate() {
        let said = node.stderr();
        assert!(!said.contains("panicked") && !said.contains("ERROR"), "node {id}: {said}");
        assert!(Path::new(&group.place.path(&format!("logs/node_{id}/logs.txt"))).exists());
    }
}

#[test]
fn the_metrics_of_a_group_tell_of_its_peers_and_certificates() {
    const LEADS: &str = "agora_raft_role{role=\"leader\"}";
    let group = Group::start();
    group.kv_ok("certs/client-alice", "set a 1");
    let mut texts = Vec::new();
    eventually("all know the leader, which knows its peers", || {
        texts = (0..3).map(|id| group.scrape(id, "certs/client-bob")).collect();
        let leader = texts.iter().find(|text| values(text, LEADS) == [1.0]);
        let all_know = texts.iter().all(|text| values(text, "agora_raft_leader_known ") == [1.0]);
        all_know
            && leader.is_some_and(|text| {
                let round_trips = values(text, "agora_raft_peer_round_trip_seconds{");
                values(text, "agora_raft_peer_lag_entries{") == [0.0, 0.0]
                    && round_trips.len() == 2
                    && round_trips.iter().all(|seconds| (0.0..1.0).contains(seconds))
                    && values(text, "agora_raft_peer_last_contact_seconds{")
                        .iter()
                        .all(|s| *s < 10.0)
                    && values(text, "agora_raft_lease_remaining_seconds ")[0] > 0.0
            })
    });
    let day = 24.0 * 3600.0;
    for text in &texts {
        assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
        let days = (values(text, "agora_certificate_expiry_timestamp_seconds ")[0]
            - values(text, "agora_clock_seconds ")[0])
            / day;
        assert!((1.0..100_000.0).contains(&days), "{days}");
        assert!(values(text, "agora_raft_applied_index ")[0] >= 1.0);
        let tls = values(text, "agora_rpc_connections{protocol=\"native\",tls=\"true\"}");
        assert!(tls[0] >= 1.0, "those of the peers: {text}");
        let leads = values(text, LEADS) == [1.0];
        let peers = values(text, "agora_raft_peer_last_contact_seconds{").len();
        assert_eq!(peers, if leads { 2 } else { 0 });
    }
}
