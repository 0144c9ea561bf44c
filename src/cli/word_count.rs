//! `agora wordcount`: counts the words of files.

use std::path::Path;

use super::flags::Flags;
use super::job::{self, JobFlags, JobOutput, seconds, size};
use super::{Failure, output};
use crate::mapreduce::job::{KeyOrder, WordCount};
use crate::mapreduce::master::{Master, Round};

/// Counts words.
pub(super) fn run(arguments: &[String]) -> Result<(), Failure> {
    let flags = Flags::new(
        "agora wordcount [FLAGS] FILE...",
        "Counts words: runs of bytes without white space. Writes `word TAB count` lines, in the\n\
         order of the words' bytes.",
    )
    .value("output", "the output file, - for stdout (default DATA/output.txt)", "FILE");
    let parsed = job::flags(flags).parse(arguments)?;
    let mut flags = job::read(&parsed)?;
    if flags.reduces == 0 {
        return Err(parsed.wrong("--reduces 0: counting needs a reduce task"));
    }
    let target = parsed.text("output");
    job::run_with_page(&parsed, &mut flags, "word count", |flags| count(flags, target.as_deref()))
}

fn count(flags: &JobFlags, target: Option<&str>) -> Result<(), Failure> {
    let mut master = Master::new(flags.options.clone(), WordCount::NAME, Vec::new(), &flags.input)?;
    let mut job_output = JobOutput::begin(&master, flags, false)?;
    let round = Round {
        name: "Counting words".into(),
        map_parameter: [].into(),
        reduce_parameter: [].into(),
        reduces: flags.reduces,
    };
    let outcome = master.run_round(round, &mut job_output)?;
    let target = job::output_target(&master, target);
    let merged = output::merge(&outcome.outputs, KeyOrder::Bytes, Path::new(&target));
    merged.map_err(|error| Failure::because(&target, error))?;
    flags.watched.set_output(Path::new(&target));
    let counters = &outcome.counters;
    let times = job_output.times;
    job_output.summary(&format!(
        "{} words, {} different ones, in {} lines and {}\n\
         {} map tasks, {} reduce tasks; {} went through the shuffle\n\
         map {}, shuffle {}, reduce {}",
        counters.own("words"),
        counters.own("output records"),
        counters.own("lines"),
        size(master.input_bytes()),
        master.splits().count(),
        flags.reduces,
        size(outcome.fetched_bytes),
        seconds(times.map),
        seconds(times.shuffle),
        seconds(times.reduce),
    ));
    job_output.end()
}
