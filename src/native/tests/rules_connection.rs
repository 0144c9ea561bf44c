//! Sections 1, 2, 3, 7 and 8 of the schema: the start, envelopes, paths, pings, going away.

use super::one_side::*;
use super::pair::Pair;
use super::{START, tight};
use crate::call::{Code, Limits, Metadata};
use crate::native::StartError;

/// All of this was said, or heard, in this order.
fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

#[test]
fn the_client_sends_first_and_does_not_wait() {
    // Rule S1.
    let mut client = ClientHarness::new(&Limits::DEFAULT);
    client.connection.start("/p", &Metadata::new(), None).unwrap();
    let (sent, _) = client.take_output();
    assert_eq!(sent[0], "AGR1");
    assert!(sent[1].starts_with("HELLO") && sent[3].starts_with("REQUEST 1"), "{sent:?}");
}

#[test]
fn the_server_sends_nothing_before_the_clients_magic() {
    // Rule S2.
    let mut server = ServerHarness::new(&Limits::DEFAULT);
    assert_eq!(server.receive(b""), (vec![], vec![]));
    assert_eq!(server.receive(b"AGR"), (vec![], vec![]));
    let (sent, _) = server.receive(b"1");
    assert_eq!(sent[0], "AGR1");
    assert_eq!(server.left, b"");
}

#[test]
fn a_peer_without_the_magic_gets_no_answer() {
    // Rule S2.
    let mut server = ServerHarness::new(&Limits::DEFAULT);
    assert_eq!(server.receive(b"GET / HTTP/1.1\r\n"), (vec![], vec![]));
    assert!(server.connection.is_closed());

    let mut client = ClientHarness::new(&Limits::DEFAULT);
    client.start();
    let (sent, events) = client.receive(b"HTTP/1.1 400");
    assert_eq!(sent, lines(&[]));
    let end = "finished 1 INTERNAL: the peer does not speak the native protocol";
    assert_eq!(events, [end]);
    assert!(client.connection.is_closed());
}

#[test]
fn the_first_envelope_is_hello_and_there_is_one() {
    // Rule S3.
    let server = |first: Vec<u8>, reason| {
        let magic = b"AGR1".to_vec();
        ServerHarness::new(&Limits::DEFAULT).expect_error(
            &[magic, first].concat(),
            "INTERNAL",
            reason,
        );
    };
    server(envelope(PING, 0, &[0; 8]), "the first envelope is not HELLO");
    server(unary(1, &[0; 5 << 20]), "the first envelope is not HELLO");
    let hello = envelope(HELLO, 0, LEAST_HELLO);
    server([&hello[..], &hello].concat(), "a second HELLO");
    let mut client = ClientHarness::new(&Limits::DEFAULT);
    client.start();
    client.expect_error(
        &[&b"AGR1"[..], &envelope(PING, 0, &[0; 8])].concat(),
        "INTERNAL",
        "the first envelope is not HELLO",
    );
    ClientHarness::connected(&Limits::DEFAULT).expect_error(&hello, "INTERNAL", "a second HELLO");
}

#[test]
fn windows_outside_their_range_are_refused() {
    // Rule S3.
    let hello = |call: u64, connection: u64| {
        let mut payload = Vec::new();
        for (number, mut value) in [(1_u8, call), (2, connection)] {
            payload.push(number << 3);
            while value >= 0x80 {
                payload.push(value as u8 | 0x80);
                value >>= 7;
            }
            payload.push(value as u8);
        }
        [&b"AGR1"[..], &envelope(HELLO, 0, &payload)].concat()
    };
    for (call, connection) in
        [(65_535, 65_536), (65_536, 65_535), (1 << 31, 1 << 20), (1 << 20, (1 << 30) + 1)]
    {
        let server = ServerHarness::new(&Limits::DEFAULT);
        server.expect_error(&hello(call, connection), "INTERNAL", "a malformed HELLO");
    }
    let mut server = ServerHarness::new(&Limits::DEFAULT);
    server.receive(&hello(1 << 30, 1 << 30));
    assert!(!server.connection.is_closed());
    let empty = [&b"AGR1"[..], &envelope(HELLO, 0, b"")].concat();
    ServerHarness::new(&Limits::DEFAULT).expect_error(&empty, "INTERNAL", "a malformed HELLO");
}

#[test]
fn a_client_assumes_the_smallest_windows_until_hello() {
    // Rule S4.
    let mut pair = Pair::new(&Limits::DEFAULT, &Limits::DEFAULT);
    let call = pair.start();
    for _ in 0..6 {
        pair.client.send_message(call, &[0; 65_536], false).unwrap();
    }
    assert_eq!(pair.client.queued(call), 5 * 65_545, "one message, and then HELLO is needed");
    pair.settle();
    // 262,144 in all: the fourth still had credit, the fifth has none.
    assert_eq!(pair.client.queued(call), 2 * 65_545);

    let mut client = ClientHarness::new(&Limits::DEFAULT);
    for _ in 0..100 {
        client.connection.start("/p", &Metadata::new(), None).unwrap();
    }
    let more = client.connection.start("/p", &Metadata::new(), None);
    assert_eq!(more, Err(StartError::TooManyCalls));
    let hello = b"\x08\x80\x80\x04\x10\x80\x80\x04\x18\x65";
    client.receive(&[&b"AGR1"[..], &envelope(HELLO, 0, hello)].concat());
    assert!(client.connection.start("/p", &Metadata::new(), None).is_ok());
    let more = client.connection.start("/p", &Metadata::new(), None);
    assert_eq!(more, Err(StartError::TooManyCalls));
}

#[test]
fn a_late_hello_ends_the_connection() {
    // Rule S5, G4.
    let limits = Limits::DEFAULT;
    let late = START + limits.preface_timeout;
    let mut server = ServerHarness::new(&limits);
    server.receive(b"AGR1");
    assert_eq!(server.connection.next_timeout(), Some(late));
    server.connection.handle_timeout(late - std::time::Duration::from_nanos(1), &mut server.events);
    assert!(!server.connection.is_closed());
    server.connection.handle_timeout(late, &mut server.events);
    assert_eq!(server.take_output().0, ["GO_AWAY DEADLINE_EXCEEDED \"no HELLO in time\""]);
    assert!(server.connection.is_closed());
    assert_eq!(server.connection.next_timeout(), None);

    let mut silent = ServerHarness::new(&limits);
    silent.connection.handle_timeout(late, &mut silent.events);
    assert_eq!(silent.take_output().0, lines(&[]), "nobody there who understands");
    assert!(silent.connection.is_closed());

    let mut client = ClientHarness::new(&limits);
    client.start();
    client.connection.handle_timeout(late, &mut client.events);
    let (sent, events) = client.take_output();
    assert_eq!(sent, ["GO_AWAY DEADLINE_EXCEEDED \"no HELLO in time\""]);
    assert_eq!(events, ["finished 1 DEADLINE_EXCEEDED: no HELLO in time"]);

    let mut drained = ServerHarness::new(&limits);
    drained.connection.go_away("");
    assert!(drained.connection.is_closed() && drained.take_output().0.is_empty());
    let mut drained = ServerHarness::new(&limits);
    drained.receive(b"AGR1");
    drained.connection.go_away("");
    assert_eq!(drained.take_output().0, ["GO_AWAY"]);
    drained.connection.handle_timeout(late, &mut drained.events);
    assert_eq!(drained.take_output().0, lines(&[]), "it was over before");

    let mut connected = ServerHarness::connected(&limits);
    connected.connection.handle_timeout(late, &mut connected.events);
    assert!(!connected.connection.is_closed());
}

#[test]
fn a_length_counts_the_payload_and_has_31_bits() {
    // Rule E1.
    let mut server = ServerHarness::connected(&Limits::DEFAULT);
    let two = [envelope(PING, 0, &[1; 8]), envelope(PING, 0, &[2; 8])].concat();
    assert_eq!(two.len(), 2 * (9 + 8));
    assert_eq!(server.receive(&two).0.len(), 2);
    let reason = "an envelope length above 2^31 - 1";
    server.expect_error(&[0x80, 0, 0, 0, MESSAGE, 0, 0, 0, 1], "INTERNAL", reason);
}

#[test]
fn unknown_flags_are_an_error() {
    // Rule E2.
    let reason = "a flag that the envelope kind does not have";
    for kind in [PING | END, PING | 0x10, CANCEL | END, MESSAGE | WITH_MESSAGE, REQUEST | 0x20] {
        let payload: &[u8] = if kind & 15 == CANCEL { &[] } else { &[0; 8] };
        let id = u32::from(kind & 15 != PING);
        ServerHarness::connected(&Limits::DEFAULT).expect_error(
            &envelope(kind, id, payload),
            "INTERNAL",
            reason,
        );
    }
}

#[test]
fn unknown_kinds_and_wrong_directions_are_errors() {
    // Rule E3.
    for kind in [0, 13, 14, 15] {
        let reason = "an unknown envelope kind";
        ServerHarness::connected(&Limits::DEFAULT).expect_error(
            &envelope(kind, 0, b""),
            "INTERNAL",
            reason,
        );
        ClientHarness::connected(&Limits::DEFAULT).expect_error(
            &envelope(kind, 0, b""),
            "INTERNAL",
            reason,
        );
    }
    let reason = "an envelope kind that only the other side may send";
    for kind in [HEADERS, TRAILERS] {
        let long = vec![0; 1 << 20];
        ServerHarness::connected(&Limits::DEFAULT).expect_error(
            &envelope(kind, 1, b""),
            "INTERNAL",
            reason,
        );
        ServerHarness::connected(&Limits::DEFAULT).expect_error(
            &envelope(kind, 1, &long),
            "INTERNAL",
            reason,
        );
    }
    for kind in [PATH, REQUEST, HALF_CLOSE, CANCEL] {
        let payload: &[u8] = if kind < HALF_CLOSE { &[0; 4] } else { &[] };
        let mut client = ClientHarness::connected(&Limits::DEFAULT);
        client.start();
        client.expect_error(&envelope(kind, 1, payload), "INTERNAL", reason);
    }
    let mut client = ClientHarness::connected(&Limits::DEFAULT);
    client.start();
    client.expect_error(&unary(1, &[0; 5 << 20]), "INTERNAL", reason);
}

#[test]
fn an_id_that_does_not_suit_its_kind_is_an_error() {
    // Rule E4.
    let reason = "an id that does not suit the envelope kind";
    for (kind, id, len) in [
        (HELLO, 1, 0),
        (PATH, 0, 1),
        (REQUEST, 0, 4),
        (HEADERS, 0, 0),
        (MESSAGE, 0, 0),
        (HALF_CLOSE, 0, 0),
        (TRAILERS, 0, 0),
        (CANCEL, 0, 0),
        (PING, 1, 8),
        (PONG, 1, 8),
        (GO_AWAY, 1, 0),
    ] {
        let bytes = envelope(kind, id, &vec![0; len]);
        ServerHarness::connected(&Limits::DEFAULT).expect_error(&bytes, "INTERNAL", reason);
        ClientHarness::connected(&Limits::DEFAULT).expect_error(&bytes, "INTERNAL", reason);
    }
}

#[test]
fn a_payload_of_a_wrong_length_is_an_error() {
    // Rule E5.
    let reason = "a payload length that does not suit the envelope kind";
    for (kind, len) in [
        (HELLO, 1025),
        (PATH, 1025),
        (REQUEST, 3),
        (HALF_CLOSE, 1),
        (CANCEL, 1),
        (CREDIT, 3),
        (CREDIT, 5),
        (PING, 7),
        (PONG, 9),
        (GO_AWAY, 4097),
    ] {
        let id = u32::from((PATH..CREDIT).contains(&kind));
        let bytes = envelope(kind, id, &vec![0; len]);
        ServerHarness::connected(&Limits::DEFAULT).expect_error(&bytes, "INTERNAL", reason);
        ClientHarness::connected(&Limits::DEFAULT).expect_error(&bytes, "INTERNAL", reason);
    }
}

#[test]
fn the_parts_of_a_request_add_up() {
    // Rule E5.
    let reason = "a REQUEST whose parts do not add up to its length";
    let header = b"\0\0\0\x02\x08\x01";
    for (kind, payload) in [
        (REQUEST, &[&header[..], b"x"].concat()[..]),
        (REQUEST, b"\0\0\0\x03\x08\x01"),
        (REQUEST | WITH_MESSAGE, b"\0\0\0\x03\x08\x01"),
        (REQUEST, b"\xff\xff\xff\xff\x08\x01"),
    ] {
        let bytes = envelope(kind, 1, payload);
        ServerHarness::connected(&Limits::DEFAULT).expect_error(&bytes, "INTERNAL", reason);
    }
    let mut server = ServerHarness::connected(&Limits::DEFAULT);
    let (_, events) = server.receive(&envelope(REQUEST | WITH_MESSAGE, 1, header));
    assert_eq!(events, ["call 1 /p", "message 1 \"\""], "an empty message");
    let (_, events) = server.receive(&envelope(REQUEST | END, 2, header));
    assert_eq!(events, ["call 2 /p", "half-close 2"], "no message");
}

#[test]
fn a_path_begins_with_a_slash_and_is_visible() {
    // Rule P1.
    let reason = "a path that is not a slash and visible ASCII, 1,024 bytes at most";
    for path in [&b"p"[..], b"", b"/a b", b"/\xff"] {
        let server = ServerHarness::connected(&Limits::DEFAULT);
        server.expect_error(&envelope(PATH, 2, path), "INTERNAL", reason);
    }
    let mut client = ClientHarness::connected(&Limits::DEFAULT);
    for path in ["", "p", "/a b", "/\u{e9}", &"/".repeat(1025)] {
        let refused = client.connection.start(path, &Metadata::new(), None);
        assert_eq!(refused, Err(StartError::Path));
    }
    assert_eq!(client.take_output().0, lines(&[]), "nothing was sent");
    assert!(client.connection.start(&"/".repeat(1024), &Metadata::new(), None).is_ok());
}

#[test]
fn path_ids_leave_no_gap_and_are_at_most_64() {
    // Rule P2, L5.
    let mut server = ServerHarness::connected(&Limits::DEFAULT);
    for id in 2..=64 {
        server.receive(&envelope(PATH, id, format!("/{id}").as_bytes()));
    }
    let (_, events) = server.receive(&envelope(REQUEST, 1, b"\0\0\0\x02\x08\x40"));
    assert_eq!(events, ["call 1 /64"]);
    server.receive(&envelope(PATH, 64, b"/again"));
    let (_, events) = server.receive(&envelope(REQUEST, 2, b"\0\0\0\x02\x08\x40"));
    assert_eq!(events, ["call 2 /again"]);
    server.expect_error(&envelope(PATH, 65, b"/65"), "INTERNAL", "a path id outside the table");
    let server = ServerHarness::connected(&Limits::DEFAULT);
    server.expect_error(&envelope(PATH, 3, b"/3"), "INTERNAL", "a path id outside the table");
}

#[test]
fn our_client_replaces_the_oldest_path() {
    // Rule P2.
    let mut pair = Pair::connected(&Limits { max_concurrent_calls: 500, ..Limits::DEFAULT });
    for n in 0..200 {
        pair.client.start(&format!("/{n}"), &Metadata::new(), None).unwrap();
    }
    pair.client.start("/199", &Metadata::new(), None).unwrap();
    pair.client.start("/0", &Metadata::new(), None).unwrap();
    pair.settle();
    pair.skip();
    assert_eq!(pair.server.open_calls(), 202);
}

#[test]
fn a_request_names_a_path_that_was_defined() {
    // Rule P3.
    let reason = "a path id that was never defined";
    for header in [&b"\0\0\0\x02\x08\x02"[..], b"\0\0\0\0", b"\0\0\0\x06\x08\xff\xff\xff\xff\x0f"] {
        let server = ServerHarness::connected(&Limits::DEFAULT);
        server.expect_error(&envelope(REQUEST, 1, header), "INTERNAL", reason);
    }
}

#[test]
fn a_pong_without_its_ping_is_an_error() {
    // Rule K1.
    let pong = |n: u64| envelope(PONG, 0, &n.to_be_bytes());
    let reason = "a PONG without its PING";
    ServerHarness::connected(&Limits::DEFAULT).expect_error(&pong(1), "INTERNAL", reason);
    let mut client = ClientHarness::connected(&Limits::DEFAULT);
    client.connection.ping();
    client.connection.ping();
    client.receive(&pong(1));
    assert_eq!(client.connection.pongs(), 1);
    client.expect_error(&pong(1), "INTERNAL", reason);
}

#[test]
fn the_third_early_ping_of_a_client_is_one_too_many() {
    // Rule L7.
    let ping = |n: u64| envelope(PING, 0, &n.to_be_bytes());
    let mut server = ServerHarness::connected(&Limits::DEFAULT);
    (1..=3).for_each(|n| drop(server.receive(&ping(n))));
    server.expect_error(&ping(4), "RESOURCE_EXHAUSTED", "too_many_pings");
    // A response restarts the count.
    let mut pair = Pair::connected(&Limits::DEFAULT);
    for _ in 0..5 {
        (0..3).for_each(|_| pair.client.ping());
        let call = pair.start();
        pair.settle();
        pair.server.finish(call, &crate::call::Status::OK).unwrap();
    }
    pair.settle();
    assert!(!pair.server.is_closed());
    // A peer may send any number.
    let mut server = ServerHarness::connected(&Limits::DEFAULT);
    server.connection.allow_pings();
    (1..=50).for_each(|n| drop(server.receive(&ping(n))));
    assert!(!server.connection.is_closed());
}

#[test]
fn a_client_starts_no_calls_after_go_away() {
    // Rule G1, G3.
    let mut pair = Pair::connected(&tight());
    let call = pair.start();
    pair.client.go_away("");
    assert_eq!(pair.client.start("/p", &Metadata::new(), None), Err(StartError::GoingAway));
    pair.settle();
    assert!(!pair.server.is_closed() && !pair.client.is_closed());
    pair.server.finish(call, &crate::call::Status::OK).unwrap();
    pair.settle();
    assert!(pair.server.is_closed() && pair.client.is_closed());

    let mut server = ServerHarness::connected(&Limits::DEFAULT);
    server.receive(&[request(1), envelope(GO_AWAY, 0, b"")].concat());
    server.expect_error(&request(2), "INTERNAL", "a call begun after GO_AWAY");
}

#[test]
fn a_last_call_id_may_fall_and_not_rise() {
    // Rule G2.
    let go_away = |last: u8| envelope(GO_AWAY, 0, &[8, last]);
    let mut client = ClientHarness::connected(&Limits::DEFAULT);
    for _ in 0..4 {
        client.start();
    }
    let gone =
        |id| format!("finished {id} UNAVAILABLE: the server takes no more calls (retriable)");
    assert_eq!(client.receive(&go_away(3)).1, [gone(4)]);
    assert_eq!(client.receive(&go_away(1)).1, [gone(2), gone(3)]);
    client.expect_error(&go_away(2), "INTERNAL", "a malformed GO_AWAY");
}

#[test]
fn a_server_that_goes_away_does_not_answer_new_calls() {
    // Rule G2, C8.
    let mut server = ServerHarness::connected(&Limits::DEFAULT);
    server.receive(&request(1));
    server.connection.go_away("");
    assert_eq!(server.take_output().0, ["GO_AWAY last_call_id=1"]);
    let late = [unary(2, b"late"), request(3), envelope(MESSAGE, 3, b"x"), unary(4, &[0; 5 << 20])];
    assert_eq!(server.receive(&late.concat()), (vec!["CREDIT 5242981".into()], vec![]));
    assert!(server.connection.finish(crate::call::CallId(1), &crate::call::Status::OK).is_ok());
    assert!(server.connection.is_closed());
}

#[test]
fn a_client_that_is_refused_receives_the_magic_before_the_reason() {
    // Rule L8.
    let mut server = ServerHarness::new(&Limits::DEFAULT);
    server.connection.receive(START, b"AGR1", &mut server.events);
    server.connection.close(Code::ResourceExhausted, "full", &mut server.events);
    let (sent, _) = server.take_output();
    assert!(sent[0] == "AGR1" && sent[1].starts_with("HELLO"), "{sent:?}");
    let end = sent.last().unwrap();
    assert!(end.starts_with("GO_AWAY") && end.ends_with("RESOURCE_EXHAUSTED \"full\""), "{sent:?}");
}

#[test]
fn an_error_ends_the_connection_and_every_call() {
    // Rule G4.
    let mut server = ServerHarness::connected(&Limits::DEFAULT);
    server.receive(&[request(1), request(2)].concat());
    server.connection.close(Code::ResourceExhausted, "out of memory", &mut server.events);
    let (sent, events) = server.take_output();
    assert_eq!(sent, ["GO_AWAY last_call_id=2 RESOURCE_EXHAUSTED \"out of memory\""]);
    let end = "RESOURCE_EXHAUSTED: out of memory";
    assert_eq!(events, [format!("cancelled 1 {end}"), format!("cancelled 2 {end}")]);
    assert!(server.connection.is_closed());

    let mut client = ClientHarness::connected(&Limits::DEFAULT);
    client.start();
    client.start();
    let go_away = envelope(GO_AWAY, 0, b"\x08\x01\x10\x08\x1a\x04full");
    assert_eq!(
        client.receive(&go_away).1,
        [
            "finished 2 UNAVAILABLE: the server takes no more calls: full (retriable)",
            "finished 1 RESOURCE_EXHAUSTED: full"
        ]
    );
    assert!(client.connection.is_closed());

    let mut server = ServerHarness::connected(&Limits::DEFAULT);
    server.receive(&request(1));
    let (sent, events) = server.receive(&envelope(GO_AWAY, 0, b"\x10\x0d\x1a\x03bug"));
    assert_eq!((sent, events), (vec![], lines(&["cancelled 1 INTERNAL: bug"])));
    assert!(server.connection.is_closed());
}

#[test]
fn a_connection_without_calls_can_be_closed_with_code_ok() {
    // Rule G1.
    let mut pair = Pair::connected(&Limits::DEFAULT);
    pair.server.close(Code::Ok, "idle", &mut pair.server_events);
    pair.settle();
    pair.expect("server > GO_AWAY \"idle\"");
    assert!(pair.server.is_closed() && pair.client.is_closed());

    let mut client = ClientHarness::connected(&Limits::DEFAULT);
    client.start();
    client.connection.close(Code::Ok, "idle", &mut client.events);
    assert_eq!(
        client.take_output(),
        (lines(&["GO_AWAY \"idle\""]), lines(&["finished 1 UNAVAILABLE: idle"]))
    );
}

#[test]
fn calls_that_were_never_written_are_retriable() {
    // Rule G5.
    let mut client = ClientHarness::connected(&Limits::DEFAULT);
    client.start();
    for _ in 0..2 {
        client.connection.start("/p", &Metadata::new(), None).unwrap();
    }
    client.connection.consume_output(1);
    client.connection.connection_lost(&mut client.events);
    assert_eq!(
        client.events.take(),
        [
            "finished 1 UNAVAILABLE: the connection was lost",
            "finished 2 UNAVAILABLE: the connection was lost",
            "finished 3 UNAVAILABLE: the connection was lost (retriable)"
        ]
    );
    let mut server = ServerHarness::connected(&Limits::DEFAULT);
    server.receive(&request(1));
    server.connection.connection_lost(&mut server.events);
    assert_eq!(server.events.take(), ["cancelled 1 UNAVAILABLE: the connection was lost"]);
}

#[test]
fn a_malformed_hello_or_go_away_ends_the_connection() {
    // Rule E6.
    let hello = [&b"AGR1"[..], &envelope(HELLO, 0, b"\x08")].concat();
    ServerHarness::new(&Limits::DEFAULT).expect_error(&hello, "INTERNAL", "a malformed HELLO");
    for payload in [&b"\x1a\x01\xff"[..], b"\x08", b"\x0b", b"\x1a\x02x"] {
        let go_away = envelope(GO_AWAY, 0, payload);
        ServerHarness::connected(&Limits::DEFAULT).expect_error(
            &go_away,
            "INTERNAL",
            "a malformed GO_AWAY",
        );
        ClientHarness::connected(&Limits::DEFAULT).expect_error(
            &go_away,
            "INTERNAL",
            "a malformed GO_AWAY",
        );
    }
}
