//! A server against a hand-written client: the rules of PROTOCOL-HTTP2.md that are easy to violate.

use std::time::Duration;

use super::raw::{RawPeer, message};
use super::trace::{ServerTrace, Trace};
use crate::call::{CallId, Code, Limits, Metadata, Status};
use crate::grpc::ServerConnection;

const REQUEST: [(&str, &str); 6] = [
    (":method", "POST"),
    (":scheme", "http"),
    (":path", "/a.B/C"),
    (":authority", "host"),
    ("te", "trailers"),
    ("content-type", "application/grpc"),
];

pub(super) struct Harness {
    pub(super) client: RawPeer,
    pub(super) server: ServerConnection,
    pub(super) trace: Trace,
}

impl Harness {
    pub(super) fn new() -> Harness {
        Harness::with(&Limits::DEFAULT)
    }

    pub(super) fn with(limits: &Limits) -> Harness {
        let server = ServerConnection::new(limits, &std::sync::Arc::default(), Duration::ZERO);
        Harness { client: RawPeer::client(), server, trace: Trace::default() }
    }

    /// [`REQUEST`] with fields replaced or added.
    pub(super) fn request(&mut self, stream: u32, changes: &[(&str, &str)], end: bool) {
        let kept = |(name, _): &&(&str, &str)| changes.iter().all(|(other, _)| other != name);
        let (pseudo, regular): (Vec<_>, Vec<_>) =
            REQUEST.iter().filter(kept).chain(changes).partition(|(name, _)| name.starts_with(':'));
        let fields: Vec<_> = pseudo.into_iter().chain(regular).copied().collect();
        self.client.headers(stream, &fields, end);
    }

    /// Passes the client's frames to the server. Returns the reported events.
    pub(super) fn run(&mut self) -> Vec<String> {
        let input = self.client.take();
        let used = self.server.receive(Duration::ZERO, &input, &mut ServerTrace(&mut self.trace));
        assert_eq!(used, input.len());
        self.trace.take()
    }

    /// What the server wrote.
    pub(super) fn output(&mut self) -> Vec<String> {
        let lines = self.client.read(self.server.output());
        self.server.consume_output(self.server.output().len());
        lines
    }
}

#[test]
fn a_unary_call_is_one_request_and_headers_message_trailers() {
    let mut harness = Harness::new();
    harness.request(1, &[("grpc-timeout", "1S"), ("x", "y")], false);
    harness.client.data(1, &message(b"ping"), true);
    assert_eq!(
        harness.run(),
        [
            r#"server: call 1 of /a.B/C within 1s {"x": "y"}"#,
            r#"server: 1 message "ping", the last"#
        ]
    );
    harness.server.send_message(CallId(1), b"pong").unwrap();
    harness.server.finish(CallId(1), &Status::OK).unwrap();
    assert_eq!(
        harness.output(),
        [
            "1 HEADERS :status=200, content-type=application/grpc",
            r"1 DATA \x00\x00\x00\x00\x04pong",
            "1 HEADERS END_STREAM grpc-status=0",
        ]
    );
    assert_eq!(harness.server.open_calls(), 0);
}

#[test]
fn user_agent_is_metadata_for_the_server() {
    let mut harness = Harness::new();
    harness.request(1, &[("user-agent", "grpc-c/1"), ("grpc-accept-encoding", "gzip")], true);
    assert_eq!(
        harness.run(),
        [r#"server: call 1 of /a.B/C {"user-agent": "grpc-c/1"}"#, "server: 1 half-closed"]
    );
}

#[test]
fn another_method_than_post_is_unimplemented() {
    let mut harness = Harness::new();
    harness.request(1, &[(":method", "PUT")], true);
    assert_eq!(harness.run(), [""; 0]);
    assert_eq!(
        harness.output(),
        ["1 HEADERS END_STREAM :status=200, content-type=application/grpc, grpc-status=12, \
          grpc-message=a call is a POST"]
    );
}

#[test]
fn a_path_without_a_slash_in_front_is_unimplemented() {
    let mut harness = Harness::new();
    harness.request(1, &[(":path", "a.B/C")], true);
    assert_eq!(harness.run(), [""; 0]);
    assert_eq!(
        harness.output(),
        ["1 HEADERS END_STREAM :status=200, content-type=application/grpc, grpc-status=12, \
          grpc-message=the path of a method begins with /"]
    );
}

#[test]
fn another_content_type_gets_http_415_and_a_text() {
    let mut harness = Harness::new();
    harness.request(1, &[("content-type", "text/xml")], false);
    assert_eq!(harness.run(), [""; 0]);
    assert_eq!(
        harness.output(),
        [
            "1 HEADERS :status=415, content-type=text/plain; charset=utf-8, \
             x-content-type-options=nosniff, content-length=140",
            "1 DATA END_STREAM 140 bytes",
            "1 RST_STREAM NO_ERROR",
        ]
    );
}

/// A browser speaks HTTP/2 inside TLS alone; a proxy may have ended that.
#[test]
fn a_browser_that_uses_a_strangers_name_gets_403_and_permission_denied() {
    let foreign = [(":authority", "evil.example:5051"), ("origin", "http://evil.example:5051")];
    let mut harness = Harness::new();
    harness.request(1, &foreign, true);
    assert_eq!(harness.run(), [""; 0]);
    let output = harness.output().join("\n");
    let expected = "1 HEADERS END_STREAM :status=403, content-type=application/grpc, grpc-status=7, \
                    grpc-message=This server does not know the host ";
    assert!(output.starts_with(expected), "{output}");
    assert!(output.contains("--allow-origin http://evil.example:5051"), "{output}");
    // A page of another origin; and what is no browser, or knows the name.
    harness.request(3, &[(":authority", "10.0.0.1:5051"), foreign[1]], true);
    assert_eq!(harness.run(), [""; 0]);
    assert!(harness.output().join("").contains(":status=403"));
    harness.request(5, &[foreign[0], ("user-agent", "grpc-c/1")], true);
    let own = [(":authority", "localhost:5051"), ("origin", "http://localhost:5051")];
    harness.request(7, &own, true);
    let calls = harness.run().iter().filter(|event| event.contains("call ")).count();
    assert_eq!(calls, 2);
    let mut harness = Harness::new();
    harness.server.set_secure();
    harness.request(1, &foreign, true);
    assert_eq!(harness.run().len(), 2, "inside TLS the certificate protects");
}

#[test]
fn an_unsupported_encoding_is_unimplemented_and_lists_the_supported_ones() {
    let mut harness = Harness::new();
    harness.request(1, &[("grpc-encoding", "deflate")], true);
    assert_eq!(harness.run(), [""; 0]);
    let ours = if crate::gzip::IS_AVAILABLE { "identity, gzip" } else { "identity" };
    assert_eq!(
        harness.output(),
        [format!(
            "1 HEADERS END_STREAM :status=200, content-type=application/grpc, grpc-status=12, \
             grpc-message=the grpc-encodings of this server are {ours}, grpc-accept-encoding={ours}"
        )]
    );
}

#[test]
fn a_timeout_outside_its_grammar_is_internal() {
    let mut harness = Harness::new();
    harness.request(1, &[("grpc-timeout", "soon")], true);
    assert_eq!(harness.run(), [""; 0]);
    assert!(harness.output()[0].contains("grpc-status=13"));
}

#[test]
fn a_bin_value_that_is_not_base64_is_internal() {
    let mut harness = Harness::new();
    harness.request(1, &[("a-bin", "!")], true);
    assert_eq!(harness.run(), [""; 0]);
    assert!(harness.output()[0].contains("grpc-status=13"));
}

#[test]
fn an_invalid_ascii_value_is_no_error() {
    let mut harness = Harness::new();
    harness.request(1, &[("a", "caf\u{e9}"), ("b", "ok")], true);
    assert_eq!(harness.run()[0], r#"server: call 1 of /a.B/C {"b": "ok"}"#);
}

#[test]
fn too_many_headers_are_resource_exhausted() {
    let mut harness = Harness::new();
    harness.request(1, &[("x", &"y".repeat(16_300))], false);
    let fields: Vec<_> = (0..60).map(|_| ("x", "y")).collect();
    harness.request(3, &[&fields[..], &fields].concat(), true);
    assert_eq!(harness.run(), [""; 0]);
    let status = "HEADERS END_STREAM :status=200, content-type=application/grpc, \
                  grpc-status=8, grpc-message=the header list is too large";
    assert_eq!(
        harness.output(),
        [format!("1 {status}"), "1 RST_STREAM NO_ERROR".to_owned(), format!("3 {status}")]
    );
}

#[test]
fn messages_are_cut_and_joined_by_data_frames_at_will() {
    let mut harness = Harness::new();
    harness.request(1, &[], false);
    let bytes = [message(b"one"), message(b""), message(b"three")].concat();
    for piece in bytes.chunks(4) {
        harness.client.data(1, piece, false);
    }
    harness.client.data(1, &bytes, false);
    harness.client.data(1, b"", true);
    let three = [r#"server: 1 message "one""#, r#"server: 1 message """#];
    let events = harness.run();
    assert_eq!(events[1..3], three);
    assert_eq!(events[3], r#"server: 1 message "three""#);
    assert_eq!(events[4..6], three);
    assert_eq!(events[7..], ["server: 1 half-closed"]);
}

#[test]
fn an_empty_data_with_end_stream_is_a_half_close() {
    let mut harness = Harness::new();
    harness.request(1, &[], false);
    harness.client.data(1, b"", true);
    assert_eq!(harness.run(), ["server: call 1 of /a.B/C", "server: 1 half-closed"]);
}

#[test]
fn the_trailers_of_a_request_are_a_half_close() {
    let mut harness = Harness::new();
    harness.request(1, &[], false);
    harness.client.headers(1, &[("x", "y")], true);
    assert_eq!(harness.run(), ["server: call 1 of /a.B/C", "server: 1 half-closed"]);
}

#[test]
fn padding_is_removed() {
    let mut harness = Harness::new();
    harness.request(1, &[], false);
    harness.client.padded_data(1, &message(b"soft"), 100, true);
    assert_eq!(harness.run()[1..], [r#"server: 1 message "soft", the last"#]);
}

#[test]
fn an_error_before_the_first_message_is_trailers_only() {
    let mut harness = Harness::new();
    harness.request(1, &[], true);
    harness.run();
    let mut status = Status::new(Code::NotFound, "no item \u{263a}");
    status.metadata.insert("grpc-status-details-bin", b"\x08\x05").unwrap();
    harness.server.finish(CallId(1), &status).unwrap();
    assert_eq!(
        harness.output(),
        ["1 HEADERS END_STREAM :status=200, content-type=application/grpc, grpc-status=5, \
          grpc-message=no item %E2%98%BA, grpc-status-details-bin=CAU"]
    );
}

#[test]
fn trailers_before_the_clients_end_are_followed_by_a_reset_without_error() {
    let mut harness = Harness::new();
    harness.request(1, &[], false);
    harness.run();
    harness.server.finish(CallId(1), &Status::OK).unwrap();
    assert_eq!(harness.output()[1..], ["1 RST_STREAM NO_ERROR"]);
    // Frames that were in flight are ignored.
    harness.client.data(1, &message(b"late"), true);
    assert_eq!(harness.run(), [""; 0]);
    assert_eq!(harness.output(), [""; 0]);
}

#[test]
fn a_reset_without_error_waits_for_the_queued_response() {
    let mut harness = Harness::new();
    harness.client.settings(&[(4, 10)]);
    harness.request(1, &[], false);
    harness.run();
    harness.server.send_message(CallId(1), b"0123456789").unwrap();
    assert_eq!(harness.server.queued(CallId(1)), 5);
    harness.server.finish(CallId(1), &Status::OK).unwrap();
    assert_eq!(harness.output()[1..], [r"1 DATA \x00\x00\x00\x00\n01234"]);
    assert_eq!(harness.server.open_calls(), 1);
    harness.client.window_update(1, 100);
    harness.run();
    assert_eq!(
        harness.output(),
        ["1 DATA 56789", "1 HEADERS END_STREAM grpc-status=0", "1 RST_STREAM NO_ERROR"]
    );
    assert_eq!(harness.server.open_calls(), 0);
}

#[test]
fn initial_metadata_is_sent_once_and_before_the_messages() {
    let mut harness = Harness::new();
    harness.request(1, &[], true);
    harness.run();
    let mut metadata = Metadata::new();
    metadata.insert("a-bin", b"fo").unwrap();
    harness.server.send_headers(CallId(1), &metadata).unwrap();
    harness.server.send_headers(CallId(1), &metadata).unwrap();
    harness.server.send_message(CallId(1), b"").unwrap();
    assert_eq!(
        harness.output(),
        [
            "1 HEADERS :status=200, content-type=application/grpc, a-bin=Zm8",
            r"1 DATA \x00\x00\x00\x00\x00",
        ]
    );
}

#[test]
fn a_compressed_flag_without_an_encoding_is_internal() {
    for encoding in [&[][..], &[("grpc-encoding", "identity")]] {
        let mut harness = Harness::new();
        harness.request(1, encoding, false);
        harness.client.data(1, &[1, 0, 0, 0, 1, b'x'], false);
        assert_eq!(
            harness.run()[1..],
            ["server: 1 cancelled, INTERNAL: a message is flagged as compressed, and no \
              grpc-encoding is named"]
        );
        let output = harness.output();
        assert!(output[0].contains("grpc-status=13"), "{output:?}");
        assert_eq!(output[1], "1 RST_STREAM NO_ERROR");
        assert_eq!(
            harness.server.send_message(CallId(1), b"x"),
            Err(crate::call::SendError::Ended)
        );
    }
}

#[test]
fn an_oversize_message_is_resource_exhausted_before_it_has_come() {
    let mut harness = Harness::new();
    harness.request(1, &[], false);
    harness.client.data(1, &[0, 0, 0x40, 0, 1], false);
    assert_eq!(
        harness.run()[1..],
        ["server: 1 cancelled, RESOURCE_EXHAUSTED: a message of 4194305 bytes is above the limit \
          of 4194304"]
    );
    let output = harness.output();
    assert!(output[0].contains("grpc-status=8"), "{output:?}");
}

#[test]
fn the_end_in_the_middle_of_a_message_is_internal() {
    let mut harness = Harness::new();
    harness.request(1, &[], false);
    harness.client.data(1, &message(b"cut off")[..9], true);
    assert_eq!(
        harness.run()[1..],
        ["server: 1 cancelled, INTERNAL: the stream ended in the middle of a message"]
    );
    let output = harness.output();
    assert!(output[0].contains("grpc-status=13"), "{output:?}");
    assert_eq!(output.len(), 1, "the client has ended, no reset: {output:?}");
}

#[test]
fn unfinished_messages_of_all_calls_share_one_bound() {
    let limits = Limits { max_partial_message_bytes: 400_000, ..Limits::DEFAULT };
    let mut harness = Harness::with(&limits);
    let large = message(&[7; 300_000]);
    let (parts, rest) = large.split_at(192_000);
    for stream in [1, 3, 5] {
        harness.request(stream, &[], false);
        for part in parts.chunks(16_000) {
            harness.client.data(stream, part, false);
        }
    }
    harness.run();
    let windows = |harness: &mut Harness| {
        let mut streams: Vec<_> =
            harness.output().iter().map(|line| line[..1].to_owned()).collect();
        streams.dedup();
        streams
    };
    // The others may not send more than their windows until the first has ended.
    assert_eq!(windows(&mut harness), ["1"]);
    for part in rest.chunks(16_000) {
        harness.client.data(1, part, false);
    }
    let events = harness.run();
    assert!(events.iter().any(|line| line.starts_with("server: 1 message")), "{events:?}");
    assert_eq!(windows(&mut harness), ["1", "3"]);
    harness.client.rst_stream(3, 8);
    harness.run();
    assert_eq!(windows(&mut harness), ["5"]);
}

#[test]
fn a_clients_reset_cancels_the_call_by_the_table() {
    let mut harness = Harness::new();
    for stream in [1, 3] {
        harness.request(stream, &[], false);
    }
    harness.client.rst_stream(1, 8);
    harness.client.rst_stream(3, 2);
    assert_eq!(
        harness.run()[2..],
        [
            "server: 1 cancelled, CANCELLED: reset: CANCEL",
            "server: 3 cancelled, INTERNAL: reset: INTERNAL_ERROR",
        ]
    );
    assert_eq!(harness.output(), [""; 0]);
}

#[test]
fn unconsumed_messages_hold_the_window_and_consumed_ones_open_it() {
    let mut harness = Harness::new();
    harness.request(1, &[], false);
    for _ in 0..15 {
        harness.client.data(1, &message(&[7; 16_000]), false);
    }
    harness.run();
    assert_eq!(harness.output(), [""; 0], "nothing was given back");
    for _ in 0..15 {
        harness.server.message_taken(CallId(1), 16_000);
    }
    let output = harness.output();
    assert!(output[0].starts_with("1 WINDOW_UPDATE"), "{output:?}");
}

#[test]
fn unconsumed_messages_hold_the_window_even_when_they_are_empty() {
    let mut harness = Harness::new();
    harness.request(1, &[], false);
    let (window, empty) = (256 * 1024, message(&[]));
    let frame = empty.repeat(3000);
    let frames = window / frame.len();
    for _ in 0..frames {
        harness.client.data(1, &frame, false);
    }
    harness.run();
    assert_eq!(harness.output(), [""; 0], "nothing was given back");
    for _ in 0..frames * 3000 {
        harness.server.message_taken(CallId(1), 0);
    }
    let output = harness.output();
    assert!(output[0].starts_with("1 WINDOW_UPDATE"), "{output:?}");
}

#[test]
fn a_message_larger_than_the_window_is_delivered() {
    let mut harness = Harness::new();
    harness.request(1, &[], false);
    let bytes = message(&vec![7; 1 << 20]);
    let (mut sent, mut window) = (0, 256 * 1024);
    while sent < bytes.len() {
        let count = (bytes.len() - sent).min(16_384).min(window);
        assert!(count > 0, "no window after {sent} bytes");
        harness.client.data(1, &bytes[sent..sent + count], sent + count == bytes.len());
        (sent, window) = (sent + count, window - count);
        let events = harness.run();
        for line in harness.output() {
            let increment = line.strip_prefix("1 WINDOW_UPDATE ").unwrap();
            window += increment.parse::<usize>().unwrap();
        }
        if sent == bytes.len() {
            assert_eq!(events, ["server: 1 message 1048576 bytes, the last"]);
        }
    }
}

#[test]
fn a_lost_connection_cancels_every_call() {
    let mut harness = Harness::new();
    for stream in [1, 3] {
        harness.request(stream, &[], false);
    }
    harness.run();
    harness.server.connection_lost(&mut ServerTrace(&mut harness.trace));
    let cancelled = |id| format!("server: {id} cancelled, UNAVAILABLE: the connection was lost");
    assert_eq!(harness.trace.take(), [cancelled(1), cancelled(3)]);
}

#[test]
fn a_connection_error_cancels_every_call_and_sends_goaway() {
    let mut harness = Harness::new();
    harness.request(1, &[], false);
    harness.client.data(0, b"x", false);
    let events = harness.run();
    assert!(events[1].starts_with("server: 1 cancelled, UNAVAILABLE"), "{events:?}");
    let output = harness.output();
    assert!(output[0].starts_with("GOAWAY last 1 PROTOCOL_ERROR"), "{output:?}");
    assert!(harness.server.is_closed());
}

#[test]
fn a_graceful_goaway_finishes_what_is_in_flight() {
    let mut harness = Harness::new();
    harness.request(1, &[], true);
    harness.run();
    harness.server.go_away("");
    harness.run();
    assert!(!harness.server.is_closed());
    harness.server.finish(CallId(1), &Status::OK).unwrap();
    let output = harness.output();
    assert!(output[0].starts_with("GOAWAY"), "{output:?}");
    assert!(output.iter().any(|line| line.contains("grpc-status=0")), "{output:?}");
}
