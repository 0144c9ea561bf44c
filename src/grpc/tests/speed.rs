//! What an echo of 100 bytes costs a server, HTTP/2 and HPACK included, sockets not.
//!
//! `cargo test --release --lib grpc::tests::speed -- --ignored --nocapture`

use std::time::{Duration, Instant};

use super::raw::{RawPeer, message};
use crate::call::{CallId, CallStart, Limits, ServerSink, Status};
use crate::grpc::ServerConnection;

const PAYLOAD_BYTES: usize = 100;
/// Each batch size is measured this often, and the best counts: the rest is other people's load.
const WINDOWS: usize = 20;
const WINDOW: Duration = Duration::from_millis(100);

/// Keeps the messages of a batch until they are answered.
#[derive(Default)]
struct Echo {
    bytes: Vec<u8>,
    messages: Vec<(CallId, usize)>,
}

impl ServerSink for Echo {
    fn call(&mut self, _: CallStart<'_>) {}

    fn message(&mut self, call: CallId, message: &[u8], _: bool) {
        self.bytes.extend_from_slice(message);
        self.messages.push((call, message.len()));
    }

    fn half_close(&mut self, _: CallId) {}

    fn cancelled(&mut self, _: CallId, status: Status) {
        panic!("cancelled: {status}");
    }

    fn writable(&mut self, _: CallId) {}
}

impl Echo {
    fn answer(&mut self, server: &mut ServerConnection) {
        let mut rest = &self.bytes[..];
        for &(call, len) in &self.messages {
            let (message, behind) = rest.split_at(len);
            rest = behind;
            server.message_taken(call, len);
            server.send_message(call, message).unwrap();
            server.finish(call, &Status::OK).unwrap();
        }
        self.bytes.clear();
        self.messages.clear();
    }
}

/// The frames of `batch` requests, as grpcio writes them once all fields are indexed, and where
/// the stream identifiers stand in them.
fn requests(client: &mut RawPeer, batch: usize) -> (Vec<u8>, Vec<usize>) {
    let mut at = Vec::new();
    let mut bytes = Vec::new();
    for _ in 0..batch {
        let fields = [
            (":path", "/agora.bench.v1.Echo/Echo"),
            (":scheme", "http"),
            (":method", "POST"),
            (":authority", "127.0.0.1:50051"),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("user-agent", "grpc-python/1.60.0 grpc-c/37.0.0 (linux; chttp2)"),
            ("grpc-accept-encoding", "identity, deflate, gzip"),
        ];
        at.push(bytes.len() + 5);
        let (pseudo, regular) = fields.split_at(4);
        client.headers(1, &[pseudo, regular].concat(), false);
        bytes.extend(client.take());
        at.push(bytes.len() + 5);
        client.data(1, &message(&[7; PAYLOAD_BYTES]), true);
        bytes.extend(client.take());
    }
    (bytes, at)
}

/// Nanoseconds a request when `batch` of them come in one piece.
fn measure(batch: usize) -> f64 {
    let mut client = RawPeer::client();
    client.window_update(0, (1 << 31) - 1 - 65_535);
    let mut server =
        ServerConnection::new(&Limits::DEFAULT, &std::sync::Arc::default(), Duration::ZERO);
    let mut echo = Echo::default();
    server.receive(Duration::ZERO, &client.take(), &mut echo);
    let mut next_stream = 1u32;
    let mut round = |bytes: &mut [u8], at: &[usize]| {
        for pair in at.chunks(2) {
            for &at in pair {
                bytes[at..at + 4].copy_from_slice(&next_stream.to_be_bytes());
            }
            next_stream += 2;
        }
        assert_eq!(server.receive(Duration::ZERO, bytes, &mut echo), bytes.len());
        echo.answer(&mut server);
        let written = server.output().len();
        server.consume_output(written);
        assert!(written > at.len() / 2 * PAYLOAD_BYTES);
    };
    // The first requests put their fields into the table.
    let (mut bytes, at) = requests(&mut client, 1);
    round(&mut bytes, &at);
    let (mut bytes, at) = requests(&mut client, batch);
    let mut window = || {
        let (start, mut rounds) = (Instant::now(), 0);
        while start.elapsed() < WINDOW {
            for _ in 0..100 {
                round(&mut bytes, &at);
            }
            rounds += 100;
        }
        start.elapsed().as_nanos() as f64 / (rounds * batch) as f64
    };
    (0..WINDOWS).map(|_| window()).fold(f64::INFINITY, f64::min)
}

#[test]
#[ignore = "measures; run it in release mode"]
fn an_echo_of_100_bytes() {
    for batch in [1, 10, 100] {
        println!("{batch:3} at once: {:5.0} ns a request", measure(batch));
    }
}
