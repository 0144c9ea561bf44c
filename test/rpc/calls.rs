//! Calls of every shape.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use agora::call::{CallId, ClientSink, Code, Limits, Metadata, Status};
use agora::rpc::{CallOptions, Received};
use agora::session::ClientSession;

use crate::fixture::*;

#[test]
fn a_unary_call_is_answered_at_once_or_later() {
    both(|protocol| {
        let server = Fixture::new();
        let channel = server.channel(protocol);
        for method in [ECHO, LATER] {
            assert_eq!(channel.unary(method, b"hello", &within(LONG)).unwrap(), b"hello");
            assert_eq!(channel.unary(method, b"", &within(LONG)).unwrap(), b"");
        }
    });
}

#[test]
fn a_short_handler_runs_on_the_servers_thread() {
    both(|protocol| {
        let server = Fixture::new();
        let channel = server.channel(protocol);
        let own = channel.unary(WHERE, b"", &within(LONG)).unwrap();
        let thread_of = |request| channel.unary(MAYBE_SHORT, request, &within(LONG));
        assert_eq!(thread_of(b"brief").unwrap(), own);
        let other = thread_of(b"not brief").unwrap();
        assert_ne!(other, own);
        // Each runs its work after the call on its own thread.
        eventually("the rest", || *server.seen.afterwards.lock().unwrap() == other);
        assert_eq!(thread_of(b"brief").unwrap(), own);
        eventually("the rest", || *server.seen.afterwards.lock().unwrap() == own);
        assert_eq!(thread_of(b"panic").unwrap_err().code, Code::Internal);
        assert_eq!(thread_of(b"brief").unwrap(), own, "the server has survived");
    });
}

#[test]
fn a_server_streams() {
    both(|protocol| {
        let server = Fixture::new();
        let mut call = server.channel(protocol).start(COUNT, &within(LONG)).unwrap();
        call.send_last(b"four").unwrap();
        let mut lengths = Vec::new();
        while let Some(message) = call.receive().unwrap() {
            lengths.push(message.len());
        }
        assert_eq!(lengths, [1, 2, 3, 4]);
        assert_eq!(call.receive().unwrap(), None, "the end stays the end");
    });
}

#[test]
fn a_client_streams() {
    both(|protocol| {
        let server = Fixture::new();
        let mut call = server.channel(protocol).start(SUM, &within(LONG)).unwrap();
        for message in [&b"12"[..], b"", b"345"] {
            call.send(message).unwrap();
        }
        call.half_close().unwrap();
        assert_eq!(call.receive().unwrap().unwrap(), b"5");
        assert_eq!(call.receive().unwrap(), None);
    });
}

#[test]
fn both_sides_stream_in_turn() {
    both(|protocol| {
        let server = Fixture::new();
        let mut call = server.channel(protocol).start(CHAT, &within(LONG)).unwrap();
        for word in ["ping", "pong", ""] {
            call.send(word.as_bytes()).unwrap();
            assert_eq!(call.receive().unwrap().unwrap(), word.as_bytes());
        }
        let soon = std::time::Instant::now() + Duration::from_millis(20);
        assert_eq!(call.receive_until(Some(soon)).unwrap(), Received::NotYet);
        call.half_close().unwrap();
        assert_eq!(call.receive().unwrap(), None);
        assert!(call.send(b"too late").is_err());
    });
}

#[test]
fn an_error_carries_code_message_and_details() {
    both(|protocol| {
        let server = Fixture::new();
        let message = "caf\u{e9} 100%\n";
        let error = server.channel(protocol).unary(FAIL, message.as_bytes(), &within(LONG));
        let status = error.unwrap_err();
        assert_eq!((status.code, status.message.as_str()), (Code::Aborted, message));
        let details = status.metadata.get("grpc-status-details-bin");
        assert_eq!(details, Some(&b"\x00rich\xff"[..]));
    });
}

#[test]
fn metadata_is_sent_both_ways() {
    both(|protocol| {
        let server = Fixture::new();
        let mut metadata = Metadata::new();
        metadata.insert("x-name", b"value with spaces").unwrap();
        metadata.insert("x-raw-bin", &[0, 255, b',']).unwrap();
        metadata.insert("x-name", b"again").unwrap();
        let options = CallOptions { metadata: metadata.clone(), ..within(LONG) };
        let channel = server.channel(protocol);
        let response = channel.unary_with_metadata(METADATA, b"", &options).unwrap();
        assert_eq!(response.headers, metadata);
        assert_eq!(response.trailers, metadata);
    });
}

#[test]
fn an_unknown_method_is_unimplemented() {
    both(|protocol| {
        let server = Fixture::new();
        let error = server.channel(protocol).unary("/test.Echo/Nothing", b"", &within(LONG));
        let status = error.unwrap_err();
        assert_eq!(status.code, Code::Unimplemented);
        assert!(status.message.contains("/test.Echo/Nothing"), "{status}");
    });
}

/// How a call has ended.
struct End(Option<Code>);

impl ClientSink for End {
    fn headers(&mut self, _: CallId, _: &Metadata) {}

    fn message(&mut self, _: CallId, _: &[u8]) {}

    fn finished(&mut self, _: CallId, status: Status, _: bool) {
        self.0 = Some(status.code);
    }

    fn writable(&mut self, _: CallId) {}
}

#[test]
fn a_unary_method_takes_exactly_one_request() {
    both(|protocol| {
        let server = Fixture::new();
        let channel = server.channel(protocol);
        let mut none = channel.start(ECHO, &within(LONG)).unwrap();
        none.half_close().unwrap();
        assert_eq!(none.receive().unwrap_err().code, Code::Unimplemented);
        // Two requests that arrive together are refused. A request after the answer is dropped.
        let mut socket = TcpStream::connect(server.address).unwrap();
        let now = Duration::ZERO;
        let mut session = ClientSession::new(protocol, "test", false, &Limits::DEFAULT, now);
        let call = session.start(now, ECHO, &Metadata::new(), None).unwrap();
        session.send_message(call, b"one", false).unwrap();
        session.send_message(call, b"two", true).unwrap();
        socket.write_all(session.output()).unwrap();
        let written = session.output().len();
        session.consume_output(written);
        let mut end = End(None);
        let mut buffer = [0; 4096];
        while end.0.is_none() {
            let count = socket.read(&mut buffer).unwrap();
            assert!(count > 0, "the connection has ended");
            session.receive(now, &buffer[..count], &mut end);
        }
        assert_eq!(end.0, Some(Code::Unimplemented));
        let mut late = channel.start(ECHO, &within(LONG)).unwrap();
        late.send(b"one").unwrap();
        assert_eq!(late.receive().unwrap().unwrap(), b"one", "without waiting for the end");
        let _ = late.send_last(b"two");
        assert_eq!(channel.unary(ECHO, b"next", &within(LONG)).unwrap(), b"next");
    });
}

#[test]
fn a_message_of_four_mebibytes_passes_and_one_byte_more_does_not() {
    both(|protocol| {
        let server = Fixture::new();
        let channel = server.channel(protocol);
        let mut message = vec![7; 4 * 1024 * 1024];
        assert!(channel.unary(ECHO, &message, &within(LONG)).unwrap() == message);
        message.push(7);
        let status = channel.unary(ECHO, &message, &within(LONG)).unwrap_err();
        assert_eq!(status.code, Code::ResourceExhausted);
        assert_eq!(channel.unary(ECHO, b"still here", &within(LONG)).unwrap(), b"still here");
    });
}

#[test]
fn many_threads_share_one_connection() {
    both(|protocol| {
        let server = Fixture::new();
        let channel = server.channel(protocol);
        std::thread::scope(|scope| {
            for thread in 0..32_u32 {
                let channel = channel.clone();
                scope.spawn(move || {
                    for n in 0..100_u32 {
                        let method = if n % 2 == 0 { ECHO } else { LATER };
                        let message = [thread.to_be_bytes(), n.to_be_bytes()].concat();
                        assert_eq!(
                            channel.unary(method, &message, &within(LONG)).unwrap(),
                            message
                        );
                    }
                });
            }
        });
    });
}

#[test]
fn calls_beyond_the_servers_limit_wait() {
    both(|protocol| {
        let server = Fixture::new();
        let channel = server.channel(protocol);
        let mut open: Vec<_> =
            (0..100).map(|_| channel.start(CHAT, &within(LONG)).unwrap()).collect();
        open[0].send(b"settled").unwrap();
        open[0].receive().unwrap();
        let soon = channel.start(CHAT, &within(Duration::from_millis(50)));
        assert_eq!(soon.err().unwrap().code, Code::DeadlineExceeded);
        let waiting = std::thread::spawn({
            let channel = channel.clone();
            // Shorter than the deadlines of the open calls, whose end would free a slot as well.
            move || channel.unary(ECHO, b"my turn", &within(LONG / 2))
        });
        open.truncate(50);
        assert_eq!(waiting.join().unwrap().unwrap(), b"my turn");
    });
}

#[test]
fn the_slot_of_a_cancelled_call_is_used_at_once() {
    both(|protocol| {
        let server = Fixture::new();
        let channel = server.channel(protocol);
        let mut open: Vec<_> =
            (0..100).map(|_| channel.start(NEVER, &within(LONG)).unwrap()).collect();
        assert!(channel.start(ECHO, &within(Duration::from_millis(50))).is_err());
        let began = std::time::Instant::now();
        let (begun, begins) = std::sync::mpsc::channel();
        let waiting = std::thread::spawn({
            let channel = channel.clone();
            move || {
                begun.send(thread_folder()).unwrap();
                channel.unary(ECHO, b"my turn", &within(LONG))
            }
        });
        // It waits for the connection once it sleeps.
        let waiting_thread = begins.recv_timeout(LONG).unwrap();
        eventually("it sleeps", || is_asleep(&waiting_thread));
        open.truncate(99);
        assert_eq!(waiting.join().unwrap().unwrap(), b"my turn");
        assert!(began.elapsed() < LONG / 2);
    });
}

#[test]
fn headers_can_be_read_at_any_time_and_repeatedly() {
    both(|protocol| {
        let server = Fixture::new();
        let mut options = within(LONG);
        options.metadata.insert("x-colour", b"blue").unwrap();
        let channel = server.channel(protocol);
        for before_the_end in [true, false] {
            let mut call = channel.start(METADATA, &options).unwrap();
            call.send_last(b"").unwrap();
            if before_the_end {
                assert_eq!(call.headers().get("x-colour"), Some(&b"blue"[..]));
            }
            while call.receive().unwrap().is_some() {}
            for _ in 0..2 {
                assert_eq!(call.headers().get("x-colour"), Some(&b"blue"[..]));
            }
        }
        let mut refused = channel.start("/test.Echo/Nothing", &within(LONG)).unwrap();
        refused.half_close().unwrap();
        assert!(refused.headers().is_empty());
        assert_eq!(refused.receive().unwrap_err().code, Code::Unimplemented);
        assert!(refused.headers().is_empty());
    });
}

#[test]
fn a_cancelled_call_is_over_on_both_sides() {
    both(|protocol| {
        let server = Fixture::new();
        let channel = server.channel(protocol);
        let mut call = channel.start(CHAT, &within(LONG)).unwrap();
        call.send(b"never read").unwrap();
        assert_eq!(call.receive().unwrap().unwrap(), b"never read");
        call.send(b"on its way").unwrap();
        call.cancel();
        assert_eq!(call.receive().unwrap_err().code, Code::Cancelled);
        assert_eq!(call.send(b"too late").unwrap_err().code, Code::Cancelled);
        call.cancel();
        let mut silent = channel.start(NEVER, &within(LONG)).unwrap();
        silent.send_last(b"").unwrap();
        silent.cancel();
        let told = || server.seen.cancelled.load(std::sync::atomic::Ordering::Relaxed);
        eventually("the handler is told", || told() == 1);
        let mut ended = channel.start(ECHO, &within(LONG)).unwrap();
        ended.send_last(b"x").unwrap();
        while ended.receive().unwrap().is_some() {}
        ended.cancel();
        assert_eq!(ended.receive().unwrap(), None, "an end stays the end");
    });
}

#[test]
fn ten_thousand_empty_messages_pass_both_ways() {
    both(|protocol| {
        let server = Fixture::new();
        let mut call = server.channel(protocol).start(CHAT, &within(LONG)).unwrap();
        for _ in 0..10_000 {
            call.send(b"").unwrap();
            assert_eq!(call.receive().unwrap().unwrap(), b"");
        }
        call.half_close().unwrap();
        assert_eq!(call.receive().unwrap(), None);
    });
}

#[test]
fn a_deferrable_call_is_answered_at_once_later_or_with_an_error() {
    both(|protocol| {
        let server = Fixture::new();
        let channel = server.channel(protocol);
        assert_eq!(channel.unary(EITHER, b"now", &within(LONG)).unwrap(), b"now");
        assert_eq!(channel.unary(EITHER, b"later", &within(LONG)).unwrap(), b"later");
        for (request, code) in [(&b"refuse"[..], Code::Aborted), (b"forget", Code::Internal)] {
            let error = channel.unary(EITHER, request, &within(LONG)).unwrap_err();
            assert_eq!(error.code, code, "{error}");
        }
        assert_eq!(channel.unary(EITHER, b"now", &within(LONG)).unwrap(), b"now");
    });
}
