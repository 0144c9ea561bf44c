//! Calls over TLS behave like others.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use agora::call::{Code, Metadata};
use agora::rpc::{CallOptions, Channel, ClientTls, Multiplexer};
use agora::session::Compat;

use crate::certificates::Authority;
use crate::fixture::*;
use crate::secure::*;

const LARGEST: usize = 4 * 1024 * 1024;

#[test]
fn calls_are_answered_with_their_metadata_and_errors() {
    both(|protocol| {
        let secure = Secure::new();
        let channel = secure.channel(protocol);
        for method in [ECHO, LATER] {
            assert_eq!(channel.unary(method, b"hello", &within(LONG)).unwrap(), b"hello");
        }
        let mut metadata = Metadata::new();
        metadata.insert("x-word", b"yes").unwrap();
        let options = CallOptions { metadata, ..within(LONG) };
        let response = channel.unary_with_metadata(METADATA, b"", &options).unwrap();
        assert_eq!(response.headers.get("x-word"), Some(&b"yes"[..]));
        let error = channel.unary(FAIL, b"no", &within(LONG)).unwrap_err();
        assert_eq!((error.code, &*error.message), (Code::Aborted, "no"));
    });
}

#[test]
fn cleartext_and_tls_share_the_port() {
    let secure = Secure::new();
    both(|protocol| {
        let (open, closed) = (secure.server.channel(protocol), secure.channel(protocol));
        for channel in [&open, &closed, &open, &closed] {
            assert_eq!(channel.unary(ECHO, b"x", &within(LONG)).unwrap(), b"x");
        }
    });
}

#[test]
fn the_largest_messages_pass_both_ways() {
    both(|protocol| {
        let secure = Secure::new();
        let channel = secure.channel(protocol);
        for fill in 1..=3 {
            let message = vec![fill; LARGEST];
            assert!(channel.unary(ECHO, &message, &within(LONG)).unwrap() == message);
        }
    });
}

#[test]
fn streams_go_both_ways() {
    both(|protocol| {
        let secure = Secure::new();
        let mut call = secure.channel(protocol).start(CHAT, &within(LONG)).unwrap();
        for length in [0, 1, 16_383, 16_384, 16_385, 70_000, 300_000] {
            let message = vec![b'x'; length];
            call.send(&message).unwrap();
            assert!(call.receive().unwrap().unwrap() == message);
        }
        call.half_close().unwrap();
        assert_eq!(call.receive().unwrap(), None);
    });
}

#[test]
fn a_slow_reader_slows_the_sender_and_loses_nothing() {
    both(|protocol| {
        let secure = Secure::new();
        let mut call = secure.channel(protocol).start(FLOOD, &within(LONG)).unwrap();
        call.send_last(b"").unwrap();
        let most = || secure.server.seen.most_queued.load(Ordering::Relaxed);
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
fn many_calls_are_in_flight_on_one_connection() {
    both(|protocol| {
        let secure = Secure::new();
        let channel = secure.channel(protocol);
        std::thread::scope(|scope| {
            for thread in 0..32_u8 {
                let channel = channel.clone();
                scope.spawn(move || {
                    for call in 0..25_u8 {
                        let message = vec![thread ^ call; 100 * usize::from(call)];
                        assert!(channel.unary(ECHO, &message, &within(LONG)).unwrap() == message);
                    }
                });
            }
        });
    });
}

#[test]
fn a_multiplexer_keeps_many_connections_busy() {
    both(|protocol| {
        let secure = Secure::new();
        let mut multiplexer = Multiplexer::new().unwrap();
        let options = secure.options(protocol);
        let (links, calls) = (8, 100);
        for link in 0..links {
            assert_eq!(multiplexer.connect(&secure.address(), &options).unwrap(), link);
            for _ in 0..calls {
                multiplexer.start(link, ECHO, &[7; 1000], Some(LONG)).unwrap();
            }
        }
        let (mut done, until) = (0, Instant::now() + LONG);
        while done < links * calls {
            assert!(Instant::now() < until, "{done} calls are done");
            multiplexer
                .poll(LONG, |end| {
                    assert!(end.status.is_ok(), "{}", end.status);
                    assert_eq!(end.message, [7; 1000]);
                    done += 1;
                })
                .unwrap();
        }
    });
}

#[test]
fn a_deadline_ends_the_call_on_both_sides() {
    both(|protocol| {
        let secure = Secure::new();
        let channel = secure.channel(protocol);
        let error = channel.unary(NEVER, b"", &within(Duration::from_millis(100))).unwrap_err();
        assert_eq!(error.code, Code::DeadlineExceeded);
        let cancelled = || secure.server.seen.cancelled.load(Ordering::Relaxed);
        eventually("the handler is told", || cancelled() == 1);
        assert_eq!(channel.unary(ECHO, b"next", &within(LONG)).unwrap(), b"next");
    });
}

#[test]
fn a_client_finds_a_restarted_server() {
    both(|protocol| {
        let mut secure = Secure::new();
        let channel = secure.channel(protocol);
        assert_eq!(channel.unary(ECHO, b"1", &within(LONG)).unwrap(), b"1");
        secure.server.stop();
        assert_eq!(channel.unary(ECHO, b"2", &within(LONG)).unwrap_err().code, Code::Unavailable);
        let options = server_options(&secure.authority, Wishes::default());
        let again = Fixture::at(secure.server.address, options);
        let patient = CallOptions { wait_for_ready: true, ..within(LONG) };
        assert_eq!(channel.unary(ECHO, b"3", &patient).unwrap(), b"3");
        drop(again);
    });
}

#[test]
fn a_shutdown_finishes_open_calls() {
    both(|protocol| {
        let mut secure = Secure::new();
        let mut chat = secure.channel(protocol).start(CHAT, &within(LONG)).unwrap();
        chat.send(b"before").unwrap();
        assert_eq!(chat.receive().unwrap().unwrap(), b"before");
        secure.server.handle.shut_down();
        chat.send(b"during").unwrap();
        assert_eq!(chat.receive().unwrap().unwrap(), b"during");
        chat.half_close().unwrap();
        assert_eq!(chat.receive().unwrap(), None);
        let started = Instant::now();
        secure.server.stop();
        assert!(started.elapsed() < Duration::from_secs(5), "it waited for its grace to end");
    });
}

#[test]
fn compat_restricts_the_negotiated_protocols() {
    for (compat, spoken) in [(Compat::Grpc, 1), (Compat::Native, 0)] {
        let mut wishes = Wishes::default();
        wishes.options.compat = compat;
        let secure = Secure::with(wishes);
        let protocols = [agora::session::Protocol::Native, agora::session::Protocol::Grpc];
        for (at, protocol) in protocols.into_iter().enumerate() {
            let result = secure.channel(protocol).unary(ECHO, b"", &within(LONG));
            assert_eq!(result.is_ok(), at == spoken, "{compat:?} {protocol:?} {result:?}");
        }
    }
}

#[test]
fn a_client_presents_its_certificate_where_one_is_required() {
    both(|protocol| {
        let wishes = Wishes { client_certificates: true, ..Wishes::default() };
        let secure = Secure::with(wishes);
        let call = |options| {
            let channel = Channel::new(&secure.address(), options).unwrap();
            channel.unary(ECHO, b"x", &within(LONG))
        };
        assert_eq!(call(secure.options(protocol)).unwrap_err().code, Code::Unavailable);
        let shown = |authority: &Authority| {
            let issued = authority.issue("client", &["someone"]);
            let tls = ClientTls::load(&secure.authority.ca(), None, Some(issued.files()));
            let mut options = secure.options(protocol);
            options.tls = Some(tls.unwrap());
            call(options)
        };
        assert_eq!(shown(&secure.authority).unwrap(), b"x");
        assert_eq!(shown(&Authority::new()).unwrap_err().code, Code::Unavailable);
    });
}
