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
use crate::cli::job::JobFlags;
use crate::kmeans::job::{Driver, KMeans, Options};
use crate::mapreduce::files::Pending;
use crate::mapreduce::master::Master;
use crate::text::crc32c;

/// The file.
pub(super) struct Checkpoint {
    path: PathBuf,
    /// What is clustered: another input, or the same one read otherwise, is another job.
    input: String,
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
    pub(super) fn new(
        master: &Master,
        flags: &JobFlags,
        job: &KMeans,
    ) -> Result<Checkpoint, Failure> {
        let mut input = String::new();
        for path in &flags.input {
            let bytes = fs::metadata(path).map(|metadata| metadata.len());
            let bytes =
                bytes.map_err(|error| Failure::because(&path.display().to_string(), error))?;
            input.push_str(&format!("{}:{bytes}\n", path.display()));
        }
        // How points are written, but not how they are sent.
        input.push_str(&format!("{:?}", job.format));
        let input = format!("{:08x}", crc32c(input.as_bytes()));
        let path = master.layout().file("checkpoint.txt");
        let (saved_at, saving) = (None, Duration::ZERO);
        Ok(Checkpoint { path, input, saved_at, saving, synced_at: Instant::now() })
    }

    fn failed(&self, why: impl std::fmt::Display) -> Failure {
        Failure::Failed(format!("agora: {}: {why}", self.path.display()))
    }

    /// The job as it was; nothing if there is no checkpoint.
    pub(super) fn restore(&self, options: &Options) -> Result<Option<Driver>, Failure> {
        let text = match fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(|error| self.failed(error))?,
        };
        let restored = Driver::restore(options.clone(), &self.input, &text);
        restored
            .map(Some)
            .map_err(|error| self.failed(format!("{error}; without --resume the job begins anew")))
    }

    /// Whether it is time to save the job, and there is something to go on from.
    pub(super) fn is_due(&self, driver: &Driver) -> bool {
        let interval = SAVE_INTERVAL.max(SAVE_SHARE * self.saving);
        driver.is_iterating() && self.saved_at.is_none_or(|at| at.elapsed() >= interval)
    }

    /// Saves the job as it is now.
    pub(super) fn save(&mut self, driver: &Driver) -> Result<(), Failure> {
        let began = Instant::now();
        let Some(text) = driver.save(&self.input) else { return Ok(()) };
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
        let mut file = Pending::create(&self.path, std::process::id().into())?;
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
