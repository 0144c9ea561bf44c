//! The claims of the paper, section by section. Figure 8 and the rules of the lease are in
//! `adversaries`; other mistakes are in `known_mistakes`.

use std::collections::BTreeSet;
use std::time::Duration;

use super::group::{Group, MS};
use crate::raft::{AppendOutcome, Body, Message, NodeId, ProposeError, ReadGrant, RoleName};

fn request_vote(term: u64, last_log_index: u64, last_log_term: u64) -> Message {
    let lease = 300 * MS;
    let body = Body::RequestVote { last_log_index, last_log_term, lease, released: None };
    Message { term, body }
}

fn heartbeat(term: u64) -> Message {
    let body = Body::AppendEntries {
        prev_log_index: 0,
        prev_log_term: 0,
        entries: [].into(),
        leader_commit: 0,
        sent_at: Duration::ZERO,
        lease: 300 * MS,
        read_round: 0,
    };
    Message { term, body }
}

/// Delivers a message to a node. Returns its replies, after its disk has written.
fn ask(group: &mut Group, from: NodeId, to: NodeId, message: Message) -> Vec<Message> {
    group.pump(to);
    group.take(|_| true);
    group.deliver(super::group::SentMessage { from, to, message });
    group.take(|sent| (sent.from, sent.to) == (to, from)).into_iter().map(|l| l.message).collect()
}

fn is_granted(messages: &[Message]) -> bool {
    messages.iter().any(|m| matches!(m.body, Body::RequestVoteReply { granted: true, .. }))
}

#[test]
fn section_5_1_a_newer_term_is_taken_over_and_an_older_one_refused() {
    let mut group = Group::new(3);
    assert!(is_granted(&ask(&mut group, 1, 0, request_vote(4, 0, 0))));
    assert_eq!(group.raft(0).current_term(), 4);
    let answers = ask(&mut group, 2, 0, heartbeat(3));
    let stale = |message: &Message| {
        message.term == 4
            && matches!(
                message.body,
                Body::AppendEntriesReply { outcome: AppendOutcome::Stale, .. }
            )
    };
    assert!(answers.iter().any(stale), "the old leader learns of the newer term");
    assert!(!is_granted(&ask(&mut group, 2, 0, request_vote(3, 9, 9))));
}

#[test]
fn section_5_1_a_leader_that_sees_a_newer_term_becomes_a_follower() {
    let mut group = Group::new(3);
    group.elect(0);
    let outcome = AppendOutcome::Stale;
    let body = Body::AppendEntriesReply { outcome, sent_at: Duration::ZERO, read_round: 0 };
    ask(&mut group, 1, 0, Message { term: 7, body });
    assert_eq!((group.raft(0).role(), group.raft(0).current_term()), (RoleName::Follower, 7));
}

#[test]
fn section_5_2_a_vote_is_given_once_in_a_term_first_come_first_served() {
    let mut group = Group::new(3);
    assert!(is_granted(&ask(&mut group, 1, 0, request_vote(1, 0, 0))));
    assert!(!is_granted(&ask(&mut group, 2, 0, request_vote(1, 5, 1))));
    assert!(is_granted(&ask(&mut group, 1, 0, request_vote(1, 0, 0))), "the same candidate again");
    group.restart(0);
    assert!(!is_granted(&ask(&mut group, 2, 0, request_vote(1, 5, 1))), "it is on disk");
    assert!(is_granted(&ask(&mut group, 2, 0, request_vote(2, 0, 0))), "another term");
}

#[test]
fn section_5_2_heartbeats_keep_followers_from_standing() {
    let mut group = Group::new(5);
    group.elect(0);
    group.pass(10_000 * MS);
    assert_eq!((group.leaders(), group.raft(0).current_term()), (vec![0], 1));
}

#[test]
fn section_5_2_a_candidate_follows_a_leader_of_its_own_term() {
    let mut group = Group::new(5);
    group.record_transcript();
    // Pre-votes arrive, votes do not: 0 remains a candidate.
    group.time_out(0);
    while group.raft(0).current_term() == 0 {
        let sent = group.in_flight.pop_front().unwrap();
        group.deliver(sent);
    }
    group.take(|_| true);
    assert_eq!(group.raft(0).role(), RoleName::Candidate);
    ask(&mut group, 3, 0, heartbeat(1));
    assert_eq!((group.raft(0).role(), group.raft(0).leader()), (RoleName::Follower, Some(3)));
    assert_eq!(group.raft(0).node.hard_state.voted_for, Some(0), "it has voted in this term");
}

#[test]
fn section_5_2_a_split_vote_ends_with_new_timeouts() {
    // All stand at the same time, and vote for themselves.
    let mut group = Group::new(4);
    for id in 0..4 {
        group.time_out(id);
    }
    group.pass(2000 * MS);
    assert_eq!(group.leaders().len(), 1);
}

#[test]
fn section_5_2_timeouts_are_spread() {
    let mut timeouts = BTreeSet::new();
    let mut group = Group::new(1);
    for _ in 0..100 {
        group.restart(0);
        let raft = group.raft_mut(0);
        raft.node.restart_election_timer();
        timeouts.insert(raft.node.election_due);
    }
    // A node restarts with its own seed: the same node, the same first timeout.
    assert_eq!(timeouts.len(), 1);
    let group = Group::new(5);
    let timeouts: BTreeSet<_> = (0..5).map(|id| group.raft(id).node.election_due).collect();
    assert_eq!(timeouts.len(), 5);
}

#[test]
fn section_5_3_a_leader_only_appends_to_its_own_log() {
    let mut group = Group::new(3);
    group.elect(0);
    group.set(0, "x");
    let before = group.log(0);
    let body = Body::AppendEntries {
        prev_log_index: 0,
        prev_log_term: 0,
        entries: [].into(),
        leader_commit: 9,
        sent_at: Duration::ZERO,
        lease: 300 * MS,
        read_round: 0,
    };
    let now = group.clock(0);
    group.raft_mut(0).step(now, 1, Message { term: 1, body });
    let ready = group.raft_mut(0).ready();
    assert!(ready.contradiction.is_some(), "nobody else leads its term");
    let is_reply = |(_, message): &(NodeId, Message)| message.body.is_reply();
    assert!(!ready.messages.iter().chain(&ready.messages_after).any(is_reply));
    assert_eq!((group.log(0), group.leaders()), (before, vec![0]));
}

#[test]
fn section_5_3_followers_that_were_away_are_brought_up_to_date() {
    let mut group = Group::new(5);
    group.elect(0);
    group.crash(3);
    group.isolate(4);
    for key in ["a", "b", "c"] {
        group.set(0, key);
        group.settle();
    }
    group.start(3);
    group.heal();
    group.pass(40 * MS);
    let logs: BTreeSet<_> = (0..5).map(|id| group.log(id)).collect();
    assert_eq!(logs, BTreeSet::from(["1 1 1 1".to_owned()]));
    group.pass(40 * MS);
    assert!((0..5).all(|id| group.nodes[&id].applied == 4));
}

/// Figure 7: the leader of term 8 and followers that miss entries, have extra ones, or both.
#[test]
fn section_5_3_figure_7() {
    let leader = "1 1 1 4 4 5 5 6 6 6";
    let followers = [
        "1 1 1 4 4 5 5 6 6",
        "1 1 1 4",
        "1 1 1 4 4 5 5 6 6 6 6",
        "1 1 1 4 4 5 5 6 6 6 7 7",
        "1 1 1 4 4 4 4",
        "1 1 1 2 2 2 3 3 3 3 3",
    ];
    let mut group = Group::new(7);
    for (id, log) in (0..).zip([leader].into_iter().chain(followers)) {
        group.load(id, log, 7);
    }
    group.elect(0);
    assert_eq!(group.leaders(), [0]);
    // Restarted nodes wait for promises that they may have made; then everything is committed.
    group.pass(310 * MS);
    group.pass(40 * MS);
    for id in 0..7 {
        assert_eq!(group.log(id), format!("{leader} 8"), "node {id}");
        assert_eq!(group.nodes[&id].applied, 11);
    }
}

#[test]
fn section_5_4_1_a_node_that_lacks_committed_entries_is_not_elected() {
    let mut group = Group::new(3);
    group.elect(0);
    group.isolate(2);
    let x = group.set(0, "x");
    group.settle();
    assert!(group.is_acknowledged(0, x));
    group.crash(0);
    group.heal();
    group.elect(2);
    assert!(group.leaders().is_empty());
    group.pass(2000 * MS);
    assert_eq!(group.leaders(), [1]);
}

#[test]
fn section_5_4_2_entries_of_older_terms_are_committed_with_one_of_the_own() {
    let mut group = Group::new(3);
    group.elect(0);
    group.set(0, "x");
    group.take(|sent| sent.from != 0);
    group.settle();
    group.crash(0);
    group.pass(1000 * MS);
    let leader = group.leaders()[0];
    assert_eq!(group.log(leader), "1 1 2");
    assert_eq!(group.nodes[&leader].applied, 3);
}

#[test]
fn section_5_5_messages_that_come_twice_do_no_harm() {
    let mut group = Group::new(3);
    group.elect(0);
    group.set(0, "x");
    group.pump(0);
    let in_flight = group.take(|_| true);
    for sent in in_flight.iter().chain(&in_flight).chain(in_flight.iter().rev()) {
        group.deliver(sent.clone());
    }
    let answers = group.take(|_| true);
    for sent in answers.iter().chain(&answers) {
        group.deliver(sent.clone());
    }
    group.settle();
    assert_eq!((group.log(1), group.nodes[&0].applied), ("1 1".into(), 2));
}

#[test]
fn section_7_the_log_is_compacted_and_its_state_is_kept() {
    let mut group = Group::with(3, |config| config.trailing_log_bytes = 0);
    group.elect(0);
    group.set(0, "x");
    group.settle();
    group.snapshot(0);
    assert_eq!(group.log(0), "[2]");
    group.restart(0);
    assert_eq!((group.raft(0).commit_index(), group.log(0)), (2, "[2]".into()));
    group.elect(0);
    group.pass(310 * MS);
    let leader = group.leaders()[0];
    assert_eq!(group.nodes[&leader].applied, 3);
}

#[test]
fn section_8_a_leader_begins_its_term_with_a_no_op() {
    let mut group = Group::new(3);
    group.elect(0);
    assert_eq!(group.log(0), "1");
    assert_eq!(group.nodes[&1].disk.log[0].payload, crate::raft::Payload::NoOp);
}

#[test]
fn section_8_only_a_leader_answers() {
    let mut group = Group::new(3);
    group.elect(0);
    let now = group.clock(1);
    let Err(ProposeError::NotLeader(refusal)) = group.propose(1, "x") else { panic!("taken") };
    assert_eq!(refusal.leader, Some(0));
    let refusal = group.raft_mut(1).read(now, |_| true).unwrap_err();
    assert_eq!(refusal.leader, Some(0));
    let now = group.clock(0);
    assert_eq!(group.raft_mut(0).read(now, |_| true), Ok(ReadGrant::Now(1)));
}
