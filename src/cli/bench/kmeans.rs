//! `agora bench kmeans`: the arithmetic of k-means alone, without processes and sockets; also writes
//! the same points for other programs, to compare with.

mod assign;
mod make;
mod peak;
mod read;
mod synthetic;

use std::fs::File;
use std::io::{self, Read, Write};
use std::time::Duration;

use crate::cli::Failure;
use crate::cli::flags::{Flags, Parsed};
use crate::kmeans::{Centroids, Format, MAX_CENTROIDS, MAX_DIMS, Points, Reader, merge, seeding};
use synthetic::Shape;

const USAGE: &str = "agora bench kmeans make|read|assign|peak [FLAGS]";
const ABOUT: &str = "\
Measures k-means without processes and sockets.

  make     writes --input, or synthetic points, and initial centroids picked from them to --save:
           points.txt and centroids.txt, and the same as little-endian f64, row by row,
           points.f64 and centroids.f64
  read     reads --mib of --input as text
  assign   clusters --input or synthetic points, and prints the time of each iteration
  peak     the limits of the machine: multiply-add operations, and memory reads

Each thread has a split.";

/// Runs the benchmark that the first argument names.
pub(super) fn run(arguments: &[String]) -> Result<(), Failure> {
    let flags = Flags::new(USAGE, ABOUT)
        .value("input", "points as text", "FILE")
        .value("points", "number of synthetic points (1000000)", "N")
        .value("dims", "coordinates of a point (2)", "D")
        .value("shape", "uniform, or clustered around centres (uniform)", "SHAPE")
        .value("clusters", "number of centroids (10)", "K")
        .value("iterations", "maximum number of iterations (20)", "N")
        .value("threads", "threads (1)", "N")
        .value("seed", "seed of points and initial centroids (1)", "N")
        .value("mib", "amount of text to read, repeating the file (300)", "MIB")
        .value("save", "an existing folder", "DIR");
    let parsed = flags.parse(arguments)?;
    match parsed.free() {
        [word] if word == "make" => make::make(&parsed),
        [word] if word == "read" => read::read(&parsed),
        [word] if word == "assign" => assign::assign(&parsed),
        [word] if word == "peak" => peak::peak(&parsed),
        _ => Err(parsed.wrong("expected make, read, assign or peak")),
    }
}

fn threads(parsed: &Parsed) -> Result<usize, Failure> {
    Ok(parsed.number("threads", 1, 1..=256)? as usize)
}

/// The points of the flags, and the initial centroids.
fn given(parsed: &Parsed) -> Result<(Points, Centroids), Failure> {
    let k = parsed.number("clusters", 10, 1..=MAX_CENTROIDS as u64)? as usize;
    let seed = parsed.parsed("seed", 1_u64)?;
    let points = points(parsed, seed, k)?;
    let picked = merge([seeding::random(&points, seed, k)], k);
    let centroids = seeding::centroids(&picked, k);
    Ok((points, centroids.map_err(|error| Failure::because("k-means", error))?))
}

fn points(parsed: &Parsed, seed: u64, k: usize) -> Result<Points, Failure> {
    if let Some(path) = parsed.text("input") {
        let bad = |error: &dyn std::fmt::Display| Failure::because(&path, error);
        let mut reader =
            Reader::new(Format::default(), None, 0, true).map_err(|error| bad(&error))?;
        reader.read(&file(&path)?).map_err(|error| bad(&error))?;
        return reader.finish().map(|(points, _)| points).map_err(|error| bad(&error));
    }
    let n = parsed.number("points", 1_000_000, 1..=1_000_000_000)? as usize;
    let dims = parsed.number("dims", 2, 1..=MAX_DIMS as u64)? as usize;
    let shape = parsed.parsed("shape", Shape::Uniform)?;
    synthetic::points(shape, n, dims, k, seed).map_err(|error| Failure::because("points", error))
}

fn file(path: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|mut file| file.read_to_end(&mut bytes));
    read.map(|_| bytes).map_err(|error| Failure::because(path, error))
}

fn print_line(line: &str) -> Result<(), Failure> {
    let written = writeln!(io::stdout(), "{line}");
    written.map_err(|error| Failure::because("stdout", error))
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
