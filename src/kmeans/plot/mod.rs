//! A picture of a clustering, as SVG 1.1.
//!
//! Left are points in the colours of their clusters, with the trajectories of the centroids from where they
//! began (small rings) to where they are; right is the squared error of each iteration, and how many
//! points the clusters have. Points of two coordinates lie as they are, of more on their first two
//! principal axes ([`Axes`]); of many points some are shown ([`Sample`]).
//!
//! The same clustering gives the same text: nothing depends on a clock, on chance or on how the
//! input was split.

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

/// What is to be drawn.
#[derive(Clone, Debug)]
pub struct Plot<'a> {
    /// What it is a picture of.
    pub title: &'a str,
    /// Points and their clusters.
    pub sample: &'a Sample,
    /// Where points are put.
    pub axes: &'a Axes,
    /// The centroids at first and after each iteration, and the errors of those. There is one position
    /// of the centroids at least.
    pub history: &'a History,
    /// How many points each cluster has.
    pub sizes: &'a [u64],
    /// Where the points are from, if that must be said.
    pub attribution: Option<&'a str>,
}

/// A rectangle of the picture, in its units.
#[derive(Clone, Copy, Debug)]
struct Area {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

/// Where everything is.
#[derive(Clone, Copy, Debug)]
struct Layout {
    height: f64,
    scatter: Area,
    errors: Area,
    legend: Area,
}

const WIDTH: f64 = 1080.0;
/// Above and below the areas.
const HEAD: f64 = 64.0;
const FOOT: f64 = 76.0;

impl Layout {
    /// For points that spread so much more upward than to the right. Where that is little, the
    /// points are above all else instead of beside it.
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

/// Dark, for what is read.
const INK: &str = "#1f2933";
/// For what is read second.
const FAINT: &str = "#616e7c";
/// For lines behind everything.
const GRID: &str = "#e4e7eb";

impl Plot<'_> {
    /// The picture.
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
