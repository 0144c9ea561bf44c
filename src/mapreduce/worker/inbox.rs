//! What a reduce attempt is told while it runs: which outputs are there, and which are lost.
//!
//! ```text
//!   of each map:   unknown --announced--> known --taken--> fetching --whole--> fetched
//!                     ^                     |                 |
//!                     +------ withdrawn ----+---- failed -----+
//! ```
//!
//! A map that was fetched stays fetched, whatever is said about it later (3.3 of the paper).

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::locked;
use crate::mapreduce::contract::{Announcement, OutputAt};
use crate::mapreduce::scheduler::Loss;

/// The news of one reduce attempt.
#[derive(Default)]
pub(super) struct Inbox {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    maps: BTreeMap<u32, Map>,
    fetched: usize,
    /// When the last output was announced.
    announced_at: Option<Instant>,
    /// The attempt is given up: nobody fetches any more.
    is_over: bool,
}

enum Map {
    Known(OutputAt),
    Fetching(OutputAt),
    /// It could not be fetched; since when another one is waited for.
    Failed(OutputAt, Loss, Instant),
    Fetched,
}

/// What a thread that fetches is to do.
pub(super) enum Next {
    /// Fetch these.
    Fetch(Vec<OutputAt>),
    /// All are fetched, or others see to it.
    Done,
    /// Nothing yet.
    Wait,
    /// These will not come.
    Lost(Vec<(u32, u64, Loss)>),
}

/// How long another output is waited for when a mapper cannot be reached: the master most likely
/// hears of it as well.
const PATIENCE: Duration = Duration::from_secs(2);

impl Inbox {
    /// Takes news.
    pub(super) fn tell(&self, news: Announcement) {
        let mut state = locked(&self.state);
        for (task, attempt) in news.lost {
            let is_meant = match state.maps.get(&task) {
                Some(Map::Known(output) | Map::Failed(output, ..)) => output.attempt == attempt,
                // Whoever fetches it finds out.
                Some(Map::Fetching(_) | Map::Fetched) | None => false,
            };
            if is_meant {
                state.maps.remove(&task);
            }
        }
        for output in news.outputs {
            let takes = match state.maps.get(&output.task) {
                None | Some(Map::Known(_) | Map::Failed(..)) => true,
                Some(Map::Fetching(now)) => now.attempt != output.attempt,
                Some(Map::Fetched) => false,
            };
            if takes {
                state.announced_at = Some(Instant::now());
                state.maps.insert(output.task, Map::Known(output));
            }
        }
        drop(state);
        self.changed.notify_all();
    }

    /// What to do next, of `maps` in all, at most `most` at once. Waits a little if there is nothing.
    pub(super) fn next(&self, maps: u32, most: usize, wait: Duration) -> Next {
        let mut state = locked(&self.state);
        let next = state.next(maps, most);
        if !matches!(next, Next::Wait) {
            return next;
        }
        let waited = self.changed.wait_timeout(state, wait);
        state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.next(maps, most)
    }

    /// Whether an output that is being fetched is still the one that is wanted.
    pub(super) fn is_wanted(&self, output: &OutputAt) -> bool {
        let state = locked(&self.state);
        let is_it =
            matches!(state.maps.get(&output.task), Some(Map::Fetching(now)) if now == output);
        is_it && !state.is_over
    }

    /// An output is here, whole.
    pub(super) fn fetched(&self, output: &OutputAt) {
        let mut state = locked(&self.state);
        if !matches!(state.maps.insert(output.task, Map::Fetched), Some(Map::Fetched)) {
            state.fetched += 1;
        }
        drop(state);
        self.changed.notify_all();
    }

    /// An output could not be fetched, and nothing of it was used.
    pub(super) fn failed(&self, output: &OutputAt, loss: Loss) {
        let mut state = locked(&self.state);
        if matches!(state.maps.get(&output.task), Some(Map::Fetching(now)) if now == output) {
            let failed = Map::Failed(output.clone(), loss, Instant::now());
            state.maps.insert(output.task, failed);
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Nobody is to fetch any more.
    pub(super) fn end(&self) {
        self.state().is_over = true;
        self.changed.notify_all();
    }

    /// When the last output was announced.
    pub(super) fn announced_at(&self) -> Option<Instant> {
        self.state().announced_at
    }

    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }
}

impl State {
    fn next(&mut self, maps: u32, most: usize) -> Next {
        if self.is_over || self.fetched >= maps as usize {
            return Next::Done;
        }
        let mut taken = Vec::new();
        for map in self.maps.values_mut() {
            if taken.len() == most {
                break;
            }
            if let Map::Known(output) = map {
                taken.push(output.clone());
                *map = Map::Fetching(output.clone());
            }
        }
        if !taken.is_empty() {
            return Next::Fetch(taken);
        }
        let lost: Vec<(u32, u64, Loss)> = self
            .maps
            .values()
            .filter_map(|map| match map {
                Map::Failed(output, loss, since)
                    if *loss == Loss::Missing || since.elapsed() > PATIENCE =>
                {
                    Some((output.task, output.attempt, *loss))
                }
                _ => None,
            })
            .collect();
        if lost.is_empty() { Next::Wait } else { Next::Lost(lost) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(task: u32, attempt: u64) -> OutputAt {
        OutputAt { task, attempt, address: "a:1".into(), epoch: 1, bytes: 0 }
    }

    fn tell(inbox: &Inbox, outputs: &[OutputAt], lost: &[(u32, u64)]) {
        let (outputs, lost) = (outputs.to_vec(), lost.to_vec());
        inbox.tell(Announcement { attempt: 9, outputs, lost });
    }

    fn take(inbox: &Inbox, maps: u32) -> Vec<(u32, u64)> {
        match inbox.next(maps, 10, Duration::ZERO) {
            Next::Fetch(outputs) => {
                outputs.iter().map(|output| (output.task, output.attempt)).collect()
            }
            _ => Vec::new(),
        }
    }

    #[test]
    fn what_is_announced_is_fetched_once() {
        let inbox = Inbox::default();
        tell(&inbox, &[output(0, 1)], &[]);
        assert_eq!(take(&inbox, 2), [(0, 1)]);
        tell(&inbox, &[output(0, 1), output(1, 2)], &[]);
        assert_eq!(take(&inbox, 2), [(1, 2)]);
        inbox.fetched(&output(0, 1));
        assert!(matches!(inbox.next(2, 1, Duration::ZERO), Next::Wait));
        inbox.fetched(&output(1, 2));
        assert!(matches!(inbox.next(2, 1, Duration::ZERO), Next::Done));
    }

    /// 3.3: "Any reduce task that has not already read the data from worker A will read the data
    /// from worker B."
    #[test]
    fn what_was_read_stays_and_the_rest_is_read_elsewhere() {
        let inbox = Inbox::default();
        tell(&inbox, &[output(0, 1), output(1, 2)], &[]);
        assert_eq!(take(&inbox, 2), [(0, 1), (1, 2)]);
        inbox.fetched(&output(0, 1));
        inbox.failed(&output(1, 2), Loss::Unreachable);
        tell(&inbox, &[], &[(0, 1), (1, 2)]);
        assert_eq!(take(&inbox, 2), []);
        tell(&inbox, &[output(0, 5), output(1, 6)], &[]);
        assert_eq!(take(&inbox, 2), [(1, 6)]);
    }

    #[test]
    fn a_fetch_that_hangs_is_overtaken_by_another_output() {
        let inbox = Inbox::default();
        tell(&inbox, &[output(0, 1)], &[]);
        assert_eq!(take(&inbox, 1), [(0, 1)]);
        assert!(inbox.is_wanted(&output(0, 1)));
        tell(&inbox, &[output(0, 2)], &[(0, 1)]);
        assert!(!inbox.is_wanted(&output(0, 1)));
        inbox.failed(&output(0, 1), Loss::Unreachable);
        assert_eq!(take(&inbox, 1), [(0, 2)]);
    }

    #[test]
    fn what_is_missing_ends_the_attempt_at_once() {
        let inbox = Inbox::default();
        tell(&inbox, &[output(0, 1)], &[]);
        take(&inbox, 1);
        inbox.failed(&output(0, 1), Loss::Missing);
        let next = inbox.next(1, 1, Duration::ZERO);
        assert!(matches!(next, Next::Lost(lost) if lost == [(0, 1, Loss::Missing)]));
    }
}
