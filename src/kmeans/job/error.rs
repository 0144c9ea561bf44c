//! What can go wrong between two rounds.

use std::fmt;

use crate::kmeans::Error;

/// Why clustering cannot go on.
#[derive(Clone, Debug, PartialEq)]
pub enum DriverError {
    /// The points do not allow it.
    Points(Error),
    /// There are no points at all.
    NoPoints,
    /// A worker's output makes no sense.
    Output(String),
}

impl fmt::Display for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DriverError::Points(error) => error.fmt(f),
            DriverError::NoPoints => f.write_str("the input has no points"),
            DriverError::Output(line) => {
                write!(f, "a reduce task wrote what it should not: {line}")
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
