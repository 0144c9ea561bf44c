//! Which nodes count as voters. The code that runs the core sets it.
//!
//! A node that has lost its directory, or has an older copy of it, has forgotten votes, promises and
//! entries that other nodes rely on. It must never be part of a majority again. There are three rules:
//!
//! - *A node that is not a voter* neither votes nor stands for election. It takes entries and snapshots
//!   as a follower does, so it comes up to date.
//! - *Of other nodes that are not voters* nothing counts: no vote, and no reply for commit, lease or
//!   read-index. A leader sends to them as to all others.
//! - *Messages of a leader that is not a voter* are ignored.
//!
//! The number of nodes that make a majority does not change.

use std::collections::BTreeSet;

use super::core::Raft;
use super::entry::NodeId;
use super::message::Body;
use super::node::NodeState;
use super::progress::Progress;
use super::role::Role;

impl Raft {
    /// Says whether this node is a voter, and which of the others are not.
    pub fn set_voters(&mut self, is_voter: bool, non_voters: BTreeSet<NodeId>) {
        self.node.is_voter = is_voter;
        self.node.non_voters = non_voters;
        let non_voters = &self.node.non_voters;
        match &mut self.role {
            Role::PreCandidate(votes) => votes.retain(|voter| !non_voters.contains(voter)),
            Role::Candidate(candidate) => {
                candidate.votes.retain(|voter| !non_voters.contains(voter));
                candidate.acks.forget(non_voters);
            }
            Role::Leader(leader) => {
                leader.acks.forget(non_voters);
                leader.reads.forget(non_voters);
            }
            Role::Follower => (),
        }
        if !self.node.may_vote() && !matches!(self.role, Role::Follower) {
            self.become_follower(self.node.term(), None);
        }
        if self.node.leader.is_some_and(|leader| self.node.non_voters.contains(&leader)) {
            self.node.leader = None;
        }
    }

    /// A follower's process has restarted: nothing is known of its log.
    pub fn follower_restarted(&mut self, peer: NodeId) {
        let Some((leader, node)) = self.as_leader() else { return };
        if let Some(progress) = leader.progress.get_mut(&peer) {
            let last_contact = progress.last_contact;
            *progress = Progress { last_contact, ..Progress::new(node.log.last_index() + 1) };
        }
    }

    /// Has the next [`Ready`](super::Ready) ask for a write, with which the caller makes something else
    /// durable.
    pub fn request_write(&mut self) {
        self.node.is_write_requested = true;
    }
}

impl NodeState {
    /// Whether a message is to be handled. Replies of followers that are not voters are: a leader
    /// sends entries to them too.
    pub(super) fn accepts_from(&self, from: NodeId, body: &Body) -> bool {
        let is_follower_reply =
            matches!(body, Body::AppendEntriesReply { .. } | Body::InstallSnapshotReply { .. });
        is_follower_reply || self.is_voting_peer(from)
    }
}
