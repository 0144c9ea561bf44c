//! Snapshots (section 7 of the paper): compaction of our own log, and pieces of a snapshot on their
//! way to a follower whose part of the log is gone.
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

use super::core::Raft;
use super::entry::{Entry, Index, NodeId};
use super::message::{Body, SnapshotMark};
use super::progress::Mode;
use super::ready::{SnapshotPiece, SnapshotRead};
use super::role::Role;

/// A snapshot that comes in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Receiving {
    snapshot: SnapshotMark,
    from: NodeId,
    next_offset: u64,
}

/// A snapshot that is there and is being put in place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Installing {
    snapshot: SnapshotMark,
    end: u64,
}

impl Raft {
    /// Our own snapshot is durable: the log before it is no longer needed, but for a part that saves
    /// followers which lag a little from needing the snapshot. Returns what is no longer needed, which
    /// may be much: it is better dropped where nobody waits.
    pub fn snapshot_taken(&mut self, snapshot: SnapshotMark) -> VecDeque<Entry> {
        if snapshot.index <= self.snapshot.index || snapshot.index > self.dispatched_index {
            return VecDeque::new();
        }
        self.snapshot = snapshot;
        let needed_from = self.needed_after_snapshots().unwrap_or(Index::MAX);
        let (trailing, retained) =
            (self.config.trailing_log_bytes, self.config.max_retained_log_bytes);
        self.log.compact(snapshot, trailing, retained, needed_from)
    }

    /// From where on the log is needed by followers that are getting a snapshot, and are alive.
    fn needed_after_snapshots(&self) -> Option<Index> {
        let Role::Leader(leadership) = &self.role else { return None };
        let timeout = self.config.election_timeout.saturating_mul(10);
        let is_alive = |heard: Duration| self.now < heard.saturating_add(timeout);
        let needed = leadership.progress.values().filter_map(|progress| match &progress.mode {
            Mode::Snapshot(snapshot_send) if progress.last_contact.is_some_and(is_alive) => {
                Some(snapshot_send.snapshot.index + 1)
            }
            _ => None,
        });
        needed.min()
    }

    /// A piece that a [`SnapshotRead`] asked for.
    pub fn snapshot_piece(&mut self, now: Duration, to: NodeId, piece: SnapshotPiece) {
        self.advance_clock(now);
        let SnapshotPiece { snapshot, offset, data, is_last } = piece;
        let Role::Leader(leadership) = &mut self.role else { return };
        let Some(progress) = leadership.progress.get_mut(&to) else { return };
        let Mode::Snapshot(snapshot_send) = &progress.mode else { return };
        if snapshot_send.snapshot != snapshot && offset == 0 {
            progress.begin_snapshot(snapshot);
        }
        let Mode::Snapshot(snapshot_send) = &mut progress.mode else { return };
        if snapshot_send.snapshot != snapshot || snapshot_send.offset != offset {
            return;
        }
        snapshot_send.end = is_last.then(|| offset + data.len() as u64);
        snapshot_send.requested_at = Some(self.now);
        let (sent_at, lease) = (self.now, self.config.lease);
        self.send(to, Body::InstallSnapshot { snapshot, offset, data, is_last, sent_at, lease });
    }

    /// Asks the shell for pieces: the next ones, and those that were not answered in time.
    pub(super) fn request_snapshot_pieces(&mut self) {
        let timeout = self.config.election_timeout;
        let Role::Leader(leadership) = &mut self.role else { return };
        for (to, progress) in &mut leadership.progress {
            let Mode::Snapshot(snapshot_send) = &mut progress.mode else { continue };
            let waits = |asked: Duration| self.now < asked.saturating_add(timeout);
            let has_all = snapshot_send.end == Some(snapshot_send.offset);
            if has_all || snapshot_send.requested_at.is_some_and(waits) {
                continue;
            }
            snapshot_send.requested_at = Some(self.now);
            self.pending_ready.snapshot_reads.push(SnapshotRead {
                to: *to,
                snapshot: snapshot_send.snapshot,
                offset: snapshot_send.offset,
                max_bytes: self.config.max_snapshot_piece_bytes,
            });
        }
    }

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
                self.send_answer(from, reply(installing.end, false));
            }
            return;
        }
        let expected = match self.receiving {
            Some(known) if known.snapshot == snapshot && known.from == from => known.next_offset,
            _ => 0,
        };
        if piece.offset != expected {
            self.send_answer(from, reply(expected, false));
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

    /// What the shell says of a snapshot whose last piece it got: the time of its state (see
    /// [`super::Entry::at_ms`]) if it is durable and in use, nothing if it was no good. Returns what is
    /// no longer needed, as [`snapshot_taken`](Self::snapshot_taken) does.
    pub fn snapshot_installed(
        &mut self,
        now: Duration,
        snapshot: SnapshotMark,
        at_ms: Option<u64>,
    ) -> VecDeque<Entry> {
        self.advance_clock(now);
        let mut dropped = VecDeque::new();
        if self.installing.take_if(|installing| installing.snapshot == snapshot).is_none() {
            return dropped;
        }
        if let Some(at_ms) = at_ms {
            self.log.advance_clock(at_ms);
            let is_rest_kept;
            (is_rest_kept, dropped) = self.log.install(snapshot);
            self.writes.install(snapshot.index, is_rest_kept);
            self.snapshot = snapshot;
            self.commit_index = self.commit_index.max(snapshot.index);
            self.dispatched_index = self.dispatched_index.max(snapshot.index);
        }
        if let Some(leader) = self.leader.filter(|leader| *leader != self.config.id) {
            // No message is answered, so nothing is renewed: it was sent at no time.
            let sent_at = Duration::ZERO;
            let (next_offset, is_installed) = (0, at_ms.is_some());
            let body = Body::InstallSnapshotReply { snapshot, next_offset, is_installed, sent_at };
            self.send(leader, body);
        }
        dropped
    }

    /// There was no room for pieces of a snapshot: what was kept of it is gone. It begins anew, not
    /// at once.
    pub fn snapshot_lost(&mut self, now: Duration) {
        self.advance_clock(now);
        let pause = self.config.election_timeout.saturating_mul(10);
        self.no_snapshot_until = self.now.saturating_add(pause);
        (self.receiving, self.installing) = (None, None);
    }

    pub(super) fn handle_snapshot_reply(
        &mut self,
        from: NodeId,
        snapshot: SnapshotMark,
        next_offset: u64,
        is_installed: bool,
        sent_at: Duration,
    ) {
        if !self.record_contact(from, sent_at) {
            return;
        }
        let (newest, commit_index) = (self.snapshot, self.commit_index);
        let Role::Leader(leadership) = &mut self.role else { return };
        let Some(progress) = leadership.progress.get_mut(&from) else { return };
        if is_installed {
            if snapshot.index <= commit_index {
                progress.record_match(snapshot.index);
            }
        } else if let Mode::Snapshot(snapshot_send) = &mut progress.mode
            && snapshot_send.snapshot == snapshot
        {
            if next_offset == 0 && snapshot_send.offset > 0 {
                progress.begin_snapshot(newest);
            } else if next_offset > snapshot_send.offset {
                snapshot_send.offset = next_offset;
                snapshot_send.requested_at = None;
            }
        }
        self.advance_commit();
    }
}
