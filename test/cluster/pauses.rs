//! Leaders that are stopped gracefully, and leaders that are paused.

use std::time::{Duration, Instant};

use agora::call::Code;
use agora::kv::client::Consistency;

use crate::clients::Clients;
use crate::cluster::{Cluster, STABLE_TIMING};
use crate::process::eventually;

const PATIENCE: Duration = Duration::from_secs(30);

/// SIGTERM of a leader under load: it hands over, clients see no error, and the pause is short.
#[test]
fn a_graceful_stop_of_the_leader_interrupts_writes_briefly() {
    // An election would take 1.5 s and more with this timing.
    let mut cluster = Cluster::start(3, STABLE_TIMING);
    let clients = Clients::start(3, &cluster.nodes, PATIENCE, 7);
    clients.await_progress(50);
    let mut pauses = Vec::new();
    for _ in 0..5 {
        let leader = cluster.leader();
        let began = Instant::now();
        cluster.process(leader).signal("TERM");
        eventually("another one leads", || {
            let others = cluster.others(leader);
            others.iter().any(|id| {
                cluster
                    .status(*id)
                    .is_some_and(|status| status.leader.is_some_and(|now| now != leader))
            })
        });
        clients.await_progress(10);
        pauses.push(began.elapsed());
        cluster.await_end(leader);
        let dump = cluster.file(leader, "dump.txt");
        assert!(dump.contains(&format!("Leader {leader} hands over to Node ")), "{dump}");
        cluster.launch(&[leader]);
        clients.await_progress(10);
    }
    pauses.sort_unstable();
    assert!(pauses[2] < Duration::from_secs(1), "{pauses:?}");
    let tally = clients.judge(&cluster.client());
    assert_eq!(tally.unknown, 0);
}

/// SIGSTOP of a leader for longer than its lease: the others continue, and when it resumes it knows
/// that its lease is over, for every request.
#[test]
fn a_paused_leader_serves_no_stale_read() {
    let mut cluster = Cluster::start(5, &[]);
    let clients = Clients::start(3, &cluster.nodes, PATIENCE, 8);
    clients.await_progress(20);
    for round in 0..5 {
        let leader = cluster.leader();
        let (asked, others) = (cluster.client_at(leader, Duration::from_secs(1)), cluster.client());
        // Connected to the leader.
        if asked.set(b"x", format!("old {round}").as_bytes()).is_err() {
            continue;
        }
        cluster.process(leader).signal("STOP");
        // Acknowledged by a majority without it, after its lease.
        others.set(b"x", format!("new {round}").as_bytes()).unwrap();
        clients.await_progress(20);
        // The request is sent before it resumes, and is answered right after.
        std::thread::scope(|scope| {
            let read = scope.spawn(|| asked.get(b"x", Consistency::Linearizable));
            cluster.process(leader).signal("CONT");
            match read.join().unwrap() {
                // If it leads again, or still, it has what was written meanwhile.
                Ok(pair) => assert_eq!(pair.unwrap().value, format!("new {round}").as_bytes()),
                Err(status) => assert_eq!(status.code, Code::Unavailable, "{status}"),
            }
        });
        clients.await_progress(20);
    }
    let tally = clients.judge(&cluster.client());
    assert_eq!(tally.unknown, 0);
    cluster.converge();
    crate::kills::same_everywhere(&cluster);
}
