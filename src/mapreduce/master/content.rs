//! Whether all have read the same input.
//!
//! A map task that reads its split answers with its digest. Processes of our own read the master's
//! own files: their first digest of a split is the input's, if the file was not touched since the
//! job began. What others read may be another version: their task counts when the master has read
//! the split too, which a thread of its own does meanwhile. Whoever reads a split again must come to
//! the same digest.
//!
//! ```text
//!   a map is done --same digest, or it read nothing--> it counts
//!        |   \--nothing to compare with yet--> held, until the thread has digested the split
//!        +--other digest--> the job ends, or the split is sent, or another worker tries
//! ```
//!
//! A file that was touched while the job ran is digested once more, split by split, at the end of a
//! round in which something was read, and at the end of the job: to touch it is allowed, to change
//! it is not.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use super::calls::Step;
use super::seats::Event;
use super::{Error, Master, Observer};
use crate::mapreduce::contract::MapDone;
use crate::mapreduce::digest::Digest;
use crate::mapreduce::files::{Stamp, digest_of};
use crate::mapreduce::scheduler::{AttemptId, Cause};
use crate::mapreduce::split::{Range, Split};
use crate::rpc::MultiplexerWaker;

/// A file of the input, all of which was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFile {
    /// Where it is.
    pub path: PathBuf,
    /// How long it is.
    pub bytes: u64,
    /// The digest of all its bytes.
    pub digest: Digest,
}

/// What is known of the input's content.
pub(super) struct Content {
    /// Of each file, when it was looked at last.
    stamps: Vec<Stamp>,
    /// Of each split.
    digests: Vec<Option<Digest>>,
    /// Workers read the files that the master reads.
    is_shared: bool,
    /// Something was read since the files were looked at.
    is_to_be_looked_at: bool,
    /// Splits that the thread is to digest.
    asked: BTreeSet<u32>,
    thread: Option<Sender<(u32, PathBuf, Range)>>,
}

impl Content {
    pub(super) fn new(stamps: Vec<Stamp>, splits: usize, is_shared: bool) -> Content {
        Content {
            stamps,
            digests: vec![None; splits],
            is_shared,
            is_to_be_looked_at: false,
            asked: BTreeSet::new(),
            thread: None,
        }
    }
}

enum Judgement {
    Same,
    Other,
    Unknown,
}

const LOOK_INTERVAL: Duration = Duration::from_millis(200);

impl Master {
    /// The files of the input, once all of them were read.
    pub fn input_files(&self) -> Option<Vec<InputFile>> {
        let file = |(path, bytes): &(PathBuf, u64)| InputFile {
            path: path.clone(),
            bytes: *bytes,
            digest: Digest::default(),
        };
        let mut files: Vec<InputFile> = self.inputs.files().iter().map(file).collect();
        for ((split, _), digest) in self.splits.iter().zip(&self.content.digests) {
            if let Some(Range { file, .. }) = split.range {
                files.get_mut(file as usize)?.digest.merge((*digest)?);
            }
        }
        Some(files)
    }

    /// Makes sure that no file of the input was changed since the job began.
    ///
    /// # Errors
    /// One was, or cannot be read any more.
    pub fn check_input(&mut self, observer: &mut dyn Observer) -> Result<(), Error> {
        self.content.is_to_be_looked_at = true;
        loop {
            let is_settled = self.is_input_settled();
            if let Some(error) = self.failure.take() {
                return Err(error);
            }
            if is_settled {
                return Ok(());
            }
            self.turn(LOOK_INTERVAL, observer)?;
            self.take_events(observer);
        }
    }

    /// Whether all that was read is known to be the same input.
    pub(super) fn is_input_settled(&mut self) -> bool {
        if std::mem::take(&mut self.content.is_to_be_looked_at) {
            (0..self.content.stamps.len()).for_each(|file| self.look_at(file));
        }
        self.content.asked.is_empty() && self.failure.is_none()
    }

    /// Workers elsewhere are about to read the input: so is the master.
    pub(super) fn digest_for_others(&mut self) {
        if !self.content.is_shared {
            (0..self.splits.len() as u32).for_each(|split| self.ask(split));
        }
    }

    /// A map task is done: it counts if it has read what the others have.
    pub(super) fn judge_map(
        &mut self,
        attempt: AttemptId,
        done: MapDone,
        observer: &mut dyn Observer,
    ) {
        let Some(assigned) = self.attempts.get(&attempt) else { return };
        let split = assigned.task.index;
        let judgement = match done.digest {
            None => Judgement::Same,
            Some(digest) => self.judge(split, digest),
        };
        match judgement {
            Judgement::Same => self.accept_map(attempt, done, observer),
            Judgement::Other => {
                let shown = self.path_of(split);
                let how = format!("{}: its content here is not the master's", shown.display());
                self.refuse_map(attempt, &how, observer);
            }
            Judgement::Unknown => {
                if let Some(assigned) = self.attempts.get_mut(&attempt) {
                    assigned.held = Some(done);
                }
            }
        }
    }

    fn judge(&mut self, split: u32, digest: Digest) -> Judgement {
        let Some(file) = self.range_of(split).map(|range| range.file as usize) else {
            return Judgement::Same;
        };
        self.content.is_to_be_looked_at = true;
        let known = |master: &Master| master.content.digests.get(split as usize).copied().flatten();
        if known(self).is_none() && self.content.is_shared {
            // What was touched is to be digested anew; else this is what is in the file.
            self.look_at(file);
            if !self.content.asked.contains(&split)
                && let Some(place) = self.content.digests.get_mut(split as usize)
            {
                *place = Some(digest);
            }
        }
        match known(self) {
            Some(known) if known == digest => Judgement::Same,
            Some(_) => Judgement::Other,
            None => {
                self.ask(split);
                Judgement::Unknown
            }
        }
    }

    /// A worker has read something else than the master's input; how that shows. Nobody works on
    /// another input than the others: the job ends. To send the split to the worker now would be too
    /// late, since reduce tasks may have fetched what it has made already.
    pub(super) fn refuse_map(
        &mut self,
        attempt: AttemptId,
        how: &str,
        observer: &mut dyn Observer,
    ) {
        let Some(assigned) = self.attempts.get(&attempt) else { return };
        let (index, was_shipped, task) = (assigned.seat, assigned.was_shipped, assigned.task.index);
        if self.content.is_shared || was_shipped {
            return self.fail(Error::Changed(self.path_of(task)));
        }
        let (name, address) = (&self.seats[index].name, self.seats[index].address());
        let reason = format!(
            "{how} (here is {name}, {address}; remove it there: with --ship the master sends what a \
             mapper lacks)"
        );
        self.give_back(attempt, Cause::Hopeless, &reason, observer);
    }

    /// Sends the split of an attempt, and begins the attempt again.
    pub(super) fn ship(&mut self, attempt: AttemptId) {
        let Some(assigned) = self.attempts.get_mut(&attempt) else { return };
        assigned.was_shipped = true;
        assigned.call = None;
        let (index, task) = (assigned.seat, assigned.task.index);
        let Some(ready) = self.seats[index].ready() else { return };
        ready.steps.push_back(Step::Split { task, offset: 0 });
        ready.steps.push_back(Step::Begin(attempt));
        self.take_steps(index);
    }

    fn range_of(&self, split: u32) -> Option<Range> {
        self.splits.get(split as usize).and_then(|(split, _): &(Split, u64)| split.range)
    }

    fn path_of(&self, split: u32) -> PathBuf {
        let range = self.range_of(split);
        let file = range.and_then(|range| self.inputs.files().get(range.file as usize));
        file.map_or_else(PathBuf::new, |(path, _)| path.clone())
    }

    /// If a file was touched, what is known of it is compared with what it is now.
    fn look_at(&mut self, file: usize) {
        let Some((path, bytes)) = self.inputs.files().get(file).cloned() else { return };
        match Stamp::of(&path) {
            Err(error) => self.fail(Error::Input(path, error)),
            Ok(stamp) if self.content.stamps.get(file) == Some(&stamp) => {}
            Ok(stamp) if stamp.bytes() != bytes => self.fail(Error::Changed(path)),
            Ok(stamp) => {
                log::info!("{}: it was touched, and is read once more", path.display());
                self.content.stamps[file] = stamp;
                for split in 0..self.splits.len() as u32 {
                    if self.range_of(split).is_some_and(|range| range.file as usize == file) {
                        self.content.asked.remove(&split);
                        self.ask(split);
                    }
                }
            }
        }
    }

    /// Has a split digested.
    fn ask(&mut self, split: u32) {
        let Some(range) = self.range_of(split) else { return };
        if !self.content.asked.insert(split) {
            return;
        }
        let path = self.path_of(split);
        let thread = match self.content.thread.take() {
            Some(thread) => Ok(thread),
            None => spawn(self.sender.clone(), self.waker.clone()),
        };
        match thread {
            // One that is gone would have panicked.
            Ok(thread) => {
                let _ = thread.send((split, path, range));
                self.content.thread = Some(thread);
            }
            Err(error) => self.fail(Error::Io("a thread that reads the input", error)),
        }
    }

    /// A split was digested.
    pub(super) fn digested(
        &mut self,
        split: u32,
        digest: io::Result<Digest>,
        observer: &mut dyn Observer,
    ) {
        let digest = match digest {
            Ok(digest) => digest,
            Err(error) => return self.fail(Error::Input(self.path_of(split), error)),
        };
        let Some(known) = self.content.digests.get_mut(split as usize) else { return };
        if known.is_some_and(|known| known != digest) {
            return self.fail(Error::Changed(self.path_of(split)));
        }
        *known = Some(digest);
        self.content.asked.remove(&split);
        let mut held = Vec::new();
        for (attempt, assigned) in &mut self.attempts {
            if let Some(done) = assigned.held.take_if(|_| assigned.task.index == split) {
                held.push((*attempt, done));
            }
        }
        for (attempt, done) in held {
            self.judge_map(attempt, done, observer);
        }
    }
}

/// A thread that digests splits.
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
