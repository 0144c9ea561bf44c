//! The native envelope protocol, both roles: the semantics of gRPC for a fraction of its cost.
//!
//! `schemas/native-envelope.md` defines the bytes, rule by rule; this room implements it. A
//! connection is a row of envelopes in each direction behind the magic `AGR1`:
//!
//! ```text
//! length | kind and flags | id | payload        9 bytes and the payload
//! ```
//!
//! A unary call is one envelope each way: REQUEST with its message and END, MESSAGE with END. A
//! method path is sent once per connection and is a number after that; there is no header
//! compression, since nothing is left to compress.
//!
//! [`ServerConnection`] and [`ClientConnection`] take bytes, tell a [`ServerSink`] or a
//! [`ClientSink`] what they mean, and have bytes to write. From the wire to the application:
//!
//! | file | |
//! |---|---|
//! | `input` | cuts bytes into envelopes, gathers the long ones, skips those beyond the limits |
//! | `envelope` | the nine bytes, and what each kind allows |
//! | `wire` | the protobuf headers inside |
//! | `server`, `client` | the roles: what the peer says (`incoming`), what we say |
//! | `link` | what the roles share: open calls, credit both ways, pings, the way out |
//! | `calls`, `credit`, `paths`, `budget`, `buffer` | the parts of it |
//!
//! What is left out: compression (of headers and messages), priorities, and pieces of messages. A
//! message is one envelope, so that a long one holds up the others on its connection for as long
//! as it is under way. Deadlines, keepalive, idle and stalled connections are the business of
//! `session`, and so is counting handlers that still run for calls that were cancelled.
//!
//! Errors are of three sizes. What is wrong in the header or message of one call ends that call
//! (RST_STREAM's place is taken by TRAILERS and CANCEL). What is wrong with the connection ends it
//! with GO_AWAY and an [`Error`]'s code and reason. What the application gets wrong is refused on
//! the spot: [`CallEnded`], [`StartError`].
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
