//! The Connect protocol (connectrpc.com, "Connect Protocol Reference"), the side of a server, for one
//! call, whatever the version of HTTP.
//!
//! A connection of HTTP reads the head of a request and asks [`is_call`]. [`ServerCall::open`] then
//! reads the head as a call, or makes the complete response to a faulty one. Names of sections of the
//! specification stand in quotes where the code follows them; `schemas/http.md` says what is served.
//!
//! | file | |
//! |---|---|
//! | `call` | one call: its request in, its response out |
//! | `request`, `query` | heads of requests, queries of GET |
//! | `envelope` | messages of streams |
//! | `encoding` | gzip and identity |
//! | `metadata` | metadata as fields |
//! | `code`, `error` | codes, errors and ends of streams as JSON |
//! | `refusal` | complete responses to faulty requests |
//! | `catalog` | the methods, read from the compiled descriptors for the first call |
//!
//! # Bounds
//!
//! A message, what it expands to, and what its JSON becomes are at most `Limits::max_message_bytes`
//! each; beyond that a call ends with RESOURCE_EXHAUSTED. What compressed messages expand to before they
//! are consumed is bounded for the connection ([`Room`]), as over gRPC. The JSON of an answer is at most four times
//! as large. A call holds the bytes of one unfinished message, tells how many
//! ([`ServerCall::buffered_bytes`]), and takes no more than the caller has room for. A response to a
//! unary call is held until the call ends, since its head carries the trailing metadata.
//!
//! # Decisions
//!
//! Fields of JSON that a message does not have are ignored, as in other implementations of Connect. A
//! response is compressed if the client accepts gzip and the message has 1 KiB or more; ends of streams
//! and errors never are. GET is for methods that are declared without side effects. A method that
//! takes one message and is sent none or two ends with UNIMPLEMENTED, as gRPC defines.
//!
//! The module is pure. Left out: the side of a client, and encodings other than gzip.

mod call;
mod catalog;
mod code;
mod encoding;
mod envelope;
mod error;
mod metadata;
mod query;
mod refusal;
mod request;

use crate::http::RequestHead;

pub use call::{Opened, Room, ServerCall};
pub use catalog::Catalog;
pub use refusal::{Refusal, permission_denied};

/// Whether a request is to be answered by [`ServerCall::open`]: its path has the two segments of a
/// method's path, and it names a method of the catalog or has the content type or query of a call.
pub fn is_call(head: &RequestHead<'_>, catalog: &Catalog) -> bool {
    let segments = head.path.strip_prefix('/').and_then(|path| path.split_once('/'));
    let is_path = segments.is_some_and(|(service, method)| {
        !service.is_empty() && !method.is_empty() && !method.contains('/')
    });
    is_path
        && (request::ContentType::read(head.text("content-type")).is_some()
            || (head.method == "GET" && query::Query::is_call(head.query))
            || catalog.method(head.path).is_some())
}
