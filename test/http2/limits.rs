//! The limits of what a peer can cause, and the reactions beyond them: one test for each limit.

use std::time::Duration;

use agora::call::Limits;
use agora::http2::{ErrorCode, StreamId};

use crate::peer::{Peer, REQUEST, RESPONSE, START};
use crate::wire::{
    self, CONTINUATION, END_HEADERS, END_STREAM, HEADERS, PRIORITY, data, ping, rst_stream,
    settings, settings_ack, window_update,
};

/// Opens and resets streams until the connection ends; returns how many.
fn rapid_reset(peer: &mut Peer, ids: &mut impl Iterator<Item = u32>) -> usize {
    for (count, id) in ids.enumerate() {
        let bytes = [peer.headers(id, &REQUEST, END_STREAM), rst_stream(id, 8)].concat();
        peer.send(&bytes);
        peer.written();
        if peer.connection.is_closed() {
            return count;
        }
        if count > 100_000 {
            break;
        }
    }
    usize::MAX
}

#[test]
fn rapid_reset_ends_the_connection() {
    let mut peer = Peer::of_server();
    let mut ids = (0..).map(|i| i * 2 + 1);
    assert_eq!(rapid_reset(&mut peer, &mut ids), 200);
}

#[test]
fn rapid_reset_ends_with_enhance_your_calm() {
    let mut peer = Peer::of_server_with(&Limits { reset_burst: 0, ..Limits::DEFAULT });
    let bytes = [peer.headers(1, &REQUEST, END_STREAM), rst_stream(1, 8)].concat();
    peer.expect_connection_error(&bytes, "ENHANCE_YOUR_CALM");
}

#[test]
fn resets_at_a_steady_pace_are_fine() {
    let mut peer = Peer::of_server();
    for i in 0..1_000 {
        peer.now += Duration::from_millis(31);
        let id = i * 2 + 1;
        let bytes = [peer.headers(id, &REQUEST, END_STREAM), rst_stream(id, 8)].concat();
        assert_eq!(peer.send(&bytes).len(), 2, "request {i}");
    }
    peer.expect_alive();
}

#[test]
fn resets_that_the_peer_provokes_count_as_well() {
    // Each of these makes us reset a stream that was a request a moment ago.
    let provocations: [fn(u32) -> Vec<u8>; 5] = [
        |id| window_update(id, 0),
        |id| window_update(id, 0x7fff_ffff),
        |id| data(id, b"after the end", 0),
        |id| wire::frame(PRIORITY, 0, id, &[0; 4]),
        |id| wire::frame(HEADERS, END_HEADERS | END_STREAM, id, &[]),
    ];
    for provoke in provocations {
        let mut peer = Peer::of_server();
        let mut resets = 0;
        for id in (1..10_001).step_by(2) {
            let bytes = [peer.headers(id, &REQUEST, END_STREAM), provoke(id)].concat();
            peer.send(&bytes);
            peer.written();
            if peer.connection.is_closed() {
                break;
            }
            resets += 1;
        }
        assert_eq!(resets, 200);
    }
}

#[test]
fn resets_of_streams_that_have_ended_count_as_well() {
    let mut peer = Peer::of_open_request();
    for _ in 0..200 {
        peer.send(&rst_stream(1, 8));
    }
    peer.expect_connection_error(&rst_stream(1, 8), "ENHANCE_YOUR_CALM");
}

#[test]
fn requests_refused_and_malformed_count_as_well() {
    let mut peer = Peer::of_server_with(&Limits { max_concurrent_calls: 0, ..Limits::DEFAULT });
    for id in (1..401).step_by(2) {
        let refused = peer.headers(id, &REQUEST, END_STREAM);
        assert_eq!(peer.answer(&refused), [format!("RST_STREAM {id} REFUSED_STREAM")]);
    }
    let last = peer.headers(401, &REQUEST, END_STREAM);
    peer.expect_connection_error(&last, "ENHANCE_YOUR_CALM");

    let mut peer = Peer::of_server();
    for id in (1..401).step_by(2) {
        let malformed = peer.headers(id, &[("no", "pseudo-headers")], END_STREAM);
        peer.expect_stream_error(&malformed, id, "PROTOCOL_ERROR");
    }
    let last = peer.headers(401, &[("no", "pseudo-headers")], END_STREAM);
    peer.expect_connection_error(&last, "ENHANCE_YOUR_CALM");
}

#[test]
fn early_responses_do_not_spend_the_clients_reset_budget() {
    let mut peer = Peer::of_server();
    for id in (1..2_001).step_by(2) {
        let request = peer.headers(id, &REQUEST, 0);
        peer.send(&request);
        peer.send_headers(id, &RESPONSE, true);
        peer.connection.reset(StreamId(id), ErrorCode::NO_ERROR);
        let answer = [format!("HEADERS {id} :status=200 end"), format!("RST_STREAM {id} NO_ERROR")];
        assert_eq!(peer.written(), answer);
    }
    peer.expect_alive();
}

#[test]
fn a_client_may_cancel_as_often_as_it_likes() {
    let mut peer = Peer::of_client();
    let streams: Vec<_> = (0..1_000)
        .map(|_| {
            let stream = peer.open(&REQUEST, true);
            peer.connection.reset(stream, ErrorCode::CANCEL);
            peer.written();
            stream.0
        })
        .collect();
    // The responses that were in flight are harmless.
    for stream in streams {
        let late = [
            peer.headers(stream, &RESPONSE, 0),
            data(stream, b"late", 0),
            peer.headers(stream, &[("grpc-status", "0")], END_STREAM),
            rst_stream(stream, 0),
        ];
        assert_eq!(peer.send(&late.concat()), [""; 0]);
    }
    peer.expect_alive();
}

#[test]
fn a_peer_that_opens_no_window_for_queued_data_is_disconnected() {
    let limits = Limits { max_queued_output_bytes: 10_000, ..Limits::DEFAULT };
    let mut peer = Peer::of_server_with(&limits);
    peer.send(&settings(&[(4, 0)]));
    for id in [1, 3, 5] {
        let request = peer.headers(id, &REQUEST, END_STREAM);
        peer.send(&request);
        peer.send_headers(id, &RESPONSE, false);
    }
    // Up to the limit DATA may wait without limit of time.
    peer.send_data(1, &[1; 6_000], true);
    peer.send_data(3, &[3; 4_000], true);
    assert_eq!(peer.connection.next_timeout(), None);
    peer.send_data(5, &[5; 100], false);
    let timeout = limits.write_stall_timeout;
    assert_eq!(peer.connection.next_timeout(), Some(START + timeout));
    // Requesting more changes nothing ...
    peer.now += timeout / 2;
    peer.expect_alive();
    peer.send_data(5, &[5; 100], true);
    assert_eq!(peer.connection.next_timeout(), Some(START + timeout));
    // ... any progress restarts the timeout ...
    peer.send(&window_update(1, 1));
    peer.connection.handle_timeout(START + timeout);
    assert_eq!(peer.connection.next_timeout(), Some(peer.now + timeout));
    // ... and without progress the connection ends.
    peer.connection.handle_timeout(peer.now + timeout);
    peer.expect_connection_error(&[], "ENHANCE_YOUR_CALM");
}

#[test]
fn a_request_with_too_large_a_header_list_is_reported_and_can_be_answered() {
    let long = "v".repeat(16 * 1024);
    let fields: Vec<_> = REQUEST.into_iter().chain([("x-long", long.as_str())]).collect();
    let mut peer = Peer::of_server();
    let block = wire::block(&mut peer.encoder, &fields);
    let (first, second) = block.split_at(block.len() / 2);
    let request = [
        wire::frame(HEADERS, END_STREAM, 1, first),
        wire::frame(CONTINUATION, END_HEADERS, 1, second),
    ];
    assert_eq!(peer.send(&request.concat()), ["headers 1 too large end"]);
    peer.send_headers(1, &[(":status", "200"), ("grpc-status", "8")], true);
    assert_eq!(peer.written(), ["HEADERS 1 :status=200 grpc-status=8 end"]);
    // The next request is not affected.
    let next = peer.headers(3, &REQUEST, END_STREAM);
    assert_eq!(peer.send(&next).len(), 1);
}

#[test]
fn a_request_with_too_many_fields_is_reported_and_can_be_answered() {
    for (extra, expected) in [(96, "headers 1 :method"), (97, "headers 1 too large")] {
        let names: Vec<String> = (0..extra).map(|i| format!("x-{i}")).collect();
        let mut fields = REQUEST.to_vec();
        fields.extend(names.iter().map(|name| (name.as_str(), "v")));
        let mut peer = Peer::of_server();
        let request = peer.headers(1, &fields, 0);
        let events = peer.send(&request);
        assert!(events[0].starts_with(expected), "{events:?}");
        assert_eq!(peer.send(&data(1, b"content", END_STREAM)), [r#"data 1 "content" end"#]);
    }
}

#[test]
fn many_references_to_one_large_field_are_cheap() {
    // The bomb of one-byte references: 4,000 bytes put in the table, then asked for 12,000 times.
    let mut peer = Peer::of_server();
    let mut block = [&[0x40, 7][..], b"x-large", &[0x7f, 0xa1, 0x1e], &[b'v'; 4_000]].concat();
    block.extend([0xbe; 12_000]);
    let bomb = wire::frame(HEADERS, END_HEADERS | END_STREAM, 1, &block);
    assert_eq!(peer.send(&bomb), ["headers 1 too large end"]);
    peer.expect_alive();
}

#[test]
fn trailers_and_responses_above_the_limits_end_their_stream() {
    let names: Vec<String> = (0..101).map(|i| format!("x-{i}")).collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), "v")).collect();
    let mut peer = Peer::of_open_request();
    let trailers = peer.headers(1, &many, END_STREAM);
    peer.expect_stream_error(&trailers, 1, "ENHANCE_YOUR_CALM");
    let mut peer = Peer::of_open_response();
    let response = peer.headers(1, &[&RESPONSE[..], &many].concat(), END_STREAM);
    peer.expect_stream_error(&response, 1, "ENHANCE_YOUR_CALM");
}

#[test]
fn a_flood_of_continuations_ends_the_connection() {
    let continuation = wire::frame(CONTINUATION, 0, 1, b"");
    let mut peer = Peer::of_server();
    peer.send(&[wire::frame(HEADERS, 0, 1, b""), continuation.repeat(8)].concat());
    peer.expect_connection_error(&continuation, "ENHANCE_YOUR_CALM");
}

#[test]
fn a_flood_of_pings_stops_our_reading() {
    let mut peer = Peer::of_server();
    peer.send(&ping(b"12345678").repeat(100));
    assert!(peer.connection.wants_input());
    peer.send(&ping(b"12345678"));
    assert!(!peer.connection.wants_input());
    assert_eq!(peer.written().len(), 101);
    assert!(peer.connection.wants_input());
}

#[test]
fn a_flood_of_settings_stops_our_reading() {
    let mut peer = Peer::of_server();
    peer.send(&settings(&[(4, 1), (4, 2)]).repeat(101));
    assert!(!peer.connection.wants_input());
}

#[test]
fn settings_without_responses_end_the_connection() {
    let mut peer = Peer::of_open_request();
    for _ in 0..198 {
        assert_eq!(peer.answer(&settings(&[(4, 100)])), ["SETTINGS ack"]);
    }
    peer.connection.send_headers(StreamId(1), [], false).unwrap();
    for _ in 0..199 {
        peer.answer(&settings(&[(4, 100)]));
    }
    peer.answer(&settings(&[(4, 100)]));
    peer.expect_connection_error(&settings(&[(4, 100)]), "ENHANCE_YOUR_CALM");
}

#[test]
fn resets_that_wait_for_the_peer_stop_our_reading() {
    let limits = Limits { max_concurrent_calls: 0, ..Limits::DEFAULT };
    let mut peer = Peer::of_server_with(&limits);
    for id in (1..203).step_by(2) {
        assert!(peer.connection.wants_input());
        let refused = peer.headers(id, &REQUEST, END_STREAM);
        peer.send(&refused);
    }
    assert!(!peer.connection.wants_input());
}

#[test]
fn answers_that_the_peer_does_not_read_stop_our_reading() {
    let limits = Limits { max_queued_output_bytes: 1_000, ..Limits::DEFAULT };
    let mut peer = Peer::of_server_with(&limits);
    let mut answered = 0;
    for id in (1..10_001).step_by(2) {
        if !peer.connection.wants_input() {
            break;
        }
        let request = peer.headers(id, &REQUEST, END_STREAM);
        peer.send(&request);
        peer.send_headers(id, &[(":status", "200"), ("x-some", "field")], true);
        answered += 1;
    }
    assert!(answered > 10 && peer.connection.output().len() < 1_100);
    peer.written();
    assert!(peer.connection.wants_input());
}

#[test]
fn data_that_waits_for_the_peers_window_never_stops_our_reading() {
    // Otherwise the WINDOW_UPDATE that ends the wait would not be read.
    let limits = Limits { max_queued_output_bytes: 100_000, ..Limits::DEFAULT };
    let mut peer = Peer::of_server_with(&limits);
    peer.send(&settings(&[(4, 0)]));
    let request = peer.headers(1, &REQUEST, END_STREAM);
    peer.send(&request);
    peer.send_headers(1, &RESPONSE, false);
    peer.send_data(1, &[0; 1_000_000], true);
    assert!(peer.connection.wants_input());
}

#[test]
fn a_flood_of_empty_frames_ends_the_connection() {
    let floods = [
        data(1, b"", 0),
        wire::frame(wire::DATA, wire::PADDED, 1, &[3, 0, 0, 0]),
        wire::frame(PRIORITY, 0, 1, &[0; 5]),
        wire::frame(0x77, 0, 0, b"unknown"),
        settings_ack(),
    ];
    for empty in floods {
        let mut peer = Peer::of_open_request();
        assert_eq!(peer.send(&empty.repeat(100)), [""; 0]);
        peer.expect_connection_error(&empty, "ENHANCE_YOUR_CALM");
    }
}

#[test]
fn empty_frames_between_full_ones_are_fine() {
    let mut peer = Peer::of_open_request();
    for _ in 0..50 {
        peer.send(&data(1, b"", 0).repeat(99));
        assert_eq!(peer.send(&data(1, b"x", 0)), [r#"data 1 "x""#]);
    }
}

#[test]
fn a_flood_of_informational_responses_ends_the_connection() {
    let mut peer = Peer::of_open_response();
    for _ in 0..100 {
        let early = peer.headers(1, &[(":status", "103")], 0);
        assert_eq!(peer.send(&early), [""; 0]);
    }
    let early = peer.headers(1, &[(":status", "103")], 0);
    peer.expect_connection_error(&early, "ENHANCE_YOUR_CALM");
}
