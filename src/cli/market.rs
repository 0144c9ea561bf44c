//! `agora market`: the shopping market, as a single server or a replica of a group.

use std::time::Duration;

use super::Failure;
use super::flags::{Flags, Parsed};
use super::peers::NodeAddresses;
use super::replica::{self, NodeSetup};
use crate::market::service::{
    self, AddressLimits, AsyncLineWriter, HourlyLimit, Housekeeping, MarketService,
};
use crate::market::state::{Limits, Policy};
use crate::raft::NodeId;

const USAGE: &str =
    "agora market --listen HOST:PORT [--data DIR] [--node N --peers N=HOST:PORT,...] [FLAGS]";
const ABOUT: &str = "\
Serves a market, agora.market.v1.MarketService, and prints a line for each request.
With --data an order is durable before it is confirmed. With --node and --peers it is a replica of a
group; all replicas are started with the same --peers, and a majority of them must run.";

/// The node number of a single server.
const SINGLE_NODE_ID: NodeId = 1;

const NO_DATA_NOTICE: &str = "agora market: without --data nothing will survive a restart\n";

/// Serves a market.
pub(super) fn run(arguments: &[String]) -> Result<(), Failure> {
    let flags = Flags::new(USAGE, ABOUT)
        .value("data", "its directory (default: none, and nothing survives a restart)", "DIR")
        .value("node", "this replica's number among the peers", "N")
        .switch("quiet", "print no line for each request");
    let counted = "the whole market, by a fixed number of bytes for each thing";
    let flags = replica::quota_flag(limit_flags(flags), counted);
    let parsed = replica::flags(flags).parse(arguments)?;
    parsed.no_arguments()?;
    open(&parsed, &setup(&parsed)?, address_limits(&parsed)?, housekeeping(&parsed)?)
}

/// The flags of the limits by network address.
fn limit_flags(flags: Flags) -> Flags {
    let mut defaults = AddressLimits::DEFAULT;
    HOURLY_LIMITS.iter().fold(flags, |flags, (name, what, limit)| {
        let help = format!(
            "{what} that one address (of IPv6 one /64) may make in an hour; 0 for no limit \
             (default {}, and no limit for loopback)",
            limit(&mut defaults).count
        );
        flags.value(name, &help, "N")
    })
    .value("max-items-per-seller", "items of one seller on sale (default 100000)", "N")
    .value("max-wishes", "items on one wishlist (default 1000)", "N")
    .value("max-ratings", "ratings that one account gives (default 100000)", "N")
    .value(
        "forget-idle-accounts",
        "days without use after which an account is removed that has no item and no order; 0 for \
         never (default 30)",
        "DAYS",
    )
}

/// Days without use after which an account is forgotten, by default.
const FORGET_AFTER_DAYS: u64 = 30;

const SECONDS_OF_DAY: u64 = 24 * 60 * 60;

/// The bounds of each account are in the replicated state: the last leader's flags are in force.
fn housekeeping(parsed: &Parsed) -> Result<Housekeeping, Failure> {
    let bound = |name| match parsed.text(name) {
        Some(_) => parsed.number(name, 0, 0..=u32::MAX.into()).map(|bound| Some(bound as u32)),
        None => Ok(None),
    };
    let days = parsed.number("forget-idle-accounts", FORGET_AFTER_DAYS, 0..=36_500)?;
    Ok(Housekeeping {
        policy: Policy {
            max_items_per_seller: bound("max-items-per-seller")?,
            max_wishes: bound("max-wishes")?,
            max_ratings_per_account: bound("max-ratings")?,
        },
        forget_after: (days > 0).then(|| Duration::from_secs(days * SECONDS_OF_DAY)),
        ..Housekeeping::NONE
    })
}

/// A limit among all of them.
type LimitOf = fn(&mut AddressLimits) -> &mut HourlyLimit;

/// Each limit's flag and what it limits.
const HOURLY_LIMITS: [(&str, &str, LimitOf); 6] = [
    ("registrations-per-hour", "accounts", |limits| &mut limits.registrations),
    ("items-per-hour", "items", |limits| &mut limits.items),
    ("ratings-per-hour", "ratings", |limits| &mut limits.ratings),
    ("wishes-per-hour", "changes of wishlists", |limits| &mut limits.wishes),
    ("orders-per-hour", "orders", |limits| &mut limits.orders),
    ("updates-per-hour", "updates and deletions of items", |limits| &mut limits.updates),
];

/// The highest limit an hour.
const MAX_PER_HOUR: u64 = 1_000_000;

/// A flag that is given limits loopback as well.
fn address_limits(parsed: &Parsed) -> Result<AddressLimits, Failure> {
    let mut limits = AddressLimits::DEFAULT;
    for (name, _, limit) in HOURLY_LIMITS {
        if parsed.text(name).is_some() {
            let count = parsed.number(name, 0, 0..=MAX_PER_HOUR)? as u32;
            *limit(&mut limits) = HourlyLimit { count, includes_loopback: true };
        }
    }
    Ok(limits)
}

fn setup(parsed: &Parsed) -> Result<NodeSetup, Failure> {
    let directory = parsed.text("data").map(Into::into);
    let (id, peers) = match (parsed.text("node"), parsed.text("peers")) {
        (None, None) => {
            let (id, clients) = (SINGLE_NODE_ID, parsed.required("listen")?);
            if parsed.text("peer-listen").is_some() {
                return Err(parsed.wrong("--peer-listen needs --node and --peers"));
            }
            (id, vec![NodeAddresses { id, clients, peers: None }])
        }
        (Some(_), Some(_)) if directory.is_none() => {
            return Err(parsed.wrong("a replica of a group needs --data: it must not forget"));
        }
        (Some(_), Some(_)) => {
            let id = parsed.number("node", 0, 0..=u64::MAX >> 2)?;
            (id, replica::peers_with(parsed, id)?)
        }
        _ => return Err(parsed.wrong("a replica of a group needs both --node and --peers")),
    };
    Ok(NodeSetup {
        id,
        directory,
        machine: "market",
        default_group: "market",
        peers,
        quota_bytes: replica::quota_bytes(parsed)?,
    })
}

fn open(
    parsed: &Parsed,
    setup: &NodeSetup,
    limits: AddressLimits,
    housekeeping: Housekeeping,
) -> Result<(), Failure> {
    let lines = if parsed.is_on("quiet") {
        AsyncLineWriter::disabled()
    } else {
        AsyncLineWriter::start(std::io::stdout())
            .map_err(|error| Failure::because("cannot print", error))?
    };
    let service = MarketService::new(Limits::DEFAULT, lines)
        .with_address_limits(limits)
        .with_housekeeping(housekeeping);
    let notice = if setup.directory.is_none() { NO_DATA_NOTICE } else { "" };
    replica::run(parsed, setup, notice, service, service::register)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_replica_is_wrong_usage() {
        for line in [
            "",
            "--data d",
            "--listen 127.0.0.1:0 --node 1",
            "--listen 127.0.0.1:0 --peer-listen 127.0.0.1:0",
            "--peers 1=127.0.0.1:0 --data d",
            "--node 1 --peers 1=127.0.0.1:0,2=127.0.0.1:0",
            "--node 3 --peers 1=127.0.0.1:0,2=127.0.0.1:0 --data d",
            "--listen 127.0.0.1:0 --lease 0.001",
            "--listen 127.0.0.1:0 --ratings-per-hour 1000001",
            "--listen 127.0.0.1:0 --items-per-hour many",
            "--listen 127.0.0.1:0 --max-wishes -1",
            "--listen 127.0.0.1:0 --quota-bytes much",
            "--listen 127.0.0.1:0 --forget-idle-accounts soon",
        ] {
            let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            assert!(matches!(run(&arguments), Err(Failure::Usage(_))), "{line}");
        }
    }
}
