//! What a core tells of itself: events that `dump.txt` is written from. What the shell does, it
//! tells itself: which requests came, what was committed, what could not be sent.

use std::time::Duration;

use super::entry::{Index, NodeId, Term};

/// Something that happened. The classic contract has a line for most of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trace {
    /// A leader sends a round of heartbeats, with which its lease is renewed.
    HeartbeatSent,
    /// A leader could not renew its lease in time.
    LeaseRenewalFailed,
    /// A new leader must not commit before the lease of an old one has ended.
    WaitingForOldLease,
    /// The election timer ran out, or a leader asked this node to stand. A pre-vote comes first.
    ElectionStarted,
    /// A majority voted for this node.
    BecameLeader {
        /// In which term.
        term: Term,
    },
    /// A leader or candidate becomes a follower.
    SteppedDown,
    /// A follower learned who leads.
    LeaderKnown {
        /// Who.
        leader: NodeId,
        /// In which term.
        term: Term,
    },
    /// Entries or a heartbeat of a leader were accepted.
    AppendAccepted {
        /// Whose.
        leader: NodeId,
    },
    /// Entries or a heartbeat were refused: the term is over, or the logs do not match.
    AppendRejected {
        /// Whose.
        leader: NodeId,
    },
    /// A vote was given.
    VoteGranted {
        /// To whom.
        candidate: NodeId,
        /// In which term.
        term: Term,
    },
    /// A vote was refused.
    VoteDenied {
        /// To whom.
        candidate: NodeId,
        /// In which term.
        term: Term,
    },
    /// A node asked for a promise that is far longer than our own lease; it was not listened to.
    LeaseRefused {
        /// Which node.
        by: NodeId,
        /// How long a promise.
        lease: Duration,
    },
    /// A log that did not match was cut.
    Truncated {
        /// The first index that was dropped.
        from: Index,
    },
    /// A follower says that it holds more of this leader's log than there is.
    FollowerAhead {
        /// Which.
        follower: NodeId,
        /// Up to where.
        index: Index,
    },
    /// A leader gave its lease up for another to lead.
    TransferStarted {
        /// To whom.
        to: NodeId,
    },
    /// The one that should have taken over did not; this node leads on, without a lease.
    TransferAborted,
}
