//! Runs a node of a replicated group around the pure core of [`raft`](crate::raft).
//!
//! - [`state`]: the replicated state: the state machine and its clients' sessions (pure)
//! - [`recovery`]: from the contents of the files to the initial state of the core (pure)
//! - [`storage`]: the plain-text files of a node: log, snapshot and metadata
//! - [`clock`]: the clock of leases and the wall clock
//! - [`contract`]: metadata names for clients
//! - [`node`]: a node on the thread of an RPC server
//! - [`service`]: reads, writes and watches, shared by the services of all state machines
//! - [`engine`]: a node without I/O (pure)
//! - [`membership`]: which nodes are voters (pure)
//! - [`dump`]: `dump.txt`, a human-readable record of events
//! - [`wire`]: the encoding of Raft messages (pure)
//! - [`transport`]: connections between the nodes of a group
//! - [`view`]: what a node shows of itself and its group
//! - [`cluster_client`]: a client's calls to the nodes of a group

pub mod clock;
pub mod contract;
pub mod dump;
pub mod engine;
pub mod membership;
pub mod node;
pub mod recovery;
pub mod service;
pub mod cluster_client;
pub mod state;
pub mod storage;
pub mod transport;
pub mod view;
pub mod wire;
