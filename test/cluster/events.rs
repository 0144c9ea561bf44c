//! The log lines of nodes on stderr, for their operator.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::cluster::{Cluster, STABLE_TIMING};
use crate::process::{AGORA, CommandOutput, eventually};

/// The lines of a text that contain the words.
fn lines_with<'t>(text: &'t str, words: &str) -> Vec<&'t str> {
    text.lines().filter(|line| line.contains(words)).collect()
}

#[test]
fn a_change_of_leader_is_logged_with_its_cause() {
    let mut cluster = Cluster::start(3, STABLE_TIMING);
    let old = cluster.leader();
    let log = cluster.process(old).stderr();
    let start = log.lines().next().unwrap();
    assert!(start.contains(&format!("node {old} of kv group \"agora\" (nodes 0, 1, 2)")), "{log}");
    let directory = cluster.directory(old);
    assert!(start.contains(&format!("files in {}", directory.display())), "{log}");
    assert!(start.contains("log to 0, committed to 0, term 0, read in "), "{log}");
    assert!(log.contains(&format!("node {old} leads in term ")), "{log}");
    // The timestamp at the start, in milliseconds.
    assert!(start.starts_with('[') && start.as_bytes().get(20) == Some(&b'.'), "{start}");

    cluster.kill(&[old]);
    let new = cluster.leader();
    let [third] = cluster.others(old).into_iter().filter(|id| *id != new).collect::<Vec<_>>()[..]
    else {
        panic!("three nodes")
    };
    eventually("the others log it", || {
        let (new_log, third_log) = (cluster.process(new).stderr(), cluster.process(third).stderr());
        let lost = format!("node {old} cannot be reached: ");
        new_log.contains(&format!("node {new} stands for election: it knows no leader"))
            && new_log.contains(&format!("node {new} leads in term "))
            && third_log.contains(&format!("node {third} follows node {new} in term "))
            && new_log.contains(&lost)
            && third_log.contains(&lost)
    });

    // Alone it cannot lead: that is logged once, and then at intervals.
    cluster.kill(&[third]);
    eventually("it has stepped down", || {
        let log = cluster.process(new).stderr();
        log.contains("no longer leads in term ")
            && log.contains("a majority did not renew its lease in time")
            && log.contains("knows no leader")
    });
    cluster.launch(&[old]);
    let leader = cluster.leader();
    eventually("who is back is log", || {
        let log = cluster.process(new).stderr();
        !lines_with(&log, &format!("node {old} can be reached")).is_empty()
    });
    let log = cluster.process(old).stderr();
    // Its own vote was durable before it led; its first entry may have been.
    assert!(!log.contains(", term 0,"), "{log}");
    cluster.end(&[leader]);
}

#[test]
fn rust_log_selects_what_is_logged() {
    let mut cluster = Cluster::new(1, STABLE_TIMING);
    let mut command = cluster.command(0, &[]);
    command.env("RUST_LOG", "warn");
    let mut quiet = cluster.run(command);
    quiet.await_listening();
    assert_eq!(quiet.stderr(), "");
}

/// Runs `agora kv` with a value on stdin.
fn with_input(cluster: &Cluster, words: &[&str], input: &[u8]) -> CommandOutput {
    let mut child = Command::new(AGORA)
        .args(["kv", "--peers", &cluster.peers()])
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that refuses does not read stdin to the end.
    let _ = child.stdin.take().unwrap().write_all(input);
    CommandOutput::of(child.wait_with_output().unwrap())
}

#[test]
fn values_come_from_stdin_and_files_and_arguments_unchanged() {
    let cluster = Cluster::start(1, STABLE_TIMING);
    let get = |key: &str| {
        let output = cluster.kv(&["get", "--", key]);
        assert_eq!(output.code, 0, "{output:?}");
        output.stdout
    };
    assert_eq!(with_input(&cluster, &["set", "b", "-"], b"two\nlines\n").code, 0);
    assert_eq!(get("b"), "two\nlines\n\n", "all of it, and the line's end that get adds");
    assert_eq!(with_input(&cluster, &["cas", "b", "two\nlines\n", "-"], b"three").code, 0);
    assert_eq!(get("b"), "three\n");
    assert_eq!(with_input(&cluster, &["cas", "--absent", "c", "-"], b"").code, 0);
    assert_eq!(get("c"), "\n");

    let file = cluster.home.0.join("value");
    std::fs::write(&file, "from a file").unwrap();
    let path = file.display().to_string();
    assert_eq!(cluster.kv(&["set", "f", "--file", &path]).code, 0);
    assert_eq!(get("f"), "from a file\n");
    let missing = cluster.kv(&["set", "f", "--file", "/no/such/file"]);
    assert!(missing.code == 1 && missing.stderr.contains("/no/such/file"), "{missing:?}");
    std::fs::write(&file, vec![b'x'; 1024 * 1024 + 1]).unwrap();
    let large = cluster.kv(&["set", "f", "--file", &path]);
    assert!(large.code == 1 && large.stderr.contains("more than the 1048576 bytes"), "{large:?}");

    for (words, key, value) in [
        (&["set", "--", "-dash", "v"][..], "-dash", "v\n"),
        (&["set", "--", "h", "-"], "h", "-\n"),
        (&["set", "--", "--", "two"], "--", "two\n"),
        (&["set", "k", "--file"], "k", "--file\n"),
        (&["cas", "--absent", "--", "--absent", "x"], "--absent", "x\n"),
    ] {
        assert_eq!(cluster.kv(words).code, 0, "{words:?}");
        assert_eq!(get(key), value, "{words:?}");
    }
    let output = with_input(&cluster, &[], b"set s -\nget b\n");
    assert!(output.stdout.contains("FAIL: here - is no value") && output.stdout.contains("three"));
}

#[test]
fn the_help_of_kv_has_the_flags_of_its_commands() {
    let help = crate::process::agora(&["kv", "--help"]).stdout;
    for words in ["--limit N", "--count", "--after REVISION", "--file F", "set -- -k -v"] {
        assert!(help.contains(words), "{words}: {help}");
    }
}
