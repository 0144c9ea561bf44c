//! The map side of a round.

use std::io::Write;

use super::by_cluster::{ByCluster, PointLines};
use super::parameter::MapRound;
use super::{CANDIDATE, COUNTERS, KMeans, MOVED, POINTS, SQUARES, fault};
use crate::kmeans::seeding::{self, PlusPlus};
use crate::kmeans::{BadLine, Candidate, Centroids, Points, Reader, Split};
use crate::mapreduce::job::{Block, Blocks, Fault, MapTask};
use crate::text::{find, push_u64};

/// The split that a mapper caches between rounds.
struct CachedSplit {
    split: Split,
    /// The centroids of the last assignment.
    assigned: Option<Centroids>,
    skipped: u64,
    /// Without combining: the lines of the points, in the order of the input.
    lines: PointLines,
    /// Without combining: the records of the points of each cluster, and the labels behind them.
    records: ByCluster,
    labels: Vec<u32>,
    /// The state of k-means++.
    race: Option<Race>,
}

struct Race {
    seed: u64,
    /// The number of centroids in its state.
    known: usize,
    state: PlusPlus,
}

pub(super) fn map(job: &KMeans, task: &mut MapTask<'_>) -> Result<(), Fault> {
    let round = MapRound::decode(task.parameter)?;
    let cached = task.cache.take().and_then(|cached| cached.downcast::<CachedSplit>().ok());
    let mut cached = match cached {
        Some(cached) => cached,
        None => Box::new(read(job, task)?),
    };
    match round {
        MapRound::Scan { seed, count, counts } => scan(&cached, seed, count, counts, task)?,
        MapRound::Race { seed, round, centroids } => {
            race(&mut cached, seed, round, centroids.as_ref(), task)?;
        }
        MapRound::Assign { before, centroids } => {
            assign(job, &mut cached, before.as_ref(), &centroids, task)?;
        }
        MapRound::Farthest { count, centroids } => {
            farthest(&mut cached, count, &centroids, task)?;
        }
        MapRound::Label { centroids } => label(&mut cached, &centroids, task)?,
    }
    *task.cache = Some(cached);
    Ok(())
}

/// Reads the split.
fn read(job: &KMeans, task: &mut MapTask<'_>) -> Result<CachedSplit, Fault> {
    let mut input = task.input()?;
    let mut reader: Option<Reader> = None;
    let mut text = SplitText::default();
    while let Some(block) = next(input.as_mut())? {
        task.context.check_cancelled()?;
        task.context.progress();
        let reader = match &mut reader {
            Some(reader) => reader,
            none => {
                let format = job.format.clone();
                let first = Reader::new(format, Some(job.dims), block.offset, block.starts_file);
                none.insert(first.map_err(|error| fault(&error))?)
            }
        };
        reader.read(block.bytes).map_err(bad_line)?;
        if !job.combines {
            text.add(&block);
        }
    }
    let (points, skipped) = match reader {
        Some(reader) => reader.finish().map_err(bad_line)?,
        None => (Points::new(job.dims).map_err(|error| fault(&error))?, 0),
    };
    let lines = text.lines_of(&points);
    let split = Split::new(points);
    let (records, labels) = Default::default();
    Ok(CachedSplit { split, assigned: None, skipped, lines, records, labels, race: None })
}

/// The bytes of a split, for its lines.
#[derive(Default)]
struct SplitText {
    bytes: Vec<u8>,
    offset: Option<u64>,
}

impl SplitText {
    fn add(&mut self, block: &Block<'_>) {
        self.offset.get_or_insert(block.offset);
        self.bytes.extend_from_slice(block.bytes);
    }

    /// The lines of these points, which are in the order of the input, without blanks around them.
    fn lines_of(&self, points: &Points) -> PointLines {
        let mut lines = PointLines::default();
        let Some(offset) = self.offset else { return lines };
        for index in 0..points.len() {
            let start = (points.offset(index) - offset) as usize;
            let line = self.bytes.get(start..).unwrap_or_default();
            let line = &line[..find(b'\n', line).unwrap_or(line.len())];
            lines.push(line.trim_ascii());
        }
        lines
    }
}

fn next(input: &mut dyn Blocks) -> Result<Option<Block<'_>>, Fault> {
    input.next().map_err(|error| Fault::io("reading the input", &error))
}

fn bad_line(bad: BadLine) -> Fault {
    let BadLine { offset, column, error, .. } = bad;
    Fault::BadRecord { offset, column, reason: error.to_string() }
}

fn scan(
    cached: &CachedSplit,
    seed: u64,
    count: usize,
    counts: bool,
    task: &mut MapTask<'_>,
) -> Result<(), Fault> {
    let points = cached.split.points();
    if counts {
        task.emit(POINTS, format!("{} {}", points.len(), cached.skipped).as_bytes())?;
        task.emit(SQUARES, cached.split.squares().to_string().as_bytes())?;
    }
    if count > 0 {
        emit_candidates(&seeding::random(points, seed, count), task)?;
    }
    Ok(())
}

fn emit_candidates(candidates: &[Candidate], task: &mut MapTask<'_>) -> Result<(), Fault> {
    candidates
        .iter()
        .try_for_each(|candidate| task.emit(CANDIDATE, candidate.to_string().as_bytes()))
}

fn race(
    cached: &mut CachedSplit,
    seed: u64,
    round: u64,
    centroids: Option<&Centroids>,
    task: &mut MapTask<'_>,
) -> Result<(), Fault> {
    let points = cached.split.points();
    let count = centroids.map_or(0, Centroids::len);
    let race = cached.race.take().filter(|race| race.seed == seed && race.known <= count);
    let mut race =
        race.unwrap_or_else(|| Race { seed, known: 0, state: PlusPlus::new(points, seed) });
    for centroid in centroids.into_iter().flat_map(Centroids::iter).skip(race.known) {
        race.state.add(points, centroid);
    }
    race.known = count;
    let candidate = race.state.candidate(points, round);
    cached.race = Some(race);
    emit_candidates(candidate.as_slice(), task)
}

/// Assigns all points. Returns the number of points whose centroid differs from their assignment to
/// `before`, whether that is cached or not.
fn moved(
    cached: &mut CachedSplit,
    before: Option<&Centroids>,
    to: &Centroids,
) -> Result<u64, Fault> {
    let failed = |error| fault(&error);
    if let Some(before) = before
        && cached.assigned.as_ref() != Some(before)
    {
        cached.split.assign(before).map_err(failed)?;
    }
    let moved = cached.split.assign(to).map_err(failed)?;
    cached.assigned = Some(to.clone());
    Ok(before.map_or(cached.split.points().len() as u64, |_| moved))
}

fn assign(
    job: &KMeans,
    cached: &mut CachedSplit,
    before: Option<&Centroids>,
    centroids: &Centroids,
    task: &mut MapTask<'_>,
) -> Result<(), Fault> {
    let moved = moved(cached, before, centroids)?;
    task.counters.add(COUNTERS, MOVED, moved);
    task.context.check_cancelled()?;
    task.context.progress();
    let (mut key, mut value) = (Vec::new(), Vec::new());
    if !job.combines {
        return emit_points(cached, centroids.len(), task);
    }
    for cluster in 0..centroids.len() {
        let partial = cached.split.partial(cluster);
        if partial.count() > 0 {
            key.clear();
            push_u64(cluster as u64, &mut key);
            value.clear();
            partial.push_text(&mut value);
            task.emit(&key, &value)?;
        }
    }
    Ok(())
}

/// Emits every point, grouped by cluster and in input order within a cluster, which is nearly
/// sorted.
fn emit_points(
    cached: &mut CachedSplit,
    clusters: usize,
    task: &mut MapTask<'_>,
) -> Result<(), Fault> {
    cached.split.labels_into(&mut cached.labels);
    cached.records.fill(clusters, &cached.labels, &cached.lines);
    cached
        .records
        .iter()
        .try_for_each(|(key, records, count)| task.emit_records(key, records, count))
}

fn farthest(
    cached: &mut CachedSplit,
    count: usize,
    centroids: &Centroids,
    task: &mut MapTask<'_>,
) -> Result<(), Fault> {
    cached.split.assign(centroids).map_err(|error| fault(&error))?;
    cached.assigned = Some(centroids.clone());
    let farthest = cached.split.farthest(centroids, count).map_err(|error| fault(&error))?;
    emit_candidates(&farthest, task)
}

fn label(
    cached: &mut CachedSplit,
    centroids: &Centroids,
    task: &mut MapTask<'_>,
) -> Result<(), Fault> {
    cached.split.assign(centroids).map_err(|error| fault(&error))?;
    cached.assigned = Some(centroids.clone());
    let points = cached.split.points();
    let mut in_order = vec![0; points.len()];
    for index in 0..points.len() {
        in_order[points.input_index(index)] = index;
    }
    let (mut key, mut value) = (Vec::new(), Vec::new());
    for (label, index) in cached.split.labels().into_iter().zip(in_order) {
        key.clear();
        push_u64(label.into(), &mut key);
        value.clear();
        push_point(points.get(index), &mut value);
        task.emit(&key, &value)?;
    }
    Ok(())
}

/// Coordinates between commas, each the shortest text that parses to the same number.
pub(super) fn push_point(point: &[f64], text: &mut Vec<u8>) {
    for (index, x) in point.iter().enumerate() {
        if index > 0 {
            text.push(b',');
        }
        // Writing to memory does not fail.
        let _ = write!(text, "{x:?}");
    }
}
