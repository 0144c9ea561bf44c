//! Tests of the whole module. `rules_*.rs` go through `schemas/native-envelope.md` rule by
//! rule, `transcripts.rs` holds conversations to read, `limits.rs` crosses every limit, `hostile.rs`
//! damages conversations, `round_trip.rs` joins both roles over random fragments.

mod hostile;
mod limits;
mod one_side;
mod pair;
mod round_trip;
mod rules_calls;
mod rules_connection;
mod rules_credit;
mod speed;
mod transcripts;
mod wire;

use std::time::Duration;

use crate::call::{CallId, CallStart, ClientSink, Limits, Metadata, ServerSink, Status};

/// The events of an application, one per line.
#[derive(Default)]
struct Events {
    lines: Vec<String>,
}

impl Events {
    fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines)
    }

    fn note(&mut self, line: String) {
        self.lines.push(line);
    }
}

/// Bytes in quotes, or their number if they are many.
fn shown(bytes: &[u8]) -> String {
    if bytes.len() > 40 {
        return format!("<{} bytes>", bytes.len());
    }
    format!("\"{}\"", bytes.escape_ascii())
}

fn shown_metadata(metadata: &Metadata) -> String {
    if metadata.is_empty() { String::new() } else { format!(" {metadata:?}") }
}

fn shown_status(status: &Status) -> String {
    format!("{status}{}", shown_metadata(&status.metadata))
}

impl ServerSink for Events {
    fn call(&mut self, start: CallStart<'_>) {
        let timeout = start.timeout.map(|timeout| format!(" within {timeout:?}"));
        self.note(format!(
            "call {} {}{}{}",
            start.call.0,
            start.path,
            timeout.unwrap_or_default(),
            shown_metadata(start.metadata)
        ));
    }

    fn message(&mut self, call: CallId, message: &[u8], last: bool) {
        let last = if last { " last" } else { "" };
        self.note(format!("message {}{last} {}", call.0, shown(message)));
    }

    fn half_close(&mut self, call: CallId) {
        self.note(format!("half-close {}", call.0));
    }

    fn cancelled(&mut self, call: CallId, status: Status) {
        self.note(format!("cancelled {} {}", call.0, shown_status(&status)));
    }

    fn writable(&mut self, call: CallId) {
        self.note(format!("writable {}", call.0));
    }
}

impl ClientSink for Events {
    fn headers(&mut self, call: CallId, metadata: &Metadata) {
        self.note(format!("headers {}{}", call.0, shown_metadata(metadata)));
    }

    fn message(&mut self, call: CallId, message: &[u8]) {
        self.note(format!("message {} {}", call.0, shown(message)));
    }

    fn finished(&mut self, call: CallId, status: Status, retriable: bool) {
        let retriable = if retriable { " (retriable)" } else { "" };
        self.note(format!("finished {} {}{retriable}", call.0, shown_status(&status)));
    }

    fn writable(&mut self, call: CallId) {
        self.note(format!("writable {}", call.0));
    }
}

fn without_ping_limit(limits: &Limits) -> Limits {
    Limits { min_ping_interval: Duration::ZERO, ..limits.clone() }
}

/// The least windows that the protocol knows, so that credit runs out early.
fn tight() -> Limits {
    Limits {
        call_window_bytes: 65_536,
        connection_window_bytes: 2 * 65_536,
        send_low_water_bytes: 1000,
        send_high_water_bytes: 4000,
        ..Limits::DEFAULT
    }
}

fn metadata(pairs: &[(&str, &[u8])]) -> Metadata {
    let mut metadata = Metadata::new();
    for (name, value) in pairs {
        metadata.insert(name, value).unwrap();
    }
    metadata
}

const START: Duration = Duration::from_secs(1000);

/// Every rule of the schema is named by a test, and no test names one that is not there.
#[test]
fn every_rule_of_the_schema_has_its_test() {
    let schema = include_str!("../../../schemas/native-envelope.md");
    let tests = [
        include_str!("rules_connection.rs"),
        include_str!("rules_calls.rs"),
        include_str!("rules_credit.rs"),
        include_str!("limits.rs"),
        include_str!("transcripts.rs"),
    ];
    let stated: Vec<&str> = schema
        .lines()
        .filter_map(|line| line.strip_prefix("- **"))
        .filter_map(|line| line.split_once("**").map(|(label, _)| label))
        .collect();
    assert!(stated.len() > 40, "{stated:?}");
    let tested: Vec<&str> = tests
        .iter()
        .flat_map(|text| text.lines())
        .filter_map(|line| line.trim().strip_prefix("// Rule "))
        .flat_map(|line| line.split('.').next().unwrap_or_default().split(", "))
        .collect();
    for label in &stated {
        assert!(tested.contains(label), "no test says `// Rule {label}`");
    }
    for label in &tested {
        assert!(stated.contains(label), "the schema has no rule {label}");
    }
}
