//! What an entry costs on the wire: `cargo test --release --test transport speed -- --ignored
//! --nocapture`.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use agora::raft::{Body, Entry, Message, Origin, Payload};
use agora::replica::wire::{Encoder, decode};

/// The best of several runs, in nanoseconds a unit.
fn best(units: usize, mut run: impl FnMut()) -> f64 {
    let once = |run: &mut dyn FnMut()| {
        let started = Instant::now();
        run();
        started.elapsed()
    };
    let fastest = (0..50).map(|_| once(&mut run)).min().unwrap_or(Duration::ZERO);
    fastest.as_nanos() as f64 / units as f64
}

fn append(count: u64, bytes: usize) -> Message {
    let entry = |index| Entry {
        term: 3,
        index,
        at_ms: 1_700_000_000_000,
        payload: Payload::Command {
            origin: Some(Origin { session: 70_000, sequence: index, acknowledged: index - 1 }),
            command: vec![7; bytes].into(),
        },
    };
    Message {
        term: 3,
        body: Body::AppendEntries {
            prev_log_index: 100_000,
            prev_log_term: 3,
            entries: (100_001..=100_000 + count).map(entry).collect(),
            leader_commit: 100_000,
            sent_at: Duration::from_secs(1000),
            lease: Duration::from_millis(300),
            read_round: 9,
        },
    }
}

#[test]
#[ignore = "a measurement"]
fn what_an_entry_costs() {
    println!(
        "{:>8}{:>8}{:>12}{:>12}{:>12}{:>12}",
        "entries", "bytes", "copy", "encode", "again", "decode"
    );
    for (count, bytes) in [(1, 300), (64, 300), (1000, 300), (1000, 30), (200, 5000)] {
        let message = append(count, bytes);
        let Body::AppendEntries { entries, .. } = &message.body else { return };
        let rounds = 100_000 / count as usize;
        let units = rounds * count as usize;
        let mut out = Vec::new();
        let copy = best(units, || {
            for _ in 0..rounds {
                out.clear();
                for entry in entries.iter() {
                    if let Payload::Command { command, .. } = &entry.payload {
                        out.extend_from_slice(command);
                    }
                }
                black_box(&out);
            }
        });
        let mut encoder = Encoder::default();
        // Other entries in between, so that none are known.
        let fresh: Vec<Message> = (0..2)
            .map(|_| {
                let mut message = message.clone();
                if let Body::AppendEntries { entries, .. } = &mut message.body {
                    *entries = Arc::from(entries.to_vec());
                }
                message
            })
            .collect();
        let encode = best(units, || {
            for round in 0..rounds {
                black_box(encoder.encode(&fresh[round % 2]));
            }
        });
        let again = best(units, || {
            for _ in 0..rounds {
                black_box(encoder.encode(&message));
            }
        });
        let encoded = encoder.encode(&message).to_vec();
        let decoded = best(units, || {
            for _ in 0..rounds {
                black_box(decode(&encoded)).unwrap();
            }
        });
        println!(
            "{count:>8}{bytes:>8}{copy:>9.1} ns{encode:>9.1} ns{again:>9.1} ns{decoded:>9.1} ns"
        );
    }
}
