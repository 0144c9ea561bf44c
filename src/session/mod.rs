//! One connection, in any protocol.
//!
//! A server's port serves gRPC, HTTP/1.1 and the native protocol side by side. A [`ServerSession`] detects
//! the protocol from the first bytes of its connection ([`sniff`]), and then has one interface for
//! all: bytes in, calls reported to a [`ServerSink`](crate::call::ServerSink), answers in, bytes
//! out. A [`ClientSession`] is the same for the client side, which knows its protocol.
//!
//! The session adds what is common to the protocols:
//!
//! - it buffers the bytes of a frame or an envelope that has not arrived completely;
//! - it enforces deadlines on both sides: a server ends the call with `DEADLINE_EXCEEDED`, a
//!   client cancels it;
//! - it sends a keepalive ping to a silent peer while calls are open, closes a connection that is
//!   idle, and closes one whose peer does not read ([`Limits`](crate::call::Limits)).
//!
//! It is sans-IO: its owner does the input and output, and passes the time as a `Duration` since a
//! start of its choice.
//!
//! TLS is a layer below the session.

mod client;
mod deadlines;
mod input;
mod server;
mod sniff;
mod spoken;
mod wire;
mod keepalive;

pub use client::{ClientSession, Protocol, StartError};
pub use server::ServerSession;
pub use sniff::{Compat, Negotiated, Sniffed, is_cleartext_refusal, sniff};
pub use spoken::Spoken;

#[cfg(test)]
mod http_tests;
#[cfg(test)]
mod tests;
