//! Writes are executed once, however often they are sent.

use agora::call::Code;
use agora::pb::agora_kv_v1 as pb;
use agora::protobuf::encode;
use agora::replica::engine::SnapshotPolicy;
use agora::replica::state::{MAX_OUTSTANDING, MAX_SESSIONS};
use agora::rpc::CallOptions;

use crate::fixture::{Group, LONG, Setting, eventually, origin, path, refused};

fn alone() -> Group {
    let group = Group::new(1);
    group.leader();
    group
}

#[test]
fn a_write_with_the_same_sequence_number_is_executed_once() {
    let group = alone();
    let caller = group.at(0);
    let session = caller.open_session().unwrap();
    let one = origin(session, 1, 0);
    let revision = caller.set_as(one.clone(), b"x", b"1").unwrap();
    caller.set(b"x", b"another's").unwrap();
    assert_eq!(caller.set_as(one, b"x", b"1"), Ok(revision));
    assert_eq!(caller.get(b"x").unwrap().unwrap().1, b"another's", "it was not done again");

    let two = origin(session, 2, 1);
    let first_answer =
        caller.compare_and_set_as(two.clone(), b"x", Some(b"another's"), b"2").unwrap();
    assert!(first_answer.0);
    assert_eq!(
        caller.compare_and_set_as(two, b"x", Some(b"another's"), b"2"),
        Ok(first_answer),
        "it was, then"
    );
    let three = origin(session, 3, 2);
    let deleted = caller.delete_as(three.clone(), b"x").unwrap();
    assert!(deleted.0);
    assert_eq!(caller.delete_as(three.clone(), b"x"), Ok(deleted));

    let another = caller.set_as(three, b"x", b"3");
    refused(another, Code::InvalidArgument, "the number of another write");
    assert_eq!(caller.get(b"x"), Ok(None));
}

#[test]
fn unknown_sessions_and_sequence_numbers_out_of_range_are_refused() {
    let group = alone();
    let caller = group.at(0);
    let session = caller.open_session().unwrap();
    let expired = caller.set_as(origin(session + 1, 1, 0), b"x", b"1");
    refused(expired, Code::FailedPrecondition, "the session has expired");
    refused(caller.set_as(origin(0, 1, 0), b"x", b"1"), Code::FailedPrecondition, "expired");
    caller.set_as(origin(session, 1, 0), b"x", b"1").unwrap();
    caller.set_as(origin(session, 2, 1), b"x", b"2").unwrap();
    let acknowledged = caller.set_as(origin(session, 1, 1), b"x", b"1");
    refused(acknowledged, Code::FailedPrecondition, "acknowledged");
    let ahead = caller.set_as(origin(session, 2 + MAX_OUTSTANDING, 1), b"x", b"3");
    refused(ahead, Code::OutOfRange, "more than 1024 ahead");
    caller.set_as(origin(session, 1 + MAX_OUTSTANDING, 1), b"y", b"3").unwrap();
    assert_eq!(caller.get(b"x").unwrap().unwrap().1, b"2", "nothing of it was done");
}

#[test]
fn sessions_survive_restarts_and_snapshots() {
    let snapshots = SnapshotPolicy { entries: 20, ..SnapshotPolicy::default() };
    let mut group = Group::with(Setting { snapshots, ..Setting::of(1) });
    group.leader();
    let session = group.at(0).open_session().unwrap();
    let once = origin(session, 1, 0);
    let revision = group.at(0).set_as(once.clone(), b"x", b"1").unwrap();
    for restarts in 0..3 {
        group.restart(0);
        group.leader();
        let caller = group.at(0);
        for number in 0..30_u8 {
            caller.set(b"x", &[number]).unwrap();
        }
        assert_eq!(caller.set_as(once.clone(), b"x", b"1"), Ok(revision), "restart {restarts}");
        eventually("a snapshot", || !group.file(0, "snapshot.txt").is_empty());
    }
    let snapshot = group.file(0, "snapshot.txt");
    assert!(snapshot.contains(&format!("SESSION {session} ")), "{snapshot:.200}");
    assert_eq!(group.at(0).get(b"x").unwrap().unwrap().1, [29]);
}

#[test]
fn a_write_whose_answer_was_lost_is_answered_by_the_next_leader() {
    let mut group = Group::new(3);
    let leader = group.leader();
    let caller = group.at(leader);
    let session = caller.open_session().unwrap();
    let mut watch = caller.watch(b"x", None);
    watch.next().unwrap();
    let options = CallOptions { timeout: Some(LONG), ..CallOptions::default() };
    let once = || origin(session, 1, 0);
    let mut call = caller.channel.start(&path("Set"), &options).unwrap();
    let request = pb::SetRequest { key: b"x"[..].into(), value: b"1"[..].into(), origin: once() };
    call.send_last(&encode(&request)).unwrap();
    let (changes, revision) = watch.next().unwrap();
    assert_eq!(changes.len(), 1, "it is done");
    // The answer is never read.
    drop(call);
    group.stop(leader);
    let next = group.leader();
    let again = group.at(next);
    again.set(b"x", b"another client's").unwrap();
    assert_eq!(again.set_as(once(), b"x", b"1"), Ok(revision));
    assert_eq!(again.get(b"x").unwrap().unwrap().1, b"another client's");
    // Every change, once.
    let mut watch = again.watch(b"x", Some(0));
    assert_eq!(watch.changes(2)[0], (b"x".to_vec(), Some(b"1".to_vec()), revision));
}

#[test]
fn a_flood_of_new_sessions_does_not_expire_sessions_in_use() {
    let group = alone();
    let caller = group.at(0);
    let session = caller.open_session().unwrap();
    caller.set_as(origin(session, 1, 0), b"x", b"1").unwrap();
    let idle = caller.open_session().unwrap();
    let refusals: usize = std::thread::scope(|scope| {
        let floods: Vec<_> = (0..64)
            .map(|_| {
                let stranger = group.at(0);
                let flood = move || {
                    let opened = (0..180).map(|_| stranger.open_session());
                    let refused = opened.filter_map(Result::err);
                    refused
                        .inspect(|status| assert_eq!(status.code, Code::ResourceExhausted))
                        .count()
                };
                scope.spawn(flood)
            })
            .collect();
        floods.into_iter().map(|flood| flood.join().unwrap()).sum()
    });
    assert!(refusals > 64 * 180 - MAX_SESSIONS, "{refusals} were refused");
    caller.set_as(origin(session, 2, 1), b"x", b"2").unwrap();
    caller.set_as(origin(idle, 1, 0), b"y", b"1").unwrap();
    let full = caller.open_session();
    refused(full, Code::ResourceExhausted, "10000 sessions are in use");
}
