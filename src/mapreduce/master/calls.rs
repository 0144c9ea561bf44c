//! Calls to workers.

use std::sync::Arc;

use super::outputs::TaskOutput;
use super::requests::Request;
use super::worker_slots::SlotState;
use super::{JobEvent, Master, Observer, TaskEnd};
use crate::call::CallId;
use crate::mapreduce::contract::{
    INLINE_PARAMETER_BYTES, MapCall, MapDone, MapOutputAnnouncement, MapOutputLocation, Parameter,
    ReduceCall,
};
use crate::mapreduce::job::Counters;
use crate::mapreduce::scheduler::{
    Action, AttemptId, MapOutput, Start, TaskId, TaskKind, WorkerId,
};
use crate::mapreduce::wire;

/// A call without an answer yet.
pub(super) enum InFlight {
    /// OpenJob.
    Open(usize),
    /// HoldJob: answered when the worker shuts down.
    Hold(usize),
    /// Ping.
    Ping(usize),
    /// Map or Reduce.
    Task(AttemptId),
    /// Announce.
    Announce(AttemptId),
    /// ReadOutput.
    Read(AttemptId),
    /// PutParameter or PutSplit: the first pending send of the slot.
    PendingSend(usize),
}

/// An attempt that was assigned to a worker.
pub(super) struct AssignedAttempt {
    pub(super) slot: usize,
    pub(super) worker: WorkerId,
    pub(super) task: TaskId,
    /// Its Map or Reduce call, while it runs.
    pub(super) call: Option<CallId>,
    pub(super) start: Start,
    /// Changes of map outputs that are not yet sent to a reduce attempt.
    pub(super) announcement: MapOutputAnnouncement,
    /// The number of announcements without an answer. They arrive in order.
    pub(super) announcements_in_flight: u32,
    /// The master has sent the split to the worker.
    pub(super) split_sent: bool,
    /// The result of a map task until its digest is verified.
    pub(super) unverified: Option<MapDone>,
    /// Its output, while it is read.
    pub(super) reading: Option<Reading>,
}

/// An output that is being read.
pub(super) struct Reading {
    pub(super) output: TaskOutput,
    pub(super) bytes: u64,
    pub(super) counters: Counters,
}

/// What a worker must receive before an attempt can begin.
pub(super) enum PendingSend {
    /// A parameter; the bytes before `offset` were sent.
    Parameter { number: u64, value: Arc<[u8]>, offset: u64 },
    /// A split; the bytes before `offset` were sent.
    Split { task: u32, offset: u64 },
    /// The request of the attempt itself.
    Begin(AttemptId),
}

/// Announcements in flight to one attempt.
pub(super) const MAX_ANNOUNCEMENTS_IN_FLIGHT: u32 = 8;
/// Small outputs are announced together, up to this number,
const ANNOUNCE_OUTPUTS: usize = 16;
/// or up to this size. Less is not worth a fetch while maps run: each message wakes a reducer that
/// may share its core with a map task.
const ANNOUNCE_BYTES: u64 = 256 * 1024;
/// At most this many running map attempts are named to a new reduce task.
const MAX_EXPECTED: usize = 16;

impl Master {
    /// Executes the scheduler's actions, and sends the calls that result from them.
    pub(super) fn run_actions(&mut self, observer: &mut dyn Observer) {
        loop {
            self.take_actions(observer);
            if !self.send_requests(observer) {
                return;
            }
        }
    }

    fn take_actions(&mut self, observer: &mut dyn Observer) {
        while let Some(action) = self.scheduler.poll_action() {
            match action {
                Action::Start(start) => self.start(start, observer),
                Action::Announce { attempt, output, .. } => {
                    if let Some(output) = self.output_at(attempt, &output)
                        && let Some(assigned) = self.attempts.get_mut(&attempt)
                    {
                        assigned.announcement.add(output);
                        self.announce(attempt);
                    }
                }
                Action::Withdraw { attempt, map, output, .. } => {
                    let task = TaskId { kind: TaskKind::Map, index: map };
                    observer.on_event(&JobEvent::OutputLost { task });
                    if let Some(assigned) = self.attempts.get_mut(&attempt) {
                        assigned.announcement.withdraw(map, output.0);
                        self.announce(attempt);
                    }
                }
                Action::Cancel { attempt, .. } => self.cancel(attempt, observer),
                Action::Ping { worker } => {
                    if let Some(index) = self.slot_of(worker) {
                        self.request(index, Request::Ping);
                    }
                }
                Action::Silent { worker } => self.handle_silent(worker, observer),
            }
        }
    }

    fn start(&mut self, start: Start, observer: &mut dyn Observer) {
        let Some(index) = self.slot_of(start.worker) else { return };
        let Start { attempt, task, is_backup, worker, .. } = start;
        observer.on_event(&JobEvent::TaskBegan {
            task,
            attempt: attempt.0,
            worker: &self.worker_slots[index].name,
            is_backup,
        });
        let assigned = AssignedAttempt {
            slot: index,
            worker,
            task,
            call: None,
            start,
            announcement: MapOutputAnnouncement::new(attempt.0),
            announcements_in_flight: 0,
            split_sent: false,
            unverified: None,
            reading: None,
        };
        self.attempts.insert(attempt, assigned);
        let parameter = self.large_parameter(task.kind);
        let Some(ready) = self.worker_slots[index].ready() else { return };
        if let Some((number, value)) = parameter
            && ready.parameters.insert(number)
        {
            ready.pending_sends.push_back(PendingSend::Parameter { number, value, offset: 0 });
        }
        ready.pending_sends.push_back(PendingSend::Begin(attempt));
        self.send_pending(index);
    }

    /// The number and value of a parameter that is too large for each task's request.
    fn large_parameter(&self, kind: TaskKind) -> Option<(u64, Arc<[u8]>)> {
        let state = self.round.as_ref()?;
        let (number, value) = match kind {
            TaskKind::Map => (state.map_parameter, &state.round.map_parameter),
            TaskKind::Reduce => (state.reduce_parameter, &state.round.reduce_parameter),
        };
        (value.len() > INLINE_PARAMETER_BYTES).then(|| (number, Arc::clone(value)))
    }

    fn parameter(&self, kind: TaskKind) -> Parameter {
        if let Some((number, _)) = self.large_parameter(kind) {
            return Parameter::Put(number);
        }
        let round = self.round.as_ref().map(|state| &state.round);
        let value = round.map(|round| match kind {
            TaskKind::Map => Arc::clone(&round.map_parameter),
            TaskKind::Reduce => Arc::clone(&round.reduce_parameter),
        });
        Parameter::Inline(value.unwrap_or_else(|| [].into()))
    }

    /// Sends what is pending for a slot, until one send has to wait for an answer.
    pub(super) fn send_pending(&mut self, index: usize) {
        while let Some(ready) = self.worker_slots[index].ready() {
            if ready.is_sending {
                return;
            }
            match ready.pending_sends.front() {
                None => return,
                Some(PendingSend::Begin(attempt)) => {
                    let attempt = *attempt;
                    ready.pending_sends.pop_front();
                    ready.requests.push(Request::Begin(attempt));
                }
                Some(_) => {
                    ready.is_sending = true;
                    return ready.requests.push(Request::PendingSend);
                }
            }
        }
    }

    pub(super) fn map_message(&self, start: &Start) -> Option<Vec<u8>> {
        let state = self.round.as_ref()?;
        let (split, fingerprint) = self.splits.get(start.task.index as usize)?;
        let call = MapCall {
            round: state.number,
            task: start.task.index,
            attempt: start.attempt.0,
            reduces: state.round.reduces,
            split: *split,
            fingerprint: *fingerprint,
            parameter: self.parameter(TaskKind::Map),
            skip: start.skip.clone(),
        };
        Some(wire::encode_map_call(&self.spec.id, &call))
    }

    pub(super) fn reduce_message(&self, start: &Start) -> Option<Vec<u8>> {
        let outputs =
            start.outputs.iter().filter_map(|output| self.output_at(start.attempt, output));
        let outputs = outputs.collect();
        let running = self.scheduler.running().filter(|(_, task, _)| task.kind == TaskKind::Map);
        let expected = running.take(MAX_EXPECTED).filter_map(|(attempt, task, worker)| {
            let output = MapOutput { map: task.index, attempt, worker, sizes: [].into() };
            self.output_at(start.attempt, &output)
        });
        let call = ReduceCall {
            round: self.round.as_ref()?.number,
            task: start.task.index,
            attempt: start.attempt.0,
            maps: self.splits.len() as u32,
            outputs,
            expected: expected.collect(),
            parameter: self.parameter(TaskKind::Reduce),
        };
        Some(wire::encode_reduce_call(&self.spec.id, &call))
    }

    /// Where a reduce attempt finds a map output.
    fn output_at(&self, attempt: AttemptId, output: &MapOutput) -> Option<MapOutputLocation> {
        let slot = &self.worker_slots[self.slot_of(output.worker)?];
        let SlotState::Ready(ready) = &slot.state else { return None };
        let partition = self.attempts.get(&attempt)?.task.index as usize;
        Some(MapOutputLocation {
            task: output.map,
            attempt: output.attempt.0,
            address: slot.address().to_owned(),
            epoch: ready.epoch,
            bytes: output.sizes.get(partition).copied().unwrap_or(0),
        })
    }

    /// Queues an announcement to a reduce attempt. Changes that come while announcements are in
    /// flight are sent together, and a small change waits for others while maps are running.
    pub(super) fn announce(&mut self, attempt: AttemptId) {
        let (completed, maps) = self.scheduler.progress(TaskKind::Map);
        let Some(assigned) = self.attempts.get(&attempt) else { return };
        let is_due = is_due(&assigned.announcement, completed == maps);
        let is_full = assigned.announcements_in_flight >= MAX_ANNOUNCEMENTS_IN_FLIGHT;
        if is_full || !is_due || assigned.reading.is_some() {
            return;
        }
        let index = assigned.slot;
        self.request(index, Request::Announce(attempt));
    }

    fn cancel(&mut self, attempt: AttemptId, observer: &mut dyn Observer) {
        let Some(assigned) = self.attempts.remove(&attempt) else { return };
        let slot = &mut self.worker_slots[assigned.slot];
        observer.on_event(&JobEvent::TaskEnded {
            task: assigned.task,
            attempt: attempt.0,
            worker: &slot.name,
            end: TaskEnd::Cancelled,
            output_bytes: 0,
        });
        if let (Some(ready), Some(call)) = (slot.ready(), assigned.call) {
            let link = ready.link;
            self.multiplexer.cancel(link, call);
            self.in_flight.remove(&(link, call));
        }
    }

    /// Removes the attempts of a lost worker. The scheduler handles them by itself.
    pub(super) fn forget_attempts_of(&mut self, index: usize, observer: &mut dyn Observer) {
        let name = self.worker_slots[index].name.clone();
        self.attempts.retain(|attempt, assigned| {
            if assigned.slot != index {
                return true;
            }
            observer.on_event(&JobEvent::TaskEnded {
                task: assigned.task,
                attempt: attempt.0,
                worker: &name,
                end: TaskEnd::Lost,
                output_bytes: 0,
            });
            false
        });
    }
}

/// Whether an announcement is sent now. `are_all`: all maps are completed.
fn is_due(announcement: &MapOutputAnnouncement, are_all: bool) -> bool {
    let MapOutputAnnouncement { outputs, lost, .. } = announcement;
    let bytes = outputs.iter().fold(0, |sum: u64, output| sum.saturating_add(output.bytes));
    let is_much = outputs.len() >= ANNOUNCE_OUTPUTS || bytes >= ANNOUNCE_BYTES;
    // A reducer should not request a lost output.
    !lost.is_empty() || is_much || (are_all && !outputs.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announcement(sizes: &[u64], lost: &[(u32, u64)]) -> MapOutputAnnouncement {
        let output = |(task, bytes): (usize, &u64)| {
            let (task, address) = (task as u32, "a:1".into());
            MapOutputLocation { task, attempt: 1, address, epoch: 1, bytes: *bytes }
        };
        let outputs = sizes.iter().enumerate().map(output).collect();
        MapOutputAnnouncement { attempt: 9, outputs, lost: lost.to_vec() }
    }

    #[test]
    fn small_outputs_are_announced_together() {
        assert!(!is_due(&announcement(&[], &[]), false));
        assert!(!is_due(&announcement(&[], &[]), true));
        assert!(!is_due(&announcement(&[100, 100], &[]), false), "more will come");
        assert!(is_due(&announcement(&[100, 100], &[]), true), "there are no more");
    }

    /// 3.1: reduces fetch while maps run.
    #[test]
    fn large_outputs_are_announced_at_once() {
        assert!(is_due(&announcement(&[ANNOUNCE_BYTES], &[]), false));
        assert!(
            is_due(&announcement(&[1; ANNOUNCE_OUTPUTS], &[]), false),
            "it is many that are small"
        );
    }

    #[test]
    fn a_lost_output_is_announced_at_once() {
        assert!(is_due(&announcement(&[], &[(3, 1)]), false));
        assert!(is_due(&announcement(&[100], &[(3, 1)]), false));
    }
}
