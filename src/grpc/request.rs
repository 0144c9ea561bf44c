//! The header fields of a request: reading and writing ("gRPC over HTTP2", `Request-Headers`).

use std::time::Duration;

use super::compression::{self, Encoding};
use super::fault::Fault;
use super::metadata;
use super::timeout::{self, TimeoutText};
use crate::call::Metadata;
use crate::exchange::{is_of_browser, is_sent_by_browsers};
use crate::hpack::{FieldBlock, Indexing};

/// The `user-agent` of our client.
const USER_AGENT: &str = concat!("agora/", env!("CARGO_PKG_VERSION"));

/// The fields of a request, without its metadata.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request<'a> {
    pub(super) path: &'a str,
    pub(super) timeout: Option<Duration>,
    /// `grpc-encoding`; never unknown.
    pub(super) encoding: Encoding,
    /// `grpc-accept-encoding`; empty if there is none.
    pub(super) accepted: &'a [u8],
    /// A browser made it.
    pub(super) shows_browser: bool,
}

impl Request<'_> {
    /// Reads a request and puts its metadata into `metadata`.
    ///
    /// # Errors
    /// The most serious fault: first that the request is not gRPC at all, so that its sender gets a
    /// response that it understands.
    pub(super) fn read<'a>(
        fields: &'a FieldBlock,
        metadata: &mut Metadata,
    ) -> Result<Request<'a>, Fault> {
        let (mut is_grpc, mut is_post, mut is_browsers) = (false, false, false);
        let (mut encoding, mut accepted) = (Encoding::Identity, &b""[..]);
        let mut path = None;
        let mut timeout_text = None;
        let mut binary = Ok(());
        for (name, value) in fields.iter() {
            match name {
                b":method" => is_post = value == b"POST",
                b":path" => path = Some(value),
                b"content-type" => is_grpc = is_grpc_content_type(value),
                b"grpc-timeout" => timeout_text = Some(value),
                b"grpc-encoding" => encoding = Encoding::parse(value),
                b"grpc-accept-encoding" => accepted = value,
                b"user-agent" => {
                    is_browsers |= is_of_browser(value);
                    metadata::receive_text(name, value, metadata);
                }
                b"te" | b":scheme" | b":authority" => {}
                _ => {
                    is_browsers |= is_sent_by_browsers(name);
                    binary = binary.and(metadata::receive(name, value, metadata));
                }
            }
        }
        if !is_grpc {
            return Err(Fault::ContentType);
        }
        if !is_post {
            return Err(Fault::NotPost);
        }
        let path = path
            .filter(|path| path.first() == Some(&b'/'))
            .and_then(|path| std::str::from_utf8(path).ok())
            .ok_or(Fault::Path)?;
        if encoding == Encoding::Unknown {
            return Err(Fault::Encoding);
        }
        let timeout = match timeout_text {
            None => None,
            Some(text) => Some(timeout::decode(text).ok_or(Fault::Timeout)?),
        };
        binary?;
        Ok(Request { path, timeout, encoding, accepted, shows_browser: is_browsers })
    }
}

/// Whether a `content-type` is `application/grpc`, with or without a `+` suffix or parameters.
/// `application/grpc-web` is another protocol.
pub(super) fn is_grpc_content_type(value: &[u8]) -> bool {
    const GRPC: &[u8] = b"application/grpc";
    value.split_at_checked(GRPC.len()).is_some_and(|(kind, rest)| {
        kind.eq_ignore_ascii_case(GRPC) && matches!(rest.first(), None | Some(b'+' | b';'))
    })
}

/// The fields that all requests of a client's connection share.
#[derive(Debug)]
pub(super) struct RequestTemplate {
    authority: String,
    scheme: &'static str,
}

impl RequestTemplate {
    pub(super) fn new(authority: &str, secure: bool) -> RequestTemplate {
        let scheme = if secure { "https" } else { "http" };
        RequestTemplate { authority: authority.to_owned(), scheme }
    }

    /// Writes a request into `fields`, in gRPC's order: pseudo-header fields, timeout, the rest of
    /// the call's definition, metadata. `is_compressed` names gzip as the encoding.
    pub(super) fn write(
        &self,
        path: &str,
        timeout: Option<Duration>,
        metadata: &Metadata,
        is_compressed: bool,
        fields: &mut FieldBlock,
    ) {
        fields.push(b":method", b"POST");
        fields.push(b":scheme", self.scheme.as_bytes());
        fields.push(b":path", path.as_bytes());
        fields.push(b":authority", self.authority.as_bytes());
        if let Some(timeout) = timeout {
            fields.push(b"grpc-timeout", TimeoutText::new(timeout).as_bytes());
        }
        fields.push(b"te", b"trailers");
        fields.push(b"content-type", b"application/grpc");
        fields.push(b"user-agent", USER_AGENT.as_bytes());
        if is_compressed {
            fields.push(b"grpc-encoding", compression::GZIP);
        }
        fields.push(b"grpc-accept-encoding", compression::ACCEPTED);
        metadata::send(metadata, fields);
    }
}

/// The fields of a request with the indexing of each.
pub(super) fn indexed(fields: &FieldBlock) -> impl Iterator<Item = (&[u8], &[u8], Indexing)> {
    fields.iter().map(|(name, value)| (name, value, indexing(name)))
}

/// The indexing of a field of a request: fields that are repeated by the next call enter the dynamic
/// table.
fn indexing(name: &[u8]) -> Indexing {
    match name {
        b":method"
        | b":scheme"
        | b":path"
        | b":authority"
        | b"te"
        | b"content-type"
        | b"user-agent"
        | b"grpc-encoding"
        | b"grpc-accept-encoding" => Indexing::Incremental,
        _ => metadata::indexing(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 5] = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/a.B/C"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
    ];

    /// The path and timeout of [`GOOD`] with one field replaced or added.
    fn read_with(name: &str, value: &str) -> Result<(String, Option<Duration>), Fault> {
        let mut fields = FieldBlock::new();
        for (other, value) in GOOD.iter().filter(|(other, _)| *other != name) {
            fields.push(other.as_bytes(), value.as_bytes());
        }
        fields.push(name.as_bytes(), value.as_bytes());
        Request::read(&fields, &mut Metadata::new())
            .map(|request| (request.path.to_owned(), request.timeout))
    }

    #[test]
    fn a_request_is_a_post_to_a_path_that_begins_with_a_slash() {
        assert_eq!(read_with(":path", "/a.B/C"), Ok(("/a.B/C".to_owned(), None)));
        assert_eq!(read_with(":method", "GET"), Err(Fault::NotPost));
        for path in ["", "*", "a.B/C"] {
            assert_eq!(read_with(":path", path), Err(Fault::Path), "{path:?}");
        }
    }

    #[test]
    fn the_content_type_is_application_grpc_alone_or_with_a_suffix_or_parameters() {
        for good in ["application/grpc", "application/grpc+proto", "Application/GRPC;x=y"] {
            assert!(read_with("content-type", good).is_ok(), "{good}");
        }
        for bad in ["", "application/json", "application/grpc-web", "application/grpcx", "text"] {
            assert_eq!(read_with("content-type", bad), Err(Fault::ContentType), "{bad}");
        }
    }

    #[test]
    fn identity_and_gzip_are_the_encodings_that_we_have() {
        assert!(read_with("grpc-encoding", "identity").is_ok());
        assert_eq!(read_with("grpc-encoding", "gzip").is_ok(), crate::gzip::IS_AVAILABLE);
        for encoding in ["deflate", "GZIP", ""] {
            assert_eq!(read_with("grpc-encoding", encoding), Err(Fault::Encoding));
        }
    }

    #[test]
    fn a_timeout_outside_its_grammar_is_a_fault() {
        let second = Some(Duration::from_secs(1));
        assert_eq!(read_with("grpc-timeout", "1S").unwrap().1, second);
        assert_eq!(read_with("grpc-timeout", "123456789S"), Err(Fault::Timeout));
    }

    #[test]
    fn a_request_that_is_not_grpc_is_reported_first() {
        let mut fields = FieldBlock::new();
        fields.push(b":method", b"GET");
        fields.push(b":path", b"/");
        fields.push(b"a-bin", b"!");
        let fault = Request::read(&fields, &mut Metadata::new());
        assert_eq!(fault, Err(Fault::ContentType));
    }

    #[test]
    fn a_request_survives_the_round_trip() {
        let mut metadata = Metadata::new();
        metadata.insert("x", b"y").unwrap();
        metadata.insert("z-bin", b"\0\xff").unwrap();
        let mut fields = FieldBlock::new();
        let timeout = Some(Duration::from_millis(1500));
        RequestTemplate::new("host:1", false).write(
            "/a.B/C",
            timeout,
            &metadata,
            true,
            &mut fields,
        );
        let names: Vec<_> = fields.iter().map(|(name, _)| name).collect();
        let definition: [&[u8]; 10] = [
            b":method",
            b":scheme",
            b":path",
            b":authority",
            b"grpc-timeout",
            b"te",
            b"content-type",
            b"user-agent",
            b"grpc-encoding",
            b"grpc-accept-encoding",
        ];
        assert_eq!(names[..10], definition);
        if !crate::gzip::IS_AVAILABLE {
            return;
        }
        let mut back = Metadata::new();
        let request = Request::read(&fields, &mut back).unwrap();
        assert_eq!((request.path, request.timeout), ("/a.B/C", timeout));
        assert_eq!((request.encoding, request.accepted), (Encoding::Gzip, compression::ACCEPTED));
        assert_eq!(back.get("user-agent"), Some(USER_AGENT.as_bytes()));
        assert_eq!(back.get("z-bin"), Some(&b"\0\xff"[..]));
    }
}
