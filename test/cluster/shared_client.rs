//! One client shared by many threads, while leaders are killed.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use agora::call::Code;
use agora::kv::client::{Consistency, KvClient};

use crate::cluster::Cluster;
use crate::process::{client_of, eventually};

const THREADS: usize = 200;

/// A thread's record of its writes, which are the numbers from 1 on.
struct Remembered {
    /// The last acknowledged write.
    last: u64,
    /// Writes with an unknown outcome.
    unknown: Vec<u64>,
}

fn key(thread: usize) -> Vec<u8> {
    format!("key of thread {thread}").into_bytes()
}

/// Writes one number after another to the thread's own key.
fn write(client: &KvClient, thread: usize, stop: &AtomicBool, done: &AtomicU64) -> Remembered {
    let mut remembered = Remembered { last: 0, unknown: Vec::new() };
    for number in 1_u64.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        match client.set(&key(thread), number.to_string().as_bytes()) {
            Ok(_) => {
                remembered.last = number;
                done.fetch_add(1, Ordering::Relaxed);
            }
            Err(status) if status.code == Code::Unknown => remembered.unknown.push(number),
            // No write may fail otherwise.
            Err(status) => panic!("thread {thread}, number {number}: {status}"),
        }
    }
    remembered
}

#[test]
fn a_client_shared_by_two_hundred_threads_survives_failovers() {
    let mut cluster = Cluster::start(3, &[]);
    let client = client_of(&cluster.nodes, Duration::from_secs(30));
    let (stop, done) = (AtomicBool::new(false), AtomicU64::new(0));
    let remembered: Vec<Remembered> = thread::scope(|scope| {
        let start = |thread| {
            scope.spawn({
                let (client, stop, done) = (&client, &stop, &done);
                move || write(client, thread, stop, done)
            })
        };
        let threads: Vec<_> = (0..THREADS).map(start).collect();
        let progress = |more: u64| {
            let wanted = done.load(Ordering::Relaxed) + more;
            eventually("writes go on", || {
                let is_over = threads.iter().any(|thread| thread.is_finished());
                is_over || done.load(Ordering::Relaxed) >= wanted
            });
        };
        progress(2_000);
        for _ in 0..2 {
            let leader = cluster.leader();
            cluster.kill(&[leader]);
            // Far more than may be outstanding before an unanswered write.
            progress(4_000);
            cluster.launch(&[leader]);
            progress(1_000);
        }
        stop.store(true, Ordering::Relaxed);
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let unknown: usize = remembered.iter().map(|thread| thread.unknown.len()).sum();
    assert_eq!(unknown, 0, "the client's patience outlasts every failover");
    for (thread, Remembered { last, .. }) in remembered.iter().enumerate() {
        let found = client.get(&key(thread), Consistency::Linearizable).unwrap();
        let value = found.map(|pair| String::from_utf8(pair.value).unwrap());
        assert_eq!(value, (*last > 0).then(|| last.to_string()), "thread {thread}");
    }
}
