//! Tracks the map outputs for one reduce attempt: which are complete, which are fetched, and which
//! are lost.
//!
//! ```text
//!   of each map:   unknown --announced--> available --taken--> fetching --complete--> fetched
//!                     ^                      | ^                  | |
//!                     |                      | +----- refused ----+ |
//!                     +------ withdrawn -----+-------- failed ------+
//! ```
//!
//! A fetched output stays fetched, whatever is announced later (3.3 of the paper). A mapper that
//! refuses a fetch because it has no capacity has not lost the output: the fetch is retried after a
//! pause.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::locked;
use crate::call::{Code, Status};
use crate::mapreduce::contract::{MapOutputAnnouncement, MapOutputLocation};
use crate::mapreduce::scheduler::Loss;

/// The map outputs of one reduce attempt.
#[derive(Default)]
pub(super) struct MapOutputTracker {
    state: Mutex<State>,
    changed: Condvar,
    /// The number of outputs in all trackers of the job.
    total: Arc<AtomicUsize>,
}

/// Outputs that the trackers of a job know at once: as many as 100 reduce tasks of 10,000 map tasks
/// need.
const MAX_OUTPUTS: usize = 1_000_000;
/// The longest address of a mapper: a name of DNS and a port.
const MAX_ADDRESS_BYTES: usize = 300;

#[derive(Default)]
struct State {
    maps: BTreeMap<u32, OutputState>,
    fetched: usize,
    /// When the last output was announced.
    announced_at: Option<Instant>,
    /// The attempt has ended: no more fetches.
    is_over: bool,
}

enum OutputState {
    Available(MapOutputLocation, Option<Backoff>),
    Fetching(MapOutputLocation, Option<Backoff>),
    /// The fetch failed at this time; another output is awaited.
    Failed(MapOutputLocation, Loss, Instant),
    Fetched,
}

/// The pause of an output that its mapper refused to send.
#[derive(Clone, Copy)]
struct Backoff {
    /// The first refusal.
    since: Instant,
    /// The last pause and its end.
    pause: Duration,
    until: Instant,
}

/// What a fetching thread does next.
pub(super) enum NextFetch {
    /// Fetch these outputs.
    Fetch(Vec<MapOutputLocation>),
    /// All outputs are fetched or being fetched by other threads.
    Done,
    /// There is nothing to fetch yet.
    Wait,
    /// These outputs are lost.
    Lost(Vec<(u32, u64, Loss)>),
}

/// How long a reduce attempt waits for another output of a map whose mapper is unreachable: the
/// master probably detects the failure as well.
const REPLACEMENT_TIMEOUT: Duration = Duration::from_secs(2);
/// The first and the longest pause between two fetches of a refused output.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const MAX_PAUSE: Duration = Duration::from_secs(1);
/// A mapper may refuse for this long. Then the reduce attempt ends, but the output is not reported
/// as lost.
pub(super) const MAX_REFUSED_TIME: Duration = Duration::from_secs(60);

impl MapOutputTracker {
    /// A tracker that counts its outputs in the account of the job.
    pub(super) fn new(total: &Arc<AtomicUsize>) -> MapOutputTracker {
        let (state, changed) = (Mutex::default(), Condvar::new());
        MapOutputTracker { state, changed, total: Arc::clone(total) }
    }

    /// Applies an announcement.
    ///
    /// # Errors
    /// The job has announced too many outputs.
    pub(super) fn announce(&self, announcement: MapOutputAnnouncement) -> Result<(), Status> {
        let mut state = locked(&self.state);
        for (task, attempt) in announcement.lost {
            let is_meant = match state.maps.get(&task) {
                Some(OutputState::Available(output, _) | OutputState::Failed(output, ..)) => {
                    output.attempt == attempt
                }
                // The fetching thread will find out.
                Some(OutputState::Fetching(..) | OutputState::Fetched) | None => false,
            };
            if is_meant && state.maps.remove(&task).is_some() {
                self.total.fetch_sub(1, Ordering::Relaxed);
            }
        }
        for output in announcement.outputs {
            let takes = match state.maps.get(&output.task) {
                None | Some(OutputState::Available(..) | OutputState::Failed(..)) => true,
                Some(OutputState::Fetching(now, _)) => now.attempt != output.attempt,
                Some(OutputState::Fetched) => false,
            };
            if takes {
                if !state.maps.contains_key(&output.task)
                    && (output.address.len() > MAX_ADDRESS_BYTES || !self.count_one())
                {
                    let reason = format!("more than {MAX_OUTPUTS} map outputs are announced");
                    return Err(Status::new(Code::FailedPrecondition, reason));
                }
                state.announced_at = Some(Instant::now());
                state.maps.insert(output.task, OutputState::Available(output, None));
            }
        }
        drop(state);
        self.changed.notify_all();
        Ok(())
    }

    /// Counts an output, if there may be one more.
    fn count_one(&self) -> bool {
        let is_counted = self.total.fetch_add(1, Ordering::Relaxed) < MAX_OUTPUTS;
        if !is_counted {
            self.total.fetch_sub(1, Ordering::Relaxed);
        }
        is_counted
    }

    /// The next outputs to fetch, at most `most`; `maps` is the number of map tasks. Waits up to
    /// `wait` if there is nothing to do.
    pub(super) fn next(&self, maps: u32, most: usize, wait: Duration) -> NextFetch {
        let mut state = locked(&self.state);
        let next = state.next(maps, most);
        if !matches!(next, NextFetch::Wait) {
            return next;
        }
        let wait = state
            .next_retry()
            .map_or(wait, |end| end.saturating_duration_since(Instant::now()).min(wait));
        let waited = self.changed.wait_timeout(state, wait);
        state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.next(maps, most)
    }

    /// Whether an output that is being fetched is still needed.
    pub(super) fn is_wanted(&self, output: &MapOutputLocation) -> bool {
        let state = locked(&self.state);
        state.fetching(output).is_some() && !state.is_over
    }

    /// An output was fetched completely.
    pub(super) fn fetched(&self, output: &MapOutputLocation) {
        let mut state = locked(&self.state);
        if !matches!(
            state.maps.insert(output.task, OutputState::Fetched),
            Some(OutputState::Fetched)
        ) {
            state.fetched += 1;
        }
        drop(state);
        self.changed.notify_all();
    }

    /// The mapper refused to send an output, and no byte of it was used. Returns whether the fetch
    /// is to be retried: not if refusals have lasted too long.
    pub(super) fn refused(&self, output: &MapOutputLocation) -> bool {
        let mut state = locked(&self.state);
        // It may have been replaced by another output.
        let Some(before) = state.fetching(output) else { return true };
        let now = Instant::now();
        let since = before.map_or(now, |before| before.since);
        if now - since >= MAX_REFUSED_TIME {
            return false;
        }
        let pause = before.map_or(FIRST_PAUSE, |before| (2 * before.pause).min(MAX_PAUSE));
        let refused = Backoff { since, pause, until: now + pause };
        state.maps.insert(output.task, OutputState::Available(output.clone(), Some(refused)));
        drop(state);
        self.changed.notify_all();
        true
    }

    /// A fetch failed, and no byte of the output was used.
    pub(super) fn failed(&self, output: &MapOutputLocation, loss: Loss) {
        let mut state = locked(&self.state);
        if state.fetching(output).is_some() {
            let failed = OutputState::Failed(output.clone(), loss, Instant::now());
            state.maps.insert(output.task, failed);
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Ends all fetches.
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

impl Drop for MapOutputTracker {
    fn drop(&mut self) {
        let count = self.state().maps.len();
        self.total.fetch_sub(count, Ordering::Relaxed);
    }
}

impl State {
    /// The pause of an output before its current fetch; `None` if the output is not being fetched.
    fn fetching(&self, output: &MapOutputLocation) -> Option<Option<Backoff>> {
        match self.maps.get(&output.task) {
            Some(OutputState::Fetching(now, refused)) if now == output => Some(*refused),
            _ => None,
        }
    }

    /// When the first refused output may be fetched again.
    fn next_retry(&self) -> Option<Instant> {
        let ends = self.maps.values().filter_map(|map| match map {
            OutputState::Available(_, refused) => refused.map(|refused| refused.until),
            _ => None,
        });
        ends.min()
    }

    fn next(&mut self, maps: u32, most: usize) -> NextFetch {
        if self.is_over || self.fetched >= maps as usize {
            return NextFetch::Done;
        }
        let (mut taken, now) = (Vec::new(), Instant::now());
        for map in self.maps.values_mut() {
            if taken.len() == most {
                break;
            }
            if let OutputState::Available(output, refused) = map
                && refused.is_none_or(|refused| refused.until <= now)
            {
                taken.push(output.clone());
                *map = OutputState::Fetching(output.clone(), *refused);
            }
        }
        if !taken.is_empty() {
            return NextFetch::Fetch(taken);
        }
        let lost: Vec<(u32, u64, Loss)> = self
            .maps
            .values()
            .filter_map(|map| match map {
                OutputState::Failed(output, loss, since)
                    if *loss == Loss::Missing || since.elapsed() > REPLACEMENT_TIMEOUT =>
                {
                    Some((output.task, output.attempt, *loss))
                }
                _ => None,
            })
            .collect();
        if lost.is_empty() { NextFetch::Wait } else { NextFetch::Lost(lost) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(task: u32, attempt: u64) -> MapOutputLocation {
        MapOutputLocation { task, attempt, address: "a:1".into(), epoch: 1, bytes: 0 }
    }

    fn announce(tracker: &MapOutputTracker, outputs: &[MapOutputLocation], lost: &[(u32, u64)]) {
        let (outputs, lost) = (outputs.to_vec(), lost.to_vec());
        tracker.announce(MapOutputAnnouncement { attempt: 9, outputs, lost }).unwrap();
    }

    #[test]
    fn the_outputs_of_a_job_are_counted_in_one_account() {
        let total = Arc::new(AtomicUsize::new(MAX_OUTPUTS - 2));
        let (one, other) = (MapOutputTracker::new(&total), MapOutputTracker::new(&total));
        announce(&one, &[output(0, 1)], &[]);
        announce(&other, &[output(0, 1)], &[]);
        announce(&other, &[output(0, 2)], &[]);
        let outputs = vec![output(1, 3)];
        let more = MapOutputAnnouncement { attempt: 9, outputs, lost: Vec::new() };
        assert_eq!(one.announce(more.clone()).unwrap_err().code, Code::FailedPrecondition);
        announce(&one, &[], &[(0, 1)]);
        one.announce(more.clone()).unwrap();
        assert!(other.announce(more).is_err());
        drop((one, other));
        assert_eq!(total.load(Ordering::Relaxed), MAX_OUTPUTS - 2);
    }

    fn take(tracker: &MapOutputTracker, maps: u32) -> Vec<(u32, u64)> {
        match tracker.next(maps, 10, Duration::ZERO) {
            NextFetch::Fetch(outputs) => {
                outputs.iter().map(|output| (output.task, output.attempt)).collect()
            }
            _ => Vec::new(),
        }
    }

    #[test]
    fn an_announced_output_is_fetched_once() {
        let tracker = MapOutputTracker::default();
        announce(&tracker, &[output(0, 1)], &[]);
        assert_eq!(take(&tracker, 2), [(0, 1)]);
        announce(&tracker, &[output(0, 1), output(1, 2)], &[]);
        assert_eq!(take(&tracker, 2), [(1, 2)]);
        tracker.fetched(&output(0, 1));
        assert!(matches!(tracker.next(2, 1, Duration::ZERO), NextFetch::Wait));
        tracker.fetched(&output(1, 2));
        assert!(matches!(tracker.next(2, 1, Duration::ZERO), NextFetch::Done));
    }

    /// 3.3: "Any reduce task that has not already read the data from worker A will read the data
    /// from worker B."
    #[test]
    fn fetched_outputs_stay_and_the_others_are_fetched_again() {
        let tracker = MapOutputTracker::default();
        announce(&tracker, &[output(0, 1), output(1, 2)], &[]);
        assert_eq!(take(&tracker, 2), [(0, 1), (1, 2)]);
        tracker.fetched(&output(0, 1));
        tracker.failed(&output(1, 2), Loss::Unreachable);
        announce(&tracker, &[], &[(0, 1), (1, 2)]);
        assert_eq!(take(&tracker, 2), []);
        announce(&tracker, &[output(0, 5), output(1, 6)], &[]);
        assert_eq!(take(&tracker, 2), [(1, 6)]);
    }

    #[test]
    fn a_hanging_fetch_is_replaced_by_another_output() {
        let tracker = MapOutputTracker::default();
        announce(&tracker, &[output(0, 1)], &[]);
        assert_eq!(take(&tracker, 1), [(0, 1)]);
        assert!(tracker.is_wanted(&output(0, 1)));
        announce(&tracker, &[output(0, 2)], &[(0, 1)]);
        assert!(!tracker.is_wanted(&output(0, 1)));
        tracker.failed(&output(0, 1), Loss::Unreachable);
        assert_eq!(take(&tracker, 1), [(0, 2)]);
    }

    #[test]
    fn a_refused_fetch_is_retried_with_a_growing_pause() {
        let tracker = MapOutputTracker::default();
        announce(&tracker, &[output(0, 1), output(1, 2)], &[]);
        assert_eq!(take(&tracker, 2), [(0, 1), (1, 2)]);
        tracker.fetched(&output(1, 2));
        for retry in 0..4 {
            let pause = FIRST_PAUSE * (1 << retry);
            let refused = Instant::now();
            assert!(tracker.refused(&output(0, 1)));
            assert_eq!(take(&tracker, 2), [], "not at once");
            let next = tracker.next(2, 1, Duration::from_secs(60));
            assert!(matches!(next, NextFetch::Fetch(outputs) if outputs == [output(0, 1)]));
            assert!(refused.elapsed() >= pause);
        }
        tracker.fetched(&output(0, 1));
        assert!(matches!(tracker.next(2, 1, Duration::ZERO), NextFetch::Done));
    }

    #[test]
    fn a_refused_output_may_be_withdrawn_and_replaced() {
        let tracker = MapOutputTracker::default();
        announce(&tracker, &[output(0, 1)], &[]);
        assert_eq!(take(&tracker, 1), [(0, 1)]);
        assert!(tracker.refused(&output(0, 1)));
        announce(&tracker, &[output(0, 2)], &[(0, 1)]);
        assert_eq!(take(&tracker, 1), [(0, 2)]);
        assert!(tracker.refused(&output(0, 1)), "an output that was replaced");
        assert!(tracker.is_wanted(&output(0, 2)));
    }

    #[test]
    fn a_missing_output_ends_the_attempt_at_once() {
        let tracker = MapOutputTracker::default();
        announce(&tracker, &[output(0, 1)], &[]);
        take(&tracker, 1);
        tracker.failed(&output(0, 1), Loss::Missing);
        let next = tracker.next(1, 1, Duration::ZERO);
        assert!(matches!(next, NextFetch::Lost(lost) if lost == [(0, 1, Loss::Missing)]));
    }
}
