//! The server side of a connection: requests in, responses out, deadlines and limits.

mod answers;
mod unobserved;

use std::sync::Arc;
use std::time::Duration;

use super::Error;
use super::body::Body;
use super::head::{Head, Terms};
use super::output::Output;
use super::response::{self, Framing};
use crate::call::{CallId, Code, Limits, Metadata, RefusedRequest, ServerSink, Status};
use crate::exchange::{Exchange, Reader, Room, Site, refusal};
use crate::http::RequestHead;

/// A server's side of one connection: bytes in, requests reported to a [`ServerSink`], responses in, bytes
/// out. One request is open at a time.
pub struct ServerConnection {
    limits: Limits,
    site: Arc<Site>,
    is_secure: bool,
    reading: Reading,
    head: Head,
    current: Current,
    open: Option<Open>,
    output: Output,
    last_call: u32,
    /// No further request is read.
    is_leaving: bool,
    /// Input that was left because the request before it is not answered yet, as of the last time that
    /// input was handled.
    held_bytes: usize,
    /// The client has ended its side.
    is_ended: bool,
    /// Since when it cannot be noticed whether the client waits for the response to the open request.
    unobserved_since: Option<Duration>,
    /// When the first byte of the head that is being read arrived.
    head_since: Option<Duration>,
    /// Since when the progress of the body is counted, and how many bytes have come since.
    progress: Option<(Duration, usize)>,
    /// The limit for bytes of an unfinished message.
    max_unfinished_bytes: usize,
    /// Metadata of the request that is being read; kept for its memory.
    metadata: Metadata,
    /// A request was read completely.
    is_established: bool,
}

/// What is expected from the client.
#[derive(Debug)]
enum Reading {
    /// The head of a request, or nothing.
    Head,
    /// The rest of a body. It is dropped if the request is answered already.
    Body(Body),
    /// Nothing before the response is complete.
    Waiting,
    /// Nothing any more: what arrives is dropped.
    Stopped,
}

/// What the response to the current request depends on.
#[derive(Debug, Default)]
struct Current {
    is_head: bool,
    is_old: bool,
    persists: bool,
    /// Bytes of the body that were dropped, because the request takes none or is answered.
    dropped_bytes: usize,
    /// How the response ends; `None` before its head was sent.
    framing: Option<Framing>,
}

/// A request whose response is not complete.
#[derive(Debug)]
struct Open {
    call: CallId,
    exchange: Exchange,
    /// Bytes of messages that were delivered to the application and not consumed by it.
    unconsumed: usize,
}

impl ServerConnection {
    /// A connection that a client has just opened.
    pub fn new(limits: &Limits, site: &Arc<Site>) -> ServerConnection {
        ServerConnection {
            limits: limits.clone(),
            site: Arc::clone(site),
            is_secure: false,
            reading: Reading::Head,
            head: Head::default(),
            current: Current::default(),
            open: None,
            output: Output::new(limits),
            last_call: 0,
            is_leaving: false,
            held_bytes: 0,
            is_ended: false,
            unobserved_since: None,
            head_since: None,
            progress: None,
            max_unfinished_bytes: usize::MAX,
            metadata: Metadata::new(),
            is_established: false,
        }
    }

    /// The connection is encrypted.
    pub fn set_secure(&mut self) {
        self.is_secure = true;
    }

    /// Takes bytes from the client and reports to `sink` what they mean. Returns how many bytes were
    /// used; the rest is to be presented again with more bytes behind it, or when
    /// [`has_events`](Self::has_events).
    pub fn receive(&mut self, now: Duration, input: &[u8], sink: &mut impl ServerSink) -> usize {
        if self.output.take_writable()
            && let Some(open) = &self.open
        {
            sink.writable(open.call);
        }
        let mut used = 0;
        loop {
            let rest = input.get(used..).unwrap_or_default();
            if let Reading::Stopped = self.reading {
                return input.len();
            }
            if !self.may_proceed() {
                self.held_bytes = rest.len();
                break;
            }
            match self.step(now, rest, sink) {
                Ok(0) => {
                    self.held_bytes = 0;
                    break;
                }
                Ok(bytes) => used += bytes,
                Err(error) => {
                    self.fail(error, sink);
                    return input.len();
                }
            }
        }
        // One that waits for the output to be read is not slow.
        let begun = matches!(self.reading, Reading::Head)
            && self.held_bytes == 0
            && (used < input.len() || !self.head.is_empty());
        self.head_since = begun.then(|| self.head_since.unwrap_or(now));
        self.observe(now, sink);
        if let Reading::Stopped = self.reading { input.len() } else { used }
    }

    /// Whether the next step need not wait for a response or for the application.
    fn may_proceed(&self) -> bool {
        match &self.reading {
            Reading::Head => self.output.len() <= self.limits.send_high_water_bytes,
            Reading::Body(_) => self.has_window(),
            Reading::Waiting => false,
            Reading::Stopped => true,
        }
    }

    /// Whether the application has consumed enough for more to be delivered.
    fn has_window(&self) -> bool {
        let unconsumed = self.open.as_ref().map_or(0, |open| open.unconsumed);
        unconsumed < self.limits.call_window_bytes as usize
    }

    /// Takes the next unit. Returns how many bytes it used; 0 if it is not complete.
    fn step(
        &mut self,
        now: Duration,
        input: &[u8],
        sink: &mut impl ServerSink,
    ) -> Result<usize, Error> {
        match &mut self.reading {
            Reading::Head => {
                let (used, terms) = self.head.take(input, &self.limits)?;
                if let Some(terms) = terms {
                    self.begin(now, terms, used < input.len(), sink)?;
                }
                Ok(used)
            }
            Reading::Body(body) => {
                let part = body.take(input, &self.limits)?;
                let (used, end) = (part.used, part.end);
                if let Some((_, bytes)) = &mut self.progress {
                    *bytes += used;
                }
                if !self.takes_body() {
                    self.current.dropped_bytes += used;
                    if !self.is_short() {
                        return self.too_much_is_dropped().map(|()| used);
                    }
                }
                if end {
                    self.end_of_body();
                }
                if !part.data.is_empty() || end {
                    self.deliver(part.data, end, sink);
                }
                Ok(used)
            }
            Reading::Waiting | Reading::Stopped => Ok(0),
        }
    }

    /// A body that has no meaning is too long: the connection ends, with an answer if there was none.
    fn too_much_is_dropped(&mut self) -> Result<(), Error> {
        if self.open.is_some() {
            return Err(Error::BodyTooLarge);
        }
        self.stop();
        Ok(())
    }

    fn end_of_body(&mut self) {
        self.progress = None;
        // A request that is answered already was not worth closing the connection.
        self.reading = if self.open.is_some() { Reading::Waiting } else { Reading::Head };
    }

    /// Starts the request whose head is complete.
    fn begin(
        &mut self,
        now: Duration,
        terms: Terms,
        has_more: bool,
        sink: &mut impl ServerSink,
    ) -> Result<(), Error> {
        self.head_since = None;
        self.is_established = true;
        let Some(request) = &self.head.request else { return Err(Error::RequestLine) };
        // The numbers of calls must not repeat.
        self.last_call += 1;
        let call = CallId(self.last_call);
        self.current = Current {
            is_head: request.method == "HEAD",
            is_old: request.is_old,
            persists: terms.persists && self.last_call < u32::MAX,
            ..Current::default()
        };
        let head = RequestHead {
            method: &request.method,
            path: request.path(),
            query: request.query(),
            fields: &self.head.fields,
        };
        let has_body = terms.body.is_some();
        // Also that of a refused request, which is dropped.
        self.progress = has_body.then_some((now, 0));
        self.reading = terms.body.map_or(Reading::Waiting, Reading::Body);
        let (expanded_bytes, metadata) = (self.limits.max_expanded_bytes, &mut self.metadata);
        let (site, limits, is_secure) = (&self.site, &self.limits, self.is_secure);
        let reader = Reader { site, limits, is_secure, expanded_bytes, metadata };
        let opened = Exchange::open(&head, call, reader, sink);
        self.head.clear();
        match opened {
            Ok(exchange) => {
                let unconsumed = exchange.delivered_bytes();
                self.open = Some(Open { call, exchange, unconsumed });
            }
            Err(refused) => {
                // Whether the body that was waiting for 100 follows is uncertain (RFC 9110 section
                // 10.1.1): a connection that goes on could take a request for it.
                self.current.persists &= !terms.expects_continue || has_more;
                self.send(*refused);
                return Ok(());
            }
        }
        if !has_body {
            self.deliver(&[], true, sink);
            return Ok(());
        }
        if !self.takes_body() && !self.is_short() {
            return Err(Error::BodyTooLarge);
        }
        if terms.expects_continue && !has_more {
            self.output.extend(response::CONTINUE);
        }
        Ok(())
    }

    /// Whether a request is open whose body has a meaning.
    fn takes_body(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.exchange.takes_body())
    }

    /// Whether the rest of the body is so short, as far as is known, that dropping it costs less than a
    /// new connection.
    fn is_short(&self) -> bool {
        let Reading::Body(body) = &self.reading else { return true };
        let max = (self.limits.max_dropped_body_bytes as u64)
            .checked_sub(self.current.dropped_bytes as u64);
        max.is_some_and(|max| body.known_rest().unwrap_or_default() <= max)
    }

    /// Passes a part of the body to the request, if it is not answered yet.
    fn deliver(&mut self, data: &[u8], end: bool, sink: &mut impl ServerSink) {
        let Some(open) = &mut self.open else { return };
        let call = open.call;
        let unfinished = self.max_unfinished_bytes.saturating_sub(open.exchange.buffered_bytes());
        let expanded = self.limits.max_expanded_bytes.saturating_sub(open.unconsumed);
        let room = Room { unfinished_bytes: unfinished, expanded_bytes: expanded };
        match open.exchange.receive(call, data, end, room, sink) {
            Ok(delivered) => open.unconsumed += delivered,
            Err(status) => {
                // The request is open.
                let _ = self.finish(call, &status);
                sink.cancelled(call, status);
            }
        }
    }

    /// Refuses what the client has sent, and ends the connection.
    fn fail(&mut self, error: Error, sink: &mut impl ServerSink) {
        self.abort(Code::Cancelled, error.status(), &error.to_string(), sink);
    }

    /// Ends the request that is open or being read with a response, unless its response has begun; and
    /// the connection.
    fn abort(&mut self, code: Code, status: u16, text: &str, sink: &mut impl ServerSink) {
        let is_answered = matches!(self.reading, Reading::Body(_)) && self.open.is_none();
        let mut path = String::new();
        if let Reading::Head = self.reading {
            let request = self.head.request.as_ref();
            path = request.map_or_else(String::new, |request| request.path().to_owned());
            self.current = Current {
                is_head: request.is_some_and(|request| request.method == "HEAD"),
                is_old: request.is_some_and(|request| request.is_old),
                ..Current::default()
            };
        }
        let open = self.open.take();
        let is_call = open.as_ref().is_some_and(|open| open.exchange.is_call());
        if let Some(open) = open {
            sink.cancelled(open.call, Status::new(code, text));
        }
        self.current.persists = false;
        if self.current.framing.is_none() && !is_answered {
            // The end of a call is on record already.
            if !is_call {
                sink.refused(RefusedRequest::Http { path: &path, status });
            }
            self.send(refusal(status, text));
        }
        self.stop();
    }

    /// Nothing more is read; the connection ends after its output.
    fn stop(&mut self) {
        self.reading = Reading::Stopped;
        self.head = Head::default();
        (self.head_since, self.progress, self.unobserved_since) = (None, None, None);
        self.held_bytes = 0;
    }

    /// Whether another request may follow the current one.
    fn persists(&self) -> bool {
        // A client that has ended its side has sent no other.
        let is_last = self.is_leaving || (self.is_ended && self.held_bytes == 0);
        self.current.persists && !is_last && self.is_short()
    }

    /// The application has consumed a message of this many bytes: more may be delivered.
    pub fn message_taken(&mut self, call: CallId, bytes: usize) {
        if let Ok(open) = self.find(call) {
            open.unconsumed = open.unconsumed.saturating_sub(bytes);
        }
    }

    /// Refuses a client that has sent nothing yet, in words.
    pub fn refuse(&mut self, reason: &str) {
        self.current.persists = false;
        self.send(refusal(503, reason));
        self.stop();
    }

    /// Reads no further requests: the connection ends when the present one is answered, which the
    /// response tells the client if it has not begun.
    pub fn go_away(&mut self) {
        self.is_leaving = true;
        if self.is_idle() {
            self.stop();
        }
    }

    /// Whether nothing of a request has arrived that is not answered.
    fn is_idle(&self) -> bool {
        matches!(self.reading, Reading::Head)
            && self.head_since.is_none()
            && self.held_bytes == 0
            && self.open.is_none()
    }

    /// Ends the connection at once. A request that was begun is answered, unless its response was.
    pub fn close(&mut self, code: Code, reason: &str, sink: &mut impl ServerSink) {
        if self.is_idle() || matches!(self.reading, Reading::Stopped) {
            return self.stop();
        }
        self.abort(code, 503, reason, sink);
    }

    /// The socket is gone: the open call ends with UNAVAILABLE.
    pub fn connection_lost(&mut self, sink: &mut impl ServerSink) {
        if let Some(open) = self.open.take() {
            sink.cancelled(open.call, Status::new(Code::Unavailable, "the connection was lost"));
        }
        self.stop();
    }

    /// When [`handle_timeout`](Self::handle_timeout) must be called.
    pub fn next_timeout(&self) -> Option<Duration> {
        let head = self.head_since.map(|since| since + self.limits.request_head_timeout);
        let body = self.progress.map(|(since, _)| since + self.limits.request_body_timeout);
        let unobserved = self.unobserved_since.map(|since| since + self.limits.unobserved_timeout);
        head.into_iter().chain(body).chain(unobserved).min()
    }

    /// Handles the passing of time: a request that arrives too slowly is refused, and one whose client
    /// cannot be observed ends.
    pub fn handle_timeout(&mut self, now: Duration, sink: &mut impl ServerSink) {
        if self.next_timeout().is_none_or(|due| now < due) {
            return;
        }
        match self.progress {
            // A request that is open was read completely, or has a body.
            None if self.unobserved_since.is_some() => self.end_unobserved(sink),
            None => self.fail(Error::HeadTimeout, sink),
            // The application takes its time, not the client.
            Some(_) if !self.has_window() => self.progress = Some((now, 0)),
            Some((_, bytes)) if bytes >= self.limits.min_body_progress_bytes => {
                self.progress = Some((now, 0));
            }
            Some(_) => self.fail(Error::BodyTimeout, sink),
        }
    }

    /// Limits the bytes of an unfinished message. One above the limit is kept, but may not grow.
    pub fn limit_unfinished(&mut self, bytes: usize) {
        self.max_unfinished_bytes = bytes;
    }

    /// Received bytes of an unfinished head and message, and of messages that were not consumed.
    pub fn received_bytes(&self) -> usize {
        let of_open = self.open.as_ref();
        let of_open = of_open.map_or(0, |open| open.unconsumed + open.exchange.buffered_bytes());
        self.head.fields.size() + of_open
    }

    /// Requests that are not answered, or whose response waits to be sent.
    pub fn open_calls(&self) -> usize {
        usize::from(self.open.is_some() || self.output.len() > 0)
    }

    /// Bytes of the call that wait for the socket.
    pub fn queued(&self, call: CallId) -> usize {
        let is_open = self.open.as_ref().is_some_and(|open| open.call == call);
        if is_open { self.output.len() } else { 0 }
    }

    /// Whether a request was read, which a slow sender never completes.
    pub fn is_established(&self) -> bool {
        self.is_established
    }

    /// Whether [`receive`](Self::receive) has something to do without input.
    pub fn has_events(&self) -> bool {
        (self.output.is_writable() && self.open.is_some())
            || (self.held_bytes > 0 && self.may_proceed())
    }

    /// False while the client has sent more than may wait, or reads too little.
    pub fn wants_input(&self) -> bool {
        match self.reading {
            Reading::Stopped => true,
            Reading::Body(_) if !self.has_window() => false,
            _ => {
                self.held_bytes < self.limits.max_pipelined_bytes
                    && self.output.len() <= self.limits.max_queued_output_bytes
            }
        }
    }

    /// Whether the connection has ended: write the rest of the output, then close the socket.
    pub fn is_closed(&self) -> bool {
        matches!(self.reading, Reading::Stopped) && self.open.is_none()
    }

    /// Bytes to write to the socket.
    pub fn output(&self) -> &[u8] {
        self.output.pending()
    }

    /// The socket has taken this many bytes of [`output`](Self::output).
    pub fn consume_output(&mut self, bytes: usize) {
        self.output.consume(bytes);
    }

    /// The memory that the connection holds, in bytes.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        size_of::<ServerConnection>() + self.head.fields.capacity_bytes() + self.output.memory()
    }
}
