//! Limits on what a peer can make this process spend.

use std::time::Duration;

/// The limits of one connection. Each is crossed by a test of the module that enforces it.
///
/// [`Limits::DEFAULT`] holds what a server or a client uses unless a flag says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calls that a client may have open at once on one connection
    /// (SETTINGS_MAX_CONCURRENT_STREAMS).
    pub max_concurrent_calls: u32,
    /// The size of a header list, counting 32 bytes more for each field (RFC 9113 section 6.5.2).
    pub max_header_list_bytes: u32,
    /// Fields in one header list.
    pub max_header_fields: usize,
    /// The first line of a request of HTTP/1.1, without its end.
    pub max_request_line_bytes: usize,
    /// A line with the size and the extensions of a chunk in HTTP/1.1.
    pub max_chunk_line_bytes: usize,
    /// Bytes behind a request of HTTP/1.1 that may wait until it is answered. Beyond it nothing is
    /// read from the client, but for the rest of one read.
    pub max_pipelined_bytes: usize,
    /// How long a request of HTTP/1.1 may stay open while it cannot be noticed whether its client is still
    /// there: it has ended its side, or more waits behind the request than
    /// [`max_pipelined_bytes`](Self::max_pipelined_bytes). A streaming response ends at once.
    pub unobserved_timeout: Duration,
    /// The rest of a body that is dropped, so that the connection can persist after the response. A
    /// longer one ends the connection.
    pub max_dropped_body_bytes: usize,
    /// From the first byte of a request of HTTP/1.1 to the end of its head.
    pub request_head_timeout: Duration,
    /// In each such period of a body in HTTP/1.1 at least
    /// [`min_body_progress_bytes`](Self::min_body_progress_bytes) must arrive.
    pub request_body_timeout: Duration,
    /// See [`request_body_timeout`](Self::request_body_timeout).
    pub min_body_progress_bytes: usize,
    /// CONTINUATION frames after one HEADERS.
    pub max_continuation_frames: u32,
    /// Control replies (PING and SETTINGS acknowledgements, RST_STREAM) that may wait for the peer
    /// to read. Beyond it nothing is read from the peer.
    pub max_queued_control_replies: u32,
    /// Streams that may be reset in a burst, by either side, before the connection is closed.
    pub reset_burst: u32,
    /// How fast the burst budget refills.
    pub resets_per_s: u32,
    /// Consecutive frames without effect, such as empty DATA without END_STREAM.
    pub max_empty_frames: u32,
    /// From the start of the connection to the client's preface and SETTINGS (or the native magic).
    pub preface_timeout: Duration,
    /// How long output may be blocked by a peer that does not read, before the connection is
    /// closed.
    pub write_stall_timeout: Duration,
    /// The size of one message, without framing.
    pub max_message_bytes: usize,
    /// Bytes that may be queued for one call before
    /// [`ServerSink::writable`](super::ServerSink::writable) matters: senders should pause above
    /// it.
    pub send_high_water_bytes: usize,
    /// Queued bytes at which a paused sender is notified.
    pub send_low_water_bytes: usize,
    /// Bytes that may be queued for the whole connection before nothing more is read from the peer.
    pub max_queued_output_bytes: usize,
    /// The receive window of one call: the window of an HTTP/2 stream, the credit of a native call.
    pub call_window_bytes: u32,
    /// The receive window of all calls together.
    pub connection_window_bytes: u32,
    /// Bytes of unfinished messages, over all calls of a connection. Beyond it a call has to wait
    /// for the others, and holds no more than its window.
    pub max_partial_message_bytes: usize,
    /// Bytes of messages that wait to be consumed, over all calls of a connection, up to which
    /// compressed ones are expanded. The receive windows do not bound what they expand to.
    pub max_expanded_bytes: usize,
    /// While memory is short, a call whose unfinished message made no progress for this long (at
    /// most twice as long; over gRPC: no complete frame) ends, unless the message waits for window.
    pub unfinished_message_timeout: Duration,
    /// A connection with an open call that is silent for this long is sent a ping.
    pub keepalive_interval: Duration,
    /// How long the answer to the ping may take.
    pub keepalive_timeout: Duration,
    /// A connection without an open call is closed after this long.
    pub idle_timeout: Duration,
    /// Between two pings of a client that has a call open, unless the server sends something of a
    /// call; zero turns the limit on pings off. Shorter than gRPC's default of 5 minutes, since our
    /// own clients ping every 2 s to notice the failure of a node.
    pub min_ping_interval: Duration,
    /// A client's connection ends gracefully after this long.
    pub max_connection_age: Duration,
    /// How long a connection that has reached its age waits for its open calls.
    pub max_connection_age_grace: Duration,
    /// A call ends after this long, whatever its deadline, unless its method
    /// [may stay open](super::ServerSink::may_stay_open).
    pub max_call_age: Duration,
}

impl Limits {
    /// The limits unless a flag changes them.
    pub const DEFAULT: Limits = Limits {
        max_concurrent_calls: 100,
        max_header_list_bytes: 16 * 1024,
        max_header_fields: 100,
        max_request_line_bytes: 8 * 1024,
        max_chunk_line_bytes: 256,
        max_pipelined_bytes: 16 * 1024,
        unobserved_timeout: Duration::from_secs(60),
        max_dropped_body_bytes: 64 * 1024,
        request_head_timeout: Duration::from_secs(10),
        request_body_timeout: Duration::from_secs(20),
        min_body_progress_bytes: 1024,
        max_continuation_frames: 8,
        max_queued_control_replies: 100,
        reset_burst: 200,
        resets_per_s: 33,
        max_empty_frames: 100,
        preface_timeout: Duration::from_secs(10),
        write_stall_timeout: Duration::from_secs(60),
        max_message_bytes: 4 * 1024 * 1024,
        send_high_water_bytes: 1024 * 1024,
        send_low_water_bytes: 256 * 1024,
        max_queued_output_bytes: 8 * 1024 * 1024,
        call_window_bytes: 256 * 1024,
        connection_window_bytes: 1024 * 1024,
        max_partial_message_bytes: 16 * 1024 * 1024,
        max_expanded_bytes: 32 * 1024 * 1024,
        unfinished_message_timeout: Duration::from_secs(60),
        keepalive_interval: Duration::from_secs(60),
        keepalive_timeout: Duration::from_secs(20),
        idle_timeout: Duration::from_secs(600),
        min_ping_interval: Duration::from_secs(1),
        max_connection_age: Duration::MAX,
        max_connection_age_grace: Duration::from_secs(60),
        max_call_age: Duration::MAX,
    };
}

impl Default for Limits {
    fn default() -> Limits {
        Limits::DEFAULT
    }
}
