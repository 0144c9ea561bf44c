//! A node without I/O (sans-IO, functional core): the Raft core, the replicated state, and the
//! pending calls.
//!
//! ```text
//!   clients   write, read, transfer -->          --> answers
//!   peers     deliver               -->  Engine  --> messages
//!   disk      persisted, installed  -->          --> writes, snapshots
//!   time      advance               -->          --> when to advance next
//! ```
//!
//! An [`Engine`] keeps the contract of [`crate::raft::Ready`]: messages that must follow a write
//! wait here until the write is reported as durable, committed entries are applied in order, and
//! reads are answered from a state that is recent enough. The caller carries its output to sockets,
//! files and clients, and their input back; a test does so with virtual ones.
//!
//! A ticket identifies a pending call. Its type is chosen by the caller: the right to answer a
//! call, or a number.
//!
//! Pure.

mod core;
mod quota;
mod schedule;
mod output;

pub use core::Engine;
pub use output::{
    Answer, Applied, Compacted, Output, PendingRead, ReadAccess, Superseded, TransferFailure,
    WriteJob,
};
pub use quota::{DEFAULT_QUOTA_BYTES, QuotaUse};
pub use schedule::SnapshotPolicy;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod membership_tests;
#[cfg(test)]
mod quota_tests;
