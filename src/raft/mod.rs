//! Raft with leader leases: the pure core.
//!
//! A `Raft` is a value. Messages, time, commands and reads go in; one [`Ready`] comes out
//! and says what to send, what to make durable, what to apply and what to answer. It has no socket,
//! file, thread or clock, so a whole group of them runs in a test, on one thread, with time and
//! disks as that test wishes.
//!
//! | file | what | where it comes from |
//! |---|---|---|
//! | `core` | state, inputs, [`Ready`] | figure 2 of the paper |
//! | `role` | follower, candidate, leader | figure 4 |
//! | `election` | pre-vote, votes, the first entry of a term | sections 5.2, 5.4.1; dissertation 9.6 |
//! | `follower` | entries come in | section 5.3 |
//! | `leader` | entries go out, commit | sections 5.3, 5.4 |
//! | `client` | commands, reads, transfer | section 8; dissertation 3.10, 6.4 |
//! | `snapshot` | compaction, InstallSnapshot | section 7 |
//! | `voters` | who counts as a voter | the rules of the voters |
//! | `contradiction` | what cannot be unless a node has lost something | sections 5.2, 5.4.3 |
//! | `lease` | promises and what they are worth | the rules of the lease |
//! | `batches` | when entries go out together | dissertation 10.2.2 |
//! | `log`, `open_leases`, `pace`, `progress`, `quorum`, `reads`, `round_trips`, `writes` | what these count with | |
//!
//! Followed here: Ongaro and Ousterhout, *In Search of an Understandable Consensus Algorithm
//! (Extended Version)*, sections 5 (elections, replication, safety, timing), 7 (snapshots) and 8
//! (clients); Ongaro's dissertation, sections 3.10 (leadership transfer), 6.4 (reads) and 9.6
//! (pre-vote). Leases go beyond it: `ARCHITECTURE.md` has their twelve rules.
//!
//! Left out: changes of membership (section 6 of the paper).

mod batches;
mod client;
mod config;
mod contradiction;
mod core;
mod election;
mod entry;
mod follower;
mod inspect;
mod leader;
mod lease;
mod log;
mod message;
mod node;
mod open_leases;
mod pace;
mod progress;
mod quorum;
mod random;
mod reads;
mod ready;
mod role;
mod round_trips;
mod rules;
mod snapshot;
mod voters;
mod state_machine;
mod trace;
mod writes;

pub use config::{Config, DRIFT_PER_MILLE};
pub use contradiction::Contradiction;
pub use core::{Raft, Recovered};
pub use entry::{Entry, Index, NodeId, Origin, Payload, Term};
pub use inspect::{PeerProgress, RoleName};
pub use message::{AppendOutcome, Body, Message, SnapshotMark};
pub use ready::{
    HardState, NotLeader, ProposeError, ReadGrant, ReadId, Ready, SnapshotPiece, SnapshotRead,
    TransferError, WriteId,
};
pub use round_trips::SlowRoundTrips;
pub use state_machine::{Frozen, StateMachine};
pub use trace::Trace;

#[cfg(test)]
mod tests;
