//! The parameters of a round, as bytes for its tasks.
//!
//! ```text
//!   map     01 | u64 seed | u32 count | u8 counts                    scan
//!           02 | u64 seed | u64 round | centroids                   race
//!           03 | centroids before, or none | centroids              iteration
//!           04 | u32 count | centroids                              farthest
//!           05 | centroids                                          labels
//!   reduce  01 | u32 count                                          scan, race, farthest
//!           03 | centroids                                          iteration
//!
//!   centroids = u32 K | u32 dims | K * dims f64
//! ```
//!
//! Numbers are little-endian.

use std::sync::Arc;

use crate::kmeans::{Centroids, Error};
use crate::mapreduce::job::Fault;

/// The work of map tasks.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum MapRound {
    /// Scan the points.
    Scan {
        /// The seed of random points.
        seed: u64,
        /// The number of random points.
        count: usize,
        /// Whether to count the points and sum their squares.
        counts: bool,
    },
    /// Run a race of k-means++.
    Race {
        /// The seed of the race.
        seed: u64,
        /// The number of the race, from 0.
        round: u64,
        /// The centroids so far; none before the first race.
        centroids: Option<Centroids>,
    },
    /// Add up the points of each cluster.
    Assign {
        /// The centroids of the assignment before, to count the points that have moved.
        before: Option<Centroids>,
        /// The centroids to assign points to.
        centroids: Centroids,
    },
    /// Find points far from their centroids.
    Farthest {
        /// The number of points.
        count: usize,
        /// The centroids of the last assignment.
        centroids: Centroids,
    },
    /// Write each point with its centroid.
    Label {
        /// The centroids to assign points to.
        centroids: Centroids,
    },
}

/// The work of reduce tasks.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ReduceRound {
    /// Keep the best candidates.
    Pick {
        /// The number of candidates.
        count: usize,
    },
    /// Compute the means of clusters.
    Means {
        /// The centroids of the assignment.
        centroids: Centroids,
    },
}

impl MapRound {
    pub(super) fn encode(&self) -> Arc<[u8]> {
        let mut bytes = Vec::new();
        match self {
            MapRound::Scan { seed, count, counts } => {
                bytes.push(1);
                bytes.extend_from_slice(&seed.to_le_bytes());
                push_count(*count, &mut bytes);
                bytes.push((*counts).into());
            }
            MapRound::Race { seed, round, centroids } => {
                bytes.push(2);
                bytes.extend_from_slice(&seed.to_le_bytes());
                bytes.extend_from_slice(&round.to_le_bytes());
                push_centroids(centroids.as_ref(), &mut bytes);
            }
            MapRound::Assign { before, centroids } => {
                bytes.push(3);
                push_centroids(before.as_ref(), &mut bytes);
                push_centroids(Some(centroids), &mut bytes);
            }
            MapRound::Farthest { count, centroids } => {
                bytes.push(4);
                push_count(*count, &mut bytes);
                push_centroids(Some(centroids), &mut bytes);
            }
            MapRound::Label { centroids } => {
                bytes.push(5);
                push_centroids(Some(centroids), &mut bytes);
            }
        }
        bytes.into()
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<MapRound, Fault> {
        let mut fields = Fields(bytes);
        let round = match fields.array::<1>()? {
            [1] => MapRound::Scan {
                seed: u64::from_le_bytes(fields.array()?),
                count: fields.count()?,
                counts: fields.array()? != [0],
            },
            [2] => MapRound::Race {
                seed: u64::from_le_bytes(fields.array()?),
                round: u64::from_le_bytes(fields.array()?),
                centroids: fields.centroids()?,
            },
            [3] => MapRound::Assign {
                before: fields.centroids()?,
                centroids: fields.some_centroids()?,
            },
            [4] => {
                MapRound::Farthest { count: fields.count()?, centroids: fields.some_centroids()? }
            }
            [5] => MapRound::Label { centroids: fields.some_centroids()? },
            _ => return Err(malformed()),
        };
        fields.end().map(|()| round)
    }
}

impl ReduceRound {
    pub(super) fn encode(&self) -> Arc<[u8]> {
        let mut bytes = Vec::new();
        match self {
            ReduceRound::Pick { count } => {
                bytes.push(1);
                push_count(*count, &mut bytes);
            }
            ReduceRound::Means { centroids } => {
                bytes.push(3);
                push_centroids(Some(centroids), &mut bytes);
            }
        }
        bytes.into()
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<ReduceRound, Fault> {
        let mut fields = Fields(bytes);
        let round = match fields.array::<1>()? {
            [1] => ReduceRound::Pick { count: fields.count()? },
            [3] => ReduceRound::Means { centroids: fields.some_centroids()? },
            _ => return Err(malformed()),
        };
        fields.end().map(|()| round)
    }
}

fn push_count(count: usize, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(&(count as u32).to_le_bytes());
}

fn push_centroids(centroids: Option<&Centroids>, bytes: &mut Vec<u8>) {
    let (count, dims) = centroids.map_or((0, 0), |all| (all.len(), all.dims()));
    push_count(count, bytes);
    push_count(dims, bytes);
    let coordinates = centroids.map_or(&[][..], Centroids::coordinates);
    bytes.extend(coordinates.iter().flat_map(|x| x.to_le_bytes()));
}

fn malformed() -> Fault {
    Fault::Permanent("the parameter of the round is malformed".into())
}

struct Fields<'b>(&'b [u8]);

impl<'b> Fields<'b> {
    fn take(&mut self, count: usize) -> Result<&'b [u8], Fault> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        self.take(N)?.try_into().map_err(|_| malformed())
    }

    fn count(&mut self) -> Result<usize, Fault> {
        Ok(u32::from_le_bytes(self.array()?) as usize)
    }

    fn centroids(&mut self) -> Result<Option<Centroids>, Fault> {
        let (count, dims) = (self.count()?, self.count()?);
        if count == 0 {
            return Ok(None);
        }
        let bytes = count.checked_mul(dims).and_then(|count| count.checked_mul(8));
        let bytes = self.take(bytes.ok_or_else(malformed)?)?;
        let (coordinates, _) = bytes.as_chunks::<8>();
        let coordinates = coordinates.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
        let centroids = Centroids::new(dims, coordinates);
        centroids.map(Some).map_err(|error: Error| super::fault(&error))
    }

    fn some_centroids(&mut self) -> Result<Centroids, Fault> {
        self.centroids()?.ok_or_else(malformed)
    }

    fn end(&self) -> Result<(), Fault> {
        if self.0.is_empty() { Ok(()) } else { Err(malformed()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::each_seed;

    fn some_rounds() -> Vec<MapRound> {
        let centroids = Centroids::new(2, vec![0.5, -1.0, 1e300, 2.0]).unwrap();
        vec![
            MapRound::Scan { seed: 7, count: 20, counts: true },
            MapRound::Race { seed: 7, round: 3, centroids: None },
            MapRound::Race { seed: 7, round: 3, centroids: Some(centroids.clone()) },
            MapRound::Assign { before: None, centroids: centroids.clone() },
            MapRound::Assign { before: Some(centroids.clone()), centroids: centroids.clone() },
            MapRound::Farthest { count: 3, centroids: centroids.clone() },
            MapRound::Label { centroids },
        ]
    }

    #[test]
    fn a_round_decodes_to_what_was_encoded() {
        for round in some_rounds() {
            assert_eq!(MapRound::decode(&round.encode()), Ok(round));
        }
        let centroids = Centroids::new(1, vec![0.5]).unwrap();
        for round in [ReduceRound::Pick { count: 3 }, ReduceRound::Means { centroids }] {
            assert_eq!(ReduceRound::decode(&round.encode()), Ok(round));
        }
    }

    #[test]
    fn damage_is_an_error_or_another_round() {
        let rounds: Vec<Vec<u8>> =
            some_rounds().iter().map(|round| round.encode().to_vec()).collect();
        each_seed(|seed| {
            let mut bytes = seed.pick(&rounds).clone();
            seed.mutate(&mut bytes);
            if let Ok(round) = MapRound::decode(&bytes) {
                let again = MapRound::decode(&round.encode());
                // Any nonzero byte is a true flag.
                assert_eq!(again, Ok(round));
            }
            let _ = ReduceRound::decode(&bytes);
        });
    }
}
