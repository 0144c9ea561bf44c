//! Deadlines, cancellation and slow readers.

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use agora::call::{Code, Limits, Metadata};
use agora::session::ClientSession;

use crate::fixture::*;

#[test]
fn a_deadline_ends_the_call_on_both_sides() {
    both(|protocol| {
        let server = Fixture::new();
        let started = Instant::now();
        let error = server.channel(protocol).unary(NEVER, b"", &within(Duration::from_millis(50)));
        assert_eq!(error.unwrap_err().code, Code::DeadlineExceeded);
        assert!(started.elapsed() >= Duration::from_millis(50));
        eventually("the handler is told", || server.seen.cancelled.load(Ordering::Relaxed) == 1);
    });
}

#[test]
fn a_dropped_call_is_cancelled() {
    both(|protocol| {
        let server = Fixture::new();
        let channel = server.channel(protocol);
        let mut call = channel.start(NEVER, &within(LONG)).unwrap();
        call.send_last(b"").unwrap();
        drop(call);
        eventually("the handler is told", || server.seen.cancelled.load(Ordering::Relaxed) == 1);
        assert_eq!(channel.unary(ECHO, b"next", &within(LONG)).unwrap(), b"next");
    });
}

#[test]
fn a_lost_connection_cancels_its_calls() {
    both(|protocol| {
        let server = Fixture::new();
        let now = Duration::ZERO;
        let mut session = ClientSession::new(protocol, "test", false, &Limits::DEFAULT, now);
        let call = session.start(now, NEVER, &Metadata::new(), None).unwrap();
        session.send_message(call, b"", true).unwrap();
        let mut socket = TcpStream::connect(server.address).unwrap();
        socket.write_all(session.output()).unwrap();
        drop(socket);
        eventually("the handler is told", || server.seen.cancelled.load(Ordering::Relaxed) == 1);
    });
}

#[test]
fn a_slow_reader_slows_the_sender_and_loses_nothing() {
    both(|protocol| {
        let server = Fixture::new();
        let mut call = server.channel(protocol).start(FLOOD, &within(LONG)).unwrap();
        call.send_last(b"").unwrap();
        let most = || server.seen.most_queued.load(Ordering::Relaxed);
        eventually("the sender meets its bound", || most() >= 1024 * 1024);
        let mut expected = 0_u32;
        while let Some(message) = call.receive().unwrap() {
            assert_eq!(message[..4], expected.to_be_bytes());
            expected += 1;
        }
        assert_eq!(expected, 1024);
        assert!(most() < 2 * 1024 * 1024, "{} bytes were queued", most());
    });
}

#[test]
fn a_slow_server_slows_the_client_and_loses_nothing() {
    both(|protocol| {
        let server = Fixture::new();
        let channel = server.channel(protocol);
        std::thread::scope(|scope| {
            // Two senders on one connection: one drives and wakes the other.
            for _ in 0..2 {
                let channel = channel.clone();
                scope.spawn(move || {
                    let mut call = channel.start(SUM, &within(LONG)).unwrap();
                    for _ in 0..512 {
                        call.send(&[1; 64 * 1024]).unwrap();
                    }
                    call.half_close().unwrap();
                    assert_eq!(call.receive().unwrap().unwrap(), b"33554432");
                });
            }
        });
    });
}

#[test]
fn a_client_that_does_not_read_cannot_go_on_sending() {
    both(|protocol| {
        let server = Fixture::new();
        let mut call =
            server.channel(protocol).start(CHAT, &within(Duration::from_secs(1))).unwrap();
        // Far more than all queues and windows between the two hold.
        let (message, count) = (vec![7; 64 * 1024], 256);
        let error = (0..count).find_map(|_| call.send(&message).err());
        assert_eq!(error.expect("all of it was taken in").code, Code::DeadlineExceeded);
    });
}

#[test]
fn a_client_that_reads_late_gets_all_its_echoes() {
    both(|protocol| {
        let server = Fixture::new();
        let channel = server.channel(protocol);
        let mut call = channel.start(CHAT, &within(LONG)).unwrap();
        // Ahead by more than both windows (4 messages each), and by less than they and the client's
        // own queue (16): a client that waits for window and reads nothing waits for ever.
        let (message, ahead, count) = (vec![7; 64 * 1024], 16, 200);
        for n in 0..count + ahead {
            if n < count {
                call.send(&message).unwrap();
            }
            if n >= ahead {
                assert_eq!(call.receive().unwrap().unwrap().len(), message.len());
            }
        }
        call.half_close().unwrap();
        assert_eq!(call.receive().unwrap(), None);
    });
}
