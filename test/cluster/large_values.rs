//! Values of the largest size, from many concurrent clients: the leader stays, and no write has an
//! unknown outcome.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::cluster::{Cluster, STABLE_TIMING};
use crate::kills::number;
use crate::process::client_of;
use crate::wait::pace_until;

/// The maximum size of a value.
const LARGEST_BYTES: usize = 1024 * 1024;
/// A size that an unoptimized build can write beside other tests.
const LARGE_BYTES: usize = 64 * 1024;

/// `clients` clients write for `span`. Every write succeeds, and the leader does not change.
fn write(cluster: &Cluster, clients: u64, value_bytes: usize, span: Duration) {
    let leader = cluster.leader();
    let term = cluster.status(leader).unwrap().term;
    let (stop, done) = (AtomicBool::new(false), AtomicU64::new(0));
    let began = Instant::now();
    std::thread::scope(|scope| {
        for id in 0..clients {
            let (stop, done) = (&stop, &done);
            scope.spawn(move || {
                let client = client_of(&cluster.nodes, Duration::from_secs(30));
                let mut value = vec![b'v'; value_bytes];
                for round in 0_u64.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    value[..8].copy_from_slice(&round.to_be_bytes());
                    client.set(format!("key {id}").as_bytes(), &value).unwrap();
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        scope.spawn(|| {
            pace_until(began + span);
            stop.store(true, Ordering::Relaxed);
        });
    });
    let rate = done.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64();
    let status = cluster.status(leader).unwrap();
    println!("{clients} clients: {rate:.0} a second, term {term}, then {}", status.term);
    assert_eq!(status.term, term, "the leader stays: {}", cluster.output());
}

#[test]
fn large_values_do_not_depose_the_leader() {
    let cluster = Cluster::start(3, STABLE_TIMING);
    write(&cluster, 16, LARGE_BYTES, Duration::from_secs(3));
}

/// With default timing: `scripts/soak large SECONDS`.
#[test]
#[ignore = "takes minutes: scripts/soak large"]
fn large_values_do_not_depose_the_leader_for_long() {
    let span = Duration::from_secs(number("AGORA_SECONDS", 60));
    for clients in [16, 64] {
        let cluster = Cluster::start(3, &[]);
        write(&cluster, clients, LARGEST_BYTES, span);
    }
}
