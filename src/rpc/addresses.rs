//! Counts what each remote address uses of a server.
//!
//! A loopback address has no bound unless one is configured, because local processes share the
//! machine anyway.

use std::net::IpAddr;
use std::sync::Arc;

use super::usage::{Usage, UsageBounds, UsageTable};

/// The usage of every address.
#[derive(Debug)]
pub(super) struct Addresses {
    bounds: UsageBounds,
    table: UsageTable<Network>,
}

impl Addresses {
    pub(super) fn new(bounds: UsageBounds) -> Addresses {
        Addresses { bounds, table: UsageTable::new() }
    }

    /// The usage of an address.
    pub(super) fn usage(&mut self, ip: IpAddr) -> Arc<Usage> {
        let is_loopback = ip.to_canonical().is_loopback();
        self.table.get(Network::of(ip), || Usage::new("address", is_loopback, self.bounds))
    }
}

/// What counts as one address: an IPv4 address, which may be mapped into IPv6, or the /64 of an IPv6
/// address. A subscriber usually has a whole /64 and can change the lower half at will.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network(u128);

impl Network {
    /// The network of an address.
    pub fn of(ip: IpAddr) -> Network {
        match ip.to_canonical() {
            IpAddr::V4(ip) => Network(ip.to_ipv6_mapped().to_bits()),
            IpAddr::V6(ip) => Network(ip.to_bits() >> 64 << 64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT: UsageBounds = UsageBounds { max_connections: None, max_calls: None };

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

    fn connections(ip: &str, bounds: UsageBounds) -> usize {
        let usage = Addresses::new(bounds).usage(ip.parse().unwrap());
        (0..1000).take_while(|_| usage.add_connection()).count()
    }

    #[test]
    fn loopback_has_no_bound_unless_there_is_one_configured() {
        assert_eq!(connections("10.0.0.1", DEFAULT), 256);
        for ip in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(connections(ip, DEFAULT), 1000, "{ip}");
            let three = UsageBounds { max_connections: Some(3), max_calls: None };
            assert_eq!(connections(ip, three), 3, "{ip}");
        }
    }
}
