//! Counts what each remote address uses of a server, so that one address cannot use everything.
//!
//! An IPv4 address that is mapped into IPv6 counts as the IPv4 address, and an IPv6 address counts
//! as its /64: a subscriber usually has a whole /64 and can change the lower half at will. A
//! loopback address has no bound unless one is configured, because local processes share the
//! machine anyway.
//!
//! Connections and calls hold the counters of their address ([`AddressUsage`]); the table is only
//! used when a connection is accepted.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use crate::call::{Code, Status};

/// What one address may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AddressBounds {
    /// Connections at once; `None`: the default, and no bound for loopback.
    pub(super) max_connections: Option<usize>,
    /// The same for calls that occupy a worker thread or a stream.
    pub(super) max_calls: Option<usize>,
}

/// Connections from one address, unless configured.
const DEFAULT_CONNECTIONS: usize = 256;
/// Calls of one address that occupy a worker thread or a stream, unless configured.
const DEFAULT_CALLS: usize = 256;
/// The size from which the table is searched for addresses without a user.
const MIN_SWEEP: usize = 64;

/// What an address uses. Connections and running handlers hold clones.
#[derive(Debug)]
pub(super) struct AddressUsage {
    connections: AtomicUsize,
    max_connections: usize,
    calls: AtomicUsize,
    max_calls: usize,
}

impl AddressUsage {
    fn new(ip: IpAddr, bounds: AddressBounds) -> AddressUsage {
        let bound = |configured: Option<usize>, default| {
            let default = if ip.to_canonical().is_loopback() { usize::MAX } else { default };
            configured.unwrap_or(default)
        };
        AddressUsage {
            connections: AtomicUsize::new(0),
            max_connections: bound(bounds.max_connections, DEFAULT_CONNECTIONS),
            calls: AtomicUsize::new(0),
            max_calls: bound(bounds.max_calls, DEFAULT_CALLS),
        }
    }

    /// Counts one more connection, unless the address has as many as it may have.
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
    pub(super) fn add_call(self: &Arc<AddressUsage>) -> Result<CallPermit, Status> {
        if self.calls.load(Ordering::Relaxed) >= self.max_calls {
            let max = self.max_calls;
            let reason = format!(
                "{max} calls from this address are open, as many as it may have \
                 (--max-calls-per-address)"
            );
            return Err(Status::new(Code::ResourceExhausted, reason));
        }
        self.calls.fetch_add(1, Ordering::Relaxed);
        Ok(CallPermit(Arc::clone(self)))
    }
}

/// Counts one call of an address until it is dropped.
#[derive(Debug)]
pub(super) struct CallPermit(Arc<AddressUsage>);

impl Drop for CallPermit {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The usage of every address that uses anything.
#[derive(Debug)]
pub(super) struct Addresses {
    bounds: AddressBounds,
    usages: HashMap<u128, Weak<AddressUsage>>,
    /// The size at which addresses without a user are removed.
    sweep_at: usize,
}

impl Addresses {
    pub(super) fn new(bounds: AddressBounds) -> Addresses {
        Addresses { bounds, usages: HashMap::new(), sweep_at: MIN_SWEEP }
    }

    /// The usage of an address.
    pub(super) fn usage(&mut self, ip: IpAddr) -> Arc<AddressUsage> {
        let key = key(ip);
        if let Some(usage) = self.usages.get(&key).and_then(Weak::upgrade) {
            return usage;
        }
        if self.usages.len() >= self.sweep_at {
            self.usages.retain(|_, usage| usage.strong_count() > 0);
            self.sweep_at = MIN_SWEEP.max(2 * self.usages.len());
        }
        let usage = Arc::new(AddressUsage::new(ip, self.bounds));
        self.usages.insert(key, Arc::downgrade(&usage));
        usage
    }
}

/// What counts as one address: an IPv4 address, or the upper half of an IPv6 address.
fn key(ip: IpAddr) -> u128 {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().to_bits(),
        IpAddr::V6(ip) => ip.to_bits() >> 64 << 64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT: AddressBounds = AddressBounds { max_connections: None, max_calls: None };

    fn is_same(a: &str, b: &str) -> bool {
        let mut addresses = Addresses::new(DEFAULT);
        let first = addresses.usage(a.parse().unwrap());
        Arc::ptr_eq(&first, &addresses.usage(b.parse().unwrap()))
    }

    #[test]
    fn mapped_addresses_and_the_lower_half_of_ipv6_make_no_difference() {
        assert!(is_same("10.0.0.1", "::ffff:10.0.0.1"));
        assert!(!is_same("10.0.0.1", "10.0.0.2"));
        assert!(is_same("2001:db8:0:1::1", "2001:db8:0:1:ffff::2"));
        assert!(!is_same("2001:db8:0:1::1", "2001:db8:0:2::1"));
        assert!(!is_same("::2", "0.0.0.2"));
    }

    fn connections(ip: &str, bounds: AddressBounds) -> usize {
        let usage = Addresses::new(bounds).usage(ip.parse().unwrap());
        (0..1000).take_while(|_| usage.add_connection()).count()
    }

    #[test]
    fn loopback_has_no_bound_unless_there_is_one_configured() {
        assert_eq!(connections("10.0.0.1", DEFAULT), 256);
        for ip in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(connections(ip, DEFAULT), 1000, "{ip}");
            let three = AddressBounds { max_connections: Some(3), max_calls: None };
            assert_eq!(connections(ip, three), 3, "{ip}");
        }
    }

    #[test]
    fn a_closed_connection_and_a_finished_call_count_no_longer() {
        let bounds = AddressBounds { max_connections: Some(1), max_calls: Some(1) };
        let usage = Addresses::new(bounds).usage("10.0.0.1".parse().unwrap());
        assert!(usage.add_connection() && !usage.add_connection());
        usage.remove_connection();
        assert!(usage.add_connection());
        let call = usage.add_call().unwrap();
        assert_eq!(usage.add_call().unwrap_err().code, Code::ResourceExhausted);
        drop(call);
        assert!(usage.add_call().is_ok());
    }

    #[test]
    fn addresses_without_a_user_are_forgotten() {
        let mut addresses = Addresses::new(DEFAULT);
        let kept = addresses.usage("10.0.0.1".parse().unwrap());
        for n in 0..10_000_u32 {
            addresses.usage(IpAddr::from((0x0b00_0000 + n).to_be_bytes()));
        }
        assert!(addresses.usages.len() <= 2 * MIN_SWEEP, "{}", addresses.usages.len());
        assert!(Arc::ptr_eq(&kept, &addresses.usage("10.0.0.1".parse().unwrap())));
    }
}
