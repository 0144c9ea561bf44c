//! One peer stream. The module documentation of `peer_streams` draws its states.

use std::fmt::Display;
use std::io::{self, ErrorKind};
use std::mem;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::look_up::LookUps;
use super::{KEYS, NotSent, PeerStreamEvent, PeerStreamId, PeerStreamOptions};
use crate::call::{CallId, ClientSink, Code, Metadata, Principal, Status};
use crate::rpc::backoff::Backoff;
use crate::rpc::dial::stagger;
use crate::rpc::event_loop_task::EventLoopTask;
use crate::rpc::link::Link;
use crate::rpc::names::ResolveError;
use crate::rpc::reactor::{Readiness, Registrar, Stream};
use crate::rpc::socket::Socket;
use crate::rpc::tls::Tls;

pub(super) struct PeerStream {
    id: PeerStreamId,
    options: PeerStreamOptions,
    state: State,
    backoff: Backoff,
    /// Addresses not tried yet, in reverse order.
    addresses: Vec<SocketAddr>,
    /// The socket has become ready, or there is more to do without waiting for it.
    ready: bool,
    pub(super) dropped: u64,
}

enum State {
    BackingOff {
        until: Duration,
    },
    LookingUp,
    Connecting {
        /// Attempts in progress, each with its deadline.
        attempts: Vec<(Stream, Duration)>,
        /// When the next address is tried even if no attempt has failed.
        next_at: Duration,
    },
    /// Connected; up once `up_by` is empty.
    Connected {
        link: Box<Link>,
        call: CallId,
        up_by: Option<Duration>,
        /// The socket did not accept all output, and has not become writable since.
        blocked: bool,
    },
}

/// What all peer streams use in their turns.
pub(super) struct Tools<'a> {
    pub(super) registrar: &'a Registrar,
    pub(super) look_ups: &'a LookUps,
    pub(super) buffer: &'a mut [u8],
}

impl PeerStream {
    pub(super) fn new(id: PeerStreamId, options: PeerStreamOptions) -> PeerStream {
        PeerStream {
            id,
            state: State::BackingOff { until: Duration::ZERO },
            backoff: Backoff::new(options.first_pause, options.longest_pause),
            addresses: Vec::new(),
            ready: false,
            dropped: 0,
            options,
        }
    }

    pub(super) fn set_first_message(&mut self, first_message: Vec<u8>) {
        self.options.first_message = first_message;
    }

    pub(super) fn is_up(&self) -> bool {
        matches!(self.state, State::Connected { up_by: None, .. })
    }

    pub(super) fn queued_bytes(&self) -> usize {
        match &self.state {
            State::Connected { link, call, .. } => {
                link.session.queued(*call) + link.session.output().len()
            }
            _ => 0,
        }
    }

    pub(super) fn send(&mut self, message: &[u8]) -> Result<(), NotSent> {
        let queued = self.queued_bytes();
        let State::Connected { link, call, up_by: None, .. } = &mut self.state else {
            return Err(NotSent::Down);
        };
        // One message is accepted whatever its size.
        if queued > 0 && queued + message.len() > self.options.max_queued_bytes {
            self.dropped += 1;
            return Err(NotSent::Full);
        }
        link.session.send_message(*call, message, false).map_err(|_| NotSent::Down)
    }

    pub(super) fn reconnect_now(&mut self) {
        if let State::BackingOff { until } = &mut self.state {
            *until = Duration::ZERO;
        }
    }

    pub(super) fn note(&mut self, ready: Readiness) {
        self.ready = true;
        if let State::Connected { link, blocked, .. } = &mut self.state {
            if ready.readable {
                link.set_readable(ready.ended);
            }
            *blocked &= !ready.writable;
        }
    }

    /// When [`poll`](Self::poll) is due; zero means now.
    pub(super) fn next_timeout(&self) -> Duration {
        match &self.state {
            _ if self.ready => Duration::ZERO,
            State::BackingOff { until } => *until,
            State::Connecting { attempts, next_at } => {
                let next_at = (!self.addresses.is_empty()).then_some(*next_at);
                let ends = attempts.iter().map(|(_, until)| *until);
                ends.chain(next_at).min().unwrap_or(Duration::ZERO)
            }
            State::LookingUp => Duration::MAX,
            State::Connected { link, up_by, .. } => {
                link.session.next_timeout().min(up_by.unwrap_or(Duration::MAX))
            }
        }
    }

    pub(super) fn poll(
        &mut self,
        now: Duration,
        tools: &mut Tools<'_>,
        task: &mut dyn EventLoopTask,
    ) {
        self.ready = false;
        match &mut self.state {
            State::BackingOff { until } if now >= *until => self.begin(now, tools, task),
            State::BackingOff { .. } | State::LookingUp => (),
            State::Connecting { .. } => self.connect(now, None, tools, task),
            State::Connected { .. } => self.poll_link(now, tools.buffer, task),
        }
    }

    /// Starts an attempt: finds the addresses of the target.
    fn begin(&mut self, now: Duration, tools: &mut Tools<'_>, task: &mut dyn EventLoopTask) {
        self.state = State::LookingUp;
        match self.options.target.parse() {
            Ok(address) => self.looked_up(now, Ok(vec![address]), tools, task),
            Err(_) => tools.look_ups.begin(self.id, &self.options.target),
        }
    }

    /// Continues with the result of a look-up.
    pub(super) fn looked_up(
        &mut self,
        now: Duration,
        found: Result<Vec<SocketAddr>, ResolveError>,
        tools: &mut Tools<'_>,
        task: &mut dyn EventLoopTask,
    ) {
        if !matches!(self.state, State::LookingUp) {
            return;
        }
        match found {
            Ok(addresses) => {
                self.addresses = addresses;
                self.addresses.reverse();
                self.state = State::Connecting { attempts: Vec::new(), next_at: now };
                self.connect(now, None, tools, task);
            }
            Err(error) => {
                let status = self.unavailable(&error);
                self.back_off(now, &status, false, task);
                // Name servers are queried less often than a peer that restarts is tried.
                self.state = State::BackingOff { until: now + self.options.refused_pause };
            }
        }
    }

    /// Checks the attempts to connect, and starts further ones. When none is left, the stream backs
    /// off with the last failure.
    fn connect(
        &mut self,
        now: Duration,
        mut failure: Option<io::Error>,
        tools: &mut Tools<'_>,
        task: &mut dyn EventLoopTask,
    ) {
        while let Some((stream, until)) = self.connected(now, &mut failure) {
            match self.call(now, stream, until) {
                Ok(()) => {
                    self.addresses.clear();
                    return self.poll_link(now, tools.buffer, task);
                }
                Err(error) => failure = Some(error),
            }
        }
        let timeout = self.options.channel.connect_timeout;
        let pause = stagger(timeout, self.addresses.len());
        let State::Connecting { attempts, next_at } = &mut self.state else { return };
        while (attempts.is_empty() || failure.is_some() || now >= *next_at)
            && let Some(address) = self.addresses.pop()
        {
            let stream = Stream::connect(address).and_then(|mut stream| {
                tools.registrar.add_stream(&mut stream, KEYS | u64::from(self.id.0))?;
                Ok(stream)
            });
            match stream {
                Ok(stream) => {
                    attempts.push((stream, now + timeout));
                    *next_at = now + pause;
                    failure = None;
                }
                Err(error) => failure = Some(error),
            }
        }
        if attempts.is_empty() {
            tools.look_ups.forget(&self.options.target);
            let status = match failure {
                Some(error) => self.unavailable(&error),
                None => self.unavailable(&ResolveError::NoAddress),
            };
            self.back_off(now, &status, false, task);
        }
    }

    /// An attempt that is connected, if there is one; failed attempts are removed.
    fn connected(
        &mut self,
        now: Duration,
        failure: &mut Option<io::Error>,
    ) -> Option<(Stream, Duration)> {
        let State::Connecting { attempts, .. } = &mut self.state else { return None };
        let mut at = 0;
        while let Some((stream, until)) = attempts.get(at) {
            match stream.is_connected() {
                Ok(true) => return Some(attempts.remove(at)),
                Ok(false) if now < *until => {
                    at += 1;
                    continue;
                }
                Ok(false) => *failure = Some(ErrorKind::TimedOut.into()),
                Err(error) => *failure = Some(error),
            }
            attempts.remove(at);
        }
        None
    }

    /// Starts the call on a connection that was just established.
    fn call(&mut self, now: Duration, stream: Stream, until: Duration) -> io::Result<()> {
        let PeerStreamOptions { target, path, metadata, first_message, channel, .. } =
            &self.options;
        let tls = channel.tls.as_ref().map(|tls| Tls::client(tls, target, channel.protocol));
        let socket = Socket::client(stream, tls.transpose()?);
        let mut link = Box::new(Link::new(socket, target, channel, now));
        let call = link.session.start(now, path, metadata, None);
        let call = call.map_err(|error| io::Error::other(format!("no call begins: {error:?}")))?;
        link.session.send_message(call, first_message, false).map_err(io::Error::other)?;
        self.state = State::Connected { link, call, up_by: Some(until), blocked: false };
        Ok(())
    }

    fn poll_link(&mut self, now: Duration, buffer: &mut [u8], task: &mut dyn EventLoopTask) {
        let id = self.id;
        let State::Connected { link, call, up_by, .. } = &mut self.state else { return };
        if link.is_outdated(self.options.channel.tls.as_ref()) {
            return self.reconnect_with_new_certificates(now, task);
        }
        let server = Arc::clone(&link.server);
        let mut inbox = Inbox { id, task, server, up_by, taken: Vec::new(), end: None };
        link.poll(now, buffer, &mut inbox);
        let Inbox { taken, end, .. } = inbox;
        for bytes in taken {
            link.session.message_taken(*call, bytes);
        }
        self.ready = link.is_runnable();
        self.after_link_ran(now, end, task);
    }

    /// Replaces a connection that was made with certificates that were renewed since.
    fn reconnect_with_new_certificates(&mut self, now: Duration, task: &mut dyn EventLoopTask) {
        let was_up = self.is_up();
        let renewed = State::BackingOff { until: now };
        if let State::Connected { mut link, call, .. } = mem::replace(&mut self.state, renewed) {
            let _ = link.session.half_close(call);
            link.close(now);
        }
        let status = self.unavailable(&"the certificates were renewed");
        task.handle_stream_event(self.id, PeerStreamEvent::Down { status: &status, was_up });
    }

    /// Writes the queued output. Returns whether an event was reported to the task.
    pub(super) fn flush(&mut self, now: Duration, task: &mut dyn EventLoopTask) -> bool {
        let id = self.id;
        let State::Connected { link, up_by, blocked, .. } = &mut self.state else { return false };
        if *blocked || link.session.output().is_empty() {
            return false;
        }
        let server = Arc::clone(&link.server);
        let mut inbox = Inbox { id, task, server, up_by, taken: Vec::new(), end: None };
        link.flush(now, &mut inbox);
        let end = inbox.end;
        *blocked = !link.session.output().is_empty();
        self.ready |= link.is_runnable();
        self.after_link_ran(now, end, task)
    }

    /// Handles a failure, an end or a timeout after the link has run. Returns whether the stream
    /// went down.
    fn after_link_ran(
        &mut self,
        now: Duration,
        end: Option<Status>,
        task: &mut dyn EventLoopTask,
    ) -> bool {
        let State::Connected { link, up_by, .. } = &mut self.state else { return false };
        let is_late = up_by.is_some_and(|up_by| now >= up_by);
        let status = match (link.failure.take(), end) {
            (Some(error), _) => self.unavailable(&error),
            (None, Some(status)) => status,
            (None, None) if link.lost => {
                self.unavailable(&io::Error::from(ErrorKind::ConnectionAborted))
            }
            (None, None) if is_late => self.unavailable(&io::Error::from(ErrorKind::TimedOut)),
            (None, None) => return false,
        };
        let was_up = self.is_up();
        self.back_off(now, &status, was_up, task);
        true
    }

    /// Waits for the next attempt.
    fn back_off(
        &mut self,
        now: Duration,
        status: &Status,
        was_up: bool,
        task: &mut dyn EventLoopTask,
    ) {
        if was_up {
            self.backoff.succeeded();
        }
        let is_refusal = !matches!(status.code, Code::Ok | Code::Unavailable);
        let until = self.backoff.failed(now);
        let until = if is_refusal { now + self.options.refused_pause } else { until };
        self.state = State::BackingOff { until };
        self.ready = false;
        task.handle_stream_event(self.id, PeerStreamEvent::Down { status, was_up });
    }

    fn unavailable(&self, error: &dyn Display) -> Status {
        Status::new(Code::Unavailable, format!("{}: {error}", self.options.target))
    }

    /// Half-closes the call, so that the peer sees an orderly end.
    pub(super) fn close(self, now: Duration) {
        if let State::Connected { mut link, call, .. } = self.state {
            let _ = link.session.half_close(call);
            link.close(now);
        }
    }
}

/// Passes what a link reports to the task. A link has one call.
struct Inbox<'a> {
    id: PeerStreamId,
    task: &'a mut dyn EventLoopTask,
    server: Arc<OnceLock<Principal>>,
    up_by: &'a mut Option<Duration>,
    /// The lengths of the messages that were passed on.
    taken: Vec<usize>,
    end: Option<Status>,
}

impl Inbox<'_> {
    fn is_up(&mut self) {
        if self.up_by.take().is_some() {
            let server = self.server.get().unwrap_or(&Principal::Anonymous);
            self.task.handle_stream_event(self.id, PeerStreamEvent::Up { server });
        }
    }
}

impl ClientSink for Inbox<'_> {
    fn headers(&mut self, _: CallId, _: &Metadata) {
        self.is_up();
    }

    fn message(&mut self, _: CallId, message: &[u8]) {
        self.is_up();
        self.task.handle_stream_event(self.id, PeerStreamEvent::Message(message));
        self.taken.push(message.len());
    }

    fn finished(&mut self, _: CallId, status: Status, _: bool) {
        self.end = Some(status);
    }

    fn writable(&mut self, _: CallId) {}
}
