//! Who counts: which nodes of the group are voters, as whoever runs this core has found out.
//!
//! A node that has lost its directory, or has an older one, has forgotten votes, promises and
//! entries that others rely on. It must never be part of a majority again. The core is told of it
//! and keeps to three rules:
//!
//! - *A node that is no voter* neither votes nor stands. It takes entries and snapshots as a
//!   follower does, so it comes up to date.
//! - *Of others that are no voters* nothing counts: no vote, and no answer for commit, lease or
//!   read-index. A leader sends to them as to all others.
//! - *Of a leader that does not count* nothing is taken.
//!
//! The number of nodes that make a majority does not change with it.

use std::collections::BTreeSet;

use super::core::Raft;
use super::entry::NodeId;
use super::lease::Rule;
use super::message::Body;
use super::progress::Progress;
use super::role::Role;

impl Raft {
    /// Says whether this node is a voter, and which of the others are none.
    pub fn set_voters(&mut self, is_voter: bool, non_voters: BTreeSet<NodeId>) {
        self.is_voter = is_voter;
        self.non_voters = non_voters;
        let non_voters = &self.non_voters;
        match &mut self.role {
            Role::PreCandidate(votes) => votes.retain(|voter| !non_voters.contains(voter)),
            Role::Candidate(candidate) => {
                candidate.votes.retain(|voter| !non_voters.contains(voter));
                candidate.acks.forget(non_voters);
            }
            Role::Leader(leadership) => {
                leadership.acks.forget(non_voters);
                leadership.reads.forget(non_voters);
            }
            Role::Follower => (),
        }
        if !self.may_vote() && !matches!(self.role, Role::Follower) {
            self.become_follower(self.term(), None);
        }
        if self.leader.is_some_and(|leader| self.non_voters.contains(&leader)) {
            self.leader = None;
        }
    }

    /// Another process of a follower is there: nothing is known of its log.
    pub fn follower_restarted(&mut self, peer: NodeId) {
        let next = self.log.last_index() + 1;
        if let Role::Leader(leadership) = &mut self.role
            && let Some(progress) = leadership.progress.get_mut(&peer)
        {
            let last_contact = progress.last_contact;
            *progress = Progress { last_contact, ..Progress::new(next) };
        }
    }

    /// Has the next [`Ready`](super::Ready) ask for a write, with which something else is to be made
    /// durable.
    pub fn request_write(&mut self) {
        self.is_write_requested = true;
    }

    pub(super) fn may_vote(&self) -> bool {
        self.is_voter || !self.keeps(Rule::VoteAsVoter)
    }

    /// Whether what another node says counts.
    pub(super) fn is_voting_peer(&self, peer: NodeId) -> bool {
        !self.non_voters.contains(&peer) || !self.keeps(Rule::CountVoters)
    }

    /// Whether a message is to be looked at.
    pub(super) fn accepts_from(&self, from: NodeId, body: &Body) -> bool {
        let is_follower_answer =
            matches!(body, Body::AppendEntriesReply { .. } | Body::InstallSnapshotReply { .. });
        is_follower_answer || self.is_voting_peer(from)
    }
}
