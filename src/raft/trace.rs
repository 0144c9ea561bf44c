//! The core's events, from which `dump.txt` is written. The shell adds its own: requests, commits,
//! messages that could not be sent.

use std::time::Duration;

use super::entry::{Index, NodeId, Term};

/// An event. `dump.txt` of the course version has a line for most of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trace {
    /// A leader sends a round of heartbeats, which renews its lease.
    HeartbeatSent,
    /// A leader could not renew its lease in time.
    LeaseRenewalFailed,
    /// A new leader must not commit before the lease of an old one has ended.
    WaitingForOldLease,
    /// The election timer expired, or a leader asked this node to stand. A pre-vote comes first.
    ElectionStarted,
    /// A majority voted for this node.
    BecameLeader {
        /// The term that it leads.
        term: Term,
    },
    /// A leader or candidate becomes a follower.
    SteppedDown,
    /// A follower got the first message of a leader.
    LeaderKnown {
        /// The leader.
        leader: NodeId,
        /// Its term.
        term: Term,
    },
    /// Entries or a heartbeat of a leader were accepted.
    AppendAccepted {
        /// The leader that sent it.
        leader: NodeId,
    },
    /// Entries or a heartbeat were refused: the term is older, or the logs do not match.
    AppendRejected {
        /// The leader that sent them.
        leader: NodeId,
    },
    /// A vote was granted.
    VoteGranted {
        /// The candidate.
        candidate: NodeId,
        /// The term of the election.
        term: Term,
    },
    /// A vote was refused.
    VoteDenied {
        /// The candidate.
        candidate: NodeId,
        /// The term of the election.
        term: Term,
    },
    /// A node asked for a promise, or reported one, that is far longer than the own lease; its message
    /// was ignored.
    LeaseRefused {
        /// The sender.
        by: NodeId,
        /// The length of the promise.
        lease: Duration,
    },
    /// A message was ignored: its term is too far beyond that of the group.
    TermRefused {
        /// The sender.
        by: NodeId,
        /// The term of the message.
        term: Term,
    },
    /// Another node is so far behind the own term that it ignores this node's messages.
    PeerFarBehind {
        /// The other node.
        peer: NodeId,
        /// The term of its message.
        term: Term,
    },
    /// A snapshot of the leader has replaced committed state.
    SnapshotInstalled {
        /// The leader, if it is still known.
        leader: Option<NodeId>,
        /// The last index in the snapshot.
        index: Index,
        /// The last index that was committed before.
        committed: Index,
    },
    /// A log that did not match was cut.
    Truncated {
        /// The first index that was dropped.
        from: Index,
    },
    /// A follower claims to have more of this leader's log than exists.
    FollowerAhead {
        /// The follower.
        follower: NodeId,
        /// The last index that it claims.
        index: Index,
    },
    /// A leader begins to transfer its leadership.
    TransferStarted {
        /// The target.
        to: NodeId,
    },
    /// The target did not take over; this node continues to lead, without a lease.
    TransferAborted,
}
