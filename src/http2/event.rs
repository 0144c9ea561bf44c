//! What a connection tells its user.

use crate::hpack::FieldBlock;

use super::{ErrorCode, StreamId};

/// Something that happened. Only [`Event::Data`] borrows, from the input.
#[derive(Debug)]
pub enum Event<'i> {
    /// The first field block of a message: a request on a server, a response on a client
    /// (informational ones are checked and dropped). It obeys RFC 9113 sections 8.1 to 8.3, except
    /// that `:path` may begin with something else than a slash.
    Headers {
        /// The stream.
        stream: StreamId,
        /// The fields, in order; give the memory back with
        /// [`Connection::recycle`](super::Connection::recycle).
        fields: FieldBlock,
        /// The peer sends nothing more on this stream.
        end_stream: bool,
    },
    /// A request whose field block crossed a limit ([`max_header_list_bytes`], or
    /// [`max_header_fields`]), only on a server. The stream is open for an answer.
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
    /// A piece of a message, without padding. Empty only with `end_stream`. Its bytes count
    /// against the stream's and the connection's window until they are given to
    /// [`Connection::release`](super::Connection::release), even after the stream's end.
    Data {
        /// The stream.
        stream: StreamId,
        /// The piece, still in the input.
        data: &'i [u8],
        /// The peer sends nothing more on this stream.
        end_stream: bool,
    },
    /// The stream ended before its time. What was queued for it is dropped.
    Reset {
        /// The stream.
        stream: StreamId,
        /// The code in RST_STREAM; REFUSED_STREAM when the peer's GOAWAY left the stream out.
        error: ErrorCode,
        /// By the peer, or by us because the peer broke a rule.
        by_peer: bool,
    },
    /// What is queued for the stream has drained to
    /// [`send_low_water_bytes`](crate::call::Limits::send_low_water_bytes) after having been above.
    Writable {
        /// The stream.
        stream: StreamId,
    },
    /// The answer to a [`Connection::ping`](super::Connection::ping).
    Pong {
        /// The eight bytes of the ping.
        opaque: [u8; 8],
    },
    /// The peer takes no new streams. On a client, those above `last_stream` are reset in the
    /// events that follow. Comes again when the peer lowers `last_stream`.
    GoAway {
        /// The last stream that the peer may have worked on.
        last_stream: StreamId,
        /// Why.
        error: ErrorCode,
        /// For people, up to 16 KiB.
        debug: Vec<u8>,
    },
    /// The connection is over, and with it every stream still open: write what
    /// [`Connection::output`](super::Connection::output) holds, then close the socket. Comes once,
    /// and last.
    Closed {
        /// The code in GOAWAY; NO_ERROR after a graceful shutdown.
        error: ErrorCode,
        /// For people.
        reason: &'static str,
        /// By the peer's GOAWAY, or by us.
        by_peer: bool,
    },
}
