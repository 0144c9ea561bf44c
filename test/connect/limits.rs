//! Limits crossed: a message, its JSON, and memory for what is unfinished.

use super::*;

const SMALL: Limits = Limits { max_message_bytes: 1000, ..Limits::DEFAULT };

#[test]
fn a_message_beyond_the_limit_is_refused() {
    let body = |length| vec![b'x'; length];
    let request = Request::post(ECHO, "application/proto", &body(1000));
    let (seen, _) = request.within(&SMALL, usize::MAX, |_| Answer::default());
    assert_eq!(seen.messages, [body(1000)]);
    let request = Request::post(ECHO, "application/proto", &body(1001));
    let (_, response) = request.within(&SMALL, usize::MAX, |_| panic!("the method was called"));
    let words = "a message is larger than the limit of 1000 bytes";
    assert_eq!(response.text(), format!(r#"{{"code":"resource_exhausted","message":"{words}"}}"#));
    // A stream is refused by its prefix.
    let request = Request::post(ECHO_STREAM, "application/connect+proto", b"\0\0\0\x03\xe9");
    let (_, response) = request.within(&SMALL, usize::MAX, |_| panic!("the method was called"));
    assert!(response.end().contains(words));
}

/// The caller says how many more bytes may be kept for what is not complete.
#[test]
fn an_unfinished_message_takes_no_more_than_there_is_room_for() {
    for (path, kind, body) in [
        (ECHO, "application/proto", vec![b'x'; 100]),
        (ECHO_STREAM, "application/connect+proto", envelope(0, &[b'x'; 100])),
    ] {
        let request = Request::post(path, kind, &body);
        let (_, response) = request.within(&SMALL, 3, |_| panic!("the method was called"));
        let text = String::from_utf8_lossy(&response.body).into_owned();
        assert!(text.contains("too many unfinished messages"), "{text}");
    }
}

/// The memory that a call holds is what was received of an unfinished message.
#[test]
fn a_call_says_what_it_holds() {
    let fields = block(&[("content-type", "application/proto")]);
    let head = RequestHead { method: "POST", path: ECHO, query: "", fields: &fields };
    let catalog = catalog();
    let opened = ServerCall::open(&head, &catalog, &SMALL, 0, &mut Metadata::new()).unwrap();
    let mut call = opened.call;
    assert_eq!(call.buffered_bytes(), 0);
    call.receive(&[1; 600], false, room(usize::MAX), |_, _| panic!("not whole")).unwrap();
    assert_eq!(call.buffered_bytes(), 600);
    let refused = call.receive(&[1; 600], false, room(usize::MAX), |_, _| panic!("not whole"));
    assert_eq!(refused.unwrap_err().code, Code::ResourceExhausted);
    assert_eq!(call.buffered_bytes(), 0);
}

#[cfg(feature = "json")]
#[test]
fn the_json_of_an_answer_is_limited() {
    // Four bytes of a message are 25 of its JSON.
    let scan = "/agora.kv.v1.KvService/Scan";
    let request = Request::post(scan, "application/json", b"{}");
    let answer = |message: Vec<u8>| Answer { messages: vec![message], ..Answer::default() };
    let pairs = b"\x0a\x02\x18\x01".repeat(200);
    let (_, response) = request.within(&SMALL, usize::MAX, |_| answer(pairs));
    assert_eq!(response.status, 429);
    assert!(response.text().contains("the answer has no JSON"), "{}", response.text());
    let pairs = b"\x0a\x02\x18\x01".repeat(100);
    let (_, response) = request.within(&SMALL, usize::MAX, |_| answer(pairs));
    assert_eq!(response.status, 200);
}
