//! What a peer may make us spend, by default.

use std::time::Duration;

/// The limits of one connection. Each is crossed by a test in the room that enforces it.
///
/// [`Limits::DEFAULT`] holds what a server or a client uses unless a flag says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calls that a client may have open at once on one connection
    /// (SETTINGS_MAX_CONCURRENT_STREAMS).
    pub max_concurrent_calls: u32,
    /// A whole header list, counting 32 bytes more for each field (RFC 9113 section 6.5.2).
    pub max_header_list_bytes: u32,
    /// Fields in one header list.
    pub max_header_fields: usize,
    /// CONTINUATION frames after one HEADERS.
    pub max_continuation_frames: u32,
    /// Control replies (PING and SETTINGS acknowledgements, RST_STREAM) that may wait for the peer
    /// to read; beyond it we stop reading from the peer.
    pub max_queued_control_replies: u32,
    /// Streams that may be reset in a burst, by either side, before the connection is closed.
    pub reset_burst: u32,
    /// How fast the burst refills.
    pub resets_per_s: u32,
    /// Frames in a row that carry nothing: empty DATA without END_STREAM, and the like.
    pub max_empty_frames: u32,
    /// From the connection's start to the client's preface and SETTINGS (or native magic).
    pub preface_timeout: Duration,
    /// How long we try to write while the peer takes nothing, before we give the connection up.
    pub write_stall_timeout: Duration,
    /// One message, after framing.
    pub max_message_bytes: usize,
    /// What may be queued for one call before [`ServerSink::writable`](super::ServerSink::writable)
    /// matters: senders should pause above it.
    pub send_high_water_bytes: usize,
    /// Where a paused sender is told to go on.
    pub send_low_water_bytes: usize,
    /// What may be queued for the whole connection before we stop reading from the peer.
    pub max_queued_output_bytes: usize,
    /// What one call may send ahead of us: the receive window of a stream, the credit of a call.
    pub call_window_bytes: u32,
    /// What all calls together may send ahead of us.
    pub connection_window_bytes: u32,
    /// Messages that are not complete yet, over all calls of a connection: what is beyond it waits
    /// for the others, each call with no more than its window.
    pub max_partial_message_bytes: usize,
    /// While memory is short, a message of which nothing came for so long, and at most twice as long, is
    /// given up with its call (over gRPC: no whole frame), unless it waits for us.
    pub unfinished_message_timeout: Duration,
    /// A connection that carries a call and is silent this long is asked for a sign of life.
    pub keepalive_interval: Duration,
    /// How long the sign of life may take.
    pub keepalive_timeout: Duration,
    /// A connection without a call is closed after this long.
    pub idle_timeout: Duration,
}

impl Limits {
    /// The limits in force unless a flag says otherwise.
    pub const DEFAULT: Limits = Limits {
        max_concurrent_calls: 100,
        max_header_list_bytes: 16 * 1024,
        max_header_fields: 100,
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
        unfinished_message_timeout: Duration::from_secs(60),
        keepalive_interval: Duration::from_secs(60),
        keepalive_timeout: Duration::from_secs(20),
        idle_timeout: Duration::from_secs(600),
    };
}

impl Default for Limits {
    fn default() -> Limits {
        Limits::DEFAULT
    }
}
