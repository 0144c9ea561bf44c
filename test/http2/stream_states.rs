//! RFC 9113 section 5: stream states, identifiers, concurrency, and how errors are answered.

use agora::call::Limits;
use agora::http2::{ErrorCode, OpenError, StreamClosed, StreamId};

use crate::peer::{Peer, REQUEST, RESPONSE, indexed};
use crate::wire::{self, CONTINUATION, END_HEADERS, END_STREAM, data, rst_stream, window_update};

/// A server whose stream 1 both sides have ended.
fn finished() -> Peer {
    let mut peer = Peer::of_server();
    let request = peer.headers(1, &REQUEST, END_STREAM);
    peer.send(&request);
    peer.send_headers(1, &RESPONSE, true);
    peer.written();
    peer
}

#[test]
fn section_5_1_idle_takes_nothing_but_headers_and_priority() {
    let frames = [data(5, b"x", 0), rst_stream(5, 8), window_update(5, 1)];
    for frame in &frames {
        Peer::of_server().expect_connection_error(frame, "PROTOCOL_ERROR");
        Peer::of_client().expect_connection_error(frame, "PROTOCOL_ERROR");
        Peer::of_open_request().expect_connection_error(frame, "PROTOCOL_ERROR");
    }
    let mut peer = Peer::of_server();
    assert_eq!(peer.send(&wire::frame(wire::PRIORITY, 0, 5, &[0; 5])), [""; 0]);
    peer.expect_alive();
}

#[test]
fn section_5_1_a_server_initiated_stream_is_always_idle() {
    for frame in [data(2, b"x", 0), rst_stream(2, 8), window_update(2, 1)] {
        Peer::of_open_request().expect_connection_error(&frame, "PROTOCOL_ERROR");
        Peer::of_open_response().expect_connection_error(&frame, "PROTOCOL_ERROR");
        // Also when odd ones above it have been used.
        let mut peer = Peer::of_server();
        let request = peer.headers(7, &REQUEST, END_STREAM);
        peer.send(&request);
        peer.expect_connection_error(&frame, "PROTOCOL_ERROR");
    }
}

#[test]
fn section_5_1_half_closed_remote_answers_with_stream_closed() {
    let mut peer = Peer::of_server();
    let request = peer.headers(1, &REQUEST, END_STREAM);
    peer.send(&request);
    peer.expect_stream_error(&data(1, b"more", 0), 1, "STREAM_CLOSED");

    let mut peer = Peer::of_server();
    let request = peer.headers(1, &REQUEST, END_STREAM);
    peer.send(&request);
    let trailers = peer.headers(1, &[("x", "y")], END_STREAM);
    peer.expect_stream_error(&trailers, 1, "STREAM_CLOSED");
}

#[test]
fn section_5_1_half_closed_remote_still_takes_credit_and_reset() {
    let mut peer = Peer::of_server();
    let request = peer.headers(1, &REQUEST, END_STREAM);
    peer.send(&request);
    assert_eq!(peer.send(&window_update(1, 10)), [""; 0]);
    assert_eq!(peer.send(&rst_stream(1, 8)), ["reset 1 CANCEL by peer"]);
}

#[test]
fn section_5_1_half_closed_local_takes_everything() {
    let mut peer = Peer::of_open_request();
    peer.send_headers(1, &RESPONSE, true);
    assert_eq!(peer.send(&window_update(1, 10)), [""; 0]);
    assert_eq!(peer.send(&data(1, b"more", 0)), [r#"data 1 "more""#]);
    let trailers = peer.headers(1, &[("x", "y")], END_STREAM);
    assert_eq!(peer.send(&trailers), ["trailers 1 x=y"]);
    assert_eq!(peer.connection.open_streams(), 0);
}

#[test]
fn section_5_1_nothing_can_be_sent_after_our_end() {
    let mut peer = Peer::of_open_request();
    peer.send_headers(1, &RESPONSE, true);
    let stream = StreamId(1);
    assert_eq!(peer.connection.send_data(stream, &[b"x"], false), Err(StreamClosed));
    assert_eq!(
        peer.connection.send_headers(stream, indexed(&[("x", "y")]), true),
        Err(StreamClosed)
    );
    assert_eq!(peer.written(), ["HEADERS 1 :status=200 end"]);
}

#[test]
fn section_5_1_nothing_can_be_sent_after_a_queued_end() {
    let mut peer = Peer::of_open_request();
    peer.send_headers(1, &RESPONSE, false);
    peer.send_data(1, &[0; 70_000], true);
    let stream = StreamId(1);
    assert_eq!(peer.connection.send_data(stream, &[b"x"], false), Err(StreamClosed));
    assert_eq!(
        peer.connection.send_headers(stream, indexed(&[("x", "y")]), true),
        Err(StreamClosed)
    );
}

#[test]
fn section_5_1_content_after_both_ends_is_a_connection_error() {
    finished().expect_connection_error(&data(1, b"x", 0), "STREAM_CLOSED");
    let mut peer = finished();
    let headers = peer.headers(1, &REQUEST, END_STREAM);
    peer.expect_connection_error(&headers, "STREAM_CLOSED");
}

#[test]
fn section_5_1_late_credit_and_resets_on_a_closed_stream_are_normal() {
    let mut peer = finished();
    assert_eq!(peer.answer(&[window_update(1, 1), rst_stream(1, 8)].concat()), [""; 0]);
    peer.expect_alive();
}

#[test]
fn section_5_1_content_after_the_peers_own_reset_is_a_stream_error() {
    let mut peer = Peer::of_open_request();
    peer.send(&rst_stream(1, 8));
    peer.expect_stream_error(&data(1, b"x", 0), 1, "STREAM_CLOSED");
    let mut peer = Peer::of_open_request();
    peer.send(&rst_stream(1, 8));
    let headers = peer.headers(1, &REQUEST, END_STREAM);
    peer.expect_stream_error(&headers, 1, "STREAM_CLOSED");
    // Now we have reset it too, and what follows may have been under way.
    assert_eq!(peer.answer(&data(1, b"x", 0)), [""; 0]);
}

#[test]
fn section_5_1_frames_in_flight_when_we_reset_are_discarded() {
    let mut peer = Peer::of_open_request();
    peer.connection.reset(StreamId(1), ErrorCode::CANCEL);
    assert_eq!(peer.written(), ["RST_STREAM 1 CANCEL"]);
    let trailers = peer.headers(1, &[("x", "y")], END_STREAM);
    let late = [data(1, b"late", 0), window_update(1, 1), trailers, rst_stream(1, 8)];
    assert_eq!(peer.send(&late.concat()), [""; 0]);
    peer.expect_alive();
}

#[test]
fn section_5_1_discarded_data_is_returned_to_the_connections_window() {
    let mut peer = Peer::of_open_request();
    peer.connection.reset(StreamId(1), ErrorCode::CANCEL);
    peer.written();
    // 1 MiB is the connection's window; half of it, discarded, is worth a WINDOW_UPDATE.
    let half = data(1, &[0; 16_384], 0).repeat(32);
    assert_eq!(peer.answer(&half), ["WINDOW_UPDATE +524288"]);
}

#[test]
fn section_5_1_data_of_a_stream_error_is_returned_to_the_connections_window() {
    let mut peer = Peer::of_server();
    for id in (1..63).step_by(2) {
        let request = peer.headers(id, &REQUEST, END_STREAM);
        peer.send(&[request, data(id, &[0; 16_384], 0)].concat());
        assert_eq!(peer.written(), [format!("RST_STREAM {id} STREAM_CLOSED")]);
    }
    let request = peer.headers(63, &REQUEST, END_STREAM);
    let last = peer.answer(&[request, data(63, &[0; 16_384], 0)].concat());
    assert_eq!(last, ["WINDOW_UPDATE +524288", "RST_STREAM 63 STREAM_CLOSED"]);
}

#[test]
fn section_5_1_resets_are_remembered_for_as_many_streams_as_can_be_open() {
    let mut peer = Peer::of_server();
    let ids: Vec<u32> = (0..100).map(|i| i * 2 + 1).collect();
    for &id in &ids {
        let request = peer.headers(id, &REQUEST, 0);
        peer.send(&request);
    }
    for &id in &ids {
        peer.connection.reset(StreamId(id), ErrorCode::CANCEL);
    }
    for &id in &ids {
        let trailers = peer.headers(id, &[("x", "y")], END_STREAM);
        assert_eq!(peer.send(&[data(id, b"late", 0), trailers].concat()), [""; 0]);
    }
    peer.written();
    peer.expect_alive();
}

#[test]
fn section_5_1_1_identifiers_are_odd_and_ascend() {
    for id in [2, 4, 100] {
        let mut peer = Peer::of_server();
        let request = peer.headers(id, &REQUEST, END_STREAM);
        peer.expect_connection_error(&request, "PROTOCOL_ERROR");
    }
    let mut peer = Peer::of_server();
    let request = peer.headers(5, &REQUEST, END_STREAM);
    assert_eq!(peer.send(&request).len(), 1);
    let lower = peer.headers(3, &REQUEST, END_STREAM);
    peer.expect_connection_error(&lower, "PROTOCOL_ERROR");
}

#[test]
fn section_5_1_1_a_client_opens_odd_identifiers_in_order() {
    let mut peer = Peer::of_client();
    let opened: Vec<_> = (0..4).map(|_| peer.open(&REQUEST, true).0).collect();
    assert_eq!(opened, [1, 3, 5, 7]);
}

#[test]
fn section_5_1_1_a_server_may_not_open_a_stream() {
    for id in [2, 3] {
        let mut peer = Peer::of_open_response();
        let response = peer.headers(id, &RESPONSE, END_STREAM);
        peer.expect_connection_error(&response, "PROTOCOL_ERROR");
    }
}

#[test]
fn section_5_1_2_streams_above_the_limit_are_refused() {
    let limits = Limits { max_concurrent_calls: 2, ..Limits::DEFAULT };
    let mut peer = Peer::of_server_with(&limits);
    for id in [1, 3] {
        let request = peer.headers(id, &REQUEST, END_STREAM);
        assert_eq!(peer.send(&request).len(), 1);
    }
    let third = peer.headers(5, &REQUEST, 0);
    peer.expect_stream_error(&third, 5, "REFUSED_STREAM");
    assert_eq!(peer.send(&data(5, b"under way", END_STREAM)), [""; 0]);
    // Half-closed streams count; closed ones do not.
    peer.send_headers(1, &RESPONSE, true);
    let fourth = peer.headers(7, &REQUEST, END_STREAM);
    assert_eq!(peer.send(&fourth).len(), 1);
}

#[test]
fn section_5_1_2_a_client_keeps_to_the_servers_limit() {
    let mut peer = Peer::of_client();
    peer.send(&wire::settings(&[(3, 2)]));
    peer.open(&REQUEST, true);
    peer.open(&REQUEST, false);
    let refused = peer.connection.open(indexed(&REQUEST), true);
    assert_eq!(refused, Err(OpenError::TooManyStreams));
    let response = peer.headers(1, &RESPONSE, END_STREAM);
    peer.send(&response);
    assert_eq!(peer.open(&REQUEST, true), StreamId(5));
    // Lowered below what is open: nothing is lost, nothing is opened.
    peer.send(&wire::settings(&[(3, 0)]));
    let refused = peer.connection.open(indexed(&REQUEST), true);
    assert_eq!(refused, Err(OpenError::TooManyStreams));
    assert_eq!(peer.connection.open_streams(), 2);
}

#[test]
fn section_5_1_2_before_settings_a_client_opens_a_hundred_at_most() {
    let mut peer = Peer::of_new_client(&Limits::DEFAULT);
    for _ in 0..100 {
        peer.open(&REQUEST, true);
    }
    let refused = peer.connection.open(indexed(&REQUEST), true);
    assert_eq!(refused, Err(OpenError::TooManyStreams));
    peer.send(&wire::settings(&[]));
    peer.open(&REQUEST, true);
}

#[test]
fn section_5_4_1_goaway_names_the_last_stream_worked_on() {
    let mut peer = Peer::of_server();
    let requests = [peer.headers(1, &REQUEST, END_STREAM), peer.headers(7, &REQUEST, END_STREAM)];
    peer.send(&requests.concat());
    let events = peer.send(&data(9, b"idle", 0));
    assert_eq!(events, ["closed PROTOCOL_ERROR by us: a frame on a stream that is not open yet"]);
    assert_eq!(
        peer.written(),
        [r#"GOAWAY last=7 PROTOCOL_ERROR "a frame on a stream that is not open yet""#]
    );
    assert_eq!(peer.connection.open_streams(), 0);
    // A client has worked on nothing of the server's.
    let mut peer = Peer::of_open_response();
    peer.send(&data(9, b"idle", 0));
    assert!(peer.written()[0].starts_with("GOAWAY last=0 PROTOCOL_ERROR"));
}

#[test]
fn section_5_4_2_a_stream_error_does_not_affect_other_streams() {
    let mut peer = Peer::of_open_request();
    let second = peer.headers(3, &REQUEST, 0);
    peer.send(&second);
    peer.expect_stream_error(&window_update(1, 0), 1, "PROTOCOL_ERROR");
    assert_eq!(peer.send(&data(3, b"still here", END_STREAM)), [r#"data 3 "still here" end"#]);
    peer.send_headers(3, &RESPONSE, true);
    assert_eq!(peer.written(), ["HEADERS 3 :status=200 end"]);
}

#[test]
fn section_5_4_2_a_reset_is_never_answered_with_a_reset() {
    let mut peer = Peer::of_open_request();
    assert_eq!(peer.answer(&rst_stream(1, 1)), [""; 0]);
    assert_eq!(peer.answer(&rst_stream(1, 1)), [""; 0]);
    assert_eq!(peer.connection.send_data(StreamId(1), &[b"x"], true), Err(StreamClosed));
}

/// Every type on stream 0 that must not be there, and the other way round (sections 6.1 to 6.10).
#[test]
fn section_6_stream_frames_and_connection_frames_are_not_interchangeable() {
    let of_streams = [
        data(0, b"x", 0),
        wire::frame(wire::HEADERS, END_HEADERS, 0, b""),
        wire::frame(wire::PRIORITY, 0, 0, &[0; 5]),
        rst_stream(0, 8),
        wire::frame(wire::PUSH_PROMISE, END_HEADERS, 0, &[0, 0, 0, 2]),
        wire::frame(CONTINUATION, END_HEADERS, 0, b""),
    ];
    let of_connection = [
        wire::frame(wire::SETTINGS, 0, 1, b""),
        wire::frame(wire::SETTINGS, wire::ACK, 1, b""),
        wire::frame(wire::PING, 0, 1, b"12345678"),
        wire::frame(wire::GOAWAY, 0, 1, &[0; 8]),
    ];
    for frame in of_streams.iter().chain(&of_connection) {
        Peer::of_open_request().expect_connection_error(frame, "PROTOCOL_ERROR");
        Peer::of_open_response().expect_connection_error(frame, "PROTOCOL_ERROR");
    }
}
