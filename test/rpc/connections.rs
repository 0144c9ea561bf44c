//! Which connections a server accepts, which it closes in favour of others, and how long it keeps
//! them.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use agora::call::{CallId, ClientSink, Code, Limits, Metadata, Status};
use agora::rpc::ServerOptions;
use agora::session::{ClientSession, Protocol};

use crate::connect_from::connect_from;
use crate::fixture::*;

const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// After this time an incomplete handshake is late.
const HANDSHAKE: Duration = Duration::from_millis(1100);

/// What a client is told.
#[derive(Default)]
struct Answers(Vec<Status>);

impl ClientSink for Answers {
    fn headers(&mut self, _: CallId, _: &Metadata) {}
    fn message(&mut self, _: CallId, _: &[u8]) {}
    fn finished(&mut self, _: CallId, status: Status, _: bool) {
        self.0.push(status);
    }
    fn writable(&mut self, _: CallId) {}
}

/// The status of a call on a connection that the server refuses; `None` if it closes the connection
/// without a reason, because it is telling many others.
fn refusal(mut socket: TcpStream, protocol: Protocol) -> Option<Status> {
    socket.set_read_timeout(Some(LONG)).unwrap();
    let now = Duration::ZERO;
    let mut session = ClientSession::new(protocol, "test", false, &Limits::DEFAULT, now);
    let call = session.start(now, ECHO, &Metadata::new(), None).unwrap();
    session.send_message(call, b"in", true).unwrap();
    let mut received = Vec::new();
    let told = socket.write_all(session.output()).and_then(|()| socket.read_to_end(&mut received));
    if let Err(error) = told {
        assert_ne!(error.kind(), ErrorKind::WouldBlock, "the connection stays open");
        return None;
    }
    let mut answers = Answers::default();
    session.receive(now, &received, &mut answers);
    answers.0.pop()
}

/// The reason for which a further connection from an address is refused.
fn reason(from: Ipv4Addr, server: SocketAddr, protocol: Protocol) -> String {
    let mut status = None;
    eventually("a refused client is told the reason", || {
        status = refusal(connect_from(from, server), protocol);
        status.is_some()
    });
    status.unwrap().to_string()
}

/// Whether the server has closed it. Discards what it sent.
fn is_closed(socket: &mut TcpStream) -> bool {
    socket.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    let mut buffer = [0; 1024];
    loop {
        match socket.read(&mut buffer) {
            Ok(0) => return true,
            Ok(_) => (),
            Err(error) => return error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}

#[test]
fn connections_from_one_address_are_limited_and_the_others_are_served() {
    let max = ServerOptions { max_connections_per_address: Some(3), ..ServerOptions::default() };
    let server = Fixture::with(max);
    both(|protocol| {
        // An address for each, since the server may still count the closed ones of the other.
        let elsewhere = Ipv4Addr::new(127, 0, 0, 3 + protocol as u8);
        let mut held: Vec<_> = (0..3).map(|_| connect_from(elsewhere, server.address)).collect();
        let reason = reason(elsewhere, server.address, protocol);
        assert!(reason.contains("too many connections from this address"), "{reason}");
        // Far more than are told the reason: the rest is closed without.
        let mut many: Vec<_> = (0..100).map(|_| connect_from(elsewhere, server.address)).collect();
        assert_eq!(server.channel(protocol).unary(ECHO, b"in", &within(LONG)).unwrap(), b"in");
        for refused in &mut many {
            eventually("a silent one is closed as well", || is_closed(refused));
        }
        assert!(!held.iter_mut().any(is_closed), "the first ones stay");
        held.pop();
        eventually("there is room again", || {
            let mut one_more = connect_from(elsewhere, server.address);
            one_more.write_all(b"AGR1").unwrap();
            let mut answer = [0; 14];
            one_more.set_read_timeout(Some(LONG)).unwrap();
            // HELLO alone, without GO_AWAY in the same segment.
            one_more.read_exact(&mut answer).is_ok() && !is_closed(&mut one_more)
        });
    });
}

#[test]
fn loopback_is_not_limited_by_default() {
    let server = Fixture::with(ServerOptions { max_connections: 600, ..ServerOptions::default() });
    let mut held: Vec<_> = (0..300).map(|_| connect_from(ELSEWHERE, server.address)).collect();
    let channel = server.channel(Protocol::Native);
    assert!(channel.unary(ECHO, b"", &within(LONG)).is_ok());
    assert!(!held.iter_mut().any(is_closed));
}

#[test]
fn the_longest_idle_connection_is_closed_for_a_new_one() {
    let server = Fixture::with(ServerOptions { max_connections: 3, ..ServerOptions::default() });
    both(|protocol| {
        let busy = server.channel(protocol);
        let mut call = busy.start(CHAT, &within(LONG)).unwrap();
        call.send(b"busy").unwrap();
        assert_eq!(call.receive().unwrap().unwrap(), b"busy");
        let (idle, used) = (server.channel(protocol), server.channel(protocol));
        for channel in [&used, &idle, &used] {
            assert!(channel.unary(ECHO, b"", &within(LONG)).is_ok());
        }
        let new = server.channel(protocol);
        assert!(new.unary(ECHO, b"", &within(LONG)).is_ok(), "in the place of `idle`");
        call.send(b"still").unwrap();
        assert_eq!(call.receive().unwrap().unwrap(), b"still");
        // Its channel connects again, now in the place of `used`.
        assert!(idle.unary(ECHO, b"", &within(LONG)).is_ok());
    });
}

#[test]
fn a_connection_without_a_complete_handshake_is_closed_before_a_polite_one() {
    let server = Fixture::with(ServerOptions { max_connections: 4, ..ServerOptions::default() });
    let polite = server.channel(Protocol::Native);
    assert!(polite.unary(ECHO, b"", &within(LONG)).is_ok());
    let started = Instant::now();
    let beginnings = [&b""[..], b"PRI * HT", b"\x16\x03\x01"];
    let mut half_open = beginnings.map(|beginning| {
        let mut socket = connect_from(ELSEWHERE, server.address);
        socket.write_all(beginning).unwrap();
        socket
    });
    // TLS is not configured here and is refused at once.
    eventually("TLS is refused", || is_closed(&mut half_open[2]));
    half_open[2] = connect_from(ELSEWHERE, server.address);
    eventually("they are late", || started.elapsed() > 2 * HANDSHAKE);
    let new: Vec<_> = (0..3)
        .map(|_| {
            let channel = server.channel(Protocol::Native);
            assert!(channel.unary(ECHO, b"", &within(LONG)).is_ok());
            channel
        })
        .collect();
    for socket in &mut half_open {
        eventually("it is closed", || is_closed(socket));
    }
    // The polite one was used before all of them and still has its place: a call on it needs no new
    // connection, for which the server would have to close one of the others.
    let mut call = polite.start(CHAT, &within(LONG)).unwrap();
    call.send(b"polite").unwrap();
    assert_eq!(call.receive().unwrap().unwrap(), b"polite");
    drop(new);
}

#[test]
fn a_connection_ends_at_its_age_and_its_calls_after_the_grace() {
    let mut options = ServerOptions::default();
    options.limits.max_connection_age = Duration::from_millis(300);
    options.limits.max_connection_age_grace = Duration::from_millis(300);
    let server = Fixture::with(options);
    both(|protocol| {
        let channel = server.channel(protocol);
        let mut call = channel.start(NEVER, &within(LONG)).unwrap();
        call.send_last(b"").unwrap();
        let started = Instant::now();
        // The channel replaces its connection several times, and no call notices.
        while started.elapsed() < Duration::from_millis(1200) {
            assert!(channel.unary(ECHO, b"", &within(LONG)).is_ok());
        }
        let status = call.receive().unwrap_err();
        assert_eq!(status.code, Code::Unavailable);
        assert!(status.message.contains("max_age"), "{status}");
    });
}

#[test]
fn a_call_ends_at_its_age_unless_it_waits_for_events() {
    let mut options = ServerOptions::default();
    options.limits.max_call_age = Duration::from_millis(100);
    let server = Fixture::with(options);
    both(|protocol| {
        let channel = server.channel(protocol);
        let mut watch = channel.start(CHAT, &within(LONG)).unwrap();
        watch.send(b"one").unwrap();
        assert_eq!(watch.receive().unwrap().unwrap(), b"one");
        let status = channel.unary(STUBBORN, b"", &within(LONG)).unwrap_err();
        assert_eq!(status.code, Code::DeadlineExceeded);
        assert!(status.message.contains("--max-call-age"), "{status}");
        watch.send(b"two").unwrap();
        assert_eq!(watch.receive().unwrap().unwrap(), b"two");
    });
    server.seen.released.store(true, Ordering::Relaxed);
}

#[test]
fn one_address_cannot_take_all_threads_and_streams() {
    let options = ServerOptions {
        max_calls_per_address: Some(3),
        max_worker_threads: 4,
        max_waiting_jobs: 4,
        ..ServerOptions::default()
    };
    let server = Fixture::with(options);
    both(|protocol| {
        server.seen.released.store(false, Ordering::Relaxed);
        for path in [STUBBORN, NEVER] {
            let now = Duration::ZERO;
            let mut session = ClientSession::new(protocol, "test", false, &Limits::DEFAULT, now);
            for _ in 0..50 {
                let call = session.start(now, path, &Metadata::new(), None).unwrap();
                session.send_message(call, b"", true).unwrap();
            }
            let mut socket = connect_from(ELSEWHERE, server.address);
            socket.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
            socket.write_all(session.output()).unwrap();
            let (mut answers, mut buffer) = (Answers::default(), vec![0; 64 * 1024]);
            eventually("47 are refused", || {
                if let Ok(count) = socket.read(&mut buffer) {
                    session.receive(now, &buffer[..count], &mut answers);
                }
                answers.0.len() >= 47
            });
            assert!(answers.0.iter().all(|status| status.code == Code::ResourceExhausted));
            // Another client gets a thread and a stream.
            let channel = server.channel(protocol);
            assert!(channel.unary(METADATA, b"", &within(LONG)).is_ok());
            let mut chat = channel.start(CHAT, &within(LONG)).unwrap();
            chat.send(b"in").unwrap();
            assert_eq!(chat.receive().unwrap().unwrap(), b"in");
            server.seen.released.store(true, Ordering::Relaxed);
        }
    });
}
