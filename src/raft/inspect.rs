//! Read access to the state of a node.

use std::time::Duration;

use super::config::Config;
use super::core::Raft;
use super::entry::{Index, NodeId, Term};
use super::message::SnapshotMark;
use super::role::Role;

/// A role without its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleName {
    /// Follows a leader, or waits for one.
    Follower,
    /// Stands for election, or asks whether it would be elected.
    Candidate,
    /// Leads its term.
    Leader,
}

/// The progress of a follower, as its leader knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerProgress {
    /// The follower.
    pub peer: NodeId,
    /// Its log is known to agree with the leader's up to here.
    pub match_index: Index,
    /// When its last reply arrived.
    pub last_contact: Option<Duration>,
    /// Whether its votes and replies count.
    pub is_voter: bool,
}

impl Raft {
    /// The number of this node.
    pub fn id(&self) -> NodeId {
        self.node.config.id
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.node.config
    }

    /// The current role.
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

    /// The leader, if it is known.
    pub fn leader(&self) -> Option<NodeId> {
        self.node.leader
    }

    /// The last index of the log that is durable.
    pub fn durable_index(&self) -> Index {
        self.node.writes.durable_index()
    }

    /// The current term.
    pub fn current_term(&self) -> Term {
        self.node.term()
    }

    /// The last index that is known to be committed.
    pub fn commit_index(&self) -> Index {
        self.node.commit_index
    }

    /// Whether the next `Ready` has more to apply, to write or to send.
    pub fn has_more(&self) -> bool {
        let may_apply =
            self.node.installing.is_none() && self.node.dispatched_index < self.node.commit_index;
        may_apply || self.has_unwritten() || self.node.has_more_to_send
    }

    /// The last index that is committed and durable on this node.
    pub fn durable_commit_index(&self) -> Index {
        self.node.commit_index.min(self.node.writes.durable_index())
    }

    /// The first index of the log; the entries before it are in the snapshot.
    pub fn first_index(&self) -> Index {
        self.node.log.before().index + 1
    }

    /// The last index of the log.
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

    /// The remaining time of its lease if it is not renewed; zero without a lease.
    pub fn lease_remaining(&self, now: Duration) -> Duration {
        match &self.role {
            Role::Leader(leader) if !leader.is_revoked => {
                leader.lease_until(&self.node).saturating_sub(now)
            }
            _ => Duration::ZERO,
        }
    }

    /// The other nodes. Their progress is known to a leader only.
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
