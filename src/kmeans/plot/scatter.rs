//! The points, and the ways of the centroids.

use std::fmt::Write;

use super::document::{Document, Short, path};
use super::scale::{Scale, short};
use super::{Area, FAINT, GRID, INK, Plot, Shown, color};
use crate::kmeans::Centroids;

/// Both axes have the same scale, as distances have, if neither is so many times longer.
const MAX_STRETCH: f64 = 4.0;

/// Centroids that are drawn, those with the most points.
pub(super) const MAX_CENTROIDS: usize = 1_000;

/// The points and the ways of the centroids, put on their axes.
pub(super) struct Scatter<'a> {
    shown: Vec<&'a Shown>,
    places: Vec<[f64; 2]>,
    ways: Vec<Way>,
    clusters: usize,
    low: [f64; 2],
    high: [f64; 2],
    /// Whether both axes have the same scale.
    is_even: bool,
}

/// The places of a centroid, first to last.
struct Way {
    cluster: usize,
    places: Vec<[f64; 2]>,
}

/// From places to the paper.
struct Paper {
    right: Scale,
    up: Scale,
}

impl Paper {
    fn on(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [self.right.place(x), self.up.place(y)]
    }
}

impl<'a> Scatter<'a> {
    pub(super) fn new(plot: &Plot<'a>) -> Scatter<'a> {
        let shown = plot.sample.shown();
        let place = |shown: &&Shown| plot.axes.place(shown.number, &shown.point);
        let places: Vec<[f64; 2]> = shown.iter().map(place).collect();
        let ways = ways(plot);
        let mut low = [f64::INFINITY; 2];
        let mut high = [f64::NEG_INFINITY; 2];
        for place in places.iter().chain(ways.iter().flat_map(|way| &way.places)) {
            for axis in 0..2 {
                low[axis] = low[axis].min(place[axis]);
                high[axis] = high[axis].max(place[axis]);
            }
        }
        // Room around the outermost points.
        for axis in 0..2 {
            let room = (high[axis] / 2.0 - low[axis] / 2.0) * 0.06;
            (low[axis], high[axis]) = (low[axis] - room, high[axis] + room);
        }
        let spans = [0, 1].map(|axis| high[axis] / 2.0 - low[axis] / 2.0);
        let is_even = plot.axes.has_up()
            && spans[0].min(spans[1]) * MAX_STRETCH >= spans[0].max(spans[1])
            && spans[0] > 0.0;
        let clusters = plot.sizes.len();
        Scatter { shown, places, ways, clusters, low, high, is_even }
    }

    /// Height by width of the area that suits the points.
    pub(super) fn ratio(&self) -> f64 {
        let span = |axis: usize| self.high[axis] / 2.0 - self.low[axis] / 2.0;
        if self.is_even { span(1) / span(0) } else { 1.0 }
    }

    pub(super) fn draw(&self, plot: &Plot<'_>, area: Area, document: &mut Document) {
        let paper = self.paper(area);
        grid(plot, &paper, area, document);
        let Area { left, top, width, height } = area;
        let [left, top, width, height] = [left, top, width, height].map(Short);
        document.element(format_args!(
            "<clipPath id=\"inside\"><rect x=\"{left}\" y=\"{top}\" width=\"{width}\" \
             height=\"{height}\"/></clipPath>"
        ));
        document.element(format_args!("<g clip-path=\"url(#inside)\">"));
        self.dots(&paper, document);
        centroids(&self.ways, &paper, document);
        document.element(format_args!("</g>"));
    }

    fn dots(&self, paper: &Paper, document: &mut Document) {
        let mut dots = vec![String::new(); self.clusters];
        for (shown, place) in self.shown.iter().zip(&self.places) {
            let [x, y] = paper.on(*place);
            if let Some(dots) = dots.get_mut(shown.label as usize) {
                // A line of no length to speak of, with round ends, is a dot.
                let _ = write!(dots, "M{} {}h.01", Short(x), Short(y));
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

    fn paper(&self, area: Area) -> Paper {
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
        Paper {
            right: Scale::linear(range(0), [left, left + width]),
            up: Scale::linear(range(1), [top + height, top]),
        }
    }
}

/// The ways of the centroids that are drawn, by rising index.
fn ways(plot: &Plot<'_>) -> Vec<Way> {
    let steps = plot.history.centroids();
    let k = steps.last().map_or(0, |last| last.len());
    let mut drawn: Vec<usize> = (0..k).collect();
    if k > MAX_CENTROIDS {
        let size = |cluster: &usize| plot.sizes.get(*cluster).copied().unwrap_or(0);
        drawn.sort_by_key(|cluster| std::cmp::Reverse(size(cluster)));
        drawn.truncate(MAX_CENTROIDS);
        drawn.sort_unstable();
    }
    let way = |cluster: usize| {
        let place = |all: &&Centroids| plot.axes.place(u64::MAX - cluster as u64, all.get(cluster));
        Way { cluster, places: steps.iter().map(place).collect() }
    };
    drawn.into_iter().map(way).collect()
}

fn grid(plot: &Plot<'_>, paper: &Paper, area: Area, document: &mut Document) {
    let Area { left, top, width, height } = area;
    let [right_name, up_name] = plot.axes.names();
    let ticks = paper.right.ticks(7).into_iter().map(|x| (paper.right.place(x), short(x)));
    for (x, label) in ticks {
        document.line([x, top], [x, top + height], GRID);
        document.text(x, top + height + 18.0, 11.0, FAINT, "middle", &label);
    }
    if plot.axes.has_up() {
        for (y, label) in paper.up.ticks(6).into_iter().map(|y| (paper.up.place(y), short(y))) {
            document.line([left, y], [left + width, y], GRID);
            document.text(left - 8.0, y + 4.0, 11.0, FAINT, "end", &label);
        }
        document.upward(16.0, top + height / 2.0, 12.0, INK, up_name);
    }
    document.text(left + width / 2.0, top + height + 38.0, 12.0, INK, "middle", right_name);
    document.line([left, top + height], [left + width, top + height], "#9aa5b1");
}

fn centroids(ways: &[Way], paper: &Paper, document: &mut Document) {
    let (radius, width) = match ways.len() {
        ..=30 => (5.5, 1.4),
        31..=200 => (3.5, 0.9),
        _ => (1.8, 0.5),
    };
    for way in ways.iter().filter(|way| way.places.len() > 1) {
        let line = path(way.places.iter().map(|place| paper.on(*place)));
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
    for way in ways.iter().filter(|way| way.places.len() > 1) {
        if let Some(first) = way.places.first() {
            let [x, y] = paper.on(*first).map(Short);
            document.element(format_args!(
                "<circle cx=\"{x}\" cy=\"{y}\" r=\"{}\" fill=\"#ffffff\" stroke=\"{INK}\"/>",
                radius / 2.0
            ));
        }
    }
    for way in ways {
        if let Some(last) = way.places.last() {
            let [x, y] = paper.on(*last).map(Short);
            document.element(format_args!(
                "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" fill=\"{}\" stroke=\"{INK}\" \
                 stroke-width=\"{width}\"/>",
                color::cluster(way.cluster)
            ));
        }
    }
}
