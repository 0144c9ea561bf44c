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
fn the_client_speaks_first_and_does_not_wait() {
    // Rule S1.
    let mut asking = Asking::new(&Limits::DEFAULT);
    asking.client.start("/p", &Metadata::new(), None).unwrap();
    let (said, _) = asking.answer();
    assert_eq!(said[0], "AGR1");
    assert!(said[1].starts_with("HELLO") && said[3].starts_with("REQUEST 1"), "{said:?}");
}

#[test]
fn the_server_says_nothing_before_the_clients_magic() {
    // Rule S2.
    let mut served = Served::new(&Limits::DEFAULT);
    assert_eq!(served.says(b""), (vec![], vec![]));
    assert_eq!(served.says(b"AGR"), (vec![], vec![]));
    let (said, _) = served.says(b"1");
    assert_eq!(said[0], "AGR1");
    assert_eq!(served.left, b"");
}

#[test]
fn a_peer_that_is_not_native_is_left_without_a_word() {
    // Rule S2.
    let mut served = Served::new(&Limits::DEFAULT);
    assert_eq!(served.says(b"GET / HTTP/1.1\r\n"), (vec![], vec![]));
    assert!(served.server.is_closed());

    let mut asking = Asking::new(&Limits::DEFAULT);
    asking.start();
    let (said, heard) = asking.hears(b"HTTP/1.1 400");
    assert_eq!(said, lines(&[]));
    let end = "finished 1 INTERNAL: the peer does not speak the native protocol";
    assert_eq!(heard, [end]);
    assert!(asking.client.is_closed());
}

#[test]
fn the_first_envelope_is_hello_and_there_is_one() {
    // Rule S3.
    let server = |first: Vec<u8>, reason| {
        let magic = b"AGR1".to_vec();
        Served::new(&Limits::DEFAULT).ends(&[magic, first].concat(), "INTERNAL", reason);
    };
    server(envelope(PING, 0, &[0; 8]), "the first envelope is not HELLO");
    server(unary(1, &[0; 5 << 20]), "the first envelope is not HELLO");
    let hello = envelope(HELLO, 0, LEAST_HELLO);
    server([&hello[..], &hello].concat(), "a second HELLO");
    let mut asking = Asking::new(&Limits::DEFAULT);
    asking.start();
    asking.ends(
        &[&b"AGR1"[..], &envelope(PING, 0, &[0; 8])].concat(),
        "INTERNAL",
        "the first envelope is not HELLO",
    );
    Asking::greeted(&Limits::DEFAULT).ends(&hello, "INTERNAL", "a second HELLO");
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
        let served = Served::new(&Limits::DEFAULT);
        served.ends(&hello(call, connection), "INTERNAL", "a malformed HELLO");
    }
    let mut served = Served::new(&Limits::DEFAULT);
    served.says(&hello(1 << 30, 1 << 30));
    assert!(!served.server.is_closed());
    let empty = [&b"AGR1"[..], &envelope(HELLO, 0, b"")].concat();
    Served::new(&Limits::DEFAULT).ends(&empty, "INTERNAL", "a malformed HELLO");
}

#[test]
fn a_client_assumes_the_least_until_it_has_heard_hello() {
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

    let mut asking = Asking::new(&Limits::DEFAULT);
    for _ in 0..100 {
        asking.client.start("/p", &Metadata::new(), None).unwrap();
    }
    let more = asking.client.start("/p", &Metadata::new(), None);
    assert_eq!(more, Err(StartError::TooManyCalls));
    let hello = b"\x08\x80\x80\x04\x10\x80\x80\x04\x18\x65";
    asking.hears(&[&b"AGR1"[..], &envelope(HELLO, 0, hello)].concat());
    assert!(asking.client.start("/p", &Metadata::new(), None).is_ok());
    let more = asking.client.start("/p", &Metadata::new(), None);
    assert_eq!(more, Err(StartError::TooManyCalls));
}

#[test]
fn a_late_hello_ends_the_connection() {
    // Rule S5, G4.
    let limits = Limits::DEFAULT;
    let late = START + limits.preface_timeout;
    let mut served = Served::new(&limits);
    served.says(b"AGR1");
    assert_eq!(served.server.next_timeout(), Some(late));
    served.server.handle_timeout(late - std::time::Duration::from_nanos(1), &mut served.heard);
    assert!(!served.server.is_closed());
    served.server.handle_timeout(late, &mut served.heard);
    assert_eq!(served.answer().0, ["GO_AWAY DEADLINE_EXCEEDED \"no HELLO in time\""]);
    assert!(served.server.is_closed());
    assert_eq!(served.server.next_timeout(), None);

    let mut silent = Served::new(&limits);
    silent.server.handle_timeout(late, &mut silent.heard);
    assert_eq!(silent.answer().0, lines(&[]), "nobody there who understands");
    assert!(silent.server.is_closed());

    let mut asking = Asking::new(&limits);
    asking.start();
    asking.client.handle_timeout(late, &mut asking.heard);
    let (said, heard) = asking.answer();
    assert_eq!(said, ["GO_AWAY DEADLINE_EXCEEDED \"no HELLO in time\""]);
    assert_eq!(heard, ["finished 1 DEADLINE_EXCEEDED: no HELLO in time"]);

    let mut leaving = Served::new(&limits);
    leaving.server.go_away();
    assert!(leaving.server.is_closed() && leaving.answer().0.is_empty());
    let mut leaving = Served::new(&limits);
    leaving.says(b"AGR1");
    leaving.server.go_away();
    assert_eq!(leaving.answer().0, ["GO_AWAY"]);
    leaving.server.handle_timeout(late, &mut leaving.heard);
    assert_eq!(leaving.answer().0, lines(&[]), "it was over before");

    let mut greeted = Served::greeted(&limits);
    greeted.server.handle_timeout(late, &mut greeted.heard);
    assert!(!greeted.server.is_closed());
}

#[test]
fn a_length_counts_the_payload_and_has_31_bits() {
    // Rule E1.
    let mut served = Served::greeted(&Limits::DEFAULT);
    let two = [envelope(PING, 0, &[1; 8]), envelope(PING, 0, &[2; 8])].concat();
    assert_eq!(two.len(), 2 * (9 + 8));
    assert_eq!(served.says(&two).0.len(), 2);
    let reason = "an envelope length above 2^31 - 1";
    served.ends(&[0x80, 0, 0, 0, MESSAGE, 0, 0, 0, 1], "INTERNAL", reason);
}

#[test]
fn unknown_flags_are_an_error() {
    // Rule E2.
    let reason = "a flag that the envelope kind does not have";
    for kind in [PING | END, PING | 0x10, CANCEL | END, MESSAGE | WITH_MESSAGE, REQUEST | 0x20] {
        let payload: &[u8] = if kind & 15 == CANCEL { &[] } else { &[0; 8] };
        let id = u32::from(kind & 15 != PING);
        Served::greeted(&Limits::DEFAULT).ends(&envelope(kind, id, payload), "INTERNAL", reason);
    }
}

#[test]
fn unknown_kinds_and_wrong_directions_are_errors() {
    // Rule E3.
    for kind in [0, 13, 14, 15] {
        let reason = "an unknown envelope kind";
        Served::greeted(&Limits::DEFAULT).ends(&envelope(kind, 0, b""), "INTERNAL", reason);
        Asking::greeted(&Limits::DEFAULT).ends(&envelope(kind, 0, b""), "INTERNAL", reason);
    }
    let reason = "an envelope kind that only the other side may send";
    for kind in [HEADERS, TRAILERS] {
        let long = vec![0; 1 << 20];
        Served::greeted(&Limits::DEFAULT).ends(&envelope(kind, 1, b""), "INTERNAL", reason);
        Served::greeted(&Limits::DEFAULT).ends(&envelope(kind, 1, &long), "INTERNAL", reason);
    }
    for kind in [PATH, REQUEST, HALF_CLOSE, CANCEL] {
        let payload: &[u8] = if kind < HALF_CLOSE { &[0; 4] } else { &[] };
        let mut asking = Asking::greeted(&Limits::DEFAULT);
        asking.start();
        asking.ends(&envelope(kind, 1, payload), "INTERNAL", reason);
    }
    let mut asking = Asking::greeted(&Limits::DEFAULT);
    asking.start();
    asking.ends(&unary(1, &[0; 5 << 20]), "INTERNAL", reason);
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
        Served::greeted(&Limits::DEFAULT).ends(&bytes, "INTERNAL", reason);
        Asking::greeted(&Limits::DEFAULT).ends(&bytes, "INTERNAL", reason);
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
        Served::greeted(&Limits::DEFAULT).ends(&bytes, "INTERNAL", reason);
        Asking::greeted(&Limits::DEFAULT).ends(&bytes, "INTERNAL", reason);
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
        Served::greeted(&Limits::DEFAULT).ends(&bytes, "INTERNAL", reason);
    }
    let mut served = Served::greeted(&Limits::DEFAULT);
    let (_, heard) = served.says(&envelope(REQUEST | WITH_MESSAGE, 1, header));
    assert_eq!(heard, ["call 1 /p", "message 1 \"\""], "an empty message");
    let (_, heard) = served.says(&envelope(REQUEST | END, 2, header));
    assert_eq!(heard, ["call 2 /p", "half-close 2"], "no message");
}

#[test]
fn a_path_begins_with_a_slash_and_is_visible() {
    // Rule P1.
    let reason = "a path that is not a slash and visible ASCII, 1,024 bytes at most";
    for path in [&b"p"[..], b"", b"/a b", b"/\xff"] {
        let served = Served::greeted(&Limits::DEFAULT);
        served.ends(&envelope(PATH, 2, path), "INTERNAL", reason);
    }
    let mut asking = Asking::greeted(&Limits::DEFAULT);
    for path in ["", "p", "/a b", "/\u{e9}", &"/".repeat(1025)] {
        let refused = asking.client.start(path, &Metadata::new(), None);
        assert_eq!(refused, Err(StartError::Path));
    }
    assert_eq!(asking.answer().0, lines(&[]), "nothing was sent");
    assert!(asking.client.start(&"/".repeat(1024), &Metadata::new(), None).is_ok());
}

#[test]
fn path_ids_leave_no_gap_and_are_at_most_64() {
    // Rule P2, L5.
    let mut served = Served::greeted(&Limits::DEFAULT);
    for id in 2..=64 {
        served.says(&envelope(PATH, id, format!("/{id}").as_bytes()));
    }
    let (_, heard) = served.says(&envelope(REQUEST, 1, b"\0\0\0\x02\x08\x40"));
    assert_eq!(heard, ["call 1 /64"]);
    served.says(&envelope(PATH, 64, b"/again"));
    let (_, heard) = served.says(&envelope(REQUEST, 2, b"\0\0\0\x02\x08\x40"));
    assert_eq!(heard, ["call 2 /again"]);
    served.ends(&envelope(PATH, 65, b"/65"), "INTERNAL", "a path id outside the table");
    let served = Served::greeted(&Limits::DEFAULT);
    served.ends(&envelope(PATH, 3, b"/3"), "INTERNAL", "a path id outside the table");
}

#[test]
fn our_client_replaces_the_oldest_path() {
    // Rule P2.
    let mut pair = Pair::greeted(&Limits { max_concurrent_calls: 500, ..Limits::DEFAULT });
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
        let served = Served::greeted(&Limits::DEFAULT);
        served.ends(&envelope(REQUEST, 1, header), "INTERNAL", reason);
    }
}

#[test]
fn a_pong_without_its_ping_is_an_error() {
    // Rule K1.
    let pong = |n: u64| envelope(PONG, 0, &n.to_be_bytes());
    let reason = "a PONG without its PING";
    Served::greeted(&Limits::DEFAULT).ends(&pong(1), "INTERNAL", reason);
    let mut asking = Asking::greeted(&Limits::DEFAULT);
    asking.client.ping();
    asking.client.ping();
    asking.hears(&pong(1));
    assert_eq!(asking.client.pongs(), 1);
    asking.ends(&pong(1), "INTERNAL", reason);
}

#[test]
fn a_client_that_goes_away_begins_no_more_calls() {
    // Rule G1, G3.
    let mut pair = Pair::greeted(&tight());
    let call = pair.start();
    pair.client.go_away();
    assert_eq!(pair.client.start("/p", &Metadata::new(), None), Err(StartError::GoingAway));
    pair.settle();
    assert!(!pair.server.is_closed() && !pair.client.is_closed());
    pair.server.finish(call, &crate::call::Status::OK).unwrap();
    pair.settle();
    assert!(pair.server.is_closed() && pair.client.is_closed());

    let mut served = Served::greeted(&Limits::DEFAULT);
    served.says(&[request(1), envelope(GO_AWAY, 0, b"")].concat());
    served.ends(&request(2), "INTERNAL", "a call begun after GO_AWAY");
}

#[test]
fn a_last_call_id_may_fall_and_not_rise() {
    // Rule G2.
    let go_away = |last: u8| envelope(GO_AWAY, 0, &[8, last]);
    let mut asking = Asking::greeted(&Limits::DEFAULT);
    for _ in 0..4 {
        asking.start();
    }
    let gone =
        |id| format!("finished {id} UNAVAILABLE: the server takes no more calls (retriable)");
    assert_eq!(asking.hears(&go_away(3)).1, [gone(4)]);
    assert_eq!(asking.hears(&go_away(1)).1, [gone(2), gone(3)]);
    asking.ends(&go_away(2), "INTERNAL", "a malformed GO_AWAY");
}

#[test]
fn a_server_that_goes_away_does_not_answer_new_calls() {
    // Rule G2, C8.
    let mut served = Served::greeted(&Limits::DEFAULT);
    served.says(&request(1));
    served.server.go_away();
    assert_eq!(served.answer().0, ["GO_AWAY last_call_id=1"]);
    let late = [unary(2, b"late"), request(3), envelope(MESSAGE, 3, b"x"), unary(4, &[0; 5 << 20])];
    assert_eq!(served.says(&late.concat()), (vec!["CREDIT 5242981".into()], vec![]));
    assert!(served.server.finish(crate::call::CallId(1), &crate::call::Status::OK).is_ok());
    assert!(served.server.is_closed());
}

#[test]
fn an_error_ends_the_connection_and_every_call() {
    // Rule G4.
    let mut served = Served::greeted(&Limits::DEFAULT);
    served.says(&[request(1), request(2)].concat());
    served.server.close(Code::ResourceExhausted, "out of memory", &mut served.heard);
    let (said, heard) = served.answer();
    assert_eq!(said, ["GO_AWAY last_call_id=2 RESOURCE_EXHAUSTED \"out of memory\""]);
    let end = "RESOURCE_EXHAUSTED: out of memory";
    assert_eq!(heard, [format!("cancelled 1 {end}"), format!("cancelled 2 {end}")]);
    assert!(served.server.is_closed());

    let mut asking = Asking::greeted(&Limits::DEFAULT);
    asking.start();
    asking.start();
    let go_away = envelope(GO_AWAY, 0, b"\x08\x01\x10\x08\x1a\x04full");
    assert_eq!(
        asking.hears(&go_away).1,
        [
            "finished 2 UNAVAILABLE: the server takes no more calls (retriable)",
            "finished 1 RESOURCE_EXHAUSTED: full"
        ]
    );
    assert!(asking.client.is_closed());

    let mut served = Served::greeted(&Limits::DEFAULT);
    served.says(&request(1));
    let (said, heard) = served.says(&envelope(GO_AWAY, 0, b"\x10\x0d\x1a\x03bug"));
    assert_eq!((said, heard), (vec![], lines(&["cancelled 1 INTERNAL: bug"])));
    assert!(served.server.is_closed());
}

#[test]
fn a_connection_without_calls_may_be_closed_without_blame() {
    // Rule G1.
    let mut pair = Pair::greeted(&Limits::DEFAULT);
    pair.server.close(Code::Ok, "idle", &mut pair.server_heard);
    pair.settle();
    pair.tells("server > GO_AWAY \"idle\"");
    assert!(pair.server.is_closed() && pair.client.is_closed());

    let mut asking = Asking::greeted(&Limits::DEFAULT);
    asking.start();
    asking.client.close(Code::Ok, "idle", &mut asking.heard);
    assert_eq!(
        asking.answer(),
        (lines(&["GO_AWAY \"idle\""]), lines(&["finished 1 UNAVAILABLE: idle"]))
    );
}

#[test]
fn what_was_never_written_may_be_repeated() {
    // Rule G5.
    let mut asking = Asking::greeted(&Limits::DEFAULT);
    asking.start();
    for _ in 0..2 {
        asking.client.start("/p", &Metadata::new(), None).unwrap();
    }
    asking.client.consume_output(1);
    asking.client.connection_lost(&mut asking.heard);
    assert_eq!(
        asking.heard.take(),
        [
            "finished 1 UNAVAILABLE: the connection was lost",
            "finished 2 UNAVAILABLE: the connection was lost",
            "finished 3 UNAVAILABLE: the connection was lost (retriable)"
        ]
    );
    let mut served = Served::greeted(&Limits::DEFAULT);
    served.says(&request(1));
    served.server.connection_lost(&mut served.heard);
    assert_eq!(served.heard.take(), ["cancelled 1 UNAVAILABLE: the connection was lost"]);
}

#[test]
fn a_malformed_hello_or_go_away_ends_the_connection() {
    // Rule E6.
    let hello = [&b"AGR1"[..], &envelope(HELLO, 0, b"\x08")].concat();
    Served::new(&Limits::DEFAULT).ends(&hello, "INTERNAL", "a malformed HELLO");
    for payload in [&b"\x1a\x01\xff"[..], b"\x08", b"\x0b", b"\x1a\x02x"] {
        let go_away = envelope(GO_AWAY, 0, payload);
        Served::greeted(&Limits::DEFAULT).ends(&go_away, "INTERNAL", "a malformed GO_AWAY");
        Asking::greeted(&Limits::DEFAULT).ends(&go_away, "INTERNAL", "a malformed GO_AWAY");
    }
}
