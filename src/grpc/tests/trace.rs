//! Sinks that record their events.

use crate::call::{CallId, CallStart, ClientSink, Metadata, ServerSink, Status};

/// Events as lines, in order.
#[derive(Default)]
pub struct Trace {
    pub lines: Vec<String>,
}

impl Trace {
    pub fn note(&mut self, line: String) {
        self.lines.push(line);
    }

    pub fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines)
    }
}

/// What a server's connection reports.
pub struct ServerTrace<'a>(pub &'a mut Trace);

/// What a client's connection reports.
pub struct ClientTrace<'a>(pub &'a mut Trace);

pub fn payload(message: &[u8]) -> String {
    if message.len() > 40 {
        format!("{} bytes", message.len())
    } else {
        format!("\"{}\"", message.escape_ascii())
    }
}

pub fn pairs(metadata: &Metadata) -> String {
    if metadata.is_empty() { String::new() } else { format!(" {metadata:?}") }
}

pub fn end(status: &Status) -> String {
    format!("{status}{}", pairs(&status.metadata))
}

impl ServerSink for ServerTrace<'_> {
    fn call(&mut self, start: CallStart<'_>) {
        let CallStart { call, path, metadata, timeout } = start;
        let timeout = timeout.map_or(String::new(), |timeout| format!(" within {timeout:?}"));
        self.0.note(format!("server: call {} of {path}{timeout}{}", call.0, pairs(metadata)));
    }

    fn compressed(&mut self, call: CallId) {
        self.0.note(format!("server: {} compressed", call.0));
    }

    fn message(&mut self, call: CallId, message: &[u8], last: bool) {
        let last = if last { ", the last" } else { "" };
        self.0.note(format!("server: {} message {}{last}", call.0, payload(message)));
    }

    fn half_close(&mut self, call: CallId) {
        self.0.note(format!("server: {} half-closed", call.0));
    }

    fn cancelled(&mut self, call: CallId, status: Status) {
        self.0.note(format!("server: {} cancelled, {}", call.0, end(&status)));
    }

    fn writable(&mut self, call: CallId) {
        self.0.note(format!("server: {} writable", call.0));
    }
}

impl ClientSink for ClientTrace<'_> {
    fn headers(&mut self, call: CallId, metadata: &Metadata) {
        self.0.note(format!("client: {} headers{}", call.0, pairs(metadata)));
    }

    fn compressed(&mut self, call: CallId) {
        self.0.note(format!("client: {} compressed", call.0));
    }

    fn message(&mut self, call: CallId, message: &[u8]) {
        self.0.note(format!("client: {} message {}", call.0, payload(message)));
    }

    fn finished(&mut self, call: CallId, status: Status, retriable: bool) {
        let retriable = if retriable { ", retriable" } else { "" };
        self.0.note(format!("client: {} finished {}{retriable}", call.0, end(&status)));
    }

    fn writable(&mut self, call: CallId) {
        self.0.note(format!("client: {} writable", call.0));
    }
}
