//! One engine, or three that exchange messages, with disks that write on request.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::raft::{
    Body, Config, Contradiction, Entry, Frozen, Index, Message, NodeId, NotLeader, Origin, Payload,
    Recovered, SnapshotMark, StateMachine,
};
use crate::replica::membership::{Introduction, Record, Standing};
use crate::replica::recovery::membership;
use crate::replica::state::Replicated;

pub const MS: Duration = Duration::from_millis(1);

/// Adds numbers: a command is its digits, the answer is the sum.
#[derive(Default)]
pub struct Sum(u64);

impl StateMachine for Sum {
    fn apply(&mut self, _: Index, _: u64, command: &Arc<[u8]>, reply: &mut Vec<u8>) {
        self.0 += std::str::from_utf8(command).unwrap().parse::<u64>().unwrap();
        reply.extend_from_slice(self.0.to_string().as_bytes());
    }
    fn conflicts(_: &[u8], _: &[u8]) -> bool {
        true
    }
    fn to_words(command: &[u8], word: &mut dyn FnMut(&[u8])) {
        word(command);
    }
    fn from_words(words: &[&[u8]]) -> Result<Vec<u8>, String> {
        Ok(words.concat())
    }
    fn freeze(&self) -> Box<dyn Frozen> {
        Box::new(FrozenSum(Some(self.0)))
    }
    fn empty() -> Sum {
        Sum::default()
    }
    fn restore(&mut self, words: &[&[u8]]) -> Result<(), String> {
        self.0 = String::from_utf8_lossy(&words.concat()).parse().map_err(|_| "no sum")?;
        Ok(())
    }
}

struct FrozenSum(Option<u64>);

impl Frozen for FrozenSum {
    fn next_line(&mut self, word: &mut dyn FnMut(&[u8])) -> bool {
        self.0.take().is_some_and(|sum| {
            word(sum.to_string().as_bytes());
            true
        })
    }
}

type Node = Engine<Sum, &'static str>;

fn node(id: NodeId, n: u64, policy: SnapshotPolicy) -> Node {
    let config = Config { trailing_log_bytes: 0, ..Config::lan(id, (0..n).collect()) };
    let (recovered, record) = (Recovered::default(), Record::new(id + 1, n as usize));
    let membership = membership(&config, &recovered, record, id + 1, 1000 * MS);
    Engine::new(config, recovered, Replicated::default(), policy, membership, 1000 * MS)
}

fn alone() -> Node {
    let mut node = node(0, 1, SnapshotPolicy::default());
    let output = node.advance(1000 * MS);
    node.persisted(1000 * MS, output.write.unwrap().id);
    node.advance(1000 * MS);
    node
}

fn done(sum: &str) -> Answer {
    Answer::Done(sum.as_bytes().into())
}

#[test]
fn a_command_is_answered_when_it_is_durable() {
    let mut node = alone();
    node.write(1001 * MS, 5, None, b"20"[..].into(), "a");
    node.write(1001 * MS, 5, None, b"3"[..].into(), "b");
    let first = node.advance(1001 * MS);
    assert_eq!(first.write.as_ref().map(|write| write.entries.len()), Some(2), "one job");
    assert!(first.answers.is_empty());
    node.write(1002 * MS, 5, None, b"4"[..].into(), "c");
    let second = node.advance(1002 * MS);
    node.persisted(1003 * MS, first.write.unwrap().id);
    assert_eq!(node.advance(1003 * MS).answers, [("a", done("20")), ("b", done("23"))]);
    node.persisted(1004 * MS, second.write.unwrap().id);
    assert_eq!(node.advance(1004 * MS).answers, [("c", done("27"))]);
    assert_eq!(node.state().machine().0, 27);
}

#[test]
fn a_command_of_a_session_is_applied_once() {
    let mut node = alone();
    let mut now = 1001 * MS;
    // Every request is part of a write after the next step.
    let mut settle = |node: &mut Node| loop {
        let output = node.advance(now);
        if let Some(write) = output.write {
            node.persisted(now, write.id);
            break node.advance(now).answers;
        }
        now = output.next;
    };
    node.open_session(1001 * MS, 5, "open");
    let answers = settle(&mut node);
    let [("open", Answer::Opened(session))] = answers[..] else { panic!("{answers:?}") };
    let origin = Some(Origin { session, sequence: 1, acknowledged: 0 });
    node.write(1001 * MS, 5, origin, b"5"[..].into(), "first");
    node.write(1001 * MS, 5, origin, b"5"[..].into(), "again");
    assert_eq!(settle(&mut node), [("first", done("5")), ("again", done("5"))]);
    let acknowledged = Some(Origin { session, sequence: 1, acknowledged: 1 });
    node.write(1001 * MS, 5, acknowledged, b"5"[..].into(), "late");
    let refused = Answer::Refused(crate::replica::state::Refusal::Acknowledged);
    assert_eq!(settle(&mut node), [("late", refused)]);
}

#[test]
fn a_read_under_the_lease_is_answered_immediately() {
    let mut node = alone();
    assert_eq!(node.read(1001 * MS, |_| true), ReadAccess::Now);
}

/// Three nodes whose messages and writes are executed at once.
struct Trio {
    nodes: Vec<Node>,
    now: Duration,
    cut_off: Option<NodeId>,
    answers: Vec<(&'static str, Answer)>,
    snapshots: usize,
}

impl Trio {
    fn new(policy: SnapshotPolicy) -> Trio {
        let nodes = (0..3).map(|id| node(id, 3, policy)).collect();
        Trio { nodes, now: 1000 * MS, cut_off: None, answers: Vec::new(), snapshots: 0 }
    }

    fn settle(&mut self) {
        for _ in 0..100 {
            let mut messages: Vec<(NodeId, NodeId, Message)> = Vec::new();
            let mut introductions: Vec<(NodeId, NodeId, Introduction)> = Vec::new();
            for (id, node) in (0..).zip(&mut self.nodes) {
                let output = node.advance(self.now);
                assert_eq!(output.contradiction, None, "node {id}");
                self.answers.extend(output.answers);
                introductions.extend(output.introductions.into_iter().map(|(to, it)| (id, to, it)));
                messages.extend(output.messages.into_iter().map(|(to, message)| (id, to, message)));
                if let Some((mark, _)) = output.snapshot {
                    self.snapshots += 1;
                    assert_eq!(node.snapshot_taken(mark, 10).first, mark.index + 1);
                }
                if let Some(write) = output.write {
                    node.persisted(self.now, write.id);
                }
            }
            let cut_off = self.cut_off;
            let arrives = |from, to| ![from, to].iter().any(|id| Some(*id) == cut_off);
            for (from, to, introduction) in introductions {
                if arrives(from, to) {
                    self.nodes[to as usize].receive_introduction(from, introduction);
                }
            }
            for (from, to, message) in messages {
                if arrives(from, to) {
                    self.nodes[to as usize].deliver(self.now, from, from + 1, message);
                }
            }
        }
    }

    fn pass(&mut self, millis: u32) {
        for _ in 0..millis {
            self.now += MS;
            self.settle();
        }
    }

    fn leader(&self) -> usize {
        let leads = |node: &Node| node.raft().is_leader();
        let leaders = self.nodes.iter().enumerate().filter(|(_, node)| leads(node));
        leaders.max_by_key(|(_, node)| node.raft().current_term()).unwrap().0
    }
}

#[test]
fn a_command_of_a_lost_leadership_has_an_unknown_outcome() {
    let mut trio = Trio::new(SnapshotPolicy::default());
    trio.pass(700);
    let old = trio.leader();
    trio.cut_off = Some(old as NodeId);
    let now = trio.now;
    trio.nodes[old].write(now, 0, None, b"1"[..].into(), "write");
    trio.pass(400);
    assert_eq!(trio.answers, [("write", Answer::Lost(NotLeader { leader: None }))]);
    let now = trio.now;
    trio.nodes[old].write(now, 0, None, b"1"[..].into(), "later");
    let refused = ReadAccess::NotLeader(NotLeader { leader: None });
    assert_eq!(trio.nodes[old].read(now, |_| true), refused);
    trio.settle();
    assert_eq!(trio.answers[1], ("later", Answer::NotLeader(NotLeader { leader: None })));
}

#[test]
fn a_read_that_waits_for_a_round_is_answered_or_refused() {
    let mut trio = Trio::new(SnapshotPolicy::default());
    trio.pass(700);
    // A failed transfer leaves the leader without a lease.
    let leader = trio.leader();
    let to = ((leader + 1) % 3) as NodeId;
    trio.cut_off = Some(to);
    let now = trio.now;
    trio.nodes[leader].transfer(now, to, 600 * MS, "transfer");
    trio.pass(400);
    let now = trio.now;
    let wait = |node: &mut Node, now, ticket| {
        let ReadAccess::Wait(waiting) = node.read(now, |_| true) else { panic!("no need to wait") };
        node.queue_read(waiting, ticket);
    };
    wait(&mut trio.nodes[leader], now, "read");
    trio.settle();
    assert_eq!(trio.answers[1], ("read", Answer::Read));
    trio.cut_off = Some(leader as NodeId);
    let now = trio.now;
    wait(&mut trio.nodes[leader], now, "late");
    trio.pass(400);
    assert_eq!(trio.answers[2], ("late", Answer::NotLeader(NotLeader { leader: None })));
}

#[test]
fn a_leadership_transfer_is_answered() {
    let mut trio = Trio::new(SnapshotPolicy::default());
    trio.pass(700);
    let old = trio.leader();
    let (to, other) = ((old + 1) % 3, (old + 2) % 3);
    let now = trio.now;
    let timeout = 600 * MS;
    trio.nodes[old].transfer(now, old as NodeId, timeout, "itself");
    trio.nodes[old].transfer(now, 9, timeout, "unknown");
    trio.nodes[old].transfer(now, to as NodeId, timeout, "to");
    trio.nodes[old].transfer(now, other as NodeId, timeout, "other");
    trio.pass(5);
    assert_eq!(
        trio.answers,
        [
            ("itself", Answer::Transferred),
            ("unknown", Answer::NotTransferred(TransferFailure::UnknownNode)),
            ("other", Answer::NotTransferred(TransferFailure::InProgress)),
            ("to", Answer::Transferred),
        ]
    );
    assert_eq!(trio.leader(), to);
    trio.cut_off = Some(old as NodeId);
    let now = trio.now;
    trio.nodes[to].transfer(now, old as NodeId, timeout, "dead");
    trio.pass(400);
    assert_eq!(trio.answers[4], ("dead", Answer::NotTransferred(TransferFailure::TimedOut)));
}

#[test]
fn a_snapshot_is_taken_when_the_log_has_grown() {
    let mut trio = Trio::new(SnapshotPolicy { entries: 10, bytes: u64::MAX });
    trio.pass(700);
    let leader = trio.leader();
    for _ in 0..25 {
        let now = trio.now;
        trio.nodes[leader].write(now, 0, None, b"1"[..].into(), "write");
        trio.settle();
    }
    trio.pass(40);
    assert_eq!(trio.snapshots, 3 * 2);
    for (node, id) in trio.nodes.iter().zip(0..) {
        // Each node waits for one entry more than the node before it.
        assert_eq!(node.raft().first_index(), 2 * (10 + id) + 1);
        assert_eq!(node.state().machine().0, 25);
    }
}

#[test]
fn new_nodes_found_a_group_and_all_of_them_are_its_voters() {
    let mut trio = Trio::new(SnapshotPolicy::default());
    assert!(trio.nodes.iter().all(|node| node.membership().standing() == Standing::New));
    trio.pass(700);
    trio.leader();
    assert!(trio.nodes.iter().all(|node| node.membership().standing() == Standing::Voter));
}

/// A follower that has received an entry, and has no disk space for it.
#[test]
fn a_node_with_a_full_disk_votes_and_does_not_acknowledge_entries() {
    let mut trio = Trio::new(SnapshotPolicy::default());
    trio.pass(700);
    let (leader, start) = (trio.leader(), trio.now);
    let (id, other) = ((leader + 1) % 3, ((leader + 2) % 3) as NodeId);
    let leader = leader as NodeId;
    let node = &mut trio.nodes[id];
    let (term, last) = (node.raft().current_term(), node.raft().last_index());
    let entry = Entry { term, index: last + 1, at_ms: 5, payload: Payload::NoOp };
    let body = Body::AppendEntries {
        prev_log_index: last,
        prev_log_term: term,
        entries: [entry].into(),
        leader_commit: 0,
        sent_at: start,
        lease: 300 * MS,
        read_round: 0,
    };
    node.deliver(start, leader, leader + 1, Message { term, body });
    let first = node.advance(start).write.unwrap().id;
    node.set_full(start, true);
    node.hard_state_persisted(start, first);
    let has_it = |(_, message): &(NodeId, Message)| message.body.requires_entries_to() == last + 1;
    assert!(!node.advance(start).messages.iter().any(has_it), "it is not durable");
    let later = start + 2000 * MS;
    let body = Body::RequestVote {
        last_log_index: last + 1,
        last_log_term: term,
        lease: 300 * MS,
        released: None,
    };
    node.deliver(later, other, other + 1, Message { term: term + 1, body });
    let second = node.advance(later).write.unwrap().id;
    node.hard_state_persisted(later, second);
    let messages = node.advance(later).messages;
    let votes = |(to, message): &(NodeId, Message)| {
        *to == other && matches!(message.body, Body::RequestVoteReply { granted: true, .. })
    };
    assert!(messages.iter().any(votes), "{messages:?}");
    assert!(!messages.iter().any(has_it));
    node.set_full(later, false);
    node.persisted(later, second);
    assert!(node.advance(later).messages.iter().any(has_it), "now it is");
}

#[test]
fn a_contradiction_is_reported_and_not_acknowledged() {
    let mut trio = Trio::new(SnapshotPolicy::default());
    trio.pass(700);
    let (leader, now) = (trio.leader(), trio.now);
    let node = &mut trio.nodes[(leader + 1) % 3];
    let leader = leader as NodeId;
    let (term, index) = (node.raft().current_term(), node.raft().commit_index());
    assert!(index > 0);
    let body = Body::AppendEntries {
        prev_log_index: index,
        prev_log_term: term + 1,
        entries: [].into(),
        leader_commit: index,
        sent_at: now,
        lease: 300 * MS,
        read_round: 0,
    };
    node.deliver(now, leader, leader + 1, Message { term: term + 1, body });
    let output = node.advance(now);
    let claimed = SnapshotMark { index, term: term + 1 };
    let committed = SnapshotMark { index, term };
    let expected = Contradiction::Entry { leader, term: term + 1, claimed, committed };
    assert_eq!(output.contradiction, Some(expected));
    assert!(output.messages.is_empty(), "{:?}", output.messages);
    node.persisted(now, output.write.unwrap().id);
    let output = node.advance(now);
    assert!(output.messages.is_empty(), "{:?}", output.messages);
    assert_eq!(output.contradiction, None, "it is reported once");
}

#[test]
fn a_leader_with_a_full_disk_refuses_commands_and_stays_leader() {
    let mut node = alone();
    node.write(1001 * MS, 5, None, b"20"[..].into(), "waits");
    let write = node.advance(1001 * MS).write.unwrap().id;
    node.set_full(1002 * MS, true);
    let much_later = 100_000 * MS;
    node.write(much_later, 5, None, b"3"[..].into(), "refused");
    assert_eq!(node.advance(much_later).answers, [("refused", Answer::Full)]);
    assert_eq!(node.read(much_later, |_| true), ReadAccess::Now);
    node.persisted(much_later, write);
    node.set_full(much_later, false);
    assert_eq!(node.advance(much_later).answers, [("waits", done("20"))]);
}

#[test]
fn the_first_entry_of_a_term_has_the_wall_time() {
    let mut node = node(0, 1, SnapshotPolicy::default());
    node.set_wall_clock(1_700_000_000_000);
    let output = node.advance(1000 * MS);
    node.persisted(1000 * MS, output.write.unwrap().id);
    let output = node.advance(1000 * MS);
    assert_eq!(output.write.unwrap().entries[0].at_ms, 1_700_000_000_000);
}
