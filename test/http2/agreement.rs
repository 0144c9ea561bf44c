//! Random conversations between our client and our server, over a wire that delivers random
//! fragments: everything sent must arrive, in order and exactly once.

use std::collections::BTreeMap;

use agora::call::Limits;
use agora::http2::{Connection, ErrorCode, Event, OpenError, StreamId};

use crate::pair::{Pair, Side, plain};
use crate::seed::{Seed, each_seed};

/// One direction of a stream: what one side has sent, and what the other has received.
#[derive(Default)]
struct Direction {
    head: Option<String>,
    content: Vec<u8>,
    trailer: Option<String>,
    ended: bool,
    received_head: Option<String>,
    received: usize,
    received_trailer: Option<String>,
    received_end: bool,
    unreleased: usize,
}

#[derive(Default)]
struct Call {
    request: Direction,
    response: Direction,
    /// One side has reset it: bytes in flight may be lost.
    is_reset: bool,
}

type Calls = BTreeMap<StreamId, Call>;

/// Records an event of one side.
fn receive(calls: &mut Calls, by_server: bool, connection: &mut Connection, event: Event<'_>) {
    let stream = match &event {
        Event::Headers { stream, .. } | Event::Trailers { stream, .. } => *stream,
        Event::Data { stream, .. } | Event::Reset { stream, .. } => *stream,
        Event::Writable { .. } => return,
        other => panic!("{other:?}"),
    };
    let call = calls.get_mut(&stream).unwrap();
    let direction = if by_server { &mut call.request } else { &mut call.response };
    assert!(
        !direction.received_end || matches!(event, Event::Reset { .. }),
        "{event:?} after the end"
    );
    match event {
        Event::Headers { fields, end_stream, .. } => {
            assert!(direction.received_head.is_none());
            let (_, mark) = fields.iter().last().unwrap();
            direction.received_head = Some(String::from_utf8(mark.to_vec()).unwrap());
            direction.received_end = end_stream;
            connection.recycle(fields);
        }
        Event::Data { data, end_stream, .. } => {
            let expected =
                direction.content.get(direction.received..direction.received + data.len());
            assert_eq!(Some(data), expected, "{stream:?}");
            direction.received += data.len();
            direction.unreleased += data.len();
            direction.received_end = end_stream;
        }
        Event::Trailers { fields, .. } => {
            let (_, mark) = fields.iter().last().unwrap();
            direction.received_trailer = Some(String::from_utf8(mark.to_vec()).unwrap());
            direction.received_end = true;
            connection.recycle(fields);
        }
        Event::Reset { error, by_peer, .. } => {
            assert!(by_peer && error == ErrorCode::CANCEL, "{error} on {stream:?}");
            assert!(call.is_reset);
        }
        _ => unreachable!(),
    }
}

fn mark(seed: &mut Seed) -> String {
    let len = *seed.pick(&[0, 1, 5, 20, 300]);
    (0..len).map(|_| *seed.pick(&['a', 'b', '0', '~'])).collect()
}

/// The client starts a call, if the limit allows it.
fn begin(pair: &mut Pair, calls: &mut Calls, seed: &mut Seed) {
    let mark = mark(seed);
    let fields = [
        (":method", "POST".to_string()),
        (":scheme", "http".to_string()),
        (":path", "/x".to_string()),
        ("mark", mark.clone()),
    ];
    let ended = seed.one_in(4);
    match pair.client.connection.open(plain(&fields), ended) {
        Ok(stream) => {
            let request = Direction { head: Some(mark), ended, ..Direction::default() };
            calls.insert(stream, Call { request, ..Call::default() });
        }
        Err(error) => assert_eq!(error, OpenError::TooManyStreams),
    }
}

/// One side continues a call: with content (`most` bytes at most), or with the end.
fn continue_call(
    side: &mut Side,
    direction: &mut Direction,
    stream: StreamId,
    most: usize,
    seed: &mut Seed,
) {
    let connection = &mut side.connection;
    if direction.ended {
        return;
    }
    if direction.head.is_none() {
        let mark = mark(seed);
        let fields = [(":status", "200".to_string()), ("mark", mark.clone())];
        direction.ended = seed.one_in(6);
        connection.send_headers(stream, plain(&fields), direction.ended).unwrap();
        direction.head = Some(mark);
    } else if seed.one_in(5) {
        let mark = mark(seed);
        direction.ended = true;
        connection.send_headers(stream, plain(&[("mark", mark.clone())]), true).unwrap();
        direction.trailer = Some(mark);
    } else {
        let len = (*seed.pick(&[0, 1, 10, 100, 3_000, 40_000])).min(most);
        let (first, second) = (seed.bytes(len / 3), seed.bytes(len - len / 3));
        direction.ended = seed.one_in(5);
        connection.send_data(stream, &[&first, &second], direction.ended).unwrap();
        direction.content.extend(first);
        direction.content.extend(second);
    }
}

/// One random action of one side.
fn step(pair: &mut Pair, calls: &mut Calls, most: usize, seed: &mut Seed) {
    if calls.is_empty() || seed.one_in(8) {
        return begin(pair, calls, seed);
    }
    let streams: Vec<_> = calls.keys().copied().collect();
    let stream = *seed.pick(&streams);
    let call = calls.get_mut(&stream).unwrap();
    let by_server = seed.one_in(2);
    if call.is_reset || (by_server && call.request.received_head.is_none()) {
        return;
    }
    let (side, direction) = match by_server {
        true => (&mut pair.server, &mut call.response),
        false => (&mut pair.client, &mut call.request),
    };
    if seed.one_in(40) {
        side.connection.reset(stream, ErrorCode::CANCEL);
        call.is_reset = true;
    } else {
        continue_call(side, direction, stream, most, seed);
    }
}

fn release(pair: &mut Pair, calls: &mut Calls, everything: bool, seed: &mut Seed) {
    for (&stream, call) in calls.iter_mut() {
        for (side, direction) in
            [(&mut pair.server, &mut call.request), (&mut pair.client, &mut call.response)]
        {
            let all = direction.unreleased;
            let bytes = if everything { all } else { seed.below(all + 1) };
            side.connection.release(stream, bytes);
            direction.unreleased -= bytes;
        }
    }
}

fn deliver(pair: &mut Pair, calls: &mut Calls, counts: &[usize], seed: &mut Seed) {
    pair.transfer(*seed.pick(counts), seed);
    let count = *seed.pick(counts);
    pair.server.deliver(count, |connection, event| receive(calls, true, connection, event));
    pair.client.deliver(count, |connection, event| receive(calls, false, connection, event));
}

/// Every call that was not reset was received as it was sent.
fn check(calls: &Calls) {
    for (stream, call) in calls.iter().filter(|(_, call)| !call.is_reset) {
        for direction in [&call.request, &call.response] {
            assert_eq!(direction.received_head, direction.head, "{stream:?}");
            assert_eq!(direction.received, direction.content.len(), "{stream:?}");
            assert_eq!(direction.received_trailer, direction.trailer, "{stream:?}");
            assert_eq!(direction.received_end, direction.ended, "{stream:?}");
        }
    }
}

#[test]
fn random_conversations_are_received_as_they_were_sent() {
    let mut run = 0;
    each_seed(|seed| {
        // Much slower than the tests with damaged bytes: a hundredth of the seeds.
        run += 1;
        if run % 100 != 1 {
            return;
        }
        let limits = Limits {
            max_concurrent_calls: *seed.pick(&[1, 5, 100]),
            call_window_bytes: *seed.pick(&[1, 100, 65_535, 200_000]),
            connection_window_bytes: *seed.pick(&[1, 65_535, 100_000]),
            reset_burst: 10_000,
            ..Limits::DEFAULT
        };
        let mut pair = Pair::new(&limits);
        pair.run();
        let mut calls = Calls::new();
        // With a tiny window every byte is a frame.
        let most = limits.call_window_bytes as usize * 50;
        for _ in 0..seed.below(400) {
            step(&mut pair, &mut calls, most, seed);
            if seed.one_in(2) {
                deliver(&mut pair, &mut calls, &[1, 10, 1_000, 1_000_000], seed);
            }
            if seed.one_in(4) {
                release(&mut pair, &mut calls, false, seed);
            }
        }
        release(&mut pair, &mut calls, true, seed);
        while !pair.is_idle() {
            deliver(&mut pair, &mut calls, &[100, 20_000, 1_000_000], seed);
            release(&mut pair, &mut calls, true, seed);
        }
        check(&calls);
        assert!(!pair.client.connection.is_closed() && !pair.server.connection.is_closed());
        let is_ended = |call: &Call| call.is_reset || call.request.ended && call.response.ended;
        let open = calls.values().filter(|call| !is_ended(call)).count();
        assert_eq!(pair.client.connection.open_streams(), open);
        assert_eq!(pair.server.connection.open_streams(), open);
    });
}
