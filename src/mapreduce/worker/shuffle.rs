//! Shuffle: a reduce task fetches its partition from every mapper.
//!
//! Small amounts are fetched by the task's own thread: it sends requests to all mappers, then
//! receives one answer after the other. Large amounts are fetched by several threads, each with one
//! map output at a time. All data goes directly to the sorter, so memory is bounded by the sorter's
//! limit and the windows of the calls.
//!
//! If a fetch fails before its first byte was used, the task waits for another output, from the
//! worker that the master announces. If it fails later, the attempt ends, because sorted records
//! cannot be removed. If a mapper has no capacity for a fetch (RESOURCE_EXHAUSTED), the fetch is
//! retried later, and no output is lost.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::map_output_tracker::{MAX_REFUSED_TIME, MapOutputTracker, NextFetch};
use super::open_job::{OpenJob, Running};
use super::{WorkerOptions, locked};
use crate::call::{Code, Status};
use crate::mapreduce::contract::{FetchCall, MapOutputLocation, path};
use crate::mapreduce::job::Sorter;
use crate::mapreduce::scheduler::Loss;
use crate::mapreduce::task_status;
use crate::mapreduce::wire;
use crate::rpc::{BlockingCall, CallOptions, ClientCall, Received};
use crate::text::find;

/// The state of a reduce task's fetches.
pub(super) struct Shuffle<'s, 'r> {
    pub(super) job: &'s OpenJob,
    pub(super) options: &'s WorkerOptions,
    pub(super) call: &'s BlockingCall,
    pub(super) running: &'s Running,
    pub(super) tracker: &'s MapOutputTracker,
    pub(super) maps: u32,
    pub(super) partition: u32,
    pub(super) sorter: Mutex<Sorter<'r>>,
    pub(super) fetched_bytes: AtomicU64,
    /// Fetches that were started before their output was announced.
    pub(super) early_fetches: Mutex<BTreeMap<(u32, u64), ClientCall>>,
}

/// Threads for large amounts.
const THREADS: usize = 8;
/// Larger amounts are fetched by several threads.
const PARALLEL_FETCH_BYTES: u64 = 4 * 1024 * 1024;
/// Requests in flight of a thread that fetches sequentially.
const CONCURRENT_FETCHES: usize = 16;
/// The interval of checks for cancellation.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);
/// The number of lost outputs in one report; others are found by the next attempt.
const MAX_REPORTED_LOSSES: usize = 20;

/// Why an output was not fetched.
enum FetchError {
    /// The mapper has not sent it, or what listens at its address.
    Mapper(Status),
    /// The reduce task cannot continue.
    Own(Status),
}

impl From<Status> for FetchError {
    fn from(status: Status) -> FetchError {
        FetchError::Mapper(status)
    }
}

impl<'r> Shuffle<'_, 'r> {
    /// Fetches the partition of every map task.
    pub(super) fn fetch_all(&self) -> Result<(), Status> {
        let result = self.fetch();
        // Stops the threads that still fetch.
        self.tracker.end();
        result
    }

    fn fetch(&self) -> Result<(), Status> {
        let mut total_bytes = 0;
        loop {
            match self.tracker.next(self.maps, CONCURRENT_FETCHES, CHECK_INTERVAL) {
                NextFetch::Done => return Ok(()),
                NextFetch::Lost(lost) => return Err(self.lost(&lost)),
                NextFetch::Wait => self.check()?,
                NextFetch::Fetch(outputs) => {
                    let sum =
                        |sum: u64, output: &MapOutputLocation| sum.saturating_add(output.bytes);
                    let bytes = outputs.iter().fold(0, sum);
                    locked(&self.sorter).reserve(bytes);
                    total_bytes = bytes.saturating_add(total_bytes);
                    if total_bytes > PARALLEL_FETCH_BYTES {
                        return self.fetch_on_threads(&outputs);
                    }
                    self.fetch_sequentially(&outputs)?;
                }
            }
        }
    }

    /// Starts fetches of outputs that are expected soon: their mappers answer when the outputs are
    /// complete.
    pub(super) fn start_expected_fetches(&self, expected: &[MapOutputLocation]) {
        for output in expected {
            // Outputs that cannot be requested now are requested when they are announced.
            let Ok(call) = self.start_fetch(output, true) else { return };
            locked(&self.early_fetches).insert((output.task, output.attempt), call);
        }
    }

    /// The fetch of an output, which may already be started.
    fn fetch_of(&self, output: &MapOutputLocation) -> Result<ClientCall, Status> {
        match locked(&self.early_fetches).remove(&(output.task, output.attempt)) {
            Some(call) => Ok(call),
            None => self.start_fetch(output, false),
        }
    }

    /// Starts all fetches, then receives them one after the other.
    fn fetch_sequentially(&self, outputs: &[MapOutputLocation]) -> Result<(), Status> {
        let calls: Vec<_> = outputs.iter().map(|output| (output, self.fetch_of(output))).collect();
        calls.into_iter().try_for_each(|(output, call)| self.receive_output(output, call))
    }

    /// Fetches on several threads, one output at a time each; `first` are the first ones.
    fn fetch_on_threads(&self, first: &[MapOutputLocation]) -> Result<(), Status> {
        let first = Mutex::new(first.to_vec());
        let work = || {
            loop {
                let output = locked(&first).pop();
                if let Some(output) = output {
                    self.receive_output(&output, self.fetch_of(&output))?;
                    continue;
                }
                match self.tracker.next(self.maps, 1, CHECK_INTERVAL) {
                    NextFetch::Done => return Ok(()),
                    NextFetch::Lost(lost) => return Err(self.lost(&lost)),
                    NextFetch::Wait => self.check()?,
                    NextFetch::Fetch(outputs) => {
                        for output in outputs {
                            self.receive_output(&output, self.fetch_of(&output))?;
                        }
                    }
                }
            }
        };
        thread::scope(|scope| {
            let threads = THREADS.min(self.maps as usize);
            let work = || {
                let result: Result<(), Status> = work();
                if result.is_err() {
                    self.tracker.end();
                }
                result
            };
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
            let mut result = work();
            for other in others {
                let other = other.join().unwrap_or_else(|_| {
                    Err(Status::new(Code::Internal, "a thread that fetched panicked"))
                });
                result = result.and(other);
            }
            result
        })
    }

    fn check(&self) -> Result<(), Status> {
        self.job.check_open()?;
        self.call.sleep(Duration::ZERO)
    }

    fn start_fetch(&self, output: &MapOutputLocation, waits: bool) -> Result<ClientCall, Status> {
        let channel = self.job.channel(&output.address, self.options)?;
        let options = CallOptions { timeout: None, ..CallOptions::default() };
        let mut call = channel.start(path::FETCH, &options)?;
        let request = FetchCall {
            epoch: output.epoch,
            task: output.task,
            attempt: output.attempt,
            partition: self.partition,
            waits,
        };
        // If the call has ended, its answer says why.
        let _ = call.send_last(&wire::encode_fetch_call(&self.job.spec.id, &request));
        Ok(call)
    }

    /// Receives an output. Fails if the attempt cannot continue.
    fn receive_output(
        &self,
        output: &MapOutputLocation,
        call: Result<ClientCall, Status>,
    ) -> Result<(), Status> {
        let mut used = 0;
        let call = call.map_err(FetchError::from);
        let mut result = call.and_then(|mut call| self.receive(output, &mut call, &mut used));
        let may_succeed = |result: &Result<(), FetchError>| matches!(result, Err(FetchError::Mapper(status)) if status.code != Code::ResourceExhausted);
        if used == 0 && may_succeed(&result) && self.check().is_ok() {
            // It may have been requested too early, or its connection may have been idle for too
            // long.
            let again = self.start_fetch(output, false);
            let again = again.map_err(FetchError::from);
            result = again.and_then(|mut call| self.receive(output, &mut call, &mut used));
        }
        match result {
            Ok(()) => {
                self.tracker.fetched(output);
                Ok(())
            }
            // The sorted records are invalid, wherever they came from, or the disk is full.
            Err(FetchError::Own(status)) => Err(status),
            Err(FetchError::Mapper(status)) if status.code == Code::ResourceExhausted => {
                self.refused(output, used, &status)
            }
            Err(FetchError::Mapper(status)) => {
                self.check()?;
                let loss = match status.code {
                    Code::NotFound => Loss::Missing,
                    _ => Loss::Unreachable,
                };
                if used > 0 {
                    return Err(self.lost(&[(output.task, output.attempt, loss)]));
                }
                let map = u64::from(output.task) + 1;
                log::info!("map {map} from {}: {status}", output.address);
                self.tracker.failed(output, loss);
                Ok(())
            }
        }
    }

    /// The mapper has no capacity to send an output, or stopped sending it. The output is not lost.
    /// Fails if the attempt cannot continue.
    fn refused(
        &self,
        output: &MapOutputLocation,
        used: u64,
        status: &Status,
    ) -> Result<(), Status> {
        self.check()?;
        let map = format!("map {} from {}", u64::from(output.task) + 1, output.address);
        log::debug!("{map}: {status}");
        // Not the mapper's words: the master may not be allowed to ask what listens there.
        if used > 0 {
            let reason = format!("{map}: the mapper had no capacity to send all of it");
            return Err(Status::new(Code::Unavailable, reason));
        }
        if !self.tracker.refused(output) {
            let seconds = MAX_REFUSED_TIME.as_secs();
            let reason = format!("{map}: the mapper had no capacity for {seconds} s");
            return Err(Status::new(Code::Unavailable, reason));
        }
        Ok(())
    }

    fn receive(
        &self,
        output: &MapOutputLocation,
        call: &mut ClientCall,
        used: &mut u64,
    ) -> Result<(), FetchError> {
        let gone =
            |why: &str| Err(FetchError::Mapper(Status::new(Code::Unavailable, why.to_owned())));
        let mut partial_line: Vec<u8> = Vec::new();
        let mut bytes = 0;
        loop {
            match call.receive_until(Some(Instant::now() + CHECK_INTERVAL))? {
                Received::NotYet => {
                    self.check().map_err(FetchError::Own)?;
                    if !self.tracker.is_wanted(output) {
                        return gone("it is fetched from elsewhere");
                    }
                }
                Received::End if bytes != output.bytes => {
                    return gone("its length differs from the announced length");
                }
                Received::End => {
                    return self.sort(output.task, &partial_line).map_err(FetchError::Own);
                }
                Received::Message(message) => {
                    let lines = wire::parse_fetched(&message)?;
                    bytes += lines.len() as u64;
                    self.fetched_bytes.fetch_add(lines.len() as u64, Ordering::Relaxed);
                    self.running.step();
                    *used = bytes;
                    let sorted = self.sort_piece(output.task, partial_line, lines);
                    partial_line = sorted.map_err(FetchError::Own)?;
                }
            }
        }
    }

    fn sort(&self, map: u32, lines: &[u8]) -> Result<(), Status> {
        let sorted = locked(&self.sorter).push_lines(map, lines);
        sorted.map_err(|fault| task_status::status_of(&fault))
    }

    /// Sorts the lines of a received piece, whose first line may have begun in the piece before.
    /// Returns the incomplete last line.
    fn sort_piece(
        &self,
        map: u32,
        mut partial_line: Vec<u8>,
        piece: &[u8],
    ) -> Result<Vec<u8>, Status> {
        let first =
            if partial_line.is_empty() { Some(0) } else { find(b'\n', piece).map(|end| end + 1) };
        let Some(first) = first else {
            partial_line.extend_from_slice(piece);
            return Ok(partial_line);
        };
        let (rest_of_begun, piece) = piece.split_at(first);
        partial_line.extend_from_slice(rest_of_begun);
        let whole = piece.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let (lines, begins) = piece.split_at(whole);
        // Under one lock, so that lines of other maps do not come between them.
        let mut sorter = locked(&self.sorter);
        let sorted =
            sorter.push_lines(map, &partial_line).and_then(|()| sorter.push_lines(map, lines));
        sorted.map_err(|fault| task_status::status_of(&fault))?;
        partial_line.clear();
        partial_line.extend_from_slice(begins);
        Ok(partial_line)
    }

    fn lost(&self, lost: &[(u32, u64, Loss)]) -> Status {
        let lost = &lost[..lost.len().min(MAX_REPORTED_LOSSES)];
        let task = lost.first().map_or(0, |(task, ..)| u64::from(*task) + 1);
        task_status::lost_status(format!("the output of map {task} could not be fetched"), lost)
    }
}
