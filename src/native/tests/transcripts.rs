//! Conversations as people would tell them. `>` is what a side sends, `:` what its application
//! hears.

use std::time::Duration;

use super::pair::Pair;
use super::{metadata, tight};
use crate::call::{Code, Limits, Metadata, Status};

#[test]
fn a_unary_call_takes_one_envelope_each_way() {
    // Rule S1, S2, S3, C5, C9.
    let mut pair = Pair::new(&Limits::DEFAULT, &Limits::DEFAULT);
    let timeout = Some(Duration::from_secs(2));
    let call = pair.client.start("/agora.Echo/Say", &Metadata::new(), timeout).unwrap();
    pair.client.send_message(call, b"hi", true).unwrap();
    pair.settle();
    pair.server.send_message(call, b"hi").unwrap();
    pair.server.finish(call, &Status::OK).unwrap();
    pair.settle();
    pair.expect(
        r#"
        client > AGR1
        client > HELLO call_window_bytes=262144 connection_window_bytes=1048576
        client > PATH 1 /agora.Echo/Say
        client > REQUEST 1 END path_id=1 timeout_us=2000000 "hi"
        server : call 1 /agora.Echo/Say within 2s
        server : message 1 last "hi"
        server > AGR1
        server > HELLO call_window_bytes=262144 connection_window_bytes=1048576 max_concurrent_calls=100
        server > MESSAGE 1 END "hi"
        client : message 1 "hi"
        client : finished 1 OK
        "#,
    );
    assert_eq!((pair.client.open_calls(), pair.server.open_calls()), (0, 0));
}

/// The bytes of section 10 of the schema are the bytes of the first story.
#[test]
fn the_example_of_the_schema_is_what_we_send() {
    let mut pair = Pair::new(&Limits::DEFAULT, &Limits::DEFAULT);
    let timeout = Some(Duration::from_secs(2));
    let call = pair.client.start("/agora.Echo/Say", &Metadata::new(), timeout).unwrap();
    pair.client.send_message(call, b"hi", true).unwrap();
    pair.settle();
    pair.server.send_message(call, b"hi").unwrap();
    pair.server.finish(call, &Status::OK).unwrap();
    pair.settle();

    let schema = include_str!("../../../schemas/native-envelope.md");
    let (_, example) = schema.split_once("## 10.").unwrap();
    // The digits come first; the first word that is no lower-case hex begins the explanation.
    let is_hex = |word: &&str| word.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let hex = |line: &str| -> String { line[6..].split_whitespace().take_while(is_hex).collect() };
    let (mut client, mut server, mut is_client) = (String::new(), String::new(), true);
    for line in example.lines().skip_while(|line| *line != "```").skip(1) {
        match line.get(..6) {
            Some("client") => is_client = true,
            Some("server") => is_client = false,
            Some("      ") => {}
            _ => break,
        }
        let sent = if is_client { &mut client } else { &mut server };
        sent.push_str(&hex(line));
    }
    let shown = |bytes: &[u8]| -> String { bytes.iter().map(|b| format!("{b:02x}")).collect() };
    assert_eq!(client, shown(&pair.sent.0));
    assert_eq!(server, shown(&pair.sent.1));
}

#[test]
fn a_path_is_sent_once() {
    // Rule P1, P2, P3, C1.
    let mut pair = Pair::connected(&Limits::DEFAULT);
    for path in ["/a/B", "/c/D", "/a/B"] {
        let call = pair.client.start(path, &Metadata::new(), None).unwrap();
        pair.client.half_close(call).unwrap();
    }
    pair.settle();
    pair.expect(
        r#"
        client > PATH 1 /a/B
        client > REQUEST 1 END path_id=1
        client > PATH 2 /c/D
        client > REQUEST 2 END path_id=2
        client > REQUEST 3 END path_id=1
        server : call 1 /a/B
        server : half-close 1
        server : call 2 /c/D
        server : half-close 2
        server : call 3 /a/B
        server : half-close 3
        "#,
    );
}

#[test]
fn a_server_streams_with_metadata_before_and_behind() {
    // Rule C4, M1.
    let mut pair = Pair::connected(&Limits::DEFAULT);
    let question = metadata(&[("user", b"ann"), ("trace-bin", b"\0\xff"), ("user", b"bob")]);
    let call = pair.client.start("/agora.Market/Search", &question, None).unwrap();
    pair.client.send_message(call, b"phones", true).unwrap();
    pair.settle();
    pair.server.send_headers(call, &metadata(&[("page", b"1")])).unwrap();
    pair.server.send_message(call, b"one").unwrap();
    pair.deliver_to_client();
    pair.server.send_message(call, b"two").unwrap();
    let trailing = metadata(&[("more", b"no"), ("proof-bin", b"\n")]);
    let status = Status { code: Code::Ok, message: String::new(), metadata: trailing };
    pair.server.finish(call, &status).unwrap();
    pair.settle();
    pair.expect(
        r#"
        client > PATH 1 /agora.Market/Search
        client > REQUEST 1 END path_id=1 user="ann" trace-bin="\x00\xff" user="bob" "phones"
        server : call 1 /agora.Market/Search {"user": "ann", "trace-bin": "\\x00\\xff", "user": "bob"}
        server : message 1 last "phones"
        server > HEADERS 1 page="1"
        server > MESSAGE 1 "one"
        client : headers 1 {"page": "1"}
        client : message 1 "one"
        server > MESSAGE 1 "two"
        server > TRAILERS 1 more="no" proof-bin="\n"
        client : message 1 "two"
        client : finished 1 OK {"more": "no", "proof-bin": "\\n"}
        "#,
    );
}

#[test]
fn a_client_streams() {
    // Rule C2, C10.
    let mut pair = Pair::connected(&Limits::DEFAULT);
    let call = pair.start();
    pair.client.send_message(call, b"one", false).unwrap();
    pair.client.send_message(call, b"two", false).unwrap();
    pair.deliver_to_server();
    pair.client.send_message(call, b"", false).unwrap();
    pair.deliver_to_server();
    pair.client.half_close(call).unwrap();
    pair.settle();
    pair.server.send_message(call, b"three messages").unwrap();
    pair.server.finish(call, &Status::OK).unwrap();
    pair.settle();
    pair.expect(
        r#"
        client > PATH 1 /agora.Echo/Say
        client > REQUEST 1 path_id=1 "one"
        client > MESSAGE 1 "two"
        server : call 1 /agora.Echo/Say
        server : message 1 "one"
        server : message 1 "two"
        client > MESSAGE 1 ""
        server : message 1 ""
        client > HALF_CLOSE 1
        server : half-close 1
        server > MESSAGE 1 END "three messages"
        client : message 1 "three messages"
        client : finished 1 OK
        "#,
    );
}

#[test]
fn both_sides_stream_and_the_server_ends_when_it_likes() {
    // Rule C5, C8.
    let mut pair = Pair::connected(&Limits::DEFAULT);
    let call = pair.start();
    pair.client.send_message(call, b"ping", false).unwrap();
    pair.settle();
    pair.server.send_message(call, b"pong").unwrap();
    pair.settle();
    pair.client.send_message(call, b"ping", false).unwrap();
    pair.settle();
    pair.server.send_message(call, b"enough").unwrap();
    pair.deliver_to_client();
    pair.server.finish(call, &Status::new(Code::Aborted, "I am tired")).unwrap();
    pair.client.send_message(call, b"ping", true).unwrap();
    pair.settle();
    pair.expect(
        r#"
        client > PATH 1 /agora.Echo/Say
        client > REQUEST 1 path_id=1 "ping"
        server : call 1 /agora.Echo/Say
        server : message 1 "ping"
        server > MESSAGE 1 "pong"
        client : message 1 "pong"
        client > MESSAGE 1 "ping"
        server : message 1 "ping"
        server > MESSAGE 1 "enough"
        client : message 1 "enough"
        client > MESSAGE 1 END "ping"
        server > TRAILERS 1 ABORTED "I am tired"
        client : finished 1 ABORTED: I am tired
        "#,
    );
    assert_eq!(pair.client.send_message(call, b"x", true), Err(crate::call::CallEnded));
}

#[test]
fn an_error_is_trailers_alone() {
    // Rule C5.
    let mut pair = Pair::connected(&Limits::DEFAULT);
    let call = pair.start();
    pair.client.send_message(call, b"", true).unwrap();
    pair.settle();
    pair.server.finish(call, &Status::new(Code::NotFound, "no item 7")).unwrap();
    pair.settle();
    pair.expect(
        r#"
        client > PATH 1 /agora.Echo/Say
        client > REQUEST 1 END path_id=1 ""
        server : call 1 /agora.Echo/Say
        server : message 1 last ""
        server > TRAILERS 1 NOT_FOUND "no item 7"
        client : finished 1 NOT_FOUND: no item 7
        "#,
    );
}

#[test]
fn a_cancelled_call_is_forgotten_on_both_sides() {
    // Rule C7, C8.
    let mut pair = Pair::connected(&Limits::DEFAULT);
    let call = pair.start();
    pair.deliver_to_server();
    pair.server.send_message(call, b"under way").unwrap();
    pair.client.cancel(call);
    pair.client.cancel(call);
    pair.settle();
    assert!(pair.server.finish(call, &Status::OK).is_err());
    pair.settle();
    pair.expect(
        r#"
        client > PATH 1 /agora.Echo/Say
        client > REQUEST 1 path_id=1
        server : call 1 /agora.Echo/Say
        client > CANCEL 1
        server : cancelled 1 CANCELLED: cancelled by the client
        server > MESSAGE 1 "under way"
        "#,
    );
}

#[test]
fn a_stream_waits_for_credit_and_continues() {
    // Rule F1, F4, F6.
    let mut pair = Pair::connected(&tight());
    let call = pair.start();
    pair.client.half_close(call).unwrap();
    pair.settle();
    pair.skip();
    for _ in 0..4 {
        pair.server.send_message(call, &[7; 40_000]).unwrap();
    }
    pair.server.finish(call, &Status::OK).unwrap();
    assert_eq!(pair.server.queued(call), 2 * 40_009);
    pair.settle();
    pair.client.message_taken(call, 40_000);
    pair.settle();
    pair.client.message_taken(call, 40_000);
    pair.settle();
    pair.expect(
        r#"
        server > MESSAGE 1 <40000 bytes>
        server > MESSAGE 1 <40000 bytes>
        client : message 1 <40000 bytes>
        client : message 1 <40000 bytes>
        client > CREDIT 1 40032
        server > MESSAGE 1 <40000 bytes>
        client : message 1 <40000 bytes>
        client > CREDIT 1 40032
        client > CREDIT 80064
        server > MESSAGE 1 END <40000 bytes>
        client : message 1 <40000 bytes>
        client : finished 1 OK
        client > CREDIT 80064
        "#,
    );
    assert_eq!((pair.client.open_calls(), pair.server.open_calls()), (0, 0));
}

#[test]
fn a_paused_sender_is_notified_when_its_queue_has_drained() {
    let mut pair = Pair::connected(&tight());
    let call = pair.start();
    pair.settle();
    pair.skip();
    for _ in 0..3 {
        pair.client.send_message(call, &[1; 65_536], false).unwrap();
    }
    assert!(pair.client.queued(call) > tight().send_high_water_bytes);
    pair.settle();
    pair.server.message_taken(call, 65_536);
    pair.settle();
    pair.server.message_taken(call, 65_536);
    pair.settle();
    assert_eq!(pair.client.queued(call), 0);
    pair.expect(
        r#"
        client > MESSAGE 1 <65536 bytes>
        server : message 1 <65536 bytes>
        server > CREDIT 1 65568
        server > CREDIT 65568
        client > MESSAGE 1 <65536 bytes>
        server : message 1 <65536 bytes>
        server > CREDIT 1 65568
        server > CREDIT 65568
        client : writable 1
        client > MESSAGE 1 <65536 bytes>
        server : message 1 <65536 bytes>
        "#,
    );
}

#[test]
fn a_server_that_goes_away_finishes_what_is_open() {
    // Rule G1, G2.
    let mut pair = Pair::connected(&Limits::DEFAULT);
    let first = pair.start();
    pair.deliver_to_server();
    pair.server.go_away("");
    pair.server.go_away("");
    let second = pair.start();
    pair.client.send_message(second, b"too late", true).unwrap();
    pair.settle();
    assert!(pair.client.start("/p", &Metadata::new(), None).is_err());
    pair.client.send_message(first, b"in time", true).unwrap();
    pair.settle();
    assert!(!pair.server.is_closed() && !pair.client.is_closed());
    pair.server.finish(first, &Status::OK).unwrap();
    pair.settle();
    pair.expect(
        r#"
        client > PATH 1 /agora.Echo/Say
        client > REQUEST 1 path_id=1
        server : call 1 /agora.Echo/Say
        client > REQUEST 2 END path_id=1 "too late"
        server > GO_AWAY last_call_id=1
        client : finished 2 UNAVAILABLE: the server takes no more calls (retriable)
        client > MESSAGE 1 END "in time"
        server : message 1 last "in time"
        server > TRAILERS 1
        client : finished 1 OK
        "#,
    );
    assert!(pair.server.is_closed() && pair.client.is_closed());
}

#[test]
fn a_ping_is_answered() {
    // Rule K1.
    let mut pair = Pair::connected(&Limits::DEFAULT);
    pair.client.ping();
    pair.client.ping();
    pair.server.ping();
    pair.settle();
    pair.expect(
        r#"
        client > PING 1
        client > PING 2
        server > PING 1
        server > PONG 1
        server > PONG 2
        client > PONG 1
        "#,
    );
    assert_eq!((pair.client.pongs(), pair.server.pongs()), (2, 1));
}
