//! The messages between nodes: the RPCs of the Raft paper as one-way messages.
//!
//! A message may be lost, duplicated, reordered, and delayed for any time; safety does not depend on
//! it. Times in messages are by the *sender's* clock.

use std::sync::Arc;
use std::time::Duration;

use super::entry::{Entry, Index, NodeId, Term};

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The sender's term. A pre-vote has the term that the election *would* have.
    pub term: Term,
    /// The content.
    pub body: Body,
}

/// The content of a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Asks whether the receiver would vote for the sender. Changes no state (section 9.6 of the
    /// dissertation).
    PreVote {
        /// Index of the candidate's last entry.
        last_log_index: Index,
        /// Term of the candidate's last entry.
        last_log_term: Term,
    },
    /// The reply to [`Body::PreVote`], with the term of the request if granted.
    PreVoteReply {
        /// Whether the receiver would vote for the sender.
        granted: bool,
    },
    /// Asks for a vote (section 5.2).
    RequestVote {
        /// Index of the candidate's last entry.
        last_log_index: Index,
        /// Term of the candidate's last entry.
        last_log_term: Term,
        /// How long the voter promises to help no other node to lead (rule 1 of the lease).
        lease: Duration,
        /// The leader that gave up its lease and asked this candidate to stand: promises to it no
        /// longer count (rule 9 of the lease), and the vote is not refused because it is active.
        released: Option<NodeId>,
    },
    /// The reply to [`Body::RequestVote`], with what rule 3 of the lease adds.
    RequestVoteReply {
        /// Whether the vote is the candidate's.
        granted: bool,
        /// The remaining time, by the voter's clock, of its promises to other nodes.
        remaining: Vec<(NodeId, Duration)>,
    },
    /// Entries of the leader; without entries a heartbeat (section 5.3).
    AppendEntries {
        /// Index of the entry right before `entries`.
        prev_log_index: Index,
        /// Term of that entry.
        prev_log_term: Term,
        /// To be stored, in order.
        entries: Arc<[Entry]>,
        /// The leader's commit index.
        leader_commit: Index,
        /// When the leader sent it, by the leader's clock; the reply brings it back.
        sent_at: Duration,
        /// `L`: how long the follower promises to help no other node to lead.
        lease: Duration,
        /// The newest read-index round at the leader; the reply brings it back.
        read_round: u64,
    },
    /// The reply to [`Body::AppendEntries`]: sent when the accepted entries are durable, and to a
    /// heartbeat at once.
    AppendEntriesReply {
        /// The result.
        outcome: AppendOutcome,
        /// From the message answered.
        sent_at: Duration,
        /// From the message answered.
        read_round: u64,
    },
    /// A piece of the leader's snapshot (section 7).
    InstallSnapshot {
        /// Which snapshot.
        snapshot: SnapshotMark,
        /// The byte of the snapshot's file at which this piece begins.
        offset: u64,
        /// The bytes of the piece.
        data: Arc<[u8]>,
        /// It is the last piece.
        is_last: bool,
        /// As in AppendEntries.
        sent_at: Duration,
        /// As in AppendEntries.
        lease: Duration,
    },
    /// The reply to [`Body::InstallSnapshot`].
    InstallSnapshotReply {
        /// Which snapshot.
        snapshot: SnapshotMark,
        /// Where the next piece is to begin; 0: from the beginning again.
        next_offset: u64,
        /// The whole snapshot is durable and in use, or not needed any more.
        is_installed: bool,
        /// From the message answered.
        sent_at: Duration,
    },
    /// Asks the receiver to stand for election at once (section 3.10 of the dissertation).
    TimeoutNow,
}

impl Body {
    /// Whether it is a reply.
    pub fn is_reply(&self) -> bool {
        match self {
            Body::PreVoteReply { .. }
            | Body::RequestVoteReply { .. }
            | Body::AppendEntriesReply { .. }
            | Body::InstallSnapshotReply { .. } => true,
            Body::PreVote { .. }
            | Body::RequestVote { .. }
            | Body::AppendEntries { .. }
            | Body::InstallSnapshot { .. }
            | Body::TimeoutNow => false,
        }
    }
}

impl Body {
    /// Whether it is a heartbeat that does not compare logs: it may overtake all other messages.
    pub fn is_pure_heartbeat(&self) -> bool {
        matches!(self, Body::AppendEntries { prev_log_index: 0, entries, .. } if entries.is_empty())
    }

    /// The index up to which the sender's log must be durable before it is sent. Term and vote must be
    /// durable as well.
    pub fn requires_entries_to(&self) -> Index {
        match self {
            Body::AppendEntriesReply {
                outcome: AppendOutcome::Matched { match_index }, ..
            } => *match_index,
            // It depends on a snapshot, which is not in the log.
            Body::InstallSnapshotReply { .. } => Index::MAX,
            _ => 0,
        }
    }
}

/// The result of an AppendEntries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppendOutcome {
    /// The follower's log agrees with the leader's, durably.
    Matched {
        /// The index of the last entry that was compared or appended, and is durable.
        match_index: Index,
    },
    /// The entry before the first one is missing or of another term.
    Conflict {
        /// The `prev_log_index` that was refused.
        prev_log_index: Index,
        /// The term of the follower's entry there; 0: its log is too short.
        conflict_term: Term,
        /// The first index of that term in its log, or the index behind its last entry.
        conflict_index: Index,
    },
    /// The term of the message is older than the follower's.
    Stale,
}

/// A position in the log: index and term of an entry. It names a snapshot by the last entry that the
/// snapshot contains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SnapshotMark {
    /// The index of the entry.
    pub index: Index,
    /// The term of the entry.
    pub term: Term,
}
