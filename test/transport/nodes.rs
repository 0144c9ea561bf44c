//! Nodes that exchange messages over sockets.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use agora::call::{Code, Status};
use agora::raft::{AppendOutcome, Body, Message, NodeId};
use agora::replica::transport::{EXCHANGE, HELLO_TIMEOUT, REFUSED};
use agora::replica::wire::{Encoder, Hello, Received, decode, encode_hello};
use agora::rpc::{CallOptions, Channel, ChannelOptions, ClientCall, ServerOptions};
use agora::session::Protocol;

use super::messages::message;
use super::node::{GROUP, LONG, Node, eventually, free_address, introduction, options};
use super::seed::Seed;

fn group(size: u64) -> (Vec<(NodeId, SocketAddr)>, Vec<Node>) {
    let places: Vec<_> = (1..=size).map(|id| (id, free_address())).collect();
    let nodes = places.iter().map(|(id, at)| Node::start(*at, options(*id, &places))).collect();
    (places, nodes)
}

fn all_up(nodes: &[Node]) -> bool {
    let ids = 1..=nodes.len() as NodeId;
    ids.clone()
        .zip(nodes)
        .all(|(id, node)| ids.clone().filter(|peer| *peer != id).all(|peer| node.is_up(peer)))
}

fn question(term: u64) -> Message {
    Message { term, body: Body::PreVote { last_log_index: 0, last_log_term: 0 } }
}

fn answer(term: u64) -> Message {
    Message { term, body: Body::PreVoteReply { granted: true } }
}

#[test]
fn five_nodes_exchange_any_message() {
    let (_, nodes) = group(5);
    eventually("all are up", || all_up(&nodes));
    let mut sent: Vec<Vec<Vec<Message>>> = vec![vec![Vec::new(); 5]; 5];
    let mut seed = Seed::new(5);
    for _ in 0..100 {
        for (from, node) in nodes.iter().enumerate() {
            let mut batch = Vec::new();
            for (to, sent) in sent[from].iter_mut().enumerate().filter(|(to, _)| *to != from) {
                let message = message(&mut seed);
                sent.push(message.clone());
                batch.push((to as NodeId + 1, message));
            }
            node.send(batch);
        }
    }
    eventually("all have come", || {
        nodes.iter().all(|node| node.mailbox.lock().unwrap().received.len() == 400)
    });
    for (to, node) in nodes.iter().enumerate() {
        let received = node.received();
        for from in (0..5).filter(|from| *from != to) {
            // Requests and replies use different calls; each kind stays in order.
            for is_reply in [false, true] {
                let of = received.iter().filter(|(peer, message)| {
                    *peer == from as NodeId + 1 && message.body.is_reply() == is_reply
                });
                let wanted = sent[from][to].iter();
                let wanted = wanted.filter(|message| message.body.is_reply() == is_reply);
                assert!(of.map(|(_, message)| message).eq(wanted), "from {from} to {to}");
            }
        }
        assert_eq!(node.mailbox.lock().unwrap().not_sent, 0);
    }
}

#[test]
fn ten_thousand_messages_keep_their_order_both_ways() {
    const MESSAGES: u64 = 10_000;
    let (_, nodes) = group(2);
    eventually("both are up", || all_up(&nodes));
    for terms in (1..=MESSAGES).collect::<Vec<_>>().chunks(100) {
        nodes[0].send(terms.iter().map(|term| (2, question(*term))).collect());
        nodes[1].send(terms.iter().map(|term| (1, answer(*term))).collect());
    }
    for (node, from) in nodes.iter().zip([2, 1]) {
        eventually("all", || node.mailbox.lock().unwrap().received.len() as u64 == MESSAGES);
        let received = node.received();
        assert!(received.iter().all(|(peer, _)| *peer == from));
        assert!(received.iter().map(|(_, message)| message.term).eq(1..=MESSAGES));
    }
}

#[test]
fn a_connection_in_one_direction_is_enough() {
    let (one, two, nowhere) = (free_address(), free_address(), free_address());
    let a = Node::start(one, options(1, &[(1, one), (2, two)]));
    // Node 2 has a wrong address of node 1.
    let b = Node::start(two, options(2, &[(1, nowhere), (2, two)]));
    eventually("one way is up", || a.is_up(2));
    eventually("the other is not", || b.failure(1).is_some());
    a.send(vec![(2, question(7))]);
    eventually("the question", || b.received() == [(1, question(7))]);
    b.send(vec![(1, answer(7)), (1, question(8))]);
    eventually("answer and question", || a.received().len() == 2);
    assert_eq!(a.received(), [(2, answer(7)), (2, question(8))]);
    a.send(vec![(2, answer(8))]);
    eventually("the last answer", || b.received().len() == 2);
}

#[test]
fn a_node_that_restarts_is_reached_again() {
    let (places, mut nodes) = group(3);
    for round in 1..=3 {
        eventually("all are up", || all_up(&nodes));
        nodes[1].stop();
        eventually("it is gone for all", || !nodes[0].is_up(2) && !nodes[2].is_up(2));
        nodes[0].send(vec![(2, question(round)), (3, question(round))]);
        eventually("the other one goes on", || nodes[2].received().len() == round as usize);
        eventually("the failure is counted", || {
            nodes[0].mailbox.lock().unwrap().not_sent == round as usize
        });
        let again = Instant::now();
        nodes[1] = Node::start(places[1].1, options(2, &places));
        eventually("it is back", || nodes[0].is_up(2) && nodes[2].is_up(2));
        assert!(again.elapsed() < Duration::from_secs(2), "{:?}", again.elapsed());
        nodes[0].send(vec![(2, question(100 + round))]);
        eventually("it receives", || nodes[1].received() == [(1, question(100 + round))]);
    }
}

#[test]
fn a_node_of_another_group_or_with_another_id_is_refused() {
    let places: Vec<_> = (1..=4).map(|id| (id, free_address())).collect();
    let server = Node::start(places[0].1, options(1, &places[..3]));
    let mut other_group = options(2, &places);
    other_group.group = "towns".into();
    let other_group = Node::start(places[1].1, other_group);
    // Node 3 takes node 1 for node 2; node 4 is not known to node 1.
    let mistaken = Node::start(places[2].1, options(3, &[(2, places[0].1)]));
    let unknown = Node::start(places[3].1, options(4, &places[..1]));
    // In the clear anybody may have asked: none of them learns why.
    let expected = format!("FAILED_PRECONDITION: {REFUSED}");
    for (node, peer) in [(&other_group, 1), (&mistaken, 2), (&unknown, 1)] {
        eventually("a refusal", || node.failure(peer).is_some_and(|failure| failure == expected));
    }
    assert!(server.received().is_empty());
}

/// Calls a node as a peer would.
fn call(node: &Node) -> ClientCall {
    call_over(Protocol::Native, node)
}

fn call_over(protocol: Protocol, node: &Node) -> ClientCall {
    let options = ChannelOptions { protocol, ..ChannelOptions::default() };
    let channel = Channel::new(&node.address.to_string(), options).unwrap();
    channel.start(EXCHANGE, &CallOptions { timeout: Some(LONG), ..CallOptions::default() }).unwrap()
}

fn end(call: &mut ClientCall) -> Status {
    loop {
        match call.receive() {
            Ok(Some(_)) => (),
            Ok(None) => return Status::OK,
            Err(status) => return status,
        }
    }
}

/// Hellos of a group of two.
fn hello(node: NodeId, peer: NodeId) -> Hello {
    let members = vec![(1, String::new()), (2, String::new())];
    Hello { members, ..Hello::new(GROUP, node, peer, introduction(node)) }
}

fn hello_of_2() -> Hello {
    hello(2, 1)
}

fn node_without_peer() -> Node {
    let places: Vec<_> = (1..=2).map(|id| (id, free_address())).collect();
    Node::start(places[0].1, options(1, &places))
}

#[test]
fn an_invalid_message_ends_only_its_call() {
    let node = node_without_peer();
    let hello = encode_hello(&hello_of_2());
    let mut encoder = Encoder::default();
    let good = encoder.encode(&question(3)).to_vec();
    let mut other = hello_of_2();
    other.introduction.incarnation += 1;
    let other = encode_hello(&other);
    let mut larger = hello_of_2();
    larger.members.push((3, "c:1".into()));
    let larger = encode_hello(&larger);
    let later = encode_hello(&Hello { version: 9, oldest_version: 8, ..hello_of_2() });
    for (sent, code, reason) in [
        (vec![&b"\xff\xff"[..]], Code::InvalidArgument, REFUSED),
        (vec![&b""[..]], Code::InvalidArgument, REFUSED),
        (vec![&good], Code::InvalidArgument, REFUSED),
        (vec![&hello, &other], Code::InvalidArgument, "a hello of another process"),
        (vec![&hello, &good, &good[1..]], Code::InvalidArgument, ""),
        (vec![&later], Code::FailedPrecondition, REFUSED),
        (vec![&larger], Code::FailedPrecondition, REFUSED),
    ] {
        let mut call = call(&node);
        // A call that has ended meanwhile accepts nothing more, which is fine.
        sent.iter().for_each(|message| drop(call.send(message)));
        let status = end(&mut call);
        assert_eq!(status.code, code, "{status}");
        assert!(status.message.contains(reason), "{status}");
    }
    eventually("the good one was taken", || node.received() == [(2, question(3))]);
}

#[test]
fn a_second_call_in_the_clear_does_not_end_the_first() {
    let node = node_without_peer();
    let hello = encode_hello(&hello_of_2());
    let mut first = call(&node);
    first.send(&hello).unwrap();
    let hello_back = first.receive().unwrap().unwrap();
    let Ok(Received::Hello(hello_back)) = decode(&hello_back) else { panic!("no hello") };
    assert_eq!(hello_back.introduction, introduction(1));
    // A stranger who claims to be node 2, with another process.
    let mut forged = hello_of_2();
    forged.introduction.incarnation += 1;
    for hello in [&hello, &encode_hello(&forged)] {
        let mut second = call(&node);
        second.send(hello).unwrap();
        let status = end(&mut second);
        assert_eq!(status.code, Code::Unavailable);
        assert!(status.message.starts_with("node 2 has a call already"), "{status}");
    }
    node.send(vec![(2, question(1))]);
    let sent = first.receive().unwrap().unwrap();
    assert_eq!(sent, Encoder::default().encode(&question(1)));
    // A graceful end. Then the node may call again.
    first.half_close().unwrap();
    assert!(end(&mut first).is_ok());
    node.send(vec![(2, question(2))]);
    eventually("there is no way now", || node.mailbox.lock().unwrap().not_sent == 1);
    let mut again = call(&node);
    again.send(&hello).unwrap();
    assert!(again.receive().unwrap().is_some(), "a hello");
}

#[test]
fn a_call_without_a_hello_ends_in_time() {
    let node = node_without_peer();
    let started = Instant::now();
    std::thread::scope(|scope| {
        for protocol in [Protocol::Native, Protocol::Grpc, Protocol::Native, Protocol::Grpc] {
            let node = &node;
            scope.spawn(move || {
                let status = end(&mut call_over(protocol, node));
                let expected = (Code::DeadlineExceeded, "no hello came in time");
                assert_eq!((status.code, &*status.message), expected);
            });
        }
    });
    let took = started.elapsed();
    assert!(took >= HELLO_TIMEOUT && took < 5 * HELLO_TIMEOUT, "{took:?}");
    // A call with a hello stays.
    let mut good = call(&node);
    good.send(&encode_hello(&hello_of_2())).unwrap();
    assert!(good.receive().unwrap().is_some());
    eventually("a hello is due no longer", || {
        // A client that waits for nothing answers no pings.
        node.send(vec![(2, question(1))]);
        assert!(good.receive().unwrap().is_some());
        started.elapsed() > took + HELLO_TIMEOUT
    });
}

#[test]
fn a_node_full_of_clients_is_reached_by_its_peers() {
    let places: Vec<_> = (1..=3).map(|id| (id, free_address())).collect();
    let limits = ServerOptions { max_connections: 1, ..ServerOptions::default() };
    let nodes: Vec<_> = places
        .iter()
        .map(|(id, at)| Node::serve(*at, options(*id, &places), limits.clone()))
        .collect();
    let clients: Vec<_> = nodes
        .iter()
        .map(|node| {
            let target = node.address.to_string();
            let channel = Channel::new(&target, ChannelOptions::default()).unwrap();
            let call = CallOptions { wait_for_ready: true, ..CallOptions::default() };
            eventually("a client gets in", || channel.unary("/test.Node/Ping", b"", &call).is_ok());
            channel
        })
        .collect();
    eventually("all are up", || all_up(&nodes));
    for client in &clients {
        assert!(client.unary("/test.Node/Ping", b"", &CallOptions::default()).is_ok());
    }
}

#[test]
fn the_queue_for_a_peer_that_never_reads_is_bounded() {
    let node = {
        let places: Vec<_> = (1..=2).map(|id| (id, free_address())).collect();
        let mut options = options(1, &places);
        options.max_queued_bytes = 1 << 20;
        Node::start(places[0].1, options)
    };
    let mut call = call(&node);
    call.send(&encode_hello(&hello_of_2())).unwrap();
    assert!(call.receive().unwrap().is_some());
    let large = Message {
        term: 1,
        body: Body::InstallSnapshot {
            snapshot: agora::raft::SnapshotMark { index: 1, term: 1 },
            offset: 0,
            data: vec![0; 100_000].into(),
            is_last: false,
            sent_at: Duration::ZERO,
            lease: Duration::ZERO,
        },
    };
    for _ in 0..20 {
        node.send(vec![(2, large.clone()); 10]);
    }
    // The client's windows and the bound, in messages.
    eventually("most is dropped", || node.mailbox.lock().unwrap().not_sent >= 150);
    let reply = Body::AppendEntriesReply {
        outcome: AppendOutcome::Stale,
        sent_at: Duration::ZERO,
        read_round: 0,
    };
    let mut received = 0;
    while let Ok(Some(_)) = call.receive() {
        received += 1;
        if received + node.mailbox.lock().unwrap().not_sent == 200 {
            break;
        }
    }
    node.send(vec![(2, Message { term: 1, body: reply.clone() })]);
    let last = call.receive().unwrap().unwrap();
    assert_eq!(last, Encoder::default().encode(&Message { term: 1, body: reply }));
}

#[test]
fn a_silent_peer_is_disconnected() {
    let node = node_without_peer();
    let mut call = call(&node);
    call.send(&encode_hello(&hello_of_2())).unwrap();
    assert!(call.receive().unwrap().is_some());
    // From now on its pings get no answer.
    let silent_since = Instant::now();
    eventually("nothing can be sent any more", || {
        node.send(vec![(2, question(1))]);
        node.mailbox.lock().unwrap().not_sent > 0
    });
    assert!(silent_since.elapsed() > Duration::from_secs(1), "it was asked first");
    assert_eq!(end(&mut call).code, Code::Unavailable);
}
