//! What a client can ask of a leader: commands, reads, and a transfer of leadership.

use std::collections::BTreeSet;
use std::time::Duration;

use super::core::Raft;
use super::entry::{Index, NodeId, Payload};
use super::message::Body;
use super::node::NodeState;
use super::ready::{NotLeader, ProposeError, ReadGrant, TransferError};
use super::role::{LeaderState, Transfer};
use super::sanity::MAX_NUMBER;
use super::trace::Trace;

/// A follower that has not answered for so many heartbeats is not chosen as successor.
const SUCCESSOR_TIMEOUT_HEARTBEATS: u32 = 3;

impl Raft {
    /// Appends a command to the log. It is done when an entry of this index and of the current term is
    /// committed; if this node stops leading before that, the command may be done or not. `at_ms` is
    /// the wall clock, in milliseconds since 1970.
    ///
    /// # Errors
    /// See [`ProposeError`]; nothing of the command is kept.
    pub fn propose(
        &mut self,
        now: Duration,
        at_ms: u64,
        payload: Payload,
    ) -> Result<Index, ProposeError> {
        self.node.advance_clock(now);
        let not_leader = |leader| Err(ProposeError::NotLeader(NotLeader { leader }));
        let known_leader = self.node.leader;
        let Some((leader, node)) = self.as_leader() else { return not_leader(known_leader) };
        if let Some(transfer) = &leader.transfer {
            return not_leader(Some(transfer.to));
        }
        if node.is_full {
            return Err(ProposeError::Full);
        }
        if node.log.last_index() >= MAX_NUMBER && node.is_used_up() {
            return Err(ProposeError::Busy);
        }
        if leader.uncommitted_bytes >= node.config.max_uncommitted_bytes {
            return Err(ProposeError::Busy);
        }
        Ok(leader.append(node, at_ms, payload))
    }

    /// Asks for a linearizable read. `conflicts` says of a command whether it would change what is
    /// read; it is called for commands that an older leader may have acknowledged.
    ///
    /// The state must be read after this call, not before: an earlier one may be older than
    /// what other nodes have answered since.
    ///
    /// # Errors
    /// This node does not lead.
    pub fn read(
        &mut self,
        now: Duration,
        conflicts: impl FnMut(&[u8]) -> bool,
    ) -> Result<ReadGrant, NotLeader> {
        self.node.advance_clock(now);
        let known_leader = self.node.leader;
        let Some((leader, node)) = self.as_leader() else {
            return Err(NotLeader { leader: known_leader });
        };
        let has_own_commit = node.commit_index >= leader.noop_index;
        if node.holds_lease(leader)
            && (has_own_commit || node.may_read_inherited(leader, conflicts))
        {
            return Ok(ReadGrant::Now(node.commit_index));
        }
        node.newest_read += 1;
        leader.reads.add(node.newest_read);
        Ok(ReadGrant::Later(node.newest_read))
    }

    /// Transfers the leadership to a node (section 3.10 of the dissertation). No command is taken
    /// until that node leads, or has failed to take over within an election timeout.
    ///
    /// # Errors
    /// See [`TransferError`].
    pub fn transfer(&mut self, now: Duration, to: NodeId) -> Result<(), TransferError> {
        let (leader, node) = self.leader_to_transfer(now)?;
        if to == node.config.id {
            return Ok(());
        }
        if !leader.progress.contains_key(&to) {
            return Err(TransferError::UnknownNode);
        }
        if node.non_voters.contains(&to) {
            return Err(TransferError::NoVoter);
        }
        if leader.transfer.is_some() {
            return Err(TransferError::InProgress);
        }
        leader.begin_transfer(node, to, None);
        Ok(())
    }

    /// Transfers the leadership to any other node: first to the follower with the longest log of those
    /// that have answered lately, then to the next one if that fails. No command is taken meanwhile.
    ///
    /// # Errors
    /// This node does not lead, or it is the only node ([`TransferError::UnknownNode`]).
    pub fn hand_over(&mut self, now: Duration) -> Result<(), TransferError> {
        let (leader, node) = self.leader_to_transfer(now)?;
        if let Some(transfer) = &mut leader.transfer {
            transfer.failed.get_or_insert_default();
            return Ok(());
        }
        let failed = BTreeSet::new();
        let to = leader.best_successor(node, &failed).ok_or(TransferError::UnknownNode)?;
        leader.begin_transfer(node, to, Some(failed));
        Ok(())
    }

    fn leader_to_transfer(
        &mut self,
        now: Duration,
    ) -> Result<(&mut LeaderState, &mut NodeState), TransferError> {
        self.node.advance_clock(now);
        let not_leader = NotLeader { leader: self.node.leader };
        self.as_leader().ok_or(TransferError::NotLeader(not_leader))
    }

    /// Whether a transfer of leadership is in progress.
    pub fn is_handing_over(&self) -> bool {
        self.leader_state().is_some_and(|leader| leader.transfer.is_some())
    }
}

impl LeaderState {
    fn begin_transfer(
        &mut self,
        node: &mut NodeState,
        to: NodeId,
        failed: Option<BTreeSet<NodeId>>,
    ) {
        let since = node.now;
        let until = since.saturating_add(node.config.election_timeout);
        self.transfer = Some(Transfer { to, since, until, is_requested: false, failed });
        node.pending_ready.trace.push(Trace::TransferStarted { to });
    }

    /// The follower with the longest log among those that have answered lately. Of several equal ones
    /// the last that answered: it is the least likely to be gone.
    fn best_successor(&self, node: &NodeState, failed: &BTreeSet<NodeId>) -> Option<NodeId> {
        let is_recent = |at: Duration| node.now < at.saturating_add(successor_timeout(node));
        let may_lead = |peer: &NodeId| !failed.contains(peer) && node.is_voting_peer(*peer);
        let left = self.progress.iter().filter(|(peer, _)| may_lead(peer));
        let best = left.max_by_key(|(_, progress)| {
            let has_answered = progress.last_contact.is_some_and(is_recent);
            (has_answered, progress.match_index, progress.last_contact)
        });
        best.map(|(peer, _)| *peer)
    }

    /// When [`advance_transfer`](Self::advance_transfer) has to be called again.
    pub(super) fn transfer_due(&self, node: &NodeState) -> Option<Duration> {
        let transfer = self.transfer.as_ref()?;
        if transfer.failed.is_none() {
            return Some(transfer.until);
        }
        let contact = self.progress.get(&transfer.to).and_then(|peer| peer.last_contact);
        let since = contact.unwrap_or_default().max(transfer.since);
        Some(since.saturating_add(successor_timeout(node)).min(transfer.until))
    }

    /// Sends the target TimeoutNow once it has the whole log and every command is answered, or
    /// abandons it when its time is over.
    pub(super) fn advance_transfer(&mut self, node: &mut NodeState) {
        let last = node.log.last_index();
        let Some(due) = self.transfer_due(node) else { return };
        // Commands that cannot be committed before the end of an old lease are not waited for.
        let is_settled = self.old_leases.may_last(node.now) || node.commit_index == last;
        if node.now >= due {
            self.abandon_target(node);
        }
        let Some(transfer) = &mut self.transfer else { return };
        let to = transfer.to;
        let has_all = self.progress.get(&to).is_some_and(|peer| peer.match_index == last);
        if has_all && is_settled && !transfer.is_requested {
            transfer.is_requested = true;
            // Before the message is sent (rule 9), and for the rest of the term: the leader cannot know
            // when the target will stand for election.
            self.is_revoked = true;
            node.send(to, Body::TimeoutNow);
        }
    }

    /// The target does not take over: chooses another one, if any node may lead and one is left.
    fn abandon_target(&mut self, node: &mut NodeState) {
        let Some(Transfer { to, failed, .. }) = self.transfer.take() else { return };
        let next = failed.and_then(|mut failed| {
            failed.insert(to);
            Some((self.best_successor(node, &failed)?, failed))
        });
        match next {
            Some((next, failed)) => self.begin_transfer(node, next, Some(failed)),
            None => node.pending_ready.trace.push(Trace::TransferAborted),
        }
    }
}

/// How long a successor may be silent; the leader sends it a heartbeat in every interval.
fn successor_timeout(node: &NodeState) -> Duration {
    node.config.heartbeat_interval.saturating_mul(SUCCESSOR_TIMEOUT_HEARTBEATS)
}
