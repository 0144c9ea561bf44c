//! Reads the number of coordinates of the points, and centroids.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::Failure;
use crate::kmeans::{BadLine, Centroids, Format, Points, Reader};
use crate::mapreduce::files::{Inputs, SplitBlocks, SplitDigest};
use crate::mapreduce::job::Blocks;
use crate::mapreduce::split::{self, Split};

/// The number of coordinates of the first point of the input.
pub(super) fn dims(input: &[PathBuf], format: &Format) -> Result<usize, Failure> {
    let looked = Inputs::open_all(input).map_err(|(path, error)| failed(&path, error))?;
    let (mut inputs, _) = looked;
    // One for each file that has bytes.
    let files = split::cut(&inputs.lengths(), 1, &mut inputs);
    for file in files.map_err(|error| Failure::because("agora: cutting the input", error))? {
        if let Some(dims) = dims_of(&file, &mut inputs, format)? {
            return Ok(dims);
        }
    }
    Err(no_points())
}

/// The number of coordinates of the first point of a file, if there is one.
fn dims_of(file: &Split, inputs: &mut Inputs, format: &Format) -> Result<Option<usize>, Failure> {
    let unreadable = |error| Failure::because("agora: reading the input", error);
    let fingerprint = inputs.fingerprint(file).map_err(unreadable)?;
    let mut blocks = SplitBlocks::open(file, inputs.files(), fingerprint, SplitDigest::default())
        .map_err(|reason| Failure::Failed(format!("agora: {reason}")))?;
    let mut reader =
        Reader::new(format.clone(), None, file.offset, true).map_err(|_| no_points())?;
    while let Some(block) = blocks.next().map_err(unreadable)? {
        let mut lines = block.bytes.split_inclusive(|byte| *byte == b'\n');
        while reader.points().is_empty() {
            // Only the first point is read here; workers read the rest.
            let Some(line) = lines.next() else { break };
            reader.read(line).map_err(|bad| bad_line(inputs, &bad))?;
        }
        if !reader.points().is_empty() {
            break;
        }
    }
    let (points, _) = reader.finish().map_err(|bad| bad_line(inputs, &bad))?;
    Ok((!points.is_empty()).then(|| points.dims()))
}

fn no_points() -> Failure {
    Failure::Failed("agora: the input has no points".into())
}

fn failed(path: &Path, error: impl std::fmt::Display) -> Failure {
    Failure::Failed(format!("agora: {}: {error}", path.display()))
}

fn bad_line(inputs: &Inputs, bad: &BadLine) -> Failure {
    match inputs.describe_position(bad.offset, bad.column) {
        Ok(place) => Failure::Failed(format!("agora: {place}: {}", bad.error)),
        Err(error) => Failure::Failed(format!("agora: {bad} ({error})")),
    }
}

/// Reads centroids: with commas, as `centroids.txt` has them, or in the points' format.
pub(super) fn centroids(path: &Path, format: &Format) -> Result<Centroids, Failure> {
    let text = fs::read(path).map_err(|error| failed(path, error))?;
    let mut plain = format.clone();
    (plain.skip_bad, plain.header) = (false, false);
    let points = match read(Format::default(), &text) {
        Ok(points) => points,
        Err(_) => read(plain, &text).map_err(|bad| {
            failed(path, format!("line {}, column {}: {}", bad.line, bad.column, bad.error))
        })?,
    };
    let coordinates = points.coordinates().to_vec();
    Centroids::new(points.dims(), coordinates).map_err(|error| failed(path, error))
}

fn read(format: Format, text: &[u8]) -> Result<Points, BadLine> {
    let refused = |error| BadLine { offset: 0, line: 1, column: 1, error };
    let mut reader = Reader::new(format, None, 0, true).map_err(refused)?;
    reader.read(text)?;
    reader.finish().map(|(points, _)| points)
}
