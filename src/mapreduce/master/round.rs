//! The loop of a round.

use std::mem;
use std::thread;
use std::time::Duration;

use super::answers::Answer;
use super::{Error, JobEvent, Master, Observer, Round, RoundOutcome, RoundState, Times};
use crate::mapreduce::job::Tally;
use crate::mapreduce::scheduler::TaskKind;

/// The first round waits this long for workers that are starting, then it begins with those that
/// are ready.
const GATHER_TIMEOUT: Duration = Duration::from_secs(5);
/// A round that takes longer than this is a long one: the observer may use the core for a moment
/// without delaying map tasks.
const IDLE_AFTER: Duration = Duration::from_millis(10);
/// The interval of progress reports.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

impl Master {
    pub(super) fn round(
        &mut self,
        round: Round,
        observer: &mut dyn Observer,
    ) -> Result<RoundOutcome, Error> {
        let kinds = if round.reduces == 0 {
            &[TaskKind::Map][..]
        } else {
            &[TaskKind::Map, TaskKind::Reduce]
        };
        self.wait_for_workers(kinds, observer)?;
        let (maps, reduces) = (self.splits.len() as u32, round.reduces);
        observer.on_event(&JobEvent::RoundBegan {
            name: &round.name,
            maps: maps as usize,
            reduces: reduces as usize,
        });
        self.rounds += 1;
        self.parameters += 2;
        let began = self.now();
        self.round = Some(RoundState {
            number: self.rounds,
            round,
            map_parameter: self.parameters - 1,
            reduce_parameter: self.parameters,
            outputs: Default::default(),
            tally: Tally::default(),
            fetched_bytes: 0,
            began,
            maps_done: began,
            reduce_time: Duration::ZERO,
        });
        if self.rounds == 1 {
            self.digest_all_splits();
        }
        self.scheduler.begin_round(began, maps, reduces);
        let result = self.finish_round(kinds, observer);
        let now = self.now();
        self.scheduler.end_round(now);
        // Sends the cancellations of the remaining attempts.
        self.run_actions(observer);
        let state = self.round.take();
        result?;
        state.map(|state| state.outcome(now)).map_or_else(
            || Err(Error::Io("a round", std::io::ErrorKind::NotFound.into())),
            |outcome| {
                observer.on_event(&JobEvent::RoundEnded {
                    times: outcome.times,
                    counters: &outcome.counters,
                    fetched_bytes: outcome.fetched_bytes,
                });
                Ok(outcome)
            },
        )
    }

    /// Waits until the workers that are starting are ready.
    fn wait_for_workers(
        &mut self,
        kinds: &[TaskKind],
        observer: &mut dyn Observer,
    ) -> Result<(), Error> {
        let began = self.now();
        loop {
            self.take_events(observer);
            self.fill_worker_slots(observer);
            let waits = self.now() < began + GATHER_TIMEOUT;
            let of_kinds = || self.worker_slots.iter().filter(|slot| kinds.contains(&slot.kind));
            let is_starting = of_kinds().any(super::WorkerSlot::is_starting);
            let missing = kinds.iter().find_map(|kind| self.no_workers_error(*kind));
            match missing {
                None if !is_starting || !waits => return Ok(()),
                Some(error)
                    if self.now() > began + self.options.worker_timeout
                        || kinds.iter().any(|kind| self.never_starts(*kind)) =>
                {
                    return Err(error);
                }
                _ => self.turn(Duration::from_millis(100), observer)?,
            }
        }
    }

    fn finish_round(
        &mut self,
        kinds: &[TaskKind],
        observer: &mut dyn Observer,
    ) -> Result<(), Error> {
        let mut missing_since = None;
        let began = self.now();
        let mut last_progress = began;
        let mut has_idled = false;
        loop {
            self.take_events(observer);
            self.fill_worker_slots(observer);
            let now = self.now();
            self.scheduler.handle_timeout(now);
            self.run_actions(observer);
            if let Some(error) = self.failure.take() {
                return Err(error);
            }
            match self.scheduler.outcome() {
                Some(Err(failure)) => return Err(Error::Task(failure)),
                Some(Ok(())) if self.is_input_settled() => return Ok(()),
                _ => {}
            }
            self.check_workers(kinds, now, &mut missing_since)?;
            if now >= last_progress + PROGRESS_INTERVAL {
                last_progress = now;
                self.report_progress(now - began, observer);
            }
            if has_idled {
                self.turn(PROGRESS_INTERVAL, observer)?;
            } else if self.is_idle(now - began) {
                // Everything queued is sent first, and the workers get the core first.
                self.turn(Duration::ZERO, observer)?;
                thread::yield_now();
                observer.on_idle();
                has_idled = true;
            } else {
                self.turn(IDLE_AFTER.saturating_sub(now - began), observer)?;
            }
        }
    }

    /// Fails when a kind of workers is missing for too long, or can never start.
    fn check_workers(
        &self,
        kinds: &[TaskKind],
        now: Duration,
        missing_since: &mut Option<Duration>,
    ) -> Result<(), Error> {
        let Some(error) = kinds.iter().find_map(|kind| self.no_workers_error(*kind)) else {
            *missing_since = None;
            return Ok(());
        };
        let since = *missing_since.get_or_insert(now);
        let never_starts = kinds.iter().any(|kind| self.never_starts(*kind));
        let is_over = never_starts || now > since + self.options.worker_timeout;
        if is_over { Err(error) } else { Ok(()) }
    }

    /// Whether the round no longer needs the master for a while. `elapsed`: since the round began.
    fn is_idle(&self, elapsed: Duration) -> bool {
        let (completed, maps) = self.scheduler.progress(TaskKind::Map);
        completed == maps || elapsed >= IDLE_AFTER
    }

    fn report_progress(&mut self, elapsed: Duration, observer: &mut dyn Observer) {
        let Some(state) = &self.round else { return };
        observer.on_event(&JobEvent::Progress {
            maps: self.scheduler.progress(TaskKind::Map),
            reduces: self.scheduler.progress(TaskKind::Reduce),
            elapsed,
            status: self.status.as_deref(),
            tally: &state.tally,
            fetched_bytes: state.fetched_bytes,
        });
    }

    /// Waits for an event up to `longest`, and handles the answers that arrived.
    pub(super) fn turn(
        &mut self,
        longest: Duration,
        observer: &mut dyn Observer,
    ) -> Result<(), Error> {
        let now = self.now();
        let due = [self.scheduler.next_timeout(now), self.next_slot_timeout()];
        let due = due.into_iter().flatten().min();
        let timeout = due.map_or(longest, |due| longest.min(due.saturating_sub(now)));
        let mut answers = Vec::new();
        let turned = self.multiplexer.poll(timeout, |done| {
            answers.push(Answer {
                link: done.link,
                call: done.call,
                status: done.status.clone(),
                message: done.message.to_vec(),
            });
        });
        turned.map_err(|error| Error::Io("waiting for workers", error))?;
        answers.into_iter().for_each(|answer| self.handle_answer(answer, observer));
        Ok(())
    }
}

impl RoundState {
    fn outcome(mut self, now: Duration) -> RoundOutcome {
        let (map, all) = (self.maps_done - self.began, now - self.began);
        let rest = all.saturating_sub(map);
        let reduce = self.reduce_time.min(rest);
        RoundOutcome {
            outputs: mem::take(&mut self.outputs).into_values().collect(),
            counters: self.tally.total(),
            times: Times { map, shuffle: rest - reduce, reduce },
            fetched_bytes: self.fetched_bytes,
        }
    }
}
