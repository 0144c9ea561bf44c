//! The quota of a group's state: a leader proposes nothing that could make the state larger.
//!
//! The quota limits what the state machine counts ([`StateMachine::size_bytes`]). Sessions and
//! their answers have bounds of their own and do not count: a client that opens many must not stop
//! the writes of others. The leader alone decides, before it proposes. An entry that is in the log
//! is applied by every replica, whatever its own quota is; so nodes with different flags never
//! differ.
//!
//! A command that leaves the state no larger than before is always accepted: a deletion, a smaller
//! value, a compare-and-set that fails, and a repeated command that was accepted before.
//!
//! Far from the quota the check is a few additions. Near it, the commands in the log that are
//! not applied yet are taken into account one by one; so that this stays cheap, at most
//! [`MAX_PENDING`] may be pending then.

use crate::raft::{Entry, Origin, Payload, Raft, StateMachine};
use crate::replica::state::Replicated;

/// The default: as etcd's. All of the state is in memory, and a snapshot of it in files.
pub const DEFAULT_QUOTA_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// The most commands that may be pending near the quota.
const MAX_PENDING: u64 = 256;

/// The quota, and whether it was reached.
#[derive(Debug, Default)]
pub(super) struct Quota {
    /// 0: no quota.
    pub(super) max_bytes: u64,
    /// By how much the entries behind the applied ones make the state larger at most, while this
    /// node leads.
    unapplied_bytes: u64,
    /// By how much the last refused command would have made the state larger.
    refused_growth: u64,
}

/// How much of its quota a state uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuotaUse {
    /// What the state counts.
    pub size_bytes: u64,
    /// The quota; 0: none.
    pub quota_bytes: u64,
    /// Whether this node refused a command because of the quota, and would still.
    pub is_full: bool,
}

/// Whether a command may be proposed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission {
    Admitted,
    /// The use, with the pending commands.
    OverQuota(QuotaUse),
    /// Near the quota, and too many commands are pending.
    Busy,
}

impl Quota {
    /// This node has become leader, with entries of earlier leaders in its log.
    pub(super) fn lead<M: StateMachine>(&mut self, raft: &Raft, state: &Replicated<M>) {
        let entries = raft.entries_after(state.applied_index());
        self.unapplied_bytes = entries.map(|entry| max_growth::<M>(&entry.payload)).sum();
    }

    /// An entry was proposed, with what [`max_growth`] says.
    pub(super) fn proposed(&mut self, growth: u64) {
        self.unapplied_bytes = self.unapplied_bytes.saturating_add(growth);
    }

    /// An entry was applied.
    pub(super) fn applied<M: StateMachine>(&mut self, entry: &Entry) {
        let growth = max_growth::<M>(&entry.payload);
        self.unapplied_bytes = self.unapplied_bytes.saturating_sub(growth);
    }

    pub(super) fn usage<M: StateMachine>(&self, state: &Replicated<M>) -> QuotaUse {
        let size_bytes = state.machine().size_bytes();
        let is_full = self.refused_growth > 0
            && size_bytes.saturating_add(self.refused_growth) > self.max_bytes;
        QuotaUse { size_bytes, quota_bytes: self.max_bytes, is_full }
    }

    /// Decides about a command of a leader.
    pub(super) fn admit<M: StateMachine>(
        &mut self,
        raft: &Raft,
        state: &Replicated<M>,
        origin: Option<Origin>,
        command: &[u8],
    ) -> Admission {
        let pending = raft.last_index().saturating_sub(state.applied_index());
        let growth = M::max_overhead_bytes(command).saturating_add(command.len() as u64);
        let most = self.unapplied_bytes.saturating_add(growth);
        let size = state.machine().size_bytes();
        if self.max_bytes == 0 || size.saturating_add(most) <= self.max_bytes {
            return Admission::Admitted;
        }
        if !M::may_grow(command) {
            return Admission::Admitted;
        }
        if pending > MAX_PENDING {
            return Admission::Busy;
        }
        let entries = || raft.entries_after(state.applied_index());
        if origin.is_some_and(|origin| is_repeated(origin, state, entries())) {
            return Admission::Admitted;
        }
        let commands = || entries().filter_map(command_of);
        let after = state.machine().size_bytes_after(&mut commands().chain([command]));
        if after <= self.max_bytes {
            return Admission::Admitted;
        }
        let before = state.machine().size_bytes_after(&mut commands());
        match after.saturating_sub(before) {
            0 => Admission::Admitted,
            growth => {
                self.refused_growth = growth;
                let quota_bytes = self.max_bytes;
                let usage = QuotaUse { size_bytes: before, quota_bytes, is_full: true };
                Admission::OverQuota(usage)
            }
        }
    }
}

/// By how much an entry makes the state larger at most.
pub(super) fn max_growth<M: StateMachine>(payload: &Payload) -> u64 {
    match payload {
        Payload::Command { command, .. } => {
            M::max_overhead_bytes(command).saturating_add(command.len() as u64)
        }
        Payload::NoOp | Payload::OpenSession => 0,
    }
}

/// Whether a command is in the log or applied: it gets its first answer and adds nothing.
fn is_repeated<'e, M: StateMachine>(
    origin: Origin,
    state: &Replicated<M>,
    mut pending: impl Iterator<Item = &'e Entry>,
) -> bool {
    let is_same = |entry: &Entry| match &entry.payload {
        Payload::Command { origin: Some(other), .. } => {
            (other.session, other.sequence) == (origin.session, origin.sequence)
        }
        _ => false,
    };
    state.has_answer(origin) || pending.any(is_same)
}

fn command_of(entry: &Entry) -> Option<&[u8]> {
    match &entry.payload {
        Payload::Command { command, .. } => Some(command),
        Payload::NoOp | Payload::OpenSession => None,
    }
}
