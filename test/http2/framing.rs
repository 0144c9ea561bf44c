//! RFC 9113 section 4: the frame format, frame sizes, field blocks.

use agora::http2::Event;

use crate::peer::{Peer, REQUEST, RESPONSE, START};
use crate::wire::{self, CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PING};

#[test]
fn section_4_1_unknown_frame_types_are_ignored() {
    for mut peer in [Peer::of_open_request(), Peer::of_client()] {
        for kind in [0xa, 0x10, 0x1f, 0xff] {
            for stream in [0, 1, 2, 77] {
                let unknown = wire::frame(kind, 0xff, stream, b"whatever it is");
                assert_eq!(peer.send(&unknown), [""; 0]);
            }
        }
        peer.expect_alive();
    }
}

#[test]
fn section_4_1_the_reserved_bit_is_ignored() {
    let mut peer = Peer::of_open_request();
    let events = peer.send(&wire::data(0x8000_0001, b"hello", 0));
    assert_eq!(events, [r#"data 1 "hello""#]);
    let answer = peer.answer(&wire::frame(PING, 0, 0x8000_0000, b"12345678"));
    assert_eq!(answer, [r#"PING "12345678" ack"#]);
}

#[test]
fn section_4_1_undefined_flags_are_ignored() {
    let mut peer = Peer::of_open_request();
    assert_eq!(peer.send(&wire::data(1, b"hello", 0xf6)), [r#"data 1 "hello""#]);
    assert_eq!(peer.answer(&wire::frame(PING, 0xfe, 0, b"12345678")), [r#"PING "12345678" ack"#]);
}

#[test]
fn section_4_2_a_payload_of_16384_bytes_is_taken() {
    let mut peer = Peer::of_open_request();
    assert_eq!(peer.send(&wire::data(1, &[7; 16_384], 0)), ["data 1 (16384 bytes)"]);
}

#[test]
fn section_4_2_an_oversize_frame_is_known_by_its_header() {
    for kind in [DATA, HEADERS, PING, CONTINUATION, 0x42] {
        for stream in [0, 1] {
            let oversize = wire::frame(kind, 0, stream, &[0; 16_385]);
            let mut peer = Peer::of_open_request();
            peer.expect_connection_error(&oversize[..9], "FRAME_SIZE_ERROR");
        }
    }
}

#[test]
fn section_4_2_a_wrong_length_of_a_fixed_size_frame_is_a_connection_error() {
    for (kind, stream, right) in [
        (wire::RST_STREAM, 1, 4),
        (wire::WINDOW_UPDATE, 1, 4),
        (wire::WINDOW_UPDATE, 0, 4),
        (PING, 0, 8),
    ] {
        for wrong in [0, right - 1, right + 1] {
            let bad = wire::frame(kind, 0, stream, &vec![1; wrong]);
            Peer::of_open_request().expect_connection_error(&bad, "FRAME_SIZE_ERROR");
        }
    }
    let short = wire::frame(wire::GOAWAY, 0, 0, &[0; 7]);
    Peer::of_client().expect_connection_error(&short, "FRAME_SIZE_ERROR");
}

#[test]
fn an_incomplete_frame_waits_in_the_input() {
    let mut peer = Peer::of_open_request();
    let frame = wire::data(1, b"hello", 0);
    for len in 0..frame.len() {
        let mut input = &frame[..len];
        assert!(peer.connection.next_event(START, &mut input).is_none());
        assert_eq!(input.len(), len, "nothing is taken of an incomplete frame");
    }
    let mut input = &frame[..];
    let event = peer.connection.next_event(START, &mut input);
    assert!(matches!(event, Some(Event::Data { data: b"hello", .. })));
    assert!(input.is_empty());
}

/// A request in as many fragments as asked for, at least one.
fn fragmented(peer: &mut Peer, stream: u32, fragments: usize, flags: u8) -> Vec<Vec<u8>> {
    let block = wire::block(&mut peer.encoder, &REQUEST);
    let size = block.len().div_ceil(fragments);
    let pieces: Vec<_> = block.chunks(size).collect();
    let frames = pieces.iter().enumerate().map(|(i, piece)| {
        let (kind, flags) = if i == 0 { (HEADERS, flags) } else { (CONTINUATION, 0) };
        let end = if i + 1 == pieces.len() { END_HEADERS } else { 0 };
        wire::frame(kind, flags | end, stream, piece)
    });
    frames.collect()
}

#[test]
fn section_4_3_a_field_block_may_be_cut_anywhere() {
    for fragments in 1..=9 {
        let mut peer = Peer::of_server();
        let frames = fragmented(&mut peer, 1, fragments, END_STREAM).concat();
        let expected = "headers 1 :method=POST :scheme=http :path=/echo :authority=here end";
        assert_eq!(peer.send(&frames), [expected], "{fragments} fragments");
    }
}

#[test]
fn section_4_3_a_fragment_may_be_empty() {
    let mut peer = Peer::of_server();
    let block = wire::block(&mut peer.encoder, &REQUEST);
    let frames = [
        wire::frame(HEADERS, 0, 1, &[]),
        wire::frame(CONTINUATION, 0, 1, &block),
        wire::frame(CONTINUATION, END_HEADERS, 1, &[]),
    ];
    assert_eq!(peer.send(&frames.concat()).len(), 1);
}

#[test]
fn section_4_3_nothing_may_come_inside_a_field_block() {
    let inside = [
        wire::ping(b"12345678"),
        wire::data(1, b"x", 0),
        wire::settings(&[]),
        wire::window_update(0, 1),
        wire::window_update(1, 1),
        wire::rst_stream(1, 0),
        wire::frame(0x99, 0, 1, b"unknown"),
        wire::frame(CONTINUATION, 0, 3, b""),
        wire::frame(CONTINUATION, 0, 0, b""),
        wire::frame(HEADERS, 0, 1, b""),
        wire::frame(HEADERS, 0, 3, b""),
        wire::frame(wire::PRIORITY, 0, 1, &[0; 5]),
    ];
    for frame in inside {
        let mut peer = Peer::of_server();
        let first = fragmented(&mut peer, 1, 2, 0).swap_remove(0);
        peer.expect_connection_error(&[first, frame].concat(), "PROTOCOL_ERROR");
    }
}

#[test]
fn section_4_3_a_block_that_cannot_be_decoded_is_a_compression_error() {
    for block in
        [&[0x80][..], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], &[0x40, 0x0a, b'x'], &[0xbe]]
    {
        let headers = wire::frame(HEADERS, END_HEADERS, 1, block);
        Peer::of_server().expect_connection_error(&headers, "COMPRESSION_ERROR");
        Peer::of_open_response().expect_connection_error(&headers, "COMPRESSION_ERROR");
    }
}

#[test]
fn section_4_3_a_refused_block_still_updates_the_compression_state() {
    // The second request refers to a field that the first, which is refused, has put in the table.
    let mut peer = Peer::of_server();
    let bad = peer.headers(1, &[(":method", "POST"), ("x-kept", "in the table")], END_STREAM);
    peer.expect_stream_error(&bad, 1, "PROTOCOL_ERROR");
    let fields: Vec<_> = REQUEST.into_iter().chain([("x-kept", "in the table")]).collect();
    let good = peer.headers(3, &fields, END_STREAM);
    let events = peer.send(&good);
    assert!(events[0].contains("x-kept=in the table"), "{events:?}");
}

#[test]
fn section_4_3_a_late_response_still_updates_the_compression_state() {
    let mut peer = Peer::of_client();
    let first = peer.open(&REQUEST, true);
    let second = peer.open(&REQUEST, true);
    peer.connection.reset(first, agora::http2::ErrorCode::CANCEL);
    let late = peer.headers(1, &[(":status", "200"), ("x-kept", "in the table")], END_STREAM);
    assert_eq!(peer.send(&late), [""; 0]);
    let next = peer.headers(second.0, &[RESPONSE[0], ("x-kept", "in the table")], END_STREAM);
    assert_eq!(peer.send(&next), ["headers 3 :status=200 x-kept=in the table end"]);
}
