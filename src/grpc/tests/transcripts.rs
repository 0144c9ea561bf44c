//! Calls from beginning to end, as both sides see them.

use std::time::Duration;

use super::pair::Pair;
use super::trace::{ClientTrace, ServerTrace};
use crate::call::{CallEnded, Code, Limits, Metadata, SendError, Status};
use crate::grpc::StartError;

fn metadata(pairs: &[(&str, &[u8])]) -> Metadata {
    let mut metadata = Metadata::new();
    for (name, value) in pairs {
        metadata.insert(name, value).unwrap();
    }
    metadata
}

fn agent() -> String {
    format!(r#""user-agent": "agora/{}""#, env!("CARGO_PKG_VERSION"))
}

/// Runs a story with the bytes cut in many ways: it must always be the same.
fn with_pairs(transcript: impl Fn(&mut Pair)) {
    for seed in 0..50 {
        transcript(&mut Pair::new(seed));
    }
}

#[test]
fn unary_one_message_each_way() {
    with_pairs(|pair| {
        let sent = metadata(&[("trace-bin", b"\x01\x02")]);
        let timeout = Some(Duration::from_millis(1500));
        let call = pair.client.start("/shop.Market/Buy", &sent, timeout).unwrap();
        pair.client.send_message(call, b"one apple", true).unwrap();
        let agent = agent();
        assert_eq!(
            pair.transcript(),
            [
                &*format!(
                    "server: call 1 of /shop.Market/Buy within 1.5s \
                     {{{agent}, \"trace-bin\": \"\\\\x01\\\\x02\"}}"
                ),
                r#"server: 1 message "one apple", the last"#,
            ]
        );
        pair.server.send_headers(call, &metadata(&[("shop", b"agora")])).unwrap();
        pair.server.send_message(call, b"here you are").unwrap();
        let mut status = Status::OK;
        status.metadata = metadata(&[("left", b"41")]);
        pair.server.finish(call, &status).unwrap();
        assert_eq!(
            pair.transcript(),
            [
                r#"client: 1 headers {"shop": "agora"}"#,
                r#"client: 1 message "here you are""#,
                r#"client: 1 finished OK {"left": "41"}"#,
            ]
        );
        assert_eq!((pair.client.open_calls(), pair.server.open_calls()), (0, 0));
    });
}

#[test]
fn server_streaming_one_request_many_responses() {
    with_pairs(|pair| {
        let call = pair.start("/shop.Market/Watch");
        pair.client.send_message(call, b"apples", true).unwrap();
        assert_eq!(pair.transcript()[1..], [r#"server: 1 message "apples", the last"#]);
        for price in [b"5", b"6", b"7"] {
            pair.server.send_message(call, price).unwrap();
        }
        assert_eq!(
            pair.transcript(),
            [
                "client: 1 headers",
                r#"client: 1 message "5""#,
                r#"client: 1 message "6""#,
                r#"client: 1 message "7""#,
            ]
        );
        pair.finish(call, Code::Ok, "closing time");
        assert_eq!(pair.transcript(), ["client: 1 finished OK: closing time"]);
    });
}

#[test]
fn client_streaming_many_questions_one_answer() {
    with_pairs(|pair| {
        let call = pair.start("/shop.Market/Fill");
        for item in [b"apple", b"bread"] {
            pair.client.send_message(call, item, false).unwrap();
        }
        assert_eq!(
            pair.transcript()[1..],
            [r#"server: 1 message "apple""#, r#"server: 1 message "bread""#]
        );
        pair.client.half_close(call).unwrap();
        assert_eq!(pair.transcript(), ["server: 1 half-closed"]);
        pair.server.send_message(call, b"2 items").unwrap();
        pair.finish(call, Code::Ok, "");
        assert_eq!(
            pair.transcript(),
            ["client: 1 headers", r#"client: 1 message "2 items""#, "client: 1 finished OK"]
        );
    });
}

#[test]
fn bidirectional_streaming_by_turns() {
    with_pairs(|pair| {
        let call = pair.start("/shop.Market/Haggle");
        pair.client.send_message(call, b"3?", false).unwrap();
        assert_eq!(pair.transcript()[1..], [r#"server: 1 message "3?""#]);
        pair.server.send_message(call, b"5!").unwrap();
        assert_eq!(pair.transcript(), ["client: 1 headers", r#"client: 1 message "5!""#]);
        pair.client.send_message(call, b"4.", true).unwrap();
        assert_eq!(pair.transcript(), [r#"server: 1 message "4.", the last"#]);
        pair.server.send_message(call, b"sold").unwrap();
        pair.finish(call, Code::Ok, "");
        assert_eq!(pair.transcript(), [r#"client: 1 message "sold""#, "client: 1 finished OK"]);
    });
}

#[test]
fn an_error_instead_of_an_answer() {
    with_pairs(|pair| {
        let call = pair.start("/shop.Market/Buy");
        pair.client.send_message(call, b"a unicorn", true).unwrap();
        pair.settle();
        pair.trace.take();
        let mut status = Status::new(Code::NotFound, "no unicorn \u{1f984}, 100% sure\n");
        status.metadata = metadata(&[("grpc-status-details-bin", b"\x08\x05")]);
        pair.server.finish(call, &status).unwrap();
        assert_eq!(
            pair.transcript(),
            ["client: 1 finished NOT_FOUND: no unicorn \u{1f984}, 100% sure\n \
              {\"grpc-status-details-bin\": \"\\\\x08\\\\x05\"}"]
        );
        assert_eq!(pair.server.finish(call, &status), Err(CallEnded));
    });
}

#[test]
fn a_server_can_end_a_call_before_the_half_close() {
    with_pairs(|pair| {
        let call = pair.start("/shop.Market/Fill");
        pair.client.send_message(call, b"apple", false).unwrap();
        pair.settle();
        pair.trace.take();
        pair.finish(call, Code::ResourceExhausted, "the basket is full");
        pair.client.send_message(call, b"bread", false).unwrap();
        assert_eq!(
            pair.transcript(),
            ["client: 1 finished RESOURCE_EXHAUSTED: the basket is full"]
        );
        assert_eq!((pair.client.open_calls(), pair.server.open_calls()), (0, 0));
        let next = pair.start("/shop.Market/Buy");
        pair.client.half_close(next).unwrap();
        assert_eq!(pair.transcript()[1..], ["server: 3 half-closed"]);
    });
}

#[test]
fn a_client_that_cancels() {
    with_pairs(|pair| {
        let call = pair.start("/shop.Market/Watch");
        pair.client.send_message(call, b"apples", true).unwrap();
        pair.settle();
        pair.trace.take();
        pair.server.send_message(call, b"5").unwrap();
        pair.client.cancel(call);
        assert_eq!(pair.transcript(), ["server: 1 cancelled, CANCELLED: reset: CANCEL"]);
        assert_eq!(pair.server.send_message(call, b"6"), Err(SendError::Ended));
    });
}

#[test]
fn a_server_that_goes_away_finishes_what_it_has() {
    with_pairs(|pair| {
        let first = pair.start("/shop.Market/Buy");
        pair.client.half_close(first).unwrap();
        pair.settle();
        pair.server.go_away("");
        pair.settle();
        pair.trace.take();
        let refused = pair.client.start("/shop.Market/Buy", &Metadata::new(), None);
        assert_eq!(refused, Err(StartError::GoingAway));
        pair.server.send_message(first, b"the last apple").unwrap();
        pair.finish(first, Code::Ok, "");
        assert_eq!(
            pair.transcript(),
            ["client: 1 headers", r#"client: 1 message "the last apple""#, "client: 1 finished OK"]
        );
        assert!(pair.server.is_closed() && pair.client.is_closed());
    });
}

#[test]
fn a_server_that_closes_at_once() {
    with_pairs(|pair| {
        let call = pair.start("/shop.Market/Watch");
        pair.settle();
        pair.trace.take();
        let why = "the roof is on fire";
        pair.server.close(Code::Internal, why, &mut ServerTrace(&mut pair.trace));
        let transcript = pair.transcript();
        assert_eq!(transcript[0], "server: 1 cancelled, INTERNAL: the roof is on fire");
        assert_eq!(transcript.len(), 1, "the client waits for the socket's end: {transcript:?}");
        assert_eq!(pair.client.queued(call), 0);
        pair.client.connection_lost(&mut ClientTrace(&mut pair.trace));
        assert_eq!(
            pair.trace.take(),
            ["client: 1 finished UNAVAILABLE: the server has gone away: INTERNAL_ERROR, \
              the roof is on fire"]
        );
    });
}

#[test]
fn a_fast_sender_is_notified_when_its_queue_has_drained() {
    let limits = Limits {
        send_high_water_bytes: 60_000,
        send_low_water_bytes: 20_000,
        call_window_bytes: 70_000,
        ..Limits::DEFAULT
    };
    for seed in 0..20 {
        let mut pair = Pair::with(&limits, seed);
        let call = pair.start("/shop.Market/Fill");
        pair.client.send_message(call, &[7; 50_000], false).unwrap();
        pair.client.send_message(call, &[7; 50_000], false).unwrap();
        assert!(pair.client.queued(call) > 20_000);
        let transcript = pair.transcript();
        assert_eq!(transcript[1], "server: 1 message 50000 bytes");
        assert_eq!(transcript.iter().filter(|line| *line == "client: 1 writable").count(), 1);
        assert_eq!(pair.client.queued(call), 0, "the window is {} bytes", limits.call_window_bytes);
        // Nobody takes the two messages: a third one must wait.
        pair.client.send_message(call, &[7; 50_000], false).unwrap();
        pair.settle();
        let waiting = pair.client.queued(call);
        assert!(waiting > 0);
        pair.trace.take();
        pair.server.message_taken(call, 50_000);
        pair.server.message_taken(call, 50_000);
        let transcript = pair.transcript();
        assert!(transcript.contains(&"server: 1 message 50000 bytes".to_owned()), "{transcript:?}");
    }
}
