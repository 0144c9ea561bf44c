//! Log lines on stderr, as text or as JSON.
//!
//! In both forms an event is one line. With JSON whatever a server prints on stderr is JSON: notices, the
//! error that ends it, and panics as well. JSON has an object for each, with the sentence in `message` and
//! what it says of terms, indices and the like as fields beside it:
//!
//! ```text
//! [2026-07-01T02:03:04.567Z INFO  agora::replica::node] node 1 leads in term 4, elected at index 57
//! {"time":"2026-07-01T02:03:04.567Z","level":"info","target":"agora::replica::node","message":"node 1 leads in term 4, elected at index 57","node":1,"term":4,"index":57}
//! ```

use std::io::Write;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use log::kv::{Error, Key, Value, VisitSource};
use log::{Level, LevelFilter, Record};

use super::Failure;
use super::flags::{Flags, Parsed};
use crate::text::{printable, printable_lines, push_time};

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LogFormat {
    Text,
    Json,
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<LogFormat, &'static str> {
        match text {
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            _ => Err("expected text or json"),
        }
    }
}

impl LogFormat {
    /// Prints lines of text that are shown at every log level. As JSON they are one event.
    pub(super) fn print(self, level: Level, text: &str) {
        if text.is_empty() {
            return;
        }
        let line = match self {
            LogFormat::Text => text.as_bytes().to_vec(),
            LogFormat::Json => {
                let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                event(since_1970.as_millis() as u64, level, &printable_lines(text.trim_end()))
            }
        };
        // Nothing is left to tell it to.
        let _ = std::io::stderr().write_all(&line);
    }
}

/// An event without fields, as JSON.
fn event(now_ms: u64, level: Level, message: &str) -> Vec<u8> {
    let (mut time, mut line) = (Vec::new(), Vec::new());
    push_time(now_ms, &mut time);
    push_event(&String::from_utf8_lossy(&time), level, "agora", message, &mut line);
    line.extend_from_slice(b"}\n");
    line
}

const FLAG: &str = "log-format";

/// Adds the flag of a server.
pub(super) fn flags(flags: Flags) -> Flags {
    flags.value(FLAG, "form of log lines: text or json (default text)", "FORMAT")
}

/// The form that the flag asks for.
///
/// # Errors
/// Its value is neither `text` nor `json`.
pub(super) fn chosen(parsed: &Parsed) -> Result<LogFormat, Failure> {
    parsed.parsed(FLAG, LogFormat::Text)
}

/// The switch that asks for one line a call, and the target of these lines.
pub(super) const ACCESS_LOG: &str = "access-log";
const ACCESS_TARGET: &str = "agora::access";

/// Starts logging, before the flags are parsed: what is wrong with them may be logged.
pub(super) fn start(arguments: &[String]) -> LogFormat {
    let environment = env_logger::Env::default().default_filter_or(default_level(arguments));
    let format = format(arguments);
    let mut logger = env_logger::Builder::from_env(environment);
    let rust_log = std::env::var("RUST_LOG").unwrap_or_default();
    if shows_access_log(arguments, &rust_log) {
        logger.filter_module(ACCESS_TARGET, LevelFilter::Info);
    }
    logger
        .format(move |line, record| {
            let time = line.timestamp_millis().to_string();
            let mut text = Vec::with_capacity(200);
            match format {
                LogFormat::Text => push_text(&time, record, &mut text),
                LogFormat::Json => push_json(&time, record, &mut text),
            }
            line.write_all(&text)
        })
        .init();
    if format == LogFormat::Json {
        std::panic::set_hook(Box::new(move |panic| format.print(Level::Error, &panic.to_string())));
    }
    format
}

/// The last value of the flag; a wrong one is reported when the flags are parsed.
fn format(arguments: &[String]) -> LogFormat {
    let mut format = LogFormat::Text;
    for (at, word) in arguments.iter().enumerate() {
        let Some(rest) = word.strip_prefix("--log-format") else { continue };
        let value = match rest.strip_prefix('=') {
            Some(value) => Some(value),
            None if rest.is_empty() => arguments.get(at + 1).map(String::as_str),
            None => None,
        };
        format = value.and_then(|value| value.parse().ok()).unwrap_or(format);
    }
    format
}

/// Whether the lines of calls are shown whatever the level is: the flag asks for them, also with
/// `--quiet`. Where `RUST_LOG` names their target, it decides.
fn shows_access_log(arguments: &[String], rust_log: &str) -> bool {
    let is_flag = |word: &String| word.strip_prefix("--") == Some(ACCESS_LOG);
    arguments.iter().any(is_flag) && !rust_log.contains(ACCESS_TARGET)
}

/// The log level unless `RUST_LOG` sets one.
fn default_level(arguments: &[String]) -> &'static str {
    const SERVERS: [&str; 4] = ["node", "market", "mapper", "reducer"];
    let serves = arguments.first().is_some_and(|name| SERVERS.contains(&name.as_str()));
    // The master reports on the workers that it has started.
    let is_quiet = |word: &String| word == "--quiet" || word == "--until-stdin-ends";
    match serves && !arguments.iter().any(is_quiet) {
        true => "info",
        // A job shows its own progress; the access log of its page is asked for.
        false if arguments.iter().any(|word| word == "--access-log") => "warn,agora::access=info",
        false => "warn",
    }
}

/// Log lines contain texts of clients and peers: each stays one line, without escape sequences.
fn push_text(time: &str, record: &Record<'_>, line: &mut Vec<u8>) {
    let (level, target) = (record.level(), record.target());
    let message = record.args().to_string();
    let text = format!("[{time} {level:<5} {target}] {}\n", printable(&message));
    line.extend_from_slice(text.as_bytes());
}

fn push_json(time: &str, record: &Record<'_>, line: &mut Vec<u8>) {
    let message = record.args().to_string();
    push_event(time, record.level(), record.target(), &printable(&message), line);
    // The visitor never fails.
    let _ = record.key_values().visit(&mut Fields { line });
    line.extend_from_slice(b"}\n");
}

/// Appends the beginning of an object.
fn push_event(time: &str, level: Level, target: &str, message: &str, line: &mut Vec<u8>) {
    line.push(b'{');
    let level = level.as_str().to_ascii_lowercase();
    for (name, value) in
        [("time", time), ("level", &level), ("target", target), ("message", message)]
    {
        push_name(name, line);
        push_string(value, line);
    }
}

/// Appends the fields of a record.
struct Fields<'l> {
    line: &'l mut Vec<u8>,
}

impl<'kvs> VisitSource<'kvs> for Fields<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        push_name(key.as_str(), self.line);
        match (value.to_u64(), value.to_bool()) {
            (Some(number), _) => self.line.extend_from_slice(number.to_string().as_bytes()),
            (None, Some(truth)) => self.line.extend_from_slice(truth.to_string().as_bytes()),
            (None, None) => push_string(&printable(&value.to_string()), self.line),
        }
        Ok(())
    }
}

/// Appends the name of a member, behind a comma unless it is the first.
fn push_name(name: &str, line: &mut Vec<u8>) {
    if line.last() != Some(&b'{') {
        line.push(b',');
    }
    push_string(name, line);
    line.push(b':');
}

/// Appends a string of JSON (RFC 8259 section 7).
fn push_string(text: &str, line: &mut Vec<u8>) {
    line.push(b'"');
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                line.push(b'\\');
                line.push(character as u8);
            }
            '\n' => line.extend_from_slice(b"\\n"),
            control if (control as u32) < 0x20 => {
                line.extend_from_slice(format!("\\u{:04x}", control as u32).as_bytes());
            }
            other => line.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    line.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_access_log_is_shown_on_request() {
        for (line, rust_log, expected) in [
            ("node --quiet --access-log", "", true),
            ("node --access-log", "off", true),
            ("node --access-log", "warn,agora::access=off", false),
            ("node --quiet", "", false),
        ] {
            assert_eq!(shows_access_log(&arguments(line), rust_log), expected, "{line}");
        }
    }

    fn arguments(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn servers_log_info_and_clients_log_warnings() {
        for (line, level) in [
            ("node --id 1", "info"),
            ("market --listen a:1", "info"),
            ("market --listen a:1 --quiet", "warn"),
            ("mapper --listen a:1", "info"),
            ("reducer --listen a:1", "info"),
            ("reducer --listen a:1 --until-stdin-ends --data D", "warn"),
            ("kv get node", "warn"),
            ("wordcount a --page :80 --access-log", "warn,agora::access=info"),
            ("buyer", "warn"),
            ("", "warn"),
        ] {
            assert_eq!(default_level(&arguments(line)), level, "{line}");
        }
    }

    #[test]
    fn the_format_is_known_before_the_flags_are_parsed() {
        for (line, expected) in [
            ("node --id 1", LogFormat::Text),
            ("node --log-format json", LogFormat::Json),
            ("node --log-format=json --id 1", LogFormat::Json),
            ("node --log-format=json --log-format text", LogFormat::Text),
            ("node --log-format", LogFormat::Text),
            ("node --log-formats json", LogFormat::Text),
            ("node --log-format yaml", LogFormat::Text),
        ] {
            assert_eq!(format(&arguments(line)), expected, "{line}");
        }
    }

    fn lines(message: &str, fields: &[(&str, Value<'_>)]) -> (String, String) {
        let (mut text, mut json) = (Vec::new(), Vec::new());
        let arguments = format_args!("{message}");
        let record = Record::builder()
            .level(Level::Info)
            .target("agora::x")
            .args(arguments)
            .key_values(&fields)
            .build();
        push_text("T", &record, &mut text);
        push_json("T", &record, &mut json);
        (String::from_utf8(text).unwrap(), String::from_utf8(json).unwrap())
    }

    #[test]
    fn an_event_is_one_line_in_both_forms() {
        let fields = [("term", Value::from(7_u64)), ("cause", Value::from("it \"left\""))];
        let (text, json) = lines("node 1 leads", &fields);
        assert_eq!(text, "[T INFO  agora::x] node 1 leads\n");
        assert_eq!(
            json,
            "{\"time\":\"T\",\"level\":\"info\",\"target\":\"agora::x\",\"message\":\"node 1 leads\",\
             \"term\":7,\"cause\":\"it \\\"left\\\"\"}\n"
        );
        let (text, json) = lines("a\nb \x1b[2J \\ \u{7f} é", &[]);
        for line in [text, json] {
            let inside = line.strip_suffix('\n').unwrap();
            assert!(!inside.chars().any(|character| character.is_control()), "{line:?}");
            assert!(line.contains('é'), "{line}");
        }
    }

    #[test]
    fn a_notice_of_several_lines_is_one_event_of_json() {
        let line = String::from_utf8(event(1_000, Level::Error, "one\ntwo")).unwrap();
        assert_eq!(
            line,
            "{\"time\":\"1970-01-01T00:00:01.000Z\",\"level\":\"error\",\"target\":\"agora\",\
             \"message\":\"one\\ntwo\"}\n"
        );
    }

    #[test]
    fn strings_of_json_are_escaped() {
        let mut line = Vec::new();
        push_string("\"\\\u{0}\u{1f}é", &mut line);
        assert_eq!(String::from_utf8(line).unwrap(), "\"\\\"\\\\\\u0000\\u001fé\"");
    }
}
