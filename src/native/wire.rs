//! The protobuf headers, read and written by hand.
//!
//! `proto/agora/native/v1/envelope.proto` documents the messages. Reading allocates only what the
//! caller keeps, skips unknown fields, and checks wire types, lengths and UTF-8. When a singular field
//! is repeated, the last value counts, as protobuf specifies.

use std::time::Duration;

use super::envelope::MAX_GO_AWAY_BYTES;
use crate::call::{Code, Limits, Metadata, Status};
use crate::protobuf::{self, FieldReader, Value, put_varint};

/// The size of a field beside its bytes, as in RFC 9113 section 6.5.2.
const FIELD_COST: usize = 32;
/// The size of a header beside metadata and status message: path id, timeout, code, flag.
const OTHER_FIELDS_BYTES: usize = 64;
/// The longest reason that we put into GO_AWAY, in bytes.
const MAX_REASON_BYTES: usize = 1024;
const _: () = assert!(MAX_REASON_BYTES + OTHER_FIELDS_BYTES <= MAX_GO_AWAY_BYTES);

/// The longest header under these limits, in bytes. A valid field takes at most 18 bytes beside its
/// content, so that a header within the limits is never longer.
pub(super) fn max_header_bytes(limits: &Limits) -> usize {
    limits.max_header_list_bytes as usize + OTHER_FIELDS_BYTES
}

/// A violation in the header of one call. It ends the call and not the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderError {
    /// No valid protobuf message, or text that is not UTF-8.
    Malformed,
    /// A metadata name or value with bytes that are not allowed in it, or a reserved name.
    Metadata,
    /// More metadata than [`Limits::max_header_list_bytes`] or [`Limits::max_header_fields`].
    TooLarge,
}

impl From<protobuf::Error> for HeaderError {
    fn from(_: protobuf::Error) -> HeaderError {
        HeaderError::Malformed
    }
}

impl HeaderError {
    /// The status that the call ends with.
    pub(super) fn status(self) -> Status {
        match self {
            HeaderError::Malformed => Status::new(Code::Internal, "a malformed call header"),
            HeaderError::Metadata => Status::new(Code::Internal, "metadata that is not allowed"),
            HeaderError::TooLarge => {
                Status::new(Code::ResourceExhausted, "more metadata than is allowed")
            }
        }
    }
}

/// The header of a REQUEST without its metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RequestHeader {
    pub(super) path_id: u32,
    pub(super) timeout: Option<Duration>,
}

/// The payload of HELLO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hello {
    pub(super) call_window_bytes: u32,
    pub(super) connection_window_bytes: u32,
    pub(super) max_concurrent_calls: u32,
}

/// The payload of GO_AWAY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GoAway<'a> {
    pub(super) last_call_id: u32,
    pub(super) code: Code,
    pub(super) reason: &'a str,
}

/// The payload of TRAILERS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trailers {
    pub(super) status: Status,
    /// The server has not processed the call.
    pub(super) refused: bool,
}

// Reading.

fn number64(value: Value) -> Result<u64, HeaderError> {
    match value {
        Value::Varint(number) => Ok(number),
        _ => Err(HeaderError::Malformed),
    }
}

fn number32(value: Value) -> Result<u32, HeaderError> {
    u32::try_from(number64(value)?).map_err(|_| HeaderError::Malformed)
}

fn boolean(value: Value) -> Result<bool, HeaderError> {
    match number64(value)? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(HeaderError::Malformed),
    }
}

fn bytes(value: Value<'_>) -> Result<&[u8], HeaderError> {
    match value {
        Value::Bytes(bytes) => Ok(bytes),
        _ => Err(HeaderError::Malformed),
    }
}

fn text(value: Value<'_>) -> Result<&str, HeaderError> {
    std::str::from_utf8(bytes(value)?).map_err(|_| HeaderError::Malformed)
}

/// Counts a header's metadata against the limits while it is read.
struct Count<'a> {
    limits: &'a Limits,
    bytes: usize,
    fields: usize,
}

impl<'a> Count<'a> {
    fn new(limits: &'a Limits) -> Count<'a> {
        Count { limits, bytes: 0, fields: 0 }
    }

    fn add(&mut self, bytes: usize, fields: usize) -> Result<(), HeaderError> {
        self.bytes += bytes;
        self.fields += fields;
        let max_bytes = self.limits.max_header_list_bytes as usize;
        if self.bytes > max_bytes || self.fields > self.limits.max_header_fields {
            return Err(HeaderError::TooLarge);
        }
        Ok(())
    }
}

/// Reads one `MetadataField` and appends it.
fn read_field(payload: &[u8], count: &mut Count, out: &mut Metadata) -> Result<(), HeaderError> {
    let (mut name, mut value) = ("", &[][..]);
    for field in FieldReader::new(payload) {
        let (number, content) = field?;
        match number {
            1 => name = text(content)?,
            2 => value = bytes(content)?,
            _ => {}
        }
    }
    count.add(name.len() + value.len() + FIELD_COST, 1)?;
    out.insert(name, value).map_err(|_| HeaderError::Metadata)
}

/// Reads the header of a REQUEST; its metadata goes to `metadata`, which is cleared first.
pub(super) fn read_request(
    payload: &[u8],
    limits: &Limits,
    metadata: &mut Metadata,
) -> Result<RequestHeader, HeaderError> {
    metadata.clear();
    let mut header = RequestHeader { path_id: 0, timeout: None };
    let mut count = Count::new(limits);
    for field in FieldReader::new(payload) {
        let (number, value) = field?;
        match number {
            1 => header.path_id = number32(value)?,
            2 => header.timeout = timeout(number64(value)?),
            3 => read_field(bytes(value)?, &mut count, metadata)?,
            _ => {}
        }
    }
    Ok(header)
}

fn timeout(us: u64) -> Option<Duration> {
    (us != 0).then(|| Duration::from_micros(us))
}

/// Reads the payload of HEADERS.
pub(super) fn read_headers(
    payload: &[u8],
    limits: &Limits,
    metadata: &mut Metadata,
) -> Result<(), HeaderError> {
    metadata.clear();
    let mut count = Count::new(limits);
    for field in FieldReader::new(payload) {
        let (number, value) = field?;
        if number == 1 {
            read_field(bytes(value)?, &mut count, metadata)?;
        }
    }
    Ok(())
}

/// Reads the payload of TRAILERS.
pub(super) fn read_trailers(payload: &[u8], limits: &Limits) -> Result<Trailers, HeaderError> {
    let mut trailers = Trailers { status: Status::OK, refused: false };
    let mut count = Count::new(limits);
    for field in FieldReader::new(payload) {
        let (number, value) = field?;
        let status = &mut trailers.status;
        match number {
            1 => status.code = Code::from_number(number32(value)?.into()),
            2 => {
                let message = text(value)?;
                count.add(message.len(), 0)?;
                status.message = message.to_owned();
            }
            3 => read_field(bytes(value)?, &mut count, &mut status.metadata)?,
            4 => trailers.refused = boolean(value)?,
            _ => {}
        }
    }
    Ok(trailers)
}

/// Reads the payload of HELLO.
pub(super) fn read_hello(payload: &[u8]) -> Result<Hello, HeaderError> {
    let mut hello =
        Hello { call_window_bytes: 0, connection_window_bytes: 0, max_concurrent_calls: 0 };
    for field in FieldReader::new(payload) {
        let (number, value) = field?;
        match number {
            1 => hello.call_window_bytes = number32(value)?,
            2 => hello.connection_window_bytes = number32(value)?,
            3 => hello.max_concurrent_calls = number32(value)?,
            _ => {}
        }
    }
    Ok(hello)
}

/// Reads the payload of GO_AWAY.
pub(super) fn read_go_away(payload: &[u8]) -> Result<GoAway<'_>, HeaderError> {
    let mut go_away = GoAway { last_call_id: 0, code: Code::Ok, reason: "" };
    for field in FieldReader::new(payload) {
        let (number, value) = field?;
        match number {
            1 => go_away.last_call_id = number32(value)?,
            2 => go_away.code = Code::from_number(number32(value)?.into()),
            3 => go_away.reason = text(value)?,
            _ => {}
        }
    }
    Ok(go_away)
}

// Writing. Fields that have their default value are left out.

fn put_number(out: &mut Vec<u8>, number: u8, value: u64) {
    if value != 0 {
        out.push(number << 3);
        put_varint(out, value);
    }
}

fn put_bytes(out: &mut Vec<u8>, number: u8, value: &[u8]) {
    if !value.is_empty() {
        out.push(number << 3 | 2);
        put_varint(out, value.len() as u64);
        out.extend_from_slice(value);
    }
}

/// The number of bytes that [`put_bytes`] writes for a value of this length, for field numbers below
/// 16.
fn bytes_len(len: usize) -> usize {
    let varint_len = (usize::BITS - (len | 1).leading_zeros()).div_ceil(7) as usize;
    if len == 0 { 0 } else { 1 + varint_len + len }
}

fn put_metadata(out: &mut Vec<u8>, number: u8, metadata: &Metadata) {
    for (name, value) in metadata.iter() {
        out.push(number << 3 | 2);
        put_varint(out, (bytes_len(name.len()) + bytes_len(value.len())) as u64);
        put_bytes(out, 1, name);
        put_bytes(out, 2, value);
    }
}

/// Writes a REQUEST's payload up to its message: the header's length and the header.
///
/// A timeout is truncated to microseconds, but not to 0, which means no timeout.
pub(super) fn write_request(out: &mut Vec<u8>, header: RequestHeader, metadata: &Metadata) {
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    put_number(out, 1, header.path_id.into());
    if let Some(timeout) = header.timeout {
        let us = u64::try_from(timeout.as_micros()).unwrap_or(u64::MAX);
        put_number(out, 2, us.max(1));
    }
    put_metadata(out, 3, metadata);
    // A header beyond 4 GiB makes the envelope too long, so that it is not sent.
    let len = u32::try_from(out.len() - at - 4).unwrap_or(u32::MAX);
    out[at..at + 4].copy_from_slice(&len.to_be_bytes());
}

/// Writes the payload of HEADERS.
pub(super) fn write_headers(out: &mut Vec<u8>, metadata: &Metadata) {
    put_metadata(out, 1, metadata);
}

/// Writes the payload of TRAILERS.
pub(super) fn write_trailers(out: &mut Vec<u8>, status: &Status, refused: bool) {
    put_number(out, 1, status.code.number().into());
    put_bytes(out, 2, status.message.as_bytes());
    put_metadata(out, 3, &status.metadata);
    put_number(out, 4, refused.into());
}

/// Writes the payload of HELLO.
pub(super) fn write_hello(out: &mut Vec<u8>, hello: Hello) {
    put_number(out, 1, hello.call_window_bytes.into());
    put_number(out, 2, hello.connection_window_bytes.into());
    put_number(out, 3, hello.max_concurrent_calls.into());
}

/// Writes the payload of GO_AWAY; a long reason is truncated.
pub(super) fn write_go_away(out: &mut Vec<u8>, go_away: GoAway<'_>) {
    let reason = &go_away.reason[..go_away.reason.floor_char_boundary(MAX_REASON_BYTES)];
    put_number(out, 1, go_away.last_call_id.into());
    put_number(out, 2, go_away.code.number().into());
    put_bytes(out, 3, reason.as_bytes());
}
