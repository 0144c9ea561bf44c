//! Violations by a client, and the status code of the response to each.

use std::fmt;

use crate::exchange;

/// Why a request is refused and its connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// A line that does not end in CR LF, or has a CR elsewhere.
    LineEnd,
    /// A request line that is not method, target and version with one space between each.
    RequestLine,
    /// More empty lines before a request than clients send by mistake.
    EmptyLines,
    /// A target in none of the four forms, or in one that the method does not have.
    Target,
    /// A request line above the limit.
    TargetTooLong,
    /// A major version other than 1.
    Version,
    /// A field without a name of tokens followed by a colon, or with control characters in its value.
    Field,
    /// A field that continues on another line.
    Folded,
    /// Fields above the limits.
    HeadTooLarge,
    /// No `host`, two of them, or one that is no host.
    Host,
    /// A `content-length` that is not one number.
    Length,
    /// A `content-length` beside a `transfer-encoding`.
    LengthAndCoding,
    /// A transfer coding that is not known.
    UnknownCoding,
    /// `chunked` twice or before another coding, or in a version without chunks.
    Coding,
    /// A chunk with a size that is no number, or without CR LF behind it.
    Chunk,
    /// A line with the size of a chunk above the limit.
    ChunkLineTooLong,
    /// An `expect` other than `100-continue`.
    Expectation,
    /// A body of a request that needs none is above the limit.
    BodyTooLarge,
    /// The head did not arrive in time.
    HeadTimeout,
    /// The body made too little progress.
    BodyTimeout,
}

impl Error {
    /// The status code (RFC 9110 section 15.5).
    pub(super) fn status(self) -> u16 {
        match self {
            Error::TargetTooLong => 414,
            Error::Version => 505,
            Error::HeadTooLarge => 431,
            Error::UnknownCoding => 501,
            Error::Expectation => 417,
            Error::BodyTooLarge => 413,
            Error::HeadTimeout | Error::BodyTimeout => 408,
            _ => 400,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::LineEnd => "a line ends in CR LF, and has no CR elsewhere",
            Error::RequestLine => "a request begins with a method, a target and HTTP/1.1",
            Error::EmptyLines => "too many empty lines before a request",
            Error::Target => "the target of the request is malformed",
            Error::TargetTooLong => "the target of the request is too long",
            Error::Version => "this port speaks HTTP/1.1 and HTTP/2",
            Error::Field => "a field is a name, a colon and a value without control characters",
            Error::Folded => "a field must not continue on another line",
            Error::HeadTooLarge => "the fields of the request are too large or too many",
            Error::Host => "a request has one host field, with a host",
            Error::Length => "a request has at most one content-length, a number",
            Error::LengthAndCoding => "a request has a content-length or a transfer-encoding",
            Error::UnknownCoding => "the only transfer coding here is chunked",
            Error::Coding => "chunked is the last transfer coding, once, in HTTP/1.1",
            Error::Chunk => "a chunk is its size in hexadecimal, CR LF, its bytes, CR LF",
            Error::ChunkLineTooLong => "the line with the size of a chunk is too long",
            Error::Expectation => "the only expectation is 100-continue",
            Error::BodyTooLarge => exchange::BODY_TOO_LARGE,
            Error::HeadTimeout => "the head of the request did not arrive in time",
            Error::BodyTimeout => "the body of the request arrives too slowly",
        })
    }
}
