//! Compressed messages: which are, which are refused, and what they may expand to.

use std::time::Duration;

use super::pair::Pair;
use super::raw::message;
use super::server_rules::Harness;
use super::trace::{ClientTrace, Trace};
use crate::call::{CallId, Limits, Metadata, Status};
use crate::grpc::ClientConnection;
use crate::grpc::tests::raw::RawPeer;
use crate::gzip;

const GZIP: [(&str, &str); 2] = [("grpc-encoding", "gzip"), ("grpc-accept-encoding", "gzip")];
const LIMITS: Limits =
    Limits { max_message_bytes: 10_000, max_expanded_bytes: 25_000, ..Limits::DEFAULT };
/// A call that ends for a status other than OK.
const REFUSED: &str = "1 HEADERS END_STREAM :status=200, content-type=application/grpc, ";

/// A message with the compressed-flag.
fn compressed(payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    gzip::compress(payload, &mut bytes).unwrap();
    flagged(&bytes)
}

fn flagged(bytes: &[u8]) -> Vec<u8> {
    let mut framed = message(bytes);
    framed[0] = 1;
    framed
}

/// A server with an open call that has gzip.
fn server() -> Harness {
    let mut harness = Harness::with(&LIMITS);
    harness.request(1, &GZIP, false);
    harness.run();
    harness
}

#[test]
fn a_call_in_gzip_has_plain_and_compressed_messages_in_both_directions() {
    let mut harness = server();
    harness.client.data(1, &[compressed(&[7; 3000]), message(b"plain")].concat(), true);
    assert_eq!(
        harness.run(),
        [
            "server: 1 compressed",
            "server: 1 message 3000 bytes",
            r#"server: 1 message "plain", the last"#
        ]
    );
    harness.server.send_message(CallId(1), &[7; 3000]).unwrap();
    harness.server.send_message(CallId(1), b"small").unwrap();
    harness.server.finish(CallId(1), &Status::OK).unwrap();
    let output = harness.output();
    assert_eq!(
        output[0],
        "1 HEADERS :status=200, content-type=application/grpc, grpc-encoding=gzip, \
         grpc-accept-encoding=identity, gzip"
    );
    // A gzip member has its magic, 10 bytes of header and 8 of trailer.
    assert!(output[1].starts_with(r"1 DATA \x01\x00\x00\x00") || output[1].ends_with(" bytes"));
    assert_eq!(
        output[2..],
        [r"1 DATA \x00\x00\x00\x00\x05small", "1 HEADERS END_STREAM grpc-status=0"]
    );
}

#[test]
fn a_response_is_plain_unless_the_client_compresses_and_accepts_gzip() {
    let accepts = [("grpc-accept-encoding", "identity, deflate, gzip")];
    let compresses = [("grpc-encoding", "gzip"), ("grpc-accept-encoding", "identity")];
    for fields in [&accepts[..], &compresses, &compresses[..1]] {
        let mut harness = Harness::new();
        harness.request(1, fields, false);
        harness.run();
        harness.server.send_message(CallId(1), &[7; 3000]).unwrap();
        harness.server.choose_compression(CallId(1), true);
        harness.server.send_message(CallId(1), &[7; 3000]).unwrap();
        let headers = "1 HEADERS :status=200, content-type=application/grpc";
        assert_eq!(harness.output(), [headers, "1 DATA 3005 bytes", "1 DATA 3005 bytes"]);
    }
}

#[test]
fn a_handler_chooses_for_each_message_if_the_client_accepts_gzip() {
    for (encodings, first) in [(&GZIP[..], true), (&GZIP, false), (&GZIP[1..], true)] {
        let mut harness = Harness::new();
        harness.request(1, encodings, false);
        harness.run();
        for chosen in [first, !first, true] {
            harness.server.choose_compression(CallId(1), chosen);
            harness.server.send_message(CallId(1), &[7; 3000]).unwrap();
        }
        let output = harness.output();
        assert!(output[0].contains("grpc-encoding=gzip"), "{output:?}");
        let plain: Vec<_> = output[1..].iter().map(|line| line.ends_with("3005 bytes")).collect();
        assert_eq!(plain, [!first, first, false]);
    }
}

#[test]
fn metadata_goes_out_with_the_encoding() {
    let mut harness = server();
    let mut metadata = Metadata::new();
    metadata.insert("x", b"y").unwrap();
    harness.server.send_headers(CallId(1), &metadata).unwrap();
    let output = harness.output();
    assert!(output[0].ends_with("grpc-encoding=gzip, grpc-accept-encoding=identity, gzip, x=y"));
}

#[test]
fn the_flag_without_an_encoding_is_internal() {
    let mut harness = Harness::new();
    harness.request(1, &GZIP[1..], false);
    harness.client.data(1, &compressed(b"x"), false);
    assert!(harness.run()[1].starts_with("server: 1 cancelled, INTERNAL"));
    assert!(harness.output()[0].starts_with(&format!("{REFUSED}grpc-status=13")));
}

#[test]
fn damaged_messages_are_internal() {
    let mut whole = Vec::new();
    gzip::compress(b"hello", &mut whole).unwrap();
    let cut = &whole[..whole.len() - 1];
    for bytes in [b"garbage", cut, &[&whole[..], b"x"].concat()] {
        let mut harness = server();
        harness.client.data(1, &flagged(bytes), false);
        let events = harness.run();
        assert!(events[0].starts_with("server: 1 cancelled, INTERNAL: a compressed"), "{events:?}");
        assert!(harness.output()[0].starts_with(&format!("{REFUSED}grpc-status=13")));
        assert_eq!(harness.server.received_bytes(), 0);
    }
}

#[test]
fn an_empty_message_with_the_flag_is_empty() {
    let mut harness = server();
    harness.client.data(1, &flagged(b""), true);
    assert_eq!(harness.run(), ["server: 1 compressed", r#"server: 1 message "", the last"#]);
}

#[test]
fn a_message_expands_up_to_the_limit_of_a_message() {
    for (bytes, is_taken) in
        [(LIMITS.max_message_bytes, true), (LIMITS.max_message_bytes + 1, false)]
    {
        let mut harness = server();
        // In one frame and in many.
        let framed = compressed(&vec![0; bytes]);
        harness.client.data(1, &framed, false);
        for part in framed.chunks(3) {
            harness.client.data(1, part, false);
        }
        let events = harness.run();
        if is_taken {
            let taken = ["server: 1 compressed", "server: 1 message 10000 bytes"];
            assert_eq!(events, [taken, taken].concat());
            assert_eq!(harness.server.received_bytes(), 2 * (bytes + 5));
            harness.server.message_taken(CallId(1), bytes);
            harness.server.message_taken(CallId(1), bytes);
        } else {
            let end = "server: 1 cancelled, RESOURCE_EXHAUSTED: a compressed message is refused: \
                       gzip: expands to more than 10000 bytes";
            assert_eq!(events, [end]);
        }
        assert_eq!(harness.server.received_bytes(), 0);
    }
}

/// Windows count compressed bytes: without this limit a client would make the server hold a thousand
/// times its window.
#[test]
fn what_waits_to_be_consumed_bounds_what_is_expanded() {
    let full = compressed(&[0; 10_000]);
    let mut harness = server();
    harness.client.data(1, &full.repeat(3), false);
    let events = harness.run();
    assert_eq!(events.len(), 5, "{events:?}");
    assert_eq!(
        events[4],
        "server: 1 cancelled, RESOURCE_EXHAUSTED: too many bytes of messages that were compressed \
         wait to be consumed"
    );
    assert_eq!(harness.server.received_bytes(), 0);
    // Over all calls; one that ends, or is consumed, makes room.
    for stream in [3, 5, 7] {
        harness.request(stream, &GZIP, false);
    }
    harness.client.data(3, &full.repeat(2), false);
    harness.client.data(5, &full, false);
    let events = harness.run();
    assert!(events.last().unwrap().starts_with("server: 5 cancelled, RESOURCE"), "{events:?}");
    harness.server.message_taken(CallId(3), 10_000);
    harness.client.data(7, &full, false);
    assert_eq!(harness.run(), ["server: 7 compressed", "server: 7 message 10000 bytes"]);
    harness.server.finish(CallId(3), &Status::OK).unwrap();
    harness.server.finish(CallId(7), &Status::OK).unwrap();
    assert_eq!(harness.server.received_bytes(), 0);
}

#[test]
fn a_client_expands_responses_within_its_limits() {
    let headers = [(":status", "200"), ("content-type", "application/grpc"), GZIP[0]];
    let full = compressed(&[0; 10_000]);
    for (data, last) in [
        (full.clone(), "message 10000 bytes"),
        (compressed(&[0; 10_001]), "finished RESOURCE_EXHAUSTED: a compressed message is refused"),
        (full.repeat(3), "finished RESOURCE_EXHAUSTED: too many bytes of messages"),
        (flagged(b"garbage"), "finished INTERNAL: a compressed message is refused: gzip"),
    ] {
        let mut client = ClientConnection::new(&LIMITS, Duration::ZERO, "host:1", false);
        client.start("/a.B/C", &Metadata::new(), None).unwrap();
        let mut server = RawPeer::server();
        server.headers(1, &headers, false);
        server.data(1, &data, false);
        let mut trace = Trace::default();
        client.receive(Duration::ZERO, &server.take(), &mut ClientTrace(&mut trace));
        let events = trace.take();
        assert!(events.last().unwrap().starts_with(&format!("client: 1 {last}")), "{events:?}");
    }
}

#[test]
fn a_client_names_gzip_and_compresses_what_is_worth_it() {
    let mut pair = Pair::new(1);
    let call = pair.client.start_compressed("/a.B/C", &Metadata::new(), None).unwrap();
    pair.client.send_message(call, &[7; 100_000], false).unwrap();
    pair.client.send_message(call, b"small", false).unwrap();
    pair.client.choose_compression(call, false);
    pair.client.send_message(call, &[7; 2000], false).unwrap();
    pair.client.choose_compression(call, true);
    pair.client.send_message(call, b"small", true).unwrap();
    let events = pair.transcript();
    assert_eq!(
        events[1..],
        [
            "server: 1 compressed",
            "server: 1 message 100000 bytes",
            r#"server: 1 message "small""#,
            "server: 1 message 2000 bytes",
            "server: 1 compressed",
            r#"server: 1 message "small", the last"#,
        ]
    );
    assert!(pair.sent_to_server.len() < 3000, "{}", pair.sent_to_server.len());
    pair.server.send_message(call, &[7; 100_000]).unwrap();
    pair.server.finish(call, &Status::OK).unwrap();
    assert_eq!(
        pair.transcript(),
        [
            "client: 1 headers",
            "client: 1 compressed",
            "client: 1 message 100000 bytes",
            "client: 1 finished OK"
        ]
    );
    assert!(pair.sent_to_client.len() < 1000, "{}", pair.sent_to_client.len());
}

/// A client whose calls are not compressed writes what it always has, but for the encodings that it
/// accepts.
#[test]
fn choosing_changes_nothing_in_a_call_without_compression() {
    let mut pair = Pair::new(1);
    let call = pair.start("/a.B/C");
    pair.client.choose_compression(call, true);
    pair.client.send_message(call, &[7; 2000], true).unwrap();
    assert_eq!(pair.transcript()[1..], ["server: 1 message 2000 bytes, the last"]);
    assert!(pair.sent_to_server.len() > 2000);
}

/// The windows of a call whose messages expand are released like those of any other.
#[test]
fn a_stream_of_expanding_messages_flows_as_long_as_it_is_consumed() {
    let window = 70_000;
    let limits =
        Limits { call_window_bytes: window, connection_window_bytes: window, ..Limits::DEFAULT };
    let mut pair = Pair::with(&limits, 7);
    let call = pair.client.start_compressed("/a.B/C", &Metadata::new(), None).unwrap();
    pair.client.choose_compression(call, true);
    // Half of each message is random.
    let mut payload = crate::seed::Seed::new(3).bytes(10_000);
    payload.resize(20_000, 0);
    for _ in 0..30 {
        pair.client.send_message(call, &payload, false).unwrap();
    }
    let mut arrived = 0;
    while arrived < 30 {
        let count = pair.transcript().iter().filter(|line| line.contains(" message ")).count();
        assert!(count > 0, "{arrived} have arrived");
        arrived += count;
        for _ in 0..count {
            pair.server.message_taken(call, payload.len());
        }
    }
    assert_eq!(pair.server.received_bytes(), 0);
}
