//! What all commands that run a MapReduce job have in common: flags, and what people see.

mod dump;
mod screen;

use std::path::PathBuf;
use std::time::Duration;

use super::flags::{Flags, Parsed};
use super::{Failure, connect};
use crate::mapreduce::master::{
    self, JobEvent, Master, MasterOptions, Observer, Times, WorkerSource, own_program,
};
use crate::mapreduce::scheduler::Policy;
use crate::session::Protocol;
use dump::Dump;
use screen::Screen;

/// More local workers of a kind are not started: tasks beyond them wait for a free one.
const MAX_LOCAL_WORKERS: u32 = 32;
const MEBIBYTE: u64 = 1024 * 1024;

/// Adds the flags of a job.
pub(super) fn flags(flags: Flags) -> Flags {
    let flags = flags
        .values("input", "an input file; several are read one behind the other", "FILE")
        .lettered_value('m', "maps", "map tasks: so many splits, each of one file", "M")
        .lettered_value('r', "reduces", "reduce tasks (default 1)", "R")
        .value("data", "where files go (default Data)", "DIR")
        .switch("force", "overwrite what another job, or one of other input, has left there")
        .value("mappers", "mappers that listen there, instead of own processes", "ADDR,...")
        .value("reducers", "reducers that listen there, instead of own processes", "ADDR,...")
        .switch("ship", "send mappers that lack the input their splits")
        .value("sort-memory", "what a reduce task sorts in (default 256)", "MIB")
        .value("worker-timeout", "do so long without workers (default 10)", "SECONDS")
        .value("silent-after", "give a worker up that says nothing (default 5)", "SECONDS")
        .value("task-timeout", "give a task up without progress (default 600)", "SECONDS")
        .switch("no-backup", "start no second attempt of tasks that take long")
        .value("fail-probability", "own workers fail so often, for trials", "P")
        .value("task-delay", "own workers wait before each task, for trials", "SECONDS")
        .lettered_switch('v', "verbose", "show every call, as dump.txt has them")
        .lettered_switch('q', "quiet", "show errors alone");
    connect::flags(flags, Protocol::Native)
}

/// What every job is run with.
#[derive(Clone)]
pub(super) struct JobFlags {
    pub(super) options: MasterOptions,
    pub(super) input: Vec<PathBuf>,
    pub(super) reduces: u32,
    verbose: bool,
    quiet: bool,
}

/// Reads the flags. Input files are also those arguments that are no flags.
pub(super) fn read(parsed: &Parsed) -> Result<JobFlags, Failure> {
    let mut input: Vec<PathBuf> = parsed.texts("input").into_iter().map(PathBuf::from).collect();
    input.extend(parsed.free().iter().map(PathBuf::from));
    read_for(parsed, input)
}

/// As [`read`], for this input.
pub(super) fn read_for(parsed: &Parsed, mut input: Vec<PathBuf>) -> Result<JobFlags, Failure> {
    let data = PathBuf::from(parsed.text("data").unwrap_or_else(|| "Data".into()));
    if input.is_empty() {
        // Where the classic version has it.
        let usual = data.join("Input").join("points.txt");
        if !usual.is_file() {
            return Err(parsed.wrong("--input is required"));
        }
        input.push(usual);
    }
    let addresses = |name| -> Result<Option<Vec<String>>, Failure> {
        let Some(text) = parsed.text(name) else { return Ok(None) };
        let list: Vec<String> =
            text.split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        match list.is_empty() {
            true => Err(parsed.wrong(format!("--{name}: expected HOST:PORT,..."))),
            false => Ok(Some(list)),
        }
    };
    let (mappers, reducers) = (addresses("mappers")?, addresses("reducers")?);
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let default_maps = mappers.as_ref().map_or(cores, |list| list.len() as u64);
    let maps = parsed.number("maps", default_maps, 1..=10_000)? as u32;
    let reduces = parsed.number("reduces", 1, 0..=10_000)? as u32;
    let workers = |addresses: Option<Vec<String>>, tasks: u32| match addresses {
        Some(addresses) => WorkerSource::Addresses(addresses),
        None => WorkerSource::Local(tasks.min(MAX_LOCAL_WORKERS)),
    };
    let program =
        own_program().map_err(|error| Failure::because("cannot find this program", error))?;
    let options = MasterOptions {
        data,
        overwrites: parsed.is_on("force"),
        maps,
        mappers: workers(mappers, maps),
        reducers: workers(reducers, reduces),
        policy: policy(parsed)?,
        channel: connect::options(parsed, Protocol::Native)?,
        program,
        worker_arguments: worker_arguments(parsed)?,
        worker_timeout: parsed.seconds("worker-timeout", Duration::from_secs(10))?,
        ships_inputs: parsed.is_on("ship"),
        keeps_inputs: false,
        sort_memory_bytes: parsed.number("sort-memory", 256, 1..=1_000_000)? * MEBIBYTE,
    };
    let (verbose, quiet) = (parsed.is_on("verbose"), parsed.is_on("quiet"));
    Ok(JobFlags { options, input, reduces, verbose, quiet })
}

fn policy(parsed: &Parsed) -> Result<Policy, Failure> {
    let default = Policy::DEFAULT;
    let silent_after = parsed.seconds("silent-after", default.silent_after)?;
    Ok(Policy {
        silent_after,
        ping_interval: default.ping_interval.min(silent_after / 4),
        progress_timeout: Some(parsed.seconds("task-timeout", Duration::from_secs(600))?),
        backup_tasks: !parsed.is_on("no-backup"),
        ..default
    })
}

/// What our own workers are started with.
fn worker_arguments(parsed: &Parsed) -> Result<Vec<String>, Failure> {
    parsed.probability("fail-probability")?;
    parsed.seconds("task-delay", Duration::from_secs(1))?;
    let mut arguments = Vec::new();
    for name in ["fail-probability", "task-delay"] {
        if let Some(text) = parsed.text(name) {
            arguments.extend([format!("--{name}"), text]);
        }
    }
    Ok(arguments)
}

/// A job that runs, and what people see of it.
pub(super) struct JobOutput {
    dump: Dump,
    screen: Screen,
    pub(super) times: Times,
    /// What is told behind that which is not told yet.
    held: Option<Vec<String>>,
}

impl JobOutput {
    /// Begins `dump.txt`, behind what is there if `resumes`.
    pub(super) fn begin(
        master: &Master,
        flags: &JobFlags,
        resumes: bool,
    ) -> Result<JobOutput, Failure> {
        let path = master.layout().file("dump.txt");
        let dump = Dump::begin(&path, resumes)
            .map_err(|error| Failure::because(&path.display().to_string(), error))?;
        let screen = Screen::new(flags.verbose, flags.quiet);
        Ok(JobOutput { dump, screen, times: Times::default(), held: None })
    }

    /// Keeps what the master notes until [`release`](Self::release).
    pub(super) fn hold(&mut self) {
        self.held.get_or_insert_default();
    }

    /// Tells what was kept.
    pub(super) fn release(&mut self) {
        for text in self.held.take().into_iter().flatten() {
            self.write_line(&text);
        }
    }

    /// Something for `dump.txt`, and for the screen if it shows everything.
    pub(super) fn write_line(&mut self, text: &str) {
        self.dump.write_line(text);
        self.screen.write_if_verbose(text);
    }

    /// A line about a round that is over; `dump.txt` has it too.
    pub(super) fn line(&mut self, text: &str) {
        self.dump.write_line(text);
        self.screen.line(text);
    }

    /// Something that is to be heard even by those who want to hear of errors alone.
    pub(super) fn warn(&mut self, text: &str) {
        self.dump.write_line(text);
        self.screen.warn(text);
    }

    /// What is to be said at the end.
    pub(super) fn summary(&mut self, text: &str) {
        self.dump.write_line(text);
        self.screen.summary(text);
    }

    /// Writes out what is there of `dump.txt`.
    pub(super) fn write_out(&mut self) {
        self.dump.write_out();
    }

    /// Ends `dump.txt`.
    pub(super) fn end(mut self) -> Result<(), Failure> {
        self.dump.write_out();
        match self.dump.problem.take() {
            None => Ok(()),
            Some(error) => Err(Failure::because("writing dump.txt", error)),
        }
    }
}

impl Observer for JobOutput {
    fn on_event(&mut self, event: &JobEvent<'_>) {
        if let JobEvent::RoundEnded { times } = event {
            self.times += *times;
            self.dump.write_out_now_and_then();
        }
        if let Some(text) = event.to_text() {
            match &mut self.held {
                Some(held) => held.push(text),
                None => self.write_line(&text),
            }
        }
        self.screen.on_event(event);
    }
}

impl From<master::Error> for Failure {
    fn from(error: master::Error) -> Failure {
        Failure::Failed(format!("agora: {error}"))
    }
}

/// A time for people.
pub(super) fn seconds(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 1.0 { format!("{:.1} ms", seconds * 1e3) } else { format!("{seconds:.2} s") }
}

/// A size for people.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{:.1} KB", bytes as f64 / 1e3),
        10_000_000..10_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}
