//! Compares the records of the clients with the market's ledger.

use std::collections::{BTreeMap, BTreeSet};

use agora::market::client::{Event, MarketClient, Order};
use agora::market::state::{ItemId, OrderId};

use crate::group::Group;
use crate::traders::{Bought, Notified, Remembered, SUPPLIED};

/// All orders of an account, ascending, page by page.
fn all_orders(page: impl Fn(&str) -> agora::market::client::Page<Order>) -> Vec<Order> {
    let (mut orders, mut token) = (Vec::new(), String::new());
    loop {
        let listing = page(&token);
        orders.extend(listing.entries);
        if listing.next.is_empty() {
            orders.reverse();
            return orders;
        }
        token = listing.next;
    }
}

pub fn sold_by(client: &MarketClient) -> Vec<Order> {
    all_orders(|token| client.seller_orders(token).unwrap())
}

pub fn bought_by(client: &MarketClient) -> Vec<Order> {
    all_orders(|token| client.buyer_orders(token).unwrap())
}

/// Checks everything. Returns the number of orders.
#[track_caller]
pub fn judge(group: &Group, remembered: &Remembered) -> usize {
    let mut ledger: BTreeMap<OrderId, Order> = BTreeMap::new();
    for bought in &remembered.bought {
        for order in check_buyer(group, bought) {
            assert_eq!(order.buyer, bought.name);
            let twice = ledger.insert(order.id, order);
            assert_eq!(twice, None, "one order of two buyers");
        }
    }
    // Numbers without gaps: every order of the ledger is in a list.
    assert!(ledger.keys().copied().eq((1..=ledger.len() as u32).map(OrderId)));
    let mut sold = BTreeSet::new();
    for told in &remembered.told {
        for order in check_seller(group, told) {
            assert_eq!(ledger.get(&order.id), Some(&order), "both sides see the same order");
            sold.insert(order.id);
        }
    }
    assert!(sold.iter().eq(ledger.keys()), "every order has a seller");
    check_stock(group, &ledger, &remembered.fixed);
    ledger.len()
}

/// Every confirmed order is in the ledger as it was confirmed, and there are no others but those
/// whose answer the buyer did not get.
fn check_buyer(group: &Group, bought: &Bought) -> Vec<Order> {
    let kept = bought_by(&group.client(&bought.name));
    let by_id: BTreeMap<OrderId, &Order> = kept.iter().map(|order| (order.id, order)).collect();
    assert_eq!(by_id.len(), kept.len(), "an order is listed twice");
    let mut acknowledged = BTreeSet::new();
    for order in &bought.orders {
        assert!(acknowledged.insert(order.id), "{} was told of {} twice", bought.name, order.id);
        assert_eq!(by_id.get(&order.id), Some(&order), "{}'s order {}", bought.name, order.id);
    }
    let unheard = kept.len() - acknowledged.len();
    assert!(unheard as u64 <= bought.unknown, "{} has {unheard} orders too many", bought.name);
    kept
}

/// A seller was notified of each order once, in order.
fn check_seller(group: &Group, told: &Notified) -> Vec<Order> {
    let sold = sold_by(&group.client(&told.name));
    let news = told.notifications.iter().filter_map(|notification| match &notification.event {
        Event::Sold(order) => Some(order),
        _ => None,
    });
    assert!(news.eq(&sold), "{} was told of other orders than there are", told.name);
    sold
}

/// Pieces sold and left are those supplied.
fn check_stock(group: &Group, ledger: &BTreeMap<OrderId, Order>, fixed: &[ItemId]) {
    let looker = group.client("looker");
    for item in fixed {
        let sold = ledger.values().filter(|order| order.item == *item);
        let sold: u32 = sold.map(|order| order.quantity).sum();
        let left = looker.item(*item).unwrap().quantity;
        assert_eq!(sold + left, SUPPLIED, "item {item}");
    }
}
