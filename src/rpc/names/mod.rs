//! Names to addresses. It does not call the C library's `getaddrinfo`: in a static binary that
//! function loads the host's NSS modules, which crashes the process if they belong to another C
//! library.
//!
//! A look-up runs on a thread of its own, one for each name however many callers wait for it. So no
//! event loop waits for it, and a caller waits no longer than its deadline:
//!
//! ```text
//!   an address ---------------------------------------> answered at once
//!   a name --- is cached -----------------------------> answered at once
//!          --- is being looked up ---> waits ---------> answered when the look-up ends
//!          --- neither: a thread looks it up, waits --> answered when the look-up ends, and kept
//! ```
//!
//! A look-up goes on after its callers' deadlines have passed, so that the next caller finds its
//! result.

mod error;
mod exchange;
mod system;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

pub use error::ResolveError;
use system::SystemResolver;

use crate::dns::{Name, Target, interleave};

/// Looks names up, by default with the machine's files and name servers. Clones share a cache.
#[derive(Clone)]
pub struct Resolver(Arc<Inner>);

struct Inner {
    look_up: Box<LookUp>,
    state: Mutex<State>,
}

type LookUp = dyn Fn(&Name) -> Result<Found, ResolveError> + Send + Sync;
type Waiter = Box<dyn FnOnce(&Result<Vec<IpAddr>, ResolveError>) + Send>;

/// The result of a look-up.
struct Found {
    addresses: Vec<IpAddr>,
    /// How long it may be cached.
    keep: Duration,
}

#[derive(Default)]
struct State {
    /// The look-ups in progress, with their waiting callers.
    running: BTreeMap<Name, Vec<Waiter>>,
    /// Cached results, with their expiry.
    kept: BTreeMap<Name, (Result<Vec<IpAddr>, ResolveError>, Instant)>,
}

/// Look-ups in progress, and so threads.
const MAX_RUNNING: usize = 32;
/// Callers that may wait for one look-up. One that has given up counts until the look-up ends.
const MAX_WAITERS: usize = 1024;
const MAX_KEPT: usize = 1024;
/// A result is cached for at least this long: callers whose deadline has passed will retry soon.
const MIN_KEEP: Duration = Duration::from_secs(1);
const KEEP_FAILURE: Duration = Duration::from_millis(500);

impl Resolver {
    /// A resolver that calls `look_up`, which may block.
    pub fn new(
        look_up: impl Fn(&str) -> Result<Vec<IpAddr>, ResolveError> + Send + Sync + 'static,
    ) -> Resolver {
        Resolver::with_look_up(move |name| {
            let addresses = look_up(name.as_str())?;
            Ok(Found { addresses, keep: MIN_KEEP })
        })
    }

    /// A resolver that uses a hosts file and the name servers of a `resolv.conf` file, which listen
    /// on `port`. The files are read again for each look-up; a missing file counts as empty.
    pub fn with_files(hosts: &Path, resolv_conf: &Path, port: u16) -> Resolver {
        let system = SystemResolver::new(hosts, resolv_conf, port);
        Resolver::with_look_up(move |name| system.look_up(name))
    }

    fn with_look_up(
        look_up: impl Fn(&Name) -> Result<Found, ResolveError> + Send + Sync + 'static,
    ) -> Self {
        Resolver(Arc::new(Inner { look_up: Box::new(look_up), state: Mutex::default() }))
    }

    /// The addresses of `target` (`host:port`) in the order in which to try them, at least one.
    /// Waits until `until` at most.
    ///
    /// # Errors
    /// See [`ResolveError`].
    pub fn resolve(&self, target: &str, until: Instant) -> Result<Vec<SocketAddr>, ResolveError> {
        let (done, result) = mpsc::sync_channel(1);
        self.begin(target, move |result| {
            // The caller may have stopped waiting.
            let _ = done.send(result);
        });
        let left = until.saturating_duration_since(Instant::now());
        result.recv_timeout(left).unwrap_or(Err(ResolveError::NotYet))
    }

    /// As [`resolve`](Self::resolve), without waiting: `done` is called with the result, at once,
    /// or later on another thread.
    pub(super) fn begin(
        &self,
        target: &str,
        done: impl FnOnce(Result<Vec<SocketAddr>, ResolveError>) + Send + 'static,
    ) {
        let (name, port) = match Target::parse(target) {
            Ok(Target::Address(address)) => return done(Ok(vec![address])),
            Ok(Target::Name(name, port)) => (name, port),
            Err(error) => return done(Err(ResolveError::Target(error))),
        };
        let waiter = move |result: &Result<Vec<IpAddr>, ResolveError>| {
            let at_port = |addresses: &Vec<IpAddr>| {
                addresses.iter().map(|address| SocketAddr::new(*address, port)).collect()
            };
            done(result.as_ref().map(at_port).map_err(ResolveError::clone));
        };
        self.look_up(name, Box::new(waiter));
    }

    /// Removes `target` from the cache, because its addresses could not be reached.
    pub(super) fn forget(&self, target: &str) {
        if let Ok(Target::Name(name, _)) = Target::parse(target) {
            self.0.state().kept.remove(&name);
        }
    }

    fn look_up(&self, name: Name, waiter: Waiter) {
        let mut state = self.0.state();
        let kept = state.kept.get(&name).filter(|(_, until)| Instant::now() < *until);
        let answer = if let Some((result, _)) = kept {
            result.clone()
        } else if let Some(waiters) = state.running.get_mut(&name) {
            if waiters.len() < MAX_WAITERS {
                return waiters.push(waiter);
            }
            Err(ResolveError::TooMany)
        } else if state.running.len() < MAX_RUNNING {
            state.running.insert(name.clone(), vec![waiter]);
            drop(state);
            return self.spawn(name);
        } else {
            Err(ResolveError::TooMany)
        };
        drop(state);
        waiter(&answer);
    }

    fn spawn(&self, name: Name) {
        let inner = Arc::clone(&self.0);
        let of_thread = name.clone();
        let spawned = thread::Builder::new().name("look-up".into()).spawn(move || {
            let found = catch_unwind(AssertUnwindSafe(|| (inner.look_up)(&of_thread)));
            inner.end(&of_thread, found.unwrap_or(Err(ResolveError::Panicked)));
        });
        if let Err(error) = spawned {
            self.0.end(&name, Err(ResolveError::Thread(error.to_string())));
        }
    }
}

impl Inner {
    /// Ends a look-up: caches its result, and passes it to all waiting callers.
    fn end(&self, name: &Name, found: Result<Found, ResolveError>) {
        let (result, keep) = match found {
            Ok(Found { addresses, .. }) if addresses.is_empty() => {
                (Err(ResolveError::NoAddress), KEEP_FAILURE)
            }
            Ok(Found { addresses, keep }) => (Ok(interleave(addresses)), keep),
            Err(error) => (Err(error), KEEP_FAILURE),
        };
        let now = Instant::now();
        let mut state = self.state();
        let waiters = state.running.remove(name).unwrap_or_default();
        state.kept.retain(|_, (_, until)| now < *until);
        if state.kept.len() < MAX_KEPT {
            state.kept.insert(name.clone(), (result.clone(), now + keep.max(KEEP_FAILURE)));
        }
        drop(state);
        waiters.into_iter().for_each(|waiter| waiter(&result));
    }

    /// Every change under the lock is atomic.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Resolver {
    fn default() -> Resolver {
        Resolver::with_files(Path::new("/etc/hosts"), Path::new("/etc/resolv.conf"), 53)
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    fn within(time: Duration) -> Instant {
        Instant::now() + time
    }

    /// A resolver whose look-ups end when the test allows it, and their number.
    fn gated(addresses: &[IpAddr]) -> (Resolver, mpsc::Sender<()>, Arc<AtomicUsize>) {
        let (open, gate) = mpsc::channel::<()>();
        let (gate, count) = (Mutex::new(gate), Arc::<AtomicUsize>::default());
        let (counter, addresses) = (Arc::clone(&count), addresses.to_vec());
        let resolver = Resolver::new(move |_| {
            counter.fetch_add(1, Ordering::SeqCst);
            let _ = gate.lock().unwrap().recv_timeout(LONG);
            Ok(addresses.clone())
        });
        (resolver, open, count)
    }

    #[test]
    fn an_address_needs_no_look_up() {
        let resolver = Resolver::new(|_| Err(ResolveError::NoSuchName));
        let found = resolver.resolve("[::1]:7", Instant::now()).unwrap();
        assert_eq!(found, ["[::1]:7".parse().unwrap()]);
        assert_eq!(resolver.resolve("a:7", within(LONG)), Err(ResolveError::NoSuchName));
        assert!(matches!(resolver.resolve("a", within(LONG)), Err(ResolveError::Target(_))));
    }

    #[test]
    fn a_caller_waits_no_longer_than_it_may_and_the_next_finds_the_result() {
        let (resolver, open, count) = gated(&["10.0.0.1".parse().unwrap()]);
        for _ in 0..3 {
            let began = Instant::now();
            let result = resolver.resolve("a:7", within(Duration::from_millis(20)));
            assert_eq!(result, Err(ResolveError::NotYet));
            assert!(began.elapsed() < LONG / 2);
        }
        open.send(()).unwrap();
        let found = resolver.resolve("A:7", within(LONG)).unwrap();
        assert_eq!(found, ["10.0.0.1:7".parse().unwrap()]);
        assert_eq!(resolver.resolve("a:8", within(LONG)).unwrap()[0].port(), 8);
        assert_eq!(count.load(Ordering::SeqCst), 1);
        resolver.forget("a:9");
        open.send(()).unwrap();
        assert!(resolver.resolve("a:8", within(LONG)).is_ok());
        assert_eq!(count.load(Ordering::SeqCst), 2, "what was forgotten is looked up again");
    }

    #[test]
    fn look_ups_at_the_same_time_are_bounded() {
        let (resolver, open, count) = gated(&["10.0.0.1".parse().unwrap()]);
        let soon = || within(Duration::from_millis(1));
        for name in 0..MAX_RUNNING {
            assert_eq!(resolver.resolve(&format!("a{name}:7"), soon()), Err(ResolveError::NotYet));
        }
        assert_eq!(resolver.resolve("b:7", within(LONG)), Err(ResolveError::TooMany));
        (0..=MAX_RUNNING).for_each(|_| open.send(()).unwrap());
        assert!(resolver.resolve("a0:7", within(LONG)).is_ok());
        assert!(count.load(Ordering::SeqCst) <= MAX_RUNNING);
    }

    #[test]
    fn callers_that_wait_for_one_look_up_are_bounded() {
        let (resolver, open, _) = gated(&["10.0.0.1".parse().unwrap()]);
        for _ in 0..MAX_WAITERS {
            assert_eq!(resolver.resolve("a:7", Instant::now()), Err(ResolveError::NotYet));
        }
        assert_eq!(resolver.resolve("a:7", within(LONG)), Err(ResolveError::TooMany));
        open.send(()).unwrap();
        let until = within(LONG);
        while resolver.resolve("a:7", within(LONG)) == Err(ResolveError::TooMany) {
            assert!(Instant::now() < until, "it has ended");
            thread::yield_now();
        }
    }

    #[test]
    fn a_look_up_that_panics_is_over() {
        let resolver = Resolver::new(|_| panic!("as the test wishes"));
        assert_eq!(resolver.resolve("a:7", within(LONG)), Err(ResolveError::Panicked));
    }

    #[test]
    fn families_alternate() {
        let addresses = ["10.0.0.1", "10.0.0.2", "::1"].map(|text| text.parse().unwrap());
        let resolver = Resolver::new(move |_| Ok(addresses.to_vec()));
        let found = resolver.resolve("a:7", within(LONG)).unwrap();
        let wanted = ["10.0.0.1:7", "[::1]:7", "10.0.0.2:7"].map(|text| text.parse().unwrap());
        assert_eq!(found, wanted);
    }
}
