//! Names to addresses, without holding up the reactor.

use std::fmt;
use std::io;
use std::mem;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::UplinkId;
use crate::rpc::ResidentWaker;

/// How names are looked up: by the operating system, unless something else is asked for.
#[derive(Clone)]
pub struct Resolver(Arc<LookUp>);

type LookUp = dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync;

impl Resolver {
    /// Looks names (`host:port`) up with `look_up`, which may block.
    pub fn new(
        look_up: impl Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Resolver {
        Resolver(Arc::new(look_up))
    }
}

impl Default for Resolver {
    fn default() -> Resolver {
        Resolver::new(|target| target.to_socket_addrs().map(Iterator::collect))
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}

type Found = (UplinkId, io::Result<Vec<SocketAddr>>);

/// Look-ups under way, each on a thread of its own. An uplink has one at a time.
pub(super) struct LookUps {
    resolver: Resolver,
    found: Arc<Mutex<Vec<Found>>>,
    waker: ResidentWaker,
}

impl LookUps {
    pub(super) fn new(resolver: Resolver, waker: ResidentWaker) -> LookUps {
        LookUps { resolver, found: Arc::default(), waker }
    }

    /// Looks a name up; what is found is taken later.
    ///
    /// # Errors
    /// The operating system's: no further thread.
    pub(super) fn begin(&self, id: UplinkId, target: &str) -> io::Result<()> {
        let LookUps { resolver, found, waker } = self;
        let (resolver, found, waker) = (resolver.clone(), Arc::clone(found), waker.clone());
        let target = target.to_owned();
        thread::Builder::new().name("look-up".into()).spawn(move || {
            let addresses = resolver.0(&target);
            lock(&found).push((id, addresses));
            waker.wake();
        })?;
        Ok(())
    }

    /// What was found since the last time.
    pub(super) fn take_found(&self) -> Vec<Found> {
        mem::take(&mut *lock(&self.found))
    }
}

/// A push is atomic: a thread that panicked left a whole list behind.
fn lock(found: &Mutex<Vec<Found>>) -> MutexGuard<'_, Vec<Found>> {
    found.lock().unwrap_or_else(PoisonError::into_inner)
}
