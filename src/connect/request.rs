//! The head of a request ("Unary-Request-Headers", "Streaming-Request-Headers").

use std::time::Duration;

use super::encoding::Encoding;
use super::metadata;
use super::query::Query;
use crate::call::{Code, Metadata, Status};
use crate::http::RequestHead;
use crate::text::base64;

/// The form of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    Proto,
    Json,
}

/// The form of messages, and whether they are in envelopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ContentType {
    pub codec: Codec,
    pub is_stream: bool,
}

impl ContentType {
    /// Reads a `content-type`; parameters other than a charset of UTF-8 are ignored.
    pub fn read(value: &str) -> Option<ContentType> {
        let mut parts = value.split(';').map(str::trim);
        let kind = parts.next()?.to_ascii_lowercase();
        for parameter in parts {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let is_utf8 = value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8");
            if name.trim().eq_ignore_ascii_case("charset") && !is_utf8 {
                return None;
            }
        }
        let (codec, is_stream) = match kind.as_str() {
            "application/proto" => (Codec::Proto, false),
            "application/json" => (Codec::Json, false),
            "application/connect+proto" => (Codec::Proto, true),
            "application/connect+json" => (Codec::Json, true),
            _ => return None,
        };
        Some(ContentType { codec, is_stream })
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match (self.codec, self.is_stream) {
            (Codec::Proto, false) => "application/proto",
            (Codec::Json, false) => "application/json",
            (Codec::Proto, true) => "application/connect+proto",
            (Codec::Json, true) => "application/connect+json",
        }
    }

    /// The content types of a method, as the value of a field.
    pub const fn all(is_stream: bool) -> &'static str {
        if is_stream {
            "application/connect+json, application/connect+proto"
        } else {
            "application/json, application/proto"
        }
    }
}

/// The message of a GET, still encoded.
#[derive(Debug)]
pub(super) struct Get {
    pub codec: Codec,
    pub encoding: Encoding,
    pub message: Vec<u8>,
}

/// Reads the query of a GET.
///
/// # Errors
/// The status that ends the call.
pub(super) fn read_get(query: &str) -> Result<Get, Status> {
    let invalid = |text: &str| Status::new(Code::InvalidArgument, text);
    let query = Query::read(query).map_err(invalid)?;
    if query.version.is_some_and(|version| version != b"v1") {
        return Err(invalid("the parameter connect is v1 or absent"));
    }
    let codec = match query.encoding.as_deref() {
        Some(b"proto") => Codec::Proto,
        Some(b"json") => Codec::Json,
        Some(_) => return Err(invalid("the parameter encoding is json or proto")),
        None => return Err(invalid("a GET needs the parameter encoding: json or proto")),
    };
    let encoding = Encoding::read(&query.compression.unwrap_or_default())?;
    let Some(mut message) = query.message else {
        return Err(invalid("a GET needs the parameter message"));
    };
    if query.is_base64 {
        let text = std::mem::take(&mut message);
        base64::decode_both(&text, &mut message)
            .map_err(|base64::NotBase64| invalid("the parameter message is not base64"))?;
    }
    Ok(Get { codec, encoding, message })
}

/// Checks the version of the protocol, reads the timeout, and puts metadata into `metadata`.
///
/// # Errors
/// The status that ends the call.
pub(super) fn read_fields(
    head: &RequestHead<'_>,
    metadata: &mut Metadata,
) -> Result<Option<Duration>, Status> {
    let mut timeout = None;
    for (name, value) in head.fields.iter() {
        match name {
            b"connect-protocol-version" if value != b"1" => {
                let text = "connect-protocol-version is 1 or absent";
                return Err(Status::new(Code::InvalidArgument, text));
            }
            b"connect-timeout-ms" => timeout = Some(read_timeout(value)?),
            _ => metadata::receive(name, value, metadata).map_err(|base64::NotBase64| {
                Status::new(Code::InvalidArgument, "a -bin value is not base64")
            })?,
        }
    }
    Ok(timeout)
}

/// A whole number of milliseconds of at most 10 digits ("Timeout-Milliseconds").
fn read_timeout(value: &[u8]) -> Result<Duration, Status> {
    let is_number = matches!(value.len(), 1..=10) && value.iter().all(u8::is_ascii_digit);
    if !is_number {
        let text = "connect-timeout-ms is a whole number of at most 10 digits";
        return Err(Status::new(Code::InvalidArgument, text));
    }
    let digits = value.iter().map(|digit| u64::from(digit - b'0'));
    Ok(Duration::from_millis(digits.fold(0, |number, digit| number * 10 + digit)))
}
