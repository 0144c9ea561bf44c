//! Names to addresses, without holding up the reactor.

use std::mem;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::PeerStreamId;
use crate::rpc::TaskWaker;
use crate::rpc::names::{ResolveError, Resolver};

type Found = (PeerStreamId, Result<Vec<SocketAddr>, ResolveError>);

/// Look-ups under way. A peer stream has one at a time.
pub(super) struct LookUps {
    resolver: Resolver,
    found: Arc<Mutex<Vec<Found>>>,
    waker: TaskWaker,
}

impl LookUps {
    pub(super) fn new(resolver: Resolver, waker: TaskWaker) -> LookUps {
        LookUps { resolver, found: Arc::default(), waker }
    }

    /// Looks a name up; what is found is taken later.
    pub(super) fn begin(&self, id: PeerStreamId, target: &str) {
        let (found, waker) = (Arc::clone(&self.found), self.waker.clone());
        self.resolver.begin(target, move |result| {
            lock(&found).push((id, result));
            waker.wake();
        });
    }

    /// What was found does not lead to the peer.
    pub(super) fn forget(&self, target: &str) {
        self.resolver.forget(target);
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
