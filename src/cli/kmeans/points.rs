//! What is read of points before workers do: how many coordinates they have, and centroids.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::Failure;
use crate::kmeans::{BadLine, Centroids, Format, Points, Reader};
use crate::mapreduce::files::{Inputs, SplitBlocks};
use crate::mapreduce::job::Blocks;
use crate::mapreduce::split;

/// How many coordinates the first point of the input has.
pub(super) fn dims(input: &[PathBuf], format: &Format) -> Result<usize, Failure> {
    let mut inputs = Inputs::look_at(input).map_err(|(path, error)| failed(&path, error))?;
    let first = input.first().cloned().unwrap_or_default();
    let failed = |error| failed(&first, error);
    let whole = split::cut(&inputs.lengths(), 1, &mut inputs).map_err(failed)?;
    let Some(whole) = whole.first() else { return Err(no_points()) };
    let fingerprint = inputs.fingerprint(whole).map_err(failed)?;
    let mut blocks = SplitBlocks::open(whole, inputs.files(), fingerprint)
        .map_err(|reason| Failure::Failed(format!("agora: {reason}")))?;
    let mut reader = Reader::new(format.clone(), None, 0, true).map_err(|_| no_points())?;
    while let Some(block) = blocks.next().map_err(failed)? {
        let mut lines = block.bytes.split_inclusive(|byte| *byte == b'\n');
        if block.starts_file && block.offset > 0 {
            reader.start_file().map_err(|bad| bad_line(&inputs, &bad))?;
        }
        while reader.points().is_empty() {
            // The first line that is a point: what is behind it is for the workers.
            let Some(line) = lines.next() else { break };
            reader.read(line).map_err(|bad| bad_line(&inputs, &bad))?;
        }
        if !reader.points().is_empty() {
            break;
        }
    }
    let (points, _) = reader.finish().map_err(|bad| bad_line(&inputs, &bad))?;
    if points.is_empty() { Err(no_points()) } else { Ok(points.dims()) }
}

fn no_points() -> Failure {
    Failure::Failed("agora: the input has no points".into())
}

fn failed(path: &Path, error: impl std::fmt::Display) -> Failure {
    Failure::Failed(format!("agora: {}: {error}", path.display()))
}

fn bad_line(inputs: &Inputs, bad: &BadLine) -> Failure {
    match inputs.place_of(bad.offset, bad.column) {
        Ok(place) => Failure::Failed(format!("agora: {place}: {}", bad.error)),
        Err(error) => Failure::Failed(format!("agora: {bad} ({error})")),
    }
}

/// Reads centroids: with commas, as we write them, or as the points are written.
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
