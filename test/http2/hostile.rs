//! Damaged conversations: for any bytes no panic, bounded output, and a reported end.

use agora::call::Limits;
use agora::http2::{Connection, Event, PREFACE, StreamId};

use crate::peer::{Peer, REQUEST, RESPONSE, START, indexed};
use crate::seed::{Seed, each_seed};
use crate::wire::{
    self, CONTINUATION, END_HEADERS, END_STREAM, HEADERS, PADDED, PRIORITY, PRIORITY_FLAG, data,
    ping, rst_stream, settings, settings_ack, window_update,
};

/// The bytes of a client in a conversation with every kind of frame.
fn recorded_client_bytes() -> Vec<u8> {
    let mut peer = Peer::of_server();
    let block = wire::block(&mut peer.encoder, &REQUEST);
    let (first, second) = block.split_at(block.len() / 2);
    [
        PREFACE.to_vec(),
        settings(&[(1, 100), (2, 0), (3, 10), (4, 20), (5, 20_000), (6, 9_000)]),
        window_update(0, 100_000),
        settings_ack(),
        wire::frame(HEADERS, 0, 1, first),
        wire::frame(CONTINUATION, END_HEADERS, 1, second),
        data(1, b"some content", 0),
        wire::frame(wire::DATA, PADDED, 1, b"\x04padded\0\0\0\0"),
        peer.headers(
            3,
            &[&REQUEST[..], &[("content-length", "5"), ("te", "trailers")]].concat(),
            0,
        ),
        data(3, b"12345", END_STREAM),
        ping(b"a sign??"),
        wire::frame(PRIORITY, 0, 5, &[0, 0, 0, 3, 16]),
        peer.headers(1, &[("checksum", "12")], END_STREAM),
        window_update(3, 1_000),
        settings(&[(4, 5)]),
        peer.headers(7, &REQUEST, END_STREAM),
        rst_stream(7, 8),
        wire::frame(0x4d, 0xff, 9, b"unknown"),
        peer.headers(9, &REQUEST, END_STREAM),
        window_update(9, 100),
        wire::go_away(0, 0, b"bye"),
    ]
    .concat()
}

/// The bytes of a server to a client with streams 1 to 9 open.
fn recorded_server_bytes() -> Vec<u8> {
    let mut peer = Peer::of_client();
    let block = wire::block(&mut peer.encoder, &RESPONSE);
    let padded = [&[3, 0, 0, 0, 1, 7][..], &block, &[0; 3]].concat();
    [
        settings(&[(1, 4_096), (3, 50), (4, 100)]),
        settings_ack(),
        window_update(0, 100_000),
        peer.headers(1, &[(":status", "103"), ("link", "x")], 0),
        wire::frame(HEADERS, END_HEADERS | PADDED | PRIORITY_FLAG, 1, &padded),
        data(1, b"some content", 0),
        ping(b"a sign??"),
        peer.headers(3, &[(":status", "200"), ("content-length", "5")], 0),
        data(3, b"12345", END_STREAM),
        peer.headers(1, &[("grpc-status", "0")], END_STREAM),
        window_update(5, 10),
        rst_stream(5, 7),
        peer.headers(7, &[(":status", "200"), ("grpc-status", "5")], END_STREAM),
        rst_stream(7, 0),
        settings(&[(4, 3)]),
        wire::go_away(9, 0, b"restart"),
        peer.headers(9, &RESPONSE, END_STREAM),
    ]
    .concat()
}

/// A user that reacts to every event, sometimes in unusual ways.
fn react(connection: &mut Connection, event: Event<'_>, seed: &mut Seed) {
    let stream = match event {
        Event::Headers { stream, fields, .. } | Event::Trailers { stream, fields } => {
            connection.recycle(fields);
            stream
        }
        Event::Data { stream, data, .. } => {
            assert!(data.len() <= 16_384);
            connection.release(stream, data.len());
            stream
        }
        Event::HeadersTooLarge { stream, .. }
        | Event::Reset { stream, .. }
        | Event::Writable { stream } => stream,
        Event::Pong { .. } | Event::GoAway { .. } | Event::Closed { .. } => StreamId(1),
    };
    match seed.below(6) {
        0 => _ = connection.send_headers(stream, indexed(&RESPONSE), seed.one_in(3)),
        1 | 2 => _ = connection.send_data(stream, &[b"some", &[0; 300]], seed.one_in(3)),
        3 => _ = connection.send_headers(stream, indexed(&[("x", "y")]), true),
        4 if seed.one_in(10) => connection.reset(stream, agora::http2::ErrorCode::CANCEL),
        5 if seed.one_in(30) => connection.go_away(agora::http2::ErrorCode::NO_ERROR, b""),
        _ => {}
    }
}

/// Feeds damaged bytes in random fragments and checks all invariants.
fn feed_damaged(mut connection: Connection, mut bytes: Vec<u8>, seed: &mut Seed) {
    seed.mutate(&mut bytes);
    let mut written = connection.output().len();
    let (mut waiting, mut closed) = (Vec::new(), 0);
    let mut left = &bytes[..];
    while !left.is_empty() {
        let (piece, rest) = left.split_at(left.len().min(1 + seed.below(200)));
        left = rest;
        waiting.extend_from_slice(piece);
        let mut input = &waiting[..];
        while let Some(event) = connection.next_event(START, &mut input) {
            assert_eq!(closed, 0, "nothing comes after Closed: {event:?}");
            closed += usize::from(matches!(event, Event::Closed { .. }));
            react(&mut connection, event, seed);
        }
        waiting = input.to_vec();
        assert!(waiting.len() < 9 + 16_384, "a frame that is all there is taken");
        if seed.one_in(3) {
            let taken = seed.below(connection.output().len() + 1);
            written += connection.output().len() - taken;
            connection.consume_output(taken);
            written -= connection.output().len();
        }
    }
    assert_eq!(connection.is_closed(), closed == 1);
    assert!(connection.open_streams() <= 10);
    let total = written + connection.output().len();
    // Every event lets the user write 400 bytes at most, and no frame causes more than two.
    assert!(total < 10_000 + 100 * bytes.len(), "{total} bytes for {}", bytes.len());
}

#[test]
fn a_server_survives_a_damaged_client() {
    let bytes = recorded_client_bytes();
    each_seed(|seed| {
        feed_damaged(Connection::new_server(&Limits::DEFAULT, START), bytes.clone(), seed);
    });
}

#[test]
fn a_client_survives_a_damaged_server() {
    let bytes = recorded_server_bytes();
    each_seed(|seed| {
        let mut client = Connection::new_client(&Limits::DEFAULT, START);
        for _ in 0..5 {
            client.open(indexed(&REQUEST), seed.one_in(2)).unwrap();
        }
        feed_damaged(client, bytes.clone(), seed);
    });
}

#[test]
fn undamaged_conversations_are_read_to_the_end() {
    let mut server = Peer::of_new_server(&Limits::DEFAULT);
    let events = server.send(&recorded_client_bytes());
    assert_eq!(events.last().unwrap(), r#"go away after 0: NO_ERROR "bye""#);
    assert!(!events.iter().any(|event| event.contains("by us")), "{events:?}");
    let mut client = Peer::of_new_client(&Limits::DEFAULT);
    for _ in 0..5 {
        client.open(&REQUEST, true);
    }
    let events = client.send(&recorded_server_bytes());
    assert_eq!(events.last().unwrap(), "closed NO_ERROR by peer: the server has gone away");
    assert!(!events.iter().any(|event| event.contains("by us")), "{events:?}");
}
