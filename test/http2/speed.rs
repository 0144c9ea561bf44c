//! What a call costs a server here, HPACK included:
//! `cargo test --release --test http2 speed -- --ignored --nocapture`.

use std::time::Instant;

use agora::call::Limits;
use agora::hpack::Indexing;
use agora::http2::{Connection, Event, StreamId};

use crate::peer::Peer;
use crate::wire::{self, END_STREAM};

/// What grpc clients send.
const REQUEST: [(&str, &str); 8] = [
    (":method", "POST"),
    (":scheme", "http"),
    (":path", "/agora.echo.v1.Echo/Echo"),
    (":authority", "127.0.0.1:50051"),
    ("te", "trailers"),
    ("content-type", "application/grpc"),
    ("user-agent", "grpc-python/1.66.1 grpc-c/43.0.0 (linux; chttp2)"),
    ("grpc-accept-encoding", "identity, deflate, gzip"),
];

const HEAD: [(&[u8], &[u8], Indexing); 2] = [
    (b":status", b"200", Indexing::Incremental),
    (b"content-type", b"application/grpc", Indexing::Incremental),
];

const TRAILERS: [(&[u8], &[u8], Indexing); 1] = [(b"grpc-status", b"0", Indexing::Incremental)];

/// Echoes whatever ends a request, as the grpc room would.
fn serve(connection: &mut Connection, mut input: &[u8]) {
    while let Some(event) = connection.next_event(crate::peer::START, &mut input) {
        match event {
            Event::Headers { fields, .. } => {
                std::hint::black_box(&fields);
                connection.recycle(fields);
            }
            Event::Data { stream, data, .. } => {
                connection.release(stream, data.len());
                connection.send_headers(stream, HEAD, false).unwrap();
                connection.send_data(stream, &[&data[..5], &data[5..]], false).unwrap();
                connection.send_headers(stream, TRAILERS, true).unwrap();
            }
            other => panic!("{other:?}"),
        }
    }
    let len = std::hint::black_box(connection.output()).len();
    connection.consume_output(len);
}

/// Frames of requests whose stream identifiers are set anew each time.
struct Requests {
    bytes: Vec<u8>,
    /// Where the identifiers stand, and how far each is above the first.
    places: Vec<(usize, u32)>,
}

impl Requests {
    fn new(peer: &mut Peer, at_once: u32) -> Requests {
        let mut requests = Requests { bytes: Vec::new(), places: Vec::new() };
        for i in 0..at_once {
            let headers = peer.headers(1, &REQUEST, 0);
            for frame in [headers, wire::data(1, &[7; 105], END_STREAM)] {
                requests.places.push((requests.bytes.len() + 5, i * 2));
                requests.bytes.extend(frame);
            }
        }
        requests
    }

    fn renumber(&mut self, first: u32) -> &[u8] {
        for &(place, above) in &self.places {
            self.bytes[place..place + 4].copy_from_slice(&(first + above).to_be_bytes());
        }
        &self.bytes
    }
}

#[test]
#[ignore = "a measurement, for release builds on a quiet machine"]
fn a_call_costs_little() {
    for at_once in [1, 10, 100] {
        let mut peer = Peer::of_server_with(&Limits::DEFAULT);
        peer.send(&wire::window_update(0, 0x7fff_ffff - 65_535));
        // The first one fills the tables.
        let mut warm = Requests::new(&mut peer, 1);
        serve(&mut peer.connection, warm.renumber(1));
        let mut requests = Requests::new(&mut peer, at_once);
        let rounds = 2_000_000 / at_once;
        let mut first = 3;
        let start = Instant::now();
        for _ in 0..rounds {
            serve(&mut peer.connection, requests.renumber(first));
            first += 2 * at_once;
        }
        let elapsed = start.elapsed();
        let ns = elapsed.as_nanos() / u128::from(rounds * at_once);
        println!("{at_once:>4} at once: {ns} ns a call");
        assert!(peer.connection.queued(StreamId(first)) == 0 && !peer.connection.is_closed());
    }
}
