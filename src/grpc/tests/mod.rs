//! The room as a whole: rules against a peer made by hand, stories of a joined pair, damage.

mod client_rules;
mod hostile;
mod pair;
mod raw;
mod server_rules;
mod speed;
mod standstill;
mod stories;
mod survives;
pub(super) mod trace;
