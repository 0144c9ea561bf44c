//! A client and a server joined in memory, and what they say to each other as a transcript.

use std::collections::VecDeque;

use agora::call::Limits;
use agora::hpack::Indexing;
use agora::http2::{Connection, Event, StreamId};

use crate::peer::{START, indexed, line};
use crate::seed::Seed;
use crate::wire::Reader;

/// One side, and the wire to it.
pub struct Side {
    pub connection: Connection,
    /// Bytes that were delivered and not consumed.
    arrived: Vec<u8>,
    /// Bytes that the other side has sent and that are still on the wire.
    wire: VecDeque<u8>,
    reader: Reader,
}

/// Both sides and the transcript: `-->` from client to server, `<--` back, `*` events.
pub struct Pair {
    pub client: Side,
    pub server: Side,
    pub transcript: Vec<String>,
}

impl Side {
    fn new(connection: Connection) -> Side {
        Side { connection, arrived: Vec::new(), wire: VecDeque::new(), reader: Reader::new() }
    }

    /// Moves up to `count` bytes from the wire to the connection, and passes its events to `each`.
    pub fn deliver(&mut self, count: usize, mut each: impl FnMut(&mut Connection, Event<'_>)) {
        let count = count.min(self.wire.len());
        self.arrived.extend(self.wire.drain(..count));
        let mut input = &self.arrived[..];
        while let Some(event) = self.connection.next_event(START, &mut input) {
            each(&mut self.connection, event);
        }
        let taken = self.arrived.len() - input.len();
        self.arrived.drain(..taken);
    }

    /// Takes up to `count` bytes of output.
    pub fn take_output(&mut self, count: usize) -> Vec<u8> {
        let bytes = self.connection.output();
        let bytes = bytes[..count.min(bytes.len())].to_vec();
        self.connection.consume_output(bytes.len());
        bytes
    }
}

impl Pair {
    pub fn new(limits: &Limits) -> Pair {
        let client = Side::new(Connection::new_client(limits, START));
        let server = Side::new(Connection::new_server(limits, START));
        Pair { client, server, transcript: Vec::new() }
    }

    /// A pair that has exchanged its SETTINGS; the transcript begins after that.
    pub fn connected() -> Pair {
        let mut pair = Pair::new(&Limits::DEFAULT);
        pair.run();
        pair.transcript.clear();
        pair
    }

    pub fn open(&mut self, fields: &[(&str, &str)], end_stream: bool) -> StreamId {
        self.client.connection.open(indexed(fields), end_stream).unwrap()
    }

    pub fn answer(&mut self, stream: StreamId, fields: &[(&str, &str)], end_stream: bool) {
        let fields = indexed(fields);
        self.server.connection.send_headers(stream, fields, end_stream).unwrap();
    }

    /// Delivers all output of both sides, until there is none.
    pub fn run(&mut self) {
        loop {
            let to_server = self.client.take_output(usize::MAX);
            let to_client = self.server.take_output(usize::MAX);
            if to_server.is_empty() && to_client.is_empty() {
                return;
            }
            let lines = self.client.reader.read(&to_server);
            self.transcript.extend(lines.into_iter().map(|line| format!("--> {line}")));
            self.server.wire.extend(to_server);
            self.receive(true);
            let lines = self.server.reader.read(&to_client);
            self.transcript.extend(lines.into_iter().map(|line| format!("<-- {line}")));
            self.client.wire.extend(to_client);
            self.receive(false);
        }
    }

    fn receive(&mut self, by_server: bool) {
        let (side, name) = match by_server {
            true => (&mut self.server, "server"),
            false => (&mut self.client, "client"),
        };
        let transcript = &mut self.transcript;
        side.deliver(usize::MAX, |_, event| {
            transcript.push(format!("  * {name}: {}", line(&event)))
        });
    }

    /// A random number of bytes, up to `most`, moves from each side's output onto the wire.
    pub fn transfer(&mut self, most: usize, seed: &mut Seed) {
        let to_server = self.client.take_output(seed.below(most + 1));
        self.server.wire.extend(to_server);
        let to_client = self.server.take_output(seed.below(most + 1));
        self.client.wire.extend(to_client);
    }

    /// Whether no bytes are in flight.
    pub fn is_idle(&self) -> bool {
        let idle = |side: &Side| side.wire.is_empty() && side.connection.output().is_empty();
        idle(&self.client) && idle(&self.server)
    }

    /// The transcript as it should read, without the margin.
    #[track_caller]
    pub fn expect_transcript(&self, expected: &str) {
        let lines = expected.lines().map(str::trim_end).filter(|line| !line.trim().is_empty());
        let lines: Vec<_> =
            lines.map(|line| line.strip_prefix("        ").unwrap_or(line)).collect();
        assert_eq!(self.transcript, lines, "\n{}\n", self.transcript.join("\n"));
    }
}

/// Fields that no table keeps.
pub fn plain<'f>(
    fields: &'f [(&'f str, String)],
) -> impl Iterator<Item = (&'f [u8], &'f [u8], Indexing)> {
    fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes(), Indexing::Without))
}
