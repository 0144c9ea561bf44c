//! The key-value store: what people keep in a replicated log.
//!
//! - [`state`]: the store itself, a pure state machine: commands in, replies out, and a history of
//!   recent changes for those who watch;
//! - [`service`]: the store behind RPC, on a node of a replicated group;
//! - [`client`]: what programs use to talk to it;
//! - [`contract`]: the names that client and service share.
//!
//! Every committed command has a *revision*: its index in the log. A key knows the revision that
//! created it and the one that changed it last; a watch goes on from the revision that it saw last;
//! revisions only rise.
//!
//! Reads are not in the log. A linearizable one asks the leader's lease, a stale one is answered by
//! any node from what it has applied.

pub mod client;
pub mod contract;
pub mod service;
pub mod state;
