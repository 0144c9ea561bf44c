//! Timing: transfers of leadership, leases that are far too long, late replies, slow disks.

use std::time::Duration;

use super::group::{Group, MS, SentMessage};
use crate::raft::{
    Body, Config, HardState, Message, NodeId, Raft, Recovered, SlowRoundTrips, Trace,
};

/// A leader whose followers have just answered.
fn led(n: u64) -> Group {
    let mut group = Group::new(n);
    group.elect(0);
    group.pass(60 * MS);
    assert_eq!(group.leaders(), [0]);
    group
}

fn hand_over(group: &mut Group) {
    let now = group.clock(0);
    group.raft_mut(0).hand_over(now).unwrap();
    group.pump(0);
}

/// Whether a node other than 0 leads within this time, and takes writes.
fn is_led_by_another_within(group: &mut Group, span: Duration) {
    group.settle();
    let until = group.time + span;
    while group.leaders().iter().all(|leader| *leader == 0) {
        assert!(group.time < until, "0 still leads");
        group.pass(MS);
    }
    let leader = group.leaders().into_iter().find(|leader| *leader != 0).unwrap();
    let x = group.set(leader, "x");
    group.settle();
    assert!(group.is_acknowledged(leader, x), "no old lease is waited for");
}

#[test]
fn a_leader_that_ends_does_not_transfer_to_a_node_that_is_gone() {
    for n in [3, 5] {
        // Any of the followers.
        for dead in 1..n {
            let mut group = led(n);
            group.crash(dead);
            group.pass(70 * MS);
            hand_over(&mut group);
            is_led_by_another_within(&mut group, Duration::ZERO);
        }
    }
}

#[test]
fn the_next_follower_is_asked_when_the_best_has_just_crashed() {
    for n in [3, 5] {
        let mut group = led(n);
        // Node 2 alone has the whole log, and was the last to reply.
        for id in (1..n).filter(|id| *id != 2) {
            group.node_mut(id).is_disk_held = true;
        }
        group.set(0, "x");
        group.settle();
        group.crash(2);
        for id in (1..n).filter(|id| *id != 2) {
            group.node_mut(id).is_disk_held = false;
        }
        hand_over(&mut group);
        assert!(group.raft(0).is_leader());
        is_led_by_another_within(&mut group, 100 * MS);
    }
}

#[test]
fn a_transfer_that_no_node_takes_is_abandoned() {
    let mut group = led(3);
    group.crash(1);
    group.crash(2);
    hand_over(&mut group);
    assert!(group.raft(0).is_handing_over());
    group.pass(200 * MS);
    assert!(!group.raft(0).is_handing_over() && group.raft(0).is_leader());
}

#[test]
fn every_command_is_answered_before_another_node_is_asked_to_lead() {
    let mut group = led(3);
    // 2 writes at once; 0 and 1 are slow, so that nothing is committed.
    for id in [0, 1] {
        group.node_mut(id).is_disk_held = true;
    }
    let x = group.set(0, "x");
    group.settle();
    hand_over(&mut group);
    group.settle();
    assert!(group.raft(0).is_leader() && !group.is_acknowledged(0, x));
    for id in [0, 1] {
        group.node_mut(id).is_disk_held = false;
    }
    group.settle();
    assert!(group.is_acknowledged(0, x), "it is committed by the leader that took it");
    is_led_by_another_within(&mut group, 100 * MS);
}

#[test]
fn a_lease_does_not_wait_for_the_disks_of_the_followers() {
    let mut group = led(3);
    for id in [1, 2] {
        group.node_mut(id).is_disk_held = true;
    }
    let x = group.set(0, "x");
    group.pass(5000 * MS);
    assert_eq!(group.leaders(), [0], "heartbeats are answered");
    assert!(!group.is_acknowledged(0, x), "but nothing is durable");
    let read = group.read(0, "y");
    assert_eq!(read, Some(0), "the lease lasts");
    for id in [1, 2] {
        group.node_mut(id).is_disk_held = false;
    }
    group.settle();
    assert!(group.is_acknowledged(0, x));
}

/// A message that delays heartbeats behind it.
fn large() -> String {
    "x".repeat(100_000)
}

/// Whether a message has to stay behind large ones.
fn is_slow(sent: &SentMessage) -> bool {
    !sent.message.body.is_reply() && !sent.message.body.is_pure_heartbeat()
}

#[test]
fn a_lease_does_not_wait_behind_large_messages() {
    let mut group = led(3);
    let x = group.set(0, &large());
    let mut held = Vec::new();
    for _ in 0..100 {
        held.extend(group.take(is_slow));
        while let Some(sent) = group.in_flight.pop_front() {
            group.deliver(sent);
            held.extend(group.take(is_slow));
        }
        group.pass_quietly(30 * MS);
        group.tick_all();
    }
    assert_eq!(group.leaders(), [0], "what asks nothing of the log has overtaken");
    assert!(!group.is_acknowledged(0, x));
    held.extend(group.take(is_slow));
    held.into_iter().for_each(|sent| group.deliver(sent));
    group.settle();
    assert!(group.is_acknowledged(0, x) && group.leaders() == [0]);
    assert_eq!(group.log(1), group.log(0));
}

#[test]
fn a_heartbeat_that_overtakes_entries_does_not_cause_a_resend() {
    let mut group = led(3);
    group.propose(0, &large()).unwrap();
    group.pump(0);
    let entries = group.take(is_slow);
    group.pass_quietly(30 * MS);
    group.tick_all();
    let behind = group.take(is_slow);
    assert_eq!(behind.len(), 2, "one heartbeat for each that stays behind the entries");
    assert!(group.in_flight.iter().all(|sent| sent.message.body.is_pure_heartbeat()));
    assert_eq!(group.in_flight.len(), 2);
    group.settle();
    entries.into_iter().chain(behind).for_each(|sent| group.deliver(sent));
    let again = |sent: &SentMessage| match &sent.message.body {
        Body::AppendEntries { entries, .. } => !entries.is_empty(),
        _ => false,
    };
    while let Some(sent) = group.in_flight.pop_front() {
        assert!(!again(&sent), "{sent:?}");
        group.deliver(sent);
    }
}

#[test]
fn many_entries_are_written_in_pieces_and_acknowledged_when_all_are_durable() {
    let mut group = Group::with(3, |config| {
        config.batch_pause = Duration::ZERO;
        config.max_write_bytes = 1;
    });
    group.elect(0);
    group.node_mut(1).is_disk_held = true;
    group.isolate(2);
    for key in ["a", "b", "c"] {
        group.propose(0, key).unwrap();
    }
    group.pump(0);
    group.settle();
    let last = group.raft(0).last_index();
    for left in [2, 1] {
        group.write_one(1);
        group.settle();
        assert!(!group.is_acknowledged(0, last), "{left} are not durable");
    }
    group.write_one(1);
    group.settle();
    assert!(group.is_acknowledged(0, last));
}

fn lone(longest_lease: Duration) -> Raft {
    let hard_state = HardState { current_term: 1, voted_for: None, longest_lease };
    let recovered = Recovered { hard_state, ..Recovered::default() };
    Raft::new(Config::lan(1, vec![0, 1, 2]), recovered, 1000 * MS)
}

fn heartbeat(lease: Duration) -> Message {
    let body = Body::AppendEntries {
        prev_log_index: 0,
        prev_log_term: 0,
        entries: [].into(),
        leader_commit: 0,
        sent_at: 500 * MS,
        lease,
        read_round: 0,
    };
    Message { term: 1, body }
}

#[test]
fn the_longest_lease_is_lowered_when_every_such_promise_is_over() {
    let mut raft = lone(100_000 * MS);
    let longest = |raft: &mut Raft, at: u32| {
        raft.tick(at * MS);
        let ready = raft.ready();
        if let Some(write) = ready.write {
            raft.persisted(at * MS, write);
        }
        ready.hard_state.map(|hard_state| hard_state.longest_lease)
    };
    raft.step(50_000 * MS, 0, heartbeat(2000 * MS));
    assert_eq!(longest(&mut raft, 51_000), None);
    raft.step(100_500 * MS, 0, heartbeat(2000 * MS));
    assert_eq!(longest(&mut raft, 101_000), None, "a restart would keep still for so long");
    assert_eq!(longest(&mut raft, 101_001), Some(2000 * MS), "what was promised since");
    let elected = |hard: Option<Duration>| hard.filter(|hard| *hard != 2000 * MS);
    let told = (101_001..104_000).find_map(|at| elected(longest(&mut raft, at)));
    assert_eq!(told, Some(300 * MS), "no lower than what we ask for ourselves");
    assert!(longest(&mut lone(300 * MS), 9000).is_none_or(|longest| longest == 300 * MS));
}

#[test]
fn a_lease_that_is_far_too_long_is_refused() {
    let mut raft = lone(300 * MS);
    raft.step(2000 * MS, 0, heartbeat(3001 * MS));
    let ready = raft.ready();
    assert_eq!((raft.leader(), ready.messages.len(), ready.messages_after.len()), (None, 0, 0));
    assert_eq!(ready.trace, [Trace::LeaseRefused { by: 0, lease: 3001 * MS }]);
    raft.step(2001 * MS, 0, heartbeat(3001 * MS));
    assert_eq!(raft.ready().trace, [], "told once");
    let body = Body::RequestVote {
        last_log_index: 9,
        last_log_term: 1,
        lease: 100_000_000 * MS,
        released: None,
    };
    raft.step(2002 * MS, 2, Message { term: 7, body });
    assert_eq!(raft.current_term(), 1);
    raft.step(2003 * MS, 0, heartbeat(3000 * MS));
    assert_eq!(raft.leader(), Some(0));
}

/// A group with LAN timing after three seconds, with this one-way delay.
fn far_apart(way: Duration) -> Group {
    let mut group = Group::new(3);
    let mut due = std::collections::VecDeque::new();
    for _ in 0..3000 {
        group.pass_quietly(MS);
        group.tick_all();
        let in_flight: Vec<_> = group.take(|_| true);
        due.extend(in_flight.into_iter().map(|sent| (group.time + way, sent)));
        while due.front().is_some_and(|(at, _)| *at <= group.time) {
            let (_, sent) = due.pop_front().unwrap();
            group.deliver(sent);
        }
    }
    group
}

fn slow_round_trips(way: Duration) -> Option<SlowRoundTrips> {
    let group = far_apart(way);
    let seen = (0..3 as NodeId).filter_map(|id| group.raft(id).slow_round_trips());
    seen.max_by_key(|slow| slow.round_trip)
}

#[test]
fn a_new_leader_waits_for_the_replies_to_its_first_messages() {
    let group = far_apart(75 * MS);
    let [leader] = group.leaders()[..] else { panic!("nobody leads, or several do") };
    assert!(group.raft(leader).current_term() < 4, "it has led for long");
}

#[test]
fn a_node_that_cannot_lead_because_of_slow_round_trips_reports_it() {
    assert_eq!(slow_round_trips(MS), None);
    assert_eq!(slow_round_trips(40 * MS), None);
    let slow = slow_round_trips(75 * MS).expect("a round trip of 150 ms is too much");
    assert!(slow.round_trip >= 150 * MS && slow.round_trip <= 152 * MS, "{slow:?}");
    assert!(slow.heartbeat_interval >= 150 * MS, "{slow:?}");
    assert!(slow.election_timeout >= 1500 * MS, "{slow:?}");
    let slow = slow_round_trips(250 * MS).expect("half a second is more than an election timeout");
    assert!(slow.round_trip >= 400 * MS, "{slow:?}");
}
