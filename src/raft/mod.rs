//! Raft with leader leases: the pure core (sans-IO).
//!
//! A [`Raft`] is a value. Inputs are messages, time, commands and reads. The output is one [`Ready`]: it
//! lists the messages to send, the state to make durable, the entries to apply and the reads to
//! answer. The core has no socket, file, thread or clock, so a test runs a whole group on one thread
//! and controls time and disks.
//!
//! | file | content | source |
//! |---|---|---|
//! | `core` | inputs, and how a [`Ready`] is made | figure 2 of the paper |
//! | `node` | the state of a node in every role | figure 2: state on all servers |
//! | `role` | follower, candidate, leader, and their state | figure 4; figure 2: state on leaders |
//! | `rules` | the safety rules as named predicates | the rules of the lease |
//! | `election` | pre-vote, votes, the first entry of a term | sections 5.2, 5.4.1; dissertation 9.6 |
//! | `follower` | a follower takes entries | section 5.3 |
//! | `leader` | a leader sends entries and commits | sections 5.3, 5.4 |
//! | `client` | commands, reads, transfer of leadership | section 8; dissertation 3.10, 6.4 |
//! | `snapshot` | compaction, InstallSnapshot | section 7 |
//! | `voters` | which nodes count as voters | the rules of the voters |
//! | `sanity` | values that no working node sends | |
//! | `contradiction` | states that are impossible unless a node has lost data | sections 5.2, 5.4.3 |
//! | `lease` | promises, and the lease that a leader may use | the rules of the lease |
//! | `batches` | when a leader sends entries together | dissertation 10.2.2 |
//! | `config` | timing, the rule of the election timeout | section 5.6 |
//! | `log`, `open_leases`, `pace`, `progress`, `quorum`, `reads`, `round_trips`, `writes` | bookkeeping of the files above | |
//!
//! Sources: Ongaro and Ousterhout, *In Search of an Understandable Consensus Algorithm
//! (Extended Version)*, sections 5 (elections, replication, safety, timing), 7 (snapshots) and 8
//! (clients); Ongaro's dissertation, sections 3.10 (leadership transfer), 6.4 (reads) and 9.6
//! (pre-vote). Leases are not in them: `ARCHITECTURE.md` has their twelve rules.
//!
//! Not implemented: changes of membership (section 6 of the paper).

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
mod sanity;
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
pub use sanity::{MAX_NUMBER, MAX_TERM_STEP, UsedUp};
pub use state_machine::{Frozen, StateMachine};
pub use trace::Trace;

#[cfg(test)]
mod tests;
