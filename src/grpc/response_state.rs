//! The progress of the response to one call, and the status that it ends with.

use std::fmt::Write;

use super::compression::Encoding;
use super::fault::Fault;
use super::response::Response;
use super::status;
use crate::call::{Code, Metadata, Status};

/// How many bytes of a text that is not gRPC go into the status message.
const MAX_TEXT_BYTES: usize = 1024;

/// The state of a response.
///
/// ```text
///             :status 200, application/grpc                trailers
///   Waiting ────────────────────────────────▶ Messages ──────────────▶ status
///      │ │           other headers                       end, or enough text
///      │ └──────────────────────────────────▶ NotGrpc ──────────────▶ status
///      └──────────────────── trailers-only ─────────────────────────▶ status
/// ```
#[derive(Debug)]
pub enum ResponseState {
    /// Nothing was received.
    Waiting,
    /// Headers were received; messages may follow.
    Messages {
        /// The encoding of messages with the compressed-flag.
        encoding: Encoding,
    },
    /// Headers were received that no gRPC server sends (perhaps a proxy); a human-readable text
    /// follows.
    NotGrpc {
        /// `:status`.
        http_status: u16,
        /// The text, truncated.
        text: Vec<u8>,
    },
}

impl ResponseState {
    /// Headers that do not end the stream.
    pub(super) fn headers(&mut self, response: &Response) {
        *self = if response.http_status == 200 && response.is_grpc {
            ResponseState::Messages { encoding: response.encoding }
        } else {
            ResponseState::NotGrpc { http_status: response.http_status, text: Vec::new() }
        };
    }

    /// The encoding of messages with the compressed-flag; `None` unless messages are expected.
    pub(super) fn encoding(&self) -> Option<Encoding> {
        match self {
            ResponseState::Messages { encoding } => Some(*encoding),
            ResponseState::Waiting | ResponseState::NotGrpc { .. } => None,
        }
    }

    /// Appends a part of a text that is not gRPC. Returns the status at its end, or when it is long
    /// enough.
    pub(super) fn text(&mut self, data: &[u8], end: bool) -> Option<Status> {
        let ResponseState::NotGrpc { http_status, text } = self else {
            return Some(Fault::NoHeaders.status());
        };
        let room = MAX_TEXT_BYTES - text.len();
        text.extend_from_slice(&data[..data.len().min(room)]);
        (end || text.len() == MAX_TEXT_BYTES).then(|| not_grpc(*http_status, text))
    }

    /// The status of the last field block: trailers, or a trailers-only response. A `grpc-status`
    /// overrides everything that was received before it.
    pub(super) fn end(&self, response: Response, metadata: Metadata) -> Status {
        match (response.code, self) {
            (Some(code), _) => Status { code, message: response.message, metadata },
            (None, ResponseState::NotGrpc { http_status, text }) => not_grpc(*http_status, text),
            (None, ResponseState::Waiting) => not_grpc(response.http_status, &[]),
            (None, ResponseState::Messages { .. }) => not_grpc(200, &[]),
        }
    }
}

/// The status of a response without `grpc-status`.
fn not_grpc(http_status: u16, text: &[u8]) -> Status {
    let code: Code = status::from_http(http_status);
    let mut message = format!("no grpc-status in the answer, HTTP status {http_status}");
    let text = text.trim_ascii();
    if !text.is_empty() {
        // Writing to a string does not fail.
        let _ = write!(message, ": {}", String::from_utf8_lossy(text));
    }
    Status::new(code, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hpack::FieldBlock;

    fn response(fields: &[(&str, &str)]) -> Response {
        let mut block = FieldBlock::new();
        for (name, value) in fields {
            block.push(name.as_bytes(), value.as_bytes());
        }
        Response::read(&block, true, &mut Metadata::new())
    }

    fn after(fields: &[(&str, &str)]) -> ResponseState {
        let mut answer = ResponseState::Waiting;
        answer.headers(&response(fields));
        answer
    }

    const GRPC: [(&str, &str); 2] = [(":status", "200"), ("content-type", "application/grpc")];

    #[test]
    fn a_received_status_overrides_earlier_headers() {
        let given = || response(&[("grpc-status", "5"), ("grpc-message", "no%20item")]);
        let expected = Status::new(Code::NotFound, "no item");
        for answer in [ResponseState::Waiting, after(&GRPC), after(&[(":status", "503")])] {
            assert_eq!(answer.end(given(), Metadata::new()), expected, "{answer:?}");
        }
    }

    #[test]
    fn trailers_without_a_status_are_unknown() {
        assert_eq!(after(&GRPC).end(response(&[]), Metadata::new()).code, Code::Unknown);
        assert_eq!(
            ResponseState::Waiting.end(response(&GRPC), Metadata::new()).code,
            Code::Unknown
        );
    }

    #[test]
    fn an_http_error_without_a_status_is_mapped_and_its_text_is_shown() {
        let unavailable = [(":status", "503"), ("content-type", "text/plain")];
        let status = ResponseState::Waiting.end(response(&unavailable), Metadata::new());
        assert_eq!(status.code, Code::Unavailable);
        let mut answer = after(&unavailable);
        assert_eq!(answer.text(b"no healthy ", false), None);
        let status = answer.text(b"upstream\n", true).unwrap();
        assert_eq!(status.code, Code::Unavailable);
        assert_eq!(
            status.message,
            "no grpc-status in the answer, HTTP status 503: no healthy upstream"
        );
    }

    #[test]
    fn another_content_type_is_not_read_as_messages() {
        let mut answer = after(&[(":status", "200"), ("content-type", "text/html")]);
        assert_eq!(answer.encoding(), None);
        assert_eq!(answer.text(b"<html>", true).unwrap().code, Code::Unknown);
    }

    #[test]
    fn a_long_text_is_truncated() {
        let mut answer = after(&[(":status", "404")]);
        let status = answer.text(&[b'x'; 5000], false).unwrap();
        assert_eq!(status.code, Code::Unimplemented);
        assert!(status.message.len() < 1100);
    }
}
