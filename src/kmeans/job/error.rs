//! Errors between two rounds.

use std::fmt;

use crate::kmeans::Error;

/// Why a clustering fails.
#[derive(Clone, Debug, PartialEq)]
pub enum DriverError {
    /// The points or centroids are not valid for this clustering.
    Points(Error),
    /// There are no points at all.
    NoPoints,
    /// The output of a task is malformed.
    Output(String),
}

impl fmt::Display for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DriverError::Points(error) => error.fmt(f),
            DriverError::NoPoints => f.write_str("the input has no points"),
            DriverError::Output(line) => {
                write!(f, "unexpected output of a reduce task: {line}")
            }
        }
    }
}

impl std::error::Error for DriverError {}

impl From<Error> for DriverError {
    fn from(error: Error) -> DriverError {
        DriverError::Points(error)
    }
}
