//! Events that a connection reports to its user.

use crate::hpack::FieldBlock;

use super::{ErrorCode, StreamId};

/// An event. Only [`Event::Data`] borrows from the input.
#[derive(Debug)]
pub enum Event<'i> {
    /// The first field block of a message: a request on a server, a response on a client
    /// (informational ones are checked and dropped). It satisfies RFC 9113 sections 8.1 to 8.3,
    /// except that `:path` need not begin with a slash.
    Headers {
        /// The stream.
        stream: StreamId,
        /// The fields, in order; to be returned with
        /// [`Connection::recycle`](super::Connection::recycle).
        fields: FieldBlock,
        /// The peer sends nothing more on this stream.
        end_stream: bool,
    },
    /// A request whose field block exceeds a limit ([`max_header_list_bytes`], or
    /// [`max_header_fields`]), only on a server. The stream is open for a response.
    ///
    /// [`max_header_list_bytes`]: crate::call::Limits::max_header_list_bytes
    /// [`max_header_fields`]: crate::call::Limits::max_header_fields
    HeadersTooLarge {
        /// The stream.
        stream: StreamId,
        /// The peer sends nothing more on this stream.
        end_stream: bool,
    },
    /// The trailer section: the peer sends nothing more on this stream.
    Trailers {
        /// The stream.
        stream: StreamId,
        /// The fields, in order.
        fields: FieldBlock,
    },
    /// A part of a message, without padding. Empty only with `end_stream`. Its bytes count against
    /// the windows of the stream and of the connection until
    /// [`Connection::release`](super::Connection::release), even after the stream has ended.
    Data {
        /// The stream.
        stream: StreamId,
        /// The part, in the input.
        data: &'i [u8],
        /// The peer sends nothing more on this stream.
        end_stream: bool,
    },
    /// The stream was reset. Its queued DATA is dropped.
    Reset {
        /// The stream.
        stream: StreamId,
        /// The code in RST_STREAM; REFUSED_STREAM for a stream above the last one of a GOAWAY.
        error: ErrorCode,
        /// By the peer; else by us, because the peer violated a rule.
        by_peer: bool,
    },
    /// The queue of the stream has drained to
    /// [`send_low_water_bytes`](crate::call::Limits::send_low_water_bytes) after it was above.
    Writable {
        /// The stream.
        stream: StreamId,
    },
    /// The answer to a [`Connection::ping`](super::Connection::ping).
    Pong {
        /// The eight bytes of the PING.
        opaque: [u8; 8],
    },
    /// The peer accepts no new streams. On a client, those above `last_stream` are reset in the
    /// events that follow. Reported again when the peer lowers `last_stream`.
    GoAway {
        /// The last stream that the peer may have processed.
        last_stream: StreamId,
        /// The error code; NO_ERROR in a graceful shutdown.
        error: ErrorCode,
        /// Human-readable debug data, up to 16 KiB.
        debug: Vec<u8>,
    },
    /// The connection has ended, and with it every open stream: write
    /// [`Connection::output`](super::Connection::output), then close the socket. Reported once, as
    /// the last event.
    Closed {
        /// The code in GOAWAY; NO_ERROR after a graceful shutdown.
        error: ErrorCode,
        /// Human-readable.
        reason: &'static str,
        /// By the peer's GOAWAY; else by us.
        by_peer: bool,
    },
}
