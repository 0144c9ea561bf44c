//! A client and a server session connected in memory, in virtual time.

use std::sync::Arc;
use std::time::Duration;

use super::{ClientSession, Compat, Protocol, ServerSession};
use crate::call::{CallId, CallStart, ClientSink, Limits, Metadata, ServerSink, Status};

/// All events that both sides reported, as text.
#[derive(Default)]
struct Events(Vec<String>);

impl ServerSink for Events {
    fn call(&mut self, start: CallStart<'_>) {
        self.0.push(format!("server: call {} {:?}", start.path, start.timeout));
    }

    fn message(&mut self, _: CallId, message: &[u8], last: bool) {
        let last = if last { " last" } else { "" };
        self.0.push(format!("server: message {}{last}", message.escape_ascii()));
    }

    fn half_close(&mut self, _: CallId) {
        self.0.push("server: half-close".into());
    }

    fn cancelled(&mut self, _: CallId, status: Status) {
        self.0.push(format!("server: cancelled {}", status.code));
    }

    fn writable(&mut self, _: CallId) {}
}

impl ClientSink for Events {
    fn headers(&mut self, _: CallId, _: &Metadata) {}

    fn message(&mut self, _: CallId, message: &[u8]) {
        self.0.push(format!("client: message {}", message.escape_ascii()));
    }

    fn finished(&mut self, _: CallId, status: Status, _: bool) {
        self.0.push(format!("client: finished {}", status.code));
    }

    fn writable(&mut self, _: CallId) {}
}

struct Pair {
    now: Duration,
    client: ClientSession,
    server: ServerSession,
    events: Events,
}

impl Pair {
    fn new(protocol: Protocol) -> Pair {
        let now = Duration::from_secs(1000);
        let client = ClientSession::new(protocol, "host:1", false, &Limits::DEFAULT, now);
        let server = ServerSession::new(&Limits::DEFAULT, Compat::Both, &Arc::default(), now);
        Pair { now, client, server, events: Events::default() }
    }

    /// Carries bytes both ways, one at a time, until nothing moves.
    fn settle(&mut self) {
        while !self.client.output().is_empty() || !self.server.output().is_empty() {
            for byte in std::mem::take(&mut self.client.output().to_vec()) {
                self.client.consume_output(1);
                self.server.receive(self.now, &[byte], &mut self.events);
            }
            for byte in std::mem::take(&mut self.server.output().to_vec()) {
                self.server.consume_output(1);
                self.client.receive(self.now, &[byte], &mut self.events);
            }
        }
    }

    fn call(&mut self, timeout: Option<Duration>) -> CallId {
        let call = self.client.start(self.now, "/a.B/C", &Metadata::new(), timeout).unwrap();
        self.client.send_message(call, b"hi", true).unwrap();
        self.settle();
        call
    }

    /// A server's timer fires, which closes the connection: the client at once, the server then.
    fn end_gracefully(&mut self) {
        assert!(self.server.next_timeout() <= self.now);
        self.server.handle_timeout(self.now, &mut self.events);
        self.settle();
        assert!(self.client.is_closed());
        self.now += S;
        if !self.server.is_closed() {
            assert!(self.server.next_timeout() <= self.now);
            self.server.handle_timeout(self.now, &mut self.events);
        }
        assert!(self.server.is_closed());
    }

    fn take_events(&mut self) -> Vec<String> {
        std::mem::take(&mut self.events.0)
    }
}

fn both(events: impl Fn(Pair)) {
    for protocol in [Protocol::Native, Protocol::Grpc] {
        eprintln!("over {protocol:?}");
        events(Pair::new(protocol));
    }
}

const S: Duration = Duration::from_secs(1);

#[test]
fn a_call_goes_through_in_any_fragments() {
    both(|mut pair| {
        let call = pair.call(None);
        assert_eq!(pair.take_events(), ["server: call /a.B/C None", "server: message hi last"]);
        pair.server.send_message(call, b"ho").unwrap();
        pair.server.finish(call, &Status::OK).unwrap();
        pair.settle();
        assert_eq!(pair.take_events(), ["client: message ho", "client: finished OK"]);
        assert_eq!((pair.client.open_calls(), pair.server.open_calls()), (0, 0));
        assert!(pair.server.finish(call, &Status::OK).is_err());
    });
}

#[test]
fn the_server_ends_a_call_at_its_deadline() {
    both(|mut pair| {
        pair.call(Some(3 * S));
        assert_eq!(pair.take_events()[0], "server: call /a.B/C Some(3s)");
        assert!(pair.server.next_timeout() <= pair.now + 3 * S);
        pair.now += 2 * S;
        pair.server.handle_timeout(pair.now, &mut pair.events);
        assert_eq!(pair.take_events(), [""; 0]);
        pair.now += S;
        pair.server.handle_timeout(pair.now, &mut pair.events);
        assert_eq!(pair.take_events(), ["server: cancelled DEADLINE_EXCEEDED"]);
        pair.settle();
        assert_eq!(pair.take_events(), ["client: finished DEADLINE_EXCEEDED"]);
    });
}

#[test]
fn the_client_ends_a_call_at_its_deadline() {
    both(|mut pair| {
        pair.call(Some(3 * S));
        pair.take_events();
        pair.now += 3 * S;
        assert!(pair.client.next_timeout() <= pair.now);
        pair.client.handle_timeout(pair.now, &mut pair.events);
        assert_eq!(pair.take_events(), ["client: finished DEADLINE_EXCEEDED"]);
        pair.settle();
        assert_eq!(pair.take_events(), ["server: cancelled CANCELLED"]);
    });
}

#[test]
fn a_server_that_answers_pings_is_kept_and_one_that_does_not_is_dropped() {
    both(|mut pair| {
        pair.call(None);
        pair.take_events();
        for _ in 0..5 {
            pair.now += Limits::DEFAULT.keepalive_interval;
            pair.client.handle_timeout(pair.now, &mut pair.events);
            pair.settle();
        }
        assert_eq!((pair.take_events(), pair.client.is_closed()), (vec![], false));
        pair.now += Limits::DEFAULT.keepalive_interval;
        pair.client.handle_timeout(pair.now, &mut pair.events);
        pair.now += Limits::DEFAULT.keepalive_timeout;
        pair.client.handle_timeout(pair.now, &mut pair.events);
        assert_eq!(pair.take_events(), ["client: finished UNAVAILABLE"]);
        assert!(pair.client.is_closed());
    });
}

#[test]
fn an_idle_connection_is_ended_by_the_server() {
    both(|mut pair| {
        let call = pair.call(None);
        pair.server.finish(call, &Status::OK).unwrap();
        pair.settle();
        pair.now += Limits::DEFAULT.idle_timeout;
        pair.end_gracefully();
    });
}

#[test]
fn after_go_away_a_session_closes_with_its_last_call() {
    both(|mut pair| {
        let call = pair.call(None);
        pair.server.go_away(pair.now);
        pair.settle();
        assert!(!pair.server.is_closed());
        pair.server.finish(call, &Status::OK).unwrap();
        pair.settle();
        assert!(pair.server.is_closed());
        assert!(pair.client.start(pair.now, "/a.B/C", &Metadata::new(), None).is_err());
    });
}

#[test]
fn a_client_that_does_not_acknowledge_go_away_is_closed() {
    both(|mut pair| {
        let call = pair.call(None);
        pair.server.finish(call, &Status::OK).unwrap();
        pair.settle();
        pair.server.go_away(pair.now);
        pair.now += S;
        assert!(pair.server.is_closed() || pair.server.next_timeout() <= pair.now);
        pair.server.handle_timeout(pair.now, &mut pair.events);
        assert!(pair.server.is_closed());
    });
}

#[test]
fn a_peer_that_does_not_read_is_dropped() {
    both(|mut pair| {
        let call = pair.call(None);
        pair.take_events();
        pair.server.send_message(call, b"never read").unwrap();
        pair.server.write_blocked(pair.now);
        pair.now += Limits::DEFAULT.write_stall_timeout;
        assert!(pair.server.next_timeout() <= pair.now);
        pair.server.handle_timeout(pair.now, &mut pair.events);
        assert_eq!(pair.take_events(), ["server: cancelled UNAVAILABLE"]);
        assert!(pair.server.is_closed() && pair.server.output().is_empty());
    });
}

#[test]
fn a_lost_connection_ends_the_calls_of_both_sides() {
    both(|mut pair| {
        pair.call(Some(9 * S));
        pair.take_events();
        pair.server.connection_lost(&mut pair.events);
        pair.client.connection_lost(&mut pair.events);
        let reported = pair.take_events();
        assert!(reported[0].starts_with("server: cancelled"), "{reported:?}");
        assert_eq!(reported[1], "client: finished UNAVAILABLE");
        pair.now += 9 * S;
        pair.server.handle_timeout(pair.now, &mut pair.events);
        assert_eq!(pair.take_events(), [""; 0]);
    });
}

#[test]
fn a_connection_without_a_preface_is_closed_after_the_timeout() {
    let mut events = Events::default();
    let mut server = ServerSession::new(&Limits::DEFAULT, Compat::Both, &Arc::default(), S);
    server.receive(2 * S, b"AG", &mut events);
    let due = S + Limits::DEFAULT.preface_timeout;
    assert_eq!(server.next_timeout(), due);
    server.handle_timeout(due, &mut events);
    assert!(server.is_closed());
}

#[test]
fn unknown_and_excluded_protocols_get_an_http1_error() {
    for (compat, first) in [
        (Compat::Both, &b"SSH-2.0-x\r\n"[..]),
        (Compat::Native, b"GET / HTTP/1.1\r\n\r\n"),
        (Compat::Native, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        (Compat::Grpc, b"AGR1"),
    ] {
        let mut server = ServerSession::new(&Limits::DEFAULT, compat, &Arc::default(), S);
        server.receive(S, first, &mut Events::default());
        assert!(server.output().starts_with(b"HTTP/1.1 400 "));
        assert!(server.is_closed());
        server.consume_output(server.output().len());
        assert!(server.output().is_empty());
    }
}

#[test]
fn an_unfinished_message_without_progress_ends_its_call_when_memory_is_short() {
    // The client's acknowledgement of SETTINGS never arrives, so that this timeout must be long.
    let preface_timeout = 100 * S;
    let limits = Limits { unfinished_message_timeout: 10 * S, preface_timeout, ..Limits::DEFAULT };
    for memory_pressure in [true, false] {
        both(|mut pair| {
            pair.server = ServerSession::new(&limits, Compat::Both, &Arc::default(), pair.now);
            pair.now += 500 * S;
            let call = pair.client.start(pair.now, "/a.B/C", &Metadata::new(), None).unwrap();
            pair.client.send_message(call, &[7; 60_000], false).unwrap();
            let sent = &pair.client.output()[..50_000];
            pair.server.receive(pair.now, sent, &mut pair.events);
            pair.server.set_memory_pressure(memory_pressure);
            assert!(pair.server.received_bytes() > 20_000);
            // The first check is due at once, and only records the message.
            for wait in [Duration::ZERO, 10 * S] {
                assert!(pair.server.received_bytes() > 0);
                assert!(pair.server.next_timeout() <= pair.now + wait);
                pair.now += wait;
                pair.server.handle_timeout(pair.now, &mut pair.events);
                assert!(pair.server.next_timeout() > pair.now);
            }
            // Over gRPC the beginning of a frame is left.
            assert_eq!(pair.server.received_bytes() < 16_384 + 9, memory_pressure);
            assert!(!pair.server.is_closed());
        });
    }
}

#[test]
fn pings_do_not_keep_an_idle_connection() {
    both(|mut pair| {
        let call = pair.call(None);
        pair.server.finish(call, &Status::OK).unwrap();
        pair.settle();
        let opened = pair.now;
        while pair.now < opened + Limits::DEFAULT.idle_timeout - 4 * S {
            pair.now += Limits::DEFAULT.idle_timeout / 3 - S;
            pair.server.receive(pair.now, &[], &mut pair.events);
            pair.server.handle_timeout(pair.now, &mut pair.events);
        }
        assert!(!pair.server.is_closed());
        assert_eq!(pair.server.idle_since(), Some(opened));
        pair.now = opened + Limits::DEFAULT.idle_timeout;
        pair.end_gracefully();
    });
}

#[test]
fn a_long_call_counts_as_activity_until_its_end() {
    both(|mut pair| {
        let call = pair.call(None);
        pair.now += 3 * Limits::DEFAULT.idle_timeout;
        assert_eq!(pair.server.idle_since(), None);
        pair.server.finish(call, &Status::OK).unwrap();
        pair.server.notice_end_of_calls(pair.now);
        pair.settle();
        assert_eq!(pair.server.idle_since(), Some(pair.now));
        assert_eq!(pair.server.next_timeout().min(pair.now + 60 * S), pair.now + 60 * S);
    });
}

#[test]
fn a_refused_client_learns_the_reason() {
    both(|mut pair| {
        pair.server.refuse("come back later");
        let call = pair.client.start(pair.now, "/a.B/C", &Metadata::new(), None).unwrap();
        pair.client.send_message(call, b"hi", true).unwrap();
        pair.settle();
        assert!(pair.server.is_closed());
        assert_eq!(pair.events.0.len(), 1, "{:?}", pair.events.0);
        assert!(pair.events.0[0].starts_with("client: finished"));
    });
}

#[test]
fn a_connection_that_begins_while_memory_is_short_is_limited_as_well() {
    both(|mut pair| {
        pair.server.limit_unfinished(Some(1000));
        let call = pair.client.start(pair.now, "/a.B/C", &Metadata::new(), None).unwrap();
        pair.client.send_message(call, &[7; 60_000], true).unwrap();
        let all = pair.client.output().to_vec();
        for piece in all[..50_000].chunks(10_000) {
            pair.server.receive(pair.now, piece, &mut pair.events);
        }
        assert!(pair.server.received_bytes() <= 11_000, "{}", pair.server.received_bytes());
    });
}

#[test]
fn a_connection_that_does_not_confirm_its_end_takes_no_further_calls() {
    both(|mut pair| {
        let call = pair.call(None);
        pair.server.end_at(pair.now + S);
        assert!(pair.server.next_timeout() <= pair.now + S);
        pair.now += S;
        pair.server.handle_timeout(pair.now, &mut pair.events);
        pair.server.consume_output(pair.server.output().len());
        assert!(pair.server.next_timeout() <= pair.now + S);
        pair.now += S;
        pair.server.handle_timeout(pair.now, &mut pair.events);
        pair.take_events();
        let late = pair.client.start(pair.now, "/a.B/Late", &Metadata::new(), None).unwrap();
        pair.client.send_message(late, b"hi", true).unwrap();
        pair.server.receive(pair.now, pair.client.output(), &mut pair.events);
        assert_eq!(pair.take_events(), [""; 0]);
        // The open call has the grace period.
        pair.now += Limits::DEFAULT.max_connection_age_grace - 2 * S;
        pair.server.handle_timeout(pair.now, &mut pair.events);
        assert!(!pair.server.is_closed() && pair.server.queued(call) == 0);
        pair.now += S;
        pair.server.handle_timeout(pair.now, &mut pair.events);
        assert_eq!(pair.take_events(), ["server: cancelled UNAVAILABLE"]);
        assert!(pair.server.is_closed());
    });
}

#[test]
fn a_client_that_pings_without_calls_is_told_to_stop() {
    let mut grpc = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    grpc.extend_from_slice(b"\0\0\0\x04\x01\0\0\0\0");
    let mut native = b"AGR1".to_vec();
    let pair = Pair::new(Protocol::Native);
    native.extend_from_slice(&pair.client.output()[4..]);
    let pings = [&b"\0\0\x08\x06\0\0\0\0\0pingping"[..], b"\0\0\0\x08\x0a\0\0\0\0pingping"];
    for (beginning, ping) in [grpc, native].iter().zip(pings) {
        let (mut server, mut events) = (
            ServerSession::new(&Limits::DEFAULT, Compat::Both, &Arc::default(), S),
            Events::default(),
        );
        server.receive(S, beginning, &mut events);
        for _ in 0..3 {
            server.receive(S, ping, &mut events);
            assert!(!server.is_closed());
        }
        server.receive(S, ping, &mut events);
        assert!(server.is_closed());
        let output = String::from_utf8_lossy(server.output()).into_owned();
        assert!(output.contains("too_many_pings"), "{output:?}");
        // A peer may ping as often as it likes.
        let mut server = ServerSession::new(&Limits::DEFAULT, Compat::Both, &Arc::default(), S);
        server.receive(S, beginning, &mut events);
        server.tighten_keepalive(S, S);
        for _ in 0..50 {
            server.receive(S, ping, &mut events);
        }
        assert!(!server.is_closed());
    }
}
