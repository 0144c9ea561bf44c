//! A store at its quota, filled by one client: it takes its snapshot, a wiped node installs that,
//! memory stays bounded, and others are served meanwhile.

use std::fs;
use std::time::{Duration, Instant};

use agora::call::Code;
use agora::kv::client::Consistency;

use crate::cluster::{Cluster, STABLE_TIMING};
use crate::process::{eventually, leader_of};

const QUOTA: u64 = 24_000_000;
const VALUE: usize = 100_000;
/// The quota, as the state; the same again while a snapshot is written or received; the log that is
/// kept for followers; and the process itself.
const MAX_RESIDENT: u64 = 2 * QUOTA + 2 * 8_388_608 + 48_000_000;

/// The highest resident memory of a process in bytes.
fn peak(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1_000
}

#[test]
fn a_store_at_its_quota_takes_a_snapshot_and_a_wiped_node_installs_it() {
    let quota = QUOTA.to_string();
    let limits = ["--quota-bytes", &quota, "--snapshot-bytes", "4000000"];
    let mut cluster = Cluster::start(3, &[STABLE_TIMING, &limits].concat());
    let (attacker, other) = (cluster.client(), cluster.client());
    other.set(b"other", b"before").unwrap();
    let mut filled = 0;
    let refused = loop {
        match attacker.set(format!("fill {filled:04}").as_bytes(), &[b'v'; VALUE]) {
            Ok(_) => filled += 1,
            Err(status) => break status,
        }
    };
    assert_eq!(refused.code, Code::ResourceExhausted, "{refused}");
    assert!(refused.message.contains("--quota-bytes"), "{refused}");
    assert!(filled >= 238, "{filled} values of {VALUE} bytes");
    let shown = cluster.kv(&["status"]).stdout;
    assert!(shown.contains("ALARM: node") && shown.contains("of 24000000 bytes"), "{shown}");

    let leader = cluster.leader();
    let wiped = cluster.others(leader)[0];
    eventually("the leader has a snapshot of nearly all", || {
        let path = cluster.directory(leader).join("snapshot.txt");
        fs::metadata(path).is_ok_and(|file| file.len() > QUOTA / 2)
    });
    cluster.kill(&[wiped]);
    fs::remove_dir_all(cluster.directory(wiped)).unwrap();
    cluster.launch(&[wiped]);
    let mut slowest = Duration::ZERO;
    let leading = leader_of(&other).unwrap().commit_index;
    eventually("the wiped node has all", || {
        let began = Instant::now();
        assert_eq!(
            other.get(b"other", Consistency::Linearizable).unwrap().unwrap().value,
            b"before"
        );
        slowest = slowest.max(began.elapsed());
        cluster.status(wiped).is_some_and(|status| status.applied_index >= leading)
    });
    println!("{filled} values, the slowest read meanwhile took {slowest:?}");
    for id in cluster.ids().collect::<Vec<_>>() {
        let peak = peak(cluster.process(id).id());
        println!("node {id}: {peak} bytes resident at most");
        assert!(peak < MAX_RESIDENT, "node {id}: {peak}");
    }
    // Another client goes on with what does not grow, and a deletion makes space for all.
    other.set(b"other", b"beside").unwrap();
    assert!(other.delete(b"fill 0000").unwrap());
    let shown = cluster.kv(&["status"]).stdout;
    assert!(!shown.contains("ALARM"), "{shown}");
    other.set(b"another", &[b'v'; VALUE / 2]).unwrap();
}
