//! What clients want of a node: writes, reads, and that another node leads.

use super::core::Raft;
use super::entry::{Entry, Index, NodeId, Payload};
use super::lease::Rule;
use super::message::Body;
use super::ready::{NotLeader, ProposeError, ReadGrant, TransferError};
use super::role::{LeaderState, Role, Transfer};
use super::trace::Trace;
use std::collections::BTreeSet;
use std::time::Duration;

/// More entries in limbo than this are not looked through: a read waits for them.
const MAX_LIMBO: Index = 1024;
/// A node that has not answered for so many heartbeats is no successor.
const SUCCESSOR_TIMEOUT_HEARTBEATS: u32 = 3;

impl Raft {
    /// Takes a command. It is done when an entry of this index and of the present term is committed;
    /// should this node stop leading before that, it may be done or not. `at_ms` is the wall clock,
    /// in milliseconds since 1970.
    ///
    /// # Errors
    /// See [`ProposeError`]; nothing of the command is kept.
    pub fn propose(
        &mut self,
        now: Duration,
        at_ms: u64,
        payload: Payload,
    ) -> Result<Index, ProposeError> {
        self.advance_clock(now);
        let not_leader = |leader| Err(ProposeError::NotLeader(NotLeader { leader }));
        let Role::Leader(leadership) = &self.role else { return not_leader(self.leader) };
        if let Some(transfer) = &leadership.transfer {
            return not_leader(Some(transfer.to));
        }
        if self.is_full {
            return Err(ProposeError::Full);
        }
        if leadership.uncommitted_bytes >= self.config.max_uncommitted_bytes {
            return Err(ProposeError::Busy);
        }
        Ok(self.append(at_ms, payload))
    }

    /// Asks for a linearizable read. `conflicts` says of a command whether it would change what is
    /// read; it is asked of commands that an older leader may have answered.
    ///
    /// The state is to be read after this call, not before: what was read then may be older than
    /// what others have answered since.
    ///
    /// # Errors
    /// This node does not lead.
    pub fn read(
        &mut self,
        now: Duration,
        conflicts: impl FnMut(&[u8]) -> bool,
    ) -> Result<ReadGrant, NotLeader> {
        self.advance_clock(now);
        let Role::Leader(leadership) = &self.role else {
            return Err(NotLeader { leader: self.leader });
        };
        let lasts = self.now < self.lease_until(leadership) || !self.keeps(Rule::LeaseEnds);
        let is_held = !leadership.is_revoked || !self.keeps(Rule::Revoke);
        if is_held
            && lasts
            && (self.commit_index >= leadership.noop_index || self.allows_inherited_read(conflicts))
        {
            return Ok(ReadGrant::Now(self.commit_index));
        }
        self.newest_read += 1;
        let read = self.newest_read;
        if let Role::Leader(leadership) = &mut self.role {
            leadership.reads.add(read);
        }
        Ok(ReadGrant::Later(read))
    }

    /// Whether a read may see the state as it was inherited (rule 7): nothing that an older leader
    /// may have answered for would change what it looks at.
    fn allows_inherited_read(&self, mut conflicts: impl FnMut(&[u8]) -> bool) -> bool {
        let Role::Leader(leadership) = &self.role else { return false };
        let (from, to) = (self.commit_index + 1, leadership.last_index_at_election);
        let mut writes = |entry: &Entry| match &entry.payload {
            Payload::Command { command, .. } => conflicts(command),
            Payload::NoOp | Payload::OpenSession => false,
        };
        if !self.keeps(Rule::Limbo) {
            return true;
        }
        to < from + MAX_LIMBO && !self.log.range(from, to).any(&mut writes)
    }

    /// Hands the leadership to another node (section 3.10 of the dissertation). No command is taken
    /// until that node leads, or did not take over within an election timeout.
    ///
    /// # Errors
    /// See [`TransferError`].
    pub fn transfer(&mut self, now: Duration, to: NodeId) -> Result<(), TransferError> {
        self.advance_clock(now);
        let Role::Leader(leadership) = &self.role else {
            return Err(TransferError::NotLeader(NotLeader { leader: self.leader }));
        };
        if to == self.config.id {
            return Ok(());
        }
        if !leadership.progress.contains_key(&to) {
            return Err(TransferError::UnknownNode);
        }
        if self.non_voters.contains(&to) {
            return Err(TransferError::NoVoter);
        }
        if leadership.transfer.is_some() {
            return Err(TransferError::InProgress);
        }
        self.begin_transfer(to, None);
        Ok(())
    }

    /// Hands the leadership to any other node: of those that were heard of lately to the one whose
    /// log is nearest to ours, and to the next one when that fails. No command is taken meanwhile.
    ///
    /// # Errors
    /// This node does not lead, or it is alone ([`TransferError::UnknownNode`]).
    pub fn hand_over(&mut self, now: Duration) -> Result<(), TransferError> {
        self.advance_clock(now);
        let Role::Leader(leadership) = &mut self.role else {
            return Err(TransferError::NotLeader(NotLeader { leader: self.leader }));
        };
        if let Some(transfer) = &mut leadership.transfer {
            transfer.failed.get_or_insert_default();
            return Ok(());
        }
        let failed = BTreeSet::new();
        let to = self.best_successor(&failed).ok_or(TransferError::UnknownNode)?;
        self.begin_transfer(to, Some(failed));
        Ok(())
    }

    /// Whether a leader is handing over.
    pub fn is_handing_over(&self) -> bool {
        matches!(&self.role, Role::Leader(leadership) if leadership.transfer.is_some())
    }

    fn begin_transfer(&mut self, to: NodeId, failed: Option<BTreeSet<NodeId>>) {
        let since = self.now;
        let until = since.saturating_add(self.config.election_timeout);
        if let Role::Leader(leadership) = &mut self.role {
            leadership.transfer = Some(Transfer { to, since, until, is_requested: false, failed });
            self.pending_ready.trace.push(Trace::TransferStarted { to });
        }
    }

    /// Of several that are as good the one that was heard of last: it is the least likely to be gone.
    fn best_successor(&self, failed: &BTreeSet<NodeId>) -> Option<NodeId> {
        let Role::Leader(leadership) = &self.role else { return None };
        let is_near = |heard: Duration| self.now < heard.saturating_add(self.successor_timeout());
        let may_lead = |peer: &NodeId| !failed.contains(peer) && self.is_voting_peer(*peer);
        let left = leadership.progress.iter().filter(|(peer, _)| may_lead(peer));
        let best = left.max_by_key(|(_, progress)| {
            let is_heard = progress.last_contact.is_some_and(is_near);
            (is_heard, progress.match_index, progress.last_contact)
        });
        best.map(|(peer, _)| *peer)
    }

    /// How long a successor may be silent, while it is sent a heartbeat in every interval.
    fn successor_timeout(&self) -> Duration {
        self.config.heartbeat_interval.saturating_mul(SUCCESSOR_TIMEOUT_HEARTBEATS)
    }

    /// When a transfer is to be looked at again.
    pub(super) fn transfer_due(&self, leadership: &LeaderState) -> Option<Duration> {
        let transfer = leadership.transfer.as_ref()?;
        if transfer.failed.is_none() {
            return Some(transfer.until);
        }
        let heard = leadership.progress.get(&transfer.to).and_then(|peer| peer.last_contact);
        let silent =
            heard.unwrap_or_default().max(transfer.since).saturating_add(self.successor_timeout());
        Some(silent.min(transfer.until))
    }

    /// Asks the target to stand once it has all of our log and every command is answered; or gives
    /// it up in time.
    pub(super) fn advance_transfer(&mut self) {
        let last = self.log.last_index();
        let Role::Leader(leadership) = &self.role else { return };
        let Some(due) = self.transfer_due(leadership) else { return };
        // What cannot be committed before an old lease is over is not waited for.
        let waits = leadership.old_leases.end().is_some_and(|end| self.now <= end);
        let is_settled = waits || self.commit_index == last;
        if self.now >= due {
            self.abandon_target();
        }
        let Role::Leader(leadership) = &mut self.role else { return };
        let Some(transfer) = &mut leadership.transfer else { return };
        let to = transfer.to;
        let has_all = leadership.progress.get(&to).is_some_and(|peer| peer.match_index == last);
        if has_all && is_settled && !transfer.is_requested {
            transfer.is_requested = true;
            // Before it is asked (rule 9), and for good: nobody knows when it will stand.
            leadership.is_revoked = true;
            self.send(to, Body::TimeoutNow);
        }
    }

    /// The target does not take over: another one is to, if any will do and one is left.
    fn abandon_target(&mut self) {
        let Role::Leader(leadership) = &mut self.role else { return };
        let Some(Transfer { to, failed, .. }) = leadership.transfer.take() else { return };
        let next = failed.and_then(|mut failed| {
            failed.insert(to);
            Some((self.best_successor(&failed)?, failed))
        });
        match next {
            Some((next, failed)) => self.begin_transfer(next, Some(failed)),
            None => self.pending_ready.trace.push(Trace::TransferAborted),
        }
    }
}
