//! The memory of a million keys, and the time to find one. Run it optimised:
//!
//! ```text
//! cargo test --release --test kv -- --ignored --nocapture a_million_keys
//! ```

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use agora::kv::state::{Command, Kv};
use agora::raft::{Entry, Payload, StateMachine};

const KEYS: u64 = 1_000_000;
const VALUE_BYTES: usize = 256;

/// Resident memory of this process.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("statm");
    let pages: u64 = statm.split(' ').nth(1).expect("a field").parse().expect("a number");
    pages * 4096
}

/// The keys, in no particular order.
fn key(number: u64) -> String {
    format!("key{:013}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 10_000_000_000_000)
}

#[test]
#[ignore = "takes 500 MB, and its times mean something only when optimised"]
fn a_million_keys_and_their_log_take_at_most_two_and_a_half_times_their_bytes() {
    let before = resident_bytes();
    let (mut kv, mut log, mut data) = (Kv::empty(), Vec::new(), 0);
    let mut reply = Vec::new();
    let started = Instant::now();
    for index in 1..=KEYS {
        let (key, value) = (key(index), [index as u8; VALUE_BYTES]);
        data += (key.len() + value.len()) as u64;
        let command = Command::Set { key: key.as_bytes(), value: &value };
        let command: Arc<[u8]> = command.encode().expect("a command").into();
        reply.clear();
        kv.apply(index, 0, &command, &mut reply);
        let payload = Payload::Command { origin: None, command };
        log.push(Entry { term: 1, index, at_ms: 0, payload });
    }
    let filled = started.elapsed();
    let taken = resident_bytes() - before;
    let ratio = taken as f64 / data as f64;
    println!("{} keys, {data} bytes: {taken} resident, {ratio:.2} times as much", kv.len());
    println!("applied in {:.2} us each", filled.as_secs_f64() * 1e6 / KEYS as f64);
    let sought: Vec<String> = (0..KEYS).map(|n| key(n * 7_919 % KEYS + 1)).collect();
    let started = Instant::now();
    for key in &sought {
        assert!(black_box(kv.get(key.as_bytes())).is_some());
    }
    println!("found in {:.3} us each", started.elapsed().as_secs_f64() * 1e6 / KEYS as f64);
    let started = Instant::now();
    let mut frozen = kv.freeze();
    println!("frozen in {:?}", started.elapsed());
    let started = Instant::now();
    for number in 1..=100_000 {
        let key = key(number);
        let command = Command::Set { key: key.as_bytes(), value: b"new" };
        reply.clear();
        kv.apply(KEYS + number, 0, &command.encode().expect("a command").into(), &mut reply);
    }
    println!("applied beside it in {:.2} us each", started.elapsed().as_secs_f64() * 10.0);
    let (started, mut lines) = (Instant::now(), 0);
    while frozen.next_line(&mut |word| {
        black_box(word.len());
    }) {
        lines += 1;
    }
    println!("walked in {:?}", started.elapsed());
    assert_eq!(lines, KEYS + 1);
    assert!(ratio <= 2.5, "{ratio:.2}");
    drop(log);
}
