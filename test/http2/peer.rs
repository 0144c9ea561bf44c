//! A hand-written peer: the other side of a `Connection`, which can violate every rule.

use std::time::Duration;

use agora::call::Limits;
use agora::hpack::{Encoder, Indexing};
use agora::http2::{Connection, Event, PREFACE, StreamId};

use crate::wire::{self, Reader};

/// The time at which tests start.
pub const START: Duration = Duration::from_secs(1_000);

/// The fields of an ordinary request.
pub const REQUEST: [(&str, &str); 4] =
    [(":method", "POST"), (":scheme", "http"), (":path", "/echo"), (":authority", "here")];

/// The fields of an ordinary response.
pub const RESPONSE: [(&str, &str); 1] = [(":status", "200")];

/// A connection under test, and the state that its peer keeps.
pub struct Peer {
    pub connection: Connection,
    pub encoder: Encoder,
    pub now: Duration,
    reader: Reader,
}

impl Peer {
    /// A new server without any input.
    pub fn of_new_server(limits: &Limits) -> Peer {
        // Without the limit on pings, which many tests send to see that the connection lives.
        let limits = Limits { min_ping_interval: Duration::ZERO, ..limits.clone() };
        Peer::of(Connection::new_server(&limits, START))
    }

    /// A new client without any input.
    pub fn of_new_client(limits: &Limits) -> Peer {
        Peer::of(Connection::new_client(limits, START))
    }

    fn of(connection: Connection) -> Peer {
        Peer { connection, encoder: Encoder::new(), now: START, reader: Reader::new() }
    }

    /// A server after the exchange of SETTINGS, with these limits.
    pub fn of_server_with(limits: &Limits) -> Peer {
        let mut peer = Peer::of_new_server(limits);
        let preface = [&PREFACE[..], &wire::settings(&[]), &wire::settings_ack()].concat();
        assert_eq!(peer.send(&preface), [""; 0]);
        peer.written();
        peer
    }

    /// A server after the exchange of SETTINGS.
    pub fn of_server() -> Peer {
        Peer::of_server_with(&Limits::DEFAULT)
    }

    /// A client after the exchange of SETTINGS, with these limits.
    pub fn of_client_with(limits: &Limits) -> Peer {
        let mut peer = Peer::of_new_client(limits);
        let preface = [wire::settings(&[]), wire::settings_ack()].concat();
        assert_eq!(peer.send(&preface), [""; 0]);
        peer.written();
        peer
    }

    /// A client after the exchange of SETTINGS.
    pub fn of_client() -> Peer {
        Peer::of_client_with(&Limits::DEFAULT)
    }

    /// A server with one request open: stream 1, its client not finished.
    pub fn of_open_request() -> Peer {
        let mut peer = Peer::of_server();
        let request = peer.headers(1, &REQUEST, 0);
        assert_eq!(peer.send(&request).len(), 1);
        peer
    }

    /// A client with one request open: stream 1, finished on the client's side.
    pub fn of_open_response() -> Peer {
        let mut peer = Peer::of_client();
        peer.open(&REQUEST, true);
        peer.written();
        peer
    }

    /// HEADERS with a whole block.
    pub fn headers(&mut self, stream: u32, fields: &[(&str, &str)], flags: u8) -> Vec<u8> {
        let block = wire::block(&mut self.encoder, fields);
        wire::frame(wire::HEADERS, flags | wire::END_HEADERS, stream, &block)
    }

    /// Passes bytes to the connection, which must consume all; returns its events, one per line.
    pub fn send(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut input = bytes;
        let mut lines = Vec::new();
        while let Some(event) = self.connection.next_event(self.now, &mut input) {
            lines.push(line(&event));
            if let Event::Headers { fields, .. } | Event::Trailers { fields, .. } = event {
                self.connection.recycle(fields);
            }
        }
        assert!(input.is_empty(), "{} bytes were not taken", input.len());
        lines
    }

    /// The frames that the connection has written since the last call.
    pub fn written(&mut self) -> Vec<String> {
        let lines = self.reader.read(self.connection.output());
        let len = self.connection.output().len();
        self.connection.consume_output(len);
        lines
    }

    /// Sends bytes and returns the frames written in reply; the events are ignored.
    pub fn answer(&mut self, bytes: &[u8]) -> Vec<String> {
        self.send(bytes);
        self.written()
    }

    /// Sends bytes that must end the connection with this code: one GOAWAY and one event.
    #[track_caller]
    pub fn expect_connection_error(&mut self, bytes: &[u8], code: &str) {
        let events = self.send(bytes);
        let closed = format!("closed {code} by us");
        assert!(events.last().is_some_and(|last| last.starts_with(&closed)), "{events:?}");
        let written = self.written();
        let goaway = written.last().map_or("", |last| last);
        assert!(goaway.starts_with("GOAWAY") && goaway.contains(code), "{written:?}");
        assert!(self.connection.is_closed());
        assert_eq!(self.answer(&wire::ping(b"too late")), [""; 0], "input is discarded");
    }

    /// Sends bytes that must end one stream with this code and not affect the connection.
    #[track_caller]
    pub fn expect_stream_error(&mut self, bytes: &[u8], stream: u32, code: &str) {
        let known = self.connection.open_streams();
        let events = self.send(bytes);
        let written = self.written();
        assert!(written.contains(&format!("RST_STREAM {stream} {code}")), "{written:?}");
        if self.connection.open_streams() < known {
            let reset = format!("reset {stream} {code} by us");
            assert!(events.contains(&reset), "{events:?}");
        }
        self.expect_alive();
    }

    /// The connection still answers.
    #[track_caller]
    pub fn expect_alive(&mut self) {
        assert!(!self.connection.is_closed());
        let written = self.answer(&wire::ping(b"alive?!\0"));
        assert_eq!(written.last().map_or("", |last| last), r#"PING "alive?!\x00" ack"#);
    }

    pub fn open(&mut self, fields: &[(&str, &str)], end_stream: bool) -> StreamId {
        self.connection.open(indexed(fields), end_stream).expect("a stream can be opened")
    }

    pub fn send_headers(&mut self, stream: u32, fields: &[(&str, &str)], end_stream: bool) {
        let sent = self.connection.send_headers(StreamId(stream), indexed(fields), end_stream);
        sent.expect("the stream is there");
    }

    pub fn send_data(&mut self, stream: u32, content: &[u8], end_stream: bool) {
        let sent = self.connection.send_data(StreamId(stream), &[content], end_stream);
        sent.expect("the stream is there");
    }
}

/// Fields as the connection takes them.
pub fn indexed<'f>(
    fields: &'f [(&'f str, &'f str)],
) -> impl Iterator<Item = (&'f [u8], &'f [u8], Indexing)> {
    fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes(), Indexing::Incremental))
}

/// An event in a line.
pub fn line(event: &Event<'_>) -> String {
    let end = |end: &bool| if *end { " end" } else { "" };
    let side = |by_peer: &bool| if *by_peer { "by peer" } else { "by us" };
    match event {
        Event::Headers { stream, fields, end_stream } => {
            format!("headers {stream}{}{}", wire::field_text(fields), end(end_stream))
        }
        Event::HeadersTooLarge { stream, end_stream } => {
            format!("headers {stream} too large{}", end(end_stream))
        }
        Event::Trailers { stream, fields } => {
            format!("trailers {stream}{}", wire::field_text(fields))
        }
        Event::Data { stream, data, end_stream } => {
            format!("data {stream} {}{}", wire::text(data), end(end_stream))
        }
        Event::Reset { stream, error, by_peer } => {
            format!("reset {stream} {error} {}", side(by_peer))
        }
        Event::Writable { stream } => format!("writable {stream}"),
        Event::Pong { opaque } => format!("pong {}", wire::text(opaque)),
        Event::GoAway { last_stream, error, debug } => {
            format!("go away after {last_stream}: {error} {}", wire::text(debug))
        }
        Event::Closed { error, reason, by_peer } => {
            format!("closed {error} {}: {reason}", side(by_peer))
        }
    }
}
