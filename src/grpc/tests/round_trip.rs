//! Whatever is said arrives as it was said, however the bytes are cut.

use std::time::Duration;

use crate::call::{CallId, CallStart, ClientSink, Code, Limits, Metadata, ServerSink, Status};
use crate::grpc::{ClientConnection, ServerConnection};
use crate::gzip;
use crate::seed::{Seed, each_seed};

/// What one side heard of one call.
#[derive(Default, PartialEq, Debug)]
struct Heard {
    path: String,
    metadata: Metadata,
    messages: Vec<Vec<u8>>,
    half_closed: bool,
    status: Option<Status>,
}

impl ServerSink for Heard {
    fn call(&mut self, start: CallStart<'_>) {
        self.path = start.path.to_owned();
        for (name, value) in start.metadata.iter().filter(|(name, _)| *name != b"user-agent") {
            self.metadata.append(name, value).unwrap();
        }
    }

    fn message(&mut self, _: CallId, message: &[u8], last: bool) {
        self.messages.push(message.to_vec());
        self.half_closed |= last;
    }

    fn half_close(&mut self, _: CallId) {
        assert!(!std::mem::replace(&mut self.half_closed, true), "half-closed twice");
    }

    fn cancelled(&mut self, _: CallId, status: Status) {
        panic!("cancelled: {status}");
    }

    fn writable(&mut self, _: CallId) {}
}

impl ClientSink for Heard {
    fn headers(&mut self, _: CallId, metadata: &Metadata) {
        self.metadata = metadata.clone();
    }

    fn message(&mut self, _: CallId, message: &[u8]) {
        self.messages.push(message.to_vec());
    }

    fn finished(&mut self, _: CallId, status: Status, retriable: bool) {
        assert!(!retriable && self.status.is_none());
        self.status = Some(status);
    }

    fn writable(&mut self, _: CallId) {}
}

const NAMES: [&str; 4] = ["a", "b.c-d_e", "x-bin", "0"];

fn random_metadata(seed: &mut Seed, names: &[&str]) -> Metadata {
    let mut metadata = Metadata::new();
    for _ in 0..seed.below(4) {
        let name = *seed.pick(names);
        let count = seed.below(30);
        let bytes = seed.bytes(count);
        // gRPC may strip spaces at the ends of a text; we do.
        let text: Vec<u8> = bytes.iter().map(|byte| b' ' + byte % 95).collect();
        let value = if name.ends_with("-bin") { &bytes[..] } else { text.trim_ascii() };
        metadata.insert(name, value).unwrap();
    }
    metadata
}

fn random_messages(seed: &mut Seed) -> Vec<Vec<u8>> {
    let sizes = [0, 1, 100, 5_000, 40_000];
    (0..seed.below(5))
        .map(|_| {
            let largest = *seed.pick(&sizes);
            let count = seed.below(largest + 1);
            vec![seed.next_u64() as u8; count]
        })
        .collect()
}

fn random_status(seed: &mut Seed) -> Status {
    let count = seed.below(20);
    let message = String::from_utf8_lossy(&seed.bytes(count)).into_owned();
    let mut status = Status::new(*seed.pick(&Code::ALL), message);
    let trailing = [&NAMES[..], &["grpc-status-details-bin"]].concat();
    status.metadata = random_metadata(seed, &trailing);
    status
}

/// Moves some of `output` behind `pending`; returns how much.
fn carry(seed: &mut Seed, output: &[u8], pending: &mut Vec<u8>) -> usize {
    let largest = *seed.pick(&[1, 20, 1_000, 100_000]);
    let count = (1 + seed.below(largest)).min(output.len());
    pending.extend_from_slice(&output[..count]);
    count
}

#[test]
fn metadata_messages_and_status_survive_any_fragmentation() {
    each_seed(|seed| {
        let now = Duration::ZERO;
        let mut client = ClientConnection::new(&Limits::DEFAULT, now, "host", false);
        let mut server = ServerConnection::new(&Limits::DEFAULT, &std::sync::Arc::default(), now);
        let request = Heard {
            path: "/a.B/C".to_owned(),
            metadata: random_metadata(seed, &NAMES),
            messages: random_messages(seed),
            half_closed: true,
            status: None,
        };
        let mut headers = random_metadata(seed, &NAMES);
        let answers = random_messages(seed);
        let status = random_status(seed);

        let (path, metadata) = (&request.path, &request.metadata);
        let call = if gzip::IS_AVAILABLE && seed.one_in(50) {
            client.start_compressed(path, metadata, None).unwrap()
        } else {
            client.start(path, metadata, None).unwrap()
        };
        for (at, message) in request.messages.iter().enumerate() {
            let last = at + 1 == request.messages.len();
            client.send_message(call, message, last).unwrap();
        }
        if request.messages.is_empty() {
            client.half_close(call).unwrap();
        }
        if answers.is_empty() {
            headers = Metadata::new();
        }
        let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
        let (mut at_server, mut at_client) = (Heard::default(), Heard::default());
        let mut answered = false;
        while at_client.status.is_none() {
            let count = carry(seed, client.output(), &mut to_server);
            client.consume_output(count);
            let used = server.receive(now, &to_server, &mut at_server);
            to_server.drain(..used);
            let consumed = at_server.messages.iter().map(Vec::len).sum();
            server.message_taken(call, consumed);
            if at_server.half_closed && !std::mem::replace(&mut answered, true) {
                if !headers.is_empty() {
                    server.send_headers(call, &headers).unwrap();
                }
                for answer in &answers {
                    server.send_message(call, answer).unwrap();
                }
                server.finish(call, &status).unwrap();
            }
            let count = carry(seed, server.output(), &mut to_client);
            server.consume_output(count);
            let used = client.receive(now, &to_client, &mut at_client);
            to_client.drain(..used);
            client.message_taken(call, at_client.messages.iter().map(Vec::len).sum());
        }
        let answer = Heard {
            path: String::new(),
            metadata: headers,
            messages: answers,
            half_closed: false,
            status: Some(status),
        };
        assert_eq!(at_server, request);
        assert_eq!(at_client, answer);
        assert_eq!((client.open_calls(), server.open_calls()), (0, 0));
    });
}
