//! Scenarios, message by message. `a > b` is a message, `a :` an event of node `a`.

use super::group::{Group, MS};

#[test]
fn a_leader_is_elected_and_a_command_is_committed() {
    let mut group = Group::new(3);
    group.record_transcript();
    group.elect(0);
    group.assert_transcript(
        "
        0 : stands for election
        0 > 1 PreVote term=1 last=0@0
        0 > 2 PreVote term=1 last=0@0
        1 > 0 PreVoteReply term=1 yes
        2 > 0 PreVoteReply term=1 yes
        0 > 1 RequestVote term=1 last=0@0
        0 > 2 RequestVote term=1 last=0@0
        1 : votes for 0 in term 1
        1 > 0 RequestVoteReply term=1 yes
        2 : votes for 0 in term 1
        2 > 0 RequestVoteReply term=1 yes
        0 : leads term 1
        0 > 1 AppendEntries term=1 prev=0@0 commit=0 entries=[1]
        0 > 2 AppendEntries term=1 prev=0@0 commit=0 entries=[1]
        1 : follows 0 in term 1
        1 > 0 AppendEntriesReply term=1 matched=1
        2 : follows 0 in term 1
        2 > 0 AppendEntriesReply term=1 matched=1
        ",
    );
    let index = group.set(0, "x");
    group.settle();
    group.assert_transcript(
        "
        0 > 1 AppendEntries term=1 prev=1@1 commit=1 entries=[1]
        0 > 2 AppendEntries term=1 prev=1@1 commit=1 entries=[1]
        1 > 0 AppendEntriesReply term=1 matched=2
        2 > 0 AppendEntriesReply term=1 matched=2
        ",
    );
    assert!(group.is_acknowledged(0, index));
    group.pass(30 * MS);
    group.assert_transcript(
        "
        0 : heartbeat
        0 > 1 AppendEntries term=1 prev=2@1 commit=2 entries=[]
        0 > 2 AppendEntries term=1 prev=2@1 commit=2 entries=[]
        1 > 0 AppendEntriesReply term=1 matched=2
        2 > 0 AppendEntriesReply term=1 matched=2
        ",
    );
}

#[test]
fn commands_are_sent_in_batches_and_ahead_of_replies() {
    let mut group = Group::new(3);
    group.elect(0);
    group.record_transcript();
    for key in ["x", "y", "z"] {
        group.propose(0, key).unwrap();
    }
    group.pump(0);
    group.set(0, "w");
    group.assert_transcript(
        "
        0 > 1 AppendEntries term=1 prev=1@1 commit=1 entries=[1 1 1]
        0 > 2 AppendEntries term=1 prev=1@1 commit=1 entries=[1 1 1]
        0 > 1 AppendEntries term=1 prev=4@1 commit=1 entries=[1]
        0 > 2 AppendEntries term=1 prev=4@1 commit=1 entries=[1]
        ",
    );
    group.settle();
    group.assert_transcript(
        "
        1 > 0 AppendEntriesReply term=1 matched=4
        2 > 0 AppendEntriesReply term=1 matched=4
        1 > 0 AppendEntriesReply term=1 matched=5
        2 > 0 AppendEntriesReply term=1 matched=5
        ",
    );
}

#[test]
fn commands_wait_for_one_another_while_a_batch_is_in_flight() {
    let mut group = Group::with(2, |config| config.batch_pause = MS);
    group.elect(0);
    group.pass(2 * MS);
    group.record_transcript();
    for key in ["a", "b", "c", "d"] {
        group.set(0, key);
    }
    assert_eq!(group.nodes[&0].disk.log.len(), 2, "what is held back is not written either");
    group.assert_transcript(
        "
        0 > 1 AppendEntries term=1 prev=1@1 commit=1 entries=[1]
        ",
    );
    // The commit of the batch ends the wait.
    let sent = group.in_flight.pop_front().unwrap();
    group.deliver(sent);
    let answer = group.in_flight.pop_back().unwrap();
    group.deliver(answer);
    group.assert_transcript(
        "
        1 > 0 AppendEntriesReply term=1 matched=2
        0 > 1 AppendEntries term=1 prev=2@1 commit=2 entries=[1 1 1]
        ",
    );
    // The end of the pause does as well.
    group.set(0, "e");
    group.assert_transcript("");
    group.pass_quietly(MS);
    group.tick(0);
    group.assert_transcript(
        "
        0 > 1 AppendEntries term=1 prev=5@1 commit=2 entries=[1]
        ",
    );
}

#[test]
fn after_the_leader_crashes_another_node_leads() {
    let mut group = Group::new(3);
    group.elect(0);
    group.set(0, "x");
    group.settle();
    group.crash(0);
    group.record_transcript();
    group.pass(700 * MS);
    let leader = group.leaders()[0];
    assert_eq!(group.log(leader), "1 1 2");
    group.assert_transcript_begins(
        13,
        "
        1 : stands for election
        1 > 0 PreVote term=2 last=2@1
        1 > 2 PreVote term=2 last=2@1
        2 > 1 PreVoteReply term=2 yes
        1 > 0 RequestVote term=2 last=2@1
        1 > 2 RequestVote term=2 last=2@1
        2 : votes for 1 in term 2
        2 > 1 RequestVoteReply term=2 yes
        1 : leads term 2
        1 > 0 AppendEntries term=2 prev=2@1 commit=1 entries=[2]
        1 > 2 AppendEntries term=2 prev=2@1 commit=1 entries=[2]
        2 : follows 1 in term 2
        2 > 1 AppendEntriesReply term=2 matched=3
        ",
    );
}

#[test]
fn a_log_that_differs_is_repaired_a_term_at_a_time() {
    let mut group = Group::new(3);
    // 0 leads term 1 and does not replicate five entries, while the others continue in later terms.
    group.elect(0);
    group.isolate(0);
    for key in ["a", "b", "c", "d", "e"] {
        group.set(0, key);
    }
    for (leader, before) in [(1, 0), (2, 1), (1, 2)] {
        group.restart(before);
        group.elect(leader);
    }
    assert_eq!((group.log(0), group.log(1)), ("1 1 1 1 1 1".into(), "1 2 3 4".into()));
    group.heal();
    group.record_transcript();
    group.pass(30 * MS);
    group.assert_transcript(
        "
        1 : heartbeat
        1 > 0 AppendEntries term=4 prev=4@4 commit=0 entries=[]
        1 > 2 AppendEntries term=4 prev=4@4 commit=0 entries=[]
        0 : follows 1 in term 4
        0 > 1 AppendEntriesReply term=4 refused=4 conflict=1@1
        2 > 1 AppendEntriesReply term=4 matched=4
        1 > 0 AppendEntries term=4 prev=1@1 commit=4 entries=[]
        0 > 1 AppendEntriesReply term=4 matched=1
        1 > 0 AppendEntries term=4 prev=1@1 commit=4 entries=[2 3 4]
        0 : drops its log from 2 on
        0 > 1 AppendEntriesReply term=4 matched=4
        ",
    );
    assert_eq!(group.log(0), "1 2 3 4");
}

#[test]
fn a_new_leader_waits_for_an_old_lease_and_answers_inherited_reads() {
    let mut group = Group::new(3);
    group.elect(0);
    let x = group.set(0, "x");
    group.settle();
    assert!(group.is_acknowledged(0, x));
    group.pass(30 * MS);
    group.isolate(0);
    group.record_transcript();
    group.elect(1);
    group.assert_transcript(
        "
        1 : stands for election
        1 > 0 PreVote term=2 last=2@1
        1 > 2 PreVote term=2 last=2@1
        2 > 1 PreVoteReply term=2 yes
        1 > 0 RequestVote term=2 last=2@1
        1 > 2 RequestVote term=2 last=2@1
        2 : votes for 1 in term 2
        2 > 1 RequestVoteReply term=2 yes 0:300ms
        1 : leads term 2
        1 : waits for an old lease
        1 > 0 AppendEntries term=2 prev=2@1 commit=2 entries=[2]
        1 > 2 AppendEntries term=2 prev=2@1 commit=2 entries=[2]
        2 : follows 1 in term 2
        2 > 1 AppendEntriesReply term=2 matched=3
        ",
    );
    // The old leader still reads under its lease; the new one answers inherited reads.
    assert_eq!(group.read(0, "x"), Some(x));
    assert_eq!(group.read(1, "x"), Some(x));
    let y = group.set(1, "y");
    group.settle();
    group.assert_transcript(
        "
        1 > 0 AppendEntries term=2 prev=3@2 commit=2 entries=[2]
        1 > 2 AppendEntries term=2 prev=3@2 commit=2 entries=[2]
        2 > 1 AppendEntriesReply term=2 matched=4
        ",
    );
    assert!(!group.is_acknowledged(1, y));
    group.pass(302 * MS);
    assert!(group.is_acknowledged(1, y));
    assert_eq!(group.read(0, "x"), None);
}

#[test]
fn a_follower_that_lags_far_behind_gets_a_snapshot() {
    let mut group = Group::with(3, |config| config.trailing_log_bytes = 0);
    group.elect(0);
    group.crash(2);
    for key in ["a", "b", "c"] {
        group.set(0, key);
        group.settle();
    }
    group.snapshot(0);
    group.set(0, "d");
    group.settle();
    group.start(2);
    group.record_transcript();
    group.pass(30 * MS);
    group.assert_transcript(
        "
        0 : heartbeat
        0 > 1 AppendEntries term=1 prev=5@1 commit=5 entries=[]
        0 > 2 AppendEntries term=1 prev=5@1 commit=5 entries=[]
        1 > 0 AppendEntriesReply term=1 matched=5
        2 : follows 0 in term 1
        2 > 0 AppendEntriesReply term=1 refused=5 conflict=2@0
        0 > 2 InstallSnapshot term=1 4@1 offset=0
        2 > 0 InstallSnapshotReply term=1 next=2
        0 > 2 InstallSnapshot term=1 4@1 offset=2 last
        2 > 0 InstallSnapshotReply term=1 next=3
        2 > 0 InstallSnapshotReply term=1 installed
        0 > 2 AppendEntries term=1 prev=4@1 commit=5 entries=[1]
        2 > 0 AppendEntriesReply term=1 matched=5
        ",
    );
    assert_eq!(group.log(2), "[4] 1");
}

#[test]
fn leadership_is_handed_over_without_waiting_for_the_lease() {
    let mut group = Group::new(3);
    group.elect(0);
    let x = group.set(0, "x");
    group.settle();
    group.pass(30 * MS);
    group.record_transcript();
    let now = group.clock(0);
    group.raft_mut(0).transfer(now, 2).unwrap();
    group.settle();
    group.assert_transcript(
        "
        0 : hands over to 2
        0 > 2 TimeoutNow term=1
        2 : stands for election
        2 > 0 RequestVote term=2 last=2@1 released=0
        2 > 1 RequestVote term=2 last=2@1 released=0
        0 : steps down
        0 : votes for 2 in term 2
        0 > 2 RequestVoteReply term=2 yes
        1 : votes for 2 in term 2
        1 > 2 RequestVoteReply term=2 yes
        2 : leads term 2
        2 > 0 AppendEntries term=2 prev=2@1 commit=2 entries=[2]
        2 > 1 AppendEntries term=2 prev=2@1 commit=2 entries=[2]
        0 : follows 2 in term 2
        0 > 2 AppendEntriesReply term=2 matched=3
        1 : follows 2 in term 2
        1 > 2 AppendEntriesReply term=2 matched=3
        ",
    );
    let y = group.set(2, "y");
    group.settle();
    assert!(group.is_acknowledged(2, y), "no time has passed");
    assert_eq!((group.read(2, "x"), group.read(0, "x")), (Some(x), None));
}

#[test]
fn a_read_that_no_lease_covers_takes_a_round_of_heartbeats() {
    let mut group = Group::new(3);
    group.elect(0);
    let x = group.set(0, "x");
    group.settle();
    // A transfer that fails leaves a leader without a lease.
    group.isolate(1);
    let now = group.clock(0);
    group.raft_mut(0).transfer(now, 1).unwrap();
    group.pump(0);
    group.pass(400 * MS);
    group.heal();
    group.record_transcript();
    let read = group.read_later(0);
    group.assert_transcript(
        "
        0 : heartbeat
        0 > 1 AppendEntries term=1 prev=2@1 commit=2 entries=[]
        0 > 2 AppendEntries term=1 prev=2@1 commit=2 entries=[]
        ",
    );
    group.settle();
    group.assert_transcript(
        "
        1 > 0 AppendEntriesReply term=1 matched=2
        2 > 0 AppendEntriesReply term=1 matched=2
        ",
    );
    assert_eq!(group.nodes[&0].reads[&read], Ok(x));
}

#[test]
fn a_leader_without_replies_steps_down_when_its_lease_ends() {
    let mut group = Group::new(5);
    group.elect(0);
    group.pass(30 * MS);
    for id in 1..5 {
        group.isolate(id);
    }
    group.record_transcript();
    group.pass(290 * MS);
    group.keep_transcript_of(0);
    group.assert_transcript(
        "
        0 : heartbeat
        0 : heartbeat
        0 : heartbeat
        0 : heartbeat
        0 : heartbeat
        0 : heartbeat
        0 : heartbeat
        0 : heartbeat
        0 : heartbeat
        0 : lease renewal failed
        0 : steps down
        ",
    );
    assert!(group.leaders().is_empty());
}

#[test]
fn a_single_node_commits_with_its_own_disk() {
    let mut group = Group::new(1);
    group.record_transcript();
    group.pass(MS);
    group.node_mut(0).is_disk_held = true;
    let x = group.set(0, "x");
    assert!(!group.is_acknowledged(0, x));
    assert_eq!(group.read(0, "x"), Some(0));
    group.node_mut(0).is_disk_held = false;
    group.settle();
    assert!(group.is_acknowledged(0, x));
    assert_eq!(group.read(0, "x"), Some(x));
    group.assert_transcript(
        "
        0 : stands for election
        0 : leads term 1
        ",
    );
    assert_eq!(
        group.raft(0).next_timeout(),
        std::time::Duration::MAX,
        "it has nothing to wait for"
    );
}
