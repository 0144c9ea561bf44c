//! `agora kmeans-map` and `agora kmeans-reduce`: an iteration of k-means for other engines, which
//! pipe lines through commands (Hadoop Streaming, Spark's `RDD.pipe`).
//!
//! ```text
//! points -- kmeans-map --> index TAB partial sum     sorted or not, in any number of pieces
//!           kmeans-reduce --> index TAB partial sum  one line a key; it combines as well
//!           kmeans-reduce --step CENTROIDS --> the next centroids
//! ```
//!
//! The partial sums are exact ([`Record`]), so that the result does not depend on how an engine
//! splits and orders them.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::report::OVERFLOW;
use super::{format_of, points};
use crate::cli::Failure;
use crate::cli::flags::{Flags, Parsed};
use crate::kmeans::{BadLine, Centroids, Format, Reader, Record, Split, Step, Totals};
use crate::mapreduce::job::BlockReader;

/// The coordinates that are assigned at once; they and the sums bound the memory.
const MAX_COORDINATES: usize = 1_000_000;

/// Adds up the points of stdin by their nearest centroids.
pub(in crate::cli) fn run_map(arguments: &[String]) -> Result<(), Failure> {
    let parsed = Flags::new(
        "agora kmeans-map --centroids FILE [--delimiter CHAR] [--skip-bad] < POINTS",
        "The map side of a k-means iteration, for engines that pipe lines through commands. Reads points\n\
         and writes `INDEX TAB COUNT SUM...` for each centroid that is the nearest of some points, with\n\
         exact sums of the coordinates, and a line with the key `squares`.",
    )
    .value("centroids", "the centroids, as agora kmeans writes them (required)", "FILE")
    .value("delimiter", "between coordinates: , ; tab space or another (default ,)", "CHAR")
    .switch("skip-bad", "skip lines that are not points, and print their number on stderr")
    .parse(arguments)?;
    parsed.no_arguments()?;
    let mut format = format_of(&parsed)?;
    format.skip_bad = parsed.is_on("skip-bad");
    let centroids = points::centroids(Path::new(&parsed.required("centroids")?), &format)?;
    let mut mapping = Mapping { format, centroids, totals: Totals::default(), skipped: 0 };
    mapping.read_stdin()?;
    if mapping.skipped > 0 {
        // The syntax of a Hadoop Streaming counter; elsewhere it is a log line.
        eprintln!("reporter:counter:k-means,skipped lines,{}", mapping.skipped);
    }
    print(mapping.totals)
}

struct Mapping {
    format: Format,
    centroids: Centroids,
    totals: Totals,
    skipped: u64,
}

impl Mapping {
    fn read_stdin(&mut self) -> Result<(), Failure> {
        let mut blocks = BlockReader::new(io::stdin().lock(), 0, true);
        let mut reader = self.reader(0)?;
        // Lines of the input before the reader's, and lines of the reader.
        let (mut before, mut seen) = (0, 0);
        while blocks.advance().map_err(|error| Failure::because("stdin", error))? {
            let block = blocks.current();
            reader.read(block.bytes).map_err(|bad| bad_line(before, bad))?;
            seen += block.bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
            if reader.points().coordinates().len() >= MAX_COORDINATES {
                let next = self.reader(block.offset + block.bytes.len() as u64)?;
                self.add(std::mem::replace(&mut reader, next), before)?;
                before += std::mem::take(&mut seen);
            }
        }
        self.add(reader, before)
    }

    fn reader(&self, offset: u64) -> Result<Reader, Failure> {
        let reader =
            Reader::new(self.format.clone(), Some(self.centroids.dims()), offset, offset == 0);
        reader.map_err(|error| Failure::because("stdin", error))
    }

    /// Adds the points that were read; `lines` come before them.
    fn add(&mut self, reader: Reader, lines_before: u64) -> Result<(), Failure> {
        let (points, skipped) = reader.finish().map_err(|bad| bad_line(lines_before, bad))?;
        self.skipped += skipped;
        if points.is_empty() {
            return Ok(());
        }
        let failed = |error| Failure::because("stdin", error);
        let mut split = Split::for_one_pass(points);
        split.assign(&self.centroids).map_err(failed)?;
        self.totals.add(Record::Squares(split.squares())).map_err(failed)?;
        for cluster in 0..self.centroids.len() {
            let partial = split.partial(cluster);
            if partial.count() > 0 {
                self.totals.add(Record::Cluster(cluster as u32, partial)).map_err(failed)?;
            }
        }
        Ok(())
    }
}

fn bad_line(lines_before: u64, bad: BadLine) -> Failure {
    let line = lines_before + bad.line;
    Failure::Failed(format!("agora: stdin, line {line}, column {}: {}", bad.column, bad.error))
}

/// Merges the output of maps.
pub(in crate::cli) fn run_reduce(arguments: &[String]) -> Result<(), Failure> {
    let parsed = Flags::new(
        "agora kmeans-reduce [--step CENTROIDS] < LINES",
        "The reduce of a k-means iteration, and its combiner. Reads what kmeans-map and kmeans-reduce\n\
         write, in any order, and writes one line for each key.",
    )
    .value(
        "step",
        "these lines are all there are, of points that were assigned to these centroids: write the \
         next centroids instead, and on stderr how far they are and the squared error",
        "FILE",
    )
    .parse(arguments)?;
    parsed.no_arguments()?;
    let old = read_old(&parsed)?;
    let totals = merge_stdin()?;
    match old {
        Some(old) => step(&old, totals),
        None => print(totals),
    }
}

fn read_old(parsed: &Parsed) -> Result<Option<Centroids>, Failure> {
    let file = parsed.text("step");
    file.map(|file| points::centroids(Path::new(&file), &Format::default())).transpose()
}

fn merge_stdin() -> Result<Totals, Failure> {
    let mut totals = Totals::default();
    let mut blocks = BlockReader::new(io::stdin().lock(), 0, true);
    let mut number = 0;
    while blocks.advance().map_err(|error| Failure::because("stdin", error))? {
        for line in blocks.current().bytes.split_inclusive(|byte| *byte == b'\n') {
            number += 1;
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            let text = String::from_utf8_lossy(line);
            let added = text.parse().and_then(|record: Record| totals.add(record));
            added.map_err(|why| Failure::Failed(format!("agora: stdin, line {number}: {why}")))?;
        }
    }
    Ok(totals)
}

fn step(old: &Centroids, totals: Totals) -> Result<(), Failure> {
    let failed = |error| Failure::because("agora: these lines and centroids do not fit", error);
    let (clusters, squares) = totals.into_clusters(old.len(), old.dims()).map_err(failed)?;
    let points: u64 = clusters.iter().map(|partial| partial.count()).sum();
    if points == 0 {
        return Err(Failure::Failed("agora: there are no points".into()));
    }
    let step = Step::new(old, &clusters, &squares).map_err(failed)?;
    eprintln!(
        "points {points}  shift {:?}  error {:?}  without points {}",
        step.shift,
        step.squared_error.to_f64(),
        step.empty.len()
    );
    if !step.squared_error.to_f64().is_finite() {
        eprintln!("agora: {OVERFLOW}");
    }
    super::print(&step.centroids.to_string())
}

fn print(totals: Totals) -> Result<(), Failure> {
    let mut stdout = BufWriter::new(io::stdout().lock());
    let mut records = totals.into_records();
    records
        .try_for_each(|record| writeln!(stdout, "{record}"))
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::because("cannot write to stdout", error))
}
