//! A client and a server joined in memory.

use std::time::Duration;

use super::{Heard, START, wire};
use crate::call::{CallId, Limits, Metadata};
use crate::native::{ClientConnection, ServerConnection};

/// Both ends of a connection. What passes between them, and what their applications hear, becomes
/// a story to read: what stands in front says who speaks.
pub(super) struct Pair {
    pub(super) client: ClientConnection,
    pub(super) server: ServerConnection,
    pub(super) client_heard: Heard,
    pub(super) server_heard: Heard,
    pub(super) now: Duration,
    story: Vec<String>,
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
            client_heard: Heard::default(),
            server_heard: Heard::default(),
            now: START,
            story: Vec::new(),
            sent: Default::default(),
            unshown: Default::default(),
        }
    }

    /// A pair that has said hello.
    pub(super) fn greeted(limits: &Limits) -> Pair {
        let mut pair = Pair::new(limits, limits);
        pair.settle();
        pair.story.clear();
        pair
    }

    /// The client's output reaches the server; says whether there was any.
    pub(super) fn client_speaks(&mut self) -> bool {
        let bytes = self.client.output().to_vec();
        self.client.consume_output(bytes.len());
        self.sent.0.extend(&bytes);
        self.unshown.0.extend(&bytes);
        let lines = wire::show(&mut self.unshown.0);
        self.story.extend(lines.iter().map(|line| format!("client > {line}")));
        let consumed = self.server.receive(self.now, &bytes, &mut self.server_heard);
        assert_eq!(consumed, bytes.len(), "nothing is left of whole envelopes");
        self.hear();
        !bytes.is_empty()
    }

    /// The server's output reaches the client; says whether there was any.
    pub(super) fn server_speaks(&mut self) -> bool {
        let bytes = self.server.output().to_vec();
        self.server.consume_output(bytes.len());
        self.sent.1.extend(&bytes);
        self.unshown.1.extend(&bytes);
        let lines = wire::show(&mut self.unshown.1);
        self.story.extend(lines.iter().map(|line| format!("server > {line}")));
        let consumed = self.client.receive(self.now, &bytes, &mut self.client_heard);
        assert_eq!(consumed, bytes.len(), "nothing is left of whole envelopes");
        self.hear();
        !bytes.is_empty()
    }

    /// Moves bytes to and fro until nobody has anything to say.
    pub(super) fn settle(&mut self) {
        while self.client_speaks() | self.server_speaks() {}
    }

    fn hear(&mut self) {
        let server = self.server_heard.take();
        self.story.extend(server.into_iter().map(|line| format!("server : {line}")));
        let client = self.client_heard.take();
        self.story.extend(client.into_iter().map(|line| format!("client : {line}")));
    }

    /// What has happened since the last time is this, line by line.
    pub(super) fn tells(&mut self, expected: &str) {
        self.hear();
        let story = std::mem::take(&mut self.story);
        let expected: Vec<&str> =
            expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        if story != expected {
            panic!("the story is:\n{}\n\nand not:\n{}", story.join("\n"), expected.join("\n"));
        }
    }

    /// Forgets what has happened.
    pub(super) fn skip(&mut self) {
        self.hear();
        self.story.clear();
    }

    /// Begins a call of `/agora.Echo/Say` without metadata.
    pub(super) fn start(&mut self) -> CallId {
        self.client.start("/agora.Echo/Say", &Metadata::new(), None).unwrap()
    }
}
