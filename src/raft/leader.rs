//! What a leader does: heartbeats, replication, commit (sections 5.3 and 5.4 of the paper).

use std::sync::Arc;
use std::time::Duration;

use super::entry::{Entry, Index, NodeId, Payload, Term};
use super::lease::usable;
use super::log::Log;
use super::message::{AppendOutcome, Body, SnapshotMark};
use super::node::NodeState;
use super::progress::Mode;
use super::role::LeaderState;
use super::trace::Trace;

/// Something that lasts up to a moment is over this much later.
const INSTANT: Duration = Duration::from_nanos(1);

/// A follower with at least this much in flight gets an extra heartbeat that may overtake it.
const LARGE_BYTES: usize = 64 * 1024;

impl LeaderState {
    /// Does what is due.
    pub(super) fn tick(&mut self, node: &mut NodeState) {
        if node.now >= self.heartbeat_due {
            self.send_heartbeats(node);
        }
        self.advance_commit(node);
    }

    /// When the next tick is due.
    pub(super) fn next_timeout(&self, node: &NodeState) -> Duration {
        let heartbeat = if node.others.is_empty() { Duration::MAX } else { self.heartbeat_due };
        let may_commit = self.old_leases.end().filter(|end| *end >= node.now);
        let may_commit = may_commit.map_or(Duration::MAX, |end| end.saturating_add(INSTANT));
        let batch = self.batches.due().unwrap_or(Duration::MAX);
        let transfer = self.transfer_due(node).unwrap_or(Duration::MAX);
        heartbeat.min(may_commit).min(batch).min(transfer).min(self.step_down_at(node))
    }

    /// The end of the lease: until then a majority helps no other node to lead.
    pub(super) fn lease_until(&self, node: &NodeState) -> Duration {
        let usable = usable(node.config.lease, node.config.lease_guard);
        let sent_at = self.acks.majority(node.quorum, &node.others);
        sent_at.map_or(Duration::ZERO, |sent_at| sent_at.saturating_add(usable))
    }

    /// When the leader steps down if it gets no more replies: at the end of its lease, but not before
    /// its first messages as a leader could be answered. The first lease counts from the request for
    /// votes; where a round trip takes half a lease, it is over by then.
    pub(super) fn step_down_at(&self, node: &NodeState) -> Duration {
        let usable = usable(node.config.lease, node.config.lease_guard);
        self.lease_until(node).max(self.elected_at.saturating_add(usable))
    }

    /// Appends an entry to the leader's own log; it is sent and written with the next `Ready`.
    pub(super) fn append(&mut self, node: &mut NodeState, at_ms: u64, payload: Payload) -> Index {
        let index = node.log.last_index() + 1;
        let at_ms = at_ms.max(node.log.at_ms());
        let entry = Entry { term: node.term(), index, at_ms, payload };
        self.uncommitted_bytes += entry.size_bytes();
        node.log.append(entry);
        index
    }

    /// Adds to the next `Ready` what the leader has to send: read-index rounds, heartbeats, entries,
    /// pieces of snapshots, a transfer.
    pub(super) fn prepare_output(&mut self, node: &mut NodeState) {
        let begins_round = self.reads.wants_round() && node.may_begin_read_round(self);
        if begins_round {
            self.reads.begin_round(node.commit_index);
            if let Some((reads, index)) = self.reads.take_confirmed(node.quorum) {
                node.pending_ready.reads.extend(reads.into_iter().map(|read| (read, Ok(index))));
            }
        }
        if begins_round || node.now >= self.heartbeat_due {
            self.send_heartbeats(node);
        }
        let (last, pause) = (node.log.last_index(), node.config.batch_pause);
        self.batches.release(node.now, last, node.commit_index, pause);
        self.replicate(node);
        self.request_snapshot_pieces(node);
        self.advance_transfer(node);
    }

    /// Sends an AppendEntries without entries to every other node.
    fn send_heartbeats(&mut self, node: &mut NodeState) {
        self.heartbeat_due = node.now.saturating_add(node.config.heartbeat_interval);
        if node.others.is_empty() || node.is_disk_stuck() {
            return;
        }
        node.pending_ready.trace.push(Trace::HeartbeatSent);
        for to in node.others.clone() {
            if let Some(progress) = self.progress.get_mut(&to) {
                progress.pace.heartbeat_sent(node.now);
            }
            if self.is_busy_sending(to) {
                self.send_append(node, to, SnapshotMark::default(), Arc::default());
            }
            let prev = self.heartbeat_prev(node, to);
            self.send_append(node, to, prev, Arc::default());
        }
    }

    /// Whether something large may be in flight to a follower. A heartbeat that asks where the logs
    /// agree has to stay behind it. Then a [pure heartbeat](Body::is_pure_heartbeat) is sent as well,
    /// which may overtake, so that the lease does not wait for large messages.
    fn is_busy_sending(&self, to: NodeId) -> bool {
        self.progress.get(&to).is_some_and(|progress| match &progress.mode {
            Mode::Probe { .. } | Mode::Ahead => false,
            Mode::Replicate(window) => window.bytes() >= LARGE_BYTES,
            Mode::Snapshot(_) => true,
        })
    }

    /// The position at which a heartbeat asks a follower whether the logs agree.
    fn heartbeat_prev(&mut self, node: &NodeState, to: NodeId) -> SnapshotMark {
        let snapshot = node.snapshot;
        let Some(progress) = self.progress.get_mut(&to) else { return snapshot };
        match &mut progress.mode {
            Mode::Snapshot(snapshot_send) => return snapshot_send.snapshot,
            // The follower detects the difference there, unless it has entries of this term that no
            // leader made.
            Mode::Ahead => return node.log.last(),
            Mode::Probe { is_sent } => *is_sent = true,
            Mode::Replicate(_) => (),
        }
        let index = progress.next_index - 1;
        match node.log.term_at(index) {
            Some(term) => SnapshotMark { index, term },
            None => {
                progress.begin_snapshot(snapshot);
                snapshot
            }
        }
    }

    /// Sends each follower the entries that it lacks, as far as its window allows, and at most one
    /// large message at a time, so that other work does not wait. Followers with the same next index
    /// share the entries.
    fn replicate(&mut self, node: &mut NodeState) {
        node.has_more_to_send = false;
        if node.is_disk_stuck() {
            return;
        }
        let released = self.batches.released();
        let max_bytes = node.config.max_append_bytes;
        let mut shared: Option<(Index, Arc<[Entry]>)> = None;
        for to in node.others.clone() {
            let mut sent_bytes = 0;
            while let Some(from) = self.next_index_to_send(node, to) {
                if sent_bytes >= max_bytes {
                    node.has_more_to_send = true;
                    break;
                }
                let entries = match &shared {
                    Some((index, entries)) if *index == from => Arc::clone(entries),
                    _ => node.log.slice_up_to_bytes(from, released, max_bytes).into(),
                };
                shared = Some((from, Arc::clone(&entries)));
                sent_bytes += self.send_entries(node, to, from, entries);
            }
        }
    }

    /// The index of the first entry to send a follower now.
    fn next_index_to_send(&mut self, node: &mut NodeState, to: NodeId) -> Option<Index> {
        let (max_appends, max_bytes) =
            (node.config.max_inflight_appends, node.config.max_inflight_bytes);
        let released = self.batches.released();
        let progress = self.progress.get_mut(&to)?;
        let next_index = progress.next_index;
        match &mut progress.mode {
            Mode::Snapshot(_) | Mode::Ahead => None,
            _ if next_index <= node.log.before().index => {
                progress.begin_snapshot(node.snapshot);
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
                let term = node.log.term_at(index).unwrap_or_default();
                self.send_append(node, to, SnapshotMark { index, term }, Arc::default());
                None
            }
        }
    }

    /// Sends entries to a follower, and returns their size in bytes.
    fn send_entries(
        &mut self,
        node: &mut NodeState,
        to: NodeId,
        from: Index,
        entries: Arc<[Entry]>,
    ) -> usize {
        let (count, bytes) =
            (entries.len() as Index, entries.iter().map(Entry::size_bytes).sum::<usize>());
        if let Some(progress) = self.progress.get_mut(&to)
            && let Mode::Replicate(window) = &mut progress.mode
        {
            window.send(from + count - 1, bytes);
            progress.next_index = from + count;
        }
        let term = node.log.term_at(from - 1).unwrap_or_default();
        self.send_append(node, to, SnapshotMark { index: from - 1, term }, entries);
        bytes
    }

    fn send_append(
        &self,
        node: &mut NodeState,
        to: NodeId,
        prev: SnapshotMark,
        entries: Arc<[Entry]>,
    ) {
        let body = Body::AppendEntries {
            prev_log_index: prev.index,
            prev_log_term: prev.term,
            entries,
            leader_commit: node.commit_index,
            sent_at: node.now,
            lease: node.config.lease,
            read_round: self.reads.newest_round(),
        };
        node.send(to, body);
    }

    /// A follower has answered an AppendEntries of this term.
    pub(super) fn handle_append_reply(
        &mut self,
        node: &mut NodeState,
        from: NodeId,
        outcome: AppendOutcome,
        sent_at: Duration,
        read_round: u64,
    ) {
        self.record_contact(node, from, sent_at);
        let Some(progress) = self.progress.get_mut(&from) else { return };
        let (tolerance, most) = (node.config.election_timeout / 4, node.config.max_inflight_bytes);
        progress.pace.reply_received(node.now, sent_at, tolerance, most);
        match outcome {
            AppendOutcome::Matched { match_index } if match_index <= node.log.last_index() => {
                progress.record_match(match_index);
            }
            AppendOutcome::Matched { match_index } => {
                // This leader had all committed entries of earlier terms when it was elected (section
                // 5.4.3), and has made the others itself: one of the two nodes has lost something. The
                // other one stops, when it sees what a majority has elected.
                progress.mode = Mode::Ahead;
                let trace = Trace::FollowerAhead { follower: from, index: match_index };
                node.pending_ready.trace.push(trace);
            }
            AppendOutcome::Stale => (),
            AppendOutcome::Conflict { prev_log_index, conflict_term, conflict_index } => {
                let retry = retry_index(&node.log, prev_log_index, conflict_term, conflict_index);
                progress.record_conflict(prev_log_index, retry);
            }
        }
        if node.is_voting_peer(from)
            && let Some((reads, index)) = self.reads.reply_received(from, read_round, node.quorum)
        {
            node.pending_ready.reads.extend(reads.into_iter().map(|read| (read, Ok(index))));
        }
        self.advance_commit(node);
    }

    /// A follower has answered a message of this term: the lease is extended, and no older lease of
    /// the follower lasts.
    pub(super) fn record_contact(&mut self, node: &NodeState, from: NodeId, sent_at: Duration) {
        if node.is_voting_peer(from) {
            self.acks.renew(from, node.lease_start(sent_at));
        }
        if node.clears_old_lease(from) {
            self.old_leases.clear(from);
        }
        if let Some(progress) = self.progress.get_mut(&from) {
            progress.last_contact = Some(node.now);
        }
    }

    /// Commits the entries that a majority has made durable.
    pub(super) fn advance_commit(&mut self, node: &mut NodeState) {
        if node.must_defer_commit(self) {
            return;
        }
        let voting = self.progress.iter().filter(|(peer, _)| node.is_voting_peer(**peer));
        let matched = voting.map(|(_, progress)| progress.match_index);
        let own = node.writes.durable_index();
        let Some(index) = node.quorum.reached(matched.chain([own]).collect()) else { return };
        if index <= node.commit_index || !node.may_commit_by_counting(index) {
            return;
        }
        let committed = node.log.range(node.commit_index + 1, index);
        let bytes: usize = committed.map(Entry::size_bytes).sum();
        node.commit_index = index;
        self.uncommitted_bytes = self.uncommitted_bytes.saturating_sub(bytes);
    }
}

/// Where the logs may agree, if they differ at `refused`: behind the last entry of the term that
/// the follower has there, or before all of that term. So one reply skips a whole term.
fn retry_index(log: &Log, refused: Index, conflict_term: Term, conflict_index: Index) -> Index {
    match log.last_of_term(conflict_term) {
        Some(last) if conflict_term > 0 => (last + 1).min(refused),
        _ => conflict_index,
    }
}
