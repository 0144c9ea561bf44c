//! Counts what clients use of a server, so that one of them cannot use everything: by the
//! [address](super::addresses) of a connection, and by the [holder](super::holders) of its
//! certificate.
//!
//! Connections and calls hold the counters that count them ([`Usage`]). The tables are only used
//! when a connection is accepted and when its TLS handshake ends.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use crate::call::{Code, Status};

/// What one client may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UsageBounds {
    /// Connections at once; `None`: the default, and no bound for loopback.
    pub(super) max_connections: Option<usize>,
    /// The same for calls that occupy a worker thread or a stream.
    pub(super) max_calls: Option<usize>,
}

/// Connections of one client, unless configured.
const DEFAULT_CONNECTIONS: usize = 256;
/// Calls of one client that occupy a worker thread or a stream, unless configured.
const DEFAULT_CALLS: usize = 256;
/// The size from which a table is searched for entries without a user.
const MIN_SWEEP: usize = 64;

/// What a client uses. Connections and running handlers hold clones.
#[derive(Debug)]
pub(super) struct Usage {
    /// Who is counted, for a refusal.
    client: &'static str,
    connections: AtomicUsize,
    max_connections: usize,
    calls: AtomicUsize,
    max_calls: usize,
}

impl Usage {
    /// Nothing is used. A client on loopback has no bound by default.
    pub(super) fn new(client: &'static str, is_loopback: bool, bounds: UsageBounds) -> Usage {
        let bound = |configured: Option<usize>, default| {
            configured.unwrap_or(if is_loopback { usize::MAX } else { default })
        };
        Usage {
            client,
            connections: AtomicUsize::new(0),
            max_connections: bound(bounds.max_connections, DEFAULT_CONNECTIONS),
            calls: AtomicUsize::new(0),
            max_calls: bound(bounds.max_calls, DEFAULT_CALLS),
        }
    }

    /// Counts one more connection, unless the client has as many as it may have.
    pub(super) fn add_connection(&self) -> bool {
        let is_below = self.connections.load(Ordering::Relaxed) < self.max_connections;
        if is_below {
            self.connections.fetch_add(1, Ordering::Relaxed);
        }
        is_below
    }

    /// A counted connection is closed.
    pub(super) fn remove_connection(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    /// A permit for one more call that occupies a worker thread or a stream, to be held as long.
    pub(super) fn add_call(self: &Arc<Usage>) -> Result<CallPermit, Status> {
        if self.calls.load(Ordering::Relaxed) >= self.max_calls {
            let Usage { client, max_calls, .. } = **self;
            let reason = format!(
                "{max_calls} calls from this {client} are open, as many as it may have \
                 (--max-calls-per-address)"
            );
            return Err(Status::new(Code::ResourceExhausted, reason));
        }
        self.calls.fetch_add(1, Ordering::Relaxed);
        Ok(CallPermit(Arc::clone(self)))
    }
}

/// Counts one call of a client until it is dropped.
#[derive(Debug)]
pub(super) struct CallPermit(Arc<Usage>);

impl Drop for CallPermit {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Count one call for its address and for the holder of its certificate, if they count it.
pub(super) type CallPermits = [Option<CallPermit>; 2];

/// The usage of every client that uses anything.
#[derive(Debug)]
pub(super) struct UsageTable<K> {
    usages: HashMap<K, Weak<Usage>>,
    /// The size at which entries without a user are removed.
    sweep_at: usize,
}

impl<K: Hash + Eq> UsageTable<K> {
    pub(super) fn new() -> UsageTable<K> {
        UsageTable { usages: HashMap::new(), sweep_at: MIN_SWEEP }
    }

    /// The usage of a client, which `make` makes for a client that has used nothing.
    pub(super) fn get(&mut self, key: K, make: impl FnOnce() -> Usage) -> Arc<Usage> {
        if let Some(usage) = self.usages.get(&key).and_then(Weak::upgrade) {
            return usage;
        }
        if self.usages.len() >= self.sweep_at {
            self.usages.retain(|_, usage| usage.strong_count() > 0);
            self.sweep_at = MIN_SWEEP.max(2 * self.usages.len());
        }
        let usage = Arc::new(make());
        self.usages.insert(key, Arc::downgrade(&usage));
        usage
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_connection_and_a_finished_call_count_no_longer() {
        let bounds = UsageBounds { max_connections: Some(1), max_calls: Some(1) };
        let usage = Arc::new(Usage::new("address", false, bounds));
        assert!(usage.add_connection() && !usage.add_connection());
        usage.remove_connection();
        assert!(usage.add_connection());
        let call = usage.add_call().unwrap();
        assert_eq!(usage.add_call().unwrap_err().code, Code::ResourceExhausted);
        drop(call);
        assert!(usage.add_call().is_ok());
    }

    #[test]
    fn entries_without_a_user_are_forgotten() {
        let bounds = UsageBounds { max_connections: None, max_calls: None };
        let make = || Usage::new("address", false, bounds);
        let mut table = UsageTable::new();
        let kept = table.get(0, make);
        for n in 1..10_000 {
            table.get(n, make);
        }
        assert!(table.usages.len() <= 2 * MIN_SWEEP, "{}", table.usages.len());
        assert!(Arc::ptr_eq(&kept, &table.get(0, make)));
    }
}
