//! The parameter of a round: what the master sends to each task of it.
//!
//! As a [binary record](crate::binary):
//!
//! ```text
//!   map     11 | u64 seed | u32 count | flag counts                 scan
//!           12 | u64 seed | u64 round | option of centroids         race
//!           13 | option of centroids before | centroids             iteration
//!           14 | u32 count | centroids                              farthest
//!           15 | centroids                                          labels
//!   reduce  21 | u32 count                                          scan, race, farthest
//!           23 | centroids                                          iteration
//!
//!   centroids = u32 K | u32 dims | K * dims f64
//! ```

use std::sync::Arc;

use crate::binary::{self, Reader, Writer};
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

/// Tags. Those below 0x10 belonged to the layout with little-endian numbers and are refused.
const MAP_SCAN: u8 = 0x11;
const MAP_RACE: u8 = 0x12;
const MAP_ASSIGN: u8 = 0x13;
const MAP_FARTHEST: u8 = 0x14;
const MAP_LABEL: u8 = 0x15;
const REDUCE_PICK: u8 = 0x21;
const REDUCE_MEANS: u8 = 0x23;

impl MapRound {
    pub(super) fn encode(&self) -> Arc<[u8]> {
        let mut bytes = Vec::new();
        let mut out = Writer::new(&mut bytes);
        match self {
            MapRound::Scan { seed, count, counts } => {
                out.u8(MAP_SCAN).u64(*seed).u32(*count as u32).flag(*counts)
            }
            MapRound::Race { seed, round, centroids } => {
                out.u8(MAP_RACE).u64(*seed).u64(*round).option(centroids.as_ref(), write_centroids)
            }
            MapRound::Assign { before, centroids } => {
                let out = out.u8(MAP_ASSIGN).option(before.as_ref(), write_centroids);
                write_centroids(out, centroids)
            }
            MapRound::Farthest { count, centroids } => {
                write_centroids(out.u8(MAP_FARTHEST).u32(*count as u32), centroids)
            }
            MapRound::Label { centroids } => write_centroids(out.u8(MAP_LABEL), centroids),
        };
        bytes.into()
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<MapRound, Fault> {
        let mut fields = Reader::new(bytes);
        let round = match fields.u8().map_err(malformed)? {
            MAP_SCAN => MapRound::Scan {
                seed: fields.u64().map_err(malformed)?,
                count: read_count(&mut fields)?,
                counts: fields.flag().map_err(malformed)?,
            },
            MAP_RACE => MapRound::Race {
                seed: fields.u64().map_err(malformed)?,
                round: fields.u64().map_err(malformed)?,
                centroids: read_optional_centroids(&mut fields)?,
            },
            MAP_ASSIGN => MapRound::Assign {
                before: read_optional_centroids(&mut fields)?,
                centroids: read_centroids(&mut fields)?,
            },
            MAP_FARTHEST => MapRound::Farthest {
                count: read_count(&mut fields)?,
                centroids: read_centroids(&mut fields)?,
            },
            MAP_LABEL => MapRound::Label { centroids: read_centroids(&mut fields)? },
            tag => return Err(malformed(binary::Error::Tag(tag))),
        };
        fields.end().map_err(malformed).map(|()| round)
    }
}

impl ReduceRound {
    pub(super) fn encode(&self) -> Arc<[u8]> {
        let mut bytes = Vec::new();
        let mut out = Writer::new(&mut bytes);
        match self {
            ReduceRound::Pick { count } => out.u8(REDUCE_PICK).u32(*count as u32),
            ReduceRound::Means { centroids } => write_centroids(out.u8(REDUCE_MEANS), centroids),
        };
        bytes.into()
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<ReduceRound, Fault> {
        let mut fields = Reader::new(bytes);
        let round = match fields.u8().map_err(malformed)? {
            REDUCE_PICK => ReduceRound::Pick { count: read_count(&mut fields)? },
            REDUCE_MEANS => ReduceRound::Means { centroids: read_centroids(&mut fields)? },
            tag => return Err(malformed(binary::Error::Tag(tag))),
        };
        fields.end().map_err(malformed).map(|()| round)
    }
}

fn write_centroids<'w, 'b>(out: &'w mut Writer<'b>, centroids: &Centroids) -> &'w mut Writer<'b> {
    out.u32(centroids.len() as u32).u32(centroids.dims() as u32).f64s(centroids.coordinates())
}

fn malformed(error: binary::Error) -> Fault {
    Fault::Permanent(format!("the parameter of the round is malformed: {error}"))
}

fn read_count(fields: &mut Reader<'_>) -> Result<usize, Fault> {
    fields.u32().map(|count| count as usize).map_err(malformed)
}

fn read_centroids(fields: &mut Reader<'_>) -> Result<Centroids, Fault> {
    let (count, dims) = (read_count(fields)?, read_count(fields)?);
    let coordinates = fields.f64s(count.saturating_mul(dims)).map_err(malformed)?;
    Centroids::new(dims, coordinates).map_err(|error: Error| super::fault(&error))
}

fn read_optional_centroids(fields: &mut Reader<'_>) -> Result<Option<Centroids>, Fault> {
    let has_centroids = fields.flag().map_err(malformed)?;
    has_centroids.then(|| read_centroids(fields)).transpose()
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
                assert_eq!(round.encode()[..], bytes, "one encoding each");
            }
            let _ = ReduceRound::decode(&bytes);
        });
    }
}
