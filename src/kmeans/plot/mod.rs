//! A picture of a clustering, as SVG 1.1.
//!
//! The left side shows the points in the colours of their clusters, and the trajectories of the
//! centroids from their first positions (small rings) to the last ones. The right side shows the
//! squared error of each iteration and the number of points of each cluster. Points of more than
//! two coordinates are projected to their first two principal axes ([`Axes`]); of many points a
//! sample is shown ([`Sample`]).
//!
//! The same clustering gives the same text: it does not depend on a clock, on random numbers or on
//! the splits of the input.

mod axes;
mod color;
mod document;
mod error_chart;
mod history;
mod legend;
mod sample;
mod scale;
mod scatter;

#[cfg(test)]
mod tests;

pub use axes::Axes;
pub use history::History;
pub use sample::{Sample, SamplePoint};

use document::Document;
use scatter::Scatter;

/// The contents of a picture.
#[derive(Clone, Debug)]
pub struct Plot<'a> {
    /// The headline.
    pub title: &'a str,
    /// Points and their clusters.
    pub sample: &'a Sample,
    /// The projection of points.
    pub axes: &'a Axes,
    /// The first centroids and those after each iteration, with their errors. There is at least one
    /// position of the centroids.
    pub history: &'a History,
    /// The number of points of each cluster.
    pub sizes: &'a [u64],
    /// The source of the points, if it must be named.
    pub attribution: Option<&'a str>,
}

/// A rectangle, in units of the picture.
#[derive(Clone, Copy, Debug)]
struct Area {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

/// The areas of the picture.
#[derive(Clone, Copy, Debug)]
struct Layout {
    height: f64,
    scatter: Area,
    errors: Area,
    legend: Area,
}

const WIDTH: f64 = 1080.0;
/// The space above the areas.
const HEAD: f64 = 64.0;
const FOOT: f64 = 76.0;

impl Layout {
    /// For a scatter plot with this ratio of height to width. A flat one is placed above the other
    /// areas instead of beside them.
    fn of(ratio: f64) -> Layout {
        let (left, top) = (72.0, HEAD);
        if ratio > 0.6 {
            let scatter = Area { left, top, width: 632.0, height: 500.0 };
            return Layout {
                height: HEAD + scatter.height + FOOT,
                scatter,
                errors: Area { left: 800.0, top, width: 248.0, height: 190.0 },
                legend: Area { left: 752.0, top: 318.0, width: 296.0, height: 246.0 },
            };
        }
        let width = WIDTH - left - 32.0;
        let scatter = Area { left, top, width, height: (width * ratio).max(160.0) };
        let below = top + scatter.height + 96.0;
        Layout {
            height: below + 240.0 + FOOT,
            scatter,
            errors: Area { left, top: below, width: 420.0, height: 224.0 },
            legend: Area { left: 560.0, top: below - 14.0, width: 488.0, height: 246.0 },
        }
    }
}

/// The colour of main text.
const INK: &str = "#1f2933";
/// The colour of secondary text.
const FAINT: &str = "#616e7c";
/// The colour of grid lines.
const GRID: &str = "#e4e7eb";

impl Plot<'_> {
    /// The picture as SVG.
    pub fn svg(&self) -> String {
        let scatter = Scatter::new(self);
        let layout = Layout::of(scatter.ratio());
        let mut document = Document::new(WIDTH, layout.height);
        document.text(layout.scatter.left, 34.0, 18.0, INK, "start", self.title);
        scatter.draw(self, layout.scatter, &mut document);
        error_chart::draw(self, layout.errors, &mut document);
        legend::draw(self, layout.legend, &mut document);
        let footer = self.footer();
        document.text(layout.scatter.left, layout.height - 14.0, 11.0, FAINT, "start", &footer);
        document.finish()
    }

    fn footer(&self) -> String {
        let (shown, all) = (self.sample.shown().len() as u64, self.sample.seen());
        let mut footer = match shown < all {
            true => format!("{} of {} points shown", scale::grouped(shown), scale::grouped(all)),
            false => format!("{} points", scale::grouped(all)),
        };
        let (drawn, centroids) = (scatter::MAX_CENTROIDS as u64, self.sizes.len() as u64);
        if drawn < centroids {
            let (drawn, centroids) = (scale::grouped(drawn), scale::grouped(centroids));
            footer += &format!(", {drawn} of {centroids} centroids");
        }
        if let Some(attribution) = self.attribution {
            footer += " · ";
            footer += attribution;
        }
        footer
    }
}
