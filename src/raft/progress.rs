//! What the leader knows of a follower (`nextIndex` and `matchIndex` of figure 2).
//!
//! ```text
//!             agrees                        needs what is compacted
//!   Probe ------------> Replicate      Probe ----------------------> Snapshot
//!     ^                     |            ^                               |
//!     +---------------------+            +-------------------------------+
//!        differs, or a gap                    installed (then Replicate), or lost
//! ```
//!
//! - *Probe*: the leader does not know where the logs agree. It sends one empty AppendEntries at a time.
//! - *Replicate*: entries are sent ahead of the replies, up to a window (pipelining).
//! - *Snapshot*: pieces of a snapshot are sent, one at a time; no entries.
//! - *Ahead*: from any other, until the follower's process restarts. It claims to have more of this
//!   leader's log than exists. It gets heartbeats alone, and its claims about its log do not count.

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
    /// The next entry to send.
    pub(super) next_index: Index,
    pub(super) mode: Mode,
    /// When it last answered, by our clock.
    pub(super) last_contact: Option<Duration>,
    pub(super) pace: Pace,
}

#[derive(Clone, Debug)]
pub(super) enum Mode {
    Probe {
        /// A probe is in flight.
        is_sent: bool,
    },
    Replicate(Window),
    Snapshot(SnapshotSend),
    Ahead,
}

/// The AppendEntries in flight: the last index of each, and its size in bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct Window {
    sent: VecDeque<(Index, usize)>,
    bytes: usize,
}

/// A snapshot that is being sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct SnapshotSend {
    pub(super) snapshot: SnapshotMark,
    /// The byte at which the next piece begins.
    pub(super) offset: u64,
    /// Where the last piece ended, once it was sent.
    pub(super) end: Option<u64>,
    /// When the shell was last asked for the piece at `offset`; `None`: not yet.
    pub(super) requested_at: Option<Duration>,
}

impl Progress {
    /// For a follower of which nothing is known. Optimistic: its log is assumed to equal the leader's.
    pub(super) fn new(next_index: Index) -> Progress {
        let mode = Mode::Replicate(Window::default());
        Progress { match_index: 0, next_index, mode, last_contact: None, pace: Pace::new() }
    }

    /// The follower's log agrees up to `match_index`; the reply may be an old one.
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
    /// Old replies change nothing.
    pub(super) fn record_conflict(&mut self, refused: Index, retry_index: Index) {
        let is_current = match &mut self.mode {
            // Entries behind a gap are refused as well: the first refusal counts.
            Mode::Replicate(_) => refused > self.match_index && refused < self.next_index,
            Mode::Probe { .. } => refused + 1 == self.next_index,
            // It had the whole snapshot and does not install it: it has restarted.
            Mode::Snapshot(snapshot_send) if snapshot_send.end == Some(snapshot_send.offset) => {
                let snapshot = snapshot_send.snapshot;
                return self.begin_snapshot(snapshot);
            }
            Mode::Snapshot(_) | Mode::Ahead => false,
        };
        if is_current {
            if refused <= self.match_index {
                // It has lost entries that it had acknowledged: compare from the beginning. Otherwise the
                // same probe would be sent, and refused, without end.
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
    /// An AppendEntries was sent.
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

    /// The size of the entries in flight.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether another AppendEntries may be sent.
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
    fn replies_free_the_window() {
        let mut progress = replicating(5, 9);
        let room = |progress: &Progress| match &progress.mode {
            Mode::Replicate(window) => window.has_capacity(&mut Pace::new(), 1, 100),
            _ => panic!("not replicating"),
        };
        assert!(!room(&progress));
        progress.record_match(7);
        assert!(!room(&progress), "a part of the message does not free it");
        progress.record_match(8);
        assert!(room(&progress));
        progress.record_match(3);
        assert_eq!((progress.match_index, progress.next_index), (8, 9), "an old reply");
    }

    #[test]
    fn the_first_conflict_counts_and_old_ones_do_not() {
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
    fn a_probe_goes_back_at_every_conflict() {
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
