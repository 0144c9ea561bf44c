//! `scripts/cluster`: what it says when something is wrong.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::{Home, Said, lives, run, script};

/// A place for a cluster, which ends with the test.
struct Place(Home);

impl Place {
    fn new() -> Place {
        Place(Home::new())
    }

    fn run(&self, line: &str) -> Said {
        let mut command = script("cluster");
        command.env("AGORA", env!("CARGO_BIN_EXE_agora")).env("AGORA_CLUSTER", self.0.0.join("c"));
        run(command.args(line.split_whitespace()))
    }

    /// A command that must fail with this status, and what it says then.
    #[track_caller]
    fn fails(&self, line: &str, code: i32) -> String {
        let said = self.run(line);
        assert_eq!((said.code, &*said.stdout), (Some(code), ""), "{line}: {said:?}");
        assert!(said.stderr.starts_with("scripts/cluster: "), "{line}: {said:?}");
        said.stderr
    }

    #[track_caller]
    fn succeeds(&self, line: &str) -> String {
        let said = self.run(line);
        assert_eq!((said.code, &*said.stderr), (Some(0), ""), "{line}: {said:?}");
        said.stdout
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.run("clean");
    }
}

#[test]
fn a_node_that_cannot_start_says_why_at_once() {
    let place = Place::new();
    let began = Instant::now();
    let said = place.fails("start --bogus", 2);
    assert!(said.contains("node 0 has ended:") && said.contains("'bogus'"), "{said}");
    assert!(began.elapsed() < Duration::from_secs(15), "at once: {:?}", began.elapsed());
    // It is in nobody's way.
    let said = place.succeeds("start -n 1");
    assert!(said.starts_with("nodes 0 run, node 0 leads: "), "{said}");
    place.succeeds("kill 0");
    fs::write(place.0.0.join("c/logs/node_0/metadata.txt"), "damage\n").unwrap();
    let said = place.fails("restart 0", 1);
    assert!(said.contains("metadata.txt") && said.contains("Nothing was changed."), "{said}");
}

#[test]
fn what_is_not_there_is_named() {
    let place = Place::new();
    for line in ["stop", "kill 0", "restart 0", "status", "logs", "logs 0", "kv get x"] {
        assert!(place.fails(line, 1).contains("there is no cluster"), "{line}");
    }
    place.succeeds("start -n 1");
    for line in ["kill 9", "stop 9", "restart 9", "logs 9", "kill 0 9"] {
        assert!(place.fails(line, 2).contains("there is no node 9, but 0"), "{line}");
    }
    for line in
        ["kill", "restart", "status x", "logs 0 x", "clean x", "trial x", "begin", "start -n"]
    {
        place.fails(line, 2);
    }
    assert!(place.fails("restart 0", 1).contains("node 0 runs already"));
    assert!(place.fails("start -n 3", 1).contains("a cluster of 1 nodes already"));
    place.succeeds("kill 0");
    assert!(place.fails("kill 0", 1).contains("node 0 does not run"));
    fs::remove_dir_all(place.0.0.join("c/logs")).unwrap();
    assert_eq!(place.succeeds("logs"), "node 0  has no files yet\n");
    assert!(place.fails("logs 0", 1).contains("node 0 has no files yet"));
}

/// The number of a node's process may be somebody else's after a restart of the machine.
#[test]
fn a_process_that_is_no_node_is_left_alone() {
    let place = Place::new();
    place.succeeds("start -n 1");
    place.succeeds("kill 0");
    let mut other = Command::new("sleep").arg("600").spawn().unwrap();
    let pid = other.id().to_string();
    fs::write(place.0.0.join("c/node_0.pid"), &pid).unwrap();
    assert!(place.fails("kill 0", 1).contains("node 0 does not run"));
    place.succeeds("stop");
    assert!(lives(&pid));
    other.kill().unwrap();
    other.wait().unwrap();
}
