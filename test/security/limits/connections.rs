//! Many connections, watches and log lines.

use std::io::{ErrorKind, Write};
use std::net::{Ipv4Addr, TcpStream};

use agora::session::Protocol;

use super::attacker::{Attacker, drive, is_closed};
use super::node::{Node, eventually};
use super::{ATTACKER, BOUNDS};
use crate::connect_from::{connect_from, try_connect_from};

/// What the connections of an attack begin with. The first two are polite and stay idle.
const BEGINNINGS: [&[u8]; 5] = [
    // The preface and SETTINGS of HTTP/2, and the acknowledgement of the server's.
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\0\x04\x01\0\0\0\0",
    // The magic and HELLO of the native protocol.
    b"AGR1\0\0\0\x0a\x01\0\0\0\0\x08\x80\x80\x10\x10\x80\x80\x40\x18\x00",
    b"",
    b"PRI * HTTP/2.0",
    // The first part of a ClientHello.
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
];

/// Connections with these beginnings in turn.
fn connections(node: &Node, from: &[Ipv4Addr], count: usize) -> Vec<TcpStream> {
    let connect = |number: usize| {
        let mut socket = connect_from(from[number % from.len()], node.address);
        // A refused connection may be closed already.
        let _ = socket.write_all(BEGINNINGS[number % BEGINNINGS.len()]);
        socket
    };
    (0..count).map(connect).collect()
}

fn count_open(sockets: &mut [TcpStream]) -> usize {
    sockets.iter_mut().filter_map(|socket| (!is_closed(socket)).then_some(())).count()
}

/// Lines of the log that are about refused connections.
fn refusals(node: &Node) -> usize {
    node.log().lines().filter(|line| line.contains("refused")).count()
}

#[test]
fn idle_connections_of_one_address_are_bounded() {
    let node = Node::start(&BOUNDS);
    let mut held = connections(&node, &[ATTACKER], 1100);
    let served = node.serves_soon();
    eventually("at most 256 stay", || count_open(&mut held) <= 256);
    let open = count_open(&mut held);
    let lines = refusals(&node);
    println!("{open} of 1,100 connections stay open, {lines} lines, others wait {served:?}");
    // One for each reason: the limit, and the ClientHello where nothing is served inside TLS.
    assert_eq!(lines, 2, "{}", node.log());
    node.serves_soon();
}

#[test]
fn idle_connections_of_many_addresses_give_way_to_clients() {
    let node = Node::start(&["--max-connections", "500"]);
    let addresses: Vec<_> = (1..=110).map(|n| Ipv4Addr::new(127, 66, 7, n)).collect();
    let mut held = connections(&node, &addresses, 1100);
    let served = node.serves_soon();
    eventually("at most 500 stay", || count_open(&mut held) <= 500);
    let open = count_open(&mut held);
    println!("{open} of 1,100 connections stay open, others wait {served:?}");
    node.serves_soon();
    // The half-open ones do not stay for longer than a handshake may take.
    eventually("half-open ones are closed", || {
        held.iter_mut().skip(2).step_by(5).all(is_closed)
            && held.iter_mut().skip(3).step_by(5).all(is_closed)
            && held.iter_mut().skip(4).step_by(5).all(is_closed)
    });
    node.serves_soon();
}

#[test]
fn one_client_cannot_take_all_watches() {
    let node = Node::start(&BOUNDS);
    let watch = "/agora.kv.v1.KvService/Watch";
    let mut attackers: Vec<_> = [Protocol::Native, Protocol::Grpc]
        .into_iter()
        .cycle()
        .take(12)
        .map(|protocol| Attacker::new(ATTACKER, node.address, protocol))
        .collect();
    for attacker in &mut attackers {
        assert_eq!((0..100).filter(|_| attacker.start(watch, Some(b""), true)).count(), 100);
    }
    drive(&mut attackers);
    let refused: usize = attackers.iter().map(Attacker::refused).sum();
    let opened: usize = attackers.iter().map(|attacker| attacker.answers.messages).sum();
    println!("{opened} of 1,200 watches are open, {refused} were refused");
    assert_eq!((opened, refused), (256, 944));
    // Another client's watch, by the same steps.
    let elsewhere = Ipv4Addr::new(127, 66, 8, 1);
    let mut other = [Attacker::new(elsewhere, node.address, Protocol::Native)];
    other[0].start(watch, Some(b""), true);
    drive(&mut other);
    assert_eq!((other[0].answers.messages, other[0].answers.ends.len()), (1, 0));
    node.serves_soon();
}

#[test]
fn refused_connections_and_calls_write_few_log_lines() {
    let node = Node::start(&["--max-connections-per-address", "1"]);
    let addresses: Vec<_> = (1..=20).map(|n| Ipv4Addr::new(127, 66, 9, n)).collect();
    let _held: Vec<_> = addresses.iter().map(|&from| connect_from(from, node.address)).collect();
    let mut refused = 0;
    for number in 0..20_000 {
        // A port may be in use still, since the server closes first.
        match try_connect_from(addresses[number % addresses.len()], node.address) {
            Ok(_) => refused += 1,
            Err(error) => assert_eq!(error.kind(), ErrorKind::AddrNotAvailable, "{error}"),
        }
    }
    let mut attackers = [Attacker::new(ATTACKER, node.address, Protocol::Native)];
    let mut calls = 0;
    while calls < 100_000 {
        calls +=
            (0..100).filter(|_| attackers[0].start("/no.Such/Method", Some(b""), true)).count();
        attackers[0].turn();
        assert!(!attackers[0].closed);
    }
    drive(&mut attackers);
    let lines = node.log().lines().count();
    println!("{refused} refused connections and {calls} refused calls: {lines} lines");
    assert!(refused > 10_000 && attackers[0].answers.ends.len() == calls);
    assert!(lines < 20, "{}", node.log());
    node.serves_soon();
}
