//! How a node is, for those who ask.

use std::time::Duration;

use super::config::Config;
use super::core::Raft;
use super::entry::{Index, NodeId, Term};
use super::message::SnapshotMark;
use super::role::Role;

/// What a node is, without what it knows as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleName {
    /// Follows a leader, or waits for one.
    Follower,
    /// Stands for election, or asks whether it would be elected.
    Candidate,
    /// Leads.
    Leader,
}

/// How far a follower is, as its leader knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerProgress {
    /// Whose.
    pub peer: NodeId,
    /// Its log is known to agree with the leader's up to here.
    pub match_index: Index,
    /// When it last answered.
    pub last_contact: Option<Duration>,
    /// Whether its votes and answers count.
    pub is_voter: bool,
}

impl Raft {
    /// This node's number.
    pub fn id(&self) -> NodeId {
        self.node.config.id
    }

    /// How it was set up.
    pub fn config(&self) -> &Config {
        &self.node.config
    }

    /// What it is.
    pub fn role(&self) -> RoleName {
        match self.role {
            Role::Follower => RoleName::Follower,
            Role::PreCandidate(_) | Role::Candidate(_) => RoleName::Candidate,
            Role::Leader(_) => RoleName::Leader,
        }
    }

    /// Whether it may vote and lead.
    pub fn is_voter(&self) -> bool {
        self.node.is_voter
    }

    /// Whether it leads.
    pub fn is_leader(&self) -> bool {
        self.role() == RoleName::Leader
    }

    /// Who leads, as far as it knows.
    pub fn leader(&self) -> Option<NodeId> {
        self.node.leader
    }

    /// Its log is durable up to here.
    pub fn durable_index(&self) -> Index {
        self.node.writes.durable_index()
    }

    /// Its term.
    pub fn current_term(&self) -> Term {
        self.node.term()
    }

    /// It knows that the log is committed up to here.
    pub fn commit_index(&self) -> Index {
        self.node.commit_index
    }

    /// Whether another `Ready` has more to apply, to write or to send already.
    pub fn has_more(&self) -> bool {
        let may_apply =
            self.node.installing.is_none() && self.node.dispatched_index < self.node.commit_index;
        may_apply || self.has_unwritten() || self.node.has_more_to_send
    }

    /// What is committed and durable here: what may be noted as such on disk.
    pub fn durable_commit_index(&self) -> Index {
        self.node.commit_index.min(self.node.writes.durable_index())
    }

    /// The first index that the log still has; the rest is in the snapshot.
    pub fn first_index(&self) -> Index {
        self.node.log.before().index + 1
    }

    /// Where the log ends.
    pub fn last_index(&self) -> Index {
        self.node.log.last_index()
    }

    /// The newest snapshot.
    pub fn snapshot(&self) -> SnapshotMark {
        self.node.snapshot
    }

    /// The term of the entry at an index, if the log has it.
    pub fn term_at(&self, index: Index) -> Option<Term> {
        self.node.log.term_at(index)
    }

    /// How long its lease lasts if nobody renews it; zero without a lease.
    pub fn lease_remaining(&self, now: Duration) -> Duration {
        match &self.role {
            Role::Leader(leader) if !leader.is_revoked => {
                leader.lease_until(&self.node).saturating_sub(now)
            }
            _ => Duration::ZERO,
        }
    }

    /// The other nodes; what a node that does not lead knows of them is nothing.
    pub fn peers(&self) -> Vec<PeerProgress> {
        let progress = |peer: &NodeId| {
            let known = self.leader_state().and_then(|leader| leader.progress.get(peer));
            PeerProgress {
                peer: *peer,
                match_index: known.map_or(0, |known| known.match_index),
                last_contact: known.and_then(|known| known.last_contact),
                is_voter: self.node.is_voting_peer(*peer),
            }
        };
        self.node.others.iter().map(progress).collect()
    }
}
