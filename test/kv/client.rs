//! How a client finds the leader, and the errors that it reports.

use std::time::{Duration, Instant};

use agora::call::{Code, Status};
use agora::kv::client::{ClientOptions, Consistency, KvClient};

use crate::fake::{
    FakeNode, FakeWebServer, Response, client, follower_response, leader_response, not_leader,
    refusal, unused_address,
};

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(300);

#[test]
fn a_leader_hint_is_followed_and_remembered() {
    let lost = FakeNode::always(|| not_leader(1, Some(3)));
    let (idle, leader) = (FakeNode::always(|| not_leader(2, None)), FakeNode::leader());
    let client = client(&[lost.address, idle.address, leader.address], LONG);
    let get = || {
        let pair = client.get(b"k", Consistency::Linearizable).unwrap().unwrap();
        assert_eq!(pair.value, b"value");
        [&lost, &idle, &leader].map(|node| node.calls().len())
    };
    // The number of calls of the first read depends on the speed of the machine.
    let [to_lost, to_idle, to_leader] = get();
    assert_eq!((get(), get()).1, [to_lost, to_idle, to_leader + 2]);
}

/// The client has the address of a follower only; the follower's answer has that of the leader.
#[test]
fn a_leader_that_was_not_configured_is_found() {
    let leader = FakeNode::leader();
    let at = leader.address;
    let follower = FakeNode::always(move || follower_response(1, 7, at));
    let client = client(&[follower.address], LONG);
    for _ in 0..3 {
        assert!(client.set(b"k", b"v").is_ok());
    }
    assert_eq!(follower.calls().len(), 1, "and remembered");
}

#[test]
fn an_unreachable_leader_that_was_not_configured_is_named() {
    let at = unused_address();
    let follower = FakeNode::always(move || follower_response(1, 7, at));
    let status = client(&[follower.address], SHORT).set(b"k", b"v").unwrap_err();
    let message =
        format!("no leader answers: 1 of 2 nodes cannot be reached, 1 names node 7 at {at}");
    assert_eq!(status, Status::new(Code::Unavailable, message));
}

/// A hint may have any bytes: the client ignores what is no address.
#[test]
fn a_leader_hint_that_is_no_address_is_ignored() {
    let misled = FakeNode::always(|| match not_leader(1, Some(7)) {
        Response::Refuse(mut status) => {
            status.metadata.insert(agora::kv::contract::LEADER, b"no address").unwrap();
            Response::Refuse(status)
        }
        other => other,
    });
    let status = client(&[misled.address], SHORT).set(b"k", b"v").unwrap_err();
    let message = "no leader answers: 1 of 1 node names node 7 at no address, which was not given";
    assert_eq!(status, Status::new(Code::Unavailable, message));
}

/// Four names that cannot be resolved, and one good address.
#[test]
fn slow_name_lookups_do_not_delay_the_other_nodes() {
    let leader = FakeNode::leader();
    let resolver = agora::rpc::Resolver::new(|_| {
        crate::wait::pace(LONG);
        Err(agora::rpc::ResolveError::NoSuchName)
    });
    let channel = agora::rpc::ChannelOptions { resolver, ..Default::default() };
    let names = (1..5).map(|id| (id, format!("nosuch{id}:7000")));
    let nodes: Vec<_> = names.chain([(5, leader.address.to_string())]).collect();
    let options = ClientOptions { channel, timeout: Duration::from_secs(5) };
    let client = KvClient::new(&nodes, &options).unwrap();
    let started = Instant::now();
    assert_eq!(client.set(b"k", b"v"), Ok(100));
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

/// Each command of a shell script is a new client. The best of five counts.
#[test]
fn a_stopped_node_does_not_delay_commands() {
    let (stopped, leader) = (FakeNode::always(|| Response::None), FakeNode::leader());
    let command = || {
        let client = client(&[stopped.address, leader.address], LONG);
        let started = Instant::now();
        assert_eq!(
            client.get(b"k", Consistency::Linearizable).map(|pair| pair.is_some()),
            Ok(true)
        );
        started.elapsed()
    };
    let best = (0..5).map(|_| command()).min().unwrap();
    assert!(best < Duration::from_millis(400), "{best:?}");
}

#[test]
fn a_stopped_node_does_not_delay_the_status_of_the_others() {
    let stopped = FakeNode::always(|| Response::None);
    let up = FakeNode::new(|method, _, before| leader_response(method, before));
    let client = client(&[stopped.address, up.address, unused_address()], LONG);
    let started = Instant::now();
    let statuses = client.statuses();
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    let codes: Vec<_> = statuses.into_iter().map(|(id, status)| (id, status.err())).collect();
    let [(1, Some(stopped_error)), (2, None), (3, Some(gone))] = &codes[..] else {
        panic!("{codes:?}");
    };
    assert_eq!(stopped_error.message, format!("{} does not answer", stopped.address));
    assert!(gone.message.starts_with("cannot reach "), "{gone}");
}

#[test]
fn a_leader_is_found_after_unreachable_nodes_and_nodes_without_a_leader() {
    let (idle, leader) = (FakeNode::always(|| not_leader(2, None)), FakeNode::leader());
    let client = client(&[unused_address(), idle.address, leader.address], LONG);
    let started = Instant::now();
    assert_eq!(client.set(b"k", b"v"), Ok(100));
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_hint_to_an_unreachable_node_does_not_delay_the_call() {
    let misled = FakeNode::always(|| not_leader(1, Some(2)));
    let leader = FakeNode::leader();
    let client = client(&[misled.address, unused_address(), leader.address], LONG);
    assert_eq!(client.set(b"k", b"v"), Ok(100));
}

#[test]
fn a_silent_node_costs_a_fraction_of_the_time() {
    let (silent, leader) = (FakeNode::always(|| Response::None), FakeNode::leader());
    let client = client(&[silent.address, leader.address], LONG);
    let started = Instant::now();
    assert!(client.get(b"k", Consistency::Linearizable).is_ok());
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[test]
fn a_leader_that_comes_later_is_waited_for() {
    let node = FakeNode::new(|method, _, before| match (method, before) {
        ("Get", 0..5) => not_leader(1, None),
        _ => leader_response(method, before),
    });
    let client = client(&[node.address], LONG);
    assert!(client.get(b"k", Consistency::Linearizable).is_ok());
    assert_eq!(node.calls().len(), 6);
}

#[test]
fn the_lack_of_a_leader_is_reported_in_time() {
    let idle = [2, 5].map(|node| FakeNode::always(move || not_leader(node, None)));
    let nodes =
        [unused_address(), idle[0].address, unused_address(), unused_address(), idle[1].address];
    let started = Instant::now();
    let status = client(&nodes, Duration::from_secs(1)).set(b"k", b"v").unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(3));
    let message = "no leader: 3 of 5 nodes cannot be reached, 2 know no leader";
    assert_eq!(status, Status::new(Code::Unavailable, message));
}

#[test]
fn an_unreachable_leader_is_reported() {
    let misled = FakeNode::always(|| not_leader(1, Some(2)));
    let nodes = [misled.address, unused_address()];
    let status = client(&nodes, SHORT).get(b"k", Consistency::Linearizable).unwrap_err();
    let message = "no leader answers: 1 of 2 nodes cannot be reached, 1 names node 2";
    assert_eq!(status, Status::new(Code::Unavailable, message));
}

#[test]
fn a_single_unreachable_node_is_named() {
    let gone = unused_address();
    let status = client(&[gone], SHORT).get(b"k", Consistency::Stale).unwrap_err();
    let message = format!("no node answers: 1 of 1 node cannot be reached (cannot reach {gone}: ");
    assert!(status.message.starts_with(&message), "{status}");
}

#[test]
fn a_write_is_retried_with_the_same_sequence_number() {
    let node = FakeNode::new(|method, _, before| match (method, before) {
        ("Set", 0) => refusal(Code::Unknown, 1, None),
        ("Set", 1) => refusal(Code::ResourceExhausted, 1, None),
        ("Set", 2) => Response::None,
        _ => leader_response(method, before),
    });
    let client = client(&[node.address], LONG);
    assert_eq!(client.set(b"k", b"v"), Ok(103));
    assert_eq!(node.origins(), [(70, 1, 0); 4]);
    assert_eq!(client.set(b"k", b"v"), Ok(104));
    assert_eq!(node.origins().last(), Some(&(70, 2, 1)), "the first is acknowledged");
}

#[test]
fn a_write_of_an_expired_session_is_executed_in_a_new_one() {
    let node = FakeNode::new(|method, _, before| match (method, before) {
        ("Set", 1) => refusal(Code::FailedPrecondition, 1, None),
        _ => leader_response(method, before),
    });
    let client = client(&[node.address], LONG);
    assert!(client.set(b"k", b"1").is_ok());
    assert!(client.set(b"k", b"2").is_ok());
    assert_eq!(node.origins(), [(70, 1, 0), (70, 2, 1), (71, 1, 0)]);
}

#[test]
fn a_write_that_may_be_executed_is_never_sent_with_another_number() {
    let node = FakeNode::new(|method, _, before| match (method, before) {
        ("Set", 0) => refusal(Code::Unknown, 1, None),
        ("Set", 1) => refusal(Code::FailedPrecondition, 1, None),
        _ => leader_response(method, before),
    });
    let status = client(&[node.address], LONG).set(b"k", b"v").unwrap_err();
    assert_eq!(status.code, Code::Unknown);
    assert!(status.message.starts_with("it may be done or not: "), "{status}");
    assert_eq!(node.origins(), [(70, 1, 0); 2]);
}

#[test]
fn a_write_without_an_answer_in_time_is_unknown() {
    let node = FakeNode::new(|method, _, before| match method {
        "Set" => Response::None,
        _ => leader_response(method, before),
    });
    let started = Instant::now();
    let status = client(&[node.address], SHORT).set(b"k", b"v").unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(3));
    assert_eq!(status.code, Code::Unknown);
    let message = "it may be done or not: no leader answers: 1 of 1 node does not answer";
    assert_eq!(status.message, message);
}

#[test]
fn a_refusal_is_an_answer() {
    let refusing = FakeNode::new(|method, _, before| match method {
        "Set" => refusal(Code::InvalidArgument, 1, None),
        _ => leader_response(method, before),
    });
    let other = FakeNode::always(|| not_leader(2, None));
    let client = client(&[refusing.address, other.address], LONG);
    assert_eq!(client.set(b"", b"v").unwrap_err().code, Code::InvalidArgument);
    assert_eq!(refusing.origins().len(), 1);
}

#[test]
fn a_server_that_is_no_node_is_skipped() {
    let strange =
        FakeNode::always(|| Response::Refuse(Status::new(Code::Unimplemented, "no such method")));
    let web = FakeWebServer::new();
    let leader = FakeNode::leader();
    let client = client(&[web.address, strange.address, leader.address], LONG);
    assert_eq!(client.set(b"k", b"v"), Ok(100));
    assert!(client.get(b"k", Consistency::Stale).is_ok());
}

#[test]
fn servers_that_are_no_nodes_are_reported() {
    let web = FakeWebServer::new();
    let nodes = [web.address, unused_address()];
    let status = client(&nodes, SHORT).get(b"k", Consistency::Linearizable).unwrap_err();
    let message = "no leader: 1 of 2 nodes cannot be reached, 1 is not a node";
    assert_eq!(status, Status::new(Code::Unavailable, message));
}

#[test]
fn a_stale_read_is_answered_by_any_node() {
    let follower = FakeNode::new(|method, _, before| leader_response(method, before));
    let client = client(&[unused_address(), follower.address, unused_address()], LONG);
    assert!(client.get(b"k", Consistency::Stale).is_ok());
}

#[test]
fn threads_that_share_a_client_never_use_a_sequence_number_twice() {
    let node = FakeNode::leader();
    let client = client(&[node.address], LONG);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..25 {
                    client.set(b"k", b"v").unwrap();
                }
            });
        }
    });
    let mut sequences: Vec<u64> = node.origins().iter().map(|origin| origin.1).collect();
    sequences.sort_unstable();
    assert_eq!(sequences, (1..=200).collect::<Vec<_>>());
    for (session, sequence, acknowledged) in node.origins() {
        assert!(session == 70 && acknowledged < sequence);
    }
}

#[test]
fn a_client_needs_a_node() {
    let options = agora::kv::client::ClientOptions::default();
    let refused = agora::kv::client::KvClient::new(&[], &options);
    assert_eq!(refused.err().map(|status| status.code), Some(Code::InvalidArgument));
}
