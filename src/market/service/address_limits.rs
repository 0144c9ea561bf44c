//! Limits by network address: how many accounts, items, orders, ratings and other changes an hour
//! the market takes from one address.
//!
//! An account costs its owner nothing, so bounds for each account do not stop somebody who opens
//! many. An address costs something. Each [`Network`] has a *token bucket* for each kind of command: a
//! bucket of `n` tokens that gains `n` an hour.
//!
//! The leader takes the token before it proposes the command, so the limits decide nothing about a
//! command in the log, and replicas may have different ones. The buckets are in memory: those of a
//! new leader, and of a market that was restarted, are full.
//!
//! A bucket is kept as the time at which it will be full again (the generic cell rate algorithm,
//! ITU-T I.371). An hour after its last command all buckets of an address are full, and the address
//! can be forgotten without any effect. So addresses are kept in two generations; each hour the
//! older one is dropped. When [`AddressLimits::max_addresses`] are known, all further addresses
//! share one set of buckets: nobody gets new tokens by using many addresses.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::market::state::Action;
use crate::rpc::Network;

/// The time in which an empty bucket becomes full.
const HOUR: Duration = Duration::from_secs(60 * 60);

/// The time between two log lines about refusals.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limited {
    /// Commands of callers that have no account yet.
    Registrations,
    /// SellItem.
    Items,
    /// RateItem.
    Ratings,
    /// AddToWishList and RemoveFromWishList.
    Wishes,
    /// BuyItem: an order stays for good.
    Orders,
    /// UpdateItem, DeleteItem, and registrations of callers that have an account.
    Updates,
}

impl Limited {
    const COUNT: usize = 6;

    /// What a command of a caller with an account counts as.
    pub(super) fn of(action: &Action<'_>) -> Option<Limited> {
        match action {
            Action::SellItem(_) => Some(Limited::Items),
            Action::RateItem { .. } => Some(Limited::Ratings),
            Action::AddToWishList { .. } | Action::RemoveFromWishList { .. } => {
                Some(Limited::Wishes)
            }
            Action::BuyItem { .. } => Some(Limited::Orders),
            Action::UpdateItem { .. }
            | Action::DeleteItem { .. }
            | Action::RegisterSeller
            | Action::RegisterBuyer => Some(Limited::Updates),
            // It frees space. What it adds to the log is removed by the next snapshot.
            Action::Acknowledge { .. } => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Limited::Registrations => "new accounts",
            Limited::Items => "new items",
            Limited::Ratings => "ratings",
            Limited::Wishes => "changes of wishlists",
            Limited::Orders => "orders",
            Limited::Updates => "updates",
        }
    }
}

/// How many commands of a kind one address may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HourlyLimit {
    /// In an hour, and at once; 0 for no limit.
    pub count: u32,
    /// Loopback addresses are limited as well.
    pub includes_loopback: bool,
}

impl HourlyLimit {
    /// No limit.
    pub const NONE: HourlyLimit = HourlyLimit { count: 0, includes_loopback: false };

    /// A limit for all addresses but loopback.
    pub const fn beyond_loopback(count: u32) -> HourlyLimit {
        HourlyLimit { count, includes_loopback: false }
    }

    fn applies_to(self, address: IpAddr) -> bool {
        self.count > 0 && (self.includes_loopback || !address.to_canonical().is_loopback())
    }
}

/// The limits of a market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressLimits {
    /// Of [`Limited::Registrations`].
    pub registrations: HourlyLimit,
    /// Of [`Limited::Items`].
    pub items: HourlyLimit,
    /// Of [`Limited::Ratings`].
    pub ratings: HourlyLimit,
    /// Of [`Limited::Wishes`].
    pub wishes: HourlyLimit,
    /// Of [`Limited::Orders`].
    pub orders: HourlyLimit,
    /// Of [`Limited::Updates`].
    pub updates: HourlyLimit,
    /// Addresses with buckets of their own; each takes about 150 bytes.
    pub max_addresses: usize,
}

impl AddressLimits {
    /// The limits in force unless a flag says otherwise.
    pub const DEFAULT: AddressLimits = AddressLimits {
        registrations: HourlyLimit::beyond_loopback(20),
        items: HourlyLimit::beyond_loopback(1_000),
        ratings: HourlyLimit::beyond_loopback(100),
        wishes: HourlyLimit::beyond_loopback(300),
        orders: HourlyLimit::beyond_loopback(1_000),
        updates: HourlyLimit::beyond_loopback(3_000),
        max_addresses: 65_536,
    };

    /// No limits.
    pub const NONE: AddressLimits = AddressLimits {
        registrations: HourlyLimit::NONE,
        items: HourlyLimit::NONE,
        ratings: HourlyLimit::NONE,
        wishes: HourlyLimit::NONE,
        orders: HourlyLimit::NONE,
        updates: HourlyLimit::NONE,
        max_addresses: 0,
    };

    const fn of(&self, what: Limited) -> HourlyLimit {
        match what {
            Limited::Registrations => self.registrations,
            Limited::Items => self.items,
            Limited::Ratings => self.ratings,
            Limited::Wishes => self.wishes,
            Limited::Orders => self.orders,
            Limited::Updates => self.updates,
        }
    }
}

/// A command beyond a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    /// Of what.
    pub what: Limited,
    /// The number an hour.
    pub limit: u32,
    /// The time until the next one is taken.
    pub wait: Duration,
}

/// The times at which the buckets of an address will be full.
type Buckets = [Duration; Limited::COUNT];

/// The buckets of all addresses.
pub(super) struct AddressLimiter {
    limits: AddressLimits,
    /// Addresses that were seen since `rotated_at`.
    recent: HashMap<Network, Buckets>,
    /// Addresses that were seen in the hour before, and not since.
    older: HashMap<Network, Buckets>,
    rotated_at: Duration,
    /// Of all addresses that have no place.
    shared: Buckets,
    /// Refusals that are in no log line yet.
    refused: u64,
    log_due: Duration,
}

impl AddressLimiter {
    pub(super) fn new(limits: AddressLimits) -> AddressLimiter {
        AddressLimiter {
            limits,
            recent: HashMap::new(),
            older: HashMap::new(),
            rotated_at: Duration::ZERO,
            shared: Buckets::default(),
            refused: 0,
            log_due: Duration::ZERO,
        }
    }

    /// Whether an address has any limit of this kind.
    pub(super) fn applies(&self, what: Limited, address: IpAddr) -> bool {
        self.limits.of(what).applies_to(address)
    }

    /// Takes a token.
    pub(super) fn take(
        &mut self,
        what: Limited,
        address: IpAddr,
        now: Duration,
    ) -> Result<(), TooMany> {
        let limit = self.limits.of(what);
        if !limit.applies_to(address) {
            return Ok(());
        }
        self.rotate(now);
        let interval = HOUR / limit.count;
        let full_at = &mut self.buckets(Network::of(address))[what as usize];
        let next = now.max(*full_at) + interval;
        let wait = next.saturating_sub(now + HOUR);
        // A count that does not divide the hour leaves a rest of less than a token.
        if wait.is_zero() {
            *full_at = next;
            return Ok(());
        }
        self.refused += 1;
        Err(TooMany { what, limit: limit.count, wait })
    }

    /// Refusals since the last log line, when one is due.
    pub(super) fn refusals_to_log(&mut self, now: Duration) -> Option<u64> {
        if self.refused == 0 || now < self.log_due {
            return None;
        }
        self.log_due = now + LOG_INTERVAL;
        Some(std::mem::take(&mut self.refused))
    }

    /// Forgets the addresses whose buckets have been full for a while.
    fn rotate(&mut self, now: Duration) {
        let age = now.saturating_sub(self.rotated_at);
        if age < HOUR {
            return;
        }
        self.older = std::mem::take(&mut self.recent);
        if age >= 2 * HOUR {
            self.older = HashMap::new();
        }
        self.rotated_at = now;
    }

    fn buckets(&mut self, network: Network) -> &mut Buckets {
        let is_full = self.recent.len() + self.older.len() >= self.limits.max_addresses;
        let known = self.older.remove(&network);
        if is_full && known.is_none() && !self.recent.contains_key(&network) {
            return &mut self.shared;
        }
        self.recent.entry(network).or_insert_with(|| known.unwrap_or_default())
    }
}

impl std::fmt::Display for TooMany {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let TooMany { what, limit, wait } = self;
        let name = what.name();
        write!(f, "the market takes {limit} {name} an hour from one address: come again in ")?;
        match wait.as_secs() {
            0 => f.write_str("1 second"),
            seconds @ ..120 => write!(f, "{} seconds", seconds + 1),
            seconds => write!(f, "{} minutes", seconds / 60 + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn limiter(count: u32, max_addresses: usize) -> AddressLimiter {
        let registrations = HourlyLimit::beyond_loopback(count);
        AddressLimiter::new(AddressLimits { registrations, max_addresses, ..AddressLimits::NONE })
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// How many registrations of an address are taken at this time.
    fn taken(limiter: &mut AddressLimiter, from: &str, now: Duration) -> usize {
        let mut take = || limiter.take(Limited::Registrations, address(from), now);
        (0..1_000).take_while(|_| take().is_ok()).count()
    }

    #[test]
    fn a_bucket_is_emptied_at_once_and_refilled_in_an_hour() {
        for count in [1, 7, 20, 900] {
            let mut limiter = limiter(count, 10);
            let start = 5 * MINUTE;
            assert_eq!(taken(&mut limiter, "10.0.0.1", start), count as usize);
            assert_eq!(taken(&mut limiter, "10.0.0.1", start), 0);
            let half = start + HOUR / 2;
            assert_eq!(taken(&mut limiter, "10.0.0.1", half), count as usize / 2, "{count}");
            assert_eq!(taken(&mut limiter, "10.0.0.1", half + 3 * HOUR), count as usize);
        }
    }

    #[test]
    fn a_refusal_says_when_to_come_again() {
        let mut limiter = limiter(20, 10);
        let from = address("10.0.0.1");
        taken(&mut limiter, "10.0.0.1", MINUTE);
        let refused = limiter.take(Limited::Registrations, from, MINUTE).unwrap_err();
        assert_eq!(refused.wait, 3 * MINUTE);
        assert_eq!(
            refused.to_string(),
            "the market takes 20 new accounts an hour from one address: come again in 4 minutes"
        );
        let soon = MINUTE + refused.wait - Duration::from_millis(10);
        let refused = limiter.take(Limited::Registrations, from, soon).unwrap_err();
        assert!(refused.to_string().ends_with("in 1 second"), "{refused}");
        let then = soon + refused.wait;
        assert_eq!(limiter.take(Limited::Registrations, from, then), Ok(()));
        assert!(limiter.take(Limited::Registrations, from, then).is_err());
    }

    #[test]
    fn addresses_and_kinds_have_their_own_buckets() {
        let mut limiter = AddressLimiter::new(AddressLimits {
            wishes: HourlyLimit::beyond_loopback(2),
            ..limiter(3, 10).limits
        });
        assert_eq!(taken(&mut limiter, "10.0.0.1", MINUTE), 3);
        assert_eq!(taken(&mut limiter, "10.0.0.2", MINUTE), 3);
        assert_eq!(limiter.take(Limited::Wishes, address("10.0.0.1"), MINUTE), Ok(()));
        assert_eq!(limiter.take(Limited::Items, address("10.0.0.1"), MINUTE), Ok(()), "no limit");
        // A /64 is one address; an IPv4 address in IPv6 form is itself.
        assert_eq!(taken(&mut limiter, "2001:db8:1:2::1", MINUTE), 3);
        assert_eq!(taken(&mut limiter, "2001:db8:1:2:ffff::", MINUTE), 0);
        assert_eq!(taken(&mut limiter, "2001:db8:1:3::1", MINUTE), 3);
        assert_eq!(taken(&mut limiter, "::ffff:10.0.0.1", MINUTE), 0);
    }

    #[test]
    fn loopback_is_limited_only_on_request() {
        let mut limiter = limiter(3, 10);
        for loopback in ["127.0.0.1", "127.0.0.2", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(taken(&mut limiter, loopback, MINUTE), 1_000);
        }
        limiter.limits.registrations.includes_loopback = true;
        for loopback in ["127.0.0.1", "127.0.0.2", "::1"] {
            assert_eq!(taken(&mut limiter, loopback, MINUTE), 3);
        }
        assert_eq!(taken(&mut limiter, "::ffff:127.0.0.1", MINUTE), 0, "as 127.0.0.1");
    }

    #[test]
    fn many_addresses_take_bounded_memory_and_get_no_more_tokens() {
        let mut limiter = limiter(3, 100);
        let mut all = 0;
        for number in 0..10_000_u32 {
            let from = std::net::Ipv4Addr::from_bits(0x0a00_0000 + number).to_string();
            all += taken(&mut limiter, &from, MINUTE);
            assert!(limiter.recent.len() + limiter.older.len() <= 100);
        }
        assert_eq!(all, 101 * 3, "all others share one bucket");
        assert_eq!(taken(&mut limiter, "10.0.0.0", MINUTE), 0, "a known address is not forgotten");
        // It is forgotten an hour after its bucket was full, at the latest.
        assert_eq!(taken(&mut limiter, "192.0.2.1", 2 * HOUR), 3);
        assert_eq!(taken(&mut limiter, "10.0.0.0", 2 * HOUR + MINUTE), 3);
        assert_eq!(taken(&mut limiter, "192.0.2.1", 4 * HOUR), 3);
        assert_eq!(limiter.recent.len() + limiter.older.len(), 1);
    }

    #[test]
    fn an_address_keeps_its_debt_across_generations() {
        let mut limiter = limiter(6, 100);
        assert_eq!(taken(&mut limiter, "10.0.0.2", MINUTE), 6);
        assert_eq!(taken(&mut limiter, "10.0.0.1", HOUR - MINUTE), 6);
        assert_eq!(taken(&mut limiter, "10.0.0.2", HOUR), 5, "another generation begins");
        assert_eq!(taken(&mut limiter, "10.0.0.1", HOUR + MINUTE), 0);
        assert_eq!(limiter.older.len(), 0);
    }

    #[test]
    fn refusals_are_logged_once_a_minute() {
        let mut limiter = limiter(1, 100);
        assert_eq!(limiter.refusals_to_log(MINUTE), None);
        for _ in 0..8 {
            let _ = limiter.take(Limited::Registrations, address("10.0.0.1"), MINUTE);
        }
        assert_eq!(limiter.refusals_to_log(MINUTE), Some(7));
        let _ = limiter.take(Limited::Registrations, address("10.0.0.1"), MINUTE);
        assert_eq!(limiter.refusals_to_log(MINUTE + MINUTE / 2), None);
        assert_eq!(limiter.refusals_to_log(2 * MINUTE), Some(1));
    }
}
