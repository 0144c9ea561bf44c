//! The report of a clustering.

use std::fmt::Write;
use std::time::{Duration, Instant};

use crate::cli::job::{JobOutput, seconds, size};
use crate::kmeans::job::{Clustering, DriverEvent};
use crate::mapreduce::master::Master;

/// Writes the report.
pub(super) struct Report {
    /// When the last round ended.
    last: Instant,
    /// The number of finished starts.
    restarts: u64,
    /// There are several starts; a line is written at the end of each.
    reports_starts: bool,
    iterations: u64,
    /// The time of all iterations.
    iterating: Duration,
}

/// With more clusters their sizes are not printed.
const MAX_SIZES: usize = 100;

/// If the error overflows, distances do as well; where all distances of a point overflow, the first
/// centroid wins.
pub(super) const OVERFLOW: &str = "\
    the squared error is beyond the largest number, 1.8e308: distances overflowed, and points whose \
    distances all did count as nearest to the first centroid; divide the coordinates by some number";

impl Report {
    pub(super) fn new(is_resumed: bool, reports_starts: bool) -> Report {
        let restarts = u64::from(is_resumed);
        let (last, iterating) = (Instant::now(), Duration::ZERO);
        Report { last, restarts, reports_starts, iterations: 0, iterating }
    }

    /// A round has ended. Returns its duration.
    pub(super) fn round_ended(&mut self) -> Duration {
        let took = self.last.elapsed();
        self.last += took;
        took
    }

    /// Writes the events of a round. The centroids of each iteration are in `dump.txt`.
    pub(super) fn write_events(
        &mut self,
        news: &[DriverEvent],
        took: Duration,
        job_output: &mut JobOutput,
    ) {
        for news in news {
            self.write_event(news, took, job_output);
        }
    }

    fn write_event(&mut self, news: &DriverEvent, took: Duration, job_output: &mut JobOutput) {
        match news {
            DriverEvent::Scanned { points, skipped } => {
                let bad = match skipped {
                    0 => String::new(),
                    skipped => format!(", {skipped} bad lines left out"),
                };
                job_output.line(&format!("{points} points read in {}{bad}", seconds(took)));
            }
            DriverEvent::Started { restart, centroids } => {
                if *restart > 0 || self.restarts > 0 {
                    job_output.line(&format!("Start {}", restart + 1));
                }
                job_output.write_line(&format!("Initial centroids:\n{centroids}"));
            }
            DriverEvent::Iterated { iteration, shift, squared_error, moved, empty, centroids } => {
                self.iterations += 1;
                self.iterating += took;
                job_output.line(&format!(
                    "iteration {iteration:3}  shift {shift:<12.6} error {squared_error:<22?} \
                     moved {moved:<9} {}",
                    seconds(took)
                ));
                if !empty.is_empty() {
                    job_output.write_line(&format!("without points: {empty:?}"));
                }
                job_output.write_line(&format!("Centroids:\n{centroids}"));
            }
            DriverEvent::Relocated { centroids } => {
                job_output
                    .write_line(&format!("Centroids, those without points moved:\n{centroids}"));
            }
            DriverEvent::Ended(ended) => {
                self.restarts += 1;
                if !self.reports_starts {
                    return;
                }
                let how = if ended.is_converged { "converged" } else { "not converged" };
                job_output.line(&format!(
                    "squared error {:?} after {} iterations, {how}",
                    ended.squared_error.to_f64(),
                    ended.iterations
                ));
            }
        }
    }

    /// Writes the result.
    pub(super) fn end(
        &self,
        best: &Clustering,
        (points, skipped): (u64, u64),
        master: &Master,
        job_output: &mut JobOutput,
        took: Duration,
    ) {
        let times = job_output.times;
        let how = if best.is_converged { "converged" } else { "not converged" };
        let mut text = format!(
            "{points} points of {} coordinates in {}, {} clusters\nsquared error {:?} after {} \
             iterations, {how}\n",
            best.centroids.dims(),
            size(master.input_bytes()),
            best.centroids.len(),
            best.squared_error.to_f64(),
            best.iterations,
        );
        // Writing to memory does not fail.
        if self.restarts > 1 {
            let _ =
                writeln!(text, "the best of {} starts, number {}", self.restarts, best.restart + 1);
        }
        if skipped > 0 {
            let _ = writeln!(text, "{skipped} bad lines were left out");
        }
        let empty = best.sizes.iter().filter(|size| **size == 0).count();
        if best.sizes.len() <= MAX_SIZES {
            let sizes: Vec<String> = best.sizes.iter().map(u64::to_string).collect();
            let _ = writeln!(text, "sizes {}", sizes.join(" "));
        }
        if empty > 0 {
            let clusters = if empty == 1 { "cluster has" } else { "clusters have" };
            let _ = writeln!(text, "{empty} {clusters} no points");
        }
        let _ = write!(
            text,
            "{} iterations in {}; map {}, shuffle {}, reduce {}; {} in all",
            self.iterations,
            seconds(self.iterating),
            seconds(times.map),
            seconds(times.shuffle),
            seconds(times.reduce),
            seconds(took)
        );
        job_output.summary(&text);
        if !best.squared_error.to_f64().is_finite() {
            job_output.warn(OVERFLOW);
        }
    }
}
