//! A client against a hand-written server: its requests, and its reactions to any response.

use std::time::Duration;

use super::raw::{RawPeer, message};
use super::trace::{ClientTrace, Trace};
use crate::call::{CallEnded, CallId, Limits, Metadata};
use crate::grpc::{ClientConnection, StartError};

struct Harness {
    server: RawPeer,
    client: ClientConnection,
    trace: Trace,
}

impl Harness {
    fn new() -> Harness {
        let client = ClientConnection::new(&Limits::DEFAULT, Duration::ZERO, "host:1", false);
        Harness { server: RawPeer::server(), client, trace: Trace::default() }
    }

    /// A harness with one call whose request is complete, and whose output is read.
    fn with_call() -> (Harness, CallId) {
        let mut harness = Harness::new();
        let call = harness.client.start("/a.B/C", &Metadata::new(), None).unwrap();
        harness.client.send_message(call, b"ping", true).unwrap();
        harness.output();
        (harness, call)
    }

    fn run(&mut self) -> Vec<String> {
        let input = self.server.take();
        let used = self.client.receive(Duration::ZERO, &input, &mut ClientTrace(&mut self.trace));
        assert_eq!(used, input.len());
        self.trace.take()
    }

    fn output(&mut self) -> Vec<String> {
        let lines = self.server.read(self.client.output());
        self.client.consume_output(self.client.output().len());
        lines
    }
}

const HEADERS: [(&str, &str); 2] = [(":status", "200"), ("content-type", "application/grpc")];

#[test]
fn a_request_has_the_fields_of_the_grpc_spec_in_their_order() {
    let mut harness = Harness::new();
    let mut metadata = Metadata::new();
    metadata.insert("x", b"y").unwrap();
    let timeout = Some(Duration::from_secs(2));
    let call = harness.client.start("/a.B/C", &metadata, timeout).unwrap();
    harness.client.send_message(call, b"ping", true).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let ours = if crate::gzip::IS_AVAILABLE { "identity, gzip" } else { "identity" };
    assert_eq!(
        harness.output(),
        [
            &*format!(
                "1 HEADERS :method=POST, :scheme=http, :path=/a.B/C, :authority=host:1, \
                 grpc-timeout=2000000u, te=trailers, content-type=application/grpc, \
                 user-agent=agora/{version}, grpc-accept-encoding={ours}, x=y"
            ),
            r"1 DATA END_STREAM \x00\x00\x00\x00\x04ping",
        ]
    );
}

#[test]
fn a_half_close_without_a_message_is_an_empty_data_frame() {
    let mut harness = Harness::new();
    let call = harness.client.start("/a.B/C", &Metadata::new(), None).unwrap();
    harness.client.half_close(call).unwrap();
    harness.client.half_close(call).unwrap();
    assert_eq!(harness.output()[1..], ["1 DATA END_STREAM"]);
    assert_eq!(harness.client.send_message(call, b"late", false), Err(CallEnded));
}

#[test]
fn an_answer_is_headers_messages_and_a_status() {
    let (mut harness, _) = Harness::with_call();
    harness.server.headers(1, &[&HEADERS[..], &[("a-bin", "Zm8=")]].concat(), false);
    harness.server.data(1, &message(b"pong"), false);
    harness.server.headers(1, &[("grpc-status", "0"), ("b", "c")], true);
    assert_eq!(
        harness.run(),
        [
            r#"client: 1 headers {"a-bin": "fo"}"#,
            r#"client: 1 message "pong""#,
            r#"client: 1 finished OK {"b": "c"}"#,
        ]
    );
    assert_eq!(harness.output(), [""; 0]);
    assert_eq!(harness.client.open_calls(), 0);
}

#[test]
fn trailers_only_is_a_status_without_headers() {
    let (mut harness, _) = Harness::with_call();
    let status = [("grpc-status", "5"), ("grpc-message", "no%20item %E2%98%BA")];
    harness.server.headers(1, &[&HEADERS[..], &status].concat(), true);
    assert_eq!(harness.run(), ["client: 1 finished NOT_FOUND: no item \u{263a}"]);
}

#[test]
fn rich_errors_come_in_the_trailing_metadata() {
    let (mut harness, _) = Harness::with_call();
    let status = [("grpc-status", "9"), ("grpc-status-details-bin", "CAU")];
    harness.server.headers(1, &[&HEADERS[..], &status].concat(), true);
    assert_eq!(
        harness.run(),
        [r#"client: 1 finished FAILED_PRECONDITION {"grpc-status-details-bin": "\\x08\\x05"}"#]
    );
}

#[test]
fn informational_headers_are_skipped() {
    let (mut harness, _) = Harness::with_call();
    harness.server.headers(1, &[(":status", "103")], false);
    harness.server.headers(1, &HEADERS, false);
    harness.server.headers(1, &[("grpc-status", "0")], true);
    assert_eq!(harness.run(), ["client: 1 headers", "client: 1 finished OK"]);
}

#[test]
fn an_http_error_is_mapped_and_its_text_shown() {
    let (mut harness, _) = Harness::with_call();
    harness.server.headers(1, &[(":status", "502"), ("content-type", "text/html")], false);
    harness.server.data(1, b"<h1>bad gateway</h1>", true);
    assert_eq!(
        harness.run(),
        ["client: 1 finished UNAVAILABLE: no grpc-status in the answer, HTTP status 502: \
          <h1>bad gateway</h1>"]
    );
}

#[test]
fn a_status_in_an_http_error_counts() {
    let (mut harness, _) = Harness::with_call();
    harness.server.headers(1, &[(":status", "404"), ("grpc-status", "7")], true);
    assert_eq!(harness.run(), ["client: 1 finished PERMISSION_DENIED"]);
}

#[test]
fn a_text_without_end_is_cut_off_with_a_reset() {
    let (mut harness, _) = Harness::with_call();
    harness.server.headers(1, &[(":status", "403")], false);
    harness.server.data(1, &[b'x'; 2000], false);
    assert!(harness.run()[0].starts_with("client: 1 finished PERMISSION_DENIED"));
    assert_eq!(harness.output(), ["1 RST_STREAM CANCEL"]);
}

#[test]
fn trailers_without_a_status_are_unknown() {
    let (mut harness, _) = Harness::with_call();
    harness.server.headers(1, &HEADERS, false);
    harness.server.headers(1, &[("x", "y")], true);
    assert_eq!(
        harness.run()[1..],
        ["client: 1 finished UNKNOWN: no grpc-status in the answer, HTTP status 200"]
    );
}

#[test]
fn an_end_without_trailers_is_internal() {
    let (mut harness, _) = Harness::with_call();
    harness.server.headers(1, &HEADERS, false);
    harness.server.data(1, &message(b"pong"), true);
    assert_eq!(
        harness.run()[2..],
        ["client: 1 finished INTERNAL: the answer ended without trailers"]
    );
}

#[test]
fn success_in_the_middle_of_a_message_is_internal() {
    for (code, end) in
        [("0", "INTERNAL: the stream ended in the middle of a message"), ("14", "UNAVAILABLE")]
    {
        let (mut harness, _) = Harness::with_call();
        harness.server.headers(1, &HEADERS, false);
        harness.server.data(1, &message(b"pong")[..7], false);
        harness.server.headers(1, &[("grpc-status", code)], true);
        assert_eq!(harness.run()[1..], [format!("client: 1 finished {end}")]);
    }
}

#[test]
fn compressed_messages_in_no_encoding_or_one_that_was_not_offered_are_internal() {
    let ours = if crate::gzip::IS_AVAILABLE { "identity, gzip" } else { "identity" };
    let unasked = format!("a message is compressed, and only {ours} was offered");
    for (encoding, why) in [
        (&[][..], "a message is flagged as compressed, and no grpc-encoding is named"),
        (&[("grpc-encoding", "deflate")], &unasked),
    ] {
        let (mut harness, _) = Harness::with_call();
        harness.server.headers(1, &[&HEADERS[..], encoding].concat(), false);
        harness.server.data(1, &message(b"plain is welcome all the same"), false);
        harness.server.data(1, &[1, 0, 0, 0, 1, b'x'], false);
        assert_eq!(harness.run()[2..], [format!("client: 1 finished INTERNAL: {why}")]);
        assert_eq!(harness.output(), ["1 RST_STREAM CANCEL"]);
    }
}

#[test]
fn an_oversize_message_is_resource_exhausted_before_it_has_come() {
    let (mut harness, _) = Harness::with_call();
    harness.server.headers(1, &HEADERS, false);
    harness.server.data(1, &[0, 1, 0, 0, 0], false);
    assert!(harness.run()[1].starts_with("client: 1 finished RESOURCE_EXHAUSTED"));
    assert_eq!(harness.output(), ["1 RST_STREAM CANCEL"]);
}

#[test]
fn headers_with_a_broken_bin_value_are_internal() {
    let (mut harness, _) = Harness::with_call();
    harness.server.headers(1, &[&HEADERS[..], &[("a-bin", "!")]].concat(), false);
    assert_eq!(harness.run(), ["client: 1 finished INTERNAL: a -bin value is not base64"]);
    assert_eq!(harness.output(), ["1 RST_STREAM CANCEL"]);
}

#[test]
fn too_many_headers_are_resource_exhausted() {
    let (mut harness, _) = Harness::with_call();
    let fields: Vec<_> = (0..120).map(|_| ("x", "y")).collect();
    harness.server.headers(1, &[&HEADERS[..], &fields].concat(), false);
    assert!(harness.run()[0].starts_with("client: 1 finished RESOURCE_EXHAUSTED"));
}

#[test]
fn resets_are_mapped_by_the_table_and_only_a_refused_stream_is_retriable() {
    for (error, end) in [
        (0, "INTERNAL: the server reset it: NO_ERROR"),
        (2, "INTERNAL: the server reset it: INTERNAL_ERROR"),
        (7, "UNAVAILABLE: the server reset it: REFUSED_STREAM, retriable"),
        (8, "CANCELLED: the server reset it: CANCEL"),
        (11, "RESOURCE_EXHAUSTED: the server reset it: ENHANCE_YOUR_CALM"),
        (12, "PERMISSION_DENIED: the server reset it: INADEQUATE_SECURITY"),
    ] {
        let (mut harness, _) = Harness::with_call();
        harness.server.rst_stream(1, error);
        assert_eq!(harness.run(), [format!("client: 1 finished {end}")]);
        assert_eq!(harness.client.open_calls(), 0);
    }
}

#[test]
fn trailers_before_our_end_are_followed_by_a_reset_without_error() {
    let mut harness = Harness::new();
    let call = harness.client.start("/a.B/C", &Metadata::new(), None).unwrap();
    harness.client.send_message(call, b"one of many", false).unwrap();
    harness.output();
    harness.server.headers(1, &[&HEADERS[..], &[("grpc-status", "3")]].concat(), true);
    harness.server.rst_stream(1, 0);
    assert_eq!(harness.run(), ["client: 1 finished INVALID_ARGUMENT"]);
    assert_eq!(harness.output(), ["1 RST_STREAM NO_ERROR"]);
    assert_eq!(harness.client.send_message(call, b"two", false), Err(CallEnded));
}

#[test]
fn queued_messages_are_dropped_when_the_response_ends() {
    let mut harness = Harness::new();
    let call = harness.client.start("/a.B/C", &Metadata::new(), None).unwrap();
    harness.client.send_message(call, &vec![7; 100_000], true).unwrap();
    assert!(harness.client.queued(call) > 30_000);
    harness.output();
    harness.server.headers(1, &[&HEADERS[..], &[("grpc-status", "8")]].concat(), true);
    assert_eq!(harness.run(), ["client: 1 finished RESOURCE_EXHAUSTED"]);
    assert_eq!(harness.output(), ["1 RST_STREAM CANCEL"]);
    assert_eq!(harness.client.open_calls(), 0);
}

#[test]
fn a_cancelled_call_is_reset_and_reports_nothing_more() {
    let (mut harness, call) = Harness::with_call();
    harness.client.cancel(call);
    assert_eq!(harness.output(), ["1 RST_STREAM CANCEL"]);
    harness.server.headers(1, &HEADERS, false);
    harness.server.data(1, &message(b"late"), false);
    harness.server.headers(1, &[("grpc-status", "0")], true);
    assert_eq!(harness.run(), [""; 0]);
    harness.client.cancel(call);
    assert_eq!(harness.output(), [""; 0]);
}

#[test]
fn after_goaway_calls_beyond_the_last_one_are_retriable_and_no_new_ones_start() {
    let mut harness = Harness::new();
    for _ in 0..3 {
        harness.client.start("/a.B/C", &Metadata::new(), None).unwrap();
    }
    harness.server.go_away(3, 0, b"");
    harness.server.headers(1, &[&HEADERS[..], &[("grpc-status", "0")]].concat(), true);
    assert_eq!(
        harness.run(),
        [
            "client: 5 finished UNAVAILABLE: the server reset it: REFUSED_STREAM, retriable",
            "client: 1 finished OK",
        ]
    );
    let start = harness.client.start("/a.B/C", &Metadata::new(), None);
    assert_eq!(start, Err(StartError::GoingAway));
    assert_eq!(harness.client.open_calls(), 1);
}

#[test]
fn the_text_of_goaway_is_the_reason_of_a_lost_connection() {
    let (mut harness, _) = Harness::with_call();
    harness.server.go_away(1, 11, b"too_many_pings");
    assert_eq!(harness.run(), [""; 0]);
    harness.client.connection_lost(&mut ClientTrace(&mut harness.trace));
    assert_eq!(
        harness.trace.take(),
        ["client: 1 finished UNAVAILABLE: the server has gone away: ENHANCE_YOUR_CALM, \
          too_many_pings"]
    );
}

#[test]
fn max_concurrent_streams_is_honoured() {
    let mut harness = Harness::new();
    harness.server.settings(&[(3, 2)]);
    harness.run();
    for _ in 0..2 {
        harness.client.start("/a.B/C", &Metadata::new(), None).unwrap();
    }
    let start = harness.client.start("/a.B/C", &Metadata::new(), None);
    assert_eq!(start, Err(StartError::TooManyCalls));
    harness.server.rst_stream(1, 8);
    harness.run();
    assert!(harness.client.start("/a.B/C", &Metadata::new(), None).is_ok());
}

#[test]
fn a_lost_connection_ends_every_call_as_unavailable() {
    let (mut harness, _) = Harness::with_call();
    harness.client.connection_lost(&mut ClientTrace(&mut harness.trace));
    assert_eq!(harness.trace.take(), ["client: 1 finished UNAVAILABLE: the connection was lost"]);
}

#[test]
fn a_closed_connection_reports_its_reason_on_both_sides() {
    let (mut harness, _) = Harness::with_call();
    harness.run();
    let why = "no sign of life";
    let code = crate::call::Code::Unavailable;
    harness.client.close(code, why, &mut ClientTrace(&mut harness.trace));
    assert_eq!(harness.trace.take(), ["client: 1 finished UNAVAILABLE: no sign of life"]);
    assert_eq!(harness.output(), ["GOAWAY last 0 NO_ERROR no sign of life"]);
    assert!(harness.client.is_closed());
}

#[test]
fn pings_are_answered_and_answers_counted() {
    let mut harness = Harness::new();
    harness.run();
    harness.client.ping();
    let output = harness.client.output().to_vec();
    harness.client.consume_output(output.len());
    let mut ping = output[output.len() - 17..].to_vec();
    ping[4] = 1;
    harness.client.receive(Duration::ZERO, &ping, &mut ClientTrace(&mut harness.trace));
    assert_eq!(harness.client.pongs(), 1);
}
