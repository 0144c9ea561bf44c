//! Shared by the commands that run a MapReduce job: flags, and output on the screen, in `dump.txt` and on
//! the job's page.

mod dump;
mod page;
mod screen;

use std::path::PathBuf;
use std::time::Duration;

use super::flags::{Flags, Parsed};
use super::{Failure, connect};
use crate::mapreduce::master::{
    self, JobEvent, Master, MasterOptions, Observer, Times, WorkerSource, own_program,
};
use crate::mapreduce::scheduler::Policy;
use crate::rpc::ChannelOptions;
use crate::session::Protocol;
use dump::Dump;
use page::Watched;
pub(super) use page::run_with_page;
use screen::Screen;

/// The most local workers of a kind; other tasks wait for a free one.
const MAX_LOCAL_WORKERS: u32 = 32;
const MEBIBYTE: u64 = 1024 * 1024;

/// Adds the flags of a job.
pub(super) fn flags(flags: Flags) -> Flags {
    let flags = flags
        .values("input", "an input file; several are read in order", "FILE")
        .lettered_value('m', "maps", "number of map tasks; each reads a split of one file", "M")
        .lettered_value('r', "reduces", "number of reduce tasks (default 1)", "R")
        .value("data", "directory of the files (default Data)", "DIR")
        .switch("force", "overwrite the files of another job, or of a job with other input")
        .value(
            "mappers",
            "addresses of running mappers, instead of local worker processes",
            "ADDR,...",
        )
        .value(
            "reducers",
            "addresses of running reducers, instead of local worker processes",
            "ADDR,...",
        )
        .switch("ship", "send the splits to mappers that cannot read the input")
        .value("sort-memory", "memory of a reduce task for sorting (default 256)", "MIB")
        .value("worker-timeout", "fail after this time without a worker (default 10)", "SECONDS")
        .value(
            "silent-after",
            "a worker without a reply for this time is dead (default 5)",
            "SECONDS",
        )
        .value(
            "task-timeout",
            "cancel a task without progress after this time (default 600)",
            "SECONDS",
        )
        .switch("no-backup", "do not start backup attempts of slow tasks")
        .value(
            "fail-probability",
            "probability that a task of a local worker fails, for tests",
            "P",
        )
        .value("task-delay", "pause of local workers before each task, for tests", "SECONDS")
        .lettered_switch('v', "verbose", "show every call, as in dump.txt")
        .lettered_switch('q', "quiet", "show errors only");
    connect::flags(page::flags(flags), Protocol::Native)
}

/// The flags of every job.
#[derive(Clone)]
pub(super) struct JobFlags {
    pub(super) options: MasterOptions,
    pub(super) input: Vec<PathBuf>,
    pub(super) reduces: u32,
    /// Who sees the job.
    pub(super) watched: Watched,
    verbose: bool,
    quiet: bool,
}

/// Reads the flags. Arguments that are not flags are input files as well.
pub(super) fn read(parsed: &Parsed) -> Result<JobFlags, Failure> {
    let mut input: Vec<PathBuf> = parsed.texts("input").into_iter().map(PathBuf::from).collect();
    input.extend(parsed.free().iter().map(PathBuf::from));
    read_for(parsed, input)
}

/// As [`read`], for this input.
pub(super) fn read_for(parsed: &Parsed, mut input: Vec<PathBuf>) -> Result<JobFlags, Failure> {
    let data = PathBuf::from(parsed.text("data").unwrap_or_else(|| "Data".into()));
    if input.is_empty() {
        // The default of the course version.
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
        channel: channel(parsed)?,
        program,
        worker_arguments: worker_arguments(parsed)?,
        worker_timeout: parsed.seconds("worker-timeout", Duration::from_secs(10))?,
        ships_inputs: parsed.is_on("ship"),
        keeps_inputs: false,
        sort_memory_bytes: parsed.number("sort-memory", 256, 1..=1_000_000)? * MEBIBYTE,
    };
    let (verbose, quiet) = (parsed.is_on("verbose"), parsed.is_on("quiet"));
    Ok(JobFlags { options, input, reduces, watched: Watched::default(), verbose, quiet })
}

/// How the master calls workers. Its own worker processes listen on loopback, in cleartext.
fn channel(parsed: &Parsed) -> Result<ChannelOptions, Failure> {
    let channel = connect::options(parsed, Protocol::Native)?;
    let is_local = |name| parsed.text(name).is_none();
    match (channel.tls.is_some(), is_local("mappers"), is_local("reducers")) {
        (true, true, true) => Ok(ChannelOptions { tls: None, ..channel }),
        (true, false, true) => Err(parsed.wrong("with TLS, --mappers needs --reducers as well")),
        (true, true, false) => Err(parsed.wrong("with TLS, --reducers needs --mappers as well")),
        _ => Ok(channel),
    }
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

/// The arguments of local workers.
fn worker_arguments(parsed: &Parsed) -> Result<Vec<String>, Failure> {
    parsed.probability("fail-probability")?;
    parsed.seconds("task-delay", Duration::from_secs(1))?;
    // Local workers use what their master may use.
    let sort_memory = parsed.number("sort-memory", 256, 1..=1_000_000)?;
    let mut arguments = vec!["--max-sort-memory".into(), sort_memory.to_string()];
    arguments.extend(
        ["--max-parameters=8192", "--max-job-time=0", "--min-free-disk=0"].map(String::from),
    );
    for name in ["fail-probability", "task-delay"] {
        if let Some(text) = parsed.text(name) {
            arguments.extend([format!("--{name}"), text]);
        }
    }
    Ok(arguments)
}

/// Where the output of a job goes: the value of `--output`, else `output.txt` in the data directory.
pub(super) fn output_target(master: &Master, target: Option<&str>) -> String {
    let default = || master.layout().file("output.txt").to_string_lossy().into_owned();
    target.map_or_else(default, str::to_owned)
}

/// The output of a running job: on the screen and in `dump.txt`.
pub(super) struct JobOutput {
    dump: Dump,
    screen: Screen,
    watched: Watched,
    pub(super) times: Times,
    /// Lines that are held until the ones before them are written.
    held: Option<Vec<String>>,
}

impl JobOutput {
    /// Opens `dump.txt`; appends to it if `resumes`.
    pub(super) fn begin(
        master: &Master,
        flags: &JobFlags,
        resumes: bool,
    ) -> Result<JobOutput, Failure> {
        let path = master.layout().file("dump.txt");
        let dump = Dump::begin(&path, resumes)
            .map_err(|error| Failure::because(&path.display().to_string(), error))?;
        let screen = Screen::new(flags.verbose, flags.quiet);
        let watched = flags.watched.clone();
        watched.begin(master, &flags.input);
        Ok(JobOutput { dump, screen, watched, times: Times::default(), held: None })
    }

    /// Holds the master's events until [`release`](Self::release).
    pub(super) fn hold(&mut self) {
        self.held.get_or_insert_default();
    }

    /// Writes the held lines.
    pub(super) fn release(&mut self) {
        for text in self.held.take().into_iter().flatten() {
            self.write_line(&text);
        }
    }

    /// Writes a line to `dump.txt`, and with `--verbose` to the screen.
    pub(super) fn write_line(&mut self, text: &str) {
        self.dump.write_line(text);
        self.screen.write_if_verbose(text);
    }

    /// Writes a line about a finished round, to the screen and `dump.txt`.
    pub(super) fn line(&mut self, text: &str) {
        self.dump.write_line(text);
        self.screen.line(text);
    }

    /// Writes a warning, even with `--quiet`.
    pub(super) fn warn(&mut self, text: &str) {
        self.dump.write_line(text);
        self.screen.warn(text);
    }

    /// Writes the summary at the end.
    pub(super) fn summary(&mut self, text: &str) {
        self.dump.write_line(text);
        self.screen.summary(text);
    }

    /// Flushes `dump.txt`.
    pub(super) fn write_out(&mut self) {
        self.dump.write_out();
    }

    /// Flushes `dump.txt`, and returns its first error.
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
        if let Some(monitor) = self.watched.monitor() {
            monitor.on_event(event);
        }
        if let JobEvent::RoundEnded { times, .. } = event {
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

/// A human-readable duration.
pub(super) fn seconds(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 1.0 { format!("{:.1} ms", seconds * 1e3) } else { format!("{seconds:.2} s") }
}

/// A human-readable size.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{:.1} KB", bytes as f64 / 1e3),
        10_000_000..10_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}
