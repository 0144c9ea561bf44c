//! Entries of the log.

use std::sync::Arc;

/// The number of a node in its group, from 0, chosen by the operator.
pub type NodeId = u64;
/// A term, from 1; 0 is the time before the first election.
pub type Term = u64;
/// The index of an entry in the log, from 1; 0 is the position before the first entry.
pub type Index = u64;

/// The session and sequence number of a command, so that it is applied exactly once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The client's session: the index of the entry that opened it.
    pub session: Index,
    /// The number of the command in its session, from 1.
    pub sequence: u64,
    /// The client has received the answers of all commands of the session up to this number, and will
    /// not repeat them.
    pub acknowledged: u64,
}

/// The content of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// No operation. A leader begins its term with one (section 8 of the paper).
    NoOp,
    /// Opens a client's session; its number is the entry's index.
    OpenSession,
    /// A command of the state machine, in the machine's own encoding.
    Command {
        /// The session it belongs to; without one it is applied as often as it is proposed.
        origin: Option<Origin>,
        /// Shared, so that a state machine can keep a value of it without a copy.
        command: Arc<[u8]>,
    },
}

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The term of the leader that appended it.
    pub term: Term,
    /// Its index in the log.
    pub index: Index,
    /// The wall clock of the leader that appended it, in milliseconds since 1970, never less than that
    /// of the entry before it. Sessions expire by this time, on every replica alike.
    pub at_ms: u64,
    /// The operation.
    pub payload: Payload,
}

impl Entry {
    /// The approximate size in memory, in a message or in a file.
    pub fn size_bytes(&self) -> usize {
        self.payload.size_bytes()
    }
}

impl Payload {
    /// The size of its entry.
    pub fn size_bytes(&self) -> usize {
        const FRAME_BYTES: usize = 48;
        FRAME_BYTES
            + match self {
                Payload::NoOp | Payload::OpenSession => 0,
                Payload::Command { command, .. } => command.len(),
            }
    }
}
