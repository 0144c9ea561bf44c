//! Errors and the ends of streams as JSON ("Error-End-Stream", "EndStreamResponse").

use super::{code, metadata};
use crate::call::Status;
use crate::json::quote;
use crate::protobuf::{first_text, parts};
use crate::text::base64;

/// `google.rpc.Status` and `google.protobuf.Any`.
const STATUS_DETAILS: u32 = 3;
const ANY_TYPE_URL: u32 = 1;
const ANY_VALUE: u32 = 2;

/// Appends the error that a call ends with: `{"code": ..., "message": ..., "details": ...}`.
pub(super) fn write_error(status: &Status, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"code\":");
    quote(code::name(status.code), out);
    if !status.message.is_empty() {
        out.extend_from_slice(b",\"message\":");
        quote(&status.message, out);
    }
    write_details(status, out);
    out.push(b'}');
}

/// Appends the message that ends a stream: the error, and trailing metadata.
pub(super) fn write_end_of_stream(status: &Status, out: &mut Vec<u8>) {
    out.push(b'{');
    if !status.is_ok() {
        out.extend_from_slice(b"\"error\":");
        write_error(status, out);
    }
    let trailers = metadata::by_name(status);
    if !trailers.is_empty() {
        out.extend_from_slice(if status.is_ok() { b"\"metadata\":{" } else { b",\"metadata\":{" });
        for (index, (name, values)) in trailers.iter().enumerate() {
            separate(index, out);
            quote(&String::from_utf8_lossy(name), out);
            out.extend_from_slice(b":[");
            for (index, value) in values.iter().enumerate() {
                separate(index, out);
                quote(&String::from_utf8_lossy(value), out);
            }
            out.push(b']');
        }
        out.push(b'}');
    }
    out.push(b'}');
}

/// The details of a rich error of gRPC (`google.rpc.Status`); none if it is malformed.
fn write_details(status: &Status, out: &mut Vec<u8>) {
    let name = String::from_utf8_lossy(metadata::DETAILS);
    let Some(rich) = status.metadata.get(&name) else { return };
    let details = parts(rich, STATUS_DETAILS).map_while(Result::ok).filter_map(|any| {
        let value = parts(any, ANY_VALUE).next().transpose().ok()?.unwrap_or_default();
        Some((first_text(any, ANY_TYPE_URL).ok()?, value))
    });
    let mut any_written = false;
    for (index, (url, value)) in details.enumerate() {
        out.extend_from_slice(if index == 0 {
            b",\"details\":[{\"type\":"
        } else {
            b",{\"type\":"
        });
        any_written = true;
        quote(url.rsplit('/').next().unwrap_or(url), out);
        out.extend_from_slice(b",\"value\":\"");
        base64::encode(value, out);
        out.extend_from_slice(b"\"}");
    }
    if any_written {
        out.push(b']');
    }
}

fn separate(index: usize, out: &mut Vec<u8>) {
    if index > 0 {
        out.push(b',');
    }
}
