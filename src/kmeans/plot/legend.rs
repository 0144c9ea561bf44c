//! The legend: the number of points of each cluster.

use super::document::Document;
use super::scale::grouped;
use super::{Area, FAINT, INK, Plot, color};

/// The rows of a column.
const ROWS: usize = 10;
const COLUMNS: usize = 3;

pub(super) fn draw(plot: &Plot<'_>, area: Area, document: &mut Document) {
    let Area { left, top, width, height } = area;
    let all = plot.sizes.len();
    let shown = all.min(ROWS * COLUMNS);
    // The clusters with the most points, if there is no space for all.
    let mut clusters: Vec<usize> = (0..all).collect();
    if shown < all {
        clusters.sort_by_key(|cluster| std::cmp::Reverse(plot.sizes[*cluster]));
    }
    let title = match shown < all {
        true => format!("Points of the largest {shown} of {} clusters", grouped(all as u64)),
        false => "Points of each cluster".into(),
    };
    document.text(left, top, 12.0, INK, "start", &title);
    let columns = shown.div_ceil(ROWS).max(1);
    let column_width = (width / columns.max(2) as f64).min(156.0);
    let row_height = (height - 20.0) / ROWS as f64;
    for (position, cluster) in clusters.iter().take(shown).enumerate() {
        let x = left + (position / ROWS) as f64 * column_width;
        let y = top + 24.0 + (position % ROWS) as f64 * row_height;
        document.element(format_args!(
            "<circle cx=\"{}\" cy=\"{}\" r=\"5\" fill=\"{}\"/>",
            x + 5.0,
            y - 4.0,
            color::cluster(*cluster)
        ));
        document.text(x + 18.0, y, 11.5, INK, "start", &format!("{cluster}"));
        let size = grouped(plot.sizes[*cluster]);
        document.text(x + column_width - 18.0, y, 11.5, FAINT, "end", &size);
    }
}
