//! All rules of the lease are needed. For each rule there is an adversary: a sequence of events
//! that is harmless with the rule, and breaks an invariant when the rule is taken out (a mutation
//! test by hand).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::group::{Group, MS, SentMessage};
use crate::raft::rules::Rule;
use crate::raft::{Body, Index, NodeId};

/// The adversary is harmless with all rules, and without this one it breaks the expected invariant.
pub fn needs_rule(n: u64, rule: Rule, expected: &str, adversary: impl Fn(&mut Group)) {
    adversary(&mut Group::new(n));
    assert_fails(expected, || adversary(&mut Group::without(n, Some(rule))));
}

fn assert_fails(expected: &str, story: impl FnOnce()) {
    let result = catch_unwind(AssertUnwindSafe(story));
    let panic = result.expect_err("nothing broke");
    let message = panic.downcast_ref::<String>().map(String::as_str);
    let message = message.or(panic.downcast_ref::<&str>().copied()).unwrap_or_default();
    assert!(message.contains(expected), "something else broke: {message}");
}

fn is_append(sent: &SentMessage) -> bool {
    matches!(sent.message.body, Body::AppendEntries { .. })
}

/// `old` is cut off, `new` is elected at once and writes `x`; then a client reads `x` from `old`.
fn overtake(group: &mut Group, old: NodeId, new: NodeId) {
    group.isolate(old);
    group.elect(new);
    write_and_read(group, new, old);
}

fn write_and_read(group: &mut Group, writer: NodeId, reader: NodeId) -> Index {
    let x = group.set(writer, "x");
    group.settle();
    group.is_acknowledged(writer, x);
    group.read(reader, "x");
    x
}

fn separate(group: &mut Group, one: NodeId, other: NodeId) {
    group.cut.extend([(one, other), (other, one)]);
}

pub fn transfer(group: &mut Group, from: NodeId, to: NodeId) {
    let now = group.clock(from);
    group.raft_mut(from).transfer(now, to).unwrap();
    group.pump(from);
}

#[test]
fn rule_1_a_heartbeat_is_a_promise() {
    needs_rule(3, Rule::AppendPromises, "lease exclusion", |group| {
        group.elect(0);
        // Long enough for the promises of the votes to end.
        group.pass(600 * MS);
        overtake(group, 0, 1);
    });
}

#[test]
fn rule_1_a_vote_is_a_promise() {
    needs_rule(3, Rule::VotePromises, "lease exclusion", |group| {
        group.elect_only(0);
        // None of its AppendEntries arrives: the votes alone give it a lease.
        group.take(|_| true);
        assert_eq!(group.read(0, "x"), Some(0));
        overtake(group, 0, 1);
    });
}

#[test]
fn rule_1_a_newer_promise_does_not_end_an_older_one() {
    needs_rule(3, Rule::EveryHolder, "lease exclusion", |group| {
        // 0 leads with the help of 2 alone. 2 then promises to 1, and 1 transfers its leadership to
        // 2. The promises to 1 are released, and 1's own promises have ended, so only 2's own
        // promise to 0 is left.
        group.elect(0);
        separate(group, 0, 1);
        group.pass(700 * MS);
        group.isolate(0);
        group.elect(1);
        assert_eq!(group.raft(1).current_term(), 2);
        transfer(group, 1, 2);
        group.settle();
        assert!(group.raft(2).is_leader());
        write_and_read(group, 2, 0);
    });
}

#[test]
fn rule_2_a_vote_is_durable_before_it_is_given() {
    let adversary = |sends_early: bool| {
        let mut group = Group::new(3);
        group.node_mut(2).sends_early = sends_early;
        group.node_mut(2).is_disk_held = true;
        separate(&mut group, 0, 1);
        group.elect(0);
        group.restart(2);
        separate(&mut group, 0, 2);
        group.node_mut(2).is_disk_held = false;
        group.elect(1);
    };
    adversary(false);
    assert_fails("election safety", || adversary(true));
}

#[test]
fn rule_2_entries_are_durable_before_they_are_acknowledged() {
    let adversary = |sends_early: bool| {
        let mut group = Group::new(3);
        group.elect(0);
        group.isolate(2);
        group.node_mut(1).sends_early = sends_early;
        group.node_mut(1).is_disk_held = true;
        group.set(0, "x");
        group.settle();
        group.restart(1);
        group.node_mut(1).is_disk_held = false;
        group.heal();
        group.isolate(0);
        group.elect(1);
    };
    adversary(false);
    assert_fails("leader completeness", || adversary(true));
}

#[test]
fn rule_2_an_answer_to_a_heartbeat_counts_what_is_durable() {
    needs_rule(3, Rule::DurableMatch, "leader completeness", |group| {
        group.elect(0);
        group.isolate(2);
        group.node_mut(1).is_disk_held = true;
        group.set(0, "x");
        group.pass(60 * MS);
        assert!(group.raft(0).is_leader(), "heartbeats are answered");
        group.restart(1);
        group.node_mut(1).is_disk_held = false;
        group.heal();
        group.isolate(0);
        group.elect(1);
    });
}

#[test]
fn rule_2_a_promise_is_sent_when_it_is_durable() {
    needs_rule(3, Rule::DurablePromise, "lease exclusion", |group| {
        // 2 learns the term and the lease for the first time, and its disk is slow.
        group.node_mut(2).is_disk_held = true;
        group.elect(0);
        group.isolate(1);
        // 1's vote is too old: if 0 has a lease, it is by the replies of 2.
        group.pass(500 * MS);
        group.restart(2);
        group.node_mut(2).is_disk_held = false;
        group.heal();
        overtake(group, 0, 1);
    });
}

#[test]
fn rule_3_a_candidate_waits_for_its_own_promises() {
    needs_rule(3, Rule::OwnPromises, "lease exclusion", |group| {
        // 0 leads with the help of 1 alone; 1 is elected by 2, which has promised nothing.
        group.elect(0);
        separate(group, 0, 2);
        group.pass(700 * MS);
        overtake(group, 0, 1);
    });
}

#[test]
fn rule_3_a_voter_reports_its_promises() {
    needs_rule(3, Rule::Remaining, "lease exclusion", |group| {
        // 0 leads with the help of 2 alone; 1 has promised nothing, and is elected by 2.
        group.elect(0);
        separate(group, 0, 1);
        group.pass(700 * MS);
        overtake(group, 0, 1);
    });
}

#[test]
fn rule_4_a_node_that_replies_in_our_term_holds_no_older_lease() {
    needs_rule(3, Rule::Clear, "commits at once", |group| {
        group.elect(0);
        group.pass(30 * MS);
        for id in 0..3 {
            group.restart(id);
        }
        // After a restart every node may have promised to every other; but all nodes reply.
        group.elect(1);
        let x = group.set(1, "x");
        group.settle();
        assert!(group.is_acknowledged(1, x), "it commits at once");
    });
}

#[test]
fn rule_5_a_lease_counts_from_when_the_message_was_sent() {
    needs_rule(3, Rule::CountFromSending, "lease exclusion", |group| {
        group.elect(0);
        group.pass_quietly(30 * MS);
        group.tick(0);
        for sent in group.take(is_append) {
            group.deliver(sent);
        }
        // The replies are slow.
        let answers = group.take(|sent| sent.to == 0);
        assert_eq!(answers.len(), 2);
        group.pass_quietly(200 * MS);
        for answer in answers {
            group.deliver(answer);
        }
        group.pass_quietly(102 * MS);
        overtake(group, 0, 1);
    });
}

#[test]
fn rule_5_an_answer_counts_in_its_own_term() {
    needs_rule(3, Rule::CountInTerm, "leader completeness", |group| {
        group.elect(0);
        // 1 acknowledges entries of term 1 that 0 loses, and the replies are delayed.
        group.isolate(2);
        group.node_mut(0).is_disk_held = true;
        for key in ["a", "b", "c", "d"] {
            group.set(0, key);
        }
        for sent in group.take(is_append) {
            group.deliver(sent);
        }
        let late = group.take(|sent| sent.to == 0);
        assert_eq!(group.log(1), "1 1 1 1 1");
        group.restart(0);
        group.node_mut(0).is_disk_held = false;
        group.heal();
        // 2 leads term 2, and 1 drops them too.
        group.isolate(1);
        group.elect(2);
        group.heal();
        group.pass(30 * MS);
        assert_eq!(group.log(1), "1 2");
        // 0 leads term 3, and it alone has new entries; now the old replies arrive.
        transfer(group, 2, 0);
        group.settle();
        group.isolate(0);
        group.set(0, "e");
        group.set(0, "f");
        assert_eq!(group.log(0), "1 2 3 3 3");
        group.heal();
        for sent in late {
            group.deliver(sent);
        }
        group.take(|_| true);
        group.isolate(0);
        group.elect(1);
    });
}

#[test]
fn rule_6_commit_is_deferred() {
    needs_rule(3, Rule::DeferredCommit, "lease exclusion", |group| {
        group.elect(0);
        group.pass(60 * MS);
        overtake(group, 0, 1);
    });
}

/// Figure 8 of the paper.
#[test]
fn rule_6_only_entries_of_the_own_term_are_counted() {
    let figure_8 = |without| {
        let mut group = Group::without(5, without);
        // (a) S1 leads, and writes index 2 to itself and S2.
        group.elect(0);
        for id in [2, 3, 4] {
            group.isolate(id);
        }
        group.set(0, "x");
        group.settle();
        // (b) S1 crashes; S5 leads the next term by votes of S3 and S4, and writes another index 2.
        group.crash(0);
        group.heal();
        group.isolate(1);
        group.elect_only(4);
        group.take(|_| true);
        assert_eq!((group.log(1), group.log(4)), ("1 1".into(), "1 2".into()));
        // (c) S5 crashes; S1 restarts, leads term 3 and continues with its index 2, which reaches
        // S3.
        group.crash(4);
        group.heal();
        group.isolate(3);
        group.start(0);
        group.elect_only(0);
        group.pass_quietly(310 * MS);
        while group.log(2) != "1 1" {
            // Its own no-op at index 3 is not replicated.
            for sent in group.take(is_append) {
                group.deliver(without_entries_behind(sent, 2));
            }
            for sent in group.take(|sent| sent.to == 0) {
                group.deliver(sent);
            }
        }
        // (d) S1 crashes again; S5 is elected by S2, S3 and S4, for the last term of its log is newer.
        group.take(|_| true);
        group.crash(0);
        group.heal();
        group.start(4);
        group.elect_only(4);
    };
    figure_8(None);
    assert_fails("leader completeness", || figure_8(Some(Rule::OwnTermCommit)));
}

/// The message without the later entries.
fn without_entries_behind(mut sent: SentMessage, last: Index) -> SentMessage {
    if let Body::AppendEntries { entries, .. } = &mut sent.message.body {
        *entries = entries.iter().filter(|entry| entry.index <= last).cloned().collect();
    }
    sent
}

#[test]
fn rule_7_nothing_is_read_when_the_lease_is_over() {
    needs_rule(3, Rule::LeaseEnds, "stale read", |group| {
        group.elect(0);
        group.pass(30 * MS);
        // A leader that was paused answers a read first.
        group.node_mut(0).is_paused = true;
        group.pass_quietly(302 * MS);
        group.elect(1);
        let x = group.set(1, "x");
        group.settle();
        assert!(group.is_acknowledged(1, x));
        group.node_mut(0).is_paused = false;
        group.read(0, "x");
    });
}

#[test]
fn rule_7_an_inherited_read_depends_on_no_entry_in_limbo() {
    needs_rule(3, Rule::Limbo, "stale read", |group| {
        group.elect(0);
        group.pass(30 * MS);
        let x = group.set(0, "x");
        group.settle();
        assert!(group.is_acknowledged(0, x));
        group.isolate(0);
        group.elect(1);
        assert_eq!(group.read(1, "y"), Some(0), "nothing in limbo writes y");
        group.read(1, "x");
    });
}

#[test]
fn rule_8_a_read_index_waits_for_the_own_term() {
    needs_rule(3, Rule::ReadIndexWaits, "stale read", |group| {
        group.elect(0);
        group.pass(30 * MS);
        let x = group.set(0, "x");
        group.settle();
        assert!(group.is_acknowledged(0, x));
        group.isolate(0);
        group.elect(1);
        let read = group.read_later(1);
        group.settle();
        group.finish_read(1, read, "x");
        group.pass(302 * MS);
        group.finish_read(1, read, "x");
        assert!(group.nodes[&1].reads[&read].is_ok());
    });
}

#[test]
fn rule_9_the_lease_is_given_up_before_another_stands() {
    needs_rule(3, Rule::Revoke, "stale read", |group| {
        group.elect(0);
        group.pass(30 * MS);
        transfer(group, 0, 1);
        group.cut.insert((1, 0));
        group.settle();
        assert!(group.raft(1).is_leader());
        write_and_read(group, 1, 0);
    });
}

#[test]
fn rule_9_only_the_requested_election_is_released() {
    // Not a rule to take out: `released` is sent at exactly term + 1.
    let mut group = Group::new(3);
    group.elect(0);
    group.pass(30 * MS);
    transfer(&mut group, 0, 1);
    group.settle();
    group.isolate(1);
    group.elect(2);
    group.record_transcript();
    group.heal();
    group.elect(2);
    assert!(!group.take_transcript().contains("released"));
}

#[test]
fn rule_10_a_restarted_node_keeps_what_it_has_promised() {
    let adversary = |forgets: bool| {
        let mut group = Group::new(3);
        group.elect(0);
        group.pass(60 * MS);
        group.isolate(0);
        for id in [1, 2] {
            if forgets {
                group.node_mut(id).disk.hard_state.longest_lease = Duration::ZERO;
            }
            group.restart(id);
        }
        overtake(&mut group, 0, 1);
    };
    adversary(false);
    assert_fails("lease exclusion", || adversary(true));
}

#[test]
fn rule_11_a_leader_without_a_lease_steps_down() {
    needs_rule(3, Rule::StepDown, "steps down", |group| {
        group.elect(0);
        group.pass(30 * MS);
        group.isolate(0);
        group.pass(300 * MS);
        assert!(!group.raft(0).is_leader(), "it steps down");
    });
}

#[test]
fn rule_11_a_leader_whose_disk_is_stuck_stops_sending() {
    let mut group = Group::new(3);
    group.elect(0);
    group.pass(30 * MS);
    group.node_mut(0).is_disk_held = true;
    let x = group.set(0, "x");
    group.settle();
    assert!(group.is_acknowledged(0, x), "the others have it on their disks");
    group.pass(2500 * MS);
    assert_eq!(group.leaders(), [0], "disks that have much to do may take as long");
    group.pass(2000 * MS);
    assert!(!group.raft(0).is_leader());
    assert_eq!(group.leaders().len(), 1, "another one took over");
}

#[test]
fn rule_11_a_leader_whose_disk_is_busy_continues_to_lead() {
    let mut group = Group::with(3, |config| {
        config.batch_pause = Duration::ZERO;
        config.max_write_bytes = 1;
    });
    group.elect(0);
    group.pass(30 * MS);
    group.node_mut(0).is_disk_held = true;
    for _ in 0..10 {
        group.set(0, "x");
    }
    // Each write is far shorter than the limit for a stuck disk; all of them together are longer.
    for _ in 0..9 {
        group.pass(1000 * MS);
        group.write_one(0);
    }
    assert_eq!(group.leaders(), [0], "it has written all the time");
}

#[test]
fn clocks_that_drift_fifty_times_as_much_are_caught() {
    let adversary = |drift: f64| {
        let mut group = Group::new(3);
        for (id, rate) in [(0, 1.0 - drift), (1, 1.0 + drift), (2, 1.0 + drift)] {
            group.node_mut(id).rate = rate;
            group.restart(id);
        }
        group.elect(0);
        group.pass(600 * MS);
        group.isolate(0);
        // The followers' promise has just run out, by their fast clocks.
        group.pass_quietly((301 * MS).div_f64(1.0 + drift));
        overtake(&mut group, 0, 1);
    };
    adversary(0.001);
    assert_fails("lease exclusion", || adversary(0.05));
}

#[test]
fn voters_a_reply_of_a_node_that_is_not_a_voter_does_not_count() {
    needs_rule(3, Rule::CountVoters, "the answer of no voter commits", |group| {
        group.elect(0);
        for id in [0, 2] {
            group.raft_mut(id).set_voters(true, [1].into());
        }
        group.isolate(2);
        let x = group.set(0, "x");
        group.settle();
        assert!(!group.is_acknowledged(0, x), "the answer of no voter commits");
        // It does not extend a lease or answer a read either.
        group.pass(600 * MS);
        assert!(!group.raft(0).is_leader());
    });
}

#[test]
fn voters_a_node_that_is_not_a_voter_neither_votes_nor_stands() {
    needs_rule(3, Rule::VoteAsVoter, "no voter votes", |group| {
        group.raft_mut(1).set_voters(false, [].into());
        group.isolate(0);
        group.elect(2);
        assert!(!group.raft(2).is_leader(), "no voter votes");
        group.elect(1);
        assert!(!group.raft(1).is_leader(), "no voter leads");
    });
}
