//! A measured load while nodes are restarted.

use std::thread;

use crate::cluster::Cluster;
use crate::process::{CommandOutput, agora, eventually};

/// A figure in the output of `agora bench`.
#[track_caller]
fn figure(output: &CommandOutput, name: &str) -> f64 {
    let mut lines = output.stdout.lines().filter_map(|line| line.strip_prefix(name));
    lines.next().unwrap_or_else(|| panic!("no {name}: {output:?}")).trim().parse().unwrap()
}

#[test]
fn a_load_survives_a_rolling_restart_and_reports_the_longest_pause() {
    let mut cluster = Cluster::start(3, &[]);
    let peers = cluster.peers();
    let load = thread::spawn(move || {
        let what = ["bench", "kv", "mixed", "--peers", &peers, "--keys", "1", "--seconds", "12"];
        agora(&[&what[..], &["--connections", "2", "--inflight", "3", "--warm-up", "0"]].concat())
    });
    eventually("a first write", || cluster.kv(&["get", "0000000000000000"]).code == 0);
    // One leader is stopped gracefully, the next is killed.
    let leader = cluster.leader();
    cluster.end(&[leader]);
    cluster.launch(&[leader]);
    let leader = cluster.leader();
    cluster.kill(&[leader]);
    cluster.launch(&[leader]);
    let output = load.join().unwrap();
    assert_eq!(output.code, 0, "{output:?}");
    assert!(figure(&output, "refused ") >= 2.0, "{output:?}");
    assert!(figure(&output, "retried ") >= figure(&output, "refused "), "{output:?}");
    assert!(figure(&output, "longest_pause_ms ") >= 1.0, "{output:?}");
    assert!(figure(&output, "calls ") >= 20.0, "{output:?}");
}
