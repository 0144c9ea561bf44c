//! Writes SVG as text.

use std::fmt::Write;

/// A picture under construction.
pub(super) struct Document {
    text: String,
}

impl Document {
    /// An empty white picture.
    pub(super) fn new(width: f64, height: f64) -> Document {
        let mut document = Document { text: String::new() };
        let (width, height) = (OneDecimal(width), OneDecimal(height));
        document.element(format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"system-ui, -apple-system, 'Segoe UI', \
             Roboto, 'Helvetica Neue', 'DejaVu Sans', sans-serif\">"
        ));
        document.element(format_args!("<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>"));
        document
    }

    /// Appends a line to the document, unescaped.
    pub(super) fn element(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "{element}");
    }

    /// Appends text; `anchor` tells whether its start, middle or end is at the position.
    pub(super) fn text(
        &mut self,
        x: f64,
        y: f64,
        size: f64,
        color: &str,
        anchor: &str,
        text: &str,
    ) {
        let text = escaped(text);
        let (x, y) = (OneDecimal(x), OneDecimal(y));
        self.element(format_args!(
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" fill=\"{color}\" \
             text-anchor=\"{anchor}\">{text}</text>"
        ));
    }

    /// Appends text rotated by 90 degrees, with its middle at the position.
    pub(super) fn vertical_text(&mut self, x: f64, y: f64, size: f64, color: &str, text: &str) {
        let text = escaped(text);
        let (x, y) = (OneDecimal(x), OneDecimal(y));
        self.element(format_args!(
            "<text transform=\"translate({x} {y}) rotate(-90)\" font-size=\"{size}\" \
             fill=\"{color}\" text-anchor=\"middle\">{text}</text>"
        ));
    }

    /// Appends a straight line.
    pub(super) fn line(&mut self, from: [f64; 2], to: [f64; 2], color: &str) {
        let ([x1, y1], [x2, y2]) = (from.map(OneDecimal), to.map(OneDecimal));
        self.element(format_args!(
            "<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" stroke=\"{color}\"/>"
        ));
    }

    /// The text of the document.
    pub(super) fn finish(mut self) -> String {
        self.text.push_str("</svg>\n");
        self.text
    }
}

/// A number, written with at most one decimal.
pub(super) struct OneDecimal(pub(super) f64);

impl std::fmt::Display for OneDecimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tenths = (self.0 * 10.0).round() / 10.0 + 0.0;
        write!(f, "{tenths}")
    }
}

/// The path data of a line through positions.
pub(super) fn path(positions: impl IntoIterator<Item = [f64; 2]>) -> String {
    let mut text = String::new();
    for (index, [x, y]) in positions.into_iter().enumerate() {
        let command = if index == 0 { 'M' } else { 'L' };
        let _ = write!(text, "{command}{} {}", OneDecimal(x), OneDecimal(y));
    }
    text
}

/// Escapes text for XML and replaces characters that XML does not allow.
fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            c if c.is_control() || c == '\u{fffe}' || c == '\u{ffff}' => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_end_its_element() {
        assert_eq!(escaped("<a href=\"x\">&\u{0}\n"), "&lt;a href=&quot;x&quot;&gt;&amp;  ");
    }

    #[test]
    fn numbers_have_one_digit_at_most() {
        let text = |x| OneDecimal(x).to_string();
        assert_eq!([1.0, 1.25, -0.04, 1e3].map(text), ["1", "1.3", "0", "1000"]);
    }
}
