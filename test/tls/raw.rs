//! Peers that stop halfway, cut the connection, send byte by byte, or flood.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use agora::call::{Code, Limits, Metadata};
use agora::session::{ClientSession, Protocol};

use crate::fixture::*;
use crate::secure::*;
use crate::seed::Seed;
use crate::wire::RawClient;

const ALPN: &[&[u8]] = &[b"h2"];

fn with_limits(change: impl FnOnce(&mut Limits)) -> Secure {
    let mut wishes = Wishes::default();
    change(&mut wishes.options.limits);
    Secure::with(wishes)
}

/// What a client of the native protocol sends to begin a call of NEVER, and its session.
fn call_of_never() -> (ClientSession, Vec<u8>) {
    let now = Duration::ZERO;
    let mut session = ClientSession::new(Protocol::Native, "x", true, &Limits::DEFAULT, now);
    let call = session.start(now, NEVER, &Metadata::new(), None).unwrap();
    session.send_message(call, b"", true).unwrap();
    let bytes = session.output().to_vec();
    (session, bytes)
}

/// A client with an open call of NEVER.
fn client_in_a_call(secure: &Secure) -> RawClient {
    let mut client = RawClient::new(secure, &[b"agr1"]);
    client.shake_hands().unwrap();
    let (_, bytes) = call_of_never();
    client.send(&bytes).unwrap();
    eventually("the handler has the call", || {
        secure.server.seen.begun.load(Ordering::Relaxed) == 1
    });
    client
}

fn cancelled(secure: &Secure) -> bool {
    secure.server.seen.cancelled.load(Ordering::Relaxed) == 1
}

#[test]
fn a_handshake_that_stalls_is_closed_in_time() {
    let secure = with_limits(|limits| limits.preface_timeout = Duration::from_millis(200));
    let hello = RawClient::new(&secure, ALPN).outgoing();
    let clients: Vec<TcpStream> = [1, 2, 5, 6, 60, hello.len() - 1, hello.len()]
        .iter()
        .map(|&cut| {
            let mut stream = TcpStream::connect(secure.server.address).unwrap();
            stream.set_read_timeout(Some(LONG)).unwrap();
            stream.write_all(&hello[..cut]).unwrap();
            stream
        })
        .collect();
    let started = Instant::now();
    for mut stream in clients {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
    }
    assert!(started.elapsed() < Duration::from_secs(5), "they piled up");
    both(|protocol| assert!(secure.channel(protocol).unary(ECHO, b"", &within(LONG)).is_ok()));
}

#[test]
fn a_client_that_is_silent_after_the_handshake_is_closed_in_time() {
    let secure = with_limits(|limits| limits.preface_timeout = Duration::from_millis(200));
    let mut client = RawClient::new(&secure, ALPN);
    client.shake_hands().unwrap();
    let started = Instant::now();
    assert_eq!(client.read_to_end().unwrap(), b"", "an orderly end");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn an_end_without_close_notify_is_a_lost_connection() {
    let secure = Secure::new();
    let client = client_in_a_call(&secure);
    client.stream.shutdown(Shutdown::Write).unwrap();
    eventually("the handler is told", || cancelled(&secure));
}

#[test]
fn an_orderly_end_ends_the_calls_and_is_answered() {
    let secure = Secure::new();
    let mut client = client_in_a_call(&secure);
    client.connection.send_close_notify();
    let bytes = client.outgoing();
    client.stream.write_all(&bytes).unwrap();
    eventually("the handler is told", || cancelled(&secure));
    client.read_to_end().unwrap();
}

/// RFC 8446 section 6.1: `close_notify` ends one direction. `openssl s_client` does so behind its input.
#[test]
fn a_client_of_http1_that_has_ended_its_side_is_answered() {
    let secure = Secure::new();
    for _ in 0..20 {
        let mut client = RawClient::new(&secure, &[b"http/1.1"]);
        client.shake_hands().unwrap();
        client.connection.writer().write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        client.connection.send_close_notify();
        let bytes = client.outgoing();
        client.stream.write_all(&bytes).unwrap();
        let answer = client.read_to_end().unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 404 "), "{answer:?}");
    }
}

#[test]
fn the_end_of_a_client_that_sent_everything_at_once_is_seen() {
    let secure = Secure::new();
    let mut client = RawClient::new(&secure, &[b"agr1"]);
    client.shake_hands().unwrap();
    let (_, bytes) = call_of_never();
    client.connection.writer().write_all(&bytes).unwrap();
    client.connection.send_close_notify();
    let bytes = client.outgoing();
    client.stream.write_all(&bytes).unwrap();
    client.stream.shutdown(Shutdown::Write).unwrap();
    eventually("the handler is told", || cancelled(&secure));
}

#[test]
fn a_server_that_vanishes_ends_the_calls_of_its_clients() {
    both(|protocol| {
        let secure = Secure::new();
        let relay = Relay::to(secure.server.address);
        let channel = agora::rpc::Channel::new(&relay.address, secure.options(protocol)).unwrap();
        let mut call = channel.start(NEVER, &within(LONG)).unwrap();
        call.send_last(b"").unwrap();
        let begun = || secure.server.seen.begun.load(Ordering::Relaxed) == 1;
        eventually("the handler has the call", begun);
        relay.cut();
        assert_eq!(call.receive().unwrap_err().code, Code::Unavailable);
        eventually("the handler is told", || cancelled(&secure));
    });
}

#[test]
fn records_may_come_byte_by_byte() {
    let secure = Secure::new();
    let mut client = RawClient::new(&secure, ALPN);
    while client.connection.is_handshaking() || client.connection.wants_write() {
        for byte in client.outgoing() {
            client.stream.write_all(&[byte]).unwrap();
        }
        if client.connection.is_handshaking() {
            client.connection.read_tls(&mut client.stream).unwrap();
            client.connection.process_new_packets().unwrap();
        }
    }
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    client.connection.writer().write_all(preface).unwrap();
    for byte in client.outgoing() {
        client.stream.write_all(&[byte]).unwrap();
    }
    client.read_until(b"\0\0\0\x04\x01\0\0\0\0");
}

#[test]
fn a_peer_that_does_not_read_is_dropped() {
    let secure = with_limits(|limits| limits.write_stall_timeout = Duration::from_millis(300));
    let mut client = RawClient::new(&secure, ALPN);
    client.shake_hands().unwrap();
    client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
    let ping = [&b"\0\0\x08\x06\0\0\0\0\0"[..], &[1; 8]].concat();
    let pings = ping.repeat(1024);
    client.stream.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
    let until = Instant::now() + LONG;
    loop {
        client.connection.writer().write_all(&pings).unwrap();
        let bytes = client.outgoing();
        if client.stream.write_all(&bytes).is_err() {
            return;
        }
        assert!(Instant::now() < until, "the server takes pings for ever");
    }
}

/// An empty record costs the peer little and the server a decryption.
#[test]
fn empty_records_are_refused_and_delay_no_other_client() {
    let secure = Secure::new();
    let mut flooder = TcpStream::connect(secure.server.address).unwrap();
    flooder.set_read_timeout(Some(LONG)).unwrap();
    let empty_handshake_records = [0x16, 3, 1, 0, 0].repeat(10_000);
    // The server may have closed before it received everything.
    let _ = flooder.write_all(&empty_handshake_records);
    both(|protocol| assert!(secure.channel(protocol).unary(ECHO, b"", &within(LONG)).is_ok()));
    assert_closed_with_an_alert(&mut flooder);
}

fn assert_closed_with_an_alert(stream: &mut TcpStream) {
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => assert_eq!(answer.first(), Some(&21), "{answer:?}"),
        // The rest was sent to a closed socket.
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
}

#[test]
fn garbage_after_the_first_byte_is_answered_with_an_alert() {
    let secure = Secure::new();
    for garbage in [
        &b"\x16not a record at all, but long enough to look at"[..],
        b"\x16\x03\x01\x00\x05\x01\xff\xff\xff\xff",
        b"\x16\x03\x01\xff\xff and so on",
        b"\x16\x03\x01\x00\x02\x00\x00",
    ] {
        let mut stream = TcpStream::connect(secure.server.address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.write_all(garbage).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert!(answer.is_empty() || answer[0] == 21, "{garbage:?} {answer:?}");
    }
    both(|protocol| assert!(secure.channel(protocol).unary(ECHO, b"", &within(LONG)).is_ok()));
}

/// Each seed damages one flight of a client. The server must go on serving in every case.
#[test]
fn damaged_handshakes_and_records_harm_nobody_else() {
    let secure = Secure::new();
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = number("AGORA_SEED").map_or(1..=300, |seed| seed..=seed);
    for number in seeds {
        let mut seed = Seed::new(number);
        let mut client = RawClient::new(&secure, ALPN);
        let late = seed.one_in(2);
        if late {
            client.shake_hands().unwrap();
            client.connection.writer().write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
        }
        let mut bytes = client.outgoing();
        seed.mutate(&mut bytes);
        let _ = client.stream.write_all(&bytes);
        let _ = client.stream.shutdown(Shutdown::Write);
        // Well before the preface timeout: the server sees the end of the connection in every case.
        client.stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let ended = client.stream.read_to_end(&mut Vec::new());
        assert!(
            !ended.as_ref().is_err_and(|error| error.kind() != ErrorKind::ConnectionReset),
            "with seed {number} (AGORA_SEED={number} runs it alone): {ended:?}"
        );
    }
    both(|protocol| assert!(secure.channel(protocol).unary(ECHO, b"", &within(LONG)).is_ok()));
}

/// Passes bytes between a client and a server until it is cut.
struct Relay {
    address: String,
    cut: std::sync::mpsc::Sender<()>,
    thread: std::thread::JoinHandle<()>,
}

impl Relay {
    fn to(server: std::net::SocketAddr) -> Relay {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (cut, is_cut) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let (client, _) = listener.accept().unwrap();
            let server = TcpStream::connect(server).unwrap();
            for (from, to) in [(&client, &server), (&server, &client)] {
                let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                std::thread::spawn(move || std::io::copy(&mut from, &mut to));
            }
            let _ = is_cut.recv();
            for side in [client, server] {
                let _ = side.shutdown(Shutdown::Both);
            }
        });
        Relay { address, cut, thread }
    }

    fn cut(self) {
        self.cut.send(()).unwrap();
        self.thread.join().unwrap();
    }
}
