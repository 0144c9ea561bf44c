//! The room as a whole: rules against a peer made by hand, stories of a joined pair, damage.

mod client_rules;
mod hostile;
mod pair;
mod raw;
mod server_rules;
mod speed;
mod stalled;
mod transcripts;
mod round_trip;
pub(super) mod trace;
