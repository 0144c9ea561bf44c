//! The text formats: Prometheus' text format 0.0.4, and OpenMetrics 1.0.
//!
//! They differ in the lines about a family: OpenMetrics names a counter without `_total`, knows a type
//! for labels alone, declares units, and ends with `# EOF`.

use std::fmt::{self, Write};

use super::family::{Family, Kind};
use super::instrument::{BOUNDS, HistogramSnapshot};

/// A text format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' text format, version 0.0.4.
    Prometheus,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    /// The format for a request with this field `accept` (RFC 9110 section 12.5.1): OpenMetrics if the
    /// client wants its version 1 at least as much as plain text.
    pub fn from_accept(accept: &str) -> Format {
        let (mut open_metrics, mut text) = (0.0, 0.0_f64);
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let media_type = parts.next().unwrap_or_default();
            let (mut quality, mut is_version_1) = (1.0, true);
            for parameter in parts {
                match parameter.split_once('=') {
                    Some(("q" | "Q", value)) => quality = value.parse().unwrap_or(0.0),
                    Some(("version", value)) => is_version_1 = value.starts_with("1."),
                    _ => (),
                }
            }
            if media_type.eq_ignore_ascii_case("application/openmetrics-text") {
                open_metrics = if is_version_1 { quality } else { open_metrics };
            } else if media_type.eq_ignore_ascii_case("text/plain") {
                text = text.max(quality);
            }
        }
        match open_metrics > 0.0 && open_metrics >= text {
            true => Format::OpenMetrics,
            false => Format::Prometheus,
        }
    }

    /// The field `content-type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Format::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// The value of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A whole number.
    Integer(u64),
    /// A number with a fraction.
    Float(f64),
}

impl From<u64> for Value {
    fn from(value: u64) -> Value {
        Value::Integer(value)
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Value {
        Value::Integer(value as u64)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Integer(value.into())
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Value {
        Value::Float(value)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Value::Integer(value) => write!(f, "{value}"),
            Value::Float(value) if value.is_nan() => f.write_str("NaN"),
            Value::Float(f64::INFINITY) => f.write_str("+Inf"),
            Value::Float(f64::NEG_INFINITY) => f.write_str("-Inf"),
            Value::Float(value) => write!(f, "{value}"),
        }
    }
}

/// The text of a scrape while it is written.
pub struct Exposition {
    format: Format,
    text: String,
}

impl Exposition {
    /// An empty text, with memory for `capacity` bytes.
    pub fn new(format: Format, capacity: usize) -> Exposition {
        Exposition { format, text: String::with_capacity(capacity) }
    }

    /// Begins a family, whose samples must follow before the next one begins.
    pub fn family(&mut self, family: &Family) -> Samples<'_> {
        let is_open_metrics = self.format == Format::OpenMetrics;
        let (name, kind) = match (is_open_metrics, family.kind) {
            (true, Kind::Info) => (family.base_name(), "info"),
            (false, Kind::Info) => (family.name, "gauge"),
            (true, Kind::Counter) => (family.base_name(), "counter"),
            (false, Kind::Counter) => (family.name, "counter"),
            (_, Kind::Gauge) => (family.name, "gauge"),
            (_, Kind::Histogram) => (family.name, "histogram"),
        };
        self.push(&["# HELP ", name, " "]);
        // OpenMetrics escapes quotation marks here as well; Prometheus' format does not know that.
        self.push_escaped(family.help, is_open_metrics);
        self.push(&["\n# TYPE ", name, " ", kind, "\n"]);
        if is_open_metrics && let Some(unit) = family.unit() {
            self.push(&["# UNIT ", name, " ", unit, "\n"]);
        }
        Samples { name: family.name, labels: family.labels, exposition: self }
    }

    /// The whole text.
    pub fn finish(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        self.text
    }

    fn push(&mut self, parts: &[&str]) {
        parts.iter().for_each(|part| self.text.push_str(part));
    }

    fn push_escaped(&mut self, text: &str, escapes_quotes: bool) {
        for character in text.chars() {
            match character {
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                '"' if escapes_quotes => self.text.push_str("\\\""),
                character => self.text.push(character),
            }
        }
    }

    /// Writes a sample: its name, its labels, and `le` where it is a histogram's bucket.
    fn push_sample(
        &mut self,
        name: [&str; 2],
        labels: (&[&str], &[&str]),
        le: Option<&str>,
        value: Value,
    ) {
        self.push(&name);
        let mut separator = "{";
        for (label, value) in labels.0.iter().zip(labels.1) {
            self.push(&[separator, label, "=\""]);
            self.push_escaped(value, true);
            self.text.push('"');
            separator = ",";
        }
        if let Some(le) = le {
            self.push(&[separator, "le=\"", le, "\""]);
            separator = ",";
        }
        // Writing to a String does not fail.
        let _ = match separator {
            "{" => writeln!(self.text, " {value}"),
            _ => writeln!(self.text, "}} {value}"),
        };
    }
}

/// Writes the samples of one family.
pub struct Samples<'a> {
    name: &'static str,
    labels: &'static [&'static str],
    exposition: &'a mut Exposition,
}

impl Samples<'_> {
    /// A sample of a counter, a gauge or an info. `labels` are the values of the family's labels, in
    /// their order.
    pub fn value(&mut self, labels: &[&str], value: impl Into<Value>) -> &mut Self {
        debug_assert_eq!(labels.len(), self.labels.len(), "{}", self.name);
        self.exposition.push_sample([self.name, ""], (self.labels, labels), None, value.into());
        self
    }

    /// The samples of a histogram.
    pub fn histogram(&mut self, labels: &[&str], snapshot: &HistogramSnapshot) -> &mut Self {
        debug_assert_eq!(labels.len(), self.labels.len(), "{}", self.name);
        let labels = (self.labels, labels);
        let mut count = 0;
        let bounds = BOUNDS.iter().map(|bound| bound.seconds).chain(["+Inf"]);
        for (bucket, le) in snapshot.buckets.iter().zip(bounds) {
            count += bucket;
            let name = [self.name, "_bucket"];
            self.exposition.push_sample(name, labels, Some(le), Value::Integer(count));
        }
        let sum = Value::Float(snapshot.sum_ns as f64 / 1e9);
        self.exposition.push_sample([self.name, "_sum"], labels, None, sum);
        self.exposition.push_sample([self.name, "_count"], labels, None, Value::Integer(count));
        self
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::metrics::Histogram;

    const CALLS: Family = Family::counter("calls_total", &["method"], "Calls \\ \"all\"\nof them");
    const SIZE: Family = Family::gauge("size_bytes", &[], "The size");
    const BUILD: Family = Family::info("build_info", &["version"], "The version");
    const LATENCY: Family = Family::histogram("latency_seconds", &["a"], "How long");

    fn written(format: Format) -> String {
        let mut exposition = Exposition::new(format, 0);
        exposition.family(&CALLS).value(&["a\"\\\nb"], 3_u64).value(&["c"], u64::MAX);
        exposition.family(&SIZE).value(&[], 0.5);
        exposition.family(&BUILD).value(&["1"], 1_u64);
        exposition.finish()
    }

    #[test]
    fn prometheus_text_is_escaped_and_names_counters_in_full() {
        assert_eq!(
            written(Format::Prometheus),
            "# HELP calls_total Calls \\\\ \"all\"\\nof them\n\
             # TYPE calls_total counter\n\
             calls_total{method=\"a\\\"\\\\\\nb\"} 3\n\
             calls_total{method=\"c\"} 18446744073709551615\n\
             # HELP size_bytes The size\n\
             # TYPE size_bytes gauge\n\
             size_bytes 0.5\n\
             # HELP build_info The version\n\
             # TYPE build_info gauge\n\
             build_info{version=\"1\"} 1\n"
        );
    }

    #[test]
    fn openmetrics_has_base_names_units_and_an_end() {
        assert_eq!(
            written(Format::OpenMetrics),
            "# HELP calls Calls \\\\ \\\"all\\\"\\nof them\n\
             # TYPE calls counter\n\
             calls_total{method=\"a\\\"\\\\\\nb\"} 3\n\
             calls_total{method=\"c\"} 18446744073709551615\n\
             # HELP size_bytes The size\n\
             # TYPE size_bytes gauge\n\
             # UNIT size_bytes bytes\n\
             size_bytes 0.5\n\
             # HELP build The version\n\
             # TYPE build info\n\
             build_info{version=\"1\"} 1\n\
             # EOF\n"
        );
    }

    #[test]
    fn the_buckets_of_a_histogram_are_cumulative_and_end_with_the_count() {
        let histogram = Histogram::default();
        histogram.observe(Duration::from_micros(20));
        histogram.observe(Duration::from_millis(1));
        histogram.observe(Duration::from_secs(20));
        let mut exposition = Exposition::new(Format::Prometheus, 0);
        exposition.family(&LATENCY).histogram(&["x"], &histogram.snapshot());
        let text = exposition.finish();
        let value = |prefix: &str| {
            let line = text.lines().find(|line| line.starts_with(prefix)).unwrap();
            line.rsplit_once(' ').unwrap().1.to_owned()
        };
        assert_eq!(value("latency_seconds_bucket{a=\"x\",le=\"0.00001\"}"), "0");
        assert_eq!(value("latency_seconds_bucket{a=\"x\",le=\"0.000025\"}"), "1");
        assert_eq!(value("latency_seconds_bucket{a=\"x\",le=\"0.001\"}"), "2");
        assert_eq!(value("latency_seconds_bucket{a=\"x\",le=\"10.0\"}"), "2");
        assert_eq!(value("latency_seconds_bucket{a=\"x\",le=\"+Inf\"}"), "3");
        assert_eq!(value("latency_seconds_sum{a=\"x\"}"), "20.00102");
        assert_eq!(value("latency_seconds_count{a=\"x\"}"), "3");
        assert_eq!(text.lines().count(), 2 + 19 + 2);
    }

    #[test]
    fn special_values_have_the_names_of_the_formats() {
        let shown = |value: f64| Value::from(value).to_string();
        assert_eq!(shown(f64::NAN), "NaN");
        assert_eq!(shown(f64::INFINITY), "+Inf");
        assert_eq!(shown(f64::NEG_INFINITY), "-Inf");
        assert_eq!(shown(-1.5e-7), "-0.00000015");
        assert_eq!(Value::from(true).to_string(), "1");
        assert_eq!(Value::from(7_usize).to_string(), "7");
    }

    #[test]
    fn openmetrics_is_sent_to_who_prefers_it() {
        let prometheus = "application/openmetrics-text;version=1.0.0,\
            application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        for accept in [
            prometheus,
            "application/openmetrics-text",
            "Application/OpenMetrics-Text; version=1.0.0; q=0.5, text/plain;q=0.5",
        ] {
            assert_eq!(Format::from_accept(accept), Format::OpenMetrics, "{accept}");
        }
        for accept in [
            "",
            "*/*",
            "text/html,application/xhtml+xml,*/*;q=0.8",
            "text/plain;version=0.0.4",
            "application/openmetrics-text;version=0.0.1",
            "application/openmetrics-text;version=2.0.0",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;q=x",
            "application/openmetrics-text;q=0.4,text/plain;q=0.5",
        ] {
            assert_eq!(Format::from_accept(accept), Format::Prometheus, "{accept}");
        }
    }
}
