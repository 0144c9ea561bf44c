//! `--page`: the clustering as a page draws it.
//!
//! The master only leaves the present centroids and the errors here, after a round, while its
//! workers are busy with the next. The points are a sample that the page reads by itself, and their
//! clusters are computed when a client asks.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::picture::NamedCoordinate;
use super::sample;
use crate::kmeans::job::{DriverEvent, Options};
use crate::kmeans::{Centroids, Format, Points};
use crate::mapreduce::job_status::{ClusteringView, IterationError};
use crate::mapreduce::master::JobPicture;

/// The most points of the sample.
const MAX_POINTS: usize = 1_500;
/// The most coordinates of all points of the sample.
const MAX_COORDINATES: usize = 400_000;
/// The most coordinates that are compared for one picture.
const MAX_COMPARED: usize = 20_000_000;
/// The centroids that are drawn.
const MAX_CENTROIDS: usize = 256;
/// The errors that are kept of one start.
const MAX_ERRORS: usize = 600;

/// What the master leaves.
#[derive(Default)]
struct Latest {
    points: u64,
    start: u64,
    iteration: u64,
    centroids: Option<Arc<Centroids>>,
    errors: Errors,
    best_error: f64,
    ended_starts: u64,
}

/// The errors of a start. Of a long one every second is left out, again and again.
#[derive(Default)]
struct Errors {
    kept: Vec<IterationError>,
    /// Iterations whose number is no multiple of it are left out; 0 counts as 1.
    stride: u64,
}

impl Errors {
    fn add(&mut self, error: IterationError) {
        let is_kept = |of: &IterationError, stride| (of.iteration - 1).is_multiple_of(stride);
        let mut stride = self.stride.max(1);
        // The newest stays until the next one comes.
        if self.kept.last().is_some_and(|last| !is_kept(last, stride)) {
            self.kept.pop();
        }
        while self.kept.len() >= MAX_ERRORS {
            stride *= 2;
            self.kept.retain(|kept| is_kept(kept, stride));
        }
        self.stride = stride;
        self.kept.push(error);
    }
}

/// The master's side.
pub(super) struct ClusteringPage {
    latest: Arc<Mutex<Latest>>,
}

impl ClusteringPage {
    /// The page's two sides.
    pub(super) fn new(
        options: &Options,
        format: &Format,
        input: &[PathBuf],
        axes: Option<[NamedCoordinate; 2]>,
    ) -> (ClusteringPage, Box<dyn JobPicture>) {
        let latest = Arc::<Mutex<Latest>>::default();
        let drawing = Drawing {
            latest: Arc::clone(&latest),
            clusters: options.k,
            dims: options.dims,
            starts: options.restarts,
            max_iterations: options.iterations,
            format: format.clone(),
            input: input.to_vec(),
            axes,
            sample: None,
        };
        (ClusteringPage { latest }, Box::new(drawing))
    }

    /// Takes the events of a round.
    pub(super) fn take(&self, news: &[DriverEvent]) {
        for event in news {
            // Copied before the lock is taken.
            let centroids = match event {
                DriverEvent::Started { centroids, .. }
                | DriverEvent::Iterated { centroids, .. }
                | DriverEvent::Relocated { centroids } => Some(Arc::new(centroids.clone())),
                DriverEvent::Scanned { .. } | DriverEvent::Ended(_) => None,
            };
            let mut latest = lock(&self.latest);
            latest.centroids = centroids.or(latest.centroids.take());
            latest.take(event);
        }
    }
}

impl Latest {
    fn take(&mut self, event: &DriverEvent) {
        match event {
            DriverEvent::Scanned { points, .. } => self.points = *points,
            DriverEvent::Started { restart, .. } => {
                (self.start, self.iteration) = (restart + 1, 0);
                self.errors = Errors::default();
            }
            DriverEvent::Iterated { iteration, shift, squared_error, moved, .. } => {
                self.iteration = *iteration;
                self.errors.add(IterationError {
                    iteration: *iteration,
                    squared_error: *squared_error,
                    moved: *moved,
                    shift: *shift,
                });
            }
            DriverEvent::Relocated { .. } => {}
            DriverEvent::Ended(ended) => {
                let error = ended.squared_error.to_f64();
                let is_first = self.ended_starts == 0;
                self.best_error = if is_first { error } else { self.best_error.min(error) };
                self.ended_starts += 1;
            }
        }
    }
}

/// The page's side.
struct Drawing {
    latest: Arc<Mutex<Latest>>,
    clusters: usize,
    dims: usize,
    starts: u64,
    max_iterations: u64,
    format: Format,
    input: Vec<PathBuf>,
    /// The coordinates to draw, with names; by default those of the largest variance.
    axes: Option<[NamedCoordinate; 2]>,
    sample: Option<Sample>,
}

/// The sample, read once.
struct Sample {
    points: Points,
    drawn: Arc<[[f32; 2]]>,
    axes: [NamedCoordinate; 2],
}

impl JobPicture for Drawing {
    fn draw(&mut self) -> Option<ClusteringView> {
        let (mut view, centroids) = {
            let latest = lock(&self.latest);
            let view = ClusteringView {
                points_in_all: latest.points,
                start: latest.start,
                iteration: latest.iteration,
                errors: latest.errors.kept.clone(),
                best_error: latest.best_error,
                ended_starts: latest.ended_starts,
                ..ClusteringView::default()
            };
            (view, latest.centroids.clone())
        };
        if self.sample.is_none() {
            self.sample = Some(self.read_sample());
        }
        let sample = self.sample.as_ref()?;
        view.clusters = self.clusters as u64;
        view.dims = self.dims as u32;
        view.starts = self.starts;
        view.max_iterations = self.max_iterations;
        view.axes = sample.axes.clone().map(|axis| axis.name);
        view.points = Arc::clone(&sample.drawn);
        view.sample = 1;
        if let Some(centroids) = centroids {
            let nearest = |point: &[f64]| u16::try_from(centroids.nearest(point).0);
            let labels = sample.points.iter().map(|point| nearest(point).unwrap_or(u16::MAX));
            view.labels = labels.collect();
            let drawn = centroids.iter().take(MAX_CENTROIDS);
            view.centroids = drawn.map(|centroid| position(centroid, &sample.axes, None)).collect();
        }
        Some(view)
    }
}

impl Drawing {
    fn read_sample(&self) -> Sample {
        let dims = self.dims.max(1);
        let compared = MAX_COMPARED / dims / self.clusters.max(1);
        let wanted = MAX_POINTS.min(MAX_COORDINATES / dims).min(compared).max(1);
        let read = sample::points(&self.input, &self.format, self.dims, wanted);
        let points = read.unwrap_or_else(|reason| {
            log::warn!("the page has no points: {reason}");
            Points::default()
        });
        let axes = self.axes.clone().unwrap_or_else(|| widest(&points, self.dims));
        let drawn =
            (0..).zip(points.iter()).map(|(number, point)| position(point, &axes, Some(number)));
        let drawn = drawn.collect();
        Sample { points, drawn, axes }
    }
}

/// The two coordinates of the largest variance in the sample, in their order.
fn widest(points: &Points, dims: usize) -> [NamedCoordinate; 2] {
    if dims <= 2 {
        return [NamedCoordinate::new(0), NamedCoordinate::new(1)];
    }
    let variance = |dim: usize| {
        let values = || points.iter().filter_map(|point| point.get(dim));
        let count = points.len().max(1) as f64;
        let mean = values().sum::<f64>() / count;
        values().map(|x| (x - mean) * (x - mean)).sum::<f64>()
    };
    let mut ranked: Vec<(f64, usize)> = (0..dims).map(|dim| (variance(dim), dim)).collect();
    ranked.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut first: Vec<usize> = ranked.into_iter().take(2).map(|(_, dim)| dim).collect();
    first.sort_unstable();
    [first.first(), first.last()].map(|dim| NamedCoordinate::new(dim.copied().unwrap_or(0)))
}

/// Where a point is drawn. One of a single coordinate is given a height by its number.
fn position(point: &[f64], axes: &[NamedCoordinate; 2], number: Option<u64>) -> [f32; 2] {
    let [right, up] = axes.each_ref().map(|axis| point.get(axis.index).copied());
    let height = number.map_or(0.5, |number| (number as f64 * 0.618_033_988_749_895).fract());
    [right.unwrap_or(0.0), up.unwrap_or(height)].map(|x| {
        // Infinities cannot be drawn.
        x.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32
    })
}

/// What the lock protects is consistent between any two statements that change it.
fn lock(latest: &Mutex<Latest>) -> MutexGuard<'_, Latest> {
    latest.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(iteration: u64) -> IterationError {
        IterationError { iteration, squared_error: iteration as f64, moved: 0, shift: 0.0 }
    }

    #[test]
    fn errors_have_a_bound_and_keep_the_first_and_the_last() {
        let mut errors = Errors::default();
        for iteration in 1..=100_000 {
            errors.add(error(iteration));
            assert!(errors.kept.len() <= MAX_ERRORS);
            let ends = [errors.kept[0].iteration, errors.kept[errors.kept.len() - 1].iteration];
            assert_eq!(ends, [1, iteration]);
        }
        assert!(errors.kept.len() > MAX_ERRORS / 3, "{}", errors.kept.len());
        assert!(errors.kept.is_sorted_by_key(|error| error.iteration));
    }

    #[test]
    fn of_many_coordinates_the_widest_two_are_drawn() {
        let mut points = Points::new(4).unwrap();
        for x in 0..10 {
            let x = f64::from(x);
            points.push(0, &[x, 100.0 * x, 5.0, -7.0 * x]).unwrap();
        }
        let axes = widest(&points, 4);
        assert_eq!(axes.each_ref().map(|axis| axis.index), [1, 3]);
        assert_eq!(axes[1].name, "coordinate 4");
        assert_eq!(position(points.get(2), &axes, Some(2)), [200.0, -14.0]);
    }

    #[test]
    fn points_of_one_coordinate_get_a_height() {
        let axes = widest(&Points::new(1).unwrap(), 1);
        let [x, y] = position(&[3.0], &axes, Some(1));
        assert!(x == 3.0 && (0.6..0.7).contains(&y), "{x} {y}");
        assert_eq!(position(&[1e300], &axes, None), [f32::MAX, 0.5]);
    }

    #[test]
    fn the_present_centroids_label_the_sample() {
        let path = std::env::temp_dir().join(format!("agora-page-{}", std::process::id()));
        std::fs::write(&path, "0,0\n1,0\n9,9\n").unwrap();
        let options = Options {
            k: 2,
            dims: 2,
            iterations: 7,
            tolerance: 0.0,
            seed: 1,
            init: crate::kmeans::job::Init::Random,
            restarts: 3,
            relocates: false,
            reduces: 1,
        };
        let (page, mut drawing) =
            ClusteringPage::new(&options, &Format::default(), std::slice::from_ref(&path), None);
        let view = drawing.draw().unwrap();
        assert_eq!((view.points.len(), view.labels.len(), view.iteration), (3, 0, 0));
        let centroids = |coordinates: &[f64]| Centroids::new(2, coordinates.to_vec()).unwrap();
        let started =
            DriverEvent::Started { restart: 1, centroids: centroids(&[0.0, 0.0, 1.0, 0.0]) };
        page.take(&[DriverEvent::Scanned { points: 3, skipped: 0 }, started]);
        let view = drawing.draw().unwrap();
        assert_eq!((view.labels.as_slice(), view.start), (&[0, 1, 1][..], 2));
        page.take(&[DriverEvent::Iterated {
            iteration: 1,
            shift: 2.0,
            squared_error: 130.0,
            moved: 1,
            empty: Vec::new(),
            centroids: centroids(&[0.5, 0.0, 9.0, 9.0]),
        }]);
        let view = drawing.draw().unwrap();
        assert_eq!(view.labels, [0, 0, 1]);
        assert_eq!(view.centroids, [[0.5, 0.0], [9.0, 9.0]]);
        assert_eq!((view.iteration, view.errors.len(), view.max_iterations), (1, 1, 7));
        std::fs::remove_file(&path).unwrap();
    }
}
