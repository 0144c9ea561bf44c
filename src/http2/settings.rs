//! Settings of both sides (RFC 9113 section 6.5).

use super::frame::{Kind, flag, header_bytes};
use super::{ErrorCode, Fault, StreamId};
use crate::call::Limits;

/// Identifiers of section 6.5.2.
mod id {
    pub const HEADER_TABLE_SIZE: u16 = 0x1;
    pub const ENABLE_PUSH: u16 = 0x2;
    pub const MAX_CONCURRENT_STREAMS: u16 = 0x3;
    pub const INITIAL_WINDOW_SIZE: u16 = 0x4;
    pub const MAX_FRAME_SIZE: u16 = 0x5;
    pub const MAX_HEADER_LIST_SIZE: u16 = 0x6;
}

/// The default initial window of a stream, and the initial window of the connection, in bytes.
pub const DEFAULT_WINDOW: u32 = 65_535;

/// The largest window in bytes (section 6.9.1).
pub const MAX_WINDOW: u32 = 0x7fff_ffff;

/// How many streams a client opens before the server's SETTINGS. Section 6.5.2 has no limit then,
/// but recommends that servers allow at least 100.
const STREAMS_BEFORE_SETTINGS: u32 = 100;

/// The settings of the peer. The initial values are those of section 6.5.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerSettings {
    /// The largest dynamic table of the peer's decoder, in bytes.
    pub header_table_size: u32,
    /// How many concurrent streams a client may open.
    pub max_concurrent_streams: u32,
    /// The initial send window of a stream, in bytes.
    pub initial_window_size: u32,
}

impl PeerSettings {
    /// The settings before the peer's first SETTINGS frame.
    pub const fn new() -> PeerSettings {
        PeerSettings {
            header_table_size: 4096,
            max_concurrent_streams: STREAMS_BEFORE_SETTINGS,
            initial_window_size: DEFAULT_WINDOW,
        }
    }

    /// Applies the payload of a SETTINGS frame, in order; a later value overrides an earlier one.
    /// `from_server` is true if the peer is a server.
    ///
    /// # Errors
    /// A connection error: FRAME_SIZE_ERROR for a length that is not a multiple of 6,
    /// PROTOCOL_ERROR or FLOW_CONTROL_ERROR for a value out of its range (section 6.5.2).
    pub(super) fn apply(&mut self, payload: &[u8], from_server: bool) -> Result<(), Fault> {
        let (entries, rest) = payload.as_chunks::<6>();
        if !rest.is_empty() {
            return Err(Fault::frame_size("the length of SETTINGS is not a multiple of 6"));
        }
        for &[i0, i1, v0, v1, v2, v3] in entries {
            let value = u32::from_be_bytes([v0, v1, v2, v3]);
            match u16::from_be_bytes([i0, i1]) {
                id::HEADER_TABLE_SIZE => self.header_table_size = value,
                id::ENABLE_PUSH if value > u32::from(!from_server) => {
                    return Err(Fault::protocol("SETTINGS_ENABLE_PUSH has a forbidden value"));
                }
                id::MAX_CONCURRENT_STREAMS => self.max_concurrent_streams = value,
                id::INITIAL_WINDOW_SIZE if value > MAX_WINDOW => {
                    return Err(Fault::Connection(
                        ErrorCode::FLOW_CONTROL_ERROR,
                        "SETTINGS_INITIAL_WINDOW_SIZE is above 2^31 - 1",
                    ));
                }
                id::INITIAL_WINDOW_SIZE => self.initial_window_size = value,
                id::MAX_FRAME_SIZE if !(16_384..=16_777_215).contains(&value) => {
                    return Err(Fault::protocol("SETTINGS_MAX_FRAME_SIZE is out of its range"));
                }
                // MAX_FRAME_SIZE has no effect, since our frames never exceed its minimum, and
                // neither has ENABLE_PUSH, since we never push. MAX_HEADER_LIST_SIZE is advisory.
                // Unknown settings are ignored (section 6.5.2).
                _ => {}
            }
        }
        Ok(())
    }

    /// Removes the limit on streams that is assumed before the server's first SETTINGS.
    pub fn remove_provisional_limit(&mut self) {
        self.max_concurrent_streams = u32::MAX;
    }
}

/// Our settings, which are sent once at the start of the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalSettings {
    /// Whether SETTINGS_ENABLE_PUSH = 0 is sent: by a client, not by a server.
    pub refuse_push: bool,
    /// SETTINGS_MAX_CONCURRENT_STREAMS; sent by a server. A client accepts no pushed streams anyway.
    pub max_concurrent_streams: Option<u32>,
    /// SETTINGS_INITIAL_WINDOW_SIZE.
    pub initial_window_size: u32,
    /// SETTINGS_MAX_HEADER_LIST_SIZE.
    pub max_header_list_size: u32,
}

impl LocalSettings {
    /// The settings of a server with these limits.
    pub fn of_server(limits: &Limits) -> LocalSettings {
        LocalSettings {
            refuse_push: false,
            max_concurrent_streams: Some(limits.max_concurrent_calls),
            ..LocalSettings::of_client(limits)
        }
    }

    /// The settings of a client with these limits.
    pub fn of_client(limits: &Limits) -> LocalSettings {
        LocalSettings {
            refuse_push: true,
            max_concurrent_streams: None,
            initial_window_size: limits.call_window_bytes.min(MAX_WINDOW),
            max_header_list_size: limits.max_header_list_bytes,
        }
    }

    /// Writes the SETTINGS frame.
    pub fn write(&self, out: &mut Vec<u8>) {
        let entries = [
            (id::ENABLE_PUSH, self.refuse_push.then_some(0)),
            (id::MAX_CONCURRENT_STREAMS, self.max_concurrent_streams),
            (id::INITIAL_WINDOW_SIZE, Some(self.initial_window_size)),
            (id::MAX_HEADER_LIST_SIZE, Some(self.max_header_list_size)),
        ];
        let present = || entries.iter().filter_map(|&(id, value)| Some((id, value?)));
        let len = 6 * present().count();
        out.extend_from_slice(&header_bytes(len, Kind::Settings, 0, StreamId::CONNECTION));
        for (id, value) in present() {
            out.extend_from_slice(&id.to_be_bytes());
            out.extend_from_slice(&value.to_be_bytes());
        }
    }
}

/// Writes the acknowledgement of the peer's SETTINGS.
pub fn write_ack(out: &mut Vec<u8>) {
    out.extend_from_slice(&header_bytes(0, Kind::Settings, flag::ACK, StreamId::CONNECTION));
}
