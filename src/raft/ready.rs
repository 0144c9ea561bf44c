//! The output of the core: what its shell has to do.

use std::sync::Arc;
use std::time::Duration;

use super::contradiction::Contradiction;
use super::entry::{Entry, Index, NodeId, Term};
use super::message::{Message, SnapshotMark};
use super::sanity::UsedUp;
use super::trace::Trace;

/// The durable state besides the log (figure 2 of the paper: persistent state).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HardState {
    /// The latest term that this node has seen.
    pub current_term: Term,
    /// The candidate that got its vote in that term.
    pub voted_for: Option<NodeId>,
    /// The longest lease of its promises that may still last: after a restart it helps no node to lead
    /// for so long (rule 10 of the lease).
    pub longest_lease: Duration,
}

/// The number of a [`Ready`] whose work has to become durable. Numbers rise.
pub type WriteId = u64;

/// The number of a read that waits.
pub type ReadId = u64;

/// The work after a step. The contract, for the code that runs a core (the shell):
///
/// 1. Send `messages` at once, in any order; none of them relies on this `Ready` being durable.
///    So a leader's entries are sent while its own disk writes.
/// 2. Make `hard_state` and `entries` durable, and store `snapshot`; in this order, and in the order
///    of the `Ready`s, of which many may be joined into one (group commit). Entries replace the log
///    at their indices *and behind them*. A piece of a snapshot has to be durable only as a part of
///    the whole, see [`SnapshotPiece`].
/// 3. Only when all of 2, and all of 2 of every `Ready` before it, is durable: send
///    `messages_after`, and report `Raft::persisted` with `write`. A `Ready` may have a `write`
///    with nothing to make durable: its messages wait for writes before it. The number shows if a
///    report comes late, after newer writes have replaced its entries.
/// 4. Apply `committed` in order, exactly once. This may run before 2 is done: committed entries are
///    durable on a majority.
/// 5. Answer `reads`: the state may be read once all entries up to the index of a read are applied.
/// 6. Serve `snapshot_reads` whenever there is time, with
///    `Raft::snapshot_piece`.
/// 7. If there is a `contradiction`, or numbers are `used_up`, the process must end, and report it. Nothing else of this `Ready`
///    has to be done.
///
/// If the disk has no space for entries of 2, they may wait, while hard states are made durable:
/// report `Raft::set_full`, and `Raft::hard_state_persisted`. Then those of `messages_after` may be
/// sent that [need no more entries](super::Body::requires_entries_to) than are durable. If 2 fails for
/// another reason the process must end: nothing of 3 may happen, and only a restart shows the content
/// of the disk. A crash between any two of these points is safe.
#[derive(Debug, Default)]
pub struct Ready {
    /// May be sent before anything is durable.
    pub messages: Vec<(NodeId, Message)>,
    /// To be made durable before the entries.
    pub hard_state: Option<HardState>,
    /// Pieces of a snapshot to be stored; see [`SnapshotPiece`].
    pub snapshot: Vec<SnapshotPiece>,
    /// To be made durable.
    pub entries: Vec<Entry>,
    /// The number to report when the above is durable; `None` if nothing has to be written.
    pub write: Option<WriteId>,
    /// To be sent when the above is durable.
    pub messages_after: Vec<(NodeId, Message)>,
    /// To be applied to the state machine.
    pub committed: Vec<Entry>,
    /// Results of reads that waited.
    pub reads: Vec<(ReadId, Result<Index, NotLeader>)>,
    /// Pieces of the newest snapshot that followers need.
    pub snapshot_reads: Vec<SnapshotRead>,
    /// Another node and this one cannot both be right. The message that showed it was not answered.
    pub contradiction: Option<Contradiction>,
    /// No further term or index is left.
    pub used_up: Option<UsedUp>,
    /// Events, for `dump.txt` and the log.
    pub trace: Vec<Trace>,
}

impl Ready {
    /// Whether there is no work.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
            && self.hard_state.is_none()
            && self.snapshot.is_empty()
            && self.entries.is_empty()
            && self.messages_after.is_empty()
            && self.committed.is_empty()
            && self.reads.is_empty()
            && self.snapshot_reads.is_empty()
            && self.contradiction.is_none()
            && self.used_up.is_none()
            && self.trace.is_empty()
    }
}

/// A piece of a snapshot that a leader sent.
///
/// Pieces of one snapshot come in order, the first with offset 0 (then the pieces of an earlier
/// one are deleted). With the last piece the shell checks the whole snapshot and
///
/// - if it is good, installs it durably, cuts the log, replaces the state machine's state by
///   it, and reports `Raft::snapshot_installed` with `true`. The log keeps what is behind the
///   snapshot if its entry at the snapshot's index has the snapshot's term; else all of it is dropped,
///   since a log that differs there was never committed any further. A crash may come between the
///   two: then a recovery does the same cut.
/// - if it is not, deletes it and reports `false`: the leader sends it from the beginning.
///
/// From the last piece to the report the core gives no entries to write or to apply. The report may
/// come late; heartbeats are answered meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotPiece {
    /// The snapshot that it belongs to.
    pub snapshot: SnapshotMark,
    /// The byte of the snapshot at which it begins.
    pub offset: u64,
    /// The content.
    pub data: Arc<[u8]>,
    /// It is the last piece.
    pub is_last: bool,
}

/// A follower needs a piece of the newest snapshot, or of an older one that it is receiving; if
/// the shell no longer has the older one, it reads from the beginning of the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotRead {
    /// The follower.
    pub to: NodeId,
    /// The snapshot.
    pub snapshot: SnapshotMark,
    /// The byte of the snapshot's file to begin at.
    pub offset: u64,
    /// The most to read.
    pub max_bytes: usize,
}

/// This node does not lead, or cannot do now what only a leader does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotLeader {
    /// The leader, if this node knows it.
    pub leader: Option<NodeId>,
}

/// A leader's reply to a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadGrant {
    /// The lease covers it: read as soon as everything up to this index is applied, without a message
    /// to other nodes (rule 7 of the lease).
    Now(Index),
    /// A round of heartbeats is needed (rule 8); the result comes in [`Ready::reads`].
    Later(ReadId),
}

/// Why a command was refused. Nothing of it was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProposeError {
    /// Only a leader takes commands.
    NotLeader(NotLeader),
    /// There are too many uncommitted entries.
    Busy,
    /// The disk is full.
    Full,
}

/// Why a transfer of leadership was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferError {
    /// Only a leader can transfer leadership.
    NotLeader(NotLeader),
    /// There is no such node.
    UnknownNode,
    /// The node is not a voter.
    NoVoter,
    /// A transfer is in progress already.
    InProgress,
}
