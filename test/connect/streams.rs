//! "Streaming RPCs": envelopes, and the message that ends a stream.

use super::*;

const PROTO: &str = "application/connect+proto";

#[test]
fn messages_are_in_envelopes_and_the_end_is_json() {
    let body = [envelope(0, HI), envelope(0, b""), envelope(0, HI)].concat();
    let (seen, response) = Request::post(ECHO_STREAM, PROTO, &body).echo();
    assert_eq!(seen.messages, [HI, b"", HI]);
    assert_eq!((response.status, response.field("content-type")), (200, Some(PROTO)));
    let expected = [envelope(0, HI), envelope(0, b""), envelope(0, HI), envelope(2, b"{}")];
    assert_eq!(response.body, expected.concat());
}

#[cfg(feature = "json")]
#[test]
fn messages_of_a_stream_may_be_json() {
    let body = envelope(0, br#"{"payload":"aGk="}"#);
    let (seen, response) = Request::post(ECHO_STREAM, "application/connect+json", &body).echo();
    assert_eq!(seen.messages, [HI]);
    assert_eq!(response.body, [body, envelope(2, b"{}")].concat());
    assert_eq!(response.field("content-type"), Some("application/connect+json"));
}

/// "EndStreamResponse": the error, and trailing metadata by name. The HTTP status is 200 all the same.
#[test]
fn the_end_has_the_error_and_the_metadata() {
    let mut status = Status::new(Code::OutOfRange, "too \"old\"\n");
    status.metadata.insert("x-a", b"1").unwrap();
    status.metadata.insert("x-bin", b"\0\xff").unwrap();
    status.metadata.insert("x-a", b"2").unwrap();
    let answer = Answer {
        leading: vec![("x-start", b"s")],
        messages: vec![HI.to_vec()],
        status: Some(status),
    };
    let (_, response) = Request::post(WATCH, PROTO, &envelope(0, b"")).answered(|_| answer);
    assert_eq!((response.status, response.field("x-start")), (200, Some("s")));
    let expected = r#"{"error":{"code":"out_of_range","message":"too \"old\"\n"},"metadata":{"x-a":["1","2"],"x-bin":["AP8"]}}"#;
    assert_eq!(response.end(), expected);
    let mut status = Status::OK;
    status.metadata.insert("x-a", b"1").unwrap();
    let answer = Answer { status: Some(status), ..Answer::default() };
    let (_, response) = Request::post(WATCH, PROTO, &envelope(0, b"")).answered(|_| answer);
    assert_eq!(response.end(), r#"{"metadata":{"x-a":["1"]}}"#);
}

/// The head of a stream is sent as soon as there is metadata or a message.
#[test]
fn the_head_does_not_wait_for_the_end() {
    let fields = block(&[("content-type", PROTO)]);
    let head = RequestHead { method: "POST", path: WATCH, query: "", fields: &fields };
    let catalog = catalog();
    let mut metadata = Metadata::new();
    let opened = ServerCall::open(&head, &catalog, &Limits::DEFAULT, 0, &mut metadata).unwrap();
    let (mut call, mut out) = (opened.call, Outgoing::default());
    call.send_headers(&metadata, &mut out);
    assert!(out.head.is_some() && !out.end && out.body.is_empty());
    call.send_message(b"\x10\x01", &mut out).unwrap();
    assert_eq!(out.body, envelope(0, b"\x10\x01"));
}

#[test]
fn an_envelope_that_no_client_sends_ends_the_call() {
    for (body, code, words) in [
        (envelope(2, b"{}"), "invalid_argument", "flags 2"),
        (envelope(0x80, b""), "invalid_argument", "flags 128"),
        (envelope(0, HI)[..8].to_vec(), "invalid_argument", "in the middle of an envelope"),
        (b"\0\0".to_vec(), "invalid_argument", "in the middle of an envelope"),
        (b"\0\xff\xff\xff\xff".to_vec(), "resource_exhausted", "larger than the limit"),
        // "unexpected-compressed-message" of the conformance cases.
        (envelope(1, HI), "internal", "names no encoding"),
    ] {
        let response = Request::post(ECHO_STREAM, PROTO, &body).refused();
        let end = response.end();
        assert!(end.starts_with(&format!(r#"{{"error":{{"code":"{code}""#)), "{end}");
        assert!(end.contains(words), "{end}");
    }
}

/// A fault of the head ends the stream at its beginning.
#[test]
fn a_faulty_head_is_an_end_too() {
    let response = Request::post(WATCH, PROTO, b"").with("connect-timeout-ms", "x").refused();
    assert_eq!((response.status, response.field("content-type")), (200, Some(PROTO)));
    assert!(response.end().starts_with(r#"{"error":{"code":"invalid_argument""#));
}

#[test]
fn one_frame_may_have_any_part_of_any_envelopes() {
    let body = [envelope(0, HI), envelope(0, &[9; 300]), envelope(0, b"")].concat();
    for size in 1..body.len() {
        let fields = block(&[("content-type", PROTO)]);
        let head = RequestHead { method: "POST", path: ECHO_STREAM, query: "", fields: &fields };
        let catalog = catalog();
        let limits = Limits::DEFAULT;
        let opened = ServerCall::open(&head, &catalog, &limits, 0, &mut Metadata::new()).unwrap();
        let (mut call, mut seen) = (opened.call, Vec::new());
        let count = body.len().div_ceil(size);
        for (index, part) in body.chunks(size).enumerate() {
            let end = index + 1 == count;
            let deliver = |message: &[u8], last| seen.push((message.to_vec(), last));
            call.receive(part, end, room(usize::MAX), deliver).unwrap();
        }
        assert_eq!(call.buffered_bytes(), 0);
        assert_eq!(seen, [(HI.to_vec(), false), (vec![9; 300], false), (Vec::new(), true)]);
    }
}
