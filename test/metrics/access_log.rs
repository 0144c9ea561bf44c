//! The access log of a real process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use agora::call::Metadata;
use agora::rpc::{CallOptions, Channel, ChannelOptions};

use crate::fixture::{LONG, within};
use crate::samples::Samples;

const ECHO: &str = "/agora.bench.v1.EchoService/Echo";
const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// An echo service in a process of its own.
struct Process {
    child: Child,
    address: String,
    log: Receiver<String>,
}

impl Process {
    fn start(flags: &[&str]) -> Process {
        Process::start_with(flags, Some("info"))
    }

    /// With `RUST_LOG` or without it: then warnings are logged, as with `--quiet`.
    fn start_with(flags: &[&str], rust_log: Option<&str>) -> Process {
        let mut command = Command::new(env!("CARGO_BIN_EXE_agora"));
        match rust_log {
            Some(level) => command.env("RUST_LOG", level),
            None => command.env_remove("RUST_LOG"),
        };
        let mut child = command
            .args(["bench", "serve", "--listen", "127.0.0.1:0"])
            .args(flags)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        let (send, log) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if line.contains("agora::access") && send.send(line).is_err() {
                    break;
                }
            }
        });
        Process { child, address, log }
    }

    fn channel(&self) -> Channel {
        Channel::new(&self.address, ChannelOptions::default()).unwrap()
    }

    fn raw_line(&self) -> String {
        self.log.recv_timeout(LONG).unwrap()
    }

    /// Reads a resource: the head of the answer and its body.
    fn get(&self, path: &str) -> (String, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    /// The fields of the next line.
    fn line(&self) -> Vec<(String, String)> {
        let line = self.raw_line();
        let (_, fields) = line.split_once("agora::access] ").unwrap();
        let pairs = fields.split(' ').map(|pair| pair.split_once('=').unwrap());
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_call_is_one_line_with_its_caller_its_end_and_its_trace() {
    let process = Process::start(&["--access-log"]);
    let channel = process.channel();
    let mut metadata = Metadata::new();
    metadata.insert("traceparent", TRACE.as_bytes()).unwrap();
    let traced = CallOptions { metadata, ..within(LONG) };
    channel.unary(ECHO, b"\n\x05hello", &traced).unwrap();
    channel.unary("/no.Such/Method=\"1\"", b"", &within(LONG)).unwrap_err();
    let line = process.line();
    let names: Vec<&str> = line.iter().map(|(name, _)| name.as_str()).collect();
    let fixed =
        ["peer", "principal", "method", "status", "duration_us", "received_bytes", "sent_bytes"];
    assert_eq!(names[..7], fixed);
    let value =
        |name: &str| line.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
    assert!(value("peer").unwrap().starts_with("127.0.0.1:"), "{line:?}");
    assert_eq!(value("principal"), Some("unchecked"));
    assert_eq!(value("method"), Some(ECHO));
    assert_eq!(value("status"), Some("OK"));
    assert_eq!(value("received_bytes"), Some("7"));
    assert_eq!(value("sent_bytes"), Some("7"));
    assert_eq!(value("traceparent"), Some(TRACE));
    let duration_us: u64 = value("duration_us").unwrap().parse().unwrap();
    assert!(u128::from(duration_us) < LONG.as_micros());
    let unknown = process.line();
    assert_eq!(unknown[2].1, "/no.Such/Method??1?");
    assert_eq!(unknown[3].1, "UNIMPLEMENTED");
    assert_eq!(unknown.len(), 7);

    assert!(process.get("/none").0.starts_with("HTTP/1.1 404 "));
    let other = process.line();
    assert_eq!((other[2].1.as_str(), other[3].1.as_str()), ("/none", "404"));
    let (head, body) = process.get("/metrics");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    let samples = Samples::parse(&body);
    assert_eq!(samples.sum("agora_rpc_calls_total{method=\"agora.bench.v1"), 1.0);
    let requests = |labels: &str| samples.get(&format!("agora_http_requests_total{{{labels}}}"));
    assert_eq!(requests("path=\"other\",status=\"4xx\""), 1.0);
    // It is counted once it is answered.
    assert_eq!(requests("path=\"/metrics\",status=\"2xx\""), 0.0);
    let resource = process.line();
    assert_eq!((resource[2].1.as_str(), resource[3].1.as_str()), ("/metrics", "200"));
    assert_eq!(resource[6].1, body.len().to_string());
}

#[test]
fn the_flag_is_enough_where_only_warnings_are_logged() {
    for rust_log in [None, Some("warn"), Some("off")] {
        let process = Process::start_with(&["--access-log"], rust_log);
        process.channel().unary(ECHO, b"\n\x05hello", &within(LONG)).unwrap();
        assert_eq!(process.line()[2].1, ECHO, "RUST_LOG: {rust_log:?}");
    }
    let process = Process::start_with(&["--access-log"], Some("info,agora::access=off"));
    process.channel().unary(ECHO, b"\n\x05hello", &within(LONG)).unwrap();
    assert!(process.log.try_recv().is_err(), "RUST_LOG names its target");
}

#[test]
fn without_the_flag_there_is_no_line() {
    let process = Process::start(&[]);
    process.channel().unary(ECHO, b"\n\x05hello", &within(LONG)).unwrap();
    assert!(process.log.try_recv().is_err());
}

/// With `--log-format json` the line is one object, with each field as a member of it, whatever the
/// client sent.
#[test]
fn a_call_is_one_object_in_a_log_of_json() {
    let process = Process::start(&["--access-log", "--log-format", "json"]);
    let channel = process.channel();
    let mut metadata = Metadata::new();
    metadata.insert("traceparent", TRACE.as_bytes()).unwrap();
    let traced = CallOptions { metadata, ..within(LONG) };
    channel.unary(ECHO, b"\n\x05hello", &traced).unwrap();
    channel.unary("/no.Such/\"},{\"level\":\"error", b"", &within(LONG)).unwrap_err();
    let line = process.raw_line();
    let start = "{\"time\":\"";
    let head = "\"level\":\"info\",\"target\":\"agora::access\",\"message\":\"peer=127.0.0.1:";
    assert!(line.starts_with(start) && line.contains(head), "{line}");
    let members = format!(
        "\"principal\":\"unchecked\",\"method\":\"{ECHO}\",\"status\":\"OK\",\"duration_us\":"
    );
    assert!(line.contains(&members), "{line}");
    let end = format!(",\"received_bytes\":7,\"sent_bytes\":7,\"traceparent\":\"{TRACE}\"}}");
    assert!(line.ends_with(&end), "{line}");
    assert_eq!(line.matches("\"level\":").count(), 1, "{line}");
    let unknown = process.raw_line();
    assert_eq!(unknown.matches("\"level\":").count(), 1, "{unknown}");
    let method = "\"method\":\"/no.Such/?},{?level?:?error\"";
    assert!(unknown.contains(method), "{unknown}");
    assert!(unknown.contains("\"status\":\"UNIMPLEMENTED\""), "{unknown}");
}
