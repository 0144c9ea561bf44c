//! Fetching: a partition from every mapper, several at once.
//!
//! Little is fetched by the task's own thread: it asks all mappers, then takes one answer after the
//! other. Much is fetched by some threads, each with one map at a time, while the others wait for
//! bytes. Whatever comes goes to the sorter at once, so memory is bounded by the sorter's limit and
//! the windows of the calls.
//!
//! An output that fails before its first byte was used is waited for again, from wherever the master
//! says. One that fails in the middle ends the attempt: what is sorted cannot be taken back. A mapper
//! that has no room for one more fetch (RESOURCE_EXHAUSTED) is asked again later, when others have had
//! theirs, and nothing is lost.

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

/// What a reduce task fetches with.
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
    /// Outputs that were asked for before they were announced.
    pub(super) asked: Mutex<BTreeMap<(u32, u64), ClientCall>>,
}

/// Threads that fetch much.
const THREADS: usize = 8;
/// More than this is much.
const PARALLEL_FETCH_BYTES: u64 = 4 * 1024 * 1024;
/// A thread that fetches little asks so many mappers at once.
const CONCURRENT_FETCHES: usize = 16;
/// How often a thread that waits looks whether it still should.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);
/// Lost outputs that are named; the others are found in the next attempt.
const MAX_REPORTED_LOSSES: usize = 20;

impl<'r> Shuffle<'_, 'r> {
    /// Fetches the partition of every map, those first that the task began with.
    pub(super) fn fetch_all(&self) -> Result<(), Status> {
        let result = self.fetch();
        // Threads that still fetch stop.
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
                    let bytes = outputs.iter().map(|output| output.bytes).sum::<u64>();
                    locked(&self.sorter).reserve(bytes);
                    total_bytes += bytes;
                    if total_bytes > PARALLEL_FETCH_BYTES {
                        return self.fetch_on_threads(&outputs);
                    }
                    self.fetch_sequentially(&outputs)?;
                }
            }
        }
    }

    /// Asks for outputs that are expected: their bytes are on their way when they are announced.
    pub(super) fn start_expected_fetches(&self, expected: &[MapOutputLocation]) {
        for output in expected {
            // Whoever cannot be asked now, and those behind, are asked then.
            let Ok(call) = self.start_fetch(output, true) else { return };
            locked(&self.asked).insert((output.task, output.attempt), call);
        }
    }

    /// Asks for an output, unless that was done already.
    fn asked(&self, output: &MapOutputLocation) -> Result<ClientCall, Status> {
        match locked(&self.asked).remove(&(output.task, output.attempt)) {
            Some(call) => Ok(call),
            None => self.start_fetch(output, false),
        }
    }

    /// Asks all, then takes their answers one by one.
    fn fetch_sequentially(&self, outputs: &[MapOutputLocation]) -> Result<(), Status> {
        let calls: Vec<_> = outputs.iter().map(|output| (output, self.asked(output))).collect();
        calls.into_iter().try_for_each(|(output, call)| self.take(output, call))
    }

    /// One map at a time on each of several threads, these first.
    fn fetch_on_threads(&self, first: &[MapOutputLocation]) -> Result<(), Status> {
        let first = Mutex::new(first.to_vec());
        let work = || {
            loop {
                let output = locked(&first).pop();
                if let Some(output) = output {
                    self.take(&output, self.asked(&output))?;
                    continue;
                }
                match self.tracker.next(self.maps, 1, CHECK_INTERVAL) {
                    NextFetch::Done => return Ok(()),
                    NextFetch::Lost(lost) => return Err(self.lost(&lost)),
                    NextFetch::Wait => self.check()?,
                    NextFetch::Fetch(outputs) => {
                        for output in outputs {
                            self.take(&output, self.asked(&output))?;
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
        // If the call is over already its answer says why.
        let _ = call.send_last(&wire::encode_fetch_call(&self.job.spec.id, &request));
        Ok(call)
    }

    /// Takes an output. Fails if the attempt cannot go on.
    fn take(
        &self,
        output: &MapOutputLocation,
        call: Result<ClientCall, Status>,
    ) -> Result<(), Status> {
        let mut used = 0;
        let mut result = call.and_then(|mut call| self.receive(output, &mut call, &mut used));
        let is_refused = |result: &Result<(), Status>| {
            result.as_ref().is_err_and(|status| status.code == Code::ResourceExhausted)
        };
        if used == 0 && result.is_err() && !is_refused(&result) && self.check().is_ok() {
            // It may have been asked too early, or its connection have been idle for too long.
            let again = self.start_fetch(output, false);
            result = again.and_then(|mut call| self.receive(output, &mut call, &mut used));
        }
        match result {
            Ok(()) => {
                self.tracker.fetched(output);
                Ok(())
            }
            Err(status) if status.code == Code::ResourceExhausted => {
                self.refused(output, used, &status)
            }
            Err(status) => {
                self.check()?;
                let loss = match status.code {
                    Code::NotFound => Loss::Missing,
                    // What is sorted cannot be used, whoever else has it.
                    Code::InvalidArgument | Code::FailedPrecondition => return Err(status),
                    _ => Loss::Unreachable,
                };
                if used > 0 {
                    return Err(self.lost(&[(output.task, output.attempt, loss)]));
                }
                log::info!("map {} from {}: {status}", output.task + 1, output.address);
                self.tracker.failed(output, loss);
                Ok(())
            }
        }
    }

    /// The mapper of an output has no room to send it, or no more room. The output is there. Fails if
    /// the attempt cannot go on.
    fn refused(
        &self,
        output: &MapOutputLocation,
        used: u64,
        status: &Status,
    ) -> Result<(), Status> {
        self.check()?;
        let why = format!("map {} from {}: {status}", output.task + 1, output.address);
        if used > 0 {
            return Err(Status::new(Code::Unavailable, why));
        }
        if !self.tracker.refused(output) {
            let reason = format!("{why}, for {} s", MAX_REFUSED_TIME.as_secs());
            return Err(Status::new(Code::Unavailable, reason));
        }
        log::debug!("{why}");
        Ok(())
    }

    fn receive(
        &self,
        output: &MapOutputLocation,
        call: &mut ClientCall,
        used: &mut u64,
    ) -> Result<(), Status> {
        let gone = |why: &str| Err(Status::new(Code::Unavailable, why.to_owned()));
        let mut partial_line: Vec<u8> = Vec::new();
        let mut bytes = 0;
        loop {
            match call.receive_until(Some(Instant::now() + CHECK_INTERVAL))? {
                Received::NotYet => {
                    self.check()?;
                    if !self.tracker.is_wanted(output) {
                        return gone("it is fetched from elsewhere");
                    }
                }
                Received::End if bytes != output.bytes => {
                    return gone("its length differs from the announced length");
                }
                Received::End => return self.sort(output.task, &partial_line),
                Received::Message(message) => {
                    let lines = wire::parse_fetched(&message)?;
                    bytes += lines.len() as u64;
                    self.fetched_bytes.fetch_add(lines.len() as u64, Ordering::Relaxed);
                    self.running.step();
                    *used = bytes;
                    partial_line = self.sort_piece(output.task, partial_line, lines)?;
                }
            }
        }
    }

    fn sort(&self, map: u32, lines: &[u8]) -> Result<(), Status> {
        let sorted = locked(&self.sorter).push_lines(map, lines);
        sorted.map_err(|fault| task_status::status_of(&fault))
    }

    /// Sorts the lines of a piece that ends anywhere, behind one that was begun. Gives the line that
    /// it begins itself.
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
        // Both at once, or lines of other maps could come between them.
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
