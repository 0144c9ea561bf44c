//! A client and a server connected in memory.

use std::time::Duration;

use super::{Events, START, wire};
use crate::call::{CallId, Limits, Metadata};
use crate::native::{ClientConnection, ServerConnection};

/// Both sides of a connection, and the transcript of their envelopes (`>`) and events (`:`).
pub(super) struct Pair {
    pub(super) client: ClientConnection,
    pub(super) server: ServerConnection,
    pub(super) client_events: Events,
    pub(super) server_events: Events,
    pub(super) now: Duration,
    transcript: Vec<String>,
    /// All bytes sent by the client, and by the server.
    pub(super) sent: (Vec<u8>, Vec<u8>),
    /// Bytes that are not in the transcript yet.
    unshown: (Vec<u8>, Vec<u8>),
}

impl Pair {
    pub(super) fn new(client: &Limits, server: &Limits) -> Pair {
        Pair {
            client: ClientConnection::new(client, START),
            server: ServerConnection::new(server, START),
            client_events: Events::default(),
            server_events: Events::default(),
            now: START,
            transcript: Vec::new(),
            sent: Default::default(),
            unshown: Default::default(),
        }
    }

    /// A pair that has exchanged HELLO.
    pub(super) fn connected(limits: &Limits) -> Pair {
        let mut pair = Pair::new(limits, limits);
        pair.settle();
        pair.transcript.clear();
        pair
    }

    /// Delivers the client's output to the server; returns whether there was any.
    pub(super) fn deliver_to_server(&mut self) -> bool {
        let bytes = self.client.output().to_vec();
        self.client.consume_output(bytes.len());
        self.sent.0.extend(&bytes);
        self.unshown.0.extend(&bytes);
        let lines = wire::show(&mut self.unshown.0);
        self.transcript.extend(lines.iter().map(|line| format!("client > {line}")));
        let consumed = self.server.receive(self.now, &bytes, &mut self.server_events);
        assert_eq!(consumed, bytes.len(), "nothing is left of whole envelopes");
        self.record_events();
        !bytes.is_empty()
    }

    /// Delivers the server's output to the client; returns whether there was any.
    pub(super) fn deliver_to_client(&mut self) -> bool {
        let bytes = self.server.output().to_vec();
        self.server.consume_output(bytes.len());
        self.sent.1.extend(&bytes);
        self.unshown.1.extend(&bytes);
        let lines = wire::show(&mut self.unshown.1);
        self.transcript.extend(lines.iter().map(|line| format!("server > {line}")));
        let consumed = self.client.receive(self.now, &bytes, &mut self.client_events);
        assert_eq!(consumed, bytes.len(), "nothing is left of whole envelopes");
        self.record_events();
        !bytes.is_empty()
    }

    /// Delivers all output of both sides, until there is none.
    pub(super) fn settle(&mut self) {
        while self.deliver_to_server() | self.deliver_to_client() {}
    }

    fn record_events(&mut self) {
        let server = self.server_events.take();
        self.transcript.extend(server.into_iter().map(|line| format!("server : {line}")));
        let client = self.client_events.take();
        self.transcript.extend(client.into_iter().map(|line| format!("client : {line}")));
    }

    /// Compares the transcript since the last call, line by line.
    pub(super) fn expect(&mut self, expected: &str) {
        self.record_events();
        let transcript = std::mem::take(&mut self.transcript);
        let expected: Vec<&str> =
            expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        if transcript != expected {
            panic!(
                "the transcript is:\n{}\n\nand not:\n{}",
                transcript.join("\n"),
                expected.join("\n")
            );
        }
    }

    /// Drops the transcript.
    pub(super) fn skip(&mut self) {
        self.record_events();
        self.transcript.clear();
    }

    /// Begins a call of `/agora.Echo/Say` without metadata.
    pub(super) fn start(&mut self) -> CallId {
        self.client.start("/agora.Echo/Say", &Metadata::new(), None).unwrap()
    }
}
