//! What runs a node of a replicated group around the pure core of [`raft`](crate::raft).
//!
//! - [`state`]: the state machine, its clients' sessions, and how far both are (pure)

pub mod state;
