//! Refusals in words: complete responses with a text.

use crate::call::Code;
use crate::hpack::FieldBlock;
use crate::http::{Outgoing, ResponseHead};

pub(super) const GRPC_NEEDS_HTTP2: &str =
    "gRPC needs HTTP/2. With curl: --http2-prior-knowledge, or TLS.";
pub(super) const UNSUPPORTED: &str = "A POST is a call here. Its content-type is application/json or application/proto (the Connect \
     protocol), or application/grpc (over HTTP/2).";
pub(super) const METHOD: &str =
    "the methods here are GET and HEAD for resources, and POST for calls";
pub(super) const UNKNOWN_METHOD: &str = "there is no such method";

/// The text of a 413.
pub const BODY_TOO_LARGE: &str = "this request needs no body, and has a large one";

/// When a client that was refused for want of room may try again, in seconds (RFC 9110 section
/// 10.2.3).
pub const RETRY_AFTER_S: &str = "1";

/// A complete response with a text, and `retry-after` if the server is busy.
pub fn refusal(status: u16, text: &str) -> Outgoing {
    let mut body = Vec::with_capacity(text.len() + 1);
    if !text.is_empty() {
        body.extend_from_slice(text.as_bytes());
        body.push(b'\n');
    }
    let mut fields = FieldBlock::new();
    if !body.is_empty() {
        fields.push(b"content-type", b"text/plain; charset=utf-8");
    }
    if matches!(status, 429 | 503) {
        fields.push(b"retry-after", RETRY_AFTER_S.as_bytes());
    }
    let content_length = (status != 204).then_some(body.len());
    Outgoing { head: Some(ResponseHead { status, fields, content_length }), body, end: true }
}

pub(super) fn boxed(status: u16, text: &str) -> Box<Outgoing> {
    Box::new(refusal(status, text))
}

pub(super) fn with_field(status: u16, text: &str, name: &[u8], value: &[u8]) -> Box<Outgoing> {
    let mut response = boxed(status, text);
    if let Some(head) = &mut response.head {
        head.fields.push(name, value);
    }
    response
}

/// The status code of HTTP that is closest to the end of a request for a resource.
pub(super) fn http_status(code: Code) -> u16 {
    match code {
        Code::Unavailable | Code::ResourceExhausted | Code::Cancelled => 503,
        Code::DeadlineExceeded => 504,
        _ => 500,
    }
}
