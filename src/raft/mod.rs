//! Raft with leader leases: the pure core.
//!
//! A `Raft` is a value. Messages, time, commands and reads go in; one [`Ready`] comes out
//! and says what to send, what to make durable, what to apply and what to answer. It has no socket,
//! file, thread or clock, so a whole group of them runs in a test, on one thread, with time and
//! disks as that test wishes.
//!
//! Followed here: Ongaro and Ousterhout, *In Search of an Understandable Consensus Algorithm
//! (Extended Version)*, sections 5 (elections, replication, safety, timing), 7 (snapshots) and 8
//! (clients); Ongaro's dissertation, sections 3.10 (leadership transfer), 6.4 (reads) and 9.6
//! (pre-vote). Leases go beyond it: `ARCHITECTURE.md` has their twelve rules.
//!
//! Left out: changes of membership (section 6 of the paper).

mod config;
mod entry;
mod message;
mod ready;
mod state_machine;
mod trace;

pub use config::{Config, RHO};
pub use entry::{Entry, Index, NodeId, Origin, Payload, Term};
pub use message::{Appended, Body, Message, SnapshotMark};
pub use ready::{
    HardState, NotLeader, ProposeError, ReadGrant, ReadId, Ready, SnapshotPiece, SnapshotRead,
    WriteId,
};
pub use state_machine::{Frozen, StateMachine};
pub use trace::Trace;
