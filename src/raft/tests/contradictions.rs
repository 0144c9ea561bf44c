//! Contradictions, which are impossible while every node keeps its data, are reported and not
//! answered.

use super::group::{Group, MS, SentMessage};
use super::known_mistakes::{LEADER, append, entry, follower, install, outcomes, terms};
use crate::raft::{
    AppendOutcome, Body, Config, Contradiction, HardState, Index, Message, NodeId, Raft, Ready,
    Recovered, SnapshotMark, Term,
};

const fn mark(index: Index, term: Term) -> SnapshotMark {
    SnapshotMark { index, term }
}

/// A follower in term 2 with a log of these terms, all committed.
fn committed(terms: &[Term]) -> Raft {
    let mut raft = follower(terms);
    let last = mark(terms.len() as Index, *terms.last().unwrap());
    raft.step(1000 * MS, LEADER, append(2, (last.index, last.term), &[], last.index));
    assert_eq!(raft.commit_index(), last.index);
    let write = raft.ready().write.unwrap();
    raft.persisted(1000 * MS, write);
    raft.ready();
    raft
}

/// The position that node 0, the leader of term 5, claims, and the committed one.
fn found(ready: &Ready) -> Option<(SnapshotMark, SnapshotMark)> {
    ready.contradiction.map(|contradiction| match contradiction {
        Contradiction::Entry { leader: LEADER, term: 5, claimed, committed } => {
            (claimed, committed)
        }
        other => panic!("{other:?}"),
    })
}

fn answers(ready: &Ready) -> usize {
    ready.messages.len() + ready.messages_after.len()
}

#[test]
fn section_5_4_3_entries_that_differ_from_committed_ones_are_reported() {
    for (prev, sent, expected) in [
        // The entry before the first one.
        ((4, 3), &[][..], (mark(4, 3), mark(4, 2))),
        ((3, 1), &[], (mark(3, 1), mark(3, 2))),
        ((3, 3), &[5, 5], (mark(3, 3), mark(3, 2))),
        // Entries.
        ((0, 0), &[1, 2], (mark(2, 2), mark(2, 1))),
        ((2, 1), &[2, 3], (mark(4, 3), mark(4, 2))),
        ((2, 1), &[2, 4, 5, 5], (mark(4, 4), mark(4, 2))),
    ] {
        let mut raft = committed(&[1, 1, 2, 2]);
        raft.step(1001 * MS, LEADER, append(5, prev, sent, 9));
        let ready = raft.ready();
        assert_eq!(found(&ready), Some(expected), "{prev:?} {sent:?}");
        assert_eq!(answers(&ready), 0, "{prev:?} {sent:?}");
        assert_eq!((terms(&raft), raft.commit_index()), (vec![1, 1, 2, 2], 4));
        assert!(ready.entries.is_empty() && ready.committed.is_empty());
    }
}

#[test]
fn the_same_entries_again_are_no_contradiction() {
    let matched = |match_index| AppendOutcome::Matched { match_index };
    for (prev, sent, expected) in [
        ((4, 2), &[][..], matched(4)),
        ((0, 0), &[1, 1], matched(4)),
        ((2, 1), &[2, 2], matched(4)),
        // An uncommitted entry may differ.
        ((4, 2), &[3], matched(5)),
        (
            (5, 3),
            &[],
            AppendOutcome::Conflict { prev_log_index: 5, conflict_term: 2, conflict_index: 5 },
        ),
    ] {
        let mut raft = committed(&[1, 1, 2, 2]);
        raft.step(1000 * MS, LEADER, append(2, (4, 2), &[2], 4));
        let write = raft.ready().write.unwrap();
        raft.persisted(1001 * MS, write);
        raft.step(1001 * MS, LEADER, append(5, prev, sent, 4));
        let ready = raft.ready();
        assert_eq!(ready.contradiction, None, "{prev:?} {sent:?}");
        let (at_once, after) = outcomes(&ready);
        assert_eq!([at_once, after].concat(), [expected], "{prev:?} {sent:?}");
    }
}

/// A follower with a snapshot, and a log behind it.
fn compacted() -> Raft {
    let snapshot = mark(5, 2);
    let recovered = Recovered {
        hard_state: HardState { current_term: 3, ..HardState::default() },
        snapshot,
        log_before: snapshot,
        entries: vec![entry(6, 2), entry(7, 3)],
        commit_index: 7,
        at_ms: 0,
    };
    Raft::new(Config::lan(1, vec![0, 1, 2]), recovered, 1000 * MS)
}

#[test]
fn terms_of_compacted_entries_are_known_to_be_no_later() {
    for (prev, sent, expected) in [
        ((5, 1), &[][..], Some((mark(5, 1), mark(5, 2)))),
        ((3, 3), &[], Some((mark(3, 3), mark(5, 2)))),
        ((2, 2), &[2, 2, 3], Some((mark(5, 3), mark(5, 2)))),
        ((3, 1), &[], None),
        ((3, 2), &[2, 2, 2, 3], None),
        ((0, 0), &[1], None),
    ] {
        let mut raft = compacted();
        raft.step(1001 * MS, LEADER, append(5, prev, sent, 7));
        let ready = raft.ready();
        assert_eq!(found(&ready), expected, "{prev:?} {sent:?}");
        assert_eq!(answers(&ready) == 0, expected.is_some());
    }
}

#[test]
fn a_snapshot_of_another_history_is_not_installed() {
    for (snapshot, expected) in [
        (mark(6, 3), Some((mark(6, 3), mark(6, 2)))),
        (mark(5, 1), Some((mark(5, 1), mark(5, 2)))),
        (mark(4, 3), Some((mark(4, 3), mark(5, 2)))),
        // Behind the commit index, and of an earlier term.
        (mark(9, 2), Some((mark(9, 2), mark(7, 3)))),
        (mark(7, 3), None),
        (mark(4, 2), None),
        (mark(9, 3), None),
    ] {
        let mut raft = compacted();
        let message = Message { term: 5, ..install(snapshot, 0, b"whole", true) };
        raft.step(1001 * MS, LEADER, message);
        let ready = raft.ready();
        assert_eq!(found(&ready), expected, "{snapshot:?}");
        assert_eq!(answers(&ready) == 0, expected.is_some(), "{snapshot:?}");
        assert!(expected.is_none() || ready.snapshot.is_empty());
    }
}

#[test]
fn section_5_2_two_leaders_in_one_term_are_reported_by_a_node_that_hears_both() {
    let two_leaders = |known, other| Contradiction::TwoLeaders { term: 5, known, other };
    let mut raft = follower(&[1]);
    raft.step(1000 * MS, LEADER, append(5, (1, 1), &[5], 0));
    let write = raft.ready().write.unwrap();
    raft.persisted(1000 * MS, write);
    raft.step(1001 * MS, 2, append(5, (1, 1), &[], 0));
    let ready = raft.ready();
    assert_eq!(ready.contradiction, Some(two_leaders(0, 2)));
    assert_eq!((answers(&ready), terms(&raft)), (0, vec![1, 5]));
    raft.step(1002 * MS, 2, Message { term: 5, ..install(mark(9, 5), 0, b"whole", true) });
    let ready = raft.ready();
    assert_eq!((ready.contradiction, answers(&ready)), (Some(two_leaders(0, 2)), 0));
    // In another term any node may lead.
    raft.step(1003 * MS, 2, append(6, (1, 1), &[], 0));
    assert_eq!(raft.ready().contradiction, None);
}

#[test]
fn a_leader_reports_another_one_of_its_term_even_when_it_leads_no_longer() {
    for leads in [true, false] {
        let mut group = Group::new(3);
        group.elect(0);
        if !leads {
            group.isolate(0);
            group.pass(400 * MS);
        }
        let now = group.clock(0);
        let raft = group.raft_mut(0);
        assert_eq!((raft.is_leader(), raft.current_term()), (leads, 1));
        raft.step(now, 2, append(1, (1, 1), &[], 0));
        let two_leaders = Contradiction::TwoLeaders { term: 1, known: 0, other: 2 };
        assert_eq!(raft.ready().contradiction, Some(two_leaders));
    }
}

#[test]
fn the_text_names_the_leader_and_the_difference() {
    let text = |claimed, committed| {
        let contradiction = Contradiction::Entry { leader: 0, term: 5, claimed, committed };
        contradiction.to_string()
    };
    assert_eq!(
        text(mark(4, 3), mark(4, 2)),
        "node 0, which leads in term 5, has an entry of term 3 at index 4, and here the entry at \
         index 4 is committed, of term 2"
    );
    let two = Contradiction::TwoLeaders { term: 5, known: 0, other: 2 };
    assert_eq!(two.to_string(), "node 0 and node 2 both lead in term 5");
    assert_eq!(
        text(mark(3, 3), mark(5, 2)),
        "node 0, which leads in term 5, has an entry of term 3 at index 3, and here the entry at \
         index 5 is committed, of term 2; terms only rise along a log"
    );
}

/// A reply of node 1 to a message that is sent now.
fn matched(group: &Group, match_index: Index) -> SentMessage {
    let outcome = AppendOutcome::Matched { match_index };
    let body = Body::AppendEntriesReply { outcome, sent_at: group.clock(0), read_round: 0 };
    let message = Message { term: group.raft(0).current_term(), body };
    SentMessage { from: 1, to: 0, message }
}

fn match_index(group: &Group, peer: NodeId) -> Index {
    group.raft(0).peers().iter().find(|known| known.peer == peer).unwrap().match_index
}

#[test]
fn a_follower_with_more_entries_than_its_leader_does_not_count_and_is_reported() {
    let mut group = Group::new(3);
    group.elect(0);
    group.set(0, "x");
    group.settle();
    group.isolate(2);
    group.record_transcript();
    group.deliver(matched(&group, 9));
    assert!(group.take_transcript().contains("0 : detects that 1 holds 9\n"));
    assert!(group.raft(0).is_leader(), "a majority has elected it");
    // It gets heartbeats for the end of the leader's log, and nothing else.
    group.set(0, "y");
    group.take(|_| true);
    group.pass(60 * MS);
    let told = group.take_transcript();
    assert!(told.contains("0 > 1 AppendEntries term=1 prev=3@1 commit=2 entries=[]\n"), "{told}");
    let has_entries =
        |line: &str| line.starts_with("0 > 1 Append") && line.ends_with("entries=[1]");
    assert!(!told.lines().any(has_entries), "{told}");
    group.deliver(matched(&group, 3));
    assert_eq!((match_index(&group, 1), group.raft(0).commit_index()), (2, 2));
    // After its restart it is a normal follower.
    group.raft_mut(0).follower_restarted(1);
    group.pass(60 * MS);
    assert_eq!((match_index(&group, 1), group.raft(0).commit_index()), (3, 3));
}
