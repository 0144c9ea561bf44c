//! RFC 9113 sections 6.5, 6.7 and 6.8: SETTINGS, PING, GOAWAY and the shutdown.

use agora::call::Limits;
use agora::http2::{ErrorCode, OpenError, StreamId};

use crate::peer::{Peer, REQUEST, RESPONSE, indexed};
use crate::wire::{self, ACK, END_STREAM, PING, SETTINGS, go_away, settings};

#[test]
fn section_6_5_settings_are_acknowledged_each_time() {
    let mut peer = Peer::of_server();
    assert_eq!(peer.answer(&settings(&[]).repeat(3)), ["SETTINGS ack"; 3]);
}

#[test]
fn section_6_5_an_acknowledgement_with_a_payload_is_a_frame_size_error() {
    let bad = wire::frame(SETTINGS, ACK, 0, &[0; 6]);
    Peer::of_server().expect_connection_error(&bad, "FRAME_SIZE_ERROR");
    Peer::of_client().expect_connection_error(&bad, "FRAME_SIZE_ERROR");
}

#[test]
fn section_6_5_a_length_that_is_no_multiple_of_six_is_a_frame_size_error() {
    for len in [1, 5, 7, 11] {
        let bad = wire::frame(SETTINGS, 0, 0, &vec![0; len]);
        Peer::of_server().expect_connection_error(&bad, "FRAME_SIZE_ERROR");
    }
}

#[test]
fn section_6_5_2_values_out_of_range_are_connection_errors() {
    const ENABLE_PUSH: u16 = 2;
    const INITIAL_WINDOW_SIZE: u16 = 4;
    const MAX_FRAME_SIZE: u16 = 5;
    let cases = [
        (ENABLE_PUSH, 2, "PROTOCOL_ERROR"),
        (INITIAL_WINDOW_SIZE, 0x8000_0000, "FLOW_CONTROL_ERROR"),
        (MAX_FRAME_SIZE, 16_383, "PROTOCOL_ERROR"),
        (MAX_FRAME_SIZE, 16_777_216, "PROTOCOL_ERROR"),
    ];
    for (id, value, code) in cases {
        Peer::of_server().expect_connection_error(&settings(&[(id, value)]), code);
        Peer::of_client().expect_connection_error(&settings(&[(id, value)]), code);
    }
    // Only a client may allow push.
    Peer::of_client().expect_connection_error(&settings(&[(ENABLE_PUSH, 1)]), "PROTOCOL_ERROR");
    let good = [(2, 1), (4, 0x7fff_ffff), (5, 16_384), (5, 16_777_215), (3, 0), (6, 0)];
    assert_eq!(Peer::of_server().answer(&settings(&good)), ["SETTINGS ack"]);
}

#[test]
fn section_6_5_2_unknown_settings_are_ignored() {
    let unknown = settings(&[(0, 1), (7, 0xffff_ffff), (0x4a4a, 5), (0xffff, 0)]);
    assert_eq!(Peer::of_server().answer(&unknown), ["SETTINGS ack"]);
}

#[test]
fn section_6_5_3_values_are_taken_in_order_and_the_last_one_holds() {
    let mut peer = Peer::of_client();
    peer.send(&settings(&[(3, 0), (3, 7), (3, 1)]));
    peer.open(&REQUEST, true);
    let refused = peer.connection.open(indexed(&REQUEST), true);
    assert_eq!(refused, Err(OpenError::TooManyStreams));
}

#[test]
fn section_6_5_3_a_smaller_window_of_ours_holds_from_the_acknowledgement_on() {
    let limits = Limits { call_window_bytes: 100, ..Limits::DEFAULT };
    let preface = [&agora::http2::PREFACE[..], &settings(&[])].concat();
    let mut peer = Peer::of_new_server(&limits);
    peer.send(&preface);
    let request = peer.headers(1, &REQUEST, 0);
    peer.send(&request);
    // The client has not seen our SETTINGS: it may send what the RFC's default allows.
    assert_eq!(peer.send(&wire::data(1, &[0; 10_000], 0)), ["data 1 (10000 bytes)"]);
    peer.send(&wire::settings_ack());
    peer.written();
    peer.connection.release(StreamId(1), 10_000);
    // All is released, the window is 100 again: 9,900 fewer than were given before.
    assert_eq!(peer.written(), ["WINDOW_UPDATE 1 +10000"]);
    assert_eq!(peer.send(&wire::data(1, &[0; 100], 0)), ["data 1 (100 bytes)"]);
    peer.expect_stream_error(&wire::data(1, &[0; 1], 0), 1, "FLOW_CONTROL_ERROR");
}

#[test]
fn section_4_3_1_the_peers_table_size_bounds_our_encoder() {
    let mut peer = Peer::of_open_request();
    peer.send(&settings(&[(1, 0)]));
    peer.written();
    peer.send_headers(1, &[RESPONSE[0], ("x-a", "b")], false);
    // A size update to 0 comes first (RFC 7541 section 4.2).
    let output = peer.connection.output();
    assert_eq!(output[9], 0x20);
    assert_eq!(peer.written(), ["HEADERS 1 :status=200 x-a=b"]);
}

#[test]
fn section_6_7_a_ping_is_answered_with_the_same_bytes() {
    let mut peer = Peer::of_server();
    assert_eq!(peer.answer(&wire::ping(b"\x00\x01abcdef")), [r#"PING "\x00\x01abcdef" ack"#]);
}

#[test]
fn section_6_7_an_answer_to_a_ping_is_not_answered() {
    let mut peer = Peer::of_client();
    peer.connection.ping(*b"anyone??");
    assert_eq!(peer.written(), [r#"PING "anyone??""#]);
    let pong = wire::frame(PING, ACK, 0, b"anyone??");
    assert_eq!(peer.send(&pong), [r#"pong "anyone??""#]);
    assert_eq!(peer.written(), [""; 0]);
}

#[test]
fn section_6_8_a_client_opens_nothing_after_goaway() {
    let mut peer = Peer::of_open_response();
    assert_eq!(peer.send(&go_away(1, 0, b"")), [r#"go away after 1: NO_ERROR """#]);
    assert_eq!(peer.connection.open(indexed(&REQUEST), true), Err(OpenError::GoingAway));
    assert!(!peer.connection.is_closed());
    let response = peer.headers(1, &RESPONSE, END_STREAM);
    let closed = "closed NO_ERROR by peer: the server has gone away";
    assert_eq!(peer.send(&response), ["headers 1 :status=200 end", closed]);
    assert!(peer.connection.is_closed());
}

#[test]
fn section_6_8_streams_above_the_last_are_refused_and_may_be_tried_again() {
    let mut peer = Peer::of_client();
    for _ in 0..3 {
        peer.open(&REQUEST, false);
    }
    peer.written();
    let events = peer.send(&go_away(3, 11, b"busy"));
    let expected =
        [r#"go away after 3: ENHANCE_YOUR_CALM "busy""#, "reset 5 REFUSED_STREAM by peer"];
    assert_eq!(events, expected);
    assert_eq!(peer.connection.open_streams(), 2);
    // A second GOAWAY may lower the last stream, never raise it.
    assert_eq!(peer.send(&go_away(3, 0, b"")), [""; 0]);
    assert_eq!(peer.send(&go_away(0x7fff_ffff, 0, b"")), [""; 0]);
    let events = peer.send(&go_away(0, 0, b"now"));
    let closed = "closed NO_ERROR by peer: the server has gone away";
    let resets = ["reset 1 REFUSED_STREAM by peer", "reset 3 REFUSED_STREAM by peer", closed];
    assert_eq!(events[1..], resets);
}

#[test]
fn section_6_8_goaway_with_nothing_open_ends_a_client() {
    let mut peer = Peer::of_client();
    let events = peer.send(&go_away(0, 0, b""));
    assert_eq!(events.len(), 2);
    assert!(peer.connection.is_closed());
    assert_eq!(peer.written(), [""; 0]);
}

#[test]
fn section_6_8_a_server_keeps_working_after_a_clients_goaway() {
    let mut peer = Peer::of_open_request();
    assert_eq!(peer.send(&go_away(0, 0, b"bye")), [r#"go away after 0: NO_ERROR "bye""#]);
    let end = wire::data(1, b"the rest", END_STREAM);
    assert_eq!(peer.send(&end), [r#"data 1 "the rest" end"#]);
    peer.send_headers(1, &RESPONSE, true);
    assert_eq!(peer.written(), ["HEADERS 1 :status=200 end"]);
    peer.expect_alive();
}

#[test]
fn section_6_8_a_graceful_shutdown_of_a_server_loses_no_request() {
    let mut peer = Peer::of_open_request();
    peer.connection.go_away(ErrorCode::NO_ERROR, b"restart");
    let announced = [r#"GOAWAY last=2147483647 NO_ERROR "restart""#, r#"PING "leaving\x00""#];
    assert_eq!(peer.written(), announced);
    // A request that was under way is served.
    let late = peer.headers(3, &REQUEST, END_STREAM);
    assert_eq!(peer.send(&late).len(), 1);
    // The answer to another PING says nothing.
    assert_eq!(peer.answer(&wire::frame(PING, ACK, 0, b"whatever")), [""; 0]);
    // The client has seen the announcement: from here on nothing new is taken.
    let pong = wire::frame(PING, ACK, 0, b"leaving\0");
    assert_eq!(peer.answer(&pong), [r#"GOAWAY last=3 NO_ERROR """#]);
    let too_late = peer.headers(5, &REQUEST, END_STREAM);
    peer.expect_stream_error(&too_late, 5, "REFUSED_STREAM");
    // What is in flight is finished, then it is over.
    peer.send_headers(3, &RESPONSE, true);
    peer.send_headers(1, &RESPONSE, true);
    assert!(!peer.connection.is_closed());
    let rest = wire::data(1, b"the rest", END_STREAM);
    let closed = "closed NO_ERROR by us: the shutdown is finished";
    assert_eq!(peer.send(&rest), [r#"data 1 "the rest" end"#, closed]);
    assert!(peer.connection.is_closed());
    assert_eq!(peer.written(), ["HEADERS 3 :status=200 end", "HEADERS 1 :status=200 end"]);
}

#[test]
fn section_6_8_a_client_shuts_down_when_its_last_stream_has_ended() {
    let mut peer = Peer::of_open_response();
    peer.connection.go_away(ErrorCode::NO_ERROR, b"");
    assert_eq!(peer.written(), [r#"GOAWAY last=0 NO_ERROR """#]);
    assert_eq!(peer.connection.open(indexed(&REQUEST), true), Err(OpenError::GoingAway));
    peer.connection.go_away(ErrorCode::NO_ERROR, b"again");
    assert_eq!(peer.written(), [""; 0]);
    let response = peer.headers(1, &RESPONSE, END_STREAM);
    let closed = "closed NO_ERROR by us: the shutdown is finished";
    assert_eq!(peer.send(&response), ["headers 1 :status=200 end", closed]);
}

#[test]
fn section_6_8_debug_data_is_cut_to_what_a_frame_holds() {
    let mut peer = Peer::of_client();
    peer.connection.go_away(ErrorCode::INTERNAL_ERROR, &[b'x'; 20_000]);
    assert_eq!(peer.connection.output().len(), 9 + 16_384);
    assert_eq!(peer.written(), ["GOAWAY last=0 INTERNAL_ERROR (16376 bytes)"]);
}

#[test]
fn section_6_8_an_error_ends_everything_at_once() {
    let mut peer = Peer::of_open_request();
    peer.connection.go_away(ErrorCode::INTERNAL_ERROR, b"a bug");
    assert!(peer.connection.is_closed());
    assert_eq!(peer.written(), [r#"GOAWAY last=1 INTERNAL_ERROR "a bug""#]);
    let closed = "closed INTERNAL_ERROR by us: the connection was closed here";
    assert_eq!(peer.send(b"whatever"), [closed]);
    assert_eq!(peer.send(b"whatever"), [""; 0]);
    peer.connection.go_away(ErrorCode::INTERNAL_ERROR, b"again");
    peer.connection.ping([0; 8]);
    peer.connection.reset(StreamId(1), ErrorCode::CANCEL);
    peer.connection.release(StreamId(1), 1_000_000);
    assert_eq!(peer.written(), [""; 0]);
}

#[test]
fn closed_comes_last_even_when_a_reset_ends_the_connection() {
    let mut peer = Peer::of_open_response();
    peer.connection.go_away(ErrorCode::NO_ERROR, b"");
    let closed = "closed NO_ERROR by us: the shutdown is finished";
    assert_eq!(peer.send(&wire::rst_stream(1, 7)), ["reset 1 REFUSED_STREAM by peer", closed]);
    let mut peer = Peer::of_open_response();
    peer.connection.go_away(ErrorCode::NO_ERROR, b"");
    let events = peer.send(&wire::window_update(1, 0));
    assert_eq!(events, ["reset 1 PROTOCOL_ERROR by us", closed]);
}
