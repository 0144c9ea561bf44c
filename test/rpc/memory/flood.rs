//! A flood: eight connections with a hundred unary calls each, whose messages of 4 MiB are
//! interleaved as far as the protocol allows, and whose streams stay open.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use agora::call::{CallId, Limits, Metadata};
use agora::hpack::{FieldBlock, Indexing};
use agora::http2::{Connection, Event, StreamId};
use agora::session::Protocol;

use super::received::Client;
use super::server::{LENGTH, MEBIBYTE, Process};
use crate::fixture::{LONG, both};
use crate::wait::pause;

const CONNECTIONS: usize = 8;
const CALLS: usize = 100;
const MESSAGE_BYTES: usize = 4 * MEBIBYTE;
/// What the server may hold, in MiB: 256 are the budget, and buffers grow by doubling.
const MOST_MIB: usize = 400;

/// One connection of the flood.
trait Flood {
    /// Writes and reads once. Returns whether anything moved.
    fn turn(&mut self) -> bool;

    /// Calls that ended with OK, and calls that were refused with RESOURCE_EXHAUSTED.
    fn ended(&self) -> (usize, usize);
}

/// Over gRPC, pieces of all messages alternate. They are generated while they are sent, since the
/// test's process must not hold them either.
struct SideBySide {
    socket: TcpStream,
    http: Connection,
    /// And how much of each message was sent.
    calls: Vec<(StreamId, usize)>,
    arrived: Vec<u8>,
    ended: (usize, usize),
    buffer: Vec<u8>,
}

const NOW: Duration = Duration::ZERO;
const PIECE_BYTES: usize = 16 * 1024;
/// More output does not wait.
const OUTPUT_BYTES: usize = 256 * 1024;

impl SideBySide {
    fn new(server: SocketAddr) -> SideBySide {
        let socket = TcpStream::connect(server).unwrap();
        socket.set_nonblocking(true).unwrap();
        let mut http = Connection::new_client(&Limits::DEFAULT, NOW);
        let fields = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", LENGTH),
            (":authority", "test"),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
        ];
        let fields = fields.map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        let open = |_| {
            let fields = fields.map(|(name, value)| (name, value, Indexing::Incremental));
            (http.open(fields, false).unwrap(), 0)
        };
        let calls = (0..CALLS).map(open).collect();
        let (arrived, buffer) = (Vec::new(), vec![7; 64 * 1024]);
        SideBySide { socket, http, calls, arrived, ended: (0, 0), buffer }
    }

    fn send_pieces(&mut self) {
        let prefix = (MESSAGE_BYTES as u32).to_be_bytes();
        let whole = 1 + prefix.len() + MESSAGE_BYTES;
        for (stream, sent) in &mut self.calls {
            if self.http.output().len() >= OUTPUT_BYTES {
                return;
            }
            if *sent == whole || self.http.queued(*stream) > 0 {
                continue;
            }
            let begun = if *sent == 0 {
                self.http.send_data(*stream, &[&[0], &prefix], false)
            } else {
                Ok(())
            };
            *sent = (*sent).max(1 + prefix.len());
            let piece = &[7; PIECE_BYTES][..PIECE_BYTES.min(whole - *sent)];
            // An ended call accepts no more data.
            match begun.and_then(|()| self.http.send_data(*stream, &[piece], false)) {
                Ok(()) => *sent += piece.len(),
                Err(_) => *sent = whole,
            }
        }
    }

    fn read(&mut self, count: usize) {
        self.arrived.extend_from_slice(&self.buffer[..count]);
        let mut input = &self.arrived[..];
        while let Some(event) = self.http.next_event(NOW, &mut input) {
            match event {
                Event::Headers { fields, end_stream: true, .. }
                | Event::Trailers { fields, .. } => match status(&fields) {
                    b"0" => self.ended.0 += 1,
                    b"8" => self.ended.1 += 1,
                    other => panic!("status {}", other.escape_ascii()),
                },
                Event::Data { stream, data, .. } => self.http.release(stream, data.len()),
                Event::Closed { reason, .. } => panic!("{reason}"),
                _ => (),
            }
        }
        let taken = self.arrived.len() - input.len();
        self.arrived.drain(..taken);
    }
}

fn status(fields: &FieldBlock) -> &[u8] {
    fields.iter().find(|(name, _)| *name == b"grpc-status").unwrap().1
}

impl Flood for SideBySide {
    fn turn(&mut self) -> bool {
        self.send_pieces();
        let mut moved = false;
        if !self.http.output().is_empty()
            && let Ok(written) = self.socket.write(self.http.output())
        {
            self.http.consume_output(written);
            moved = written > 0;
        }
        match self.socket.read(&mut self.buffer) {
            Ok(0) => panic!("the server has closed the connection"),
            Ok(count) => {
                self.read(count);
                true
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => moved,
            Err(error) => panic!("{error}"),
        }
    }

    fn ended(&self) -> (usize, usize) {
        self.ended
    }
}

/// Over the native protocol messages are sent one after the other.
struct OneByOne {
    client: Client,
    message: Vec<u8>,
    begun: usize,
    last: Option<CallId>,
}

impl Flood for OneByOne {
    fn turn(&mut self) -> bool {
        let is_sending = self.last.is_some_and(|call| self.client.is_sending(call));
        if self.begun < CALLS && !is_sending {
            self.last = Some(self.client.start(LENGTH, &Metadata::new(), Some(&self.message)));
            self.begun += 1;
        }
        self.client.turn()
    }

    fn ended(&self) -> (usize, usize) {
        let ends = &self.client.ends;
        assert!(ends.others.is_empty(), "{:?}", ends.others);
        (ends.ok, ends.exhausted)
    }
}

fn connection(server: SocketAddr, protocol: Protocol) -> Box<dyn Flood> {
    match protocol {
        Protocol::Grpc => Box::new(SideBySide::new(server)),
        Protocol::Native => Box::new(OneByOne {
            client: Client::new(server, protocol),
            message: vec![7; MESSAGE_BYTES],
            begun: 0,
            last: None,
        }),
    }
}

/// 3,200 MiB for each protocol.
#[test]
#[ignore = "20 s unoptimized: scripts/test heavy"]
fn a_flood_of_large_messages_is_bounded_and_others_are_served_meanwhile() {
    both(|protocol| {
        let server = Process::start();
        let mut flood: Vec<_> =
            (0..CONNECTIONS).map(|_| connection(server.address, protocol)).collect();
        let (is_over, served) = (AtomicBool::new(false), AtomicUsize::new(0));
        let began = Instant::now();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    server.serves(protocol);
                    served.fetch_add(1, Ordering::Relaxed);
                }
            });
            let has_ended = |flood: &dyn Flood| flood.ended().0 + flood.ended().1 == CALLS;
            while !flood.iter().all(|flood| has_ended(flood.as_ref())) && began.elapsed() < 6 * LONG
            {
                if !flood.iter_mut().fold(false, |moved, flood| flood.turn() | moved) {
                    pause();
                }
            }
            is_over.store(true, Ordering::Relaxed);
        });
        let ended = |of: fn((usize, usize)) -> usize| -> usize {
            flood.iter().map(|flood| of(flood.ended())).sum()
        };
        let (ok, refused) = (ended(|(ok, _)| ok), ended(|(_, refused)| refused));
        let (peak, served) = (server.peak_mib(), served.into_inner());
        eprintln!("{ok} ok, {refused} refused, {peak} MiB, {served} served, {:?}", began.elapsed());
        assert_eq!(ok + refused, CONNECTIONS * CALLS, "not all calls were answered");
        assert!(ok >= CONNECTIONS * CALLS / 2, "{refused} calls were refused");
        assert!(peak < MOST_MIB, "{peak} MiB were held");
        assert!(served > 0, "nobody else was served");
    });
}
