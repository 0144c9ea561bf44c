//! What a call costs, without sockets: `cargo test --release native::tests::speed -- --ignored
//! --nocapture`.

use std::time::{Duration, Instant};

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

/// A client and a server that have said hello, and buffers between them.
struct Bench {
    client: ClientConnection,
    server: ServerConnection,
    client_sink: Echo,
    server_sink: Echo,
    to_server: Vec<u8>,
    to_client: Vec<u8>,
}

impl Bench {
    fn new(at_once: usize) -> Bench {
        let limits = Limits { max_concurrent_calls: at_once as u32, ..Limits::DEFAULT };
        let mut bench = Bench {
            client: ClientConnection::new(&limits, START),
            server: ServerConnection::new(&limits, START),
            client_sink: Echo::default(),
            server_sink: Echo::default(),
            to_server: Vec::new(),
            to_client: Vec::new(),
        };
        bench.server.receive(START, bench.client.output(), &mut bench.server_sink);
        bench.client.consume_output(bench.client.output().len());
        bench.client.receive(START, bench.server.output(), &mut bench.client_sink);
        bench.server.consume_output(bench.server.output().len());
        bench
    }

    /// `at_once` calls, all written before any is answered. How long each side was at work.
    fn round(&mut self, message: &[u8], at_once: usize) -> (Duration, Duration) {
        let none = Metadata::new();
        let begun = Instant::now();
        for _ in 0..at_once {
            let call = self.client.start("/agora.Echo/Say", &none, None).unwrap();
            self.client.send_message(call, message, true).unwrap();
        }
        self.to_server.extend_from_slice(self.client.output());
        self.client.consume_output(self.to_server.len());
        let asked = Instant::now();

        self.server.receive(START, &self.to_server, &mut self.server_sink);
        for call in self.server_sink.to_answer.drain(..) {
            self.server.message_taken(call, self.server_sink.len);
            self.server.send_message(call, message).unwrap();
            self.server.finish(call, &Status::OK).unwrap();
        }
        self.to_client.extend_from_slice(self.server.output());
        self.server.consume_output(self.to_client.len());
        let served = Instant::now();

        self.client.receive(START, &self.to_client, &mut self.client_sink);
        for call in self.client_sink.to_answer.drain(..) {
            self.client.message_taken(call, message.len());
        }
        self.to_server.clear();
        self.to_client.clear();
        (asked - begun + served.elapsed(), served - asked)
    }
}

/// Nanoseconds of the client's and the server's work for a unary echo of `len` bytes: the quickest
/// of many rounds, since others use the machine too.
fn echo(len: usize, at_once: usize) -> (f64, f64) {
    let mut bench = Bench::new(at_once);
    let message = vec![7; len];
    let (mut client, mut server) = (Duration::MAX, Duration::MAX);
    for _ in 0..1_000_000 / at_once {
        let (asked, served) = bench.round(&message, at_once);
        client = client.min(asked);
        server = server.min(served);
    }
    assert_eq!(bench.client_sink.answers, 1_000_000 / at_once * at_once);
    let each = |time: Duration| time.as_nanos() as f64 / at_once as f64;
    (each(client), each(server))
}

#[test]
#[ignore = "measures, and proves nothing"]
fn unary_echo() {
    for (len, at_once) in [(100, 10), (100, 100), (100, 1000), (4096, 10), (4096, 50)] {
        let (client, server) = echo(len, at_once);
        println!(
            "{len:5} bytes, {at_once:4} at once: client {client:.0} ns, server {server:.0} ns a call"
        );
    }
}
