//! Watches: changes as they happen.

use agora::call::Code;
use agora::replica::engine::SnapshotPolicy;

use crate::fixture::{Change, Group, Setting, eventually, metadata_value, refused};

fn alone() -> Group {
    let group = Group::new(1);
    group.leader();
    group
}

fn set(key: &[u8], value: &[u8], revision: u64) -> Change {
    (key.to_vec(), Some(value.to_vec()), revision)
}

#[test]
fn a_watch_sends_the_changes_from_now_on() {
    let group = alone();
    let caller = group.at(0);
    let before = caller.set(b"a1", b"old").unwrap();
    let mut watch = caller.watch(b"a", None);
    let (changes, revision) = watch.next().unwrap();
    assert!(changes.is_empty() && revision >= before, "the first response has the revision");
    let first = caller.set(b"a1", b"1").unwrap();
    caller.set(b"b", b"not watched").unwrap();
    let second = caller.compare_and_set(b"a2", None, b"2").unwrap().1;
    caller.compare_and_set(b"a2", None, b"3").unwrap();
    let third = caller.delete(b"a1").unwrap().1;
    caller.delete(b"a1").unwrap();
    let last = caller.set(b"a\xff", b"").unwrap();
    assert_eq!(
        watch.changes(4),
        [
            set(b"a1", b"1", first),
            set(b"a2", b"2", second),
            (b"a1".to_vec(), None, third),
            set(b"a\xff", b"", last),
        ]
    );
}

#[test]
fn a_watch_starts_after_the_given_revision_past_or_future() {
    let group = alone();
    let caller = group.at(0);
    let revisions: Vec<u64> =
        (0..600_u16).map(|n| caller.set(b"a", &n.to_be_bytes()).unwrap()).collect();
    for from in [0, 1, 299, 599] {
        let mut watch = caller.watch(b"", Some(revisions[from]));
        assert_eq!(watch.next().unwrap(), (vec![], revisions[from]));
        let seen: Vec<u64> = watch.changes(599 - from).iter().map(|change| change.2).collect();
        assert_eq!(seen, revisions[from + 1..]);
    }
    let mut watch = caller.watch(b"", Some(revisions[599] + 2));
    watch.next().unwrap();
    for n in 0..3 {
        caller.set(b"a", &[n]).unwrap();
    }
    assert_eq!(watch.changes(1), [set(b"a", &[2], revisions[599] + 3)], "what is between is known");
}

#[test]
fn a_restart_forgets_the_changes_before_its_snapshot() {
    let snapshots = SnapshotPolicy { entries: 20, ..SnapshotPolicy::default() };
    let mut group = Group::with(Setting { snapshots, ..Setting::of(1) });
    group.leader();
    for n in 0..50 {
        group.at(0).set(b"a", &[n]).unwrap();
    }
    eventually("a snapshot", || !group.file(0, "snapshot.txt").is_empty());
    group.restart(0);
    group.leader();
    let caller = group.at(0);
    let status = refused(caller.watch(b"", Some(0)).next(), Code::OutOfRange, "only changes after");
    let oldest = metadata_value(&status, "agora-oldest-revision").unwrap().parse().unwrap();
    let answer = caller.status().unwrap();
    let status = answer.read::<agora::pb::agora_kv_v1::StatusResponse<'_>>();
    assert_eq!(status.oldest_watch_revision, oldest);
    refused(caller.watch(b"", Some(oldest - 1)).next(), Code::OutOfRange, "");
    let mut watch = caller.watch(b"", Some(oldest));
    assert_eq!(watch.next().unwrap(), (vec![], oldest));
}

/// A watch that is not read costs no memory. When it is read again it gets every change, or an
/// error if the history no longer has them.
#[test]
fn a_slow_watch_gets_every_change_or_an_error() {
    let group = alone();
    let caller = group.at(0);
    let mut slow = caller.watch(b"", None);
    slow.next().unwrap();
    // A separate connection, so that the writes are not behind the slow watch.
    let writer = group.at(0);
    let value = vec![b'v'; 100_000];
    // 10 MB: more than flow-control windows and buffers, less than the history.
    let written: Vec<u64> = (0..100).map(|_| writer.set(b"a", &value).unwrap()).collect();
    let seen: Vec<u64> = slow.changes(100).iter().map(|change| change.2).collect();
    assert_eq!(seen, written);
    // 40 MB: more than the history.
    for _ in 0..400 {
        writer.set(b"a", &value).unwrap();
    }
    let mut last = written[99];
    let status = loop {
        match slow.next() {
            Ok((changes, revision)) => {
                let mut all = changes.iter().map(|change| change.2);
                assert!(all.all(|next| std::mem::replace(&mut last, next) + 1 == next));
                assert_eq!(last, revision);
            }
            Err(status) => break status,
        }
    };
    assert_eq!(status.code, Code::OutOfRange, "{status}");
    let oldest: u64 = metadata_value(&status, "agora-oldest-revision").unwrap().parse().unwrap();
    assert!(oldest > last, "it went as far as it could");
    assert_eq!(caller.watch(b"", Some(oldest)).next().unwrap(), (vec![], oldest));
}

#[test]
fn a_watch_resumes_at_another_node_without_gaps_or_duplicates() {
    let mut group = Group::new(3);
    let (leader, followers) = (group.leader(), group.followers());
    let caller = group.at(leader);
    let mut watch = group.at(followers[0]).watch(b"", None);
    let (_, began) = watch.next().unwrap();
    let first: Vec<u64> = (0..10).map(|n| caller.set(b"a", &[n]).unwrap()).collect();
    let seen: Vec<u64> = watch.changes(10).iter().map(|change| change.2).collect();
    assert_eq!(seen, first, "a follower serves watches as well");
    group.stop(followers[0]);
    refused(
        Ok::<_, agora::call::Status>(()).and_then(|()| Err::<(), _>(watch.end())),
        Code::Unavailable,
        "",
    );
    let second: Vec<u64> = (10..20).map(|n| caller.set(b"a", &[n]).unwrap()).collect();
    for (node, after) in [(leader, first[9]), (followers[1], first[9]), (leader, began)] {
        let mut watch = group.at(node).watch(b"", Some(after));
        let after: Vec<u64> =
            first.iter().chain(&second).copied().filter(|revision| *revision > after).collect();
        let seen: Vec<u64> = watch.changes(after.len()).iter().map(|change| change.2).collect();
        assert_eq!(seen, after);
    }
}
