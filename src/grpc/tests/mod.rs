//! Tests of the whole module: rules against a hand-written peer, transcripts of a connected pair,
//! damaged input.

mod client_rules;
#[cfg(feature = "gzip")]
mod compressed;
mod hostile;
mod pair;
mod raw;
mod server_rules;
mod speed;
mod stalled;
mod transcripts;
mod round_trip;
pub(super) mod trace;
