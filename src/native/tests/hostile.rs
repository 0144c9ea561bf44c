//! Damaged conversations for both roles: no panic, no end without a reason, bounded output and
//! memory, and an application that hears a sensible story.

use std::collections::BTreeMap;
use std::time::Duration;

use super::pair::Pair;
use super::{START, metadata, tight};
use crate::call::{
    CallEnded, CallId, CallStart, ClientSink, Code, Limits, Metadata, ServerSink, Status,
};
use crate::native::{ClientConnection, ServerConnection};
use crate::seed::{Seed, each_seed};

/// What each side sends in a conversation with something of everything.
fn recorded() -> (Vec<u8>, Vec<u8>) {
    let mut pair = Pair::new(&tight(), &tight());
    let list = metadata(&[("user", b"ann"), ("trace-bin", b"\0\xff")]);
    let timeout = Some(Duration::from_secs(3));
    let unary = pair.client.start("/a/Unary", &list, timeout).unwrap();
    pair.client.send_message(unary, b"question", true).unwrap();
    let stream = pair.client.start("/a/Stream", &Metadata::new(), None).unwrap();
    pair.client.send_message(stream, b"one", false).unwrap();
    pair.settle();
    pair.server.send_message(unary, b"answer").unwrap();
    pair.server.finish(unary, &Status::OK).unwrap();
    pair.server.send_headers(stream, &list).unwrap();
    pair.server.send_message(stream, &[9; 40_000]).unwrap();
    pair.client.send_message(stream, &[8; 40_000], false).unwrap();
    let given_up = pair.client.start("/a/Unary", &Metadata::new(), None).unwrap();
    pair.settle();
    pair.client.message_taken(stream, 40_000);
    pair.server.message_taken(stream, 40_000);
    pair.client.cancel(given_up);
    pair.client.ping();
    pair.server.ping();
    pair.settle();
    pair.client.half_close(stream).unwrap();
    let status = Status { code: Code::Aborted, message: "enough".into(), metadata: list };
    pair.server.finish(stream, &status).unwrap();
    pair.server.go_away("");
    pair.settle();
    pair.sent
}

/// An application that checks that what it hears makes sense, and remembers what to answer.
#[derive(Default)]
struct Strict {
    /// Calls that are open, and whether the peer has half-closed.
    open: BTreeMap<CallId, bool>,
    unconsumed: Vec<(CallId, usize)>,
}

impl ServerSink for Strict {
    fn call(&mut self, start: CallStart<'_>) {
        assert!(start.path.starts_with('/'));
        assert!(self.open.last_key_value().is_none_or(|(last, _)| *last < start.call));
        self.open.insert(start.call, false);
    }

    fn message(&mut self, call: CallId, message: &[u8], last: bool) {
        assert_eq!(self.open.insert(call, last), Some(false));
        self.unconsumed.push((call, message.len()));
    }

    fn half_close(&mut self, call: CallId) {
        assert_eq!(self.open.insert(call, true), Some(false));
    }

    fn cancelled(&mut self, call: CallId, status: Status) {
        assert!(self.open.remove(&call).is_some());
        assert!(!status.is_ok());
    }

    fn writable(&mut self, call: CallId) {
        assert!(self.open.contains_key(&call));
    }
}

impl ClientSink for Strict {
    fn headers(&mut self, call: CallId, _: &Metadata) {
        assert_eq!(self.open.insert(call, true), Some(false), "once and first");
    }

    fn message(&mut self, call: CallId, message: &[u8]) {
        assert!(self.open.insert(call, true).is_some());
        self.unconsumed.push((call, message.len()));
    }

    fn finished(&mut self, call: CallId, _: Status, _: bool) {
        assert!(self.open.remove(&call).is_some(), "finished once");
    }

    fn writable(&mut self, call: CallId) {
        assert!(self.open.contains_key(&call));
    }
}

/// Far above what any of these conversations may cause, far below what a leak would.
const BOUND: usize = 512 * 1024;

/// Cuts `bytes` at random places and hands them to `receive`, which says what it consumed; what
/// it leaves comes again.
fn in_fragments(seed: &mut Seed, bytes: &[u8], mut receive: impl FnMut(&[u8]) -> usize) {
    let (mut start, mut end) = (0, 0);
    while end < bytes.len() {
        let step = if seed.one_in(4) { 1 + seed.below(16) } else { 1 + seed.below(50_000) };
        end = (end + step).min(bytes.len());
        start += receive(&bytes[start..end]);
        assert!(end - start < 16 * 1024 + 9 || start == 0, "{} bytes are left", end - start);
        assert!(start <= end);
    }
}

#[test]
fn a_server_survives_damaged_clients() {
    let (recorded, _) = recorded();
    let limits = Limits { max_message_bytes: 100_000, ..tight() };
    each_seed(|seed| {
        let mut bytes = recorded.clone();
        seed.mutate(&mut bytes);
        let mut server = ServerConnection::new(&limits, START);
        let mut app = Strict::default();
        let mut answers = Seed::new(seed.next_u64());
        in_fragments(seed, &bytes, |input| {
            let consumed = server.receive(START, input, &mut app);
            for (call, len) in app.unconsumed.drain(..) {
                server.message_taken(call, len);
            }
            for call in app.open.keys().copied().collect::<Vec<_>>() {
                let sent = match answers.below(6) {
                    0 => server.send_message(call, &[1; 30_000]).map_err(|_| CallEnded),
                    1 => server.send_headers(call, &Metadata::new()),
                    2 => server.finish(call, &Status::OK).inspect(|()| {
                        app.open.remove(&call);
                    }),
                    _ => Ok(()),
                };
                assert_eq!(sent, Ok(()), "an open call can be answered");
            }
            assert!(server.output().len() < BOUND && server.link.memory() < 2 * BOUND);
            if answers.one_in(2) {
                server.consume_output(answers.below(server.output().len() + 1));
            }
            consumed
        });
        server.connection_lost(&mut app);
        assert!(app.open.is_empty(), "every call has come to an end");
        assert_eq!(server.open_calls(), 0);
    });
}

#[test]
fn a_client_survives_damaged_servers() {
    let (_, recorded) = recorded();
    let limits = Limits { max_message_bytes: 100_000, ..tight() };
    each_seed(|seed| {
        let mut bytes = recorded.clone();
        seed.mutate(&mut bytes);
        let mut client = ClientConnection::new(&limits, START);
        let mut app = Strict::default();
        for n in 0..3 {
            let call = client.start("/p", &Metadata::new(), None).unwrap();
            client.send_message(call, &[0; 10], n == 0).unwrap();
            app.open.insert(call, false);
        }
        client.ping();
        let mut answers = Seed::new(seed.next_u64());
        in_fragments(seed, &bytes, |input| {
            let consumed = client.receive(START, input, &mut app);
            for (call, len) in app.unconsumed.drain(..) {
                client.message_taken(call, len);
            }
            for call in app.open.keys().copied().collect::<Vec<_>>() {
                match answers.below(12) {
                    0 => drop(client.send_message(call, &[1; 30_000], false)),
                    1 => drop(client.half_close(call)),
                    2 => {
                        client.cancel(call);
                        app.open.remove(&call);
                    }
                    _ => {}
                }
            }
            assert!(client.output().len() < BOUND && client.link.memory() < 2 * BOUND);
            if answers.one_in(2) {
                client.consume_output(answers.below(client.output().len() + 1));
            }
            consumed
        });
        client.connection_lost(&mut app);
        assert!(app.open.is_empty(), "every call has come to an end");
        assert_eq!(client.open_calls(), 0);
    });
}

/// Bytes that were never a conversation, behind a greeting that was.
#[test]
fn random_bytes_are_refused_with_a_reason() {
    let (client, server) = recorded();
    each_seed(|seed| {
        let len = 1 + seed.below(300);
        let noise = seed.bytes(len);
        let mut app = Strict::default();
        let mut server_connection = ServerConnection::new(&Limits::DEFAULT, START);
        server_connection.receive(START, &[&client[..21], &noise].concat(), &mut app);
        let mut client_connection = ClientConnection::new(&Limits::DEFAULT, START);
        client_connection.receive(START, &[&server[..23], &noise].concat(), &mut app);
        // GO_AWAY, or still waiting for the rest of something.
        let ended = |output: &[u8]| output.windows(9).any(|header| header[4..] == [12, 0, 0, 0, 0]);
        assert_eq!(server_connection.is_closed(), ended(server_connection.output()));
        assert_eq!(client_connection.is_closed(), ended(client_connection.output()));
    });
}
