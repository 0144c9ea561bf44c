//! What a call costs, without sockets: `cargo test --release native::tests::speed -- --ignored
//! --nocapture`.

use std::time::Instant;

use super::START;
use crate::call::{CallId, CallStart, ClientSink, Limits, Metadata, ServerSink, Status};
use crate::native::{ClientConnection, ServerConnection};

/// An application that does next to nothing.
#[derive(Default)]
struct Echo {
    to_answer: Vec<CallId>,
    len: usize,
    answers: usize,
}

impl ServerSink for Echo {
    fn call(&mut self, start: CallStart<'_>) {
        assert_eq!(start.path.len(), 15);
    }

    fn message(&mut self, call: CallId, message: &[u8], _: bool) {
        self.len = message.len();
        self.to_answer.push(call);
    }

    fn half_close(&mut self, _: CallId) {}
    fn cancelled(&mut self, _: CallId, _: Status) {}
    fn writable(&mut self, _: CallId) {}
}

impl ClientSink for Echo {
    fn headers(&mut self, _: CallId, _: &Metadata) {}
    fn message(&mut self, call: CallId, _: &[u8]) {
        self.to_answer.push(call);
    }

    fn finished(&mut self, _: CallId, _: Status, _: bool) {
        self.answers += 1;
    }

    fn writable(&mut self, _: CallId) {}
}

/// Nanoseconds of the client's and the server's work for a unary echo of `len` bytes, `at_once`
/// calls in flight.
fn echo(len: usize, at_once: usize, rounds: usize) -> (f64, f64) {
    let limits = Limits { max_concurrent_calls: at_once as u32, ..Limits::DEFAULT };
    let mut client = ClientConnection::new(&limits, START);
    let mut server = ServerConnection::new(&limits, START);
    let (mut asking, mut serving) = (Echo::default(), Echo::default());
    let (none, message) = (Metadata::new(), vec![7; len]);
    let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        server.receive(START, client.output(), &mut serving);
        client.consume_output(client.output().len());
        client.receive(START, server.output(), &mut asking);
        server.consume_output(server.output().len());
    }
    let (mut client_ns, mut server_ns) = (0, 0);
    for round in 0..rounds + rounds / 10 {
        let begun = Instant::now();
        for _ in 0..at_once {
            let call = client.start("/agora.Echo/Say", &none, None).unwrap();
            client.send_message(call, &message, true).unwrap();
        }
        to_server.extend_from_slice(client.output());
        client.consume_output(to_server.len());
        let asked = Instant::now();

        let consumed = server.receive(START, &to_server, &mut serving);
        assert_eq!(consumed, to_server.len());
        for call in serving.to_answer.drain(..) {
            server.message_taken(call, serving.len);
            server.send_message(call, &message).unwrap();
            server.finish(call, &Status::OK).unwrap();
        }
        to_client.extend_from_slice(server.output());
        server.consume_output(to_client.len());
        let served = Instant::now();

        let consumed = client.receive(START, &to_client, &mut asking);
        assert_eq!(consumed, to_client.len());
        for call in asking.to_answer.drain(..) {
            client.message_taken(call, len);
        }
        let ended = Instant::now();
        if round == rounds / 10 {
            (client_ns, server_ns) = (0, 0);
        }
        client_ns += (asked - begun + (ended - served)).as_nanos();
        server_ns += (served - asked).as_nanos();
        to_server.clear();
        to_client.clear();
    }
    assert_eq!(asking.answers, at_once * (rounds + rounds / 10));
    let calls = (at_once * rounds) as f64;
    (client_ns as f64 / calls, server_ns as f64 / calls)
}

#[test]
#[ignore = "measures, and proves nothing"]
fn unary_echo() {
    for (len, at_once) in [(100, 1), (100, 10), (100, 100), (4096, 10), (100, 1000)] {
        let (client, server) = echo(len, at_once, 300_000 / at_once);
        println!(
            "{len:5} bytes, {at_once:4} at once: client {client:6.1} ns, server {server:6.1} ns a call"
        );
    }
}
