//! The records between map and reduce, as lines `key TAB value`, for any MapReduce system.
//!
//! ```text
//! 3 TAB 2 5p-1 -43p-7      cluster 3: two points, and the exact sum of each coordinate
//! squares TAB 6245p-12     the squares of all coordinates of all points
//! ```
//!
//! Numbers are exact, so lines of one key may be merged in any order, by any number of combiners
//! and reducers, with the same result. A reduce writes the format that it reads: one line a key.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::{Dyadic, Error, MAX_CENTROIDS, Partial};

/// The key of the squares.
const SQUARES: &str = "squares";

/// A record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// The partial sum of a cluster.
    Cluster(u32, Partial),
    /// The sum of the squares of all coordinates of some points.
    Squares(Dyadic),
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Record::Cluster(index, partial) => write!(f, "{index}\t{partial}"),
            Record::Squares(squares) => write!(f, "{SQUARES}\t{squares}"),
        }
    }
}

impl FromStr for Record {
    type Err = Error;

    fn from_str(line: &str) -> Result<Record, Error> {
        let (key, value) = line.split_once('\t').ok_or(Error::NotPartial)?;
        if key == SQUARES {
            let squares: Dyadic = value.parse().map_err(|_| Error::NotPartial)?;
            return Ok(Record::Squares(squares));
        }
        let digits = key.bytes().all(|digit| digit.is_ascii_digit());
        let index = key.parse().ok().filter(|index| digits && *index < MAX_CENTROIDS as u32);
        Ok(Record::Cluster(index.ok_or(Error::NotPartial)?, value.parse()?))
    }
}

/// Merged records: one for each key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    clusters: BTreeMap<u32, Partial>,
    squares: Option<Dyadic>,
}

impl Totals {
    /// Merges a record.
    pub fn add(&mut self, record: Record) -> Result<(), Error> {
        match record {
            Record::Squares(squares) => *self.squares.get_or_insert_default() += &squares,
            Record::Cluster(index, partial) => match self.clusters.get_mut(&index) {
                Some(total) => total.merge(&partial)?,
                None => {
                    self.clusters.insert(index, partial);
                }
            },
        }
        Ok(())
    }

    /// One record for each key: clusters by ascending index, then the squares.
    pub fn into_records(self) -> impl Iterator<Item = Record> {
        let clusters = self.clusters.into_iter();
        let clusters = clusters.map(|(index, partial)| Record::Cluster(index, partial));
        clusters.chain(self.squares.map(Record::Squares))
    }

    /// The input of a [`Step`](super::Step): all `k` clusters (empty without a record), and the
    /// squares.
    pub fn into_clusters(mut self, k: usize, dims: usize) -> Result<(Vec<Partial>, Dyadic), Error> {
        if let Some((index, _)) = self.clusters.last_key_value()
            && *index as usize >= k
        {
            return Err(Error::NoSuchCluster { index: *index, k });
        }
        let cluster = |index| self.clusters.remove(&index).unwrap_or_else(|| Partial::empty(dims));
        Ok(((0..k as u32).map(cluster).collect(), self.squares.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals<'a>(lines: impl IntoIterator<Item = &'a str>) -> Totals {
        let mut totals = Totals::default();
        lines.into_iter().for_each(|line| totals.add(line.parse().unwrap()).unwrap());
        totals
    }

    fn lines(totals: Totals) -> Vec<String> {
        totals.into_records().map(|record| record.to_string()).collect()
    }

    #[test]
    fn lines_merge_in_any_order_and_any_number_of_steps() {
        let all = ["7\t2 5p-1 3", "squares\t9", "0\t1 1 1", "7\t1 1p-1 -3", "squares\t1p-2"];
        let merged = ["0\t1 1 1", "7\t3 3 0", "squares\t37p-2"];
        assert_eq!(lines(totals(all)), merged);
        assert_eq!(lines(totals(all.into_iter().rev())), merged);
        let combined: Vec<String> = [&all[..2], &all[2..]]
            .into_iter()
            .flat_map(|part| lines(totals(part.to_vec())))
            .collect();
        assert_eq!(lines(totals(combined.iter().map(String::as_str))), merged);
    }

    #[test]
    fn clusters_without_a_line_are_empty() {
        let (clusters, squares) = totals(["1\t1 5"]).into_clusters(3, 1).unwrap();
        let counts: Vec<u64> = clusters.iter().map(Partial::count).collect();
        assert_eq!((counts, squares), (vec![0, 1, 0], Dyadic::ZERO));
        let beyond = totals(["3\t1 5"]).into_clusters(3, 1);
        assert_eq!(beyond, Err(Error::NoSuchCluster { index: 3, k: 3 }));
    }

    #[test]
    fn what_is_no_record_is_refused() {
        for line in [
            "",
            "1",
            "1 1 5",
            "x\t1 5",
            "-1\t1 5",
            "+1\t1 5",
            "100000\t1 5",
            "squares\t1.5",
            "1\t1 5\t",
            "squares",
        ] {
            assert_eq!(line.parse::<Record>(), Err(Error::NotPartial), "{line}");
        }
        let mut two = totals(["1\t1 5 5"]);
        let dims = Error::DimsDiffer { expected: 2, found: 1 };
        assert_eq!(two.add("1\t1 5".parse().unwrap()), Err(dims));
    }
}
