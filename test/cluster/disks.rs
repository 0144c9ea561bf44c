//! Disks that are full, and disks that cannot be written.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use agora::raft::NodeId;

use crate::cluster::{CALM, Cluster};
use crate::process::eventually;

/// A small disk of its own at a node's directory.
struct Disk {
    at: PathBuf,
}

impl Disk {
    fn mount(at: &Path, options: &str) -> Disk {
        fs::create_dir_all(at).unwrap();
        mount(&["-t", "tmpfs", "-o", options, "tmpfs"], at);
        Disk { at: at.to_owned() }
    }

    fn remount(&self, options: &str) {
        mount(&["-o", &format!("remount,{options}")], &self.at);
    }
}

#[track_caller]
fn mount(words: &[&str], at: &Path) {
    assert!(Command::new("mount").args(words).arg(at).status().unwrap().success());
}

impl Drop for Disk {
    fn drop(&mut self) {
        // At once for all that come, although a process may still have files there.
        let _ = Command::new("umount").arg("-l").arg(&self.at).status();
    }
}

/// A node whose disk is full says so and ends with exit status 1, leader or not. The group goes on;
/// with more room the node starts again and has lost nothing.
#[test]
#[ignore = "needs root: scripts/test disk"]
fn a_full_disk_ends_its_node_and_nothing_else() {
    let mut cluster = Cluster::new(3, CALM);
    let (mut disks, ids): (Vec<Disk>, Vec<NodeId>) = (Vec::new(), cluster.ids().collect());
    for id in &ids {
        disks.push(Disk::mount(&cluster.directory(*id), "size=64m"));
    }
    cluster.launch(&ids);
    let client = cluster.client();
    let mut number = 0;
    let mut last = String::new();
    for is_leader in [false, true] {
        let leader = cluster.leader();
        let victim = if is_leader { leader } else { cluster.others(leader)[0] };
        let disk = &disks[victim as usize];
        let used = fs::metadata(cluster.directory(victim).join("logs.txt")).unwrap().len();
        disk.remount(&format!("size={}", used / 4096 * 4096 + 1_000_000));
        let mut ended = None;
        eventually("the disk is full", || {
            last = format!("{number} {}", "v".repeat(100_000));
            client.set(b"key", last.as_bytes()).unwrap();
            number += 1;
            ended = cluster.process(victim).ended();
            ended.is_some()
        });
        let said = cluster.process(victim).stderr();
        assert_eq!(ended.unwrap().code(), Some(1), "{said}");
        assert!(said.contains("logs.txt: no space is left on the disk"), "{said}");
        assert!(!said.contains("panicked"), "{said}");
        client.set(b"without", b"it").unwrap();
        cluster.forget(victim);
        disk.remount("size=64m");
        cluster.check(victim);
        cluster.launch(&[victim]);
        cluster.converge();
        crate::kills::same_everywhere(&cluster);
        let now = client.get(b"key", agora::kv::client::Consistency::Linearizable).unwrap();
        assert!(now.unwrap().value == last.as_bytes(), "what was acknowledged is there");
    }
    cluster.end(&ids);
    drop(disks);
}

#[test]
#[ignore = "needs root: scripts/test disk"]
fn a_disk_that_cannot_be_written_is_said_so() {
    let mut cluster = Cluster::start(3, CALM);
    let follower = cluster.others(cluster.leader())[0];
    cluster.end(&[follower]);
    let other = cluster.home.0.join("kept");
    fs::rename(cluster.directory(follower), &other).unwrap();
    let disk = Disk::mount(&cluster.directory(follower), "size=8m");
    for name in ["logs.txt", "metadata.txt"] {
        fs::copy(other.join(name), cluster.directory(follower).join(name)).unwrap();
    }
    disk.remount("ro");
    let mut refused = cluster.run_with(follower, &[]);
    let status = refused.wait();
    let said = refused.stderr();
    assert_eq!((status.code(), &*refused.stdout()), (Some(1), ""), "{said}");
    assert!(said.to_lowercase().contains("read-only file system"), "{said}");
    disk.remount("rw");
    cluster.launch(&[follower]);
    cluster.client().set(b"x", b"5").unwrap();
    cluster.converge();
    let all: Vec<NodeId> = cluster.ids().collect();
    cluster.end(&all);
}
