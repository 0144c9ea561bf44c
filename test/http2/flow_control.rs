//! RFC 9113 sections 5.2 and 6.9: windows in both directions, and fairness between streams.

use agora::call::Limits;
use agora::http2::StreamId;

use crate::peer::{Peer, REQUEST, RESPONSE};
use crate::wire::{self, END_STREAM, PADDED, data, settings, window_update};

const INITIAL_WINDOW_SIZE: u16 = 4;
const MAX: u32 = 0x7fff_ffff;

/// A server with these requests open and their response heads sent, and an initial window of its
/// client's choice.
fn server_with_open_responses(window: u32, ids: &[u32]) -> Peer {
    let mut peer = Peer::of_server();
    peer.send(&settings(&[(INITIAL_WINDOW_SIZE, window)]));
    for &id in ids {
        let request = peer.headers(id, &REQUEST, END_STREAM);
        peer.send(&request);
        peer.send_headers(id, &RESPONSE, false);
    }
    peer.written();
    peer
}

#[test]
fn section_6_9_1_data_waits_for_the_streams_window() {
    let mut peer = server_with_open_responses(10, &[1]);
    peer.send_data(1, b"0123456789abcdef", true);
    assert_eq!(peer.written(), [r#"DATA 1 "0123456789""#]);
    assert_eq!(peer.connection.queued(StreamId(1)), 6);
    assert_eq!(peer.answer(&window_update(1, 4)), [r#"DATA 1 "abcd""#]);
    assert_eq!(peer.answer(&window_update(1, 100)), [r#"DATA 1 "ef" end"#]);
    assert_eq!(peer.connection.open_streams(), 0);
}

#[test]
fn section_6_9_1_data_waits_for_the_connections_window() {
    let mut peer = server_with_open_responses(1_000_000, &[1]);
    peer.send_data(1, &[0; 70_000], true);
    assert_eq!(peer.written().len(), 4);
    assert_eq!(peer.connection.queued(StreamId(1)), 70_000 - 65_535);
    assert_eq!(peer.answer(&window_update(1, 1)), [""; 0]);
    assert_eq!(peer.answer(&window_update(0, 4_464)), ["DATA 1 (4464 bytes)"]);
    assert_eq!(peer.answer(&window_update(0, 1)), [r#"DATA 1 "\x00" end"#]);
}

#[test]
fn section_6_9_1_headers_and_an_empty_end_need_no_window() {
    let mut peer = server_with_open_responses(0, &[1, 3]);
    peer.send_data(1, b"", true);
    peer.send_headers(3, &[("x", "y")], true);
    assert_eq!(peer.written(), [r#"DATA 1 "" end"#, "HEADERS 3 x=y end"]);
}

#[test]
fn trailers_wait_behind_the_data() {
    let mut peer = server_with_open_responses(3, &[1]);
    peer.send_data(1, b"abcdef", false);
    peer.send_data(1, b"gh", false);
    peer.send_headers(1, &[("grpc-status", "0"), ("x", "y")], true);
    assert_eq!(peer.written(), [r#"DATA 1 "abc""#]);
    assert_eq!(peer.answer(&window_update(1, 4)), [r#"DATA 1 "defg""#]);
    let end = peer.answer(&window_update(1, 4));
    assert_eq!(end, [r#"DATA 1 "h""#, "HEADERS 1 grpc-status=0 x=y end"]);
}

#[test]
fn an_empty_end_waits_behind_the_data() {
    let mut peer = server_with_open_responses(3, &[1]);
    peer.send_data(1, b"abcdef", false);
    peer.send_data(1, b"", true);
    assert_eq!(peer.written(), [r#"DATA 1 "abc""#]);
    assert_eq!(peer.answer(&window_update(1, 4)), [r#"DATA 1 "def" end"#]);
}

#[test]
fn section_6_9_an_increment_of_zero_is_an_error() {
    Peer::of_open_request().expect_stream_error(&window_update(1, 0), 1, "PROTOCOL_ERROR");
    Peer::of_open_request().expect_connection_error(&window_update(0, 0), "PROTOCOL_ERROR");
    // The reserved bit does not count.
    let reserved = window_update(1, 0x8000_0000);
    Peer::of_open_request().expect_stream_error(&reserved, 1, "PROTOCOL_ERROR");
}

#[test]
fn section_6_9_1_a_window_above_its_maximum_is_an_error() {
    let above = window_update(1, MAX - 65_535 + 1);
    Peer::of_open_request().expect_stream_error(&above, 1, "FLOW_CONTROL_ERROR");
    let above = window_update(0, MAX - 65_535 + 1);
    Peer::of_open_request().expect_connection_error(&above, "FLOW_CONTROL_ERROR");
    let mut peer = Peer::of_open_request();
    peer.send(&[window_update(1, MAX - 65_535), window_update(0, MAX - 65_535)].concat());
    peer.expect_alive();
}

#[test]
fn section_6_9_2_a_new_initial_window_moves_every_stream() {
    let mut peer = server_with_open_responses(0, &[1, 3]);
    peer.send_data(1, b"first", true);
    peer.send_data(3, b"second", true);
    assert_eq!(peer.written(), [""; 0]);
    let answer = peer.answer(&settings(&[(INITIAL_WINDOW_SIZE, 100)]));
    assert_eq!(answer, ["SETTINGS ack", r#"DATA 1 "first" end"#, r#"DATA 3 "second" end"#]);
}

#[test]
fn section_6_9_2_a_window_can_go_below_zero() {
    let mut peer = server_with_open_responses(10, &[1]);
    peer.send_data(1, b"0123456789abcdefg", true);
    assert_eq!(peer.written(), [r#"DATA 1 "0123456789""#]);
    peer.answer(&settings(&[(INITIAL_WINDOW_SIZE, 2)]));
    assert_eq!(peer.answer(&window_update(1, 8)), [""; 0], "the window is 0 now");
    assert_eq!(peer.answer(&window_update(1, 1)), [r#"DATA 1 "a""#]);
    let answer = peer.answer(&settings(&[(INITIAL_WINDOW_SIZE, 5)]));
    assert_eq!(answer, ["SETTINGS ack", r#"DATA 1 "bcd""#]);
}

#[test]
fn section_6_9_2_a_scheduled_stream_may_lose_its_window() {
    // Stream 1 waits for the connection's window; before that opens, its own is taken back.
    let mut peer = server_with_open_responses(100_000, &[1, 3]);
    peer.send_data(1, &[1; 70_000], true);
    peer.send_data(3, b"third", true);
    peer.written();
    peer.answer(&settings(&[(INITIAL_WINDOW_SIZE, 10)]));
    assert_eq!(peer.answer(&window_update(0, 100_000)), [r#"DATA 3 "third" end"#]);
    let rest = peer.answer(&window_update(1, 100_000));
    assert_eq!(rest, ["DATA 1 (4465 bytes) end"]);
}

#[test]
fn section_6_9_2_an_initial_window_that_overflows_a_stream_is_a_connection_error() {
    let mut peer = Peer::of_open_request();
    peer.send(&window_update(1, MAX - 65_535));
    let overflow = settings(&[(INITIAL_WINDOW_SIZE, 65_536)]);
    peer.expect_connection_error(&overflow, "FLOW_CONTROL_ERROR");
}

#[test]
fn section_6_9_2_the_connections_window_does_not_follow_settings() {
    let mut peer = server_with_open_responses(0, &[1]);
    peer.send_data(1, &[0; 70_000], true);
    let answer = peer.answer(&settings(&[(INITIAL_WINDOW_SIZE, MAX)]));
    assert_eq!(answer.len(), 5);
    assert_eq!(peer.connection.queued(StreamId(1)), 70_000 - 65_535);
}

#[test]
fn streams_take_turns() {
    let mut peer = server_with_open_responses(1_000_000, &[1, 3, 5]);
    peer.send_data(1, &[1; 65_535], false);
    peer.written();
    peer.send_data(1, &[1; 40_000], true);
    peer.send_data(3, &[3; 20_000], true);
    peer.send_data(5, b"small", true);
    let expected = [
        "DATA 1 (16384 bytes)",
        "DATA 3 (16384 bytes)",
        r#"DATA 5 "small" end"#,
        "DATA 1 (16384 bytes)",
        "DATA 3 (3616 bytes) end",
        "DATA 1 (7232 bytes) end",
    ];
    assert_eq!(peer.answer(&window_update(0, 1_000_000)), expected);
}

#[test]
fn a_stream_without_window_does_not_hold_up_the_others() {
    let mut peer = server_with_open_responses(5, &[1, 3]);
    peer.send_data(1, b"0123456789", true);
    peer.send_data(3, b"abc", true);
    assert_eq!(peer.written(), [r#"DATA 1 "01234""#, r#"DATA 3 "abc" end"#]);
}

#[test]
fn a_stream_that_is_reset_is_no_longer_scheduled() {
    let mut peer = server_with_open_responses(1_000_000, &[1, 3]);
    peer.send_data(1, &[1; 70_000], true);
    peer.send_data(3, b"third", true);
    peer.written();
    peer.send(&wire::rst_stream(1, 8));
    // Takes the place of stream 1, and has nothing to send.
    let request = peer.headers(5, &REQUEST, END_STREAM);
    peer.send(&request);
    assert_eq!(peer.answer(&window_update(0, 100_000)), [r#"DATA 3 "third" end"#]);
}

#[test]
fn section_6_9_1_more_than_the_streams_window_is_a_stream_error() {
    let limits = Limits { call_window_bytes: 100_000, ..Limits::DEFAULT };
    let mut peer = Peer::of_server_with(&limits);
    let request = peer.headers(1, &REQUEST, 0);
    peer.send(&request);
    peer.send(&data(1, &[0; 16_384], 0).repeat(6));
    let rest = 100_000 - 6 * 16_384;
    peer.send(&data(1, &vec![0; rest], 0));
    peer.expect_stream_error(&data(1, b"1", 0), 1, "FLOW_CONTROL_ERROR");
}

#[test]
fn section_6_9_1_more_than_the_connections_window_is_a_connection_error() {
    let limits = Limits { connection_window_bytes: 65_535, ..Limits::DEFAULT };
    let mut peer = Peer::of_server_with(&limits);
    let requests = [peer.headers(1, &REQUEST, 0), peer.headers(3, &REQUEST, 0)];
    peer.send(&requests.concat());
    peer.send(&data(1, &[0; 16_384], 0).repeat(2));
    peer.send(&data(3, &[0; 16_384], 0));
    peer.send(&data(3, &[0; 16_383], 0));
    peer.expect_connection_error(&data(1, b"1", 0), "FLOW_CONTROL_ERROR");
}

#[test]
fn section_6_9_padding_counts_and_is_given_back() {
    let limits =
        Limits { call_window_bytes: 70_000, connection_window_bytes: 140_000, ..Limits::DEFAULT };
    let mut peer = Peer::of_server_with(&limits);
    let request = peer.headers(1, &REQUEST, 0);
    peer.send(&request);
    // One byte of content in 257; the content is not released, the padding is.
    let padded = wire::frame(wire::DATA, PADDED, 1, &[vec![255, 7], vec![0; 255]].concat());
    let mut credits = Vec::new();
    for _ in 0..600 {
        assert_eq!(peer.send(&padded), [r#"data 1 "\x07""#]);
        credits.extend(peer.written());
    }
    let (stream, connection) = ("WINDOW_UPDATE 1 +35072", "WINDOW_UPDATE +70144");
    assert_eq!(credits, [stream, stream, connection, stream, stream, connection]);
}

#[test]
fn credit_is_given_for_half_a_window_at_a_time() {
    let mut peer = Peer::of_open_request();
    let frame = data(1, &[0; 8_192], 0);
    let mut credits = Vec::new();
    // 256 KiB a stream, 1 MiB the connection.
    for _ in 0..128 {
        peer.send(&frame);
        peer.connection.release(StreamId(1), 8_192);
        credits.extend(peer.written());
    }
    let stream = "WINDOW_UPDATE 1 +131072";
    let connection = "WINDOW_UPDATE +524288";
    let expected =
        [stream, stream, stream, stream, connection, stream, stream, stream, stream, connection];
    assert_eq!(credits, expected);
}

#[test]
fn data_of_a_closed_stream_is_returned_to_the_connections_window() {
    let mut peer = Peer::of_open_request();
    let frame = data(1, &[0; 16_384], 0);
    peer.send(&frame.repeat(16));
    peer.send(&wire::rst_stream(1, 8));
    let next = peer.headers(3, &REQUEST, 0);
    peer.send(&next);
    peer.send(&data(3, &[0; 16_384], 0).repeat(16));
    peer.written();
    peer.connection.release(StreamId(1), 16 * 16_384);
    assert_eq!(peer.written(), [""; 0]);
    peer.connection.release(StreamId(3), 16 * 16_384);
    let both = ["WINDOW_UPDATE 3 +262144", "WINDOW_UPDATE +524288"];
    assert_eq!(peer.written(), both);
}

#[test]
fn a_stream_that_the_peer_has_ended_gets_no_credit() {
    let mut peer = Peer::of_open_request();
    peer.send(&data(1, &[0; 16_384], 0).repeat(15));
    peer.send(&data(1, &[0; 16_384], END_STREAM));
    peer.connection.release(StreamId(1), 16 * 16_384);
    assert_eq!(peer.written(), [""; 0]);
}

#[test]
fn a_drained_queue_is_reported_as_writable() {
    let limits = Limits { send_low_water_bytes: 10, ..Limits::DEFAULT };
    let mut peer = Peer::of_server_with(&limits);
    peer.send(&settings(&[(INITIAL_WINDOW_SIZE, 0)]));
    let request = peer.headers(1, &REQUEST, END_STREAM);
    peer.send(&request);
    peer.send_headers(1, &RESPONSE, false);
    peer.send_data(1, &[0; 10], false);
    assert_eq!(peer.send(&window_update(1, 5)), [""; 0], "it was never above the mark");
    peer.send_data(1, &[0; 10], false);
    assert_eq!(peer.send(&window_update(1, 4)), [""; 0]);
    assert_eq!(peer.send(&window_update(1, 1)), ["writable 1"]);
    assert_eq!(peer.send(&window_update(1, 10)), [""; 0], "once is enough");
}

#[test]
fn data_stays_queued_while_the_socket_takes_nothing() {
    let mut peer = server_with_open_responses(MAX, &[1, 3]);
    peer.send(&window_update(0, MAX - 65_535));
    peer.send_data(1, &vec![1; 1 << 20], false);
    peer.send_data(3, &vec![3; 1 << 20], true);
    let first = peer.connection.output().len();
    assert!(first < 300 * 1024, "{first} bytes wait for the socket");
    assert!(peer.connection.queued(StreamId(1)) > 700 * 1024);
    assert_eq!(peer.connection.queued(StreamId(3)), 1 << 20);
    // As the socket takes them, both go on in turn, and the user of stream 1 hears of it.
    let mut frames = Vec::new();
    while !peer.connection.output().is_empty() {
        frames.extend(peer.written());
    }
    assert!(peer.connection.has_events());
    assert_eq!(peer.send(&[]), ["writable 1"]);
    let of = |start: &str| frames.iter().filter(|line| line.starts_with(start)).count();
    assert_eq!((of("DATA 1"), of("DATA 3")), (64, 64));
    assert_eq!(frames.last().unwrap(), "DATA 3 (16384 bytes) end");
}
