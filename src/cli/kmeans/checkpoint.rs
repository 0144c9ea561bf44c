//! `checkpoint.txt`: the last iteration, to go on from after the master's end.
//!
//! It is replaced after an iteration, at most every [`SAVE_INTERVAL`], and less often where it is
//! large: writing it is to take little of the time. It is on disk, whatever becomes of the machine,
//! at most a second later. What is lost is time alone: a job that begins anew has the same result to
//! the bit.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::cli::Failure;
use crate::kmeans::job::{Driver, InputFile, KMeans, Options};
use crate::mapreduce::files::PendingFile;
use crate::mapreduce::master::{self, Master};
use crate::text::crc32c;

/// The file.
pub(super) struct Checkpoint {
    path: PathBuf,
    /// How points are written: the same input read otherwise is another job.
    format: String,
    /// What is clustered, once all of it was read.
    input: Vec<InputFile>,
    /// What it must be, until that is known.
    wanted: Option<Vec<InputFile>>,
    saved_at: Option<Instant>,
    /// How long that took.
    saving: Duration,
    synced_at: Instant,
}

/// The shortest time between two checkpoints.
const SAVE_INTERVAL: Duration = Duration::from_millis(20);
/// And so many times as long as writing one took.
const SAVE_SHARE: u32 = 20;
/// The shortest time between two that are forced to disk.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);

impl Checkpoint {
    pub(super) fn new(master: &Master, job: &KMeans) -> Checkpoint {
        // How points are written, but not how they are sent.
        let format = format!("{:08x}", crc32c(format!("{:?}", job.format).as_bytes()));
        let (saved_at, saving, synced_at) = (None, Duration::ZERO, Instant::now());
        let path = master.layout().file("checkpoint.txt");
        let (input, wanted) = (Vec::new(), None);
        Checkpoint { path, format, input, wanted, saved_at, saving, synced_at }
    }

    fn failed(&self, why: impl std::fmt::Display) -> Failure {
        Failure::Failed(format!("agora: {}: {why}", self.path.display()))
    }

    /// The job as it was; nothing if there is no checkpoint. What its input was is checked as far as
    /// can be seen without reading it; [`input_was_read`](Self::input_was_read) does the rest.
    pub(super) fn restore(
        &mut self,
        options: &Options,
        input: &[PathBuf],
    ) -> Result<Option<Driver>, Failure> {
        let text = match fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(|error| self.failed(error))?,
        };
        let restored = Driver::restore(options.clone(), &self.format, &text);
        let (driver, wanted) = restored.map_err(|error| self.cannot_go_on(error))?;
        let is_same =
            |(wanted, path): (&InputFile, &PathBuf)| wanted.path == path.to_string_lossy();
        if wanted.len() != input.len() || !wanted.iter().zip(input).all(is_same) {
            return Err(self.cannot_go_on("it is of a job with other input"));
        }
        for InputFile { path, bytes, .. } in &wanted {
            let now = fs::metadata(path).map_err(|error| Failure::because(path, error))?.len();
            if now != *bytes {
                let changed = format!("{path} had {bytes} bytes then, and has {now} now");
                return Err(self.cannot_go_on(changed));
            }
        }
        self.wanted = Some(wanted);
        Ok(Some(driver))
    }

    /// A round is over, so all of the input was read. That of a job that was restored must be what it
    /// was.
    pub(super) fn input_was_read(&mut self, master: &Master) -> Result<(), Failure> {
        if !self.input.is_empty() {
            return Ok(());
        }
        self.input = input_files(master)?;
        let Some(wanted) = self.wanted.take() else { return Ok(()) };
        let other = wanted.iter().zip(&self.input).find(|(wanted, found)| wanted != found);
        match other {
            None if wanted.len() == self.input.len() => Ok(()),
            None => Err(self.cannot_go_on("it is of a job with other input")),
            Some((file, _)) => {
                Err(self.cannot_go_on(format!("{} was changed since then", file.path)))
            }
        }
    }

    fn cannot_go_on(&self, why: impl std::fmt::Display) -> Failure {
        self.failed(format!("{why}; without --resume the job begins anew"))
    }

    /// Whether it is time to save the job, and there is something to go on from.
    pub(super) fn is_due(&self, driver: &Driver) -> bool {
        let interval = SAVE_INTERVAL.max(SAVE_SHARE * self.saving);
        driver.is_iterating() && self.saved_at.is_none_or(|at| at.elapsed() >= interval)
    }

    /// Saves the job as it is now.
    pub(super) fn save(&mut self, driver: &Driver) -> Result<(), Failure> {
        let began = Instant::now();
        let Some(text) = driver.save(&self.format, &self.input) else { return Ok(()) };
        let syncs = self.synced_at.elapsed() >= SYNC_INTERVAL;
        self.write(&text, syncs).map_err(|error| self.failed(error))?;
        let now = Instant::now();
        self.saved_at = Some(now);
        self.saving = now - began;
        if syncs {
            self.synced_at = now;
        }
        Ok(())
    }

    fn write(&self, text: &[u8], syncs: bool) -> io::Result<()> {
        let mut file = PendingFile::create(&self.path, std::process::id().into())?;
        file.write_all(text)?;
        if syncs { file.commit_durably() } else { file.commit() }
    }

    /// The job is done: there is nothing to go on from.
    pub(super) fn remove(&self) {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                log::warn!("{}: {error}", self.path.display());
            }
            _ => {}
        }
    }
}

/// The input, all of which was read.
fn input_files(master: &Master) -> Result<Vec<InputFile>, Failure> {
    let files = master.input_files();
    let files = files.ok_or_else(|| Failure::Failed("agora: a split was never read".into()))?;
    let file = |file: master::InputFile| InputFile {
        path: file.path.to_string_lossy().into_owned(),
        bytes: file.bytes,
        digest: file.digest.to_string(),
    };
    Ok(files.into_iter().map(file).collect())
}
