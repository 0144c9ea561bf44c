//! When a leader lets go of what it was given: many small batches of entries cost far more than a
//! few that carry the same, for each is a message and a sync on every node.
//!
//! ```text
//!             a command                            it is committed
//!   Free --------------------> one is under way ---------------------> Gathering
//!    ^                          | commands wait,                          | until most of those
//!    |                          | a pause at most                         | who were answered, or
//!    +--------------------------|---------------- released ---------------+ a pause at most
//! ```
//!
//! Clients that wait for an answer before they ask again come in a crowd: half of them would find
//! the next batch gone, and two half-full ones would take turns for ever. So a batch is not let go
//! at the very moment of a commit, but when those who were answered had the time to ask again. If
//! they do not, nobody waits for them for a while.

use std::time::Duration;

use super::entry::Index;

/// After waiting in vain so many batches go at once.
const COOLDOWN_BATCHES: u32 = 32;

/// Which entries of a leader are released, to be sent and written.
#[derive(Debug)]
pub(super) struct Batches {
    /// The log is released up to here.
    released: Index,
    released_at: Duration,
    /// What is held back is released then at the latest.
    due: Option<Duration>,
    committed: Index,
    /// How many commands a round had lately: those of the last commit, and those that waited then.
    expected_batch: u64,
    gather_until: Duration,
    cooldown: u32,
}

impl Batches {
    /// Of a leader whose log ends there.
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

    /// When there is more to release, if nothing happens before.
    pub(super) fn due(&self) -> Option<Duration> {
        self.due
    }

    /// Releases what is new, or holds it back for `pause` at most.
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

    /// What is released at a moment, of a log that ends there and is committed up to there.
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
    fn commands_wait_for_the_batch_before_them_a_pause_at_most() {
        let mut batches = Batches::new(0, 0);
        assert_eq!(release(&mut batches, 1000, 1, 0), 1);
        assert_eq!(release(&mut batches, 1100, 5, 0), 1);
        assert_eq!(batches.due(), Some(US * 2000));
        assert_eq!(release(&mut batches, 2000, 9, 0), 9);
    }

    #[test]
    fn a_crowd_is_waited_for_after_its_answers() {
        let mut batches = Batches::new(0, 0);
        release(&mut batches, 1000, 10, 0);
        // Six more came meanwhile. Ten are answered, and most of sixteen are waited for.
        assert_eq!(release(&mut batches, 1500, 16, 10), 10);
        assert_eq!(batches.due(), Some(US * 2500));
        assert_eq!(release(&mut batches, 1600, 21, 10), 10);
        assert_eq!(release(&mut batches, 1700, 22, 10), 22);
        assert_eq!(release(&mut batches, 2100, 26, 22), 22);
        assert_eq!(release(&mut batches, 2200, 34, 22), 34);
    }

    #[test]
    fn a_crowd_that_does_not_come_back_is_not_waited_for_again() {
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
