//! Parses the outputs of reduce tasks on the master.

use super::error::DriverError;
use super::{CANDIDATE, POINTS, SQUARES};
use crate::kmeans::{Candidate, Centroids, Dyadic};
use crate::text::{parse_f64, parse_u64};

/// The result of the round that scans the points.
#[derive(Default)]
pub(super) struct ScanResult {
    /// The number of points, of skipped lines, and the sum of all squares, if the round counted
    /// them.
    pub(super) totals: Option<(u64, u64, Dyadic)>,
    /// Candidates for the first centroids.
    pub(super) candidates: Vec<Candidate>,
}

impl ScanResult {
    pub(super) fn read(outputs: &[Vec<u8>]) -> Result<ScanResult, DriverError> {
        let (mut counts, mut squares) = (None, None);
        let mut candidates = Vec::new();
        for line in lines(outputs) {
            let malformed = || malformed(line);
            let (key, value) = key_and_value(line).ok_or_else(malformed)?;
            let text = std::str::from_utf8(value).map_err(|_| malformed())?;
            match key {
                POINTS => {
                    let (points, skipped) = text.split_once(' ').ok_or_else(malformed)?;
                    let both = parse_u64(points.as_bytes()).zip(parse_u64(skipped.as_bytes()));
                    counts = Some(both.ok_or_else(malformed)?);
                }
                SQUARES => squares = Some(text.parse().map_err(|_| malformed())?),
                CANDIDATE => candidates.push(text.parse::<Candidate>()?),
                _ => return Err(malformed()),
            }
        }
        let totals = counts.zip(squares);
        let totals = totals.map(|((points, skipped), squares)| (points, skipped, squares));
        Ok(ScanResult { totals, candidates })
    }
}

/// The result of an iteration.
pub(super) struct Means {
    pub(super) centroids: Centroids,
    pub(super) sizes: Vec<u64>,
    pub(super) squared_error: Dyadic,
}

impl Means {
    /// Parses the outputs of a round in which `points` points with this sum of squares were
    /// assigned to `old`.
    pub(super) fn read(
        old: &Centroids,
        points: u64,
        squares: &Dyadic,
        outputs: &[Vec<u8>],
    ) -> Result<Means, DriverError> {
        let dims = old.dims();
        let mut coordinates = old.coordinates().to_vec();
        let mut sizes = vec![0; old.len()];
        let mut squared_error = squares.clone();
        for line in lines(outputs) {
            let malformed = || malformed(line);
            let mut fields = line.split(|byte| *byte == b'\t');
            let mut field = || fields.next().ok_or_else(malformed);
            let index = parse_u64(field()?).ok_or_else(malformed)? as usize;
            let (mean, size, error) = (field()?, field()?, field()?);
            let slot = coordinates.get_mut(index.saturating_mul(dims)..);
            let slot = slot.and_then(|rest| rest.get_mut(..dims)).ok_or_else(malformed)?;
            let mut numbers = mean.split(|byte| *byte == b',').map(parse_f64);
            for x in slot {
                *x = numbers.next().flatten().ok_or_else(malformed)?;
            }
            let size =
                parse_u64(size).filter(|_| numbers.next().is_none()).ok_or_else(malformed)?;
            let before = sizes.get_mut(index).ok_or_else(malformed)?;
            if std::mem::replace(before, size) != 0 {
                return Err(malformed());
            }
            let error = std::str::from_utf8(error).ok().and_then(|error| error.parse().ok());
            squared_error += &error.ok_or_else(malformed)?;
        }
        // Every point is in one cluster.
        let counted: u64 = sizes.iter().sum();
        if counted != points {
            return Err(DriverError::Output(format!("{counted} points of {points}")));
        }
        if squared_error.is_negative() {
            let reason = "a negative squared error: these are not the points that were counted";
            return Err(DriverError::Output(reason.into()));
        }
        Ok(Means { centroids: Centroids::new(dims, coordinates)?, sizes, squared_error })
    }

    /// Clusters without points.
    pub(super) fn empty(&self) -> Vec<usize> {
        let empty = self.sizes.iter().enumerate().filter(|(_, size)| **size == 0);
        empty.map(|(index, _)| index).collect()
    }
}

/// Parses a list of candidates.
pub(super) fn read_candidates(outputs: &[Vec<u8>]) -> Result<Vec<Candidate>, DriverError> {
    let candidate = |line| {
        let (key, value) = key_and_value(line)?;
        let text = std::str::from_utf8(value).ok().filter(|_| key == CANDIDATE)?;
        text.parse().ok()
    };
    lines(outputs).map(|line| candidate(line).ok_or_else(|| malformed(line))).collect()
}

fn lines(outputs: &[Vec<u8>]) -> impl Iterator<Item = &[u8]> {
    let lines = outputs.iter().flat_map(|output| output.split(|byte| *byte == b'\n'));
    lines.filter(|line| !line.is_empty())
}

fn key_and_value(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let tab = line.iter().position(|byte| *byte == b'\t')?;
    Some((&line[..tab], &line[tab + 1..]))
}

fn malformed(line: &[u8]) -> DriverError {
    let end = line.len().min(100);
    DriverError::Output(line[..end].escape_ascii().to_string())
}
