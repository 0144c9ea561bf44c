//! What runs a node of a replicated group around the pure core of [`raft`](crate::raft).
//!
//! - [`state`]: the state machine, its clients' sessions, and how far both are (pure)
//! - [`recovery`]: from what storage found to what the core begins with (pure)
//! - [`storage`]: the plain-text files in which a node keeps its log, its snapshot and what else it
//!   must remember
//! - [`clock`]: the clocks of leases and of people
//! - [`contract`]: names that clients know
//! - [`node`]: a node on the thread of an RPC server
//! - [`engine`]: a node without its world: what is to be done for peers, disk and callers (pure)
//! - [`membership`]: which nodes are voters (pure)
//! - [`dump`]: what happened, for people
//! - [`wire`]: the messages of nodes as bytes (pure)
//! - [`transport`]: the ways to the other nodes of a group
//! - [`cluster_client`]: the ways of a client to the nodes of a group

pub mod clock;
pub mod contract;
pub mod dump;
pub mod engine;
pub mod membership;
pub mod node;
pub mod recovery;
pub mod cluster_client;
pub mod state;
pub mod storage;
pub mod transport;
pub mod wire;
