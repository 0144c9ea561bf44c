//! The quota over calls: what is refused, and what goes on at the quota.

use agora::call::{Code, Status};
use agora::kv::contract::FULL;
use agora::pb::agora_kv_v1 as pb;
use agora::pb::no_package as course;
use agora::protobuf::encode;
use agora::session::Protocol;

use crate::fixture::{Caller, Group, Setting};

const QUOTA: u64 = 20_000;
/// What a key counts beside itself and its value.
const RECORD: u64 = 128;

fn group(size: u64) -> Group {
    Group::with(Setting { quota_bytes: QUOTA, ..Setting::of(size) })
}

/// The size, the quota, and the alarm.
fn status(caller: &Caller) -> (u64, u64, bool) {
    let answer = caller.status().unwrap();
    let pb::StatusResponse { size_bytes, quota_bytes, is_full, .. } = answer.read();
    (size_bytes, quota_bytes, is_full)
}

/// Sets keys of 1,000 bytes until one is refused. Returns how many were set.
fn fill(caller: &Caller) -> (usize, Status) {
    for number in 0..1_000 {
        let key = format!("key{number:03}");
        if let Err(refused) = caller.set(key.as_bytes(), &[b'v'; 1_000]) {
            return (number, refused);
        }
    }
    panic!("nothing was refused");
}

#[test]
fn a_full_store_refuses_growth_alone() {
    let group = group(3);
    let leader = group.at(group.leader());
    let (count, refused) = fill(&leader);
    assert_eq!(count as u64, QUOTA / (RECORD + 6 + 1_000));
    let used = count as u64 * (RECORD + 6 + 1_000);
    assert_eq!(refused.code, Code::ResourceExhausted);
    for words in [&used.to_string(), "20000 bytes", "--quota-bytes", "delete something"] {
        assert!(refused.message.contains(words), "{words}: {}", refused.message);
    }
    assert!(refused.metadata.get(FULL).is_some(), "a client does not retry");
    assert_eq!(status(&leader), (used, QUOTA, true));
    // What goes on: reads, smaller values, failed and smaller compare-and-sets, sessions, deletions.
    assert!(leader.get(b"key000").unwrap().is_some());
    leader.set(b"key000", &[b'w'; 1_000]).unwrap();
    assert!(!leader.compare_and_set(b"key000", None, &[0; 2_000]).unwrap().0);
    assert!(leader.compare_and_set(b"key000", Some(&[b'w'; 1_000]), b"small").unwrap().0);
    assert_eq!(status(&leader).0, used - 995);
    let longer = leader.compare_and_set(b"key000", Some(b"small"), &[0; 5_000]).unwrap_err();
    assert_eq!(longer.code, Code::ResourceExhausted);
    leader.call("OpenSession", &pb::OpenSessionRequest {}).unwrap();
    for number in 0..count {
        assert!(leader.delete(format!("key{number:03}").as_bytes()).unwrap().0);
    }
    assert_eq!(status(&leader), (0, QUOTA, false), "the alarm ends");
    assert_eq!(fill(&leader).0, count);
    // The replicas count alike.
    for follower in group.followers() {
        group.catch_up(follower);
        assert_eq!(status(&group.at(follower)).0, used);
    }
}

#[test]
fn the_course_version_gets_the_refusal_in_its_format() {
    let group = group(1);
    let node = group.leader();
    fill(&group.at(node));
    let request = format!("SET another {}", "v".repeat(1_000));
    let request = encode(&course::ServeClientArgs { Request: request.into() });
    let answer = group.over(node, Protocol::Grpc).raw("/RaftService/ServeClient", &request);
    let answer = answer.unwrap();
    let reply: course::ServeClientReply<'_> = answer.read();
    assert!(!reply.Success && reply.Data.contains("the quota is used up"), "{}", reply.Data);
    assert_eq!(reply.LeaderID, node.to_string());
}

#[test]
fn a_larger_store_is_kept_by_a_smaller_quota() {
    let mut group = group(1);
    let (count, _) = fill(&group.at(group.leader()));
    group.set_quota(1_000);
    group.restart(0);
    let leader = group.at(group.leader());
    assert!(status(&leader).0 > 10_000, "nothing was lost");
    assert!(leader.set(b"one more", b"").is_err());
    leader.set(b"key000", b"smaller").unwrap();
    for number in 0..count {
        leader.delete(format!("key{number:03}").as_bytes()).unwrap();
    }
    leader.set(b"one more", b"").unwrap();
}

/// Clients that fill the store at the same time get no more than the quota, and no less.
#[test]
fn concurrent_writers_fill_it_exactly() {
    let group = group(3);
    let node = group.leader();
    let set: u64 = std::thread::scope(|scope| {
        let writer = |writer: u64| {
            let caller = group.at(node);
            let key = move |number: u64| format!("{writer:02}-{number:05}");
            let sets = (0..100).map(move |number| caller.set(key(number).as_bytes(), &[0; 44]));
            sets.filter(Result::is_ok).count() as u64
        };
        let writers: Vec<_> = (0..8).map(|number| scope.spawn(move || writer(number))).collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).sum()
    });
    let size = RECORD + 8 + 44;
    assert_eq!(set, QUOTA / size);
    assert_eq!(status(&group.at(node)).0, set * size);
}
