//! Calls that wait to be sent.
//!
//! A call to a worker is queued as a [`Request`]. Its message is built when the worker's connection
//! accepts a call; until then nothing is removed from where it is kept.

use std::time::Duration;

use super::calls::{InFlight, MAX_ANNOUNCEMENTS_IN_FLIGHT, PendingSend};
use super::{Error, Master, Observer};
use crate::call::CallId;
use crate::mapreduce::contract::{MapOutputAnnouncement, PIECE_BYTES, Piece, path};
use crate::mapreduce::pending_calls::Started;
use crate::mapreduce::scheduler::{AttemptId, TaskKind};
use crate::mapreduce::split::Range;
use crate::mapreduce::wire;
use crate::rpc::StartError;

/// A queued call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// Map or Reduce.
    Begin(AttemptId),
    /// Announce, with the changes that are known when it is sent.
    Announce(AttemptId),
    /// ReadOutput: the next piece of an attempt's output.
    Read(AttemptId),
    /// PutParameter or PutSplit: the next piece of the slot's first pending send.
    PendingSend,
    /// Ping.
    Ping,
}

/// A call that is ready to be sent.
struct Call {
    path: &'static str,
    message: Vec<u8>,
    timeout: Option<Duration>,
    in_flight: InFlight,
}

/// Timeout of calls that are answered quickly.
const SMALL_TIMEOUT: Duration = Duration::from_secs(30);

impl Master {
    /// Queues a call to the worker of a slot.
    pub(super) fn request(&mut self, index: usize, request: Request) {
        if let Some(ready) = self.worker_slots[index].ready() {
            ready.requests.push(request);
        }
    }

    /// Sends queued calls, as many as the connections accept. Releases the slots whose connections
    /// are closed; returns whether there were any.
    pub(super) fn send_requests(&mut self, observer: &mut dyn Observer) -> bool {
        let mut any_gone = false;
        for index in 0..self.worker_slots.len() {
            if let Err(reason) = self.send_requests_to(index) {
                self.release(index, reason, observer);
                any_gone = true;
            }
        }
        any_gone
    }

    fn send_requests_to(&mut self, index: usize) -> Result<(), &'static str> {
        let now = self.now();
        let next = |master: &mut Master| {
            let ready = master.worker_slots[index].ready()?;
            if ready.requests.backoff_until().is_some_and(|until| now < until) {
                return None;
            }
            ready.requests.first().map(|request| (ready.link, *request))
        };
        while let Some((link, request)) = next(self) {
            let started = self.send(index, link, request)?;
            let Some(ready) = self.worker_slots[index].ready() else { break };
            if !ready.requests.started(started) {
                break;
            }
        }
        Ok(())
    }

    fn send(
        &mut self,
        index: usize,
        link: usize,
        request: Request,
    ) -> Result<Started, &'static str> {
        // Checked first, so that no message is built in vain.
        if self.multiplexer.is_full(link) {
            return Ok(Started::Refused);
        }
        let Some(call) = self.compose(index, request) else { return Ok(Started::Taken) };
        match self.multiplexer.start(link, call.path, &call.message, call.timeout) {
            Ok(id) => {
                self.in_flight.insert((link, id), call.in_flight);
                self.sent(index, request, id);
                Ok(Started::Taken)
            }
            Err(StartError::TooManyCalls) => Ok(Started::Refused),
            Err(StartError::Exhausted) => Err("its connection has no call numbers left"),
            Err(StartError::Invalid(reason)) => Err(reason),
            Err(StartError::GoingAway) if self.multiplexer.is_connected(link) => {
                Err("it is shutting down")
            }
            Err(StartError::GoingAway) => Err("its connection is closed"),
        }
    }

    /// The call of a request; `None` if it is no longer needed.
    fn compose(&mut self, index: usize, request: Request) -> Option<Call> {
        let (path, message, timeout, in_flight) = match request {
            Request::Begin(attempt) => {
                let start = &self.attempts.get(&attempt)?.start;
                let (path, message) = match start.task.kind {
                    TaskKind::Map => (path::MAP, self.map_message(start)?),
                    TaskKind::Reduce => (path::REDUCE, self.reduce_message(start)?),
                };
                (path, message, None, InFlight::Task(attempt))
            }
            Request::Announce(attempt) => {
                let assigned = self.attempts.get(&attempt)?;
                let is_full = assigned.announcements_in_flight >= MAX_ANNOUNCEMENTS_IN_FLIGHT;
                if is_full || assigned.reading.is_some() || assigned.announcement.is_empty() {
                    return None;
                }
                let message = wire::encode_announce(&self.spec.id, &assigned.announcement);
                (path::ANNOUNCE, message, Some(SMALL_TIMEOUT), InFlight::Announce(attempt))
            }
            Request::Read(attempt) => {
                let offset = self.attempts.get(&attempt)?.reading.as_ref()?.output.len();
                let message = wire::encode_read_output(&self.spec.id, attempt.0, offset);
                (path::READ_OUTPUT, message, Some(SMALL_TIMEOUT), InFlight::Read(attempt))
            }
            Request::PendingSend => {
                let (path, message) = self.piece_message(index)?;
                (path, message, Some(SMALL_TIMEOUT), InFlight::PendingSend(index))
            }
            Request::Ping => {
                if self.worker_slots[index].ready()?.ping.is_some() {
                    return None;
                }
                let timeout = self.options.policy.silent_after;
                let message = wire::encode_job_request(&self.spec.id);
                (path::PING, message, Some(timeout), InFlight::Ping(index))
            }
        };
        Some(Call { path, message, timeout, in_flight })
    }

    /// Records that the connection has accepted the call.
    fn sent(&mut self, index: usize, request: Request, call: CallId) {
        match request {
            Request::Begin(attempt) => {
                if let Some(assigned) = self.attempts.get_mut(&attempt) {
                    assigned.call = Some(call);
                }
            }
            Request::Announce(attempt) => {
                if let Some(assigned) = self.attempts.get_mut(&attempt) {
                    assigned.announcements_in_flight += 1;
                    assigned.announcement = MapOutputAnnouncement::new(attempt.0);
                }
            }
            Request::Ping => {
                if let Some(ready) = self.worker_slots[index].ready() {
                    ready.ping = Some(call);
                }
            }
            Request::Read(_) | Request::PendingSend => {}
        }
    }

    /// The message with the next piece of a slot's first pending send.
    fn piece_message(&mut self, index: usize) -> Option<(&'static str, Vec<u8>)> {
        match self.worker_slots[index].ready()?.pending_sends.front()? {
            PendingSend::Parameter { number, value, offset } => {
                let rest = value.get(*offset as usize..).unwrap_or_default();
                let piece = Piece {
                    of: *number,
                    bytes: value.len() as u64,
                    offset: *offset,
                    piece: rest[..rest.len().min(PIECE_BYTES)].to_vec(),
                };
                Some((path::PUT_PARAMETER, wire::encode_put_parameter(&self.spec.id, &piece)))
            }
            PendingSend::Split { task, offset } => {
                let (task, offset) = (*task, *offset);
                match self.split_piece(task, offset) {
                    Ok(piece) => {
                        Some((path::PUT_SPLIT, wire::encode_put_split(&self.spec.id, &piece)))
                    }
                    Err(error) => {
                        self.fail(Error::Io("reading a split", error));
                        None
                    }
                }
            }
            PendingSend::Begin(_) => None,
        }
    }

    fn split_piece(&mut self, task: u32, offset: u64) -> std::io::Result<Piece> {
        let (split, _) = self.splits.get(task as usize).ok_or(std::io::ErrorKind::NotFound)?;
        let bytes = split.len();
        let mut piece = Vec::new();
        if let Some(Range { file, start, end }) = split.range {
            let from = end.min(start + offset);
            self.inputs.append(file, from, end.min(from + PIECE_BYTES as u64), &mut piece)?;
        }
        Ok(Piece { of: task.into(), bytes, offset, piece })
    }
}
