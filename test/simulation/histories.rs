//! Tests of the linearizability checker on histories of a register: known good and bad ones, and
//! random ones against a search of all orders.

use std::collections::BTreeSet;

use crate::linearizability::{Fault, Object, Operation, check};
use crate::seed::Seed;

/// A register with read, write and compare-and-set.
struct Register;

#[derive(Clone, Copy, Debug)]
enum Call {
    Read,
    Write(u8),
    Swap { from: u8, to: u8 },
}

#[derive(Clone, Copy, Debug)]
enum Outcome {
    Value(u8),
    Written,
    Swapped(bool),
}

impl Object for Register {
    type State = u8;
    type Call = Call;
    type Outcome = Outcome;

    fn initial() -> u8 {
        0
    }

    fn after(state: &u8, call: &Call, outcome: Option<&Outcome>) -> Option<u8> {
        match (call, outcome) {
            (Call::Read, Some(Outcome::Value(seen))) => (seen == state).then_some(*state),
            (Call::Read, None) => Some(*state),
            (Call::Write(value), Some(Outcome::Written) | None) => Some(*value),
            (Call::Swap { from, to }, outcome) => {
                let does = from == state;
                match outcome {
                    Some(Outcome::Swapped(did)) if *did != does => None,
                    Some(Outcome::Swapped(_)) | None => Some(if does { *to } else { *state }),
                    Some(_) => None,
                }
            }
            _ => None,
        }
    }
}

type Record = Operation<Call, Outcome>;

fn returned(client: u64, span: (u64, u64), call: Call, outcome: Outcome) -> Record {
    Operation { client, called: span.0, call, returned: Some((span.1, outcome)) }
}

fn read(client: u64, span: (u64, u64), value: u8) -> Record {
    returned(client, span, Call::Read, Outcome::Value(value))
}

fn write(client: u64, span: (u64, u64), value: u8) -> Record {
    returned(client, span, Call::Write(value), Outcome::Written)
}

fn swap(client: u64, span: (u64, u64), (from, to): (u8, u8), did: bool) -> Record {
    returned(client, span, Call::Swap { from, to }, Outcome::Swapped(did))
}

fn unseen(client: u64, called: u64, call: Call) -> Record {
    Operation { client, called, call, returned: None }
}

fn good(history: &[Record]) {
    let found = check::<Register>(history);
    assert!(found.is_ok(), "{found:?}");
}

fn bad(history: &[Record]) {
    assert!(matches!(check::<Register>(history), Err(Fault::NotLinearizable(_))));
}

#[test]
fn nothing_and_one_after_the_other_are_good() {
    good(&[]);
    good(&[write(1, (1, 2), 7), read(2, (3, 4), 7), write(1, (5, 6), 8), read(2, (7, 8), 8)]);
}

#[test]
fn a_read_overlapping_a_write_sees_either() {
    good(&[write(1, (1, 4), 7), read(2, (2, 3), 0)]);
    good(&[write(1, (1, 4), 7), read(2, (2, 3), 7)]);
    bad(&[write(1, (1, 4), 7), read(2, (2, 3), 9)]);
}

#[test]
fn a_stale_read_is_bad() {
    bad(&[write(1, (1, 2), 7), read(2, (3, 4), 0)]);
    bad(&[write(1, (1, 2), 7), write(1, (3, 4), 8), read(2, (5, 6), 7)]);
}

#[test]
fn a_later_read_sees_what_an_earlier_read_saw() {
    // Both overlap the write; the second begins after the first has ended.
    bad(&[write(1, (1, 9), 7), read(2, (2, 3), 7), read(3, (4, 5), 0)]);
    good(&[write(1, (1, 9), 7), read(2, (2, 3), 0), read(3, (4, 5), 7)]);
    good(&[write(1, (1, 9), 7), read(2, (2, 5), 7), read(3, (3, 4), 0)]);
}

#[test]
fn a_lost_write_is_bad() {
    bad(&[write(1, (1, 2), 7), swap(2, (3, 4), (0, 1), true)]);
    bad(&[write(1, (1, 2), 7), swap(2, (3, 4), (7, 1), false)]);
}

#[test]
fn two_swaps_from_one_value_do_not_both_succeed() {
    bad(&[swap(1, (1, 9), (0, 1), true), swap(2, (2, 8), (0, 2), true)]);
    good(&[swap(1, (1, 9), (0, 1), true), swap(2, (2, 8), (0, 2), false)]);
    good(&[swap(1, (1, 9), (0, 1), true), swap(2, (2, 8), (1, 2), true)]);
}

#[test]
fn an_unanswered_write_may_happen_at_any_time_after_its_call() {
    let maybe = unseen(1, 1, Call::Write(7));
    good(&[maybe.clone(), read(2, (2, 3), 0), read(2, (4, 5), 7)]);
    good(&[maybe.clone(), read(2, (2, 3), 0), read(2, (4, 5), 0)]);
    good(&[maybe.clone(), write(2, (2, 3), 8), read(2, (4, 5), 8), read(2, (6, 7), 7)]);
    // But only once, and not before its call.
    bad(&[maybe.clone(), read(2, (2, 3), 7), write(2, (4, 5), 8), read(2, (6, 7), 7)]);
    bad(&[read(2, (2, 3), 7), unseen(1, 4, Call::Write(7))]);
}

#[test]
fn an_unanswered_write_may_make_a_swap_fail() {
    good(&[unseen(1, 1, Call::Write(7)), swap(2, (2, 3), (0, 1), false)]);
    bad(&[unseen(1, 4, Call::Write(7)), swap(2, (2, 3), (0, 1), false)]);
}

#[test]
fn an_unanswered_swap_may_succeed_or_not() {
    let maybe = unseen(1, 1, Call::Swap { from: 0, to: 5 });
    good(&[maybe.clone(), read(2, (2, 3), 5)]);
    good(&[maybe.clone(), write(2, (2, 3), 7), read(2, (4, 5), 7)]);
    bad(&[maybe, write(2, (2, 3), 7), read(2, (4, 5), 5)]);
}

#[test]
fn a_write_that_happened_twice_is_bad() {
    bad(&[
        write(1, (1, 2), 7),
        read(2, (3, 4), 7),
        write(3, (5, 6), 8),
        read(2, (7, 8), 8),
        read(2, (9, 10), 7),
    ]);
}

#[test]
fn moments_that_touch_overlap() {
    good(&[write(1, (1, 2), 7), read(2, (2, 3), 0)]);
}

#[test]
fn the_error_is_shown() {
    let history = [write(1, (1, 2), 7), read(2, (3, 4), 0)];
    let Err(Fault::NotLinearizable(text)) = check::<Register>(&history) else { unreachable!() };
    assert!(text.contains("the state is 7"), "{text}");
    assert!(text.contains("Value(0)"), "{text}");
}

#[test]
fn memoization_keeps_many_concurrent_operations_cheap() {
    // 40 unanswered writes of one value: without memoization 2^40 subsets would be tried.
    let mut history: Vec<Record> = (0..40).map(|n| unseen(n, n, Call::Write(1))).collect();
    history.push(read(99, (50, 51), 2));
    bad(&history);
    // 12 concurrent writes and as many reads; the last ones contradict each other.
    let mut history: Vec<Record> = (0..12).map(|n| write(n, (1, 100), n as u8 + 1)).collect();
    history.push(read(99, (101, 102), 1));
    good(&history);
    history.push(read(99, (103, 104), 2));
    bad(&history);
}

#[test]
fn unanswered_operations_without_effect_are_not_tried() {
    // 40 unanswered writes of different values, none of which is read: each could come before any
    // read.
    let mut history: Vec<Record> =
        (0..40).map(|n| unseen(n, n, Call::Write(n as u8 + 2))).collect();
    for n in 0..40 {
        let at = 100 + 10 * n;
        history.push(write(98, (at, at + 1), 1));
        history.push(read(99, (at + 2, at + 3), 1));
    }
    let steps = check::<Register>(&history).unwrap();
    assert!(steps < 200_000, "{steps}");
    history.push(read(99, (900, 901), 0));
    bad(&history);
}

/// Tries all orders of all subsets that contain the returned operations.
fn by_all_orders(history: &[Record], done: &BTreeSet<usize>, state: u8) -> bool {
    let open: Vec<usize> = (0..history.len()).filter(|at| !done.contains(at)).collect();
    if open.iter().all(|at| history[*at].returned.is_none()) {
        return true;
    }
    let first_return =
        open.iter().filter_map(|at| history[*at].returned.map(|(moment, _)| moment)).min();
    open.into_iter().any(|at| {
        let record = &history[at];
        if first_return.is_some_and(|moment| record.called > moment) {
            return false;
        }
        let outcome = record.returned.as_ref().map(|(_, outcome)| outcome);
        let Some(next) = Register::after(&state, &record.call, outcome) else { return false };
        let mut with = done.clone();
        with.insert(at);
        by_all_orders(history, &with, next)
    })
}

#[test]
fn agrees_with_trying_every_order() {
    let (mut goods, mut bads) = (0, 0);
    for number in 1..=3_000 {
        let mut seed = Seed::new(number);
        let history: Vec<Record> = (0..2 + seed.below(5))
            .map(|client| {
                let called = seed.below(12) as u64;
                let span = (called, called + 1 + seed.below(8) as u64);
                let (from, to) = (seed.below(3) as u8, seed.below(3) as u8);
                let record = match seed.below(3) {
                    0 => read(client as u64, span, to),
                    1 => write(client as u64, span, to),
                    _ => swap(client as u64, span, (from, to), seed.one_in(2)),
                };
                let is_seen = !seed.one_in(4);
                Operation { returned: record.returned.filter(|_| is_seen), ..record }
            })
            .collect();
        let wanted = by_all_orders(&history, &BTreeSet::new(), 0);
        assert_eq!(check::<Register>(&history).is_ok(), wanted, "seed {number}: {history:#?}");
        if wanted { goods += 1 } else { bads += 1 }
    }
    assert!(goods > 300 && bads > 300, "{goods} good, {bads} bad");
}
