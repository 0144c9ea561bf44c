//! Errors of points, centroids and records.

use std::fmt;

use super::{MAX_CENTROIDS, MAX_DIMS, MAX_LINE_BYTES, MAX_POINTS};

/// Why points, centroids or records are refused.
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// A number of coordinates out of range.
    Dims(usize),
    /// A number of coordinates that differs from that of the other points or the centroids.
    DimsDiffer {
        /// The number of coordinates of the others.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A number of centroids beyond the limits.
    CentroidCount(usize),
    /// More points than a split may have.
    TooManyPoints,
    /// NaN or an infinity.
    NotFinite,
    /// A byte that cannot delimit coordinates.
    Delimiter(u8),
    /// A line has something else where a number should be; the beginning of it.
    NotNumber(String),
    /// A line has nothing where a number should be.
    NoNumber,
    /// A number is followed by neither a delimiter nor the end of the line.
    NoDelimiter,
    /// A line that is too long for a point.
    LineTooLong,
    /// There are fewer different points than centroids.
    TooFewPoints {
        /// How many there are.
        distinct: usize,
        /// How many centroids.
        k: usize,
    },
    /// A partial sum of a cluster with an index out of range.
    NoSuchCluster {
        /// Its index.
        index: u32,
        /// How many clusters there are.
        k: usize,
    },
    /// Text that is not a candidate.
    NotCandidate,
    /// Text that is not a partial sum.
    NotPartial,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Dims(dims) => write!(f, "{dims} coordinates: a point has 1 to {MAX_DIMS}"),
            Error::DimsDiffer { expected, found } => {
                write!(f, "{found} coordinates instead of {expected}")
            }
            Error::CentroidCount(count) => {
                write!(f, "{count} centroids: there may be 1 to {MAX_CENTROIDS}")
            }
            Error::TooManyPoints => write!(f, "a split has more than {MAX_POINTS} points"),
            Error::NotFinite => f.write_str("a coordinate is not a finite number"),
            Error::Delimiter(byte) => {
                write!(f, "\"{}\" cannot delimit coordinates", byte.escape_ascii())
            }
            Error::NotNumber(text) => write!(f, "\"{text}\" is not a number"),
            Error::NoNumber => f.write_str("a number is missing"),
            Error::NoDelimiter => f.write_str("a delimiter is missing"),
            Error::LineTooLong => write!(f, "the line is longer than {MAX_LINE_BYTES} bytes"),
            Error::TooFewPoints { distinct, k } => {
                write!(f, "{k} centroids need {k} different points, and there are {distinct}")
            }
            Error::NoSuchCluster { index, k } => {
                write!(f, "a partial sum is of cluster {index}, and there are {k}, from 0")
            }
            Error::NotCandidate => f.write_str("not a candidate: rank, offset and coordinates"),
            Error::NotPartial => f.write_str("not a partial sum such as \"2 5p-1 -43p-7\""),
        }
    }
}

impl std::error::Error for Error {}
