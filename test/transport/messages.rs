//! Seeded random messages: every kind, with every possible number.

use std::sync::Arc;
use std::time::Duration;

use agora::raft::{AppendOutcome, Body, Entry, Message, Origin, Payload, SnapshotMark};
use agora::replica::wire::MAX_NUMBER;

use super::seed::Seed;

/// Any valid message.
pub fn message(seed: &mut Seed) -> Message {
    let term = 1 + number(seed) % MAX_NUMBER;
    let body = body(seed, term);
    // A node that knows no term yet answers as well.
    let term = if body.is_reply() && seed.one_in(4) { 0 } else { term };
    match body {
        Body::InstallSnapshotReply { .. } if term == 0 => message(seed),
        body => Message { term, body },
    }
}

fn body(seed: &mut Seed, term: u64) -> Body {
    let below = |seed: &mut Seed| number(seed) % (term + 1);
    match seed.below(9) {
        0 => Body::PreVote { last_log_index: number(seed), last_log_term: below(seed) },
        1 => Body::PreVoteReply { granted: seed.one_in(2) },
        2 => Body::RequestVote {
            last_log_index: number(seed),
            last_log_term: below(seed),
            lease: lease(seed),
            released: seed.one_in(2).then(|| seed.next_u64() >> seed.below(64)),
        },
        3 => Body::RequestVoteReply {
            granted: seed.one_in(2),
            remaining: (0..seed.below(8)).map(|_| (seed.next_u64(), lease(seed))).collect(),
        },
        4 => append(seed, term),
        5 => Body::AppendEntriesReply {
            outcome: outcome(seed),
            sent_at: moment(seed),
            read_round: seed.next_u64() >> seed.below(64),
        },
        6 => Body::InstallSnapshot {
            snapshot: mark(seed, term),
            offset: number(seed),
            data: some_bytes(seed).into(),
            is_last: seed.one_in(2),
            sent_at: moment(seed),
            lease: lease(seed),
        },
        7 => Body::InstallSnapshotReply {
            snapshot: mark(seed, term),
            next_offset: number(seed),
            is_installed: seed.one_in(2),
            sent_at: moment(seed),
        },
        _ => Body::TimeoutNow,
    }
}

fn append(seed: &mut Seed, term: u64) -> Body {
    let prev_log_index = number(seed) / 2;
    let prev_log_term = number(seed) % (term + 1);
    let (mut at, mut ms) = (prev_log_term.max(1), 0);
    let entries: Vec<Entry> = (0..seed.below(20))
        .map(|place| {
            if seed.one_in(3) {
                at = (at + number(seed) % 5).min(term);
            }
            ms += number(seed) % 2_000_000_000_000;
            let payload = payload(seed);
            Entry { term: at, index: prev_log_index + 1 + place as u64, at_ms: ms, payload }
        })
        .collect();
    Body::AppendEntries {
        prev_log_index,
        prev_log_term,
        entries: entries.into(),
        leader_commit: number(seed),
        sent_at: moment(seed),
        lease: lease(seed),
        read_round: seed.next_u64() >> seed.below(64),
    }
}

fn payload(seed: &mut Seed) -> Payload {
    match seed.below(6) {
        0 => Payload::NoOp,
        1 => Payload::OpenSession,
        _ => {
            let origin = seed.one_in(2).then(|| Origin {
                session: seed.next_u64() >> seed.below(64),
                sequence: seed.next_u64() >> seed.below(64),
                acknowledged: seed.next_u64() >> seed.below(64),
            });
            Payload::Command { origin, command: Arc::from(some_bytes(seed)) }
        }
    }
}

fn outcome(seed: &mut Seed) -> AppendOutcome {
    match seed.below(3) {
        0 => AppendOutcome::Matched { match_index: number(seed) },
        1 => {
            let prev_log_index = number(seed).max(1);
            let conflict_index = 1 + number(seed) % prev_log_index;
            AppendOutcome::Conflict { prev_log_index, conflict_term: number(seed), conflict_index }
        }
        _ => AppendOutcome::Stale,
    }
}

fn mark(seed: &mut Seed, term: u64) -> SnapshotMark {
    SnapshotMark { index: number(seed).max(1), term: 1 + number(seed) % term }
}

/// Short ones, and some whose length takes two bytes.
fn some_bytes(seed: &mut Seed) -> Vec<u8> {
    let len = if seed.one_in(8) { 100 + seed.below(200) } else { seed.below(20) };
    seed.bytes(len)
}

/// Of any size, the extremes included.
fn number(seed: &mut Seed) -> u64 {
    match seed.below(16) {
        0 => 0,
        1 => MAX_NUMBER,
        _ => (seed.next_u64() >> (2 + seed.below(62))).min(MAX_NUMBER),
    }
}

fn moment(seed: &mut Seed) -> Duration {
    Duration::from_nanos(seed.next_u64() >> seed.below(64))
}

fn lease(seed: &mut Seed) -> Duration {
    Duration::from_nanos((seed.next_u64() % 86_400_000_000_001) >> seed.below(47))
}
