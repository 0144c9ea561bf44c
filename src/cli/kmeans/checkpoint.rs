//! `checkpoint.txt`: the last iteration, from which a new master continues.
//!
//! It is replaced after an iteration, at most every [`SAVE_INTERVAL`], and less often if it is
//! large, so that writing it takes a small part of the time. It is forced to disk at most once a
//! second. A lost checkpoint costs time only: a job that starts again has the same result to the
//! bit.

use std::fs;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::cli::Failure;
use crate::files;
use crate::kmeans::job::{Driver, InputFile, KMeans, Options};
use crate::mapreduce::files::PendingFile;
use crate::mapreduce::master::{self, Master};
use crate::text::crc32c;

/// The file.
pub(super) struct Checkpoint {
    path: PathBuf,
    /// The format of the points: the same input in another format is another job.
    format: String,
    /// The input, once all of it was read.
    input: Vec<InputFile>,
    /// The input of the restored job, until it is compared.
    wanted: Option<Vec<InputFile>>,
    saved_at: Option<Instant>,
    /// The duration of the last save.
    saving: Duration,
    synced_at: Instant,
}

/// The shortest time between two checkpoints.
const SAVE_INTERVAL: Duration = Duration::from_millis(20);
/// The pause between two checkpoints, as a multiple of the time of writing one.
const SAVE_SHARE: u32 = 20;
/// The shortest time between two that are forced to disk.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);

impl Checkpoint {
    pub(super) fn new(master: &Master, job: &KMeans) -> Checkpoint {
        // The format of the points alone.
        let format = format!("{:08x}", crc32c(format!("{:?}", job.format).as_bytes()));
        let (saved_at, saving, synced_at) = (None, Duration::ZERO, Instant::now());
        let path = master.layout().file("checkpoint.txt");
        let (input, wanted) = (Vec::new(), None);
        Checkpoint { path, format, input, wanted, saved_at, saving, synced_at }
    }

    fn failed(&self, why: impl std::fmt::Display) -> Failure {
        Failure::Failed(format!("agora: {}: {why}", self.path.display()))
    }

    /// The saved job; `None` if there is no checkpoint. Names and sizes of the input are compared
    /// here; [`input_was_read`](Self::input_was_read) compares the content.
    pub(super) fn restore(
        &mut self,
        options: &Options,
        input: &[PathBuf],
    ) -> Result<Option<Driver>, Failure> {
        let mut text = Vec::new();
        match files::open_to_read(&self.path).and_then(|mut file| file.read_to_end(&mut text)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(|error| self.failed(error))?,
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

    /// A round is over, so all of the input was read. Checks that it is the input of the restored
    /// job.
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

    /// Whether the job is iterating and a save is due.
    pub(super) fn is_due(&self, driver: &Driver) -> bool {
        let interval = SAVE_INTERVAL.max(SAVE_SHARE * self.saving);
        driver.is_iterating() && self.saved_at.is_none_or(|at| at.elapsed() >= interval)
    }

    /// Saves the current state of the job.
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

    /// The job is done: removes the file.
    pub(super) fn remove(&self) {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                log::warn!("{}: {error}", self.path.display());
            }
            _ => {}
        }
    }
}

/// The input files with their digests.
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
