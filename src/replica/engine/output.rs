//! The output of an engine.

use std::collections::VecDeque;
use std::time::Duration;

use super::quota::QuotaUse;
use crate::raft::{
    Contradiction, Entry, Frozen, HardState, Index, Message, NodeId, NotLeader, ReadId,
    SnapshotMark, SnapshotPiece, SnapshotRead, Trace, UsedUp, WriteId,
};
use crate::replica::membership::{Introduction, Notice, Record};
use crate::replica::state::{Refusal, Replicated};

/// The outcome of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The command was applied, now or by an earlier attempt; the machine's answer.
    Done(Vec<u8>),
    /// A session was opened; its number.
    Opened(Index),
    /// The command was not applied now. Whether it was applied before is unknown.
    Refused(Refusal),
    /// The read may be evaluated now.
    Read,
    /// The requested node leads.
    Transferred,
    /// Leadership was not transferred.
    NotTransferred(TransferFailure),
    /// This node does not lead. The command was not proposed.
    NotLeader(NotLeader),
    /// This node has lost its leadership: whether the command will be applied is unknown.
    Lost(NotLeader),
    /// Too many commands are pending. The command was not proposed.
    Busy,
    /// The disk of this node is full. The command was not proposed.
    Full,
    /// The command would make the state larger than its quota. It was not proposed.
    OverQuota(QuotaUse),
}

/// Why leadership was not transferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferFailure {
    /// The group has no such node.
    UnknownNode,
    /// The node is not a voter.
    NoVoter,
    /// Another transfer is in progress.
    InProgress,
    /// The node did not become leader in time.
    TimedOut,
}

/// A write: everything in it must become durable, in the order of the fields, after all writes
/// before it. Several writes may share one sync.
#[derive(Debug)]
pub struct WriteJob {
    /// To be reported to `Engine::persisted`.
    pub id: WriteId,
    /// The membership record; replaces the one before.
    pub record: Option<Box<Record>>,
    /// Replaces the hard state before.
    pub hard_state: Option<HardState>,
    /// Log entries; they replace the log from the index of the first one on.
    pub entries: Vec<Entry>,
    /// Pieces of a snapshot from the leader. After the last piece the snapshot is put in place and
    /// `Engine::snapshot_installed` is called.
    pub pieces: Vec<SnapshotPiece>,
    /// The commit index, valid once the rest is written.
    pub commit_index: Index,
}

/// What a snapshot allows to be removed from the log.
pub struct Compacted {
    /// Entries before this index may be removed from the log file.
    pub first: Index,
    /// Entries that were removed from memory. Dropping many takes long, so it is best done on
    /// another thread.
    pub dropped: VecDeque<Entry>,
}

/// What a snapshot from the leader replaced. Dropping it may take long, so it is best done on
/// another thread.
pub struct Superseded<M> {
    /// The state before.
    pub state: Option<Replicated<M>>,
    /// The removed log entries.
    pub dropped: VecDeque<Entry>,
}

/// Whether a read may proceed.
#[derive(Debug, PartialEq, Eq)]
pub enum ReadAccess {
    /// The read may be evaluated now, before any other input.
    Now,
    /// The read has to wait; see `Engine::queue_read`.
    Wait(PendingRead),
    /// This node does not lead.
    NotLeader(NotLeader),
}

/// A read that has to wait. It may be dropped to abandon the read.
#[derive(Debug, PartialEq, Eq)]
pub struct PendingRead(pub(super) AwaitedRead);

#[derive(Debug, PartialEq, Eq)]
pub(super) enum AwaitedRead {
    Round(ReadId),
    Applied(Index),
}

/// An entry that was applied, for the dump and for watches.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The committed entry.
    pub entry: Entry,
    /// Whether this node led.
    pub is_leader: bool,
}

/// What has to be done outside after an engine was advanced.
pub struct Output<T> {
    /// Another node contradicts this one: the process must end and say why. Of the other fields
    /// only the answers are to be handled.
    pub contradiction: Option<Contradiction>,
    /// No term or index is left, and one is needed: as for a contradiction.
    pub used_up: Option<UsedUp>,
    /// Messages to send now.
    pub messages: Vec<(NodeId, Message)>,
    /// Introductions of this node, to be sent now, before the messages.
    pub introductions: Vec<(NodeId, Introduction)>,
    /// Notices to the operator about membership.
    pub notices: Vec<Notice>,
    /// A write for the disk.
    pub write: Option<WriteJob>,
    /// A state to be written as a snapshot: afterwards `Engine::snapshot_taken` or
    /// `Engine::snapshot_failed` is called.
    pub snapshot: Option<(SnapshotMark, Box<dyn Frozen>)>,
    /// Pieces to be read from a snapshot and passed to `Engine::snapshot_piece`.
    pub snapshot_reads: Vec<SnapshotRead>,
    /// Answers to give; a granted read is evaluated at once.
    pub answers: Vec<(T, Answer)>,
    /// Whether entries were applied.
    pub has_applied: bool,
    /// The entries that were applied, if the engine reports them.
    pub applied: Vec<Applied>,
    /// Events of the core, for logs.
    pub trace: Vec<Trace>,
    /// When the engine is to be advanced next, by its clock, if no input comes before; now if there
    /// is more to do.
    pub next: Duration,
}
