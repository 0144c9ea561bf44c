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

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

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
    Candidate(Candidacy),
    /// Leads.
    Leader(Box<Leadership>),
}

/// What a candidate knows.
#[derive(Debug)]
pub(super) struct Candidacy {
    /// When it asked for votes: who grants one has promised from then on at least.
    pub(super) asked_at: Duration,
    pub(super) votes: BTreeSet<NodeId>,
    pub(super) acks: Acks,
    pub(super) old_leases: OldLeases,
}

/// What a leader knows.
#[derive(Debug)]
pub(super) struct Leadership {
    pub(super) progress: BTreeMap<NodeId, Progress>,
    pub(super) acks: Acks,
    pub(super) old_leases: OldLeases,
    /// The lease was given up for the rest of the term (rule 9).
    pub(super) is_revoked: bool,
    /// The last index of the log when it was elected. What it did not know to be committed then is
    /// in limbo until its own no-op is committed: an older leader may have answered for it.
    pub(super) elect_last: Index,
    /// The index of its no-op.
    pub(super) own: Index,
    pub(super) heartbeat_due: Duration,
    pub(super) batches: Batches,
    pub(super) reads: Reads,
    pub(super) transfer: Option<Transfer>,
    /// Of entries behind the commit index.
    pub(super) uncommitted_bytes: usize,
}

/// Which entries a leader has released, to be sent and written. Commands that come while a batch is
/// not committed yet are held back for a moment, to become the next one: many small batches cost
/// far more than a few that carry the same.
#[derive(Debug)]
pub(super) struct Batches {
    /// The log is released up to here.
    pub(super) released: Index,
    released_at: Duration,
    /// What is held back is released then at the latest.
    pub(super) due: Option<Duration>,
    /// The last indices of batches that were not committed when last looked at.
    open: VecDeque<Index>,
}

/// So many batches may be under way without a pause.
const EAGER_BATCHES: usize = 1;

impl Batches {
    /// Of a leader whose log ends there.
    pub(super) fn new(last_index: Index) -> Batches {
        Batches {
            released: last_index,
            released_at: Duration::ZERO,
            due: None,
            open: VecDeque::new(),
        }
    }

    /// Releases what is new, or holds it back for `pause` at most.
    pub(super) fn release(
        &mut self,
        now: Duration,
        last_index: Index,
        commit_index: Index,
        pause: Duration,
    ) {
        while self.open.front().is_some_and(|last| *last <= commit_index) {
            self.open.pop_front();
        }
        self.due = None;
        if last_index <= self.released {
            return;
        }
        let due = self.released_at.saturating_add(pause);
        if self.open.len() >= EAGER_BATCHES && now < due {
            self.due = Some(due);
            return;
        }
        (self.released, self.released_at) = (last_index, now);
        self.open.push_back(last_index);
    }
}

/// A leader has begun to hand its leadership over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transfer {
    pub(super) to: NodeId,
    /// Then it is given up.
    pub(super) until: Duration,
    /// The target was asked to stand.
    pub(super) is_asked: bool,
}
