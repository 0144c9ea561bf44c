//! Limits on what a peer can make a server spend.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use agora::call::{Code, Limits};
use agora::rpc::ServerOptions;
use agora::session::{Compat, Protocol};

use crate::fixture::*;

fn with_limits(change: impl FnOnce(&mut Limits)) -> ServerOptions {
    let mut options = ServerOptions::default();
    change(&mut options.limits);
    options
}

fn connect(server: &Fixture) -> TcpStream {
    let stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream
}

/// Reads everything until the server closes.
fn read_all(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn an_unknown_protocol_gets_an_answer_that_says_what_is_spoken() {
    let server = Fixture::new();
    let mut stream = connect(&server);
    stream.write_all(b"SSH-2.0-x\r\n").unwrap();
    let answer = String::from_utf8(read_all(&mut stream)).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("gRPC"), "{answer}");
}

#[test]
fn a_protocol_that_compat_excludes_is_refused() {
    let options = ServerOptions { compat: Compat::Grpc, ..ServerOptions::default() };
    let server = Fixture::with(options);
    assert!(server.channel(Protocol::Native).unary(ECHO, b"", &within(LONG)).is_err());
    assert!(server.channel(Protocol::Grpc).unary(ECHO, b"", &within(LONG)).is_ok());
}

#[test]
fn a_silent_connection_is_closed() {
    let options = with_limits(|limits| limits.preface_timeout = Duration::from_millis(50));
    let server = Fixture::with(options);
    for beginning in [&b""[..], b"P", b"AGR", b"PRI * HTTP/2.0\r\n\r\nSM"] {
        let mut stream = connect(&server);
        stream.write_all(beginning).unwrap();
        let started = Instant::now();
        read_all(&mut stream);
        assert!(started.elapsed() >= Duration::from_millis(40), "{beginning:?}");
    }
}

#[test]
fn an_idle_connection_is_closed_and_replaced_at_the_next_call() {
    let options = with_limits(|limits| limits.idle_timeout = Duration::from_millis(100));
    let server = Fixture::with(options);
    both(|protocol| {
        let channel = server.channel(protocol);
        assert!(channel.unary(ECHO, b"1", &within(LONG)).is_ok());
        let mut idle = connect(&server);
        idle.write_all(b"AGR1").unwrap();
        read_all(&mut idle);
        // The channel's connection was idle longer than this one, and is closed as well.
        assert!(channel.unary(ECHO, b"2", &within(LONG)).is_ok());
    });
}

#[test]
fn a_peer_that_does_not_read_is_dropped() {
    let options = with_limits(|limits| limits.write_stall_timeout = Duration::from_millis(200));
    let server = Fixture::with(options);
    let mut stream = connect(&server);
    // HTTP/1.1 cannot fill a socket's buffers; a flood of pings that are never read can.
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
    let ping = [&b"\0\0\x08\x06\0\0\0\0\0"[..], &[1; 8]].concat();
    let pings = ping.repeat(4096);
    stream.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
    let until = Instant::now() + LONG;
    while stream.write_all(&pings).is_ok() {
        assert!(Instant::now() < until, "the server takes pings for ever");
    }
}

#[test]
fn a_connection_beyond_the_limit_is_closed() {
    let options = ServerOptions { max_connections: 2, ..ServerOptions::default() };
    let server = Fixture::with(options);
    both(|protocol| {
        let open = || {
            let mut call = server.channel(protocol).start(NEVER, &within(LONG)).unwrap();
            call.send_last(b"").unwrap();
            call
        };
        let calls = [open(), open()];
        let begun = || server.seen.begun.swap(0, Ordering::Relaxed);
        let mut count = 0;
        eventually("both are in", || {
            count += begun();
            count == 2
        });
        let third = server.channel(protocol);
        let error = third.unary(ECHO, b"", &within(LONG)).unwrap_err();
        assert!(error.message.contains("as many connections"), "{error}");
        drop(calls);
        eventually("a place is free", || third.unary(ECHO, b"", &within(LONG)).is_ok());
        drop(third);
    });
}

#[test]
fn a_call_beyond_the_workers_is_refused() {
    let options =
        ServerOptions { max_worker_threads: 1, max_waiting_jobs: 1, ..ServerOptions::default() };
    both(|protocol| {
        // A server for each: after an answer the worker may still count as busy for a moment.
        let server = Fixture::with(options.clone());
        let channel = server.channel(protocol);
        let calls: Vec<_> = (0..3)
            .map(|_| {
                let mut call = channel.start(SUM, &within(LONG)).unwrap();
                call.send(b"x").unwrap();
                call
            })
            .collect();
        let mut refused = 0;
        for mut call in calls {
            let _ = call.half_close();
            match call.receive() {
                Ok(Some(_)) => (),
                Ok(None) => panic!("no answer and no error"),
                Err(status) => {
                    assert_eq!(status.code, Code::ResourceExhausted, "{status}");
                    refused += 1;
                }
            }
        }
        assert_eq!(refused, 1);
    });
}

#[test]
fn a_connection_cannot_start_unlimited_handlers_by_cancelling_calls() {
    let mut options = with_limits(|limits| limits.max_concurrent_calls = 8);
    options.max_worker_threads = 4;
    let server = Fixture::with(options);
    both(|protocol| {
        server.seen.released.store(false, Ordering::Relaxed);
        let channel = server.channel(protocol);
        // Each is cancelled once the server has it, which the answer to a later call shows.
        for _ in 0..8 {
            let mut call = channel.start(STUBBORN, &within(LONG)).unwrap();
            call.send_last(b"").unwrap();
            assert!(channel.unary(ECHO, b"", &within(LONG)).is_ok());
        }
        let refused = channel.unary(STUBBORN, b"", &within(LONG)).unwrap_err();
        assert_eq!(refused.code, Code::ResourceExhausted, "{refused}");
        assert!(channel.unary(ECHO, b"", &within(LONG)).is_ok());
        server.seen.released.store(true, Ordering::Relaxed);
        eventually("places are free again", || {
            let again = channel.unary(STUBBORN, b"", &within(LONG)).unwrap_err();
            again.code != Code::ResourceExhausted
        });
    });
}

#[test]
fn clients_that_do_not_read_are_refused_when_unread_answers_exceed_the_budget() {
    both(|protocol| {
        let max_unread_bytes = 8 * 1024 * 1024;
        let server = Fixture::with(ServerOptions { max_unread_bytes, ..ServerOptions::default() });
        // No thread waits for these answers yet, so that nothing is read.
        let greedy = server.channel(protocol);
        let mut calls: Vec<_> =
            (0..40).map(|_| greedy.start(BIG, &within(LONG)).unwrap()).collect();
        calls.iter_mut().for_each(|call| call.send_last(b"").unwrap());
        let modest = server.channel(protocol);
        for _ in 0..5 {
            assert_eq!(modest.unary(BIG, b"", &within(LONG)).unwrap().len(), 1024 * 1024);
        }
        let answers = calls.iter_mut().map(|call| call.receive().map(Option::unwrap));
        let (good, bad): (Vec<_>, Vec<_>) = answers.partition(Result::is_ok);
        assert!((8..30).contains(&good.len()), "{} were answered", good.len());
        let codes = bad.into_iter().map(|answer| answer.unwrap_err().code);
        assert!(codes.into_iter().all(|code| code == Code::ResourceExhausted));
        // Answers that were read no longer count.
        assert!(greedy.unary(BIG, b"", &within(LONG)).is_ok());
    });
}
