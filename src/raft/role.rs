//! What a node is, and what it knows as such.
//!
//! ```text
//!                      timer                    a majority would             a majority did
//!   +--> Follower -------------> PreCandidate ------------------> Candidate ------------------> Leader
//!   |        |                        |                            ^    |                         |
//!   |        +-- TimeoutNow ----------|----------------------------+    |                         |
//!   |                                 |                                 |                         |
//!   +---------------------------------+---------------------------------+-------------------------+
//!     a leader or a newer term is heard of; of a Leader also: its lease ran out
//! ```
//!
//! Figure 4 of the paper, and the pre-vote of section 9.6 of the dissertation: a node that was cut
//! off comes back in the term that it left with, and disturbs nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::batches::Batches;
use super::core::Raft;
use super::entry::{Index, NodeId};
use super::lease::{Acks, OldLeases};
use super::progress::Progress;
use super::reads::Reads;

/// What a node is.
#[derive(Debug)]
pub(super) enum Role {
    /// Follows a leader, or waits for one.
    Follower,
    /// Asks whether it would be elected.
    PreCandidate(BTreeSet<NodeId>),
    /// Stands for election.
    Candidate(CandidateState),
    /// Leads.
    Leader(Box<LeaderState>),
}

impl Raft {
    /// The leader's state, if this node leads.
    pub(super) fn leader_state(&self) -> Option<&LeaderState> {
        match &self.role {
            Role::Leader(leader) => Some(leader),
            Role::Follower | Role::PreCandidate(_) | Role::Candidate(_) => None,
        }
    }
}

/// What a candidate knows.
#[derive(Debug)]
pub(super) struct CandidateState {
    /// When it asked for votes: who grants one has promised from then on at least.
    pub(super) requested_at: Duration,
    pub(super) votes: BTreeSet<NodeId>,
    pub(super) acks: Acks,
    pub(super) old_leases: OldLeases,
}

/// What a leader knows.
#[derive(Debug)]
pub(super) struct LeaderState {
    pub(super) elected_at: Duration,
    pub(super) progress: BTreeMap<NodeId, Progress>,
    pub(super) acks: Acks,
    pub(super) old_leases: OldLeases,
    /// The lease was given up for the rest of the term (rule 9).
    pub(super) is_revoked: bool,
    /// The last index of the log when it was elected. What it did not know to be committed then is
    /// in limbo until its own no-op is committed: an older leader may have answered for it.
    pub(super) last_index_at_election: Index,
    /// The index of its no-op.
    pub(super) noop_index: Index,
    pub(super) heartbeat_due: Duration,
    pub(super) batches: Batches,
    pub(super) reads: Reads,
    pub(super) transfer: Option<Transfer>,
    /// Of entries behind the commit index.
    pub(super) uncommitted_bytes: usize,
}

/// A leader has begun to hand its leadership over.
#[derive(Clone, Debug)]
pub(super) struct Transfer {
    pub(super) to: NodeId,
    /// When this one was chosen.
    pub(super) since: Duration,
    /// Then it is given up.
    pub(super) until: Duration,
    /// The target was asked to stand.
    pub(super) is_requested: bool,
    /// Whoever can lead is to: another target is chosen when one fails. Those that have.
    pub(super) failed: Option<BTreeSet<NodeId>>,
}
