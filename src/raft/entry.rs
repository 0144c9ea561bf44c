//! What the log is made of.

use std::sync::Arc;

/// A node of a group. Numbers are chosen by people, from 0.
pub type NodeId = u64;
/// A term, from 1; 0 is the time before the first election.
pub type Term = u64;
/// A place in the log, from 1; 0 is the place before the first entry.
pub type Index = u64;

/// Whose command an entry carries, so that it is done once however often it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The client's session: the index of the entry that opened it.
    pub session: Index,
    /// The number of the command in its session, from 1.
    pub sequence: u64,
    /// Every command of the session up to this number has been answered and the answer has arrived:
    /// nobody will ask for it again.
    pub acknowledged: u64,
}

/// What an entry does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Nothing. A leader begins its term with one (section 8 of the paper).
    NoOp,
    /// Opens a client's session; its number is the entry's index.
    OpenSession,
    /// A command of the state machine, in the machine's own encoding.
    Command {
        /// The session it belongs to; without one it is done as often as it is proposed.
        origin: Option<Origin>,
        /// Shared with whoever keeps a part of it: a value need not be stored twice.
        command: Arc<[u8]>,
    },
}

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The term of the leader that made it.
    pub term: Term,
    /// Its place in the log.
    pub index: Index,
    /// The wall clock of the leader that made it, in milliseconds since 1970, never less than that
    /// of the entry before it. Sessions expire by this time, on every replica alike.
    pub at_ms: u64,
    /// What it does.
    pub payload: Payload,
}

impl Entry {
    /// About what it takes in memory, on the wire or in a file.
    pub fn size_bytes(&self) -> usize {
        const FRAME_BYTES: usize = 48;
        FRAME_BYTES
            + match &self.payload {
                Payload::NoOp | Payload::OpenSession => 0,
                Payload::Command { command, .. } => command.len(),
            }
    }
}
