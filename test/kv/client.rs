//! How a client finds who answers, and what it says when nobody does.

use std::time::{Duration, Instant};

use agora::call::{Code, Status};
use agora::kv::client::{ClientOptions, Consistency, KvClient};

use crate::fake::{Fake, Say, Web, client, elsewhere, follow, lead, nowhere, refuse};

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(300);

#[test]
fn a_hint_is_followed_and_remembered() {
    let lost = Fake::always(|| elsewhere(1, Some(3)));
    let (idle, leader) = (Fake::always(|| elsewhere(2, None)), Fake::leader());
    let client = client(&[lost.address, idle.address, leader.address], LONG);
    let get = || {
        let pair = client.get(b"k", Consistency::Linearizable).unwrap().unwrap();
        assert_eq!(pair.value, b"value");
        [&lost, &idle, &leader].map(|node| node.asked().len())
    };
    // How many are asked the first time depends on how long the machine takes.
    let [to_lost, to_idle, to_leader] = get();
    assert_eq!((get(), get()).1, [to_lost, to_idle, to_leader + 2]);
}

/// Not all nodes were given: the leader's own address comes with a follower's answer.
#[test]
fn a_leader_that_was_not_given_is_found() {
    let leader = Fake::leader();
    let at = leader.address;
    let follower = Fake::always(move || follow(1, 7, at));
    let client = client(&[follower.address], LONG);
    for _ in 0..3 {
        assert!(client.set(b"k", b"v").is_ok());
    }
    assert_eq!(follower.asked().len(), 1, "and remembered");
}

#[test]
fn a_leader_that_was_not_given_and_is_gone_is_said() {
    let at = nowhere();
    let follower = Fake::always(move || follow(1, 7, at));
    let status = client(&[follower.address], SHORT).set(b"k", b"v").unwrap_err();
    let message =
        format!("no leader answers: 1 of 2 nodes cannot be reached, 1 names node 7 at {at}");
    assert_eq!(status, Status::new(Code::Unavailable, message));
}

/// A node's hint may be anything: what is no address is not called.
#[test]
fn a_hint_that_is_no_address_is_passed_over() {
    let misled = Fake::always(|| match elsewhere(1, Some(7)) {
        Say::Refuse(mut status) => {
            status.metadata.insert(agora::kv::contract::LEADER, b"no address").unwrap();
            Say::Refuse(status)
        }
        other => other,
    });
    let status = client(&[misled.address], SHORT).set(b"k", b"v").unwrap_err();
    let message = "no leader answers: 1 of 1 node names node 7 at no address, which was not given";
    assert_eq!(status, Status::new(Code::Unavailable, message));
}

/// Four names that nobody finds out about, and one good address.
#[test]
fn names_that_are_looked_up_for_long_do_not_hold_up_the_rest() {
    let leader = Fake::leader();
    let resolver = agora::rpc::Resolver::new(|_| {
        std::thread::park_timeout(LONG);
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

/// Each command of a shell script is a client of its own: the best of some.
#[test]
fn a_node_that_stands_still_does_not_hold_up_commands() {
    let (still, leader) = (Fake::always(|| Say::Nothing), Fake::leader());
    let command = || {
        let client = client(&[still.address, leader.address], LONG);
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
fn a_node_that_stands_still_does_not_hold_up_what_is_known_of_the_others() {
    let still = Fake::always(|| Say::Nothing);
    let up = Fake::new(|method, _, before| lead(method, before));
    let client = client(&[still.address, up.address, nowhere()], LONG);
    let started = Instant::now();
    let statuses = client.statuses();
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    let codes: Vec<_> = statuses.into_iter().map(|(id, status)| (id, status.err())).collect();
    let [(1, Some(still_says)), (2, None), (3, Some(gone))] = &codes[..] else {
        panic!("{codes:?}");
    };
    assert_eq!(still_says.message, format!("{} does not answer", still.address));
    assert!(gone.message.starts_with("cannot reach "), "{gone}");
}

#[test]
fn a_leader_is_found_behind_nodes_that_are_gone_or_know_nothing() {
    let (idle, leader) = (Fake::always(|| elsewhere(2, None)), Fake::leader());
    let client = client(&[nowhere(), idle.address, leader.address], LONG);
    let started = Instant::now();
    assert_eq!(client.set(b"k", b"v"), Ok(100));
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_hint_to_a_node_that_is_gone_does_not_hold_up_the_rest() {
    let misled = Fake::always(|| elsewhere(1, Some(2)));
    let leader = Fake::leader();
    let client = client(&[misled.address, nowhere(), leader.address], LONG);
    assert_eq!(client.set(b"k", b"v"), Ok(100));
}

#[test]
fn a_silent_node_costs_a_fraction_of_the_time() {
    let (silent, leader) = (Fake::always(|| Say::Nothing), Fake::leader());
    let client = client(&[silent.address, leader.address], LONG);
    let started = Instant::now();
    assert!(client.get(b"k", Consistency::Linearizable).is_ok());
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[test]
fn a_leader_that_comes_later_is_waited_for() {
    let node = Fake::new(|method, _, before| match (method, before) {
        ("Get", 0..5) => elsewhere(1, None),
        _ => lead(method, before),
    });
    let client = client(&[node.address], LONG);
    assert!(client.get(b"k", Consistency::Linearizable).is_ok());
    assert_eq!(node.asked().len(), 6);
}

#[test]
fn that_there_is_no_leader_is_said_plainly_and_in_time() {
    let idle = [2, 5].map(|node| Fake::always(move || elsewhere(node, None)));
    let nodes = [nowhere(), idle[0].address, nowhere(), nowhere(), idle[1].address];
    let started = Instant::now();
    let status = client(&nodes, Duration::from_secs(1)).set(b"k", b"v").unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(3));
    let message = "no leader: 3 of 5 nodes cannot be reached, 2 know no leader";
    assert_eq!(status, Status::new(Code::Unavailable, message));
}

#[test]
fn a_leader_that_is_named_and_gone_is_said_too() {
    let misled = Fake::always(|| elsewhere(1, Some(2)));
    let nodes = [misled.address, nowhere()];
    let status = client(&nodes, SHORT).get(b"k", Consistency::Linearizable).unwrap_err();
    let message = "no leader answers: 1 of 2 nodes cannot be reached, 1 names node 2";
    assert_eq!(status, Status::new(Code::Unavailable, message));
}

#[test]
fn a_single_node_that_is_gone_is_named() {
    let gone = nowhere();
    let status = client(&[gone], SHORT).get(b"k", Consistency::Stale).unwrap_err();
    let message = format!("no node answers: 1 of 1 node cannot be reached (cannot reach {gone}: ");
    assert!(status.message.starts_with(&message), "{status}");
}

#[test]
fn a_write_is_sent_again_under_the_same_number() {
    let node = Fake::new(|method, _, before| match (method, before) {
        ("Set", 0) => refuse(Code::Unknown, 1, None),
        ("Set", 1) => refuse(Code::ResourceExhausted, 1, None),
        ("Set", 2) => Say::Nothing,
        _ => lead(method, before),
    });
    let client = client(&[node.address], LONG);
    assert_eq!(client.set(b"k", b"v"), Ok(103));
    assert_eq!(node.origins(), [(70, 1, 0); 4]);
    assert_eq!(client.set(b"k", b"v"), Ok(104));
    assert_eq!(node.origins().last(), Some(&(70, 2, 1)), "the first is acknowledged");
}

#[test]
fn a_write_of_an_expired_session_is_done_in_a_new_one() {
    let node = Fake::new(|method, _, before| match (method, before) {
        ("Set", 1) => refuse(Code::FailedPrecondition, 1, None),
        _ => lead(method, before),
    });
    let client = client(&[node.address], LONG);
    assert!(client.set(b"k", b"1").is_ok());
    assert!(client.set(b"k", b"2").is_ok());
    assert_eq!(node.origins(), [(70, 1, 0), (70, 2, 1), (71, 1, 0)]);
}

#[test]
fn a_write_that_may_be_done_is_never_done_again_under_another_number() {
    let node = Fake::new(|method, _, before| match (method, before) {
        ("Set", 0) => refuse(Code::Unknown, 1, None),
        ("Set", 1) => refuse(Code::FailedPrecondition, 1, None),
        _ => lead(method, before),
    });
    let status = client(&[node.address], LONG).set(b"k", b"v").unwrap_err();
    assert_eq!(status.code, Code::Unknown);
    assert!(status.message.starts_with("it may be done or not: "), "{status}");
    assert_eq!(node.origins(), [(70, 1, 0); 2]);
}

#[test]
fn what_nobody_answered_in_time_may_be_done_or_not() {
    let node = Fake::new(|method, _, before| match method {
        "Set" => Say::Nothing,
        _ => lead(method, before),
    });
    let started = Instant::now();
    let status = client(&[node.address], SHORT).set(b"k", b"v").unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(3));
    assert_eq!(status.code, Code::Unknown);
    let message = "it may be done or not: no leader answers: 1 of 1 node is silent";
    assert_eq!(status.message, message);
}

#[test]
fn a_refusal_is_an_answer() {
    let refusing = Fake::new(|method, _, before| match method {
        "Set" => refuse(Code::InvalidArgument, 1, None),
        _ => lead(method, before),
    });
    let other = Fake::always(|| elsewhere(2, None));
    let client = client(&[refusing.address, other.address], LONG);
    assert_eq!(client.set(b"", b"v").unwrap_err().code, Code::InvalidArgument);
    assert_eq!(refusing.origins().len(), 1);
}

#[test]
fn who_listens_at_a_nodes_address_and_is_none_is_passed_over() {
    let strange = Fake::always(|| Say::Refuse(Status::new(Code::Unimplemented, "no such method")));
    let web = Web::new();
    let leader = Fake::leader();
    let client = client(&[web.address, strange.address, leader.address], LONG);
    assert_eq!(client.set(b"k", b"v"), Ok(100));
    assert!(client.get(b"k", Consistency::Stale).is_ok());
}

#[test]
fn that_nobody_who_listens_is_a_node_is_said_plainly() {
    let web = Web::new();
    let nodes = [web.address, nowhere()];
    let status = client(&nodes, SHORT).get(b"k", Consistency::Linearizable).unwrap_err();
    let message = "no leader: 1 of 2 nodes cannot be reached, 1 answers as no node does";
    assert_eq!(status, Status::new(Code::Unavailable, message));
}

#[test]
fn a_stale_read_is_answered_by_anybody() {
    let follower = Fake::new(|method, _, before| lead(method, before));
    let client = client(&[nowhere(), follower.address, nowhere()], LONG);
    assert!(client.get(b"k", Consistency::Stale).is_ok());
}

#[test]
fn threads_share_a_client_and_no_number_is_used_twice() {
    let node = Fake::leader();
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
fn no_node_is_no_client() {
    let options = agora::kv::client::ClientOptions::default();
    let refused = agora::kv::client::KvClient::new(&[], &options);
    assert_eq!(refused.err().map(|status| status.code), Some(Code::InvalidArgument));
}
