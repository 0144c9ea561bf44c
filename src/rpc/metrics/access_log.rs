//! The access log: one line for each call that has ended, and for each resource that was read, to the log
//! target `agora::access`.
//!
//! A line is a list of `name=value`, in a fixed order, see `schemas/metrics.md`. Texts of clients are
//! checked (`traceparent`) or escaped, so that none of them ends a line or adds a field.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use log::kv::Value;
use log::{Level, Record};

use crate::call::{Metadata, Principal};
use crate::text::printable;

/// The target of the lines, for filters.
const TARGET: &str = "agora::access";
/// The field of W3C's Trace Context, and the length of its value in version 00.
const TRACEPARENT: &str = "traceparent";
const TRACEPARENT_LEN: usize = 55;
/// How much of a text that a client chooses a line shows.
const SHOWN_CHARS: usize = 200;

/// What a line tells.
pub(super) struct AccessRecord {
    pub(super) peer: SocketAddr,
    pub(super) principal: Arc<Principal>,
    pub(super) path: Box<str>,
    /// gRPC's name of the status code, or the number of HTTP.
    pub(super) status: Cow<'static, str>,
    pub(super) arrived: Duration,
    pub(super) received_bytes: u64,
    pub(super) sent_bytes: u64,
    pub(super) trace: Option<Box<str>>,
}

impl AccessRecord {
    /// Writes the line of a call that ended at `now`.
    pub(super) fn write(&self, now: Duration) {
        if !log::log_enabled!(target: TARGET, Level::Info) {
            return;
        }
        let (line, fields) = (self.line(now), self.fields(now));
        let fields: Vec<(&str, Value<'_>)> =
            fields.iter().map(|(name, field)| (*name, field.value())).collect();
        let fields = fields.as_slice();
        log::logger().log(
            &Record::builder()
                .level(Level::Info)
                .target(TARGET)
                .key_values(&fields)
                .args(format_args!("{line}"))
                .build(),
        );
    }

    /// The fields as text.
    fn line(&self, now: Duration) -> String {
        let fields = self.fields(now).into_iter().map(|(name, field)| match field {
            // Only a name can have a space.
            Field::Text(text) if text.contains([' ', '"', '=']) => format!("{name}={text:?}"),
            Field::Text(text) => format!("{name}={text}"),
            Field::Number(number) => format!("{name}={number}"),
        });
        fields.collect::<Vec<String>>().join(" ")
    }

    fn fields(&self, now: Duration) -> Vec<(&'static str, Field)> {
        let duration = now.saturating_sub(self.arrived);
        let duration_us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let mut fields = vec![
            ("peer", Field::Text(self.peer.to_string())),
            ("principal", Field::Text(principal(&self.principal))),
            ("method", Field::Text(path(&self.path))),
            ("status", Field::Text(self.status.to_string())),
            ("duration_us", Field::Number(duration_us)),
            ("received_bytes", Field::Number(self.received_bytes)),
            ("sent_bytes", Field::Number(self.sent_bytes)),
        ];
        if let Some(trace) = &self.trace {
            fields.push(("traceparent", Field::Text(trace.to_string())));
        }
        fields
    }
}

/// The value of a field.
enum Field {
    Text(String),
    Number(u64),
}

impl Field {
    fn value(&self) -> Value<'_> {
        match self {
            Field::Text(text) => text.as_str().into(),
            Field::Number(number) => (*number).into(),
        }
    }
}

/// The caller: the subject of its certificate, or a word.
fn principal(principal: &Principal) -> String {
    match principal {
        Principal::Unchecked => "unchecked".into(),
        Principal::Anonymous => "anonymous".into(),
        Principal::Certificate(identity) => {
            printable(&identity.subject).chars().take(SHOWN_CHARS).collect()
        }
    }
}

/// The path as one word, `-` if none was read: a client chooses the path of a method that the server does
/// not have.
fn path(path: &str) -> String {
    if path.is_empty() {
        return "-".to_owned();
    }
    let shown: String = path.chars().take(SHOWN_CHARS).collect();
    let is_plain =
        |character: char| character.is_ascii_graphic() && !matches!(character, '"' | '=');
    shown.chars().map(|character| if is_plain(character) { character } else { '?' }).collect()
}

/// The trace context in a client's metadata, if it is valid (W3C Trace Context, section 3.2). Of a
/// later version only the part that version 00 has is kept.
pub(super) fn trace_context(metadata: &Metadata) -> Option<Box<str>> {
    let value = std::str::from_utf8(metadata.get(TRACEPARENT)?).ok()?;
    let (known, rest) = value.split_at_checked(TRACEPARENT_LEN)?;
    let fields: Vec<&str> = known.split('-').collect();
    let [version, trace, parent, flags] = fields.as_slice() else { return None };
    let is_hex = |field: &str, len: usize| {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        field.len() == len && field.bytes().all(is_digit)
    };
    let is_zero = |field: &str| field.bytes().all(|byte| byte == b'0');
    let is_well_formed = is_hex(version, 2)
        && is_hex(trace, 32)
        && is_hex(parent, 16)
        && is_hex(flags, 2)
        && *version != "ff"
        && !is_zero(trace)
        && !is_zero(parent);
    let is_complete = rest.is_empty() || (*version != "00" && rest.starts_with('-'));
    (is_well_formed && is_complete).then(|| known.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Identity;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn context(value: &str) -> Option<Box<str>> {
        let mut metadata = Metadata::new();
        metadata.insert(TRACEPARENT, value.as_bytes()).unwrap();
        trace_context(&metadata)
    }

    #[test]
    fn a_valid_trace_context_is_kept() {
        assert_eq!(context(VALID).as_deref(), Some(VALID));
        let later = VALID.replacen("00", "01", 1);
        assert_eq!(context(&format!("{later}-more")).as_deref(), Some(later.as_str()));
        assert_eq!(trace_context(&Metadata::new()), None);
    }

    #[test]
    fn an_invalid_trace_context_is_dropped() {
        for invalid in [
            String::new(),
            "x".into(),
            VALID[..54].into(),
            format!("{VALID}0"),
            format!("{VALID}-more"),
            format!("{}x", VALID.replacen("00", "01", 1)),
            VALID.replacen("00", "ff", 1),
            VALID.to_uppercase(),
            VALID.replace('-', "_"),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01".into(),
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01".into(),
            "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01".into(),
        ] {
            assert_eq!(context(&invalid), None, "{invalid}");
        }
    }

    fn record(path: &str, trace: Option<&str>) -> AccessRecord {
        AccessRecord {
            peer: SocketAddr::from(([127, 0, 0, 1], 40_000)),
            principal: Arc::new(Principal::Anonymous),
            path: path.into(),
            status: "NOT_FOUND".into(),
            arrived: Duration::from_millis(10),
            received_bytes: 12,
            sent_bytes: 0,
            trace: trace.map(Into::into),
        }
    }

    #[test]
    fn a_line_tells_who_called_what_and_how_it_ended() {
        let now = Duration::from_micros(12_345);
        let line = record("/a.B/C", Some(VALID)).line(now);
        assert_eq!(
            line,
            format!(
                "peer=127.0.0.1:40000 principal=anonymous method=/a.B/C status=NOT_FOUND \
                 duration_us=2345 received_bytes=12 sent_bytes=0 traceparent={VALID}"
            )
        );
    }

    #[test]
    fn the_path_of_an_unknown_method_cannot_forge_a_line() {
        let line = record("/a b=\"\n\u{1b}[31m", None).line(Duration::from_millis(11));
        assert!(line.is_ascii() && !line.contains(['\n', '\u{1b}']), "{line:?}");
        assert_eq!(line.matches(" status=").count(), 1);
        assert!(!line.contains('"'), "{line}");
    }

    #[test]
    fn the_name_of_a_caller_is_one_quoted_text() {
        let identity = Identity::new("CN=a\"b\n status=OK", [], Vec::new());
        let mut record = record("/a.B/C", None);
        record.principal = Arc::new(Principal::Certificate(identity));
        let line = record.line(Duration::from_millis(11));
        assert!(line.contains(r#" principal="CN=a\"b\\u{a} status=OK" method="#), "{line}");
    }
}
