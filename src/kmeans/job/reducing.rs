//! The reduce side of a round.

use std::str;

use super::adding::{Group, add_points};
use super::mapping::push_point;
use super::parameter::ReduceRound;
use super::{CANDIDATE, KMeans, POINTS, SQUARES, fault};
use crate::kmeans::{Candidate, Centroids, Dyadic, Error, Partial, merge};
use crate::mapreduce::job::{Fault, ReduceTask, Values};
use crate::text::parse_u64;

/// A running reduce task.
pub(super) struct Reducing<'j> {
    job: &'j KMeans,
    round: ReduceRound,
}

/// At most as many sums of coordinates are kept at once, or those of one cluster.
const COORDINATES_AT_ONCE: usize = 1 << 16;

impl<'j> Reducing<'j> {
    pub(super) fn begin(job: &'j KMeans, task: &ReduceTask<'_>) -> Result<Reducing<'j>, Fault> {
        Ok(Reducing { job, round: ReduceRound::decode(task.parameter)? })
    }

    pub(super) fn reduce(
        &mut self,
        key: &[u8],
        values: &mut dyn Values,
        task: &mut ReduceTask<'_>,
    ) -> Result<(), Fault> {
        task.context.check_cancelled()?;
        match (&self.round, key) {
            (_, POINTS) => points(values, task),
            (_, SQUARES) => squares(values, task),
            (ReduceRound::Pick { count }, CANDIDATE) => candidates(*count, values, task),
            (ReduceRound::Means { centroids }, key) => {
                let index = index(key, centroids)?;
                let partial = if self.job.combines {
                    merge_partials(centroids.dims(), values)?
                } else {
                    self.add_values(key, centroids.dims(), values, task)?
                };
                mean(key, &partial, centroids, index, task)
            }
            (_, key) => Err(unknown(key)),
        }
    }
}

impl Reducing<'_> {
    /// The number of keys that [`reduce_points`](Self::reduce_points) takes at once: 0 in rounds
    /// without points.
    pub(super) fn keys_at_once(&self) -> usize {
        match &self.round {
            ReduceRound::Means { centroids } if !self.job.combines => {
                (COORDINATES_AT_ONCE / centroids.dims()).max(1)
            }
            _ => 0,
        }
    }

    /// Reduces several keys, each a cluster with its points.
    pub(super) fn reduce_points(
        &mut self,
        keys: Vec<(&[u8], Vec<&[u8]>)>,
        task: &mut ReduceTask<'_>,
    ) -> Result<(), Fault> {
        let ReduceRound::Means { centroids } = &self.round else { return Ok(()) };
        task.context.check_cancelled()?;
        task.context.progress();
        let (keys, groups): (Vec<_>, Vec<_>) = keys.into_iter().map(group).unzip();
        let sums = add_points(self.job, centroids.dims(), &groups, task.context);
        let sums = sums.map_err(|error| fault(&error))?;
        keys.into_iter()
            .zip(&sums)
            .try_for_each(|(key, sum)| mean(key, sum, centroids, index(key, centroids)?, task))
    }

    /// The same for one key, whose values need not fit in memory.
    fn add_values(
        &self,
        key: &[u8],
        dims: usize,
        values: &mut dyn Values,
        task: &mut ReduceTask<'_>,
    ) -> Result<Partial, Fault> {
        let mut sum = Partial::empty(dims);
        loop {
            let (_, group) = group((key, values.next_lines()?.collect()));
            if group.pieces.is_empty() {
                return Ok(sum);
            }
            task.context.check_cancelled()?;
            task.context.progress();
            let sums = add_points(self.job, dims, &[group], task.context);
            for more in sums.map_err(|error| fault(&error))? {
                sum.merge(&more).map_err(|error| fault(&error))?;
            }
        }
    }
}

fn group<'k, 'l>((key, pieces): (&'k [u8], Vec<&'l [u8]>)) -> (&'k [u8], Group<'l>) {
    (key, Group { key_bytes: key.len() + 1, pieces })
}

/// The cluster of a key.
fn index(key: &[u8], centroids: &Centroids) -> Result<usize, Fault> {
    let index = parse_u64(key).and_then(|index| usize::try_from(index).ok());
    index.filter(|index| *index < centroids.len()).ok_or_else(|| unknown(key))
}

fn unknown(key: &[u8]) -> Fault {
    Fault::Permanent(format!("a record with an unknown key or value: {}", key.escape_ascii()))
}

fn text(value: &[u8]) -> Result<&str, Fault> {
    str::from_utf8(value).map_err(|_| Fault::Permanent("a record that is not UTF-8".into()))
}

/// Adds up the numbers of points and of skipped lines.
fn points(values: &mut dyn Values, task: &mut ReduceTask<'_>) -> Result<(), Fault> {
    let (mut points, mut skipped) = (0_u64, 0_u64);
    while let Some(value) = values.next()? {
        let mut numbers = value.split(|byte| *byte == b' ').map(parse_u64);
        let both = (numbers.next().flatten(), numbers.next().flatten());
        let (Some(more), Some(bad)) = both else { return Err(unknown(value)) };
        points += more;
        skipped += bad;
    }
    task.emit(POINTS, format!("{points} {skipped}").as_bytes())
}

fn squares(values: &mut dyn Values, task: &mut ReduceTask<'_>) -> Result<(), Fault> {
    let mut sum = Dyadic::ZERO;
    while let Some(value) = values.next()? {
        sum += &text(value)?.parse().map_err(|_| unknown(value))?;
    }
    task.emit(SQUARES, sum.to_string().as_bytes())
}

fn candidates(
    count: usize,
    values: &mut dyn Values,
    task: &mut ReduceTask<'_>,
) -> Result<(), Fault> {
    let mut all: Vec<Candidate> = Vec::new();
    while let Some(value) = values.next()? {
        all.push(text(value)?.parse().map_err(|error: Error| fault(&error))?);
    }
    for candidate in merge([all], count) {
        task.emit(CANDIDATE, candidate.to_string().as_bytes())?;
    }
    Ok(())
}

fn merge_partials(dims: usize, values: &mut dyn Values) -> Result<Partial, Fault> {
    let mut sum = Partial::empty(dims);
    while let Some(value) = values.next()? {
        let partial: Partial = text(value)?.parse().map_err(|error: Error| fault(&error))?;
        sum.merge(&partial).map_err(|error| fault(&error))?;
    }
    Ok(sum)
}

/// Emits a cluster: its mean, its number of points, and their contribution to the squared error,
/// less their squares.
fn mean(
    key: &[u8],
    partial: &Partial,
    centroids: &Centroids,
    index: usize,
    task: &mut ReduceTask<'_>,
) -> Result<(), Fault> {
    let Some(mean) = partial.mean() else { return Ok(()) };
    let mut value = Vec::new();
    push_point(&mean, &mut value);
    let error = partial.error_less_squares(centroids.get(index));
    value.extend_from_slice(format!("\t{}\t{error}", partial.count()).as_bytes());
    task.emit(key, &value)
}
