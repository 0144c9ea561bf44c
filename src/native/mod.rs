//! The native envelope protocol, both roles: the semantics of gRPC for a fraction of its cost.
//!
//! `schemas/native-envelope.md` defines the bytes, rule by rule; this module implements it, sans-IO. A
//! connection is a sequence of envelopes in each direction behind the magic `AGR1`:
//!
//! ```text
//! length | kind and flags | id | payload        9 bytes and the payload
//! ```
//!
//! A unary call is one envelope each way: REQUEST with its message and END, MESSAGE with END. A
//! method path is sent once per connection and is a number after that. There is no header
//! compression, since nothing is left to compress.
//!
//! [`ServerConnection`] and [`ClientConnection`] take bytes, report events to a [`ServerSink`] or a
//! [`ClientSink`], and have bytes to write. From the wire to the application:
//!
//! | file | |
//! |---|---|
//! | `input` | splits bytes into envelopes, gathers the long ones, skips those beyond the limits |
//! | `envelope` | the nine bytes of the header, and what each kind allows in them |
//! | `wire` | the protobuf headers in the payload |
//! | `server`, `client` | the roles: receiving (`incoming`) and sending |
//! | `connection` | what both roles offer to the layer above, generic over the role |
//! | `link` | the state that both roles share: open calls, credit, pings, scheduling, shutdown |
//! | `calls`, `credit`, `paths`, `buffer` | the parts of `link` |
//!
//! Not implemented: compression (of headers and messages), priorities, and fragments of messages. A
//! message is one envelope, so that a long one delays the others on its connection. Deadlines,
//! keepalive, idle and stalled connections are handled by `session`, and so is the count of handlers
//! that still run for cancelled calls.
//!
//! There are three kinds of errors. An error in the header or message of one call ends that call, with
//! TRAILERS or CANCEL. An error of the connection ends it, with GO_AWAY and the code and reason of an
//! [`Error`]. A mistake of the application is refused at once: [`CallEnded`], [`StartError`].
//!
//! [`ServerSink`]: crate::call::ServerSink
//! [`ClientSink`]: crate::call::ClientSink
//! [`CallEnded`]: crate::call::CallEnded

mod buffer;
mod calls;
mod client;
mod connection;
mod credit;
mod envelope;
mod error;
mod input;
mod link;
mod paths;
mod server;
mod wire;

#[cfg(test)]
mod tests;

pub use client::ClientConnection;
pub use error::{Error, StartError};
pub use server::ServerConnection;
