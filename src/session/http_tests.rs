//! Requests that are not gRPC, over HTTP/1.1 and HTTP/2: the same answers over both.

#[cfg(feature = "gzip")]
mod expanded;

use std::sync::Arc;
use std::time::Duration;

use super::{Compat, ServerSession};
use crate::call::{
    CallId, CallStart, Code, Limits, ResourceRequest, ResourceResponse, ServerSink, Status,
};
use crate::hpack::Indexing;
use crate::http2::{self, Event, StreamId};

const NOW: Duration = Duration::from_secs(1000);
const S: Duration = Duration::from_secs(1);
const EMPTY_CALL: &str = "/grpc.testing.TestService/EmptyCall";
const STREAM: &str = "/grpc.testing.TestService/StreamingOutputCall";

#[derive(Default)]
struct App {
    events: Vec<String>,
    call: Option<CallId>,
}

impl ServerSink for App {
    fn call(&mut self, start: CallStart<'_>) {
        self.events.push(format!("call {} {:?}", start.path, start.timeout));
        self.call = Some(start.call);
    }

    fn resource(&mut self, call: CallId, request: ResourceRequest<'_>) {
        self.events.push(format!("resource {} {}", request.path, request.query));
        self.call = Some(call);
    }

    fn message(&mut self, _: CallId, message: &[u8], last: bool) {
        self.events.push(format!("message of {} {last}", message.len()));
    }

    fn half_close(&mut self, _: CallId) {
        self.events.push("half-close".to_owned());
    }

    fn cancelled(&mut self, _: CallId, status: Status) {
        self.events.push(format!("cancelled {}", status.code));
    }

    fn writable(&mut self, _: CallId) {}
}

/// A client of either version.
struct Web {
    session: ServerSession,
    app: App,
    /// The client's side of HTTP/2; `None` over HTTP/1.1.
    http2: Option<http2::Connection>,
    /// The stream of the last request.
    stream: Option<StreamId>,
    arrived: Vec<u8>,
}

/// What a client received.
#[derive(Debug, Default, PartialEq, Eq)]
struct Answer {
    status: String,
    kind: String,
    body: String,
    end: bool,
    /// The error of RST_STREAM.
    reset: String,
}

impl Web {
    fn new(is_http2: bool, limits: &Limits) -> Web {
        let session = ServerSession::new(limits, Compat::Both, &Arc::default(), NOW);
        let http2 = is_http2.then(|| http2::Connection::new_client(&Limits::DEFAULT, NOW));
        Web { session, app: App::default(), http2, stream: None, arrived: Vec::new() }
    }

    fn request(&mut self, method: &str, target: &str, fields: &[(&str, &str)], body: &str) {
        let length = body.len().to_string();
        let fields = [fields, &[("content-length", &*length)]].concat();
        self.send(method, target, &fields, body.as_bytes(), true);
    }

    /// The head of a request and the beginning of its body.
    fn begin(&mut self, method: &str, target: &str, fields: &[(&str, &str)], body: &str) {
        self.send(method, target, fields, body.as_bytes(), false);
    }

    /// More of the body.
    fn more(&mut self, body: impl AsRef<[u8]>) {
        match (&mut self.http2, self.stream) {
            (Some(http2), Some(stream)) => {
                http2.send_data(stream, &[body.as_ref()], false).unwrap();
            }
            _ => self.session.receive(NOW, body.as_ref(), &mut self.app),
        }
        self.settle();
    }

    fn send(
        &mut self,
        method: &str,
        target: &str,
        fields: &[(&str, &str)],
        body: &[u8],
        is_whole: bool,
    ) {
        match &mut self.http2 {
            None => {
                let mut text = format!("{method} {target} HTTP/1.1\r\nhost: x\r\n");
                fields.iter().for_each(|(name, value)| text += &format!("{name}: {value}\r\n"));
                text += "\r\n";
                self.session.receive(NOW, &[text.as_bytes(), body].concat(), &mut self.app);
            }
            Some(http2) => {
                let pseudo = [
                    (":method", method),
                    (":scheme", "http"),
                    (":path", target),
                    (":authority", "x"),
                ];
                let all = pseudo.iter().chain(fields);
                let all = all.map(|(name, value)| {
                    (name.as_bytes(), value.as_bytes(), Indexing::Incremental)
                });
                let stream = http2.open(all, body.is_empty() && is_whole).unwrap();
                if !body.is_empty() {
                    http2.send_data(stream, &[body], is_whole).unwrap();
                }
                self.stream = Some(stream);
            }
        }
        self.settle();
    }

    fn settle(&mut self) {
        while let Some(http2) = &mut self.http2 {
            let to_server = http2.output().to_vec();
            http2.consume_output(to_server.len());
            self.session.receive(NOW, &to_server, &mut self.app);
            let to_client = self.session.output().to_vec();
            self.session.consume_output(to_client.len());
            self.arrived.extend_from_slice(&to_client);
            if to_server.is_empty() && to_client.is_empty() {
                break;
            }
            let mut rest = &self.arrived[..];
            let mut answer = Answer::default();
            while let Some(event) = http2.next_event(NOW, &mut rest) {
                answer.note(event);
            }
            let used = self.arrived.len() - rest.len();
            self.arrived.drain(..used);
            self.app.events.extend(answer.lines());
        }
    }

    /// The response to the one request so far.
    fn answer(&mut self) -> Answer {
        self.settle();
        if self.http2.is_some() {
            let lines = std::mem::take(&mut self.app.events);
            let mut answer = Answer::default();
            for line in lines {
                match line.split_once('=') {
                    Some((":status", value)) => answer.status = value.to_owned(),
                    Some(("content-type", value)) => answer.kind = value.to_owned(),
                    Some(("body", value)) => answer.body += value,
                    Some(("end", _)) => answer.end = true,
                    Some(("reset", error)) => answer.reset = error.to_owned(),
                    _ => self.app.events.push(line),
                }
            }
            return answer;
        }
        let output = String::from_utf8(self.session.output().to_vec()).unwrap();
        self.session.consume_output(output.len());
        let (head, rest) = output.split_once("\r\n\r\n").unwrap_or((&output, ""));
        let value = |name: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            lines.find(|(known, _)| *known == name).map_or("", |(_, value)| value).to_owned()
        };
        let is_chunked = value("transfer-encoding") == "chunked";
        let end = if is_chunked { rest.ends_with("0\r\n\r\n") } else { !output.is_empty() };
        let body = if is_chunked { without_chunks(rest) } else { rest.to_owned() };
        let status = head.split(' ').nth(1).unwrap_or_default().to_owned();
        Answer { status, kind: value("content-type"), body, end, ..Answer::default() }
    }

    fn events(&mut self) -> Vec<String> {
        std::mem::take(&mut self.app.events)
    }

    fn call(&self) -> CallId {
        self.app.call.unwrap()
    }
}

impl Answer {
    fn note(&mut self, event: Event<'_>) {
        match event {
            Event::Headers { fields, end_stream, .. } => {
                for (name, value) in fields.iter() {
                    let value = String::from_utf8(value.to_vec()).unwrap();
                    match name {
                        b":status" => self.status = value,
                        b"content-type" => self.kind = value,
                        _ => {}
                    }
                }
                self.end |= end_stream;
            }
            Event::Data { data, end_stream, .. } => {
                self.body += std::str::from_utf8(data).unwrap();
                self.end |= end_stream;
            }
            Event::Reset { error, .. } => self.reset = error.to_string(),
            _ => {}
        }
    }

    fn lines(self) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.status.is_empty() {
            lines.push(format!(":status={}", self.status));
            lines.push(format!("content-type={}", self.kind));
        }
        if !self.body.is_empty() {
            lines.push(format!("body={}", self.body));
        }
        if self.end {
            lines.push("end=".to_owned());
        }
        if !self.reset.is_empty() {
            lines.push(format!("reset={}", self.reset));
        }
        lines
    }
}

fn without_chunks(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((size, behind)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        body += &behind[..size];
        rest = &behind[size + 2..];
    }
    body
}

fn both(story: impl Fn(Web)) {
    for is_http2 in [false, true] {
        eprintln!("over HTTP/{}", if is_http2 { "2" } else { "1.1" });
        story(Web::new(is_http2, &Limits::DEFAULT));
    }
}

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

#[test]
fn a_resource() {
    both(|mut web| {
        web.request("GET", "/metrics?a", &[], "");
        assert_eq!(web.events(), ["resource /metrics a"]);
        let call = web.call();
        web.session.respond(call, &ResourceResponse::text(200, "up 1\n")).unwrap();
        let answer = web.answer();
        assert_eq!((&*answer.status, &*answer.body, answer.end), ("200", "up 1\n", true));
        assert_eq!(answer.kind, "text/plain; charset=utf-8");
        assert_eq!(web.session.open_calls(), 0);
        assert!(web.session.respond(call, &ResourceResponse::text(200, "")).is_err());
    });
}

/// A body without a meaning is dropped up to a limit, also while the response takes its time.
#[test]
fn a_long_body_of_a_request_that_needs_none_is_refused() {
    let max = Limits::DEFAULT.max_dropped_body_bytes;
    let get = "/agora.bench.v1.EchoService/Echo?encoding=proto&message=%0a%01a&connect=v1";
    for (target, begun) in [("/a", 1), (get, 2)] {
        both(|mut web| {
            web.begin("GET", target, &[("content-length", "1000000")], "");
            if web.http2.is_none() {
                // Its length tells.
                assert_eq!(web.answer().status, "413");
                return;
            }
            web.more("x".repeat(max));
            assert_eq!((web.answer(), web.events().len()), (Answer::default(), begun));
            web.more("x");
            let answer = web.answer();
            assert_eq!((&*answer.status, answer.end), ("413", true));
            assert_eq!(answer.body, "this request needs no body, and has a large one\n");
            assert_eq!(
                (web.events(), web.session.open_calls()),
                (vec!["cancelled CANCELLED".to_owned()], 0)
            );
        });
    }
}

#[test]
fn a_head_has_no_content() {
    both(|mut web| {
        web.request("HEAD", "/metrics", &[], "");
        let call = web.call();
        web.session.respond(call, &ResourceResponse::text(200, "up 1\n")).unwrap();
        let answer = web.answer();
        assert_eq!((&*answer.status, &*answer.body, answer.end), ("200", "", true));
    });
}

#[test]
fn refusals_are_in_words() {
    for (method, target, fields, status, word) in [
        ("PUT", "/a", &[][..], "405", "POST"),
        ("BREW", "/a", &[], "501", "method"),
        ("OPTIONS", "/a", &[], "204", ""),
        ("OPTIONS", "*", &[], "204", ""),
        ("POST", "/a", &[("content-type", "text/xml")], "415", "application/json"),
        ("GET", EMPTY_CALL, &[], "405", "POST"),
        ("POST", EMPTY_CALL, &[("content-type", "text/xml")], "415", "application/json"),
        ("POST", "/no.Such/Method", JSON, "404", "no method"),
    ] {
        both(|mut web| {
            web.request(method, target, fields, "");
            let answer = web.answer();
            assert_eq!((&*answer.status, answer.end), (status, true), "{method} {target}");
            assert!(answer.body.contains(word), "{answer:?}");
            assert_eq!((web.events(), web.session.open_calls()), (vec![], 0));
        });
    }
}

#[cfg(feature = "json")]
#[test]
fn a_unary_call_in_json() {
    both(|mut web| {
        let fields = [JSON[0], ("connect-timeout-ms", "3000")];
        web.request("POST", EMPTY_CALL, &fields, "{}");
        let expected = [format!("call {EMPTY_CALL} Some(3s)"), "message of 0 true".to_owned()];
        assert_eq!(web.events(), expected);
        let call = web.call();
        web.session.send_headers(call, &crate::call::Metadata::new()).unwrap();
        web.session.send_message(call, b"").unwrap();
        assert_eq!(web.answer(), Answer::default(), "it waits for the status");
        web.session.finish(call, &Status::OK).unwrap();
        let answer = web.answer();
        assert_eq!((&*answer.status, &*answer.body, answer.end), ("200", "{}", true));
        assert_eq!(answer.kind, "application/json");
        assert!(web.session.finish(call, &Status::OK).is_err());
    });
}

#[test]
fn a_call_ends_with_an_error_or_at_its_deadline() {
    let proto = ("content-type", "application/proto");
    both(|mut web| {
        web.request("POST", EMPTY_CALL, &[proto], "");
        web.session.finish(web.call(), &Status::new(Code::NotFound, "no such thing")).unwrap();
        let answer = web.answer();
        assert_eq!((&*answer.status, &*answer.kind), ("404", "application/json"));
        assert_eq!(answer.body, r#"{"code":"not_found","message":"no such thing"}"#);
    });
    both(|mut web| {
        web.request("POST", EMPTY_CALL, &[proto, ("connect-timeout-ms", "3000")], "");
        web.events();
        assert!(web.session.next_timeout() <= NOW + 3 * S);
        web.session.handle_timeout(NOW + 3 * S, &mut web.app);
        let answer = web.answer();
        assert_eq!((&*answer.status, answer.end), ("504", true));
        assert_eq!(web.events(), ["cancelled DEADLINE_EXCEEDED"]);
    });
}

#[test]
fn a_stream_of_messages() {
    both(|mut web| {
        let fields = [("content-type", "application/connect+proto")];
        web.request("POST", STREAM, &fields, "\0\0\0\0\x02\x12\0");
        assert_eq!(web.events(), [format!("call {STREAM} None"), "message of 2 true".to_owned()]);
        let call = web.call();
        web.session.send_message(call, b"abc").unwrap();
        let first = web.answer();
        assert_eq!((&*first.status, &*first.kind), ("200", "application/connect+proto"));
        assert_eq!((&*first.body, first.end), ("\0\0\0\0\x03abc", false));
        web.session.finish(call, &Status::OK).unwrap();
        web.settle();
        if web.http2.is_some() {
            let last = web.answer();
            assert_eq!((&*last.body, last.end), ("\x02\0\0\0\x02{}", true));
        } else {
            assert_eq!(web.session.output(), b"7\r\n\x02\0\0\0\x02{}\r\n0\r\n\r\n");
        }
        assert_eq!(web.session.received_bytes(), 0);
    });
}

/// A first message that has no JSON ends the stream, whose head goes before the error.
#[cfg(feature = "json")]
#[test]
fn a_message_that_cannot_be_sent_ends_its_call_with_an_error() {
    both(|mut web| {
        let fields = [("content-type", "application/connect+json")];
        web.request("POST", STREAM, &fields, "\0\0\0\0\x02{}");
        let call = web.call();
        assert!(web.session.send_message(call, b"\xff").is_err());
        let answer = web.answer();
        assert_eq!((&*answer.status, answer.end), ("200", true), "{answer:?}");
        assert!(answer.body.contains("internal"), "{answer:?}");
        assert_eq!(web.session.open_calls(), 0);
    });
}

/// RFC 9113 section 8.1.1: a request whose content-length is not that of its DATA is malformed. What has
/// begun is cancelled, and no message is taken for the last one.
#[test]
fn a_length_that_is_not_that_of_the_content_ends_a_request_of_http2() {
    let message = "\0\0\0\0\x02\x12\0";
    for (method, target, kind, body) in [
        ("GET", "/a", "text/plain", message),
        ("POST", EMPTY_CALL, "application/proto", message),
        ("POST", STREAM, "application/connect+proto", message),
        ("POST", EMPTY_CALL, "application/grpc", message),
    ] {
        for (length, is_right) in [("7", true), ("6", false), ("8", false), ("0", false)] {
            let mut web = Web::new(true, &Limits::DEFAULT);
            let fields = [("content-type", kind), ("content-length", length), ("te", "trailers")];
            web.send(method, target, &fields, body.as_bytes(), true);
            let events = web.events();
            let is_last = events.iter().any(|event| event.ends_with(" true"));
            assert_eq!(is_last, is_right && method == "POST", "{kind} {length} {events:?}");
            let is_reset = events.contains(&"reset=PROTOCOL_ERROR".to_owned());
            let is_cancelled = events.iter().any(|event| event.starts_with("cancelled "));
            assert_eq!((is_reset, is_cancelled), (!is_right, !is_right), "{kind} {length}");
            assert_eq!(web.session.open_calls(), usize::from(is_right), "{kind} {length}");
            assert!(!web.session.is_closed());
        }
    }
}

/// A message above the limit ends its call, and the bytes that wait are bounded.
#[test]
fn a_message_above_the_limit_is_refused() {
    let limits = Limits { max_message_bytes: 1000, ..Limits::DEFAULT };
    for is_http2 in [false, true] {
        let mut web = Web::new(is_http2, &limits);
        let fields = [("content-type", "application/proto")];
        web.request("POST", EMPTY_CALL, &fields, &"x".repeat(1001));
        let answer = web.answer();
        assert_eq!((&*answer.status, answer.end), ("429", true), "{answer:?}");
        assert!(answer.body.contains("resource_exhausted"), "{answer:?}");
        assert_eq!(web.events()[1..], ["cancelled RESOURCE_EXHAUSTED"]);
    }
    for is_http2 in [false, true] {
        let mut web = Web::new(is_http2, &Limits::DEFAULT);
        web.session.limit_unfinished(Some(100));
        let fields = [("content-type", "application/connect+proto")];
        let body = format!("\0\0\0\x03\u{0}{}", "x".repeat(700));
        web.request("POST", STREAM, &fields, &body);
        assert!(web.answer().body.contains("resource_exhausted"));
    }
}

/// The limit for unfinished messages holds for one that has begun as well.
#[test]
fn an_unfinished_message_of_a_stream_grows_up_to_the_limit_only() {
    both(|mut web| {
        web.session.limit_unfinished(Some(100));
        let fields = [("content-type", "application/connect+proto"), ("content-length", "705")];
        web.begin("POST", STREAM, &fields, &format!("\0\0\0\x03\u{0}{}", "x".repeat(70)));
        assert_eq!(web.session.received_bytes(), 75);
        web.events();
        web.more("x".repeat(20));
        assert_eq!((web.session.received_bytes(), web.events()), (95, vec![]));
        web.more("x".repeat(6));
        assert!(web.answer().body.contains("resource_exhausted"));
        assert_eq!((web.events(), web.session.received_bytes()), (cancelled(), 0));
    });
}

fn cancelled() -> Vec<String> {
    vec!["cancelled RESOURCE_EXHAUSTED".to_owned()]
}

#[test]
fn a_lost_connection_cancels_what_is_open() {
    both(|mut web| {
        web.request("GET", "/a", &[], "");
        web.events();
        web.session.connection_lost(&mut web.app);
        assert_eq!(web.events(), ["cancelled UNAVAILABLE"]);
    });
}

#[test]
fn an_idle_connection_of_http1_ends_in_time_and_silently() {
    let mut web = Web::new(false, &Limits::DEFAULT);
    web.request("GET", "/a", &[], "");
    web.session.respond(web.call(), &ResourceResponse::text(200, "")).unwrap();
    web.answer();
    web.session.notice_end_of_calls(NOW);
    let due = NOW + Limits::DEFAULT.idle_timeout;
    assert_eq!(web.session.next_timeout(), due);
    web.session.handle_timeout(due, &mut web.app);
    assert!(web.session.is_closed() && web.session.output().is_empty());
}

/// There is no ping in HTTP/1.1: a client that waits is left alone.
#[test]
fn a_client_that_waits_for_its_response_is_not_pinged() {
    let mut web = Web::new(false, &Limits::DEFAULT);
    web.request("GET", "/a", &[], "");
    web.session.handle_timeout(NOW + 10_000 * S, &mut web.app);
    assert!(!web.session.is_closed() && web.session.output().is_empty());
}

#[test]
fn a_refused_client_gets_a_503_with_the_reason() {
    let mut web = Web::new(false, &Limits::DEFAULT);
    web.session.refuse("the server has as many connections as it may have");
    web.request("GET", "/a", &[], "");
    let output = String::from_utf8(web.session.output().to_vec()).unwrap();
    assert!(output.starts_with("HTTP/1.1 503 ") && output.contains("\r\nretry-after: 1\r\n"));
    assert!(output.ends_with("as many connections as it may have\n"), "{output}");
    assert!(web.session.is_closed() && web.events().is_empty());
}

/// Windows are returned, whatever becomes of a request: a leak would end in silence.
#[test]
fn ten_thousand_requests_with_bodies_over_one_connection_of_http2() {
    let body = "x".repeat(700);
    let message = "\x1a\x7d\x12\x7b".to_owned() + &"x".repeat(123);
    let proto = &[("content-type", "application/proto")][..];
    let none = &[][..];
    let mut web = Web::new(true, &Limits::DEFAULT);
    for n in 0..10_000 {
        let (method, target, fields, body, status) = match n % 6 {
            0 => ("POST", "/a", none, &body, "415"),
            1 => ("GET", "/a", none, &body, "200"),
            2 => ("POST", "/no.Such/Method", proto, &body, "404"),
            3 => ("POST", EMPTY_CALL, proto, &message, "200"),
            4 => ("POST", EMPTY_CALL, proto, &message, "503"),
            _ => ("PUT", "/a", none, &body, "405"),
        };
        web.request(method, target, fields, body);
        match n % 6 {
            1 => {
                web.session.respond(web.call(), &ResourceResponse::text(200, "hi")).unwrap();
            }
            3 => {
                web.session.send_message(web.call(), b"").unwrap();
                web.session.finish(web.call(), &Status::OK).unwrap();
            }
            4 => {
                let status = Status::new(Code::Unavailable, "not now");
                web.session.finish(web.call(), &status).unwrap();
            }
            _ => {}
        }
        let answer = web.answer();
        assert_eq!((&*answer.status, answer.end), (status, true), "request {n}");
        web.events();
    }
    assert_eq!((web.session.received_bytes(), web.session.unsent_bytes()), (0, 0));
}

/// A client that is no browser may use every name, and inside TLS the certificate protects.
#[test]
fn a_browser_under_an_unknown_name_is_refused_in_the_clear() {
    let language = ("accept-language", "en");
    for is_http2 in [false, true] {
        let mut web = Web::new(is_http2, &Limits::DEFAULT);
        web.request("GET", "/metrics", &[language], "");
        let answer = web.answer();
        assert_eq!((answer.status.as_str(), answer.end), ("403", true));
        assert!(answer.body.contains("the host \"x\""), "{answer:?}");
        assert_eq!(web.events(), [""; 0]);
        for (is_secure, fields) in [(false, &[][..]), (true, &[language])] {
            let mut web = Web::new(is_http2, &Limits::DEFAULT);
            if is_secure {
                web.session.set_secure();
            }
            web.request("GET", "/metrics", fields, "");
            web.answer();
            assert!(web.events().contains(&"resource /metrics ".to_owned()));
        }
    }
}
