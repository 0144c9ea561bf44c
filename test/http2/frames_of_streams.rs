//! RFC 9113 sections 6.1 to 6.4, 6.6 and 6.10: frames that belong to streams.

use agora::call::Limits;
use agora::http2::{ErrorCode, StreamId};

use crate::peer::{Peer, REQUEST, RESPONSE};
use crate::wire::{
    self, CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PADDED, PRIORITY, PRIORITY_FLAG,
    data, rst_stream,
};

#[test]
fn section_6_1_padding_is_removed() {
    for pad in [0, 1, 255] {
        let mut payload = vec![pad];
        payload.extend(b"content");
        payload.extend(vec![0; usize::from(pad)]);
        let mut peer = Peer::of_open_request();
        let events = peer.send(&wire::frame(DATA, PADDED, 1, &payload));
        assert_eq!(events, [r#"data 1 "content""#]);
    }
}

#[test]
fn section_6_1_padding_may_be_all_there_is() {
    let mut peer = Peer::of_open_request();
    assert_eq!(peer.send(&wire::frame(DATA, PADDED, 1, &[3, 0, 0, 0])), [""; 0]);
    let events = peer.send(&wire::frame(DATA, PADDED | END_STREAM, 1, &[0]));
    assert_eq!(events, [r#"data 1 "" end"#]);
}

#[test]
fn section_6_1_padding_as_long_as_the_payload_is_a_connection_error() {
    for payload in [&[1][..], &[5, 0, 0, 0, 0], &[255, 1, 2]] {
        let bad = wire::frame(DATA, PADDED, 1, payload);
        Peer::of_open_request().expect_connection_error(&bad, "PROTOCOL_ERROR");
    }
    let empty = wire::frame(DATA, PADDED, 1, &[]);
    Peer::of_open_request().expect_connection_error(&empty, "FRAME_SIZE_ERROR");
}

#[test]
fn section_6_1_empty_data_may_end_a_stream() {
    let mut peer = Peer::of_open_request();
    assert_eq!(peer.send(&data(1, b"", END_STREAM)), [r#"data 1 "" end"#]);
}

#[test]
fn section_6_1_we_end_a_stream_with_empty_data_if_asked() {
    let mut peer = Peer::of_open_request();
    peer.send_headers(1, &RESPONSE, false);
    peer.send_data(1, b"", false);
    peer.send_data(1, b"all", false);
    peer.send_data(1, b"", true);
    let expected = ["HEADERS 1 :status=200", r#"DATA 1 "all""#, r#"DATA 1 "" end"#];
    assert_eq!(peer.written(), expected);
}

#[test]
fn section_6_1_parts_are_sent_as_one() {
    let mut peer = Peer::of_open_request();
    peer.send_headers(1, &RESPONSE, false);
    peer.connection.send_data(StreamId(1), &[b"ab", b"", b"cd", b"e"], true).unwrap();
    assert_eq!(peer.written()[1..], [r#"DATA 1 "abcde" end"#]);
}

#[test]
fn section_6_1_content_is_cut_at_the_frame_size() {
    let mut peer = Peer::of_open_request();
    peer.send_headers(1, &RESPONSE, false);
    peer.connection.send_data(StreamId(1), &[&[1; 5], &[2; 40_000]], true).unwrap();
    let expected = ["DATA 1 (16384 bytes)", "DATA 1 (16384 bytes)", "DATA 1 (7237 bytes) end"];
    assert_eq!(peer.written()[1..], expected);
}

#[test]
fn section_6_2_padding_and_priority_are_removed_from_headers() {
    let expected = "headers 1 :method=POST :scheme=http :path=/echo :authority=here end";
    for flags in [0, PADDED, PRIORITY_FLAG, PADDED | PRIORITY_FLAG] {
        let mut peer = Peer::of_server();
        let mut payload = Vec::new();
        if flags & PADDED != 0 {
            payload.push(9);
        }
        if flags & PRIORITY_FLAG != 0 {
            payload.extend([0x80, 0, 0, 1, 200]);
        }
        payload.extend(wire::block(&mut peer.encoder, &REQUEST));
        if flags & PADDED != 0 {
            payload.extend([0; 9]);
        }
        let headers = wire::frame(HEADERS, flags | END_HEADERS | END_STREAM, 1, &payload);
        assert_eq!(peer.send(&headers), [expected]);
    }
}

#[test]
fn section_6_2_padding_as_long_as_the_block_is_a_connection_error() {
    let bad = wire::frame(HEADERS, PADDED | END_HEADERS, 1, &[9, 0x82]);
    Peer::of_server().expect_connection_error(&bad, "PROTOCOL_ERROR");
    let short = wire::frame(HEADERS, PRIORITY_FLAG | END_HEADERS, 1, &[0; 4]);
    Peer::of_server().expect_connection_error(&short, "FRAME_SIZE_ERROR");
}

#[test]
fn section_6_3_priority_is_ignored_in_any_state() {
    let mut peer = Peer::of_open_request();
    let second = peer.headers(3, &REQUEST, END_STREAM);
    peer.send(&second);
    peer.send_headers(3, &RESPONSE, true);
    peer.written();
    for stream in [1, 3, 5, 2] {
        assert_eq!(peer.answer(&wire::frame(PRIORITY, 0, stream, &[0, 0, 0, 7, 1])), [""; 0]);
    }
    peer.expect_alive();
}

#[test]
fn section_6_3_priority_of_another_length_is_a_stream_error() {
    for len in [0, 4, 6] {
        let bad = wire::frame(PRIORITY, 0, 1, &vec![0; len]);
        Peer::of_open_request().expect_stream_error(&bad, 1, "FRAME_SIZE_ERROR");
    }
    // An idle stream cannot be reset, so there it is the connection's.
    let idle = wire::frame(PRIORITY, 0, 5, &[0; 4]);
    Peer::of_server().expect_connection_error(&idle, "FRAME_SIZE_ERROR");
}

#[test]
fn section_6_4_a_reset_ends_the_stream_and_drops_its_queue() {
    let mut peer = Peer::of_open_request();
    peer.send_headers(1, &RESPONSE, false);
    peer.send_data(1, &[0; 100_000], true);
    assert_eq!(peer.connection.queued(StreamId(1)), 100_000 - 65_535);
    peer.written();
    assert_eq!(peer.send(&rst_stream(1, 8)), ["reset 1 CANCEL by peer"]);
    assert_eq!(peer.connection.queued(StreamId(1)), 0);
    assert_eq!(peer.answer(&wire::window_update(0, 1_000_000)), [""; 0]);
}

#[test]
fn section_6_4_unknown_codes_are_passed_on() {
    let mut peer = Peer::of_open_request();
    assert_eq!(peer.send(&rst_stream(1, 0x1234)), ["reset 1 error code 0x1234 by peer"]);
}

#[test]
fn section_6_6_push_is_an_error_for_either_role() {
    let promise =
        |stream| wire::frame(wire::PUSH_PROMISE, END_HEADERS, stream, &[0, 0, 0, 2, 0x82]);
    Peer::of_open_request().expect_connection_error(&promise(1), "PROTOCOL_ERROR");
    Peer::of_open_response().expect_connection_error(&promise(1), "PROTOCOL_ERROR");
}

#[test]
fn section_6_10_continuation_needs_a_block_to_continue() {
    let stray = wire::frame(CONTINUATION, END_HEADERS, 1, &[0x82]);
    Peer::of_server().expect_connection_error(&stray, "PROTOCOL_ERROR");
    Peer::of_open_request().expect_connection_error(&stray, "PROTOCOL_ERROR");
}

#[test]
fn section_6_10_long_blocks_are_sent_in_continuations() {
    let long = "v".repeat(20_000);
    let mut peer = Peer::of_open_request();
    peer.send_headers(1, &[RESPONSE[0], ("x-long", &long)], true);
    let written = peer.written();
    assert_eq!(written[0], "HEADERS 1 ... end");
    let expected = format!("CONTINUATION 1 :status=200 x-long={long}");
    assert_eq!(written[1..], [expected]);
}

#[test]
fn section_8_1_a_reset_without_error_follows_the_queued_response() {
    let limits = Limits::DEFAULT;
    let mut peer = Peer::of_server_with(&limits);
    let request = peer.headers(1, &REQUEST, 0);
    peer.send(&request);
    peer.send_headers(1, &RESPONSE, false);
    peer.send_data(1, &[0; 70_000], false);
    peer.send_headers(1, &[("grpc-status", "0")], true);
    peer.connection.reset(StreamId(1), ErrorCode::NO_ERROR);
    assert_eq!(peer.written().last().unwrap(), "DATA 1 (16383 bytes)");
    peer.send(&wire::window_update(0, 100_000));
    let rest = peer.answer(&wire::window_update(1, 100_000));
    let expected = ["DATA 1 (4465 bytes)", "HEADERS 1 grpc-status=0 end", "RST_STREAM 1 NO_ERROR"];
    assert_eq!(rest, expected);
    assert_eq!(peer.connection.open_streams(), 0);
}

#[test]
fn section_8_1_any_other_reset_drops_the_queued_response() {
    let mut peer = Peer::of_open_request();
    peer.send_headers(1, &RESPONSE, false);
    peer.send_data(1, &[0; 70_000], true);
    peer.written();
    peer.connection.reset(StreamId(1), ErrorCode::INTERNAL_ERROR);
    assert_eq!(peer.written(), ["RST_STREAM 1 INTERNAL_ERROR"]);
    assert_eq!(peer.answer(&wire::window_update(0, 100_000)), [""; 0]);
}
