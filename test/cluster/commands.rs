//! `agora kv` as people and scripts use it: its output and exit status.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::cluster::{Cluster, STABLE_TIMING};
use crate::process::{AGORA, CommandOutput, Process, eventually};

/// Runs a command that must succeed; returns its output.
#[track_caller]
fn good(cluster: &Cluster, words: &[&str]) -> String {
    let output = cluster.kv(words);
    assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{words:?}: {output:?}");
    output.stdout
}

/// Runs a command that must be refused; returns the reason.
#[track_caller]
fn refused(cluster: &Cluster, words: &[&str]) -> String {
    let output = cluster.kv(words);
    assert_eq!((output.code, output.stdout.as_str()), (1, ""), "{words:?}: {output:?}");
    output
        .stderr
        .trim_end()
        .strip_prefix("FAIL: ")
        .unwrap_or_else(|| panic!("{output:?}"))
        .to_owned()
}

/// Runs the shell with these lines on stdin.
fn shell(cluster: &Cluster, lines: &str) -> CommandOutput {
    let mut child = Command::new(AGORA)
        .args(["kv", "--peers", &cluster.peers()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    CommandOutput::of(child.wait_with_output().unwrap())
}

#[test]
fn each_command_prints_its_result() {
    let cluster = Cluster::start(3, STABLE_TIMING);
    assert_eq!(good(&cluster, &["set", "name1", "Jaggu"]), "SUCCESS\n");
    assert_eq!(good(&cluster, &["get", "name1"]).trim_end(), "Jaggu");
    assert_eq!(refused(&cluster, &["get", "no one"]), "no such key: no\\ one");
    assert_eq!(good(&cluster, &["cas", "name1", "Jaggu", "Raju"]), "SUCCESS\n");
    assert_eq!(refused(&cluster, &["cas", "name1", "Jaggu", "x"]), "it has another value");
    assert_eq!(refused(&cluster, &["cas", "--absent", "name1", "x"]), "the key is there");
    assert_eq!(good(&cluster, &["cas", "--absent", "name 2", "a b"]), "SUCCESS\n");
    assert_eq!(good(&cluster, &["scan", "name"]), "name\\ 2 a\\ b\nname1 Raju\n");
    assert_eq!(good(&cluster, &["scan", "--limit", "1", "name"]), "name\\ 2 a\\ b\n");
    assert_eq!(good(&cluster, &["scan", "--count"]), "2\n");
    assert_eq!(good(&cluster, &["del", "name1"]), "SUCCESS\n");
    let output = cluster.kv(&["del", "name1"]);
    assert_eq!((output.code, &*output.stdout), (0, "SUCCESS\n"));
    assert!(output.stderr.contains("there was no such key"), "{output:?}");
    eventually("a stale read has it as well", || {
        cluster.kv(&["--stale", "get", "name 2"]).stdout.trim_end() == "a b"
    });
    let long = "k".repeat(4097);
    assert!(refused(&cluster, &["set", &long, "v"]).contains("4097 bytes"));
    assert!(refused(&cluster, &["get", ""]).contains("the key is empty"));
}

#[test]
fn wrong_arguments_are_exit_status_2() {
    let cluster = Cluster::new(1, STABLE_TIMING);
    for words in [
        &["frobnicate"][..],
        &["get"],
        &["get", "a", "b"],
        &["set", "a"],
        &["cas", "a", "b"],
        &["scan", "a", "b"],
        &["scan", "--limit", "none"],
        &["watch", "--count", "x"],
        &["watch", "--count", "0"],
        &["transfer", "nobody"],
        &["--timeout", "never", "get", "a"],
        &["--no-such-flag", "get", "a"],
    ] {
        let output = cluster.kv(words);
        assert_eq!((output.code, output.stdout.as_str()), (2, ""), "{words:?}: {output:?}");
    }
    let output = crate::process::agora(&["kv", "get", "a"]);
    assert!(output.code == 2 && output.stderr.contains("--peers"), "{output:?}");
}

#[test]
fn an_unreachable_store_is_reported() {
    let cluster = Cluster::new(3, STABLE_TIMING);
    let output = refused(&cluster, &["--timeout", "0.5", "get", "x"]);
    assert!(output.starts_with("no leader: 3 of 3 nodes cannot be reached"), "{output}");
    let output = refused(&cluster, &["--timeout", "0.5", "--stale", "get", "x"]);
    assert!(output.starts_with("no node answers: 3 of 3 nodes cannot be reached"), "{output}");
    let output = refused(&cluster, &["--timeout", "0.5", "watch"]);
    assert_eq!(output, "no node answers");
    let output = cluster.kv(&["--timeout", "0.5", "status"]);
    assert_eq!(output.code, 1);
    assert_eq!(output.stdout.lines().filter(|line| line.contains("cannot reach")).count(), 3);
}

#[test]
fn a_status_is_a_table_and_leadership_is_handed_over() {
    let cluster = Cluster::start(3, STABLE_TIMING);
    let leader = cluster.leader();
    let table = good(&cluster, &["status"]);
    let lines: Vec<Vec<&str>> =
        table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0][..3], ["NODE", "ROLE", "TERM"]);
    for (id, line) in cluster.ids().zip(&lines[1..]) {
        let role = if id == leader { "leader" } else { "follower" };
        assert_eq!(line[..2], [&*id.to_string(), role], "{table}");
    }
    let target = cluster.others(leader)[1];
    assert_eq!(good(&cluster, &["transfer", &target.to_string()]), "SUCCESS\n");
    assert_eq!(cluster.leader(), target);
    assert!(refused(&cluster, &["transfer", "9"]).contains("no such node"));
}

#[test]
fn a_watch_prints_changes_and_goes_on_when_its_node_is_killed() {
    let mut cluster = Cluster::start(3, STABLE_TIMING);
    good(&cluster, &["set", "a1", "before"]);
    let output = good(&cluster, &["watch", "--after", "0", "--count", "1", "a"]);
    assert_eq!(output, "SET a1 before\n");
    let mut command = crate::process::bound(AGORA);
    command.args(["kv", "--peers", &cluster.peers(), "watch", "--after", "0", "--revisions", "a"]);
    let mut watch = Process::start(command, &cluster.home.0.join("watch"));
    let lines = |watch: &Process| watch.stdout().lines().count();
    eventually("the first", || lines(&watch) == 1);
    let mut written = 1;
    for id in cluster.ids() {
        cluster.kill(&[id]);
        good(&cluster, &["--timeout", "30", "set", "a 2", &format!("without {id}")]);
        good(&cluster, &["--timeout", "30", "del", "a 2"]);
        written += 2;
        eventually("it goes on", || lines(&watch) == written);
        cluster.launch(&[id]);
        cluster.converge();
    }
    watch.signal("INT");
    assert_eq!(watch.wait().code(), Some(0), "{}", watch.stderr());
    let output = watch.stdout();
    let (revisions, changes): (Vec<u64>, Vec<&str>) = output
        .lines()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(revision, change)| (revision.parse::<u64>().unwrap(), change))
        .unzip();
    assert!(revisions.is_sorted_by(|one, next| one < next), "{output}");
    assert_eq!(changes[1..3], ["SET a\\ 2 without\\ 0", "DEL a\\ 2"]);
    let output = cluster.kv(&["watch", "--count", "1", "--timeout", "0.2", "nothing"]);
    assert_eq!((output.code, &*output.stdout), (1, ""), "{output:?}");
    assert!(output.stderr.contains("0 of 1 in time"), "{output:?}");
}

#[test]
fn the_shell_takes_a_command_a_line() {
    let cluster = Cluster::start(1, STABLE_TIMING);
    let output =
        shell(&cluster, "set name1 \"Bheem the Great\"\nget name1\nscan\nget nobody\ndel name1\n");
    // A session: failures are printed in their place.
    let lines = ["SUCCESS", "Bheem the Great", "name1 Bheem\\ the\\ Great", NOBODY, "SUCCESS"];
    assert_eq!(output.stdout.lines().collect::<Vec<_>>(), lines);
    let output = shell(&cluster, "help\nfrobnicate\n");
    assert!(output.stdout.contains("cas") && output.stdout.contains("frobnicate"), "{output:?}");
}

const NOBODY: &str = "FAIL: no such key: nobody";
