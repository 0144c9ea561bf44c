//! One role with a hand-written peer.

use std::time::Duration;

use super::{Events, START, wire};
use crate::call::{CallId, Limits, Metadata};
use crate::native::{ClientConnection, ServerConnection};

pub(super) const HELLO: u8 = 1;
pub(super) const PATH: u8 = 2;
pub(super) const REQUEST: u8 = 3;
pub(super) const HEADERS: u8 = 4;
pub(super) const MESSAGE: u8 = 5;
pub(super) const HALF_CLOSE: u8 = 6;
pub(super) const TRAILERS: u8 = 7;
pub(super) const CANCEL: u8 = 8;
pub(super) const CREDIT: u8 = 9;
pub(super) const PING: u8 = 10;
pub(super) const PONG: u8 = 11;
pub(super) const GO_AWAY: u8 = 12;
pub(super) const END: u8 = 0x80;
pub(super) const WITH_MESSAGE: u8 = 0x40;

/// Windows of 65,536 each, 100 calls.
pub(super) const LEAST_HELLO: &[u8] = b"\x08\x80\x80\x04\x10\x80\x80\x04\x18\x64";

pub(super) fn envelope(kind: u8, id: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_be_bytes().to_vec();
    bytes.push(kind);
    bytes.extend(id.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A REQUEST of path 1, bare.
pub(super) fn request(id: u32) -> Vec<u8> {
    envelope(REQUEST, id, b"\0\0\0\x02\x08\x01")
}

/// A REQUEST of path 1 with a message, half-closed.
pub(super) fn unary(id: u32, message: &[u8]) -> Vec<u8> {
    envelope(REQUEST | END | WITH_MESSAGE, id, &[b"\0\0\0\x02\x08\x01", message].concat())
}

/// The envelopes that a side has sent, and the events of its application.
type Reaction = (Vec<String>, Vec<String>);

/// A server whose client is the test.
pub(super) struct ServerHarness {
    pub(super) connection: ServerConnection,
    pub(super) events: Events,
    pub(super) now: Duration,
    /// What `receive` has not consumed.
    pub(super) left: Vec<u8>,
}

impl ServerHarness {
    pub(super) fn new(limits: &Limits) -> ServerHarness {
        let connection = ServerConnection::new(limits, START);
        ServerHarness { connection, events: Events::default(), now: START, left: Vec::new() }
    }

    /// A server that has received HELLO, with path 1 defined as `/p`.
    pub(super) fn connected(limits: &Limits) -> ServerHarness {
        let mut server = ServerHarness::new(limits);
        let hello = [b"AGR1".to_vec(), envelope(HELLO, 0, LEAST_HELLO), envelope(PATH, 1, b"/p")];
        server.receive(&hello.concat());
        server
    }

    /// Passes bytes of the client to the server.
    pub(super) fn receive(&mut self, bytes: &[u8]) -> Reaction {
        self.left.extend(bytes);
        let consumed = self.connection.receive(self.now, &self.left, &mut self.events);
        self.left.drain(..consumed);
        self.take_output()
    }

    pub(super) fn take_output(&mut self) -> Reaction {
        let mut output = self.connection.output().to_vec();
        self.connection.consume_output(output.len());
        (wire::show(&mut output), self.events.take())
    }

    /// Passes bytes of the client that must end the connection for this reason.
    pub(super) fn expect_error(mut self, bytes: &[u8], code: &str, reason: &str) {
        let (sent, _) = self.receive(bytes);
        let last = sent.last().cloned().unwrap_or_default();
        let end = format!("{code} \"{reason}\"");
        assert!(last.starts_with("GO_AWAY") && last.ends_with(&end), "{sent:?}, not {end}");
        assert!(self.connection.is_closed());
        assert_eq!(self.connection.open_calls(), 0);
        assert_eq!(self.receive(&request(1000)), (vec![], vec![]), "nothing follows");
        assert!(self.left.is_empty(), "input is discarded");
    }
}

/// A client whose server is the test.
pub(super) struct ClientHarness {
    pub(super) connection: ClientConnection,
    pub(super) events: Events,
    pub(super) now: Duration,
    pub(super) left: Vec<u8>,
}

impl ClientHarness {
    pub(super) fn new(limits: &Limits) -> ClientHarness {
        let connection = ClientConnection::new(limits, START);
        ClientHarness { connection, events: Events::default(), now: START, left: Vec::new() }
    }

    /// A client that has received HELLO.
    pub(super) fn connected(limits: &Limits) -> ClientHarness {
        let mut client = ClientHarness::new(limits);
        client.receive(&[&b"AGR1"[..], &envelope(HELLO, 0, LEAST_HELLO)].concat());
        client
    }

    /// Passes bytes of the server to the client.
    pub(super) fn receive(&mut self, bytes: &[u8]) -> Reaction {
        self.left.extend(bytes);
        let consumed = self.connection.receive(self.now, &self.left, &mut self.events);
        self.left.drain(..consumed);
        self.take_output()
    }

    pub(super) fn take_output(&mut self) -> Reaction {
        let mut output = self.connection.output().to_vec();
        self.connection.consume_output(output.len());
        (wire::show(&mut output), self.events.take())
    }

    /// Starts a call of `/p`, whose REQUEST is sent.
    pub(super) fn start(&mut self) -> CallId {
        let call = self.connection.start("/p", &Metadata::new(), None).unwrap();
        self.take_output();
        call
    }

    /// The server says this, and the connection ends for this reason.
    pub(super) fn expect_error(mut self, bytes: &[u8], code: &str, reason: &str) {
        let open = self.connection.open_calls();
        let (sent, events) = self.receive(bytes);
        assert_eq!(sent.last(), Some(&format!("GO_AWAY {code} \"{reason}\"")));
        let end = format!("{code}: {reason}");
        let ended =
            events.iter().filter(|line| line.starts_with("finished") && line.ends_with(&end));
        assert_eq!(ended.count(), open, "{events:?}");
        assert!(self.connection.is_closed());
        assert_eq!(self.receive(&envelope(PING, 0, &[0; 8])), (vec![], vec![]), "nothing follows");
        assert!(self.left.is_empty(), "input is discarded");
    }
}
