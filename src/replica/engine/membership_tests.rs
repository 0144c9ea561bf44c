//! Every rule for voters is needed: for each there is an adversary, a sequence of events that loses
//! nothing while the rule holds, and loses an acknowledged command when the rule is switched off.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::tests::{MS, Sum};
use super::*;
use crate::raft::{
    Config, Entry, HardState, Index, Message, NodeId, Payload, Recovered, SnapshotMark, Term,
};
use crate::replica::membership::{Introduction, Loss, Record, Rule, Standing};
use crate::replica::recovery::membership;
use crate::replica::state::Replicated;

/// The content of a node's disk.
#[derive(Clone, Default)]
struct Disk {
    record: Record,
    hard_state: HardState,
    log: Vec<Entry>,
}

/// Engines whose messages are delivered at once, or wait.
struct Group {
    n: u64,
    nodes: BTreeMap<NodeId, (u64, Engine<Sum, Index>)>,
    disks: BTreeMap<NodeId, Disk>,
    now: Duration,
    processes: u64,
    without: Option<Rule>,
    cut: Vec<(NodeId, NodeId)>,
    /// The acknowledged commands, by index.
    done: BTreeMap<Index, Vec<u8>>,
    proposed: BTreeMap<Index, Vec<u8>>,
    leaders: BTreeMap<Term, NodeId>,
    refusals: usize,
    /// The last introduction of each node.
    introduced: BTreeMap<NodeId, Introduction>,
}

impl Group {
    fn new(n: u64, without: Option<Rule>) -> Group {
        Group {
            n,
            nodes: BTreeMap::new(),
            disks: BTreeMap::new(),
            now: 1000 * MS,
            processes: 0,
            without,
            cut: Vec::new(),
            done: BTreeMap::new(),
            proposed: BTreeMap::new(),
            leaders: BTreeMap::new(),
            refusals: 0,
            introduced: BTreeMap::new(),
        }
    }

    fn start(&mut self, id: NodeId) {
        self.processes += 1;
        let process = self.processes;
        let n = self.n as usize;
        let disk = self
            .disks
            .entry(id)
            .or_insert_with(|| Disk { record: Record::new(process, n), ..Disk::default() });
        disk.record.starts += 1;
        if self.without == Some(Rule::Durable) && disk.record.standing != Standing::New {
            disk.record.standing = Standing::Voter;
        }
        let config = Config { seed: process, ..Config::lan(id, (0..self.n).collect()) };
        let recovered = Recovered {
            hard_state: disk.hard_state,
            entries: disk.log.clone(),
            ..Recovered::default()
        };
        let mut membership =
            membership(&config, &recovered, disk.record.clone(), process, self.now);
        membership.without = self.without;
        let policy = SnapshotPolicy::default();
        let engine =
            Engine::new(config, recovered, Replicated::default(), policy, membership, self.now);
        self.nodes.insert(id, (process, engine));
    }

    fn stop(&mut self, id: NodeId) {
        self.nodes.remove(&id);
    }

    fn wipe(&mut self, id: NodeId) {
        self.stop(id);
        self.disks.remove(&id);
    }

    /// Replaces a node's disk by an older copy.
    fn restore_image(&mut self, id: NodeId, image: Disk) {
        self.stop(id);
        self.disks.insert(id, image);
        self.start(id);
    }

    fn separate(&mut self, one: NodeId, other: NodeId) {
        self.cut.extend([(one, other), (other, one)]);
    }

    fn settle(&mut self) {
        for _ in 0..40 {
            let mut introductions: Vec<(NodeId, NodeId, Introduction)> = Vec::new();
            let mut messages: Vec<(NodeId, u64, NodeId, Message)> = Vec::new();
            let mut has_written = false;
            for (id, (process, engine)) in &mut self.nodes {
                let output = engine.advance(self.now);
                let id = *id;
                let contradiction = output.contradiction.map(|what| what.to_string());
                assert_eq!(contradiction, None, "node {id} stops: something is lost");
                introductions.extend(output.introductions.into_iter().map(|(to, it)| (id, to, it)));
                messages.extend(output.messages.into_iter().map(|(to, it)| (id, *process, to, it)));
                for (index, answer) in output.answers {
                    if let (Answer::Done(_), Some(command)) = (answer, self.proposed.get(&index)) {
                        self.done.insert(index, command.clone());
                    }
                }
                if let Some(write) = output.write {
                    has_written = true;
                    self.disks.entry(id).or_default().keep(&write);
                    engine.persisted(self.now, write.id);
                }
            }
            if introductions.is_empty() && messages.is_empty() && !has_written {
                break;
            }
            let arrives = |from, to| !self.cut.contains(&(from, to));
            for (from, to, introduction) in introductions {
                self.introduced.insert(from, introduction.clone());
                if let Some((_, engine)) = self.nodes.get_mut(&to).filter(|_| arrives(from, to)) {
                    engine.receive_introduction(from, introduction);
                }
            }
            for (from, process, to, message) in messages {
                if let Some((_, engine)) = self.nodes.get_mut(&to).filter(|_| arrives(from, to)) {
                    self.refusals += usize::from(is_conflict(&message));
                    engine.deliver(self.now, from, process, message);
                }
            }
        }
        self.check();
    }

    fn pass(&mut self, millis: u32) {
        for _ in 0..millis / 5 {
            self.now += 5 * MS;
            self.settle();
        }
    }

    /// Checks that a leader that has committed something has everything that was acknowledged.
    fn check(&mut self) {
        for (id, (_, engine)) in &self.nodes {
            let raft = engine.raft();
            if raft.is_leader() {
                let known = *self.leaders.entry(raft.current_term()).or_insert(*id);
                assert_eq!(known, *id, "two leaders in one term, a vote is lost");
            }
            if !raft.is_leader() || raft.term_at(raft.commit_index()) != Some(raft.current_term()) {
                continue;
            }
            for (index, command) in &self.done {
                let has = self.disks[id].log.iter().any(|entry| {
                    let is_it = |known: &[u8]| known == command.as_slice();
                    entry.index == *index
                        && matches!(&entry.payload, Payload::Command { command, .. } if is_it(command))
                });
                assert!(has, "acknowledged entry {index} is lost at node {id}, which leads");
            }
        }
    }

    fn leader(&self) -> Option<NodeId> {
        let leads =
            |(_, (_, engine)): &(&NodeId, &(u64, Engine<Sum, Index>))| engine.raft().is_leader();
        self.nodes.iter().find(leads).map(|(id, _)| *id)
    }

    /// Sets something, and waits for the acknowledgement.
    fn set(&mut self, command: &str) {
        let id = self.leader().expect("there is a leader");
        let now = self.now;
        let (_, engine) = self.nodes.get_mut(&id).unwrap();
        let index = engine.raft().last_index() + 1;
        engine.write(now, 0, None, command.as_bytes().into(), index);
        self.proposed.insert(index, command.into());
        self.pass(100);
        assert!(self.done.contains_key(&index), "{command} is not acknowledged");
    }

    fn standing(&self, id: NodeId) -> Standing {
        self.nodes[&id].1.membership().standing()
    }

    fn commit(&self, id: NodeId) -> Index {
        self.nodes[&id].1.raft().commit_index()
    }
}

fn is_conflict(message: &Message) -> bool {
    use crate::raft::{AppendOutcome, Body};
    let Body::AppendEntriesReply { outcome, .. } = &message.body else { return false };
    matches!(outcome, AppendOutcome::Conflict { .. })
}

impl Disk {
    fn keep(&mut self, write: &WriteJob) {
        if let Some(record) = &write.record {
            self.record = (**record).clone();
        }
        if let Some(hard_state) = write.hard_state {
            self.hard_state = hard_state;
        }
        if let Some(first) = write.entries.first() {
            self.log.retain(|entry| entry.index < first.index);
            self.log.extend(write.entries.iter().cloned());
        }
        assert!(write.pieces.is_empty(), "no snapshots here: {:?}", SnapshotMark::default());
    }
}

/// A group of three in which all have met, with node 0 leading.
fn three(without: Option<Rule>) -> Group {
    let mut group = Group::new(3, without);
    group.start(0);
    group.start(1);
    group.start(2);
    for _ in 0..20 {
        group.pass(800);
        match group.leader() {
            Some(0) => break,
            Some(other) => {
                let now = group.now;
                let (_, engine) = group.nodes.get_mut(&other).unwrap();
                engine.transfer(now, 0, Duration::from_secs(1), 0);
            }
            None => (),
        }
    }
    assert_eq!(group.leader(), Some(0));
    assert!((0..3).all(|id| group.standing(id) == Standing::Voter));
    group
}

/// Node 2 is down while a command is acknowledged; then node 1 restarts with an older disk that
/// lacks it. Node 0 still has it.
fn three_with_an_older_copy(without: Option<Rule>) -> Group {
    let mut group = three(without);
    group.stop(2);
    let image = group.disks[&1].clone();
    group.set("1");
    group.restore_image(1, image);
    group
}

/// A group of three founded by nodes 0 and 2, and its leader. Node 1 has never run.
fn founded_by_two(without: Option<Rule>) -> (Group, NodeId) {
    let mut group = Group::new(3, without);
    group.start(0);
    group.start(2);
    group.pass(2000);
    let leader = group.leader().expect("one of the two leads");
    (group, leader)
}

fn breaks(rule: Rule, adversary: impl Fn(Option<Rule>)) {
    adversary(None);
    let result = catch_unwind(AssertUnwindSafe(|| adversary(Some(rule))));
    let panic = result.expect_err("nothing broke");
    let message = panic.downcast_ref::<String>().cloned().unwrap_or_default();
    assert!(message.contains("is lost"), "something else broke: {message}");
}

#[test]
fn v1_a_node_with_another_directory_does_not_vote() {
    breaks(Rule::Instance, |without| {
        let mut group = three(without);
        group.stop(2);
        group.set("1");
        group.wipe(1);
        group.stop(0);
        group.start(1);
        group.start(2);
        group.pass(3000);
        assert!(without.is_some() || group.leader().is_none());
        // Everything is there again when the other node is.
        group.start(0);
        group.pass(3000);
        group.set("2");
        assert_eq!(group.standing(1), Standing::Refused(Loss::Replaced));
        assert_eq!(group.commit(1), group.commit(0));
    });
}

#[test]
fn v2_an_older_directory_does_not_count() {
    breaks(Rule::Older, |without| {
        let mut group = three_with_an_older_copy(without);
        // The nodes that have it are there, but only for this moment.
        group.settle();
        group.stop(0);
        group.start(2);
        group.pass(3000);
        assert!(without.is_some() || group.leader().is_none());
        assert!(without.is_some() || group.standing(1) == Standing::Refused(Loss::Older));
    });
}

#[test]
fn v2_a_repeated_start_count_reveals_an_older_directory() {
    let mut group = three(None);
    let image = group.disks[&1].clone();
    for _ in 0..2 {
        group.stop(1);
        group.start(1);
        group.pass(500);
    }
    // Nothing was acknowledged since, and it was started once more.
    group.restore_image(1, image);
    group.pass(500);
    assert_eq!(group.standing(1), Standing::Refused(Loss::Older));
}

#[test]
fn v2_a_node_that_is_restarted_again_and_again_stays_a_voter() {
    let mut group = three(None);
    for round in 0..6 {
        let id = round % 3;
        group.set("1");
        group.stop(id);
        group.pass(100);
        group.start(id);
        group.pass(2500);
    }
    group.set("2");
    assert!((0..3).all(|id| group.standing(id) == Standing::Voter));
}

#[test]
fn v3_a_joining_node_waits_for_a_majority_of_the_others() {
    breaks(Rule::Majority, |without| {
        let (mut group, _) = founded_by_two(without);
        group.stop(2);
        group.start(1);
        group.pass(3000);
        if group.leader().is_none() {
            // Nothing is acknowledged, so nothing can be lost.
            assert_eq!((without, group.standing(1)), (None, Standing::Joining));
            return;
        }
        group.set("1");
        group.wipe(1);
        group.stop(0);
        group.start(1);
        group.start(2);
        group.pass(3000);
    });
}

#[test]
fn v3_a_new_node_does_not_vote_in_a_group_that_is_there() {
    breaks(Rule::Founding, |without| {
        let (mut group, leader) = founded_by_two(without);
        let other = 2 - leader;
        group.separate(1, other);
        group.start(1);
        group.stop(other);
        group.pass(100);
        if without.is_none() {
            group.pass(3000);
            return assert!(group.leader().is_none());
        }
        group.pass(3000);
        group.set("1");
        group.wipe(1);
        group.stop(leader);
        group.cut.clear();
        group.start(1);
        group.start(other);
        group.pass(3000);
    });
}

#[test]
fn v5_a_refused_node_stays_refused_after_a_restart() {
    breaks(Rule::Durable, |without| {
        let mut group = three_with_an_older_copy(without);
        group.pass(100);
        assert_eq!(group.standing(1), Standing::Refused(Loss::Older));
        // It is the only one left that has it. Messages to it may be lost again.
        group.stop(0);
        group.stop(1);
        group.disks.get_mut(&1).unwrap().log.truncate(1);
        group.start(1);
        group.start(2);
        group.pass(3000);
        assert!(without.is_some() || group.leader().is_none());
    });
}

#[test]
fn v6_a_process_does_not_vote_before_others_could_object() {
    breaks(Rule::Quiet, |without| {
        // The time of node 2's request depends on the seed.
        for chance in 0..10 {
            let mut group = three(without);
            group.processes += chance;
            group.separate(0, 2);
            group.separate(1, 2);
            let image = group.disks[&1].clone();
            // Node 1 votes in a term that node 2 does not learn of.
            group.stop(0);
            group.start(0);
            group.pass(2000 + 40 * chance as u32);
            // Node 2 has had no leader for long and asks at once. The message of node 0 is delayed.
            group.cut.clear();
            group.separate(0, 2);
            group.separate(0, 1);
            group.restore_image(1, image);
            group.pass(250);
            group.cut.clear();
            group.separate(0, 2);
            group.pass(45);
            group.stop(0);
            group.pass(3000);
            assert!(without.is_some() || group.leader().is_none());
        }
    });
}

#[test]
fn any_two_of_three_new_nodes_found_a_group_and_the_third_joins() {
    for missing in 0..3 {
        let mut group = Group::new(3, None);
        for id in (0..3).filter(|id| *id != missing) {
            group.start(id);
        }
        group.pass(2000);
        group.set("1");
        group.start(missing);
        group.pass(1000);
        assert_eq!(group.standing(missing), Standing::Voter);
        // It counts: another node may stop now.
        let leader = group.leader().unwrap();
        let other = (0..3).find(|id| *id != leader && *id != missing).unwrap();
        group.stop(other);
        group.set("2");
    }
}

#[test]
fn a_wiped_node_catches_up_without_a_busy_loop() {
    let mut group = three(None);
    for number in 1..20 {
        group.set(&number.to_string());
    }
    group.wipe(1);
    group.start(1);
    group.refusals = 0;
    group.pass(2000);
    assert_eq!(group.standing(1), Standing::Refused(Loss::Replaced));
    assert_eq!(group.commit(1), group.commit(0));
    assert!(group.refusals < 10, "{} refusals", group.refusals);
    let raft = group.nodes[&0].1.raft();
    assert!(raft.peers().iter().all(|peer| peer.is_voter == (peer.peer == 2)));
    // It does not count.
    group.stop(2);
    group.pass(1000);
    assert_eq!(group.leader(), None);
}

#[test]
fn a_delayed_introduction_of_a_former_process_does_not_silence_the_present_one() {
    let mut group = three(None);
    group.set("1");
    let follower = (0..3).find(|id| Some(*id) != group.leader()).unwrap();
    let former = group.introduced[&follower].clone();
    group.wipe(follower);
    group.start(follower);
    group.pass(2000);
    let leader = group.leader().unwrap();
    assert_eq!(group.commit(follower), group.commit(leader));
    group.nodes.get_mut(&leader).unwrap().1.receive_introduction(follower, former);
    // It misses an entry. That it says so is not heard until it has said again who it is.
    group.separate(leader, follower);
    group.set("2");
    group.cut.clear();
    group.set("3");
    group.pass(2000);
    assert_eq!(group.commit(follower), group.commit(leader));
}
