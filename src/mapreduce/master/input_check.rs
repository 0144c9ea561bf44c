//! Checks that all workers have read the same input.
//!
//! A map task that reads its split returns the digest of what it read. Local workers read the
//! master's own files: their first digest of a split counts as the input's digest, if the file's
//! stamp has not changed since the job began. Workers on other hosts may read another version:
//! their result counts when the master has read the split too, which a thread does in the
//! background. Every later read of the split must have the same digest.
//!
//! ```text
//!   a map is done --same digest, or nothing read--> its result counts
//!        |   \--nothing to compare with--> the result waits until the thread has digested the split
//!        +--other digest--> the job ends, or the split is sent, or another worker tries
//! ```
//!
//! If the stamp of a file changes while the job runs, the file is digested again, split by split,
//! at the end of a round in which something was read, and at the end of the job. Touching a file is
//! allowed, changing its content is not.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use super::calls::PendingSend;
use super::worker_slots::Event;
use super::{Error, Master, Observer};
use crate::mapreduce::contract::MapDone;
use crate::mapreduce::digest::Digest;
use crate::mapreduce::files::{FileStamp, digest_of};
use crate::mapreduce::scheduler::{AttemptId, Cause};
use crate::mapreduce::split::{Range, Split};
use crate::rpc::MultiplexerWaker;

/// An input file that was read completely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFile {
    /// The path as given.
    pub path: PathBuf,
    /// The length in bytes.
    pub bytes: u64,
    /// The digest of all its bytes.
    pub digest: Digest,
}

/// What the master knows about the content of the input.
pub(super) struct InputCheck {
    /// The last stamp of each file.
    stamps: Vec<FileStamp>,
    /// The digest of each split, if it is known.
    digests: Vec<Option<Digest>>,
    /// The workers read the same files as the master.
    is_shared: bool,
    /// A worker has read something since the stamps were checked.
    needs_recheck: bool,
    /// Splits that the thread has not digested yet.
    pending: BTreeSet<u32>,
    thread: Option<Sender<(u32, PathBuf, Range)>>,
}

impl InputCheck {
    pub(super) fn new(stamps: Vec<FileStamp>, splits: usize, is_shared: bool) -> InputCheck {
        InputCheck {
            stamps,
            digests: vec![None; splits],
            is_shared,
            needs_recheck: false,
            pending: BTreeSet::new(),
            thread: None,
        }
    }
}

enum Comparison {
    Same,
    Other,
    Unknown,
}

const CHECK_INTERVAL: Duration = Duration::from_millis(200);

impl Master {
    /// The input files with their digests, if all splits were read.
    pub fn input_files(&self) -> Option<Vec<InputFile>> {
        let file = |(path, bytes): &(PathBuf, u64)| InputFile {
            path: path.clone(),
            bytes: *bytes,
            digest: Digest::default(),
        };
        let mut files: Vec<InputFile> = self.inputs.files().iter().map(file).collect();
        for ((split, _), digest) in self.splits.iter().zip(&self.input_check.digests) {
            if let Some(Range { file, .. }) = split.range {
                files.get_mut(file as usize)?.digest.merge((*digest)?);
            }
        }
        Some(files)
    }

    /// Checks that no input file has changed since the job began.
    ///
    /// # Errors
    /// A file has changed, or cannot be read any more.
    pub fn check_input(&mut self, observer: &mut dyn Observer) -> Result<(), Error> {
        self.input_check.needs_recheck = true;
        loop {
            let is_settled = self.is_input_settled();
            if let Some(error) = self.failure.take() {
                return Err(error);
            }
            if is_settled {
                return Ok(());
            }
            self.turn(CHECK_INTERVAL, observer)?;
            self.take_events(observer);
        }
    }

    /// Whether everything that was read is verified.
    pub(super) fn is_input_settled(&mut self) -> bool {
        if std::mem::take(&mut self.input_check.needs_recheck) {
            (0..self.input_check.stamps.len()).for_each(|file| self.check_file(file));
        }
        self.input_check.pending.is_empty() && self.failure.is_none()
    }

    /// Digests all splits in the background, if workers on other hosts read the input.
    pub(super) fn digest_all_splits(&mut self) {
        if !self.input_check.is_shared {
            (0..self.splits.len() as u32).for_each(|split| self.request_digest(split));
        }
    }

    /// Accepts the result of a map task if its digest is the input's.
    pub(super) fn verify_map_input(
        &mut self,
        attempt: AttemptId,
        done: MapDone,
        observer: &mut dyn Observer,
    ) {
        let Some(assigned) = self.attempts.get(&attempt) else { return };
        let split = assigned.task.index;
        let comparison = match done.digest {
            None => Comparison::Same,
            Some(digest) => self.compare_digest(split, digest),
        };
        match comparison {
            Comparison::Same => self.accept_map(attempt, done, observer),
            Comparison::Other => {
                let short_id = self.path_of(split);
                let how =
                    format!("{}: its content here differs from the master's", short_id.display());
                self.reject_map(attempt, &how, observer);
            }
            Comparison::Unknown => {
                if let Some(assigned) = self.attempts.get_mut(&attempt) {
                    assigned.unverified = Some(done);
                }
            }
        }
    }

    fn compare_digest(&mut self, split: u32, digest: Digest) -> Comparison {
        let Some(file) = self.range_of(split).map(|range| range.file as usize) else {
            return Comparison::Same;
        };
        self.input_check.needs_recheck = true;
        let known =
            |master: &Master| master.input_check.digests.get(split as usize).copied().flatten();
        if known(self).is_none() && self.input_check.is_shared {
            // If the stamp has changed, the split is digested again; otherwise this digest is that
            // of the file.
            self.check_file(file);
            if !self.input_check.pending.contains(&split)
                && let Some(place) = self.input_check.digests.get_mut(split as usize)
            {
                *place = Some(digest);
            }
        }
        match known(self) {
            Some(known) if known == digest => Comparison::Same,
            Some(_) => Comparison::Other,
            None => {
                self.request_digest(split);
                Comparison::Unknown
            }
        }
    }

    /// A worker has read another input than the master's; `how` describes the difference. The job
    /// ends. Sending the split to the worker would be too late, since reduce tasks may have fetched
    /// its output already.
    pub(super) fn reject_map(
        &mut self,
        attempt: AttemptId,
        how: &str,
        observer: &mut dyn Observer,
    ) {
        let Some(assigned) = self.attempts.get(&attempt) else { return };
        let (index, split_sent, task) = (assigned.slot, assigned.split_sent, assigned.task.index);
        if self.input_check.is_shared || split_sent {
            return self.fail(Error::Changed(self.path_of(task)));
        }
        let (name, address) = (&self.worker_slots[index].name, self.worker_slots[index].address());
        let reason = format!(
            "{how} (on {name}, {address}; remove it there: with --ship the master sends splits to mappers \
             that lack the file)"
        );
        self.fail_attempt(attempt, Cause::Permanent, &reason, observer);
    }

    /// Sends the split of an attempt to its worker, and starts the attempt again.
    pub(super) fn send_split(&mut self, attempt: AttemptId) {
        let Some(assigned) = self.attempts.get_mut(&attempt) else { return };
        assigned.split_sent = true;
        assigned.call = None;
        let (index, task) = (assigned.slot, assigned.task.index);
        let Some(ready) = self.worker_slots[index].ready() else { return };
        ready.pending_sends.push_back(PendingSend::Split { task, offset: 0 });
        ready.pending_sends.push_back(PendingSend::Begin(attempt));
        self.send_pending(index);
    }

    fn range_of(&self, split: u32) -> Option<Range> {
        self.splits.get(split as usize).and_then(|(split, _): &(Split, u64)| split.range)
    }

    fn path_of(&self, split: u32) -> PathBuf {
        let range = self.range_of(split);
        let file = range.and_then(|range| self.inputs.files().get(range.file as usize));
        file.map_or_else(PathBuf::new, |(path, _)| path.clone())
    }

    /// If the stamp of a file has changed, digests its splits again.
    fn check_file(&mut self, file: usize) {
        let Some((path, bytes)) = self.inputs.files().get(file).cloned() else { return };
        match FileStamp::of(&path) {
            Err(error) => self.fail(Error::Input(path, error)),
            Ok(stamp) if self.input_check.stamps.get(file) == Some(&stamp) => {}
            Ok(stamp) if stamp.bytes() != bytes => self.fail(Error::Changed(path)),
            Ok(stamp) => {
                log::info!("{}: its timestamp changed: it is read again", path.display());
                self.input_check.stamps[file] = stamp;
                for split in 0..self.splits.len() as u32 {
                    if self.range_of(split).is_some_and(|range| range.file as usize == file) {
                        self.input_check.pending.remove(&split);
                        self.request_digest(split);
                    }
                }
            }
        }
    }

    /// Digests a split in the background.
    fn request_digest(&mut self, split: u32) {
        let Some(range) = self.range_of(split) else { return };
        if !self.input_check.pending.insert(split) {
            return;
        }
        let path = self.path_of(split);
        let thread = match self.input_check.thread.take() {
            Some(thread) => Ok(thread),
            None => spawn(self.sender.clone(), self.waker.clone()),
        };
        match thread {
            // The thread ends before the master only if it panics.
            Ok(thread) => {
                let _ = thread.send((split, path, range));
                self.input_check.thread = Some(thread);
            }
            Err(error) => self.fail(Error::Io("a thread that reads the input", error)),
        }
    }

    /// The thread has digested a split.
    pub(super) fn handle_digest(
        &mut self,
        split: u32,
        digest: io::Result<Digest>,
        observer: &mut dyn Observer,
    ) {
        let digest = match digest {
            Ok(digest) => digest,
            Err(error) => return self.fail(Error::Input(self.path_of(split), error)),
        };
        let Some(known) = self.input_check.digests.get_mut(split as usize) else { return };
        if known.is_some_and(|known| known != digest) {
            return self.fail(Error::Changed(self.path_of(split)));
        }
        *known = Some(digest);
        self.input_check.pending.remove(&split);
        let mut unverified = Vec::new();
        for (attempt, assigned) in &mut self.attempts {
            if let Some(done) = assigned.unverified.take_if(|_| assigned.task.index == split) {
                unverified.push((*attempt, done));
            }
        }
        for (attempt, done) in unverified {
            self.verify_map_input(attempt, done, observer);
        }
    }
}

/// Starts the thread that digests splits.
fn spawn(
    events: Sender<Event>,
    waker: MultiplexerWaker,
) -> io::Result<Sender<(u32, PathBuf, Range)>> {
    let (sender, splits): (_, Receiver<(u32, PathBuf, Range)>) = channel();
    let run = move || {
        for (split, path, range) in splits {
            let digest = digest_of(&path, range);
            if events.send(Event::Digested { split, digest }).is_err() {
                return;
            }
            waker.wake();
        }
    };
    thread::Builder::new().name("digesting".into()).spawn(run).map(|_| sender)
}
