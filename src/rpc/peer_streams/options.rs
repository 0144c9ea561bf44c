//! How a peer stream is set up.

use std::time::Duration;

use crate::call::{Limits, Metadata};
use crate::rpc::ChannelOptions;

/// The target of a peer stream, and its timeouts.
#[derive(Clone, Debug)]
pub struct PeerStreamOptions {
    /// The server: `host:port`, or `address:port`.
    pub target: String,
    /// The method, of any shape that takes many requests.
    pub path: String,
    /// The metadata of the call.
    pub metadata: Metadata,
    /// The first message of the call.
    pub first_message: Vec<u8>,
    /// Protocol, limits and TLS. Its `connect_timeout` covers everything until the stream is up.
    pub channel: ChannelOptions,
    /// Bytes that may be queued for a peer that does not read; messages beyond are dropped.
    pub max_queued_bytes: usize,
    /// The pause after the first of several failures in a row.
    pub first_pause: Duration,
    /// The longest pause after many failures.
    pub longest_pause: Duration,
    /// The pause after the server has ended the call with an error: it is reachable, and will most
    /// likely refuse the next attempt as well.
    pub refused_pause: Duration,
}

impl PeerStreamOptions {
    /// For peers that exchange messages all the time, within one region: an attempt that fails is
    /// repeated after 10 to 50 ms (20 packets a second for a peer that is gone), one that is not
    /// answered after 500 ms; a silent peer is sent a ping after 250 ms and its connection closed
    /// after 500 ms more.
    pub fn new(target: &str, path: &str) -> PeerStreamOptions {
        let limits = Limits {
            keepalive_interval: Duration::from_millis(250),
            keepalive_timeout: Duration::from_millis(500),
            write_stall_timeout: Duration::from_secs(2),
            preface_timeout: Duration::from_millis(500),
            ..Limits::DEFAULT
        };
        PeerStreamOptions {
            target: target.to_owned(),
            path: path.to_owned(),
            metadata: Metadata::new(),
            first_message: Vec::new(),
            channel: ChannelOptions {
                limits,
                connect_timeout: Duration::from_millis(500),
                ..ChannelOptions::default()
            },
            max_queued_bytes: 16 * 1024 * 1024,
            first_pause: Duration::from_millis(10),
            longest_pause: Duration::from_millis(50),
            refused_pause: Duration::from_secs(1),
        }
    }
}
