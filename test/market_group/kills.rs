//! kill -9 of a replica every second, while 32 clients trade.

use std::time::{Duration, Instant};

use agora::market::client::NewItem;
use agora::market::price::Money;
use agora::market::state::{Category, ItemFields};

use crate::group::Group;
use crate::ledger::{judge, sold_by};
use crate::seed::Seed;
use crate::traders::Traders;
use crate::wait::pace_until;

const SELLERS: u64 = 8;
const BUYERS: u64 = 24;
/// The shortest time between two kills.
const BETWEEN_KILLS: Duration = Duration::from_secs(1);

/// `AGORA_SECONDS` says how long, `AGORA_SEED` which replicas; `scripts/soak market` sets them.
#[test]
#[ignore = "half a minute: scripts/test trading, scripts/soak market SECONDS"]
fn no_order_is_lost_or_executed_twice_and_the_ledger_balances() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let seconds = number("AGORA_SECONDS").unwrap_or(20);
    run(Duration::from_secs(seconds), number("AGORA_SEED").unwrap_or(1));
}

#[test]
fn a_few_seconds_of_it() {
    run(Duration::from_secs(4), 1000);
}

fn run(span: Duration, number: u64) {
    let mut seed = Seed::new(number);
    let mut group = Group::start(3);
    let began = Instant::now();
    let traders = Traders::start(&group, SELLERS, BUYERS, number);
    traders.await_progress(100);
    let mut kills = 0;
    while began.elapsed() < span {
        let next = Instant::now() + BETWEEN_KILLS;
        let victim = seed.below(3) as u64;
        group.kill(victim);
        kills += 1;
        // The others continue without it, or it is back before they detect its failure.
        if seed.one_in(2) {
            traders.await_progress(1 + seed.below(100) as u64);
        }
        group.launch(victim);
        traders.await_progress(1 + seed.below(50) as u64);
        pace_until(next);
    }
    let remembered = traders.end(sold_by);
    let unknown: u64 = remembered.bought.iter().map(|bought| bought.unknown).sum();
    assert_eq!(unknown, 0, "everybody's patience outlasts every failover");
    let orders = judge(&group, &remembered);
    end_of_trading(&group);
    group.end();
    let state = group.check(&[]);
    let counted = format!("{orders} orders of ");
    assert!(state.iter().any(|line| line.contains(&counted)), "{counted:?} in {state:?}");
    println!(
        "seed {number}: {:.0} s are good: {kills} kills, {} deeds, {orders} orders; {}",
        began.elapsed().as_secs_f64(),
        remembered.done,
        state.join("; ")
    );
    assert!(kills > 0 && orders > 50, "{kills} kills, {orders} orders");
}

/// One more item: a replica that has it has all entries before it.
pub fn end_of_trading(group: &Group) {
    let closer = group.client("closer");
    closer.register_seller().unwrap();
    let end = NewItem {
        fields: ItemFields {
            name: String::from("finis"),
            category: Category::Others,
            description: String::new(),
        },
        quantity: 1,
        price: Money::from_minor(1),
    };
    closer.sell(&end).unwrap();
    group.await_everywhere("finis");
}
