//! Transcripts of whole conversations between our client and our server.

use agora::http2::{ErrorCode, StreamId};

use crate::pair::Pair;

/// A request as short as RFC 9113 section 8.3.1 allows.
const REQUEST: [(&str, &str); 3] = [(":method", "POST"), (":scheme", "http"), (":path", "/echo")];

#[test]
fn a_connection_begins() {
    let mut pair = Pair::new(&agora::call::Limits::DEFAULT);
    pair.run();
    pair.expect_transcript(
        "
        --> preface
        --> SETTINGS 2=0 4=262144 6=16384
        --> WINDOW_UPDATE +983041
        <-- SETTINGS 3=100 4=262144 6=16384
        <-- WINDOW_UPDATE +983041
        --> SETTINGS ack
        <-- SETTINGS ack
        ",
    );
}

#[test]
fn a_request_and_its_response() {
    let mut pair = Pair::connected();
    let stream = pair.open(&REQUEST, false);
    pair.client.connection.send_data(stream, &[b"are you", b" there?"], true).unwrap();
    pair.run();
    pair.answer(stream, &[(":status", "200")], false);
    pair.server.connection.send_data(stream, &[b"yes"], false).unwrap();
    pair.answer(stream, &[("grpc-status", "0")], true);
    pair.run();
    pair.expect_transcript(
        r#"
        --> HEADERS 1 :method=POST :scheme=http :path=/echo
        --> DATA 1 "are you there?" end
          * server: headers 1 :method=POST :scheme=http :path=/echo
          * server: data 1 "are you there?" end
        <-- HEADERS 1 :status=200
        <-- DATA 1 "yes"
        <-- HEADERS 1 grpc-status=0 end
          * client: headers 1 :status=200
          * client: data 1 "yes"
          * client: trailers 1 grpc-status=0
        "#,
    );
    assert_eq!(pair.client.connection.open_streams(), 0);
    assert_eq!(pair.server.connection.open_streams(), 0);
}

#[test]
fn a_large_response_waits_for_window() {
    let mut pair = Pair::connected();
    let stream = pair.open(&REQUEST, true);
    pair.run();
    pair.transcript.clear();
    pair.answer(stream, &[(":status", "200")], false);
    pair.server.connection.send_data(stream, &[&vec![b'x'; 300_000]], false).unwrap();
    pair.answer(stream, &[("grpc-status", "0")], true);
    pair.run();
    assert_eq!(pair.server.connection.queued(stream), 300_000 - 262_144);
    assert_eq!(pair.transcript.len(), 2 * 17);
    pair.transcript.clear();
    pair.client.connection.release(stream, 262_144);
    pair.run();
    pair.expect_transcript(
        "
        --> WINDOW_UPDATE 1 +262144
        <-- DATA 1 (16384 bytes)
        <-- DATA 1 (16384 bytes)
        <-- DATA 1 (5088 bytes)
        <-- HEADERS 1 grpc-status=0 end
          * client: data 1 (16384 bytes)
          * client: data 1 (16384 bytes)
          * client: data 1 (5088 bytes)
          * client: trailers 1 grpc-status=0
        ",
    );
}

#[test]
fn a_client_cancels_a_request() {
    let mut pair = Pair::connected();
    let stream = pair.open(&REQUEST, false);
    pair.run();
    pair.client.connection.reset(stream, ErrorCode::CANCEL);
    pair.answer(stream, &[(":status", "200")], false);
    pair.run();
    pair.expect_transcript(
        "
        --> HEADERS 1 :method=POST :scheme=http :path=/echo
          * server: headers 1 :method=POST :scheme=http :path=/echo
        --> RST_STREAM 1 CANCEL
          * server: reset 1 CANCEL by peer
        <-- HEADERS 1 :status=200
        ",
    );
}

#[test]
fn a_server_ends_a_request_early() {
    let mut pair = Pair::connected();
    let stream = pair.open(&REQUEST, false);
    pair.client.connection.send_data(stream, &[b"first of many"], false).unwrap();
    pair.run();
    pair.answer(stream, &[(":status", "200"), ("grpc-status", "8")], true);
    pair.server.connection.reset(stream, ErrorCode::NO_ERROR);
    pair.client.connection.send_data(stream, &[b"second"], false).unwrap();
    pair.run();
    pair.expect_transcript(
        r#"
        --> HEADERS 1 :method=POST :scheme=http :path=/echo
        --> DATA 1 "first of many"
          * server: headers 1 :method=POST :scheme=http :path=/echo
          * server: data 1 "first of many"
        --> DATA 1 "second"
        <-- HEADERS 1 :status=200 grpc-status=8 end
        <-- RST_STREAM 1 NO_ERROR
          * client: headers 1 :status=200 grpc-status=8 end
          * client: reset 1 NO_ERROR by peer
        "#,
    );
}

#[test]
fn a_server_shuts_down_while_a_request_is_under_way() {
    let mut pair = Pair::connected();
    let first = pair.open(&REQUEST, true);
    pair.run();
    pair.transcript.clear();
    pair.server.connection.go_away(ErrorCode::NO_ERROR, b"restart");
    let second = pair.open(&REQUEST, true);
    pair.run();
    assert_eq!((first, second), (StreamId(1), StreamId(3)));
    pair.answer(second, &[(":status", "200")], true);
    pair.answer(first, &[(":status", "200")], true);
    pair.run();
    pair.expect_transcript(
        r#"
        --> HEADERS 3 :method=POST :scheme=http :path=/echo end
          * server: headers 3 :method=POST :scheme=http :path=/echo end
        <-- GOAWAY last=2147483647 NO_ERROR "restart"
        <-- PING "leaving\x00"
          * client: go away after 2147483647: NO_ERROR "restart"
        --> PING "leaving\x00" ack
        <-- GOAWAY last=3 NO_ERROR ""
          * client: go away after 3: NO_ERROR ""
          * server: closed NO_ERROR by us: the shutdown is finished
        <-- HEADERS 3 :status=200 end
        <-- HEADERS 1 :status=200 end
          * client: headers 3 :status=200 end
          * client: headers 1 :status=200 end
          * client: closed NO_ERROR by peer: the server has gone away
        "#,
    );
    assert!(pair.server.connection.is_closed());
}

#[test]
fn a_client_shuts_down() {
    let mut pair = Pair::connected();
    let stream = pair.open(&REQUEST, true);
    pair.client.connection.go_away(ErrorCode::NO_ERROR, b"done");
    pair.run();
    pair.answer(stream, &[(":status", "200")], true);
    pair.run();
    pair.expect_transcript(
        r#"
        --> HEADERS 1 :method=POST :scheme=http :path=/echo end
        --> GOAWAY last=0 NO_ERROR "done"
          * server: headers 1 :method=POST :scheme=http :path=/echo end
          * server: go away after 0: NO_ERROR "done"
        <-- HEADERS 1 :status=200 end
          * client: headers 1 :status=200 end
          * client: closed NO_ERROR by us: the shutdown is finished
        "#,
    );
}
