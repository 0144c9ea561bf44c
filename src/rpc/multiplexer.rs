//! Many unary calls in flight over several connections, from one thread.
//!
//! A [`super::Channel`] blocks each thread until its answer arrives. A `Multiplexer` reports all
//! answers to one thread, as they arrive. It is for callers with an event loop of their own, such
//! as a load generator or a MapReduce master.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::io;
use std::mem;
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
    /// The number of the connection, from [`Multiplexer::connect`].
    pub link: usize,
    /// The id of the call, from [`Multiplexer::start`].
    pub call: CallId,
    /// How it ended.
    pub status: &'a Status,
    /// The answer; empty when the call failed.
    pub message: &'a [u8],
}

/// Connections and their calls. The cost of a poll depends on the connections that have something
/// to do, not on the number of all.
pub struct Multiplexer {
    poller: Poller,
    started: Instant,
    links: BTreeMap<usize, Box<Entry>>,
    next_link: usize,
    woken: Arc<AtomicBool>,
    /// The links to poll, each once.
    to_poll: VecDeque<usize>,
    timers: BinaryHeap<Reverse<(Duration, usize)>>,
    buffer: Vec<u8>,
    readiness: Vec<Readiness>,
    messages: Messages,
}

/// An established connection that belongs to no multiplexer yet.
pub struct Dialed {
    socket: Socket,
    target: String,
    options: ChannelOptions,
}

impl Dialed {
    /// Connects, and waits for the connection and its TLS handshake: the blocking part of
    /// [`Multiplexer::connect`], for another thread.
    ///
    /// # Errors
    /// The operating system's, or the look-up's.
    pub fn dial(target: &str, options: &ChannelOptions) -> io::Result<Dialed> {
        let socket = connect(target, options, options.connect_timeout)?;
        Ok(Dialed { socket, target: target.to_owned(), options: options.clone() })
    }
}

/// Ends a [`Multiplexer::poll`] from any thread. Clones wake the same multiplexer.
#[derive(Clone)]
pub struct MultiplexerWaker {
    woken: Arc<AtomicBool>,
    waker: Waker,
}

impl MultiplexerWaker {
    /// Ends the current poll, or else the next one, without waiting. Whatever its caller is to find
    /// must be in place before this call.
    pub fn wake(&self) {
        self.woken.store(true, Ordering::SeqCst);
        self.waker.wake();
    }
}

struct Entry {
    link: Link,
    /// Whether it is in [`Multiplexer::to_poll`].
    to_poll: bool,
    /// When its earliest timer fires.
    armed: Option<Duration>,
}

const READ_BUFFER_BYTES: usize = 256 * 1024;

impl Multiplexer {
    /// A multiplexer without connections.
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
            to_poll: VecDeque::new(),
            timers: BinaryHeap::new(),
            buffer: vec![0; READ_BUFFER_BYTES],
            readiness: Vec::new(),
            messages: Messages::default(),
        })
    }

    /// A handle that ends a poll from another thread.
    pub fn waker(&self) -> MultiplexerWaker {
        MultiplexerWaker { woken: Arc::clone(&self.woken), waker: self.poller.waker() }
    }

    /// Connects, and waits for the connection and its TLS handshake. Connections are numbered from
    /// 0; no number is used twice.
    ///
    /// # Errors
    /// The operating system's, or the look-up's.
    pub fn connect(&mut self, target: &str, options: &ChannelOptions) -> io::Result<usize> {
        self.add(Dialed::dial(target, options)?)
    }

    /// Adds a connection that another thread has established.
    ///
    /// # Errors
    /// The operating system's.
    pub fn add(&mut self, dialed: Dialed) -> io::Result<usize> {
        let Dialed { socket, target, options } = dialed;
        let number = self.next_link;
        let mut link = Link::new(socket, &target, &options, self.started.elapsed());
        self.poller.add_stream(link.stream(), number as u64)?;
        self.links.insert(number, Box::new(Entry { link, to_poll: false, armed: None }));
        self.next_link += 1;
        self.schedule(number);
        Ok(number)
    }

    /// Closes a connection at once. Its calls are cancelled and not reported.
    pub fn disconnect(&mut self, link: usize) {
        self.links.remove(&link);
        self.messages.forget(|other, _| other == link);
    }

    /// Whether a connection is there and can still be used.
    pub fn is_connected(&self, link: usize) -> bool {
        self.links.get(&link).is_some_and(|entry| !entry.link.lost)
    }

    /// The limit of concurrent calls that the server has announced. It is known once the first
    /// answer has arrived.
    pub fn max_calls(&self, link: usize) -> usize {
        self.links.get(&link).map_or(0, |entry| entry.link.session.max_calls())
    }

    /// Whether as many calls are open as the server accepts. The next one would be refused.
    pub fn is_full(&self, link: usize) -> bool {
        self.links.get(&link).is_some_and(|entry| {
            let Link { session, lost, .. } = &entry.link;
            !lost && session.open_calls() >= session.max_calls()
        })
    }

    /// Starts a unary call. Its request is written by the next [`poll`](Self::poll), together with
    /// those of others.
    ///
    /// # Errors
    /// See [`StartError`]; a connection that is lost is `GoingAway`. Nothing was sent. After
    /// `TooManyCalls` the call can be started once another one has ended.
    pub fn start(
        &mut self,
        link: usize,
        path: &str,
        message: &[u8],
        timeout: Option<Duration>,
    ) -> Result<CallId, StartError> {
        let now = self.started.elapsed();
        let entry = self.links.get_mut(&link).filter(|entry| !entry.link.lost);
        let session = &mut entry.ok_or(StartError::GoingAway)?.link.session;
        let call = session.start(now, path, &Metadata::new(), timeout)?;
        session.send_message(call, message, true).map_err(|_| StartError::GoingAway)?;
        self.schedule(link);
        Ok(call)
    }

    /// Cancels a call: the next [`poll`](Self::poll) notifies the server. The call is not reported.
    pub fn cancel(&mut self, link: usize, call: CallId) {
        self.messages.forget(|other, of| (other, of) == (link, call));
        if let Some(entry) = self.links.get_mut(&link).filter(|entry| !entry.link.lost) {
            entry.link.session.cancel(call);
            self.schedule(link);
        }
    }

    /// Writes pending output, waits until input arrives, `timeout` has passed or a waker was used,
    /// and reports the calls that ended.
    ///
    /// # Errors
    /// The operating system's, when waiting fails.
    pub fn poll(
        &mut self,
        timeout: Duration,
        mut report: impl FnMut(Completion<'_>),
    ) -> io::Result<()> {
        let any = self.poll_links(&mut report);
        let timeout = if any || !self.to_poll.is_empty() { Duration::ZERO } else { timeout };
        let due = self.timers.peek().map(|Reverse((due, _))| *due);
        let due = due.map(|due| due.saturating_sub(self.started.elapsed()));
        let timeout = due.map_or(timeout, |due| timeout.min(due));
        let woken = &self.woken;
        let is_woken = || woken.load(Ordering::SeqCst);
        self.poller.wait(Some(timeout), &mut self.readiness, is_woken)?;
        self.woken.store(false, Ordering::SeqCst);
        let mut readiness = mem::take(&mut self.readiness);
        for ready in readiness.drain(..) {
            let number = ready.key as usize;
            if ready.readable
                && let Some(entry) = self.links.get_mut(&number)
            {
                entry.link.set_readable(ready.ended);
            }
            self.schedule(number);
        }
        self.readiness = readiness;
        self.schedule_due();
        self.poll_links(&mut report);
        Ok(())
    }

    fn schedule(&mut self, number: usize) {
        let Some(entry) = self.links.get_mut(&number) else { return };
        if !entry.to_poll && !entry.link.lost {
            entry.to_poll = true;
            self.to_poll.push_back(number);
        }
    }

    /// Schedules the links whose timer has fired.
    fn schedule_due(&mut self) {
        let now = self.started.elapsed();
        while let Some(&Reverse((due, number))) = self.timers.peek()
            && due <= now
        {
            self.timers.pop();
            if let Some(entry) = self.links.get_mut(&number)
                && entry.armed == Some(due)
            {
                entry.armed = None;
                self.schedule(number);
            }
        }
    }

    /// Polls every scheduled link, and returns whether anything was reported.
    fn poll_links(&mut self, report: &mut impl FnMut(Completion<'_>)) -> bool {
        let now = self.started.elapsed();
        let mut any = false;
        for _ in 0..self.to_poll.len() {
            let Some(number) = self.to_poll.pop_front() else { break };
            let Some(entry) = self.links.get_mut(&number) else { continue };
            let Entry { link, to_poll, armed } = &mut **entry;
            let mut inbox =
                Inbox { link: number, messages: &mut self.messages, report, any: &mut any };
            link.poll(now, &mut self.buffer, &mut inbox);
            *to_poll = link.is_runnable();
            if *to_poll {
                self.to_poll.push_back(number);
            }
            let due = link.session.next_timeout();
            if !link.lost && armed.is_none_or(|armed| due < armed) {
                *armed = Some(due);
                self.timers.push(Reverse((due, number)));
            }
        }
        any
    }
}

/// Messages whose calls have not ended yet. The end of a call usually follows at once; with gRPC,
/// events of other calls may come in between.
#[derive(Default)]
struct Messages {
    /// The call of the message that arrived last, which is in `bytes`.
    last: Option<(usize, CallId)>,
    bytes: Vec<u8>,
    others: Vec<(usize, CallId, Vec<u8>)>,
}

impl Messages {
    fn keep(&mut self, link: usize, call: CallId, message: &[u8]) {
        if let Some((link, call)) = self.last.replace((link, call)) {
            self.others.push((link, call, mem::take(&mut self.bytes)));
        }
        self.bytes.clear();
        self.bytes.extend_from_slice(message);
    }

    /// Passes the message of an ended call to `take`; an empty one if there was none.
    fn take(&mut self, link: usize, call: CallId, take: impl FnOnce(&[u8])) {
        if self.last == Some((link, call)) {
            self.last = None;
            return take(&self.bytes);
        }
        let at = self.others.iter().rposition(|(l, c, _)| (*l, *c) == (link, call));
        take(&at.map(|at| self.others.swap_remove(at).2).unwrap_or_default());
    }

    /// Drops the messages of cancelled calls.
    fn forget(&mut self, is_cancelled: impl Fn(usize, CallId) -> bool) {
        self.last = self.last.filter(|(link, call)| !is_cancelled(*link, *call));
        self.others.retain(|(link, call, _)| !is_cancelled(*link, *call));
    }
}

struct Inbox<'a, R> {
    link: usize,
    messages: &'a mut Messages,
    report: &'a mut R,
    any: &'a mut bool,
}

impl<R: FnMut(Completion<'_>)> ClientSink for Inbox<'_, R> {
    fn headers(&mut self, _: CallId, _: &Metadata) {}

    fn message(&mut self, call: CallId, message: &[u8]) {
        self.messages.keep(self.link, call, message);
    }

    fn finished(&mut self, call: CallId, status: Status, _: bool) {
        *self.any = true;
        let Inbox { link, ref mut report, .. } = *self;
        self.messages.take(link, call, |message| {
            let message = if status.is_ok() { message } else { &[] };
            report(Completion { link, call, status: &status, message });
        });
    }

    fn writable(&mut self, _: CallId) {}
}
