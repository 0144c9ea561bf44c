//! Damaged requests: no panic, bounded output and memory, and an application that hears a sensible story.

use std::collections::BTreeSet;

use super::*;
use crate::call::Code;
use crate::seed::{Seed, each_seed};

/// Requests with something of everything.
fn recorded() -> Vec<u8> {
    [
        &get_with("accept: */*\r\nif-none-match: \"a\"\r\n")[..],
        b"\r\nHEAD /b?c=d HTTP/1.1\r\nHost: [::1]:80\r\nConnection: keep-alive\r\n\r\n",
        &get_with("content-length: 30\r\nexpect: 100-continue\r\n"),
        b"GET /x HTTP/1.1\r\nhost: y\r\n\r\n..",
        &get_with("transfer-encoding: chunked\r\n"),
        b"5;a=b\r\n12345\r\n1e\r\n012345678901234567890123456789\r\n0\r\na: b\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST /a.B/C HTTP/1.1\r\nhost: x\r\ncontent-type: application/grpc\r\n\r\n",
        b"GET http://x:80/a HTTP/1.0\r\nconnection: keep-alive\r\n\r\n",
        &get_with("connection: close\r\n"),
    ]
    .concat()
}

/// An application that checks that what it hears makes sense.
#[derive(Default)]
struct Strict {
    open: BTreeSet<CallId>,
    last: Option<CallId>,
}

impl ServerSink for Strict {
    fn call(&mut self, _: CallStart<'_>) {
        panic!("none of the requests is a call");
    }

    fn resource(&mut self, call: CallId, request: ResourceRequest<'_>) {
        assert!(request.path.starts_with('/'));
        assert!(self.open.is_empty(), "one request at a time");
        assert!(self.last.is_none_or(|last| last < call));
        self.last = Some(call);
        self.open.insert(call);
    }

    fn message(&mut self, _: CallId, _: &[u8], _: bool) {
        panic!("none of the requests is a call");
    }

    fn half_close(&mut self, _: CallId) {
        panic!("none of the requests is a call");
    }

    fn cancelled(&mut self, call: CallId, status: Status) {
        assert!(self.open.remove(&call) && !status.is_ok());
    }

    fn writable(&mut self, call: CallId) {
        assert!(self.open.contains(&call));
    }
}

#[test]
fn the_recorded_requests_are_all_answered() {
    let (statuses, events, closed) = outcome(&recorded());
    assert_eq!(events.len(), 6, "{events:?}");
    assert_eq!((statuses, closed), (vec![200, 200, 200, 200, 204, 505, 200, 200], true));
}

#[test]
fn a_server_survives_damaged_requests() {
    let recorded = recorded();
    let limits = Limits {
        max_request_line_bytes: 60,
        max_header_list_bytes: 300,
        max_header_fields: 5,
        max_pipelined_bytes: 200,
        ..Limits::DEFAULT
    };
    each_seed(|seed| {
        let mut bytes = recorded.clone();
        seed.mutate(&mut bytes);
        let mut connection = ServerConnection::new(&limits, &Arc::default());
        let mut app = Strict::default();
        let mut choice = Seed::new(seed.next_u64());
        let (mut start, mut end) = (0, 0);
        while end < bytes.len() || connection.has_events() {
            let step = if choice.one_in(4) { choice.below(4) } else { choice.below(200) };
            end = (end + step).min(bytes.len());
            start += connection.receive(START, &bytes[start..end], &mut app);
            assert!(start <= end);
            if choice.one_in(2)
                && let Some(call) = app.open.pop_first()
            {
                assert!(connection.respond(call, &ResourceResponse::text(200, "hi")).is_ok());
            }
            assert!(connection.output().len() < 20_000 && connection.memory() < 40_000);
            if choice.one_in(2) {
                connection.consume_output(choice.below(connection.output().len() + 1));
            }
            if choice.one_in(50) {
                connection.handle_timeout(START + 100 * S, &mut app);
            }
        }
        end_client(&mut connection, &bytes[start..], &mut choice, &mut app);
        connection.connection_lost(&mut app);
        assert!(app.open.is_empty(), "every request has come to an end");
        assert!(connection.is_closed() && !connection.has_events());
    });
}

/// The client ends its side; what it still waits for is answered, or takes too long.
fn end_client(connection: &mut ServerConnection, rest: &[u8], choice: &mut Seed, app: &mut Strict) {
    let mut start = 0;
    let mut is_waiting = connection.end_of_input(START);
    while is_waiting && !connection.is_closed() {
        match app.open.pop_first() {
            Some(call) if choice.one_in(2) => {
                assert!(connection.respond(call, &ResourceResponse::text(200, "hi")).is_ok());
            }
            Some(call) => {
                app.open.insert(call);
                let due = connection.next_timeout();
                connection.handle_timeout(due.expect("it does not wait for ever"), app);
            }
            None => connection.consume_output(connection.output().len()),
        }
        start += connection.receive(START, &rest[start..], app);
        is_waiting = connection.end_of_input(START);
    }
}

#[test]
fn random_bytes_are_refused_with_one_response() {
    each_seed(|seed| {
        let len = 1 + seed.below(300);
        let noise = seed.bytes(len);
        let mut peer = Peer::new(&Limits::DEFAULT);
        peer.send(&noise);
        peer.send(b"\r\n\r\n\r\n\r\n");
        let output = String::from_utf8(peer.connection.output().to_vec()).unwrap();
        assert_eq!(statuses(&output), [400]);
        assert!(peer.connection.is_closed());
    });
}

/// Calls of the Connect protocol, with something of everything.
fn recorded_calls() -> Vec<u8> {
    const UNARY: &str = "/grpc.testing.TestService/UnaryCall";
    const ECHO: &str = "/agora.bench.v1.EchoService/Echo";
    const STREAM: &str = "/grpc.testing.TestService/StreamingInputCall";
    let head = |path, lines| format!("POST {path} HTTP/1.1\r\nhost: x\r\n{lines}\r\n");
    [
        head(UNARY, "content-type: application/proto\r\ncontent-length: 4\r\nx-a-bin: AAE\r\n"),
        "\x1a\x02\x12\0".to_owned(),
        head(UNARY, "content-type: application/json\r\ncontent-length: 2\r\n"),
        "{}".to_owned(),
        head(STREAM, "content-type: application/connect+proto\r\ntransfer-encoding: chunked\r\n"),
        "7\r\n\0\0\0\0\x02\x0a\0\r\n6\r\n\0\0\0\0\x02\x0a\r\n1\r\n\0\r\n0\r\n\r\n".to_owned(),
        format!("GET {ECHO}?encoding=proto&message=%0a%01a&connect=v1 HTTP/1.1\r\nhost: x\r\n\r\n"),
        head(
            UNARY,
            "content-type: application/proto\r\ncontent-length: 0\r\nconnect-timeout-ms: 10\r\n",
        ),
    ]
    .concat()
    .into_bytes()
}

/// An application that answers calls, and checks that what it hears of them makes sense.
#[derive(Default)]
struct Callee {
    open: BTreeSet<CallId>,
    calls: usize,
    messages: usize,
}

impl ServerSink for Callee {
    fn call(&mut self, start: CallStart<'_>) {
        assert!(self.open.is_empty(), "one request at a time");
        self.open.insert(start.call);
        self.calls += 1;
    }

    fn resource(&mut self, call: CallId, _: ResourceRequest<'_>) {
        assert!(self.open.is_empty(), "one request at a time");
        self.open.insert(call);
    }

    fn message(&mut self, call: CallId, message: &[u8], _: bool) {
        assert!(self.open.contains(&call) && message.len() <= 64);
        self.messages += 1;
    }

    fn half_close(&mut self, call: CallId) {
        assert!(self.open.contains(&call));
    }

    fn cancelled(&mut self, call: CallId, status: Status) {
        assert!(self.open.remove(&call) && !status.is_ok());
    }

    fn writable(&mut self, call: CallId) {
        assert!(self.open.contains(&call));
    }
}

/// Passes all bytes, in steps, and answers or ends what is open. Returns what was sent.
fn converse(site: &Arc<Site>, bytes: &[u8], choice: &mut Seed, app: &mut Callee) -> Vec<u8> {
    let limits = Limits { max_message_bytes: 64, max_pipelined_bytes: 200, ..Limits::DEFAULT };
    let mut connection = ServerConnection::new(&limits, site);
    let mut sent = Vec::new();
    let (mut start, mut end) = (0, 0);
    while end < bytes.len() || connection.has_events() {
        let step = if choice.one_in(4) { choice.below(4) } else { 1 + choice.below(200) };
        end = (end + step).min(bytes.len());
        start += connection.receive(START, &bytes[start..end], app);
        assert!(connection.received_bytes() < 20_000);
        if !choice.one_in(3)
            && let Some(call) = app.open.first().copied()
        {
            // A message that has no JSON ends its call.
            let message = *choice.pick(&[&b""[..], b"\x0a\0", b"\xff"]);
            let _ = connection.send_message(call, message);
            let status =
                if choice.one_in(2) { Status::OK } else { Status::new(Code::NotFound, "no") };
            let _ = connection.finish(call, &status);
            app.open.remove(&call);
        }
        sent.extend_from_slice(connection.output());
        connection.consume_output(connection.output().len());
    }
    connection.connection_lost(app);
    assert!(app.open.is_empty() && connection.is_closed());
    sent
}

#[test]
fn a_server_survives_damaged_calls() {
    let recorded = recorded_calls();
    // Its descriptors are read once.
    let site = Arc::default();
    let mut app = Callee::default();
    let sent = converse(&site, &recorded, &mut Seed::new(1), &mut app);
    let begun = if crate::json::IS_AVAILABLE { 5 } else { 4 };
    assert_eq!(app.calls, begun, "{}", sent.escape_ascii());
    each_seed(|seed| {
        let mut bytes = recorded.clone();
        seed.mutate(&mut bytes);
        let mut choice = Seed::new(seed.next_u64());
        let sent = converse(&site, &bytes, &mut choice, &mut Callee::default());
        assert!(sent.is_empty() || sent.starts_with(b"HTTP/1.1 "), "{}", sent.escape_ascii());
    });
}
