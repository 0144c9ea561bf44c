//! How the threads of a channel share its connection (leader/follower pattern).
//!
//! A channel has no thread of its own. A thread that waits for its call *drives* the connection: it
//! waits for the socket, reads, and passes the input to the calls that it belongs to. Other waiting
//! threads sleep until there is something for their call. When the driver's own call is done, one
//! of them drives next. So a call of a single thread costs one write, one wait and one read, and
//! wakes no other thread.
//!
//! ```text
//!   waiting --- no thread drives ---> driving --- own call is done ---> returns, wakes another
//!      ^  \---- own call is done ---> returns
//!      |-- woken by the driver
//! ```
//!
//! While no thread waits nothing is read, so that a ping on an idle connection is not answered. An
//! Agora server sends pings only while a call is open. A connection that another server has closed
//! for that reason is replaced by the next call.

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

/// Identifies a call among all connections that a channel ever had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct CallKey {
    pub(super) link: u64,
    pub(super) call: CallId,
}

/// A message that was not consumed yet.
pub(super) struct Arrived {
    pub(super) message: Vec<u8>,
    pub(super) was_compressed: bool,
}

/// What has arrived for a call and was not consumed yet.
#[derive(Default)]
pub(super) struct CallState {
    pub(super) headers: Option<Metadata>,
    /// Bounded by the call's receive window: a message counts against it until it is consumed.
    pub(super) messages: VecDeque<Arrived>,
    /// The next message was compressed.
    compressed: bool,
    /// The final status, and whether the server has certainly not started to process the call.
    pub(super) end: Option<(Status, bool)>,
    /// Wakes the thread that sleeps until something arrives.
    asleep: Option<Arc<Condvar>>,
}

/// The state that all clones of a channel and all its calls share.
pub(super) struct Inner {
    target: String,
    options: ChannelOptions,
    started: Instant,
    state: Mutex<State>,
    /// Signalled when an attempt to connect has ended.
    connected: Condvar,
    registrar: Registrar,
    waker: Waker,
    /// The driver has to compute its timeout again before it sleeps.
    recheck_timeout: AtomicBool,
}

/// The state behind the channel's lock.
pub(super) struct State {
    links: Vec<(u64, Link)>,
    /// The link that accepts new calls; the others only finish their open calls.
    current: Option<u64>,
    next_link: u64,
    /// `None` while a thread drives.
    poller: Option<Poller>,
    /// When the driver wakes if nothing happens.
    driver_wakes: Duration,
    /// The driver waits for any call to end, so that it can start its own.
    driver_awaits_call_end: bool,
    connecting: bool,
    backoff: Backoff,
    last_failure: String,
    pub(super) calls: HashMap<CallKey, CallState>,
    /// All threads that sleep while another drives.
    sleeping: Vec<Arc<Condvar>>,
    /// The sleeping threads that wait for any call to end, so that they can start theirs.
    starting: Vec<Arc<Condvar>>,
    /// Calls whose threads wait for their queue to drain, which also happens by writing alone.
    pub(super) sending: Vec<CallKey>,
    last_used: Duration,
    buffer: Vec<u8>,
    readiness: Vec<Readiness>,
}

const READ_BUFFER_BYTES: usize = 64 * 1024;
/// Pauses between two attempts to connect.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// After this long without a call the connection is checked before the next call uses it.
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

    /// A panic under the lock does not happen inside a session: the state is consistent.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something may have changed for a call, or for a call that is to start (`key` is
    /// `None`): drives, or sleeps while another thread drives.
    pub(super) fn wait<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        key: Option<CallKey>,
        until: Option<Instant>,
    ) -> MutexGuard<'a, State> {
        let now = self.now();
        if state.flush_all(now) {
            // A link was lost: its calls have ended, perhaps this one too.
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

    /// Sleeps until the driver has something for the call, or until this thread has to drive.
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

    /// Wakes a sleeping thread to drive, if no thread drives.
    pub(super) fn hand_over_driving(&self, state: &State) {
        if state.poller.is_some()
            && let Some(signal) = state.sleeping.first()
        {
            signal.notify_one();
        }
    }

    /// A call with this deadline has started: the driver must not sleep past it.
    pub(super) fn call_started(&self, state: &State, deadline: Option<Duration>) {
        if state.poller.is_none() && deadline.is_some_and(|at| at < state.driver_wakes) {
            self.recheck_timeout.store(true, Ordering::SeqCst);
            self.waker.wake();
        }
    }

    /// A call was cancelled, so that another one may start.
    pub(super) fn call_cancelled(&self, state: &State) {
        state.starting.iter().for_each(|signal| signal.notify_one());
        if state.poller.is_none() && state.driver_awaits_call_end {
            self.recheck_timeout.store(true, Ordering::SeqCst);
            self.waker.wake();
        }
    }

    /// Ensures that there is a link that accepts calls: connects if there is none.
    pub(super) fn ensure_link<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        until: Option<Instant>,
        wait_for_ready: bool,
    ) -> Result<MutexGuard<'a, State>, Status> {
        loop {
            let now = self.now();
            state.check_if_stale(now);
            let tls = self.options.tls.as_ref();
            if tls.is_some() && state.current().is_some_and(|(_, link)| link.is_outdated(tls)) {
                state.retire_current();
            }
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
            // Another thread connects, or the backoff is not over.
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
    /// The link with this key, if it is still open.
    pub(super) fn link(&mut self, key: u64) -> Option<&mut Link> {
        self.links.iter_mut().find(|(id, _)| *id == key).map(|(_, link)| link)
    }

    /// The link that accepts new calls.
    pub(super) fn current(&mut self) -> Option<(u64, &mut Link)> {
        let key = self.current?;
        self.link(key).map(|link| (key, link))
    }

    /// Stops new calls on the current link.
    pub(super) fn retire_current(&mut self) {
        if let Some((_, link)) = self.current() {
            link.session.go_away();
        }
        self.current = None;
    }

    /// Checks a connection that was not used for a while.
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

    /// When the links have something to do if no input arrives.
    fn next_timeout(&self, now: Duration) -> Duration {
        let due = |link: &Link| if link.is_runnable() { now } else { link.session.next_timeout() };
        self.links.iter().map(|(_, link)| due(link)).min().unwrap_or(Duration::MAX)
    }

    /// Reads, passes input to the calls, writes, and removes links that are closed.
    fn poll_links(&mut self, now: Duration) {
        let mut ended = false;
        for (key, link) in &mut self.links {
            let mut inbox = Inbox { link: *key, calls: &mut self.calls, ended: &mut ended };
            link.poll(now, &mut self.buffer, &mut inbox);
        }
        self.after_links_ran(ended);
    }

    /// Writes pending output of one link.
    pub(super) fn flush(&mut self, key: u64, now: Duration) {
        let mut ended = false;
        if let Some((key, link)) = self.links.iter_mut().find(|(id, _)| *id == key) {
            let mut inbox = Inbox { link: *key, calls: &mut self.calls, ended: &mut ended };
            link.flush(now, &mut inbox);
        }
        self.after_links_ran(ended);
    }

    /// Writes pending output of all links, mainly credit for consumed messages. Returns whether
    /// calls have ended because a link was lost.
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

/// Stores what a link reports in the state of its calls.
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

    fn compressed(&mut self, call: CallId) {
        if let Some(state) = self.calls.get_mut(&CallKey { link: self.link, call }) {
            state.compressed = true;
        }
    }

    fn message(&mut self, call: CallId, message: &[u8]) {
        self.with(call, |state| {
            let was_compressed = mem::take(&mut state.compressed);
            state.messages.push_back(Arrived { message: message.to_vec(), was_compressed });
        });
    }

    fn finished(&mut self, call: CallId, status: Status, retriable: bool) {
        *self.ended = true;
        self.with(call, |state| state.end = Some((status, retriable)));
    }

    fn writable(&mut self, call: CallId) {
        self.with(call, |_| ());
    }
}
