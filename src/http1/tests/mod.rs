//! Tests of a connection in memory: bytes in, events and bytes out.

mod bodies;
mod connections;
mod heads;
mod hostile;
mod timing;
mod unobserved;

use std::sync::Arc;
use std::time::Duration;

use super::ServerConnection;
use crate::call::{
    CallId, CallStart, Limits, ResourceRequest, ResourceResponse, ServerSink, Status,
};
use crate::exchange::Site;

const START: Duration = Duration::from_secs(1000);
const S: Duration = Duration::from_secs(1);

/// What was reported, and the requests that are to be answered.
#[derive(Default)]
struct App {
    events: Vec<String>,
    open: Vec<CallId>,
}

impl ServerSink for App {
    fn call(&mut self, start: CallStart<'_>) {
        self.events.push(format!("call {}", start.path));
        self.open.push(start.call);
    }

    fn resource(&mut self, call: CallId, request: ResourceRequest<'_>) {
        let ResourceRequest { path, query, accept, if_none_match } = request;
        self.events.push(format!("{path} {query} {accept} {if_none_match}").trim_end().to_owned());
        self.open.push(call);
    }

    fn message(&mut self, _: CallId, message: &[u8], last: bool) {
        self.events.push(format!("message {} {last}", message.escape_ascii()));
    }

    fn half_close(&mut self, _: CallId) {
        self.events.push("half-close".to_owned());
    }

    fn cancelled(&mut self, call: CallId, status: Status) {
        self.open.retain(|open| *open != call);
        self.events.push(format!("cancelled {}", status.code));
    }

    fn writable(&mut self, _: CallId) {
        self.events.push("writable".to_owned());
    }
}

/// A connection with a client that sends bytes, and an application that answers with its path's length.
struct Peer {
    connection: ServerConnection,
    app: App,
    unused: Vec<u8>,
    /// Requests are answered as soon as they are reported.
    answers: bool,
}

impl Peer {
    fn new(limits: &Limits) -> Peer {
        let connection = ServerConnection::new(limits, &Arc::new(Site::default()));
        Peer { connection, app: App::default(), unused: Vec::new(), answers: true }
    }

    fn send_at(&mut self, now: Duration, bytes: &[u8]) {
        self.unused.extend_from_slice(bytes);
        loop {
            let used = self.connection.receive(now, &self.unused, &mut self.app);
            self.unused.drain(..used);
            if self.answers {
                self.answer_all();
            }
            if !self.connection.has_events() {
                break;
            }
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        self.send_at(START, bytes);
    }

    fn answer_all(&mut self) {
        for call in std::mem::take(&mut self.app.open) {
            self.connection.respond(call, &ResourceResponse::text(200, "hi")).unwrap();
        }
    }

    /// What was sent since it was last taken.
    fn take_output(&mut self) -> String {
        let output = String::from_utf8(self.connection.output().to_vec()).unwrap();
        self.connection.consume_output(output.len());
        output
    }

    /// The status codes of the responses in what was sent.
    fn take_statuses(&mut self) -> Vec<u16> {
        statuses(&self.take_output())
    }

    fn events(&mut self) -> Vec<String> {
        std::mem::take(&mut self.app.events)
    }
}

/// The status codes of all responses.
fn statuses(output: &str) -> Vec<u16> {
    let heads = output.split("HTTP/1.1 ").skip(1);
    heads.filter_map(|head| head.get(..3)?.parse().ok()).collect()
}

/// Sends bytes at once and again byte by byte, which must not make a difference. Returns the statuses of
/// the responses, what was reported, and whether the connection has ended.
fn outcome(bytes: &[u8]) -> (Vec<u16>, Vec<String>, bool) {
    let run = |chunk: usize| {
        let mut peer = Peer::new(&Limits::DEFAULT);
        bytes.chunks(chunk).for_each(|chunk| peer.send(chunk));
        let mut statuses = peer.take_statuses();
        // Whether the client has to wait depends on what has arrived.
        statuses.retain(|status| *status != 100);
        (statuses, peer.events(), peer.connection.is_closed())
    };
    let whole = run(bytes.len().max(1));
    assert_eq!(run(1), whole, "byte by byte: {}", bytes.escape_ascii());
    whole
}

/// A request that is served, with further lines in its head.
fn get_with(lines: &str) -> Vec<u8> {
    format!("GET /a HTTP/1.1\r\nHost: x\r\n{lines}\r\n").into_bytes()
}

/// Asserts that bytes are answered by one response with this status, which ends the connection, and
/// that nothing behind them is answered: it may be smuggled.
fn assert_refused(bytes: &[u8], status: u16) {
    let behind = [bytes, b"GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n"].concat();
    let (statuses, events, closed) = outcome(&behind);
    assert_eq!(statuses, [status], "{}", bytes.escape_ascii());
    assert!(closed && !events.iter().any(|event| event.contains("smuggled")), "{events:?}");
}

/// Asserts that bytes are one request that is served, and that the connection persists behind it.
fn assert_served(bytes: &[u8]) {
    let behind = [bytes, b"GET /next HTTP/1.1\r\nhost: x\r\n\r\n"].concat();
    let (statuses, events, closed) = outcome(&behind);
    assert_eq!(statuses, [200, 200], "{}", bytes.escape_ascii());
    assert!(!closed && events.last().is_some_and(|event| event == "/next"), "{events:?}");
}
