//! The scatter plot of points, with the trajectories of the centroids.

use std::fmt::Write;

use super::document::{Document, OneDecimal, path};
use super::scale::{Scale, short_number};
use super::{Area, FAINT, GRID, INK, Plot, SamplePoint, color};
use crate::kmeans::Centroids;

/// Both axes have the same scale unless one range is more than this factor longer.
const MAX_STRETCH: f64 = 4.0;

/// The most centroids that are drawn: those with the most points.
pub(super) const MAX_CENTROIDS: usize = 1_000;

/// The projected points and trajectories.
pub(super) struct Scatter<'a> {
    shown: Vec<&'a SamplePoint>,
    positions: Vec<[f64; 2]>,
    trajectories: Vec<Trajectory>,
    clusters: usize,
    low: [f64; 2],
    high: [f64; 2],
    /// Whether both axes have the same scale.
    is_even: bool,
}

/// The positions of a centroid, first to last.
struct Trajectory {
    cluster: usize,
    positions: Vec<[f64; 2]>,
}

/// Maps positions to the area of the plot.
struct Canvas {
    x: Scale,
    y: Scale,
}

impl Canvas {
    fn position(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [self.x.position(x), self.y.position(y)]
    }
}

impl<'a> Scatter<'a> {
    pub(super) fn new(plot: &Plot<'a>) -> Scatter<'a> {
        let shown = plot.sample.shown();
        let position = |shown: &&SamplePoint| plot.axes.project(shown.number, &shown.point);
        let positions: Vec<[f64; 2]> = shown.iter().map(position).collect();
        let trajectories = trajectories(plot);
        let mut low = [f64::INFINITY; 2];
        let mut high = [f64::NEG_INFINITY; 2];
        for position in
            positions.iter().chain(trajectories.iter().flat_map(|trajectory| &trajectory.positions))
        {
            for axis in 0..2 {
                low[axis] = low[axis].min(position[axis]);
                high[axis] = high[axis].max(position[axis]);
            }
        }
        // A margin around the outermost points.
        for axis in 0..2 {
            let margin = (high[axis] / 2.0 - low[axis] / 2.0) * 0.06;
            (low[axis], high[axis]) = (low[axis] - margin, high[axis] + margin);
        }
        let spans = [0, 1].map(|axis| high[axis] / 2.0 - low[axis] / 2.0);
        let is_even = plot.axes.has_y()
            && spans[0].min(spans[1]) * MAX_STRETCH >= spans[0].max(spans[1])
            && spans[0] > 0.0;
        let clusters = plot.sizes.len();
        Scatter { shown, positions, trajectories, clusters, low, high, is_even }
    }

    /// The ratio of height to width that suits the points.
    pub(super) fn ratio(&self) -> f64 {
        let span = |axis: usize| self.high[axis] / 2.0 - self.low[axis] / 2.0;
        if self.is_even { span(1) / span(0) } else { 1.0 }
    }

    pub(super) fn draw(&self, plot: &Plot<'_>, area: Area, document: &mut Document) {
        let canvas = self.canvas(area);
        grid(plot, &canvas, area, document);
        let Area { left, top, width, height } = area;
        let [left, top, width, height] = [left, top, width, height].map(OneDecimal);
        document.element(format_args!(
            "<clipPath id=\"inside\"><rect x=\"{left}\" y=\"{top}\" width=\"{width}\" \
             height=\"{height}\"/></clipPath>"
        ));
        document.element(format_args!("<g clip-path=\"url(#inside)\">"));
        self.dots(&canvas, document);
        centroids(&self.trajectories, &canvas, document);
        document.element(format_args!("</g>"));
    }

    fn dots(&self, canvas: &Canvas, document: &mut Document) {
        let mut dots = vec![String::new(); self.clusters];
        for (shown, position) in self.shown.iter().zip(&self.positions) {
            let [x, y] = canvas.position(*position);
            if let Some(dots) = dots.get_mut(shown.label as usize) {
                // A very short line with round ends is a dot.
                let _ = write!(dots, "M{} {}h.01", OneDecimal(x), OneDecimal(y));
            }
        }
        let width = if self.shown.len() > 1_500 { 3.2 } else { 5.0 };
        for (cluster, dots) in dots.iter().enumerate().filter(|(_, dots)| !dots.is_empty()) {
            document.element(format_args!(
                "<path d=\"{dots}\" stroke=\"{}\" stroke-width=\"{width}\" \
                 stroke-linecap=\"round\" stroke-opacity=\"0.55\" fill=\"none\"/>",
                color::cluster(cluster)
            ));
        }
    }

    fn canvas(&self, area: Area) -> Canvas {
        let Area { left, top, width, height } = area;
        let mut spans = [0, 1].map(|axis| (self.high[axis] / 2.0 - self.low[axis] / 2.0) * 2.0);
        if self.is_even {
            let unit = (spans[0] / width).max(spans[1] / height);
            spans = [unit * width, unit * height];
        }
        let range = |axis: usize| {
            let middle = self.low[axis] / 2.0 + self.high[axis] / 2.0;
            [middle - spans[axis] / 2.0, middle + spans[axis] / 2.0]
        };
        Canvas {
            x: Scale::linear(range(0), [left, left + width]),
            y: Scale::linear(range(1), [top + height, top]),
        }
    }
}

/// The trajectories of the drawn centroids, by ascending index.
fn trajectories(plot: &Plot<'_>) -> Vec<Trajectory> {
    let steps = plot.history.centroids();
    let k = steps.last().map_or(0, |last| last.len());
    let mut drawn: Vec<usize> = (0..k).collect();
    if k > MAX_CENTROIDS {
        let size = |cluster: &usize| plot.sizes.get(*cluster).copied().unwrap_or(0);
        drawn.sort_by_key(|cluster| std::cmp::Reverse(size(cluster)));
        drawn.truncate(MAX_CENTROIDS);
        drawn.sort_unstable();
    }
    let trajectory = |cluster: usize| {
        let position =
            |all: &&Centroids| plot.axes.project(u64::MAX - cluster as u64, all.get(cluster));
        Trajectory { cluster, positions: steps.iter().map(position).collect() }
    };
    drawn.into_iter().map(trajectory).collect()
}

fn grid(plot: &Plot<'_>, canvas: &Canvas, area: Area, document: &mut Document) {
    let Area { left, top, width, height } = area;
    let [x_name, y_name] = plot.axes.names();
    let ticks = canvas.x.ticks(7).into_iter().map(|x| (canvas.x.position(x), short_number(x)));
    for (x, label) in ticks {
        document.line([x, top], [x, top + height], GRID);
        document.text(x, top + height + 18.0, 11.0, FAINT, "middle", &label);
    }
    if plot.axes.has_y() {
        for (y, label) in
            canvas.y.ticks(6).into_iter().map(|y| (canvas.y.position(y), short_number(y)))
        {
            document.line([left, y], [left + width, y], GRID);
            document.text(left - 8.0, y + 4.0, 11.0, FAINT, "end", &label);
        }
        document.vertical_text(16.0, top + height / 2.0, 12.0, INK, y_name);
    }
    document.text(left + width / 2.0, top + height + 38.0, 12.0, INK, "middle", x_name);
    document.line([left, top + height], [left + width, top + height], "#9aa5b1");
}

fn centroids(trajectories: &[Trajectory], canvas: &Canvas, document: &mut Document) {
    let (radius, width) = match trajectories.len() {
        ..=30 => (5.5, 1.4),
        31..=200 => (3.5, 0.9),
        _ => (1.8, 0.5),
    };
    for trajectory in trajectories.iter().filter(|trajectory| trajectory.positions.len() > 1) {
        let line = path(trajectory.positions.iter().map(|position| canvas.position(*position)));
        let halo = width + 2.0;
        document.element(format_args!(
            "<path d=\"{line}\" fill=\"none\" stroke=\"#ffffff\" stroke-opacity=\"0.75\" \
             stroke-width=\"{halo}\" stroke-linejoin=\"round\"/>"
        ));
        document.element(format_args!(
            "<path d=\"{line}\" fill=\"none\" stroke=\"{INK}\" stroke-width=\"{width}\" \
             stroke-linejoin=\"round\"/>"
        ));
    }
    for trajectory in trajectories.iter().filter(|trajectory| trajectory.positions.len() > 1) {
        if let Some(first) = trajectory.positions.first() {
            let [x, y] = canvas.position(*first).map(OneDecimal);
            document.element(format_args!(
                "<circle cx=\"{x}\" cy=\"{y}\" r=\"{}\" fill=\"#ffffff\" stroke=\"{INK}\"/>",
                radius / 2.0
            ));
        }
    }
    for trajectory in trajectories {
        if let Some(last) = trajectory.positions.last() {
            let [x, y] = canvas.position(*last).map(OneDecimal);
            document.element(format_args!(
                "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" fill=\"{}\" stroke=\"{INK}\" \
                 stroke-width=\"{width}\"/>",
                color::cluster(trajectory.cluster)
            ));
        }
    }
}
