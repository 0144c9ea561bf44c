//! What compressed messages expand to is bounded for the connection.

use super::*;
use crate::gzip;
use crate::seed::Seed;

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

/// A method, a target, fields and a body that deliver one message of 10,000 bytes.
type Story = (&'static str, String, &'static [(&'static str, &'static str)], Vec<u8>);

const GRPC_GZIP: &[(&str, &str)] =
    &[("content-type", "application/grpc"), ("te", "trailers"), ("grpc-encoding", "gzip")];

fn stories() -> [Story; 3] {
    let query: String = compressed(10_000).iter().map(|byte| format!("%{byte:02x}")).collect();
    let get = format!("{ECHO}?connect=v1&encoding=proto&compression=gzip&message={query}");
    [
        ("POST", ECHO.to_owned(), UNARY_GZIP, compressed(10_000)),
        ("GET", get, &[], Vec::new()),
        ("POST", ECHO.to_owned(), GRPC_GZIP, envelope(10_000)),
    ]
}

/// Unary calls, calls by GET and those of gRPC share one budget.
#[test]
fn the_calls_of_a_connection_share_the_limit() {
    let send = |web: &mut Web, story: &Story| web.send(story.0, &story.1, story.2, &story.3, true);
    for first in &stories() {
        for second in &stories() {
            let names = format!("{} then {}", first.1, second.1);
            let mut web = Web::new(true, &LIMITS);
            for _ in 0..2 {
                send(&mut web, first);
                assert_eq!((web.answer(), messages(&mut web)), (Answer::default(), 1), "{names}");
            }
            assert_eq!(web.session.received_bytes() / 10_000, 2, "{names}");
            let held = web.call();
            send(&mut web, second);
            let answer = web.answer();
            let is_told = answer.body.contains(WORDS) || second.2 == GRPC_GZIP;
            assert!(is_told && messages(&mut web) == 0, "{names}: {answer:?}");
            web.session.finish(held, &Status::new(Code::Aborted, "")).unwrap();
            web.answer();
            send(&mut web, second);
            assert_eq!(messages(&mut web), 1, "{names}");
            web.session.connection_lost(&mut web.app);
            assert_eq!(web.session.received_bytes(), 0, "{names}");
        }
    }
}

/// The message of a GET counts as that of a POST does.
#[test]
fn the_message_of_a_get_waits_to_be_consumed() {
    for is_http2 in [false, true] {
        let mut web = Web::new(is_http2, &LIMITS);
        let [_, (method, target, fields, body), _] = stories();
        web.send(method, &target, fields, &body, true);
        assert_eq!((messages(&mut web), web.session.received_bytes()), (1, 10_000));
        web.session.message_taken(web.call(), 10_000);
        assert_eq!(web.session.received_bytes(), 0);
    }
}

/// Calls of all kinds begin, are consumed, end and are reset in any order: the count of what waits stays
/// within the limit, and ends at nothing.
#[test]
fn the_count_is_right_whatever_happens() {
    let stories = stories();
    for number in 1..=300 {
        eprintln!("seed {number}");
        let seed = &mut Seed::new(number);
        let mut web = Web::new(true, &LIMITS);
        let mut calls = Vec::new();
        for _ in 0..40 {
            match seed.below(6) {
                0 | 1 => {
                    let story = seed.pick(&stories);
                    web.send(story.0, &story.1, story.2, &story.3, true);
                    calls.push((web.call(), web.stream.unwrap()));
                }
                2 => {
                    let envelopes = envelope(1 + seed.below(10_000)).repeat(1 + seed.below(3));
                    web.send("POST", COLLECT, STREAM_GZIP, &envelopes, false);
                    calls.push((web.call(), web.stream.unwrap()));
                }
                _ if calls.is_empty() => {}
                3 => {
                    let (call, _) = *seed.pick(&calls);
                    // Also more than there is, and of calls that have ended.
                    web.session.message_taken(call, seed.below(20_000));
                }
                4 => {
                    let (call, _) = calls.swap_remove(seed.below(calls.len()));
                    let _ = web.session.finish(call, &Status::new(Code::Aborted, ""));
                }
                _ => {
                    let (_, stream) = calls.swap_remove(seed.below(calls.len()));
                    web.http2.as_mut().unwrap().reset(stream, http2::ErrorCode::CANCEL);
                }
            }
            web.settle();
            assert!(web.session.received_bytes() <= LIMITS.max_expanded_bytes + 1000);
        }
        web.session.connection_lost(&mut web.app);
        assert_eq!(web.session.received_bytes(), 0);
    }
}
