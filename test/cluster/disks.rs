//! Full disks, and read-only disks.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use agora::pb::grpc_health_v1::mod_HealthCheckResponse::ServingStatus;
use agora::pb::grpc_health_v1::{HealthCheckRequest, HealthCheckResponse};
use agora::protobuf::{decode, encode};
use agora::raft::NodeId;
use agora::rpc::{CallOptions, Channel, ChannelOptions};

use crate::cluster::{Cluster, STABLE_TIMING};
use crate::process::{LONG, eventually};

/// A small disk of its own, mounted at the directory of a node.
struct Disk {
    at: PathBuf,
}

impl Disk {
    fn mount(at: &Path, options: &str) -> Disk {
        fs::create_dir_all(at).unwrap();
        // Of this user alone: the root of a new tmpfs is open to everybody.
        mount(&["-t", "tmpfs", "-o", &format!("{options},mode=0750"), "tmpfs"], at);
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
        // Lazily: a process may still have open files there.
        let _ = Command::new("umount").arg("-l").arg(&self.at).status();
    }
}

const FULL: &str = "writes wait for disk space: ";

/// The size of a node's files.
fn used_bytes(directory: &Path) -> u64 {
    let files =
        fs::read_dir(directory).unwrap().map(|file| file.unwrap().metadata().unwrap().len());
    files.map(|bytes| bytes.next_multiple_of(4096)).sum()
}

/// Whether the health check of a node reports the store as serving.
fn serves(cluster: &Cluster, id: NodeId) -> bool {
    let channel = Channel::new(&cluster.nodes[id as usize].1, ChannelOptions::default()).unwrap();
    let asked = encode(&HealthCheckRequest { service: "agora.kv.v1.KvService".into() });
    let options = CallOptions { timeout: Some(LONG), ..CallOptions::default() };
    let answer = channel.unary("/grpc.health.v1.Health/Check", &asked, &options).unwrap();
    decode::<HealthCheckResponse>(&answer).unwrap().status == ServingStatus::SERVING
}

/// Fills a file until not a single byte more can be written.
fn fill(path: &Path) {
    let mut file = fs::File::create(path).unwrap();
    for bytes in [1_000_000, 4096, 1] {
        while file.write_all(&vec![b'x'; bytes]).is_ok() {}
    }
}

/// A node with a full disk reports it and stays up, as leader or follower. The group accepts
/// writes, if necessary under another leader; when there is space again the node has lost nothing.
#[test]
#[ignore = "needs root: scripts/test disk"]
fn a_full_disk_stops_no_node() {
    let mut cluster = Cluster::new(3, STABLE_TIMING);
    let (mut disks, ids): (Vec<Disk>, Vec<NodeId>) = (Vec::new(), cluster.ids().collect());
    for id in &ids {
        disks.push(Disk::mount(&cluster.directory(*id), "size=64m"));
    }
    cluster.launch(&ids);
    let client = cluster.client();
    let mut number = 0;
    for is_leader in [false, true] {
        let leader = cluster.leader();
        let victim = if is_leader { leader } else { cluster.others(leader)[0] };
        let disk = &disks[victim as usize];
        let used = used_bytes(&cluster.directory(victim));
        disk.remount(&format!("size={}", used + 1_000_000));
        let logged_before = cluster.process(victim).stderr().len();
        eventually("the disk is full", || {
            // Distinct keys, which no snapshot can merge.
            let key = format!("key{number}");
            client.set(key.as_bytes(), &[b'v'; 100_000]).unwrap();
            number += 1;
            cluster.process(victim).stderr()[logged_before..].contains(FULL)
        });
        client.set(b"without", b"it").unwrap();
        if is_leader {
            eventually("another node leads", || cluster.leader() != victim);
        }
        client.set(b"number", number.to_string().as_bytes()).unwrap();
        assert!(cluster.process(victim).ended().is_none(), "it goes on");
        disk.remount("size=64m");
        cluster.converge();
        crate::kills::same_everywhere(&cluster);
        let output = cluster.process(victim).stderr();
        assert!(
            output.contains("disk space is available again") && !output.contains("panicked"),
            "{output}"
        );
    }
    cluster.end(&ids);
    for id in &ids {
        assert!(cluster.check(*id).contains(&format!("{} keys", number + 2)));
    }
    drop(disks);
}

/// A small state that is overwritten many times, on a disk smaller than the log that is kept on a
/// larger one.
#[test]
#[ignore = "needs root: scripts/test disk"]
fn a_small_disk_is_enough_for_a_small_state() {
    let mut cluster = Cluster::new(1, &[]);
    let disk = Disk::mount(&cluster.directory(0), "size=14m");
    for round in 0..3 {
        cluster.launch(&[0]);
        let client = cluster.client();
        for write in 0..2500 {
            let key = format!("key{}", write % 26);
            client.set(key.as_bytes(), &[b'v'; 10_000]).unwrap();
        }
        let output = cluster.process(0).stderr();
        assert!(!output.contains(FULL), "{output}");
        match round {
            0 => cluster.end(&[0]),
            _ => cluster.kill(&[0]),
        }
        assert!(cluster.check(0).contains("26 keys"));
    }
    drop(disk);
}

/// A write that does not fit is refused with a reason; reads are served, also after a restart.
#[test]
#[ignore = "needs root: scripts/test disk"]
fn a_node_with_a_full_disk_serves_reads_and_accepts_writes_again() {
    let mut cluster = Cluster::new(1, &[]);
    let disk = Disk::mount(&cluster.directory(0), "size=8m");
    cluster.launch(&[0]);
    cluster.client().set(b"a", b"1").unwrap();
    let filler = cluster.directory(0).join("filler");
    fill(&filler);
    let linearizable = agora::kv::client::Consistency::Linearizable;
    for round in 0..2 {
        let refused = cluster.kv(&["--timeout", "2", "set", "a", &"2".repeat(5000)]);
        let words = "accepts no writes at present: logs.txt: no space is left on the disk";
        assert!(refused.code == 1 && refused.stderr.contains(words), "{refused:?}");
        let client = cluster.client();
        assert_eq!(client.get(b"a", linearizable).unwrap().unwrap().value, b"1");
        assert!(cluster.process(0).stderr().contains(FULL));
        assert!(!serves(&cluster, 0), "health says so");
        if round == 0 {
            cluster.kill(&[0]);
            // The start has truncated the log, so there is space again.
            cluster.launch(&[0]);
            fill(&filler);
        }
    }
    fs::remove_file(&filler).unwrap();
    let client = cluster.client();
    client.set(b"b", b"3").unwrap();
    eventually("health says so", || serves(&cluster, 0));
    assert_eq!(client.get(b"b", linearizable).unwrap().unwrap().value, b"3");
    cluster.end(&[0]);
    cluster.check(0);
    drop(disk);
}

#[test]
#[ignore = "needs root: scripts/test disk"]
fn a_disk_that_cannot_be_written_is_reported() {
    let mut cluster = Cluster::start(3, STABLE_TIMING);
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
    let output = refused.stderr();
    assert_eq!((status.code(), &*refused.stdout()), (Some(1), ""), "{output}");
    assert!(output.to_lowercase().contains("read-only file system"), "{output}");
    disk.remount("rw");
    cluster.launch(&[follower]);
    cluster.client().set(b"x", b"5").unwrap();
    cluster.converge();
    let all: Vec<NodeId> = cluster.ids().collect();
    cluster.end(&all);
}
