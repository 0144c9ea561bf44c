//! A client and a server connected in memory. Bytes are delivered in random fragments.

use std::time::Duration;

use super::trace::{ClientTrace, ServerTrace, Trace};
use crate::call::{CallId, Code, Limits, Metadata, Status};
use crate::grpc::{ClientConnection, ServerConnection};
use crate::seed::Seed;

/// Both sides, the bytes in flight between them, and the trace of events.
pub struct Pair {
    pub client: ClientConnection,
    pub server: ServerConnection,
    pub trace: Trace,
    to_server: Vec<u8>,
    to_client: Vec<u8>,
    /// All bytes that were sent, for tests that damage them.
    pub sent_to_server: Vec<u8>,
    pub sent_to_client: Vec<u8>,
    seed: Seed,
}

impl Pair {
    pub fn new(seed: u64) -> Pair {
        Pair::with(&Limits::DEFAULT, seed)
    }

    pub fn with(limits: &Limits, seed: u64) -> Pair {
        Pair {
            client: ClientConnection::new(limits, Duration::ZERO, "host", false),
            server: ServerConnection::new(limits, &std::sync::Arc::default(), Duration::ZERO),
            trace: Trace::default(),
            to_server: Vec::new(),
            to_client: Vec::new(),
            sent_to_server: Vec::new(),
            sent_to_client: Vec::new(),
            seed: Seed::new(seed),
        }
    }

    /// Delivers bytes in random fragments until none are in flight.
    pub fn settle(&mut self) {
        loop {
            let before = self.sent_to_server.len() + self.sent_to_client.len();
            self.step_to_server();
            self.step_to_client();
            let after = self.sent_to_server.len() + self.sent_to_client.len();
            let waiting = !self.client.output().is_empty() || !self.server.output().is_empty();
            if before == after && !waiting {
                return;
            }
        }
    }

    fn step_to_server(&mut self) {
        let output = self.client.output();
        let count = (1 + self.seed.below(output.len())).min(output.len());
        self.to_server.extend_from_slice(&output[..count]);
        self.sent_to_server.extend_from_slice(&output[..count]);
        self.client.consume_output(count);
        let mut sink = ServerTrace(&mut self.trace);
        let used = self.server.receive(Duration::ZERO, &self.to_server, &mut sink);
        self.to_server.drain(..used);
        if self.client.has_events() {
            self.client.receive(Duration::ZERO, &[], &mut ClientTrace(&mut self.trace));
        }
    }

    fn step_to_client(&mut self) {
        let output = self.server.output();
        let count = (1 + self.seed.below(output.len())).min(output.len());
        self.to_client.extend_from_slice(&output[..count]);
        self.sent_to_client.extend_from_slice(&output[..count]);
        self.server.consume_output(count);
        let mut sink = ClientTrace(&mut self.trace);
        let used = self.client.receive(Duration::ZERO, &self.to_client, &mut sink);
        self.to_client.drain(..used);
        if self.server.has_events() {
            self.server.receive(Duration::ZERO, &[], &mut ServerTrace(&mut self.trace));
        }
    }

    /// Delivers all bytes and returns the events since the last call.
    pub fn transcript(&mut self) -> Vec<String> {
        self.settle();
        self.trace.take()
    }

    pub fn start(&mut self, path: &str) -> CallId {
        self.client.start(path, &Metadata::new(), None).unwrap()
    }

    pub fn finish(&mut self, call: CallId, code: Code, message: &str) {
        self.server.finish(call, &Status::new(code, message)).unwrap();
    }
}
