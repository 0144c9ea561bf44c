//! A node without its world: the core, the state that it keeps, and who waits for what.
//!
//! ```text
//!   clients   write, read, transfer -->          --> answers
//!   peers     deliver               -->  Engine  --> messages
//!   disk      persisted, installed  -->          --> writes, snapshots
//!   time      turn                  -->          --> when to come again
//! ```
//!
//! An [`Engine`] keeps the contract of [`crate::raft::Ready`]: what is to be sent after a write
//! waits here until the write is reported, committed entries are applied in their order, and reads
//! are answered from a state that has what they must see. Whoever runs it carries its output to
//! sockets, files and callers, and its input back; a test does so with virtual ones.
//!
//! Callers are known by a ticket of a type of their own: a right to answer a call, or a number.
//!
//! Pure.

mod core;
mod schedule;
mod output;

pub use core::{Compacted, Engine, PendingRead, ReadAccess, Superseded};
pub use output::{Answer, Applied, Output, TransferFailure, WriteJob};
pub use schedule::SnapshotPolicy;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod membership_tests;
