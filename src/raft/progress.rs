//! How far a follower is, as the leader knows it (`nextIndex` and `matchIndex` of figure 2).
//!
//! ```text
//!             agrees                        needs what is compacted
//!   Probe ------------> Replicate      Probe ----------------------> Snapshot
//!     ^                     |            ^                               |
//!     +---------------------+            +-------------------------------+
//!        differs, or a gap                    installed (then Replicate), or given up
//! ```
//!
//! - *Probe*: where the logs agree is not known. One empty AppendEntries at a time asks.
//! - *Replicate*: entries are sent ahead of the answers, up to a window.
//! - *Snapshot*: pieces of a snapshot are sent, one at a time; no entries.
//! - *Ahead*: from any other, and for as long as the follower's process lives. It says that it holds
//!   more of this leader's log than there is. It is sent heartbeats alone, and nothing that it says of
//!   its log counts.

use std::collections::VecDeque;
use std::time::Duration;

use super::entry::Index;
use super::message::SnapshotMark;
use super::pace::Pace;

/// What the leader knows of a follower.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    /// The follower's log agrees with ours up to here, durably.
    pub(super) match_index: Index,
    /// What to send next.
    pub(super) next_index: Index,
    pub(super) mode: Mode,
    /// When it last answered, by our clock.
    pub(super) last_contact: Option<Duration>,
    pub(super) pace: Pace,
}

#[derive(Clone, Debug)]
pub(super) enum Mode {
    Probe {
        /// A probe is on its way.
        is_sent: bool,
    },
    Replicate(Window),
    Snapshot(SnapshotSend),
    Ahead,
}

/// AppendEntries on their way: the last index of each, and its size.
#[derive(Clone, Debug, Default)]
pub(super) struct Window {
    sent: VecDeque<(Index, usize)>,
    bytes: usize,
}

/// A snapshot on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct SnapshotSend {
    pub(super) snapshot: SnapshotMark,
    /// Where the next piece begins.
    pub(super) offset: u64,
    /// Where the last piece ended, once it was sent.
    pub(super) end: Option<u64>,
    /// When the piece at `offset` was last asked for; `None`: it is to be asked for.
    pub(super) requested_at: Option<Duration>,
}

impl Progress {
    /// Of a follower that nothing is known of: optimistic, its log is taken to be like ours.
    pub(super) fn new(next_index: Index) -> Progress {
        let mode = Mode::Replicate(Window::default());
        Progress { match_index: 0, next_index, mode, last_contact: None, pace: Pace::new() }
    }

    /// The follower agrees up to `match_index`, which it may have said before.
    pub(super) fn record_match(&mut self, match_index: Index) {
        if matches!(self.mode, Mode::Ahead) {
            return;
        }
        self.match_index = self.match_index.max(match_index);
        self.next_index = self.next_index.max(self.match_index + 1);
        match &mut self.mode {
            Mode::Probe { .. } => self.mode = Mode::Replicate(Window::default()),
            Mode::Replicate(window) => window.acknowledge(self.match_index),
            Mode::Snapshot(snapshot_send) if self.match_index >= snapshot_send.snapshot.index => {
                self.mode = Mode::Replicate(Window::default());
            }
            Mode::Snapshot(_) | Mode::Ahead => (),
        }
    }

    /// The follower's log differs at `refused`, and probably agrees right before `retry_index`.
    /// Old refusals change nothing.
    pub(super) fn record_conflict(&mut self, refused: Index, retry_index: Index) {
        let is_current = match &mut self.mode {
            // What was sent behind a gap is refused as well: the first refusal counts.
            Mode::Replicate(_) => refused > self.match_index && refused < self.next_index,
            Mode::Probe { .. } => refused + 1 == self.next_index,
            // It had all of the snapshot and does not install it: it has forgotten it.
            Mode::Snapshot(snapshot_send) if snapshot_send.end == Some(snapshot_send.offset) => {
                let snapshot = snapshot_send.snapshot;
                return self.begin_snapshot(snapshot);
            }
            Mode::Snapshot(_) | Mode::Ahead => false,
        };
        if is_current {
            if refused <= self.match_index {
                // It has lost what it had agreed to: everything is to be compared anew. Without
                // this the same question would be asked, and refused, without end.
                self.match_index = 0;
            }
            self.next_index = retry_index.min(refused).max(self.match_index + 1);
            self.mode = Mode::Probe { is_sent: false };
        }
    }

    /// The follower needs a snapshot, from its beginning.
    pub(super) fn begin_snapshot(&mut self, snapshot: SnapshotMark) {
        let snapshot_send = SnapshotSend { snapshot, offset: 0, end: None, requested_at: None };
        self.mode = Mode::Snapshot(snapshot_send);
    }
}

impl Window {
    /// Notes what was sent.
    pub(super) fn send(&mut self, last_index: Index, bytes: usize) {
        self.sent.push_back((last_index, bytes));
        self.bytes += bytes;
    }

    fn acknowledge(&mut self, match_index: Index) {
        while let Some((last_index, bytes)) = self.sent.front()
            && *last_index <= match_index
        {
            self.bytes -= bytes;
            self.sent.pop_front();
        }
    }

    /// Of entries that were sent and are not answered.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether more may be sent.
    pub(super) fn has_capacity(
        &self,
        pace: &mut Pace,
        max_appends: usize,
        max_bytes: usize,
    ) -> bool {
        self.sent.len() < max_appends && pace.has_capacity(self.bytes, max_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replicating(match_index: Index, next_index: Index) -> Progress {
        let mut progress = Progress::new(match_index + 1);
        progress.record_match(match_index);
        if let Mode::Replicate(window) = &mut progress.mode {
            window.send(next_index - 1, 100);
        }
        progress.next_index = next_index;
        progress
    }

    #[test]
    fn answers_free_the_window() {
        let mut progress = replicating(5, 9);
        let room = |progress: &Progress| match &progress.mode {
            Mode::Replicate(window) => window.has_capacity(&mut Pace::new(), 1, 100),
            _ => panic!("not replicating"),
        };
        assert!(!room(&progress));
        progress.record_match(7);
        assert!(!room(&progress), "a part of the message is no answer to it");
        progress.record_match(8);
        assert!(room(&progress));
        progress.record_match(3);
        assert_eq!((progress.match_index, progress.next_index), (8, 9), "an old answer");
    }

    #[test]
    fn the_first_refusal_counts_and_old_ones_do_not() {
        let mut progress = replicating(5, 20);
        progress.record_conflict(5, 3);
        assert_eq!(progress.next_index, 20, "refused what it has agreed to: an old message");
        progress.record_conflict(20, 3);
        assert_eq!(progress.next_index, 20, "never sent");
        progress.record_conflict(15, 2);
        assert_eq!(progress.next_index, 6, "no further back than what agrees");
        assert!(matches!(progress.mode, Mode::Probe { is_sent: false }));
        progress.record_conflict(17, 2);
        assert_eq!(progress.next_index, 6);
        progress.record_match(5);
        assert!(matches!(progress.mode, Mode::Replicate(_)));
    }

    #[test]
    fn a_probe_goes_back_at_every_refusal() {
        let mut progress = Progress::new(20);
        progress.record_conflict(19, 15);
        progress.record_conflict(14, 14);
        assert_eq!(progress.next_index, 14, "at least one step");
        progress.record_conflict(13, 40);
        assert_eq!(progress.next_index, 13, "never up");
    }

    #[test]
    fn a_snapshot_ends_when_the_follower_has_it() {
        let mut progress = Progress::new(20);
        progress.begin_snapshot(SnapshotMark { index: 30, term: 2 });
        progress.record_conflict(19, 1);
        progress.record_match(3);
        assert!(matches!(progress.mode, Mode::Snapshot(_)));
        progress.record_match(30);
        assert!(matches!(progress.mode, Mode::Replicate(_)));
        assert_eq!(progress.next_index, 31);
    }
}
