//! What compressed messages expand to is bounded for the connection.

use super::*;
use crate::gzip;

const COLLECT: &str = "/grpc.testing.TestService/StreamingInputCall";
const ECHO: &str = "/agora.bench.v1.EchoService/Echo";
const LIMITS: Limits =
    Limits { max_message_bytes: 10_000, max_expanded_bytes: 25_000, ..Limits::DEFAULT };
const STREAM_GZIP: &[(&str, &str)] = &[
    ("content-type", "application/connect+proto"),
    ("connect-content-encoding", "gzip"),
    ("content-length", "100000"),
];
const UNARY_GZIP: &[(&str, &str)] =
    &[("content-type", "application/proto"), ("content-encoding", "gzip")];
const WORDS: &str = "too many bytes of messages that were compressed wait to be consumed";

/// So many bytes, compressed.
fn compressed(bytes: usize) -> Vec<u8> {
    let mut out = Vec::new();
    gzip::compress(&vec![0; bytes], &mut out).unwrap();
    out
}

fn envelope(bytes: usize) -> Vec<u8> {
    let content = compressed(bytes);
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&[1], &length[..], &content].concat()
}

fn messages(web: &mut Web) -> usize {
    web.events().iter().filter(|event| event.starts_with("message of 10000")).count()
}

#[test]
fn the_compressed_messages_of_a_stream_wait_for_each_other() {
    for is_http2 in [false, true] {
        let mut web = Web::new(is_http2, &LIMITS);
        web.send("POST", COLLECT, STREAM_GZIP, &envelope(10_000).repeat(2), false);
        assert_eq!((messages(&mut web), web.session.received_bytes()), (2, 20_000));
        let call = web.call();
        // There is room for no more than 5000, and after the first was consumed for another one.
        web.more(envelope(5_000));
        web.session.message_taken(call, 5_000);
        web.session.message_taken(call, 10_000);
        web.more(envelope(10_000));
        assert_eq!((web.answer(), messages(&mut web)), (Answer::default(), 1));
        web.more([envelope(5_000), envelope(1)].concat());
        assert!(web.answer().body.contains(WORDS));
        assert_eq!(web.events().last().unwrap(), "cancelled RESOURCE_EXHAUSTED");
        assert_eq!(web.session.received_bytes(), 0);
    }
}

/// One above the limit of a message is refused for that.
#[test]
fn a_message_that_expands_beyond_its_own_limit_is_refused_for_it() {
    for is_http2 in [false, true] {
        let mut web = Web::new(is_http2, &LIMITS);
        web.send("POST", COLLECT, STREAM_GZIP, &envelope(10_001), false);
        let answer = web.answer();
        assert!(answer.body.contains("expands to more than 10000 bytes"), "{answer:?}");
    }
}

/// Unary calls, calls by GET and those of gRPC share one budget.
#[test]
fn the_calls_of_a_connection_share_the_limit() {
    let query =
        compressed(10_000).iter().fold(String::new(), |text, byte| text + &format!("%{byte:02x}"));
    let get = format!("{ECHO}?connect=v1&encoding=proto&compression=gzip&message={query}");
    let grpc =
        &[("content-type", "application/grpc"), ("te", "trailers"), ("grpc-encoding", "gzip")];
    let stories: [(&str, &str, &[(&str, &str)], Vec<u8>); 3] = [
        ("POST", ECHO, UNARY_GZIP, compressed(10_000)),
        ("GET", &get, &[], Vec::new()),
        ("POST", ECHO, grpc, envelope(10_000)),
    ];
    for first in &stories {
        for second in &stories {
            let mut web = Web::new(true, &LIMITS);
            for _ in 0..2 {
                web.send(first.0, first.1, first.2, &first.3, true);
                assert_eq!((web.answer(), messages(&mut web)), (Answer::default(), 1));
            }
            assert_eq!(web.session.received_bytes() / 10_000, 2);
            let consumed = web.call();
            web.send(second.0, second.1, second.2, &second.3, true);
            let answer = web.answer();
            let is_told = answer.body.contains(WORDS) || second.2 == grpc;
            assert!(is_told, "{} then {}: {answer:?}", first.1, second.1);
            assert_eq!(messages(&mut web), 0, "{} then {}", first.1, second.1);
            web.session.finish(consumed, &Status::new(Code::Aborted, "")).unwrap();
            web.answer();
            web.send(second.0, second.1, second.2, &second.3, true);
            assert_eq!(messages(&mut web), 1, "{} then {}", first.1, second.1);
            web.session.connection_lost(&mut web.app);
            assert_eq!(web.session.received_bytes(), 0);
        }
    }
}
