//! `agora bench market`: buys and searches in a market, at its leader.

mod catalogue;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use self::catalogue::{RandomSource, Vocabulary};
use super::closed_loop::{ClosedLoop, FindLeader};
use super::wire::{
    BUY_ITEM, Offer, REGISTER_SELLER, SEARCH_ITEM, SELL_ITEM, SORT_ORDERS, Trader,
    buy_item_request, found, register_seller_request, search_item_request, sell_item_request,
};
use crate::cli::flags::{Flags, Parsed};
use crate::cli::{Failure, connect};
use crate::rpc::{CallOptions, Channel, ChannelOptions};
use crate::session::Protocol;
use crate::text::printable;

const USAGE: &str =
    "agora bench market buy|search|mixed|fill|leader --market ADDR[,ADDR...] [FLAGS]";
const ABOUT: &str = "\
Measures a market, after filling it with items up to the given number.

  buy      buys one piece of a random item after the other; each connection has its own buyer
  search   searches for words, frequent words more often, the first page in all orders
  mixed    does both
  fill     puts items on sale, and measures that
  leader   prints the address of the leader

A call that is refused or lost, as while the leader changes, is sent again to the new leader, with
the same request id; it counts as one call, with its whole time. The longest pause between two
replies is printed.";

/// The timeout of the search for a leader.
const LEADER_WAIT: Duration = Duration::from_secs(15);
/// Items of one seller, below the limit of a market.
const ITEMS_PER_SELLER: u64 = 50_000;
/// Pieces of each item: so many that no item is ever sold out.
const QUANTITY: u32 = 1_000_000;
/// The load that fills the market.
const FILL_CONNECTIONS: usize = 8;
const FILL_IN_FLIGHT: usize = 64;

/// Runs the benchmark that the first argument names.
pub(super) fn run(arguments: &[String]) -> Result<(), Failure> {
    let flags = Flags::new(USAGE, ABOUT)
        .value("market", "the servers of the market (required)", "ADDR[,ADDR...]")
        .value("connections", "connections (default 1)", "C")
        .value("inflight", "calls in flight on each connection (default 1)", "M")
        .value("items", "items on sale, 1 to 10000000 (default 10000)", "N")
        .value("searches", "searches among 100 calls of mixed (default 10)", "PERCENT")
        .value("page-size", "items on a page of what was found (default 20)", "N")
        .value("seconds", "how long to measure (default 5)", "S")
        .value("warm-up", "seconds before that are not counted (default 0.5)", "S");
    let parsed = connect::flags(flags, Protocol::Native).parse(arguments)?;
    let [what] = parsed.free() else {
        return Err(parsed.wrong("expected one of buy, search, mixed, fill, leader"));
    };
    let options = connect::options(&parsed, Protocol::Native)?;
    let markets = parsed.required("market")?;
    let markets: Vec<&str> = markets.split(',').collect();
    let items = parsed.number("items", 10_000, 1..=10_000_000)?;
    let searches = match what.as_str() {
        "leader" => {
            println!("{}", printable(leader(&markets, &options)?.0));
            return Ok(());
        }
        "fill" => return fill(&markets, &options, items, true),
        "buy" => 0,
        "search" => 100,
        "mixed" => parsed.number("searches", 10, 0..=100)?,
        other => return Err(parsed.wrong(format!("no {other:?}"))),
    };
    let find = || leader(&markets, &options).map(|(address, _)| address.to_owned());
    let load = closed_loop(&parsed, &find, &options)?;
    fill(&markets, &load.options, items, false)?;
    let page_size = parsed.number("page-size", 20, 1..=100)? as u32;
    let measured =
        load.run(calls(load.connections, items, searches, page_size), |done| done.status.is_ok())?;
    load.report(measured, format_args!("{items} items"))
}

/// Asks the servers in turn until the leader, or a single server, answers. Returns its address and
/// its number of items.
fn leader<'m>(markets: &[&'m str], options: &ChannelOptions) -> Result<(&'m str, u64), Failure> {
    let until = Instant::now() + LEADER_WAIT;
    let call = CallOptions { timeout: Some(Duration::from_secs(2)), ..CallOptions::default() };
    let mut request = Vec::new();
    search_item_request("", SORT_ORDERS[0], 1, &mut request);
    loop {
        let mut last = String::from("no address");
        for market in markets {
            let answer = Channel::new(market, options.clone())
                .and_then(|channel| channel.unary(SEARCH_ITEM, &request, &call))
                .and_then(|answer| found(&answer));
            match answer {
                Ok(items) => return Ok((market, items)),
                Err(status) => last = format!("{market}: {status}"),
            }
        }
        if Instant::now() >= until {
            return Err(Failure::Failed(format!("no server of the market answers: {last}")));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn closed_loop<'l>(
    parsed: &Parsed,
    find: &'l FindLeader<'l>,
    options: &ChannelOptions,
) -> Result<ClosedLoop<'l>, Failure> {
    Ok(ClosedLoop {
        target: find()?,
        find: Some(find),
        options: options.clone(),
        connections: parsed.number("connections", 1, 1..=10_000)? as usize,
        in_flight: parsed.number("inflight", 1, 1..=100_000)? as usize,
        duration: parsed.seconds("seconds", Duration::from_secs(5))?,
        warm_up: parsed.seconds_or_none("warm-up", Duration::from_millis(500))?,
    })
}

/// A trader of this run.
struct Account {
    uuid: String,
    address: String,
    request_id: u64,
}

impl Account {
    /// The UUID is not secret: it is made from the time, and used for this measurement alone.
    fn new(run: u64, role: &str, number: u64) -> Account {
        let (high, low) = (run >> 16 & 0xffff_ffff, run & 0xffff);
        Account {
            uuid: format!("{high:08x}-{low:04x}-4000-8000-{number:012x}"),
            address: format!("bench-{role}-{run}-{number}"),
            request_id: 0,
        }
    }

    /// The trader with its next request id.
    fn next(&mut self) -> Trader<'_> {
        self.request_id += 1;
        Trader { uuid: &self.uuid, address: &self.address, request_id: self.request_id }
    }
}

/// A unique number of this run: microseconds since 1970.
fn run_number() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as u64
}

/// The next calls: of 100, `searches` are searches.
fn calls(
    connections: usize,
    items: u64,
    searches: u64,
    page_size: u32,
) -> impl FnMut(usize, &mut Vec<u8>) -> Option<&'static str> {
    let run = run_number();
    let account = |number| Account::new(run, "buyer", number as u64);
    let mut buyers: Vec<Account> = (0..connections).map(account).collect();
    let (vocabulary, mut random) = (Vocabulary::new(), RandomSource::new(run));
    let mut number = 0_u64;
    move |connection, request| {
        number += 1;
        // A stride: purchases and searches alternate, not in blocks.
        if number.wrapping_mul(61) % 100 < searches {
            let sort = SORT_ORDERS[random.below(SORT_ORDERS.len() as u64) as usize];
            search_item_request(vocabulary.pick(&mut random), sort, page_size, request);
            return Some(SEARCH_ITEM);
        }
        let item = 1 + random.below(items) as u32;
        buy_item_request(&buyers.get_mut(connection)?.next(), item, request);
        Some(BUY_ITEM)
    }
}

/// Puts items on sale up to a number of items. Every run has the same items.
fn fill(
    markets: &[&str],
    options: &ChannelOptions,
    items: u64,
    prints_report: bool,
) -> Result<(), Failure> {
    let (target, present) = leader(markets, options)?;
    let find = || leader(markets, options).map(|(address, _)| address.to_owned());
    let load = ClosedLoop {
        target: target.to_owned(),
        find: Some(&find),
        options: options.clone(),
        connections: FILL_CONNECTIONS,
        in_flight: FILL_IN_FLIGHT,
        duration: Duration::MAX,
        warm_up: Duration::ZERO,
    };
    let measured = load.run(offers(present, items), |done| done.status.is_ok())?;
    if prints_report {
        return load.report(measured, format_args!("{items} items"));
    }
    match measured.first_failure {
        Some(failure) => Err(Failure::because("cannot fill the market", failure)),
        None => Ok(()),
    }
}

/// The offers from one number to another; each connection has its own sellers.
fn offers(mut listed: u64, items: u64) -> impl FnMut(usize, &mut Vec<u8>) -> Option<&'static str> {
    let (run, vocabulary) = (run_number(), Vocabulary::new());
    let mut sellers: Vec<Option<Account>> = (0..FILL_CONNECTIONS).map(|_| None).collect();
    let mut registered = 0;
    move |connection, request| {
        if listed >= items {
            return None;
        }
        let place = sellers.get_mut(connection)?;
        // The seller's first command was to register.
        let seller = place.take().filter(|seller| seller.request_id <= ITEMS_PER_SELLER);
        let is_new = seller.is_none();
        let seller = place.insert(seller.unwrap_or_else(|| {
            registered += 1;
            Account::new(run, "seller", registered)
        }));
        if is_new {
            register_seller_request(&seller.next(), request);
            return Some(REGISTER_SELLER);
        }
        listed += 1;
        let mut random = RandomSource::new(listed);
        let offer = Offer {
            name: &vocabulary.text(&mut random, 24),
            description: &vocabulary.text(&mut random, 90),
            price_cents: 1 + random.below(100_000),
            quantity: QUANTITY,
        };
        sell_item_request(&seller.next(), &offer, request);
        Some(SELL_ITEM)
    }
}
