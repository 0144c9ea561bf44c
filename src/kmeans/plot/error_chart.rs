//! The chart of the squared error of each iteration.

use super::document::{Document, OneDecimal, path};
use super::scale::{Scale, short_number};
use super::{Area, FAINT, GRID, INK, Plot, color};

/// If the errors differ by more than this factor, the axis is logarithmic.
const MAX_FACTOR: f64 = 30.0;

/// The most iterations that are drawn with dots.
const MAX_DOTS: usize = 40;

pub(super) fn draw(plot: &Plot<'_>, area: Area, document: &mut Document) {
    let Area { left, top, width, height } = area;
    document.text(left, top - 14.0, 12.0, INK, "start", "Squared error of each iteration");
    let errors = plot.history.squared_errors();
    let errors: Vec<(f64, f64)> = errors
        .into_iter()
        .map(|(iteration, error)| (iteration as f64, error))
        .filter(|(_, error)| error.is_finite())
        .collect();
    let (Some((first, _)), Some((last, _))) = (errors.first().copied(), errors.last().copied())
    else {
        return document.text(left, top + 18.0, 11.0, FAINT, "start", "none is known");
    };
    let low = errors.iter().fold(f64::INFINITY, |a, (_, error)| a.min(*error));
    let high = errors.iter().fold(f64::NEG_INFINITY, |a, (_, error)| a.max(*error));
    let y_range = [top + height, top];
    let y_scale = match low > 0.0 && high / low > MAX_FACTOR {
        true => Scale::logarithmic([low / 1.1, high * 1.1], y_range),
        false => {
            let margin = (high - low) * 0.05;
            Scale::linear([low - margin, high + margin], y_range)
        }
    };
    let x_scale = Scale::linear([first, last], [left, left + width]);
    for (y, label) in
        y_scale.ticks(5).into_iter().map(|error| (y_scale.position(error), short_number(error)))
    {
        document.line([left, y], [left + width, y], GRID);
        document.text(left - 8.0, y + 4.0, 11.0, FAINT, "end", &label);
    }
    let whole =
        x_scale.ticks(5).into_iter().filter(|x| x.fract() == 0.0 && *x >= first && *x <= last);
    for x in whole {
        document.text(
            x_scale.position(x),
            top + height + 18.0,
            11.0,
            FAINT,
            "middle",
            &short_number(x),
        );
    }
    document.text(left + width / 2.0, top + height + 36.0, 12.0, INK, "middle", "iteration");
    document.line([left, top + height], [left + width, top + height], "#9aa5b1");
    let positions =
        || errors.iter().map(|(x, error)| [x_scale.position(*x), y_scale.position(*error)]);
    let stroke = color::cluster(0);
    document.element(format_args!(
        "<path d=\"{}\" fill=\"none\" stroke=\"{stroke}\" stroke-width=\"1.8\" \
         stroke-linejoin=\"round\"/>",
        path(positions())
    ));
    if errors.len() <= MAX_DOTS {
        for [x, y] in positions().map(|position| position.map(OneDecimal)) {
            document.element(format_args!(
                "<circle cx=\"{x}\" cy=\"{y}\" r=\"2.6\" fill=\"{stroke}\"/>"
            ));
        }
    }
}
