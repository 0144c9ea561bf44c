//! HTTP/2 (RFC 9113), both roles, without a socket: bytes in, [`Event`]s and bytes out.
//!
//! An HTTP/2 connection carries many *streams* at once. A client opens a stream with a field block
//! (HEADERS), may send content (DATA) and a trailer section behind it, and gets the same back.
//! Everything travels in *frames* of at most 16 KiB. DATA is under *flow control*: each side says
//! how much it will take, per stream and for the whole connection. Field blocks are compressed by
//! [`crate::hpack`], whose state both sides share, so that every block must be decoded, even one
//! that nobody wants.
//!
//! Where the rules live:
//!
//! | file | RFC 9113 |
//! |---|---|
//! | `frame.rs` | sections 4.1, 4.2 and 6: the layout of frames |
//! | `settings.rs` | section 6.5: what each side asks of the other |
//! | `state.rs` | section 5.1: which frame may come in which state |
//! | `flow.rs` | sections 5.2 and 6.9: windows |
//! | `fields.rs` | sections 8.1 to 8.3: what a request and a response must look like |
//! | `stream.rs`, `streams.rs` | one stream, all streams, and how the latest ended |
//! | `output.rs`, `budget.rs` | bytes to write, and what the peer may make us do |
//! | `connection.rs` | a connection: construction, the order of things, the end of it |
//! | `receive.rs`, `control.rs`, `send.rs` | frames on streams, frames on the connection, sending |
//!
//! A peer that breaks a rule never becomes an `Err`: a stream error is answered with RST_STREAM
//! (and [`Event::Reset`] if the user knew the stream), a connection error with GOAWAY (and
//! [`Event::Closed`]).
//!
//! What a peer may make us do is bounded by [`Limits`](crate::call::Limits):
//!
//! | beyond this | happens that |
//! |---|---|
//! | concurrent streams | RST_STREAM(REFUSED_STREAM) |
//! | header list, fields | [`Event::HeadersTooLarge`], or for trailers and responses RST_STREAM |
//! | CONTINUATION frames, frames that carry nothing | GOAWAY(ENHANCE_YOUR_CALM) |
//! | resets, the peer's and those it provokes | GOAWAY(ENHANCE_YOUR_CALM) |
//! | control replies, output that the socket does not take | [`Connection::wants_input`] is false |
//! | queued DATA for which no window opens in time | GOAWAY(ENHANCE_YOUR_CALM) |
//! | time to preface, SETTINGS and acknowledgement | GOAWAY(SETTINGS_TIMEOUT) |
//!
//! Left out: server push (we refuse it as a client and never do it as a server), priorities
//! (deprecated by section 5.3; checked and ignored), CONNECT tunnels, and the upgrade from
//! HTTP/1.1. We never send padding, and no frame above 16,384 bytes.

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

    /// Whether a client may open it.
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
