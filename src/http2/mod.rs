//! HTTP/2 (RFC 9113), both roles, sans-IO: bytes in, [`Event`]s and bytes out.
//!
//! An HTTP/2 connection carries many *streams* at once. A client opens a stream with a field block
//! (HEADERS), may send content (DATA) and a trailer section behind it, and receives the same in
//! return. All of it is sent in *frames* of at most 16 KiB. DATA is under *flow control*: each side
//! announces how much it accepts, per stream and for the whole connection. Field blocks are
//! compressed by [`crate::hpack`], whose state both sides share. So every block must be decoded,
//! even one whose stream was refused.
//!
//! Where the rules are implemented:
//!
//! | file | RFC 9113 |
//! |---|---|
//! | `frame.rs` | sections 4.1, 4.2 and 6: the layout of frames |
//! | `settings.rs` | section 6.5: settings of both sides |
//! | `state.rs` | section 5.1: which frames each stream state allows |
//! | `flow.rs` | sections 5.2 and 6.9: windows |
//! | `fields.rs` | sections 8.1 to 8.3: well-formed requests and responses |
//! | `stream.rs`, `streams.rs` | one stream, all streams, and the recently closed ones |
//! | `output.rs` | bytes to write |
//! | `connection.rs` | a connection: construction, input, limits, shutdown |
//! | `receive.rs`, `control.rs`, `send.rs` | frames on streams, frames on the connection, sending |
//!
//! A peer that breaks a rule never becomes an `Err`: a stream error is answered with RST_STREAM
//! (and [`Event::Reset`] if the user knew the stream), a connection error with GOAWAY (and
//! [`Event::Closed`]).
//!
//! The work and memory that a peer can cause are bounded by [`Limits`](crate::call::Limits):
//!
//! | limit | reaction beyond it |
//! |---|---|
//! | concurrent streams | RST_STREAM(REFUSED_STREAM) |
//! | header list, fields | [`Event::HeadersTooLarge`], or for trailers and responses RST_STREAM |
//! | CONTINUATION frames, frames without content | GOAWAY(ENHANCE_YOUR_CALM) |
//! | resets by the peer, and resets that it provokes | GOAWAY(ENHANCE_YOUR_CALM) |
//! | control replies and output that the socket has not taken | [`Connection::wants_input`] is false |
//! | queued DATA for which the peer opens no window in time | GOAWAY(ENHANCE_YOUR_CALM) |
//! | time to preface, SETTINGS and acknowledgement | GOAWAY(SETTINGS_TIMEOUT) |
//!
//! Not implemented: server push (refused as a client, never used as a server), priorities
//! (deprecated by section 5.3; checked and ignored), CONNECT tunnels, and the upgrade from
//! HTTP/1.1. We send no padding, and no frame above 16,384 bytes.

mod connection;
mod control;
mod error;
mod event;
mod fields;
mod flow;
mod frame;
mod output;
mod receive;
mod send;
mod settings;
mod state;
mod stream;
mod streams;

use std::fmt;

pub use connection::Connection;
use error::Fault;
pub use error::{ErrorCode, OpenError, StreamClosed};
pub use event::Event;
pub use frame::PREFACE;

/// A stream's identifier, 31 bits; 0 is the connection itself. Clients open odd ones, in
/// ascending order (RFC 9113 section 5.1.1).
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(pub u32);

impl StreamId {
    /// The connection itself.
    pub const CONNECTION: StreamId = StreamId(0);
    /// The largest identifier.
    pub const MAX: StreamId = StreamId(0x7fff_ffff);

    /// Whether clients open streams with this identifier (odd).
    pub const fn is_client_initiated(self) -> bool {
        self.0 % 2 == 1
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stream {}", self.0)
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
