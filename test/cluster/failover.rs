//! How long writes are interrupted when the leader is killed.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use agora::kv::client::KvClient;

use crate::cluster::Cluster;
use crate::kills::number;
use crate::process::{client_of, eventually};

/// Writes one key after another, each with a timeout, and sends the time of each success.
fn write(client: &KvClient, stop: &AtomicBool, done: &mpsc::Sender<(Instant, Instant)>) {
    while !stop.load(Ordering::Relaxed) {
        let began = Instant::now();
        if client.set(b"x", b"v").is_ok() && done.send((began, Instant::now())).is_err() {
            return;
        }
    }
}

/// Kills the leader repeatedly, with default timing, and prints how long it took until a client's
/// next write succeeded: `scripts/failover`.
#[test]
#[ignore = "measures: scripts/failover"]
fn time_to_the_next_write() {
    for size in [3, 5] {
        measure(size, number("AGORA_ROUNDS", 30));
    }
}

fn measure(size: u64, rounds: u64) {
    let mut cluster = Cluster::start(size, &["--dump-timestamps"]);
    let client = client_of(&cluster.nodes, Duration::from_secs(30));
    let stop = AtomicBool::new(false);
    let (sender, receiver) = mpsc::channel();
    let mut pauses = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| write(&client, &stop, &sender));
        for round in 1..=rounds {
            let leader = cluster.leader();
            // Ignores all earlier writes.
            receiver.try_iter().for_each(drop);
            receiver.recv().unwrap();
            let killed = Instant::now();
            let at_ms = agora::replica::clock::wall_ms();
            cluster.kill(&[leader]);
            // The first write after that by another leader.
            let (_, done) = receiver
                .iter()
                .find(|(began, done)| {
                    *began > killed || *done > killed + Duration::from_millis(100)
                })
                .unwrap();
            let pause = done - killed;
            println!("{size} nodes, round {round}: {:.0} ms", pause.as_secs_f64() * 1e3);
            if pause > Duration::from_secs(1) {
                explain(&cluster, at_ms);
            }
            pauses.push(pause);
            cluster.launch(&[leader]);
            cluster.converge();
        }
        stop.store(true, Ordering::Relaxed);
    });
    pauses.sort_unstable();
    let ms = |at: usize| pauses[at].as_secs_f64() * 1e3;
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!(
        "{size} nodes, {rounds} rounds: median {:.0} ms, 90% {:.0} ms, longest {:.0} ms; load {}",
        ms(pauses.len() / 2),
        ms(pauses.len() * 9 / 10),
        ms(pauses.len() - 1),
        load.trim()
    );
}

/// Prints what the nodes recorded since then.
fn explain(cluster: &Cluster, since_ms: u64) {
    let mut lines: Vec<String> = Vec::new();
    // Lines are buffered for a moment before they are written.
    let log = || cluster.ids().map(|id| cluster.file(id, "dump.txt").len()).sum::<usize>();
    let (mut last, mut grew_at) = (log(), Instant::now());
    eventually("no more is written", || {
        let now = log();
        if now != last {
            (last, grew_at) = (now, Instant::now());
        }
        grew_at.elapsed() > Duration::from_millis(300)
    });
    for id in cluster.ids() {
        lines.extend(
            cluster.file(id, "dump.txt").lines().map(|line| format!("{line}  [node {id}]")),
        );
    }
    lines.sort();
    println!("  killed at {since_ms}");
    for line in lines.iter().rev().take(40).rev() {
        println!("  {line}");
    }
}
