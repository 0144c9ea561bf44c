//! Many unary calls in flight over several connections, from one thread.
//!
//! A [`super::Channel`] gives a thread its answer; a `Multiplexer` gives a thread all answers, as
//! they come. It is for callers that have an event loop of their own: a load generator, a node
//! that talks to its peers.

use std::io;
use std::time::{Duration, Instant};

use super::channel::ChannelOptions;
use super::link::{Link, connect};
use super::reactor::{Poller, Readiness};
use crate::call::{CallId, ClientSink, Metadata, Status};
use crate::session::StartError;

/// A call that ended.
#[derive(Debug)]
pub struct Completion<'a> {
    /// The connection, as [`Multiplexer::connect`] numbered it.
    pub link: usize,
    /// The call, as [`Multiplexer::start`] named it.
    pub call: CallId,
    /// How it ended.
    pub status: &'a Status,
    /// The answer; empty when the call failed.
    pub message: &'a [u8],
}

/// Connections and their calls.
pub struct Multiplexer {
    poller: Poller,
    started: Instant,
    links: Vec<Link>,
    buffer: Vec<u8>,
    readiness: Vec<Readiness>,
    arrived: Vec<Arrived>,
}

/// What a link reported, kept until it has said all: answers may start further calls.
struct Arrived {
    link: usize,
    call: CallId,
    what: What,
}

enum What {
    Message(Vec<u8>),
    End(Status),
}

const READ_BUFFER_BYTES: usize = 256 * 1024;

impl Multiplexer {
    /// Without connections.
    ///
    /// # Errors
    /// The operating system's: no file descriptor left, most likely.
    pub fn new() -> io::Result<Multiplexer> {
        Ok(Multiplexer {
            poller: Poller::new()?,
            started: Instant::now(),
            links: Vec::new(),
            buffer: vec![0; READ_BUFFER_BYTES],
            readiness: Vec::new(),
            arrived: Vec::new(),
        })
    }

    /// Makes one more connection, waiting for it (and its TLS handshake). Connections are numbered from 0.
    ///
    /// # Errors
    /// The operating system's, or the look-up's.
    pub fn connect(&mut self, target: &str, options: &ChannelOptions) -> io::Result<usize> {
        let number = self.links.len();
        let socket = connect(target, options, options.connect_timeout)?;
        let mut link = Link::new(socket, target, options, self.started.elapsed());
        self.poller.add_stream(link.stream(), number as u64)?;
        self.links.push(link);
        Ok(number)
    }

    /// Begins a unary call. What it has to send is written with the next [`turn`](Self::turn), in
    /// one go with that of others.
    ///
    /// # Errors
    /// See [`StartError`]; a connection that is lost is `GoingAway`.
    pub fn start(
        &mut self,
        link: usize,
        path: &str,
        message: &[u8],
        timeout: Option<Duration>,
    ) -> Result<CallId, StartError> {
        let now = self.started.elapsed();
        let link = self.links.get_mut(link).filter(|link| !link.lost);
        let session = &mut link.ok_or(StartError::GoingAway)?.session;
        let call = session.start(now, path, &Metadata::new(), timeout)?;
        session.send_message(call, message, true).map_err(|_| StartError::GoingAway)?;
        Ok(call)
    }

    /// Writes what waits, sleeps until something comes or `timeout` has passed, and reports the
    /// calls that ended.
    ///
    /// # Errors
    /// The operating system's, when waiting fails.
    pub fn turn(
        &mut self,
        timeout: Duration,
        mut report: impl FnMut(Completion<'_>),
    ) -> io::Result<()> {
        let now = self.started.elapsed();
        let before = self.arrived.len();
        self.turn_links(now);
        let due = |link: &Link| if link.is_runnable() { now } else { link.session.next_timeout() };
        let next = self.links.iter().filter(|link| !link.lost).map(due).min();
        let timeout = next.map_or(timeout, |next| timeout.min(next.saturating_sub(now)));
        let timeout = if self.arrived.len() == before { timeout } else { Duration::ZERO };
        self.poller.wait(Some(timeout), &mut self.readiness, || false)?;
        for ready in self.readiness.drain(..) {
            if let Some(link) = self.links.get_mut(ready.key as usize)
                && ready.readable
            {
                link.set_readable(ready.ended);
            }
        }
        self.turn_links(self.started.elapsed());
        self.report(&mut report);
        Ok(())
    }

    fn turn_links(&mut self, now: Duration) {
        for (number, link) in self.links.iter_mut().enumerate() {
            if !link.lost {
                let mut inbox = Inbox { link: number, arrived: &mut self.arrived };
                link.turn(now, &mut self.buffer, &mut inbox);
            }
        }
    }

    /// A call's message comes right before its end, or with other calls' events in between.
    fn report(&mut self, report: &mut impl FnMut(Completion<'_>)) {
        let mut messages: Vec<(usize, CallId, Vec<u8>)> = Vec::new();
        for Arrived { link, call, what } in self.arrived.drain(..) {
            match what {
                What::Message(message) => messages.push((link, call, message)),
                What::End(status) => {
                    let at = messages.iter().rposition(|(l, c, _)| (*l, *c) == (link, call));
                    let message = at.map(|at| messages.swap_remove(at).2).unwrap_or_default();
                    let message = if status.is_ok() { &message[..] } else { &[] };
                    report(Completion { link, call, status: &status, message });
                }
            }
        }
        // The end of these calls has not come yet.
        self.arrived.extend(messages.into_iter().map(|(link, call, message)| Arrived {
            link,
            call,
            what: What::Message(message),
        }));
    }
}

struct Inbox<'a> {
    link: usize,
    arrived: &'a mut Vec<Arrived>,
}

impl ClientSink for Inbox<'_> {
    fn headers(&mut self, _: CallId, _: &Metadata) {}

    fn message(&mut self, call: CallId, message: &[u8]) {
        let what = What::Message(message.to_vec());
        self.arrived.push(Arrived { link: self.link, call, what });
    }

    fn finished(&mut self, call: CallId, status: Status, _: bool) {
        self.arrived.push(Arrived { link: self.link, call, what: What::End(status) });
    }

    fn writable(&mut self, _: CallId) {}
}
