//! What a leader does: heartbeats, replication, commit (sections 5.3 and 5.4 of the paper).

use std::sync::Arc;
use std::time::Duration;

use super::core::Raft;
use super::entry::{Entry, Index, NodeId, Payload};
use super::lease::{Rule, usable};
use super::message::{AppendOutcome, Body, SnapshotMark};
use super::progress::Mode;
use super::role::{LeaderState, Role};
use super::trace::Trace;

/// A nanosecond: what is over at a moment is over right after it.
const INSTANT: Duration = Duration::from_nanos(1);

/// A disk that has done nothing for so many leases is dead.
const STALL_LEASES: u32 = 10;

/// From so many bytes on, what is on its way delays what is behind it.
const LARGE_BYTES: usize = 64 * 1024;

impl Raft {
    /// Steps down if the lease could not be renewed (rule 11); else does what is due.
    pub(super) fn tick_leader(&mut self) {
        let Role::Leader(leadership) = &self.role else { return };
        if self.now >= self.step_down_at(leadership) && self.keeps(Rule::StepDown) {
            self.pending_ready.trace.push(Trace::LeaseRenewalFailed);
            self.become_follower(self.term(), None);
            return;
        }
        if self.now >= leadership.heartbeat_due {
            self.send_heartbeats();
        }
        self.advance_commit();
    }

    pub(super) fn next_timeout_of_leader(&self, leadership: &LeaderState) -> Duration {
        let heartbeat =
            if self.others.is_empty() { Duration::MAX } else { leadership.heartbeat_due };
        let may_commit = leadership.old_leases.end().filter(|end| *end >= self.now);
        let may_commit = may_commit.map_or(Duration::MAX, |end| end.saturating_add(INSTANT));
        let batch = leadership.batches.due().unwrap_or(Duration::MAX);
        let transfer = self.transfer_due(leadership).unwrap_or(Duration::MAX);
        heartbeat.min(may_commit).min(batch).min(transfer).min(self.step_down_at(leadership))
    }

    /// When it steps down if nobody answers any more: when its lease ends, but not before its first
    /// messages as a leader could be answered. Where a round trip takes half a lease, a lease that
    /// counts from when votes were asked for is over by then.
    fn step_down_at(&self, leadership: &LeaderState) -> Duration {
        let usable = usable(self.config.lease, self.config.lease_guard);
        self.lease_until(leadership).max(leadership.elected_at.saturating_add(usable))
    }

    /// Adds an entry to our own log; it is sent and written with the next `Ready`.
    pub(super) fn append(&mut self, at_ms: u64, payload: Payload) -> Index {
        let index = self.log.last_index() + 1;
        let at_ms = at_ms.max(self.log.at_ms());
        let entry = Entry { term: self.term(), index, at_ms, payload };
        if let Role::Leader(leadership) = &mut self.role {
            leadership.uncommitted_bytes += entry.size_bytes();
        }
        self.log.append(entry);
        index
    }

    /// What a leader has to say before a `Ready` is made.
    pub(super) fn prepare_leader_output(&mut self) {
        let Role::Leader(leadership) = &mut self.role else { return };
        let may_round =
            leadership.noop_index <= self.commit_index || !self.keeps(Rule::ReadIndexWaits);
        let Role::Leader(leadership) = &mut self.role else { return };
        let wants_round = may_round && leadership.reads.wants_round();
        if wants_round {
            leadership.reads.begin_round(self.commit_index);
            if let Some((reads, index)) = leadership.reads.take_confirmed(self.quorum) {
                self.pending_ready.reads.extend(reads.into_iter().map(|read| (read, Ok(index))));
            }
        }
        if wants_round || self.now >= leadership.heartbeat_due {
            self.send_heartbeats();
        }
        let (now, pause) = (self.now, self.config.batch_pause);
        if let Role::Leader(leadership) = &mut self.role {
            leadership.batches.release(now, self.log.last_index(), self.commit_index, pause);
        }
        self.replicate();
        self.request_snapshot_pieces();
        self.advance_transfer();
    }

    /// Rule 11: a disk that has stood still for ten leases is dead, and so is its node. A disk that has
    /// much to do for others as well may take a second for what was written at once, and those that
    /// vote for another leader would wait for disks as busy. One that is full is not dead: terms and
    /// votes are written.
    fn is_disk_stuck(&self) -> bool {
        let timeout = self.config.lease.saturating_mul(STALL_LEASES);
        let is_over = |since: Duration| self.now > since.saturating_add(timeout);
        !self.is_full && self.writes.stalled_since().is_some_and(is_over)
    }

    /// An AppendEntries without entries to everybody.
    fn send_heartbeats(&mut self) {
        let interval = self.config.heartbeat_interval;
        let stuck = self.is_disk_stuck();
        let Role::Leader(leadership) = &mut self.role else { return };
        leadership.heartbeat_due = self.now.saturating_add(interval);
        if self.others.is_empty() || stuck {
            return;
        }
        self.pending_ready.trace.push(Trace::HeartbeatSent);
        for to in self.others.clone() {
            if let Role::Leader(leadership) = &mut self.role
                && let Some(progress) = leadership.progress.get_mut(&to)
            {
                progress.pace.heartbeat_sent(self.now);
            }
            if self.is_busy_sending(to) {
                self.send_append(to, SnapshotMark::default(), Arc::default());
            }
            let prev = self.heartbeat_prev(to);
            self.send_append(to, prev, Arc::default());
        }
    }

    /// Whether something large may be on its way to a follower. A heartbeat that asks where the logs
    /// agree has to stay behind it; one that [asks nothing](Body::is_pure_heartbeat) goes as well, which
    /// may overtake, so that the lease does not wait for what is large.
    fn is_busy_sending(&self, to: NodeId) -> bool {
        let Role::Leader(leadership) = &self.role else { return false };
        leadership.progress.get(&to).is_some_and(|progress| match &progress.mode {
            Mode::Probe { .. } | Mode::Ahead => false,
            Mode::Replicate(window) => window.bytes() >= LARGE_BYTES,
            Mode::Snapshot(_) => true,
        })
    }

    /// Where a heartbeat to a follower is to ask whether the logs agree.
    fn heartbeat_prev(&mut self, to: NodeId) -> SnapshotMark {
        let snapshot = self.snapshot;
        let Role::Leader(leadership) = &mut self.role else { return snapshot };
        let Some(progress) = leadership.progress.get_mut(&to) else { return snapshot };
        match &mut progress.mode {
            Mode::Snapshot(snapshot_send) => return snapshot_send.snapshot,
            // There it finds out, unless it has entries of this term that nobody made.
            Mode::Ahead => return self.log.last(),
            Mode::Probe { is_sent } => *is_sent = true,
            Mode::Replicate(_) => (),
        }
        let index = progress.next_index - 1;
        match self.log.term_at(index) {
            Some(term) => SnapshotMark { index, term },
            None => {
                progress.begin_snapshot(snapshot);
                snapshot
            }
        }
    }

    /// Sends everybody what it lacks, as far as the windows go, and not more than one large message
    /// at a time: what else there is to do is not kept waiting. Followers that are at the same place
    /// share the entries.
    fn replicate(&mut self) {
        self.has_more_to_send = false;
        if self.is_disk_stuck() {
            return;
        }
        let released = match &self.role {
            Role::Leader(leadership) => leadership.batches.released(),
            _ => return,
        };
        let mut shared: Option<(Index, Arc<[Entry]>)> = None;
        for to in self.others.clone() {
            let mut sent_bytes = 0;
            while let Some(from) = self.next_index_to_send(to) {
                if sent_bytes >= self.config.max_append_bytes {
                    self.has_more_to_send = true;
                    break;
                }
                let entries = match &shared {
                    Some((index, entries)) if *index == from => Arc::clone(entries),
                    _ => self
                        .log
                        .slice_up_to_bytes(from, released, self.config.max_append_bytes)
                        .into(),
                };
                shared = Some((from, Arc::clone(&entries)));
                sent_bytes += self.send_entries(to, from, entries);
            }
        }
    }

    /// The first of the entries that a follower is to be sent now.
    fn next_index_to_send(&mut self, to: NodeId) -> Option<Index> {
        let (max_appends, max_bytes) =
            (self.config.max_inflight_appends, self.config.max_inflight_bytes);
        let Role::Leader(leadership) = &mut self.role else { return None };
        let released = leadership.batches.released();
        let progress = leadership.progress.get_mut(&to)?;
        let next_index = progress.next_index;
        match &mut progress.mode {
            Mode::Snapshot(_) | Mode::Ahead => None,
            _ if next_index <= self.log.before().index => {
                progress.begin_snapshot(self.snapshot);
                None
            }
            Mode::Replicate(window) => {
                let has_capacity = next_index <= released
                    && window.has_capacity(&mut progress.pace, max_appends, max_bytes);
                has_capacity.then_some(next_index)
            }
            Mode::Probe { is_sent: true } => None,
            Mode::Probe { is_sent } => {
                *is_sent = true;
                let index = next_index - 1;
                let term = self.log.term_at(index).unwrap_or_default();
                self.send_append(to, SnapshotMark { index, term }, Arc::default());
                None
            }
        }
    }

    /// Sends entries to a follower, and says how large they are.
    fn send_entries(&mut self, to: NodeId, from: Index, entries: Arc<[Entry]>) -> usize {
        let (count, bytes) =
            (entries.len() as Index, entries.iter().map(Entry::size_bytes).sum::<usize>());
        if let Role::Leader(leadership) = &mut self.role
            && let Some(progress) = leadership.progress.get_mut(&to)
            && let Mode::Replicate(window) = &mut progress.mode
        {
            window.send(from + count - 1, bytes);
            progress.next_index = from + count;
        }
        let term = self.log.term_at(from - 1).unwrap_or_default();
        self.send_append(to, SnapshotMark { index: from - 1, term }, entries);
        bytes
    }

    fn send_append(&mut self, to: NodeId, prev: SnapshotMark, entries: Arc<[Entry]>) {
        let Role::Leader(leadership) = &self.role else { return };
        let body = Body::AppendEntries {
            prev_log_index: prev.index,
            prev_log_term: prev.term,
            entries,
            leader_commit: self.commit_index,
            sent_at: self.now,
            lease: self.config.lease,
            read_round: leadership.reads.newest_round(),
        };
        self.send(to, body);
    }

    pub(super) fn handle_append_reply(
        &mut self,
        from: NodeId,
        outcome: AppendOutcome,
        sent_at: Duration,
        read_round: u64,
    ) {
        if let Some(took) = self.now.checked_sub(sent_at) {
            self.round_trips.record(from, took);
        }
        let last = self.log.last_index();
        let retry = match outcome {
            AppendOutcome::Conflict { prev_log_index, conflict_term, conflict_index } => {
                self.retry_index(prev_log_index, conflict_term, conflict_index)
            }
            _ => 0,
        };
        if !self.record_contact(from, sent_at) {
            return;
        }
        let is_counted = self.is_voting_peer(from);
        let Role::Leader(leadership) = &mut self.role else { return };
        let Some(progress) = leadership.progress.get_mut(&from) else { return };
        let (tolerance, most) = (self.config.election_timeout / 4, self.config.max_inflight_bytes);
        progress.pace.reply_received(self.now, sent_at, tolerance, most);
        match outcome {
            AppendOutcome::Matched { match_index } if match_index <= last => {
                progress.record_match(match_index)
            }
            AppendOutcome::Matched { match_index } => {
                // What is committed in earlier terms was here when this node was elected (section
                // 5.4.3), and the rest it has made itself: one of the two has lost something. It is
                // the other one that stops, when it sees what a majority has elected.
                progress.mode = Mode::Ahead;
                self.pending_ready
                    .trace
                    .push(Trace::FollowerAhead { follower: from, index: match_index });
            }
            AppendOutcome::Stale => (),
            AppendOutcome::Conflict { prev_log_index, .. } => {
                progress.record_conflict(prev_log_index, retry)
            }
        }
        if is_counted
            && let Some((reads, index)) =
                leadership.reads.reply_received(from, read_round, self.quorum)
        {
            self.pending_ready.reads.extend(reads.into_iter().map(|read| (read, Ok(index))));
        }
        self.advance_commit();
    }

    /// A follower has answered a message of this term: the lease grows, and whatever lease it had
    /// is over. False if this node does not lead.
    pub(super) fn record_contact(&mut self, from: NodeId, sent_at: Duration) -> bool {
        let sent_at =
            if self.keeps(Rule::CountFromSending) { sent_at.min(self.now) } else { self.now };
        let is_counted = self.is_voting_peer(from);
        let clears = is_counted && self.keeps(Rule::Clear);
        let Role::Leader(leadership) = &mut self.role else { return false };
        if is_counted {
            leadership.acks.renew(from, sent_at);
        }
        if clears {
            leadership.old_leases.clear(from);
        }
        if let Some(progress) = leadership.progress.get_mut(&from) {
            progress.last_contact = Some(self.now);
        }
        true
    }

    /// Where the logs may agree, if they differ at `refused`: behind the last entry of the term that
    /// the follower has there, or before all of that term. So one answer skips a whole term.
    fn retry_index(&self, refused: Index, conflict_term: u64, conflict_index: Index) -> Index {
        match self.log.last_of_term(conflict_term) {
            Some(last) if conflict_term > 0 => (last + 1).min(refused),
            _ => conflict_index,
        }
    }

    /// Commits what a majority has made durable. Only entries of our own term are counted (figure 8
    /// of the paper), and none while an older leader may still read under its lease (rule 6).
    pub(super) fn advance_commit(&mut self) {
        let Role::Leader(leadership) = &self.role else { return };
        let waits = leadership.old_leases.end().is_some_and(|end| self.now <= end);
        if waits && self.keeps(Rule::DeferredCommit) {
            return;
        }
        let counted = leadership.progress.iter().filter(|(peer, _)| self.is_voting_peer(**peer));
        let matched = counted.map(|(_, progress)| progress.match_index);
        let own = self.writes.durable_index();
        let Some(index) = self.quorum.reached(matched.chain([own]).collect()) else { return };
        let is_ours = self.log.term_at(index) == Some(self.term());
        if index <= self.commit_index || (!is_ours && self.keeps(Rule::OwnTermCommit)) {
            return;
        }
        let bytes: usize =
            self.log.range(self.commit_index + 1, index).map(Entry::size_bytes).sum();
        self.commit_index = index;
        if let Role::Leader(leadership) = &mut self.role {
            leadership.uncommitted_bytes = leadership.uncommitted_bytes.saturating_sub(bytes);
        }
    }
}
