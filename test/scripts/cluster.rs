//! `scripts/cluster`: its error messages.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::{CommandOutput, TempDir, is_alive, run, script};

/// A folder for a cluster, which is stopped at the end of the test.
struct TestCluster(TempDir);

impl TestCluster {
    fn new() -> TestCluster {
        TestCluster(TempDir::new())
    }

    fn run(&self, line: &str) -> CommandOutput {
        let mut command = script("cluster");
        command.env("AGORA", env!("CARGO_BIN_EXE_agora")).env("AGORA_CLUSTER", self.0.0.join("c"));
        run(command.args(line.split_whitespace()))
    }

    /// Runs a command that must fail with this status; returns its error message.
    #[track_caller]
    fn fails(&self, line: &str, code: i32) -> String {
        let output = self.run(line);
        assert_eq!((output.code, &*output.stdout), (Some(code), ""), "{line}: {output:?}");
        assert!(output.stderr.starts_with("scripts/cluster: "), "{line}: {output:?}");
        output.stderr
    }

    #[track_caller]
    fn succeeds(&self, line: &str) -> String {
        let output = self.run(line);
        assert_eq!((output.code, &*output.stderr), (Some(0), ""), "{line}: {output:?}");
        output.stdout
    }
}

impl Drop for TestCluster {
    fn drop(&mut self) {
        self.run("clean");
    }
}

#[test]
fn a_node_that_cannot_start_gives_the_reason_at_once() {
    let cluster = TestCluster::new();
    let began = Instant::now();
    let output = cluster.fails("start --bogus", 2);
    assert!(output.contains("node 0 has exited:") && output.contains("'bogus'"), "{output}");
    assert!(began.elapsed() < Duration::from_secs(15), "at once: {:?}", began.elapsed());
    // The failed node does not prevent another start.
    let output = cluster.succeeds("start -n 1");
    assert!(output.starts_with("nodes 0 run, node 0 is the leader: "), "{output}");
    cluster.succeeds("kill 0");
    fs::write(cluster.0.0.join("c/logs/node_0/metadata.txt"), "damage\n").unwrap();
    let output = cluster.fails("restart 0", 1);
    assert!(output.contains("metadata.txt") && output.contains("Nothing was changed."), "{output}");
}

#[test]
fn the_error_names_what_is_missing() {
    let cluster = TestCluster::new();
    for line in ["stop", "kill 0", "restart 0", "status", "logs", "logs 0", "kv get x"] {
        assert!(cluster.fails(line, 1).contains("there is no cluster"), "{line}");
    }
    cluster.succeeds("start -n 1");
    for line in ["kill 9", "stop 9", "restart 9", "logs 9", "kill 0 9"] {
        assert!(cluster.fails(line, 2).contains("there is no node 9, but 0"), "{line}");
    }
    for line in
        ["kill", "restart", "status x", "logs 0 x", "clean x", "trial x", "begin", "start -n"]
    {
        cluster.fails(line, 2);
    }
    assert!(cluster.fails("restart 0", 1).contains("node 0 runs already"));
    assert!(cluster.fails("start -n 3", 1).contains("a cluster of 1 nodes already"));
    cluster.succeeds("kill 0");
    assert!(cluster.fails("kill 0", 1).contains("node 0 does not run"));
    fs::remove_dir_all(cluster.0.0.join("c/logs")).unwrap();
    assert_eq!(cluster.succeeds("logs"), "node 0  has no files yet\n");
    assert!(cluster.fails("logs 0", 1).contains("node 0 has no files yet"));
}

/// After a restart of the machine the process id of a node may belong to another process.
#[test]
fn a_process_that_is_not_a_node_is_not_killed() {
    let cluster = TestCluster::new();
    cluster.succeeds("start -n 1");
    cluster.succeeds("kill 0");
    let mut other = Command::new("sleep").arg("600").spawn().unwrap();
    let pid = other.id().to_string();
    fs::write(cluster.0.0.join("c/node_0.pid"), &pid).unwrap();
    assert!(cluster.fails("kill 0", 1).contains("node 0 does not run"));
    cluster.succeeds("stop");
    assert!(is_alive(&pid));
    other.kill().unwrap();
    other.wait().unwrap();
}
