//! A client and a server joined in memory.

use std::time::Duration;

use super::{Events, START, wire};
use crate::call::{CallId, Limits, Metadata};
use crate::native::{ClientConnection, ServerConnection};

/// Both ends of a connection. What passes between them, and what their applications hear, becomes
/// a story to read: what stands in front says who speaks.
pub(super) struct Pair {
    pub(super) client: ClientConnection,
    pub(super) server: ServerConnection,
    pub(super) client_events: Events,
    pub(super) server_events: Events,
    pub(super) now: Duration,
    transcript: Vec<String>,
    /// Everything that was sent so far: by the client, by the server.
    pub(super) sent: (Vec<u8>, Vec<u8>),
    /// What was sent and not shown yet.
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

    /// A pair that has said hello.
    pub(super) fn connected(limits: &Limits) -> Pair {
        let mut pair = Pair::new(limits, limits);
        pair.settle();
        pair.transcript.clear();
        pair
    }

    /// The client's output reaches the server; says whether there was any.
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

    /// The server's output reaches the client; says whether there was any.
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

    /// Moves bytes to and fro until nobody has anything to say.
    pub(super) fn settle(&mut self) {
        while self.deliver_to_server() | self.deliver_to_client() {}
    }

    fn record_events(&mut self) {
        let server = self.server_events.take();
        self.transcript.extend(server.into_iter().map(|line| format!("server : {line}")));
        let client = self.client_events.take();
        self.transcript.extend(client.into_iter().map(|line| format!("client : {line}")));
    }

    /// What has happened since the last time is this, line by line.
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

    /// Forgets what has happened.
    pub(super) fn skip(&mut self) {
        self.record_events();
        self.transcript.clear();
    }

    /// Begins a call of `/agora.Echo/Say` without metadata.
    pub(super) fn start(&mut self) -> CallId {
        self.client.start("/agora.Echo/Say", &Metadata::new(), None).unwrap()
    }
}
