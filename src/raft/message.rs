//! What nodes say to one another: the RPCs of the Raft paper as one-way messages.
//!
//! A message may be lost, doubled, delayed for any time and overtaken; the rules of safety hold
//! through all of it. Times in messages are moments or spans of the *sender's* clock.

use std::sync::Arc;
use std::time::Duration;

use super::entry::{Entry, Index, NodeId, Term};

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The sender's term. A pre-vote is asked for with the term that the election *would* have.
    pub term: Term,
    /// What it says.
    pub body: Body,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Would you vote for me? Changes nothing on either side (section 9.6 of the dissertation).
    PreVote {
        /// Index of the candidate's last entry.
        last_log_index: Index,
        /// Term of the candidate's last entry.
        last_log_term: Term,
    },
    /// The answer to [`Body::PreVote`], with the term that was asked for if granted.
    PreVoteReply {
        /// Whether it would.
        granted: bool,
    },
    /// Section 5.2.
    RequestVote {
        /// Index of the candidate's last entry.
        last_log_index: Index,
        /// Term of the candidate's last entry.
        last_log_term: Term,
        /// How long the voter is asked to help nobody else to lead: a vote is a promise (rule 1 of
        /// the lease).
        lease: Duration,
        /// The leader that gave its lease up and asked this candidate to stand: promises to it no
        /// longer count (rule 9 of the lease), and that it is heard of is no reason to refuse.
        released: Option<NodeId>,
    },
    /// Section 5.2, and what rule 1 of the lease adds.
    RequestVoteReply {
        /// Whether the vote is the candidate's.
        granted: bool,
        /// What is left, by the voter's clock, of its promises to others than the candidate.
        remaining: Vec<(NodeId, Duration)>,
    },
    /// Section 5.3; without entries a heartbeat.
    AppendEntries {
        /// Index of the entry right before `entries`.
        prev_log_index: Index,
        /// Term of that entry.
        prev_log_term: Term,
        /// To be stored, in order.
        entries: Arc<[Entry]>,
        /// How far the leader has committed.
        leader_commit: Index,
        /// When the leader sent it, by the leader's clock; the reply brings it back.
        sent_at: Duration,
        /// How long the follower is asked to help nobody else to lead: `L`.
        lease: Duration,
        /// The newest round of read-index that this message belongs to; the reply brings it back.
        read_round: u64,
    },
    /// The answer to [`Body::AppendEntries`]; sent when what it accepts is durable, and to a
    /// heartbeat at once.
    AppendEntriesReply {
        /// How it went.
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
        /// Where in the snapshot's file this piece begins.
        offset: u64,
        /// The piece.
        data: Arc<[u8]>,
        /// It is the last one.
        is_last: bool,
        /// As in AppendEntries.
        sent_at: Duration,
        /// As in AppendEntries.
        lease: Duration,
    },
    /// The answer to [`Body::InstallSnapshot`].
    InstallSnapshotReply {
        /// Which snapshot.
        snapshot: SnapshotMark,
        /// Where the next piece is to begin; 0 begins anew.
        next_offset: u64,
        /// The whole snapshot is durable and in use (or nothing of it is needed any more).
        is_installed: bool,
        /// From the message answered.
        sent_at: Duration,
    },
    /// Stand for election at once (section 3.10 of the dissertation).
    TimeoutNow,
}

impl Body {
    /// For how long it asks for a promise, if it does.
    pub(super) fn lease(&self) -> Option<Duration> {
        match self {
            Body::RequestVote { lease, .. }
            | Body::AppendEntries { lease, .. }
            | Body::InstallSnapshot { lease, .. } => Some(*lease),
            _ => None,
        }
    }

    /// Whether it answers another message.
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
    /// Whether it is a heartbeat that asks nothing of the log: it may overtake all other messages.
    pub fn is_pure_heartbeat(&self) -> bool {
        matches!(self, Body::AppendEntries { prev_log_index: 0, entries, .. } if entries.is_empty())
    }

    /// Up to which entry the sender's log must be durable before it says this, beside its term and
    /// vote.
    pub fn requires_entries_to(&self) -> Index {
        match self {
            Body::AppendEntriesReply {
                outcome: AppendOutcome::Matched { match_index }, ..
            } => *match_index,
            // What it says of is not in the log.
            Body::InstallSnapshotReply { .. } => Index::MAX,
            _ => 0,
        }
    }
}

/// How an AppendEntries went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppendOutcome {
    /// The follower's log agrees with the leader's up to here, durably.
    Matched {
        /// Index of the last entry that was checked or stored, and is durable.
        match_index: Index,
    },
    /// The entry before the first one is missing or of another term.
    Conflict {
        /// The `prev_log_index` that was refused.
        prev_log_index: Index,
        /// The term that the follower has there or before (0: its log is too short).
        conflict_term: Term,
        /// The first index of that term in its log, or where its log ends: look no further up.
        conflict_index: Index,
    },
    /// The term of the message is over.
    Stale,
}

/// Names a snapshot: it replaces all entries up to this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SnapshotMark {
    /// Index of the last entry that it contains.
    pub index: Index,
    /// Term of that entry.
    pub term: Term,
}
