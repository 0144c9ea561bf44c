//! Floods of a market from one address, at processes of one and of three nodes. A customer at
//! another address is served all the while. The attacker is at 127.0.0.1, the customer at 127.0.0.2;
//! flags that are given limit loopback as well.

#[cfg(feature = "sha2")]
mod idle_accounts;
mod market_process;
mod shopper;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use agora::call::{Code, Status};
use agora::market::contract::{FULL, RETRY_AFTER_MS};

use crate::wait::poll_until;
use market_process::{Group, check, size_of};
use shopper::Shopper;

/// A thousand times the limit. A million take minutes; `AGORA_REGISTRATIONS` sets the number.
const REGISTRATIONS: usize = 20_000;
const RATINGS: usize = 50_000;
const WISHES: usize = 10_000;

fn registrations() -> usize {
    let number = std::env::var("AGORA_REGISTRATIONS").ok().and_then(|text| text.parse().ok());
    number.unwrap_or(REGISTRATIONS)
}

const LIMITS: [&str; 8] = [
    "--registrations-per-hour",
    "20",
    "--ratings-per-hour",
    "100",
    "--wishes-per-hour",
    "300",
    "--items-per-hour",
    "500",
];

/// How much a market may grow by a flood.
const MAX_GROWTH_BYTES: u64 = 32 * 1024 * 1024;
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// A refusal that says when to come again, in words and to machines.
fn assert_too_many(status: &Status) {
    assert_eq!(status.code, Code::ResourceExhausted, "{status}");
    assert!(status.message.contains("come again in "), "{status}");
    assert!(status.metadata.get(FULL).is_some(), "our clients do not repeat it");
    let wait = status.metadata.get(RETRY_AFTER_MS).unwrap();
    let wait: u64 = std::str::from_utf8(wait).unwrap().parse().unwrap();
    assert!((1..=3_600_000).contains(&wait), "{wait} ms");
}

/// Makes `count` calls from several threads. Returns how many succeeded, and how long all took.
fn flood(count: usize, call: impl Fn(usize) -> Result<(), Status> + Sync) -> (usize, Duration) {
    let (next, taken, begun) = (AtomicUsize::new(0), AtomicUsize::new(0), Instant::now());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        break;
                    }
                    match call(number) {
                        Ok(()) => drop(taken.fetch_add(1, Ordering::Relaxed)),
                        Err(status) => assert_too_many(&status),
                    }
                }
            });
        }
    });
    (taken.into_inner(), begun.elapsed())
}

/// Buys from another address until `attack` has ended. Returns the median and the longest time.
fn served_during(customer: &Shopper, attack: impl FnOnce() + Send) -> (Duration, Duration) {
    let is_over = Arc::new(AtomicBool::new(false));
    let mut times = Vec::new();
    std::thread::scope(|scope| {
        let attacked = scope.spawn(|| {
            attack();
            is_over.store(true, Ordering::Relaxed);
        });
        while !is_over.load(Ordering::Relaxed) && !attacked.is_finished() {
            let begun = Instant::now();
            customer.buy(1).unwrap();
            times.push(begun.elapsed());
        }
        attacked.join().unwrap();
    });
    times.sort_unstable();
    (times[times.len() / 2], *times.last().unwrap())
}

fn attack_all(market: &Group, target: &str, customer: &Shopper) {
    // One account that the attacker has before.
    let known = Shopper::new(target, "eve");
    known.register_buyer().unwrap();
    let shoppers = Shopper::new(target, "many");
    let report = |what: &str, count: usize, (taken, took): (usize, Duration)| {
        eprintln!("{count} {what} from one address in {took:?}: {taken} taken");
    };
    // The buckets gain a little while the attack lasts.
    let gain = |per_hour: usize, took: Duration| per_hour * took.as_secs() as usize / 3600 + 1;
    let (median, longest) = served_during(customer, || {
        let count = registrations();
        let result = flood(count, |number| shoppers.register_another(number));
        report("registrations", count, result);
        assert!(result.0 <= 19 + gain(20, result.1), "{}", result.0);
        let result = flood(RATINGS, |number| known.rate(2 + number % 400));
        report("ratings", RATINGS, result);
        assert!((100..=100 + gain(100, result.1)).contains(&result.0), "{}", result.0);
        let result = flood(WISHES, |number| known.wish(2 + number % 400));
        report("wishes", WISHES, result);
        assert!((300..=300 + gain(300, result.1)).contains(&result.0), "{}", result.0);
    });
    eprintln!("meanwhile a customer's purchase took {median:?}, at most {longest:?}");
    assert!(median < Duration::from_millis(100), "{median:?}");
    // A newcomer at the other address is welcome.
    market.customer(target, "newcomer").register_buyer().unwrap();
}

/// A seller at the customer's address with a lamp and 400 other items, and a customer.
fn open_shop(market: &Group, target: &str) -> Shopper {
    let seller = market.customer(target, "asha");
    seller.register_seller().unwrap();
    seller.sell("lamp", 1_000_000).unwrap();
    (0..400).for_each(|_| seller.sell("case", 5).unwrap());
    let customer = market.customer(target, "bela");
    customer.buy(1).unwrap();
    customer
}

#[test]
fn a_flood_from_one_address_fills_neither_the_market_nor_its_disk() {
    let mut market = Group::start(1, &LIMITS);
    let target = market.addresses[0].clone();
    let customer = open_shop(&market, &target);
    let (memory, files) = (market.memory(0), size_of(&market.directory(0)));
    attack_all(&market, &target, &customer);
    let memory = market.memory(0).saturating_sub(memory);
    // Beside the customer's purchases.
    let orders = customer.orders_made() * 400;
    let files = size_of(&market.directory(0)).saturating_sub(files).saturating_sub(orders);
    eprintln!("the process grew by {memory} bytes, its files by {files}");
    assert!(memory < MAX_GROWTH_BYTES, "{memory}");
    assert!(files < MAX_FILE_BYTES, "{files}");
    market.kill(0);
    let checked = check(&market.directory(0));
    assert!(checked.contains(" orders of"), "{checked}");
}

#[test]
fn a_group_of_three_is_not_flooded_either_and_limits_outlive_its_leader() {
    let policy = [&LIMITS[..], &["--max-wishes", "3"]].concat();
    let mut group = Group::start(3, &policy);
    let leader = group.leader();
    let target = group.addresses[leader].clone();
    let customer = open_shop(&group, &target);
    // The flags of the leader are in force when they are in the log.
    let eve = Shopper::new(&target, "eve");
    poll_until("the policy is in the log", Duration::from_secs(20), || {
        group.logs_have("SET-POLICY wishes=3 by=leader")
    });
    let wishes = (2..10).filter(|item| eve.wish(*item).is_ok()).count();
    assert_eq!(wishes, 3, "of one account, exactly");
    let many = Shopper::new(&target, "many");
    let (median, _) = served_during(&customer, || {
        let (taken, _) = flood(REGISTRATIONS / 10, |number| many.register_another(number));
        assert!((18..=20).contains(&taken), "{taken}");
    });
    assert!(median < Duration::from_millis(100), "{median:?}");
    // The operator blocks the attacker's account.
    let admin = |words: &[&str]| group.admin(words);
    assert_eq!(admin(&["block", "eve", "--why", "a flood"]), (true, "SUCCESS\n".to_owned()));
    assert_eq!(eve.buy(1).unwrap_err().code, Code::PermissionDenied);
    assert!(admin(&["list"]).1.starts_with("blocked account eve\n"));
    group.kill(leader);
    let leader = group.leader();
    let target = group.addresses[leader].clone();
    // The buckets of a new leader are full once; bounds and blocks are in the replicated state.
    let many = many.at(&target);
    let (taken, _) =
        flood(REGISTRATIONS / 10, |number| many.register_another(REGISTRATIONS + number));
    assert!((19..=21).contains(&taken), "{taken}");
    let eve = eve.at(&target);
    assert_eq!(eve.buy(1).unwrap_err().code, Code::PermissionDenied);
    assert_eq!(eve.wish(20).unwrap_err().code, Code::PermissionDenied);
    assert!(group.logs_have("BLOCK-ACCOUNT eve by=127.0.0.1 why=a\\ flood"));
    let admin = |words: &[&str]| group.admin(words);
    assert!(admin(&["unblock", "eve"]).0);
    eve.buy(1).unwrap();
    assert_eq!(eve.wish(20).unwrap_err().code, Code::ResourceExhausted, "it has 3 wishes");
    // The customer's purchases go on at the new leader.
    group.customer(&target, "bela").buy(1).unwrap();
}

/// Calls until one is refused, and at most `count` times. Returns how many were taken.
fn taken(count: usize, mut call: impl FnMut(usize) -> Result<(), Status>) -> (usize, Status) {
    for number in 0..count {
        if let Err(refused) = call(number) {
            return (number, refused);
        }
    }
    panic!("{count} calls, and none was refused");
}

#[test]
fn orders_updates_and_repeated_registrations_of_one_address_are_limited() {
    let market = Group::start(1, &["--orders-per-hour", "50", "--updates-per-hour", "30"]);
    let target = market.addresses[0].clone();
    let seller = market.customer(&target, "asha");
    seller.register_seller().unwrap();
    seller.sell("lamp", 1_000_000).unwrap();
    let eve = Shopper::new(&target, "eve");
    // A new account costs no update.
    eve.register_buyer().unwrap();
    let log = size_of(&market.directory(0));
    let (orders, refused) = taken(60, |_| eve.buy(1));
    assert_too_many(&refused);
    assert!((50..=51).contains(&orders), "{orders}");
    let (updates, refused) = taken(40, |_| eve.register_buyer());
    assert_too_many(&refused);
    assert!((30..=31).contains(&updates), "{updates}");
    for _ in 0..5_000 {
        assert_too_many(&eve.register_buyer().unwrap_err());
        assert_too_many(&eve.buy(1).unwrap_err());
    }
    let grown = size_of(&market.directory(0)) - log;
    eprintln!("10,000 refused calls: the files grew by {grown} bytes, most by the 80 taken");
    assert!(grown < 80 * 1_000, "{grown}");
    // Somebody else's are not counted.
    seller.update(1).unwrap();
    market.customer(&target, "bela").buy(1).unwrap();
}

#[test]
fn a_market_at_its_quota_refuses_growth_and_serves_what_it_has() {
    let quota = ["--quota-bytes", "100000"];
    let mut group = Group::start(3, &quota);
    let leader = group.leader();
    let target = group.addresses[leader].clone();
    let seller = group.customer(&target, "asha");
    seller.register_seller().unwrap();
    seller.sell("lamp", 1_000).unwrap();
    seller.sell("case", 1_000).unwrap();
    let many = Shopper::new(&target, "many");
    let (accounts, refused) = taken(1_000, |number| many.register_another(number));
    eprintln!("{accounts} accounts in 100,000 bytes, then: {refused}");
    assert_eq!(refused.code, Code::ResourceExhausted);
    assert!(refused.metadata.get(FULL).is_some());
    for words in ["of 100000 bytes (--quota-bytes)", "delete items", "larger quota"] {
        assert!(refused.message.contains(words), "{words}: {refused}");
    }
    // Another leader counts alike.
    group.kill(leader);
    let leader = group.leader();
    let target = group.addresses[leader].clone();
    let (seller, many) = (seller.at(&target), many.at(&target));
    let again = many.register_another(1_000_000).unwrap_err();
    assert_eq!(again.message, refused.message);
    seller.show(1).unwrap();
    seller.update(1).unwrap();
    seller.delete(2).unwrap();
    many.register_another(1_000_000).unwrap();
}

#[test]
fn names_that_deceive_and_hostile_texts_reach_nobody_raw() {
    let market = Group::start(1, &[]);
    let target = market.addresses[0].clone();
    for (name, named) in [
        ("as\u{200b}ha", "U+200B"),
        ("asha\u{61c}", "U+061C"),
        ("\u{430}sha", "Cyrillic"),
        ("asha\u{e0041}", "U+E0041"),
    ] {
        let refused = Shopper::new(&target, name).register_seller().unwrap_err();
        assert_eq!(refused.code, Code::InvalidArgument, "{name:?}");
        assert!(refused.message.contains(named), "{refused}");
    }
    let seller = Shopper::new(&target, "Zo\u{eb}");
    seller.register_seller().unwrap();
    seller.sell("la\u{200b}mp", 5).unwrap();
    let shown = market.run(&["buyer", "--market", &target, "--as", "bela", "show", "1"]);
    assert!(shown.0, "{}", shown.1);
    assert!(shown.1.contains("la\\u{200b}mp") && !shown.1.contains('\u{200b}'), "{}", shown.1);
}
