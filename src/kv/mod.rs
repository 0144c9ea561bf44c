//! The key-value store, a state machine in a replicated log. `README.md` beside this file is its
//! guide.
//!
//! - [`state`]: the store as a pure state machine: commands in, replies out, and a history of
//!   recent changes for watches;
//! - [`service`]: the store's calls, on a node of a replicated group;
//! - [`client`]: the library for programs that use the store;
//! - [`contract`]: names that client and service share.
//!
//! Every committed command has a *revision*: its index in the log. Revisions only rise. Each key
//! has the revision that created it and the revision that changed it last. A watch resumes after
//! the last revision that it has received.
//!
//! Reads are not in the log. The leader answers a linearizable read under its lease. Any node
//! answers a stale read from the state that it has applied.

pub mod client;
pub mod contract;
pub mod service;
pub mod state;
