//! Responses, whatever the version of HTTP: content, and what pages of other origins may read.

use std::borrow::Cow;

use super::*;

#[derive(Default)]
struct App {
    resources: usize,
}

impl ServerSink for App {
    fn call(&mut self, _: CallStart<'_>) {}
    fn resource(&mut self, _: CallId, _: ResourceRequest<'_>) {
        self.resources += 1;
    }
    fn message(&mut self, _: CallId, _: &[u8], _: bool) {}
    fn half_close(&mut self, _: CallId) {}
    fn cancelled(&mut self, _: CallId, _: Status) {}
    fn writable(&mut self, _: CallId) {}
}

fn open(site: &Site, method: &str, fields: &[(&str, &str)]) -> Result<Exchange, Box<Outgoing>> {
    open_at(site, method, "/page", fields)
}

fn open_at(
    site: &Site,
    method: &str,
    path: &str,
    fields: &[(&str, &str)],
) -> Result<Exchange, Box<Outgoing>> {
    open_in(site, method, path, fields, true)
}

fn open_in(
    site: &Site,
    method: &str,
    path: &str,
    fields: &[(&str, &str)],
    is_secure: bool,
) -> Result<Exchange, Box<Outgoing>> {
    let mut block = FieldBlock::new();
    fields.iter().for_each(|(name, value)| block.push(name.as_bytes(), value.as_bytes()));
    let head = RequestHead { method, path, query: "", fields: &block };
    let (limits, mut metadata) = (Limits::DEFAULT, Metadata::new());
    let (limits, metadata) = (&limits, &mut metadata);
    let reader = Reader { site, limits, is_secure, expanded_bytes: 0, metadata };
    Exchange::open(&head, CallId(1), reader, &mut App::default())
}

fn respond(response: &ResourceResponse) -> Outgoing {
    let mut exchange = open(&Site::default(), "GET", &[]).unwrap();
    let mut outgoing = Outgoing::default();
    exchange.respond(response, &mut outgoing);
    outgoing
}

/// RFC 9110 section 8.6: neither has a length that is not that of the content of a 200.
#[test]
fn a_response_without_content_has_no_length() {
    for status in [204, 304] {
        let fields = vec![("etag", Cow::Borrowed("\"1\""))];
        let response = ResourceResponse { fields, ..ResourceResponse::text(status, "dropped") };
        let outgoing = respond(&response);
        let head = outgoing.head.unwrap();
        assert_eq!((head.status, head.content_length, &*outgoing.body), (status, None, &b""[..]));
        assert!(outgoing.end && head.fields.iter().any(|field| field == (b"etag", b"\"1\"")));
    }
    let outgoing = respond(&ResourceResponse::text(200, "kept"));
    assert_eq!((outgoing.head.unwrap().content_length, &*outgoing.body), (Some(4), &b"kept"[..]));
}

const SHOP: &str = "https://shop.example";
const STREAM: &str = "/grpc.testing.TestService/StreamingOutputCall";
const UNARY: &str = "/grpc.testing.TestService/EmptyCall";

/// The fields for browsers of a response.
fn for_browsers(outgoing: &Outgoing) -> Vec<(String, String)> {
    let fields = outgoing.head.iter().flat_map(|head| head.fields.iter());
    let fields = fields.map(|(name, value)| {
        let text = |bytes| String::from_utf8(Vec::from(bytes)).unwrap();
        (text(name), text(value))
    });
    fields.filter(|(name, _)| name.starts_with("access-control") || name == "vary").collect()
}

fn fields(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

fn sites() -> [(Site, Vec<(String, String)>); 4] {
    let permits =
        |origin| [("access-control-allow-origin", origin), ("access-control-expose-headers", "*")];
    let shop = [&[("vary", "origin")], &permits(SHOP)[..]].concat();
    let only = |origins: &str| Site::new(origins.parse().unwrap(), Hosts::default());
    [
        (Site::default(), Vec::new()),
        (only("*"), fields(&permits("*"))),
        (only("http://a,https://shop.example"), fields(&shop)),
        (only("https://shop.example:444,http://shop.example"), fields(&[("vary", "origin")])),
    ]
}

/// A call of a page of the shop, where it may call; elsewhere the refusal says what `expected` does.
fn call_of_shop(
    site: &Site,
    path: &str,
    kind: &str,
    expected: &[(String, String)],
) -> Option<Exchange> {
    let opened = open_at(site, "POST", path, &[("origin", SHOP), ("content-type", kind)]);
    let may_call = expected.iter().any(|(name, _)| name == "access-control-allow-origin");
    assert_eq!(opened.is_ok(), may_call);
    opened.map_err(|refused| is_refusal(&refused, "may not call", expected)).ok()
}

/// Checks that a response refuses a browser.
fn is_refusal(refused: &Outgoing, reason: &str, expected: &[(String, String)]) {
    assert_eq!(refused.head.as_ref().unwrap().status, 403);
    assert!(String::from_utf8_lossy(&refused.body).contains(reason), "{refused:?}");
    assert_eq!(for_browsers(refused), expected);
}

/// Whatever is at the path; a call is told in the words of its protocol.
#[test]
fn a_browser_that_uses_a_strangers_name_is_refused_in_the_clear() {
    let evil = ("host", "evil.example:5051");
    for (method, path, is_call) in [
        ("GET", "/page", false),
        ("HEAD", "/page", false),
        ("GET", "/nothing", false),
        ("OPTIONS", UNARY, true),
        ("GET", UNARY, true),
        ("POST", UNARY, true),
        ("POST", STREAM, true),
        ("PUT", "/page", false),
    ] {
        for sign in [("origin", "http://evil.example:5051"), ("accept-language", "en")] {
            let refused = open_in(&Site::default(), method, path, &[evil, sign], false);
            let refused = refused.unwrap_err();
            if method == "HEAD" {
                assert!(refused.body.is_empty());
                continue;
            }
            is_refusal(&refused, "--allow-origin http://evil.example:5051", &[]);
            assert_eq!(refused.body.starts_with(b"{\"code\":\"permission_denied\""), is_call);
        }
        // Not the name, but the path is refused.
        let known = [("host", "localhost:5051"), ("origin", "http://localhost:5051")];
        let opened = open_in(&Site::default(), method, path, &known, false);
        let status = opened.err().map(|refused| refused.head.unwrap().status);
        assert_ne!(status, Some(403), "{method} {path}");
    }
}

/// A store may have a page or a script as a value.
#[test]
fn no_browser_guesses_the_type_of_a_response() {
    let guards = |outgoing: &Outgoing| {
        let fields = outgoing.head.iter().flat_map(|head| head.fields.iter());
        fields.filter(|field| *field == (b"x-content-type-options", b"nosniff")).count()
    };
    let site = Site::default();
    let mut outgoing = Outgoing::default();
    open(&site, "GET", &[]).unwrap().respond(&ResourceResponse::text(200, ""), &mut outgoing);
    assert_eq!(guards(&outgoing), 1);
    assert_eq!(guards(&open(&site, "PUT", &[]).unwrap_err()), 1);
    let kind = ("content-type", "application/proto");
    let mut call = open_at(&site, "POST", UNARY, &[kind]).unwrap();
    let mut outgoing = Outgoing::default();
    call.send_message(b"", &mut outgoing).unwrap();
    call.finish(&Status::OK, &mut outgoing);
    assert_eq!(guards(&outgoing), 1);
}

/// Every response says it, once.
#[test]
fn a_page_of_an_origin_may_read_what_the_server_permits() {
    let origin = ("origin", SHOP);
    for (site, expected) in &sites() {
        let mut outgoing = Outgoing::default();
        open(site, "GET", &[origin])
            .unwrap()
            .respond(&ResourceResponse::text(200, ""), &mut outgoing);
        assert_eq!(&for_browsers(&outgoing), expected);
        for status in [Status::OK, Status::new(crate::call::Code::NotFound, "none")] {
            let call = call_of_shop(site, UNARY, "application/proto", expected);
            let Some(mut call) = call else { continue };
            let mut outgoing = Outgoing::default();
            call.send_headers(&Metadata::new(), &mut outgoing);
            call.send_message(b"", &mut outgoing).unwrap();
            assert!(outgoing.head.is_none());
            call.finish(&status, &mut outgoing);
            assert_eq!(&for_browsers(&outgoing), expected, "{status:?}");
        }
        for (method, path, kind) in [
            ("POST", UNARY, "text/plain"),
            ("POST", "/a.B/C", "application/json"),
            ("PUT", "/", ""),
        ] {
            // Refused as a call, or as a call of this page.
            let refused = open_at(site, method, path, &[origin, ("content-type", kind)]);
            assert_eq!(&for_browsers(&refused.unwrap_err()), expected, "{method} {path}");
        }
    }
}

#[test]
fn a_stream_permits_it_in_its_head_alone() {
    for (site, expected) in &sites() {
        let call = call_of_shop(site, STREAM, "application/connect+proto", expected);
        let Some(mut call) = call else { continue };
        let mut outgoing = Outgoing::default();
        call.send_message(b"", &mut outgoing).unwrap();
        assert_eq!(&for_browsers(&outgoing), expected);
        let mut outgoing = Outgoing::default();
        call.finish(&Status::OK, &mut outgoing);
        assert!(outgoing.head.is_none() && outgoing.end);
    }
}

/// A first message that has no JSON: head and end go out together.
#[cfg(feature = "json")]
#[test]
fn a_stream_that_fails_at_once_permits_it_once() {
    for (site, expected) in &sites() {
        let call = call_of_shop(site, STREAM, "application/connect+json", expected);
        let Some(mut call) = call else { continue };
        let mut outgoing = Outgoing::default();
        let status = call.send_message(b"\xff", &mut outgoing).unwrap_err();
        call.finish(&status, &mut outgoing);
        assert_eq!(&for_browsers(&outgoing), expected);
    }
}

#[test]
fn a_preflight_permits_what_it_asks_for() {
    let ask = [
        ("origin", SHOP),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "connect-timeout-ms, x-tenant"),
    ];
    for (site, expected) in &sites() {
        let response = open_at(site, "OPTIONS", UNARY, &ask).unwrap_err();
        let mut all = Vec::new();
        if expected.len() > 1 {
            all = fields(&[
                ("access-control-allow-methods", "GET, HEAD, POST"),
                ("access-control-max-age", "7200"),
                ("access-control-allow-headers", "connect-timeout-ms, x-tenant"),
                ("vary", "access-control-request-headers"),
            ]);
        }
        all.extend_from_slice(expected);
        assert_eq!(for_browsers(&response), all);
        assert_eq!(response.head.as_ref().unwrap().status, 204);
        let allow = response.head.as_ref().unwrap().fields.iter().find(|field| field.0 == b"allow");
        assert_eq!(allow, Some((&b"allow"[..], ALLOWED)));
        // An OPTIONS that is no preflight is as any response.
        let response = open_at(site, "OPTIONS", UNARY, &ask[..1]).unwrap_err();
        assert_eq!(&for_browsers(&response), expected);
    }
    let response =
        open(&sites()[1].0, "OPTIONS", &[ask[1], ("access-control-request-headers", "a\"b")]);
    assert!(!for_browsers(&response.unwrap_err()).iter().any(|field| field.1.contains('"')));
}
