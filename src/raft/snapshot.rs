//! Snapshots (section 7 of the paper): compaction of the own log, and pieces of a snapshot that a
//! leader sends to a follower which needs entries that were compacted.
//!
//! ```text
//!   leader   SnapshotRead ---> shell ---> snapshot_piece ---> InstallSnapshot ->
//!              ^                                                                  follower stores it
//!              +---------------------------------- next_offset <- InstallSnapshotReply
//!                                                              ... the last piece: it is installed
//!              is_installed <- InstallSnapshotReply
//! ```

use std::collections::VecDeque;
use std::time::Duration;

use super::config::Config;
use super::core::Raft;
use super::entry::{Entry, Index, NodeId};
use super::message::{Body, SnapshotMark};
use super::node::NodeState;
use super::progress::Mode;
use super::ready::{SnapshotPiece, SnapshotRead};
use super::role::LeaderState;
use super::trace::Trace;

/// A snapshot that is being received.
#[derive(Clone, Copy, Debug)]
pub(super) struct Receiving {
    snapshot: SnapshotMark,
    from: NodeId,
    next_offset: u64,
}

/// A snapshot that has arrived and is being installed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Installing {
    snapshot: SnapshotMark,
    end: u64,
}

impl Raft {
    /// This node's own snapshot is durable: the log before it is no longer needed, except for a part
    /// that saves slow followers from needing the snapshot. Returns the dropped entries. They may be
    /// many: drop them on a thread that nothing waits for.
    pub fn snapshot_taken(&mut self, snapshot: SnapshotMark) -> VecDeque<Entry> {
        let node = &mut self.node;
        if snapshot.index <= node.snapshot.index || snapshot.index > node.dispatched_index {
            return VecDeque::new();
        }
        node.snapshot = snapshot;
        let needed =
            self.leader_state().and_then(|leader| leader.needed_after_snapshots(&self.node));
        let Config { trailing_log_bytes, max_retained_log_bytes, .. } = self.node.config;
        let needed_from = needed.unwrap_or(Index::MAX);
        self.node.log.compact(snapshot, trailing_log_bytes, max_retained_log_bytes, needed_from)
    }

    /// Takes a piece that a [`SnapshotRead`] asked for.
    pub fn snapshot_piece(&mut self, now: Duration, to: NodeId, piece: SnapshotPiece) {
        self.node.advance_clock(now);
        if let Some((leader, node)) = self.as_leader() {
            leader.send_snapshot_piece(node, to, piece);
        }
    }

    /// The shell has finished with a snapshot whose last piece it got. `at_ms` is the time of its state
    /// (see [`Entry::at_ms`]) if it is durable and in use; nothing if it was damaged. Returns the
    /// dropped entries, as [`snapshot_taken`](Self::snapshot_taken) does.
    pub fn snapshot_installed(
        &mut self,
        now: Duration,
        snapshot: SnapshotMark,
        at_ms: Option<u64>,
    ) -> VecDeque<Entry> {
        let node = &mut self.node;
        node.advance_clock(now);
        let mut dropped = VecDeque::new();
        if node.installing.take_if(|installing| installing.snapshot == snapshot).is_none() {
            return dropped;
        }
        if let Some(at_ms) = at_ms {
            if node.commit_index > 0 {
                node.pending_ready.trace.push(Trace::SnapshotInstalled {
                    leader: node.leader,
                    index: snapshot.index,
                    committed: node.commit_index,
                });
            }
            node.log.advance_clock(at_ms);
            let is_rest_kept;
            (is_rest_kept, dropped) = node.log.install(snapshot);
            node.writes.install(snapshot.index, is_rest_kept);
            node.snapshot = snapshot;
            node.commit_index = node.commit_index.max(snapshot.index);
            node.dispatched_index = node.dispatched_index.max(snapshot.index);
        }
        if let Some(leader) = node.leader.filter(|leader| *leader != node.config.id) {
            // It answers no message of the leader, so it must not renew the lease: time zero.
            let sent_at = Duration::ZERO;
            let (next_offset, is_installed) = (0, at_ms.is_some());
            let body = Body::InstallSnapshotReply { snapshot, next_offset, is_installed, sent_at };
            node.send(leader, body);
        }
        dropped
    }

    /// The disk had no space for pieces of a snapshot: those received before are gone as well. The
    /// snapshot is received from its beginning, after a pause of ten election timeouts.
    pub fn snapshot_lost(&mut self, now: Duration) {
        let node = &mut self.node;
        node.advance_clock(now);
        let pause = node.config.election_timeout.saturating_mul(10);
        node.no_snapshot_until = node.now.saturating_add(pause);
        (node.receiving, node.installing) = (None, None);
    }
}

impl LeaderState {
    /// The first index that is needed by followers which are receiving a snapshot, and have answered
    /// within ten election timeouts.
    fn needed_after_snapshots(&self, node: &NodeState) -> Option<Index> {
        let timeout = node.config.election_timeout.saturating_mul(10);
        let is_alive = |at: Duration| node.now < at.saturating_add(timeout);
        let needed = self.progress.values().filter_map(|progress| match &progress.mode {
            Mode::Snapshot(snapshot_send) if progress.last_contact.is_some_and(is_alive) => {
                Some(snapshot_send.snapshot.index + 1)
            }
            _ => None,
        });
        needed.min()
    }

    fn send_snapshot_piece(&mut self, node: &mut NodeState, to: NodeId, piece: SnapshotPiece) {
        let SnapshotPiece { snapshot, offset, data, is_last } = piece;
        let Some(progress) = self.progress.get_mut(&to) else { return };
        let Mode::Snapshot(snapshot_send) = &progress.mode else { return };
        if snapshot_send.snapshot != snapshot && offset == 0 {
            progress.begin_snapshot(snapshot);
        }
        let Mode::Snapshot(snapshot_send) = &mut progress.mode else { return };
        if snapshot_send.snapshot != snapshot || snapshot_send.offset != offset {
            return;
        }
        snapshot_send.end = is_last.then(|| offset + data.len() as u64);
        snapshot_send.requested_at = Some(node.now);
        let (sent_at, lease) = (node.now, node.config.lease);
        node.send(to, Body::InstallSnapshot { snapshot, offset, data, is_last, sent_at, lease });
    }

    /// Asks the shell for the next pieces, and again for those that were not answered within an
    /// election timeout.
    pub(super) fn request_snapshot_pieces(&mut self, node: &mut NodeState) {
        let timeout = node.config.election_timeout;
        for (to, progress) in &mut self.progress {
            let Mode::Snapshot(snapshot_send) = &mut progress.mode else { continue };
            let is_waiting = |at: Duration| node.now < at.saturating_add(timeout);
            let has_all = snapshot_send.end == Some(snapshot_send.offset);
            if has_all || snapshot_send.requested_at.is_some_and(is_waiting) {
                continue;
            }
            snapshot_send.requested_at = Some(node.now);
            node.pending_ready.snapshot_reads.push(SnapshotRead {
                to: *to,
                snapshot: snapshot_send.snapshot,
                offset: snapshot_send.offset,
                max_bytes: node.config.max_snapshot_piece_bytes,
            });
        }
    }

    /// A follower has answered a piece. `next` is where the next piece is to begin, and whether the
    /// whole snapshot is installed.
    pub(super) fn handle_snapshot_reply(
        &mut self,
        node: &mut NodeState,
        from: NodeId,
        snapshot: SnapshotMark,
        next: (u64, bool),
        sent_at: Duration,
    ) {
        self.record_contact(node, from, sent_at);
        let (next_offset, is_installed) = next;
        let Some(progress) = self.progress.get_mut(&from) else { return };
        if is_installed {
            if snapshot.index <= node.commit_index {
                progress.record_match(snapshot.index);
            }
        } else if let Mode::Snapshot(snapshot_send) = &mut progress.mode
            && snapshot_send.snapshot == snapshot
        {
            if next_offset == 0 && snapshot_send.offset > 0 {
                progress.begin_snapshot(node.snapshot);
            } else if next_offset > snapshot_send.offset {
                snapshot_send.offset = next_offset;
                snapshot_send.requested_at = None;
            }
        }
        self.advance_commit(node);
    }
}

impl NodeState {
    /// A piece came from the leader.
    pub(super) fn handle_install_snapshot(
        &mut self,
        from: NodeId,
        piece: SnapshotPiece,
        sent_at: Duration,
    ) {
        let snapshot = piece.snapshot;
        if let Err(contradiction) = self.check_committed_mark(from, snapshot) {
            return self.report_contradiction(contradiction);
        }
        let reply = |next_offset, is_installed| Body::InstallSnapshotReply {
            snapshot,
            next_offset,
            is_installed,
            sent_at,
        };
        if snapshot.index <= self.commit_index && self.installing.is_none() {
            self.send_after(from, reply(0, true));
            return;
        }
        if self.now < self.no_snapshot_until {
            return;
        }
        if let Some(installing) = self.installing {
            if installing.snapshot == snapshot {
                self.send_reply(from, reply(installing.end, false));
            }
            return;
        }
        let expected = match self.receiving {
            Some(known) if known.snapshot == snapshot && known.from == from => known.next_offset,
            _ => 0,
        };
        if piece.offset != expected {
            self.send_reply(from, reply(expected, false));
            return;
        }
        let next_offset = expected + piece.data.len() as u64;
        self.receiving = Some(Receiving { snapshot, from, next_offset });
        if piece.is_last {
            self.receiving = None;
            self.installing = Some(Installing { snapshot, end: next_offset });
        }
        self.pending_ready.snapshot.push(piece);
        self.send_after(from, reply(next_offset, false));
    }
}
