//! The state of an open job on a worker: parameters, outputs, caches and running attempts.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::active_attempts::ActiveAttempts;
use super::map_output_tracker::MapOutputTracker;
use super::prepared_files::PreparedFiles;
use super::{WorkerOptions, locked};
use crate::call::{Code, Status};
use crate::mapreduce::contract::{
    JobSpec, MAX_PARAMETER_BYTES, PUT_PARAMETERS, Parameter, Piece, Progress,
};
use crate::mapreduce::files::{CommittedOutput, JobLock, Layout};
use crate::mapreduce::job::{Cache, Job, SortMemory};
use crate::rpc::{Channel, Responder};

/// An open job.
pub(super) struct OpenJob {
    pub(super) spec: JobSpec,
    pub(super) job: Arc<dyn Job>,
    pub(super) layout: Layout,
    pub(super) opened_at: Instant,
    pub(super) opened_by: SocketAddr,
    active_attempts: Arc<ActiveAttempts>,
    parameters: Mutex<VecDeque<PutParameter>>,
    running: Mutex<BTreeMap<u64, Arc<Running>>>,
    /// Mappers: the state that each map task keeps for the next round.
    retained: Mutex<BTreeMap<u32, RetainedState>>,
    /// Mappers: the last output of each map task.
    map_outputs: Mutex<BTreeMap<u32, MapOutput>>,
    /// Mappers: fetches that wait for a running attempt.
    waiting: Mutex<BTreeMap<u64, Vec<WaitingFetch>>>,
    /// Output that the master reads: of reduce tasks, and of map tasks in rounds without reduce
    /// tasks.
    outputs: Mutex<BTreeMap<u32, (u64, CommittedOutput)>>,
    /// Reducers: the map outputs of each reduce attempt.
    trackers: Mutex<BTreeMap<u64, Arc<MapOutputTracker>>>,
    /// Files for the next round.
    pub(super) prepared_files: PreparedFiles,
    /// Reducers: memory of finished sorts, to be reused.
    sort_memory: Mutex<Vec<SortMemory>>,
    /// Reducers: connections to mappers by address.
    channels: Mutex<BTreeMap<String, Channel>>,
    _lock: JobLock,
}

/// The state that a map task keeps for the next round.
pub(super) struct RetainedState {
    pub(super) cache: Cache,
    /// The kind of its work, if it has a number, and the duration.
    pub(super) work: Option<u8>,
    pub(super) took: Duration,
}

/// A fetch that waits for a running attempt.
pub(super) struct WaitingFetch {
    pub(super) partition: u32,
    pub(super) responder: Responder,
}

/// The committed partitions of a map attempt.
#[derive(Clone)]
pub(super) struct MapOutput {
    pub(super) attempt: u64,
    pub(super) partitions: Arc<[CommittedOutput]>,
}

/// A parameter that is received in pieces.
struct PutParameter {
    number: u64,
    bytes: u64,
    value: Vec<u8>,
    /// The complete value.
    whole: Option<Arc<[u8]>>,
}

/// A running attempt.
pub(super) struct Running {
    attempt: u64,
    steps: AtomicU64,
    status: Mutex<String>,
}

/// The longest status text.
const MAX_STATUS_BYTES: usize = 500;

impl Running {
    pub(super) fn step(&self) {
        self.steps.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn set_status(&self, text: &str) {
        self.step();
        let end = text.floor_char_boundary(MAX_STATUS_BYTES);
        *locked(&self.status) = text[..end].to_owned();
    }
}

/// Keeps an attempt listed until it is dropped.
pub(super) struct AttemptGuard<'j> {
    job: &'j OpenJob,
    pub(super) running: Arc<Running>,
}

impl Drop for AttemptGuard<'_> {
    fn drop(&mut self) {
        self.job.active_attempts.change(|running| *running -= 1);
        locked(&self.job.running).remove(&self.running.attempt);
        locked(&self.job.trackers).remove(&self.running.attempt);
    }
}

/// Attempts with waiting fetches at once.
const MAX_AWAITED_ATTEMPTS: usize = 1_000;
/// Trackers at once, including those of attempts that have not begun.
const MAX_TRACKERS: usize = 1_000;

impl OpenJob {
    pub(super) fn new(
        spec: JobSpec,
        job: Arc<dyn Job>,
        layout: Layout,
        opened_by: SocketAddr,
        active_attempts: Arc<ActiveAttempts>,
        lock: JobLock,
    ) -> OpenJob {
        OpenJob {
            spec,
            job,
            layout,
            opened_at: Instant::now(),
            opened_by,
            active_attempts,
            parameters: Mutex::default(),
            running: Mutex::default(),
            retained: Mutex::default(),
            map_outputs: Mutex::default(),
            waiting: Mutex::default(),
            outputs: Mutex::default(),
            trackers: Mutex::default(),
            prepared_files: PreparedFiles::default(),
            sort_memory: Mutex::default(),
            channels: Mutex::default(),
            _lock: lock,
        }
    }

    /// Lists an attempt as running, until the returned guard is dropped.
    pub(super) fn begin_attempt(&self, attempt: u64) -> AttemptGuard<'_> {
        let (steps, status) = (AtomicU64::new(0), Mutex::default());
        let running = Arc::new(Running { attempt, steps, status });
        locked(&self.running).insert(attempt, Arc::clone(&running));
        self.active_attempts.change(|running| *running += 1);
        AttemptGuard { job: self, running }
    }

    pub(super) fn progress(&self) -> Vec<Progress> {
        let progress = |running: &Arc<Running>| Progress {
            attempt: running.attempt,
            steps: running.steps.load(Ordering::Relaxed),
            status: locked(&running.status).clone(),
        };
        locked(&self.running).values().map(progress).collect()
    }

    /// The value of a round's parameter.
    pub(super) fn parameter(&self, parameter: Parameter) -> Result<Arc<[u8]>, Status> {
        match parameter {
            Parameter::Inline(value) => Ok(value),
            Parameter::Put(number) => {
                let parameters = locked(&self.parameters);
                let put = parameters.iter().find(|put| put.number == number);
                let whole = put.and_then(|put| put.whole.clone());
                // The master sends it again for the next attempt.
                whole
                    .ok_or_else(|| Status::new(Code::Unavailable, "the parameter was not received"))
            }
        }
    }

    pub(super) fn put_parameter(&self, piece: Piece) -> Result<(), Status> {
        let invalid = |reason| Err(Status::new(Code::InvalidArgument, reason));
        let Piece { of, bytes, offset, piece } = piece;
        if bytes > MAX_PARAMETER_BYTES {
            return invalid("a parameter of more than 8 GiB");
        }
        let mut parameters = locked(&self.parameters);
        if offset == 0 {
            parameters.retain(|put| put.number != of);
            while parameters.len() >= PUT_PARAMETERS {
                parameters.pop_front();
            }
            parameters.push_back(PutParameter {
                number: of,
                bytes,
                value: Vec::new(),
                whole: None,
            });
        }
        let Some(put) = parameters.iter_mut().find(|put| put.number == of) else {
            return invalid("the pieces of a parameter must come in order");
        };
        if put.value.len() as u64 != offset || offset + piece.len() as u64 > put.bytes {
            return invalid("the pieces of a parameter must come in order");
        }
        put.value.extend_from_slice(&piece);
        if put.value.len() as u64 == put.bytes {
            put.whole = Some(std::mem::take(&mut put.value).into());
        }
        Ok(())
    }

    /// Takes the cache of a map task, so that two attempts never share it.
    pub(super) fn take_cache(&self, task: u32) -> Cache {
        locked(&self.retained).remove(&task).and_then(|retained| retained.cache)
    }

    /// The duration of a map task in the round before, if it did the same kind of work and its
    /// state is still here.
    pub(super) fn last_duration(&self, task: u32, work: u8) -> Option<Duration> {
        let retained = locked(&self.retained);
        let retained = retained.get(&task).filter(|retained| retained.work == Some(work));
        retained.map(|retained| retained.took)
    }

    /// Keeps the state of a map task for the next round.
    pub(super) fn retain(&self, task: u32, retained: RetainedState) {
        if self.spec.keeps_inputs && retained.cache.is_some() {
            locked(&self.retained).insert(task, retained);
        }
    }

    /// Registers the output of a map attempt. Waiting fetches are answered at once, before the
    /// master knows.
    pub(super) fn add_map_output(&self, task: u32, output: MapOutput) {
        let (attempt, partitions) = (output.attempt, Arc::clone(&output.partitions));
        locked(&self.map_outputs).insert(task, output);
        for waiting in self.take_waiting(attempt) {
            super::fetch::send_small(&waiting, &partitions);
        }
    }

    /// Lets a fetch wait for an attempt's output. Returns it if the output already exists.
    pub(super) fn wait_for(
        &self,
        task: u32,
        attempt: u64,
        waiting: WaitingFetch,
    ) -> Option<WaitingFetch> {
        // Both locks are held, so the output cannot be added in between.
        let outputs = locked(&self.map_outputs);
        if outputs.get(&task).is_some_and(|output| output.attempt == attempt) {
            return Some(waiting);
        }
        let mut waiters = locked(&self.waiting);
        if waiters.len() >= MAX_AWAITED_ATTEMPTS {
            // The oldest is of an attempt that never completed.
            waiters.pop_first();
        }
        let of_attempt = waiters.entry(attempt).or_default();
        of_attempt.retain(|other| !other.responder.is_over());
        of_attempt.push(waiting);
        None
    }

    pub(super) fn take_waiting(&self, attempt: u64) -> Vec<WaitingFetch> {
        locked(&self.waiting).remove(&attempt).unwrap_or_default()
    }

    /// A partition of a map attempt's output.
    pub(super) fn map_output(
        &self,
        task: u32,
        attempt: u64,
        partition: u32,
    ) -> Option<CommittedOutput> {
        let outputs = locked(&self.map_outputs);
        let output = outputs.get(&task).filter(|output| output.attempt == attempt)?;
        output.partitions.get(partition as usize).cloned()
    }

    /// Memory for a sort.
    pub(super) fn take_sort_memory(&self) -> SortMemory {
        locked(&self.sort_memory).pop().unwrap_or_default()
    }

    /// Keeps memory for the next sort.
    pub(super) fn leave_sort_memory(&self, memory: SortMemory) {
        locked(&self.sort_memory).push(memory);
    }

    /// Registers output that the master reads.
    pub(super) fn add_output(&self, task: u32, attempt: u64, output: CommittedOutput) {
        locked(&self.outputs).insert(task, (attempt, output));
    }

    pub(super) fn output(&self, attempt: u64) -> Option<CommittedOutput> {
        let outputs = locked(&self.outputs);
        let mut made = outputs.values().filter(|(by, _)| *by == attempt);
        made.next().map(|(_, output)| output.clone())
    }

    /// The tracker of a reduce attempt, which may not have begun yet.
    pub(super) fn tracker(&self, attempt: u64) -> Arc<MapOutputTracker> {
        let running = locked(&self.running);
        let mut trackers = locked(&self.trackers);
        if trackers.len() >= MAX_TRACKERS {
            // Created by announcements that arrived after the end of their attempt.
            trackers.retain(|attempt, _| running.contains_key(attempt));
        }
        Arc::clone(trackers.entry(attempt).or_default())
    }

    /// The connection to a mapper.
    pub(super) fn channel(
        &self,
        address: &str,
        options: &WorkerOptions,
    ) -> Result<Channel, Status> {
        let mut channels = locked(&self.channels);
        if let Some(channel) = channels.get(address) {
            return Ok(channel.clone());
        }
        let channel = Channel::new(address, options.channel.clone())?;
        channels.insert(address.to_owned(), channel.clone());
        Ok(channel)
    }
}
