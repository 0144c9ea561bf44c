//! Values that no working node sends have no effect, and are reported. For each rule there is a node
//! that breaks it: harmless with the rule, and fatal without it.

use std::sync::Arc;
use std::time::Duration;

use super::adversaries::needs_rule;
use super::group::{Group, MS, SentMessage};
use super::known_mistakes::{LEADER, append, entry, follower, install, terms};
use crate::raft::rules::Rule;
use crate::raft::{
    AppendOutcome, Body, Config, Contradiction, HardState, MAX_NUMBER, MAX_TERM_STEP, Message,
    NodeId, Payload, Raft, Recovered, SnapshotMark, Term, Trace, UsedUp,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A message of each kind, with this lease where it has one.
fn every_body(lease: Duration) -> Vec<Body> {
    let snapshot = SnapshotMark { index: 9, term: 1 };
    let (sent_at, read_round) = (Duration::ZERO, 0);
    vec![
        Body::PreVote { last_log_index: 9, last_log_term: 1 },
        Body::PreVoteReply { granted: false },
        Body::PreVoteReply { granted: true },
        Body::RequestVote { last_log_index: 9, last_log_term: 1, lease, released: None },
        Body::RequestVote { last_log_index: 9, last_log_term: 1, lease, released: Some(0) },
        Body::RequestVoteReply { granted: true, remaining: vec![(2, lease)] },
        Body::AppendEntries {
            prev_log_index: 0,
            prev_log_term: 0,
            entries: Arc::default(),
            leader_commit: 0,
            sent_at,
            lease,
            read_round,
        },
        Body::AppendEntriesReply { outcome: AppendOutcome::Stale, sent_at, read_round },
        Body::InstallSnapshot {
            snapshot,
            offset: 0,
            data: Arc::default(),
            is_last: true,
            sent_at,
            lease,
        },
        Body::InstallSnapshotReply { snapshot, next_offset: 0, is_installed: false, sent_at },
        Body::TimeoutNow,
    ]
}

/// A node that leads, follows, or is a candidate, each in term 1.
fn nodes_of_every_role() -> Vec<(Raft, Duration)> {
    let take = |mut group: Group, id: NodeId| {
        let now = group.clock(id);
        (group.node_mut(id).raft.take().unwrap(), now)
    };
    let led = || {
        let mut group = Group::new(3);
        group.elect(0);
        group.pass(MS);
        group
    };
    let mut candidate = Group::new(3);
    candidate.isolate(1);
    candidate.elect(0);
    candidate.time_out(1);
    vec![take(led(), 0), take(led(), 1), take(candidate, 1)]
}

#[test]
fn a_term_that_is_far_ahead_is_refused_in_every_kind_of_message() {
    for far in [1 + MAX_TERM_STEP + 1, 1 << 40, MAX_NUMBER, MAX_NUMBER + 1, u64::MAX] {
        for body in every_body(300 * MS) {
            for (mut raft, now) in nodes_of_every_role() {
                let before = (raft.role(), raft.current_term(), raft.leader(), raft.commit_index());
                let message = Message { term: far, body: body.clone() };
                raft.step(now, 2, message.clone());
                let ready = raft.ready();
                assert_eq!(ready.trace, [Trace::TermRefused { by: 2, term: far }], "{body:?}");
                assert!(ready.messages.is_empty() && ready.messages_after.is_empty(), "{body:?}");
                assert_eq!((ready.hard_state, ready.write), (None, None), "{body:?}");
                let after = (raft.role(), raft.current_term(), raft.leader(), raft.commit_index());
                assert_eq!(after, before, "{body:?}");
                raft.step(now, 2, message);
                assert_eq!(raft.ready().trace, [], "it is reported once in a while");
            }
        }
    }
}

#[test]
fn a_term_that_elections_can_reach_is_accepted() {
    let mut raft = follower(&[1]);
    raft.step(1000 * MS, LEADER, append(1 + MAX_TERM_STEP, (1, 1), &[], 0));
    assert_eq!((raft.current_term(), raft.leader()), (1 + MAX_TERM_STEP, Some(LEADER)));
}

#[test]
fn a_promise_that_is_far_too_long_is_refused_in_every_kind_of_message() {
    for body in every_body(DAY) {
        let has_lease = !matches!(
            body,
            Body::PreVote { .. }
                | Body::PreVoteReply { .. }
                | Body::AppendEntriesReply { .. }
                | Body::InstallSnapshotReply { .. }
                | Body::TimeoutNow
        );
        if !has_lease {
            continue;
        }
        // Also as the first message that the node gets at all, and in a newer term.
        for (term, mut raft) in [(1, follower(&[1])), (2, follower(&[1])), (2, new_node())] {
            let before = raft.current_term();
            raft.step(1000 * MS, 2, Message { term, body: body.clone() });
            let ready = raft.ready();
            assert_eq!(ready.trace, [Trace::LeaseRefused { by: 2, lease: DAY }], "{body:?}");
            assert!(ready.messages.is_empty() && ready.messages_after.is_empty(), "{body:?}");
            assert_eq!((ready.hard_state, raft.current_term()), (None, before), "{body:?}");
        }
    }
}

fn new_node() -> Raft {
    Raft::new(Config::lan(1, vec![0, 1, 2]), Recovered::default(), 1000 * MS)
}

fn in_term(id: NodeId, current_term: Term, now: Duration) -> Raft {
    let hard_state = HardState { current_term, ..HardState::default() };
    let recovered = Recovered { hard_state, ..Recovered::default() };
    Raft::new(Config::lan(id, vec![0, 1, 2]), recovered, now)
}

/// Node 1 stands for election, and gets nothing but a vote of node 2 that reports a promise to node 0.
fn stand_with_promise(group: &mut Group, remaining: Duration) {
    group.cut.extend([(1, 0), (1, 2)]);
    group.time_out(1);
    for body in [
        Body::PreVoteReply { granted: true },
        Body::RequestVoteReply { granted: true, remaining: vec![(0, remaining)] },
    ] {
        group.deliver(SentMessage { from: 2, to: 1, message: Message { term: 1, body } });
    }
    group.take(|_| true);
    group.heal();
}

#[test]
fn rule_a_single_node_does_not_use_up_the_terms() {
    needs_rule(3, Rule::SaneTerm, "nobody leads", |group| {
        group.elect(0);
        for term in [1 << 40, MAX_NUMBER] {
            let outcome = AppendOutcome::Stale;
            let body = Body::AppendEntriesReply { outcome, sent_at: Duration::ZERO, read_round: 0 };
            group.deliver(SentMessage { from: 2, to: 0, message: Message { term, body } });
        }
        group.pass(3000 * MS);
        assert_eq!(group.leaders().len(), 1, "nobody leads");
        assert!(group.raft(group.leaders()[0]).current_term() < 9);
    });
}

#[test]
fn rule_a_reported_promise_of_a_day_does_not_delay_a_leader() {
    needs_rule(3, Rule::SanePromise, "nothing is committed", |group| {
        stand_with_promise(group, DAY);
        group.isolate(0);
        group.pass(3000 * MS);
        let leader = group.leaders()[0];
        group.set(leader, "x");
        group.pass(100 * MS);
        assert!(group.raft(leader).commit_index() > 0, "nothing is committed");
    });
}

#[test]
fn rule_another_entry_of_the_same_term_is_detected() {
    let forged = |group: &Group, index| {
        let payload = Payload::Command { origin: None, command: (*b"forged").into() };
        crate::raft::Entry { payload, ..entry(index, group.raft(0).current_term()) }
    };
    // A leader that is damaged sends one follower another entry than its own.
    let adversary = |group: &mut Group| {
        group.elect(0);
        group.isolate(2);
        let index = group.set(0, "x");
        group.settle();
        let sent = group.raft(0).commit_index();
        assert_eq!(sent, index, "node 1 has acknowledged it");
        let Message { term, body } =
            append(group.raft(0).current_term(), (index - 1, 1), &[], index);
        let Body::AppendEntries { prev_log_index, prev_log_term, leader_commit, .. } = body else {
            panic!("not an AppendEntries");
        };
        let body = Body::AppendEntries {
            prev_log_index,
            prev_log_term,
            entries: [forged(group, index)].into(),
            leader_commit,
            sent_at: group.clock(0),
            lease: 300 * MS,
            read_round: 0,
        };
        let now = group.clock(1);
        let raft = group.raft_mut(1);
        raft.step(now, 0, Message { term, body });
        let contradiction = raft.ready().contradiction;
        let at = SnapshotMark { index, term: 1 };
        let expected = Contradiction::Content { leader: 0, term: 1, at, is_committed: false };
        assert_eq!(contradiction, Some(expected), "the difference is not seen");
        assert_eq!(
            expected.to_string(),
            "node 0, which leads in term 1, has another entry of term 1 at index 2 than the one \
             that is stored here"
        );
    };
    needs_rule(3, Rule::SameContent, "the difference is not seen", adversary);
}

#[test]
fn an_entry_with_other_bytes_than_the_committed_one_is_reported() {
    let mut raft = follower(&[1, 1]);
    raft.step(1000 * MS, LEADER, append(1, (2, 1), &[], 2));
    raft.ready();
    // The same entry again, then one with another command, and one with another time.
    raft.step(1001 * MS, LEADER, append(1, (1, 1), &[1], 2));
    assert_eq!(raft.ready().contradiction, None);
    let other = |change: &dyn Fn(&mut crate::raft::Entry)| {
        let mut message = append(1, (1, 1), &[], 2);
        if let Body::AppendEntries { entries, .. } = &mut message.body {
            let mut changed = entry(2, 1);
            change(&mut changed);
            *entries = [changed].into();
        }
        message
    };
    for message in [
        other(&|entry| entry.payload = Payload::NoOp),
        other(&|entry| entry.at_ms = 7),
        other(&|entry| {
            entry.payload = Payload::Command { origin: None, command: (*b"2@2").into() };
        }),
    ] {
        raft.step(1002 * MS, LEADER, message);
        let ready = raft.ready();
        let at = SnapshotMark { index: 2, term: 1 };
        let expected = Contradiction::Content { leader: 0, term: 1, at, is_committed: true };
        assert_eq!(ready.contradiction, Some(expected));
        assert!(ready.messages.is_empty() && ready.messages_after.is_empty());
        assert!(expected.to_string().ends_with("than the one that is committed here"));
        assert_eq!(terms(&raft), [1, 1]);
    }
}

#[test]
fn rule_only_the_leader_asks_a_node_to_stand() {
    needs_rule(3, Rule::OwnLeaderReleases, "it stands for election", |group| {
        group.elect(0);
        group.pass(100 * MS);
        let message = Message { term: 1, body: Body::TimeoutNow };
        group.deliver(SentMessage { from: 2, to: 1, message });
        group.settle();
        assert_eq!(group.leaders(), [0], "it stands for election");
        assert_eq!(group.raft(1).current_term(), 1, "it stands for election");
        // Nor does a candidate with another release than the leader's disturb it.
        let (last_log_index, last_log_term) = (9, 1);
        let body =
            Body::RequestVote { last_log_index, last_log_term, lease: 300 * MS, released: Some(2) };
        group.deliver(SentMessage { from: 2, to: 1, message: Message { term: 2, body } });
        assert_eq!(group.raft(1).current_term(), 1, "it stands for election");
    });
}

#[test]
fn a_node_follows_a_majority_whose_term_is_far_ahead() {
    // Nodes 0 and 2 got into a term far ahead while node 1 was down.
    let mut raft = in_term(1, 5, 1000 * MS);
    let far = 1 << 40;
    raft.step(1000 * MS, 0, append(far, (0, 0), &[], 0));
    assert_eq!(raft.current_term(), 5, "one node alone is not believed");
    raft.peer_has_reached(2, far - 3);
    raft.step(1001 * MS, 0, append(far, (0, 0), &[], 0));
    assert_eq!((raft.current_term(), raft.leader()), (far, Some(0)));
}

#[test]
fn a_group_goes_on_without_a_node_whose_own_term_is_far_ahead() {
    let mut group = Group::new(3);
    group.elect(0);
    group.load(2, "1", 1 << 40);
    group.record_transcript();
    group.pass(3000 * MS);
    assert_eq!((group.leaders(), group.raft(0).current_term()), (vec![0], 1));
    let x = group.set(0, "x");
    group.pass(100 * MS);
    assert!(group.is_acknowledged(0, x));
    assert_eq!(group.raft(2).current_term(), 1 << 40, "it cannot take part");
    let told = group.take_transcript();
    for line in ["1 : refuses term 1099511627777 of 2\n", "2 : is ignored by 0\n"] {
        assert!(told.contains(line), "{line} {told}");
    }
}

#[test]
fn a_group_near_the_last_term_goes_on_and_then_stops_with_a_reason() {
    let mut group = Group::new(3);
    for id in 0..3 {
        group.load(id, "1", MAX_NUMBER - 1);
    }
    group.elect(0);
    assert_eq!((group.leaders(), group.raft(0).current_term()), (vec![0], MAX_NUMBER));
    let x = group.set(0, "x");
    group.pass(2000 * MS);
    assert!(group.is_acknowledged(0, x), "the last term is as good as any other");
    // Another election is not possible. The others say so at once, and do not ask for votes.
    let expected = UsedUp { term: MAX_NUMBER, last_index: x };
    for id in [1, 2] {
        let now = group.clock(id) + 10_000 * MS;
        let raft = group.raft_mut(id);
        raft.tick(now);
        let ready = raft.ready();
        assert_eq!(ready.used_up, Some(expected));
        assert!(ready.messages.is_empty() && ready.messages_after.is_empty());
        assert_eq!(raft.current_term(), MAX_NUMBER);
    }
    assert!(expected.to_string().contains("the terms end at 2^62"), "{expected}");
    // Nor does a request of the leader begin a term that others would refuse.
    let now = group.clock(1);
    let raft = group.raft_mut(1);
    raft.step(now, 0, Message { term: MAX_NUMBER, body: Body::TimeoutNow });
    assert_eq!(raft.ready().used_up, Some(expected));
    assert_eq!(raft.current_term(), MAX_NUMBER);
}

#[test]
fn a_log_near_the_last_index_goes_on_and_then_stops_with_a_reason() {
    let recovered = |index| {
        let mark = SnapshotMark { index, term: 1 };
        let hard_state = HardState { current_term: 1, ..HardState::default() };
        let (snapshot, log_before) = (mark, mark);
        Recovered { hard_state, snapshot, log_before, commit_index: index, ..Recovered::default() }
    };
    let alone = |index| Raft::new(Config::lan(0, vec![0]), recovered(index), Duration::ZERO);
    let mut raft = alone(MAX_NUMBER - 2);
    raft.tick(10_000 * MS);
    let write = raft.ready().write.unwrap();
    raft.persisted(10_000 * MS, write);
    assert!(raft.is_leader());
    assert_eq!(raft.propose(10_000 * MS, 0, Payload::NoOp), Ok(MAX_NUMBER));
    assert!(raft.propose(10_000 * MS, 0, Payload::NoOp).is_err());
    let used_up = raft.ready().used_up.unwrap();
    assert_eq!(used_up.last_index, MAX_NUMBER);
    assert!(used_up.to_string().contains("the indices end at 2^62"), "{used_up}");
    // Without an index for the first entry of a term nobody stands for election.
    let mut raft = alone(MAX_NUMBER);
    raft.tick(10_000 * MS);
    assert!(raft.ready().used_up.is_some() && !raft.is_leader());
}

#[test]
fn entries_and_snapshots_beyond_the_last_index_have_no_effect() {
    let mut raft = follower(&[1]);
    raft.step(1000 * MS, LEADER, append(1, (MAX_NUMBER, 1), &[1], 0));
    let mark = SnapshotMark { index: MAX_NUMBER + 1, term: 1 };
    raft.step(1000 * MS, LEADER, install(mark, 0, b"whole", true));
    let ready = raft.ready();
    assert!(ready.messages.is_empty() && ready.snapshot.is_empty());
    assert_eq!(raft.leader(), None);
}

#[test]
fn a_snapshot_that_replaces_committed_state_is_reported() {
    let mut raft = follower(&[1, 1]);
    raft.step(1000 * MS, LEADER, append(1, (2, 1), &[], 2));
    raft.ready();
    let snapshot = SnapshotMark { index: 9, term: 1 };
    raft.step(1001 * MS, LEADER, install(snapshot, 0, b"whole", true));
    raft.ready();
    raft.snapshot_installed(1002 * MS, snapshot, Some(0));
    let expected = Trace::SnapshotInstalled { leader: Some(LEADER), index: 9, committed: 2 };
    assert_eq!(raft.ready().trace, [expected]);
}
