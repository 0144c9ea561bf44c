//! `agora kmeans`: clusters points.

mod checkpoint;
mod page;
mod picture;
mod pipe;
mod points;
mod report;
mod sample;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::flags::{Flags, Parsed};
use super::job::{self, JobFlags, JobOutput};
use super::{Failure, output};
use crate::kmeans::Format;
use crate::kmeans::job::{Clustering, Driver, Init, KMeans, NextRound, Options};
use crate::mapreduce::files::PendingFile;
use crate::mapreduce::master::{JobEvent, Master, Observer, Round, RoundOutcome, WorkerSource};
use checkpoint::Checkpoint;
use page::ClusteringPage;
use picture::Picture;
pub(super) use pipe::{run_map, run_reduce};
use report::Report;

/// Clusters points, or labels them.
pub(super) fn run(arguments: &[String]) -> Result<(), Failure> {
    let parsed = flags().parse(arguments)?;
    let format = format(&parsed)?;
    match (parsed.text("predict"), parsed.text("centroids")) {
        (Some(file), Some(centroids)) => {
            if let Some(name) = CLUSTERING.iter().find(|name| parsed.text(name).is_some()) {
                return Err(parsed.wrong(format!("--{name} does not belong to --predict")));
            }
            if !parsed.texts("input").is_empty() || !parsed.free().is_empty() {
                return Err(parsed.wrong("--predict names the input"));
            }
            let mut flags = job::read_for(&parsed, vec![file.into()])?;
            // A subdirectory: the files of the clustering are kept.
            flags.options.data.push("Predict");
            job::run_with_page(&parsed, &mut flags, "labels", |flags| {
                predict(&parsed, flags, format, Path::new(&centroids))
            })
        }
        (None, None) => {
            let mut flags = job::read(&parsed)?;
            if flags.reduces == 0 {
                return Err(parsed.wrong("--reduces 0: clustering needs a reduce task"));
            }
            flags.options.keeps_inputs = !parsed.is_on("no-cache");
            job::run_with_page(&parsed, &mut flags, "k-means", |flags| {
                cluster(&parsed, flags, format)
            })
        }
        _ => Err(parsed.wrong("--predict and --centroids belong together")),
    }
}

/// Flags that are not allowed with --predict.
const CLUSTERING: [&str; 9] =
    ["clusters", "iterations", "tolerance", "seed", "init", "restarts", "empty", "reduces", "plot"];

fn flags() -> Flags {
    let flags = Flags::new(
        "agora kmeans --input FILE -k K [-m M] [-r R] [FLAGS]\n   or: agora kmeans --predict FILE \
         --centroids FILE [FLAGS]",
        "Clusters points by k-means on MapReduce. A point is a line of coordinates separated by commas.\n\
         Prints the centroids and writes them to DATA/centroids.txt, each point with the index of its\n\
         centroid to DATA/labels.txt, and all events to DATA/dump.txt. The result is the same to the\n\
         last bit for any number of mappers and reducers, even if some of them fail.",
    )
    .lettered_value('k', "clusters", "number of clusters (required unless --init is a file)", "K")
    .value("iterations", "maximum number of iterations (default 300)", "N")
    .value("tolerance", "converged if no centroid moves farther (default 0)", "DISTANCE")
    .value("seed", "seed of the random numbers (default 1)", "SEED")
    .value("init", "initial centroids: random (default), k-means++, or a file", "INIT")
    .value("restarts", "number of starts; the best result is kept (default 1)", "N")
    .value("empty", "centroid of a cluster without points: keep (default) or relocate", "WHAT")
    .value("delimiter", "between coordinates: , ; tab space or another (default ,)", "CHAR")
    .switch("header", "skip the first line of each file")
    .switch("skip-bad", "skip and count lines that are not points")
    .switch("no-combine", "send every point through files, shuffle and sort")
    .switch("no-cache", "read the input again in every iteration")
    .switch("no-labels", "write no labels.txt")
    .switch("resume", "continue after the last iteration of a master that ended")
    .value("predict", "label these points with --centroids", "FILE")
    .value("centroids", "the centroids for --predict", "FILE")
    .value("output", "output of --predict, - for stdout (default -)", "FILE");
    job::flags(picture::flags(flags))
}

fn format(parsed: &Parsed) -> Result<Format, Failure> {
    let mut format = format_of(parsed)?;
    format.header = parsed.is_on("header");
    format.skip_bad = parsed.is_on("skip-bad");
    Ok(format)
}

/// The format of points with `--delimiter`.
fn format_of(parsed: &Parsed) -> Result<Format, Failure> {
    let text = parsed.text("delimiter").unwrap_or_else(|| ",".into());
    let delimiter = match text.as_str() {
        "tab" | "\\t" => b'\t',
        "space" => b' ',
        "comma" => b',',
        "semicolon" => b';',
        other => match other.as_bytes() {
            [byte] => *byte,
            _ => return Err(parsed.wrong(format!("--delimiter {text:?}: expected one character"))),
        },
    };
    Format::new(delimiter).map_err(|error| parsed.wrong(format!("--delimiter {text:?}: {error}")))
}

/// Labels points.
fn predict(
    parsed: &Parsed,
    flags: &JobFlags,
    format: Format,
    centroids: &Path,
) -> Result<(), Failure> {
    let centroids = points::centroids(centroids, &format)?;
    let job = KMeans { format, dims: centroids.dims(), combines: true };
    let mut flags = flags.clone();
    // There is no reduce task.
    flags.options.reducers = WorkerSource::Local(0);
    let mut master = master(&flags, &job)?;
    let mut job_output = JobOutput::begin(&master, &flags, false)?;
    let outcome =
        run_round(&mut master, &NextRound::labels(&centroids), &mut job_output, |_| Ok(()))?;
    let target = parsed.text("output").unwrap_or_else(|| "-".into());
    output::concatenate(&outcome.outputs, Path::new(&target))
        .map_err(|error| Failure::because(&target, error))?;
    job_output.end()
}

fn master(flags: &JobFlags, job: &KMeans) -> Result<Master, Failure> {
    Ok(Master::new(flags.options.clone(), KMeans::NAME, job.parameters(), &flags.input)?)
}

/// Runs a round, and calls `report` to print the one before while the workers of this one are busy.
fn run_round(
    master: &mut Master,
    next: &NextRound,
    job_output: &mut JobOutput,
    report: impl FnOnce(&mut JobOutput) -> Result<(), Failure>,
) -> Result<RoundOutcome, Failure> {
    let round = Round {
        name: next.name.clone(),
        map_parameter: next.map.clone(),
        reduce_parameter: next.reduce.clone(),
        reduces: next.reduces,
    };
    job_output.hold();
    let mut reporter = DeferredReporter { job_output, report: Some(report), result: Ok(()) };
    let outcome = master.run_round(round, &mut reporter);
    reporter.on_idle();
    reporter.result?;
    Ok(outcome?)
}

/// Observes a round, and reports the round before when the master is idle.
struct DeferredReporter<'w, T> {
    job_output: &'w mut JobOutput,
    report: Option<T>,
    result: Result<(), Failure>,
}

impl<T: FnOnce(&mut JobOutput) -> Result<(), Failure>> Observer for DeferredReporter<'_, T> {
    fn on_event(&mut self, event: &JobEvent<'_>) {
        self.job_output.on_event(event);
    }

    fn on_idle(&mut self) {
        if let Some(report) = self.report.take() {
            self.result = report(self.job_output);
            self.job_output.release();
        }
    }
}

/// Reads the options.
fn options(parsed: &Parsed, flags: &JobFlags, format: &Format) -> Result<Options, Failure> {
    let init = match parsed.text("init").as_deref() {
        None | Some("random") => Init::Random,
        Some("k-means++" | "kmeans++") => Init::PlusPlus,
        Some(file) => Init::Given(points::centroids(Path::new(file), format)?),
    };
    let given = match &init {
        Init::Given(centroids) => Some(centroids.len() as u64),
        Init::Random | Init::PlusPlus => None,
    };
    let k = match (parsed.text("clusters"), given) {
        (None, Some(given)) => given,
        (None, None) => return Err(parsed.wrong("-k is required")),
        (Some(_), _) => parsed.number("clusters", 1, 1..=crate::kmeans::MAX_CENTROIDS as u64)?,
    };
    if let Some(given) = given.filter(|given| *given != k) {
        return Err(parsed.wrong(format!("-k {k}: --init has {given} centroids")));
    }
    let restarts = parsed.number("restarts", 1, 1..=1_000_000)?;
    if given.is_some() && restarts > 1 {
        return Err(parsed.wrong("--restarts: all would begin with the same centroids"));
    }
    let relocates = match parsed.text("empty").as_deref() {
        None | Some("keep") => false,
        Some("relocate") => true,
        Some(other) => return Err(parsed.wrong(format!("--empty {other:?}: keep or relocate"))),
    };
    let tolerance: f64 = parsed.parsed("tolerance", 0.0)?;
    if !(0.0..f64::INFINITY).contains(&tolerance) {
        return Err(parsed.wrong(format!("--tolerance {tolerance}: expected a distance")));
    }
    let options = Options {
        k: k as usize,
        dims: 0,
        iterations: parsed.number("iterations", 300, 1..=1_000_000_000)?,
        tolerance,
        seed: parsed.parsed("seed", 1)?,
        init,
        restarts,
        relocates,
        reduces: flags.reduces,
    };
    // After the flags are checked: a wrong command line does not read the input.
    let dims = points::dims(&flags.input, format)?;
    match &options.init {
        Init::Given(centroids) if centroids.dims() != dims => Err(Failure::Failed(format!(
            "agora: the centroids of --init have {} coordinates, the points {dims}",
            centroids.dims()
        ))),
        _ => Ok(Options { dims, ..options }),
    }
}

fn cluster(parsed: &Parsed, flags: &JobFlags, format: Format) -> Result<(), Failure> {
    let started = Instant::now();
    let options = options(parsed, flags, &format)?;
    let job = KMeans { format, dims: options.dims, combines: !parsed.is_on("no-combine") };
    let mut picture = Picture::from_flags(parsed, options.k, options.dims)?;
    let axes = picture::coordinates(parsed, options.dims)?;
    let (page, drawing) = ClusteringPage::new(&options, &job.format, &flags.input, axes);
    flags.watched.set_picture(|| drawing);
    let mut master = master(flags, &job)?;
    let resumes = parsed.is_on("resume");
    let mut checkpoint = Checkpoint::new(&master, &job);
    let restored = if resumes { checkpoint.restore(&options, &flags.input)? } else { None };
    let mut job_output = JobOutput::begin(&master, flags, resumes)?;
    if resumes {
        let words = if restored.is_some() { "Resumed" } else { "Nothing to resume: begun anew" };
        job_output.line(words);
    }
    let has_restarts = options.restarts > 1;
    let mut driver = restored.unwrap_or_else(|| Driver::new(options));
    let mut report = Report::new(driver.best().is_some(), has_restarts);
    let is_labelled = !parsed.is_on("no-labels");
    // The events of the last round, and its duration.
    let mut brought: Option<(Vec<_>, Duration)> = None;
    loop {
        let next = driver.next_round();
        let next = next.filter(|next| next.reduces > 0 || is_labelled || picture.is_some());
        let mut tell = |job_output: &mut JobOutput| {
            let Some((news, took)) = brought.take() else { return Ok(()) };
            report.write_events(&news, took, job_output);
            if flags.watched.is_watched() {
                page.take(&news);
            }
            if let Some(picture) = &mut picture {
                picture.take(&news, driver.best());
            }
            if checkpoint.is_due(&driver) {
                // Flush before the checkpoint: these rounds are not run again.
                job_output.write_out();
                checkpoint.save(&driver)?;
            }
            Ok(())
        };
        let Some(next) = next else {
            tell(&mut job_output)?;
            break;
        };
        let outcome = run_round(&mut master, &next, &mut job_output, tell)?;
        checkpoint.input_was_read(&master)?;
        if next.reduces == 0 {
            master.check_input(&mut job_output)?;
            if is_labelled {
                let target = master.layout().file("labels.txt");
                output::concatenate(&outcome.outputs, &target)
                    .map_err(|error| Failure::because(&target.display().to_string(), error))?;
            }
            if let (Some(picture), Some(best)) = (picture.take(), driver.best()) {
                picture.draw(best, &outcome.outputs, &flags.input)?;
            }
            break;
        }
        let news = take(&mut driver, outcome)?;
        brought = Some((news, report.round_ended()));
    }
    master.check_input(&mut job_output)?;
    let best = driver.best().ok_or_else(|| Failure::Failed("agora: there is no result".into()))?;
    let target = master.layout().file("centroids.txt");
    write_centroids(&target, best)?;
    flags.watched.set_output(&target);
    checkpoint.remove();
    let points = driver.points().unwrap_or_default();
    report.end(best, points, &master, &mut job_output, started.elapsed());
    job_output.end()?;
    print(&best.centroids.to_string())
}

fn take(
    driver: &mut Driver,
    outcome: RoundOutcome,
) -> Result<Vec<crate::kmeans::job::DriverEvent>, Failure> {
    let outputs = outcome.outputs.into_iter().map(|output| output.into_bytes());
    let outputs: Vec<Vec<u8>> = outputs
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::because("reading output", error))?;
    driver
        .take(&outputs, &outcome.counters)
        .map_err(|error| Failure::Failed(format!("agora: {error}")))
}

fn write_centroids(target: &PathBuf, best: &Clustering) -> Result<(), Failure> {
    use std::io::Write;

    let text = best.centroids.to_string();
    let written = PendingFile::create(target, std::process::id().into()).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.commit_durably()
    });
    written.map_err(|error| Failure::because(&target.display().to_string(), error))
}

fn print(text: &str) -> Result<(), Failure> {
    use std::io::Write;

    let mut stdout = std::io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::because("cannot write to stdout", error))
}
