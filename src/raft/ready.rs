//! What the core asks its shell to do.

use std::sync::Arc;
use std::time::Duration;

use super::contradiction::Contradiction;
use super::entry::{Entry, Index, NodeId, Term};
use super::message::{Message, SnapshotMark};
use super::trace::Trace;

/// What must survive a restart besides the log (figure 2 of the paper: persistent state).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HardState {
    /// The latest term that this node has seen.
    pub current_term: Term,
    /// Whom it voted for in that term.
    pub voted_for: Option<NodeId>,
    /// The longest lease of its promises that may still last: after a restart it keeps still for so
    /// long (rule 10 of the lease).
    pub longest_lease: Duration,
}

/// Names one [`Ready`] whose work has to become durable. Numbers rise.
pub type WriteId = u64;

/// Names a read that was asked for.
pub type ReadId = u64;

/// What there is to do after a step. The contract, for whoever runs a core:
///
/// 1. Send `messages` at once, in any order; nothing in them relies on this `Ready` being durable.
///    So a leader's entries travel while its own disk writes.
/// 2. Make `hard_state` and `entries` durable, and store `snapshot`; in this order, and in the order
///    of the `Ready`s, of which many may be joined into one. Entries replace whatever the log held
///    at their indices *and behind them*. A piece of a snapshot has to be durable only as a part of
///    the whole, see [`SnapshotPiece`].
/// 3. Only when all of 2, and all of 2 of every `Ready` before it, is durable: send
///    `messages_after`, and report `Raft::persisted` with `write`. A `Ready` may have a `write`
///    with nothing to make durable: its messages wait for writes before it. A report that comes
///    late, after newer writes have replaced its entries, is known as such by its number.
/// 4. Do `committed` in order, exactly once. It may run before 2 is done: what is committed is
///    durable on a majority.
/// 5. Answer `reads`: once everything up to the index of a read is applied, the state may be read.
/// 6. Serve `snapshot_reads` whenever there is time, with
///    `Raft::snapshot_piece`.
/// 7. If there is a `contradiction` the process must end, and say why. Nothing else of this `Ready`
///    has to be done.
///
/// If there is no room for entries of 2, they may wait for it, while hard states are made durable:
/// report `Raft::set_full`, and `Raft::hard_state_persisted`. Then those of `messages_after` may be
/// sent that [need no more entries](super::Body::requires_entries_to) than are durable. If something of 2 cannot be made
/// durable for another reason the process must end: nothing of 3 may happen, and what the disk holds
/// is known only after a restart. Crashing between any two of these points is safe.
#[derive(Debug, Default)]
pub struct Ready {
    /// May be sent before anything is durable.
    pub messages: Vec<(NodeId, Message)>,
    /// To be made durable first.
    pub hard_state: Option<HardState>,
    /// A piece of a snapshot to be kept; see [`SnapshotPiece`].
    pub snapshot: Vec<SnapshotPiece>,
    /// To be made durable.
    pub entries: Vec<Entry>,
    /// What to report when the above is durable; nothing if there is nothing to wait for.
    pub write: Option<WriteId>,
    /// To be sent when the above is durable.
    pub messages_after: Vec<(NodeId, Message)>,
    /// To be given to the state machine.
    pub committed: Vec<Entry>,
    /// Reads that were waiting for the core.
    pub reads: Vec<(ReadId, Result<Index, NotLeader>)>,
    /// Pieces of our newest snapshot that a follower needs.
    pub snapshot_reads: Vec<SnapshotRead>,
    /// Another node and this one cannot both be right. The message that showed it was not answered.
    pub contradiction: Option<Contradiction>,
    /// What happened, for people.
    pub trace: Vec<Trace>,
}

impl Ready {
    /// Whether there is nothing to do.
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
            && self.trace.is_empty()
    }
}

/// A piece of a snapshot that a leader sent.
///
/// Pieces of one snapshot come in order, the first with offset 0 (then what was kept of an earlier
/// one is thrown away). With the last piece the shell checks the whole snapshot and
///
/// - if it is good, puts it in place durably, cuts the log, replaces the state machine's state by
///   it, and reports `Raft::snapshot_installed` with `true`. The log keeps what is behind the
///   snapshot if its entry at the snapshot's index is of the snapshot's term; else all of it goes,
///   for a log that differs there was never committed any further. A crash may come between the
///   two: then a recovery does the same cut.
/// - if it is not, throws it away and reports `false`: the leader begins anew.
///
/// From the last piece to the report the core gives no entries to write or to apply. The report may
/// take its time; heartbeats are answered meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotPiece {
    /// Which snapshot.
    pub snapshot: SnapshotMark,
    /// Where the piece belongs.
    pub offset: u64,
    /// The bytes.
    pub data: Arc<[u8]>,
    /// It is the last one.
    pub is_last: bool,
}

/// A follower needs a piece of our newest snapshot, or of an older one that it has begun to get; if
/// the shell no longer has that one, it reads from the beginning of the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotRead {
    /// Who needs it.
    pub to: NodeId,
    /// Which snapshot.
    pub snapshot: SnapshotMark,
    /// From where in the snapshot's file.
    pub offset: u64,
    /// At most this many bytes.
    pub max_bytes: usize,
}

/// This node does not lead, or cannot do now what only a leader does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotLeader {
    /// Who does, as far as this node knows.
    pub leader: Option<NodeId>,
}

/// What a leader says to a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadGrant {
    /// The lease covers it: read as soon as everything up to this index is applied, without asking
    /// anybody (rule 7 of the lease).
    Now(Index),
    /// A round of heartbeats is needed (rule 8); the answer comes in [`Ready::reads`].
    Later(ReadId),
}

/// Why a command was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProposeError {
    /// Only a leader takes commands.
    NotLeader(NotLeader),
    /// Too much waits to be committed; nothing of this command was kept.
    Busy,
    /// There is no room for it on the disk; nothing of it was kept.
    Full,
}

/// Why leadership is not handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferError {
    /// Only a leader has something to hand over.
    NotLeader(NotLeader),
    /// There is no such node.
    UnknownNode,
    /// The node is no voter.
    NoVoter,
    /// It is being handed over already.
    InProgress,
}
