//! One connection, whichever protocol it speaks.
//!
//! A server's port serves gRPC and the native protocol side by side. A [`ServerSession`] looks at
//! the first bytes of its connection ([`sniff`]), becomes one or the other, and from then on has
//! one face: bytes in, calls reported to a [`ServerSink`](crate::call::ServerSink), answers in,
//! bytes out. A [`ClientSession`] is the same for the side that connects and knows what it speaks.
//!
//! The session adds what belongs to a connection or a call whatever the protocol:
//!
//! - it keeps the bytes of a frame or an envelope that has not arrived whole;
//! - it enforces deadlines on both sides: a server ends the call with `DEADLINE_EXCEEDED`, a
//!   client cancels it;
//! - it asks a silent peer for a sign of life while calls are open, closes a connection that is
//!   idle, and gives up on a peer that takes no bytes ([`Limits`](crate::call::Limits)).
//!
//! It is pure: the time comes in as a `Duration` since some start that its owner chose.
//!
//! TLS is not here: it changes bytes into bytes, below the session.

mod client;
mod deadlines;
mod input;
mod server;
mod sniff;
mod keepalive;

pub use client::{ClientSession, Protocol, StartError};
pub use server::ServerSession;
pub use sniff::{Compat, Sniffed, sniff};

#[cfg(test)]
mod tests;
