//! Families of metrics, and Prometheus' rules for their names.

/// The type of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A count that only grows; its name ends in `_total`.
    Counter,
    /// A value that goes up and down.
    Gauge,
    /// Durations in [`BOUNDS`](super::BOUNDS); its name ends in `_seconds`.
    Histogram,
    /// Labels alone, with the value 1; its name ends in `_info`.
    Info,
}

/// A family: what its samples have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// The name in Prometheus' text format, with the unit and the suffix of the type.
    pub name: &'static str,
    /// The type.
    pub kind: Kind,
    /// A sentence for people, without a full stop.
    pub help: &'static str,
    /// The names of the labels that every sample has, in this order.
    pub labels: &'static [&'static str],
}

/// Suffixes that the samples of a histogram or a summary have, or that mean a type.
const RESERVED: [&str; 6] = ["_total", "_info", "_count", "_sum", "_bucket", "_created"];

/// The units that names end in.
const UNITS: [&str; 3] = ["seconds", "bytes", "ratio"];

impl Family {
    /// A counter.
    pub const fn counter(
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> Family {
        Family { name, kind: Kind::Counter, help, labels }
    }

    /// A gauge.
    pub const fn gauge(
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> Family {
        Family { name, kind: Kind::Gauge, help, labels }
    }

    /// A histogram of durations.
    pub const fn histogram(
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> Family {
        Family { name, kind: Kind::Histogram, help, labels }
    }

    /// Labels alone.
    pub const fn info(
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> Family {
        Family { name, kind: Kind::Info, help, labels }
    }

    /// The name of the family in OpenMetrics: without the suffix of the type, which only its samples
    /// have.
    pub(super) fn base_name(&self) -> &'static str {
        let suffix = match self.kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Histogram => "",
        };
        self.name.strip_suffix(suffix).unwrap_or(self.name)
    }

    /// The unit, which OpenMetrics declares.
    pub(super) fn unit(&self) -> Option<&'static str> {
        let is_unit = |unit: &&&str| {
            self.base_name().strip_suffix(**unit).is_some_and(|rest| rest.ends_with('_'))
        };
        UNITS.iter().find(is_unit).copied()
    }

    /// What violates the formats or Prometheus' naming conventions; `None` for a good family.
    pub fn problem(&self) -> Option<String> {
        let Family { name, kind, help, labels } = *self;
        let suffix = match kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Histogram => "_seconds",
            Kind::Gauge => "",
        };
        let base = self.base_name();
        let label = labels.iter().find(|label| {
            !is_name(label) || label.starts_with("__") || **label == "le" || **label == "quantile"
        });
        if !is_name(name) {
            Some(format!("{name:?} is no name of a metric"))
        } else if !name.ends_with(suffix) {
            Some(format!("{name} does not end in {suffix}"))
        } else if RESERVED.iter().any(|reserved| base.ends_with(reserved)) {
            Some(format!("{name} has a suffix that is reserved for another type"))
        } else if let Some(label) = label {
            Some(format!("{name} has a label {label:?}, which is no name or is reserved"))
        } else if help.is_empty() || help.ends_with('.') {
            Some(format!("the help of {name} is empty or ends with a full stop"))
        } else {
            None
        }
    }
}

/// Whether the text may be the name of a metric without a colon, or of a label.
fn is_name(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !text.is_empty()
        && !text.starts_with(|first: char| first.is_ascii_digit())
        && text.bytes().all(is_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_name_and_the_unit_follow_from_the_name() {
        let cases = [
            (Family::counter("a_total", &[], "A"), "a", None),
            (Family::counter("a_bytes_total", &[], "A"), "a_bytes", Some("bytes")),
            (Family::gauge("a_seconds", &[], "A"), "a_seconds", Some("seconds")),
            (Family::gauge("seconds", &[], "A"), "seconds", None),
            (Family::histogram("a_seconds", &[], "A"), "a_seconds", Some("seconds")),
            (Family::info("a_info", &["b"], "A"), "a", None),
        ];
        for (family, base, unit) in cases {
            assert_eq!((family.base_name(), family.unit()), (base, unit), "{}", family.name);
            assert_eq!(family.problem(), None, "{}", family.name);
        }
    }

    #[test]
    fn names_that_prometheus_would_complain_of_are_found() {
        for family in [
            Family::counter("a", &[], "A"),
            Family::counter("a_count_total", &[], "A"),
            Family::gauge("a_total", &[], "A"),
            Family::gauge("1a", &[], "A"),
            Family::gauge("a-b", &[], "A"),
            Family::gauge("", &[], "A"),
            Family::histogram("a", &[], "A"),
            Family::info("a", &[], "A"),
            Family::gauge("a", &["b-c"], "A"),
            Family::gauge("a", &["__a"], "A"),
            Family::gauge("a", &["le"], "A"),
            Family::gauge("a", &[], ""),
            Family::gauge("a", &[], "A."),
        ] {
            assert!(family.problem().is_some(), "{family:?}");
        }
    }
}
