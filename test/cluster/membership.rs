//! Nodes that have lost their promises, and nodes that start with other peer lists.

use std::fs;
use std::time::Duration;

use agora::kv::client::Consistency;
use agora::raft::NodeId;

use crate::cluster::{Cluster, STABLE_TIMING};
use crate::process::{Process, agora, eventually};

const KEYS: [&[u8]; 5] = [b"one", b"two", b"three", b"four", b"five"];

/// A group in which all nodes have met, its leader, and the two others.
fn group() -> (Cluster, NodeId, NodeId, NodeId) {
    let cluster = Cluster::start(3, STABLE_TIMING);
    cluster.client().set(b"zero", b"0").unwrap();
    cluster.converge();
    eventually("all are voters", || {
        cluster.ids().all(|id| cluster.file(id, "metadata.txt").contains("standing voter\n"))
    });
    let leader = cluster.leader();
    let others = cluster.others(leader);
    (cluster, leader, others[0], others[1])
}

fn output(cluster: &mut Cluster, id: NodeId) -> String {
    cluster.process(id).stderr()
}

/// A write that two of three nodes acknowledged is never reported as missing, whichever node is
/// wiped and whichever is down; it can be read again when a node with its files is back.
#[test]
fn a_wiped_node_and_one_that_was_down_do_not_lead() {
    let (mut cluster, a, b, c) = group();
    cluster.kill(&[c]);
    for key in KEYS {
        cluster.client().set(key, b"acknowledged").unwrap();
    }
    cluster.kill(&[b]);
    fs::remove_dir_all(cluster.directory(b)).unwrap();
    cluster.kill(&[a]);
    cluster.launch(&[b, c]);
    eventually("both say what is wrong", || {
        let (of_b, of_c) = (output(&mut cluster, b), output(&mut cluster, c));
        of_b.contains("this node had another directory before")
            && of_c.contains(&format!("node {b} has lost its directory"))
            && [of_b, of_c].iter().all(|output| output.contains("refused as a voter"))
    });
    for id in [b, c] {
        let client = cluster.client_at(id, Duration::from_secs(2));
        for key in KEYS {
            let answer = client.get(key, Consistency::Linearizable);
            assert!(answer.is_err(), "{answer:?}");
        }
        let refused = client.set(b"one", b"another").unwrap_err().to_string();
        assert!(!refused.is_empty());
    }
    cluster.launch(&[a]);
    cluster.leader();
    for key in KEYS {
        let found = cluster
            .client()
            .get(key, Consistency::Linearizable)
            .unwrap()
            .expect("it was acknowledged");
        assert_eq!(found.value, b"acknowledged");
    }
    cluster.converge();
    crate::kills::same_everywhere(&cluster);
    assert!(cluster.file(b, "metadata.txt").contains("standing replaced\n"));
    // A restart changes nothing, and `agora check` reports it.
    cluster.end(&[b]);
    let checked = agora(&["check", cluster.directory(b).to_str().unwrap()]);
    assert_eq!(checked.code, 1, "{checked:?}");
    assert!(checked.stderr.contains("refused as a voter"), "{checked:?}");
    cluster.launch(&[b]);
    cluster.converge();
}

#[test]
fn a_node_that_is_wiped_in_a_healthy_group_is_brought_up_to_date() {
    let (mut cluster, a, b, c) = group();
    for number in 0..50_u32 {
        cluster.client().set(b"counter", number.to_string().as_bytes()).unwrap();
    }
    cluster.kill(&[b]);
    fs::remove_dir_all(cluster.directory(b)).unwrap();
    cluster.launch(&[b]);
    cluster.client().set(b"more", b"of it").unwrap();
    cluster.converge();
    crate::kills::same_everywhere(&cluster);
    for id in [a, c] {
        let log = output(&mut cluster, id);
        assert!(log.contains(&format!("node {b} has lost its directory")), "{log}");
        assert!(log.lines().count() < 50, "{log}");
    }
    // It does not count: the two nodes that kept their directories are needed.
    cluster.kill(&[c]);
    let client = cluster.client_at(a, Duration::from_secs(3));
    eventually("no majority", || client.set(b"too", b"few").is_err());
}

#[test]
fn an_older_copy_of_a_directory_is_refused_as_a_voter() {
    let (mut cluster, a, b, c) = group();
    cluster.end(&[b]);
    let (directory, image) = (cluster.directory(b), cluster.home.0.join("image"));
    fs::create_dir(&image).unwrap();
    let copy = |from: &std::path::Path, to: &std::path::Path| {
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    };
    copy(&directory, &image);
    cluster.launch(&[b]);
    cluster.kill(&[c]);
    for key in KEYS {
        cluster.client().set(key, b"acknowledged").unwrap();
    }
    cluster.kill(&[b]);
    fs::remove_dir_all(&directory).unwrap();
    fs::create_dir(&directory).unwrap();
    copy(&image, &directory);
    cluster.launch(&[b]);
    eventually("it is log", || {
        output(&mut cluster, b).contains("older than the one that the others have recorded")
    });
    assert!(output(&mut cluster, a).contains(&format!("node {b} started with an older copy")));
    cluster.launch(&[c]);
    cluster.converge();
    for key in KEYS {
        assert!(cluster.client().get(key, Consistency::Linearizable).unwrap().is_some());
    }
}

#[test]
fn a_node_restarts_only_with_the_same_peer_list() {
    let (mut cluster, a, b, _) = group();
    let all = cluster.peers();
    cluster.end(&[a]);
    let alone = format!("{a}={}", cluster.nodes[a as usize].1);
    let command = cluster.command_among(a, &alone, &[]);
    let mut process = Process::start(command, &cluster.home.0.join("alone"));
    assert_eq!(process.wait().code(), Some(1));
    let log = process.stderr();
    assert!(log.contains(&all) && log.contains(&format!("the group {alone}:")), "{log}");
    assert_eq!(process.stdout(), "");
    // A node may restart with another address and the same ids.
    let before = cluster.nodes[b as usize].1.clone();
    let port = before.rsplit(':').next().unwrap();
    let moved = all.replace(&before, &format!("localhost:{port}"));
    cluster.launch_with(a, &moved);
    cluster.converge();
    assert!(cluster.file(a, "metadata.txt").contains(&format!("member {b} localhost:")));
}

#[test]
fn nodes_with_different_lists_refuse_each_other() {
    let mut cluster = Cluster::new(3, STABLE_TIMING);
    let two = crate::process::peers_flag(&cluster.nodes[..2]);
    let all = cluster.peers();
    cluster.launch(&[1, 2]);
    cluster.launch_with(0, &two);
    eventually("it is logged", || {
        let log = output(&mut cluster, 1) + &output(&mut cluster, 0);
        log.contains(&two) && log.contains(&all)
    });
    cluster.leader();
    assert!(cluster.file(0, "metadata.txt").contains("standing new\n"));
}
