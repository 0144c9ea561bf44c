//! Graceful stops of leaders while a follower is dead.

use std::time::{Duration, Instant};

use crate::cluster::{Cluster, STABLE_TIMING};
use crate::process::eventually;

/// The maximum duration of a hand-over on a busy machine. An election takes 1.5 s and more with
/// this timing, and so does a hand-over to a dead node.
const PAUSE: Duration = Duration::from_secs(1);

/// The follower that a leader would try first if it did not track which followers are alive: no log
/// is nearer to its own, and among equals it is the last.
fn last_follower(cluster: &Cluster, leader: u64) -> u64 {
    cluster.others(leader).pop().unwrap()
}

#[test]
fn a_leader_of_five_hands_over_to_a_live_follower() {
    let mut cluster = Cluster::start(5, STABLE_TIMING);
    let client = cluster.client();
    let mut pauses = Vec::new();
    for round in 0..3_u8 {
        client.set(b"x", &[b'0' + round]).unwrap();
        cluster.converge();
        let leader = cluster.leader();
        let dead = last_follower(&cluster, leader);
        cluster.kill(&[dead]);
        let began = Instant::now();
        cluster.process(leader).signal("TERM");
        eventually("another one leads", || {
            let others = cluster.others(leader).into_iter().filter(|id| *id != dead);
            let mut named = others.filter_map(|id| cluster.status(id)?.leader);
            named.any(|named| named != leader)
        });
        pauses.push(began.elapsed());
        client.set(b"x", b"by another").unwrap();
        cluster.await_end(leader);
        cluster.launch(&[dead, leader]);
    }
    pauses.sort_unstable();
    assert!(pauses[1] < PAUSE, "{pauses:?}");
}

/// Of three nodes with one dead, the leader's own vote is needed to elect its successor. The
/// remaining node then commits nothing, but it leads, and continues as soon as another node is
/// back.
#[test]
fn a_leader_of_three_stays_until_the_last_follower_leads() {
    let mut cluster = Cluster::start(3, STABLE_TIMING);
    let client = cluster.client();
    client.set(b"x", b"before").unwrap();
    cluster.converge();
    let leader = cluster.leader();
    let dead = last_follower(&cluster, leader);
    let left = cluster.others(leader)[0];
    cluster.kill(&[dead]);
    let began = Instant::now();
    cluster.end(&[leader]);
    assert!(began.elapsed() < PAUSE, "{:?}: it does not wait for a dead node", began.elapsed());
    let term = cluster.status(left).unwrap().term;
    eventually("the one that is left was elected", || {
        cluster
            .file(left, "dump.txt")
            .contains(&format!("Node {left} became the leader for term {term}."))
    });
    cluster.launch(&[dead]);
    client.set(b"x", b"after").unwrap();
}
