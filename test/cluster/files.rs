//! Directories that a node must refuse, and the error texts.

use std::fs;

use agora::raft::NodeId;

use crate::cluster::{Cluster, STABLE_TIMING};
use crate::process::{Process, agora, eventually};

/// A stopped group of three with entries in its logs.
fn stopped_group() -> Cluster {
    let mut cluster = Cluster::start(3, STABLE_TIMING);
    let client = cluster.client();
    for number in 0..20 {
        client.set(format!("name{number}").as_bytes(), b"Jaggu").unwrap();
    }
    cluster.converge();
    let all: Vec<NodeId> = cluster.ids().collect();
    cluster.end(&all);
    cluster
}

/// The process must end with exit status 1 without having served anything; returns its stderr.
#[track_caller]
fn refusal(mut process: Process) -> String {
    let status = process.wait();
    let output = process.stderr();
    assert_eq!((status.code(), process.stdout().as_str()), (Some(1), ""), "{output}");
    assert!(!output.contains("panicked"), "{output}");
    output
}

#[test]
fn a_directory_of_another_node_or_group_is_not_used() {
    let mut cluster = stopped_group();
    let before = cluster.file(0, "logs.txt");
    let output = refusal(cluster.run_with(0, &["--group", "towns"]));
    assert!(output.contains("agora") && output.contains("towns"), "{output}");
    fs::remove_dir_all(cluster.directory(1)).unwrap();
    fs::rename(cluster.directory(0), cluster.directory(1)).unwrap();
    let output = refusal(cluster.run_with(1, &[]));
    assert!(output.contains("node 0") && output.contains("node 1"), "{output}");
    assert_eq!(cluster.file(1, "logs.txt"), before, "nothing was changed");
    cluster.check(1);
}

#[test]
fn two_processes_do_not_share_a_directory() {
    let mut cluster = Cluster::start(1, STABLE_TIMING);
    let elsewhere = ["--listen", "127.0.0.1:0"];
    let second = Process::start(cluster.command(0, &elsewhere), &cluster.home.0.join("second"));
    let output = refusal(second);
    assert!(output.contains("node_0 is in use by another process"), "{output}");
    assert!(cluster.client().set(b"x", b"5").is_ok(), "the first one goes on");
    let directory = cluster.directory(0);
    let output = agora(&["check", directory.to_str().unwrap()]);
    assert!(output.code == 0 && output.stdout.contains("A node works here"), "{output:?}");
    cluster.end(&[0]);
}

#[test]
fn a_file_with_a_flipped_byte_is_refused_by_file_line_and_byte() {
    let mut cluster = stopped_group();
    for (name, mark) in [("logs.txt", "SET name7 "), ("metadata.txt", "term ")] {
        let path = cluster.directory(0).join(name);
        let good = fs::read(&path).unwrap();
        let at = String::from_utf8(good.clone()).unwrap().find(mark).unwrap() + mark.len();
        let line = good[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&path, &bad).unwrap();
        let output = refusal(cluster.run_with(0, &[]));
        let place = format!("{name}, line {line}, byte ");
        // A file with a single checksum is invalid as a whole.
        let place = if name == "logs.txt" { place } else { format!("{name}, line ") };
        assert!(output.contains(&place), "{output}");
        let reason = output[output.find(name).unwrap()..].lines().next().unwrap();
        let checked = agora(&["check", cluster.directory(0).to_str().unwrap()]);
        assert_eq!(checked.code, 1, "{checked:?}");
        assert!(checked.stderr.contains(reason), "{reason:?}: {checked:?}");
        assert_eq!(fs::read(&path).unwrap(), bad, "nothing is repaired");
        fs::write(&path, good).unwrap();
    }
    cluster.launch(&[0, 1, 2]);
    cluster.converge();
}

/// A node restarts with the same id and without its files. It may have voted and promised before,
/// so the operator must give it a new id. The group loses nothing as long as a majority has kept
/// its files.
#[test]
fn a_node_without_its_files_gets_them_from_the_others() {
    let mut cluster = stopped_group();
    fs::remove_dir_all(cluster.directory(2)).unwrap();
    cluster.launch(&[0, 1]);
    cluster.client().set(b"more", b"of it").unwrap();
    cluster.launch(&[2]);
    cluster.converge();
    crate::kills::same_everywhere(&cluster);
    let log = cluster.operations(0);
    eventually("the logs are the same", || cluster.operations(2) == log);
}
