//! Serves partitions to reducers.
//!
//! Partitions in memory are sent at once, on the server's thread. A partition in a file is read by
//! a thread of its own, which pauses while its reducer has enough data in flight. If too many files
//! are being read, a reducer gets RESOURCE_EXHAUSTED and retries: its output is not lost.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::open_job::WaitingFetch;
use super::{Worker, locked};
use crate::call::{Code, Status};
use crate::mapreduce::contract::path;
use crate::mapreduce::files::{CommittedOutput, OpenOutput};
use crate::mapreduce::wire;
use crate::rpc::{CallHandler, Responder, Services, Shape};

/// Bytes of lines in one message.
const MESSAGE_BYTES: usize = 128 * 1024;
/// A reading thread pauses when this much is queued for its reducer.
const HIGH_WATER_BYTES: usize = 1024 * 1024;
/// The limit for all reducers together, far below the server's limit for unread answers.
const TOTAL_HIGH_WATER_BYTES: usize = 64 * 1024 * 1024;
/// Files that are read at once.
const MAX_READERS: usize = 256;

pub(super) fn register(services: &mut Services, worker: &Arc<Worker>) {
    let worker = Arc::clone(worker);
    let readers = Arc::new(Readers::default());
    services.streaming(path::FETCH, Shape::ServerStreaming, move |_, responder| {
        Ok(Box::new(Fetch {
            worker: Arc::clone(&worker),
            sender: Arc::new(Sender {
                responder,
                readers: Arc::clone(&readers),
                gate: Mutex::default(),
                changed: Condvar::new(),
            }),
        }))
    });
}

struct Fetch {
    worker: Arc<Worker>,
    sender: Arc<Sender>,
}

/// Sends a file to one reducer.
struct Sender {
    responder: Responder,
    readers: Arc<Readers>,
    /// Whether the call is over.
    gate: Mutex<bool>,
    changed: Condvar,
}

impl Fetch {
    fn begin(&self, message: &[u8]) -> Result<(), Status> {
        let (job_id, call) = wire::parse_fetch_call(message)?;
        let missing = |why: &str| Status::new(Code::NotFound, why.to_owned());
        if call.epoch != self.worker.jobs.epoch() {
            return Err(missing("the epoch belongs to an earlier process of this worker"));
        }
        let job = self.worker.jobs.with_id(&job_id)?;
        if call.waits {
            let responder = self.sender.responder.clone();
            let waiting = WaitingFetch { partition: call.partition, responder };
            if job.wait_for(call.task, call.attempt, waiting).is_none() {
                return Ok(());
            }
        }
        let output = job.map_output(call.task, call.attempt, call.partition);
        match output.ok_or_else(|| missing("this output is no longer here"))? {
            CommittedOutput::Memory(lines) => {
                send(&self.sender.responder, &lines);
                Ok(())
            }
            file => {
                let reader = self.sender.readers.acquire()?;
                let opened = file.open().map_err(|error| cannot_read(&error))?;
                self.read_out(reader, opened, file.len())
            }
        }
    }

    fn read_out(&self, reader: Reader, opened: OpenOutput, bytes: u64) -> Result<(), Status> {
        let sender = Arc::clone(&self.sender);
        let reading = thread::Builder::new().name("reading".into()).spawn(move || {
            let _reader = reader;
            sender.send_all(&opened, bytes);
        });
        let no_thread = |error: io::Error| Status::new(Code::ResourceExhausted, error.to_string());
        reading.map(drop).map_err(no_thread)
    }
}

/// EMFILE and ENFILE.
const NO_DESCRIPTOR: [i32; 2] = [24, 23];

/// The status for a file that cannot be opened or read. A lack of descriptors is temporary, and the
/// file still exists.
pub(super) fn cannot_read(error: &io::Error) -> Status {
    let is_used_up = NO_DESCRIPTOR.map(Some).contains(&error.raw_os_error());
    let code = if is_used_up { Code::ResourceExhausted } else { Code::NotFound };
    Status::new(code, error.to_string())
}

fn send(responder: &Responder, lines: &[u8]) {
    for lines in lines.chunks(MESSAGE_BYTES) {
        responder.send(wire::encode_fetched(lines));
    }
    responder.finish(Status::OK);
}

/// Answers a waiting reducer, if the partition is in memory.
pub(super) fn send_small(waiting: &WaitingFetch, partitions: &[CommittedOutput]) {
    match partitions.get(waiting.partition as usize) {
        Some(CommittedOutput::Memory(lines)) => send(&waiting.responder, lines),
        Some(CommittedOutput::File { .. }) => {
            let reason = "the output is large: fetch it when it is announced";
            waiting.responder.finish(Status::new(Code::FailedPrecondition, reason));
        }
        None => {
            let reason = "there is no such partition";
            waiting.responder.finish(Status::new(Code::NotFound, reason));
        }
    }
}

/// The number of files that are being read.
#[derive(Default)]
struct Readers(AtomicUsize);

impl Readers {
    fn acquire(self: &Arc<Self>) -> Result<Reader, Status> {
        let reader = Reader(Arc::clone(self));
        if self.0.fetch_add(1, Ordering::SeqCst) >= MAX_READERS {
            let reason = format!("{MAX_READERS} files are being read already");
            return Err(Status::new(Code::ResourceExhausted, reason));
        }
        Ok(reader)
    }

    /// The limit for each reading thread.
    fn high_water_bytes(&self) -> usize {
        let count = self.0.load(Ordering::SeqCst).max(1);
        HIGH_WATER_BYTES.min(TOTAL_HIGH_WATER_BYTES / count)
    }
}

/// A file that is being read.
struct Reader(Arc<Readers>);

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Sender {
    /// Sends a whole file.
    fn send_all(&self, opened: &OpenOutput, bytes: u64) {
        let mut offset = 0;
        while offset < bytes {
            let piece = (bytes - offset).min(MESSAGE_BYTES as u64) as usize;
            // Read directly into the message, to avoid a copy.
            let mut message = wire::encode_fetched_header(piece);
            let read = opened.append(offset, piece, &mut message);
            let missing = match read {
                Ok(read) if read == piece => None,
                Ok(_) => Some("the file has shrunk".to_owned()),
                Err(error) => Some(error.to_string()),
            };
            if let Some(why) = missing {
                return self.responder.finish(Status::new(Code::NotFound, why));
            }
            offset += piece as u64;
            if !self.wait_below_high_water() {
                return;
            }
            self.responder.send(message);
        }
        self.responder.finish(Status::OK);
    }

    /// Pauses while too much is queued. Returns whether the call is still active.
    fn wait_below_high_water(&self) -> bool {
        let mut is_over = locked(&self.gate);
        while !*is_over && self.responder.queued() >= self.readers.high_water_bytes() {
            // Notified by the reactor; the timeout covers a notification just before the wait.
            let waited = self.changed.wait_timeout(is_over, Duration::from_millis(100));
            is_over = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        !*is_over
    }
}

impl CallHandler for Fetch {
    fn message(&mut self, message: &[u8]) {
        if let Err(status) = self.begin(message) {
            self.sender.responder.finish(status);
        }
    }

    fn cancelled(&mut self, _: &Status) {
        *locked(&self.sender.gate) = true;
        self.sender.changed.notify_all();
    }

    fn writable(&mut self) {
        self.sender.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejected_reducer_may_retry() {
        let readers = Arc::new(Readers::default());
        let mut reading: Vec<Reader> =
            (0..MAX_READERS).map(|_| readers.acquire().unwrap()).collect();
        for _ in 0..3 {
            let refused = readers.acquire().err().unwrap();
            assert_eq!(refused.code, Code::ResourceExhausted, "{refused}");
        }
        reading.pop();
        let one = readers.acquire().unwrap();
        assert!(readers.acquire().is_err());
        assert!(MAX_READERS * readers.high_water_bytes() <= TOTAL_HIGH_WATER_BYTES);
        drop((reading, one));
        assert_eq!(readers.high_water_bytes(), HIGH_WATER_BYTES);
    }

    #[test]
    fn a_lack_of_descriptors_is_not_a_missing_file() {
        let code = |error: io::Error| cannot_read(&error).code;
        assert_eq!(code(io::Error::from_raw_os_error(24)), Code::ResourceExhausted);
        assert_eq!(code(io::Error::from_raw_os_error(2)), Code::NotFound);
        assert_eq!(code(io::ErrorKind::NotFound.into()), Code::NotFound);
    }
}
