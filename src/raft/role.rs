//! The roles of a node, and the state of each role.
//!
//! ```text
//!                      timer                    a majority would             a majority did
//!   +--> Follower -------------> PreCandidate ------------------> Candidate ------------------> Leader
//!   |        |                        |                            ^    |                         |
//!   |        +-- TimeoutNow ----------|----------------------------+    |                         |
//!   |                                 |                                 |                         |
//!   +---------------------------------+---------------------------------+-------------------------+
//!     a message of a leader or of a newer term; from Leader also: its lease has ended
//! ```
//!
//! Figure 4 of the paper, and the pre-vote of section 9.6 of the dissertation: a node that was cut
//! off comes back in its old term, and disturbs no leader.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::batches::Batches;
use super::core::Raft;
use super::entry::{Index, NodeId};
use super::lease::{Acks, OldLeases};
use super::progress::Progress;
use super::reads::Reads;

/// See figure 4 of the paper.
#[derive(Debug)]
pub(super) enum Role {
    /// Follows a leader, or waits for one.
    Follower,
    /// Asks other nodes for pre-votes; holds those that it got.
    PreCandidate(BTreeSet<NodeId>),
    /// Stands for election.
    Candidate(CandidateState),
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

/// The state of a candidate.
#[derive(Debug)]
pub(super) struct CandidateState {
    /// When it asked for votes: a granted vote is a promise that begins later than this.
    pub(super) requested_at: Duration,
    pub(super) votes: BTreeSet<NodeId>,
    pub(super) acks: Acks,
    pub(super) old_leases: OldLeases,
}

/// The state of a leader (figure 2: volatile state on leaders).
#[derive(Debug)]
pub(super) struct LeaderState {
    pub(super) elected_at: Duration,
    pub(super) progress: BTreeMap<NodeId, Progress>,
    pub(super) acks: Acks,
    pub(super) old_leases: OldLeases,
    /// The lease was given up for the rest of the term (rule 9).
    pub(super) is_revoked: bool,
    /// The last index of the log when it was elected. Entries up to here that it did not know to be
    /// committed are in limbo until its own no-op is committed: an older leader may have acknowledged
    /// them (the limbo region).
    pub(super) last_index_at_election: Index,
    /// The index of its no-op.
    pub(super) noop_index: Index,
    pub(super) heartbeat_due: Duration,
    pub(super) batches: Batches,
    pub(super) reads: Reads,
    pub(super) transfer: Option<Transfer>,
    /// The size of the entries behind the commit index.
    pub(super) uncommitted_bytes: usize,
}

/// A transfer of leadership in progress.
#[derive(Clone, Debug)]
pub(super) struct Transfer {
    pub(super) to: NodeId,
    /// When this target was chosen.
    pub(super) since: Duration,
    /// When the target is abandoned.
    pub(super) until: Duration,
    /// TimeoutNow was sent to the target.
    pub(super) is_requested: bool,
    /// If any node may become leader: the targets that have failed. `None`: only `to` may.
    pub(super) failed: Option<BTreeSet<NodeId>>,
}
