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
//! (*trailers-only*). A server that ends a call before the client's half-close, resets the stream
//! with NO_ERROR behind the trailers.
//!
//! | part | file |
//! |---|---|
//! | a connection, generic over its role | `connection` |
//! | the role of a server, the role of a client | `server`, `client` |
//! | fields of requests and responses | `request`, `response`, `metadata` |
//! | the values in them | `timeout`, `percent`, `status` |
//! | messages across DATA frames, and their window | `message`, `credit`, `inbound` |
//! | compressed messages | `compression` |
//! | large messages that wait for each other | `reservations` |
//! | the progress of a response, and its status | `response_state` |
//! | violations by a peer, and their status | `fault` |
//! | the open calls | `calls` |
//! | requests that are not gRPC | `exchanges` |
//!
//! Not implemented: encodings other than gzip, and the trailers of a request (they are read and
//! ignored). How many messages a method takes is checked by the layer that knows
//! the methods. Deadlines are enforced by `session`.

mod response_state;
mod calls;
mod client;
mod compression;
mod connection;
mod credit;
mod exchanges;
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

/// The largest field block and metadata whose memory a connection keeps for reuse, in bytes.
const KEPT_FIELD_BYTES: usize = 2048;

/// Releases a large field block.
fn trim(fields: &mut FieldBlock) {
    if fields.capacity_bytes() > KEPT_FIELD_BYTES {
        *fields = FieldBlock::new();
    }
}

/// The payload of our PING frames.
const PING: [u8; 8] = *b"agora\0\0\0";

/// Calls are streams: PROTOCOL-HTTP2.md, "Stream Identification".
fn call_id(stream: StreamId) -> CallId {
    CallId(stream.0)
}

fn stream_id(call: CallId) -> StreamId {
    StreamId(call.0)
}

/// The error code of the GOAWAY for the reason that we end a connection.
fn connection_error(code: Code) -> ErrorCode {
    match code {
        Code::ResourceExhausted => ErrorCode::ENHANCE_YOUR_CALM,
        Code::Internal | Code::Unknown | Code::DataLoss => ErrorCode::INTERNAL_ERROR,
        Code::InvalidArgument => ErrorCode::PROTOCOL_ERROR,
        Code::PermissionDenied | Code::Unauthenticated => ErrorCode::INADEQUATE_SECURITY,
        _ => ErrorCode::NO_ERROR,
    }
}
