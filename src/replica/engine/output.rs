//! What an engine wants done.

use std::time::Duration;

use crate::raft::{
    Contradiction, Entry, Frozen, HardState, Index, Message, NodeId, NotLeader, SnapshotMark,
    SnapshotPiece, SnapshotRead, Trace, WriteId,
};
use crate::replica::membership::{Introduction, Notice, Record};
use crate::replica::state::Refusal;

/// What came of what a caller wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The command was done, now or by an earlier attempt; the machine's answer.
    Done(Vec<u8>),
    /// A session is open.
    Opened(Index),
    /// The command was not done now, and nobody knows whether it was before.
    Refused(Refusal),
    /// The read may look at the state now.
    Read,
    /// The node that was named leads.
    Transferred,
    /// Leadership was not handed over.
    NotTransferred(TransferFailure),
    /// This node does not lead. Nothing was done.
    NotLeader(NotLeader),
    /// This node has stopped to lead: the command may be done or not.
    Lost(NotLeader),
    /// Too much waits already. Nothing was done.
    Busy,
    /// There is no room for it on this node's disk. Nothing was done.
    Full,
}

/// Why leadership was not handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferFailure {
    /// There is no such node.
    UnknownNode,
    /// The node is no voter.
    NoVoter,
    /// Another transfer is going on.
    InProgress,
    /// The node did not take over in time.
    TimedOut,
}

/// What is to be made durable: all of it, in the order of the fields, after the jobs before it.
/// Several jobs may be done as one.
#[derive(Debug)]
pub struct WriteJob {
    /// To be reported by `Engine::persisted`.
    pub id: WriteId,
    /// What is remembered of directories. Replaces what was before.
    pub record: Option<Box<Record>>,
    /// Replaces the one before.
    pub hard_state: Option<HardState>,
    /// Replace what the log has at their indices and behind.
    pub entries: Vec<Entry>,
    /// Pieces of a leader's snapshot. With the last one the whole is put in place, and
    /// `Engine::snapshot_installed` is called.
    pub pieces: Vec<SnapshotPiece>,
    /// How far entries are committed, once the above is written.
    pub commit_index: Index,
}

/// An entry that was applied in this turn, for those who tell of it or watch.
#[derive(Clone, Debug)]
pub struct Applied {
    /// Which.
    pub entry: Entry,
    /// Whether this node led.
    pub is_leader: bool,
}

/// What there is to do after a turn.
pub struct Output<T> {
    /// Another node and this one cannot both be right: the process must end, and say why. Of the rest
    /// only the answers are to be given.
    pub contradiction: Option<Contradiction>,
    /// To be sent now.
    pub messages: Vec<(NodeId, Message)>,
    /// What this node says of itself, to be sent now; before the messages.
    pub introductions: Vec<(NodeId, Introduction)>,
    /// What people should know of who votes.
    pub notices: Vec<Notice>,
    /// To be written.
    pub write: Option<WriteJob>,
    /// To be written down as a snapshot: `Engine::snapshot_taken` or `Engine::snapshot_failed` is
    /// called when it is durable, or cannot be.
    pub snapshot: Option<(SnapshotMark, Box<dyn Frozen>)>,
    /// To be read and given to `Engine::snapshot_piece`.
    pub snapshot_reads: Vec<SnapshotRead>,
    /// To be answered; the state is to be read at once.
    pub answers: Vec<(T, Answer)>,
    /// Whether the state has changed.
    pub has_applied: bool,
    /// What was applied in this turn, if the engine was asked to tell.
    pub applied: Vec<Applied>,
    /// What happened, for people.
    pub trace: Vec<Trace>,
    /// When the next turn is due if nothing comes before, by the engine's clock; at once if there is
    /// more to do already.
    pub next: Duration,
}
