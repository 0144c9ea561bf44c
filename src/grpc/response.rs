//! The header and trailer fields of a response: reading and writing ("gRPC over HTTP2",
//! `Response-Headers`, `Trailers`, `Trailers-Only`).

use super::compression::{self, Encoding};
use super::fault::Fault;
use super::request::is_grpc_content_type;
use super::{metadata, percent, status};
use crate::call::{Code, Metadata, Status};
use crate::hpack::{FieldBlock, Indexing};

/// A field that is the same in every response.
pub(super) type ConstantField = (&'static [u8], &'static [u8], Indexing);

/// The header fields of a response, without metadata.
pub(super) const HEADERS: [ConstantField; 2] = [
    (b":status", b"200", Indexing::Incremental),
    (b"content-type", b"application/grpc", Indexing::Incremental),
];

/// The trailers of a success without a message or metadata.
pub(super) const OK_TRAILERS: [ConstantField; 1] = [(b"grpc-status", b"0", Indexing::Incremental)];

/// The header fields of a response whose messages may be compressed.
pub(super) const GZIP_HEADERS: [ConstantField; 4] = [
    (b":status", b"200", Indexing::Incremental),
    (b"content-type", b"application/grpc", Indexing::Incremental),
    (b"grpc-encoding", compression::GZIP, Indexing::Incremental),
    (b"grpc-accept-encoding", compression::ACCEPTED, Indexing::Incremental),
];

/// Writes the trailers that carry `status` into `fields`.
pub(super) fn write_trailers(status: &Status, fields: &mut FieldBlock) {
    fields.push(b"grpc-status", status::text(status.code));
    if !status.message.is_empty() {
        let mut text = Vec::with_capacity(status.message.len());
        percent::encode(&status.message, &mut text);
        fields.push(b"grpc-message", &text);
    }
    metadata::send(&status.metadata, fields);
}

/// The headers or the trailers of a response, or both in one (trailers-only).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Response {
    /// `:status`; 0 in trailers, which have none.
    pub(super) http_status: u16,
    pub(super) is_grpc: bool,
    /// `grpc-encoding`.
    pub(super) encoding: Encoding,
    /// `grpc-status`, when there is one.
    pub(super) code: Option<Code>,
    /// `grpc-message`, decoded.
    pub(super) message: String,
    /// A `-bin` value that is not base64.
    pub(super) fault: Option<Fault>,
}

impl Response {
    /// Reads a field block of a response and puts its metadata into `metadata`. `last` is true for
    /// trailers.
    pub(super) fn read(fields: &FieldBlock, last: bool, metadata: &mut Metadata) -> Response {
        let mut response = Response {
            http_status: 0,
            is_grpc: false,
            encoding: Encoding::Identity,
            code: None,
            message: String::new(),
            fault: None,
        };
        for (name, value) in fields.iter() {
            match name {
                b":status" => response.http_status = http_status(value),
                b"content-type" => response.is_grpc = is_grpc_content_type(value),
                b"grpc-status" => response.code = Some(status::parse(value)),
                b"grpc-message" => response.message = percent::decode(value),
                b"grpc-encoding" => response.encoding = Encoding::parse(value),
                // The only reserved name whose value belongs to the application: a rich error.
                b"grpc-status-details-bin" if last => {
                    let received = metadata::receive_binary(name, value, metadata);
                    response.fault = response.fault.or(received.err());
                }
                _ => {
                    let received = metadata::receive(name, value, metadata);
                    response.fault = response.fault.or(received.err());
                }
            }
        }
        response
    }
}

/// Three digits; HTTP/2 has checked that the field is there.
fn http_status(value: &[u8]) -> u16 {
    value
        .iter()
        .take(3)
        .filter(|digit| digit.is_ascii_digit())
        .fold(0, |status, digit| status * 10 + u16::from(digit - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fields: &[(&str, &str)]) -> (Response, Metadata) {
        let mut block = FieldBlock::new();
        for (name, value) in fields {
            block.push(name.as_bytes(), value.as_bytes());
        }
        let mut metadata = Metadata::new();
        (Response::read(&block, true, &mut metadata), metadata)
    }

    #[test]
    fn a_status_survives_its_trailers() {
        let mut status = Status::new(Code::NotFound, "no item \u{263a}");
        status.metadata.insert("grpc-status-details-bin", b"\x08\x05").unwrap();
        let mut fields = FieldBlock::new();
        write_trailers(&status, &mut fields);
        let mut metadata = Metadata::new();
        let response = Response::read(&fields, true, &mut metadata);
        assert_eq!(response.code, Some(Code::NotFound));
        assert_eq!(response.message, status.message);
        assert_eq!(metadata, status.metadata);
    }

    #[test]
    fn headers_tell_http_status_content_type_and_encoding() {
        let (response, metadata) = read(&[
            (":status", "200"),
            ("content-type", "application/grpc+proto"),
            ("grpc-encoding", "deflate"),
            ("x", "y"),
        ]);
        assert_eq!((response.http_status, response.is_grpc, response.code), (200, true, None));
        assert_eq!(response.encoding, Encoding::Unknown);
        assert_eq!(metadata.get("x"), Some(&b"y"[..]));
        let (response, _) = read(&[(":status", "503"), ("content-type", "text/html")]);
        assert_eq!((response.http_status, response.is_grpc), (503, false));
    }

    #[test]
    fn a_broken_bin_value_does_not_hide_the_status() {
        let (response, _) = read(&[("a-bin", "!"), ("grpc-status", "5"), ("b-bin", "Zg")]);
        assert_eq!((response.code, response.fault), (Some(Code::NotFound), Some(Fault::Binary)));
    }
}
