//! `agora kv` as a person or a script uses it: what it prints, and how it ends.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::cluster::{CALM, Cluster};
use crate::process::{AGORA, Process, Said, eventually};

/// A command that must succeed; what it printed.
#[track_caller]
fn good(cluster: &Cluster, words: &[&str]) -> String {
    let said = cluster.kv(words);
    assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{words:?}: {said:?}");
    said.stdout
}

/// A command that must be refused; why.
#[track_caller]
fn refused(cluster: &Cluster, words: &[&str]) -> String {
    let said = cluster.kv(words);
    assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{words:?}: {said:?}");
    said.stderr.trim_end().strip_prefix("FAIL: ").unwrap_or_else(|| panic!("{said:?}")).to_owned()
}

/// The shell, with these lines on its input.
fn shell(cluster: &Cluster, lines: &str) -> Said {
    let mut child = Command::new(AGORA)
        .args(["kv", "--peers", &cluster.peers()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    Said::of(child.wait_with_output().unwrap())
}

#[test]
fn each_command_says_what_came_of_it() {
    let cluster = Cluster::start(3, CALM);
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
    let said = cluster.kv(&["del", "name1"]);
    assert_eq!((said.code, &*said.stdout), (0, "SUCCESS\n"));
    assert!(said.stderr.contains("there was no such key"), "{said:?}");
    eventually("a stale read has it as well", || {
        cluster.kv(&["--stale", "get", "name 2"]).stdout.trim_end() == "a b"
    });
    let long = "k".repeat(4097);
    assert!(refused(&cluster, &["set", &long, "v"]).contains("4097 bytes"));
    assert!(refused(&cluster, &["get", ""]).contains("the key is empty"));
}

#[test]
fn wrong_words_are_exit_status_2() {
    let cluster = Cluster::new(1, CALM);
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
        let said = cluster.kv(words);
        assert_eq!((said.code, said.stdout.as_str()), (2, ""), "{words:?}: {said:?}");
    }
    let said = crate::process::agora(&["kv", "get", "a"]);
    assert!(said.code == 2 && said.stderr.contains("--peers"), "{said:?}");
}

#[test]
fn a_store_that_is_not_there_is_said_plainly() {
    let cluster = Cluster::new(3, CALM);
    let said = refused(&cluster, &["--timeout", "0.5", "get", "x"]);
    assert!(said.starts_with("no leader: 3 of 3 nodes cannot be reached"), "{said}");
    let said = refused(&cluster, &["--timeout", "0.5", "--stale", "get", "x"]);
    assert!(said.starts_with("no node answers: 3 of 3 nodes cannot be reached"), "{said}");
    let said = refused(&cluster, &["--timeout", "0.5", "watch"]);
    assert_eq!(said, "no node answers");
    let said = cluster.kv(&["--timeout", "0.5", "status"]);
    assert_eq!(said.code, 1);
    assert_eq!(said.stdout.lines().filter(|line| line.contains("cannot reach")).count(), 3);
}

#[test]
fn a_status_is_a_table_and_leadership_is_handed_over() {
    let cluster = Cluster::start(3, CALM);
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
    let mut cluster = Cluster::start(3, CALM);
    good(&cluster, &["set", "a1", "before"]);
    let said = good(&cluster, &["watch", "--after", "0", "--count", "1", "a"]);
    assert_eq!(said, "SET a1 before\n");
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
    let said = watch.stdout();
    let (revisions, changes): (Vec<u64>, Vec<&str>) = said
        .lines()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(revision, change)| (revision.parse::<u64>().unwrap(), change))
        .unzip();
    assert!(revisions.is_sorted_by(|one, next| one < next), "{said}");
    assert_eq!(changes[1..3], ["SET a\\ 2 without\\ 0", "DEL a\\ 2"]);
    let said = cluster.kv(&["watch", "--count", "1", "--timeout", "0.2", "nothing"]);
    assert_eq!((said.code, &*said.stdout), (1, ""), "{said:?}");
    assert!(said.stderr.contains("0 of 1 in time"), "{said:?}");
}

#[test]
fn the_shell_takes_a_command_a_line() {
    let cluster = Cluster::start(1, CALM);
    let said =
        shell(&cluster, "set name1 \"Bheem the Great\"\nget name1\nscan\nget nobody\ndel name1\n");
    // A conversation: failures stand where they happened.
    let lines = ["SUCCESS", "Bheem the Great", "name1 Bheem\\ the\\ Great", NOBODY, "SUCCESS"];
    assert_eq!(said.stdout.lines().collect::<Vec<_>>(), lines);
    let said = shell(&cluster, "help\nfrobnicate\n");
    assert!(said.stdout.contains("cas") && said.stdout.contains("frobnicate"), "{said:?}");
}

const NOBODY: &str = "FAIL: no such key: nobody";
