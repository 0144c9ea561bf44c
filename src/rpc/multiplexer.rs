//! Many unary calls in flight over several connections, from one thread.
//!
//! A [`super::Channel`] gives a thread its answer; a `Multiplexer` gives a thread all answers, as
//! they come. It is for callers that have an event loop of their own: a load generator, a node
//! that talks to its peers.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::channel::ChannelOptions;
use super::link::{Link, connect};
use super::reactor::{Poller, Readiness, Waker};
use super::socket::Socket;
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
    links: BTreeMap<usize, Link>,
    next_link: usize,
    woken: Arc<AtomicBool>,
    buffer: Vec<u8>,
    readiness: Vec<Readiness>,
    arrived: Vec<Arrived>,
}

/// A connection that was made and belongs to no multiplexer yet.
pub struct Dialed {
    socket: Socket,
    target: String,
    options: ChannelOptions,
}

impl Dialed {
    /// Makes a connection, waiting for it (and its TLS handshake): the part of
    /// [`Multiplexer::connect`] that takes time, for another thread.
    ///
    /// # Errors
    /// The operating system's, or the look-up's.
    pub fn dial(target: &str, options: &ChannelOptions) -> io::Result<Dialed> {
        let socket = connect(target, options, options.connect_timeout)?;
        Ok(Dialed { socket, target: target.to_owned(), options: options.clone() })
    }
}

/// Ends a [`Multiplexer::turn`] from any thread. Clones wake the same multiplexer.
#[derive(Clone)]
pub struct MultiplexerWaker {
    woken: Arc<AtomicBool>,
    waker: Waker,
}

impl MultiplexerWaker {
    /// Has the current turn, or else the next one, end without waiting. What its caller is to find
    /// must be in place before.
    pub fn wake(&self) {
        self.woken.store(true, Ordering::SeqCst);
        self.waker.wake();
    }
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
            links: BTreeMap::new(),
            next_link: 0,
            woken: Arc::default(),
            buffer: vec![0; READ_BUFFER_BYTES],
            readiness: Vec::new(),
            arrived: Vec::new(),
        })
    }

    /// What ends a turn from another thread.
    pub fn waker(&self) -> MultiplexerWaker {
        MultiplexerWaker { woken: Arc::clone(&self.woken), waker: self.poller.waker() }
    }

    /// Makes one more connection, waiting for it (and its TLS handshake). Connections are numbered
    /// from 0; no number is used twice.
    ///
    /// # Errors
    /// The operating system's, or the look-up's.
    pub fn connect(&mut self, target: &str, options: &ChannelOptions) -> io::Result<usize> {
        self.add(Dialed::dial(target, options)?)
    }

    /// Takes a connection that another thread has made.
    ///
    /// # Errors
    /// The operating system's.
    pub fn add(&mut self, dialed: Dialed) -> io::Result<usize> {
        let Dialed { socket, target, options } = dialed;
        let number = self.next_link;
        let mut link = Link::new(socket, &target, &options, self.started.elapsed());
        self.poller.add_stream(link.stream(), number as u64)?;
        self.links.insert(number, link);
        self.next_link += 1;
        Ok(number)
    }

    /// Closes a connection at once. Its calls are given up, and nothing of them is reported.
    pub fn disconnect(&mut self, link: usize) {
        self.links.remove(&link);
        self.arrived.retain(|arrived| arrived.link != link);
    }

    /// Whether a connection is there and can still be used.
    pub fn is_connected(&self, link: usize) -> bool {
        self.links.get(&link).is_some_and(|link| !link.lost)
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
        let link = self.links.get_mut(&link).filter(|link| !link.lost);
        let session = &mut link.ok_or(StartError::GoingAway)?.session;
        let call = session.start(now, path, &Metadata::new(), timeout)?;
        session.send_message(call, message, true).map_err(|_| StartError::GoingAway)?;
        Ok(call)
    }

    /// Gives a call up: the server is told with the next [`turn`](Self::turn), and nothing more of
    /// the call is reported.
    pub fn cancel(&mut self, link: usize, call: CallId) {
        self.arrived.retain(|arrived| (arrived.link, arrived.call) != (link, call));
        if let Some(link) = self.links.get_mut(&link).filter(|link| !link.lost) {
            link.session.cancel(call);
        }
    }

    /// Writes what waits, sleeps until something comes, `timeout` has passed or a waker was used,
    /// and reports the calls that ended.
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
        let next = self.links.values().filter(|link| !link.lost).map(due).min();
        let timeout = next.map_or(timeout, |next| timeout.min(next.saturating_sub(now)));
        let timeout = if self.arrived.len() == before { timeout } else { Duration::ZERO };
        let woken = &self.woken;
        let is_woken = || woken.load(Ordering::SeqCst);
        self.poller.wait(Some(timeout), &mut self.readiness, is_woken)?;
        self.woken.store(false, Ordering::SeqCst);
        for ready in self.readiness.drain(..) {
            if let Some(link) = self.links.get_mut(&(ready.key as usize))
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
        for (number, link) in &mut self.links {
            if !link.lost {
                let mut inbox = Inbox { link: *number, arrived: &mut self.arrived };
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
