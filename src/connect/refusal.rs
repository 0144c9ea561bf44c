//! Complete responses to requests that are no calls, or faulty ones.

use super::encoding::SUPPORTED;
use super::envelope::{END_OF_STREAM, PREFIX_BYTES};
use super::request::{Codec, ContentType};
use super::{code, envelope, error, metadata};
use crate::call::{Code, Status};
use crate::hpack::FieldBlock;
use crate::http::{Outgoing, ResponseHead};

/// When a call that ended with UNAVAILABLE may be tried again, in seconds (RFC 9110 section 10.2.3).
/// RESOURCE_EXHAUSTED says nothing of the kind: a message above the limit stays above it.
const RETRY_AFTER_S: &[u8] = b"1";

/// The complete response to a request that is no call, or a faulty one.
#[derive(Debug)]
pub struct Refusal {
    /// The response.
    pub response: Box<Outgoing>,
    /// The code that it tells; `None` if it has only a status of HTTP.
    pub code: Option<Code>,
}

impl From<Box<Outgoing>> for Refusal {
    fn from(response: Box<Outgoing>) -> Refusal {
        Refusal { response, code: None }
    }
}

/// There is no such method: 404.
pub(super) fn no_method(path: &str) -> Refusal {
    let path: String = path.chars().take(200).collect();
    let status = Status::new(Code::Unimplemented, format!("there is no method {path:?}"));
    let mut response = unary_error(&status);
    if let Some(head) = &mut response.head {
        head.status = 404;
    }
    Refusal { response, code: Some(status.code) }
}

/// The caller may not call: 403, for streams too.
pub fn permission_denied(reason: &str) -> Refusal {
    let code = Code::PermissionDenied;
    Refusal { response: unary_error(&Status::new(code, reason)), code: Some(code) }
}

/// A method of HTTP that the method does not have: 405.
pub(super) fn method_not_allowed(allows_get: bool) -> Box<Outgoing> {
    let mut fields = FieldBlock::new();
    fields.push(b"allow", if allows_get { b"GET, POST" } else { b"POST" });
    let text = if allows_get {
        "This method is called by GET or POST.\n"
    } else {
        "This method is called by POST.\n"
    };
    plain_text(405, fields, text)
}

/// A content type that the method does not have: 415.
pub(super) fn unsupported_media_type(is_stream: bool) -> Box<Outgoing> {
    let types = ContentType::all(is_stream);
    let mut fields = FieldBlock::new();
    fields.push(b"accept-post", types.as_bytes());
    let text = format!("The content-type of a request to this method is one of: {types}.\n");
    plain_text(415, fields, &text)
}

/// The response to a call that ends before it began.
pub(super) fn error(kind: ContentType, status: &Status) -> Refusal {
    let response = if kind.is_stream { stream_error(kind, status) } else { unary_error(status) };
    Refusal { response, code: Some(status.code) }
}

fn stream_error(kind: ContentType, status: &Status) -> Box<Outgoing> {
    let mut fields = FieldBlock::new();
    fields.push(b"content-type", kind.name().as_bytes());
    fields.push(b"connect-accept-encoding", SUPPORTED.as_bytes());
    let mut body = Vec::new();
    end_of_stream(status, &mut body);
    complete(200, fields, body)
}

/// The error of a unary call, which is JSON whatever the form of its messages.
pub(super) fn unary_error(status: &Status) -> Box<Outgoing> {
    let mut fields = FieldBlock::new();
    let kind = ContentType { codec: Codec::Json, is_stream: false };
    fields.push(b"content-type", kind.name().as_bytes());
    fields.push(b"accept-encoding", SUPPORTED.as_bytes());
    metadata::send("trailer-", &status.metadata, &mut fields);
    if status.code == Code::Unavailable {
        fields.push(b"retry-after", RETRY_AFTER_S);
    }
    let mut body = Vec::new();
    error::write_error(status, &mut body);
    complete(code::http_status(status.code), fields, body)
}

/// Appends the envelope that ends a stream.
pub(super) fn end_of_stream(status: &Status, body: &mut Vec<u8>) {
    let start = body.len();
    body.extend_from_slice(&[0; PREFIX_BYTES]);
    error::write_end_of_stream(status, body);
    // The text of a status is far shorter than 4 GiB.
    let _ = envelope::write_prefix(END_OF_STREAM, body, start);
}

fn plain_text(status: u16, mut fields: FieldBlock, text: &str) -> Box<Outgoing> {
    fields.push(b"content-type", b"text/plain; charset=utf-8");
    complete(status, fields, text.as_bytes().to_vec())
}

fn complete(status: u16, fields: FieldBlock, body: Vec<u8>) -> Box<Outgoing> {
    let head = ResponseHead { status, fields, content_length: Some(body.len()) };
    Box::new(Outgoing { head: Some(head), body, end: true })
}
