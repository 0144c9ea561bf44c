//! Where a protocol reports what happened on a connection.
//!
//! A protocol's `receive` turns bytes into calls of these methods, in order. A sink cannot touch
//! the connection that is reporting to it; it notes what it wants done and does it afterwards.

use std::time::Duration;

use super::{Metadata, Status};

/// A call within its connection: a stream id in HTTP/2, a call id in the native protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub u32);

/// What a client said when it began a call.
#[derive(Debug)]
pub struct CallStart<'a> {
    /// The call.
    pub call: CallId,
    /// The full method path: `/package.Service/Method`.
    pub path: &'a str,
    /// The client's metadata.
    pub metadata: &'a Metadata,
    /// How long the client will wait, counted from now.
    pub timeout: Option<Duration>,
}

/// What happens on a server's connection.
pub trait ServerSink {
    /// A client began a call.
    fn call(&mut self, start: CallStart<'_>);
    /// A whole message of a call arrived. With `last` the client has half-closed: nothing more
    /// comes, and [`ServerSink::half_close`] is not reported.
    fn message(&mut self, call: CallId, message: &[u8], last: bool);
    /// The client half-closed without a message.
    fn half_close(&mut self, call: CallId);
    /// The call is over before we finished it: cancelled by the client, reset, refused by a limit
    /// or lost with its connection. Nothing more is reported of it, and nothing can be sent.
    fn cancelled(&mut self, call: CallId, status: Status);
    /// What we queued for the call has drained below the low-water mark
    /// ([`super::Limits::send_low_water_bytes`]) after having been above it.
    fn writable(&mut self, call: CallId);
}

/// What happens on a client's connection.
pub trait ClientSink {
    /// The server's initial metadata, once and before any message, or never (trailers only).
    fn headers(&mut self, call: CallId, metadata: &Metadata);
    /// A whole message arrived.
    fn message(&mut self, call: CallId, message: &[u8]);
    /// The call is over: by the server's trailers, a reset, or the end of the connection.
    /// With `retriable` the server has certainly not begun to work on it.
    fn finished(&mut self, call: CallId, status: Status, retriable: bool);
    /// As [`ServerSink::writable`].
    fn writable(&mut self, call: CallId);
}
