//! HTTP/1.1, the side of a server: RFC 9112, and RFC 9110 where it concerns one connection.
//!
//! A [`ServerConnection`] takes bytes, reports requests to a [`ServerSink`](crate::call::ServerSink), and
//! has bytes to write. What a request means is decided by [`exchange`](crate::exchange).
//!
//! ```text
//!            first byte                  last field             end of the body
//!   Idle ──────────────▶ Head ──────────────▶ Body ──────────────▶ Waiting
//!    ▲                                                                 │ end of the response
//!    └─────────────────────────────────────────────────────────────────┘
//!         an error, or `connection: close`: after the response nothing more is read
//! ```
//!
//! One request is handled at a time. Those that a client has sent behind it (*pipelining*, section
//! 9.3.2) wait unread, so that responses have the order of their requests, and what waits is bounded.
//!
//! | section | what | file |
//! |---|---|---|
//! | 2.2, 5 | lines, fields | `line` |
//! | 2.3, 3 | request line, targets, versions | `request_line` |
//! | 3.2, 6.1 to 6.3, 9.3 | host, which body follows, whether the connection persists | `head` |
//! | 6, 7 | bodies by length and in chunks | `body` |
//! | 4, 6, 7, 9 | responses | `response` |
//! | all | violations, and the status of each | `error` |
//! | 9 | the connection, its deadlines and limits | `connection` |
//! | 9.5, 9.6 | clients that have ended their side, or are not read | `connection/unobserved` |
//! | | bytes that wait for the socket | `output` |
//!
//! A server behind a proxy must agree with it where a request ends, or a client can smuggle one request
//! inside another (section 11.2). So nothing is repaired: a bare CR or LF, a folded line, a space before a
//! colon, two lengths, a length beside a coding, a coding other than `chunked`, and a malformed chunk are
//! refused, and end the connection.
//!
//! Not implemented: the role of a client, upgrades (ignored, section 7.8 of RFC 9110), codings other than
//! `chunked` (501), trailers (checked and dropped, as section 7.1.2 allows), and 411: a request without a
//! length has no body (section 6.3, rule 7).

mod body;
mod connection;
mod error;
mod head;
mod line;
mod output;
mod request_line;
mod response;
#[cfg(test)]
mod tests;

pub use connection::ServerConnection;
pub use error::Error;
