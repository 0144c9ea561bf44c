//! Compacted logs, and followers that need a snapshot.

use std::fs;
use std::path::Path;
use std::time::Duration;

use agora::raft::NodeId;

use crate::clients::Clients;
use crate::cluster::{Cluster, STABLE_TIMING};
use crate::process::eventually;

/// The log that a compaction keeps for followers that lag a little.
const TRAILING_BYTES: u64 = 8 * 1024 * 1024;

fn size(directory: &Path, name: &str) -> u64 {
    fs::metadata(directory.join(name)).map_or(0, |file| file.len())
}

/// Whether a node is receiving a leader's snapshot.
fn is_receiving(directory: &Path) -> bool {
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    names.into_iter().any(|name| name.to_string_lossy().contains(".incoming-"))
}

#[test]
fn snapshots_are_taken_under_load_and_nodes_start_from_them() {
    let mut cluster = Cluster::start(3, &["--snapshot-entries", "50"]);
    let clients = Clients::start(3, &cluster.nodes, Duration::from_secs(30), 9);
    for round in 0..6 {
        clients.await_progress(100);
        for id in cluster.ids() {
            eventually("it has a snapshot", || size(&cluster.directory(id), "snapshot.txt") > 0);
        }
        let victim = round % 3;
        cluster.kill(&[victim]);
        clients.next_epoch();
        cluster.launch(&[victim]);
    }
    clients.await_progress(50);
    let tally = clients.judge(&cluster.client());
    assert_eq!(tally.unknown, 0, "{tally}");
    cluster.converge();
    crate::kills::same_everywhere(&cluster);
    let all: Vec<NodeId> = cluster.ids().collect();
    cluster.end(&all);
    for id in all {
        let output = cluster.check(id);
        assert!(output.contains("snapshot.txt"), "{output}");
    }
}

/// The log that a follower needs was compacted: it gets a snapshot of some 20 MB, and is killed
/// while it receives it.
#[test]
fn a_receiver_of_a_snapshot_that_is_killed_begins_anew() {
    let flags = [STABLE_TIMING, &["--snapshot-bytes", "4000000"]].concat();
    let mut cluster = Cluster::start(3, &flags);
    let client = cluster.client();
    client.set(b"first", b"of all").unwrap();
    let leader = cluster.leader();
    let lagging = cluster.others(leader)[0];
    cluster.kill(&[lagging]);
    let large = vec![b'v'; 200_000];
    for number in 0..100 {
        client.set(format!("large {number}").as_bytes(), &large).unwrap();
    }
    let leader = cluster.leader();
    let directory = cluster.directory(leader);
    eventually("the log is cut", || {
        let log = size(&directory, "logs.txt");
        size(&directory, "snapshot.txt") > 8_000_000 && log < TRAILING_BYTES + 6_000_000
    });
    let lagging_directory = cluster.directory(lagging);
    let mut interrupted = 0;
    for _ in 0..5 {
        cluster.launch(&[lagging]);
        eventually("a snapshot comes in, or is there", || {
            is_receiving(&lagging_directory) || size(&lagging_directory, "snapshot.txt") > 0
        });
        interrupted += usize::from(is_receiving(&lagging_directory));
        cluster.kill(&[lagging]);
        // The files are valid at all times.
        cluster.check(lagging);
    }
    assert!(interrupted > 0, "it was never seen to come in");
    cluster.launch(&[lagging]);
    client.set(b"last", b"of all").unwrap();
    cluster.converge();
    crate::kills::same_everywhere(&cluster);
    assert!(size(&lagging_directory, "snapshot.txt") > 8_000_000);
    assert!(!is_receiving(&lagging_directory), "nothing is left over");
    let all: Vec<NodeId> = cluster.ids().collect();
    cluster.end(&all);
    for id in all {
        cluster.check(id);
    }
}
