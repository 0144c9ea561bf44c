//! `agora mapreduce`: any two commands as a job.

use std::path::Path;

use super::flags::Flags;
use super::job::{self, JobFlags, JobOutput, seconds, size};
use super::{Failure, output};
use crate::mapreduce::job::Counters;
use crate::mapreduce::master::{Master, Round};
use crate::mapreduce::streaming::Streaming;
use crate::text::printable;

/// Runs a job of two commands.
pub(super) fn run(arguments: &[String]) -> Result<(), Failure> {
    let flags = Flags::new(
        "agora mapreduce --mapper COMMAND --reducer COMMAND [FLAGS] FILE...",
        "Runs two commands as a MapReduce job, as Hadoop Streaming does. The mapper gets lines of the\n\
         input on stdin and prints `key TAB value` lines; the reducer gets those lines sorted by key,\n\
         and prints the result. With -r 0 the output of the mapper is the result.",
    )
    .value("mapper", "the command that maps, for a shell (required)", "COMMAND")
    .value("reducer", "the command that reduces (required unless -r 0)", "COMMAND")
    .switch("skip-bad", "skip lines on which the mapper fails repeatedly")
    .value("output", "the output file, - for stdout (default DATA/output.txt)", "FILE");
    let parsed = job::flags(flags).parse(arguments)?;
    let mut flags = job::read(&parsed)?;
    let mapper = parsed.required("mapper")?;
    let reducer = match flags.reduces {
        0 => parsed.text("reducer").unwrap_or_default(),
        _ => parsed.required("reducer")?,
    };
    let skip_bad = parsed.is_on("skip-bad");
    flags.options.policy.skip_bad_records = skip_bad;
    // Local workers serve this job alone.
    flags.options.worker_arguments.push("--allow-commands".into());
    let parameters = Streaming::parameters(&mapper, &reducer, skip_bad);
    let target = parsed.text("output");
    job::run_with_page(&parsed, &mut flags, "the commands' job", |flags| {
        run_job(flags, parameters, target.as_deref())
    })
}

fn run_job(flags: &JobFlags, parameters: Vec<u8>, target: Option<&str>) -> Result<(), Failure> {
    let mut master = Master::new(flags.options.clone(), Streaming::NAME, parameters, &flags.input)?;
    let mut job_output = JobOutput::begin(&master, flags, false)?;
    let round = Round {
        name: "Job".into(),
        map_parameter: [].into(),
        reduce_parameter: [].into(),
        reduces: flags.reduces,
    };
    let outcome = master.run_round(round, &mut job_output)?;
    let target = job::output_target(&master, target);
    output::concatenate(&outcome.outputs, Path::new(&target))
        .map_err(|error| Failure::because(&target, error))?;
    flags.watched.set_output(Path::new(&target));
    let bytes = outcome.outputs.iter().map(|output| output.len()).sum();
    let times = job_output.times;
    job_output.summary(&format!(
        "{} of input, {} map tasks, {} reduce tasks, {} of output; {} went through the shuffle\n\
         map {}, shuffle {}, reduce {}{}",
        size(master.input_bytes()),
        master.splits().count(),
        flags.reduces,
        size(bytes),
        size(outcome.fetched_bytes),
        seconds(times.map),
        seconds(times.shuffle),
        seconds(times.reduce),
        counts(&outcome.counters),
    ));
    job_output.end()
}

/// What the commands counted.
fn counts(counters: &Counters) -> String {
    let line =
        |(group, name, count)| format!("\n{}: {} = {count}", printable(group), printable(name));
    counters.iter().map(line).collect()
}
