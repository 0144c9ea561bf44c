//! Mistakes that other implementations have made, one test each. Those about the rules of the lease
//! are in `adversaries`.

use std::sync::Arc;

use super::group::{Group, MS, SentMessage};
use crate::raft::{
    AppendOutcome, Body, Config, Entry, HardState, Index, Message, NodeId, Payload, ProposeError,
    Raft, Ready, Recovered, SnapshotMark, Term, TransferError,
};

pub const LEADER: NodeId = 0;
const LEASE: std::time::Duration = std::time::Duration::from_millis(300);

pub fn entry(index: Index, term: Term) -> Entry {
    let command = format!("{index}@{term}").into_bytes().into();
    Entry { term, index, at_ms: 0, payload: Payload::Command { origin: None, command } }
}

/// A follower of node 0 in a group of three, in term 1, with a log of these terms.
pub fn follower(terms: &[Term]) -> Raft {
    let entries = terms.iter().zip(1..).map(|(term, index)| entry(index, *term)).collect();
    let hard_state = HardState { current_term: 1, voted_for: None, longest_lease: LEASE };
    let recovered = Recovered { hard_state, entries, ..Recovered::default() };
    Raft::new(Config::lan(1, vec![0, 1, 2]), recovered, 1000 * MS)
}

pub fn append(term: Term, prev: (Index, Term), terms: &[Term], leader_commit: Index) -> Message {
    let indices = prev.0.saturating_add(1)..;
    let entries = terms.iter().zip(indices).map(|(term, index)| entry(index, *term)).collect();
    let body = Body::AppendEntries {
        prev_log_index: prev.0,
        prev_log_term: prev.1,
        entries,
        leader_commit,
        sent_at: 1000 * MS,
        lease: LEASE,
        read_round: 0,
    };
    Message { term, body }
}

pub fn terms(raft: &Raft) -> Vec<Term> {
    (raft.first_index()..=raft.last_index()).filter_map(|index| raft.term_at(index)).collect()
}

/// The outcomes that a `Ready` reports to a leader, at once and after the write.
pub fn outcomes(ready: &Ready) -> (Vec<AppendOutcome>, Vec<AppendOutcome>) {
    let outcomes = |messages: &[(NodeId, Message)]| {
        let outcome = |(_, message): &(NodeId, Message)| match message.body {
            Body::AppendEntriesReply { outcome, .. } => Some(outcome),
            _ => None,
        };
        messages.iter().filter_map(outcome).collect()
    };
    (outcomes(&ready.messages), outcomes(&ready.messages_after))
}

#[test]
fn an_old_append_after_newer_ones_does_not_truncate() {
    let mut raft = follower(&[1]);
    raft.step(1000 * MS, LEADER, append(1, (1, 1), &[1, 1, 1], 0));
    raft.step(1001 * MS, LEADER, append(1, (1, 1), &[1], 0));
    raft.step(1002 * MS, LEADER, append(1, (0, 0), &[1], 0));
    assert_eq!(terms(&raft), [1, 1, 1, 1]);
    let matched = |match_index| AppendOutcome::Matched { match_index };
    let (at_once, after) = outcomes(&raft.ready());
    assert_eq!(at_once, [matched(1)], "it was durable before");
    assert_eq!(after, [matched(4), matched(2)]);
}

#[test]
fn a_follower_commits_no_further_than_it_has_verified() {
    // Indices 2 and 3 are of an old leader; the new one has committed up to 3, but has compared
    // only index 1.
    let mut raft = follower(&[1, 1, 1]);
    raft.step(1000 * MS, LEADER, append(2, (1, 1), &[], 3));
    assert_eq!(raft.commit_index(), 1);
    raft.step(1000 * MS, LEADER, append(2, (1, 1), &[2, 2], 3));
    assert_eq!(raft.commit_index(), 3);
    let committed: Vec<_> = raft.ready().committed.iter().map(|entry| entry.term).collect();
    assert_eq!(committed, [1, 2, 2]);
}

#[test]
fn a_report_of_a_write_that_was_overwritten_is_no_acknowledgement() {
    let mut raft = follower(&[1]);
    raft.step(1000 * MS, LEADER, append(1, (1, 1), &[1, 1], 0));
    let old = raft.ready();
    assert_eq!(old.entries.len(), 2);
    // Before they are written the next leader replaces both.
    raft.step(1001 * MS, 2, append(2, (1, 1), &[2, 2], 3));
    let new = raft.ready();
    raft.persisted(1002 * MS, old.write.unwrap());
    assert_eq!(raft.durable_commit_index(), 1, "2 and 3 are not durable as they are now");
    // The reply to a heartbeat of the new leader waits for them.
    raft.step(1003 * MS, 2, append(2, (3, 2), &[], 3));
    let (at_once, after) = outcomes(&raft.ready());
    assert_eq!((at_once.len(), after), (0, vec![AppendOutcome::Matched { match_index: 3 }]));
    raft.persisted(1004 * MS, new.write.unwrap());
    assert_eq!(raft.durable_commit_index(), 3);
}

#[test]
fn a_snapshot_older_than_the_commit_index_changes_nothing() {
    let mut raft = follower(&[1, 1, 1]);
    raft.step(1000 * MS, LEADER, append(1, (3, 1), &[], 3));
    raft.ready();
    let snapshot = SnapshotMark { index: 2, term: 1 };
    raft.step(1001 * MS, LEADER, install(snapshot, 0, b"whole", true));
    let ready = raft.ready();
    assert_eq!(ready.snapshot, []);
    let is_installed = |(_, message): &(NodeId, Message)| {
        matches!(message.body, Body::InstallSnapshotReply { is_installed: true, .. })
    };
    assert!(ready.messages.iter().any(is_installed), "the leader may go on with entries");
    assert_eq!(terms(&raft), [1, 1, 1]);
}

pub fn install(snapshot: SnapshotMark, offset: u64, data: &[u8], is_last: bool) -> Message {
    let (data, sent_at) = (Arc::from(data), 1000 * MS);
    let body = Body::InstallSnapshot { snapshot, offset, data, is_last, sent_at, lease: LEASE };
    Message { term: 1, body }
}

fn next_offsets(ready: &Ready) -> Vec<u64> {
    let messages = ready.messages.iter().chain(&ready.messages_after);
    let next = messages.filter_map(|(_, message)| match message.body {
        Body::InstallSnapshotReply { next_offset, .. } => Some(next_offset),
        _ => None,
    });
    next.collect()
}

#[test]
fn pieces_of_a_snapshot_are_taken_in_order() {
    let mut raft = follower(&[1]);
    let snapshot = SnapshotMark { index: 9, term: 1 };
    let mut piece = |offset, data: &[u8]| {
        raft.step(1000 * MS, LEADER, install(snapshot, offset, data, false));
        let ready = raft.ready();
        (next_offsets(&ready), ready.snapshot.len())
    };
    assert_eq!(piece(4, b"late"), (vec![0], 0), "there is no beginning yet");
    assert_eq!(piece(0, b"abcd"), (vec![4], 1));
    assert_eq!(piece(0, b"abcd"), (vec![4], 0), "twice");
    assert_eq!(piece(6, b"gh"), (vec![4], 0), "a gap");
    assert_eq!(piece(4, b"ef"), (vec![6], 1));
    // Another leader may encode the same state differently.
    let message = Message { term: 2, ..install(snapshot, 6, b"gh", false) };
    raft.step(1000 * MS, 2, message);
    assert_eq!(next_offsets(&raft.ready()), [0]);
}

#[test]
fn while_a_snapshot_is_installed_heartbeats_are_answered_and_nothing_else_changes() {
    let mut raft = follower(&[1, 1]);
    raft.step(1000 * MS, LEADER, append(1, (2, 1), &[], 1));
    raft.ready();
    let snapshot = SnapshotMark { index: 9, term: 1 };
    raft.step(1001 * MS, LEADER, install(snapshot, 0, b"whole", true));
    let ready = raft.ready();
    assert_eq!(ready.snapshot.len(), 1);
    assert_eq!(ready.committed.len(), 0);
    let persisted = ready.write.unwrap();
    raft.persisted(1002 * MS, persisted);
    raft.step(1003 * MS, LEADER, append(1, (2, 1), &[1], 3));
    let ready = raft.ready();
    assert_eq!(outcomes(&ready).0, [AppendOutcome::Matched { match_index: 1 }]);
    assert!(ready.entries.is_empty() && ready.committed.is_empty());
    raft.tick(9999 * MS);
    assert!(!raft.is_leader() && raft.ready().messages.is_empty(), "no time to lead");
    raft.snapshot_installed(10_000 * MS, snapshot, Some(0));
    assert_eq!((raft.first_index(), raft.last_index(), raft.commit_index()), (10, 9, 9));
    raft.step(10_001 * MS, LEADER, append(1, (9, 1), &[1], 10));
    let committed: Vec<_> = raft.ready().committed.iter().map(|entry| entry.index).collect();
    assert_eq!(committed, [10], "what the snapshot has is not applied again");
}

#[test]
fn a_damaged_snapshot_is_sent_again() {
    let mut raft = follower(&[1]);
    let snapshot = SnapshotMark { index: 9, term: 1 };
    raft.step(1000 * MS, LEADER, install(snapshot, 0, b"torn", true));
    raft.ready();
    raft.snapshot_installed(1001 * MS, snapshot, None);
    assert_eq!(next_offsets(&raft.ready()), [0]);
    assert_eq!((raft.commit_index(), raft.last_index()), (0, 1));
    raft.step(1002 * MS, LEADER, install(snapshot, 0, b"whole", true));
    assert_eq!(raft.ready().snapshot.len(), 1);
}

#[test]
fn a_crash_between_the_snapshot_and_the_cut_of_the_log_is_repaired() {
    let snapshot = SnapshotMark { index: 3, term: 2 };
    let start = |terms: &[Term]| {
        let entries = terms.iter().zip(1..).map(|(term, index)| entry(index, *term)).collect();
        let hard_state = HardState { current_term: 2, ..HardState::default() };
        let recovered =
            Recovered { hard_state, snapshot, entries, commit_index: 3, ..Recovered::default() };
        let raft = Raft::new(Config::lan(1, vec![0, 1, 2]), recovered, 1000 * MS);
        (raft.first_index(), raft.last_index(), raft.commit_index())
    };
    assert_eq!(start(&[1]), (4, 3, 3), "the log ends before the snapshot");
    assert_eq!(start(&[1, 1, 1, 1]), (4, 3, 3), "it is another one");
    assert_eq!(start(&[1, 2, 2, 2]), (1, 4, 3), "it agrees: what is behind is kept");
}

#[test]
fn a_leader_restarts_a_snapshot_for_a_follower_that_crashed_while_installing() {
    let mut group = Group::with(3, |config| config.trailing_log_bytes = 0);
    group.elect(0);
    group.crash(2);
    group.set(0, "x");
    group.settle();
    group.snapshot(0);
    group.start(2);
    group.node_mut(2).is_disk_held = true;
    group.pass(60 * MS);
    group.restart(2);
    group.pass(60 * MS);
    assert_eq!(group.log(2), "1", "nothing of the snapshot is in use");
    group.node_mut(2).is_disk_held = false;
    group.pass(400 * MS);
    assert_eq!(group.log(2), "[2]");
    assert_eq!(group.nodes[&2].applied, 2);
}

#[test]
fn a_node_that_comes_back_from_a_partition_disturbs_no_leader() {
    let mut group = Group::new(5);
    group.elect(0);
    group.isolate(4);
    group.pass(5000 * MS);
    assert_eq!(group.raft(4).current_term(), 1, "a pre-vote is no term");
    group.heal();
    group.pass(1000 * MS);
    assert_eq!((group.leaders(), group.raft(0).current_term()), (vec![0], 1));
    assert_eq!(group.raft(4).leader(), Some(0));
}

#[test]
fn a_voter_with_an_active_leader_does_not_enter_a_candidate_s_term() {
    let mut group = Group::new(3);
    group.elect(0);
    group.pass(30 * MS);
    let body =
        Body::RequestVote { last_log_index: 9, last_log_term: 9, lease: LEASE, released: None };
    for to in [0, 1] {
        let message = Message { term: 9, body: body.clone() };
        group.deliver(SentMessage { from: 2, to, message });
    }
    assert_eq!((group.leaders(), group.raft(1).current_term()), (vec![0], 1));
}

#[test]
fn a_node_that_steps_down_within_a_term_does_not_vote_again() {
    let mut group = Group::new(3);
    group.elect(0);
    group.pass(30 * MS);
    group.isolate(0);
    group.pass(300 * MS);
    assert!(!group.raft(0).is_leader());
    let body =
        Body::RequestVote { last_log_index: 9, last_log_term: 1, lease: LEASE, released: None };
    group.raft_mut(0).step(2000 * 1000 * MS, 1, Message { term: 1, body });
    let ready = group.raft_mut(0).ready();
    let granted = |(_, message): &(NodeId, Message)| {
        matches!(message.body, Body::RequestVoteReply { granted: true, .. })
    };
    assert!(!ready.messages.iter().chain(&ready.messages_after).any(granted));
}

#[test]
fn a_frozen_follower_wins_by_one_voter_that_has_promised() {
    // 2 was frozen for long, and its promises have ended. It wakes when the leader is cut off, and
    // needs the vote of 1 alone.
    let mut group = Group::new(3);
    group.elect(0);
    group.node_mut(2).is_paused = true;
    group.pass(3000 * MS);
    group.isolate(0);
    group.node_mut(2).is_paused = false;
    group.elect(2);
    assert!(group.raft(2).is_leader());
    let x = group.set(2, "x");
    group.settle();
    assert!(!group.is_acknowledged(2, x));
    assert_eq!(group.read(0, "x"), Some(0));
    group.pass(302 * MS);
    assert!(group.is_acknowledged(2, x));
}

#[test]
fn a_pause_between_the_clock_and_the_read_is_harmless() {
    let mut group = Group::new(3);
    group.elect(0);
    group.pass(30 * MS);
    // A request has arrived, the clock was read, and the process is paused.
    let requested_at = group.clock(0);
    group.node_mut(0).is_paused = true;
    group.isolate(0);
    group.pass(1000 * MS);
    let leader = group.leaders().into_iter().find(|id| *id != 0).unwrap();
    let x = group.set(leader, "x");
    group.settle();
    assert!(group.is_acknowledged(leader, x));
    // It continues with the answer for that time: the read began before the write, so both orders
    // are linearizable.
    // A read that begins after the write has a later clock, and is refused.
    let raft = group.raft_mut(0);
    assert!(raft.read(requested_at, |_| true).is_ok());
    group.node_mut(0).is_paused = false;
    assert_eq!(group.read(0, "x"), None);
}

#[test]
fn an_aborted_transfer_costs_the_lease_and_nothing_else() {
    let mut group = Group::new(3);
    group.elect(0);
    group.pass(30 * MS);
    group.cut.insert((0, 1));
    let now = group.clock(0);
    group.raft_mut(0).transfer(now, 1).unwrap();
    group.pump(0);
    assert_eq!(group.raft_mut(0).transfer(now, 2), Err(TransferError::InProgress));
    assert!(matches!(group.propose(0, "x"), Err(ProposeError::NotLeader(_))));
    // TimeoutNow is in flight when the link breaks.
    group.pass(400 * MS);
    assert_eq!(group.leaders(), [0]);
    assert_eq!(group.raft(0).lease_remaining(group.clock(0)), std::time::Duration::ZERO);
    assert_eq!(group.read(0, "x"), None);
    let x = group.set(0, "x");
    group.settle();
    assert!(group.is_acknowledged(0, x));
    let read = group.read_later(0);
    group.settle();
    assert_eq!(group.nodes[&0].reads[&read], Ok(x));
}

#[test]
fn a_transfer_to_a_node_that_lags_keeps_the_lease_until_it_has_caught_up() {
    let mut group = Group::new(3);
    group.elect(0);
    group.isolate(1);
    group.set(0, "x");
    group.settle();
    let now = group.clock(0);
    group.raft_mut(0).transfer(now, 1).unwrap();
    group.pump(0);
    assert!(!group.raft(0).lease_remaining(now).is_zero());
    group.heal();
    group.pass(60 * MS);
    assert_eq!(group.leaders(), [1]);
    let now = group.clock(1);
    assert_eq!(group.raft_mut(1).transfer(now, 9), Err(TransferError::UnknownNode));
    assert_eq!(group.raft_mut(1).transfer(now, 1), Ok(()));
    assert!(matches!(group.raft_mut(0).transfer(now, 2), Err(TransferError::NotLeader(_))));
}

#[test]
fn reads_that_wait_are_refused_when_the_leadership_is_lost() {
    let mut group = Group::new(3);
    group.elect(0);
    group.set(0, "x");
    group.settle();
    group.isolate(0);
    group.elect(1);
    let read = group.read_later(1);
    group.heal();
    group.isolate(1);
    group.pass(300 * MS);
    assert_eq!(group.nodes[&1].reads[&read], Err(()));
}

#[test]
fn invalid_messages_change_nothing() {
    let mut raft = follower(&[1, 1]);
    let mut gap = append(1, (2, 1), &[1, 1], 0);
    if let Body::AppendEntries { entries, .. } = &mut gap.body {
        *entries = [entry(3, 1), entry(5, 1)].into();
    }
    raft.step(1000 * MS, LEADER, gap);
    raft.step(1000 * MS, 7, append(5, (2, 1), &[5], 3));
    let huge = append(1, (u64::MAX, 1), &[], u64::MAX);
    raft.step(1000 * MS, LEADER, huge);
    let reply = Body::AppendEntriesReply {
        outcome: AppendOutcome::Matched { match_index: u64::MAX },
        sent_at: std::time::Duration::MAX,
        read_round: u64::MAX,
    };
    raft.step(1000 * MS, LEADER, Message { term: 1, body: reply });
    assert_eq!((terms(&raft), raft.current_term(), raft.commit_index()), (vec![1, 1], 1, 0));
}

#[test]
fn a_leader_refuses_commands_beyond_its_limit() {
    let mut group = Group::with(3, |config| config.max_uncommitted_bytes = 1000);
    group.elect(0);
    group.pass(30 * MS);
    group.isolate(0);
    let mut taken = 0;
    while group.propose(0, "some bytes").is_ok() {
        taken += 1;
    }
    assert!((10..30).contains(&taken), "{taken}");
    assert_eq!(group.propose(0, "x"), Err(ProposeError::Busy));
    group.heal();
    group.pass(30 * MS);
    assert!(group.propose(0, "x").is_ok(), "committed, there is room again");
}

#[test]
fn a_follower_that_does_not_reply_is_sent_one_window() {
    let mut group = Group::with(3, |config| {
        config.max_inflight_appends = 4;
        config.max_append_bytes = 1;
    });
    group.elect(0);
    group.isolate(2);
    for _ in 0..20 {
        group.set(0, "x");
        group.settle();
    }
    let now = group.clock(0);
    group.raft_mut(0).tick(now);
    assert_eq!(group.nodes[&0].applied, 21);
    let next = group.raft(0).peers().into_iter().find(|peer| peer.peer == 2).unwrap();
    assert_eq!(next.match_index, 1);
    group.heal();
    group.pass(100 * MS);
    assert_eq!(group.log(2), group.log(0));
}

#[test]
fn time_does_not_go_back_when_the_log_is_cut() {
    let snapshot = SnapshotMark { index: 9, term: 1 };
    let hard_state = HardState { current_term: 1, ..HardState::default() };
    let recovered = Recovered {
        hard_state,
        snapshot,
        commit_index: 9,
        at_ms: 5000,
        log_before: snapshot,
        ..Recovered::default()
    };
    let mut raft = Raft::new(Config::lan(0, vec![0]), recovered, 1000 * MS);
    raft.tick(1000 * MS);
    let write = raft.ready().write.unwrap();
    raft.persisted(1000 * MS, write);
    raft.propose(1000 * MS, 4000, Payload::NoOp).unwrap();
    let times: Vec<_> = raft.ready().entries.iter().map(|entry| entry.at_ms).collect();
    assert_eq!(times, [5000, 5000]);
}
