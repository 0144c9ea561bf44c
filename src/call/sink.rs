//! The traits to which a protocol reports the events of a connection.
//!
//! A protocol's `receive` turns bytes into calls of these methods, in order. A sink cannot access
//! the connection that reports to it; it records its answers and sends them afterwards.

use std::time::Duration;

use super::{Code, Metadata, ResourceRequest, Status};

/// A call within its connection: a stream id in HTTP/2, a call id in the native protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub u32);

/// The start of a call.
#[derive(Debug)]
pub struct CallStart<'a> {
    /// The call.
    pub call: CallId,
    /// The full method path: `/package.Service/Method`.
    pub path: &'a str,
    /// The client's metadata.
    pub metadata: &'a Metadata,
    /// The client's timeout, counted from now.
    pub timeout: Option<Duration>,
}

/// A request that the protocol has answered by itself, so that it never became a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedRequest<'a> {
    /// A call, with the code that its client received.
    Call {
        /// The path that the client sent; empty if none was read.
        path: &'a str,
        /// The code.
        code: Code,
    },
    /// Another request of HTTP.
    Http {
        /// The path that the client sent; empty if none was read.
        path: &'a str,
        /// The status code of HTTP that its client received.
        status: u16,
    },
}

/// The events of a server's connection.
pub trait ServerSink {
    /// A client started a call.
    fn call(&mut self, start: CallStart<'_>);
    /// A client asks for a resource. The answer is one
    /// [`ResourceResponse`](super::ResourceResponse); the only event that may follow is
    /// [`cancelled`](Self::cancelled). Not reported by the native protocol.
    fn resource(&mut self, _call: CallId, _request: ResourceRequest<'_>) {}
    /// The next [message](Self::message) of the call was compressed.
    fn compressed(&mut self, _call: CallId) {}
    /// A complete message of a call arrived. With `last` the client has half-closed: no more
    /// messages follow, and [`ServerSink::half_close`] is not reported.
    fn message(&mut self, call: CallId, message: &[u8], last: bool);
    /// The client half-closed without a message.
    fn half_close(&mut self, call: CallId);
    /// The call is over before the server finished it: cancelled by the client, reset, refused by a
    /// limit or lost with its connection. No more events are reported for it, and nothing can be
    /// sent.
    fn cancelled(&mut self, call: CallId, status: Status);
    /// A request was answered without one of the other events, for the record.
    fn refused(&mut self, _request: RefusedRequest<'_>) {}
    /// The call's queue has drained below the low-water mark
    /// ([`super::Limits::send_low_water_bytes`]) after having been above it.
    fn writable(&mut self, call: CallId);
    /// Whether calls of this method may stay open for longer than
    /// [`Limits::max_call_age`](super::Limits::max_call_age), because they wait for events. Not
    /// asked when there is no such limit.
    fn may_stay_open(&self, _path: &str) -> bool {
        false
    }
}

/// The events of a client's connection.
pub trait ClientSink {
    /// The server's initial metadata, once and before any message, or never (trailers only).
    fn headers(&mut self, call: CallId, metadata: &Metadata);
    /// The next [message](Self::message) of the call was compressed.
    fn compressed(&mut self, _call: CallId) {}
    /// A complete message arrived.
    fn message(&mut self, call: CallId, message: &[u8]);
    /// The call is over: by the server's trailers, a reset, or the end of the connection. With
    /// `retriable` the server has certainly not started to process it.
    fn finished(&mut self, call: CallId, status: Status, retriable: bool);
    /// As [`ServerSink::writable`].
    fn writable(&mut self, call: CallId);
}
