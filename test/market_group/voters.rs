//! A replica that has lost its directory: no confirmed purchase is ever reported as missing.

use std::fs;

use agora::market::client::{MarketClient, NewItem, Order};
use agora::market::price::Money;
use agora::market::state::{Category, ItemFields, ItemId};
use agora::raft::NodeId;

use crate::group::Group;
use crate::kills::end_of_trading;
use crate::ledger::{bought_by, sold_by};
use crate::process::eventually;

const SUPPLIED: u32 = 100;

/// A market whose replicas know each other, an item on sale, and a buyer.
fn market() -> (Group, ItemId, MarketClient) {
    let group = Group::start(3);
    let seller = group.client("seller");
    seller.register_seller().unwrap();
    let item = NewItem {
        fields: ItemFields {
            name: String::from("lamp"),
            category: Category::Others,
            description: String::from("shines"),
        },
        quantity: SUPPLIED,
        price: Money::from_minor(250),
    };
    let item = seller.sell(&item).unwrap();
    let buyer = group.client("buyer");
    buyer.register_buyer().unwrap();
    eventually("all are voters", || {
        let metadata = |id| fs::read_to_string(group.directory(id).join("metadata.txt"));
        group.ids().all(|id| metadata(id).is_ok_and(|text| text.contains("standing voter\n")))
    });
    (group, item, buyer)
}

fn buy(buyer: &MarketClient, item: ItemId, count: usize) -> Vec<Order> {
    (0..count).map(|_| buyer.buy(item, 1, None).unwrap()).collect()
}

fn wipe(group: &mut Group, id: NodeId) {
    group.kill(id);
    fs::remove_dir_all(group.directory(id)).unwrap();
}

/// The orders of one buyer are all orders, and buyer, seller and stock agree.
#[track_caller]
fn judge(group: &Group, item: ItemId, orders: &[Order]) {
    assert_eq!(bought_by(&group.client("buyer")), orders);
    assert_eq!(sold_by(&group.client("seller")), orders);
    let left = group.client("looker").item(item).unwrap().quantity;
    assert_eq!(left as usize + orders.len(), SUPPLIED as usize);
}

#[test]
fn purchases_are_kept_when_one_replica_of_three_comes_back_empty() {
    let (mut group, item, buyer) = market();
    let (a, b, c) = (0, 1, 2);
    let mut orders = buy(&buyer, item, 5);
    wipe(&mut group, b);
    group.launch(b);
    orders.extend(buy(&buyer, item, 5));
    for id in [a, c] {
        let lost = format!("node {b} has lost its directory");
        eventually("it is said", || group.said(id).contains(&lost));
    }
    judge(&group, item, &orders);
    end_of_trading(&group);
    group.end();
    let state = group.check(&[b]);
    assert!(state.iter().any(|line| line.contains("10 orders of ")), "{state:?}");
}

/// Two of three replicas have the purchases. One of these two restarts with an empty directory,
/// beside the third, which does not have them: the two must not continue without them.
#[test]
fn an_empty_replica_and_one_that_was_down_do_not_trade_without_the_third() {
    let (mut group, item, buyer) = market();
    let (a, b, c) = (0, 1, 2);
    group.kill(c);
    let mut orders = buy(&buyer, item, 5);
    wipe(&mut group, b);
    group.kill(a);
    group.launch(b);
    group.launch(c);
    eventually("both say what is wrong", || {
        [b, c].iter().all(|id| group.said(*id).contains("refused as a voter"))
    });
    for id in [b, c] {
        let buyer = group.client_at("buyer", id);
        let seen = buyer.buyer_orders("");
        assert!(seen.is_err(), "{seen:?}");
        let bought = buyer.buy(item, 1, None);
        assert!(bought.is_err(), "{bought:?}");
    }
    group.launch(a);
    judge(&group, item, &orders);
    orders.extend(buy(&buyer, item, 1));
    judge(&group, item, &orders);
    end_of_trading(&group);
    group.end();
    let state = group.check(&[b]);
    assert!(state.iter().any(|line| line.contains("6 orders of ")), "{state:?}");
}
