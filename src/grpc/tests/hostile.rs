//! Recorded conversations, damaged: neither side may panic, hang or grow.

use std::time::Duration;

use super::pair::Pair;
use super::trace::{ClientTrace, ServerTrace, Trace};
use crate::call::{CallId, Code, Limits, Metadata, Status};
use crate::grpc::{ClientConnection, ServerConnection};
use crate::gzip;
use crate::seed::each_seed;

/// A conversation with calls of every kind: the bytes sent to the server, and those to the client.
fn recorded() -> (Vec<u8>, Vec<u8>) {
    let mut pair = Pair::new(1);
    let mut metadata = Metadata::new();
    metadata.insert("trace-bin", b"\0\xff\x80").unwrap();
    for round in 0..4u8 {
        let timeout = Some(Duration::from_millis(50));
        let client = &mut pair.client;
        let call = match round {
            2 if gzip::IS_AVAILABLE => {
                client.start_compressed("/shop.Market/Buy", &metadata, timeout)
            }
            _ => client.start("/shop.Market/Buy", &metadata, timeout),
        };
        let call = call.unwrap();
        pair.client.choose_compression(call, true);
        for message in 0..round {
            pair.client.send_message(call, &[message; 30], false).unwrap();
        }
        pair.client.half_close(call).unwrap();
        pair.settle();
        pair.server.choose_compression(call, round == 2);
        for message in 0..3 - round {
            pair.server.send_message(call, &[message; 50]).unwrap();
        }
        let mut status = Status::OK;
        if round % 2 == 1 {
            status = Status::new(Code::NotFound, "no item \u{263a}");
            status.metadata = metadata.clone();
        }
        pair.server.finish(call, &status).unwrap();
        pair.settle();
    }
    pair.client.ping();
    pair.server.go_away("");
    pair.settle();
    (pair.sent_to_server, pair.sent_to_client)
}

const PREFACE_BYTES: usize = 24;

#[test]
fn a_damaged_request_stream_never_harms_a_server() {
    let (recording, _) = recorded();
    each_seed(|seed| {
        // Damage to the preface only closes the connection: leave it mostly alone.
        let kept = if seed.one_in(50) { 0 } else { PREFACE_BYTES };
        let mut damaged = recording[kept..].to_vec();
        seed.mutate(&mut damaged);
        damaged.splice(0..0, recording[..kept].iter().copied());
        let mut server =
            ServerConnection::new(&Limits::DEFAULT, &std::sync::Arc::default(), Duration::ZERO);
        let mut trace = Trace::default();
        let mut rest = &damaged[..];
        let mut size = 1 + seed.below(2000);
        loop {
            let input = &rest[..size.min(rest.len())];
            let used = server.receive(Duration::ZERO, input, &mut ServerTrace(&mut trace));
            rest = &rest[used..];
            answer(&mut server, &trace.take());
            if used == 0 && size >= rest.len() {
                break;
            }
            size = if used == 0 { 2 * size } else { 1 + seed.below(2000) };
        }
        server.connection_lost(&mut ServerTrace(&mut trace));
        assert!(server.output().len() < 1 << 20);
    });
}

/// Answers each message of a transcript with a message, and each half-close with the end.
fn answer(server: &mut ServerConnection, transcript: &[String]) {
    for line in transcript {
        let mut words = line.split_whitespace().skip(1);
        let Some(call) = words.next().and_then(|word| word.parse().ok()).map(CallId) else {
            continue;
        };
        if line.contains(" message ") {
            // The call may be gone by now.
            let _ = server.send_message(call, b"echo");
            server.message_taken(call, 30);
        }
        if line.ends_with("half-closed") || line.ends_with("the last") {
            let _ = server.finish(call, &Status::OK);
        }
    }
}

#[test]
fn a_damaged_response_stream_never_harms_a_client() {
    let (_, recording) = recorded();
    each_seed(|seed| {
        let mut damaged = recording.clone();
        seed.mutate(&mut damaged);
        let mut client = ClientConnection::new(&Limits::DEFAULT, Duration::ZERO, "host", false);
        let mut trace = Trace::default();
        let mut started = 0;
        for _ in 0..4 {
            let call = client.start("/shop.Market/Buy", &Metadata::new(), None).unwrap();
            if seed.one_in(2) {
                client.half_close(call).unwrap();
            }
            started += 1;
        }
        let mut rest = &damaged[..];
        let mut size = 1 + seed.below(2000);
        loop {
            let input = &rest[..size.min(rest.len())];
            let used = client.receive(Duration::ZERO, input, &mut ClientTrace(&mut trace));
            rest = &rest[used..];
            if used == 0 && size >= rest.len() {
                break;
            }
            size = if used == 0 { 2 * size } else { 1 + seed.below(2000) };
        }
        client.connection_lost(&mut ClientTrace(&mut trace));
        let finished = trace.take().iter().filter(|line| line.contains(" finished ")).count();
        assert_eq!(finished, started, "every call ends once");
        assert!(client.output().len() < 1 << 20);
    });
}
