//! When a leader releases new entries, to be sent and written. Batching is group commit over the
//! network: each batch costs a message and a sync on every node, so a few large batches are cheaper
//! than many small ones.
//!
//! ```text
//!             a command                            it is committed
//!   Free --------------------> one in flight ------------------------> Gathering
//!    ^                          | commands wait,                          | until most clients have
//!    |                          | a pause at most                         | sent again, or
//!    +--------------------------|---------------- released ---------------+ a pause at most
//! ```
//!
//! Clients that wait for an answer before they send the next command send at the same time. If the
//! next batch were released at the moment of a commit, half of them would miss it, and two half-full
//! batches would alternate for ever. So the leader waits until the answered clients had the time to
//! send again. If they do not, it stops waiting for a number of batches (the cooldown).

use std::time::Duration;

use super::entry::Index;

/// The number of batches that are released at once after a wait in vain.
const COOLDOWN_BATCHES: u32 = 32;

/// Which entries of a leader are released, to be sent and written.
#[derive(Debug)]
pub(super) struct Batches {
    /// The log is released up to here.
    released: Index,
    released_at: Duration,
    /// The latest time at which held entries are released.
    due: Option<Duration>,
    committed: Index,
    /// The commands of the last commit and those that waited then: the size to expect of the next
    /// batch.
    expected_batch: u64,
    gather_until: Duration,
    cooldown: u32,
}

impl Batches {
    /// For a leader whose log ends at `last_index`.
    pub(super) fn new(last_index: Index, commit_index: Index) -> Batches {
        Batches {
            released: last_index,
            released_at: Duration::ZERO,
            due: None,
            committed: commit_index,
            expected_batch: 0,
            gather_until: Duration::ZERO,
            cooldown: 0,
        }
    }

    /// The log is released up to here.
    pub(super) fn released(&self) -> Index {
        self.released
    }

    /// When held entries are due, if any are held.
    pub(super) fn due(&self) -> Option<Duration> {
        self.due
    }

    /// Releases new entries, or holds them for `pause` at most.
    pub(super) fn release(
        &mut self,
        now: Duration,
        last_index: Index,
        commit_index: Index,
        pause: Duration,
    ) {
        let waiting = last_index.saturating_sub(self.released);
        let is_under_way = commit_index < self.released;
        if commit_index > self.committed {
            if !is_under_way {
                self.expected_batch = commit_index - self.committed + waiting;
                self.gather_until = now.saturating_add(pause);
            }
            self.committed = commit_index;
        }
        self.due = None;
        if waiting == 0 {
            return;
        }
        let is_few = waiting * 4 < self.expected_batch * 3;
        let due = match (is_under_way, is_few && self.cooldown == 0) {
            (true, _) => self.released_at.saturating_add(pause),
            (false, true) => self.gather_until,
            (false, false) => now,
        };
        if now < due {
            self.due = Some(due);
            return;
        }
        if !is_under_way && is_few {
            self.cooldown = self.cooldown.checked_sub(1).unwrap_or(COOLDOWN_BATCHES);
        }
        (self.released, self.released_at) = (last_index, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: Duration = Duration::from_micros(1);
    const PAUSE: Duration = Duration::from_millis(1);

    /// The released index at a time, for a log that ends at `last` and is committed up to `commit`.
    fn release(batches: &mut Batches, at: u32, last: Index, commit: Index) -> Index {
        batches.release(US * at, last, commit, PAUSE);
        batches.released()
    }

    #[test]
    fn a_single_client_never_waits() {
        let mut batches = Batches::new(0, 0);
        for index in 1..100_u32 {
            let last = Index::from(index);
            assert_eq!(release(&mut batches, index * 10, last, last - 1), last);
            assert_eq!(batches.due(), None);
            assert_eq!(release(&mut batches, index * 10 + 5, last, last), last);
        }
    }

    #[test]
    fn commands_wait_for_the_batch_in_flight_a_pause_at_most() {
        let mut batches = Batches::new(0, 0);
        assert_eq!(release(&mut batches, 1000, 1, 0), 1);
        assert_eq!(release(&mut batches, 1100, 5, 0), 1);
        assert_eq!(batches.due(), Some(US * 2000));
        assert_eq!(release(&mut batches, 2000, 9, 0), 9);
    }

    #[test]
    fn a_batch_waits_for_the_clients_that_were_answered() {
        let mut batches = Batches::new(0, 0);
        release(&mut batches, 1000, 10, 0);
        // Six more came meanwhile. Ten are answered: wait for most of sixteen.
        assert_eq!(release(&mut batches, 1500, 16, 10), 10);
        assert_eq!(batches.due(), Some(US * 2500));
        assert_eq!(release(&mut batches, 1600, 21, 10), 10);
        assert_eq!(release(&mut batches, 1700, 22, 10), 22);
        assert_eq!(release(&mut batches, 2100, 26, 22), 22);
        assert_eq!(release(&mut batches, 2200, 34, 22), 34);
    }

    #[test]
    fn after_a_wait_in_vain_batches_are_released_at_once() {
        let mut batches = Batches::new(0, 0);
        release(&mut batches, 1000, 100, 0);
        assert_eq!(release(&mut batches, 1500, 101, 100), 100);
        assert_eq!(release(&mut batches, 2500, 101, 100), 101, "a pause, once");
        let mut last = 101;
        for round in 0..COOLDOWN_BATCHES {
            let at = 3000 + round * 100;
            last += 3;
            assert_eq!(release(&mut batches, at, last, last - 3), last);
            assert_eq!(release(&mut batches, at + 50, last + 1, last), last + 1);
            last += 1;
        }
    }
}
