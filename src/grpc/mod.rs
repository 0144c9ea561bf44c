//! gRPC over HTTP/2: calls out of streams, for a server and for a client.
//!
//! The rules are gRPC's own documents: PROTOCOL-HTTP2.md ("gRPC over HTTP2"), compression.md,
//! statuscodes.md and http-grpc-status-mapping.md. A call is an HTTP/2 stream:
//!
//! ```text
//!   client                                              server
//!     HEADERS  :method POST, :path /package.Service/Method, grpc-timeout, metadata  ──▶
//!     DATA     length-prefixed messages ...                                         ──▶
//!     DATA     END_STREAM (half-close)                                              ──▶
//!                          ◀──  HEADERS  :status 200, metadata
//!                          ◀──  DATA     length-prefixed messages ...
//!                          ◀──  HEADERS  END_STREAM, grpc-status, grpc-message, metadata
//! ```
//!
//! A call that fails before its first message is answered by the last HEADERS alone
//! (*trailers-only*). A side that is done before the other resets the stream with NO_ERROR.
//!
//! | what | file |
//! |---|---|
//! | a server's connection, a client's connection | `server`, `client` |
//! | fields of requests and responses | `request`, `response`, `metadata` |
//! | the values in them | `timeout`, `percent`, `base64`, `status` |
//! | messages across DATA frames, and their window | `message`, `credit`, `inbound` |
//! | how far an answer has come, and its status | `response_state` |
//! | what a peer did wrong, and its status | `fault` |
//! | the open calls | `calls` |
//!
//! What is left out: compression (we offer and accept `identity` only), the trailers of a request
//! (read, and nothing in them is used), and how many messages a method takes, which the room that
//! knows methods decides. Deadlines are enforced by `session`.

mod response_state;
mod base64;
mod calls;
mod client;
mod connection;
mod credit;
mod fault;
mod inbound;
mod message;
mod metadata;
mod percent;
mod request;
mod reservations;
mod response;
mod server;
mod status;
#[cfg(test)]
mod tests;
mod timeout;

use crate::call::{CallId, Code};
use crate::hpack::FieldBlock;
use crate::http2::{ErrorCode, StreamId};

pub use client::{ClientConnection, StartError};
pub use server::ServerConnection;

/// What a connection keeps of the memory for one field block, and for its metadata.
const KEPT_FIELD_BYTES: usize = 2048;

/// Gives back a field block that has grown large.
fn trim(fields: &mut FieldBlock) {
    if fields.capacity_bytes() > KEPT_FIELD_BYTES {
        *fields = FieldBlock::new();
    }
}

/// What our PING frames carry.
const PING: [u8; 8] = *b"agora\0\0\0";

/// Calls are streams: PROTOCOL-HTTP2.md, "Stream Identification".
fn call_id(stream: StreamId) -> CallId {
    CallId(stream.0)
}

fn stream_id(call: CallId) -> StreamId {
    StreamId(call.0)
}

/// The error code of a GOAWAY that says why we end a connection.
fn connection_error(code: Code) -> ErrorCode {
    match code {
        Code::ResourceExhausted => ErrorCode::ENHANCE_YOUR_CALM,
        Code::Internal | Code::Unknown | Code::DataLoss => ErrorCode::INTERNAL_ERROR,
        Code::InvalidArgument => ErrorCode::PROTOCOL_ERROR,
        Code::PermissionDenied | Code::Unauthenticated => ErrorCode::INADEQUATE_SECURITY,
        _ => ErrorCode::NO_ERROR,
    }
}
