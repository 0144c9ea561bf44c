//! What the check of a caller's role costs:
//! `cargo test --release --test security speed -- --ignored --nocapture`.

use std::hint::black_box;
use std::time::Instant;

use agora::call::{Access, Identity, Principal};

const CHECKS: u32 = 50_000_000;

#[test]
#[ignore = "a measurement, for release builds on a quiet machine"]
fn a_check_of_the_role_takes_less_than_a_hundred_nanoseconds() {
    let certificate = |uri| Principal::Certificate(Identity::new("x", [uri], Vec::new()));
    for (name, principal) in [
        ("unchecked", Principal::Unchecked),
        ("anonymous", Principal::Anonymous),
        ("client", certificate("agora:client/alice")),
        ("node", certificate("agora:node/agora/0")),
    ] {
        let started = Instant::now();
        let mut permitted = 0_u32;
        for _ in 0..CHECKS {
            permitted += u32::from(black_box(&principal).may(black_box(Access::Client)));
        }
        let check_ns = started.elapsed().as_secs_f64() * 1e9 / f64::from(CHECKS);
        println!("{name}: {check_ns:.2} ns a check, {permitted} permitted");
        assert!(check_ns < 100.0, "{name}: {check_ns} ns");
    }
}
