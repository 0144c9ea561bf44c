//! Two directories that contradict each other: the node that detects it reports it and stops.

use std::fs;
use std::time::Duration;

use agora::kv::client::Consistency;
use agora::raft::{NodeId, Term};
use agora::text::push_checksum;

use crate::cluster::{Cluster, STABLE_TIMING};
use crate::process::agora;

const KEYS: [&[u8]; 3] = [b"one", b"two", b"three"];

/// A stopped group whose log has entries of two leaders.
fn stopped_group() -> Cluster {
    let mut cluster = Cluster::start(3, STABLE_TIMING);
    let set_all = |value: &[u8]| {
        for key in KEYS {
            cluster.client().set(key, value).unwrap();
        }
    };
    set_all(b"first");
    let next = cluster.others(cluster.leader())[0].to_string();
    assert_eq!(cluster.kv(&["transfer", &next]).code, 0);
    set_all(b"second");
    cluster.converge();
    let all: Vec<NodeId> = cluster.ids().collect();
    cluster.end(&all);
    cluster
}

/// A log in which the entries of the newest term have the term before, with valid checksums; and
/// the newest term.
fn edited(log: &str) -> (String, Term) {
    let term_of = |line: &str| {
        let operation = line.rsplit_once(" # ").unwrap().0;
        operation.rsplit_once(' ').unwrap().1.parse::<Term>().unwrap()
    };
    let newest = log.lines().map(term_of).max().unwrap();
    let (is, was) = (format!(" {} # ", newest - 1), format!(" {newest} # "));
    let edit = |line: &str| {
        let (operation, rest) = line.rsplit_once(&was)?;
        Some(format!("{operation}{is}{rest}"))
    };
    let mut text = Vec::new();
    for line in log.lines() {
        let line = edit(line).unwrap_or_else(|| line.to_owned());
        let start = text.len();
        text.extend_from_slice(line.rsplit_once(' ').unwrap().0.as_bytes());
        push_checksum(&mut text, start);
    }
    (String::from_utf8(text).unwrap(), newest)
}

#[test]
fn a_node_with_another_history_than_its_leader_stops_with_a_reason() {
    let mut cluster = stopped_group();
    let (a, b, c) = (0, 1, 2);
    let path = cluster.directory(a).join("logs.txt");
    let good = fs::read_to_string(&path).unwrap();
    let (bad, term) = edited(&good);
    assert_ne!(bad, good);
    fs::write(&path, &bad).unwrap();
    // Each of the two is valid by itself.
    cluster.check(a);
    cluster.check(b);

    // The other node has the newer log, so it is elected, but not followed.
    cluster.launch(&[a, b]);
    let output = cluster.await_failure(a);
    let before = term - 1;
    let last = good.lines().count();
    for words in [
        format!("node {b}, which leads in term "),
        format!("has an entry of term {term} at index {last}"),
        format!("the entry at index {last} is committed, of term {before}"),
        format!("Node {a} stops, and keeps its files in {}", cluster.directory(a).display()),
        "One of the two directories has lost or changed data".into(),
        "`agora check`".into(),
        "what a majority has must not be deleted".into(),
    ] {
        assert!(output.contains(&words), "{words}: {output}");
    }
    assert_eq!(cluster.file(a, "logs.txt"), bad, "nothing was changed");
    assert_eq!(agora(&["check", cluster.directory(a).to_str().unwrap()]).code, 0);

    // The leader stays up, and acknowledges nothing without a majority.
    let alone = cluster.client_at(b, Duration::from_secs(3));
    assert!(alone.set(b"four", b"third").is_err());
    assert!(alone.get(b"one", Consistency::Linearizable).is_err());
    assert_eq!(cluster.process(b).ended(), None);

    // With the third node there is a majority that agrees.
    cluster.launch(&[c]);
    let client = cluster.client();
    for key in KEYS {
        let found = client.get(key, Consistency::Linearizable).unwrap();
        assert_eq!(found.map(|found| found.value), Some(b"second".to_vec()));
    }
    client.set(b"five", b"fourth").unwrap();
    // The edit is undone.
    fs::write(&path, &good).unwrap();
    cluster.launch(&[a]);
    cluster.converge();
    crate::kills::same_everywhere(&cluster);
}
