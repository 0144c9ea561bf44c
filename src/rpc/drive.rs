//! How a channel's threads share its connection.
//!
//! There is no thread behind it. A thread that waits for its call *drives* the connection: it
//! sleeps on the socket, reads, and hands what it reads to the calls that it belongs to. Others
//! that wait meanwhile sleep until their call has something; when the driver's own call is
//! through, the next of them drives. So a call of a single thread costs one write, one wait and
//! one read, and no thread has to be woken for it.
//!
//! ```text
//!   waiting --- nobody drives ---> driving --- own call is through ---> back, wakes a waiting one
//!      ^  \---- own call is through ---> back
//!      |-- woken by the driver
//! ```
//!
//! While nobody waits nothing is read: a server's ping goes unanswered on an idle connection. Ours
//! asks only while a call is open; a connection that another server gave up is replaced at the
//! next call.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::backoff::Backoff;
use super::channel::ChannelOptions;
use super::link::{Link, connect};
use super::reactor::{Poller, Readiness, Registrar, Waker};
use crate::call::{CallId, ClientSink, Code, Metadata, Status};

/// A call of a channel over all the connections it ever had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct CallKey {
    pub(super) link: u64,
    pub(super) call: CallId,
}

/// What has come for a call and was not taken yet.
#[derive(Default)]
pub(super) struct CallState {
    pub(super) headers: Option<Metadata>,
    /// Bounded by the call's receive window: a message counts against it until it is taken.
    pub(super) messages: VecDeque<Vec<u8>>,
    /// The final status, and whether the server has certainly not begun to work on the call.
    pub(super) end: Option<(Status, bool)>,
    /// Its thread sleeps until something comes.
    asleep: Option<Arc<Condvar>>,
}

/// What all clones of a channel and all its calls share.
pub(super) struct Inner {
    target: String,
    options: ChannelOptions,
    started: Instant,
    state: Mutex<State>,
    /// Signalled when an attempt to connect has ended.
    connected: Condvar,
    registrar: Registrar,
    waker: Waker,
    /// The driver is to look at the time again before it sleeps.
    recheck_timeout: AtomicBool,
}

/// What the channel's lock guards.
pub(super) struct State {
    links: Vec<(u64, Link)>,
    /// The link that takes new calls; the others finish theirs.
    current: Option<u64>,
    next_link: u64,
    /// Absent while a thread drives.
    poller: Option<Poller>,
    /// Until when the driver sleeps if nothing happens.
    driver_wakes: Duration,
    /// The driver waits for any call to end, to begin its own.
    driver_awaits_call_end: bool,
    connecting: bool,
    backoff: Backoff,
    last_failure: String,
    pub(super) calls: HashMap<CallKey, CallState>,
    /// All threads that sleep while another drives.
    sleeping: Vec<Arc<Condvar>>,
    /// Those of them that wait for any call to end, to begin theirs.
    starting: Vec<Arc<Condvar>>,
    /// Calls whose threads wait for their queue to drain, which it also does by mere writing.
    pub(super) sending: Vec<CallKey>,
    last_used: Duration,
    buffer: Vec<u8>,
    readiness: Vec<Readiness>,
}

const READ_BUFFER_BYTES: usize = 64 * 1024;
/// Between two attempts to connect.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// After so long without a call the connection is looked at before the next call trusts it.
const STALE_AFTER: Duration = Duration::from_millis(500);

impl Inner {
    pub(super) fn new(target: &str, options: ChannelOptions) -> Result<Inner, Status> {
        let failed = |error| Status::new(Code::Unavailable, format!("no poller: {error}"));
        let poller = Poller::new().map_err(failed)?;
        let registrar = poller.registrar().map_err(failed)?;
        let waker = poller.waker();
        let state = State {
            links: Vec::new(),
            current: None,
            next_link: 0,
            poller: Some(poller),
            driver_wakes: Duration::ZERO,
            driver_awaits_call_end: false,
            connecting: false,
            backoff: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE),
            last_failure: String::new(),
            calls: HashMap::new(),
            sleeping: Vec::new(),
            starting: Vec::new(),
            sending: Vec::new(),
            last_used: Duration::ZERO,
            buffer: vec![0; READ_BUFFER_BYTES],
            readiness: Vec::new(),
        };
        Ok(Inner {
            target: target.to_owned(),
            options,
            started: Instant::now(),
            state: Mutex::new(state),
            connected: Condvar::new(),
            registrar,
            waker,
            recheck_timeout: AtomicBool::new(false),
        })
    }

    pub(super) fn target(&self) -> &str {
        &self.target
    }

    pub(super) fn send_high_water_bytes(&self) -> usize {
        self.options.limits.send_high_water_bytes
    }

    pub(super) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// A thread that panicked under the lock was not within a session: the state is whole.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something may have changed for a call, or for a call that is to begin (`key` is
    /// `None`): drives, or sleeps while another thread does.
    pub(super) fn wait<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        key: Option<CallKey>,
        until: Option<Instant>,
    ) -> MutexGuard<'a, State> {
        let now = self.now();
        if state.flush_all(now) {
            // A link broke under it: its calls have ended, perhaps this one.
            return state;
        }
        let Some(mut poller) = state.poller.take() else {
            return self.sleep(state, key, until);
        };
        let until = until.map(|until| until.saturating_duration_since(self.started));
        state.driver_wakes = state.next_timeout(now).min(until.unwrap_or(Duration::MAX));
        state.driver_awaits_call_end = key.is_none();
        let timeout = state.driver_wakes.saturating_sub(now);
        let mut readiness = mem::take(&mut state.readiness);
        drop(state);
        let waited = poller.wait(Some(timeout), &mut readiness, || {
            self.recheck_timeout.swap(false, Ordering::SeqCst)
        });
        if let Err(error) = waited {
            log::error!("waiting for a server: {error}");
        }
        let mut state = self.state();
        state.poller = Some(poller);
        for ready in readiness.drain(..) {
            if ready.readable
                && let Some(link) = state.link(ready.key)
            {
                link.set_readable(ready.ended);
            }
        }
        state.readiness = readiness;
        state.poll_links(self.now());
        state
    }

    /// Sleeps until the driver has something for the call, or hands the driving over.
    fn sleep<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        key: Option<CallKey>,
        until: Option<Instant>,
    ) -> MutexGuard<'a, State> {
        let signal = Arc::new(Condvar::new());
        match key.and_then(|key| state.calls.get_mut(&key)) {
            Some(call) => call.asleep = Some(Arc::clone(&signal)),
            None => state.starting.push(Arc::clone(&signal)),
        }
        state.sleeping.push(Arc::clone(&signal));
        state = match until {
            None => signal.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(until) => {
                let left = until.saturating_duration_since(Instant::now());
                signal.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
            }
        };
        state.sleeping.retain(|other| !Arc::ptr_eq(other, &signal));
        match key.and_then(|key| state.calls.get_mut(&key)) {
            Some(call) => call.asleep = None,
            None => state.starting.retain(|other| !Arc::ptr_eq(other, &signal)),
        }
        state
    }

    /// Lets another thread drive, if one waits and nobody does.
    pub(super) fn hand_over_driving(&self, state: &State) {
        if state.poller.is_some()
            && let Some(signal) = state.sleeping.first()
        {
            signal.notify_one();
        }
    }

    /// A call began that ends at `deadline`: the driver must not sleep beyond it.
    pub(super) fn call_started(&self, state: &State, deadline: Option<Duration>) {
        if state.poller.is_none() && deadline.is_some_and(|at| at < state.driver_wakes) {
            self.recheck_timeout.store(true, Ordering::SeqCst);
            self.waker.wake();
        }
    }

    /// A call was given up, of which the server says nothing more: another may begin.
    pub(super) fn call_cancelled(&self, state: &State) {
        state.starting.iter().for_each(|signal| signal.notify_one());
        if state.poller.is_none() && state.driver_awaits_call_end {
            self.recheck_timeout.store(true, Ordering::SeqCst);
            self.waker.wake();
        }
    }

    /// Makes sure that there is a link that takes calls: connects if need be.
    pub(super) fn ensure_link<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        until: Option<Instant>,
        wait_for_ready: bool,
    ) -> Result<MutexGuard<'a, State>, Status> {
        loop {
            let now = self.now();
            state.check_if_stale(now);
            if state.current.is_some() {
                return Ok(state);
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Err(self.timed_out(&state));
            }
            let pause = state.backoff.remaining(now);
            if !state.connecting && pause.is_zero() {
                state = self.connect(state, left);
                if state.current.is_none() && !wait_for_ready {
                    return Err(self.unreachable(&state));
                }
                continue;
            }
            if !state.connecting && !wait_for_ready {
                return Err(self.unreachable(&state));
            }
            // Another thread connects, or the pause between two attempts is not over.
            let longest = if state.connecting { self.options.connect_timeout } else { pause };
            let wait = left.map_or(longest, |left| left.min(longest));
            let waited = self.connected.wait_timeout(state, wait);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn unreachable(&self, state: &State) -> Status {
        let message = format!("cannot reach {}: {}", self.target, state.last_failure);
        Status::new(Code::Unavailable, message)
    }

    fn timed_out(&self, state: &State) -> Status {
        let failure = match state.last_failure.as_str() {
            "" => "no time left to connect",
            failure => failure,
        };
        Status::new(Code::DeadlineExceeded, format!("cannot reach {}: {failure}", self.target))
    }

    /// One attempt to connect, without the lock.
    fn connect<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        left: Option<Duration>,
    ) -> MutexGuard<'a, State> {
        state.connecting = true;
        let key = state.next_link;
        state.next_link += 1;
        drop(state);
        let longest = self.options.connect_timeout;
        let timeout = left.map_or(longest, |left| left.min(longest));
        let result = self.open_link(key, timeout);
        let mut state = self.state();
        state.connecting = false;
        match result {
            Ok(link) => {
                state.backoff.succeeded();
                state.last_failure.clear();
                state.links.push((key, link));
                state.current = Some(key);
            }
            Err(error) => {
                state.backoff.failed(self.now());
                state.last_failure = error.to_string();
            }
        }
        self.connected.notify_all();
        state
    }

    fn open_link(&self, key: u64, timeout: Duration) -> io::Result<Link> {
        let socket = connect(&self.target, &self.options, timeout)?;
        let mut link = Link::new(socket, &self.target, &self.options, self.now());
        self.registrar.add_stream(link.stream(), key)?;
        Ok(link)
    }
}

impl State {
    /// The link with this key, unless it is gone.
    pub(super) fn link(&mut self, key: u64) -> Option<&mut Link> {
        self.links.iter_mut().find(|(id, _)| *id == key).map(|(_, link)| link)
    }

    /// The link that takes new calls.
    pub(super) fn current(&mut self) -> Option<(u64, &mut Link)> {
        let key = self.current?;
        self.link(key).map(|link| (key, link))
    }

    /// The current link takes no more calls.
    pub(super) fn retire_current(&mut self) {
        if let Some((_, link)) = self.current() {
            link.session.go_away();
        }
        self.current = None;
    }

    /// Looks whether a connection that nobody has looked at for a while is still good.
    fn check_if_stale(&mut self, now: Duration) {
        let stale = now.saturating_sub(self.last_used) > STALE_AFTER;
        self.last_used = now;
        if stale && self.poller.is_some() {
            if let Some((_, link)) = self.current() {
                link.set_readable(false);
            }
            self.poll_links(now);
        }
    }

    /// When the links have something to do if nothing comes.
    fn next_timeout(&self, now: Duration) -> Duration {
        let due = |link: &Link| if link.is_runnable() { now } else { link.session.next_timeout() };
        self.links.iter().map(|(_, link)| due(link)).min().unwrap_or(Duration::MAX)
    }

    /// Reads, hands what came to the calls, writes; forgets links that are over.
    fn poll_links(&mut self, now: Duration) {
        let mut ended = false;
        for (key, link) in &mut self.links {
            let mut inbox = Inbox { link: *key, calls: &mut self.calls, ended: &mut ended };
            link.poll(now, &mut self.buffer, &mut inbox);
        }
        self.after_links_ran(ended);
    }

    /// Writes what waits on one link.
    pub(super) fn flush(&mut self, key: u64, now: Duration) {
        let mut ended = false;
        if let Some((key, link)) = self.links.iter_mut().find(|(id, _)| *id == key) {
            let mut inbox = Inbox { link: *key, calls: &mut self.calls, ended: &mut ended };
            link.flush(now, &mut inbox);
        }
        self.after_links_ran(ended);
    }

    /// Writes what waits on all links, credit for messages that were taken most of all. Tells
    /// whether calls have ended with a link that broke.
    fn flush_all(&mut self, now: Duration) -> bool {
        let mut ended = false;
        for (key, link) in &mut self.links {
            let mut inbox = Inbox { link: *key, calls: &mut self.calls, ended: &mut ended };
            link.flush(now, &mut inbox);
        }
        self.after_links_ran(ended);
        ended
    }

    fn after_links_ran(&mut self, ended: bool) {
        let current = self.current;
        self.links.retain(|(key, link)| {
            let wanted = Some(*key) == current || link.session.open_calls() > 0;
            !link.lost && wanted
        });
        if !self.links.iter().any(|(key, _)| Some(*key) == current) {
            self.current = None;
        }
        for key in self.sending.drain(..) {
            if let Some(signal) = self.calls.get_mut(&key).and_then(|call| call.asleep.take()) {
                signal.notify_one();
            }
        }
        if ended {
            self.starting.iter().for_each(|signal| signal.notify_one());
        }
    }
}

/// Puts what a link reports where its calls find it.
struct Inbox<'a> {
    link: u64,
    calls: &'a mut HashMap<CallKey, CallState>,
    ended: &'a mut bool,
}

impl Inbox<'_> {
    fn with(&mut self, call: CallId, change: impl FnOnce(&mut CallState)) {
        if let Some(state) = self.calls.get_mut(&CallKey { link: self.link, call }) {
            change(state);
            if let Some(signal) = state.asleep.take() {
                signal.notify_one();
            }
        }
    }
}

impl ClientSink for Inbox<'_> {
    fn headers(&mut self, call: CallId, metadata: &Metadata) {
        self.with(call, |state| state.headers = Some(metadata.clone()));
    }

    fn message(&mut self, call: CallId, message: &[u8]) {
        self.with(call, |state| state.messages.push_back(message.to_vec()));
    }

    fn finished(&mut self, call: CallId, status: Status, retriable: bool) {
        *self.ended = true;
        self.with(call, |state| state.end = Some((status, retriable)));
    }

    fn writable(&mut self, call: CallId) {
        self.with(call, |_| ());
    }
}
