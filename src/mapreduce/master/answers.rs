//! Handles the answers of workers.

use std::sync::Arc;
use std::time::Duration;

use super::calls::{InFlight, PendingSend, Reading};
use super::outputs::TaskOutput;
use super::requests::Request;
use super::{Error, JobEvent, Master, Observer, TaskEnd};
use crate::call::{CallId, Code, Status};
use crate::mapreduce::contract::{MapDone, PIECE_BYTES};
use crate::mapreduce::job::Counters;
use crate::mapreduce::scheduler::{AttemptId, Cause, Failure, TaskKind};
use crate::mapreduce::task_status;
use crate::mapreduce::wire;
use crate::text::printable_lines;

/// An answer as the multiplexer delivered it.
pub(super) struct Answer {
    pub(super) link: usize,
    pub(super) call: CallId,
    pub(super) status: Status,
    pub(super) message: Vec<u8>,
}

impl Master {
    /// Handles one answer.
    pub(super) fn handle_answer(&mut self, answer: Answer, observer: &mut dyn Observer) {
        let Answer { link, call, status, message } = answer;
        let Some(in_flight) = self.in_flight.remove(&(link, call)) else { return };
        if !self.multiplexer.is_connected(link) {
            if let Some(index) = self.slot_of_call(link, &in_flight) {
                // The session's: it says if TLS, or its absence, was the cause.
                self.release(index, &status.message, observer);
            }
            return;
        }
        if self.is_retried_later(&in_flight, &status) {
            return;
        }
        match in_flight {
            InFlight::Open(index) => self.handle_opened(index, &status, &message, observer),
            InFlight::Hold(index) => {
                let reason =
                    if status.is_ok() { "it is shutting down" } else { status.message.as_str() };
                self.release(index, reason, observer);
            }
            InFlight::Ping(index) => self.handle_pong(index, &status, &message, observer),
            InFlight::Announce(attempt) => self.handle_announced(attempt, &status, observer),
            InFlight::PendingSend(index) => self.handle_piece_put(index, &status, observer),
            InFlight::Task(attempt) => {
                let kind = self.attempts.get(&attempt).map(|assigned| assigned.task.kind);
                match kind {
                    Some(_) if !status.is_ok() => {
                        self.handle_task_failed(attempt, &status, observer)
                    }
                    Some(TaskKind::Map) => self.handle_map_done(attempt, &message, observer),
                    Some(TaskKind::Reduce) => self.handle_reduce_done(attempt, &message, observer),
                    None => {}
                }
            }
            InFlight::Read(attempt) => {
                self.handle_output_piece(attempt, &status, &message, observer)
            }
        }
    }

    /// Whether the worker had no capacity for a call (RESOURCE_EXHAUSTED), which is then sent again
    /// later. No attempt fails for that.
    fn is_retried_later(&mut self, in_flight: &InFlight, status: &Status) -> bool {
        let slot_of = |attempt| self.attempts.get(attempt).map(|assigned| assigned.slot);
        let (slot, request) = match in_flight {
            InFlight::Task(attempt) => (slot_of(attempt), Request::Begin(*attempt)),
            InFlight::Read(attempt) => (slot_of(attempt), Request::Read(*attempt)),
            InFlight::PendingSend(index) => (Some(*index), Request::PendingSend),
            InFlight::Open(_) | InFlight::Hold(_) | InFlight::Ping(_) | InFlight::Announce(_) => {
                return false;
            }
        };
        let now = self.now();
        let Some(ready) = slot.and_then(|index| self.worker_slots[index].ready()) else {
            return false;
        };
        if status.code != Code::ResourceExhausted {
            ready.requests.accepted();
            return false;
        }
        if !ready.requests.retry_later(request, now) {
            return false;
        }
        if let InFlight::Task(attempt) = in_flight
            && let Some(assigned) = self.attempts.get_mut(attempt)
        {
            assigned.call = None;
        }
        true
    }

    /// The worker slot that a call belongs to.
    fn slot_of_call(&self, link: usize, in_flight: &InFlight) -> Option<usize> {
        match in_flight {
            InFlight::Open(index)
            | InFlight::Hold(index)
            | InFlight::Ping(index)
            | InFlight::PendingSend(index) => Some(*index),
            InFlight::Task(attempt) | InFlight::Announce(attempt) | InFlight::Read(attempt) => {
                let slot = self.attempts.get(attempt).map(|assigned| assigned.slot);
                slot.or_else(|| {
                    let mut calls = self.in_flight.iter().filter(|((of, _), _)| *of == link);
                    calls.find_map(|(_, call)| match call {
                        InFlight::Hold(index) => Some(*index),
                        _ => None,
                    })
                })
            }
        }
    }

    fn handle_pong(
        &mut self,
        index: usize,
        status: &Status,
        message: &[u8],
        observer: &mut dyn Observer,
    ) {
        let now = self.now();
        let Some(ready) = self.worker_slots[index].ready() else { return };
        ready.ping = None;
        let worker = ready.worker;
        let Ok(running) = wire::parse_pong(message) else { return };
        if status.is_ok() {
            ready.mark_alive();
            let pending_sends: Vec<(AttemptId, u64)> =
                running.iter().map(|at| (AttemptId(at.attempt), at.steps)).collect();
            self.scheduler.handle_progress(now, worker, &pending_sends);
            self.status = running.into_iter().map(|at| at.status).find(|text| !text.is_empty());
            observer.on_event(&JobEvent::Answered {
                name: &self.worker_slots[index].name,
                status: self.status.as_deref().unwrap_or_default(),
            });
        }
    }

    fn handle_announced(
        &mut self,
        attempt: AttemptId,
        status: &Status,
        observer: &mut dyn Observer,
    ) {
        let Some(assigned) = self.attempts.get_mut(&attempt) else { return };
        assigned.announcements_in_flight = assigned.announcements_in_flight.saturating_sub(1);
        if status.is_ok() {
            self.announce(attempt);
        } else {
            // The reduce task would wait for the announcement for ever.
            self.fail_attempt(attempt, Cause::Worker, &status.message, observer);
        }
    }

    fn handle_piece_put(&mut self, index: usize, status: &Status, observer: &mut dyn Observer) {
        let piece = PIECE_BYTES as u64;
        let splits = &self.splits;
        let Some(ready) = self.worker_slots[index].ready() else { return };
        if !status.is_ok() {
            return self.handle_put_failed(index, status, observer);
        }
        let is_done = match ready.pending_sends.front_mut() {
            Some(PendingSend::Parameter { value, offset, .. }) => {
                *offset += piece;
                *offset >= value.len() as u64
            }
            Some(PendingSend::Split { task, offset }) => {
                *offset += piece;
                *offset >= splits.get(*task as usize).map_or(0, |(split, _)| split.len())
            }
            Some(PendingSend::Begin(_)) | None => return,
        };
        if is_done {
            ready.pending_sends.pop_front();
            ready.is_sending = false;
            self.send_pending(index);
        } else {
            ready.requests.push(Request::PendingSend);
        }
    }

    /// A parameter or split could not be sent: the attempts that need it fail.
    fn handle_put_failed(&mut self, index: usize, status: &Status, observer: &mut dyn Observer) {
        let Some(ready) = self.worker_slots[index].ready() else { return };
        if let Some(PendingSend::Parameter { number, .. }) = ready.pending_sends.front() {
            let number = *number;
            ready.parameters.remove(&number);
        }
        ready.is_sending = false;
        let pending_sends = std::mem::take(&mut ready.pending_sends);
        for step in pending_sends {
            if let PendingSend::Begin(attempt) = step {
                self.fail_attempt(
                    attempt,
                    task_status::cause_of(status),
                    &status.message,
                    observer,
                );
            }
        }
    }

    /// An attempt ended with an error.
    fn handle_task_failed(
        &mut self,
        attempt: AttemptId,
        status: &Status,
        observer: &mut dyn Observer,
    ) {
        let now = self.now();
        let Some(assigned) = self.attempts.get(&attempt) else { return };
        let worker = assigned.worker;
        if self.options.ships_inputs && task_status::needs_split(status) && !assigned.split_sent {
            return self.send_split(attempt);
        }
        if task_status::has_input_mismatch(status) {
            return self.reject_map(attempt, &status.message, observer);
        }
        for (map, made_by, loss) in task_status::lost_outputs(status) {
            self.scheduler.handle_output_lost(now, worker, map, AttemptId(made_by), loss);
        }
        let mut reason = status.message.clone();
        if let Some((offset, column)) = task_status::bad_record(status) {
            match self.inputs.describe_position(offset, column) {
                Ok(place) => reason = format!("{place}: {reason}"),
                Err(error) => log::warn!("counting lines: {error}"),
            }
        }
        self.fail_attempt(attempt, task_status::cause_of(status), &reason, observer);
    }

    /// Fails an attempt: reports it to the observer and to the scheduler.
    pub(super) fn fail_attempt(
        &mut self,
        attempt: AttemptId,
        cause: Cause,
        reason: &str,
        observer: &mut dyn Observer,
    ) {
        let now = self.now();
        let reason = &displayable(reason);
        let Some(assigned) = self.attempts.remove(&attempt) else { return };
        if let Some(call) = assigned.call
            && let Some(ready) = self.worker_slots[assigned.slot].ready()
        {
            let link = ready.link;
            if self.in_flight.remove(&(link, call)).is_some() {
                self.multiplexer.cancel(link, call);
            }
        }
        observer.on_event(&JobEvent::TaskEnded {
            task: assigned.task,
            attempt: attempt.0,
            worker: &self.worker_slots[assigned.slot].name,
            end: TaskEnd::Failure(reason),
            output_bytes: 0,
        });
        let failure = Failure::new(cause, reason);
        self.scheduler.handle_failed(now, assigned.worker, attempt, &failure);
    }

    fn handle_map_done(&mut self, attempt: AttemptId, message: &[u8], observer: &mut dyn Observer) {
        let done = match wire::parse_map_done(message) {
            Ok(done) => done,
            Err(status) => {
                return self.fail_attempt(attempt, Cause::Worker, &status.message, observer);
            }
        };
        self.verify_map_input(attempt, done, observer);
    }

    /// Accepts the result of a map task.
    pub(super) fn accept_map(
        &mut self,
        attempt: AttemptId,
        done: MapDone,
        observer: &mut dyn Observer,
    ) {
        let sizes: Arc<[u64]> = done.sizes.into();
        let is_result = self.round.as_ref().is_some_and(|state| state.round.reduces == 0);
        if !is_result {
            return self.complete(attempt, None, done.counters, sizes, observer);
        }
        let bytes = sizes.first().copied().unwrap_or(0);
        self.begin_reading(attempt, bytes, Vec::new(), done.counters, observer);
    }

    fn handle_reduce_done(
        &mut self,
        attempt: AttemptId,
        message: &[u8],
        observer: &mut dyn Observer,
    ) {
        let done = match wire::parse_reduce_done(message) {
            Ok(done) => done,
            Err(status) => {
                return self.fail_attempt(attempt, Cause::Worker, &status.message, observer);
            }
        };
        if let Some(state) = &mut self.round {
            state.fetched_bytes = state.fetched_bytes.saturating_add(done.fetched_bytes);
            state.reduce_time = state.reduce_time.max(Duration::from_micros(done.took_us));
        }
        self.begin_reading(attempt, done.bytes, done.output, done.counters, observer);
    }

    /// Starts reading the output of a completed task, unless all of it is in the answer.
    fn begin_reading(
        &mut self,
        attempt: AttemptId,
        bytes: u64,
        first: Vec<u8>,
        counters: Counters,
        observer: &mut dyn Observer,
    ) {
        if first.len() as u64 == bytes {
            let output = Some(TaskOutput::Memory(first));
            return self.complete(attempt, output, counters, [].into(), observer);
        }
        if !first.is_empty() {
            let reason = "its output has another length than announced";
            return self.fail_attempt(attempt, Cause::Worker, reason, observer);
        }
        let Some(assigned) = self.attempts.get_mut(&attempt) else { return };
        match TaskOutput::expecting(bytes, &self.layout, assigned.task, attempt.0) {
            Ok(output) => {
                assigned.call = None;
                assigned.reading = Some(Reading { output, bytes, counters });
                let index = assigned.slot;
                self.request(index, Request::Read(attempt));
            }
            Err(error) => self.fail(Error::Io("keeping the output", error)),
        }
    }

    fn handle_output_piece(
        &mut self,
        attempt: AttemptId,
        status: &Status,
        message: &[u8],
        observer: &mut dyn Observer,
    ) {
        let now = self.now();
        let piece =
            if status.is_ok() { wire::parse_output_piece(message) } else { Err(status.clone()) };
        let piece = match piece {
            Ok(piece) if piece.is_empty() => {
                let reason = "its output is shorter than announced";
                return self.fail_attempt(attempt, Cause::Worker, reason, observer);
            }
            Ok(piece) => piece,
            Err(status) => {
                return self.fail_attempt(attempt, Cause::Worker, &status.message, observer);
            }
        };
        let Some(assigned) = self.attempts.get_mut(&attempt) else { return };
        let Some(reading) = &mut assigned.reading else { return };
        if let Err(error) = reading.output.append(&piece) {
            return self.fail(Error::Io("keeping the output", error));
        }
        let read = reading.output.len();
        if read > reading.bytes {
            let reason = "its output is longer than announced";
            return self.fail_attempt(attempt, Cause::Worker, reason, observer);
        }
        if read < reading.bytes {
            // Reading counts as progress, although the worker's own progress number no longer
            // grows.
            let pending_sends = u64::MAX - (reading.bytes - read);
            let (index, worker) = (assigned.slot, assigned.worker);
            self.scheduler.handle_progress(now, worker, &[(attempt, pending_sends)]);
            return self.request(index, Request::Read(attempt));
        }
        if let Some(Reading { output, counters, .. }) = assigned.reading.take() {
            self.complete(attempt, Some(output), counters, [].into(), observer);
        }
    }

    /// Completes an attempt, whose output is now here or whose location is known.
    fn complete(
        &mut self,
        attempt: AttemptId,
        output: Option<TaskOutput>,
        counters: Counters,
        sizes: Arc<[u64]>,
        observer: &mut dyn Observer,
    ) {
        let now = self.now();
        let Some(assigned) = self.attempts.remove(&attempt) else { return };
        let (worker, task) = (assigned.worker, assigned.task);
        let output_bytes = output.as_ref().map_or_else(
            || sizes.iter().fold(0, |sum, size| size.saturating_add(sum)),
            TaskOutput::len,
        );
        let counts = self.scheduler.handle_completed(now, worker, attempt, sizes);
        observer.on_event(&JobEvent::TaskEnded {
            task,
            attempt: attempt.0,
            worker: &self.worker_slots[assigned.slot].name,
            end: if counts { TaskEnd::Success } else { TaskEnd::Cancelled },
            output_bytes: if counts { output_bytes } else { 0 },
        });
        if let Some(state) = self.round.as_mut().filter(|_| counts) {
            state.tally.accept(task, counters);
            if let Some(output) = output {
                state.outputs.insert(task.index, output);
            }
            if task.kind == TaskKind::Map {
                state.maps_done = now;
            }
        }
    }
}

/// Longer reasons are cut.
const MAX_REASON_BYTES: usize = 8 * 1024;

/// A reason that a worker gave, without escape sequences. It may have several lines: those behind
/// the first are indented, so that none can be mistaken for a line of the master.
fn displayable(reason: &str) -> String {
    let reason = printable_lines(&reason[..reason.floor_char_boundary(MAX_REASON_BYTES)]);
    let mut text = String::new();
    for (number, line) in reason.trim_end().split('\n').enumerate() {
        match number {
            0 => text.push_str(line),
            _ if line.starts_with("    ") => text.extend(["\n", line]),
            _ => text.extend(["\n    ", line]),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::displayable;

    #[test]
    fn a_reason_forges_no_line_and_moves_no_cursor() {
        let forged = "it failed\nR1: reduce 1, attempt 1: SUCCESS\x1b[1A\r\n    its stderr";
        let shown =
            "it failed\n    R1: reduce 1, attempt 1: SUCCESS\\u{1b}[1A\\u{d}\n    its stderr";
        assert_eq!(displayable(forged), shown);
        assert!(displayable(&"\u{202e}".repeat(100_000)).len() <= 4 * super::MAX_REASON_BYTES);
    }
}
