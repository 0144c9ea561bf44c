//! Sections 4 and 5 of the schema, and what it says of headers: calls and metadata.

use std::time::Duration;

use super::metadata;
use super::one_side::*;
use super::pair::Pair;
use crate::call::{CallEnded, CallId, Code, Limits, Metadata, SendError, Status};
use crate::native::StartError;

/// A REQUEST whose header is path 1 and these bytes.
fn request_with(id: u32, fields: &[u8]) -> Vec<u8> {
    let header = [b"\x08\x01", fields].concat();
    envelope(REQUEST, id, &[&(header.len() as u32).to_be_bytes()[..], &header].concat())
}

/// Field `number` with these bytes, below 128 of them.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, bytes.len() as u8][..], bytes].concat()
}

#[test]
fn call_ids_ascend_and_may_have_gaps() {
    // Rule C1.
    let mut server = ServerHarness::connected(&Limits::DEFAULT);
    let (_, events) = server.receive(&[request(1), request(7), request(u32::MAX)].concat());
    assert_eq!(events, ["call 1 /p", "call 7 /p", &format!("call {} /p", u32::MAX)]);
    let reason = "a call id that is not above all before it";
    server.expect_error(&request(8), "INTERNAL", reason);
    let mut server = ServerHarness::connected(&Limits::DEFAULT);
    server.receive(&[unary(3, b""), envelope(CANCEL, 3, b"")].concat());
    server.expect_error(&request(3), "INTERNAL", reason);
}

#[test]
fn a_client_that_has_used_up_its_ids_needs_a_new_connection() {
    // Rule C1.
    let mut client = ClientHarness::connected(&Limits::DEFAULT);
    client.connection.link.last_call = u32::MAX - 1;
    let last = client.connection.start("/p", &Metadata::new(), None);
    assert_eq!(last, Ok(CallId(u32::MAX)));
    let more = client.connection.start("/p", &Metadata::new(), None);
    assert_eq!(more, Err(StartError::Exhausted));
}

#[test]
fn nothing_follows_a_half_close() {
    // Rule C2.
    let reason = "an envelope for a call after its half-close";
    let long = vec![0; 5 << 20];
    for more in [&b""[..], b"x", &long] {
        for half_close in [envelope(HALF_CLOSE, 1, b""), envelope(MESSAGE | END, 1, b"")] {
            let bytes = [request(1), half_close, envelope(MESSAGE, 1, more)].concat();
            ServerHarness::connected(&Limits::DEFAULT).expect_error(&bytes, "INTERNAL", reason);
        }
    }
    let bytes = [unary(1, b""), envelope(HALF_CLOSE, 1, b"")].concat();
    ServerHarness::connected(&Limits::DEFAULT).expect_error(&bytes, "INTERNAL", reason);

    let mut pair = Pair::connected(&Limits::DEFAULT);
    let call = pair.start();
    pair.client.send_message(call, b"", true).unwrap();
    assert_eq!(pair.client.send_message(call, b"", false), Err(CallEnded));
    assert_eq!(pair.client.half_close(call), Err(CallEnded));
}

#[test]
fn a_half_close_is_merged_into_an_unsent_envelope() {
    // Rule C2.
    let mut pair = Pair::connected(&Limits::DEFAULT);
    let (one, two) = (pair.start(), pair.start());
    pair.client.half_close(two).unwrap();
    pair.client.send_message(one, b"x", false).unwrap();
    pair.client.half_close(one).unwrap();
    pair.settle();
    pair.expect(
        r#"
        client > PATH 1 /agora.Echo/Say
        client > REQUEST 1 path_id=1
        client > REQUEST 2 END path_id=1
        client > MESSAGE 1 END "x"
        server : call 1 /agora.Echo/Say
        server : call 2 /agora.Echo/Say
        server : half-close 2
        server : message 1 last "x"
        "#,
    );
}

#[test]
fn a_full_server_refuses_calls_before_reading_them() {
    // Rule C3, C6.
    let limits = Limits { max_concurrent_calls: 1, ..Limits::DEFAULT };
    let mut pair = Pair::new(&limits, &limits);
    for _ in 0..2 {
        let call = pair.start();
        pair.client.send_message(call, b"x", true).unwrap();
    }
    pair.deliver_to_server();
    pair.deliver_to_client();
    assert_eq!(pair.client.start("/p", &Metadata::new(), None), Err(StartError::TooManyCalls));
    pair.server.finish(CallId(1), &Status::OK).unwrap();
    pair.settle();
    assert!(pair.client.start("/p", &Metadata::new(), None).is_ok());
    pair.expect(
        r#"
        client > AGR1
        client > HELLO call_window_bytes=262144 connection_window_bytes=1048576
        client > PATH 1 /agora.Echo/Say
        client > REQUEST 1 END path_id=1 "x"
        client > REQUEST 2 END path_id=1 "x"
        server : call 1 /agora.Echo/Say
        server : message 1 last "x"
        server > AGR1
        server > HELLO call_window_bytes=262144 connection_window_bytes=1048576 max_concurrent_calls=1
        server > TRAILERS 2 RESOURCE_EXHAUSTED "1 calls are open on this connection, as many as may be" refused
        client : finished 2 RESOURCE_EXHAUSTED: 1 calls are open on this connection, as many as may be (retriable)
        server > TRAILERS 1
        client : finished 1 OK
        "#,
    );
}

#[test]
fn headers_come_first_and_once() {
    // Rule C4.
    let mut pair = Pair::connected(&Limits::DEFAULT);
    let call = pair.start();
    pair.settle();
    pair.skip();
    let list = metadata(&[("a", b"b")]);
    assert_eq!(pair.server.send_headers(call, &Metadata::new()), Ok(()));
    assert_eq!(pair.server.send_headers(call, &list), Ok(()), "too late, and ignored");
    pair.server.send_message(call, b"").unwrap();
    assert_eq!(pair.server.send_headers(call, &list), Ok(()), "too late, and ignored");
    pair.settle();
    pair.expect(
        r#"
        server > HEADERS 1
        server > MESSAGE 1 ""
        client : headers 1
        client : message 1 ""
        "#,
    );
    let reason = "HEADERS that are not the first of their call";
    for first in [envelope(HEADERS, 1, b""), envelope(MESSAGE, 1, b"")] {
        let mut client = ClientHarness::connected(&Limits::DEFAULT);
        client.start();
        client.expect_error(&[first, envelope(HEADERS, 1, b"")].concat(), "INTERNAL", reason);
    }
}

#[test]
fn a_refusal_counts_only_when_nothing_came_before() {
    // Rule C6.
    let refusal = envelope(TRAILERS, 1, b"\x08\x08\x20\x01");
    for (first, retriable) in
        [(vec![], " (retriable)"), (envelope(HEADERS, 1, b""), ""), (envelope(MESSAGE, 1, b""), "")]
    {
        let mut client = ClientHarness::connected(&Limits::DEFAULT);
        client.start();
        let (_, events) = client.receive(&[first, refusal.clone()].concat());
        assert_eq!(events.last().unwrap(), &format!("finished 1 RESOURCE_EXHAUSTED{retriable}"));
    }
}

#[test]
fn a_message_without_an_envelope_ends_its_call() {
    let mut pair = Pair::connected(&Limits::DEFAULT);
    let call = pair.start();
    pair.settle();
    pair.skip();
    // Nothing reads the memory, so that it is never there.
    let message = vec![0; 1 << 31];
    let Err(SendError::Refused(status)) = pair.server.send_message(call, &message) else {
        panic!("it was not refused");
    };
    assert_eq!(status.code, Code::ResourceExhausted);
    assert_eq!(pair.server.send_message(call, b""), Err(SendError::Ended));
    let text = &status.message;
    pair.settle();
    pair.expect(&format!(
        "server > TRAILERS 1 RESOURCE_EXHAUSTED \"{text}\"\n\
         client : finished 1 RESOURCE_EXHAUSTED: {text}"
    ));
}

#[test]
fn every_status_code_passes() {
    // Rule C5.
    for code in Code::ALL {
        let mut pair = Pair::connected(&Limits::DEFAULT);
        let call = pair.start();
        pair.settle();
        pair.skip();
        pair.server.finish(call, &Status::new(code, "why")).unwrap();
        assert_eq!(pair.server.finish(call, &Status::OK), Err(CallEnded));
        let number = if code == Code::Ok { String::new() } else { format!(" {code}") };
        pair.settle();
        pair.expect(&format!(
            "server > TRAILERS 1{number} \"why\"\nclient : finished 1 {code}: why"
        ));
    }
    let mut client = ClientHarness::connected(&Limits::DEFAULT);
    client.start();
    let (_, events) = client.receive(&envelope(TRAILERS, 1, b"\x08\x11"));
    assert_eq!(events, ["finished 1 UNKNOWN"], "a code beyond the list");
}

#[test]
fn an_envelope_of_an_unknown_call_is_an_error() {
    // Rule C8.
    let reason = "an envelope for a call that was never begun";
    for bytes in [
        envelope(MESSAGE, 2, b""),
        envelope(MESSAGE, 2, &[0; 5 << 20]),
        envelope(HALF_CLOSE, 2, b""),
        envelope(CANCEL, 2, b""),
        envelope(CREDIT, 2, b"\0\0\0\x01"),
    ] {
        let mut server = ServerHarness::connected(&Limits::DEFAULT);
        server.receive(&request(1));
        server.expect_error(&bytes, "INTERNAL", reason);
    }
    for bytes in [
        envelope(MESSAGE, 2, b""),
        envelope(HEADERS, 2, b""),
        envelope(HEADERS, 2, &[0; 1 << 20]),
        envelope(TRAILERS, 2, b""),
        envelope(CREDIT, 2, b"\0\0\0\x01"),
    ] {
        let mut client = ClientHarness::connected(&Limits::DEFAULT);
        client.start();
        client.expect_error(&bytes, "INTERNAL", reason);
    }
}

#[test]
fn envelopes_that_cross_the_end_of_a_call_are_ignored() {
    // Rule C8.
    let mut server = ServerHarness::connected(&Limits::DEFAULT);
    server.receive(&request(1));
    server.connection.finish(CallId(1), &Status::OK).unwrap();
    server.take_output();
    let late = [
        envelope(MESSAGE, 1, b"x"),
        envelope(CREDIT, 1, b"\0\0\0\x01"),
        envelope(MESSAGE | END, 1, b""),
        envelope(HALF_CLOSE, 1, b""),
        envelope(CANCEL, 1, b""),
    ];
    assert_eq!(server.receive(&late.concat()), (vec![], vec![]));
    let (sent, _) = server.receive(&envelope(MESSAGE, 1, &[0; 1 << 20]));
    assert_eq!(sent, ["CREDIT 1048673"], "the connection's credit of all three messages");

    let mut client = ClientHarness::connected(&Limits::DEFAULT);
    let call = client.start();
    client.connection.cancel(call);
    client.take_output();
    let late = [
        envelope(HEADERS, 1, b""),
        envelope(HEADERS, 1, &[0; 1 << 20]),
        envelope(MESSAGE, 1, b"x"),
        envelope(CREDIT, 1, b"\0\0\0\x01"),
        envelope(TRAILERS, 1, b""),
    ];
    assert_eq!(client.receive(&late.concat()), (vec![], vec![]));
    assert!(!client.connection.is_closed());
}

#[test]
fn a_timeout_travels_in_microseconds() {
    // Rule C9.
    for (timeout, sent) in [
        (None, ""),
        (Some(Duration::from_nanos(1)), " timeout_us=1"),
        (Some(Duration::ZERO), " timeout_us=1"),
        (Some(Duration::from_nanos(1999)), " timeout_us=1"),
        (Some(Duration::from_micros(123_456_789)), " timeout_us=123456789"),
        (Some(Duration::MAX), " timeout_us=18446744073709551615"),
    ] {
        let mut client = ClientHarness::connected(&Limits::DEFAULT);
        client.connection.start("/p", &Metadata::new(), timeout).unwrap();
        assert_eq!(client.take_output().0[1], format!("REQUEST 1 path_id=1{sent}"));
    }
    let mut server = ServerHarness::connected(&Limits::DEFAULT);
    let (_, events) = server.receive(&request_with(1, b"\x10\xc0\x84\x3d"));
    assert_eq!(events, ["call 1 /p within 1s"]);
}

#[test]
fn messages_keep_their_order_around_a_call_that_waits() {
    // Rule C10.
    let mut pair = Pair::connected(&super::tight());
    let (one, two) = (pair.start(), pair.start());
    pair.client.send_message(one, &[0; 65_536], false).unwrap();
    pair.client.send_message(one, b"second", false).unwrap();
    pair.client.send_message(one, b"third", true).unwrap();
    pair.client.send_message(two, b"not held up", true).unwrap();
    pair.settle();
    pair.server.message_taken(one, 65_536);
    pair.settle();
    pair.expect(
        r#"
        client > PATH 1 /agora.Echo/Say
        client > REQUEST 1 path_id=1
        client > REQUEST 2 path_id=1
        client > MESSAGE 1 <65536 bytes>
        client > MESSAGE 2 END "not held up"
        server : call 1 /agora.Echo/Say
        server : call 2 /agora.Echo/Say
        server : message 1 <65536 bytes>
        server : message 2 last "not held up"
        server > CREDIT 1 65568
        server > CREDIT 65568
        client > MESSAGE 1 "second"
        client > MESSAGE 1 END "third"
        server : message 1 "second"
        server : message 1 last "third"
        "#,
    );
}

#[test]
fn a_broken_request_header_ends_its_call_alone() {
    // Rule E6, M1.
    let name_and_value =
        |name: &[u8], value: &[u8]| field(3, &[field(1, name), field(2, value)].concat());
    for (fields, message) in [
        (b"\x0b".to_vec(), "a malformed call header"),
        (b"\x09\0".to_vec(), "a malformed call header"),
        (b"\x08".to_vec(), "a malformed call header"),
        (b"\x08\xff\xff\xff\xff\x1f".to_vec(), "a malformed call header"),
        (b"\x0a\x01x".to_vec(), "a malformed call header"),
        (field(3, b"\x0a\x05a"), "a malformed call header"),
        (name_and_value(b"\xff", b""), "a malformed call header"),
        (name_and_value(b"", b"x"), "metadata that is not allowed"),
        (name_and_value(b"Upper", b"x"), "metadata that is not allowed"),
        (name_and_value(b"grpc-status", b"0"), "metadata that is not allowed"),
        (name_and_value(b"text", b"\n"), "metadata that is not allowed"),
    ] {
        let mut server = ServerHarness::connected(&Limits::DEFAULT);
        let (sent, events) = server.receive(&request_with(1, &fields));
        let trailers = format!("TRAILERS 1 INTERNAL {message:?}");
        assert_eq!((sent, events), (vec![trailers], vec![]), "{fields:?}");
        // What the client says of it before it knows is ignored.
        let (sent, events) = server.receive(&[envelope(MESSAGE, 1, b"x"), request(2)].concat());
        assert_eq!((sent, events), (vec![], vec!["call 2 /p".into()]));
    }
}

#[test]
fn unknown_fields_are_skipped() {
    // Rule E6.
    let mut server = ServerHarness::connected(&Limits::DEFAULT);
    let fields = [
        field(3, &[field(1, b"n"), field(9, b"?"), field(2, b"v")].concat()),
        b"\x78\x01".to_vec(),
        b"\x7d\0\0\0\0".to_vec(),
        b"\x79\0\0\0\0\0\0\0\0".to_vec(),
        field(15, b"?"),
    ];
    let (_, events) = server.receive(&request_with(1, &fields.concat()));
    assert_eq!(events, [r#"call 1 /p {"n": "v"}"#]);
}

#[test]
fn a_broken_answer_ends_its_call_alone() {
    // Rule E6, M1.
    let list = field(1, &[field(1, b"Upper"), field(2, b"x")].concat());
    for (payload, message) in
        [(b"\x0b".to_vec(), "a malformed call header"), (list, "metadata that is not allowed")]
    {
        let mut client = ClientHarness::connected(&Limits::DEFAULT);
        client.start();
        let (sent, events) = client.receive(&envelope(HEADERS, 1, &payload));
        assert_eq!(sent, ["CANCEL 1"]);
        assert_eq!(events, [format!("finished 1 INTERNAL: {message}")]);
        client.start();
        let (sent, events) = client.receive(&envelope(TRAILERS, 2, b"\x12\x01\xff"));
        assert_eq!(
            (sent, events),
            (vec![], vec!["finished 2 INTERNAL: a malformed call header".into()])
        );
        assert!(!client.connection.is_closed());
    }
}
