//! Responses: status line, fields, and content by length or in chunks (RFC 9112 sections 4, 6, 7).

use std::io::Write;

use crate::http::ResponseHead;

/// The interim response that lets a client send its body (RFC 9110 section 15.2.1).
pub(super) const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
/// The end of a body in chunks.
pub(super) const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// How the end of a response's content is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// There is no content: 1xx, 204, 304.
    None,
    /// So many bytes; for HEAD of the content that GET would have.
    Length(usize),
    Chunked,
    /// The end of the connection, for HTTP/1.0.
    Close,
}

/// Whether the connection persists, as the response tells the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Persistence {
    /// It does, which HTTP/1.1 need not be told.
    Implied,
    /// It does, which HTTP/1.0 must be told.
    KeepAlive,
    Close,
}

/// Writes the head of a response.
pub(super) fn write_head(
    head: &ResponseHead,
    framing: Framing,
    persistence: Persistence,
    date: Option<&str>,
    out: &mut Vec<u8>,
) {
    // Writing to a vector does not fail.
    let _ = write!(out, "HTTP/1.1 {} {}\r\n", head.status, reason(head.status));
    for (name, value) in head.fields.iter() {
        out.extend_from_slice(name);
        out.extend_from_slice(b": ");
        // Handlers give printable texts; a line end would begin another field.
        out.extend(value.iter().filter(|byte| !byte.is_ascii_control()));
        out.extend_from_slice(b"\r\n");
    }
    if let Some(date) = date {
        let _ = write!(out, "date: {date}\r\n");
    }
    match framing {
        Framing::Length(bytes) => drop(write!(out, "content-length: {bytes}\r\n")),
        Framing::Chunked => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        Framing::None | Framing::Close => {}
    }
    out.extend_from_slice(match persistence {
        Persistence::Implied => b"",
        Persistence::KeepAlive => b"connection: keep-alive\r\n",
        Persistence::Close => b"connection: close\r\n",
    });
    out.extend_from_slice(b"\r\n");
}

/// Writes content as a chunk.
pub(super) fn write_chunk(content: &[u8], out: &mut Vec<u8>) {
    // As above; a chunk without bytes would end the body.
    if !content.is_empty() {
        let _ = write!(out, "{:x}\r\n", content.len());
        out.extend_from_slice(content);
        out.extend_from_slice(b"\r\n");
    }
}

/// The reason phrase; it may be empty (RFC 9112 section 4).
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        417 => "Expectation Failed",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        499 => "Client Closed Request",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}
