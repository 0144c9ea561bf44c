//! Looks names up without blocking the event loop.

use std::mem;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::PeerStreamId;
use crate::rpc::TaskWaker;
use crate::rpc::names::{ResolveError, Resolver};

type Found = (PeerStreamId, Result<Vec<SocketAddr>, ResolveError>);

/// Look-ups in progress. A peer stream has one at a time.
pub(super) struct LookUps {
    resolver: Resolver,
    found: Arc<Mutex<Vec<Found>>>,
    waker: TaskWaker,
}

impl LookUps {
    pub(super) fn new(resolver: Resolver, waker: TaskWaker) -> LookUps {
        LookUps { resolver, found: Arc::default(), waker }
    }

    /// Starts a look-up; [`take_found`](Self::take_found) returns its result later.
    pub(super) fn begin(&self, id: PeerStreamId, target: &str) {
        let (found, waker) = (Arc::clone(&self.found), self.waker.clone());
        self.resolver.begin(target, move |result| {
            lock(&found).push((id, result));
            waker.wake();
        });
    }

    /// The addresses found did not lead to the peer: the next look-up is a fresh one.
    pub(super) fn forget(&self, target: &str) {
        self.resolver.forget(target);
    }

    /// The results since the last call.
    pub(super) fn take_found(&self) -> Vec<Found> {
        mem::take(&mut *lock(&self.found))
    }
}

/// A push is atomic: a thread that panicked leaves a consistent list.
fn lock(found: &Mutex<Vec<Found>>) -> MutexGuard<'_, Vec<Found>> {
    found.lock().unwrap_or_else(PoisonError::into_inner)
}
