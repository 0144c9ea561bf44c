//! Tests of RFC 9113 through the public interface: bytes in, events and frames out. One test for each
//! requirement, with its section in the name.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test may give up")]

#[path = "support/seed.rs"]
mod seed;

#[path = "http2/pair.rs"]
mod pair;
#[path = "http2/peer.rs"]
mod peer;
#[path = "http2/wire.rs"]
mod wire;

#[path = "http2/agreement.rs"]
mod agreement;
#[path = "http2/control_frames.rs"]
mod control_frames;
#[path = "http2/flow_control.rs"]
mod flow_control;
#[path = "http2/frames_of_streams.rs"]
mod frames_of_streams;
#[path = "http2/framing.rs"]
mod framing;
#[path = "http2/hostile.rs"]
mod hostile;
#[path = "http2/limits.rs"]
mod limits;
#[path = "http2/messages.rs"]
mod messages;
#[path = "http2/speed.rs"]
mod speed;
#[path = "http2/starting.rs"]
mod starting;
#[path = "http2/transcripts.rs"]
mod transcripts;
#[path = "http2/stream_states.rs"]
mod stream_states;
