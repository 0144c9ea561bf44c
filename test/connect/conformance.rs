//! Cases of the Connect project's conformance suite (connectrpc/conformance, testsuites/data) that
//! concern a server, with our methods in the place of the suite's. What a client sees is checked here;
//! the suite's method `Unary` is our echo, `ServerStream` is a watch.

use super::*;

const STREAM: &str = "application/connect+proto";

/// connect_server_unexpected.yaml, unexpected-content-type.
#[test]
fn unexpected_content_type() {
    assert_eq!(Request::post(ECHO, "image/jpeg", b"12345678").refused().status, 415);
}

/// connect_server_unexpected.yaml, unexpected-codec.
#[test]
fn unexpected_codec() {
    assert_eq!(Request::post(ECHO, "application/foo", HI).refused().status, 415);
}

/// connect_server_unexpected.yaml, server-stream/no-request.
#[test]
fn server_stream_without_a_request() {
    let response = Request::post(WATCH, STREAM, b"").refused();
    assert_eq!(response.status, 200);
    assert!(response.end().starts_with(r#"{"error":{"code":"unimplemented""#));
}

/// connect_server_unexpected.yaml, server-stream/multiple-requests.
#[test]
fn server_stream_with_many_requests() {
    let body = [envelope(0, b""), envelope(0, b"")].concat();
    let response = Request::post(WATCH, STREAM, &body).refused();
    assert!(response.end().starts_with(r#"{"error":{"code":"unimplemented""#));
}

/// connect_server_unexpected.yaml, unexpected-verb.
#[test]
fn unexpected_verb() {
    let mut request = Request::post(ECHO, "application/proto", HI);
    request.method = "DELETE";
    assert_eq!(request.refused().status, 405);
}

/// connect_server_unexpected.yaml, unexpected-uri.
#[test]
fn unexpected_uri() {
    let path = "/connectrpc.conformance.v1.UnknownService/UnknownMethod";
    let response = Request::post(path, "application/proto", HI).refused();
    assert_eq!(response.status, 404);
    assert!(response.text().contains(r#""code":"unimplemented""#));
}

/// connect_server_unexpected.yaml, unexpected-compression.
#[test]
fn unexpected_compression() {
    let request = Request::post(ECHO, "application/proto", HI).with("content-encoding", "foo");
    assert!(request.refused().text().contains(r#""code":"unimplemented""#));
}

/// connect_server_unexpected.yaml, unexpected-compressed-message.
#[test]
fn unexpected_compressed_message() {
    let request = Request::post(WATCH, STREAM, &envelope(1, b""));
    let response = request.with("connect-content-encoding", "identity").refused();
    assert!(response.end().starts_with(r#"{"error":{"code":"internal""#));
}

/// connect_with_get.yaml, success: metadata of a request by GET and of its response.
#[test]
fn connect_with_get() {
    let request = Request::get(ECHO, "connect=v1&encoding=proto&base64=1&message=CgJoaQ");
    let request = request.with("x-conformance-test", "Value1").with("x-conformance-test", "Value2");
    let mut status = Status::OK;
    status.metadata.insert("x-custom-trailer", b"bing").unwrap();
    let answer = Answer {
        leading: vec![("x-custom-header", b"foo")],
        messages: vec![HI.to_vec()],
        status: Some(status),
    };
    let (seen, response) = request.answered(|_| answer);
    let values: Vec<_> = seen.metadata.iter().map(|(_, value)| value.as_slice()).collect();
    assert_eq!(values, [b"Value1", b"Value2"]);
    assert_eq!((response.status, &response.body[..]), (200, HI));
    assert_eq!(response.field("x-custom-header"), Some("foo"));
    assert_eq!(response.field("trailer-x-custom-trailer"), Some("bing"));
}

/// server_message_size.yaml: as many bytes as the limit, and one more; in a stream the second message.
#[test]
fn server_message_size() {
    let limits = Limits { max_message_bytes: 200, ..Limits::DEFAULT };
    let body = [envelope(0, &[1; 200]), envelope(0, &[1; 201])].concat();
    let request = Request::post(ECHO_STREAM, STREAM, &body);
    let (_, response) = request.within(&limits, usize::MAX, |_| panic!("the call goes on"));
    assert!(response.end().starts_with(r#"{"error":{"code":"resource_exhausted""#));
}

/// duplicate_metadata.yaml: the same name as leading and as trailing metadata.
#[test]
fn duplicate_metadata() {
    let mut status = Status::OK;
    status.metadata.insert("x-custom", b"trailing").unwrap();
    let answer = |status| Answer {
        leading: vec![("x-custom", b"leading")],
        messages: vec![HI.to_vec()],
        status: Some(status),
    };
    let request = Request::post(ECHO, "application/proto", HI);
    let (_, response) = request.answered(|_| answer(status.clone()));
    assert_eq!(response.field("x-custom"), Some("leading"));
    assert_eq!(response.field("trailer-x-custom"), Some("trailing"));
    let (_, response) =
        Request::post(WATCH, STREAM, &envelope(0, b"")).answered(|_| answer(status));
    assert_eq!(response.field("x-custom"), Some("leading"));
    assert_eq!(response.end(), r#"{"metadata":{"x-custom":["trailing"]}}"#);
}
