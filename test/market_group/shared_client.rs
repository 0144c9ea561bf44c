//! One client that many threads share, while leaders are killed.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use agora::market::client::{NewItem, Order};
use agora::market::price::Money;
use agora::market::state::{Category, ItemFields};

use crate::group::Group;
use crate::ledger::bought_by;
use crate::process::eventually;

const THREADS: usize = 200;

#[test]
fn a_client_that_two_hundred_threads_share_goes_through_failovers() {
    let mut group = Group::start(3);
    let seller = group.client("seller");
    seller.register_seller().unwrap();
    let bulbs = NewItem {
        fields: ItemFields {
            name: String::from("bulbs"),
            category: Category::Others,
            description: String::new(),
        },
        quantity: 1_000_000,
        price: Money::from_minor(1),
    };
    let item = seller.sell(&bulbs).unwrap();
    let buyer = group.client("buyer");
    buyer.register_buyer().unwrap();
    let (stop, done) = (AtomicBool::new(false), AtomicU64::new(0));
    let told: Vec<Order> = thread::scope(|scope| {
        let work = || {
            let mut orders = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                orders.push(buyer.buy(item, 1, None).unwrap());
                done.fetch_add(1, Ordering::Relaxed);
            }
            orders
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        let progress = |more: u64| {
            let wanted = done.load(Ordering::Relaxed) + more;
            eventually("purchases go on", || {
                let is_over = threads.iter().any(|thread| thread.is_finished());
                is_over || done.load(Ordering::Relaxed) >= wanted
            });
        };
        progress(1_000);
        for replica in group.ids() {
            group.kill(replica);
            progress(1_000);
            group.launch(replica);
            progress(500);
        }
        stop.store(true, Ordering::Relaxed);
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    // Each thread got orders of its own, and there are no others.
    let ids: BTreeSet<_> = told.iter().map(|order| order.id).collect();
    assert_eq!(ids.len(), told.len(), "an order was told of twice");
    let kept = bought_by(&buyer);
    assert!(kept.iter().map(|order| order.id).eq(ids), "{} kept, {} told", kept.len(), told.len());
    assert_eq!(seller.item(item).unwrap().quantity as usize, 1_000_000 - told.len());
}
