//! Answers that clients do not read.

use super::server::{BY_REPLY, BY_RESPONDER, BY_WORKER, GIVEN_UP, HEEDLESS, Process};
use crate::fixture::{LONG, both, within};

/// The budget is 256 MiB.
const BOUND_MIB: usize = 500;

fn holds_little(path: &str) {
    both(|protocol| {
        let mut server = Process::start();
        // The requests ask for 3,000 MiB.
        let greedy: Vec<_> = (0..30).map(|_| server.ask(protocol, path, 100)).collect();
        server.settled_mib();
        let peak = server.peak_mib();
        assert!(peak > 100, "nothing was asked: {peak} MiB");
        assert!(peak < BOUND_MIB, "{path}: {peak} MiB are held");
        server.serves(protocol);
        drop(greedy);
    });
}

#[test]
fn answers_by_a_responder_are_bounded() {
    holds_little(BY_RESPONDER);
}

#[test]
fn answers_by_a_reply_are_bounded() {
    holds_little(BY_REPLY);
}

#[test]
fn answers_by_workers_are_bounded() {
    holds_little(BY_WORKER);
}

#[test]
fn a_handler_that_ignores_its_queue_is_stopped() {
    both(|protocol| {
        let mut server = Process::start();
        let greedy = server.ask(protocol, HEEDLESS, 1);
        server.settled_mib();
        let peak = server.peak_mib();
        assert!((100..BOUND_MIB).contains(&peak), "{peak} MiB are held");
        let given_up = server.channel(protocol).unary(GIVEN_UP, b"", &within(LONG)).unwrap();
        assert_eq!(given_up, [1], "the handler is told");
        drop(greedy);
    });
}
