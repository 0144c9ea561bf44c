//! The `ServeClient` call of the course version.

use agora::pb::no_package as course;
use agora::protobuf::encode;
use agora::raft::NodeId;
use agora::session::Protocol;

use crate::fixture::{Group, eventually};

/// The answer of a node: Data, LeaderID, Success.
fn ask(group: &Group, node: NodeId, request: &str) -> (String, String, bool) {
    let request = encode(&course::ServeClientArgs { Request: request.into() });
    // Course clients use gRPC.
    let caller = group.over(node, Protocol::Grpc);
    let answer = caller.raw("/RaftService/ServeClient", &request).unwrap();
    let reply: course::ServeClientReply<'_> = answer.read();
    (reply.Data.into_owned(), reply.LeaderID.into_owned(), reply.Success)
}

fn good(data: &str, node: NodeId) -> (String, String, bool) {
    (data.to_owned(), node.to_string(), true)
}

#[test]
fn get_and_set_requests_are_executed() {
    let group = Group::new(1);
    eventually("it leads", || ask(&group, 0, "GET x").2);
    assert_eq!(ask(&group, 0, "GET x"), good("", 0), "no such key is the empty string");
    assert_eq!(ask(&group, 0, "SET x 5"), good("", 0));
    assert_eq!(ask(&group, 0, "GET x"), good("5", 0));
    assert_eq!(ask(&group, 0, "set name Bheem the  Great"), good("", 0));
    assert_eq!(ask(&group, 0, "get name"), good("Bheem the  Great", 0), "spaces included");
    assert_eq!(ask(&group, 0, "SET x "), good("", 0));
    assert_eq!(ask(&group, 0, "GET x"), good("", 0));
    // A client of the own service reads the same values.
    assert_eq!(group.at(0).get(b"name").unwrap().unwrap().1, b"Bheem the  Great");
}

#[test]
fn a_bad_request_is_answered_with_the_reason() {
    let group = Group::new(1);
    let leader = group.leader();
    for (request, words) in [
        ("", "expected SET key value, or GET key"),
        ("DEL x", "no request \"DEL\""),
        ("GET", "GET needs a key"),
        ("SET x", "SET needs a key and a value"),
        ("GET a b", "a key has no space"),
        (&format!("SET {} v", "k".repeat(4097)), "the key has 4097 bytes"),
        (&format!("GET {}", "k".repeat(4097)), "the key has 4097 bytes"),
        (&format!("SET k {}", "v".repeat(1_048_577)), "1048577 bytes"),
    ] {
        let (data, leader_id, success) = ask(&group, leader, request);
        assert!(!success && data.contains(words), "{request:.20}: {data}");
        assert_eq!(leader_id, leader.to_string());
    }
    group.at(leader).set(b"bytes", b"\xff\xfe").unwrap();
    let (data, _, success) = ask(&group, leader, "GET bytes");
    assert!(!success && data.contains("no text"), "{data}");
}

#[test]
fn a_follower_names_the_leader() {
    let group = Group::new(3);
    let (leader, followers) = (group.leader(), group.followers());
    assert_eq!(ask(&group, leader, "SET x 5"), good("", leader));
    for follower in followers {
        for request in ["GET x", "SET x 6"] {
            let (data, leader_id, success) = ask(&group, follower, request);
            assert_eq!((leader_id, success), (leader.to_string(), false));
            assert!(data.contains("does not lead"), "{data}");
        }
    }
    assert_eq!(ask(&group, leader, "GET x"), good("5", leader));
}

#[test]
fn a_node_without_a_leader_names_none() {
    let mut group = Group::new(3);
    let (leader, followers) = (group.leader(), group.followers());
    group.stop(leader);
    let (stopped, left) = (followers[0], followers[1]);
    group.stop(stopped);
    eventually("it knows no leader", || {
        let (_, leader_id, success) = ask(&group, left, "GET x");
        !success && leader_id.is_empty()
    });
}
